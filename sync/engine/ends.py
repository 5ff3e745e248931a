"""Links and parents that vanish because the other ticket did: nobody took them away, so nobody is told to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sync.core.claims import as_set
from sync.core.errors import AuthFailed, Retryable, TrackerError
from sync.core.ids import NativeRef, ReplicaName, RunId, TicketId
from sync.core.models import Field, Fields, Gone, NativeTicket, Value, link_parts, other_end
from sync.engine.reading import Reader
from sync.engine.runtime import Bridge, Replica
from sync.store import Lease
from sync.store.convert import fields_from_json
from sync.store.records import LinkRecord

#: Tickets of replicas that seem to have lost what tied them to others.
Unconfirmed = frozenset[tuple[ReplicaName, NativeRef]]


def confirm_ends(bridge: Bridge, lease: Lease, available: Iterable[ReplicaName]) -> Unconfirmed:
    """Where a ticket lost a link or its parent, look at the other ticket; what is gone goes into the inbox.

    Where the other one still shows the link, the ticket is read once more: one of the two answers was of the past. Costs requests
    only where something was lost. The tickets of a tracker that can't be asked now are returned: they are not decided before.
    """
    unconfirmed: set[tuple[ReplicaName, NativeRef]] = set()
    answering = set(available)
    for name, replica in bridge.replicas.items():
        if replica.mapping is None:
            continue
        with bridge.store.read() as tx:
            lost = _losses(Reader(bridge=bridge, replica=replica, tx=tx))
            others = tx.links.tickets_to_refs(bridge.name, name, {other for _, other in lost})
            known = set(tx.inbox.gone(bridge.name, name)) if lost else set()
        if not lost:
            continue
        asked = {ticket: ref for ticket, ref in others.items() if ref not in known}
        if name not in answering or not _confirm(bridge, lease, name, lost, asked):
            unconfirmed |= {(name, ref) for ref, _ in lost}
    return frozenset(unconfirmed)


def _confirm(
    bridge: Bridge,
    lease: Lease,
    name: ReplicaName,
    lost: Iterable[tuple[NativeRef, TicketId]],
    others: Mapping[TicketId, NativeRef],
) -> bool:
    """Whether the tracker could be asked; what it does not let us ask at all holds nothing up."""
    replica = bridge.replicas[name]
    try:
        found = _fetched(replica, others.values())
        with bridge.store.read() as tx:
            reader = Reader(bridge=bridge, replica=replica, tx=tx)
            doubtful = {ref for ref, other in lost if other in others and _shows(reader, found.get(others[other]), ref)}
        again = _fetched(replica, doubtful)
    except TrackerError as error:
        return not isinstance(error, Retryable | AuthFailed)
    gone = [one for one in found.values() if isinstance(one, Gone)]
    tickets = [replace(one, comments=None) for one in again.values() if isinstance(one, NativeTicket)]
    if gone or tickets:
        with bridge.store.begin(lease) as tx:
            tx.inbox.put(bridge.name, name, tickets, gone=gone)
    return True


def _fetched(replica: Replica, refs: Iterable[NativeRef]) -> dict[NativeRef, NativeTicket | Gone]:
    wanted = sorted(refs)
    return {one.ref: one for one in replica.adapter.fetch(wanted, comments=False)} if wanted else {}


def _losses(reader: Reader) -> list[tuple[NativeRef, TicketId]]:
    """The tickets of this replica that a link or a parent is missing from, each with the ticket that it led to."""
    bridge, name, tx = reader.bridge.name, reader.replica.name, reader.tx
    linked = tx.links.refs_to_tickets(bridge, name, tx.inbox.ticket_refs(bridge, name))
    return [(ref, other) for ref in linked for other in _lost(reader, ref)]


def _lost(reader: Reader, ref: NativeRef) -> set[TicketId]:
    link = reader.tx.links.by_ref(reader.bridge.name, reader.replica.name, ref)
    if link is None or link.base is None or not (as_set(link.base.get(Field.LINKS)) or link.base.get(Field.PARENT)):
        return set()
    native = reader.tx.inbox.take(reader.bridge.name, reader.replica.name, ref).ticket
    if native is None:
        return set()
    seen = reader.shown(native)
    members = as_set(link.base.get(Field.LINKS)) - as_set(seen.get(Field.LINKS))
    others = {TicketId(link_parts(member)[1]) for member in members}
    parent = link.base.get(Field.PARENT)
    return others | ({TicketId(parent)} if isinstance(parent, str) and parent and not seen.get(Field.PARENT) else set())


def _shows(reader: Reader, native: NativeTicket | Gone | None, ref: NativeRef) -> bool:
    """Whether the ticket at the other end still says that it is linked to this one."""
    if not isinstance(native, NativeTicket):
        return False
    links = as_set(reader.decode(native).snapshot.fields.get(Field.LINKS))
    ends = (link_parts(member) for member in links)
    return any(end == ref and kind not in reader.capabilities.own_ends for kind, end in ends)


def contested(reader: Reader, ticket: TicketId, members: Iterable[str]) -> frozenset[str]:
    """Those of a ticket's links that somebody changed at their other ends, in what was pulled and not decided yet."""
    tx, bridge, name = reader.tx, reader.bridge.name, reader.replica.name
    ends = {member: link_parts(member) for member in members}
    refs = tx.links.tickets_to_refs(bridge, name, {TicketId(other) for _, other in ends.values()})
    found: set[str] = set()
    for member, (kind, other) in ends.items():
        ref = refs.get(TicketId(other))
        link = None if ref is None else tx.links.by_ref(bridge, name, ref)
        native = None if ref is None else tx.inbox.take(bridge, name, ref).ticket
        if link is None or link.base is None or native is None:
            continue
        mirrored = other_end(kind, ticket)
        seen = reader.shown(native)
        if (mirrored in as_set(seen.get(Field.LINKS))) is not (mirrored in as_set(link.base.get(Field.LINKS))):
            found.add(member)
    return frozenset(found)


def taken_away(reader: Reader, run: RunId, ticket: TicketId, wanted: Iterable[str]) -> dict[TicketId, NativeRef]:
    """Of links that do not show at this ticket, the other tickets at which this very run made them: somebody has taken them away since."""
    found: set[TicketId] = set()
    for member in wanted:
        kind, other = link_parts(member)
        rows = reader.tx.outbox.of_ticket(TicketId(other), reader.replica.name)
        made = [row for row in rows if row.run == run and Field.LINKS in row.op.fields and row.state == "done"]
        after = as_set(fields_from_json(made[-1].after or {}).get(Field.LINKS)) if made else frozenset()
        if kind not in reader.capabilities.own_ends and other_end(kind, ticket) in after:
            found.add(TicketId(other))
    return reader.tx.links.tickets_to_refs(reader.bridge.name, reader.replica.name, found) if found else {}


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
