"""Attachments, areas and iterations, and several projects, of the Azure DevOps simulator."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from azure.devops.exceptions import AzureDevOpsServiceError
from azure.devops.v7_1.work_item_tracking.models import WorkItemClassificationNode

from adapters._simulator import served
from adapters.azure_devops.simulator import AzureDevOpsSimulator
from adapters.azure_devops.simulator.errors import ApiError
from tests.simulators.azure_devops_support import field, http, no_library_cache, patch, raw, sim, tracking

__all__ = ["no_library_cache", "raw", "sim"]

OCTETS = {"Content-Type": "application/octet-stream"}
ITERATION = "System.IterationPath"


def attached(url: str, **attributes: Any) -> dict[str, Any]:
    value = {"rel": "AttachedFile", "url": url, "attributes": attributes}
    return {"op": "add", "path": "/relations/-", "value": value}


# -- attachments ---------------------------------------------------------------------------------


def test_a_file_goes_up_in_chunks_and_comes_down_whole(sim: AzureDevOpsSimulator) -> None:
    """The library streams a file up; the reference's address gives its bytes back, named as asked."""
    content = bytes(range(256)) * 1_000
    client = tracking(sim)
    reference = client.create_attachment(io.BytesIO(content), "Payments", file_name="a b ü.bin")
    assert reference.url.endswith(f"/_apis/wit/attachments/{reference.id}?fileName=a%20b%20%C3%BC.bin")
    assert b"".join(client.get_attachment_content(reference.id, "Payments", file_name="c.bin")) == content
    number = sim.add_issue(title="Files")
    with http(sim) as raw:
        answer = patch(raw, f"_apis/wit/workitems/{number}", attached(reference.url, comment="the log"))
    relation = answer.json()["relations"][0]
    assert relation["url"].endswith(f"{sim.organisation.project_id}/_apis/wit/attachments/{reference.id}")
    attributes = relation["attributes"]
    assert (attributes["name"], attributes["comment"], attributes["resourceSize"]) == ("a b ü.bin", "the log", 256_000)
    assert answer.json()["rev"] == 2
    assert sim.files_of(number) == {"a b ü.bin": content}


def test_a_file_whose_sender_dies_is_not_there(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """Of a request that breaks off amid its body nothing is done, and the server goes on without a word."""

    def half() -> Iterator[bytes]:
        yield b"x" * 1_000
        raise RuntimeError("the sender died")

    with http(sim) as dying, pytest.raises(RuntimeError, match="the sender died"):
        dying.post("Payments/_apis/wit/attachments?fileName=half.bin", content=half(), headers=OCTETS)
    for _ in range(500):
        if any(request["status"] == 599 for request in sim.requests):
            break
        time.sleep(0.01)
    assert [request["status"] for request in sim.requests] == [599]
    whole = raw.post("Payments/_apis/wit/attachments?fileName=whole.bin", content=b"x", headers=OCTETS)
    assert whole.status_code == 201


def test_a_file_needs_credentials_and_a_known_id(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """A stranger gets no file, and an id that was never given out is a 404."""
    number = sim.add_issue(title="Secret")
    sim.attach(number, "s.txt", b"secret")
    url = sim.issue(number)["relations"][0]["url"]
    version = {"api-version": "7.1"}
    suppress = {"X-TFS-FedAuthRedirect": "Suppress"}
    assert httpx.get(url, params=version, headers=suppress).status_code == 401
    answer = raw.get(url, params={**version, "fileName": "other.txt", "download": "true"})
    assert (answer.content, answer.headers["content-type"]) == (b"secret", "application/octet-stream")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''other.txt"
    assert raw.get(f"{url[:-4]}0000").status_code == 404


def test_files_beyond_the_limit_are_refused() -> None:
    """A file that is too large is TF237082 with the limit in megabytes; one of exactly the limit goes up."""
    with served(AzureDevOpsSimulator(attachment_limit=1_024)) as sim, http(sim) as client:
        path = "Payments/_apis/wit/attachments?fileName=a.bin"
        assert client.post(path, content=b"x" * 1_024, headers=OCTETS).status_code == 201
        large = client.post(path, content=b"x" * 1_025, headers=OCTETS)
        assert large.status_code == 400
        assert large.json()["message"].startswith("TF237082: The file you are trying to upload exceeds")
        assert client.post(path, json={}).status_code == 415
        number = sim.add_issue(title="Full")
        with pytest.raises(ApiError, match="TF237082"):
            sim.attach(number, "b.bin", b"x" * 1_025)


def test_a_file_may_go_up_in_parts(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """An upload that was announced as chunked takes ranges in order, and can be attached when it is complete."""
    begun = raw.post("Payments/_apis/wit/attachments?fileName=p.bin&uploadType=Chunked", headers=OCTETS)
    assert begun.status_code == 202
    url, number = begun.json()["url"], sim.add_issue(title="Parts")

    def part(content: bytes, described: str) -> httpx.Response:
        return raw.put(url.partition("?")[0], content=content, headers={**OCTETS, "Content-Range": described})

    assert part(b"abc", "bytes 0-2/5").status_code == 202
    assert patch(raw, f"_apis/wit/workitems/{number}", attached(url)).status_code == 400
    assert part(b"d", "bytes 4-4/5").status_code == 400
    assert part(b"de", "bytes 3-4/5").status_code == 201
    assert patch(raw, f"_apis/wit/workitems/{number}", attached(url)).status_code == 200
    assert sim.files_of(number) == {"p.bin": b"abcde"}


def test_a_file_is_attached_once_and_taken_off_by_its_index(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """The same upload twice is a 400; taking it off is a revision, and the history tells both."""
    number = sim.add_issue(title="Once")
    made = sim.attach(number, "a.txt", b"a", by="grace", comment="see")
    url = sim.issue(number)["relations"][0]["url"]
    again = patch(raw, f"_apis/wit/workitems/{number}", attached(url))
    assert again.json()["typeKey"] == "RelationAlreadyExistsException"
    sim.detach(number, made)
    assert (sim.files_of(number), sim.issue(number)["rev"]) == ({}, 3)
    updates = tracking(sim).get_updates(number, "Payments")
    assert updates[1].relations.added[0].attributes["name"] == "a.txt"
    assert updates[1].revised_by.name == "Grace Hopper <grace@acme.example>"
    assert updates[2].relations.removed[0].rel == "AttachedFile"
    strange = attached(f"{sim.url}/_apis/wit/attachments/11111111-2222-3333-4444-555555555555")
    assert patch(raw, f"_apis/wit/workitems/{number}", strange).status_code == 400


# -- areas and iterations ------------------------------------------------------------------------


def test_nodes_are_made_read_and_refused_twice(sim: AzureDevOpsSimulator) -> None:
    """The library makes an iteration with dates below another; the name is then taken, whatever its letters."""
    client = tracking(sim)
    release = WorkItemClassificationNode(name="Release 1")
    client.create_or_update_classification_node(release, "Payments", "iterations")
    dates = {"startDate": "2025-06-02T00:00:00", "finishDate": "2025-06-13T00:00:00"}
    sprint = WorkItemClassificationNode(name="Sprint 1", attributes=dates)
    made = client.create_or_update_classification_node(sprint, "Payments", "iterations", "Release 1")
    assert made.path == "\\Payments\\Iteration\\Release 1\\Sprint 1"
    assert made.attributes == {"startDate": "2025-06-02T00:00:00Z", "finishDate": "2025-06-13T00:00:00Z"}
    tree = client.get_classification_node("Payments", "iterations", depth=2)
    assert tree.children[0].children[0].attributes == made.attributes
    assert client.get_classification_node("Payments", "iterations").children is None
    found = client.get_classification_nodes("Payments", ids=[made.id, 999], error_policy="omit")
    assert [node and node.name for node in found] == ["Sprint 1", None]
    again = WorkItemClassificationNode(name="SPRINT 1")
    with pytest.raises(AzureDevOpsServiceError) as caught:
        client.create_or_update_classification_node(again, "Payments", "iterations", "\\Release 1")
    assert caught.value.type_key == "ClassificationNodeDuplicateNameException"
    with pytest.raises(AzureDevOpsServiceError, match="VS402485"):
        client.get_classification_node("Payments", "areas", "Nowhere")


@pytest.mark.parametrize("body", [{}, {"name": "a/b"}, {"name": "x", "attributes": {"startDate": "2025-01-01"}}])
def test_unfit_nodes_are_refused(raw: httpx.Client, body: dict[str, Any]) -> None:
    """A node needs a name without the characters of paths, and both dates or none."""
    assert raw.post("Payments/_apis/wit/classificationnodes/iterations", json=body).status_code == 400


def test_paths_must_exist_and_take_the_trees_spelling(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """An unknown path is TF401347 with the item's number, -1 for a new one; a known one is kept as the tree spells it."""
    sim.add_iteration("Payments\\Sprint 1", start="2025-06-02", finish="2025-06-13")
    number = sim.add_issue(title="Planned")
    path = f"_apis/wit/workitems/{number}"
    kept = patch(raw, path, field(ITERATION, "PAYMENTS\\sprint 1")).json()["fields"][ITERATION]
    assert kept == "Payments\\Sprint 1"
    wrong = field(ITERATION, "Payments\\Sprint 2")
    create = patch(raw, "Payments/_apis/wit/workitems/$Bug", field("System.Title", "x"), wrong, method="POST")
    for answer, named in ((patch(raw, path, wrong), number), (create, -1)):
        message = f"TF401347: Invalid tree name given for work item {named}, field 'System.IterationPath'."
        assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_renaming_a_node_changes_items_in_silence(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """Items below a renamed area read the new path, in their past too, with no revision, update or entry in a feed."""
    sim.add_area("Payments\\Web\\Checkout")
    number = sim.add_issue(title="There")
    sim.edit(number, area="Payments\\Web\\Checkout")
    before, feed = sim.issue(number), "_apis/wit/reporting/workItemRevisions"
    token = raw.get(feed).json()["continuationToken"]
    renamed = raw.patch("Payments/_apis/wit/classificationnodes/Areas/Web", json={"name": "Shop"})
    assert renamed.json()["path"] == "\\Payments\\Area\\Shop"
    after = sim.issue(number)
    assert after["fields"]["System.AreaPath"] == "Payments\\Shop\\Checkout"
    assert (after["rev"], after["fields"]["System.ChangedDate"]) == (2, before["fields"]["System.ChangedDate"])
    assert raw.get(feed, params={"continuationToken": token}).json()["values"] == []
    assert raw.get(f"_apis/wit/workitems/{number}/revisions/2").json()["fields"]["System.AreaPath"].endswith("Checkout")
    sim.rename_area("Payments\\Shop", "Web")
    assert sim.issue(number)["fields"]["System.AreaPath"] == "Payments\\Web\\Checkout"


def test_nodes_move_and_are_deleted_with_their_items_moved(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """A node is moved by posting its id, and loses dates that are not posted; deleting one says where its items go."""
    nodes = "Payments/_apis/wit/classificationnodes/iterations"
    sim.add_iteration("Payments\\One\\Sprint", start="2025-06-02", finish="2025-06-13")
    sim.add_iteration("Payments\\Two")
    number = sim.add_issue(title="Carried")
    sim.edit(number, iteration="Payments\\One\\Sprint")
    sprint = raw.get(f"{nodes}/One/Sprint").json()["id"]
    moved_node = raw.post(f"{nodes}/Two", json={"id": sprint})
    assert (moved_node.status_code, "attributes" in moved_node.json()) == (200, False)
    assert sim.issue(number)["fields"][ITERATION] == "Payments\\Two\\Sprint"
    assert raw.delete(f"{nodes}/Two").status_code == 400
    into = raw.get(f"{nodes}/One").json()["id"]
    assert raw.delete(f"{nodes}/Two?$reclassifyId={into}").status_code == 204
    moved = sim.issue(number)
    assert (moved["fields"][ITERATION], moved["rev"]) == ("Payments\\One", 3)
    assert raw.get(f"{nodes}/Two").status_code == 404


# -- projects ------------------------------------------------------------------------------------


def test_an_item_moves_to_another_project_with_its_number(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """As recorded: project and both paths change in one patch; addresses and the item's project follow, the id stays."""
    number = sim.add_issue(title="Leaves")
    sim.organisation.add_project("Ledger")
    path = f"_apis/wit/workitems/{number}"
    names = ("System.TeamProject", "System.AreaPath", "System.IterationPath")
    assert patch(raw, path, field(names[0], "Ledger")).json()["message"].startswith("TF401347")
    assert patch(raw, path, field(names[0], "Nowhere")).status_code == 400
    moved = patch(raw, path, *(field(name, "Ledger") for name in names)).json()
    assert (moved["id"], moved["rev"]) == (number, 2)
    ledger = {each["name"]: each["id"] for each in raw.get("_apis/projects").json()["value"]}["Ledger"]
    assert f"/{ledger}/_apis/wit/workItems/{number}" in moved["url"]
    assert raw.get("Ledger/_apis/wit/classificationnodes/areas").json()["name"] == "Ledger"


@pytest.mark.parametrize(("leave", "told"), [(False, [1, 2]), (True, [1])])
def test_a_projects_feed_may_not_tell_who_left(leave: bool, told: list[int]) -> None:
    """A project's feed tells revisions made in it; whether it tells the one that led away is a rule, as nobody wrote it down."""
    with served(AzureDevOpsSimulator(moved_leave_feed=leave)) as sim, http(sim) as client:
        number = sim.add_issue(title="Leaves")
        sim.move(number, "Ledger")
        sim.edit(number, title="Elsewhere")
        feed = "_apis/wit/reporting/workItemRevisions"
        assert [entry["rev"] for entry in client.get(f"Payments/{feed}").json()["values"]] == told
        assert [entry["rev"] for entry in client.get(f"Ledger/{feed}").json()["values"]] == [2, 3]
        assert [entry["rev"] for entry in client.get(feed).json()["values"]] == [1, 2, 3]


def test_who_left_is_still_named_but_gets_no_work(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """Work items go on naming a person who left; assigning anything to that address is refused."""
    number = sim.add_issue(title="Left behind", assignee="grace")
    sim.leave("grace")
    path = f"_apis/wit/workitems/{number}"
    kept = patch(raw, path, field("System.Title", "Still hers")).json()["fields"]["System.AssignedTo"]
    assert kept["uniqueName"] == "grace@acme.example"
    again = patch(raw, path, field("System.AssignedTo", "grace@acme.example"))
    assert (again.status_code, "unknown identity" in again.json()["message"]) == (400, True)


def test_a_markdown_comment_keeps_its_format(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """A comment written as Markdown is text as written, rendered when asked for, and stays Markdown when edited."""
    number = sim.add_issue(title="Talk")
    path = f"Payments/_apis/wit/workItems/{number}/comments"
    made = raw.post(f"{path}?format=markdown", json={"text": "a < b\n\n* c"}).json()
    assert (made["text"], made["format"]) == ("a < b\n\n* c", "markdown")
    raw.patch(f"{path}/{made['id']}", json={"text": "**d** & e"})
    shown = raw.get(f"{path}?$expand=renderedText").json()["comments"][0]
    assert (shown["text"], shown["format"], shown["version"]) == ("**d** & e", "markdown", 2)
    assert shown["renderedText"] == "<p>**d** &amp; e</p>\n"
