"""Links and parents that vanish because the other ticket did: nobody took them away, so nobody is told to."""

from __future__ import annotations

from collections.abc import Iterable

from sync.core.claims import as_set
from sync.core.errors import TrackerError
from sync.core.ids import NativeRef, ReplicaName, TicketId
from sync.core.models import Field, Fields, Gone, Value, link_parts
from sync.engine.reading import Reader
from sync.engine.runtime import Bridge
from sync.store import Lease
from sync.store.records import LinkRecord


def confirm_ends(bridge: Bridge, lease: Lease, available: Iterable[ReplicaName]) -> None:
    """Where a ticket lost a link or its parent, look whether the other ticket is still there; what is gone goes into the inbox.

    Costs requests only where something was lost. A tracker that does not answer now is asked when it is written to.
    """
    for name in available:
        with bridge.store.read() as tx:
            reader = Reader(bridge=bridge, replica=bridge.replicas[name], tx=tx)
            waiting = tx.inbox.ticket_refs(bridge.name, name)
            linked = tx.links.refs_to_tickets(bridge.name, name, waiting)
            lost = {other for ref in linked for other in _lost(reader, ref)}
            refs = set(tx.links.tickets_to_refs(bridge.name, name, lost).values()) - set(waiting) if lost else set()
        if not refs:
            continue
        try:
            gone = [one for one in reader.replica.adapter.fetch(sorted(refs), comments=False) if isinstance(one, Gone)]
        except TrackerError:
            continue
        with bridge.store.begin(lease) as tx:
            tx.inbox.put(bridge.name, name, gone=gone)


def _lost(reader: Reader, ref: NativeRef) -> set[TicketId]:
    link = reader.tx.links.by_ref(reader.bridge.name, reader.replica.name, ref)
    if link is None or link.base is None or not (as_set(link.base.get(Field.LINKS)) or link.base.get(Field.PARENT)):
        return set()
    native = reader.tx.inbox.take(reader.bridge.name, reader.replica.name, ref).ticket
    if native is None:
        return set()
    seen = reader.resolved(reader.decode(native).snapshot.fields)
    members = as_set(link.base.get(Field.LINKS)) - as_set(seen.get(Field.LINKS))
    others = {TicketId(link_parts(member)[1]) for member in members}
    parent = link.base.get(Field.PARENT)
    return others | ({TicketId(parent)} if isinstance(parent, str) and parent and not seen.get(Field.PARENT) else set())


def with_ended(reader: Reader, link: LinkRecord, seen: Fields) -> Fields:
    """What stands there, with the links and the parent of before whose other ticket is not there any more."""
    base = link.base or {}
    kept: dict[Field, Value] = {}
    members = as_set(base.get(Field.LINKS)) - as_set(seen.get(Field.LINKS)) if Field.LINKS in seen else frozenset()
    if ended := frozenset(member for member in members if _is_ended(reader, link_parts(member)[1])):
        kept[Field.LINKS] = as_set(seen[Field.LINKS]) | ended
    parent = base.get(Field.PARENT)
    if Field.PARENT in seen and not seen[Field.PARENT] and isinstance(parent, str) and parent:
        kept |= {Field.PARENT: parent} if _is_ended(reader, parent) else {}
    return {**seen, **kept} if kept else seen


def _is_ended(reader: Reader, other: str) -> bool:
    tx, bridge, name = reader.tx, reader.bridge.name, reader.replica.name
    ref = tx.links.tickets_to_refs(bridge, name, [TicketId(other)]).get(TicketId(other))
    return ref is None or tx.inbox.take(bridge, name, ref).gone is not None
