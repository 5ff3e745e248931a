"""From a decision to what has to be done where: intents, still in canonical terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sync.core.changes import ChangeSet, FieldChange
from sync.core.decision import Decision
from sync.core.guard import Census
from sync.core.ids import AttachmentId, CommentId, ReplicaName, TicketId
from sync.core.models import Field, Fields
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


@dataclass(slots=True, kw_only=True)
class Count:
    """A census in the making: what the intents of a cycle would do to one replica."""

    closed: int = 0
    rewritten: int = 0
    deleted: int = 0
    gone: int = 0

    def take(self, intent: Intent) -> None:
        """Count one intent; creates are no mass effect, they change nothing that anybody has."""
        if intent.kind in (OpKind.COMMENT_DELETE, OpKind.ATTACHMENT_DELETE):
            self.deleted += 1
        if intent.kind is not OpKind.UPDATE:
            return
        status = intent.changes.fields.get(Field.STATUS)
        if status is not None and status.new == "done" and status.old != "done":
            self.closed += 1
        if any(name in intent.changes.fields for name in (Field.TITLE, Field.BODY)):
            self.rewritten += 1

    def census(self, *, linked: int, base: Census) -> Census:
        """The finished census; `base` holds what was known before the counting."""
        return Census(
            linked=linked,
            closed=self.closed,
            rewritten=self.rewritten,
            deleted=self.deleted,
            gone=self.gone,
            pulled_from_nothing=base.pulled_from_nothing,
            clock_offset=base.clock_offset,
        )
