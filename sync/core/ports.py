"""The two seams to a tracker: an `Adapter` that executes and a `Codec` that translates. Neither decides.

An adapter's folder exports both through `adapters/<kind>/adapter.py` and `codec.py`; everything in
`sync/testing/conformance.py` holds for every one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from sync.core.capabilities import Capabilities, Visibility
from sync.core.changes import ChangeSet
from sync.core.ids import Cursor, Marker, NativeRef
from sync.core.mapping import ProjectMapping
from sync.core.models import (
    Account,
    Decoded,
    DecodedComment,
    Field,
    FieldEvent,
    FieldProblem,
    Fields,
    Gone,
    JsonObject,
    NativeAttachment,
    NativeComment,
    NativeEvent,
    NativeTicket,
)


class OpKind(StrEnum):
    """What a native request does, as far as the engine must know to recover from a lost answer."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    COMMENT_CREATE = "comment_create"
    COMMENT_UPDATE = "comment_update"
    COMMENT_DELETE = "comment_delete"
    ATTACHMENT_CREATE = "attachment_create"
    ATTACHMENT_DELETE = "attachment_delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeOp:
    """Exactly one request to a tracker; JSON-serialisable, so that it can wait in the outbox.

    `action` and `payload` are the adapter's own; `ref` is the ticket (None for a create), `comment` the comment;
    `fields` are the fields that this request sets; `expects` is the version that it was made for.
    """

    kind: OpKind
    action: str
    summary: str
    payload: JsonObject
    ref: NativeRef | None = None
    comment: NativeRef | None = None
    fields: frozenset[Field] = frozenset()
    expects: str | None = None
    marker: Marker | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """The requests for a set of changes, in order, and what can't be said in this tracker (one problem a field)."""

    ops: tuple[NativeOp, ...] = ()
    problems: tuple[FieldProblem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the tracker returned for one write: `ticket`/`comment`/`attachment` as it is now, None where the answer did not say.

    `ref` is the ticket's ref (the new one, for a create); `at` is the tracker's own time of the answer.
    """

    ref: NativeRef
    at: datetime
    ticket: NativeTicket | None = None
    comment: NativeComment | None = None
    comment_ref: NativeRef | None = None
    attachment: NativeAttachment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a pull, to be stored together with `cursor`; tickets and comments may repeat over pages."""

    cursor: Cursor
    tickets: tuple[NativeTicket, ...] = ()
    comments: tuple[NativeComment, ...] = ()
    gone: tuple[Gone, ...] = ()
    malformed: tuple[tuple[str, str], ...] = ()  # (ref or place, what is wrong): reported, the rest goes on
    total: int | None = None  # how many tickets the whole pull will bring, where the tracker says


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """How far the tracker's clock is ahead of ours, true to `± uncertainty`; from `Date` headers."""

    offset: timedelta = timedelta()
    uncertainty: timedelta = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """What a request has to wait for: how long, and for which limit; `over` is how long until all that were asked about are sent."""

    after: timedelta
    why: str
    over: timedelta


@dataclass(slots=True)
class Traffic:
    """Requests sent so far, counted on the wire (retries and log-ins included)."""

    requests: int = 0
    writes: int = 0
    waits: float = 0.0  # seconds spent on pacing and rate limits
    by_route: dict[str, int] = field(default_factory=dict)


class Adapter(Protocol):
    """Executes requests against one project of one tracker.

    Blocking; used by one thread at a time. Raises only `sync.core.errors`: a read may be retried inside (GET only,
    by our own rule), a write is sent once: `Uncertain` when it may have been done, another `TrackerError` when it was not.
    """

    traffic: Traffic

    def probe(self) -> Capabilities:
        """Find out who we are and what the project can do, without writing.

        Raises `AuthFailed`, `Unreachable`, or `Rejected` for a project that is not there, with the mend in the message.
        """
        ...

    def resume(self, known: Capabilities) -> None:
        """Take over what an earlier probe of the same project found, instead of asking again: costs no request.

        After it, every call works as after `probe`; what turns out to be stale raises a `TrackerError`, and the caller probes.
        """
        ...

    def visibility(self) -> Visibility:
        """Who may read the project now; asked of the tracker, by one request at most."""
        ...

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """Everything that changed after `since` (None: everything), at least once, oldest first where the tracker can.

        Each page's cursor is safe to start from once that page is stored. An idle pull costs `Capabilities.feeds` requests
        at most. Lists and batches only: never one request per ticket, except for the comments of a changed ticket
        where the tracker has no feed of them. When nothing changed, one page with no tickets and the same or a newer cursor.
        """
        ...

    def fetch(self, refs: Sequence[NativeRef], *, comments: bool = True) -> Iterator[NativeTicket | Gone]:
        """The present state of each, read directly and not from a search index, with complete `comments`.

        Without `comments` where they would cost requests of their own and are not asked for (the look before a write).
        In batches where the tracker has them; order is free. `Gone` only when the tracker said so for that very ticket.
        """
        ...

    def find(self, op: NativeOp, *, fence: int) -> NativeRef | None:
        """Whether a create whose answer was lost was done: the ref of the ticket (or comment) that carries `op.marker`.

        Direct reads only, of tickets numbered above `fence` (for a comment: of the comments of `op.ref`), never a search index.
        """
        ...

    def write(self, op: NativeOp, content: Path | None = None) -> Receipt:
        """Send exactly one request (plus, where the answer is empty and it is cheap, none to read it back).

        `content` is the file of an ATTACHMENT_CREATE, streamed and never read whole; its op's payload has `name`, `media_type` and
        `size` (bytes). That of an ATTACHMENT_DELETE has `attachment`, the ref. A tracker that needs two requests to attach makes
        the first one harmless by itself (bytes that nobody refers to).
        """
        ...

    def download(self, attachment: NativeAttachment, take: Callable[[bytes], object], *, limit: int) -> None:
        """Stream an attachment's bytes into `take`, from the tracker's own hosts only.

        Raises `Rejected` for a file that is not there, that is larger than `limit` bytes as sent, or whose address is not the tracker's.
        """
        ...

    def history(self, refs: Sequence[NativeRef], since: datetime) -> Iterator[NativeEvent]:
        """Changes of these tickets after `since` from the tracker's own history, oldest first per ticket, in batches where it can."""
        ...

    def pause(self, kind: OpKind, count: int = 1) -> Pause | None:
        """What the tracker's limits ask `count` more requests of this kind to wait for; None where the next one may go now.

        Costs no request. Short waits are waited for inside the calls.
        """
        ...

    def recall(self, sent: Sequence[tuple[OpKind, timedelta]]) -> None:
        """Count what this account sent lately, and how long ago, before it was opened here and beside it."""
        ...

    def clock(self) -> ClockReading:
        """The tracker's clock against ours, from the answers seen so far."""
        ...

    def close(self) -> None:
        """Give back connections; safe to call twice."""
        ...


class Codec(Protocol):
    """Translates between native payloads and canonical terms: pure, total on whatever the tracker may answer.

    In codec terms `PARENT` is the NativeRef of the parent in this replica, a member of `LINKS` is `kind:<NativeRef>`, one of
    `ATTACHMENTS` is `[name](url)`; the engine translates them to and from ids of its own.
    """

    def decode(self, native: NativeTicket, mapping: ProjectMapping) -> Decoded:
        """The ticket in canonical terms; what can't be read is UNKNOWN with a problem. Never raises on a JSON payload."""
        ...

    def decode_comment(self, native: NativeComment, mapping: ProjectMapping) -> DecodedComment:
        """The comment in canonical terms, without our own attribution and marker. Never raises on a JSON payload."""
        ...

    def accounts(self, native: NativeTicket | NativeComment) -> Iterator[Account]:
        """Every person who is named in the payload (not in its texts); the same one may come several times. Never raises on JSON."""
        ...

    def attachments(self, native: NativeTicket) -> tuple[NativeAttachment, ...]:
        """The files at the ticket. Never raises on a JSON payload."""
        ...

    def decode_event(self, event: NativeEvent, mapping: ProjectMapping) -> tuple[FieldEvent, ...]:
        """The field changes that one history entry tells of; none for what concerns no field of ours."""
        ...

    def project(
        self,
        fields: Fields,
        current: NativeTicket | None,
        mapping: ProjectMapping,
        caps: Capabilities,
    ) -> Fields:
        """What this tracker can hold of `fields`: `decode(encode(fields))`, field by field; idempotent.

        A field that it can't hold at all, or whose value has no native word, is left out. `current` decides where there is a choice: a
        single-valued side keeps its present member when that is in the set, and a status its present native word when
        that means the same.
        """
        ...

    def encode(
        self,
        changes: ChangeSet,
        current: NativeTicket | None,
        mapping: ProjectMapping,
        caps: Capabilities,
        marker: Marker | None = None,
    ) -> Encoded:
        """The requests that bring the ticket from `current` to the new values; none for no change.

        With `current` None: one CREATE that carries `marker` and as many fields as a create can; the engine reads the answer
        and encodes again what is still missing. A way of several steps (a workflow) may give only the first ones: the
        engine encodes again after them. Smallest request: only changed fields, sets by add and remove where the API can.
        """
        ...

    def encode_delete(self, ticket: NativeTicket) -> Encoded:
        """The one request that deletes the ticket and nothing else; a problem where this tracker deletes none (`Capabilities.can_delete`).

        What hangs on the ticket (its subtasks) is never deleted with it: a tracker that would do so is asked to refuse.
        """
        ...

    def encode_comment(
        self,
        body: str | None,
        ticket: NativeTicket,
        current: NativeComment | None,
        mapping: ProjectMapping,
        caps: Capabilities,
        *,
        marker: Marker | None = None,
        attribution: str | None = None,
    ) -> Encoded:
        """One request: create (`current` None, carries `marker`), update, or delete (`body` None) of a comment.

        `attribution` is a line of Markdown that names the original author; it is put before the body (first paragraph) and taken off
        again by `decode_comment`.
        """
        ...
