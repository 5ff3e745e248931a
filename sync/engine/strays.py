"""Strays: tickets of a replica that no link accounts for, and comments that are not as they were."""

from __future__ import annotations

from collections.abc import Iterable

from sync.core.fieldrules import equal
from sync.core.ids import TicketId
from sync.core.linking import read_marker
from sync.core.models import Field, NativeComment, NativeTicket
from sync.engine.reading import Reader
from sync.engine.standing import Finding, Standing


def unlinked(reader: Reader, native: NativeTicket) -> Finding | None:
    """What a ticket without a link is; None where it takes no part in the bridge."""

    def finding(standing: Standing, reason: str, *, key: str = "", mends: bool = True) -> Finding:
        return Finding(
            replica=reader.replica.name, standing=standing, where=native.key, key=key, reason=reason, mends=mends
        )

    tx, name = reader.tx, reader.replica.name
    if tx.inbox.take(reader.bridge.name, name, native.ref):
        return finding(Standing.PENDING, "it is new, and was pulled")
    marker = reader.decode(native).marker
    if marker is None:
        reason = "it takes part in the bridge, and no feed told of it"
        return finding(Standing.NEVER, reason) if reader.replica.reads else None
    ticket = read_marker(marker, name, reader.bridge.secret)
    record = None if ticket is None else tx.tickets.get(TicketId(ticket))
    if record is None or record.bridge != reader.bridge.name:
        reason = "it carries the marker of another trackdown installation; join it with `trackdown links add`"
        return finding(Standing.ORPHAN, reason, mends=False)
    copy = next((one for one in tx.links.of_ticket(record.id) if one.replica == name), None)
    if copy is None:
        return finding(Standing.ORPHAN, f"it is our copy of {record.key}, and nothing links them", key=record.key)
    reason = f"it carries the marker of {record.key}, whose copy here is {copy.key or copy.ref}: close it, or take the marker out"
    return finding(Standing.ORPHAN, reason, key=record.key, mends=False)


def news(reader: Reader, comments: Iterable[NativeComment]) -> int:
    """How many of the comments of a linked ticket would be taken for new or for edited, had they been pulled."""
    return sum(_is_news(reader, comment) for comment in comments)


def _is_news(reader: Reader, native: NativeComment) -> bool:
    link = reader.tx.links.by_ref(reader.bridge.name, reader.replica.name, native.ref, comment=True, removed=True)
    if link is None:
        return reader.replica.reads and not reader.is_restricted(native)
    base = reader.base(link) if link.state == "active" else None
    return base is not None and not equal(Field.BODY, reader.decode_comment(native)[Field.BODY], base.get(Field.BODY))
