"""From a decision to what has to be done where: intents, still in canonical terms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sync.core.changes import ChangeSet, FieldChange
from sync.core.decision import Decision
from sync.core.fieldrules import equal
from sync.core.guard import Census, Effect
from sync.core.ids import AttachmentId, CommentId, ReplicaName, TicketId
from sync.core.models import Field, Fields, is_empty
from sync.core.ports import OpKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One ticket, comment or attachment to be created, brought up to date or deleted in one replica.

    `link` is the id of the link that it goes over, None for a create. `changes` are canonical, from what stands there.
    """

    kind: OpKind
    replica: ReplicaName
    ticket: TicketId
    changes: ChangeSet
    comment: CommentId | None = None
    attachment: AttachmentId | None = None
    link: str | None = None


def make_plan(
    ticket: TicketId,
    decision: Decision,
    links: Mapping[ReplicaName, str],
    missing: Iterable[ReplicaName],
    comment: CommentId | None = None,
) -> tuple[Intent, ...]:
    """The intents of one decision: updates over `links`, creates in the replicas that are `missing` it."""
    update = OpKind.UPDATE if comment is None else OpKind.COMMENT_UPDATE
    create = OpKind.CREATE if comment is None else OpKind.COMMENT_CREATE
    updates = [
        Intent(kind=update, replica=replica, ticket=ticket, comment=comment, link=links[replica], changes=side.writes)
        for replica, side in decision.sides.items()
        if side.writes and replica in links
    ]
    whole = as_new(decision.after.fields)
    creates = [
        Intent(kind=create, replica=replica, ticket=ticket, comment=comment, changes=whole) for replica in missing
    ]
    return (*updates, *creates)


def as_new(fields: Fields) -> ChangeSet:
    """All fields as changes from nothing."""
    return ChangeSet(fields={name: FieldChange(old=None, new=value) for name, value in fields.items()})


#: Fields that nobody empties on many tickets at once without a thought.
_KEPT_FULL = frozenset({Field.LABELS, Field.COMPONENTS, Field.ASSIGNEES, Field.PARENT, Field.LINKS})


@dataclass(slots=True, kw_only=True)
class Count:
    """A census in the making: which tickets a cycle would touch, and how; `parts` are comments and files to be deleted."""

    touched: dict[Effect, set[TicketId]] = field(default_factory=dict)
    parts: set[str] = field(default_factory=set)
    waiting: dict[TicketId, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.touched or self.parts or self.waiting)

    def touch(self, effect: Effect, ticket: TicketId) -> None:
        """Count a ticket."""
        self.touched.setdefault(effect, set()).add(ticket)

    def take(self, intent: Intent) -> None:
        """Count one intent; creates are no mass effect, they change nothing that anybody has."""
        match intent.kind:
            case OpKind.COMMENT_DELETE:
                self.parts.add(str(intent.comment))
            case OpKind.ATTACHMENT_DELETE:
                self.parts.add(str(intent.attachment))
            case OpKind.DELETE:
                self.touch(Effect.DELETE, intent.ticket)
            case OpKind.UPDATE:
                for effect in _effects(intent.changes):
                    self.touch(effect, intent.ticket)

    def census(self, tickets: int) -> Census:
        """The finished census of a bridge with so many tickets."""
        touched = {effect: frozenset(of) for effect, of in self.touched.items()}
        waiting = tuple(self.waiting.values())
        return Census(tickets=tickets, touched=touched, parts=len(self.parts), waiting=waiting)


def _effects(changes: ChangeSet) -> Iterator[Effect]:
    for name, change in changes.fields.items():
        if equal(name, change.old, change.new):
            continue  # a text that is only said anew (its files have other addresses)
        if name is Field.STATUS and change.new == "done":
            yield Effect.CLOSE
        elif name in (Field.TITLE, Field.BODY):
            yield Effect.REWRITE
        elif name in _KEPT_FULL and is_empty(change.new):
            yield Effect.EMPTY
