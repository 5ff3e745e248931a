"""The nouns: what a ticket is in canonical terms, and what a tracker answered.

Absent, empty, unknown and unsupported are four different things:

    absent       the field is not in the mapping at all: nothing was said about it
    empty        None, "" or an empty set: somebody said that there is nothing
    unknown      UNKNOWN: the tracker holds something that has no meaning here (an unmapped status)
    unsupported  not in `Capabilities.fields`: the tracker can't hold it
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Any, Final, Literal

from sync.core.ids import Marker, NativeRef, PersonId, ReplicaName

JsonObject = dict[str, Any]


class Field(StrEnum):
    """A field of the canonical ticket; a comment has only a `BODY`.

    A custom field is a member too, made from its name: `Field("custom.customer")`, or `Field("custom.regions[]")` for one
    that holds a set. Iterating gives the built-in ones only.
    """

    TITLE = "title"
    BODY = "body"
    KIND = "kind"
    TYPE = "type"
    STATUS = "status"
    REASON = "reason"
    PRIORITY = "priority"
    SEVERITY = "severity"
    LABELS = "labels"
    COMPONENTS = "components"
    ASSIGNEES = "assignees"
    REPORTER = "reporter"
    PARENT = "parent"
    LINKS = "links"
    ESTIMATE = "estimate"
    REMAINING = "remaining"
    SPENT = "spent"
    POINTS = "points"
    SPRINT = "sprint"
    MILESTONE = "milestone"
    START = "start"
    TARGET = "target"
    DUE = "due"
    ATTACHMENTS = "attachments"

    @classmethod
    def _missing_(cls, value: object) -> Field | None:
        if not (isinstance(value, str) and _CUSTOM.fullmatch(value)):
            return None
        member = str.__new__(cls, value)
        member._name_, member._value_ = value.upper(), value
        return cls._value2member_map_.setdefault(value, member)  # type: ignore[return-value]

    @property
    def is_custom(self) -> bool:
        """Whether a mapping file declared it under `[custom]`."""
        return self.value.startswith("custom.")


_CUSTOM: Final = re.compile(r"custom\.[a-z][a-z0-9_]*(\[\])?")


class Unknown(Enum):
    """The type of `UNKNOWN`: a value that is there but can't be read, so it is neither claimed nor overwritten."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown.UNKNOWN

#: Scalars and text are strings (None or "" when empty), sets are frozensets of strings.
Value = str | frozenset[str] | None | Literal[Unknown.UNKNOWN]
Fields = Mapping[Field, Value]

KINDS: Final = ("epic", "issue", "task")
TYPES: Final = ("bug", "feature", "enhancement", "tech_debt", "investigation")
STATUSES: Final = ("open", "in_progress", "blocked", "review", "done", "reopened")
REASONS: Final = ("completed", "not_planned", "duplicate")
PRIORITIES: Final = ("P0", "P1", "P2", "P3")
SEVERITIES: Final = ("critical", "high", "medium", "low")
#: A member of `LINKS` is `kind:ticket`; each kind with what the ticket at the other end says.
LINK_KINDS: Final[Mapping[str, str]] = {
    "blocks": "blocked_by",
    "blocked_by": "blocks",
    "relates": "relates",
    "duplicates": "duplicated_by",
    "duplicated_by": "duplicates",
}


def link_parts(member: str) -> tuple[str, str]:
    """The kind of a member of `LINKS`, and what stands at its other end."""
    kind, _, other = member.partition(":")
    return kind, other


def other_end(kind: str, of: str) -> str:
    """The member of `LINKS` that the ticket at the other end of a link has, where `of` has one of this kind."""
    return f"{LINK_KINDS.get(kind)}:{of}"


def is_empty(value: Value) -> bool:
    """Whether somebody said that there is nothing (UNKNOWN is something)."""
    return value is None or value in ("", frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Who wrote a value, where and when; `replica` is None for a person at trackdown's own command line.

    `at` is corrected by the measured offset of that tracker's clock and true to `± uncertainty`.
    """

    replica: ReplicaName | None
    author: PersonId | None = None
    at: datetime | None = None
    uncertainty: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Canonical:
    """The agreed state of a ticket or of a comment, with the origin of each value."""

    fields: Fields
    provenance: Mapping[Field, Provenance] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A native ticket or comment in canonical terms, decoded by one mapping.

    In a codec's snapshots `PARENT` is a NativeRef, a member of `LINKS` is `kind:<NativeRef>` and one of `ATTACHMENTS` is
    `[name](url)`; the engine resolves them to ids of its own. An attachment of this tracker stands in a text by its url.
    """

    fields: Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """The side's ticket is not there any more; never by itself a reason to delete anything elsewhere."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeComment:
    """One comment as a tracker answered it."""

    ref: NativeRef
    ticket: NativeRef
    version: str
    payload: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody in one tracker: `ids` are all that `[people]` may call them, the one to write there first.

    `mail` is "" where the tracker does not tell it.
    """

    ids: tuple[str, ...]
    name: str
    mail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeAttachment:
    """One file at a ticket as a tracker answered it; `url` is what texts of this tracker refer to it by.

    `name` is data and never a path; `size` (bytes) and `media_type` are what the tracker says, None and "" where it does not.
    """

    ref: NativeRef
    ticket: NativeRef
    name: str
    url: str
    size: int | None = None
    media_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeTicket:
    """One ticket as a tracker answered it.

    `ref` survives renames and moves; `key` and `url` are what people see (`PAY-12`, `#12`); `number` grows with
    every create in the project (the fence of recovery); `version` differs whenever the ticket changed and is compared for equality only;
    `payload` is JSON and holds all that the codec needs. `comment_count` is the tracker's own count, None when it
    does not say; `comments` is the complete list, None when the answer did not hold all of them.
    """

    ref: NativeRef
    key: str
    url: str
    number: int
    version: str
    payload: JsonObject
    fetched_at: datetime
    updated_at: datetime
    comment_count: int | None = None
    comments: tuple[NativeComment, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The tracker says that a ticket is not there: deleted, moved out of the project, or hidden from us.

    `moved_to` is where it is now, as the tracker calls it, "" where nothing says so. The engine is `sure` when it was looked for
    twice, a while apart.
    """

    ref: NativeRef
    reason: str
    moved_to: str = ""
    sure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeEvent:
    """One entry of a ticket's own history, raw; `id` is unique within the replica and never reused."""

    id: str
    ref: NativeRef
    author: str | None
    at: datetime
    payload: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldEvent:
    """One change of one field, from the tracker's history, in canonical terms (UNKNOWN where it does not say)."""

    id: str
    field: Field
    old: Value
    new: Value
    author: PersonId | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A ticket in canonical terms; `problems` name what could not be read (its field is then UNKNOWN).

    `marker` is the creation marker that the ticket carries, if any; `references` are the explicit mentions of tickets
    elsewhere ("Mirrors: <url or key>"), as written, for adoption. `author` is the reporter; an `outsider` may open tickets there and
    comment, and no more: what such a text asks of other tickets is not done.
    """

    snapshot: Snapshot
    problems: tuple[FieldProblem, ...] = ()
    marker: Marker | None = None
    references: tuple[str, ...] = ()
    author: PersonId | None = None
    outsider: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedComment:
    """A comment in canonical terms: Markdown without the attribution and the marker that the bridge put there.

    `restricted` comments are visible to some people only and never leave their tracker; `author_name` is for display;
    `edited`: by the tracker's own account it was rewritten after it was made.
    """

    body: str
    author: PersonId | None
    author_name: str
    created_at: datetime
    marker: Marker | None = None
    restricted: bool = False
    edited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """What is wrong with one field of one ticket, and the mend, each in one sentence a person can act on."""

    field: Field | None
    message: str
    mend: str
