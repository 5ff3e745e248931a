"""Files in texts: `attachment:<id>` in canonical terms, in each replica the address of its own copy."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sync.core.ids import AttachmentId, BridgeName, ReplicaName
from sync.store import Tx

SCHEME = "attachment:"
_ADDRESS = re.compile(r"https?://[^\s<>()\[\]\"'`|]+")
_OURS = re.compile(r"attachment:([0-9a-f]{32})\b")
_LISTED = re.compile(r"\[(?P<name>.*)\]\((?P<url>[^()\s]+)\)", re.DOTALL)


def with_ids(tx: Tx, bridge: BridgeName, text: str) -> str:
    """The text with known files by our ids, whichever tracker's address stands there."""
    if "://" not in text:
        return text
    known = tx.attachments.by_url(bridge, set(_ADDRESS.findall(text)))
    return _ADDRESS.sub(lambda one: SCHEME + known[one[0]] if one[0] in known else one[0], text) if known else text


def with_addresses(tx: Tx, replica: ReplicaName, text: str) -> str:
    """The text with files by the address of the replica's own copy, else by where they came from."""
    if SCHEME not in text:
        return text
    known = tx.attachments.addresses(replica, set(_OURS.findall(text)))
    return _OURS.sub(lambda one: known[AttachmentId(one[1])][1] if AttachmentId(one[1]) in known else one[0], text)


def listed_ids(tx: Tx, bridge: BridgeName, listed: Iterable[str]) -> frozenset[str]:
    """The ids behind members of `ATTACHMENTS` as a codec gives them; what is no file of ours is left out."""
    urls = {found["url"] for one in listed if (found := _LISTED.fullmatch(one)) is not None}
    return frozenset(tx.attachments.by_url(bridge, urls).values()) if urls else frozenset()


def listed(tx: Tx, replica: ReplicaName, ids: Iterable[str]) -> frozenset[str]:
    """The members of `ATTACHMENTS` as a codec takes them."""
    found = tx.attachments.addresses(replica, ids).values()
    return frozenset(f"[{re.sub(r'[][()]', '_', name)}]({url})" for name, url in found)


def mentioned(text: str) -> set[AttachmentId]:
    """The files that a canonical text names."""
    return {AttachmentId(one) for one in _OURS.findall(text)}
