"""Components, versions, and the agile API with boards and sprints."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adapters.jira.simulator.durations import DAYS_PER_WEEK, HOURS_PER_DAY
from adapters.jira.simulator.errors import ApiError, FieldError
from adapters.jira.simulator.fields_custom import iso_date
from adapters.jira.simulator.model import Board, Issue, Sprint
from adapters.jira.simulator.planning import NAME_LIMIT, SPRINT_NAME_LIMIT
from adapters.jira.simulator.routes_site import visible_project
from adapters.jira.simulator.routing import Answer, Call, JsonObject, page, route

_STATES = ("closed", "active", "future")
_AT_ONCE = 50


@route("GET", "/configuration")
def configuration(call: Call) -> Answer:
    _, timed = call.who, call.site.time_tracking
    result: JsonObject = {
        "votingEnabled": True, "watchingEnabled": True, "unassignedIssuesAllowed": True, "subTasksEnabled": True,
        "issueLinkingEnabled": call.site.issue_linking, "timeTrackingEnabled": timed,
        "attachmentsEnabled": call.site.attachments,
    }  # fmt: skip
    if timed:
        result["timeTrackingConfiguration"] = {
            "workingHoursPerDay": float(HOURS_PER_DAY), "workingDaysPerWeek": float(DAYS_PER_WEEK),
            "timeFormat": "pretty", "defaultUnit": "minute",
        }  # fmt: skip
    return 200, result


@route("GET", "/project/<key>/components")
def components(call: Call, key: str) -> Answer:
    number = call.world.project_number(visible_project(call, key))
    return 200, [call.render.component(each) for each in call.world.planning.components_of(number)]


@route("GET", "/project/<key>/versions")
def versions(call: Call, key: str) -> Answer:
    number = call.world.project_number(visible_project(call, key))
    return 200, [call.render.release(each) for each in call.world.planning.versions_of(number)]


@route("POST", "/component")
def create_component(call: Call) -> Answer:
    _, body = call.who, call.body()
    number = _project_number(call, body)
    _administer(call)
    made = call.world.planning.add_component(number, _name(body, "component"), str(body.get("description") or ""))
    return 201, call.render.component(made)


@route("GET", "/component/<component_id>")
def read_component(call: Call, component_id: str) -> Answer:
    _ = call.who
    return 200, call.render.component(call.world.planning.component(component_id))


@route("PUT", "/component/<component_id>")
def change_component(call: Call, component_id: str) -> Answer:
    _, body, component = call.who, call.body(), call.world.planning.component(component_id)
    _administer(call)
    values = {name: str(body[name]) for name in ("name", "description") if body.get(name) is not None}
    return 200, call.render.component(call.world.planning.change_component(component, **values))


@route("POST", "/version")
def create_version(call: Call) -> Answer:
    _, body = call.who, call.body()
    number = _project_number(call, body)
    _administer(call)
    return 201, call.render.release(
        call.world.planning.add_version(number, _name(body, "version"), **_version_values(body))
    )


@route("GET", "/version/<version_id>")
def read_version(call: Call, version_id: str) -> Answer:
    _ = call.who
    return 200, call.render.release(call.world.planning.version(version_id))


@route("PUT", "/version/<version_id>")
def change_version(call: Call, version_id: str) -> Answer:
    _, body, version = call.who, call.body(), call.world.planning.version(version_id)
    _administer(call)
    values = _version_values(body) | ({"name": _name(body, "version")} if "name" in body else {})
    return 200, call.render.release(call.world.planning.change_version(version, **values))


# -- boards and sprints --------------------------------------------------------------------------


@route("GET", "/agile/board")
def boards(call: Call) -> Answer:
    _, found = call.who, list(call.world.planning.boards.values())
    if wanted := call.request.args.get("projectKeyOrId"):
        project = call.world.project(wanted)
        if project is None:
            raise ApiError(400, f"No project could be found with key or id '{wanted}'.")
        found = [board for board in found if board.project == call.world.project_number(project)]
    if kinds := call.words("type"):
        found = [board for board in found if board.type in kinds]
    if name := call.request.args.get("name"):
        found = [board for board in found if name.casefold() in board.name.casefold()]
    taken, about = page(found, call.number("startAt", 0), call.number("maxResults", 50, 50))
    last = about["startAt"] + len(taken) >= len(found)
    return 200, about | {"isLast": last, "values": [call.render.board(board) for board in taken]}


@route("GET", "/agile/board/<board_id>/sprint")
def sprints(call: Call, board_id: str) -> Answer:
    board = _board(call, board_id)
    if board.type == "kanban":
        raise ApiError(400, "The board does not support sprints")
    wanted = call.words("state") or list(_STATES)
    if unknown := sorted(set(wanted) - set(_STATES)):
        raise ApiError(400, f"Invalid sprint state: {unknown[0]}")
    found = sorted(
        (one for one in call.world.planning.sprints.values() if one.board == board.id and one.state in wanted),
        key=lambda one: (_STATES.index(one.state), one.id),
    )
    taken, about = page(found, call.number("startAt", 0), call.number("maxResults", 50, 50))
    return 200, about | {
        "isLast": about["startAt"] + len(taken) >= len(found), "values": [call.render.sprint(one) for one in taken],
    }  # fmt: skip


@route("POST", "/agile/sprint")
def create_sprint(call: Call) -> Answer:
    _, body = call.who, call.body()
    board = _board(call, str(body.get("originBoardId")))
    if board.type == "kanban":
        raise ApiError(400, "The board does not support sprints")
    call.allow("MANAGE_SPRINTS_PERMISSION")
    return 201, call.render.sprint(call.world.planning.add_sprint(board.id, _sprint_name(body), **_sprint_values(body)))


@route("GET", "/agile/sprint/<sprint_id>")
def read_sprint(call: Call, sprint_id: str) -> Answer:
    return 200, call.render.sprint(_sprint(call, sprint_id))


@route("POST", "/agile/sprint/<sprint_id>")
def change_sprint(call: Call, sprint_id: str) -> Answer:
    _, body, sprint = call.who, call.body(), _sprint(call, sprint_id)
    call.allow("MANAGE_SPRINTS_PERMISSION")
    values = _sprint_values(body) | ({"name": _sprint_name(body)} if "name" in body else {})
    if sprint.state == "closed":  # the rest is passed over in silence
        values = {name: value for name, value in values.items() if name in ("name", "goal")}
    elif body.get("state") not in (None, sprint.state):
        values |= _advanced(call, sprint, str(body["state"]), values)
    return 200, call.render.sprint(call.world.planning.change_sprint(sprint, **values))


@route("POST", "/agile/sprint/<sprint_id>/issue")
def fill_sprint(call: Call, sprint_id: str) -> Answer:
    who, sprint = call.who, _sprint(call, sprint_id)
    call.allow("SCHEDULE_ISSUES")
    for issue in _listed(call):
        _place(call, who, issue, sprint.id)
    return 204, None


@route("POST", "/agile/backlog/issue")
def to_backlog(call: Call) -> Answer:
    who = call.who
    call.allow("SCHEDULE_ISSUES")
    for issue in _listed(call):
        _place(call, who, issue, None)
    return 204, None


# -- within --------------------------------------------------------------------------------------


def _place(call: Call, who: str, issue: Issue, sprint: int | None) -> None:
    spec = call.world.catalogue.field_of("gh-sprint")
    try:
        values = replace(call.read, current=issue).value(spec, sprint)
    except FieldError as error:
        raise ApiError(400, str(error)) from error
    custom = {**issue.custom, **values["custom"]}
    call.world.edit(who, issue, {"custom": {name: value for name, value in custom.items() if value is not None}})


def _listed(call: Call) -> list[Issue]:
    wanted = call.body().get("issues")
    if not isinstance(wanted, list) or not 0 < len(wanted) <= _AT_ONCE:
        raise ApiError(400, f"Between 1 and {_AT_ONCE} issues can be moved at once.")
    found = [call.issue(str(one)) for one in wanted]
    if any(call.world.catalogue.types[issue.type].subtask for issue in found):
        raise ApiError(400, "Sub-tasks cannot be moved to another sprint than that of their parent.")
    return found


def _board(call: Call, board_id: str) -> Board:
    board = call.world.planning.boards.get(int(board_id)) if board_id.isdecimal() and call.who else None
    if board is None:
        raise ApiError(404, "The requested board cannot be viewed because it either does not exist or you do not have "
                       "permission to view it.")  # fmt: skip
    return board


def _sprint(call: Call, sprint_id: str) -> Sprint:
    sprint = call.world.planning.sprints.get(int(sprint_id)) if sprint_id.isdecimal() and call.who else None
    if sprint is None:
        raise ApiError(404, "Sprint does not exist")
    return sprint


def _sprint_name(body: JsonObject) -> str:
    name = str(body.get("name") or "").strip()
    if not name:
        raise ApiError(400, name="The sprint name is required.")
    if len(name) > SPRINT_NAME_LIMIT:
        raise ApiError(400, name=f"The sprint name must be shorter than {SPRINT_NAME_LIMIT} characters.")
    return name


def _sprint_values(body: JsonObject) -> dict[str, Any]:
    names = {"goal": "goal", "startDate": "start", "endDate": "end"}
    return {attribute: body[name] for name, attribute in names.items() if name in body}


def _advanced(call: Call, sprint: Sprint, state: str, values: dict[str, Any]) -> dict[str, Any]:
    """A sprint goes from future to active to closed; open issues of a closed one keep it, their own being a person's."""
    if (sprint.state, state) not in (("future", "active"), ("active", "closed")):
        raise ApiError(400, f"A sprint cannot go from {sprint.state} to {state}.")
    if state == "active" and not all(values.get(name) or getattr(sprint, name) for name in ("start", "end")):
        raise ApiError(400, "To start a sprint, it must have a start and an end date.")
    closed = {"complete": call.render.time(call.world.now())} if state == "closed" else {}
    return {"state": state, **closed}


def _project_number(call: Call, body: JsonObject) -> int:
    """Components are made with a project's key, versions with its key or number."""
    wanted = body.get("project") or body.get("projectId")
    if not wanted:
        raise ApiError(400, project="The project is required.")
    return call.world.project_number(visible_project(call, str(wanted)))


def _administer(call: Call) -> None:
    call.allow("ADMINISTER_PROJECTS", message="You do not have the permission to administer this project.")


def _name(body: JsonObject, kind: str) -> str:
    name = str(body.get("name") or "").strip()
    if not name:
        raise ApiError(400, name=f"The {kind} name must not be empty.")
    if len(name) > NAME_LIMIT:
        raise ApiError(400, name=f"The {kind} name must not exceed {NAME_LIMIT} characters.")
    return name


def _version_values(body: JsonObject) -> dict[str, Any]:
    values: dict[str, Any] = {name: bool(body[name]) for name in ("archived", "released") if name in body}
    if "description" in body:
        values["description"] = str(body["description"] or "")
    for name, attribute in (("startDate", "start_date"), ("releaseDate", "release_date")):
        if name in body:
            try:
                values[attribute] = iso_date(body[name])
            except FieldError as error:
                raise ApiError(400, **{name: str(error)}) from error
    return values
