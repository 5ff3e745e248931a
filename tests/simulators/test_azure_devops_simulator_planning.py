"""Typed and custom fields, scheduling, reasons and workflows of the Azure DevOps simulator."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from adapters._simulator import served
from adapters.azure_devops.simulator import AzureDevOpsSimulator
from adapters.azure_devops.simulator.errors import ApiError
from adapters.azure_devops.simulator.process import PROCESSES
from tests.simulators.azure_devops_support import field, http, no_library_cache, patch, raw, sim, tracking

__all__ = ["no_library_cache", "raw", "sim"]

SCHEDULING = "Microsoft.VSTS.Scheduling."
REASON = "System.Reason"


def refused(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body["typeKey"], body["message"]


# -- fields --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sent", "kept"),
    [
        ("Custom.Customer", 12, "12"),
        ("Custom.Seats", "40", 40),
        ("Custom.Exposure", "2.5", 2.5),
        ("Custom.GoLive", "2025-03-01", "2025-03-01T00:00:00Z"),
        ("Custom.GoLive", "2025-03-01T23:30:00+02:00", "2025-03-01T21:30:00Z"),
        ("Custom.Regulated", "True", True),
        ("Custom.Tier", "Gold", "Gold"),
        ("Custom.Wave", 3, 3),
        ("Custom.ReleaseNote", '<p style="x">a</p>', "<p>a</p>"),
        ("Microsoft.VSTS.Common.Severity", "1 - Critical", "1 - Critical"),
        (f"{SCHEDULING}StoryPoints", 3, 3.0),
    ],
)
def test_values_are_kept_by_type(sim: AzureDevOpsSimulator, raw: httpx.Client, name: str, sent: Any, kept: Any) -> None:
    """Each type of field takes its values in several spellings and gives them back in one."""
    number = sim.add_issue(title="Typed", type="Bug")
    answer = patch(raw, f"_apis/wit/workitems/{number}", field(name, sent))
    assert answer.status_code == 200, answer.text
    value = answer.json()["fields"][name]
    assert (value, type(value)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("Custom.Seats", 3.5),
        ("Custom.Seats", True),
        ("Custom.Seats", "many"),
        ("Custom.Exposure", "NaN"),
        ("Custom.GoLive", "not-a-date"),
        ("Custom.Regulated", "perhaps"),
        ("Custom.Customer", {"name": "Acme"}),
    ],
)
def test_values_of_another_type_are_refused(sim: AzureDevOpsSimulator, raw: httpx.Client, name: str, sent: Any) -> None:
    """A value of the wrong type is TF401326 with the field's reference name, and nothing is written."""
    number = sim.add_issue(title="Typed", type="Bug")
    answer = patch(raw, f"_apis/wit/workitems/{number}", field("System.Title", "New"), field(name, sent))
    message = f"TF401326: Invalid field status 'InvalidType' for field '{name}'."
    assert refused(answer) == (400, "WorkItemFieldInvalidException", message)
    assert sim.issue(number)["fields"]["System.Title"] == "Typed"


@pytest.mark.parametrize(
    ("name", "shown", "sent"),
    [
        ("Custom.Tier", "Tier", "Platinum"),
        ("Custom.Wave", "Wave", 4),
        ("Microsoft.VSTS.Common.Severity", "Severity", "2"),
    ],
)
def test_picklists_are_enforced(sim: AzureDevOpsSimulator, raw: httpx.Client, name: str, shown: str, sent: Any) -> None:
    """A value that a list does not have is refused with the field's shown name and the rule."""
    number = sim.add_issue(title="Listed", type="Bug")
    answer = patch(raw, f"_apis/wit/workitems/{number}", field(name, sent))
    status, key, message = refused(answer)
    assert (status, key) == (400, "RuleValidationException")
    assert message == f"The field '{shown}' contains the value '{sent}' that is not in the list of supported values"
    assert answer.json()["customProperties"]["RuleValidationErrors"][0]["fieldReferenceName"] == name


def test_a_custom_person_is_an_identity(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """An identity field takes a mail address or a descriptor, gives a reference, and refuses strangers."""
    number = sim.add_issue(title="Approve")
    path = f"_apis/wit/workitems/{number}"
    person = patch(raw, path, field("Custom.Approver", "grace@acme.example")).json()["fields"]["Custom.Approver"]
    assert person["displayName"] == "Grace Hopper"
    again = patch(raw, path, field("Custom.Approver", person["descriptor"])).json()["fields"]["Custom.Approver"]
    assert again == person
    for stranger in ("Alan Turing", "linus@acme.example"):
        assert patch(raw, path, field("Custom.Approver", stranger)).status_code == 400
    assert "Custom.Approver" not in patch(raw, path, field("Custom.Approver", "")).json()["fields"]


def test_a_boolean_is_never_empty(sim: AzureDevOpsSimulator) -> None:
    """A boolean of the process is false until somebody sets it, and again when somebody empties it."""
    number = sim.add_issue(title="Plain")
    assert sim.issue(number)["fields"]["Custom.Regulated"] is False
    sim.edit(number, fields={"Custom.Regulated": True})
    sim.edit(number, fields={"Custom.Regulated": None})
    assert sim.issue(number)["fields"]["Custom.Regulated"] is False


def test_a_field_may_be_called_by_its_display_name_once(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """Display names are taken as reference names are, but no field twice in one patch, under whatever name."""
    number = sim.add_issue(title="Named", type="Task")
    path, activity = f"_apis/wit/workitems/{number}", "Microsoft.VSTS.Common.Activity"
    assert patch(raw, path, field("Activity", "Design")).json()["fields"][activity] == "Design"
    twice = patch(raw, path, field("Activity", "Testing"), field(activity, "Testing"))
    assert twice.status_code == 400
    assert twice.json()["message"].startswith(f"VS403691: Update to work item {number} had two or more updates")


def test_some_of_the_servers_fields_ignore_writes_in_silence(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """A parent written as a field is neither set nor refused; a board column is refused."""
    parent, child = sim.add_issue(title="Epic", type="Epic"), sim.add_issue(title="Story")
    path = f"_apis/wit/workitems/{child}"
    ignored = patch(raw, path, field("System.Parent", parent), field("System.Title", "Renamed"))
    assert ignored.json()["fields"]["System.Title"] == "Renamed"
    assert "System.Parent" not in ignored.json()["fields"]
    loud = patch(raw, path, field("System.BoardColumn", "Active"))
    assert loud.json()["message"] == "TF401326: Invalid field status 'ReadOnly' for field 'System.BoardColumn'."


def test_field_definitions_tell_type_list_and_identity(sim: AzureDevOpsSimulator) -> None:
    """The organisation's fields say what each takes; a type's fields say values and defaults when asked to."""
    client = tracking(sim)
    tier = client.get_work_item_field("Custom.Tier")
    assert (tier.type, tier.is_picklist, tier.is_identity, tier.read_only) == ("string", True, False, False)
    assert client.get_work_item_field("Approver").is_identity
    assert "Custom.GoLive" in {each.reference_name for each in client.get_work_item_fields("Payments")}
    of_bug = client.get_work_item_type_fields_with_references("Payments", "Bug", expand="all")
    known = {each.reference_name: each for each in of_bug}
    assert known["Custom.Tier"].allowed_values == ["Bronze", "Silver", "Gold"]
    assert known["Microsoft.VSTS.Common.Priority"].default_value == "2"
    assert known["Microsoft.VSTS.Common.ValueArea"].always_required
    assert known["System.State"].allowed_values == ["Active", "Closed", "New", "Resolved"]
    assert {"Fixed", "Duplicate", "Verified", "Regression"} <= set(known["System.Reason"].allowed_values)
    assert known["System.AssignedTo"].allowed_values[1]["uniqueName"] == "ada@acme.example"
    plain = client.get_work_item_type_field_with_references("Payments", "Bug", "Custom.Tier")
    assert plain.allowed_values is None


@pytest.mark.parametrize(
    ("process", "kind", "fields"),
    [
        ("Agile", "User Story", {"StoryPoints", "StartDate", "FinishDate"}),
        ("Agile", "Task", {"OriginalEstimate", "RemainingWork", "CompletedWork", "StartDate", "FinishDate"}),
        ("Agile", "Epic", {"Effort", "StartDate", "TargetDate"}),
        ("Agile", "Issue", {"DueDate"}),
        ("Scrum", "Product Backlog Item", {"Effort"}),
        ("Scrum", "Task", {"RemainingWork"}),
        ("Basic", "Issue", {"Effort"}),
        ("Basic", "Epic", {"Effort", "StartDate", "TargetDate"}),
        ("CMMI", "Bug", {"Size", "OriginalEstimate", "RemainingWork", "CompletedWork"}),
    ],
)
def test_scheduling_differs_by_process(process: Any, kind: str, fields: set[str]) -> None:
    """A type has the scheduling fields of its process, and any other is TF51535 there."""
    sim = AzureDevOpsSimulator(process=process)
    known = {f"{SCHEDULING}{name}" for name in fields}
    of_type = sim.organisation.types[kind.lower()].fields
    assert {reference for reference in of_type if reference.startswith(SCHEDULING)} == known
    number = sim.add_issue(title="Planned", type=kind)
    values = {name: "2025-04-01" if name.endswith("Date") else 2 for name in known}
    sim.edit(number, fields=values)
    assert {name for name in sim.issue(number)["fields"] if name.startswith(SCHEDULING)} == known
    strange = "DueDate" if kind != "Issue" or process != "Agile" else "Effort"
    with pytest.raises(ApiError, match=f"TF51535: Cannot find field {SCHEDULING}{strange}") as caught:
        sim.edit(number, fields={f"{SCHEDULING}{strange}": "2025-04-01"})
    assert caught.value.type_key == "WorkItemTrackingFieldDefinitionNotFoundException"


# -- states and reasons --------------------------------------------------------------------------


def test_a_move_has_a_default_reason_and_offers_others(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """A move takes its first reason where none is named, another that it offers, and none beside those."""
    number = sim.add_issue(title="Fault", type="Bug")
    path = f"_apis/wit/workitems/{number}"
    assert sim.issue(number)["fields"][REASON] == "New"
    wrong = patch(raw, path, field("System.State", "Resolved"), field(REASON, "Verified"))
    message = "The field 'Reason' contains the value 'Verified' that is not in the list of supported values"
    assert refused(wrong) == (400, "RuleValidationException", message)
    resolved = patch(raw, path, field("System.State", "Resolved"), field(REASON, "Duplicate")).json()["fields"]
    assert (resolved[REASON], resolved["Microsoft.VSTS.Common.ResolvedReason"]) == ("Duplicate", "Duplicate")
    assert patch(raw, path, field("System.State", "Closed")).json()["fields"][REASON] == "Verified"
    alone = patch(raw, path, field(REASON, "Fixed and verified"))
    assert alone.status_code == 400
    assert sim.issue(number)["fields"][REASON] == "Verified"


def test_a_new_item_may_name_its_reason(sim: AzureDevOpsSimulator) -> None:
    """A new bug is New or a Build Failure, and nothing else."""
    number = sim.add_issue(title="Red", type="Bug", fields={REASON: "Build Failure"})
    assert sim.issue(number)["fields"][REASON] == "Build Failure"
    with pytest.raises(ApiError, match="The field 'Reason' contains the value 'Fixed'"):
        sim.add_issue(title="Red", type="Bug", fields={REASON: "Fixed"})


@pytest.mark.parametrize(
    ("process", "kind", "moves"),
    [
        ("Basic", "Task", [("To Do", "Added to backlog"), ("Done", "Completed")]),
        ("Scrum", "Bug", [("New", "New defect reported"), ("Approved", "Approved by the Product Owner")]),
        ("Agile", "Feature", [("New", "New"), ("Active", "Implementation started"), ("Resolved", "Stories complete")]),
        ("CMMI", "Task", [("Proposed", "New"), ("Closed", "Moved to state Closed")]),
    ],
)
def test_reasons_of_each_process(process: Any, kind: str, moves: list[tuple[str, str]]) -> None:
    """Each process has its own reasons, the recorded ones among them."""
    sim = AzureDevOpsSimulator(process=process)
    number = sim.add_issue(title="Moved", type=kind)
    for state, reason in moves:
        sim.edit(number, state=state)
        assert sim.issue(number)["fields"][REASON] == reason


def test_an_older_workflow_needs_several_hops() -> None:
    """Where a move is missing its state is refused as if it were unknown, and the type's transitions say so."""
    graph = {"User Story": {"New": ["Active"], "Active": ["Resolved"], "Resolved": ["Closed"], "Closed": []}}
    with served(AzureDevOpsSimulator(workflow=graph)) as sim, http(sim) as client:
        number = sim.add_issue(title="Story")
        direct = patch(client, f"_apis/wit/workitems/{number}", field("System.State", "Closed"))
        message = "The field 'State' contains the value 'Closed' that is not in the list of supported values"
        assert refused(direct) == (400, "RuleValidationException", message)
        shown = client.get("Payments/_apis/wit/workitemtypes/User Story").json()["transitions"]
        assert {old: [move["to"] for move in moves] for old, moves in shown.items()} == {
            "": ["New"],
            "New": ["New", "Active"],
            "Active": ["Active", "Resolved"],
            "Resolved": ["Resolved", "Closed"],
            "Closed": ["Closed"],
            "Removed": ["Removed"],
        }
        for state in ("Active", "Resolved", "Closed"):
            sim.edit(number, state=state)
        with pytest.raises(ApiError):
            sim.edit(number, state="New")


@pytest.mark.parametrize("process", list(PROCESSES))
def test_classic_workflows_name_known_states_and_have_a_way_to_the_end(process: Any) -> None:
    """In the older graphs every state is one of the type's, and a completed one can be reached from the first."""
    organisation = AzureDevOpsSimulator(process=process, workflow="classic").organisation
    for kind in organisation.types.values():
        moves = organisation.workflow.transitions(kind)
        names = {state.name for state in kind.states}
        assert {name for following in moves.values() for name in following} <= names
        reached = {kind.states[0].name}
        while grown := {name for old in reached for name in moves[old]} - reached:
            reached |= grown
        assert {state.name for state in kind.states if state.category == "Completed"} & reached


def test_a_change_of_type_keeps_the_reason_and_needs_a_known_state() -> None:
    """As recorded: type and state change in one patch, the old reason stays; a state of the old type is refused."""
    sim = AzureDevOpsSimulator(process="Scrum")
    number = sim.add_issue(title="Really a task", type="Bug")
    with pytest.raises(ApiError, match="The field 'State' contains the value 'New'"):
        sim.edit(number, type="Task")
    sim.edit(number, type="Task", state="To Do")
    fields = sim.issue(number)["fields"]
    assert (fields["System.WorkItemType"], fields["System.State"], fields[REASON]) == (
        "Task",
        "To Do",
        "New defect reported",
    )


def test_states_stamp_who_and_when(sim: AzureDevOpsSimulator) -> None:
    """Activating, resolving and closing leave their author and time; starting again takes them away."""
    number = sim.add_issue(title="Stamped", type="Bug")
    common = "Microsoft.VSTS.Common."
    sim.edit(number, state="Active", by="grace")
    sim.edit(number, state="Closed", by="alan")
    fields = sim.issue(number)["fields"]
    assert fields[f"{common}ActivatedBy"]["displayName"] == "Grace Hopper"
    assert fields[f"{common}ClosedBy"]["uniqueName"] == "alan@acme.example"
    assert datetime.fromisoformat(fields[f"{common}ClosedDate"]).tzinfo == UTC
    assert fields["System.BoardColumn"] == "Closed"
    sim.edit(number, state="New")
    assert not {f"{common}ActivatedBy", f"{common}ClosedDate"} & set(sim.issue(number)["fields"])


def test_a_disabled_type_is_a_500() -> None:
    """A type that the process switched off is told as an error of the server, VS403074."""
    with served(AzureDevOpsSimulator(disabled_types=["Bug"])) as sim, http(sim) as client:
        answer = patch(client, "Payments/_apis/wit/workitems/$Bug", field("System.Title", "No"), method="POST")
        assert (answer.status_code, answer.json()["message"][:9]) == (500, "VS403074:")
        assert client.get("Payments/_apis/wit/workitemtypes/Bug").json()["isDisabled"]


def test_too_many_revisions_are_a_500() -> None:
    """An item with as many revisions as the API takes can't be written by it any more, only by people."""
    with served(AzureDevOpsSimulator(revision_limit=3)) as sim, http(sim) as client:
        number = sim.add_issue(title="0")
        for count in range(3):
            sim.edit(number, title=str(count + 1))
        answer = patch(client, f"_apis/wit/workitems/{number}", field("System.Title", "x"))
        assert answer.status_code == 500
        assert answer.json()["message"].startswith(f"Work item {number} has 4 revisions, but currently")


def test_validate_only_changes_nothing(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """A patch that is only to be validated meets the same rules, and leaves rev and counts as they were."""
    number = sim.add_issue(title="Dry")
    path = f"_apis/wit/workitems/{number}?validateOnly=true"
    assert patch(raw, path, field("System.Title", "Wet")).json()["rev"] == 1
    assert patch(raw, path, field("System.State", "Nowhere")).status_code == 400
    create = "Payments/_apis/wit/workitems/$Bug?validateOnly=true"
    assert patch(raw, create, field("System.Title", "Dry"), method="POST").json()["id"] == -1
    assert sim.keys() == [number]
    assert sim.issue(number)["fields"]["System.Title"] == "Dry"


def test_wiql_reads_custom_fields(sim: AzureDevOpsSimulator, raw: httpx.Client) -> None:
    """Custom fields, booleans among them, take part in queries."""
    gold = sim.add_issue(title="Gold", fields={"Custom.Tier": "Gold", "Custom.Regulated": True})
    sim.add_issue(title="None")
    for clause in ("[Custom.Tier] = 'gold'", "[Regulated] = 'true'", "[Custom.Seats] <> 4 AND [Tier] = 'Gold'"):
        body = {"query": f"SELECT [System.Id] FROM WorkItems WHERE {clause}"}
        found = raw.post("Payments/_apis/wit/wiql", json=body).json()
        assert [item["id"] for item in found["workItems"]] == [gold], clause


def test_added_states_stand_with_their_category() -> None:
    """A state that an inherited process adds is listed among its category's, and can be moved to and from."""
    added = {"User Story": {"Blocked": "InProgress", "Ready": "Proposed"}}
    with served(AzureDevOpsSimulator(custom_states=added)) as sim:
        states = tracking(sim).get_work_item_type_states("Payments", "User Story")
        assert [state.name for state in states] == [
            "New",
            "Ready",
            "Active",
            "Resolved",
            "Blocked",
            "Closed",
            "Removed",
        ]
        number = sim.add_issue(title="Stuck", type="User Story")
        sim.edit(number, state="Blocked")
        fields = sim.issue(number)["fields"]
        assert (fields["System.State"], fields[REASON]) == ("Blocked", "Moved to state Blocked")
        with pytest.raises(ApiError, match="contains the value 'Blocked'"):
            sim.edit(sim.add_issue(title="Other", type="Bug"), state="Blocked")
