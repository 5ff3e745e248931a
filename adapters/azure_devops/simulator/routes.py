"""From a request to an answer: routing without case, api-version, and one small function a resource."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request

from adapters.azure_devops.simulator import attachments, discovery, nodes
from adapters.azure_devops.simulator.call import Answer, Call, Handler, collection
from adapters.azure_devops.simulator.errors import ApiError, JsonObject, bad_argument, unknown_field
from adapters.azure_devops.simulator.fields import Field
from adapters.azure_devops.simulator.links import LINK_TYPES, RESOURCE_TYPES, TREES, base
from adapters.azure_devops.simulator.process import WorkItemType
from adapters.azure_devops.simulator.state import RELATED


class Router:
    """Finds the handler of a path; paths are compared without case."""

    def __init__(self, organisation: str, routes: Mapping[tuple[str, str], Handler]) -> None:
        self.prefix = f"/{organisation.lower()}"
        self.handlers = routes
        self.map = _map(tuple(sorted(routes, key=lambda route: route[1]))).bind("localhost")

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


@cache
def _map(routes: tuple[tuple[str, str], ...]) -> Map:
    rules = [Rule(path, methods=[method], endpoint=(method, path)) for method, path in routes]
    return Map(rules, strict_slashes=False)


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


def definitions() -> dict[tuple[str, str], Handler]:
    """Routes of discovery and of the project's definitions."""
    routes: dict[tuple[str, str], Handler] = {
        ("GET", "/_apis/resourceareas"): lambda call: collection(discovery.resource_areas(call.render.root)),
        ("GET", "/_apis/resourceareas/<area>"): _resource_area,
        ("GET", "/_apis/connectiondata"): lambda call: discovery.connection_data(call.user),
        ("GET", "/_apis/identities"): _identities,
        ("GET", "/_apis/projects"): _projects,
        ("GET", "/_apis/projects/<name>"): _project,
        ("GET", "/_apis/wit/workitemrelationtypes"): lambda call: collection(_relations(call)),
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
        ("GET", "/_apis/wit/workitemrelationtypes/<relation>"): _relation_type,
        ("GET", "/<project>/_apis/wit/workitemtypes/<kind>/fields/<name>"): _type_field,
        **nodes.routes(),
        **attachments.routes(),
    }
    for scope in ("", "/<project>"):
        routes["GET", f"{scope}/_apis/wit/fields"] = _fields
        routes["GET", f"{scope}/_apis/wit/fields/<name>"] = _field
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


def _projects(call: Call) -> Answer:
    organisation, root = call.organisation, call.render.root
    found = organisation.projects.values()
    return collection([discovery.project(organisation, each, root, capabilities=False) for each in found])


def _project(call: Call, name: str) -> Answer:
    found = discovery.find_project(call.organisation, name)
    capabilities = call.flag("includeCapabilities")
    return discovery.project(call.organisation, found, call.render.root, capabilities=capabilities)


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


def _relations(call: Call) -> list[JsonObject]:
    found: list[JsonObject] = []
    for reference, (name, opposite) in LINK_TYPES.items():
        tree, related = base(reference) in TREES, reference == RELATED
        attributes = {
            "usage": "workItemLink",
            "editable": reference.startswith("Microsoft."),
            "enabled": True,
            "acyclic": not related,
            "directional": not related,
            "singleTarget": not tree,
            "topology": "network" if related else "tree" if tree else "dependency",
            "remote": False,
        }
        if not related:
            attributes |= {"isForward": reference.endswith("-Forward"), "oppositeEndReferenceName": opposite}
        found.append(_relation(call, reference, name, attributes))
    resource = {"usage": "resourceLink", "editable": False, "enabled": True}
    return found + [_relation(call, reference, name, resource) for reference, name in RESOURCE_TYPES.items()]


def _relation(call: Call, reference: str, name: str, attributes: JsonObject) -> JsonObject:
    url = f"{call.render.root}/_apis/wit/workItemRelationTypes/{reference}"
    return {"attributes": attributes, "referenceName": reference, "name": name, "url": url}


def _relation_type(call: Call, relation: str) -> Answer:
    for known in _relations(call):
        if known["referenceName"].lower() == relation:
            return known
    raise ApiError(404, "WorkItemRelationTypeNotFoundException", f"Unknown relation type {relation}.")


def _fields(call: Call) -> Answer:
    return collection([call.render.field(field) for field in call.organisation.fields.values()])


def _known_field(call: Call, name: str) -> Field:
    field = call.organisation.field(name)
    if field is None:
        raise unknown_field(name, 404)
    return field


def _field(call: Call, name: str) -> Answer:
    return call.render.field(_known_field(call, name))


def _type_fields(call: Call, kind: str) -> Answer:
    found, expand = work_item_type(call, kind), call.query.get("$expand", "none").lower()
    fields = call.organisation.fields_of(found)
    return collection([call.render.type_field(found, field, expand=expand) for field in fields])


def _type_field(call: Call, kind: str, name: str) -> Answer:
    found, field = work_item_type(call, kind), _known_field(call, name)
    if field.reference not in found.fields:
        raise unknown_field(name, 404)
    return call.render.type_field(found, field, expand=call.query.get("$expand", "none").lower())


def _tag(call: Call, tag: str) -> Answer:
    for name in call.organisation.tags.values():
        answer = call.render.tag(name)
        if tag in (name.lower(), answer["id"]):
            return answer
    raise ApiError(404, "TagNotFoundException", f"The tag {tag} does not exist.")
