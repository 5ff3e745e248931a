"""States and reasons: the moves of the process are followed, and what stands in the way is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.azure_devops.codec import CODEC
from sync.core.changes import diff_fields
from sync.core.errors import Rejected
from sync.core.models import Field
from tests.adapters.azure_devops_support import Bench, bench

POINTS = "Microsoft.VSTS.Scheduling.StoryPoints"
#: One step at a time, and no way to Removed.
STAIRS = {
    "User Story": {
        "New": ("Active",),
        "Active": ("New", "Resolved"),
        "Resolved": ("Active", "Closed"),
        "Closed": ("Active",),
    }
}


def states_sent(ops: list[Any]) -> list[Any]:
    return [one["value"] for op in ops for one in op.payload["patch"] if one["path"] == "/fields/System.State"]


def test_a_way_of_several_moves_is_walked() -> None:
    """Each request is one move, the shortest way through states that end nothing; what else changed goes first."""
    with bench(workflow=STAIRS) as azure:
        number = azure.simulator.add_issue(title="One", type="User Story")
        sent = azure.apply(number, status="done", title="Two")
        assert [op.fields for op in sent] == [{Field.TITLE}, *[{Field.STATUS}] * 3]
        assert states_sent(sent) == ["Active", "Resolved", "Closed"]
        assert states_sent(azure.apply(number, status="open")) == ["Active", "New"]


def test_no_way_leads_through_the_end_of_the_work() -> None:
    """A longer way is taken rather than one that would close or remove the work item on its way, unless it is the only one."""
    short = {"New": ("Removed", "Active"), "Removed": ("Resolved",), "Active": ("Closed",), "Closed": ("Resolved",)}
    longer = {**short, "Active": ("Closed", "New", "Resolved"), "Resolved": ("Active",)}
    for moves, way in ((longer, ["Active", "Resolved"]), (short, ["Removed", "Resolved"])):
        with bench(workflow={"Bug": moves, "User Story": moves}) as azure:
            number = azure.simulator.add_issue(title="One", type="User Story")
            states = azure.mapping.facts.extra["states"]["User Story"]  # type: ignore[index]
            states["Resolved"] = "Resolved"
            sent = []
            for _ in way:
                (op,) = azure.encoded(number, status="review")
                sent.append(op)
                azure.adapter.write(op)
            assert states_sent(sent) == way


def test_a_status_without_a_way_waits() -> None:
    """The problem names both states; everything else on the ticket flows, and nothing is foretold that will not be."""
    stuck = {"User Story": {"New": ("Active",), "Active": ("New",)}}
    with bench(workflow=stuck) as azure:
        number = azure.simulator.add_issue(title="One", type="User Story")
        said = azure.said(number, status="done", title="Two", priority="P0")
        assert [op.fields for op in said.ops] == [{Field.TITLE, Field.PRIORITY}]
        (problem,) = said.problems
        assert problem.field is Field.STATUS
        assert "'New'" in problem.message
        assert "'Closed'" in problem.message
        assert azure.held(number, status="done", title="Two") == {Field.TITLE: "Two"}


def test_a_required_field_is_filled_from_the_mapping(tmp_path: Path) -> None:
    """A rule of the process is met by `[screen.done]`, where nobody has filled the field; without it the status waits."""
    rules = {"User Story/Closed": [POINTS, "Custom.Customer"]}
    with bench(required_fields=rules) as azure:
        number = azure.simulator.add_issue(title="One", type="User Story", fields={POINTS: 5})
        first, second = azure.encoded(number, status="done", title="Two")
        azure.adapter.write(first)
        (second,) = azure.encoded(number, status="done")
        with pytest.raises(Rejected) as caught:
            azure.adapter.write(second)
        (problem,) = caught.value.problems
        assert problem.field is Field.STATUS
        assert "Customer" in problem.message
        assert "[screen." in problem.mend
        assert "Custom.Customer" in problem.mend
        assert azure.fields(number)[Field.TITLE] == "Two"
        azure.use(tmp_path, f'[screen.done]\nCustomer = "nobody in particular"\n"{POINTS}" = "1"\n"No Such" = "x"')
        azure.apply(number, status="done")
        found = azure.simulator.issue(number)["fields"]
        assert (found["Custom.Customer"], found[POINTS]) == ("nobody in particular", 5)


def test_a_required_field_at_birth(tmp_path: Path) -> None:
    """What a type demands from the start comes from the screen of the status in which it starts."""
    with bench(required_fields={"User Story": ["Custom.Seats"]}) as azure:
        azure.use(tmp_path, '[screen.open]\nSeats = "1"')
        made = azure.adapter.write(_created(azure, title="One", kind="issue", type="feature"))
        assert azure.simulator.issue(int(made.ref))["fields"]["Custom.Seats"] == 1


def test_not_planned_is_the_removed_state() -> None:
    """Where a type has such a state it says why by itself, forth and back; done ones change their mind too."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="One", type="User Story")
        for reason, state in (("not_planned", "Removed"), ("completed", "Closed"), ("duplicate", "Removed")):
            azure.apply(number, status="done", reason=reason)
            assert azure.simulator.issue(number)["fields"]["System.State"] == state
        assert azure.fields(number)[Field.REASON] == "not_planned", "the nearest that this type can say"
        azure.apply(number, status="open", reason=None)
        assert azure.fields(number)[Field.REASON] is None


def test_a_bug_says_why_in_words() -> None:
    """A reason goes with the move to the state, in a word that the type has; by itself it can't be changed."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="One", type="Bug")
        (op,) = azure.apply(number, status="done", reason="duplicate")
        assert op.fields == {Field.STATUS, Field.REASON}
        found = azure.simulator.issue(number)["fields"]
        assert (found["System.State"], found["System.Reason"]) == ("Closed", "Duplicate")
        assert azure.fields(number)[Field.REASON] == "duplicate"
        said = azure.said(number, reason="completed")
        assert (said.ops, [one.field for one in said.problems]) == ((), [Field.REASON])
        assert azure.held(number, reason="completed") == {}


def test_a_type_that_has_no_word_for_it() -> None:
    """In the Basic process work is done and nothing else: the reason is told as a problem, the status goes."""
    with bench(process="Basic") as azure:
        number = azure.simulator.add_issue(title="One")
        said = azure.said(number, status="done", reason="not_planned")
        assert [op.fields for op in said.ops] == [{Field.STATUS}]
        assert [one.field for one in said.problems] == [Field.REASON]
        azure.apply(number, status="done", reason="not_planned")
        assert azure.fields(number)[Field.REASON] == "completed"


def test_a_refused_reason_is_told_as_such(tmp_path: Path) -> None:
    """Which reasons a move takes is told nowhere; a refusal names the reason, so that the status can go without it."""
    with bench() as azure:
        azure.use(tmp_path, '[fields.reason.values]\nnot_planned = ["Test Failed"]')
        number = azure.simulator.add_issue(title="One", type="Bug")
        (op,) = azure.encoded(number, status="done", reason="not_planned")
        with pytest.raises(Rejected) as caught:
            azure.adapter.write(op)
        assert [one.field for one in caught.value.problems] == [Field.REASON]


def test_a_new_type_needs_no_move() -> None:
    """A change of type takes a state of that type along, whatever the workflow says."""
    with bench(workflow=STAIRS) as azure:
        number = azure.simulator.add_issue(title="One", type="User Story", state="Active")
        (op,) = azure.apply(number, type="bug", status="done")
        assert op.fields == {Field.TYPE, Field.STATUS}
        found = azure.simulator.issue(number)["fields"]
        assert (found["System.WorkItemType"], found["System.State"]) == ("Bug", "Closed")


def _created(azure: Bench, **wanted: Any) -> Any:
    changes = diff_fields({}, {Field(name): value for name, value in wanted.items()})
    return CODEC.encode(changes, None, azure.mapping, azure.caps).ops[0]
