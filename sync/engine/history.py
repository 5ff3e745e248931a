"""Who wrote what, from the trackers' own histories: read for tickets in conflict only, once a cycle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from sync.core.claims import as_set
from sync.core.fieldrules import Shape, equal, shape_of
from sync.core.ids import NativeRef, ReplicaName
from sync.core.models import UNKNOWN, Field, FieldEvent, Fields, NativeEvent, NativeTicket
from sync.engine.reading import Reader
from sync.store.convert import fields_from_json
from sync.store.records import LinkRecord, OutboxRecord

#: How long before its request and after its answer the tracker may date our own write.
OWN_WRITE_MARGIN = timedelta(seconds=90)
#: How long after `Bridge.settle` a request whose answer was lost may still land.
LATEST = timedelta(minutes=10)
#: The fields whose way may have several steps, each a request of its own.
STEPWISE = frozenset({Field.STATUS, Field.REASON})
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
#: Events of one ticket in their order, each with whether it was ours.
Line = list[tuple[FieldEvent, bool]]


@dataclass(slots=True)
class Histories:
    """The histories that were read in this cycle."""

    _read: dict[tuple[ReplicaName, NativeRef], tuple[FieldEvent, ...]] = field(default_factory=dict)

    def of(self, reader: Reader, link: LinkRecord) -> tuple[FieldEvent, ...]:
        """What people did to the ticket since its base, oldest first, in canonical terms and by our clock."""
        place = (link.replica, link.ref)
        if place not in self._read:
            self._read[place] = tuple(event for event, is_ours in line_of(reader, link) if not is_ours)
        return self._read[place]


def line_of(reader: Reader, link: LinkRecord) -> Line:
    """The history of one ticket since its base, as `told`: one request. Raises what `Adapter.history` raises."""
    # Two tickets that meet for the first time have their whole past to be compared.
    base = link.native.updated_at if isinstance(link.native, NativeTicket) else LONG_AGO
    own = reader.tx.outbox.of_ticket(link.ticket, link.replica)
    return told(reader, own, reader.replica.adapter.history([link.ref], base - reader.capabilities.clock_resolution))


def told(reader: Reader, own: Sequence[OutboxRecord], events: Iterable[NativeEvent]) -> Line:
    """The events of one ticket in canonical terms and by our clock, in their order, each with whether it was ours."""
    offset, account = reader.replica.adapter.clock().offset, reader.capabilities.account
    found = [
        (by_our_clock(event, reader, offset), native.author == account)
        for native in events
        for event in reader.replica.codec.decode_event(native, reader.mapping)
    ]
    ours = [by_us and is_own(reader, event, own) for event, by_us in found]
    for name in STEPWISE:
        steps = [number for number, (event, by_us) in enumerate(found) if by_us and event.field is name]
        for before, after in reversed(list(pairwise(steps))):
            # A way through a workflow ends where we asked to go; its steps lead there, each from where the last one came to.
            event, following = found[before][0], found[after][0]
            leads_on = ours[after] and equal(name, event.new, following.old)
            ours[before] = ours[before] or (leads_on and _is_step(event, own))
    return [(event, is_ours) for (event, _), is_ours in zip(found, ours, strict=True)]


def _is_step(event: FieldEvent, requests: Iterable[OutboxRecord]) -> bool:
    """Whether one of several requests for the same end may have made it."""
    rows = [row for row in requests if event.field in row.op.fields and _is_meanwhile(event, row)]
    walks = [(row.run, _written(row).get(event.field)) for row in rows]
    return len(walks) > len(set(walks))


def is_own(reader: Reader, event: FieldEvent, requests: Iterable[OutboxRecord]) -> bool:
    """Whether one of our requests made this change: its field, its value, its time; the author alone proves nothing."""
    return any(
        request.comment is None
        and event.field in request.op.fields
        and _is_meanwhile(event, request)
        and (event.new is UNKNOWN or _is_effect(reader, event, request))
        for request in requests
    )


def _is_effect(reader: Reader, event: FieldEvent, request: OutboxRecord) -> bool:
    """Whether the request wanted this, or as much of it as the tracker holds; of sets also where others came and went meanwhile."""
    name, wanted = event.field, _written(request).get(event.field)
    if equal(name, wanted, event.new):
        return True
    if shape_of(name) is not Shape.SET:
        held = reader.projection(None)(_written(request))
        return name in held and equal(name, held[name], event.new)
    before = as_set(fields_from_json(request.before or {}).get(name))
    came, went = as_set(event.new) - as_set(event.old), as_set(event.old) - as_set(event.new)
    return bool(came or went) and came <= as_set(wanted) - before and went <= before - as_set(wanted)


def _is_meanwhile(event: FieldEvent, request: OutboxRecord) -> bool:
    """Whether it was dated while the request was on its way."""
    if request.sent_at is None:
        return False
    end = request.finished_at or request.sent_at
    if request.context.get("lost"):
        end += 2 * LATEST  # it may have landed long after it was given up
    return request.sent_at - OWN_WRITE_MARGIN <= event.at <= end + OWN_WRITE_MARGIN


def _written(request: OutboxRecord) -> Fields:
    return fields_from_json(request.after or {})


def by_our_clock(event: FieldEvent, reader: Reader, offset: timedelta) -> FieldEvent:
    """The event dated by our clock, other tickets by their ids."""
    told, name = replace(event, at=event.at - offset), event.field
    if name not in (Field.PARENT, Field.LINKS) or name not in reader.fields:
        return told
    old, new = (reader.resolved({name: value})[name] for value in (event.old, event.new))
    return replace(told, old=old, new=new)
