"""The JSON of what a simulated site consists of: people, names, projects, plans, fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from adapters.jira.simulator.catalogue import (
    Category,
    FieldSpec,
    IssueType,
    LinkType,
    Named,
    Option,
    Person,
    Status,
    Transition,
)
from adapters.jira.simulator.markup import to_wiki
from adapters.jira.simulator.model import Board, Component, Sprint, Version
from adapters.jira.simulator.state import World

JsonObject = dict[str, Any]

_SIZES = {"48x48": 48, "24x24": 24, "16x16": 16, "32x32": 32}


def iso(moment: datetime, zone: ZoneInfo) -> str:
    """`2021-03-28T16:06:08.713+0800`: milliseconds and an offset without a colon."""
    text = moment.astimezone(zone).isoformat(timespec="milliseconds")
    return text[:-3] + text[-2:]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRenderer:
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
        number = self.world.project_number(key)
        avatars = {name: f"{self.base}/secure/projectavatar?size={size}" for name, size in _SIZES.items()}
        result: JsonObject = {
            "self": f"{self.api}/project/{number}", "id": str(number), "key": key, "name": self.world.project_name(key),
            "projectTypeKey": "software", "avatarUrls": avatars,
        }  # fmt: skip
        if site.cloud:
            team = site.style == "team-managed"
            result |= {"simplified": team}
            if full:
                result |= {"style": "next-gen" if team else "classic", "isPrivate": False}
        if full:
            result |= {
                "description": "", "lead": self.user("ada"), "roles": {},
                "components": [self.component(each) for each in self.world.planning.components_of(number)],
                "versions": [self.release(each) for each in self.world.planning.versions_of(number)],
                "issueTypes": [self.issue_type(kind) for kind in site.types.values()], "assigneeType": "UNASSIGNED",
            }  # fmt: skip
        return result

    def transition(self, move: Transition, *, fields: bool, project: str) -> JsonObject:
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
                name: self.field_meta(site.fields[name], required=name in move.required, project=project)
                for name in move.screen
            }
        return result

    def field_meta(self, spec: FieldSpec, *, required: bool, project: str) -> JsonObject:
        """A field of a screen in a project."""
        result: JsonObject = {
            "required": required, "schema": spec.schema, "name": spec.name, "hasDefaultValue": spec.id == "priority",
            "operations": list(spec.operations),
        }  # fmt: skip
        if self.world.catalogue.cloud:
            result["key"] = spec.id
        if spec.type == "user":
            result["autoCompleteUrl"] = f"{self.base}/rest/api/1.0/users/picker?fieldName={spec.id}&query="
        allowed = self._allowed(spec, project)
        return result | ({} if allowed is None else {"allowedValues": allowed})

    def _allowed(self, spec: FieldSpec, project: str) -> list[JsonObject] | None:
        site, number = self.world.catalogue, self.world.project_number(project)
        match spec.kind:
            case "priority":
                return [self.priority(row) for row in site.priorities.values()]
            case "resolution":
                return [self.resolution(row) for row in site.resolutions.values()]
            case "components":
                return [self.component(each, short=True) for each in self.world.planning.components_of(number)]
            case "fixVersions" | "versions":
                return [self.release(each) for each in self.world.planning.versions_of(number) if not each.archived]
        return [self.option(each) for each in spec.options] or None

    # -- plans ------------------------------------------------------------------------------------

    def option(self, option: Option) -> JsonObject:
        """A choice of a custom field, with those below it."""
        result: JsonObject = {
            "self": f"{self.api}/customFieldOption/{option.id}", "value": option.value, "id": option.id,
        }  # fmt: skip
        return result | ({"children": [self.option(each) for each in option.children]} if option.children else {})

    def link_type(self, kind: LinkType) -> JsonObject:
        """A kind of link."""
        return {
            "id": kind.id, "name": kind.name, "inward": kind.inward, "outward": kind.outward,
            "self": f"{self.api}/issueLinkType/{kind.id}",
        }  # fmt: skip

    def component(self, component: Component, *, short: bool = False) -> JsonObject:
        """A component; `short` as issues name it."""
        result: JsonObject = {
            "self": f"{self.api}/component/{component.id}", "id": str(component.id), "name": component.name,
        }  # fmt: skip
        if component.description:
            result["description"] = component.description
        if short:
            return result
        key = self.world.projects[component.project - 10000]
        result |= {"assigneeType": "PROJECT_DEFAULT", "project": key}
        if self.world.catalogue.cloud:
            return result | {
                "realAssigneeType": "PROJECT_DEFAULT", "isAssigneeTypeValid": False, "projectId": component.project,
            }  # fmt: skip
        return result | {"archived": False, "deleted": False}

    def release(self, version: Version, *, short: bool = False) -> JsonObject:
        """A version; `short` as issues name it."""
        result: JsonObject = {
            "self": f"{self.api}/version/{version.id}", "id": str(version.id), "description": version.description,
            "name": version.name, "archived": version.archived, "released": version.released,
        }  # fmt: skip
        if version.start_date and not short:
            result["startDate"] = version.start_date
        if version.release_date:
            result["releaseDate"] = version.release_date
        return result if short else result | {"projectId": version.project}

    def board(self, board: Board) -> JsonObject:
        """A board."""
        key = self.world.projects[board.project - 10000]
        result: JsonObject = {
            "id": board.id, "self": f"{self.base}/rest/agile/1.0/board/{board.id}", "name": board.name,
            "type": board.type,
        }  # fmt: skip
        if not self.world.catalogue.cloud:
            return result
        name = self.world.project_name(key)
        return result | {
            "location": {
                "projectId": board.project, "displayName": f"{name} ({key})", "projectName": name, "projectKey": key,
                "projectTypeKey": "software", "name": f"{name} ({key})",
            },
            "isPrivate": False,
        }  # fmt: skip

    def sprint(self, sprint: Sprint) -> JsonObject:
        """A sprint, as the agile API gives it."""
        times = {"startDate": sprint.start, "endDate": sprint.end, "completeDate": sprint.complete}
        return {
            "id": sprint.id, "self": f"{self.base}/rest/agile/1.0/sprint/{sprint.id}", "state": sprint.state,
            "name": sprint.name, **{name: time for name, time in times.items() if time},
            "originBoardId": sprint.board, **({"goal": sprint.goal} if sprint.goal else {}),
        }  # fmt: skip

    def sprint_in_issue(self, sprint: Sprint) -> Any:
        """A sprint as issues show it: an object on Cloud, on Data Center the text of a Java object."""
        if self.world.catalogue.cloud:
            times = {"startDate": sprint.start, "endDate": sprint.end, "completeDate": sprint.complete}
            shown = {name: time for name, time in times.items() if time}
            return {
                "id": sprint.id, "name": sprint.name, "state": sprint.state, "boardId": sprint.board,
                "goal": sprint.goal, **shown,
            }  # fmt: skip
        parts = {
            "id": sprint.id, "rapidViewId": sprint.board, "state": sprint.state.upper(), "name": sprint.name,
            "startDate": sprint.start, "endDate": sprint.end, "completeDate": sprint.complete,
            "activatedDate": sprint.start if sprint.state != "future" else None, "sequence": sprint.id,
            "goal": sprint.goal, "synced": "false", "autoStartStop": "false",
        }  # fmt: skip
        told = ",".join(f"{name}={'<null>' if value is None else value}" for name, value in parts.items())
        return f"com.atlassian.greenhopper.service.sprint.Sprint@{0x38C6BD04 + sprint.id:x}[{told}]"

    # -- within -----------------------------------------------------------------------------------

    def named(self, kind: str, identifier: str | None, make: Callable[[], JsonObject]) -> JsonObject | None:
        """The rendering of a table row, made once an answer."""
        return None if identifier is None else self._once(kind, identifier, make)

    def _once(self, kind: str, identifier: Any, make: Callable[[], JsonObject]) -> JsonObject:
        found = self._cache.get((kind, identifier))
        if found is None:
            found = self._cache[(kind, identifier)] = make()
        return found
