"""The issues of a simulated Jira and the operations that change them, each leaving its entry in the changelog."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from adapters.jira.simulator import history
from adapters.jira.simulator.catalogue import Catalogue
from adapters.jira.simulator.errors import NOT_FOUND, ApiError
from adapters.jira.simulator.index import SearchIndex
from adapters.jira.simulator.model import Board, Change, ChangeItem, Comment, Issue
from adapters.jira.simulator.planning import Planning


class World:
    """All issues of a site. Operations take values that were checked before; `now` gives aware UTC."""

    def __init__(
        self, catalogue: Catalogue, projects: tuple[str, ...], now: Callable[[], datetime], lag: float
    ) -> None:
        self.catalogue = catalogue
        self.projects = projects
        self.former_projects: dict[str, str] = {}
        self.now = now
        self.index = SearchIndex(lag)
        self.issues: dict[int, Issue] = {}
        self.keys: dict[str, int] = {}  # also the keys that an issue had before it was moved
        self.children: defaultdict[int, set[int]] = defaultdict(set)
        self.comment_owners: dict[int, int] = {}
        self.attachment_owners: dict[int, int] = {}
        scrum = "simple" if catalogue.style == "team-managed" else "scrum"
        kinds = [scrum, *("kanban" for _ in projects[1:])]
        self.planning = Planning(
            tuple(
                Board(id=1 + place, project=10000 + place, name=f"{key} board", type=kinds[place])
                for place, key in enumerate(projects)
            )
        )
        self._numbers: defaultdict[str, int] = defaultdict(int)
        self._next_id = 10000
        self._next_entry = 20000

    # -- reading ---------------------------------------------------------------------------------

    def find(self, id_or_key: str) -> Issue:
        """By id, key or former key, in any case; 404 otherwise, and for an archived one."""
        number = int(id_or_key) if id_or_key.isdecimal() else self.keys.get(id_or_key.upper(), 0)
        issue = self.issues.get(number)
        if issue is None or issue.archived:
            raise ApiError(404, NOT_FOUND)
        return issue

    def comment(self, issue: Issue, comment_id: str) -> Comment:
        """A comment of the issue; 404 otherwise."""
        for comment in issue.comments:
            if str(comment.id) == comment_id:
                return comment
        raise ApiError(404, f"Can not find a comment for the id: {comment_id}.")

    def project(self, key_or_number: str) -> str | None:
        """The key of a project, by its key, a former key or its number."""
        if key_or_number.isdecimal() and 0 <= int(key_or_number) - 10000 < len(self.projects):
            return self.projects[int(key_or_number) - 10000]
        key = self.former_projects.get(key_or_number.upper(), key_or_number.upper())
        return key if key in self.projects else None

    def project_number(self, key: str) -> int:
        """The number of a project, which never changes."""
        return 10000 + self.projects.index(key)

    def project_name(self, key: str) -> str:
        """The name of a project."""
        return f"{key.title()} project"

    def next_number(self) -> int:
        """A number for something that hangs on an issue."""
        self._next_entry += 1
        return self._next_entry

    # -- writing ---------------------------------------------------------------------------------

    def create(self, who: str, project: str, values: dict[str, Any], properties: Mapping[str, Any]) -> Issue:
        """Make an issue of checked values in its initial status."""
        now = self.now()
        self._next_id += 1
        self._numbers[project] += 1
        values = {"reporter": who, **values}
        # Who makes an issue watches it, unless they have turned that off in their profile.
        values["watchers"] = (who,)
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
        after = replace(issue, **changed)
        items = [item for name in changed for item in history.items(self, name, issue, after)]
        return self.write(who, issue, items, **changed)

    def write(self, who: str, issue: Issue, items: Iterable[ChangeItem], **values: Any) -> Issue:
        """Write values with `updated` and one changelog entry of these items, if there are any."""
        now, items = self.now(), tuple(items)
        entries = (Change(id=self.next_number(), author=who, created=now, items=items),) if items else ()
        return self._store(replace(issue, **values, updated=now, changes=(*issue.changes, *entries)))

    def write_quietly(self, issue: Issue, **values: Any) -> Issue:
        """Write values of which neither `updated` nor the changelog tells."""
        return self._store(replace(issue, **values), self.now())

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
        return self.write_quietly(issue, properties={**issue.properties, **properties})

    def add_comment(self, who: str, issue: Issue, body: Any, visibility: Any, properties: Mapping[str, Any]) -> Comment:
        """Append a comment."""
        now = self.now()
        comment = Comment(
            id=self.next_number(), author=who, created=now, update_author=who, updated=now, body=body,
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
        issue = self.issues[issue.id]
        self._unlink(issue)
        for comment in issue.comments:
            del self.comment_owners[comment.id]
        for attachment in issue.attachments:
            del self.attachment_owners[attachment.id]
        for link in issue.links:
            other = self.issues[link.other(issue.id)]
            self.write_quietly(other, links=tuple(each for each in other.links if each.id != link.id))
        del self.issues[issue.id]
        self.index.put(self.now(), issue.id, None)

    def move(self, who: str, issue: Issue, project: str) -> Issue:
        """Take an issue to another project: the id stays, the key changes, the old key still finds it.

        Components and versions stay behind: they are the old project's.
        """
        self._numbers[project] += 1
        values: dict[str, Any] = {
            "key": f"{project}-{self._numbers[project]}", "components": (), "fix_versions": (), "versions": (),
        }  # fmt: skip
        self.keys[values["key"]] = issue.id
        return self.write(who, issue, history.move_items(self, issue, replace(issue, **values)), **values)

    def rename_project(self, key: str, new: str) -> None:
        """Give a project another key: its issues follow in silence, and the old keys still find them."""
        self.projects = tuple(new if each == key else each for each in self.projects)
        self.former_projects = {**self.former_projects, key: new}
        self._numbers[new] = self._numbers[key]
        for issue in [issue for issue in self.issues.values() if issue.project == key]:
            after = f"{new}-{issue.key.rpartition('-')[2]}"
            self.keys[after] = issue.id
            self.write_quietly(issue, key=after)

    def archive(self, issue: Issue, archived: bool) -> None:
        """Take an issue with its sub-tasks out of everybody's sight, or back; `updated` stays."""
        family = [self.issues[number] for number in sorted(self.children.get(issue.id, ()))]
        for each in (issue, *(child for child in family if self.catalogue.types[child.type].subtask)):
            self.write_quietly(each, archived=archived)

    # -- within ----------------------------------------------------------------------------------

    def _store(self, issue: Issue, now: datetime | None = None) -> Issue:
        before = self.issues.get(issue.id)
        if before is None or before.parent != issue.parent:
            if before is not None:
                self._unlink(before)
            if issue.parent is not None:
                self.children[issue.parent].add(issue.id)
        self.issues[issue.id] = issue
        self.index.put(now or issue.updated, issue.id, None if issue.archived else issue)
        return issue

    def _unlink(self, issue: Issue) -> None:
        if issue.parent is not None:
            self.children[issue.parent].discard(issue.id)
