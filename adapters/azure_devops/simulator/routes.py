"""From a request to an answer: routing without case, api-version, and one small function a resource."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from adapters.azure_devops.simulator import comments, discovery
from adapters.azure_devops.simulator.editing import Editor
from adapters.azure_devops.simulator.errors import ApiError, JsonObject, bad_argument
from adapters.azure_devops.simulator.links import LINK_TYPES, RESOURCE_TYPES
from adapters.azure_devops.simulator.process import FIELDS, WorkItemType
from adapters.azure_devops.simulator.rendering import Renderer
from adapters.azure_devops.simulator.reporting import Reporting
from adapters.azure_devops.simulator.state import Node, Organisation, User

Answer = Any
Handler = Callable[..., Answer]


@dataclass(slots=True, kw_only=True)
class Call:
    """One authenticated request with what a handler needs."""

    request: Request
    user: User
    query: Mapping[str, str]
    organisation: Organisation
    editor: Editor
    render: Renderer
    reporting: Reporting
    wiql_limit: int
    scoped: bool  # whether the path names the project

    def body(self) -> Any:
        """The JSON body; raises the service's 400 where there is none."""
        try:
            return json.loads(self.request.get_data() or b"null")
        except ValueError:
            raise bad_argument("The request body is not valid JSON.") from None

    def flag(self, name: str) -> bool:
        """A boolean of the query string."""
        return self.query.get(name.lower(), "").lower() == "true"

    def number(self, name: str, default: int) -> int:
        """A whole number of the query string."""
        text = self.query.get(name.lower(), "")
        if not text:
            return default
        if not text.isdigit():
            raise bad_argument(f"The value '{text}' is not valid for the parameter '{name}'.")
        return int(text)

    def words(self, name: str) -> list[str] | None:
        """A comma-separated list of the query string."""
        text = self.query.get(name.lower(), "")
        return [word.strip() for word in text.split(",") if word.strip()] if text else None


class Router:
    """Finds the handler of a path; paths are compared without case."""

    def __init__(self, organisation: str, routes: Mapping[tuple[str, str], Handler]) -> None:
        self.prefix = f"/{organisation.lower()}"
        rules = [
            Rule(path, methods=[method], endpoint=(method, path))
            for method, path in sorted(routes, key=lambda route: route[1])
        ]
        self.handlers = routes
        self.map = Map(rules, strict_slashes=False).bind("localhost")

    def find(self, method: str, path: str) -> tuple[Handler, str, dict[str, Any]]:
        """The handler, the resource's name and the values in the path; raises ApiError."""
        lowered = path.lower().rstrip("/")
        if lowered != self.prefix and not lowered.startswith(f"{self.prefix}/"):
            raise _no_controller(path)
        try:
            endpoint, values = self.map.match(lowered.removeprefix(self.prefix), method=method)
        except MethodNotAllowed:
            message = f"The requested resource does not support http method '{method}'."
            raise ApiError(405, "VssMethodNotAllowedException", message) from None
        except NotFound:
            raise _no_controller(path) from None
        words = [word for word in re.split(r"[/<>]", endpoint[1]) if word]
        known = [word for word in words if word in discovery.PREVIEW_ONLY]
        return self.handlers[endpoint], known[-1] if known else "", dict(values)


def _no_controller(path: str) -> ApiError:
    message = f"The controller for path '{path}' was not found or does not implement IController."
    return ApiError(404, "HttpException", message)


_VERSION = re.compile(r"api-version=([^;,\s]+)", re.IGNORECASE)


def check_version(request: Request, query: Mapping[str, str], resource: str) -> str:
    """The version that the request asks for; raises ApiError where it names none, or one that is not served."""
    found = _VERSION.search(request.headers.get("Accept", ""))
    version = query.get("api-version") or (found[1] if found else "")
    if not version:
        message = (
            f'No api-version was supplied for the "{request.method}" request. The version must be supplied either '
            'as part of the Accept header (e.g. "application/json; api-version=1.0") or as a query parameter '
            '(e.g. "?api-version=1.0").'
        )
        raise ApiError(400, "VssVersionNotSpecifiedException", message)
    parsed = re.fullmatch(r"(\d+\.\d+)(-preview(\.\d+)?)?", version)
    if parsed is None or float(parsed[1]) > discovery.LATEST_VERSION:
        message = (
            f"The requested REST API version of {version} is out of range for this server. The latest REST API "
            f"version this server supports is {discovery.LATEST_VERSION}."
        )
        raise ApiError(400, "VssVersionOutOfRangeException", message)
    preview = parsed[2] is not None
    if not preview and (resource in discovery.PREVIEW_ONLY or float(parsed[1]) > 7.1):
        message = (
            f'The requested version "{version}" of the resource is under preview. The -preview flag must be supplied '
            f'in the api-version for such requests. For example: "{version}-preview"'
        )
        raise ApiError(400, "VssInvalidPreviewVersionException", message)
    return version


def collection(values: list[Any]) -> JsonObject:
    """The wrapper around every list."""
    return {"count": len(values), "value": values}


def definitions() -> dict[tuple[str, str], Handler]:
    """Routes of discovery and of the project's definitions."""
    routes: dict[tuple[str, str], Handler] = {
        ("GET", "/_apis/resourceareas"): lambda call: collection(discovery.resource_areas(call.render.root)),
        ("GET", "/_apis/resourceareas/<area>"): _resource_area,
        ("GET", "/_apis/connectiondata"): lambda call: discovery.connection_data(call.user),
        ("GET", "/_apis/identities"): _identities,
        ("GET", "/_apis/projects"): lambda call: collection(
            [discovery.project(call.organisation, call.render.root, capabilities=False)]
        ),
        ("GET", "/_apis/projects/<name>"): _project,
        ("GET", "/_apis/wit/workitemrelationtypes"): _relation_types,
        ("GET", "/<project>/_apis/wit/workitemtypes"): lambda call: collection(
            [call.render.work_item_type(kind) for kind in call.organisation.types.values()]
        ),
        ("GET", "/<project>/_apis/wit/workitemtypes/<kind>"): lambda call, kind: call.render.work_item_type(
            work_item_type(call, kind)
        ),
        ("GET", "/<project>/_apis/wit/workitemtypes/<kind>/states"): lambda call, kind: collection(
            call.render.states(work_item_type(call, kind))
        ),
        ("GET", "/<project>/_apis/wit/workitemtypes/<kind>/fields"): _type_fields,
        ("GET", "/<project>/_apis/wit/tags"): lambda call: collection(
            [call.render.tag(name) for name in call.organisation.tags.values()]
        ),
        ("GET", "/<project>/_apis/wit/tags/<tag>"): _tag,
        ("GET", "/<project>/_apis/wit/classificationnodes"): _root_nodes,
    }
    for scope in ("", "/<project>"):
        routes["GET", f"{scope}/_apis/wit/fields"] = _fields
        routes["GET", f"{scope}/_apis/wit/fields/<name>"] = _field
    for path in ("<group>", "<group>/<path:path>"):
        routes["GET", f"/<project>/_apis/wit/classificationnodes/{path}"] = _node
        routes["POST", f"/<project>/_apis/wit/classificationnodes/{path}"] = _add_node
    return routes


def work_item_type(call: Call, name: str) -> WorkItemType:
    """The work item type of that name; raises the service's 404."""
    kind = call.organisation.types.get(name.lower())
    if kind is None:
        message = (
            f"VS402323: Work item type {name} does not exist in project {call.organisation.project} "
            "or you do not have permission to access it."
        )
        raise ApiError(404, "WorkItemTypeNotFoundException", message)
    return kind


def _resource_area(call: Call, area: str) -> Answer:
    found = [known for known in discovery.resource_areas(call.render.root) if known["id"] == area]
    return found[0] if found else None


def _project(call: Call, name: str) -> Answer:
    discovery.find_project(call.organisation, name)
    return discovery.project(call.organisation, call.render.root, capabilities=call.flag("includeCapabilities"))


def _identities(call: Call) -> Answer:
    if descriptors := call.words("subjectDescriptors"):
        found = [person for person in call.organisation.people if person.descriptor in descriptors]
    elif numbers := call.words("identityIds"):
        found = [person for person in call.organisation.people if person.id in numbers]
    else:
        wanted = call.query.get("filtervalue", "").lower()
        if not wanted or not call.query.get("searchfilter"):
            raise bad_argument("The search filter and its value must be given.")
        found = [
            person
            for person in call.organisation.people
            if person.mail.lower() == wanted or person.name.lower().startswith(wanted)
        ]
    return collection([discovery.identity(person) for person in found])


def _relation_types(call: Call) -> Answer:
    root = f"{call.render.root}/_apis/wit/workItemRelationTypes"
    values: list[JsonObject] = []
    for reference, (name, opposite) in LINK_TYPES.items():
        attributes = {
            "usage": "workItemLink",
            "editable": True,
            "enabled": True,
            "acyclic": "Related" not in reference,
            "directional": "Related" not in reference,
            "topology": "tree" if "Hierarchy" in reference else "dependency",
            "isForward": not reference.endswith("-Reverse"),
            "oppositeEndReferenceName": opposite,
        }
        values.append(
            {"attributes": attributes, "referenceName": reference, "name": name, "url": f"{root}/{reference}"}
        )
    for reference, name in RESOURCE_TYPES.items():
        attributes = {"usage": "resourceLink", "editable": True, "enabled": True}
        values.append(
            {"attributes": attributes, "referenceName": reference, "name": name, "url": f"{root}/{reference}"}
        )
    return collection(values)


def _fields(call: Call) -> Answer:
    return collection([call.render.field(field) for field in FIELDS.values()])


def _field(call: Call, name: str) -> Answer:
    field = FIELDS.get(name)
    if field is None:
        raise ApiError(404, "WorkItemFieldNotFoundException", f"TF51535: Cannot find field {name}.")
    return call.render.field(field)


def _type_fields(call: Call, kind: str) -> Answer:
    found = work_item_type(call, kind)
    return collection([call.render.type_field(found, FIELDS[reference.lower()]) for reference in sorted(found.fields)])


def _tag(call: Call, tag: str) -> Answer:
    for name in call.organisation.tags.values():
        answer = call.render.tag(name)
        if tag in (name.lower(), answer["id"]):
            return answer
    raise ApiError(404, "TagNotFoundException", f"The tag {tag} does not exist.")


def _root_nodes(call: Call) -> Answer:
    depth, project = call.number("$depth", 0), call.organisation.project
    return collection([call.render.node(node, (project,), depth) for node in call.organisation.nodes.values()])


def _find_node(call: Call, group: str, path: str) -> tuple[Node, tuple[str, ...]]:
    kind = {"areas": "area", "iterations": "iteration"}.get(group)
    names = [name for name in path.split("/") if name]
    node = call.organisation.nodes.get(kind or "")
    spelt = [call.organisation.project]
    for name in names:
        node = node.children.get(name) if node is not None else None
        spelt.append(node.name if node is not None else name)
    if node is None:
        message = f"VS402485: The classification node '{path}' does not exist."
        raise ApiError(404, "ClassificationNodeNotFoundException", message)
    return node, tuple(spelt)


def _node(call: Call, group: str, path: str = "") -> Answer:
    node, spelt = _find_node(call, group, path)
    return call.render.node(node, spelt, call.number("$depth", 0))


def _add_node(call: Call, group: str, path: str = "") -> Answer:
    parent, spelt = _find_node(call, group, path)
    node = comments.add_node(call.organisation, parent, call.body() or {})
    return Response(json.dumps(call.render.node(node, (*spelt, node.name), 0)), status=201)
