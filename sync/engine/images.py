"""Before-images: what stood in the canonical tickets before a run, and what of a run can't be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sync.core.fieldrules import equal
from sync.core.ids import CommentId, RunId, TicketId
from sync.core.models import Field, Fields, Value
from sync.core.ports import OpKind
from sync.engine.report import NotUndone
from sync.store import Tx
from sync.store.convert import fields_from_json
from sync.store.naming import in_words
from sync.store.records import AuditRecord, OutboxRecord

#: What an undo calls its own decisions in the log.
UNDO, UNDO_COMMENT = "undo", "undo comment"
_TICKETS, _COMMENTS = frozenset({"merge", UNDO}), frozenset({"merge comment", UNDO_COMMENT})
_LOST = {
    OpKind.DELETE: "it was deleted there; make it again by hand, its texts are in the log (`trackdown audit`)",
    OpKind.COMMENT_DELETE: "a deleted comment does not come back with its author; its text was",
    OpKind.ATTACHMENT_DELETE: "a deleted file does not come back; attach it again where it is needed",
}
_MADE = {
    OpKind.COMMENT_CREATE: "the copy of a comment that this run made stays",
    OpKind.ATTACHMENT_CREATE: "the copy of a file that this run made stays",
}
_TOO_LONG = "what stood there before was too long for the log; the tracker's own history may have it"

Place = tuple[TicketId, CommentId | None, Field]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One canonical value before and after a run."""

    before: Value
    after: Value


@dataclass(slots=True, kw_only=True)
class Images:
    """What a run did: `values` can be set back, `refused` can't, `kept` is left as it is; `made` are the requests for new copies."""

    values: dict[Place, Image] = field(default_factory=dict)
    refused: list[NotUndone] = field(default_factory=list)
    kept: list[NotUndone] = field(default_factory=list)
    made: list[OutboxRecord] = field(default_factory=list)

    def take(self, place: Place, before: Value, after: Value) -> None:
        """One more step of a value within the run."""
        known = self.values.get(place)
        self.values[place] = Image(before=before, after=after) if known is None else replace(known, after=after)


def images_of(tx: Tx, run: RunId) -> Images:
    """Read a run back from the log and the outbox."""
    found = Images()
    rows = [row for row in tx.outbox.of_run(run) if row.state == "done"]
    entries = [
        one for one in tx.audit.entries(run=run) if one.phase in ("decision", "person") and one.ticket is not None
    ]
    met = {ticket for ticket in {one.ticket for one in entries} if ticket is not None and _is_met_in(tx, ticket, run)}
    for ticket in sorted(met):
        found.kept.append(
            _line(tx, ticket, "it was first synced in this run, so there is nothing before it to go back to")
        )
    for entry in entries:
        if entry.ticket is not None and entry.ticket not in met:
            _take_entry(tx, found, entry.ticket, entry)
    created = {(row.ticket, row.replica) for row in rows if row.op.kind is OpKind.CREATE}
    for row in rows:
        _take_row(tx, found, row, is_known=row.ticket in met or (row.ticket, row.replica) in created)
    return found


def _is_met_in(tx: Tx, ticket: TicketId, run: RunId) -> bool:
    """Whether the ticket's first decision was made in the run."""
    first = next((one for one in tx.audit.entries(ticket) if one.phase == "decision"), None)
    return first is not None and first.run == run


def _take_entry(tx: Tx, found: Images, ticket: TicketId, entry: AuditRecord) -> None:
    before, after = _fields(entry.before), _fields(entry.after)
    if entry.action in _TICKETS:
        if before is None or after is None:
            found.refused.append(_line(tx, ticket, _TOO_LONG))
            return
        for name, value in after.items():
            found.take((ticket, None, name), before.get(name), value)
    elif entry.action in _COMMENTS and before is not None and after is not None:
        # The log does not name the comment: it is the one that says so now.
        text = after.get(Field.BODY)
        same = [one for one in tx.comments.of(ticket) if equal(Field.BODY, one.canonical.fields.get(Field.BODY), text)]
        if len(same) == 1:
            found.take((ticket, same[0].id, Field.BODY), before.get(Field.BODY), text)
        else:
            reason = "somebody wrote the comment again since" if not same else "several comments say the same"
            found.refused.append(_line(tx, ticket, reason, Field.BODY))
    elif entry.action == "remove link":
        found.refused.append(
            _line(tx, ticket, f"a copy was unlinked; `trackdown links add` joins it again ({entry.note})")
        )


def _take_row(tx: Tx, found: Images, row: OutboxRecord, *, is_known: bool) -> None:
    match row.op.kind:
        case OpKind.CREATE:
            found.made.append(row)
        case OpKind.COMMENT_CREATE | OpKind.ATTACHMENT_CREATE:
            found.kept.append(replace(_line(tx, row.ticket, _MADE[row.op.kind]), replica=row.replica))
        case OpKind.COMMENT_DELETE | OpKind.ATTACHMENT_DELETE | OpKind.DELETE:
            reason = _LOST[row.op.kind] + _deleted_text(tx, row)
            found.refused.append(replace(_line(tx, row.ticket, reason), replica=row.replica))
        case OpKind.UPDATE | OpKind.COMMENT_UPDATE:
            if is_known:
                return
            for place, image in _written(row):
                # A write of what was decided in an earlier run: what it replaced is the nearest thing to a past.
                if place not in found.values and not equal(place[2], image.before, image.after):
                    found.values[place] = image


def _written(row: OutboxRecord) -> Iterator[tuple[Place, Image]]:
    before, after = fields_from_json(row.before or {}), fields_from_json(row.after or {})
    for name, value in after.items():
        yield (row.ticket, row.comment, name), Image(before=before.get(name), after=value)


def _deleted_text(tx: Tx, row: OutboxRecord) -> str:
    record = tx.comments.get(row.comment) if row.comment is not None else None
    return f" '{record.canonical.fields.get(Field.BODY)}'" if record is not None else ""


def _fields(values: Any) -> Fields | None:
    """The fields of a log entry; None where the log only kept a digest of them."""
    if not isinstance(values, dict) or {"sha256", "length", "excerpt"} == set(values):
        return None
    return fields_from_json(values)


def _line(tx: Tx, ticket: TicketId, reason: str, name: Field | None = None) -> NotUndone:
    record = tx.tickets.get(ticket)
    said = str(in_words(tx, reason))
    return NotUndone(ticket=ticket, key=record.key if record is not None else "", field=name, reason=said)
