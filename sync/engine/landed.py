"""Requests whose answer was lost and that are known to have landed: by what their ticket shows next, or by what its history tells.

Until that is known, whatever looks like their effect is taken for it, however late (`echoes`). A request lands once: what looks the
same afterwards was written by somebody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sync.core.claims import as_set
from sync.core.fieldrules import Shape, equal, shape_of
from sync.core.ids import NativeRef, TicketId
from sync.core.models import UNKNOWN, Field, Fields, NativeEvent, NativeTicket, Value
from sync.engine.history import is_own, told
from sync.engine.reading import Reader
from sync.store.convert import fields_from_json
from sync.store.records import OutboxRecord

#: Where a request names the fields of which that is known.
LANDED = "landed"


def may_land(row: OutboxRecord) -> bool:
    """Whether the request has no answer and may still be on its way."""
    unanswered = row.context.get("lost") or row.state in ("sent", "unknown")
    return bool(unanswered) and not row.op.fields <= set(row.context.get(LANDED, ()))


def settle_landed(reader: Reader, row: OutboxRecord, native: NativeTicket) -> list[Field]:
    """The fields that the ticket shows as this request sent them become its base, as if the answer had come; they are returned."""
    landed = _landed_in(reader, row, native)
    link = reader.tx.links.by_ref(reader.bridge.name, reader.replica.name, native.ref)
    if not landed or link is None or link.base is None:
        return []
    shown, sent = reader.shown(native), fields_from_json(row.after or {})
    held, had = _projected(reader, row, native)
    base: dict[Field, Value] = dict(link.base)
    for name in landed:
        base[name] = shown[name]
        if shape_of(name) is Shape.SET:  # other members are other people's
            came, went = as_set(held[name]) - as_set(had[name]), as_set(had[name]) - as_set(held[name])
            base[name] = (as_set(link.base.get(name)) | came) - went
    agreed = {**link.agreed, **{name: sent[name] for name in landed}}
    reader.tx.links.save(replace(link, base=base, agreed=agreed))
    return landed


def _landed_in(reader: Reader, row: OutboxRecord, native: NativeTicket) -> list[Field]:
    """The fields that the ticket shows as this request sent them; another one of unknown end may have brought them as well."""
    others = [one for one in reader.tx.outbox.of_ticket(row.ticket, row.replica) if one.id != row.id]
    doubtful = {name for one in others if may_land(one) for name in one.op.fields - set(one.context.get(LANDED, ()))}
    # What was sent once more stands there by that.
    doubtful |= {
        name for one in others if one.sequence > row.sequence and one.state == "done" for name in one.op.fields
    }
    shown = reader.shown(native)
    held, had = _projected(reader, row, native)
    return sorted(
        name
        for name in (row.op.fields & held.keys() & shown.keys() & had.keys()) - doubtful
        if not equal(name, had[name], held[name]) and _stands(name, shown[name], held[name], had[name])
    )


def _projected(reader: Reader, row: OutboxRecord, native: NativeTicket) -> tuple[Fields, Fields]:
    """What the ticket shows when the request was carried out, and what it showed before, as far as it can."""
    project = reader.projection(native)
    sent, before = fields_from_json(row.after or {}), fields_from_json(row.before or {})
    return {**sent, **project(sent)}, {**before, **project(before)}


def came_late(reader: Reader, native: NativeTicket, ticket: TicketId, name: Field, value: Value) -> bool:
    """Whether a request whose answer was lost may have brought the value over what was written since."""
    rows = [row for row in reader.tx.outbox.of_ticket(ticket, reader.replica.name) if may_land(row)]
    return any(
        name in row.op.fields - set(row.context.get(LANDED, ()))
        and equal(name, value, _projected(reader, row, native)[0].get(name, UNKNOWN))
        for row in rows
    )


def landed_by(
    reader: Reader, rows: Sequence[OutboxRecord], events: Mapping[NativeRef, Sequence[NativeEvent]]
) -> dict[str, list[str]]:
    """Of requests that may still be on their way, the fields that they wrote before the base, as the histories tell.

    What landed after the base is still to be decided on, as an echo.
    """
    found: dict[str, list[str]] = {}
    for row in filter(may_land, rows):
        link = reader.tx.links.get(row.link or "")
        own = reader.tx.outbox.of_ticket(row.ticket, row.replica)
        others = [one for one in own if one.id != row.id]
        line = told(reader, own, list(events.get(row.op.ref or NativeRef(""), ())))
        settled: set[Field] = set(row.context.get(LANDED, ()))
        for number, (event, is_ours) in enumerate(line):
            if not is_ours or not is_own(reader, event, [row]) or is_own(reader, event, others):
                continue
            since = [later.new for later, _ in line[number:] if later.field is event.field]
            base = (link.base or {}).get(event.field, UNKNOWN) if link is not None else UNKNOWN
            settled |= {event.field} if any(equal(event.field, new, base) for new in since) else set()
        if settled:
            found[row.id] = sorted(settled)
    return found


def _stands(name: Field, seen: Value, sent: Value, before: Value) -> bool:
    if shape_of(name) is not Shape.SET:
        return equal(name, seen, sent)
    added, removed = as_set(sent) - as_set(before), as_set(before) - as_set(sent)
    return added <= as_set(seen) and not removed & as_set(seen)
