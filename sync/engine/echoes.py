"""Our own late writes: a request whose answer was lost may land after all, even over what was written later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sync.core.claims import as_set
from sync.core.decision import Side
from sync.core.fieldrules import Shape, equal, shape_of
from sync.core.ids import TicketId
from sync.core.models import Field, FieldEvent, NativeTicket, Snapshot, Tombstone, Value, link_parts, other_end
from sync.engine.history import LATEST
from sync.engine.landed import LANDED, may_land
from sync.engine.reading import Reader
from sync.store.convert import fields_from_json
from sync.store.records import LinkRecord, OutboxRecord

#: Where a request names the fields of which it is not known whether what stood there afterwards was its effect.
DOUBTFUL = "doubtful"


def without_echoes(
    side: Side,
    reader: Reader,
    link: LinkRecord,
    native: NativeTicket | None = None,
    line: Sequence[tuple[FieldEvent, bool]] = (),
) -> Side:
    """The side, with what a lost request of ours wrote taken for that and not for a person's edit.

    Such a field has the base that stands there and was settled with the value that was sent: where the canonical ticket
    says something else by now, it is written again. The same holds of a request that was done and whose look afterwards was
    answered out of the past. `native` is the ticket that the head was read from, `line` what its history tells, where it was read:
    each event with whether it was ours.
    """
    if side.base is None or side.head is None or isinstance(side.head, Tombstone):
        return side
    now = reader.bridge.now()
    # A link need not move the ticket's own time; all else that stands there was written before it, however late we look.
    side = _without_other_ends(side, reader, link, now - reader.bridge.settle - LATEST)
    written = now if native is None else min(now, native.updated_at - reader.replica.adapter.clock().offset)
    since = written - reader.bridge.settle - LATEST
    edited = [name for name in side.seen if side.edited(name) and not _is_by_people(name, side.seen[name], line)]
    if not edited:
        return side
    assert side.base is not None
    base: dict[Field, Value] = dict(side.base.fields)
    agreed: dict[Field, Value] = dict(side.agreed)
    for row in reader.tx.outbox.of_ticket(link.ticket, link.replica):
        if (
            row.comment != link.comment
            or row.link not in (None, link.id)
            or not (may_land(row) or row.context.get(DOUBTFUL))
            or (row.sent_at or row.created_at) < since
        ):
            continue
        sent = fields_from_json(row.after or {})
        held, before = side.project(sent), side.project(fields_from_json(row.before or {}))
        for name in edited:
            if name not in sent or name not in row.op.fields:
                continue
            if name in row.context.get(LANDED, ()):
                continue  # it does not land twice: what stands there since is somebody's
            if not may_land(row) and not _was_not_shown(link, row, name):
                continue
            if equal(name, side.seen[name], held.get(name, sent[name])):
                base[name], agreed[name] = side.seen[name], sent[name]
            elif shape_of(name) is Shape.SET:
                # Most trackers add and remove single members, whatever else stands there by now.
                seen, wanted, had = as_set(side.seen[name]), as_set(held.get(name)), as_set(before.get(name))
                ours = ((wanted - had) & seen) | ((had - wanted) - seen)
                base[name] = _with_ours(base.get(name), ours, seen)
                if name in agreed:  # else it is still to be settled
                    agreed[name] = _with_ours(agreed[name], ours, seen)
    return replace(side, base=Snapshot(fields=base), agreed=agreed)


def _is_by_people(name: Field, value: Value, line: Sequence[tuple[FieldEvent, bool]]) -> bool:
    """Whether the history says that a person wrote the value last, and not a request of ours."""
    writers = [ours for event, ours in line if event.field is name and equal(name, event.new, value)]
    return bool(writers) and not writers[-1]


def _was_not_shown(link: LinkRecord, row: OutboxRecord, name: Field) -> bool:
    """Whether the look after a request without an answer did not show its effect yet, and nothing was settled since.

    What stood there before is not known of a step that follows the making of a ticket.
    """
    before, sent, base = fields_from_json(row.before or {}), fields_from_json(row.after or {}), link.base or {}
    stood = name in base and name in before and (before[name] is None or equal(name, base[name], before[name]))
    return stood and name in link.agreed and equal(name, link.agreed[name], sent[name])


def _without_other_ends(side: Side, reader: Reader, link: LinkRecord, since: datetime) -> Side:
    """The side, with links that we wrote at their other ends taken for that: a tracker shows a link at both."""
    if side.base is None or not side.edited(Field.LINKS):
        return side
    past, now = as_set(side.base.fields.get(Field.LINKS)), as_set(side.seen.get(Field.LINKS))
    ours = frozenset(one for one in past ^ now if _is_written_there(reader, link, one, since, is_there=one in now))
    if not ours:
        return side
    base = {**side.base.fields, Field.LINKS: _with_ours(past, ours, now)}
    agreed = dict(side.agreed)
    if Field.LINKS in agreed:
        agreed[Field.LINKS] = _with_ours(agreed[Field.LINKS], ours, now)
    return replace(side, base=Snapshot(fields=base), agreed=agreed)


def _with_ours(value: Value, ours: frozenset[str], now: frozenset[str]) -> frozenset[str]:
    """The members, of `ours` those that are there now."""
    return (as_set(value) - ours) | (ours & now)


def _is_written_there(reader: Reader, link: LinkRecord, member: str, since: datetime, *, is_there: bool) -> bool:
    """Whether the last thing that we lately wrote at the other end brought this link, or took it away."""
    kind, other = link_parts(member)
    if kind in reader.capabilities.own_ends:
        return False
    mirrored = other_end(kind, link.ticket)
    for row in reversed(reader.tx.outbox.of_ticket(TicketId(other), link.replica)):
        if Field.LINKS in row.op.fields and row.state == "done" and (row.sent_at or row.created_at) >= since:
            before, after = (as_set(fields_from_json(one or {}).get(Field.LINKS)) for one in (row.before, row.after))
            if (mirrored in before) is not (mirrored in after):
                return (mirrored in after) is is_there
    return False
