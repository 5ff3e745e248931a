"""What people do in a simulated Jira, as calls for tests in the same process."""

from __future__ import annotations

import mimetypes
from abc import abstractmethod
from typing import Any
from urllib.parse import quote

from adapters._simulator import Simulator
from adapters.jira.simulator.catalogue import Catalogue
from adapters.jira.simulator.hung import attach
from adapters.jira.simulator.model import Issue
from adapters.jira.simulator.state import World


class Actions(Simulator):
    """Deeds of a person, named by their short name, on an issue, named by its key; refusals raise ApiError."""

    catalogue: Catalogue
    world: World

    @abstractmethod
    def request(self, method: str, path: str, body: Any = None, *, user: str = "ada") -> Any:
        """One API call as a person, past the network and the per-issue limit; raises ApiError where it is refused.

        `path` is below `/rest/api/2`, or below `/rest/agile/1.0` where it begins with `/agile`.
        """

    def add_issue(self, title: str, *, type: str = "Task", user: str = "ada", **fields: Any) -> str:  # noqa: A002
        """Create an issue (texts are wiki markup) and return its key."""
        named = {"project": {"key": self.world.projects[0]}, "summary": title, "issuetype": {"name": type}, **fields}
        return str(self.request("POST", "/issue", {"fields": named}, user=user)["key"])

    def issue(self, key: str) -> Issue:
        """The state of an issue now; KeyError when there is none."""
        with self.lock:
            return self.world.issues[self.world.keys[key]]

    def edit(self, key: str, *, user: str = "ada", **fields: Any) -> None:
        """Change fields, as the REST API names them."""
        self.request("PUT", f"/issue/{key}", {"fields": fields}, user=user)

    def assign(self, key: str, assignee: str | None, *, user: str = "ada") -> None:
        """Assign to a person by short name, or to nobody."""
        value = self._account(assignee) if assignee else None
        name = "accountId" if self.catalogue.cloud else "name"
        self.request("PUT", f"/issue/{key}/assignee", {name: value}, user=user)

    def transition(self, key: str, status: str, *, user: str = "ada", **fields: Any) -> None:
        """Take the first transition that leads to a status (its untranslated name); Done gets a resolution."""
        moves = self.catalogue.transitions_from(self.issue(key).status)
        named = [move for move in moves if self.catalogue.statuses[move.target].untranslated == status]
        move = min(named, key=lambda move: set(move.required) - {"resolution"} - set(fields) != set())
        if "resolution" in move.required:
            fields.setdefault("resolution", {"name": "Done"})
        self.request("POST", f"/issue/{key}/transitions", {"transition": {"id": move.id}, "fields": fields}, user=user)

    def comment(self, key: str, text: str, *, user: str = "ada") -> str:
        """Add a comment (wiki markup) and return its id."""
        return str(self.request("POST", f"/issue/{key}/comment", {"body": text}, user=user)["id"])

    def edit_comment(self, key: str, comment_id: str, text: str, *, user: str = "ada") -> None:
        """Rewrite a comment."""
        self.request("PUT", f"/issue/{key}/comment/{comment_id}", {"body": text}, user=user)

    def delete_comment(self, key: str, comment_id: str, *, user: str = "ada") -> None:
        """Remove a comment."""
        self.request("DELETE", f"/issue/{key}/comment/{comment_id}", user=user)

    def delete(self, key: str, *, user: str = "ada") -> None:
        """Remove an issue with its sub-tasks."""
        self.request("DELETE", f"/issue/{key}?deleteSubtasks=true", user=user)

    def move(self, key: str, project: str = "OPS", *, user: str = "ada") -> str:
        """Take an issue to another project and return its new key (a thing of the web interface only)."""
        with self.lock:
            return self.world.move(user, self.issue(key), project).key

    def rename_project(self, new: str) -> None:
        """Give the project another key; its issues follow in silence."""
        with self.lock:
            self.world.rename_project(self.world.projects[0], new)

    def restrict(self, key: str, level: str | None, *, roles: tuple[str, ...] = (), user: str = "ada") -> None:
        """Show an issue to the people of a security level, or of some roles, alone; to everybody again with None."""
        with self.lock:
            self.world.write(user, self.issue(key), [], security=level, roles=roles)

    def archive(self, key: str) -> None:
        """Take an issue with its sub-tasks out of everybody's sight."""
        with self.lock:
            self.world.archive(self.issue(key), True)

    def unarchive(self, key: str) -> None:
        """Bring an archived issue back."""
        with self.lock:
            self.world.archive(self.issue(key), False)

    # -- links, files, time, watchers --------------------------------------------------------------

    def link(self, key: str, other: str, type: str = "Blocks", *, user: str = "ada") -> None:  # noqa: A002
        """Say that `key` blocks (duplicates, relates to, ...) `other`."""
        body = {"type": {"name": type}, "inwardIssue": {"key": key}, "outwardIssue": {"key": other}}
        self.request("POST", "/issueLink", body, user=user)

    def unlink(self, key: str, other: str, type: str = "Blocks", *, user: str = "ada") -> None:  # noqa: A002
        """Take away the link of a kind between two issues, whichever way it goes; KeyError when there is none."""
        issue, wanted = self.issue(key), self.issue(other).id
        for link in issue.links:
            if link.other(issue.id) == wanted and self.catalogue.link_types[link.type].name == type:
                self.request("DELETE", f"/issueLink/{link.id}", user=user)
                return
        raise KeyError(type)

    def attach(self, key: str, filename: str, content: bytes, *, mime_type: str = "", user: str = "ada") -> str:
        """Add a file and return its id; the type is guessed from the name when it is not given."""
        kind = mime_type or mimetypes.guess_type(filename)[0] or "application/octet-stream"
        with self.lock:
            return str(attach(self.world, user, self.issue(key), filename, kind, content).id)

    def detach(self, attachment_id: str, *, user: str = "ada") -> None:
        """Remove a file."""
        self.request("DELETE", f"/attachment/{attachment_id}", user=user)

    def log_work(self, key: str, span: str, *, user: str = "ada", **values: Any) -> str:
        """Log time ("1h 30m") and return the worklog's id."""
        return str(self.request("POST", f"/issue/{key}/worklog", {"timeSpent": span, **values}, user=user)["id"])

    def edit_worklog(self, key: str, worklog_id: str, span: str, *, user: str = "ada") -> None:
        """Write another time."""
        self.request("PUT", f"/issue/{key}/worklog/{worklog_id}", {"timeSpent": span}, user=user)

    def delete_worklog(self, key: str, worklog_id: str, *, user: str = "ada") -> None:
        """Remove logged time."""
        self.request("DELETE", f"/issue/{key}/worklog/{worklog_id}", user=user)

    def estimate(self, key: str, *, user: str = "ada", **spans: str | None) -> None:
        """Write `originalEstimate` and `remainingEstimate` ("3h")."""
        self.edit(key, user=user, timetracking=spans)

    def watch(self, key: str, watcher: str, *, user: str = "ada") -> None:
        """Put somebody on the watchers' list."""
        self.request("POST", f"/issue/{key}/watchers", self._account(watcher), user=user)

    def unwatch(self, key: str, watcher: str, *, user: str = "ada") -> None:
        """Take somebody off the watchers' list."""
        name = "accountId" if self.catalogue.cloud else "username"
        account = quote(self._account(watcher), safe="")
        self.request("DELETE", f"/issue/{key}/watchers?{name}={account}", user=user)

    # -- plans -------------------------------------------------------------------------------------

    def field_id(self, name: str) -> str:
        """The id of the field of this name on the screens of the project; KeyError when there is none."""
        for spec in self.catalogue.fields.values():
            if spec.name == name and spec.editable:
                return spec.id
        raise KeyError(name)

    def add_component(self, name: str, description: str = "") -> str:
        """Make a component of the project and return its id."""
        body = {"project": self.world.projects[0], "name": name, "description": description}
        return str(self.request("POST", "/component", body)["id"])

    def add_version(self, name: str, **values: Any) -> str:
        """Make a version of the project and return its id; `values` as the REST API names them."""
        return str(self.request("POST", "/version", {"project": self.world.projects[0], "name": name, **values})["id"])

    def rename_version(self, version_id: str, name: str) -> None:
        """Give a version another name; no issue is updated by that."""
        self.request("PUT", f"/version/{version_id}", {"name": name})

    def add_sprint(self, name: str, state: str = "future", *, goal: str = "") -> int:
        """Make a sprint on the project's board in a state (future, active, closed) and return its number."""
        with self.lock:
            now = self.world.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
            times = {} if state == "future" else {"start": now, "end": now}
            closed = {"complete": now} if state == "closed" else {}
            return self.world.planning.add_sprint(1, name, state=state, goal=goal, **times, **closed).id

    def close_sprint(self, sprint: int) -> None:
        """Close a sprint; its issues keep it."""
        with self.lock:
            found = self.world.planning.sprints[sprint]
            now = self.world.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
            self.world.planning.change_sprint(found, state="closed", complete=now)

    def to_sprint(self, key: str, sprint: int | None, *, user: str = "ada") -> None:
        """Put an issue into a sprint, or into the backlog."""
        path = "/agile/backlog/issue" if sprint is None else f"/agile/sprint/{sprint}/issue"
        self.request("POST", path, {"issues": [key]}, user=user)

    def _account(self, name: str) -> str:
        person = self.catalogue.people[name]
        return person.account_id if self.catalogue.cloud else person.name
