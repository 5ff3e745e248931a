"""The JSON of issues and of what hangs on them, for one caller and one API version."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from adapters.jira.simulator import durations
from adapters.jira.simulator.catalogue import FieldSpec
from adapters.jira.simulator.markup import plain
from adapters.jira.simulator.model import Attachment, Change, Comment, Issue, Link, Worklog
from adapters.jira.simulator.rendering_site import JsonObject, SiteRenderer

#: Search gives at most so many comments and changelog entries of an issue, and says the true total.
SEARCH_COMMENT_LIMIT = 20
SEARCH_CHANGE_LIMIT = 40
CHANGELOG_LIMIT = 100
#: So many worklogs are shown in the issue itself.
WORKLOG_LIMIT = 20
_EXPANDABLE = "operations,versionedRepresentations,editmeta,changelog,renderedFields"
_SECONDS = {
    "timespent": "time_spent",
    "timeestimate": "remaining_estimate",
    "timeoriginalestimate": "original_estimate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderer(SiteRenderer):
    """Renders issues too."""

    def issue(
        self,
        issue: Issue,
        fields: Sequence[str],
        *,
        expand: Sequence[str] = (),
        properties: Sequence[str] = (),
        searched: bool = False,
    ) -> JsonObject:
        """An issue with the chosen fields; `searched` cuts its comments and changelog as search does."""
        if searched and self.world.catalogue.cloud and list(fields) == ["id"]:
            return {"id": str(issue.id)}
        result: JsonObject = {
            "expand": _EXPANDABLE, "id": str(issue.id), "self": f"{self.api}/issue/{issue.id}", "key": issue.key,
        }  # fmt: skip
        chosen = self._chosen(fields)
        if chosen:
            written = {name: self._field(name, issue, searched) for name in chosen}
            # An issue without a parent has no `parent` at all; other empty fields are null.
            result["fields"] = {name: value for name, value in written.items() if name != "parent" or value is not None}
            result["fields"] |= self._restriction(issue, fields)
        if "renderedFields" in expand:
            text = plain(issue.description)
            result["renderedFields"] = {"description": f"<p>{html.escape(text)}</p>" if text else ""}
        if "names" in expand:
            result["names"] = {name: self.world.catalogue.fields[name].name for name in chosen}
        if "transitions" in expand:
            moves = self.world.catalogue.transitions_from(issue.status)
            result["transitions"] = [self.transition(move, fields=False, project=issue.project) for move in moves]
        if "changelog" in expand:
            result["changelog"] = self._changelog(issue, searched)
        if properties:
            wanted = issue.properties if "*all" in properties else properties
            result["properties"] = {name: issue.properties[name] for name in wanted if name in issue.properties}
        return result

    def _restriction(self, issue: Issue, fields: Sequence[str]) -> JsonObject:
        """Who alone may see the issue: a security level, or in a team-managed project some roles."""
        level = {"self": f"{self.api}/securitylevel/10100", "id": "10100", "name": issue.security, "description": ""}
        roles = {"projectrole": [{"id": str(10100 + number), "name": name} for number, name in enumerate(issue.roles)]}
        told: JsonObject = {"security": level} if issue.security else {}
        told |= {"issuerestriction": {"issuerestrictions": roles, "shouldDisplay": True}} if issue.roles else {}
        return {name: value for name, value in told.items() if {name, "*all"} & set(fields)}

    def _changelog(self, issue: Issue, searched: bool) -> JsonObject:
        changes = list(issue.changes)
        if self.world.catalogue.cloud:  # newest first, and not all of them
            changes = changes[::-1][: SEARCH_CHANGE_LIMIT if searched else CHANGELOG_LIMIT]
        return {
            "startAt": 0, "maxResults": len(changes), "total": len(issue.changes),
            "histories": [self.change(change) for change in changes],
        }  # fmt: skip

    def change(self, change: Change, field_ids: Sequence[str] = ()) -> JsonObject:
        """A changelog entry, with only the items of `field_ids` where any are given."""
        items = []
        for item in change.items:
            if field_ids and item.field_id not in field_ids:
                continue
            row: JsonObject = {"field": item.field, "fieldtype": "custom" if item.custom else "jira"}
            if self.world.catalogue.cloud and item.field_id:
                row["fieldId"] = item.field_id
            told = {"from": item.old, "fromString": item.old_text, "to": item.new, "toString": item.new_text}
            items.append(row | {name: value for name, value in told.items() if value is not None})
        return {
            "id": str(change.id), "author": self.user(change.author), "created": self.time(change.created),
            "items": items,
        }  # fmt: skip

    def comment(self, issue_id: int, comment: Comment, *, expand: Sequence[str] = ()) -> JsonObject:
        """A comment."""
        result: JsonObject = {
            "self": f"{self.api}/issue/{issue_id}/comment/{comment.id}", "id": str(comment.id),
            "author": self.user(comment.author), "body": self.text(comment.body),
            "updateAuthor": self.user(comment.update_author), "created": self.time(comment.created),
            "updated": self.time(comment.updated),
        }  # fmt: skip
        if self.world.catalogue.cloud:
            internal = comment.properties.get("sd.public.comment")  # how service projects mark a note of the team
            result["jsdPublic"] = not (isinstance(internal, dict) and internal.get("internal") is True)
        if comment.visibility:
            result["visibility"] = dict(comment.visibility)
        if "properties" in expand:
            result["properties"] = [{"key": key, "value": value} for key, value in comment.properties.items()]
        if "renderedBody" in expand:
            result["renderedBody"] = f"<p>{html.escape(plain(comment.body) or '')}</p>"
        return result

    def visible_comments(self, issue: Issue) -> list[Comment]:
        """The comments that the caller may see, oldest first."""
        roles = self.viewer.roles if self.viewer else frozenset()
        return [each for each in issue.comments if not each.visibility or each.visibility.get("value") in roles]

    def comment_page(self, issue: Issue, searched: bool) -> JsonObject:
        """The `comment` field: in a search on Cloud only the latest ones."""
        comments = self.visible_comments(issue)
        cut = comments[-SEARCH_COMMENT_LIMIT:] if searched and self.world.catalogue.cloud else comments
        return {
            "comments": [self.comment(issue.id, comment) for comment in cut],
            "self": f"{self.api}/issue/{issue.id}/comment",
            "maxResults": len(cut), "total": len(comments), "startAt": 0,
        }  # fmt: skip

    def related(self, issue: Issue) -> JsonObject:
        """A parent or a sub-task inside another issue."""
        site = self.world.catalogue
        return {
            "id": str(issue.id), "key": issue.key, "self": f"{self.api}/issue/{issue.id}",
            "fields": {
                "summary": issue.summary,
                "status": self.named("status", issue.status, lambda: self.status(site.statuses[issue.status])),
                "priority": self.named(
                    "priority", issue.priority, lambda: self.priority(site.priorities[str(issue.priority)])
                ),
                "issuetype": self.named("type", issue.type, lambda: self.issue_type(site.types[issue.type])),
            },
        }  # fmt: skip

    def attachment(self, attachment: Attachment) -> JsonObject:
        """A file; its address is another one on Cloud than on Data Center."""
        number, cloud = attachment.id, self.world.catalogue.cloud
        name = quote(attachment.filename, safe="")
        result: JsonObject = {
            "self": f"{self.api}/attachment/{number}", "id": str(number), "filename": attachment.filename,
            "author": self.user(attachment.author), "created": self.time(attachment.created),
            "size": len(attachment.content), "mimeType": attachment.mime_type,
            "content": f"{self.api}/attachment/content/{number}" if cloud
            else f"{self.base}/secure/attachment/{number}/{name}",
        }  # fmt: skip
        if attachment.mime_type.startswith("image/"):
            thumbnail = f"{self.api}/attachment/thumbnail/{number}"
            result["thumbnail"] = thumbnail if cloud else f"{self.base}/secure/thumbnail/{number}/_thumb_{number}.png"
        return result

    def worklog(self, issue_id: int, worklog: Worklog) -> JsonObject:
        """One entry of time spent."""
        result: JsonObject = {
            "self": f"{self.api}/issue/{issue_id}/worklog/{worklog.id}", "author": self.user(worklog.author),
            "updateAuthor": self.user(worklog.update_author), "created": self.time(worklog.created),
            "updated": self.time(worklog.updated), "started": self.time(worklog.started),
            "timeSpent": durations.pretty(worklog.seconds), "timeSpentSeconds": worklog.seconds,
            "id": str(worklog.id), "issueId": str(issue_id),
        }  # fmt: skip
        if worklog.comment is not None:
            result["comment"] = self.text(worklog.comment)
        return result | ({"visibility": dict(worklog.visibility)} if worklog.visibility else {})

    def visible_worklogs(self, issue: Issue) -> list[Worklog]:
        """The worklogs that the caller may see, oldest first."""
        roles = self.viewer.roles if self.viewer else frozenset()
        return [each for each in issue.worklogs if not each.visibility or each.visibility.get("value") in roles]

    def link(self, link: Link, issue: Issue | None = None) -> JsonObject:
        """A link as one of its issues shows it, or with both ends."""
        kind = self.world.catalogue.link_types[link.type]
        result: JsonObject = {
            "id": str(link.id), "self": f"{self.api}/issueLink/{link.id}", "type": self.link_type(kind),
        }  # fmt: skip
        if issue is None or link.source != issue.id:
            result["inwardIssue"] = self.related(self.world.issues[link.source])
        if issue is None or link.target != issue.id:
            result["outwardIssue"] = self.related(self.world.issues[link.target])
        return result

    def watches(self, issue: Issue) -> JsonObject:
        """How many watch an issue, and whether the caller does."""
        return {
            "self": f"{self.api}/issue/{issue.key}/watchers", "watchCount": len(issue.watchers),
            "isWatching": self.viewer is not None and self.viewer.name in issue.watchers,
        }  # fmt: skip

    def _field(self, name: str, issue: Issue, searched: bool) -> Any:
        site = self.world.catalogue
        match name:
            case "project":
                return self.named("project", issue.project, lambda: self.project(issue.project))
            case "issuetype":
                return self.named("type", issue.type, lambda: self.issue_type(site.types[issue.type]))
            case "status":
                return self.named("status", issue.status, lambda: self.status(site.statuses[issue.status]))
            case "priority":
                return self.named(
                    "priority", issue.priority, lambda: self.priority(site.priorities[str(issue.priority)])
                )
            case "resolution":
                return self.named(
                    "resolution", issue.resolution, lambda: self.resolution(site.resolutions[str(issue.resolution)])
                )
            case "description":
                return self.text(issue.description)
            case "labels":
                return list(issue.labels)
            case "assignee" | "reporter" | "creator":
                person = getattr(issue, name)
                return self.user(person) if person else None
            case "created" | "updated":
                return self.time(getattr(issue, name))
            case "resolutiondate":
                return self.time(issue.resolved) if issue.resolved else None
            case "comment":
                return self.comment_page(issue, searched)
            case "parent" | "subtasks":
                return self._family(name, issue)
            case "summary" | "duedate":
                return getattr(issue, name)
        return self._custom(site.fields[name], issue) if site.fields[name].custom else self._hung(name, issue)

    def _hung(self, name: str, issue: Issue) -> Any:
        plans = self.world.planning
        match name:
            case "components":
                return [self.component(plans.components[one], short=True) for one in issue.components]
            case "fixVersions" | "versions":
                numbers = issue.versions if name == "versions" else issue.fix_versions
                return [self.release(plans.versions[one], short=True) for one in numbers]
            case "attachment":
                return [self.attachment(each) for each in issue.attachments]
            case "issuelinks":
                ends = ((one, self.world.issues.get(one.other(issue.id))) for one in issue.links)
                # The other end may have gone since the index took its picture, or may not be seen.
                return [self.link(one, issue) for one, other in ends if other and not other.archived]
            case "watches":
                return self.watches(issue)
            case "worklog":
                logs = self.visible_worklogs(issue)
                cut = [self.worklog(issue.id, each) for each in logs[:WORKLOG_LIMIT]]
                return {"startAt": 0, "maxResults": WORKLOG_LIMIT, "total": len(logs), "worklogs": cut}
            case "timetracking":
                return _time_tracking(issue)
        if name in _SECONDS:
            return getattr(issue, _SECONDS[name])
        return self._aggregate(_SECONDS[name.removeprefix("aggregate")], issue)

    def _aggregate(self, attribute: str, issue: Issue) -> int | None:
        """The sum over an issue and its sub-tasks."""
        types = self.world.catalogue.types
        family = [self.world.issues[number] for number in self.world.children.get(issue.id, ())]
        members = [issue, *(child for child in family if types[child.type].subtask)]
        told = [span for span in (getattr(one, attribute) for one in members) if span is not None]
        return sum(told) if told else None

    def _custom(self, spec: FieldSpec, issue: Issue) -> Any:
        if spec.kind == "gh-epic-link":
            return self._family(spec.kind, issue)
        if spec.kind == "gh-sprint" and self.world.catalogue.types[issue.type].subtask:
            issue = self.world.issues.get(issue.parent or 0, issue)  # a sub-task is where its parent is
        value = issue.custom.get(spec.id)
        if value is None:
            return None
        options = {option.id: option for outer in spec.options for option in (outer, *outer.children)}

        def chosen(number: str) -> JsonObject:
            shown = self.option(options[number])
            shown.pop("children", None)
            return shown

        match spec.kind:
            case "gh-sprint":
                return [self.sprint_in_issue(self.world.planning.sprints[one]) for one in value]
            case "select" | "radiobuttons":
                return chosen(value)
            case "multiselect" | "multicheckboxes":
                return [chosen(one) for one in value]
            case "cascadingselect":
                outer, child = value
                return chosen(outer) | ({"child": chosen(child)} if child else {})
            case "userpicker":
                return self.user(value)
            case "multiuserpicker":
                return [self.user(one) for one in value]
            case "labels":
                return list(value)
            case "textarea":
                return self.text(value)
        return self.time(value) if isinstance(value, datetime) else value

    def _family(self, name: str, issue: Issue) -> Any:
        site = self.world.catalogue
        if name == "subtasks":
            children = [self.world.issues[number] for number in sorted(self.world.children.get(issue.id, ()))]
            return [self.related(child) for child in children if site.types[child.type].subtask]
        parent = self.world.issues.get(issue.parent or 0)
        subtask = site.types[issue.type].subtask
        if name == "gh-epic-link":
            return parent.key if parent and not subtask else None
        return self.related(parent) if parent and (site.cloud or subtask) else None

    def _chosen(self, fields: Sequence[str]) -> list[str]:
        site = self.world.catalogue
        known = [name for name in site.fields if name not in site.hidden]
        wanted: list[str] = []
        for name in fields:
            if name in ("*all", "*navigable"):
                wanted += [each for each in known if name == "*all" or site.fields[each].navigable]
            elif name.startswith("-"):
                wanted = [each for each in wanted or known if each != name[1:]]
            elif name in known:
                wanted.append(name)
        return list(dict.fromkeys(wanted))


def _time_tracking(issue: Issue) -> JsonObject:
    """Both forms of each span that is there; an issue without any has an empty object."""
    spans = {
        "originalEstimate": issue.original_estimate, "remainingEstimate": issue.remaining_estimate,
        "timeSpent": issue.time_spent,
    }  # fmt: skip
    told = {name: span for name, span in spans.items() if span is not None}
    return {name: durations.pretty(span) for name, span in told.items()} | {
        f"{name}Seconds": span for name, span in told.items()
    }
