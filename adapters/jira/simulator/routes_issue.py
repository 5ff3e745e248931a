"""One issue: create, read, edit, move through the workflow, delete, and what hangs on it."""

from __future__ import annotations

import json
from typing import Any

from adapters.jira.simulator.catalogue import Transition
from adapters.jira.simulator.errors import ApiError, FieldError
from adapters.jira.simulator.model import Comment, Issue
from adapters.jira.simulator.routes_site import required_fields, screen
from adapters.jira.simulator.routing import Answer, Call, JsonObject, page, route

#: A PUT says nothing of these and does nothing with them.
_IGNORED_BY_EDIT = ("status", "project")
_PROPERTY_LIMIT = 32768


@route("POST", "/issue")
def create(call: Call) -> Answer:
    who, body = call.who, call.body()
    call.allow("CREATE_ISSUES")
    kind = _created_type(call, body)
    allowed = screen(call, kind)
    values = call.read.read(body, screen=allowed, current=None, required=required_fields(call, kind))
    project = values.pop("project")
    _check_parent(call, values)
    _check_sprint(call, values["type"], values)
    properties = _properties(body.get("properties"))
    issue = call.world.create(who, project, values, properties)
    return 201, {"id": str(issue.id), "key": issue.key, "self": f"{call.render.api}/issue/{issue.id}"}


@route("GET", "/issue/<key>")
def read(call: Call, key: str) -> Answer:
    return 200, _rendered(call, call.issue(key), call.words("expand"))


@route("PUT", "/issue/<key>")
def edit(call: Call, key: str) -> Answer:
    who, issue, body = call.who, call.issue(key), call.body()
    call.allow("EDIT_ISSUES")
    values = call.read.read(
        body,
        screen=screen(call, call.world.catalogue.types[issue.type]),
        current=issue,
        ignored=(*_IGNORED_BY_EDIT, "comment"),
    )
    values.pop("project", None)
    _check_type_change(call, issue, values)
    _check_parent(call, {"type": issue.type, **values})
    _check_sprint(call, values.get("type", issue.type), values)
    comment = _comment_in_update(call, body)
    call.world.edit(who, issue, values)
    if properties := _properties(body.get("properties")):
        call.world.set_properties(call.world.issues[issue.id], properties)
    if comment is not None:
        call.world.add_comment(who, call.world.issues[issue.id], comment, None, {})
    if call.world.catalogue.cloud and call.flag("returnIssue"):
        return 200, _rendered(call, call.world.issues[issue.id], call.words("expand"))
    return 204, None


@route("DELETE", "/issue/<key>")
def delete(call: Call, key: str) -> Answer:
    _, issue = call.who, call.issue(key)
    call.allow("DELETE_ISSUES")
    types = call.world.catalogue.types
    children = (call.world.issues[number] for number in call.world.children.get(issue.id, ()))
    if any(types[child.type].subtask for child in children) and not call.flag("deleteSubtasks"):
        raise ApiError(
            400,
            f"The issue '{issue.key}' has subtasks.  You must specify the 'deleteSubtasks' parameter to delete "
            "this issue and all its subtasks.",
        )
    call.world.delete(issue)
    return 204, None


@route("PUT", "/issue/<key>/assignee")
def assign(call: Call, key: str) -> Answer:
    who, issue, body = call.who, call.issue(key), call.body()
    call.allow("ASSIGN_ISSUES")
    try:
        values = call.read.assignee(body)
    except FieldError as error:
        raise ApiError(400, assignee=str(error)) from error
    call.world.edit(who, issue, values)
    return 204, None


# -- workflow ------------------------------------------------------------------------------------


@route("GET", "/issue/<key>/transitions")
def transitions(call: Call, key: str) -> Answer:
    issue = call.issue(key)
    moves = call.world.catalogue.transitions_from(issue.status)
    if wanted := call.request.args.get("transitionId"):
        moves = tuple(move for move in moves if move.id == wanted)
    if call.lacks("TRANSITION_ISSUES"):
        moves = ()
    fields = "transitions.fields" in call.words("expand")
    return 200, {
        "expand": "transitions",
        "transitions": [call.render.transition(move, fields=fields, project=issue.project) for move in moves],
    }


@route("POST", "/issue/<key>/transitions")
def transition(call: Call, key: str) -> Answer:
    who, issue, body = call.who, call.issue(key), call.body()
    call.allow("TRANSITION_ISSUES")
    move = _wanted_move(call, issue, body)
    values = call.read.read(body, screen=move.screen, current=issue, required=move.required, ignored=("comment",))
    comment = _comment_in_update(call, body)
    call.world.transition(who, issue, move.target, values)
    if comment is not None:
        call.world.add_comment(who, call.world.issues[issue.id], comment, None, {})
    return 204, None


@route("GET", "/issue/<key>/changelog", only="cloud")
def changelog(call: Call, key: str) -> Answer:
    issue = call.issue(key)
    taken, about = page(issue.changes, call.number("startAt", 0), call.number("maxResults", 100, 100))
    here = f"{call.render.api}/issue/{issue.key}/changelog?maxResults={about['maxResults']}&startAt="
    following = about["startAt"] + len(taken)
    last = following >= about["total"]
    return 200, {
        "self": f"{here}{about['startAt']}", **({} if last else {"nextPage": f"{here}{following}"}), **about,
        "isLast": last, "values": [call.render.change(change) for change in taken],
    }  # fmt: skip


# -- comments ------------------------------------------------------------------------------------


@route("GET", "/issue/<key>/comment")
def comments(call: Call, key: str) -> Answer:
    issue = call.issue(key)
    order = call.request.args.get("orderBy", "created")
    if order not in ("created", "+created", "-created"):
        raise ApiError(400, f"Cannot order comments by '{order}'.")
    found = call.render.visible_comments(issue)
    if order.startswith("-"):
        found.reverse()
    most = 5000 if call.world.catalogue.cloud else 1048576
    taken, about = page(
        found, call.number("startAt", 0), call.number("maxResults", 100 if most == 5000 else most, most)
    )
    expand = _comment_expand(call)
    return 200, about | {"comments": [call.render.comment(issue.id, each, expand=expand) for each in taken]}


@route("POST", "/issue/<key>/comment")
def add_comment(call: Call, key: str) -> Answer:
    who, issue, body = call.who, call.issue(key), call.body()
    call.allow("ADD_COMMENTS")
    text = rich_text(call, body.get("body"))
    comment = call.world.add_comment(who, issue, text, body.get("visibility"), _properties(body.get("properties")))
    return 201, call.render.comment(issue.id, comment, expand=_comment_expand(call))


@route("GET", "/issue/<key>/comment/<comment_id>")
def read_comment(call: Call, key: str, comment_id: str) -> Answer:
    issue = call.issue(key)
    comment = _seen_comment(call, issue, comment_id)
    return 200, call.render.comment(issue.id, comment, expand=_comment_expand(call))


@route("PUT", "/issue/<key>/comment/<comment_id>")
def edit_comment(call: Call, key: str, comment_id: str) -> Answer:
    who, issue, body = call.who, call.issue(key), call.body()
    comment = _seen_comment(call, issue, comment_id)
    call.allow("EDIT_OWN_COMMENTS" if comment.author == who else "EDIT_ALL_COMMENTS")
    values: JsonObject = {"body": rich_text(call, body.get("body"))}
    values["visibility"] = body.get("visibility")  # left out is everybody
    if "properties" in body:
        values["properties"] = {**comment.properties, **_properties(body["properties"])}
    after = call.world.edit_comment(who, issue, comment, **values)
    return 200, call.render.comment(issue.id, after, expand=_comment_expand(call))


@route("DELETE", "/issue/<key>/comment/<comment_id>")
def delete_comment(call: Call, key: str, comment_id: str) -> Answer:
    who, issue = call.who, call.issue(key)
    comment = _seen_comment(call, issue, comment_id)
    call.allow("DELETE_OWN_COMMENTS" if comment.author == who else "DELETE_ALL_COMMENTS")
    call.world.delete_comment(issue, comment)
    return 204, None


@route("GET", "/comment/<comment_id>/properties/<name>")
def read_comment_property(call: Call, comment_id: str, name: str) -> Answer:
    owner = call.world.comment_owners.get(int(comment_id)) if comment_id.isdecimal() and call.person else None
    if owner is None:
        raise ApiError(404, f"Can not find a comment for the id: {comment_id}.")
    comment = _seen_comment(call, call.issue(str(owner)), comment_id)
    if name not in comment.properties:
        raise ApiError(404, f"The property with key '{name}' does not exist.")
    return 200, {"key": name, "value": comment.properties[name]}


# -- entity properties ---------------------------------------------------------------------------


@route("GET", "/issue/<key>/properties")
def property_keys(call: Call, key: str) -> Answer:
    issue = call.issue(key)
    here = f"{call.render.api}/issue/{issue.id}/properties/"
    return 200, {"keys": [{"self": here + name, "key": name} for name in issue.properties]}


@route("GET", "/issue/<key>/properties/<name>")
def read_property(call: Call, key: str, name: str) -> Answer:
    issue = call.issue(key)
    if name not in issue.properties:
        raise ApiError(404, f"The property with key '{name}' does not exist.")
    return 200, {"key": name, "value": issue.properties[name]}


@route("PUT", "/issue/<key>/properties/<name>")
def write_property(call: Call, key: str, name: str) -> Answer:
    _, issue = call.who, call.issue(key)
    call.allow("EDIT_ISSUES")
    try:
        value = json.loads(call.request.get_data())
    except ValueError as error:
        raise ApiError(400, "The property value must be a valid, non-empty JSON.") from error
    known = name in issue.properties
    call.world.set_properties(issue, _properties([{"key": name, "value": value}]))
    return 200 if known else 201, None


# -- within --------------------------------------------------------------------------------------


def _seen_comment(call: Call, issue: Issue, comment_id: str) -> Comment:
    comment = call.world.comment(issue, comment_id)
    if comment not in call.render.visible_comments(issue):
        raise ApiError(404, f"Can not find a comment for the id: {comment_id}.")
    return comment


def _comment_expand(call: Call) -> list[str]:
    """Of a comment's own endpoints only the rendered body is documented; its properties come from elsewhere."""
    return [word for word in call.words("expand") if word == "renderedBody"]


def _rendered(call: Call, issue: Issue, expand: list[str]) -> JsonObject:
    fields = call.words("fields") or ["*all"]
    return call.render.issue(issue, fields, expand=expand, properties=call.words("properties"))


def _created_type(call: Call, body: JsonObject) -> Any:
    """The type decides what is required, so it is read first."""
    try:
        found = call.read.issuetype((body.get("fields") or {}).get("issuetype"))
    except FieldError as error:
        missing = (body.get("fields") or {}).get("issuetype") is None
        raise ApiError(400, issuetype="issue type is required" if missing else str(error)) from error
    return call.world.catalogue.types[found["type"]]


def _check_parent(call: Call, values: JsonObject) -> None:
    """A sub-task hangs on an ordinary issue, an ordinary issue on an epic, an epic on nothing."""
    if values.get("parent") is None:
        if "parent" in values and call.world.catalogue.types[values["type"]].subtask:
            raise ApiError(400, parent="A sub-task must have a parent.")
        return
    kind = call.world.catalogue.types[values["type"]]
    parent = call.world.catalogue.types[call.world.issues[values["parent"]].type]
    if parent.level != kind.level + 1:
        raise ApiError(
            400, parent="Given parent work item does not belong to appropriate hierarchy." if call.world.catalogue.cloud
            else "Given parent issue does not belong to appropriate hierarchy.",
        )  # fmt: skip


def _check_sprint(call: Call, type_id: str, values: JsonObject) -> None:
    """A sub-task is where its parent is."""
    if call.world.catalogue.types[type_id].subtask:
        spec = call.world.catalogue.field_of("gh-sprint")
        if values.get("custom", {}).get(spec.id):
            raise ApiError(
                400,
                **{
                    spec.id: "Sub-tasks cannot be associated to a sprint. It's associated to the same sprint as its parent."
                },
            )


def _check_type_change(call: Call, issue: Issue, values: JsonObject) -> None:
    """Between sub-tasks and other types only a move leads, not an edit."""
    types = call.world.catalogue.types
    before, after = types[issue.type], types[values.get("type", issue.type)]
    if before.subtask != after.subtask:
        raise ApiError(400, issuetype="The issue type selected is invalid.")
    if before.level == after.level:
        return
    if issue.parent is not None or call.world.children.get(issue.id):
        raise ApiError(400, issuetype="The issue type can't be changed while the issue has a parent or children.")


def _wanted_move(call: Call, issue: Issue, body: JsonObject) -> Transition:
    wanted = body.get("transition")
    if not isinstance(wanted, dict) or "id" not in wanted:
        raise ApiError(400, "Missing 'transition' identifier")
    for move in call.world.catalogue.transitions_from(issue.status):
        if move.id == str(wanted["id"]):
            return move
    if not call.world.catalogue.cloud:
        raise ApiError(500, "Internal server error")
    raise ApiError(400, f"It seems that you have tried to perform a workflow operation ({wanted['id']}) that is not "
                   "valid for the current state of this issue.")  # fmt: skip


def rich_text(call: Call, body: Any) -> Any:
    """The body of a comment, which may not be empty."""
    try:
        text = call.read.text(body, "comment")
    except FieldError as error:
        raise ApiError(400, comment=str(error)) from error
    if text is None or (isinstance(text, str) and not text.strip()):
        raise ApiError(400, comment="Comment body can not be empty!")
    return text


def _comment_in_update(call: Call, body: JsonObject) -> Any:
    for operation in (body.get("update") or {}).get("comment") or ():
        if "add" in operation:
            return rich_text(call, operation["add"].get("body"))
    return None


def _properties(listed: Any) -> JsonObject:
    if listed is None:
        return {}
    if not isinstance(listed, list) or not all(isinstance(each, dict) and each.get("key") for each in listed):
        raise ApiError(400, "The properties must be a list of objects with 'key' and 'value'.")
    for each in listed:
        if len(json.dumps(each.get("value"))) > _PROPERTY_LIMIT:
            raise ApiError(400, f"The property value cannot be longer than {_PROPERTY_LIMIT} characters.")
    return {str(each["key"]): each.get("value") for each in listed}
