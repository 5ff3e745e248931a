"""How the simulated GitHub shows what it remembers: the members and URLs of its answers."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from adapters.github.simulator.rendering_accounts import AccountRenderer, node_id, stamp
from adapters.github.simulator.state import (
    Comment,
    Event,
    FieldOption,
    Issue,
    IssueField,
    IssueType,
    JsonObject,
    Label,
    Milestone,
    Repository,
    User,
)

REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
DEFINED_AT = "2024-07-26T08:52:39Z"  # when the organization's types and fields were made


class Renderer(AccountRenderer):
    """Adds what is filed in a repository."""

    def label(self, repository: Repository, label: Label) -> JsonObject:
        """A `label`."""
        return {
            "id": label.id,
            "node_id": node_id("LA", label.id),
            "url": f"{self.api(repository)}/labels/{quote(label.name, safe='')}",
            "name": label.name,
            "color": label.color,
            "default": label.default,
            "description": label.description,
        }

    def milestone(self, repository: Repository, milestone: Milestone | None) -> JsonObject | None:
        """A `milestone`."""
        if milestone is None:
            return None
        url = f"{self.api(repository)}/milestones/{milestone.number}"
        return {
            "url": url,
            "html_url": f"{self.root}/{repository.full_name}/milestone/{milestone.number}",
            "labels_url": f"{url}/labels",
            "id": milestone.id,
            "node_id": node_id("MI", milestone.id),
            "number": milestone.number,
            "title": milestone.title,
            "description": milestone.description,
            "creator": self.user(milestone.creator),
            "open_issues": milestone.counts["open"],
            "closed_issues": milestone.counts["closed"],
            "state": milestone.state,
            "created_at": stamp(milestone.created_at),
            "updated_at": stamp(milestone.updated_at),
            "due_on": stamp(milestone.due_on),
            "closed_at": stamp(milestone.closed_at),
        }

    def type(self, kind: IssueType | None) -> JsonObject | None:
        """An `issue-type`."""
        if kind is None:
            return None
        return {
            "id": kind.id,
            "node_id": node_id("IT", kind.id),
            "name": kind.name,
            "description": kind.description,
            "color": kind.color,
            "created_at": "2024-01-25T13:06:03Z",
            "updated_at": DEFINED_AT,
            "is_enabled": True,
        }

    def issue(self, repository: Repository, issue: Issue) -> JsonObject:
        """An `issue`, with the members that this product has."""
        api = self.api(repository)
        url, place = f"{api}/issues/{issue.number}", "pull" if issue.is_pull else "issues"
        page = f"{self.root}/{repository.full_name}/{place}/{issue.number}"
        rendered: JsonObject = {
            "url": url,
            "repository_url": api,
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "html_url": page,
            "id": issue.id,
            "node_id": node_id("PR" if issue.is_pull else "I", issue.id),
            "number": issue.number,
            "title": issue.title,
            "user": self.user(issue.user),
            "labels": [self.label(repository, label) for label in issue.labels],
            "state": issue.state,
            "locked": issue.locked,
            "assignee": self.user(issue.assignees[0]) if issue.assignees else None,
            "assignees": [self.user(user) for user in issue.assignees],
            "milestone": self.milestone(repository, issue.milestone),
            "comments": len(issue.comments),
            "created_at": stamp(issue.created_at),
            "updated_at": stamp(issue.updated_at),
            "closed_at": stamp(issue.closed_at),
            "author_association": self.association(issue.user),
            "active_lock_reason": issue.lock_reason,
            "body": issue.body,
            "closed_by": self.user(issue.closed_by),
            "reactions": self.reactions(url),
            "timeline_url": f"{url}/timeline",
            "performed_via_github_app": None,
            "state_reason": issue.state_reason,
        }
        if self.has("sub-issues"):
            rendered |= self._family(issue)
        if self.has("dependencies"):
            rendered |= self._dependencies(issue)
        if repository.types:
            rendered["type"] = self.type(issue.type)
        if repository.fields:
            rendered["issue_field_values"] = self.field_values(repository, issue)
        if issue.is_pull:
            pull = f"{api}/pulls/{issue.number}"
            links = {"url": pull, "html_url": page, "diff_url": f"{page}.diff", "patch_url": f"{page}.patch"}
            rendered |= {"draft": False, "pull_request": {**links, "merged_at": None}}
        return rendered

    def _family(self, issue: Issue) -> JsonObject:
        total = len(issue.children)
        done = sum(child.state == "closed" for child in issue.children)
        summary = {"total": total, "completed": done, "percent_completed": 100 * done // total if total else 0}
        family: JsonObject = {"sub_issues_summary": summary, "pinned_comment": None}
        if issue.parent is not None:
            family["parent_issue_url"] = f"{self.api(issue.parent.home)}/issues/{issue.parent.number}"
        return family

    def _dependencies(self, issue: Issue) -> JsonObject:
        """Those that are open, and all (as recorded); the counts may lag behind the lists (as measured by others)."""
        lists = issue.counted if self.summaries_lag else (issue.blocked_by, issue.blocking)
        sides = dict(zip(("blocked_by", "blocking"), lists, strict=True))
        summary = {name: sum(other.state == "open" for other in others) for name, others in sides.items()}
        totals = {f"total_{name}": len(others) for name, others in sides.items()}
        return {"issue_dependencies_summary": summary | totals}

    def linked_issue(self, issue: Issue, viewer: User) -> JsonObject:
        """An `issue` as sub-issues and dependencies show it: its own `repository`, and no `closed_by` (as recorded)."""
        home = self.repository(issue.home, viewer)
        for name in ("organization", "network_count", "subscribers_count"):
            home.pop(name, None)
        rendered = self.issue(issue.home, issue) | {"repository": home}
        del rendered["closed_by"]
        return rendered

    def field(self, field: IssueField) -> JsonObject:
        """An `issue-field`."""
        rendered: JsonObject = {
            "id": field.id,
            "node_id": node_id("IF", field.id),
            "name": field.name,
            "description": None,
            "data_type": field.data_type,
            "visibility": "organization_members_only",
            "created_at": DEFINED_AT,
            "updated_at": DEFINED_AT,
        }
        if "select" in field.data_type:
            rendered["options"] = [
                self._option(option) | {"description": None, "priority": place}
                for place, option in enumerate(field.options, 1)
            ]
        return rendered

    def _option(self, option: FieldOption | None) -> JsonObject:
        return {"id": option.id, "name": option.name, "color": option.color} if option else {}

    def field_values(self, repository: Repository, issue: Issue) -> list[JsonObject]:
        """Each an `issue-field-value`: `value` is the id of the option, or the names of several (as in the examples)."""
        rows = []
        for field in repository.fields.values():
            if field.id not in issue.field_values:
                continue
            value = issue.field_values[field.id]
            row = {
                "issue_field_id": field.id,
                "issue_field_name": field.name,
                "node_id": node_id("IFV", field.id),
                "data_type": field.data_type,
                "value": value,
            }
            if field.data_type == "single_select":
                row["single_select_option"] = self._option(field.option(id=value))
            elif field.data_type == "multi_select":
                chosen = [self._option(field.option(id=one)) for one in value]
                row |= {"value": ",".join(one["name"] for one in chosen), "multi_select_options": chosen}
            rows.append(row)
        return rows

    def reactions(self, url: str) -> JsonObject:
        """An empty `reaction-rollup`."""
        return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(REACTIONS, 0)}

    def association(self, user: User | None) -> str:
        """How the author stands to the repository."""
        return "NONE" if user is None else "MEMBER" if user.push else "CONTRIBUTOR"

    def comment(self, repository: Repository, comment: Comment) -> JsonObject:
        """An `issue-comment`."""
        api = self.api(repository)
        url = f"{api}/issues/comments/{comment.id}"
        place = "pull" if repository.issues[comment.number].is_pull else "issues"
        page = f"{self.root}/{repository.full_name}/{place}/{comment.number}"
        return {
            "url": url,
            "html_url": f"{page}#issuecomment-{comment.id}",
            "issue_url": f"{api}/issues/{comment.number}",
            "id": comment.id,
            "node_id": node_id("IC", comment.id),
            "user": self.user(comment.user),
            "created_at": stamp(comment.created_at),
            "updated_at": stamp(comment.updated_at),
            "author_association": self.association(comment.user),
            "body": comment.body,
            "reactions": self.reactions(url),
            "performed_via_github_app": None,
            "minimized": {"reason": comment.minimized} if comment.minimized else None,
        }

    def event(self, repository: Repository, event: Event) -> JsonObject:
        """An entry of an issue's events or timeline."""
        return {
            "id": event.id,
            "node_id": node_id("EV", event.id),
            "url": f"{self.api(repository)}/issues/events/{event.id}",
            "actor": self.user(event.actor),
            "event": event.kind,
            "commit_id": None,
            "commit_url": None,
            "created_at": stamp(event.at),
            "performed_via_github_app": None,
            **{name: self._detail(value) for name, value in event.detail.items()},
            **({"assigner": self.user(event.actor)} if "assignee" in event.detail else {}),
        }

    def _detail(self, value: Any) -> Any:
        if isinstance(value, User):
            return self.user(value)
        if isinstance(value, IssueType):
            return {"id": value.id, "name": value.name, "color": value.color}
        if isinstance(value, Issue):
            return {
                "number": value.number,
                "title": value.title,
                "state": value.state,
                "state_reason": value.state_reason,
                "repository": self.simple_repository(value.home),
                "issue_type": self.type(value.type),
            }
        return value

    def timeline(self, repository: Repository, issue: Issue) -> list[JsonObject]:
        """Events and comments by time, oldest first."""
        entries = [(event.at, event.id, self.event(repository, event)) for event in issue.events]
        for comment in issue.comments.values():
            said = self.comment(repository, comment) | {"event": "commented", "actor": self.user(comment.user)}
            entries.append((comment.created_at, comment.id, said))
        return [entry for _, _, entry in sorted(entries, key=lambda entry: entry[:2])]
