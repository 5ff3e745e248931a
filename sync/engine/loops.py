"""Tickets that would stand above themselves, or wait for themselves: no tracker is told to make such a thing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from sync.core.changes import ChangeSet
from sync.core.claims import as_set
from sync.core.ids import TicketId
from sync.core.models import Field, FieldProblem, Fields, link_parts
from sync.core.ports import OpKind
from sync.engine.deciding import TicketWork
from sync.store import Tx

#: A family or a chain of dependencies that is larger than this is not looked through.
MOST = 2_000
#: The steps that may lead back to where they started: the field, the kind of link, and what it would mean.
_STEPS = (
    (Field.PARENT, "", "stand below itself"),
    (Field.LINKS, "blocked_by", "wait for itself"),
    (Field.LINKS, "blocks", "wait for itself"),
)


def without_circles(tx: Tx, works: Iterable[TicketWork]) -> list[TicketWork]:
    """The works without what would close a circle together with the others; each such field is a problem of its ticket."""
    listed = list(works)
    decided = {work.record.id: work.decision.after.fields for work in listed}
    return [_without_circles(tx, work, decided) for work in listed]


def _without_circles(tx: Tx, work: TicketWork, decided: Mapping[TicketId, Fields]) -> TicketWork:
    problems: dict[Field, FieldProblem] = {}
    for name, kind, label in _STEPS:
        if not any(name in intent.changes.fields for intent in work.intents):
            continue
        way = _way_back(tx, work.record.id, decided, name, kind)
        if way is not None:
            keys = " → ".join(record.key for each in way if (record := tx.tickets.get(each)) is not None)
            message = f"the ticket would {label}: {keys}; that is not written anywhere"
            mend = "take one of these steps out in any tracker"
            problems[name] = FieldProblem(field=name, message=message, mend=mend)
    if not problems or not work.seen:
        return work
    first = next(iter(work.seen))
    intents = []
    for intent in work.intents:
        fields = {name: change for name, change in intent.changes.fields.items() if name not in problems}
        if fields or intent.kind is not OpKind.UPDATE:
            changes = ChangeSet(fields=fields, gone=intent.changes.gone)
            intents.append(intent if len(fields) == len(intent.changes.fields) else replace(intent, changes=changes))
    told = {**work.problems, first: (*work.problems.get(first, ()), *problems.values())}
    return replace(work, intents=tuple(intents), problems=told, waits=True)


def _way_back(
    tx: Tx, start: TicketId, decided: Mapping[TicketId, Fields], name: Field, kind: str
) -> list[TicketId] | None:
    """From the ticket step by step back to it; None where there is no such way."""
    came_from: dict[TicketId, TicketId] = {}
    queue = [start]
    for place in queue:
        for other in _next(_fields(tx, place, decided), name, kind):
            if other == start:
                way = [place]
                while way[0] != start:
                    way.insert(0, came_from[way[0]])
                return [*way, start]
            if other not in came_from and len(came_from) < MOST:
                came_from[other] = place
                queue.append(other)
    return None


def _fields(tx: Tx, ticket: TicketId, decided: Mapping[TicketId, Fields]) -> Fields:
    if ticket in decided:
        return decided[ticket]
    record = tx.tickets.get(ticket)
    return {} if record is None else record.canonical.fields


def _next(fields: Fields, name: Field, wanted: str) -> Iterator[TicketId]:
    """The parent, or the tickets at the other ends of links of that kind."""
    if name is Field.PARENT:
        parent = fields.get(name)
        if isinstance(parent, str) and parent:
            yield TicketId(parent)
        return
    for member in as_set(fields.get(name)):
        kind, other = link_parts(member)
        if kind == wanted:
            yield TicketId(other)
