"""People at work on the simulated GitHub: what they do on its pages, for tests and rehearsals."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar

from adapters._simulator import Simulator
from adapters.github.simulator import accounts, milestones, relations
from adapters.github.simulator.fields import parse_values
from adapters.github.simulator.state import By, Comment, FieldType, Issue, IssueField, Milestone, Repository
from adapters.github.simulator.world import World

PEOPLE = (("ada", "Ada Lovelace"), ("grace", "Grace Hopper"), ("alan", "Alan Turing"), ("linus", "Linus Example"))


class People(Simulator):
    """A world with the repository `project` and its people; each deed is one person's (`as_user`), now.

    ada (administrator), grace, alan and linus may push; `reader` may read only; `outsider` sees nothing of a
    private repository. An issue of another repository is given as what `add_issue` returned.
    """

    kind: ClassVar[str] = "github"

    def __init__(self, *, project: str, world: World, token: str, push: bool) -> None:
        super().__init__()
        self.project = project
        self.world = world
        self.bridge = world.add_user("trackdown-bot", token=token, push=push, name="Trackdown", type="Bot")
        for login, name in PEOPLE:
            world.add_user(login, token=f"token-{login}", name=name, admin=login == "ada")
        world.add_user("reader", token="token-reader", push=False, assignable=False)  # noqa: S106
        world.add_user("outsider", token="token-outsider", push=False, reads=False)  # noqa: S106
        self.repository = world.add_repository(project, self.clock.now() - timedelta(days=400))

    def by(self, login: str = "ada") -> By:
        """Somebody, now."""
        return By(user=self.world.users[login.lower()], at=self.clock.now().replace(microsecond=0))

    def issue(self, number: int) -> Issue:
        """The issue as it stands."""
        return self.repository.issues[number]

    # -- issues and comments -------------------------------------------------------------------------

    def add_issue(self, *, as_user: str = "ada", project: str | None = None, **payload: Any) -> Issue:
        """Create an issue with the members of POST /issues; another `project` is made when there is none."""
        with self.lock:
            return self.world.create_issue(self._repository(project), self.by(as_user), payload)

    def edit(self, number: int, *, as_user: str = "ada", **payload: Any) -> Issue:
        """Edit an issue with the members of PATCH /issues/{n}."""
        with self.lock:
            return self.world.edit_issue(self.issue(number), self.by(as_user), payload)

    def comment(self, number: int, body: str, *, as_user: str = "ada") -> Comment:
        """Comment on an issue."""
        with self.lock:
            return self.world.add_comment(self.issue(number), self.by(as_user), body)

    def edit_comment(self, comment_id: int, body: str, *, as_user: str = "ada") -> Comment:
        """Edit a comment."""
        with self.lock:
            comment = self.repository.comments[comment_id]
            return self.world.edit_comment(self.repository, comment, self.by(as_user), body)

    def delete_comment(self, comment_id: int, *, as_user: str = "ada") -> None:
        """Delete a comment."""
        with self.lock:
            self.world.delete_comment(self.repository, self.repository.comments[comment_id], self.by(as_user))

    def minimize(self, comment_id: int, reason: str | None = "off-topic") -> None:
        """Hide a comment behind a reason, or show it again (None), which only the web page can."""
        with self.lock:
            self.repository.comments[comment_id].minimized = reason
            self.repository.revision += 1

    def lock_issue(self, number: int, reason: str | None = None, *, as_user: str = "ada") -> None:
        """Lock the conversation."""
        with self.lock:
            self.world.set_lock(self.issue(number), self.by(as_user), locked=True, reason=reason)

    def unlock_issue(self, number: int, *, as_user: str = "ada") -> None:
        """Unlock the conversation."""
        with self.lock:
            self.world.set_lock(self.issue(number), self.by(as_user), locked=False)

    # -- what is planned around an issue -------------------------------------------------------------

    def set_parent(self, number: int, parent: int | Issue | None, *, as_user: str = "ada") -> None:
        """Make an issue a sub-issue of another, or of none."""
        with self.lock:
            child, by = self.issue(number), self.by(as_user)
            if parent is not None:
                relations.add_child(self.world, self._one(parent), by, child, replace=True)
            elif child.parent is not None:
                relations.remove_child(self.world, child.parent, by, child)

    def block(self, number: int, blocker: int | Issue, *, as_user: str = "ada") -> None:
        """Mark an issue as blocked by another."""
        with self.lock:
            relations.block(self.world, self.issue(number), self.by(as_user), self._one(blocker))

    def unblock(self, number: int, blocker: int | Issue, *, as_user: str = "ada") -> None:
        """Take such a mark away."""
        with self.lock:
            relations.unblock(self.world, self.issue(number), self.by(as_user), self._one(blocker))

    def add_milestone(self, title: str, *, as_user: str = "ada", **payload: Any) -> Milestone:
        """Open a milestone with the members of POST /milestones."""
        with self.lock:
            by, due = self.by(as_user), self.world.due
            return milestones.create(self.repository, by, {**payload, "title": title}, next(self.world.ids), due)

    def edit_milestone(self, number: int, *, as_user: str = "ada", **payload: Any) -> Milestone:
        """Edit a milestone with the members of PATCH /milestones/{number}."""
        with self.lock:
            milestone = self.repository.milestones[number]
            milestones.edit(self.repository, milestone, self.by(as_user), payload, self.world.due)
            return milestone

    def delete_milestone(self, number: int) -> None:
        """Delete a milestone; its issues stay."""
        with self.lock:
            milestones.delete(self.repository, self.repository.milestones[number])

    def set_milestone(self, number: int, title: str | None, *, as_user: str = "ada") -> None:
        """Give an issue the milestone of that title, which is opened when there is none; None clears."""
        with self.lock:
            known = {milestone.title: milestone for milestone in self.repository.milestones.values()}
            wanted = None if title is None else known.get(title) or self.add_milestone(title, as_user=as_user)
            self.edit(number, as_user=as_user, milestone=wanted and wanted.number)

    def add_field(self, name: str, data_type: FieldType, options: Iterable[str] = ()) -> IssueField:
        """Define an issue field of the organization."""
        if not self.world.organized("fields"):
            raise ValueError("issue fields belong to organizations on github.com")
        with self.lock:
            return self.world.definitions.add(name, data_type, options)

    def set_field(self, number: int, name: str, value: Any, *, as_user: str = "ada") -> None:
        """Set one issue field, a select field by the name of an option; None clears."""
        with self.lock:
            issue = self.issue(number)
            field = next(field for field in self.repository.fields.values() if field.name == name)
            kept = {key: held for key, held in issue.field_values.items() if key != field.id}
            if value is not None:
                sent = {"issue_field_values": [{"field_id": field.id, "value": value}]}
                kept |= parse_values(self.repository.fields, sent)
            if self.world.set_fields(issue, kept):
                self.world.touch(issue, self.by(as_user).at)

    # -- what moves or ends --------------------------------------------------------------------------

    def delete(self, number: int) -> None:
        """Delete an issue, which on GitHub only the web page can."""
        with self.lock:
            relations.remove_issue(self.issue(number))

    def transfer(self, number: int, project: str, *, as_user: str = "ada") -> Issue:
        """Move an issue to another repository, which is made when there is none; the number changes."""
        with self.lock:
            return relations.transfer(self.world, self.issue(number), self.by(as_user), self._repository(project))

    def rename(self, project: str) -> None:
        """Rename the repository; the old name redirects."""
        with self.lock:
            self.world.rename(self.repository, project)
            self.project = project

    def rename_user(self, login: str, new: str) -> None:
        """Give an account another login; its id and token stay."""
        with self.lock:
            accounts.rename(self.world, self.world.users[login.lower()], new)

    def delete_user(self, login: str, *, ghost: bool = True) -> None:
        """Close an account: GitHub shows the account `ghost` in its place, or null."""
        with self.lock:
            accounts.delete(self.world, self.world.users[login.lower()], ghost=ghost)

    def archive(self, archived: bool = True) -> None:
        """Make the repository read-only, or writable again."""
        with self.lock:
            self.repository.archived = archived

    def enable_issues(self, enabled: bool) -> None:
        """Switch the repository's issues on or off."""
        with self.lock:
            self.repository.has_issues = enabled

    def _repository(self, project: str | None) -> Repository:
        if project is None:
            return self.repository
        known = self.world.names.get(project.lower())
        return self.world.repositories[known] if known else self.world.add_repository(project, self.clock.now())

    def _one(self, issue: int | Issue) -> Issue:
        return self.issue(issue) if isinstance(issue, int) else issue
