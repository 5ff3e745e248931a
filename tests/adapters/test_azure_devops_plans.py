"""Plans, places and people's own fields on work items: each type of each process holds them in fields of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.azure_devops.codec import CODEC, FIELDS
from sync.core.changes import diff_fields
from sync.core.errors import Rejected
from sync.core.models import UNKNOWN, Field
from tests.adapters.azure_devops_support import Bench, bench

SCHEDULING = "Microsoft.VSTS.Scheduling."
CUSTOM = """
[custom.customer]
type = "text"
native = "Customer"

[custom.seats]
type = "number"
native = "Custom.Seats"

[custom.exposure]
type = "number"
native = "Custom.Exposure"

[custom.live]
type = "datetime"
native = "Go Live"

[custom.regulated]
type = "boolean"
native = "Regulated"

[custom.tier]
type = "choice"
native = "Tier"
values = { best = ["Gold"] }

[custom.approver]
type = "person"
native = "Approver"

[custom.note]
type = "text"
native = "Release Note"

[custom.nowhere]
type = "text"
native = "No Such Field"
"""
VALUES: dict[str, tuple[Any, ...]] = {
    "custom__customer": ("Acme & <Sons>", None),
    "custom__seats": ("12", None),
    "custom__exposure": ("0.25", "3", None),
    "custom__live": ("2026-02-28T08:30:00Z", None),
    "custom__regulated": ("true", "false"),
    "custom__tier": ("best", "Silver", None),
    "custom__approver": ("ada", None),
    "custom__note": ("Some **words**", None),
}


def path_of(op: Any) -> list[str]:
    return [one["path"].removeprefix("/fields/") for one in op.payload["patch"]]


@pytest.mark.parametrize(
    ("process", "type_", "place"),
    [
        ("Agile", "User Story", "StoryPoints"),
        ("Agile", "Epic", "Effort"),
        ("Scrum", "Product Backlog Item", "Effort"),
        ("Basic", "Issue", "Effort"),
        ("CMMI", "Requirement", "Size"),
    ],
)
def test_points_are_where_the_process_has_them(process: Any, type_: str, place: str) -> None:
    """Points are one field in canonical terms and three in Azure DevOps."""
    with bench(process=process) as azure:
        number = azure.simulator.add_issue(title="One", type=type_)
        assert azure.apply(number, points="5")
        assert azure.fields(number)[Field.POINTS] == "5"
        assert azure.simulator.issue(number)["fields"][SCHEDULING + place] == 5
        azure.apply(number, points=None)
        assert SCHEDULING + place not in azure.simulator.issue(number)["fields"]


def test_a_type_without_the_field_says_nothing_of_it() -> None:
    """In Agile a Task has hours and no points, a User Story points and no hours: the project carries both."""
    hours = {Field.ESTIMATE, Field.REMAINING, Field.SPENT}
    with bench() as azure:
        assert azure.caps.fields >= {*hours, Field.POINTS, Field.SEVERITY, Field.START, Field.TARGET, Field.DUE}
        task = azure.simulator.add_issue(title="One", type="Task")
        story = azure.simulator.add_issue(title="Two", type="User Story")
        assert azure.fields(task).keys() & {*hours, Field.POINTS} == hours
        assert azure.fields(story).keys() & {*hours, Field.POINTS} == {Field.POINTS}
        wanted = {"points": "5", "estimate": "6.5", "title": "Both"}
        for number, held in ((task, Field.ESTIMATE), (story, Field.POINTS)):
            assert azure.held(number, **wanted).keys() == {Field.TITLE, held}
            azure.apply(number, **wanted)
            assert azure.fields(number)[held] == {Field.ESTIMATE: "6.5", Field.POINTS: "5"}[held]


def test_a_new_type_takes_the_points_along() -> None:
    """A story that becomes an epic keeps its points, which are in another field there."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="One", type="User Story", fields={SCHEDULING + "StoryPoints": 8})
        azure.apply(number, kind="epic")
        found = azure.simulator.issue(number)["fields"]
        assert (found["System.WorkItemType"], found[SCHEDULING + "Effort"]) == ("Epic", 8)
        assert SCHEDULING + "StoryPoints" not in found
        assert azure.fields(number)[Field.POINTS] == "8"


def test_points_of_the_type_before_are_still_the_points() -> None:
    """A person's change of type leaves the points in the old place; nobody has cleared them, and the next edit moves them."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="One", type="User Story", fields={SCHEDULING + "StoryPoints": 8})
        azure.simulator.edit(number, type="Epic")
        assert azure.fields(number)[Field.POINTS] == "8"
        assert azure.encoded(number, points="8") == ()
        assert azure.held(number, points=None) == {}
        azure.apply(number, points="5")
        assert azure.fields(number)[Field.POINTS] == "5"
        assert azure.simulator.issue(number)["fields"][SCHEDULING + "Effort"] == 5


def test_the_mapping_may_name_another_place(tmp_path: Path) -> None:
    """`native` of a field is a reference name or the name that people see; a milestone has a place only that way."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="One", type="Epic")
        azure.use(
            tmp_path, '[fields.points]\nnative = "Business Value"\n[fields.milestone]\nnative = "Custom.Customer"'
        )
        assert azure.mapping.placed == {Field.POINTS, Field.MILESTONE}
        azure.apply(number, points="5", milestone=frozenset({"1.0"}))
        found = azure.simulator.issue(number)["fields"]
        assert (found["Microsoft.VSTS.Common.BusinessValue"], found["Custom.Customer"]) == (5, "1.0")
        assert azure.fields(number)[Field.MILESTONE] == {"1.0"}
        assert azure.encoded(number, milestone=frozenset({"0.9", "1.0"})) == ()
        said = azure.said(number, points="0.5")
        assert (said.ops, [one.field for one in said.problems]) == ((), [Field.POINTS])


def test_a_day_is_the_midnight_of_whoever_picked_it() -> None:
    """The web page keeps a day as midnight of the user's own zone, in UTC; it is read as that day and not written again."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="One", type="Epic")
        for told in ("2026-03-30T22:00:00Z", "2026-03-31T00:00:00Z", "2026-03-31T07:00:00Z"):
            azure.simulator.edit(number, fields={SCHEDULING + "TargetDate": told})
            assert azure.fields(number)[Field.TARGET] == "2026-03-31"
            assert azure.encoded(number, target="2026-03-31") == ()
        azure.apply(number, target="2026-04-01", start="1752-12-31")
        assert azure.simulator.issue(number)["fields"][SCHEDULING + "TargetDate"] == "2026-04-01T00:00:00Z"
        assert Field.START not in azure.held(number, start="1752-12-31")


def test_custom_fields_of_every_type(tmp_path: Path) -> None:
    """Each comes back as it was written and as the service keeps it; a field that the project lacks is not there."""
    with bench() as azure:
        azure.use(tmp_path, CUSTOM)
        number = azure.simulator.add_issue(title="One")
        for name, values in VALUES.items():
            (field,) = azure.held(number, **{name: values[0]})
            for value in values:
                azure.apply(number, **{name: value})
                assert azure.fields(number)[field] == value
        azure.apply(number, custom__seats="12", custom__approver="ada", custom__tier="best", custom__note="**bold**")
        found = azure.simulator.issue(number)["fields"]
        assert (found["Custom.Seats"], found["Custom.Tier"]) == (12, "Gold")
        assert found["Custom.Approver"]["uniqueName"] == "ada@acme.example"
        assert "<strong>bold</strong>" in found["Custom.ReleaseNote"]
        assert Field("custom.nowhere") not in azure.fields(number)


def test_what_a_field_will_not_take_is_left_out(tmp_path: Path) -> None:
    """A word outside the list, a stranger, a fraction where whole numbers stand: each is told, the others are written."""
    with bench() as azure:
        azure.use(tmp_path, CUSTOM)
        number = azure.simulator.add_issue(title="One")
        odd = {"custom__tier": "Platinum", "custom__approver": "grace", "custom__seats": "0.5", "custom__live": "soon"}
        said = azure.said(number, title="Two", **odd)
        assert {one.field for one in said.problems} == {Field(name.replace("__", ".")) for name in odd}
        assert "Platinum" in next(one.message for one in said.problems if one.field == "custom.tier")
        assert [op.fields for op in said.ops] == [{Field.TITLE}]
        azure.simulator.edit(number, fields={"Custom.Regulated": True})
        assert azure.held(number, custom__regulated=None) == {}, "the process fills it again"


def test_a_refusal_names_the_field_as_it_is_called_here(tmp_path: Path) -> None:
    """Whatever the service calls the field, its refusal is told of the ticket's own, so that the others can go on."""
    with bench() as azure:
        azure.use(tmp_path, CUSTOM + '\n[fields.points]\nnative = "Effort"')
        number = azure.simulator.add_issue(title="One", type="Epic")
        (op,) = azure.encoded(number, title="Two", custom__approver="azure:Alan Turing")
        with pytest.raises(Rejected) as caught:
            azure.adapter.write(op)
        assert [one.field for one in caught.value.problems] == [Field("custom.approver")]
        body = {"message": f"TF401326: Invalid field status 'InvalidType' for field '{SCHEDULING}Effort'."}
        azure.answers("(?i)/workitems/", body, status=400, method="PATCH")
        with pytest.raises(Rejected) as caught:
            azure.adapter.write(azure.encoded(number, points="3")[0])
        assert [one.field for one in caught.value.problems] == [Field.POINTS]


def test_severity_is_never_empty() -> None:
    """A default of the process fills it again, so none can't be held; an unknown word is unknown, with the mend."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="One", type="Bug")
        azure.apply(number, severity="critical")
        assert azure.fields(number)[Field.SEVERITY] == "critical"
        assert azure.held(number, severity=None) == {}
        native = azure.read(number)
        native.payload["fields"]["Microsoft.VSTS.Common.Severity"] = "9 - Cosmetic"
        decoded = CODEC.decode(native, azure.mapping)
        assert decoded.snapshot.fields[Field.SEVERITY] is UNKNOWN
        assert [("9 - Cosmetic" in one.message, one.field) for one in decoded.problems] == [(True, Field.SEVERITY)]


# -- areas and iterations ------------------------------------------------------------------------


def test_iteration_and_area_are_paths_below_the_project() -> None:
    """The project itself is none; names without a node are told, and the rest is written."""
    with bench() as azure:
        number = _planned(azure)
        assert (azure.fields(number)[Field.SPRINT], azure.fields(number)[Field.COMPONENTS]) == (None, frozenset())
        sent = azure.apply(number, sprint="release 1/Sprint 2", components=frozenset({"Nowhere", "Billing/Cards"}))
        assert len(sent) == 1
        found = azure.simulator.issue(number)["fields"]
        assert found["System.IterationPath"] == "Payments\\Release 1\\Sprint 2"
        assert found["System.AreaPath"] == "Payments\\Billing\\Cards"
        assert azure.encoded(number, components=frozenset({"API", "Billing/Cards"})) == (), "the present one stays"
        said = azure.said(number, sprint="Sprint 9", title="Two")
        assert [("Sprint 9" in one.message, one.field) for one in said.problems] == [(True, Field.SPRINT)]
        assert [op.fields for op in said.ops] == [{Field.TITLE}]
        azure.apply(number, sprint=None, components=frozenset())
        assert azure.simulator.issue(number)["fields"]["System.AreaPath"] == "Payments"


def test_a_leaf_may_be_mapped(tmp_path: Path) -> None:
    """The mapping calls an iteration by another name, by its path or by its last part."""
    with bench() as azure:
        number = _planned(azure)
        azure.use(
            tmp_path,
            '[fields.sprint.values]\n"S2" = ["Sprint 2"]\n[fields.components.values]\n"pay" = ["Billing/Cards"]',
        )
        azure.apply(number, sprint="S2", components=frozenset({"pay"}))
        assert azure.simulator.issue(number)["fields"]["System.IterationPath"] == "Payments\\Release 1\\Sprint 2"
        assert azure.fields(number)[Field.SPRINT] == "S2"
        assert azure.fields(number)[Field.COMPONENTS] == {"pay"}


def test_missing_iterations_are_made_where_the_mapping_allows(tmp_path: Path) -> None:
    """From the top down, by a request of its own, once; a node that somebody made meanwhile is as good."""
    with bench() as azure:
        number, other = _planned(azure), azure.simulator.add_issue(title="Other")
        azure.use(tmp_path, "[fields.sprint]\ncreate = true")
        ops = azure.encoded(number, title="Two", sprint="Release 1/Late/Sprint 3")
        assert [op.fields for op in ops] == [{Field.TITLE}, {Field.SPRINT}]
        azure.simulator.add_iteration("Payments\\Release 1\\Late")
        for each in (number, other):
            azure.apply(each, sprint="Release 1/Late/Sprint 3")
            assert azure.fields(each)[Field.SPRINT] == "Release 1/Late/Sprint 3"
        made = [one for one in azure.simulator.requests if "classificationnodes" in one["path"].lower()]
        assert [one["status"] for one in made] == [409, 201]
        assert azure.held(number, sprint="what?/a:name") == {}


def test_a_renamed_iteration_is_read_by_its_new_name() -> None:
    """A rename is no revision: whoever reads the work item next sees it."""
    with bench() as azure:
        number = _planned(azure)
        azure.apply(number, sprint="Release 1/Sprint 2")
        azure.simulator.rename_iteration("Payments\\Release 1", "Release One")
        assert azure.fields(number)[Field.SPRINT] == "Release One/Sprint 2"
        assert azure.encoded(number, sprint="Release One/Sprint 2") == ()


def _planned(azure: Bench) -> int:
    for path in ("Release 1\\Sprint 1", "Release 1\\Sprint 2"):
        azure.simulator.add_iteration(f"Payments\\{path}")
    for path in ("API", "Billing\\Cards"):
        azure.simulator.add_area(f"Payments\\{path}")
    azure.caps = azure.adapter.probe()
    azure.mapping = azure.mapping.mapping.bind(azure.caps.facts, azure.people)
    azure.simulator.requests.clear()
    return azure.simulator.add_issue(title="Planned")


# -- history -------------------------------------------------------------------------------------


def test_history_tells_of_plans(tmp_path: Path) -> None:
    """Each field as the type held it then, the reason beside the state that it was given with."""
    with bench() as azure:
        azure.use(tmp_path, CUSTOM)
        number = _planned(azure)
        since = azure.read(number).updated_at
        azure.simulator.edit(
            number, fields={SCHEDULING + "StoryPoints": 3, "Custom.Tier": "Gold"}, area="Payments\\API"
        )
        azure.simulator.edit(number, state="Removed")
        told = {
            one.field: (one.old, one.new, one.author)
            for event in azure.adapter.history([azure.read(number).ref], since)
            for one in CODEC.decode_event(event, azure.mapping)
        }
        assert told == {
            Field.POINTS: (None, "3", "ada"),
            Field("custom.tier"): (None, "best", "ada"),
            Field.COMPONENTS: (frozenset(), frozenset({"API"}), "ada"),
            Field.STATUS: ("open", "done", "ada"),
            Field.REASON: (None, "not_planned", "ada"),
        }


# -- who made it ---------------------------------------------------------------------------------


def test_the_reporter_is_told_and_never_set() -> None:
    """Who made a work item is known; what we made ourselves says nothing of a reporter."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="Theirs")
        assert azure.caps.tells == {Field.REPORTER}
        assert azure.fields(number)[Field.REPORTER] == "ada"
        assert azure.held(number, reporter="ada") == {Field.REPORTER: "ada"}
        assert azure.held(number, reporter="grace") == {}
        assert azure.encoded(number, reporter="grace") == ()
        changes = diff_fields({}, {Field.TITLE: "Ours", Field.KIND: "issue"})
        made = azure.adapter.write(CODEC.encode(changes, None, azure.mapping, azure.caps).ops[0])
        assert Field.REPORTER not in azure.fields(int(made.ref))


def test_people_are_mentioned_by_their_mail_address() -> None:
    """The service knows a mention by a GUID; who may be assigned something is known by both."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="One")
        azure.apply(number, body="Ask [@ada](mention:ada) and @grace.")
        (guid,) = (one["id"] for one in [azure.simulator.issue(number)["fields"]["System.CreatedBy"]])
        assert guid in azure.simulator.issue(number)["fields"]["System.Description"]
        assert azure.fields(number)[Field.BODY] == "Ask [@ada](mention:ada) and @grace."


# -- what the server will not tell ---------------------------------------------------------------


def test_a_server_that_tells_less_is_left_to_judge() -> None:
    """Without the lists of fields and nodes the core is carried, and a path that is not there is the service's refusal."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="One")
        for path in ("/wit/fields$", "/fields$", "(?i)/classificationnodes$"):
            azure.answers(path, {"message": "TF400813: not for you"}, status=403, method="GET", times=99)
        azure.caps = azure.adapter.probe()
        azure.simulator.faults.clear()
        azure.mapping = azure.mapping.mapping.bind(azure.caps.facts, azure.people)
        assert azure.caps.fields == FIELDS
        assert Field.POINTS not in azure.fields(number)
        (op,) = azure.encoded(number, sprint="Sprint 9")
        with pytest.raises(Rejected) as caught:
            azure.adapter.write(op)
        assert [one.field for one in caught.value.problems] == [Field.SPRINT]
        azure.apply(number, title="Two", status="done", priority="P0")
        assert azure.fields(number)[Field.STATUS] == "done"
