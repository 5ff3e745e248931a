"""The Azure DevOps simulator: queries, batches, feeds, pace, processes and the official description."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.devops.v7_1.work_item_tracking.models import (
    ReportingWorkItemRevisionsFilter,
    Wiql,
    WorkItemBatchGetRequest,
)
from jsonschema import Draft4Validator

from adapters._simulator import served
from adapters.azure_devops.simulator import AzureDevOpsSimulator
from adapters.azure_devops.simulator.process import PROCESSES
from adapters.azure_devops.simulator.state import sql_time
from tests.simulators.azure_devops_support import http, no_library_cache, raw, sim, tracking

__all__ = ["no_library_cache", "raw", "sim"]


SPEC = Path(__file__).parents[3] / "shared/api/specs/ado/wit-7.1.openapi3.json"
RELATION = "/relations/-"


# -- queries, batches, feeds ---------------------------------------------------------------------


def test_wiql_conditions(sim: AzureDevOpsSimulator) -> None:
    """The subset of WIQL filters by id, type, state, tag, author and time, and orders."""
    bug = sim.add_issue(title="Bug", type="Bug", labels=["api"])
    story = sim.add_issue(title="Story", type="User Story", state="Active", by="grace")
    task = sim.add_issue(title="Task", type="Task", labels=["API", "ui"])
    client = tracking(sim)

    def found(where: str) -> list[int]:
        text = f"SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project AND {where}"
        answer = client.query_by_wiql(Wiql(query=text), team_context=_Team(), time_precision=True)
        return [reference.id for reference in answer.work_items]

    assert found(f"[System.Id] > {bug} ORDER BY [System.Id] DESC") == [task, story]
    assert found("[System.Tags] CONTAINS 'api'") == [bug, task]
    assert found("[System.WorkItemType] IN ('Bug', 'Task') AND [System.State] <> 'Closed'") == [bug, task]
    assert found("[System.WorkItemType] NOT IN ('Bug')") == [story, task]
    assert found("[System.CreatedBy] = 'grace@acme.example'") == [story]
    assert found("([System.State] = 'Active' OR [System.Title] = 'Bug')") == [bug, story]
    assert found("[System.CreatedBy] = @Me") == []
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert found(f"[System.ChangedDate] >= '{since}'") == [bug, story, task]


class _Team:
    """A team context of the library: the project alone."""

    project = "Payments"
    project_id = None
    team = None
    team_id = None


def test_wiql_dates_need_time_precision(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """A date with a time is an error unless timePrecision is asked for; a date alone means whole days."""
    number = sim.add_issue(title="Today")
    today = sim.clock.now()
    query = "SELECT [System.Id] FROM WorkItems WHERE [System.ChangedDate] {} '{}'"
    exact = raw.post("Payments/_apis/wit/wiql", json={"query": query.format(">=", f"{today:%Y-%m-%dT%H:%M:%SZ}")})
    assert exact.status_code == 400
    assert "using date precision" in exact.json()["message"]
    whole = raw.post("Payments/_apis/wit/wiql", json={"query": query.format("=", f"{today:%Y-%m-%d}")})
    assert [reference["id"] for reference in whole.json()["workItems"]] == [number]


def test_wiql_refuses_more_than_its_limit() -> None:
    """Beyond the limit the query is an error, unless fewer are asked for."""
    with served(AzureDevOpsSimulator(wiql_limit=3)) as sim, http(sim) as client:
        for index in range(4):
            sim.add_issue(title=f"Item {index}")
        body = {"query": "SELECT [System.Id] FROM WorkItems"}
        refused = client.post("_apis/wit/wiql", json=body)
        assert (refused.status_code, refused.json()["message"][:9]) == (400, "VS402337:")
        assert len(client.post("_apis/wit/wiql?$top=3", json=body).json()["workItems"]) == 3


def test_batch_limits(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """At most 200 ids, fields or $expand but not both, and null for what cannot be read."""
    number = sim.add_issue(title="One")
    client = tracking(sim)
    some = client.get_work_items_batch(WorkItemBatchGetRequest(ids=[number, 999], error_policy="omit"))
    assert [item and item.id for item in some] == [number, None]
    many = raw.post("_apis/wit/workitemsbatch", json={"ids": list(range(1, 202))})
    assert many.json()["message"] == "VS403474: You requested 201 work items which exceeds the limit of 200"
    both = raw.post("_apis/wit/workitemsbatch", json={"ids": [number], "fields": ["System.Id"], "$expand": "relations"})
    assert both.json()["typeKey"] == "ConflictingParametersException"
    few = raw.post("_apis/wit/workitemsbatch", json={"ids": [number], "fields": ["system.title"]}).json()
    assert few["value"][0]["fields"] == {"System.Title": "One"}


def test_revisions_feed_tells_every_revision_once(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """The feed gives one entry a revision, strings for people, a token to go on from, and deletions if asked."""
    number = sim.add_issue(title="One", body="<p>long</p>")
    sim.edit(number, title="Two")
    path = "Payments/_apis/wit/reporting/workItemRevisions"
    batch = raw.get(path).json()
    assert [(entry["id"], entry["rev"]) for entry in batch["values"]] == [(number, 1), (number, 2)]
    assert batch["values"][1]["fields"]["System.ChangedBy"] == "Ada Lovelace <ada@acme.example>"
    assert batch["values"][1]["fields"]["System.RevisedDate"] == "9999-01-01T00:00:00Z"
    assert "System.Description" not in batch["values"][1]["fields"]
    assert batch["isLastBatch"]
    token = {"continuationToken": batch["continuationToken"]}
    assert raw.get(path, params=token).json()["values"] == []
    sim.delete(number)
    wanted = {"includeDeleted": True, "includeLatestOnly": True}
    later = raw.post(path, params={**token, "$expand": "fields"}, json=wanted).json()
    assert [entry["fields"]["System.IsDeleted"] for entry in later["values"]] == [True]
    assert "System.Description" in later["values"][0]["fields"]
    assert raw.get(path).json()["values"] == []


def test_library_reads_the_feed_but_drops_its_values(sim: AzureDevOpsSimulator) -> None:
    """The library's model of a batch maps no attribute, so the feed must be read as JSON."""
    sim.add_issue(title="One")
    batch = tracking(sim).read_reporting_revisions_post(ReportingWorkItemRevisionsFilter(), "Payments")
    assert batch.values is None


def test_feed_pages_and_starts_at_a_time(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """Pages hold what is asked for, tokens lead on without gaps, and a start time skips what is older."""
    for index in range(5):
        sim.add_issue(title=f"Item {index}")
    path, seen, token, last = "_apis/wit/reporting/workItemRevisions", [], "", False
    while not last:
        batch = raw.get(path, params={"$maxPageSize": "2", "continuationToken": token}).json()
        seen += [entry["id"] for entry in batch["values"]]
        token, last = batch["continuationToken"], batch["isLastBatch"]
    assert seen == [1, 2, 3, 4, 5]
    sim.clock.advance(3600)
    moment = sim.clock.now().isoformat()
    started = raw.get(path, params={"startDateTime": moment}).json()
    assert (started["values"], started["continuationToken"].split(";")[0]) == ([], "5")
    both = raw.get(path, params={"startDateTime": moment, "continuationToken": token})
    assert both.status_code == 400


def test_discussions_feed_tells_comments(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """The discussions feed names item, comment, version and text of each comment's change."""
    number = sim.add_issue(title="Talk")
    comment = sim.comment(number, "first")
    sim.edit_comment(number, comment, "second")
    sim.delete_comment(number, comment)
    batch = raw.get("Payments/_apis/wit/reporting/workItemRevisions/discussions").json()
    told = [entry["commentVersionRef"] for entry in batch["values"]]
    assert [(ref["commentId"], ref["version"], ref["isDeleted"]) for ref in told] == [
        (comment, 1, False),
        (comment, 2, False),
        (comment, 3, True),
    ]
    assert [ref["text"] for ref in told] == ["first", "second", "second"]


def test_updates_tell_who_changed_what(sim: AzureDevOpsSimulator) -> None:
    """The history holds author, time, old and new value, and links as entries of their own."""
    parent, number = sim.add_issue(title="Epic", type="Epic"), sim.add_issue(title="One")
    sim.edit(number, title="Two", by="grace")
    sim.edit(number, parent=parent, by="alan")
    updates = tracking(sim).get_updates(number, "Payments")
    assert updates[1].revised_by.name == "Grace Hopper <grace@acme.example>"
    change = updates[1].fields["System.Title"]
    assert (change.old_value, change.new_value) == ("One", "Two")
    assert (updates[2].rev, updates[2].relations.added[0].rel) == (2, "System.LinkTypes.Hierarchy-Reverse")
    assert updates[2].revised_date.year < 9999


def test_deleted_items_are_gone_but_in_the_bin(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """After a delete reading is TF401232; the bin has it, restoring brings it back, destroying ends it."""
    number = sim.add_issue(title="Old", type="Bug")
    answer = raw.delete(f"Payments/_apis/wit/workitems/{number}").json()
    assert (answer["id"], answer["resource"]["fields"]["System.CreatedBy"]) == (
        number,
        "Ada Lovelace <ada@acme.example>",
    )
    gone = raw.get(f"_apis/wit/workitems/{number}")
    assert (gone.status_code, gone.json()["typeKey"]) == (404, "WorkItemUnauthorizedAccessException")
    assert [entry["id"] for entry in raw.get("_apis/wit/recyclebin").json()["value"]] == [number]
    assert raw.patch(f"_apis/wit/recyclebin/{number}", json={"isDeleted": False}).status_code == 200
    assert raw.get(f"_apis/wit/workitems/{number}").json()["rev"] == 3
    assert raw.delete(f"_apis/wit/workitems/{number}?destroy=true").status_code == 204
    assert raw.get(f"_apis/wit/recyclebin/{number}").status_code == 404


def test_classification_nodes_are_made_once(raw: httpx.Client) -> None:
    """A node is created under its parent, a second of that name is a 409."""
    areas = "Payments/_apis/wit/classificationnodes/Areas"
    assert raw.post(areas, json={"name": "Web"}).json()["path"] == "\\Payments\\Area\\Web"
    assert raw.post(areas, json={"name": "web"}).status_code == 409
    tree = raw.get(f"{areas}?$depth=2").json()
    assert [child["name"] for child in tree["children"]] == ["Web"]


# -- the service's own pace, time and processes --------------------------------------------------


def test_budget_warns_on_200_and_then_refuses() -> None:
    """A busy user first reads Retry-After on a success, then 429 TF400733, until the window has passed."""
    with served(AzureDevOpsSimulator(budget=5)) as sim, http(sim) as client:
        answers = [client.get("_apis/projects") for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert "retry-after" not in answers[0].headers
        assert answers[4].headers["x-ratelimit-remaining"] == "0"
        assert answers[5].json()["message"].startswith("TF400733")
        sim.clock.advance(301)
        assert client.get("_apis/projects").status_code == 200


def test_times_end_in_0_3_or_7_and_have_no_trailing_zeros(sim: AzureDevOpsSimulator) -> None:
    """Times are kept as the service's database keeps them, and two revisions never share one."""
    moment = datetime(2025, 1, 10, 12, 13, 35, 529_999, tzinfo=UTC)
    assert sql_time(moment).microsecond == 527_000
    assert sql_time(moment.replace(microsecond=999_999)).microsecond == 997_000
    number = sim.add_issue(title="One")
    for index in range(5):
        sim.edit(number, title=f"Title {index}")
    revisions = sim.organisation.items[number].revisions
    assert all(one.when < two.when for one, two in pairwise(revisions))
    assert not sim.issue(number)["fields"]["System.ChangedDate"].rstrip("Z").endswith("0")


@pytest.mark.parametrize("process", list(PROCESSES))
def test_types_of_each_process_have_states_with_categories(process: Any) -> None:
    """Each process serves its types, each with an initial transition and a completed category."""
    with served(AzureDevOpsSimulator(process=process)) as sim:
        types = tracking(sim).get_work_item_types("Payments")
        assert {kind.name for kind in types} >= {"Epic", "Task"}
        for kind in types:
            initial = [transition.to for transition in kind.transitions[""]]
            assert initial == [kind.states[0].name]
            states = tracking(sim).get_work_item_type_states("Payments", kind.name)
            assert "Completed" in {state.category for state in states}
        sim.seed(30)
        assert len(sim.keys()) == 30


def test_seed_is_the_same_every_time_and_believable() -> None:
    """Two seeds agree; titles are unique, a tenth are epics, several people and states appear."""
    one, two = AzureDevOpsSimulator(), AzureDevOpsSimulator()
    one.seed(200)
    two.seed(200)
    items = [one.issue(key)["fields"] for key in one.keys()]  # noqa: SIM118 - a method of the simulator
    assert [item["System.Title"] for item in items] == [
        two.issue(key)["fields"]["System.Title"]
        for key in two.keys()  # noqa: SIM118
    ]
    assert len({item["System.Title"] for item in items}) == 200
    assert sum(item["System.WorkItemType"] == "Epic" for item in items) == 20
    assert len({item["System.CreatedBy"]["uniqueName"] for item in items}) >= 3
    assert len({item["System.State"] for item in items}) >= 3


def test_ten_thousand_items_are_pulled_quickly() -> None:
    """Each request costs what it returns: feed and batches of 2,000 seeded items take a second or two, not minutes."""
    with served(AzureDevOpsSimulator()) as sim, http(sim) as client:
        sim.seed(2_000)
        started = sim.clock.now()
        token, last, ids = "", False, dict[int, None]()
        while not last:
            params = {"continuationToken": token, "$maxPageSize": "1000", "includeLatestOnly": "true"}
            batch = client.get("_apis/wit/reporting/workItemRevisions", params=params).json()
            ids |= dict.fromkeys(entry["id"] for entry in batch["values"])
            token, last = batch["continuationToken"], batch["isLastBatch"]
        numbers = list(ids)
        for at in range(0, len(numbers), 200):
            body = {"ids": numbers[at : at + 200], "$expand": "relations"}
            assert len(client.post("_apis/wit/workitemsbatch", json=body).json()["value"]) == 200
        assert len(numbers) == 2_000
        assert (sim.clock.now() - started).total_seconds() < 10


# -- the official description --------------------------------------------------------------------


def _schema(name: str) -> dict[str, Any]:
    if not SPEC.exists():
        pytest.skip("the official descriptions are not here")
    components = json.loads(SPEC.read_text())["components"]
    # Every recorded batch holds objects where the description says strings.
    components["schemas"]["StreamedBatch"]["properties"]["values"] = {"type": "array", "items": {"type": "object"}}
    return {"$ref": f"#/components/schemas/{name}", "components": _loose(components)}


def _loose(node: Any) -> Any:
    """The description calls the values of fields objects, which no recording bears out: any value is meant."""
    if isinstance(node, dict):
        if node == {"type": "object"}:
            return {}
        loosened = {key: _loose(value) for key, value in node.items()}
        for name in {"actions", "defaultValue"} & set(node):  # null in the recordings
            loosened[name] = {"anyOf": [loosened[name], {"type": "null"}]}
        if set(node) <= {"type", "description"} and node.get("type") == "object":
            loosened.pop("type")
        return loosened
    return [_loose(value) for value in node] if isinstance(node, list) else node


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("_apis/wit/workitems/2?$expand=all", "WorkItem"),
        ("_apis/wit/workItems/2/updates/1", "WorkItemUpdate"),
        ("Payments/_apis/wit/workItems/2/comments", "CommentList"),
        ("_apis/wit/reporting/workItemRevisions", "ReportingWorkItemRevisionsBatch"),
        ("_apis/wit/reporting/workItemLinks", "ReportingWorkItemLinksBatch"),
        ("Payments/_apis/wit/workitemtypes/Bug", "WorkItemType"),
        ("Payments/_apis/wit/classificationnodes/areas?$depth=2", "WorkItemClassificationNode"),
        ("_apis/wit/recyclebin/3", "WorkItemDelete"),
        ("_apis/wit/fields/System.Title", "WorkItemField2"),
    ],
)
def test_answers_hold_to_the_official_description(
    sim: AzureDevOpsSimulator, raw: httpx.Client, path: str, schema: str
) -> None:
    """Answers of the main resources validate against the service's own description."""
    parent = sim.add_issue(title="Epic", type="Epic")
    number = sim.add_issue(title="Story", parent=parent, labels=["x"], assignee="grace", body="<p>Text</p>")
    sim.comment(number, "hello")
    sim.delete(sim.add_issue(title="Gone"))
    answer = raw.get(path)
    assert answer.status_code == 200
    errors = [error.message for error in Draft4Validator(_schema(schema)).iter_errors(answer.json())]
    assert errors == []
