"""The JSON that a simulated Jira answers with, for one caller and one API version."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from adapters.jira.simulator.catalogue import (
    EPIC_LINK,
    Category,
    FieldSpec,
    IssueType,
    Named,
    Person,
    Status,
    Transition,
)
from adapters.jira.simulator.markup import plain, to_wiki
from adapters.jira.simulator.state import Change, Comment, Issue, World

JsonObject = dict[str, Any]

#: Search gives at most so many comments and changelog entries of an issue, and says the true total.
SEARCH_COMMENT_LIMIT = 20
SEARCH_CHANGE_LIMIT = 40
CHANGELOG_LIMIT = 100
_SIZES = {"48x48": 48, "24x24": 24, "16x16": 16, "32x32": 32}
_EXPANDABLE = "operations,versionedRepresentations,editmeta,changelog,renderedFields"


def iso(moment: datetime, zone: ZoneInfo) -> str:
    """`2021-03-28T16:06:08.713+0800`: milliseconds and an offset without a colon."""
    text = moment.astimezone(zone).isoformat(timespec="milliseconds")
    return text[:-3] + text[-2:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderer:
    """Renders for `viewer` (None is anonymous); `base` is the site's address, `version` "2" or "3"."""

    world: World
    base: str
    version: str
    viewer: Person | None
    hide_emails: bool
    zone: ZoneInfo
    _cache: dict[tuple[str, Any], JsonObject] = field(default_factory=dict)

    @property
    def api(self) -> str:
        """The address that `self` links begin with."""
        return f"{self.base}/rest/api/{self.version}"

    def time(self, moment: datetime) -> str:
        """A moment in the caller's zone."""
        return iso(moment, self.zone)

    def text(self, stored: Any) -> Any:
        """Rich text in the form of this API version."""
        return stored if self.version == "3" or not isinstance(stored, dict) else to_wiki(stored)

    # -- people and names -------------------------------------------------------------------------

    def user(self, name: str) -> JsonObject:
        """A person as others see them."""
        return self._once("user", name, lambda: self._user(self.world.catalogue.people[name]))

    def profile(self, person: Person) -> JsonObject:
        """A person with the members that only the user endpoints give."""
        extra: JsonObject = {"locale": "en_US"}
        if person == self.viewer:
            extra["emailAddress"] = person.email
            extra["groups"] = {"size": 1, "items": []}
            extra["applicationRoles"] = {"size": 1, "items": []}
            extra["expand"] = "groups,applicationRoles"
        return {**self.user(person.name), **extra}

    def _user(self, person: Person) -> JsonObject:
        cloud = self.world.catalogue.cloud
        identity = ("accountId", person.account_id) if cloud else ("username", person.name)
        result: JsonObject = {"self": f"{self.api}/user?{identity[0]}={identity[1]}"}
        if cloud:
            result |= {"accountId": person.account_id, "accountType": "atlassian"}
        else:
            result |= {"name": person.name, "key": f"JIRAUSER{10000 + len(person.display_name)}"}
        if not (cloud and self.hide_emails) or person == self.viewer:
            result["emailAddress"] = person.email
        avatars = {name: f"{self.base}/secure/useravatar?size={size}" for name, size in _SIZES.items()}
        return result | {
            "avatarUrls": avatars, "displayName": person.display_name, "active": person.active,
            "timeZone": person.time_zone,
        }  # fmt: skip

    def category(self, category: Category) -> JsonObject:
        """A status category."""
        return {
            "self": f"{self.api}/statuscategory/{category.id}", "id": category.id, "key": category.key,
            "colorName": category.color, "name": category.name,
        }  # fmt: skip

    def status(self, status: Status, *, listed: bool = False) -> JsonObject:
        """A status; the list of all statuses also says the untranslated name."""
        result = {
            "self": f"{self.api}/status/{status.id}", "description": "",
            "iconUrl": f"{self.base}/images/icons/statuses/generic.png", "name": status.name, "id": status.id,
            "statusCategory": self.category(status.category),
        }  # fmt: skip
        return result | ({"untranslatedName": status.untranslated} if listed and self.world.catalogue.cloud else {})

    def issue_type(self, kind: IssueType) -> JsonObject:
        """An issue type; the hierarchy level is Cloud's."""
        result: JsonObject = {
            "self": f"{self.api}/issuetype/{kind.id}", "id": kind.id, "description": kind.description,
            "iconUrl": f"{self.base}/images/icons/issuetypes/{kind.name.lower()}.svg", "name": kind.name,
            "subtask": kind.subtask, "avatarId": 10300 + int(kind.id) % 100,
        }  # fmt: skip
        return result | ({"hierarchyLevel": kind.level} if self.world.catalogue.cloud else {})

    def priority(self, row: Named, *, listed: bool = False) -> JsonObject:
        """A priority; the list also says its colour."""
        name = row.name.lower()
        result = {
            "self": f"{self.api}/priority/{row.id}", "iconUrl": f"{self.base}/images/icons/priorities/{name}.svg",
            "name": row.name, "id": row.id,
        }  # fmt: skip
        return result | ({"statusColor": row.color, "description": row.description} if listed else {})

    def resolution(self, row: Named) -> JsonObject:
        """A resolution."""
        return {
            "self": f"{self.api}/resolution/{row.id}", "id": row.id, "description": row.description, "name": row.name,
        }  # fmt: skip

    def project(self, key: str, *, full: bool = False) -> JsonObject:
        """A project; `full` as its own endpoint gives it."""
        site = self.world.catalogue
        number = 10000 + self.world.projects.index(key)
        avatars = {name: f"{self.base}/secure/projectavatar?size={size}" for name, size in _SIZES.items()}
        result: JsonObject = {
            "self": f"{self.api}/project/{number}", "id": str(number), "key": key, "name": f"{key.title()} project",
            "projectTypeKey": "software", "avatarUrls": avatars,
        }  # fmt: skip
        if site.cloud:
            team = site.style == "team-managed"
            result |= {"simplified": team}
            if full:
                result |= {"style": "next-gen" if team else "classic", "isPrivate": False}
        if full:
            result |= {
                "description": "", "lead": self.user("ada"), "components": [], "versions": [], "roles": {},
                "issueTypes": [self.issue_type(kind) for kind in site.types.values()], "assigneeType": "UNASSIGNED",
            }  # fmt: skip
        return result

    def transition(self, move: Transition, *, fields: bool) -> JsonObject:
        """A transition; with the fields of its screen when asked."""
        site = self.world.catalogue
        result: JsonObject = {"id": move.id, "name": move.name, "to": self.status(site.statuses[move.target])}
        if site.cloud:
            result |= {
                "hasScreen": bool(move.screen), "isGlobal": move.is_global, "isInitial": False, "isAvailable": True,
                "isConditional": False, "isLooped": False,
            }  # fmt: skip
        if fields:
            result["fields"] = {
                name: self.field_meta(site.fields[name], required=name in move.required) for name in move.screen
            }
        return result

    def field_meta(self, spec: FieldSpec, *, required: bool) -> JsonObject:
        """A field of a screen."""
        site = self.world.catalogue
        allowed: Mapping[str, Sequence[JsonObject]] = {
            "priority": [self.priority(row) for row in site.priorities.values()] if spec.id == "priority" else [],
            "resolution": [self.resolution(row) for row in site.resolutions.values()]
            if spec.id == "resolution"
            else [],
        }
        result: JsonObject = {
            "required": required, "schema": spec.schema, "name": spec.name, "hasDefaultValue": spec.id == "priority",
            "operations": ["add", "set", "remove"] if spec.items == "string" else ["set"],
        }  # fmt: skip
        if site.cloud:
            result["key"] = spec.id
        return result | ({"allowedValues": allowed[spec.id]} if allowed.get(spec.id) else {})

    # -- issues -----------------------------------------------------------------------------------

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
        if "renderedFields" in expand:
            text = plain(issue.description)
            result["renderedFields"] = {"description": f"<p>{html.escape(text)}</p>" if text else ""}
        if "names" in expand:
            result["names"] = {name: self.world.catalogue.fields[name].name for name in chosen}
        if "transitions" in expand:
            moves = self.world.catalogue.transitions_from(issue.status)
            result["transitions"] = [self.transition(move, fields=False) for move in moves]
        if "changelog" in expand:
            result["changelog"] = self._changelog(issue, searched)
        if properties:
            wanted = issue.properties if "*all" in properties else properties
            result["properties"] = {name: issue.properties[name] for name in wanted if name in issue.properties}
        return result

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
                "issuetype": self.named("type", issue.type, lambda: self.issue_type(site.types[issue.type])),
            },
        }  # fmt: skip

    def named(self, kind: str, identifier: str | None, make: Callable[[], JsonObject]) -> JsonObject | None:
        """The rendering of a table row, made once an answer."""
        return None if identifier is None else self._once(kind, identifier, make)

    def _once(self, kind: str, identifier: Any, make: Callable[[], JsonObject]) -> JsonObject:
        found = self._cache.get((kind, identifier))
        if found is None:
            found = self._cache[(kind, identifier)] = make()
        return found

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
            case "parent" | "subtasks" | "customfield_10014":
                return self._family(name, issue)
            case "summary" | "duedate":
                return getattr(issue, name)
        return issue.custom.get(name)

    def _family(self, name: str, issue: Issue) -> Any:
        site = self.world.catalogue
        if name == "subtasks":
            children = [self.world.issues[number] for number in sorted(self.world.children.get(issue.id, ()))]
            return [self.related(child) for child in children if site.types[child.type].subtask]
        parent = self.world.issues.get(issue.parent or 0)
        subtask = site.types[issue.type].subtask
        if name == EPIC_LINK:
            return parent.key if parent and not subtask else None
        return self.related(parent) if parent and (site.cloud or subtask) else None

    def _chosen(self, fields: Sequence[str]) -> list[str]:
        known = list(self.world.catalogue.fields)
        wanted: list[str] = []
        for name in fields:
            if name in ("*all", "*navigable"):
                wanted += [each for each in known if name == "*all" or each != "comment"]
            elif name.startswith("-"):
                wanted = [each for each in wanted or known if each != name[1:]]
            elif name in known:
                wanted.append(name)
        return list(dict.fromkeys(wanted))
