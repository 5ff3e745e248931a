"""What the GitHub adapter sends and what its simulator answers, held to GitHub's own description."""

import json
import re
import urllib.parse
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

from adapters._simulator import served
from adapters.github.codec import CODEC
from adapters.github.simulator import GitHubSimulator
from sync.core.changes import diff_fields
from sync.core.errors import AuthFailed
from sync.core.ids import Marker, NativeRef
from sync.core.models import Field
from tests.adapters.github_support import Bench, adapter_for

SPEC = Path(__file__).parents[2] / ".." / "shared" / "api" / "specs" / "github" / "rest-openapi.trim.json"
pytestmark = pytest.mark.skipif(not SPEC.exists(), reason="GitHub's description is not here")
ROOT = "https://api.github.com"
MARKER = Marker("trackdown:v1:abc:0123456789abcdef")
#: Where redirects and page links lead; it is not in the description and answers as `/repos/{owner}/{name}` does.
BY_ID = re.compile(r"^/repositories/\d+")

#: The description knows no refusal at all of this edit, and one there must be.
UNDESCRIBED = "patch /repos/acme/payments/milestones/1 404: ResponseNotFound"


def repaired(node):
    """`nullable` stands beside `oneOf`, `anyOf` and `allOf` in the description, where the standard gives it no effect."""
    if isinstance(node, dict):
        for value in node.values():
            repaired(value)
        if node.get("nullable") is True:
            if isinstance(node.get("enum"), list) and None not in node["enum"]:
                node["enum"].append(None)
            for key in ("oneOf", "anyOf"):
                if key in node and "type" not in node:
                    node[key].append({"enum": [None], "nullable": True, "type": "string"})
    elif isinstance(node, list):
        for value in node:
            repaired(value)
    return node


class Description:
    """GitHub's description as a judge."""

    def __init__(self):
        document = json.loads(SPEC.read_text(encoding="utf-8-sig"))
        document["servers"] = [{"url": ROOT}]
        document.pop("security", None)
        # `/issues/comments` and `/issues/{issue_number}` overlap: literal segments come first.
        self.paths = sorted(document["paths"], key=lambda path: (path.count("{"), -len(path)))
        for item in document["paths"].values():
            for operation in item.values():
                if isinstance(operation, dict):
                    operation.pop("security", None)
        self.document = repaired(document)
        self.openapi = OpenAPI.from_dict(self.document, config=Config(spec_validator_cls=None))

    def parameters(self, method, path):
        """The query parameters that an operation knows; None where there is no such operation."""
        for template in self.paths:
            pattern = re.sub(r"\\\{[^/}]+\\\}", "[^/]+", re.escape(template))
            item = self.document["paths"][template]
            if re.fullmatch(pattern, path) and method in item:
                given = [*item.get("parameters", []), *item[method].get("parameters", [])]
                return {self._resolved(one)["name"] for one in given}
        return None

    def _resolved(self, node):
        while "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            node = self.document["components"]["parameters"][name]
        return node

    def violations(self, request, body, response):
        """What is wrong with one exchange."""
        path = urllib.parse.quote(request.path, safe="/~!$&'()*+,;=:@")
        path = BY_ID.sub("/repos/acme/payments", path)
        method = request.method.lower()
        known = self.parameters(method, path)
        if known is None:
            return [f"{method} {path} is not in the description"]
        found = [f"{method} {path}: unknown parameter {name}" for name in request.args if name not in known]
        asked = _Request(method, path, request, body)
        for validate in (
            lambda: self.openapi.validate_request(asked),
            lambda: self.openapi.validate_response(asked, _Response(response)),
        ):
            try:
                validate()
            except Exception as error:  # noqa: BLE001 - every kind of violation is reported
                found.append(f"{method} {path} {response.status_code}: {_explained(error)}")
        return found


class _Request:
    def __init__(self, method, path, request, body):
        self.host_url, self.path, self.method, self.body, self.path_pattern = ROOT, path, method, body or None, None
        self.content_type = (request.content_type or "").partition(";")[0]
        query = ImmutableMultiDict(request.args.items(multi=True))
        self.parameters = RequestParameters(query=query, header=Headers(list(request.headers)), cookie={}, path={})


class _Response:
    def __init__(self, response):
        self.status_code, self.headers, self.data = response.status_code, response.headers, response.get_data()
        self.content_type = (response.content_type or "").partition(";")[0] if self.data else ""


def _explained(error):
    while error.__cause__ is not None:
        error = error.__cause__
    inner = getattr(error, "schema_errors", None)
    if not inner:
        return f"{type(error).__name__}: {error}"[:200]
    return "; ".join("/" + "/".join(map(str, one.absolute_path)) + f": {one.message[:160]}" for one in inner)


class Watched(GitHubSimulator):
    """A simulator whose exchanges are kept."""

    exchanges: list

    def handle(self, request):
        body = request.get_data(cache=True)
        response = super().handle(request)
        self.exchanges.append((request, body, response))
        return response


@pytest.fixture(scope="module")
def description():
    """Read once."""
    return Description()


@pytest.fixture
def hub():
    """A bench whose exchanges are kept."""
    simulator = Watched()
    simulator.exchanges = []
    with served(simulator):
        made = Bench(simulator)
        yield made
        made.adapter.close()


def everything(hub):
    """Reads and writes of every kind that the adapter knows."""
    hub.simulator.seed(30)
    cursor = None
    for page in hub.adapter.pull(None):
        cursor = page.cursor
    list(hub.adapter.pull(cursor))
    wanted = {
        Field.TITLE: "made",
        Field.BODY: "words",
        Field.KIND: "issue",
        Field.TYPE: "bug",
        Field.PRIORITY: "P1",
        Field.LABELS: frozenset({"one"}),
        Field.ASSIGNEES: frozenset({"ada"}),
    }
    (create,) = CODEC.encode(diff_fields({}, wanted), None, hub.mapping, hub.caps, MARKER).ops
    made = hub.adapter.write(create).ref
    assert hub.adapter.find(create, fence=int(made) - 1) == made
    steps = (
        {Field.TITLE: "edited", Field.STATUS: "review", Field.LABELS: frozenset({"one", "a/b c"})},
        {Field.STATUS: "in_progress", Field.KIND: "epic", Field.TYPE: None, Field.ASSIGNEES: frozenset({"grace"})},
        {Field.STATUS: "done", Field.REASON: "not_planned", Field.LABELS: frozenset({"one"}), Field.PARENT: "1"},
        {Field.STATUS: "open", Field.PARENT: None},
    )
    for step in steps:
        for op in hub.encode(made, **step).ops:
            hub.adapter.write(op)
    for body in ("said", "said again", None):
        ticket = hub.read(made)
        (op,) = CODEC.encode_comment(body, ticket, next(iter(ticket.comments), None), hub.mapping, hub.caps).ops
        hub.adapter.write(op)
    hub.simulator.set_parent(2, 1)
    hub.simulator.clock.advance(200)
    for _ in range(2):
        for page in hub.adapter.pull(cursor):
            cursor = page.cursor
    list(hub.adapter.history([made, NativeRef("1")], datetime(2020, 1, 1, tzinfo=UTC)))
    hub.simulator.delete(3)
    hub.simulator.transfer(4, "acme/other")
    list(hub.adapter.fetch([NativeRef(number) for number in ("1", "3", "4", "999")]))


def test_everything_the_adapter_does_holds_to_the_description(hub, description):
    """Each request is in the description with known parameters and a fitting body, each answer has its shape."""
    everything(hub)
    stranger = adapter_for(hub.simulator, token="a-wrong-token")
    with pytest.raises(AuthFailed):
        stranger.probe()
    stranger.close()
    exchanges = list(hub.simulator.exchanges)
    assert len({(request.method, re.sub(r"\d+", "N", request.path)) for request, _, _ in exchanges}) >= 18
    found = {one for exchange in exchanges for one in description.violations(*exchange)}
    assert found == set()


def test_what_the_adapter_does_not_use_holds_too(hub, description):
    """The rest of the simulator, asked as people's own scripts would."""
    everything(hub)
    hub.simulator.exchanges.clear()
    root = f"{hub.simulator.base_url}/repos/acme/payments"
    with httpx.Client(headers={"Authorization": "Bearer token-ada"}) as client:
        for path in ("", "/labels", "/labels/bug", "/milestones", "/assignees", "/assignees/ada", "/issues/events"):
            client.get(root + path)
        for path in (
            "/issues/1/sub_issues",
            "/issues/2/parent",
            "/issues/2/labels",
            "/issue-types",
            "/issues/7/parent",
        ):
            client.get(root + path)
        for path in ("/user", "/users/ada", "/users/nobody", "/rate_limit"):
            client.get(hub.simulator.base_url + path)
        client.post(f"{root}/labels", json={"name": "new", "color": "abcdef", "description": "d"})
        client.post(f"{root}/labels", json={"name": "NEW", "color": "abcdef"})
        client.patch(f"{root}/labels/new", json={"new_name": "newer"})
        client.delete(f"{root}/labels/newer")
        client.put(f"{root}/issues/1/lock", json={"lock_reason": "resolved"})
        client.delete(f"{root}/issues/1/lock")
        client.put(f"{root}/issues/1/labels", json={"labels": ["bug"]})
        client.delete(f"{root}/issues/1/labels")
        client.post(f"{root}/issues", json={"title": "x" * 300})
        client.post(f"{root}/issues/1/comments", json={"body": "x" * 70_000})
    found = {one for exchange in hub.simulator.exchanges for one in description.violations(*exchange)}
    assert found == set()


def planned(client, simulator):
    """Every request on milestones, dependencies and sub-issues that people's own scripts make, refused ones too."""
    root = f"{simulator.base_url}/repos/acme/payments"
    one, two, three = (simulator.add_issue(title=title) for title in ("one", "two", "three"))
    elsewhere = simulator.add_issue(title="elsewhere", project="acme/other")
    abroad = simulator.add_issue(title="abroad", project="globex/parts")
    simulator.add_milestone("0.9")
    sent = {"title": "1.0", "description": "first", "due_on": "2026-03-31T12:00:00Z", "state": "open"}
    client.post(f"{root}/milestones", json=sent)
    client.post(f"{root}/milestones", json=sent)
    client.patch(f"{root}/milestones/1", json={"state": "closed"})
    client.patch(f"{root}/issues/1", json={"milestone": 1, "labels": ["bug"]})
    for path in ("milestones?state=all&sort=completeness&direction=desc", "milestones/1", "milestones/1/labels"):
        client.get(f"{root}/{path}")
    client.get(f"{root}/milestones/99")
    client.patch(f"{root}/issues/1", json={"milestone": None})
    client.delete(f"{root}/milestones/1")
    blockers = f"{root}/issues/1/dependencies/blocked_by"
    for blocker in (two.id, two.id, one.id, elsewhere.id, abroad.id, 1):
        client.post(blockers, json={"issue_id": blocker})
    client.get(blockers)
    client.get(f"{root}/issues/2/dependencies/blocking")
    client.delete(f"{blockers}/{two.id}")
    client.delete(f"{blockers}/{two.id}")
    for child in (three.id, three.id, elsewhere.id, abroad.id):
        client.post(f"{root}/issues/1/sub_issues", json={"sub_issue_id": child})
    client.get(f"{root}/issues/1/sub_issues")
    client.get(f"{root}/issues/3/parent")
    client.request("DELETE", f"{root}/issues/1/sub_issue", json={"sub_issue_id": three.id})


def valued(client, simulator):
    """Every request on issue fields, then on what becomes of issues and their repository."""
    root = f"{simulator.base_url}/repos/acme/payments"
    values = f"{root}/issues/1/issue-field-values"
    ids = {field.name: field.id for field in simulator.repository.fields.values()}
    rows = {"Priority": "High", "Points": 2.5, "Target date": "2026-05-01", "Customer": "ACME", "Areas": ["API", "Web"]}
    full = {"issue_field_values": [{"field_id": ids[name], "value": value} for name, value in rows.items()]}
    client.post(values, json=full)
    client.post(values, json={"issue_field_values": [{"field_id": ids["Priority"], "value": "None such"}]})
    client.post(values, json={"issue_field_values": [{"field_id": 1, "value": "x"}]})
    client.put(values, json={"issue_field_values": full["issue_field_values"][:4]})
    client.get(values)
    client.delete(f"{values}/{ids['Points']}")
    client.delete(f"{values}/{ids['Points']}")
    client.patch(f"{root}/issues/1", json=full)
    client.post(f"{root}/issues", json={"title": "four", "issue_field_values": full["issue_field_values"][:4]})
    client.get(f"{root}/issues?state=all")
    client.patch(
        f"{root}/issues/2",
        json={"state": "closed", "state_reason": "duplicate", "duplicate_issue_id": simulator.issue(1).id},
    )
    comment = simulator.comment(1, "off topic")
    simulator.minimize(comment.id)
    for path in ("issues/1/events", "issues/1/timeline", "issues/2/timeline", "issues/3/timeline", "issues/events"):
        client.get(f"{root}/{path}")
    client.get(f"{root}/issues/comments")
    for event in simulator.repository.events[-8:]:
        client.get(f"{root}/issues/events/{event.id}")
    for owner in ("acme", "nobody"):
        for list_of in ("issue-types", "issue-fields"):
            client.get(f"{simulator.base_url}/orgs/{owner}/{list_of}")
    simulator.delete(3)
    simulator.transfer(2, "acme/other")
    for number in (2, 3):
        client.get(f"{root}/issues/{number}/dependencies/blocking")
    simulator.archive()
    client.post(f"{root}/issues/1/dependencies/blocked_by", json={"issue_id": 1})


@pytest.mark.parametrize("login", ["ada", "reader"])
def test_what_is_planned_around_an_issue_holds_too(hub, description, login):
    """Milestones, dependencies, fields, sub-issues: answers and refusals, for who may push and for who may not."""
    hub.simulator.add_field("Areas", "multi_select", ["API", "Web"])
    hub.simulator.exchanges.clear()
    with httpx.Client(headers={"Authorization": f"Bearer token-{login}"}) as client:
        planned(client, hub.simulator)
        valued(client, hub.simulator)
    found = {one for exchange in hub.simulator.exchanges for one in description.violations(*exchange)}
    assert {one for one in found if not one.startswith(UNDESCRIBED)} == set()
    statuses = {response.status_code for _, _, response in hub.simulator.exchanges}
    assert statuses >= ({200, 201, 204, 301, 403, 404, 410, 422} if login == "ada" else {200, 201, 301, 403, 404, 410})


TRAFFIC = SPEC.parents[2] / "traffic" / "github"


def recorded(name, method, end):
    """The bodies that GitHub itself answered."""
    exchanges = json.loads((TRAFFIC / name).read_text(encoding="utf-8"))["interactions"]
    wanted = [one for one in exchanges if one["request"]["method"] == method and one["request"]["url"].endswith(end)]
    return [one["response"]["body"] for one in wanted]


def test_answers_have_the_members_of_the_newest_recordings(hub):
    """Neither more nor fewer: an issue, its milestone and author, and a blocker with its repository (June 2026)."""
    simulator = hub.simulator
    for title in ("one", "two"):
        simulator.add_issue(title=title)
    simulator.set_milestone(1, "1.0")
    simulator.block(1, 2)
    with httpx.Client(headers={"Authorization": "Bearer token-ada"}) as client:
        issue = client.get(f"{simulator.base_url}/repos/acme/payments/issues/1").json()
        (blocker,) = client.get(f"{simulator.base_url}/repos/acme/payments/issues/1/dependencies/blocked_by").json()
    (true,) = recorded("hub4j/GHMilestoneTest.testListMilestonesWithSort.json", "PATCH", "/issues/489")
    assert set(issue) == set(true)
    assert set(issue["milestone"]) == set(true["milestone"])
    assert set(issue["user"]) == set(true["user"])
    _, (true,) = recorded("pygithub/IssueDependencies.testAddBlockedBy.json", "GET", "/blocked_by")
    of_organizations = {"type", "issue_field_values"}  # the recorded repository is a person's
    assert set(blocker) - of_organizations == set(true)
    assert set(blocker["repository"]) == set(true["repository"])
    assert blocker["issue_dependencies_summary"].keys() == true["issue_dependencies_summary"].keys()
