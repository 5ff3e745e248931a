"""What the store hands out and takes in: plain values, never rows.

Every time is aware and in UTC. Names of JSON members are the writer's own: the store keeps `context`, `before`,
`after` and `stats` as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sync.core.ids import AttachmentId, BridgeName, CommentId, NativeRef, PersonId, ReplicaName, RunId, TicketId
from sync.core.models import (
    Canonical,
    Field,
    Fields,
    Gone,
    JsonObject,
    NativeComment,
    NativeTicket,
    Value,
)
from sync.core.ports import NativeOp

LinkState = Literal["active", "gone", "removed"]
CopyState = Literal["active", "gone", "refused"]
OutboxState = Literal["pending", "sent", "done", "failed", "unknown", "dropped"]
ConflictState = Literal["open", "settled", "resolved"]
ReplicaState = Literal["ok", "failing", "auth", "unknown"]
AuditPhase = Literal["intent", "outcome", "decision", "person"]

#: Outbox states of a request whose end is not known yet.
UNFINISHED: tuple[OutboxState, ...] = ("pending", "sent", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to work on a bridge, until `ttl` after the last renewal; `epoch` grows with every holder."""

    bridge: BridgeName
    epoch: int
    holder: str
    acquired_at: datetime
    ttl: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """All that was pulled of one ticket and is not yet decided on; `seen` names the very rows that it was read from.

    `received_at` is when the ticket's own part was put, `comments_at` when each of the single `comments` was.
    """

    ref: NativeRef
    ticket: NativeTicket | None = None
    gone: Gone | None = None
    comments: tuple[NativeComment, ...] = ()
    seen: frozenset[str] = frozenset()
    received_at: datetime | None = None
    comments_at: Mapping[NativeRef, datetime] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.ticket is not None or self.gone is not None or bool(self.comments)

    def outlived(self, comment: NativeRef) -> bool:
        """Whether the ticket's own complete list came later than this comment, and does not hold it any more.

        Of one moment nobody can say which was the later one: the comment stays.
        """
        if self.ticket is None or self.ticket.comments is None or self.received_at is None:
            return False
        put = self.comments_at.get(comment, self.received_at)
        return put < self.received_at and all(one.ref != comment for one in self.ticket.comments)


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRecord:
    """A canonical ticket; `dirty` says why it must be looked at though nothing new was pulled."""

    id: TicketId
    bridge: BridgeName
    number: int
    key: str
    canonical: Canonical
    dirty: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentRecord:
    """A canonical comment; one that was deleted stays readable as a tombstone."""

    id: CommentId
    ticket: TicketId
    canonical: Canonical
    origin: ReplicaName
    author: PersonId | None
    author_name: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None

    @property
    def deleted(self) -> bool:
        """Whether this is a tombstone."""
        return self.deleted_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentRecord:
    """One content at one ticket; `sha256` None: it is not carried, and `skipped` says why. A deleted one stays as a tombstone."""

    id: AttachmentId
    ticket: TicketId
    sha256: str | None
    name: str
    size: int
    media_type: str
    origin: ReplicaName
    skipped: str
    created_at: datetime
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyRecord:
    """An attachment in one replica; `refused`: that tracker will not have it.

    `seen_at` is the tracker's own time of the ticket that showed it.
    """

    id: str
    bridge: BridgeName
    replica: ReplicaName
    ticket: TicketId
    attachment: AttachmentId
    ref: NativeRef
    url: str
    state: CopyState
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRecord:
    """Joins a ticket (or a comment) to what one replica calls it, with the base that was observed there.

    `parent_ref` is the ticket's ref for a comment's link; `base` is `native` decoded by the mapping with `digest`;
    `agreed` is what both sides were last known to agree on. `missing_since`: the tracker did not find it when it was looked for
    directly; on a link that is gone, its deletion is still to be carried to the other copies.
    """

    id: str
    bridge: BridgeName
    replica: ReplicaName
    ref: NativeRef
    ticket: TicketId
    comment: CommentId | None = None
    parent_ref: NativeRef | None = None
    key: str = ""
    url: str = ""
    number: int = 0
    native: NativeTicket | NativeComment | None = None
    base: Fields | None = None
    digest: str = ""
    agreed: Fields = field(default_factory=dict)
    state: LinkState = "active"
    created_at: datetime
    observed_at: datetime
    missing_since: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Whether both are one."""
        return self.state == "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRecord:
    """One native request and what became of it.

    `sequence` grows over the whole store; `fence` is the newest native number that was known before a create.
    """

    id: str
    sequence: int
    run: RunId
    bridge: BridgeName
    replica: ReplicaName
    ticket: TicketId
    comment: CommentId | None
    link: str | None
    op: NativeOp
    context: JsonObject
    state: OutboxState
    fence: int
    attempts: int
    not_before: datetime | None
    created_at: datetime
    sent_at: datetime | None
    finished_at: datetime | None
    before: JsonObject | None
    after: JsonObject | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRecord:
    """What one side of a conflict said; `replica` None is the canonical ticket or a person at the command line."""

    replica: ReplicaName | None
    value: Value
    author: PersonId | None = None
    at: datetime | None = None
    uncertain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictRecord:
    """Claims that could not all be kept, and what came of them.

    `open` waits for a person, `settled` was decided by policy, `resolved` by a person; `chosen` means something only
    when it is not open.
    """

    id: str
    bridge: BridgeName
    ticket: TicketId
    comment: CommentId | None
    field: Field
    reason: str
    base: Value
    claims: tuple[ClaimRecord, ...]
    proposed: Value
    chosen: Value
    chosen_replica: ReplicaName | None
    by: str
    state: ConflictState
    run: RunId | None
    created_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemRecord:
    """One thing that could not be read or written, with its mend; reported again it only counts on."""

    id: int
    bridge: BridgeName
    replica: ReplicaName | None
    ref: NativeRef | None
    ticket: TicketId | None
    field: Field | None
    kind: str
    message: str
    mend: str
    first_seen: datetime
    last_seen: datetime
    times: int
    cleared_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaRecord:
    """How one replica of a bridge is doing; `failures` counts those in a row, `details` is the writer's own JSON."""

    bridge: BridgeName
    replica: ReplicaName
    kind: str
    state: ReplicaState = "unknown"
    last_success: datetime | None = None
    last_error: str | None = None
    failures: int = 0
    not_before: datetime | None = None
    feeds: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One cycle of one bridge; `finished_at` None: it runs, or was killed."""

    id: RunId
    bridge: BridgeName
    started_at: datetime
    finished_at: datetime | None
    stats: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One entry of the audit log, chained to the one before by `previous_hash`."""

    seq: int
    at: datetime
    phase: AuditPhase
    run: RunId | None
    bridge: BridgeName | None
    ticket: TicketId | None
    replica: ReplicaName | None
    op_id: str | None
    action: str
    before: Any
    after: Any
    note: str
    previous_hash: str
    hash: str
