"""What the Jira adapter sends, and what the simulator answers, held to Atlassian's own descriptions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from adapters._simulator import served
from adapters.jira.simulator import JiraSimulator
from sync.core.ids import Marker
from sync.core.models import Field
from sync.core.ports import NativeOp, OpKind
from sync.testing.subject import Subject
from tests.conformance.drivers_jira import Driver
from tests.conformance.simulated import opened
from tests.contract.official import SPECS, Exchange, judge
from tests.contract.whitelist import excuse
from tests.simulators.jira_support import call, document

MARKER = Marker("trackdown:v1:00112233445566aa:aa66554433221100")
#: Faults of the descriptions in what the suite of all adapters does not touch: operation, complaint.
EXCUSED = (
    # An object without members, where every client sends the words themselves.
    (r"^GET /rest/agile/1.0/board/\{boardId\}/sprint$", "dictionary update sequence"),
    # Described as single objects, answered as lists by every Data Center.
    (r"^GET /api/2/project/\{projectIdOrKey\}/(components|versions)$", "is not of type 'object'$"),
    (r"^POST /api/2/issue/\{issueIdOrKey\}/attachments$", "is not of type 'object'$"),
)

pytestmark = pytest.mark.skipif(not SPECS.is_dir(), reason="the official descriptions are not here")


class RecordingSimulator(JiraSimulator):
    """Keeps every exchange."""

    def __init__(self, **knobs: Any) -> None:
        super().__init__(**knobs)
        self.exchanges: list[Exchange] = []

    def handle(self, request: Request) -> Response:
        body = request.get_data()
        response = super().handle(request)
        product = "cloud" if self.catalogue.cloud else "data-center"
        self.exchanges.append(Exchange.of("jira", product, request, body, response))
        return response


@pytest.mark.parametrize("deployment", ["cloud", "server"])
def test_every_exchange_holds_to_the_official_description(deployment: str) -> None:
    """All that the adapter asks and all that the simulator answers is in the description, but for a known few."""
    simulator = RecordingSimulator(deployment=deployment)
    simulator.seed(30)
    with opened(Driver, simulator) as subject:
        _exercise(subject)
    assert len(simulator.exchanges) > 30
    _held(simulator.exchanges)


@pytest.mark.parametrize("deployment", ["cloud", "server"])
def test_every_other_route_holds_to_the_official_description(deployment: str) -> None:
    """What hangs on an issue, what a project plans with, and what is refused: each route at least once."""
    with served(RecordingSimulator(deployment=deployment)) as simulator:
        _exercise_routes(simulator)
    _held(simulator.exchanges)


def _held(exchanges: list[Exchange]) -> None:
    wrong = set()
    for exchange in exchanges:
        if exchange.path.startswith(("/secure/", "/media/")):
            continue  # files stand in no description
        for complaint in judge(exchange)[1]:
            known = any(re.search(o, complaint.operation) and re.search(w, complaint.what) for o, w in EXCUSED)
            if not known and excuse(exchange.kind, exchange.product, complaint) is None:
                wrong.add(f"{complaint.side} of {complaint.operation}: {complaint.what}")
    assert not wrong, "\n".join(sorted(wrong))


def _exercise_routes(simulator: JiraSimulator) -> None:
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


def _filled(simulator: JiraSimulator) -> str:
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


def _named(simulator: JiraSimulator) -> tuple[str, str]:
    """How the deployment names a person."""
    grace = simulator.catalogue.people["grace"]
    return ("accountId", grace.account_id) if simulator.catalogue.cloud else ("name", "grace")


def _links(simulator: JiraSimulator, ask: Callable[..., Any], first: str, second: str) -> None:
    ends = {"inwardIssue": {"key": first}, "outwardIssue": {"key": second}}
    text = document("Linked") if simulator.catalogue.cloud else "Linked"
    ask("POST", "/issueLink", {"type": {"name": "Blocks"}, **ends, "comment": {"body": text}})
    ask("POST", "/issueLink", {"type": {"name": "Nonsense"}, **ends})
    link = ask("GET", f"/issue/{first}?expand=changelog,names,transitions")["fields"]["issuelinks"][0]["id"]
    for path in ("/issueLinkType", f"/issueLink/{link}"):
        ask("GET", path)
    ask("DELETE", f"/issueLink/{link}")
    ask("DELETE", f"/issueLink/{link}")


def _plans(simulator: JiraSimulator, ask: Callable[..., Any], issue: str) -> None:
    component, version = list(simulator.world.planning.components)[-1], list(simulator.world.planning.versions)[-1]
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


def _files_and_time(simulator: JiraSimulator, ask: Callable[..., Any], issue: str) -> None:
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
