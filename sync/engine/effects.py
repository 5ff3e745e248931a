"""What a run wrote, or a rehearsed one would write: ticket by ticket, field by field, in words that people know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sync.core.changes import FieldChange
from sync.core.errors import PreconditionFailed
from sync.core.fieldrules import Shape, equal, rule_of, shape_of
from sync.core.ids import ReplicaName, RunId
from sync.core.models import Field, Value, is_empty
from sync.core.ports import OpKind
from sync.engine.report import PlannedChange, PlannedConflict, PlannedWrite, PlanReport
from sync.store import Tx
from sync.store.convert import fields_from_json
from sync.store.naming import in_words
from sync.store.records import OutboxRecord

#: What people call a request.
ACTIONS = {
    OpKind.CREATE: "create",
    OpKind.UPDATE: "update",
    OpKind.DELETE: "delete",
    OpKind.COMMENT_CREATE: "comment",
    OpKind.COMMENT_UPDATE: "edit comment",
    OpKind.COMMENT_DELETE: "delete comment",
    OpKind.ATTACHMENT_CREATE: "attach",
    OpKind.ATTACHMENT_DELETE: "remove attachment",
}


class Effect(NamedTuple):
    """One field of one write; `field` is None where a write has none (a file, a delete)."""

    replica: ReplicaName
    action: str
    key: str
    file: str
    field: Field | None
    old: Value
    new: Value


def effects(writes: Iterable[PlannedWrite]) -> Counter[Effect]:
    """The writes as what a plan and a run are compared by: no ids, no native keys, no order, nothing of what a new copy is not told."""
    found: Counter[Effect] = Counter()
    for write in writes:
        place = (write.replica, write.action, write.key, write.file)
        told = [one for one in write.changes if write.action != ACTIONS[OpKind.CREATE] or not is_empty(one.new)]
        found.update(Effect(*place, one.field, one.old, one.new) for one in told)
        if not told:
            found[Effect(*place, None, None, None)] += 1
    return found


def writes_of(tx: Tx, run: RunId) -> tuple[PlannedWrite, ...]:
    """What the run sent, whatever became of it: the requests about one ticket, comment or file in one replica are one write.

    A copy that was made in the run and filled in by later requests counts as made whole.
    """
    groups: dict[tuple[str, ...], list[OutboxRecord]] = {}
    for row in tx.outbox.of_run(run):
        if row.context.get("refused") == PreconditionFailed.__name__:
            continue  # nothing was written; it was decided again
        what = str(row.comment or row.context.get("attachment") or "")
        deletes = "" if row.op.kind in (OpKind.CREATE, OpKind.UPDATE) else row.op.kind.value
        groups.setdefault((row.ticket, row.replica, what, deletes), []).append(row)
    order = {ticket: number for number, ticket in enumerate(dict.fromkeys(group[0] for group in groups))}
    return tuple(_write(tx, groups[key]) for key in sorted(groups, key=lambda group: order[group[0]]))


def _write(tx: Tx, rows: Sequence[OutboxRecord]) -> PlannedWrite:
    first = rows[0]
    ticket = tx.tickets.get(first.ticket)
    title = ticket.canonical.fields.get(Field.TITLE) if ticket is not None else None
    made = next((row for row in rows if row.op.kind is OpKind.CREATE), None)
    changes: dict[Field, FieldChange] = {}
    for row in rows:
        before, after = fields_from_json(row.before or {}), fields_from_json(row.after or {})
        for name, new in after.items():
            old = None if made else changes[name].old if name in changes else before.get(name)
            changes[name] = FieldChange(old=old, new=new)
    if first.op.kind is OpKind.COMMENT_DELETE and (comment := _comment(tx, first)) is not None:
        changes[Field.BODY] = FieldChange(old=comment, new=None)
    attachment = first.context.get("attachment")
    return PlannedWrite(
        replica=first.replica,
        action=ACTIONS[(made or first).op.kind],
        ticket=first.ticket,
        key=ticket.key if ticket is not None else "",
        title=title if isinstance(title, str) else "",
        where="" if made else _where(tx, first),
        file=str(in_words(tx, attachment)) if isinstance(attachment, str) else "",
        changes=tuple(
            PlannedChange(field=name, old=in_words(tx, one.old), new=in_words(tx, one.new))
            for name, one in changes.items()
        ),
    )


def _comment(tx: Tx, row: OutboxRecord) -> Value:
    record = tx.comments.get(row.comment) if row.comment is not None else None
    return record.canonical.fields.get(Field.BODY) if record is not None else None


def _where(tx: Tx, row: OutboxRecord) -> str:
    """What the replica calls the ticket; empty where its copy is only being made."""
    links = tx.links.of_ticket(row.ticket, removed=True)
    return next((one.key for one in links if one.replica == row.replica and one.number), "")


def differences(reviewed: PlanReport, now: PlanReport) -> tuple[str, ...]:
    """What the second plan would do otherwise than the first, a sentence each; none when they do the same."""
    old, new = effects(reviewed.writes), effects(now.writes)
    gone, come = list((old - new).elements()), list((new - old).elements())
    lines: list[str] = []
    for was in gone:
        same = next((one for one in come if one[:5] == was[:5]), None)
        if same is not None:
            come.remove(same)
        lines.append(_changed(was, same))
    lines += [f"{_place(one)}: new{_said(one)}" for one in come]
    return (*dict.fromkeys(lines), *_conflicts(reviewed.conflicts, now.conflicts))


def _changed(was: Effect, now: Effect | None) -> str:
    place = _place(was)
    if now is None:
        return f"{place}: not needed any more{_said(was)}"
    if was.field is None:
        return f"{place}: changed"
    said = []
    if not equal(was.field, was.old, now.old):
        said.append(f"there stands {_short(now.old)} now, and not {_short(was.old)}")
    if not equal(was.field, was.new, now.new):
        said.append(f"it would become {_short(now.new)} now, and not {_short(was.new)}")
    return f"{place}: {'; '.join(said) or 'written in another way'}"


def _place(one: Effect) -> str:
    file = f" '{one.file}'" if one.file else ""
    label = f", {rule_of(one.field).label.lower()}" if one.field is not None else ""
    return f"{one.key}, {one.action}{file} in {one.replica}{label}"


def _said(one: Effect) -> str:
    if one.field is None:
        return ""
    if is_empty(one.old) or shape_of(one.field) is Shape.TEXT:
        return f": {_short(one.new)}"
    return f": {_short(one.old)} → {_short(one.new)}"


def _short(value: Value, width: int = 60) -> str:
    if is_empty(value):
        return "nothing"
    text = ", ".join(sorted(value)) if isinstance(value, frozenset) else " ".join(str(value).split())
    return f"'{text}'" if len(text) <= width else f"'{text[: width - 1]}…'"


def _conflicts(old: Sequence[PlannedConflict], new: Sequence[PlannedConflict]) -> list[str]:
    before = Counter((one.key, one.field, one.proposed, one.settled) for one in old)
    after = Counter((one.key, one.field, one.proposed, one.settled) for one in new)
    lines = [
        f"{key}, {rule_of(name).label.lower()}: this conflict is not there any more" for key, name, *_ in before - after
    ]
    for key, name, proposed, settled in after - before:
        outcome = f"{_short(proposed)} would be taken" if settled else "it would wait for a person"
        lines.append(f"{key}, {rule_of(name).label.lower()}: a conflict, {outcome}")
    return lines
