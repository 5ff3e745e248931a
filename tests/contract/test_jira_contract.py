"""What the Jira adapter sends, and what the simulator answers, held to Atlassian's own description."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict
from werkzeug.wrappers import Request, Response

from adapters._simulator import served
from adapters.jira.simulator import JiraSimulator
from sync.core.ids import Marker
from sync.core.models import Field
from sync.core.ports import NativeOp, OpKind
from sync.testing.subject import Subject
from tests.conformance.drivers_jira import Driver
from tests.conformance.simulated import opened
from tests.simulators.jira_support import call, document

SPECS = Path(__file__).resolve().parents[3] / "shared" / "api" / "specs" / "jira"
HOST = "https://jira.example"
MARKER = Marker("trackdown:v1:00112233445566aa:aa66554433221100")
#: Faults of the description or of the client library, by operation and part of the complaint; nothing else is let through.
ADAPTER_ALLOWED = {
    "cloud": (),
    "server": (
        # Described as single objects, answered as lists by every Data Center.
        ("get /api/2/field", "is not of type 'object'"),
        ("get /api/2/status", "is not of type 'object'"),
        ("get /api/2/priority", "is not of type 'object'"),
        ("get /api/2/resolution", "is not of type 'object'"),
        ("get /api/2/project/{projectIdOrKey}/statuses", "is not of type 'object'"),
        # Spoken of in the description of the operation, but not listed among its parameters.
        ("get /api/2/issue/{issueIdOrKey}/transitions", "undocumented parameter expand"),
        # A property is any JSON; the document says string.
        ("post /api/2/issue", "/properties/0/value"),
        ("post /api/2/issue/{issueIdOrKey}/comment", "/properties/0/value"),
    ),
}


ROUTES_ALLOWED: dict[str, tuple[tuple[str, str], ...]] = {
    "cloud": (
        # Described as an object without members; every client sends the words themselves.
        ("get /rest/agile/1.0/board/{boardId}/sprint", "dictionary update sequence"),
    ),
    "server": (
        # Described as single objects, answered as lists by every Data Center.
        ("get /api/2/field", "is not of type 'object'"),
        ("get /api/2/project/{projectIdOrKey}/components", "is not of type 'object'"),
        ("get /api/2/project/{projectIdOrKey}/versions", "is not of type 'object'"),
        ("post /api/2/issue/{issueIdOrKey}/attachments", "is not of type 'object'"),
        # The reading of a file that is gone is described as 404, its removal not at all.
        ("delete /api/2/attachment/{id}", "Unknown response http status: 404"),
    ),
}


class RecordingSimulator(JiraSimulator):
    """Keeps every exchange."""

    def __init__(self, **knobs: Any) -> None:
        super().__init__(**knobs)
        self.exchanges: list[tuple[Request, bytes, Response]] = []

    def handle(self, request: Request) -> Response:
        body = request.get_data()
        response = super().handle(request)
        self.exchanges.append((request, body, response))
        return response


class SentRequest:
    """A recorded request as openapi-core reads one."""

    def __init__(self, path: str, request: Request, body: bytes) -> None:
        self.host_url, self.path_pattern = HOST, None
        self.path, self.method, self.body = path, request.method.lower(), body or None
        self.content_type = (request.headers.get("Content-Type") or "").partition(";")[0]
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(request.args.items(multi=True)),
            header=Headers(list(request.headers.items())),
            cookie=ImmutableMultiDict(),
            path={},
        )


class GivenAnswer:
    """A recorded answer as openapi-core reads one."""

    def __init__(self, response: Response) -> None:
        self.status_code, self.data = response.status_code, response.get_data()
        self.headers, self.content_type = Headers(response.headers), "application/json"


class Description:
    """One official document, with its systematic faults mended; `agile` for boards and sprints on Cloud."""

    def __init__(self, deployment: str) -> None:
        names = {
            "cloud": "jira-cloud-platform-v3.trim.json", "agile": "jira-software-agile-1.0.trim.json",
            "server": "jira-dc-10.0-rest.trim.json",
        }  # fmt: skip
        self.document: dict[str, Any] = json.loads((SPECS / names[deployment]).read_text(encoding="utf-8"))
        self.document["servers"] = [{"url": HOST}]
        self.document.pop("security", None)
        self.prefix = "/rest" if deployment == "server" else ""
        _undate(self.document)
        if deployment == "server":
            _untype(self.document)
        for item in self.document["paths"].values():
            for operation in item.values():
                if isinstance(operation, dict):
                    _mend(operation)
        _nullable(self.document)
        self.api = OpenAPI.from_dict(self.document, config=Config(spec_validator_cls=None))

    def violations(self, request: Request, body: bytes, response: Response) -> Iterator[tuple[str, str]]:
        """(operation, complaint) where one exchange leaves the description."""
        path = re.sub(r"^/rest/api/(2|latest)/", "/rest/api/3/", request.path)
        if self.prefix:
            path = request.path.removeprefix(self.prefix)
        method = request.method.lower()
        template = self._template(path, method)
        operation = f"{method} {template or path}"
        if template is None:
            yield operation, "not in the document"
            return
        known = {one["name"] for one in self.document["paths"][template][method].get("parameters", [])}
        yield from ((operation, f"undocumented parameter {name}") for name in request.args if name not in known)
        sent, given = SentRequest(path, request, body), GivenAnswer(response)
        checks = [lambda: self.api.validate_request(sent), lambda: self.api.validate_response(sent, given)]
        # A multipart body is described as a list of Java objects: nothing can be held to that.
        for check in checks[1:] if sent.content_type == "multipart/form-data" else checks:
            try:
                check()
            except Exception as error:  # noqa: BLE001 - whatever the validator finds
                yield from ((operation, complaint) for complaint in _complaints(error))

    def _template(self, path: str, method: str) -> str | None:
        for template, item in sorted(self.document["paths"].items(), key=lambda pair: pair[0].count("{")):
            pattern = re.sub(r"\\\{[^/}]+\\\}", "[^/]+", re.escape(template))
            if method in item and re.fullmatch(pattern, path):
                return str(template)
        return None


@pytest.mark.skipif(not SPECS.is_dir(), reason="the official descriptions are not here")
@pytest.mark.parametrize("deployment", ["cloud", "server"])
def test_every_exchange_holds_to_the_official_description(deployment: str) -> None:
    """All that the adapter asks and all that the simulator answers is in the description, but for a known few."""
    simulator = RecordingSimulator(deployment=deployment)
    simulator.seed(30)
    with opened(Driver, simulator) as subject:
        _exercise(subject)
    assert len(simulator.exchanges) > 30
    _held(simulator, deployment, ADAPTER_ALLOWED[deployment])


@pytest.mark.skipif(not SPECS.is_dir(), reason="the official descriptions are not here")
@pytest.mark.parametrize("deployment", ["cloud", "server"])
def test_every_other_route_holds_to_the_official_description(deployment: str) -> None:
    """What hangs on an issue, what a project plans with, and what is refused: each route at least once."""
    with served(RecordingSimulator(deployment=deployment)) as simulator:
        _exercise_routes(simulator)
    _held(simulator, deployment, ROUTES_ALLOWED[deployment])


def _held(simulator: RecordingSimulator, deployment: str, allowed: tuple[tuple[str, str], ...]) -> None:
    platform, agile = Description(deployment), Description("agile" if deployment == "cloud" else deployment)
    found = set()
    for request, body, response in simulator.exchanges:
        if request.path.startswith(("/secure/", "/media/")):
            continue  # files stand in no description
        description = agile if request.path.startswith("/rest/agile/") else platform
        found |= set(description.violations(request, body, response))
    unexpected = {
        (operation, complaint)
        for operation, complaint in found
        if not any(operation == where and part in complaint for where, part in allowed)
    }
    used = {(where, part) for where, part in allowed for o, c in found if o == where and part in c}
    assert not unexpected, "\n".join(map(str, sorted(unexpected)))
    assert used == set(allowed)


def _exercise_routes(simulator: RecordingSimulator) -> None:
    """Every route beside those of the adapter's daily work."""
    first, second = _filled(simulator), simulator.add_issue("Second")

    def ask(method: str, path: str, body: Any = None, **more: Any) -> Any:
        answer = call(simulator, method, path, body, **more)
        return answer.json() if "application/json" in answer.headers.get("Content-Type", "") and answer.text else None

    _links(simulator, ask, first, second)
    _plans(simulator, ask, second)
    _files_and_time(simulator, ask, first)
    simulator.link(first, second, "Relates")
    simulator.clock.advance(10)
    cloud = simulator.catalogue.cloud
    wanted = {"jql": "project = PAY", "fields": ["*all"], "expand": "changelog" if cloud else ["changelog"]}
    ask("POST", "/search/jql" if cloud else "/search", wanted)
    if cloud:
        ask("PUT", "/issue/archive", {"issueIdsOrKeys": [first, "PAY-99"]})
        ask("PUT", "/issue/unarchive", {"issueIdsOrKeys": [first]})
    else:
        ask("PUT", f"/issue/{first}/archive")
        ask("PUT", f"/issue/{first}/restore")


def _filled(simulator: RecordingSimulator) -> str:
    """An issue with each kind of field."""
    component, version = simulator.add_component("Web", "What people see"), simulator.add_version("1.0")
    custom = {
        simulator.field_id(name): value
        for name, value in {
            "Severity": {"value": "Major"}, "Platforms": [{"value": "Web"}], "Topics": ["sepa"], "Risk": {"value": "Low"},
            "Region": {"value": "Europe", "child": {"value": "France"}}, "Story Points": 3, "Target start": "2026-03-01",
            "Sprint": simulator.add_sprint("Sprint 1", "active", goal="Pay"), "Customer reference": "A-1",
            "Outage began": "2026-03-01T10:00:00.000+0000",
            "Reviewer": {_named(simulator)[0]: _named(simulator)[1]},
        }.items()
    }  # fmt: skip
    return simulator.add_issue(
        "First", type="Story", components=[{"id": component}], fixVersions=[{"id": version}], versions=[{"id": version}],
        duedate="2026-05-01", timetracking={"originalEstimate": "1d"}, **custom,
    )  # fmt: skip


def _named(simulator: RecordingSimulator) -> tuple[str, str]:
    """How the deployment names a person."""
    grace = simulator.catalogue.people["grace"]
    return ("accountId", grace.account_id) if simulator.catalogue.cloud else ("name", "grace")


def _links(simulator: RecordingSimulator, ask: Callable[..., Any], first: str, second: str) -> None:
    ends = {"inwardIssue": {"key": first}, "outwardIssue": {"key": second}}
    text = document("Linked") if simulator.catalogue.cloud else "Linked"
    ask("POST", "/issueLink", {"type": {"name": "Blocks"}, **ends, "comment": {"body": text}})
    ask("POST", "/issueLink", {"type": {"name": "Nonsense"}, **ends})
    link = ask("GET", f"/issue/{first}?expand=changelog,names,transitions")["fields"]["issuelinks"][0]["id"]
    for path in ("/issueLinkType", f"/issueLink/{link}"):
        ask("GET", path)
    ask("DELETE", f"/issueLink/{link}")
    ask("DELETE", f"/issueLink/{link}")


def _plans(simulator: RecordingSimulator, ask: Callable[..., Any], issue: str) -> None:
    (component,), (version,) = simulator.world.planning.components, simulator.world.planning.versions
    for path in ("/configuration", "/field", "/project/PAY", "/project/PAY/components", "/project/PAY/versions"):
        ask("GET", path)
    ask("GET", f"/issue/{issue}/editmeta")
    ask("GET", f"/version/{version}")
    ask("POST", "/component", {"project": "PAY", "name": "API", "description": "Others call it"})
    ask("PUT", f"/component/{component}", {"name": "Web app"})
    ask("POST", "/version", {"projectId": 10000, "name": "2.0", "releaseDate": "2026-12-24", "released": False})
    ask("PUT", f"/version/{version}", {"released": True})
    agile = "/rest/agile/1.0"
    for path in (
        "board",
        "board?projectKeyOrId=PAY",
        "board/1/sprint",
        "board/1/sprint?state=active",
        "board/2/sprint",
    ):
        ask("GET", f"{agile}/{path}")
    made = ask("POST", f"{agile}/sprint", {"name": "Next", "originBoardId": 1, "goal": "More"})["id"]
    ask("POST", f"{agile}/sprint/{made}", {"name": "Next one"})
    ask("GET", f"{agile}/sprint/{made}")
    ask("POST", f"{agile}/sprint/{made}/issue", {"issues": [issue]})
    ask("POST", f"{agile}/backlog/issue", {"issues": [issue]})


def _files_and_time(simulator: RecordingSimulator, ask: Callable[..., Any], issue: str) -> None:
    cloud = simulator.catalogue.cloud
    image = simulator.attach(issue, "seen.png", b"png")
    ask("GET", "/attachment/meta")
    files = {"file": ("log.txt", b"log", "text/plain")}
    ask("POST", f"/issue/{issue}/attachments", files=files, headers={"X-Atlassian-Token": "no-check"})
    ask("GET", f"/attachment/{image}")
    if cloud:
        ask("GET", f"/attachment/content/{image}")
    ask("DELETE", f"/attachment/{image}")
    ask("DELETE", f"/attachment/{image}")
    spent = {"timeSpent": "2h", "started": "2026-03-01T10:00:00.000+0000"}
    worklog = ask("POST", f"/issue/{issue}/worklog", spent | {"comment": document("Done") if cloud else "Done"})["id"]
    for path in ("", f"/{worklog}"):
        ask("GET", f"/issue/{issue}/worklog{path}")
    ask("PUT", f"/issue/{issue}/worklog/{worklog}?adjustEstimate=new&newEstimate=1d", {"timeSpentSeconds": 600})
    ask("DELETE", f"/issue/{issue}/worklog/{worklog}?adjustEstimate=leave")
    account = _named(simulator)[1]
    ask("POST", f"/issue/{issue}/watchers", account)
    ask("GET", f"/issue/{issue}/watchers")
    ask("DELETE", f"/issue/{issue}/watchers?{'accountId' if cloud else 'username'}={account}")


def _exercise(subject: Subject) -> None:
    """Every call of the adapter at least once."""
    cursor = subject.pulled()[-1].cursor
    people = frozenset({subject.server.people[0]})
    ref = subject.make(MARKER, title="Ours", body="# Heading\n\n- one", type="bug", priority="P1", assignees=people)
    ticket = subject.read(ref)
    for wanted in (
        {Field.STATUS: "review"},
        {Field.STATUS: "done", Field.REASON: "not_planned"},
        {Field.STATUS: "reopened"},
        {Field.LABELS: frozenset({"one", "two words"}), Field.BODY: "", Field.ASSIGNEES: frozenset()},
        {Field.PARENT: subject.make(title="Above", kind="epic")},
        {Field.PARENT: None},
    ):
        subject.apply(ref, wanted)
    encoded = subject.codec.encode_comment(
        "A comment",
        ticket,
        None,
        subject.mapping,
        subject.capabilities,
        marker=MARKER,
        attribution="*Ada wrote in X (1):*",
    )
    comment = subject.write(encoded.ops[0]).comment
    for body in ("Another", None):
        encoded = subject.codec.encode_comment(body, ticket, comment, subject.mapping, subject.capabilities)
        subject.write(encoded.ops[0])
    for number in range(21):
        subject.server.comment(ref, f"Remark {number}")
    subject.pulled(cursor)
    fence = ticket.number - 1
    made = NativeOp(kind=OpKind.CREATE, action="create", summary="", payload={}, marker=MARKER)
    assert subject.adapter.find(made, fence=fence) == ref
    noted = NativeOp(kind=OpKind.COMMENT_CREATE, action="comment", summary="", payload={}, ref=ref, marker=MARKER)
    assert subject.adapter.find(noted, fence=fence) is None
    assert list(subject.adapter.history([ref], ticket.updated_at))
    gone = subject.server.create(title="Short-lived")
    subject.server.delete(gone)
    assert [one.ref for one in subject.adapter.fetch([gone, ref])]


def _undate(node: Any) -> None:
    """Jira writes offsets without a colon, which is no `date-time`."""
    if isinstance(node, dict):
        if node.get("type") == "string" and node.get("format") in ("date-time", "uri"):
            del node["format"]
        for value in node.values():
            _undate(value)
    elif isinstance(node, list):
        for value in node:
            _undate(value)


def _untype(node: Any) -> None:
    """Data Center's document writes every untyped value as an object without members."""
    if isinstance(node, dict):
        if node.get("type") == "object" and not {"properties", "additionalProperties", "allOf", "$ref"} & set(node):
            del node["type"]
        for value in node.values():
            _untype(value)
    elif isinstance(node, list):
        for value in node:
            _untype(value)


def _mend(operation: dict[str, Any]) -> None:
    operation.pop("security", None)
    for status, answer in operation.get("responses", {}).items():
        content = answer.get("content", {})
        if status == "204" or all(not media.get("schema") for media in content.values()):
            answer.pop("content", None)


def _nullable(node: Any) -> None:
    """`nullable` has no effect beside `allOf`, where the document writes it."""
    if isinstance(node, dict):
        for value in node.values():
            _nullable(value)
        if node.get("nullable") is True and "allOf" in node and "type" not in node:
            node["anyOf"] = [{"allOf": node.pop("allOf")}, {"enum": [None], "nullable": True, "type": "string"}]
    elif isinstance(node, list):
        for value in node:
            _nullable(value)


def _complaints(error: Exception) -> list[str]:
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    errors = getattr(cause, "schema_errors", None)
    if not errors:
        return [f"{type(cause).__name__}: {cause}"[:200]]
    return [f"/{'/'.join(map(str, each.absolute_path))}: {each.message[-160:]}" for each in errors]
