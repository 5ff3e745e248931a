"""What people wrote while we did: before our write, gone from the ticket but not from its history; after it, taken for its effect.

Where the tracker itself refuses a write over a newer version there is nothing to be found but after a lost answer. Elsewhere the
cycle after a write reads the history of the tickets that were written, all in one call, and what was run over or mistaken is claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile

from sync.core.capabilities import Capabilities
from sync.core.claims import as_set
from sync.core.errors import TrackerError
from sync.core.fieldrules import PARTNERS, Shape, equal, shape_of
from sync.core.ids import NativeRef, ReplicaName, TicketId
from sync.core.models import UNKNOWN, Canonical, Field, FieldEvent, Fields, NativeEvent, Value
from sync.core.ports import ClockReading, OpKind
from sync.engine.echoes import DOUBTFUL
from sync.engine.history import LATEST, is_own, told
from sync.engine.landed import LANDED, landed_by, may_land
from sync.engine.reading import Reader
from sync.engine.runtime import Bridge, Replica
from sync.store import Lease, Tx
from sync.store.convert import fields_from_json
from sync.store.records import OutboxRecord

#: Where in a replica's details stands up to which request all are checked.
CHECKED = "checked_to"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrun:
    """The edits on one side of a ticket that our writes ran over, and the requests that did it.

    `line` is what the history told, each event with whether it was ours: of a ticket to which a request may be on its way too.
    """

    events: tuple[FieldEvent, ...]
    requests: tuple[str, ...]
    line: tuple[tuple[FieldEvent, bool], ...] = ()


#: Where nothing is known to have been run over.
NOTHING = Overrun(events=(), requests=())

Overruns = dict[tuple[TicketId, ReplicaName], Overrun]


def find_overruns(bridge: Bridge, lease: Lease, names: Iterable[ReplicaName]) -> Overruns:
    """What our writes since the last check ran over; at most one call of `history` a replica, none after a quiet cycle.

    A request that ran over nothing is not looked at again; the others are done with by `settle_overruns`. A history that can't be
    read now is read by the next cycle.
    """
    found: Overruns = {}
    for name in names:
        replica = bridge.replicas[name]
        can = replica.capabilities
        if can is None or not can.history or not replica.receives:
            continue
        with bridge.store.read() as tx:
            record = tx.replicas.get(bridge.name, name)
            checked = 0 if record is None else int(record.details.get(CHECKED, 0))
            rows, newest = [], checked
            for row in tx.outbox.writes_after(bridge.name, name, checked):
                newest = row.sequence
                rows += [row] if _is_doubtful(row, can) else []
            waiting = set(tx.inbox.ticket_refs(bridge.name, name)) if any(may_land(row) for row in rows) else set()
        landed: dict[str, list[str]] = {}
        asked = [row for row in rows if not row.context.get("checked") and _is_due(row, waiting)]
        if asked:
            try:
                events = _histories(replica, asked)
            except TrackerError:
                continue
            with bridge.store.read() as tx:
                reader = Reader(bridge=bridge, replica=replica, tx=tx)
                found |= _overruns(reader, asked, events)
                landed = landed_by(reader, asked, events)
        if newest > checked:
            _remember(bridge, lease, name, rows, asked, found, landed, newest)
    return found


def settle_overruns(tx: Tx, overrun: Overrun) -> None:
    """The decision on them is stored: they are not claimed again."""
    claimed = [event.id for event in overrun.events]
    for request in overrun.requests:
        if (row := tx.outbox.get(request)) is not None:
            known = [*row.context.get("told", ()), *claimed]
            tx.outbox.save(replace(row, context={**row.context, "told": known, "checked": not may_land(row)}))


def doubt(tx: Tx, request: str, fields: set[Field]) -> None:
    """Have the next check ask whose these fields are: of a copy found long after it was made, what it was not asked to hold."""
    row = tx.outbox.get(request)
    if row is None or not fields:
        return
    tx.outbox.save(replace(row, context={**row.context, DOUBTFUL: sorted(fields)}))
    record = tx.replicas.get(row.bridge, row.replica)
    if record is not None and record.details.get(CHECKED, 0) >= row.sequence:
        tx.replicas.save(replace(record, details={**record.details, CHECKED: row.sequence - 1}))


def _is_doubtful(row: OutboxRecord, can: Capabilities) -> bool:
    """Whether somebody may have written around the request unseen; over a newer version some trackers refuse every write."""
    if row.context.get(DOUBTFUL) or row.op.kind is OpKind.CREATE:
        return bool(row.context.get(DOUBTFUL))
    return may_land(row) or not can.conditional_writes


def _is_due(row: OutboxRecord, waiting: set[NativeRef]) -> bool:
    """A request whose answer was lost may land at any moment: it is looked at whenever its ticket changed."""
    return not may_land(row) or _ref(row) in waiting


def _ref(row: OutboxRecord) -> NativeRef | None:
    """The ticket that the request wrote to, or made."""
    made = row.context.get("ref") if row.op.kind is OpKind.CREATE else None
    return NativeRef(made) if isinstance(made, str) else row.op.ref


def _looked_at(row: OutboxRecord, clock: ClockReading) -> datetime:
    """The tracker's own time of the version that the request was made for."""
    read = row.context.get("read_at")
    return datetime.fromisoformat(read) if isinstance(read, str) else row.created_at + clock.offset - clock.uncertainty


def _histories(replica: Replica, rows: Sequence[OutboxRecord]) -> dict[NativeRef, list[NativeEvent]]:
    can = replica.capabilities
    assert can is not None
    clock = replica.adapter.clock()
    since = min(_looked_at(row, clock) for row in rows) - can.clock_resolution - timedelta(seconds=1)
    refs = list(dict.fromkeys(ref for row in rows if (ref := _ref(row)) is not None))
    events: dict[NativeRef, list[NativeEvent]] = {}
    for event in replica.adapter.history(refs, since):
        events.setdefault(event.ref, []).append(event)
    return events


def _overruns(reader: Reader, rows: Sequence[OutboxRecord], events: dict[NativeRef, list[NativeEvent]]) -> Overruns:
    by_ref: dict[NativeRef, list[OutboxRecord]] = {}
    for row in rows:
        if (ref := _ref(row)) is not None:
            by_ref.setdefault(ref, []).append(row)
    found: Overruns = {}
    for ref, requests in by_ref.items():
        ticket = requests[0].ticket
        record = reader.tx.tickets.get(ticket)
        link = reader.tx.links.by_ref(reader.bridge.name, reader.replica.name, ref)
        if record is None or link is None:
            continue
        own = reader.tx.outbox.of_ticket(ticket, reader.replica.name)
        line = told(reader, own, events.get(ref, []))
        base: Fields = link.base or {}
        lost: dict[str, FieldEvent] = {}
        guilty: dict[str, None] = {}
        for row in requests:
            later = [one for one in own if one.sequence > row.sequence and one.comment is None]
            fields, news = record.canonical.fields, partial(_is_news, reader, record.canonical)
            for event in [
                *_run_over_by(reader, row, [one for one in own if one.sequence < row.sequence], line, fields, news),
                *_taken_for_ours(reader, row, line, partial(_taken, later, base), fields),
                *_of_one_mind(reader, row, line),
            ]:
                if not _was_seen(later, event):
                    lost[event.id] = event
                    guilty[row.id] = None
        if lost or any(map(may_land, requests)):
            key = ticket, reader.replica.name
            found[key] = Overrun(events=tuple(lost.values()), requests=tuple(guilty), line=tuple(line))
    return found


_Told = tuple[FieldEvent, bool]


def _was_seen(later: Sequence[OutboxRecord], event: FieldEvent) -> bool:
    """Whether members that were put into a set stood there when we wrote it once more: what became of them was decided."""
    if shape_of(event.field) is not Shape.SET or not as_set(event.old) < as_set(event.new):
        return False
    again = (fields_from_json(one.before or {}) for one in later if event.field in one.op.fields)
    return any(_is_kept(event, before) for before in again)


def _is_news(reader: Reader, canonical: Canonical, event: FieldEvent) -> bool:
    """Whether the canonical value may be older than the edit."""
    source = canonical.provenance.get(event.field)
    if source is None or source.at is None:
        return True
    margin = reader.capabilities.clock_resolution + reader.replica.adapter.clock().uncertainty + source.uncertainty
    return source.at <= event.at + margin


def _run_over_by(
    reader: Reader,
    row: OutboxRecord,
    earlier: Sequence[OutboxRecord],
    events: Sequence[_Told],
    canonical: Fields,
    is_news: Callable[[FieldEvent], bool],
) -> list[FieldEvent]:
    """People's edits of the fields of this request that came after the look and before the write, and are not canonical.

    A request whose answer was lost may have been carried out before the one that was sent in its place, or after it: what came
    between the two was not seen by the look, whatever it put back.
    """
    before, sent = fields_from_json(row.before or {}), fields_from_json(row.after or {})
    known = set(row.context.get("told", ()))
    found: list[FieldEvent] = []
    for name in row.op.fields:
        line = [(event, ours) for event, ours in events if event.field is name]
        ours = [number for number, (event, own) in enumerate(line) if own and is_own(reader, event, [row])]
        if name in before and equal(name, before[name], sent.get(name)):
            # Written along with its partner as it had been: what made it that may have been another request.
            ours = [number for number in ours if not any(_made(reader, one, line[number][0]) for one in earlier)]
        if not ours or name not in sent:
            continue
        end = ours[0] if may_land(row) else ours[-1]
        start = _seen_until(name, line[:end], before)
        foreign = [event for event, own in line[start:end] if not own and event.new is not UNKNOWN]
        if shape_of(name) is Shape.SET:
            # A tracker may tell of single members: those that were there, or not there, when we looked had been seen.
            foreign = [event for event in foreign if name not in before or not _is_kept(event, before)]
            people = [event for event, own in line if not own]
            foreign = [event for event in foreign if not _is_undone(event, people[people.index(event) + 1 :])]
        # What a lost addition brought, and somebody took away again, left no trace but in the history.
        until = len(line) if may_land(row) and shape_of(name) is Shape.SET else ours[-1]
        between = [event for event, own in line[end:until] if not own and event.new is not UNKNOWN and is_news(event)]
        if shape_of(name) is Shape.SET:
            foreign += between
        elif shape_of(name) is Shape.TEXT:
            foreign = [*_as_one(foreign), *_as_one(between)]
        else:
            foreign = [*foreign, *between][-1:]  # the earlier ones were replaced by people
        found += [event for event in foreign if event.id not in known and not _is_kept(event, canonical)]
    return found


def _of_one_mind(reader: Reader, row: OutboxRecord, events: Sequence[_Told]) -> list[FieldEvent]:
    """People's edits to just the value that was on its way, a moment before it came, so that it changed nothing.

    Nothing is lost of them yet; but whoever wrote something else elsewhere meanwhile contradicts them, and not only us.
    """
    known = set(row.context.get("told", ()))
    line = [(event, ours) for event, ours in events if shape_of(event.field) is Shape.SCALAR]
    done = {event.field for event, ours in line if ours and is_own(reader, event, [row])}
    meant = [event for event, ours in line if not ours and event.field not in done and is_own(reader, event, [row])]
    return [event for event in meant if event.id not in known]


def _made(reader: Reader, request: OutboxRecord, event: FieldEvent) -> bool:
    """Whether it is just the step that the request was to take."""
    before = fields_from_json(request.before or {})
    return (
        event.field in before
        and equal(event.field, before[event.field], event.old)
        and is_own(reader, event, [request])
    )


def _is_undone(event: FieldEvent, later: Sequence[FieldEvent]) -> bool:
    """Whether people took back what it did to a set."""
    old, new = as_set(event.old), as_set(event.new)
    came = frozenset[str]().union(*(as_set(one.new) - as_set(one.old) for one in later))
    went = frozenset[str]().union(*(as_set(one.old) - as_set(one.new) for one in later))
    return bool(later) and new - old <= went and old - new <= came


def _taken_for_ours(
    reader: Reader,
    row: OutboxRecord,
    events: Sequence[_Told],
    seen: Callable[[Field, bool], Value],
    canonical: Fields,
) -> list[FieldEvent]:
    """People's edits that came between the write and our look after it, and became the base as if the tracker had made them of it.

    Of sets only our own members become the base, so that such an edit of one is seen in its turn. `seen`: see `_taken`.
    """
    known = set(row.context.get("told", ()))
    found: dict[str, FieldEvent] = {}
    for name in row.op.fields | {Field(name) for name in row.context.get(DOUBTFUL, ())}:
        if shape_of(name) is Shape.SET:
            continue
        for start in _landings(reader, row, name, events):
            line = [(event, ours) for event, ours in events[start:] if event.field is name]
            people = [event for event, _ in takewhile(lambda one: not one[1], line)]
            taken = seen(name, len(people) == len(line))
            mistaken = [event for event in people if event.new is not UNKNOWN and equal(name, event.new, taken)]
            if mistaken and mistaken[-1].id not in known and not _is_kept(mistaken[-1], canonical):
                step = _as_one([*people[: people.index(mistaken[-1])], mistaken[-1]])
                found[mistaken[-1].id] = step[0] if shape_of(name) is Shape.TEXT else mistaken[-1]
    return list(found.values())


def _as_one(edits: Sequence[FieldEvent]) -> list[FieldEvent]:
    """Edits of a text, each upon the one before, as one step: what the first of them changed is lost with the last."""
    return [replace(edits[-1], old=edits[0].old)] if edits else []


def _taken(later: Sequence[OutboxRecord], base: Fields, name: Field, is_last: bool) -> Value:
    """What our look after the request took for its effect: the base, or what stood there when we wrote the field again."""
    if is_last:
        return base.get(name, UNKNOWN)
    again = (one for one in later if name in one.op.fields)
    return next((fields_from_json(one.before or {}).get(name, UNKNOWN) for one in again), UNKNOWN)


def _landings(reader: Reader, row: OutboxRecord, name: Field, events: Sequence[_Told]) -> list[int]:
    """Where, among the events, what came after the request begins."""
    # One step may be of a kind and its type.
    together = {name, PARTNERS.get(name, name)}
    ours = [number for number, (event, own) in enumerate(events) if own and event.field in together]
    landed = [number + 1 for number in ours if is_own(reader, events[number][0], [row])]
    if not landed:  # what somebody had just written there themselves our request did not change
        landed = [
            number + 1
            for number, (event, _) in enumerate(events)
            if event.field is name and is_own(reader, event, [row])
        ]
    # A tracker need not tell in a history with what a ticket was made.
    return landed or ([0] if row.op.kind is OpKind.CREATE else [])


def _seen_until(name: Field, line: Sequence[_Told], before: Fields) -> int:
    """Where what we had not seen begins: after the last event that made the value that we saw, or that was ours."""
    for number in range(len(line) - 1, -1, -1):
        event, own = line[number]
        if own or (name in before and equal(name, event.new, before[name])):
            return number + 1
    return 0


def _is_kept(event: FieldEvent, canonical: Fields) -> bool:
    """Whether the canonical ticket says what the edit said."""
    value = canonical.get(event.field)
    if shape_of(event.field) is Shape.SET:
        old, new = as_set(event.old), as_set(event.new)
        return new - old <= as_set(value) and not (old - new) & as_set(value)
    return equal(event.field, value, event.new)


def _remember(
    bridge: Bridge,
    lease: Lease,
    name: ReplicaName,
    rows: Sequence[OutboxRecord],
    asked: Sequence[OutboxRecord],
    found: Overruns,
    landed: Mapping[str, Sequence[str]],
    newest: int,
) -> None:
    """Mark what ran over nothing, what has landed, and up to where all is checked."""
    guilty = {request for key, overrun in found.items() if key[1] == name for request in overrun.requests}
    innocent = {row.id for row in asked if row.id not in guilty and not may_land(row)}
    horizon = bridge.now() - bridge.settle - LATEST
    open_rows = [
        row.sequence
        for row in rows
        if row.id not in innocent and not row.context.get("checked")
        # What was found is not decided on yet, and may never be: this may be a plan, or the process dies.
        if row.id in guilty or not may_land(row) or (row.sent_at or row.created_at) >= horizon
    ]
    checked = min(open_rows) - 1 if open_rows else newest
    with bridge.store.begin(lease) as tx:
        for row in rows:
            if row.id in innocent:
                tx.outbox.save(replace(row, context={**row.context, "checked": True}))
            elif may_land(row) and (overrun := found.get((row.ticket, name))) is not None:
                notes = {LANDED: landed.get(row.id, row.context.get(LANDED, [])), "told": _decided(tx, row, overrun)}
                tx.outbox.save(replace(row, context={**row.context, **notes}))
        for (ticket, replica), overrun in found.items():
            if replica == name and overrun.events:
                tx.tickets.set_dirty(ticket, "an edit was run over")
        if (record := tx.replicas.get(bridge.name, name)) is not None and record.details.get(CHECKED) != checked:
            tx.replicas.save(replace(record, details={**record.details, CHECKED: checked}))


def _decided(tx: Tx, row: OutboxRecord, overrun: Overrun) -> list[str]:
    """What people wrote and is canonical by now: should the request land over it and something newer, it is not claimed again."""
    record = tx.tickets.get(row.ticket)
    canonical: Fields = {} if record is None else record.canonical.fields
    people = [event for event, ours in overrun.line if not ours and event.field in row.op.fields]
    kept = (event.id for event in people if _is_kept(event, canonical))
    return list(dict.fromkeys([*row.context.get("told", ()), *kept]))
