"""Areas and iterations: read, made, renamed, moved and deleted; work items follow them without a revision."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from werkzeug.wrappers import Response

from adapters.azure_devops.simulator.call import Answer, Call, Handler, collection
from adapters.azure_devops.simulator.describing import iso
from adapters.azure_devops.simulator.errors import ApiError, JsonObject, bad_argument
from adapters.azure_devops.simulator.state import Node, Organisation, User

_GROUPS = {"areas": "area", "iterations": "iteration"}
_FIELDS = {"area": "System.AreaPath", "iteration": "System.IterationPath"}
_FORBIDDEN = frozenset('\\/$?*:"&<>#%|+')


def routes() -> dict[tuple[str, str], Handler]:
    """Routes of the classification nodes."""
    found: dict[tuple[str, str], Handler] = {("GET", "/<project>/_apis/wit/classificationnodes"): _roots}
    for path in ("<group>", "<group>/<path:path>"):
        resource = f"/<project>/_apis/wit/classificationnodes/{path}"
        found |= {("GET", resource): _get, ("POST", resource): _post}
        found |= {("PATCH", resource): _patch, ("DELETE", resource): _delete}
    return found


# -- what happens to nodes -----------------------------------------------------------------------


def add(organisation: Organisation, parent: Node, name: str, attributes: Any = None) -> Node:
    """A new node below the parent; a name that is taken there is a 409."""
    checked = _checked(parent, name)
    organisation.last_node += 1
    node = Node(id=organisation.last_node, name=checked, kind=parent.kind, parent=parent, attributes=dates(attributes))
    parent.children[checked.lower()] = node
    return node


def rename(organisation: Organisation, node: Node, name: str) -> None:
    """Another name: every work item below, its past included, then has it, and none gets a revision."""
    if node.parent is None:
        raise bad_argument("TF200025: The root of the tree cannot be renamed.")
    if name.lower() != node.name.lower():
        name = _checked(node.parent, name)
    _replace(organisation, node, node.parent, name)


def move(organisation: Organisation, node: Node, parent: Node) -> None:
    """Hang the node, with all below it, under another parent of the same tree."""
    if node.parent is None or node in parent_chain(parent):
        raise bad_argument("TF200020: A node cannot be moved below itself.")
    if node.parent is not parent:
        _checked(parent, node.name)
    _replace(organisation, node, parent, node.name)


def delete(organisation: Organisation, node: Node, into: Node | None, by: User) -> None:
    """Remove the node with all below it; its work items get a revision that moves them to the node `into`."""
    if node.parent is None:
        raise bad_argument("TF200025: The root of the tree cannot be deleted.")
    field, paths = _FIELDS[node.kind], {each.path for each in node.everything()}
    items = [item for item in organisation.items.values() if item.fields[field] in paths]
    if into is None and items:  # the wording is not recorded
        raise bad_argument("TF200050: The node has work items: say with $reclassifyId where they go.")
    if into is not None and (into.kind != node.kind or into in node.everything()):
        raise bad_argument("TF200050: The work items cannot go to the node that is deleted.")
    del node.parent.children[node.name.lower()]
    for item in items:
        assert into is not None
        fields = {key: value for key, value in item.fields.items() if key != "System.History"}
        organisation.commit(item, {**fields, field: into.path}, by)


def parent_chain(node: Node | None) -> list[Node]:
    """The node and those above it."""
    chain: list[Node] = []
    while node is not None:
        chain.append(node)
        node = node.parent
    return chain


def _checked(parent: Node, name: str) -> str:
    name = name.strip()
    if not name or set(name) & _FORBIDDEN or len(name) > 255:
        raise bad_argument(f"TF200025: The classification node name is not valid: '{name}'.")
    if name.lower() in parent.children:
        message = (
            f"VS402371: Classification node name {name} is already in use by a different child of parent "
            f"classification node {parent.name}. Choose a different name and try again."
        )
        raise ApiError(409, "ClassificationNodeDuplicateNameException", message)
    return name


def _replace(organisation: Organisation, node: Node, parent: Node, name: str) -> None:
    assert node.parent is not None
    before = {id(each): each.path for each in node.everything()}
    del node.parent.children[node.name.lower()]
    node.name, node.parent = name, parent
    parent.children[name.lower()] = node
    after = {before[id(each)]: each.path for each in node.everything()}
    field = _FIELDS[node.kind]
    # A work item keeps the node's number, not its name: so its whole past reads anew.
    for item in organisation.items.values():
        for revision in item.revisions:
            if (path := revision.fields.get(field)) in after:
                revision.fields[field] = after[path]


def dates(attributes: Any) -> JsonObject:
    """The attributes of an iteration: both dates, in UTC, or none."""
    known: JsonObject = {}
    for name in ("startDate", "finishDate"):
        if text := (attributes or {}).get(name):
            try:
                moment = datetime.fromisoformat(str(text))
            except ValueError:
                raise bad_argument(f"The value '{text}' is not valid for the attribute '{name}'.") from None
            known[name] = iso(moment.astimezone(UTC) if moment.tzinfo else moment)
    if len(known) == 1 or (known and known["startDate"] > known["finishDate"]):
        raise bad_argument("An iteration needs both a start date and a finish date that is not before it.")
    return known


# -- routes --------------------------------------------------------------------------------------


def _roots(call: Call) -> Answer:
    depth = call.number("$depth", 0)
    if (numbers := call.words("ids")) is None:
        return collection([call.render.node(node, depth, linked=False) for node in call.home.nodes.values()])
    known = {str(node.id): node for root in call.home.nodes.values() for node in root.everything()}
    if call.query.get("errorpolicy", "fail").lower() != "omit":
        for number in numbers:
            if number not in known:
                raise _unrecognised(number)
    return collection([call.render.node(known[n], depth) if n in known else None for n in numbers])


def _find(call: Call, group: str, path: str) -> Node:
    node = call.home.nodes.get(_GROUPS.get(group, ""))
    for name in re.split(r"[/\\]", path):
        if name and node is not None:
            node = node.children.get(name.lower())
    if node is None:
        raise _unrecognised(path or group)
    return node


def _unrecognised(name: str) -> ApiError:
    message = f"VS402485: The Area/Iteration name is not recognized: {name}."
    return ApiError(404, "ClassificationNodeNotFoundException", message)


def _by_number(call: Call, number: int, kind: str) -> Node:
    for node in call.home.nodes[kind].everything():
        if node.id == number:
            return node
    raise _unrecognised(str(number))


def _get(call: Call, group: str, path: str = "") -> Answer:
    return call.render.node(_find(call, group, path), call.number("$depth", 0))


def _post(call: Call, group: str, path: str = "") -> Answer:
    parent, body = _find(call, group, path), call.body() or {}
    if "id" in body and "name" not in body:
        node = _by_number(call, int(body["id"]), parent.kind)
        move(call.organisation, node, parent)
        node.attributes = dates(body.get("attributes"))  # recorded: dates that are not sent along are lost
        return call.render.node(node, 0)
    node = add(call.organisation, parent, str(body.get("name") or ""), body.get("attributes"))
    return Response(json.dumps(call.render.node(node, 0)), status=201)


def _patch(call: Call, group: str, path: str = "") -> Answer:
    node, body = _find(call, group, path), call.body() or {}
    if (name := body.get("name")) and name != node.name:
        rename(call.organisation, node, str(name))
    if body.get("attributes"):
        node.attributes = dates(body["attributes"])
    return call.render.node(node, 0)


def _delete(call: Call, group: str, path: str = "") -> Answer:
    node = _find(call, group, path)
    number = call.number("$reclassifyId", 0)
    into = _by_number(call, number, node.kind) if number else None
    delete(call.organisation, node, into, call.user)
    return Response(status=204)
