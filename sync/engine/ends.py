"""Links and parents that vanish because the other ticket did: nobody took them away, so nobody is told to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sync.core.claims import as_set
from sync.core.errors import AuthFailed, Retryable, TrackerError
from sync.core.ids import NativeRef, ReplicaName, RunId, TicketId
from sync.core.models import LINK_KINDS, Field, FieldEvent, Fields, Gone, NativeTicket, Value, link_parts, other_end
from sync.engine.direct import look
from sync.engine.reading import Reader
from sync.engine.runtime import Bridge
from sync.store import Lease
from sync.store.convert import fields_from_json
from sync.store.records import LinkRecord

#: Tickets of replicas that seem to have lost what tied them to others.
Unconfirmed = frozenset[tuple[ReplicaName, NativeRef]]


def confirm_ends(bridge: Bridge, lease: Lease, available: Iterable[ReplicaName]) -> Unconfirmed:
    """Where a ticket lost a link or its parent, look at the other ticket; what is gone goes into the inbox.

    Where one end shows a link and the other does not, tickets are read once more: one of the two answers was of the past. Costs
    requests only then, and where something was lost. The tickets of a tracker that can't be asked now are returned: they are not
    decided before.
    """
    unconfirmed: set[tuple[ReplicaName, NativeRef]] = set()
    answering = set(available)
    for name, replica in bridge.replicas.items():
        if replica.mapping is None:
            continue
        with bridge.store.read() as tx:
            apart = _apart(Reader(bridge=bridge, replica=replica, tx=tx))
        if apart and (name not in answering or not _read_again(bridge, lease, name, apart)):
            unconfirmed |= {(name, ref) for ref in apart}
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
        found = look(bridge, replica, sorted(others.values()), comments=False)
        with bridge.store.read() as tx:
            reader = Reader(bridge=bridge, replica=replica, tx=tx)
            apart = {
                (ref, others[other])
                for ref, other in lost
                if other in others and _shows(reader, found.get(others[other]), ref)
            }
        # Which of the two answers was of the past nobody knows.
        again = look(bridge, replica, sorted({ref for pair in apart for ref in pair}), comments=False)
    except TrackerError as error:
        return not isinstance(error, Retryable | AuthFailed)
    gone = [one for one in (found | again).values() if isinstance(one, Gone)]
    tickets = [replace(one, comments=None) for one in again.values() if isinstance(one, NativeTicket)]
    if gone or tickets:
        with bridge.store.begin(lease) as tx:
            tx.inbox.put(bridge.name, name, tickets, gone=gone)
    return True


def _read_again(bridge: Bridge, lease: Lease, name: ReplicaName, refs: Iterable[NativeRef]) -> bool:
    """Put the tickets into the inbox as they are now; whether the tracker could be asked, as in `_confirm`."""
    try:
        found = look(bridge, bridge.replicas[name], sorted(refs), comments=False)
    except TrackerError as error:
        return not isinstance(error, Retryable | AuthFailed)
    with bridge.store.begin(lease) as tx:
        gone = [one for one in found.values() if isinstance(one, Gone)]
        tickets = [replace(one, comments=None) for one in found.values() if isinstance(one, NativeTicket)]
        tx.inbox.put(bridge.name, name, tickets, gone=gone)
    return True


def _apart(reader: Reader) -> set[NativeRef]:
    """The tickets at both ends of links that are new at one end, and not there at the other, in what was pulled of both."""
    bridge, name, tx = reader.bridge.name, reader.replica.name, reader.tx
    if Field.LINKS not in reader.fields:
        return set()
    items = {ref: tx.inbox.take(bridge, name, ref).ticket for ref in tx.inbox.ticket_refs(bridge, name)}
    pulled = {
        ref: as_set(reader.decode(native).snapshot.fields.get(Field.LINKS))
        for ref, native in items.items()
        if native is not None
    }
    found: set[NativeRef] = set()
    for ref, members in pulled.items():
        for kind, end in map(link_parts, members):
            other, is_shared = NativeRef(end), kind in LINK_KINDS.keys() - reader.capabilities.own_ends
            if other in pulled and is_shared and other_end(kind, TicketId(ref)) not in pulled[other]:
                link = tx.links.by_ref(bridge, name, ref)
                known = reader.tx.links.refs_to_tickets(bridge, name, [other])
                if link is None or other not in known or f"{kind}:{known[other]}" not in _base_links(link):
                    found |= {ref, other}
    return found


def _base_links(link: LinkRecord) -> frozenset[str]:
    return as_set((link.base or {}).get(Field.LINKS))


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


def undone_ends(
    reader: Reader, run: RunId, ticket: TicketId, absent: frozenset[str], standing: frozenset[str]
) -> dict[TicketId, NativeRef]:
    """The tickets at the other ends of links that somebody undid since this very run made them, or took them away.

    `absent` are links that are to be here and do not show at this ticket, `standing` those that are not to be here and show.
    """
    found: set[TicketId] = set()
    for member in absent | standing:
        kind, other = link_parts(member)
        rows = reader.tx.outbox.of_ticket(TicketId(other), reader.replica.name)
        done = [row for row in rows if row.run == run and Field.LINKS in row.op.fields and row.state == "done"]
        if not done or kind in reader.capabilities.own_ends:
            continue
        before, after = (
            as_set(fields_from_json(one or {}).get(Field.LINKS)) for one in (done[0].before, done[-1].after)
        )
        mirrored = other_end(kind, ticket)
        if mirrored in (after if member in absent else before - after):
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


def without_ended(reader: Reader, events: Iterable[FieldEvent]) -> tuple[FieldEvent, ...]:
    """The edits without those that only took away what led to tickets that are not there any more."""
    kept: list[FieldEvent] = []
    for event in events:
        lost = as_set(event.old) - as_set(event.new) if event.field is Field.LINKS else frozenset[str]()
        ended = frozenset(member for member in lost if _is_ended(reader, link_parts(member)[1]))
        new = as_set(event.new) | ended
        if (
            event.field is Field.PARENT
            and not event.new
            and isinstance(event.old, str)
            and _is_ended(reader, event.old)
        ):
            continue
        if not ended:
            kept.append(event)
        elif new != as_set(event.old):
            kept.append(replace(event, new=new))
    return tuple(kept)


def _is_ended(reader: Reader, other: str) -> bool:
    tx, bridge, name = reader.tx, reader.bridge.name, reader.replica.name
    ref = tx.links.tickets_to_refs(bridge, name, [TicketId(other)]).get(TicketId(other))
    return ref is None or tx.inbox.take(bridge, name, ref).gone is not None
