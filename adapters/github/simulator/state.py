"""What the simulated GitHub remembers: people, repositories, issues, and their history."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

JsonObject = dict[str, Any]
Product = Literal["github.com", "ghec", "ghes-3.17", "ghes-3.19"]
OwnerType = Literal["Organization", "User"]
Feature = Literal["types", "fields", "sub-issues", "dependencies", "limits"]
Due = Literal["utc", "pacific"]
FieldType = Literal["text", "number", "date", "single_select", "multi_select"]

_HOSTED: frozenset[Feature] = frozenset({"types", "fields", "sub-issues", "dependencies", "limits"})
#: What each product has beyond the common ground, by the operations in its description.
FEATURES: dict[Product, frozenset[Feature]] = {
    "github.com": _HOSTED,
    "ghec": _HOSTED,
    "ghes-3.17": frozenset(),
    "ghes-3.19": frozenset({"dependencies"}),
}


#: What a repository answers whose issues are switched off.
ISSUES_OFF = "Issues are disabled for this repo"


class ApiError(Exception):
    """An answer other than success, with GitHub's own body."""

    def __init__(self, status: int, message: str, *, errors: list[JsonObject] | None = None, see: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body: JsonObject = {"message": message}
        if errors is not None:
            self.body["errors"] = errors
        self.body |= {"documentation_url": f"https://docs.github.com/rest{see}", "status": str(status)}


def invalid(resource: str, field_name: str, code: str = "invalid", **more: Any) -> ApiError:
    """The 422 with which GitHub refuses one field."""
    return ApiError(
        422, "Validation Failed", errors=[{"resource": resource, "code": code, "field": field_name, **more}]
    )


@dataclass(slots=True, kw_only=True, eq=False)
class User:
    """An account; `push`, `admin` and `reads` are its rights on every simulated repository."""

    id: int
    login: str
    token: str | None = None
    name: str | None = None
    push: bool = True
    admin: bool = False
    reads: bool = True
    assignable: bool = True
    type: str = "User"


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who does something, and when."""

    user: User
    at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Label:
    """A repository's label; issues hold the object, so that a rename shows everywhere."""

    id: int
    name: str
    color: str = "ededed"
    description: str | None = None
    default: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Milestone:
    """A repository's milestone, with how many of its issues are open and closed."""

    id: int
    number: int
    title: str
    creator: User
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    state: Literal["open", "closed"] = "open"
    due_on: datetime | None = None
    closed_at: datetime | None = None
    counts: dict[str, int] = field(default_factory=lambda: {"open": 0, "closed": 0})


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueType:
    """An organization's issue type."""

    id: int
    name: str
    description: str
    color: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOption:
    """One choice of a select field."""

    id: int
    name: str
    color: str = "gray"


@dataclass(slots=True, kw_only=True, eq=False)
class IssueField:
    """An organization's issue field."""

    id: int
    name: str
    data_type: FieldType
    options: list[FieldOption] = field(default_factory=list)

    def option(self, **wanted: Any) -> FieldOption | None:
        """The option with this `id` or `name`."""
        return next((one for one in self.options if all(getattr(one, key) == wanted[key] for key in wanted)), None)


@dataclass(slots=True, kw_only=True, eq=False)
class Comment:
    """A comment on an issue or a pull request."""

    id: int
    number: int
    body: str
    user: User | None
    created_at: datetime
    updated_at: datetime
    minimized: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry of an issue's history; `detail` holds what this kind of event adds, as plain values."""

    id: int
    number: int
    kind: str
    actor: User
    at: datetime
    detail: JsonObject = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class Issue:
    """An issue, or a pull request in its role as an issue."""

    home: Repository = field(repr=False)
    id: int
    number: int
    title: str
    body: str | None
    user: User | None
    created_at: datetime
    updated_at: datetime
    state: Literal["open", "closed"] = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    closed_by: User | None = None
    labels: list[Label] = field(default_factory=list)
    assignees: list[User] = field(default_factory=list)
    milestone: Milestone | None = None
    type: IssueType | None = None
    locked: bool = False
    lock_reason: str | None = None
    is_pull: bool = False
    comments: dict[int, Comment] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    parent: Issue | None = None
    children: list[Issue] = field(default_factory=list)
    blocked_by: list[Issue] = field(default_factory=list)
    blocking: list[Issue] = field(default_factory=list)
    counted: tuple[list[Issue], list[Issue]] = ([], [])  # both as they were when `updated_at` last moved
    field_values: dict[int, Any] = field(default_factory=dict)  # a select field's hold option ids


@dataclass(slots=True, kw_only=True, eq=False)
class Repository:
    """A repository and everything filed in it."""

    id: int
    full_name: str
    owner_type: OwnerType
    created_at: datetime
    private: bool = True
    has_issues: bool = True
    archived: bool = False
    labels: dict[str, Label] = field(default_factory=dict)
    milestones: dict[int, Milestone] = field(default_factory=dict)
    milestone_numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    types: dict[str, IssueType] = field(default_factory=dict)
    fields: dict[int, IssueField] = field(default_factory=dict)  # one dict for the whole organization
    issues: dict[int, Issue] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    deleted: set[int] = field(default_factory=set)
    transferred: dict[int, tuple[int, int]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    by_id: dict[int, Issue] = field(default_factory=dict)
    open_pulls_and_issues: int = 0
    revision: int = 0
    _sorted: dict[str, tuple[int, list[Any]]] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        """The login before the slash."""
        return self.full_name.partition("/")[0]

    @property
    def name(self) -> str:
        """What stands after the slash."""
        return self.full_name.partition("/")[2]

    def updated_since(self, feed: Literal["issues", "comments"], since: datetime | None) -> list[Any]:
        """Issues or comments by (`updated_at`, `id`), oldest first; `since` is inclusive."""
        revision, rows = self._sorted.get(feed, (-1, []))
        if revision != self.revision:
            values: dict[int, Any] = self.issues if feed == "issues" else self.comments
            rows = sorted(values.values(), key=lambda row: (row.updated_at, row.id))
            self._sorted[feed] = (self.revision, rows)
        return rows if since is None else rows[bisect_left(rows, since, key=lambda row: row.updated_at) :]
