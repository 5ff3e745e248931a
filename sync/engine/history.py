"""Who wrote what, from the trackers' own histories: read for tickets in conflict only, once a cycle."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from sync.core.fieldrules import equal
from sync.core.ids import NativeRef, ReplicaName
from sync.core.models import UNKNOWN, Field, FieldEvent, Fields, NativeTicket
from sync.engine.reading import Reader
from sync.store.convert import fields_from_json
from sync.store.records import LinkRecord, OutboxRecord

#: How long before its request and after its answer the tracker may date our own write.
OWN_WRITE_MARGIN = timedelta(seconds=90)
#: Where the row of a create names the fields that its copy showed otherwise than they were sent.
DOUBTFUL = "doubtful"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Histories:
    """The histories that were read in this cycle."""

    _read: dict[tuple[ReplicaName, NativeRef], tuple[FieldEvent, ...]] = field(default_factory=dict)

    def of(self, reader: Reader, link: LinkRecord) -> tuple[FieldEvent, ...]:
        """What people did to the ticket since its base, oldest first, in canonical terms and by our clock."""
        place = (link.replica, link.ref)
        if place not in self._read:
            # Two tickets that meet for the first time have their whole past to be compared.
            base = link.native.updated_at if isinstance(link.native, NativeTicket) else LONG_AGO
            since = base - reader.capabilities.clock_resolution
            clock = reader.replica.adapter.clock()
            own = reader.tx.outbox.of_ticket(link.ticket, link.replica)
            events: list[FieldEvent] = []
            for native in reader.replica.adapter.history([link.ref], since):
                for event in reader.replica.codec.decode_event(native, reader.mapping):
                    told = by_our_clock(event, reader, clock.offset)
                    if not (native.author == reader.capabilities.account and is_own(told, own)):
                        events.append(told)
            self._read[place] = tuple(events)
        return self._read[place]


def is_own(event: FieldEvent, requests: list[OutboxRecord]) -> bool:
    """Whether one of our requests made this change: its field, its value, its time; the author alone proves nothing."""
    return any(
        request.sent_at is not None
        and event.field in request.op.fields
        and request.sent_at - OWN_WRITE_MARGIN
        <= event.at
        <= (request.finished_at or request.sent_at) + OWN_WRITE_MARGIN
        and (event.new is UNKNOWN or equal(event.field, _written(request).get(event.field), event.new))
        for request in requests
    )


def _written(request: OutboxRecord) -> Fields:
    return fields_from_json(request.after or {})


def by_our_clock(event: FieldEvent, reader: Reader, offset: timedelta) -> FieldEvent:
    """The event dated by our clock, other tickets by their ids."""
    told, name = replace(event, at=event.at - offset), event.field
    if name not in (Field.PARENT, Field.LINKS) or name not in reader.fields:
        return told
    old, new = (reader.resolved({name: value})[name] for value in (event.old, event.new))
    return replace(told, old=old, new=new)
