"""Relations of the Azure DevOps simulator: every link type, both ends, indexes, limits, and the links feed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from azure.devops.v7_1.work_item_tracking.models import JsonPatchOperation

from adapters._simulator import served
from adapters.azure_devops.simulator import AzureDevOpsSimulator, links
from adapters.azure_devops.simulator.acting import LINKS
from adapters.azure_devops.simulator.errors import ApiError
from tests.simulators.azure_devops_support import field, http, no_library_cache, patch, raw, sim, tracking

__all__ = ["no_library_cache", "raw", "sim"]


def added(sim: AzureDevOpsSimulator, rel: str, other: int, comment: str = "") -> dict[str, Any]:
    value: dict[str, Any] = {"rel": rel, "url": f"{sim.url}/_apis/wit/workItems/{other}"}
    if comment:
        value["attributes"] = {"comment": comment}
    return {"op": "add", "path": "/relations/-", "value": value}


def at_rev(rev: int) -> dict[str, Any]:
    return {"op": "test", "path": "/rev", "value": rev}


@pytest.mark.parametrize(
    ("word", "seen"),
    [
        ("blocks", "blocked by"),
        ("blocked by", "blocks"),
        ("relates", "relates"),
        ("duplicates", "duplicated by"),
        ("duplicated by", "duplicates"),
        ("parent", "child"),
        ("child", "parent"),
    ],
)
def test_a_link_is_seen_from_both_ends(sim: AzureDevOpsSimulator, raw: httpx.Client, word: str, seen: str) -> None:
    """What one end calls a successor the other calls a predecessor; removing it on either end removes it on both."""
    one, two = sim.add_issue(title="One"), sim.add_issue(title="Two")
    patch(raw, f"_apis/wit/workitems/{one}", added(sim, LINKS[word].lower(), two)).raise_for_status()
    assert (sim.links_of(one), sim.links_of(two)) == ({(word, two)}, {(seen, one)})
    assert sim.issue(one)["relations"][0]["attributes"]["name"] == links.LINK_TYPES[LINKS[word]][0]
    sim.unlink(two, one, seen)
    assert (sim.links_of(one), sim.links_of(two)) == (set(), set())


def test_the_links_feed_tells_each_link_once_from_its_forward_end(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """Making and removing links is told in order, with who did it, the type without direction, and a token to go on from."""
    one, two = sim.add_issue(title="One"), sim.add_issue(title="Two")
    sim.link(one, two, "blocked by", by="grace")
    sim.link(one, two, "relates", by="grace")
    first = raw.get("_apis/wit/reporting/workItemLinks").json()
    sim.unlink(two, one, "blocks", by="alan@acme.example")
    token = first["continuationToken"]
    later = raw.get("_apis/wit/reporting/workItemLinks", params={"continuationToken": token}).json()
    told = [
        (row["rel"], row["sourceId"], row["targetId"], row["isActive"], row["changedBy"])
        for row in first["values"] + later["values"]
    ]
    grace, alan = "Grace Hopper <grace@acme.example>", "Alan Turing <alan@acme.example>"
    assert told == [
        ("System.LinkTypes.Dependency", two, one, True, grace),
        ("System.LinkTypes.Related", one, two, True, grace),
        ("System.LinkTypes.Dependency", two, one, False, alan),
    ]


def test_links_neither_raise_rev_nor_spend_a_test_of_it(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """As recorded: adding, commenting and removing a link all pass the test of one rev, and ChangedDate stays."""
    one, two = sim.add_issue(title="One"), sim.add_issue(title="Two")
    path, before = f"_apis/wit/workitems/{one}", sim.issue(one)["fields"]["System.ChangedDate"]
    link = patch(raw, path, at_rev(1), added(sim, LINKS["blocks"], two, "why"))
    assert link.json()["relations"][0]["attributes"]["comment"] == "why"
    comment = {"op": "replace", "path": "/relations/0/attributes/comment", "value": "because"}
    changed = patch(raw, path, at_rev(1), comment).json()
    assert changed["relations"][0]["attributes"]["comment"] == "because"
    assert sim.issue(two)["relations"][0]["attributes"]["comment"] == "because"
    gone = patch(raw, path, at_rev(1), {"op": "remove", "path": "/relations/0"}).json()
    assert "relations" not in gone
    assert (gone["rev"], gone["fields"]["System.ChangedDate"]) == (1, before)
    updates = tracking(sim).get_updates(two, "Payments")
    assert [update.rev for update in updates] == [1, 1, 1, 1]
    assert updates[2].relations.updated[0].attributes["comment"] == "because"
    assert updates[3].relations.removed[0].rel == LINKS["blocked by"]


def test_with_the_rule_a_link_is_a_revision_on_both_ends() -> None:
    """Where links raise rev, a second link under the rev that was read is a 412, on the other end too."""
    with served(AzureDevOpsSimulator(links_raise_rev=True)) as sim, http(sim) as client:
        one, two, three = (sim.add_issue(title=f"Item {n}") for n in range(3))
        assert (
            patch(client, f"_apis/wit/workitems/{one}", at_rev(1), added(sim, LINKS["blocks"], two)).status_code == 200
        )
        for end in (one, two):
            stale = patch(client, f"_apis/wit/workitems/{end}", at_rev(1), added(sim, LINKS["relates"], three))
            assert (stale.status_code, stale.json()["typeKey"]) == (412, "TestPatchOperationFailedException")
        sim.unlink(two, one, "blocked by")
        assert [sim.issue(end)["rev"] for end in (one, two, three)] == [3, 3, 1]


@pytest.mark.parametrize("status", [400, 500])
def test_circles_of_dependencies_are_refused(status: int) -> None:
    """A dependency that closes a circle, over however many hops, is TF201035 and leaves both ends alone."""
    with served(AzureDevOpsSimulator(circular_status=status)) as sim, http(sim) as client:
        one, two, three = (sim.add_issue(title=f"Item {n}") for n in range(3))
        sim.link(one, two, "blocks")
        sim.link(two, three, "blocks")
        answer = patch(
            client, f"_apis/wit/workitems/{three}", field("System.Title", "New"), added(sim, LINKS["blocks"], one)
        )
        assert answer.status_code == status
        message = f"TF201035: Adding a Successor link between work items {three} and {one} would result in a circular"
        assert answer.json()["message"].startswith(message)
        assert (sim.issue(three)["rev"], sim.links_of(one)) == (1, {("blocks", two)})
        with pytest.raises(ApiError, match="You cannot link work item"):
            sim.link(one, one, "relates")


def test_a_tree_has_one_way_up(sim: AzureDevOpsSimulator) -> None:
    """A work item has one parent and is the duplicate of one other, whichever end the second link is made on."""
    first, second, child = (sim.add_issue(title=f"Item {n}") for n in range(3))
    sim.link(child, first, "parent")
    sim.link(child, first, "duplicates")
    for item, other, word, name, up in (
        (child, second, "parent", "Parent", "Parent"),
        (second, child, "child", "Child", "Parent"),
        (child, second, "duplicates", "Duplicate Of", "Duplicate Of"),
        (second, child, "duplicated by", "Duplicate", "Duplicate Of"),
    ):
        with pytest.raises(ApiError) as caught:
            sim.link(item, other, word)
        assert (caught.value.status, caught.value.type_key) == (400, "WorkItemLinkInvalidException")
        assert caught.value.message == (
            f"TF201036: You cannot add a {name} link between work items {item} and {other} "
            f"because a work item can have only one {up} link."
        )


def test_a_parent_is_replaced_in_one_patch(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """The old parent's link is removed by its index and the new one added, under one test of rev."""
    first, second, child = (sim.add_issue(title=f"Item {n}") for n in range(3))
    sim.link(child, first, "parent")
    sim.link(child, second, "relates")
    shown = sim.issue(child)["relations"]
    index = next(at for at, relation in enumerate(shown) if relation["rel"] == LINKS["parent"])
    remove = {"op": "remove", "path": f"/relations/{index}"}
    answer = patch(raw, f"_apis/wit/workitems/{child}", at_rev(1), remove, added(sim, LINKS["parent"], second))
    assert answer.json()["fields"]["System.Parent"] == second
    assert sim.links_of(first) == set()


def test_what_is_there_already_is_refused(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """A link or hyperlink that is there, in other letters too, is RelationAlreadyExistsException; from both ends."""
    one, two = sim.add_issue(title="One", links=["https://acme.example/A"]), sim.add_issue(title="Two")
    sim.link(one, two, "blocks")
    hyperlink = {"op": "add", "path": "/relations/-", "value": {"rel": "Hyperlink", "url": "https://acme.example/a"}}
    for end, operation in (
        (one, added(sim, LINKS["blocks"], two)),
        (two, added(sim, LINKS["blocked by"], one)),
        (one, hyperlink),
    ):
        answer = patch(raw, f"_apis/wit/workitems/{end}", operation)
        assert (answer.status_code, answer.json()["typeKey"]) == (400, "RelationAlreadyExistsException")


def test_links_to_what_is_not_there_are_refused(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """An unknown or deleted work item is TF401232, an unknown type or address a 400."""
    one, gone = sim.add_issue(title="One"), sim.add_issue(title="Gone")
    sim.delete(gone)
    path = f"_apis/wit/workitems/{one}"
    for other in (gone, 999):
        answer = patch(raw, path, added(sim, LINKS["relates"], other))
        assert (answer.status_code, answer.json()["message"][:9]) == (404, "TF401232:")
    assert patch(raw, path, added(sim, "System.LinkTypes.Unheard", gone)).status_code == 400
    bad = {"op": "add", "path": "/relations/-", "value": {"rel": LINKS["relates"], "url": "https://acme.example"}}
    assert patch(raw, path, bad).status_code == 400


def test_a_work_item_has_a_thousand_links_at_most(sim: AzureDevOpsSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The link after the last that the service takes is refused."""
    assert links.LINK_LIMIT == 1_000
    monkeypatch.setattr(links, "LINK_LIMIT", 2)
    one, *others = (sim.add_issue(title=f"Item {n}") for n in range(4))
    sim.link(one, others[0], "relates")
    sim.link(one, others[1], "relates")
    with pytest.raises(ApiError, match="cannot have more than 2 links"):
        sim.link(one, others[2], "relates")


def test_links_to_deleted_items_hide_and_come_back(sim: AzureDevOpsSimulator) -> None:
    """While an item lies in the recycle bin its links are not shown; restoring shows them again."""
    one, two = sim.add_issue(title="One"), sim.add_issue(title="Two")
    sim.link(one, two, "blocks")
    sim.delete(two)
    assert "relations" not in sim.issue(one)
    sim.restore(two)
    assert sim.links_of(one) == {("blocks", two)}
    sim.destroy(two)
    assert sim.links_of(one) == set()


def test_relation_types_tell_topology(sim: AzureDevOpsSimulator) -> None:
    """The catalogue of link types says which end is which, what is a tree and what has no direction; as recorded."""
    known = {each.reference_name: each for each in tracking(sim).get_relation_types()}
    tree = known["System.LinkTypes.Hierarchy-Forward"].attributes
    assert (tree["topology"], tree["isForward"], tree["singleTarget"]) == ("tree", True, False)
    opposite = known["System.LinkTypes.Dependency-Reverse"].attributes["oppositeEndReferenceName"]
    assert opposite == "System.LinkTypes.Dependency-Forward"
    assert known["System.LinkTypes.Related"].attributes["topology"] == "network"
    assert tracking(sim).get_relation_type("AttachedFile").name == "Attached File"


def test_the_library_links_in_the_casing_of_the_docs(sim: AzureDevOpsSimulator) -> None:
    """`Dependency-forward`, as documentation spells it, is taken and shown as `Dependency-Forward`."""
    one, two = sim.add_issue(title="One"), sim.add_issue(title="Two")
    value = {"rel": "System.LinkTypes.Dependency-forward", "url": f"{sim.url}/_apis/wit/workItems/{two}"}
    operation = JsonPatchOperation(op="add", path="/relations/-", value=value)
    shown = tracking(sim).update_work_item([operation], one).relations
    assert [relation.rel for relation in shown] == ["System.LinkTypes.Dependency-Forward"]
