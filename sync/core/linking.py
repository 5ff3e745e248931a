"""Which native tickets are one ticket: by marker, by the link map, or by an explicit reference; never by a guess."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sync.core.ids import Marker, NativeRef, ReplicaName

#: Whole lines that say "this ticket is that one"; "see", "related to" and the like do not.
_REFERENCE = re.compile(
    r"^[ \t]*(?:[-*][ \t]+)?(?:\*\*|__)?"
    r"(?:mirrors?|mirror of|mirrored (?:from|in)|tracked (?:in|by)|synced (?:with|from)|same as|jira|github|azure devops|azure boards|ado)"
    r"(?:\*\*|__)?[ \t]*:?(?:\*\*|__)?[ \t]+<?(?P<target>\S+?)>?[ \t]*$",
    re.IGNORECASE,
)
_LINK = re.compile(r"^\[[^\]]*\]\((?P<url>[^)\s]+)\)$")
_TARGET = re.compile(
    r"^(?:https?://\S+|[A-Z][A-Z0-9_]+-\d+|(?:[\w.-]+/[\w.-]+)?#\d+|AB#\d+)$",
    re.IGNORECASE,
)

_MARKER = re.compile(r"^trackdown:v1:(?P<id>[0-9a-z]+):(?P<mac>[0-9a-f]{16})$")


def explicit_references(markdown: str) -> tuple[str, ...]:
    """The tickets elsewhere that a body names as being the same one, as written: URLs and keys, in order, once each."""
    found: dict[str, None] = {}
    for line in markdown.splitlines():
        if (match := _REFERENCE.match(line)) is None:
            continue
        target = match["target"]
        if (link := _LINK.match(target)) is not None:
            target = link["url"]
        if _TARGET.match(target):
            found.setdefault(target)
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The names by which people refer to one native ticket."""

    replica: ReplicaName
    ref: NativeRef
    key: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """A proposal: `newcomer` is the ticket that `address` already is, because `reference` says so."""

    replica: ReplicaName
    ref: NativeRef
    reference: str
    address: Address


def adoptions(
    newcomers: Mapping[tuple[ReplicaName, NativeRef], Sequence[str]],
    addresses: Sequence[Address],
) -> tuple[tuple[Adoption, ...], tuple[tuple[tuple[ReplicaName, NativeRef], str], ...]]:
    """Who may be adopted, and who may not with the reason.

    A pair is adopted when one ticket names exactly one ticket of another replica and no second ticket of its own
    replica names the same one.
    """
    index: dict[str, list[Address]] = {}
    for address in addresses:
        for name in {address.key.casefold(), address.url.rstrip("/").casefold()}:
            index.setdefault(name, []).append(address)
    claimed: dict[tuple[ReplicaName, NativeRef, ReplicaName], list[Adoption]] = {}
    refused: list[tuple[tuple[ReplicaName, NativeRef], str]] = []
    for (replica, ref), references in sorted(newcomers.items()):
        for reference in references:
            targets = [a for a in index.get(reference.rstrip("/").casefold(), ()) if a.replica != replica]
            if len(targets) > 1:
                refused.append(((replica, ref), f"'{reference}' names {len(targets)} tickets"))
            elif targets:
                target = targets[0]
                proposal = Adoption(replica=replica, ref=ref, reference=reference, address=target)
                claimed.setdefault((target.replica, target.ref, replica), []).append(proposal)
    adopted: list[Adoption] = []
    for proposals in claimed.values():
        if len(proposals) == 1:
            adopted.append(proposals[0])
            continue
        for proposal in proposals:
            names = f"'{proposal.reference}' is named by {len(proposals)} tickets of {proposal.replica}"
            refused.append(((proposal.replica, proposal.ref), names))
    return tuple(adopted), tuple(refused)


def make_marker(entity_id: str, replica: ReplicaName, secret: bytes) -> Marker:
    """The marker for the copy of a ticket or comment in one replica; only who holds `secret` can make one."""
    return Marker(f"trackdown:v1:{entity_id}:{_mac(entity_id, replica, secret)}")


def read_marker(marker: Marker, replica: ReplicaName, secret: bytes) -> str | None:
    """The id in a marker that we made for this replica; None for a forged, foreign or broken one."""
    match = _MARKER.fullmatch(marker)
    if match is None or not hmac.compare_digest(match["mac"], _mac(match["id"], replica, secret)):
        return None
    return match["id"]


def _mac(entity_id: str, replica: ReplicaName, secret: bytes) -> str:
    return hmac.new(secret, f"{entity_id}\0{replica}".encode(), hashlib.sha256).hexdigest()[:16]
