"""What the Azure DevOps adapter sends, and what the simulator answers, held to the service's official description."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict
from werkzeug.wrappers import Request, Response

from adapters._simulator import served
from adapters.azure_devops.simulator import AzureDevOpsSimulator
from sync.core.models import Field
from tests.conformance.drivers_azure_devops import Driver
from tests.conformance.simulated import opened
from tests.simulators.azure_devops_support import field, http, patch

SPECS = Path(__file__).parents[3] / "shared/api/specs/ado"
HOST = "https://dev.azure.com"
#: Discovery is described nowhere; it is what every client of the service begins with.
UNDESCRIBED = re.compile(r"/_apis(/(connectiondata|resourceareas))?$", re.IGNORECASE)

#: Members that recorded answers fill with null, though the documents give them a type.
RECORDED_NULLS = frozenset({"actions", "defaultValue"})


class Recording(AzureDevOpsSimulator):
    """Keeps every exchange."""

    def __init__(self, **knobs: Any) -> None:
        super().__init__(**knobs)
        self.exchanges: list[tuple[Request, bytes, Response]] = []

    def handle(self, request: Request) -> Response:
        response = super().handle(request)
        self.exchanges.append((request, request.get_data(), response))
        return response


@dataclass
class SentRequest:
    """A recorded request as openapi-core reads one."""

    path: str
    method: str
    body: bytes | None
    content_type: str
    parameters: RequestParameters
    host_url: str = HOST
    path_pattern: str | None = None


@dataclass
class GivenAnswer:
    """A recorded answer as openapi-core reads one."""

    status_code: int
    data: bytes
    headers: Headers
    content_type: str


@dataclass
class Description:
    """One official document, with its systematic faults mended."""

    document: dict[str, Any]
    api: OpenAPI = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.document["servers"] = [{"url": HOST}]
        schemas = self.document["components"].get("schemas", {})
        if "JsonPatchDocument" in schemas:
            operation = {"$ref": "#/components/schemas/JsonPatchOperation"}
            schemas["JsonPatchDocument"] = {"type": "array", "items": operation}
        _mend(self.document)
        for operation in self.operations():
            _mend_operation(operation)
        loads = {"application/json-patch+json": json.loads}
        config = Config(spec_validator_cls=None, extra_media_type_deserializers=loads)
        self.api = OpenAPI.from_dict(self.document, config=config)

    def operations(self) -> Iterator[dict[str, Any]]:
        self.document.pop("security", None)
        for item in self.document["paths"].values():
            for name, operation in item.items():
                if name != "parameters" and isinstance(operation, dict):
                    operation.pop("security", None)
                    yield operation

    def find(self, method: str, path: str) -> tuple[str, set[str]] | None:
        """The path spelt as the document spells it, and the query parameters that it knows."""
        for candidate in _aliases(path):
            for template, item in sorted(self.document["paths"].items(), key=lambda pair: pair[0].count("{")):
                pattern = re.sub(r"\\\{[^/}]+\\\}", "([^/]+)", re.escape(template))
                match = re.fullmatch(pattern, candidate, re.IGNORECASE)
                if match is None or method not in item:
                    continue
                values = list(match.groups())
                parameters = [*item.get("parameters", []), *item[method].get("parameters", [])]
                known = {one["name"] for one in parameters if one.get("in") == "query"}
                return re.sub(r"\{[^/}]+\}", lambda _, left=values: left.pop(0), template), known
        return None

    def violations(self, request: Request, body: bytes, response: Response) -> Iterator[str]:
        """Where one exchange leaves the description."""
        method = request.method.lower()
        found = self.find(method, request.path.rstrip("/"))
        if found is None:
            yield "not in the document"
            return
        path, known = found
        yield from (f"undocumented parameter {name}" for name in request.args if name not in known)
        content_type = (request.headers.get("Content-Type") or "").partition(";")[0]
        parameters = RequestParameters(
            query=ImmutableMultiDict(request.args.items(multi=True)),
            header=Headers(list(request.headers.items())),
            cookie=ImmutableMultiDict(),
            path={},
        )
        sent = SentRequest(path, method, body or None, content_type, parameters)
        given = GivenAnswer(response.status_code, response.get_data(), response.headers, response.mimetype)
        for check, arguments in ((self.api.validate_request, (sent,)), (self.api.validate_response, (sent, given))):
            try:
                check(*arguments)
            except Exception as error:  # noqa: BLE001 - openapi-core has many, all of them violations
                yield _reason(error)


def _aliases(path: str) -> Iterator[str]:
    """The document gives every resource a project, a query a team, a node one name; the service takes more and less."""
    path = re.sub(r"(/classificationnodes/[^/]+)(/.*)?$", r"\1/_", path, flags=re.IGNORECASE)
    yield path
    yield re.sub(r"^/([^/]+)/_apis/(?!wit/wiql)", r"/\1/_/_apis/", path)
    yield re.sub(r"^/([^/]+)/([^/]+)/_apis/wit/wiql", r"/\1/\2/_/_apis/wit/wiql", path)


def _mend(node: Any) -> None:
    """Untyped values are written as objects, bytes as strings; every recording has strings, numbers and bytes there."""
    if isinstance(node, dict):
        if node.get("format") in ("T", "Stream", "binary"):
            node.pop("type", None)
            node.pop("format")
        for name in RECORDED_NULLS & set(node.get("properties", {})):
            node["properties"][name]["nullable"] = True
        if node.get("type") == "object" and not {"properties", "additionalProperties", "allOf"} & set(node):
            node.pop("type")
        for value in node.values():
            _mend(value)
    elif isinstance(node, list):
        for value in node:
            _mend(value)


def _mend_operation(operation: dict[str, Any]) -> None:
    """Collections travel as {count, value}; the version travels in the Accept header; what was made is 201, what is gone 204."""
    parameters = [one for one in operation.get("parameters", []) if "api-Version" not in one.get("$ref", "")]
    operation["parameters"] = [{**one, "required": False} if one.get("in") == "query" else one for one in parameters]
    operation["responses"].setdefault("201", operation["responses"]["200"])
    operation["responses"].setdefault("204", {"description": "destroyed"})
    for response in operation["responses"].values():
        for media in response.get("content", {}).values():
            schema = media.get("schema", {})
            if schema.get("type") == "array":
                wrapped = {"type": "object", "required": ["value"], "properties": {"value": {**schema}}}
                media["schema"] = {"oneOf": [schema, wrapped]}


def _reason(error: BaseException) -> str:
    cause = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    found = [f"{list(one.absolute_path)}: {one.message[:200]}" for one in getattr(cause, "schema_errors", ())]
    return "; ".join(found) or f"{type(cause).__name__}: {str(cause)[:200]}"


@pytest.fixture(scope="module")
def descriptions() -> list[Description]:
    if not SPECS.exists():
        pytest.skip("the official descriptions are not here")
    names = ("wit-7.1.openapi3.json", "core-7.1.openapi3.json")
    return [Description(json.loads((SPECS / name).read_text(encoding="utf-8-sig"))) for name in names]


def test_every_exchange_holds_to_the_description(descriptions: list[Description]) -> None:
    """A day of the adapter (probe, pulls, every kind of write, history, recovery) breaks the description nowhere."""
    simulator = Recording()
    with opened(Driver, simulator) as subject:
        simulator.seed(30)
        caught_up = subject.caught_up()
        epic = subject.make(title="Epic", kind="epic")
        ours = subject.make(title="Ours", body="Some *words*", labels=frozenset({"one"}), priority="P1")
        for parent in (epic, subject.make(title="Other epic", kind="epic"), None):
            subject.apply(ours, {Field.PARENT: parent})
        subject.apply(ours, {Field.STATUS: "done", Field.TYPE: "bug", Field.BODY: "Other words"})
        current = None
        for body in ("A comment", "A better comment", None):
            ticket = subject.read(ours)
            current = next(iter(ticket.comments or ()), None)
            encoded = subject.codec.encode_comment(
                body, ticket, current, subject.mapping, subject.capabilities, attribution="*Ada wrote in Jira (PAY-1):*"
            )
            subject.write(encoded.ops[0])
        subject.server.delete(epic)
        assert any(page.gone for page in subject.pulled(caught_up))
        assert list(subject.adapter.history([ours], subject.read(ours).updated_at.replace(year=2000)))
    assert _broken(descriptions, simulator) == set()
    assert len(simulator.exchanges) > 30


@pytest.mark.parametrize("process", ["Agile", "Scrum", "Basic", "CMMI"])
def test_everything_that_a_ticket_carries_holds_to_the_description(
    descriptions: list[Description], process: str
) -> None:
    """Fields, types, links, files, areas, iterations, moves and the bin: no request or answer leaves the description."""
    simulator = Recording(process=process)
    with served(simulator), http(simulator) as client:
        number, other = simulator.add_issue(title="One"), simulator.add_issue(title="Two")
        simulator.add_iteration("Payments\\Sprint 1", start="2025-06-02", finish="2025-06-13")
        simulator.link(number, other, "blocks", comment="first")
        simulator.attach(number, "log.txt", b"text", comment="the log")
        simulator.comment(number, "**now**", format="markdown")
        _definitions(client)
        _planning(client, number)
        _files(client, number)
        _ends(client, simulator, number, other)
    statuses = {response.status_code for _, _, response in simulator.exchanges}
    assert _broken(descriptions, simulator) == set()
    assert statuses == {200, 201, 204}


def _definitions(client: httpx.Client) -> None:
    types = client.get("Payments/_apis/wit/workitemtypes").json()["value"]
    for kind in types:
        path = f"Payments/_apis/wit/workitemtypes/{kind['name']}"
        for part in (
            "",
            "/states",
            "/fields",
            "/fields?$expand=all",
            "/fields/System.AssignedTo?$expand=allowedValues",
        ):
            client.get(f"{path}{part}")
    for path in ("fields", "fields/Custom.Tier", "fields/Custom.Approver", "tags", "classificationnodes?$depth=2"):
        client.get(f"Payments/_apis/wit/{path}")
    client.get("_apis/wit/workitemrelationtypes")
    client.get("_apis/wit/workitemrelationtypes/System.LinkTypes.Duplicate-Forward")


def _planning(client: httpx.Client, number: int) -> None:
    nodes = "Payments/_apis/wit/classificationnodes"
    made = client.post(f"{nodes}/iterations", json={"name": "Sprint 2", "attributes": {}}).json()
    client.post(f"{nodes}/iterations/Sprint 1", json={"name": "Week 1"})
    client.post(f"{nodes}/iterations/Sprint 1", json={"id": made["id"]})
    client.patch(f"{nodes}/iterations/Sprint 1/Sprint 2", json={"name": "Week 2"})
    client.get(f"{nodes}/iterations/Sprint 1?$depth=3")
    values = {
        "System.IterationPath": "Payments\\Sprint 1\\Week 2",
        "Custom.Tier": "Gold",
        "Custom.Seats": 4,
        "Custom.Exposure": 2.5,
        "Custom.GoLive": "2025-07-01",
        "Custom.Regulated": True,
        "Custom.Approver": "grace@acme.example",
        "Custom.ReleaseNote": "<p>New</p>",
    }
    patch(client, f"_apis/wit/workitems/{number}", *(field(name, value) for name, value in values.items()))
    client.delete(f"{nodes}/iterations/Sprint 1/Week 1")


def _files(client: httpx.Client, number: int) -> None:
    octets = {"Content-Type": "application/octet-stream"}
    made = client.post("Payments/_apis/wit/attachments?fileName=a.bin", content=b"12345", headers=octets).json()
    client.get(f"Payments/_apis/wit/attachments/{made['id']}?fileName=a.bin&download=true")
    relation = {"rel": "AttachedFile", "url": made["url"], "attributes": {"comment": "bytes"}}
    patch(client, f"_apis/wit/workitems/{number}", {"op": "add", "path": "/relations/-", "value": relation})
    patch(client, f"_apis/wit/workitems/{number}", {"op": "remove", "path": "/relations/0"})


def _ends(client: httpx.Client, simulator: Recording, number: int, other: int) -> None:
    item, bin_ = f"_apis/wit/workitems/{number}", f"_apis/wit/recyclebin/{other}"
    for part in ("?$expand=all", "/updates", "/revisions?$expand=all", "/revisions/2", "/updates/3"):
        client.get(f"{item}{part}")
    for part in ("workItemRevisions", "workItemLinks", "workItemRevisions/discussions"):
        client.get(f"_apis/wit/reporting/{part}")
    client.get(f"Payments/_apis/wit/workItems/{number}/comments")
    client.delete(f"_apis/wit/workitems/{other}")
    client.get(bin_)
    client.get("_apis/wit/recyclebin")
    client.patch(bin_, json={"isDeleted": False})
    simulator.move(number, "Ledger")
    client.get(f"{item}?$expand=relations")
    client.delete(f"_apis/wit/workitems/{other}?destroy=true")


def _broken(descriptions: list[Description], simulator: Recording) -> set[str]:
    return {
        f"{request.method} {request.path}: {reason}"
        for request, body, response in simulator.exchanges
        if response.status_code < 400 and not UNDESCRIBED.search(request.path)
        for reason in _violations(descriptions, request, body, response)
    }


def _violations(descriptions: list[Description], request: Request, body: bytes, response: Response) -> list[str]:
    wit, core = descriptions
    home = core if "/_apis/projects" in request.path.lower() else wit
    return list(home.violations(request, body, response))
