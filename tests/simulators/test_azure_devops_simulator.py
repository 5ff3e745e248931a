"""The Azure DevOps simulator, through the real client library and, where status and headers matter, through httpx."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from azure.devops.exceptions import AzureDevOpsAuthenticationError, AzureDevOpsServiceError
from azure.devops.v7_1.work_item_tracking.models import (
    CommentCreate,
    JsonPatchOperation,
)

from adapters._simulator import served
from adapters.azure_devops.simulator import AzureDevOpsSimulator
from adapters.azure_devops.simulator.errors import ApiError
from tests.simulators.azure_devops_support import field, http, no_library_cache, patch, raw, sim, tracking

__all__ = ["no_library_cache", "raw", "sim"]


RELATION = "/relations/-"


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
        ([field("System.CommentCount", 4)], "ReadOnly"),
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


def test_an_emptied_priority_is_filled_again(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """The process's default for the priority applies on every save, not only on the first."""
    number = sim.add_issue(title="One", priority=1)
    remove = {"op": "remove", "path": "/fields/Microsoft.VSTS.Common.Priority"}
    answer = patch(raw, f"_apis/wit/workitems/{number}", remove).json()
    assert answer["fields"]["Microsoft.VSTS.Common.Priority"] == 2
