"""What can be done to the simulated GitHub: the rules behind its endpoints, free of HTTP."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from adapters.github.simulator import milestones
from adapters.github.simulator.fields import ORGANIZATION_FIELDS, Definitions, parse_values
from adapters.github.simulator.payload import check_text, comment_text, label_names, names_of, state_asked_for, text_of
from adapters.github.simulator.state import (
    FEATURES,
    ISSUES_OFF,
    ApiError,
    By,
    Comment,
    Due,
    Event,
    Feature,
    Issue,
    IssueType,
    JsonObject,
    Label,
    Milestone,
    OwnerType,
    Product,
    Repository,
    User,
    invalid,
)

MAX_ASSIGNEES = 10
ORGANIZATION_TYPES = (
    ("Task", "A specific piece of work", "yellow"),
    ("Bug", "An unexpected problem or behavior", "red"),
    ("Feature", "A request, idea, or new functionality", "blue"),
    ("Epic", "A body of work that is split into issues", "purple"),
)
NO_RIGHTS = "Must have admin rights to Repository."


@dataclass(slots=True, kw_only=True)
class World:
    """All accounts and repositories of one simulated server, and the operations on them."""

    product: Product = "github.com"
    owner_type: OwnerType = "Organization"
    unassignable: Literal["drop", "reject"] = "drop"
    comment_edits_touch: bool = False
    sub_issues_touch: bool = False
    dependencies_touch: bool = False
    fields_touch: bool = True
    due: Due = "utc"
    users: dict[str, User] = field(default_factory=dict)
    tokens: dict[str, User] = field(default_factory=dict)
    repositories: dict[int, Repository] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(2_900_000_001))
    definitions: Definitions = field(default_factory=Definitions)

    def __post_init__(self) -> None:
        if self.organized("fields"):
            for name, data_type, options in ORGANIZATION_FIELDS:
                self.definitions.add(name, data_type, options)

    def has(self, feature: Feature) -> bool:
        """Whether this product has it."""
        return feature in FEATURES[self.product]

    def organized(self, feature: Feature) -> bool:
        """Whether this product has it and it is owned by an organization, which such features ask for."""
        return self.has(feature) and self.owner_type == "Organization"

    # -- people and repositories -----------------------------------------------------------------

    def add_user(self, login: str, **rights: Any) -> User:
        """Open an account; keyword arguments are those of `User`."""
        user = User(id=10_000 + len(self.users), login=login, **rights)
        self.users[login.lower()] = user
        if user.token:
            self.tokens[user.token] = user
        return user

    def add_repository(self, full_name: str, at: datetime) -> Repository:
        """An empty repository with GitHub's default labels."""
        repository = Repository(
            id=700_000_000 + len(self.repositories),
            full_name=full_name,
            owner_type=self.owner_type,
            created_at=at,
            fields=self.definitions.fields,
        )
        if self.organized("types"):
            for number, (name, description, color) in enumerate(ORGANIZATION_TYPES):
                kind = IssueType(id=31_000_001 + number, name=name, description=description, color=color)
                repository.types[name.lower()] = kind
        for name, color, text in (
            ("bug", "d73a4a", "Something isn't working"),
            ("documentation", "0075ca", "Improvements or additions to documentation"),
            ("enhancement", "a2eeef", "New feature or request"),
        ):
            label = Label(id=next(self.ids), name=name, color=color, description=text, default=True)
            repository.labels[name] = label
        self.repositories[repository.id] = repository
        self.names[full_name.lower()] = repository.id
        return repository

    def find_issue(self, issue_id: Any) -> Issue | None:
        """The issue with this database id, in whichever repository."""
        homes = self.repositories.values()
        return next((home.by_id[issue_id] for home in homes if issue_id in home.by_id), None)

    def rename(self, repository: Repository, full_name: str) -> None:
        """Give a repository another name; the old one goes on pointing at it."""
        repository.full_name = full_name
        self.names[full_name.lower()] = repository.id
        repository.revision += 1

    # -- issues ----------------------------------------------------------------------------------

    def create_issue(self, repository: Repository, by: By, payload: JsonObject, *, pull: bool = False) -> Issue:
        """POST an issue; without push access labels, assignees, milestone, type and fields are dropped in silence."""
        if not repository.has_issues and not pull:
            raise ApiError(410, ISSUES_OFF, see="/issues/issues#create-an-issue")
        check_text(payload, creating=True)
        number = next(repository.numbers)
        issue = Issue(
            home=repository,
            id=next(self.ids),
            number=number,
            title=text_of(payload, "title") or "",
            body=text_of(payload, "body"),
            user=by.user,
            created_at=by.at,
            updated_at=by.at,
            is_pull=pull,
        )
        planned = self._plan_sets(repository, by, payload)
        repository.issues[number] = repository.by_id[issue.id] = issue
        repository.open_pulls_and_issues += 1
        self._apply_sets(issue, by, planned)
        repository.revision += 1
        return issue

    def edit_issue(self, issue: Issue, by: By, payload: JsonObject) -> Issue:
        """PATCH an issue: all or nothing; members that change nothing leave no trace."""
        if not by.user.push and issue.user is not by.user:
            raise ApiError(403, NO_RIGHTS, see="/issues/issues#update-an-issue")
        check_text(payload, creating=False)
        state, reason = state_asked_for(issue, payload)
        original = self._duplicate_of(issue, payload)
        planned = self._plan_sets(issue.home, by, payload)
        changed = False
        title = text_of(payload, "title")
        if title is not None and title != issue.title:
            self.record(issue, by, "renamed", rename={"from": issue.title, "to": title})
            issue.title, changed = title, True
        if "body" in payload and text_of(payload, "body") != issue.body:
            issue.body, changed = text_of(payload, "body"), True
        if state != issue.state:
            if original is not None:
                self.record(issue, by, "marked_as_duplicate")
            self._change_state(issue, by, reason)
            changed = True
        changed |= self._apply_sets(issue, by, planned)
        if changed:
            self.touch(issue, by.at)
        return issue

    def _duplicate_of(self, issue: Issue, payload: JsonObject) -> Issue | None:
        """The issue that a duplicate repeats; 422 when it is none that there is."""
        if payload.get("state_reason") != "duplicate" or "duplicate_issue_id" not in payload:
            return None
        found = self.find_issue(payload["duplicate_issue_id"])
        if found is None or found is issue:
            raise invalid("Issue", "duplicate_issue_id", value=payload["duplicate_issue_id"])
        return found

    def _change_state(self, issue: Issue, by: By, reason: str | None) -> None:
        closing = issue.state == "open"
        milestones.count(issue, -1, by.at)
        issue.state = "closed" if closing else "open"
        issue.state_reason = reason
        issue.closed_at, issue.closed_by = (by.at, by.user) if closing else (None, None)
        milestones.count(issue, 1)
        issue.home.open_pulls_and_issues += -1 if closing else 1
        self.record(issue, by, "closed" if closing else "reopened", state_reason=reason)

    def _plan_sets(self, repository: Repository, by: By, payload: JsonObject) -> JsonObject:
        """The members that need push access, resolved; empty without it."""
        planned: JsonObject = {}
        if "labels" in payload:
            planned["labels"] = label_names(names_of(payload, "labels"))
        if "assignees" in payload or payload.get("assignee"):
            single = [str(payload["assignee"])] if payload.get("assignee") else []
            logins = names_of(payload, "assignees", "login") or single
            planned["assignees"] = self.assignable(logins)
        if "milestone" in payload:
            number = payload["milestone"]
            milestone = repository.milestones.get(int(number)) if str(number or "").isdigit() else None
            if number not in (None, "") and milestone is None:
                raise invalid("Issue", "milestone", value=number)
            planned["milestone"] = milestone
        if "type" in payload and repository.types:
            value = payload["type"]
            name = value.get("value") if isinstance(value, dict) else text_of(payload, "type")
            if name and name.lower() not in repository.types:
                raise invalid("Issue", "type", value=name)
            planned["type"] = repository.types[name.lower()] if name else None
        if "issue_field_values" in payload and repository.fields:
            planned["fields"] = parse_values(repository.fields, payload)
        return planned if by.user.push else {}

    def _apply_sets(self, issue: Issue, by: By, planned: JsonObject) -> bool:
        changed = False
        if "labels" in planned:
            changed |= self.set_labels(issue, by, planned["labels"])
        if "assignees" in planned:
            changed |= self.set_assignees(issue, by, planned["assignees"])
        if "milestone" in planned:
            changed |= self.set_milestone(issue, by, planned["milestone"])
        if "type" in planned and planned["type"] is not issue.type:
            self._set_type(issue, by, planned["type"])
            changed = True
        if "fields" in planned:
            changed |= self.set_fields(issue, planned["fields"])
        return changed

    def set_milestone(self, issue: Issue, by: By, new: Milestone | None) -> bool:
        """Give an issue another milestone or none; says whether that changed anything."""
        old = issue.milestone
        if new is old:
            return False
        milestones.count(issue, -1, by.at)
        issue.milestone = new
        milestones.count(issue, 1, by.at)
        for kind, milestone in (("demilestoned", old), ("milestoned", new)):
            if milestone is not None:
                self.record(issue, by, kind, milestone={"title": milestone.title})
        return True

    def set_fields(self, issue: Issue, values: dict[int, Any]) -> bool:
        """Replace an issue's field values, as PATCH does (measured by others); says whether `updated_at` moves.

        The API's history says nothing of fields; whether they move `updated_at` is unverified.
        """
        if values == issue.field_values:
            return False
        issue.field_values = values
        issue.home.revision += 1
        return self.fields_touch

    def _set_type(self, issue: Issue, by: By, new: IssueType | None) -> None:
        old, issue.type = issue.type, new
        detail = {"issue_type": new} if new else {}
        if old is not None:
            detail["prev_issue_type"] = old
        kind = "added" if old is None else "changed" if new is not None else "removed"
        self.record(issue, by, f"issue_type_{kind}", **detail)

    def record(self, issue: Issue, by: By, kind: str, **detail: Any) -> Event:
        """Write one entry of an issue's history."""
        event = Event(id=next(self.ids), number=issue.number, kind=kind, actor=by.user, at=by.at, detail=detail)
        issue.events.append(event)
        issue.home.events.append(event)
        return event

    def touch(self, issue: Issue, at: datetime) -> None:
        """Move `updated_at`."""
        issue.updated_at = max(at, issue.updated_at)
        issue.counted = list(issue.blocked_by), list(issue.blocking)
        issue.home.revision += 1

    # -- labels and assignees --------------------------------------------------------------------

    def label(self, repository: Repository, name: str) -> Label:
        """The repository's label of that name in any case; an unknown one is created."""
        found = repository.labels.get(name.lower())
        if found is None:
            found = repository.labels[name.lower()] = Label(id=next(self.ids), name=name)
            repository.revision += 1
        return found

    def set_labels(self, issue: Issue, by: By, names: Sequence[str]) -> bool:
        """Replace an issue's labels; says whether that changed anything."""
        wanted = [self.label(issue.home, name) for name in names]
        gone = [label for label in issue.labels if label not in wanted]
        new = [label for label in wanted if label not in issue.labels]
        for kind, labels in (("unlabeled", gone), ("labeled", new)):
            for label in labels:
                self.record(issue, by, kind, label={"name": label.name, "color": label.color})
        issue.labels = [label for label in issue.labels if label in wanted] + new
        return bool(gone or new)

    def assignable(self, logins: Sequence[str]) -> list[User]:
        """Accounts that may be assigned, at most ten; the rest is dropped, or refused where configured."""
        users: list[User] = []
        for login in logins:
            user = self.users.get(login.lower())
            if user is not None and user.assignable and user.reads:
                users += [user] if user not in users else []
            elif self.unassignable == "reject":
                raise invalid("Issue", "assignees", value=login)
        return users[:MAX_ASSIGNEES]

    def set_assignees(self, issue: Issue, by: By, users: Sequence[User]) -> bool:
        """Replace an issue's assignees; says whether that changed anything."""
        gone = [user for user in issue.assignees if user not in users]
        new = [user for user in users if user not in issue.assignees]
        for kind, people in (("unassigned", gone), ("assigned", new)):
            for user in people:
                self.record(issue, by, kind, assignee=user)
        issue.assignees = [user for user in issue.assignees if user in users] + new
        return bool(gone or new)

    def set_lock(self, issue: Issue, by: By, *, locked: bool, reason: str | None = None) -> None:
        """Lock or unlock the conversation."""
        if issue.locked is not locked:
            issue.locked, issue.lock_reason = locked, reason
            self.record(issue, by, "locked" if locked else "unlocked", lock_reason=reason)
            self.touch(issue, by.at)

    # -- comments --------------------------------------------------------------------------------

    def add_comment(self, issue: Issue, by: By, body: str | None) -> Comment:
        """POST a comment; on a locked issue only an administrator may."""
        if issue.locked and not by.user.admin:
            raise ApiError(403, "Unable to create comment because issue is locked.", see="/guides/issues")
        text = comment_text(body)
        comment = Comment(
            id=next(self.ids), number=issue.number, body=text, user=by.user, created_at=by.at, updated_at=by.at
        )
        issue.comments[comment.id] = issue.home.comments[comment.id] = comment
        self.touch(issue, by.at)
        return comment

    def edit_comment(self, repository: Repository, comment: Comment, by: By, body: str | None) -> Comment:
        """PATCH a comment; the issue's own `updated_at` stays unless configured otherwise."""
        self._own_comment(comment, by)
        text = comment_text(body)
        if text != comment.body:
            comment.body, comment.updated_at = text, max(by.at, comment.updated_at)
            repository.revision += 1
            if self.comment_edits_touch:
                self.touch(repository.issues[comment.number], by.at)
        return comment

    def delete_comment(self, repository: Repository, comment: Comment, by: By) -> None:
        """DELETE a comment: it vanishes from the feed; the issue's history names neither id nor text."""
        self._own_comment(comment, by)
        issue = repository.issues[comment.number]
        del issue.comments[comment.id], repository.comments[comment.id]
        self.record(issue, by, "comment_deleted")
        self.touch(issue, by.at)

    def _own_comment(self, comment: Comment, by: By) -> None:
        if not by.user.push and comment.user is not by.user:
            raise ApiError(403, NO_RIGHTS, see="/issues/comments")
