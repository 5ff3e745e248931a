"""The Azure DevOps simulator, through the real client library and, where status and headers matter, through httpx."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.devops import client as library_client
from azure.devops import connection as library_connection
from azure.devops.connection import Connection
from azure.devops.exceptions import AzureDevOpsAuthenticationError, AzureDevOpsServiceError
from azure.devops.v7_1.work_item_tracking.models import (
    CommentCreate,
    JsonPatchOperation,
    ReportingWorkItemRevisionsFilter,
    Wiql,
    WorkItemBatchGetRequest,
)
from jsonschema import Draft4Validator
from msrest.authentication import BasicAuthentication

from adapters._simulator import served
from adapters.azure_devops.simulator import AzureDevOpsSimulator
from adapters.azure_devops.simulator.errors import ApiError
from adapters.azure_devops.simulator.process import PROCESSES
from adapters.azure_devops.simulator.state import sql_time

SPEC = Path(__file__).parents[3] / "shared/api/specs/ado/wit-7.1.openapi3.json"
RELATION = "/relations/-"


class NoCache(dict[str, Any]):
    """Stands for the library's cache on disk, which would carry one test's addresses into the next."""

    def __missing__(self, key: str) -> dict[str, Any]:
        return {}

    def __setitem__(self, key: str, value: Any) -> None:
        pass


@pytest.fixture(autouse=True)
def no_library_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_client, "OPTIONS_FILE_CACHE", NoCache())
    monkeypatch.setattr(library_connection, "RESOURCE_FILE_CACHE", NoCache())
    monkeypatch.setattr(library_client.Client, "_locations_cache", {})


@pytest.fixture
def sim() -> Iterator[AzureDevOpsSimulator]:
    with served(AzureDevOpsSimulator()) as simulator:
        yield simulator


def tracking(sim: AzureDevOpsSimulator, token: str | None = None) -> Any:
    """The real library's work item client."""
    connection = Connection(base_url=sim.url, creds=BasicAuthentication("", token or sim.token))
    client = connection.clients_v7_1.get_work_item_tracking_client()
    client.config.retry_policy.retries = 0
    client.config.retry_policy.policy.respect_retry_after_header = False
    return client


@pytest.fixture
def raw(sim: AzureDevOpsSimulator) -> Iterator[httpx.Client]:
    with http(sim) as client:
        yield client


def http(sim: AzureDevOpsSimulator, token: str | None = None) -> httpx.Client:
    headers = {"Accept": "application/json;api-version=7.1-preview", "X-TFS-FedAuthRedirect": "Suppress"}
    return httpx.Client(base_url=f"{sim.url}/", auth=("", token or sim.token), headers=headers)


def patch(client: httpx.Client, path: str, *operations: dict[str, Any], method: str = "PATCH") -> httpx.Response:
    headers = {"Content-Type": "application/json-patch+json"}
    return client.request(method, path, content=json.dumps(operations), headers=headers)


def field(name: str, value: Any, op: str = "add") -> dict[str, Any]:
    return {"op": op, "path": f"/fields/{name}", "value": value}


# -- connecting ----------------------------------------------------------------------------------


def test_library_connects_and_reads(sim: AzureDevOpsSimulator) -> None:
    """The library discovers the service and reads a work item through it."""
    number = sim.add_issue(title="Refund fails", type="Bug")
    item = tracking(sim).get_work_item(number, project="Payments", expand="All")
    assert (item.id, item.rev, item.fields["System.Title"]) == (number, 1, "Refund fails")
    assert item.fields["System.CreatedBy"]["uniqueName"] == "ada@acme.example"


def test_wrong_token_is_401(sim: AzureDevOpsSimulator) -> None:
    """The library meets a 401 where the token is wrong."""
    with pytest.raises(AzureDevOpsAuthenticationError):
        tracking(sim, "wrong").get_work_item(1)


@pytest.mark.parametrize("status", [203, 302])
def test_stranger_without_suppress_gets_a_sign_in_page(status: int) -> None:
    """Without the Suppress header a wrong token is answered with HTML, and no error status."""
    with (
        served(AzureDevOpsSimulator(sign_in=status)) as sim,
        httpx.Client(auth=("", "wrong"), base_url=sim.url) as client,
    ):
        answer = client.get("/_apis/projects", params={"api-version": "7.1"})
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")


def test_api_version_is_mandatory_and_checked(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """No version, one of the future and a release of a preview resource are three different refusals."""
    number = sim.add_issue(title="One")
    keys = []
    for path, accept in (
        ("_apis/projects", "application/json"),
        ("_apis/projects?api-version=9.9", "application/json"),
        (f"Payments/_apis/wit/workItems/{number}/comments?api-version=7.1", "application/json"),
    ):
        answer = raw.get(path, headers={"Accept": accept})
        assert answer.status_code == 400
        keys.append(answer.json()["typeKey"])
    assert keys == [
        "VssVersionNotSpecifiedException",
        "VssVersionOutOfRangeException",
        "VssInvalidPreviewVersionException",
    ]


def test_paths_are_compared_without_case(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """Organisation, project and resource may be written in any case."""
    sim.add_issue(title="One")
    assert raw.get(f"{sim.base_url}/ACME/payments/_APIS/WIT/WorkItems/1").status_code == 200


def test_who_am_i_and_the_project(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """Connection data names the token's owner, the project its process; an unknown project is TF200016."""
    me = raw.get("_apis/connectionData").json()["authenticatedUser"]
    assert me["providerDisplayName"] == "Trackdown Bot"
    project = raw.get("_apis/projects/payments?includeCapabilities=true").json()
    assert project["capabilities"]["processTemplate"]["templateName"] == "Agile"
    gone = raw.get("Nowhere/_apis/wit/workItemTypes")
    assert (gone.status_code, gone.json()["typeKey"]) == (404, "ProjectDoesNotExistWithNameException")


def test_identities_are_found_by_mail(raw: httpx.Client) -> None:
    """The identity service lives at the same address and finds a person by mail."""
    answer = raw.get("_apis/identities?searchFilter=General&filterValue=grace@acme.example").json()
    assert [person["providerDisplayName"] for person in answer["value"]] == ["Grace Hopper"]


# -- writing -------------------------------------------------------------------------------------


def test_create_and_update_through_the_library(sim: AzureDevOpsSimulator) -> None:
    """A created work item starts in the initial state; each patch raises rev by one."""
    client = tracking(sim)
    made = client.create_work_item(
        [JsonPatchOperation(op="add", path="/fields/System.Title", value="Payout late")], "Payments", "User Story"
    )
    assert (made.rev, made.fields["System.State"], made.fields["System.Reason"]) == (1, "New", "New")
    changed = client.update_work_item(
        [
            JsonPatchOperation(op="test", path="/rev", value=1),
            JsonPatchOperation(op="add", path="/fields/System.State", value="Closed"),
        ],
        made.id,
    )
    assert (changed.rev, changed.fields["System.State"]) == (2, "Closed")
    assert "Microsoft.VSTS.Common.ClosedDate" in changed.fields


def test_stale_revision_is_412_and_changes_nothing(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """A failed test of /rev answers VS403351, and the operations around it are not done."""
    number = sim.add_issue(title="Old")
    sim.edit(number, title="Newer")
    answer = patch(
        raw,
        f"_apis/wit/workitems/{number}",
        field("System.Title", "Mine"),
        {"op": "test", "path": "/rev", "value": 1},
    )
    body = answer.json()
    assert (answer.status_code, body["typeKey"]) == (412, "TestPatchOperationFailedException")
    assert body["message"].startswith("VS403351: Test Operation for path /rev failed, value 1 was not equal to")
    assert sim.issue(number)["fields"]["System.Title"] == "Newer"


def test_library_sees_the_type_key(sim: AzureDevOpsSimulator) -> None:
    """The library's exception carries the type key, by which errors are told apart."""
    number = sim.add_issue(title="One")
    with pytest.raises(AzureDevOpsServiceError) as caught:
        tracking(sim).update_work_item([JsonPatchOperation(op="test", path="/rev", value=9)], number)
    assert caught.value.type_key == "TestPatchOperationFailedException"


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        (
            [field("System.State", "Deployed")],
            "The field 'State' contains the value 'Deployed' that is not in the list",
        ),
        ([field("System.Title", "")], "TF401320: Rule Error for field Title. Error code: Required, InvalidEmpty."),
        ([field("System.Title", "x" * 256)], "InvalidTooLong"),
        ([field("System.Parent", 4)], "ReadOnly"),
        ([field("System.AssignedTo", "nobody@acme.example")], "is an unknown identity"),
        ([field("System.AssignedTo", "Alan Turing")], "is an ambiguous identity"),
        ([field("Custom.Nothing", 1)], "TF51535"),
        ([field("Microsoft.VSTS.Common.Priority", 9)], "not in the list of supported values"),
        ([field("System.AreaPath", "Payments\\Nowhere")], "TF401347"),
        ([{"op": "remove", "path": "/relations/3"}], "no relation at that index"),
    ],
)
def test_rules_refuse_with_400(
    sim: AzureDevOpsSimulator, raw: httpx.Client, operations: list[dict[str, Any]], expected: str
) -> None:
    """A rule of the process answers 400 with the service's wording and leaves the work item alone."""
    number = sim.add_issue(title="Ruled")
    answer = patch(raw, f"_apis/wit/workitems/{number}", *operations)
    assert answer.status_code == 400
    assert expected in answer.json()["message"]
    assert sim.issue(number)["rev"] == 1


def test_new_items_start_in_an_initial_state(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """Creating a work item as closed is refused with the rule that forbids it."""
    answer = patch(
        raw,
        "Payments/_apis/wit/workitems/$User%20Story",
        field("System.Title", "Done at birth"),
        field("System.State", "Closed"),
        method="POST",
    )
    assert answer.status_code == 400
    rules = answer.json()["customProperties"]["RuleValidationErrors"]
    assert rules[0]["fieldReferenceName"] == "System.State"
    assert sim.keys() == []


def test_required_field_of_a_state() -> None:
    """A process may require a field in one state; the answer names the field."""
    story_points = "Microsoft.VSTS.Scheduling.StoryPoints"
    sim = AzureDevOpsSimulator(required_fields={"User Story/Closed": [story_points]})
    number = sim.add_issue(title="Unestimated", type="User Story")
    with pytest.raises(ApiError, match="TF401320: Rule Error for field Story Points"):
        sim.edit(number, state="Closed")
    sim.edit(number, state="Closed", fields={story_points: 3})
    assert sim.issue(number)["fields"][story_points] == 3.0


def test_wrong_media_type_is_415(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """A patch sent as plain JSON is refused."""
    number = sim.add_issue(title="One")
    assert raw.patch(f"_apis/wit/workitems/{number}", json=[field("System.Title", "Two")]).status_code == 415


def test_html_comes_back_rewritten(sim: AzureDevOpsSimulator) -> None:
    """Styles, classes and scripts go, br is spelt one way, so what is read differs from what was written."""
    body = (
        '<p class="x" style="color:red">A &amp; B<br /><a href="https://a.example" id="y">c</a></p><script>x</script>'
    )
    number = sim.add_issue(title="Rich", body=body, type="Bug")
    stored = sim.issue(number)["fields"]["Microsoft.VSTS.TCM.ReproSteps"]
    assert stored == '<p>A &amp; B<br><a href="https://a.example">c</a></p>'


def test_markdown_is_kept_and_one_way(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """A field set to Markdown keeps its text as written and cannot go back to HTML."""
    number = sim.add_issue(title="Text", type="User Story")
    path = "/multilineFieldsFormat/System.Description"
    answer = patch(
        raw,
        f"_apis/wit/workitems/{number}",
        field("System.Description", "a < b\n\n* c"),
        {"op": "add", "path": path, "value": "Markdown"},
    ).json()
    assert answer["fields"]["System.Description"] == "a < b\n\n* c"
    assert answer["multilineFieldsFormat"] == {"System.Description": "markdown"}
    back = patch(raw, f"_apis/wit/workitems/{number}", {"op": "add", "path": path, "value": "Html"})
    assert back.status_code == 400


def test_tags_are_one_string_in_the_servers_order_and_spelling(sim: AzureDevOpsSimulator) -> None:
    """Tags are sorted, keep the project's first spelling, and a write replaces all of them."""
    first = sim.add_issue(title="One", labels=["Backend", "api"])
    assert sim.issue(first)["fields"]["System.Tags"] == "api; Backend"
    second = sim.add_issue(title="Two", labels=["BACKEND"])
    assert sim.issue(second)["fields"]["System.Tags"] == "Backend"
    sim.edit(first, labels=["ui"])
    assert sim.issue(first)["fields"]["System.Tags"] == "ui"
    sim.edit(first, labels=[])
    assert "System.Tags" not in sim.issue(first)["fields"]


def test_comment_raises_rev_and_pages(sim: AzureDevOpsSimulator) -> None:
    """Comments raise rev, come newest first, page by token, and keep their place after a soft delete."""
    number = sim.add_issue(title="Talk")
    client = tracking(sim)
    made = [client.add_comment(CommentCreate(text=f"<p style='x'>{n}</p>"), "Payments", number).id for n in range(3)]
    assert sim.issue(number)["rev"] == 4
    page = client.get_comments("Payments", number, top=2)
    assert [comment.id for comment in page.comments] == [made[2], made[1]]
    rest = client.get_comments("Payments", number, top=2, continuation_token=page.continuation_token)
    assert [comment.text for comment in rest.comments] == ["<p>0</p>"]
    client.delete_comment("Payments", number, made[0])
    assert client.get_comments("Payments", number).total_count == 2
    assert client.get_comments("Payments", number, include_deleted=True).total_count == 3
    assert sim.issue(number)["fields"]["System.CommentCount"] == 2


def test_only_the_author_edits_a_comment(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """The bot may not change what a person said."""
    number = sim.add_issue(title="Talk")
    comment = sim.comment(number, "mine", by="grace")
    path = f"Payments/_apis/wit/workItems/{number}/comments/{comment}"
    assert raw.patch(path, json={"text": "theirs"}).status_code == 403
    with http(sim, "token-grace") as grace:
        edited = grace.patch(path, json={"text": "mine, again"}).json()
    assert (edited["version"], edited["text"]) == (2, "mine, again")


# -- links ---------------------------------------------------------------------------------------


def test_links_show_on_both_ends_without_raising_rev(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """A parent link is listed on both ends with the project's GUID in it; rev and ChangedDate stay."""
    parent, child = sim.add_issue(title="Epic", type="Epic"), sim.add_issue(title="Story")
    before = sim.issue(parent)["fields"]["System.ChangedDate"]
    sim.edit(child, parent=parent)
    shown = sim.issue(parent)
    assert shown["relations"][0]["rel"] == "System.LinkTypes.Hierarchy-Forward"
    assert sim.organisation.project_id in shown["relations"][0]["url"]
    assert (shown["rev"], shown["fields"]["System.ChangedDate"]) == (1, before)
    assert sim.issue(child)["fields"]["System.Parent"] == parent
    feed = raw.get("_apis/wit/reporting/workItemLinks").json()
    assert [(link["sourceId"], link["targetId"], link["isActive"]) for link in feed["values"]] == [
        (parent, child, True)
    ]


def test_links_raise_rev_where_the_service_does_so() -> None:
    """With the knob, a link is a revision on both ends."""
    sim = AzureDevOpsSimulator(links_raise_rev=True)
    parent, child = sim.add_issue(title="Epic", type="Epic"), sim.add_issue(title="Story")
    sim.edit(child, parent=parent)
    assert (sim.issue(parent)["rev"], sim.issue(child)["rev"]) == (2, 2)


def test_second_parent_circle_and_double_link_are_refused(sim: AzureDevOpsSimulator) -> None:
    """One parent only, no circles, no link twice."""
    first, second, child = (sim.add_issue(title=f"Item {n}") for n in range(3))
    sim.edit(child, parent=first)
    with pytest.raises(ApiError, match="TF201036: You cannot add a Parent link"):
        sim.edit(child, parent=second)
    with pytest.raises(ApiError, match="circular"):
        sim.edit(first, parent=child)
    with pytest.raises(ApiError, match="Relation already exists"):
        sim.edit(child, parent=first)


def test_relations_are_removed_by_the_index_that_was_read(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """Relations come in an order of the server's; removing by that index removes that link."""
    number, *others = (sim.add_issue(title=f"Item {n}") for n in range(5))
    add = [
        {
            "op": "add",
            "path": RELATION,
            "value": {"rel": "System.LinkTypes.Related", "url": f"{sim.url}/_apis/wit/workItems/{other}"},
        }
        for other in others
    ]
    listed = patch(raw, f"_apis/wit/workitems/{number}", *add).json()["relations"]
    targets = [int(relation["url"].rpartition("/")[2]) for relation in listed]
    assert sorted(targets) == others
    assert targets != others
    left = patch(
        raw,
        f"_apis/wit/workitems/{number}",
        {"op": "remove", "path": "/relations/2"},
        {"op": "remove", "path": "/relations/0"},
    ).json()["relations"]
    assert [int(relation["url"].rpartition("/")[2]) for relation in left] == [targets[1], targets[3]]


def test_hyperlink_in_the_create_patch_is_kept(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """A hyperlink given with the create is there in the answer and in the batch."""
    marker = {"op": "add", "path": RELATION, "value": {"rel": "Hyperlink", "url": "https://trackdown.invalid/m/a1"}}
    made = patch(
        raw, "Payments/_apis/wit/workitems/$Bug", field("System.Title", "Marked"), marker, method="POST"
    ).json()
    batch = raw.post("_apis/wit/workitemsbatch", json={"ids": [made["id"]], "$expand": "relations"}).json()
    assert [relation["url"] for relation in batch["value"][0]["relations"]] == ["https://trackdown.invalid/m/a1"]


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
