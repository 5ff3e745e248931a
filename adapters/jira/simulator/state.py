"""The issues of a simulated Jira and the operations that change them, each leaving its entry in the changelog."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from adapters.jira.simulator.catalogue import EPIC_LINK, Catalogue
from adapters.jira.simulator.errors import NOT_FOUND, ApiError
from adapters.jira.simulator.index import SearchIndex
from adapters.jira.simulator.markup import plain

#: Which attributes of an issue a person may write, and the name of each in the changelog.
HISTORY_NAMES = {
    "summary": "summary",
    "description": "description",
    "type": "issuetype",
    "status": "status",
    "resolution": "resolution",
    "priority": "priority",
    "labels": "labels",
    "assignee": "assignee",
    "reporter": "reporter",
    "duedate": "duedate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeItem:
    """One field of one changelog entry: internal values and the texts that people see."""

    field: str
    field_id: str | None
    custom: bool = False
    old: str | None
    old_text: str | None
    new: str | None
    new_text: str | None


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
class Issue:
    """One state of an issue; every write makes a new one, so a stale index can keep the old."""

    id: int
    key: str
    type: str
    summary: str
    description: Any = None
    status: str
    resolution: str | None = None
    priority: str | None = "3"
    labels: tuple[str, ...] = ()
    assignee: str | None = None
    reporter: str | None
    creator: str
    parent: int | None = None
    duedate: str | None = None
    custom: Mapping[str, Any] = field(default_factory=dict)
    created: datetime
    updated: datetime
    resolved: datetime | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    comments: tuple[Comment, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def project(self) -> str:
        """The key of its project."""
        return self.key.rpartition("-")[0]


class World:
    """All issues of a site. Operations take values that were checked before; `now` gives aware UTC."""

    def __init__(
        self, catalogue: Catalogue, projects: tuple[str, ...], now: Callable[[], datetime], lag: float
    ) -> None:
        self.catalogue = catalogue
        self.projects = projects
        self.now = now
        self.index = SearchIndex(lag)
        self.issues: dict[int, Issue] = {}
        self.keys: dict[str, int] = {}  # also the keys that an issue had before it was moved
        self.children: defaultdict[int, set[int]] = defaultdict(set)
        self.comment_owners: dict[int, int] = {}
        self._numbers: defaultdict[str, int] = defaultdict(int)
        self._next_id = 10000
        self._next_entry = 20000

    # -- reading ---------------------------------------------------------------------------------

    def find(self, id_or_key: str) -> Issue:
        """By id, key or former key, in any case; 404 otherwise."""
        number = int(id_or_key) if id_or_key.isdecimal() else self.keys.get(id_or_key.upper(), 0)
        issue = self.issues.get(number)
        if issue is None:
            raise ApiError(404, NOT_FOUND)
        return issue

    def comment(self, issue: Issue, comment_id: str) -> Comment:
        """A comment of the issue; 404 otherwise."""
        for comment in issue.comments:
            if str(comment.id) == comment_id:
                return comment
        raise ApiError(404, f"Can not find a comment for the id: {comment_id}.")

    # -- writing ---------------------------------------------------------------------------------

    def create(self, who: str, project: str, values: dict[str, Any], properties: Mapping[str, Any]) -> Issue:
        """Make an issue of checked values in its initial status."""
        now = self.now()
        self._next_id += 1
        self._numbers[project] += 1
        values = {"reporter": who, **values}
        issue = Issue(
            id=self._next_id, key=f"{project}-{self._numbers[project]}", status=self.catalogue.initial_status,
            creator=who, created=now, updated=now, properties=dict(properties), **values,
        )  # fmt: skip
        self.keys[issue.key] = issue.id
        self._store(issue)
        return issue

    def edit(self, who: str, issue: Issue, values: Mapping[str, Any]) -> Issue:
        """Write checked values; where none differs nothing happens and `updated` stays."""
        changed = {name: value for name, value in values.items() if getattr(issue, name) != value}
        if not changed:
            return issue
        now = self.now()
        after = replace(issue, **changed, updated=now)
        items = tuple(item for name in changed for item in self._items(name, issue, after))
        return self._store(replace(after, changes=(*issue.changes, self._entry(who, now, items))))

    def transition(self, who: str, issue: Issue, status: str, values: Mapping[str, Any]) -> Issue:
        """Go to a status with the values of its screen; done keeps a resolution, other statuses clear it."""
        values = dict(values)
        if self.catalogue.statuses[status].category.key == "done":
            if self.catalogue.style == "team-managed":
                values["resolution"] = self.catalogue.done_resolution
            values["resolved"] = self.now()
        else:
            values |= {"resolution": None, "resolved": None}
        return self.edit(who, issue, values | {"status": status})

    def set_properties(self, issue: Issue, properties: Mapping[str, Any]) -> Issue:
        """Entity properties leave `updated` and the changelog alone."""
        return self._store(replace(issue, properties={**issue.properties, **properties}), self.now())

    def add_comment(self, who: str, issue: Issue, body: Any, visibility: Any, properties: Mapping[str, Any]) -> Comment:
        """Append a comment."""
        now = self.now()
        self._next_entry += 1
        comment = Comment(
            id=self._next_entry, author=who, created=now, update_author=who, updated=now, body=body,
            visibility=visibility, properties=dict(properties),
        )  # fmt: skip
        self.comment_owners[comment.id] = issue.id
        self._store(replace(issue, comments=(*issue.comments, comment), updated=now))
        return comment

    def edit_comment(self, who: str, issue: Issue, comment: Comment, **values: Any) -> Comment:
        """Change a comment."""
        now = self.now()
        after = replace(comment, **values, update_author=who, updated=now)
        comments = tuple(after if each.id == comment.id else each for each in issue.comments)
        self._store(replace(issue, comments=comments, updated=now))
        return after

    def delete_comment(self, issue: Issue, comment: Comment) -> None:
        """Remove a comment for good."""
        del self.comment_owners[comment.id]
        comments = tuple(each for each in issue.comments if each.id != comment.id)
        self._store(replace(issue, comments=comments, updated=self.now()))

    def delete(self, issue: Issue) -> None:
        """Remove an issue and its sub-tasks for good; children of an epic stay without one."""
        for child in [self.issues[number] for number in sorted(self.children.get(issue.id, ()))]:
            if self.catalogue.types[child.type].subtask:
                self.delete(child)
            else:
                self._store(replace(child, parent=None), self.now())
        self._unlink(issue)
        for comment in issue.comments:
            del self.comment_owners[comment.id]
        del self.issues[issue.id]
        self.index.put(self.now(), issue.id, None)

    def move(self, who: str, issue: Issue, project: str) -> Issue:
        """Take an issue to another project: the id stays, the key changes, the old key still finds it."""
        now = self.now()
        self._numbers[project] += 1
        after = replace(issue, key=f"{project}-{self._numbers[project]}", updated=now)
        texts = (("project", issue.project, after.project), ("Key", issue.key, after.key))
        items = tuple(
            ChangeItem(field=name, field_id=name.lower(), old=None, old_text=old, new=None, new_text=new)
            for name, old, new in texts
        )
        self.keys[after.key] = issue.id
        return self._store(replace(after, changes=(*issue.changes, self._entry(who, now, items))))

    # -- within ----------------------------------------------------------------------------------

    def _store(self, issue: Issue, now: datetime | None = None) -> Issue:
        before = self.issues.get(issue.id)
        if before is None or before.parent != issue.parent:
            if before is not None:
                self._unlink(before)
            if issue.parent is not None:
                self.children[issue.parent].add(issue.id)
        self.issues[issue.id] = issue
        self.index.put(now or issue.updated, issue.id, issue)
        return issue

    def _unlink(self, issue: Issue) -> None:
        if issue.parent is not None:
            self.children[issue.parent].discard(issue.id)

    def _entry(self, who: str, now: datetime, items: tuple[ChangeItem, ...]) -> Change:
        self._next_entry += 1
        return Change(id=self._next_entry, author=who, created=now, items=items)

    def _items(self, name: str, before: Issue, after: Issue) -> list[ChangeItem]:
        if name == "custom":
            return [
                self._custom_item(field_id, before.custom.get(field_id), after.custom.get(field_id))
                for field_id in sorted({*before.custom, *after.custom})
                if before.custom.get(field_id) != after.custom.get(field_id)
            ]
        if name == "parent":
            return [self._parent_item(before, after)]
        if name not in HISTORY_NAMES:
            return []
        old, old_text = self._told(name, getattr(before, name))
        new, new_text = self._told(name, getattr(after, name))
        history_name = HISTORY_NAMES[name]
        return [
            ChangeItem(
                field=history_name, field_id=history_name, old=old, old_text=old_text, new=new, new_text=new_text
            )
        ]

    def _custom_item(self, field_id: str, old: Any, new: Any) -> ChangeItem:
        old_text, new_text = ("" if value is None else str(value) for value in (old, new))
        name = self.catalogue.fields[field_id].name
        return ChangeItem(
            field=name, field_id=field_id, custom=True, old=None, old_text=old_text, new=None, new_text=new_text
        )

    def _parent_item(self, before: Issue, after: Issue) -> ChangeItem:
        old, new = (self.issues.get(issue.parent or 0) for issue in (before, after))
        name, field_id = "IssueParentAssociation", None
        if not self.catalogue.cloud:
            subtask = self.catalogue.types[after.type].subtask
            name, field_id = ("Parent", "parent") if subtask else ("Epic Link", EPIC_LINK)
        return ChangeItem(
            field=name, field_id=field_id, custom=field_id == EPIC_LINK,
            old=str(old.id) if old else None, old_text=old.key if old else None,
            new=str(new.id) if new else None, new_text=new.key if new else None,
        )  # fmt: skip

    def _told(self, name: str, value: Any) -> tuple[str | None, str | None]:
        """The value as the changelog writes it: internal form and text."""
        site = self.catalogue
        if name == "labels":
            return "", " ".join(value)
        if value is None:
            return None, None
        if name in ("assignee", "reporter"):
            person = site.people[value]
            return (person.account_id if site.cloud else person.name), person.display_name
        if name in ("summary", "description"):
            return None, plain(value)
        if name == "duedate":
            return value, f"{value} 00:00:00.0"
        tables: dict[str, Mapping[str, Any]] = {
            "type": site.types, "status": site.statuses, "priority": site.priorities, "resolution": site.resolutions,
        }  # fmt: skip
        return value, tables[name][value].name
