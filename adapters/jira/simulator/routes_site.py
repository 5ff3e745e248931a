"""Endpoints that describe the site: server, people, projects, fields, names, permissions."""

from __future__ import annotations

from typing import Any

from adapters.jira.simulator.catalogue import EPIC_NAME, IssueType, Person
from adapters.jira.simulator.errors import ApiError
from adapters.jira.simulator.rendering_site import iso
from adapters.jira.simulator.routing import Answer, Call, JsonObject, page, route

_PERMISSIONS = (
    "BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES", "ASSIGN_ISSUES", "ADD_COMMENTS",
    "EDIT_OWN_COMMENTS", "EDIT_ALL_COMMENTS", "DELETE_OWN_COMMENTS", "DELETE_ALL_COMMENTS", "DELETE_ISSUES",
    "MODIFY_REPORTER", "LINK_ISSUES", "SCHEDULE_ISSUES", "CREATE_ATTACHMENTS", "DELETE_OWN_ATTACHMENTS",
    "DELETE_ALL_ATTACHMENTS", "WORK_ON_ISSUES", "EDIT_OWN_WORKLOGS", "EDIT_ALL_WORKLOGS", "DELETE_OWN_WORKLOGS",
    "DELETE_ALL_WORKLOGS", "MANAGE_WATCHERS", "VIEW_VOTERS_AND_WATCHERS", "MANAGE_SPRINTS_PERMISSION",
    "ADMINISTER_PROJECTS", "ADMINISTER",
)  # fmt: skip


@route("GET", "/serverInfo")
def server_info(call: Call) -> Answer:
    cloud = call.world.catalogue.cloud
    numbers = [1001, 0, 0] if cloud else [10, 0, 1]
    server_zone = call.render.zone
    return 200, {
        "baseUrl": call.render.base, "version": "1001.0.0-SNAPSHOT" if cloud else "10.0.1", "versionNumbers": numbers,
        "deploymentType": "Cloud" if cloud else "Server", "buildNumber": 100300 if cloud else 1000001,
        "buildDate": "2026-10-01T00:00:00.000+0000", "serverTime": iso(call.world.now(), server_zone),
        "scmInfo": "1f51473f5c7b75c1a69a0090f4832cdc5053702a", "serverTitle": "Jira",
    }  # fmt: skip


@route("GET", "/myself")
def myself(call: Call) -> Answer:
    if call.person is None:
        body = {"message": "Client must be authenticated to access this resource.", "status-code": 401}
        raise ApiError(401, body=body)
    return 200, call.render.profile(call.person)


@route("GET", "/mypermissions")
def my_permissions(call: Call) -> Answer:
    asked = call.words("permissions") or list(_PERMISSIONS)
    if call.world.catalogue.cloud and not call.words("permissions"):
        raise ApiError(400, "The 'permissions' query parameter is required.")
    if unknown := sorted(set(asked) - set(_PERMISSIONS)):
        raise ApiError(400, f"Unrecognized permission: {', '.join(unknown)}")
    if (key := call.request.args.get("projectKey")) and call.world.project(key) is None:
        raise ApiError(404, f"No project could be found with key '{key}'.")
    lacking = call.denied if call.person is not None and call.person.name == "bot" else frozenset[str]()
    return 200, {
        "permissions": {
            name: {
                "id": str(10 + _PERMISSIONS.index(name)), "key": name, "name": name.replace("_", " ").title(),
                "type": "GLOBAL" if name == "ADMINISTER" else "PROJECT", "description": "",
                "havePermission": call.person is not None and name not in lacking,
            }
            for name in asked
        }
    }  # fmt: skip


@route("GET", "/field")
def fields(call: Call) -> Answer:
    rows = []
    for spec in call.world.catalogue.fields.values():
        row: JsonObject = {
            "id": spec.id, "name": spec.name, "custom": spec.custom is not None, "orderable": spec.editable,
            "navigable": spec.navigable, "searchable": True, "schema": spec.schema,
            "clauseNames": [f"cf[{spec.id.removeprefix('customfield_')}]", spec.name] if spec.custom else [spec.id],
        }  # fmt: skip
        rows.append(row | ({"key": spec.id} if call.world.catalogue.cloud else {}))
    return 200, rows


@route("GET", "/status")
def statuses(call: Call) -> Answer:
    return 200, [call.render.status(status, listed=True) for status in call.world.catalogue.statuses.values()]


@route("GET", "/priority")
def priorities(call: Call) -> Answer:
    return 200, [call.render.priority(row, listed=True) for row in call.world.catalogue.priorities.values()]


@route("GET", "/resolution")
def resolutions(call: Call) -> Answer:
    return 200, [call.render.resolution(row) for row in call.world.catalogue.resolutions.values()]


@route("GET", "/issuetype")
def issue_types(call: Call) -> Answer:
    return 200, [call.render.issue_type(kind) for kind in call.world.catalogue.types.values()]


@route("GET", "/project")
def projects(call: Call) -> Answer:
    return 200, [call.render.project(key) for key in (call.world.projects if call.person else ())]


@route("GET", "/project/search", only="cloud")
def search_projects(call: Call) -> Answer:
    keys = call.world.projects if call.person else ()
    taken, about = page(keys, call.number("startAt", 0), call.number("maxResults", 50, 100))
    return 200, {
        "self": f"{call.render.api}/project/search", **about, "isLast": about["startAt"] + len(taken) >= len(keys),
        "values": [call.render.project(key) for key in taken],
    }  # fmt: skip


@route("GET", "/project/<key>")
def project(call: Call, key: str) -> Answer:
    return 200, call.render.project(visible_project(call, key), full=True)


@route("GET", "/project/<key>/statuses")
def project_statuses(call: Call, key: str) -> Answer:
    visible_project(call, key)
    shown = [call.render.status(status) for status in call.world.catalogue.statuses.values()]
    return 200, [
        {
            "self": f"{call.render.api}/issuetype/{kind.id}", "id": kind.id, "name": kind.name,
            "subtask": kind.subtask, "statuses": shown,
        }
        for kind in call.world.catalogue.types.values()
    ]  # fmt: skip


@route("GET", "/issue/createmeta/<key>/issuetypes")
def create_types(call: Call, key: str) -> Answer:
    visible_project(call, key, status=400)
    kinds = list(call.world.catalogue.types.values())
    taken, about = page(kinds, call.number("startAt", 0), call.number("maxResults", 50, 200))
    return 200, _paged(call, "issueTypes", [_create_type(call, kind) for kind in taken], about)


@route("GET", "/issue/createmeta/<key>/issuetypes/<type_id>")
def create_fields(call: Call, key: str, type_id: str) -> Answer:
    project = visible_project(call, key, status=400)
    kind = call.world.catalogue.types.get(type_id)
    if kind is None:
        raise ApiError(400, "Issue type is not valid for the project.")
    rows = []
    needed = required_fields(call, kind)
    for name in screen(call, kind):
        spec = call.world.catalogue.fields[name]
        rows.append({"fieldId": name, **call.render.field_meta(spec, required=name in needed, project=project)})
    taken, about = page(rows, call.number("startAt", 0), call.number("maxResults", 50, 200))
    return 200, _paged(call, "fields", list(taken), about)


@route("GET", "/user")
def user(call: Call) -> Answer:
    identifier = call.request.args.get("accountId" if call.world.catalogue.cloud else "username", "")
    person = call.world.catalogue.person(identifier)
    if not call.who or person is None:
        raise ApiError(404, "Specified user does not exist or you do not have required permissions")
    return 200, call.render.profile(person)


@route("GET", "/user/search")
@route("GET", "/users/search", only="cloud")
def search_users(call: Call) -> Answer:
    return 200, [call.render.profile(person) for person in _people(call)]


@route("GET", "/user/assignable/search")
def search_assignable(call: Call) -> Answer:
    if key := call.request.args.get("project"):
        visible_project(call, key)
    return 200, [call.render.profile(person) for person in _people(call) if person.assignable and person.active]


@route("GET", "/issue/<key>/editmeta")
def edit_fields(call: Call, key: str) -> Answer:
    issue = call.issue(key)
    kind = call.world.catalogue.types[issue.type]
    needed = required_fields(call, kind)
    return 200, {
        "fields": {
            name: call.render.field_meta(
                call.world.catalogue.fields[name], required=name in needed, project=issue.project
            )
            for name in screen(call, kind)
            if name != "project"
        }
    }


def screen(call: Call, kind: IssueType) -> tuple[str, ...]:
    """The fields that may be set when creating or editing an issue of a type."""
    site = call.world.catalogue
    hidden = set(site.hidden)
    hidden.update(name for name, types in call.site.type_fields.items() if kind.name not in types)
    if call.lacks("MODIFY_REPORTER"):
        hidden.add("reporter")
    if call.lacks("SCHEDULE_ISSUES"):
        hidden |= {"duedate", *(name for name, spec in site.fields.items() if spec.kind == "gh-sprint")}
    return tuple(name for name, spec in site.fields.items() if spec.editable and name not in hidden)


def required_fields(call: Call, kind: IssueType) -> tuple[str, ...]:
    """What a new issue of this type must have."""
    needed: tuple[str, ...] = ("project", "issuetype", "summary", *call.site.required_fields)
    if kind.subtask:
        needed = (*needed, "parent")
    return (*needed, EPIC_NAME) if kind.level == 1 and EPIC_NAME in call.world.catalogue.fields else needed


def visible_project(call: Call, key: str, *, status: int = 404) -> str:
    """The key of a project that the caller may see."""
    found = call.world.project(key) if call.person is not None or call.site.public else None
    if found is None:
        raise ApiError(status, f"No project could be found with key '{key}'.")
    return found


def _people(call: Call) -> list[Person]:
    """By a fragment of the name; a hidden address is never matched."""
    args = call.request.args
    asking = call.who
    wanted = args.get("query" if call.world.catalogue.cloud else "username", "").casefold()
    account = args.get("accountId")
    found = []
    for person in call.world.catalogue.people.values() if asking else ():
        texts = [person.display_name, person.name] if not call.world.catalogue.cloud else [person.display_name]
        if not (call.render.hide_emails and call.world.catalogue.cloud):
            texts.append(person.email)
        matches = wanted in (".", "%", "") or any(wanted in text.casefold() for text in texts)
        if matches and account in (None, person.account_id):
            found.append(person)
    return list(page(found, call.number("startAt", 0), call.number("maxResults", 50, 1000))[0])


def _create_type(call: Call, kind: IssueType) -> JsonObject:
    row = call.render.issue_type(kind)
    row.pop("avatarId")
    return row


def _paged(call: Call, name: str, rows: list[Any], about: JsonObject) -> JsonObject:
    """Cloud names the list; Data Center calls it `values` and says whether it is the last."""
    if call.world.catalogue.cloud:
        return about | {name: rows}
    return about | {"values": rows, "isLast": about["startAt"] + len(rows) >= about["total"]}
