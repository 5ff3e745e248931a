"""The values of a simulated Jira: issues with all that hangs on them, and what a project plans with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeItem:
    """One field of one changelog entry: internal values and the texts that people see."""

    field: str
    field_id: str | None
    custom: bool = False
    old: str | None = None
    old_text: str | None = None
    new: str | None = None
    new_text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One changelog entry."""

    id: int
    author: str
    created: datetime
    items: tuple[ChangeItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment; `body` is ADF on Cloud and wiki markup on Data Center."""

    id: int
    author: str
    created: datetime
    update_author: str
    updated: datetime
    body: Any
    visibility: Mapping[str, str] | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An issue link, kept by both issues: "`source` blocks `target`"."""

    id: int
    type: str
    source: int
    target: int

    def other(self, issue: int) -> int:
        """The issue at the other end."""
        return self.target if issue == self.source else self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file of an issue; names need not be unique."""

    id: int
    filename: str
    author: str
    created: datetime
    mime_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Worklog:
    """Time that a person spent; `comment` is rich text as of a comment."""

    id: int
    author: str
    created: datetime
    update_author: str
    updated: datetime
    started: datetime
    seconds: int
    comment: Any = None
    visibility: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A component; `project` is the project's number."""

    id: int
    project: int
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version; dates are ISO days."""

    id: int
    project: int
    name: str
    description: str = ""
    archived: bool = False
    released: bool = False
    start_date: str | None = None
    release_date: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A board of a project; a kanban board has no sprints."""

    id: int
    project: int
    name: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sprint:
    """A sprint; `state` is future, active or closed, times are as they were sent."""

    id: int
    board: int
    name: str
    state: str = "future"
    goal: str = ""
    start: str | None = None
    end: str | None = None
    complete: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One state of an issue; every write makes a new one, so a stale index can keep the old. Estimates are seconds."""

    id: int
    key: str
    type: str
    summary: str
    description: Any = None
    status: str
    resolution: str | None = None
    priority: str | None = "3"
    labels: tuple[str, ...] = ()
    components: tuple[int, ...] = ()
    fix_versions: tuple[int, ...] = ()
    versions: tuple[int, ...] = ()
    assignee: str | None = None
    reporter: str | None
    creator: str
    parent: int | None = None
    duedate: str | None = None
    original_estimate: int | None = None
    remaining_estimate: int | None = None
    time_spent: int | None = None
    custom: Mapping[str, Any] = field(default_factory=dict)
    created: datetime
    updated: datetime
    resolved: datetime | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    comments: tuple[Comment, ...] = ()
    worklogs: tuple[Worklog, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    links: tuple[Link, ...] = ()
    watchers: tuple[str, ...] = ()
    archived: bool = False
    security: str | None = None  # the name of its level
    roles: tuple[str, ...] = ()  # to whom a team-managed project shows it alone
    changes: tuple[Change, ...] = ()

    @property
    def project(self) -> str:
        """The key of its project."""
        return self.key.rpartition("-")[0]
