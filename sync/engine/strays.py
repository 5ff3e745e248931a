"""Strays: tickets of a replica that no link accounts for, and tickets with comments that are not as they were."""

from __future__ import annotations

from dataclasses import dataclass

from sync.core.fieldrules import equal
from sync.core.ids import NativeRef, TicketId
from sync.core.linking import read_marker
from sync.core.models import Field, NativeComment, NativeTicket
from sync.engine.reading import Reader
from sync.engine.runtime import Bridge, Replica
from sync.engine.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """One ticket; `mends` says whether the next cycle will make it right once it is in the inbox."""

    native: NativeTicket
    standing: Standing
    key: str
    reason: str
    mends: bool = True


def listed(bridge: Bridge, replica: Replica) -> list[NativeRef]:
    """The strays of a full listing; a list may lag, so that each is to be confirmed by reading it."""
    found: dict[NativeRef, None] = {}
    seen = 0
    for page in replica.adapter.pull(None):
        with bridge.store.read() as tx:
            reader = Reader(bridge=bridge, replica=replica, tx=tx)
            for native in page.tickets:
                if _judged(reader, native) is not None:
                    found[native.ref] = None
            for comment in page.comments:
                if tx.links.by_ref(bridge.name, replica.name, comment.ticket) and _is_news(reader, comment):
                    found[comment.ticket] = None
        seen += len(page.tickets)
        bridge.progress.step("list", replica.name, seen, page.total)
        if bridge.stop.is_set():
            break
    return list(found)


def confirmed(bridge: Bridge, replica: Replica, refs: list[NativeRef]) -> list[Stray]:
    """Those that are strays when they are read directly."""
    found = list(replica.adapter.fetch(refs)) if refs else []
    with bridge.store.read() as tx:
        reader = Reader(bridge=bridge, replica=replica, tx=tx)
        natives = [one for one in found if isinstance(one, NativeTicket)]
        return [stray for one in natives if (stray := _judged(reader, one)) is not None]


def _judged(reader: Reader, native: NativeTicket) -> Stray | None:
    bridge, tx, name = reader.bridge, reader.tx, reader.replica.name
    link = tx.links.by_ref(bridge.name, name, native.ref, removed=True)
    if link is not None and link.state != "active":
        return None  # somebody parted them, or it was believed gone and comes back by itself
    if link is not None:
        news = sum(_is_news(reader, comment) for comment in native.comments or ())
        record = tx.tickets.get(link.ticket)
        if not news or tx.inbox.take(bridge.name, name, native.ref):
            return None
        key = "" if record is None else record.key
        reason = f"{news} of its comments changed or came, and no feed told of it"
        return Stray(native=native, standing=Standing.DRIFTED, key=key, reason=reason)
    if tx.inbox.take(bridge.name, name, native.ref):
        return Stray(native=native, standing=Standing.PENDING, key="", reason="it is new, and was pulled")
    return _unlinked(reader, native)


def _unlinked(reader: Reader, native: NativeTicket) -> Stray | None:
    marker = reader.decode(native).marker
    if marker is None:
        if not reader.replica.reads:
            return None
        reason = "it takes part in the bridge, and no feed told of it"
        return Stray(native=native, standing=Standing.NEVER, key="", reason=reason)
    ticket = read_marker(marker, reader.replica.name, reader.bridge.secret)
    record = None if ticket is None else reader.tx.tickets.get(TicketId(ticket))
    if record is None or record.bridge != reader.bridge.name:
        reason = "it carries the marker of another trackdown installation; join it with `trackdown links add`"
        return Stray(native=native, standing=Standing.ORPHAN, key="", reason=reason, mends=False)
    copy = next((one for one in reader.tx.links.of_ticket(record.id) if one.replica == reader.replica.name), None)
    if copy is None:
        reason = f"it is our copy of {record.key}, and nothing links them"
        return Stray(native=native, standing=Standing.ORPHAN, key=record.key, reason=reason)
    reason = f"it carries the marker of {record.key}, whose copy here is {copy.key or copy.ref}; close it, or take the marker out"
    return Stray(native=native, standing=Standing.ORPHAN, key=record.key, reason=reason, mends=False)


def _is_news(reader: Reader, native: NativeComment) -> bool:
    """Whether the comment would be taken for new or for edited, had it been pulled."""
    bridge, tx, name = reader.bridge, reader.tx, reader.replica.name
    link = tx.links.by_ref(bridge.name, name, native.ref, comment=True, removed=True)
    if link is None:
        return reader.replica.reads and not reader.is_restricted(native)
    base = reader.base(link) if link.state == "active" else None
    return base is not None and not equal(Field.BODY, reader.decode_comment(native)[Field.BODY], base.get(Field.BODY))
