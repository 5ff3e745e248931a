"""What the Jira adapter sends, and what the simulator answers, held to Atlassian's own description."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict
from werkzeug.wrappers import Request, Response

from adapters.jira.simulator import JiraSimulator
from sync.core.ids import Marker
from sync.core.models import Field
from sync.core.ports import NativeOp, OpKind
from sync.testing.subject import Subject
from tests.conformance.drivers_jira import Driver
from tests.conformance.simulated import opened

SPECS = Path(__file__).resolve().parents[3] / "shared" / "api" / "specs" / "jira"
HOST = "https://jira.example"
MARKER = Marker("trackdown:v1:00112233445566aa:aa66554433221100")
#: Faults of the description or of the client library, by operation and part of the complaint; nothing else is let through.
ALLOWED = {
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
    """One official document, with its systematic faults mended."""

    def __init__(self, deployment: str) -> None:
        names = {"cloud": "jira-cloud-platform-v3.trim.json", "server": "jira-dc-10.0-rest.trim.json"}
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
        for check in (lambda: self.api.validate_request(sent), lambda: self.api.validate_response(sent, given)):
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
    description = Description(deployment)
    found = {complaint for exchange in simulator.exchanges for complaint in description.violations(*exchange)}
    assert len(simulator.exchanges) > 30
    unexpected = {
        (operation, complaint)
        for operation, complaint in found
        if not any(operation == where and part in complaint for where, part in ALLOWED[deployment])
    }
    used = {(where, part) for where, part in ALLOWED[deployment] for o, c in found if o == where and part in c}
    assert used == set(ALLOWED[deployment])
    assert not unexpected, "\n".join(map(str, sorted(unexpected)))


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
