"""Everything else that a team puts on a ticket: plans, dates, names, reporters and fields of its own."""

from __future__ import annotations

from typing import Any

import pytest

from sync.core.ids import NativeRef
from sync.core.mapping import CUSTOM_SETS, CUSTOM_TYPES, CustomRow, ValueMap
from sync.core.models import Field
from sync.testing.memory import ACCOUNT, MemoryKnobs
from tests.scenarios.world import ALIKE, AZURE, DIFFERENT, GITHUB, JIRA, NAMES, World, with_knobs

PLANS = {
    "severity": "High",
    "components": ["api", "billing"],
    "estimate": 23_400,
    "remaining": 7_200,
    "spent": 900,
    "points": 0.5,
    "sprint": "Sprint 1",
    "milestones": ["1.0"],
    "start": "2026-01-31",
    "target": "2026-02-28",
    "due": "2026-03-01",
}
REGIONS = ValueMap(values={"eu": ("Europe",), "us": ("America",)})


def linked(world: World, **native: Any) -> NativeRef:
    """A ticket that stands everywhere."""
    ref = world.trackers[JIRA].create(title="Refunds", **native)
    world.settle()
    return ref


def edit(world: World, name: str, ref: str, **native: Any) -> None:
    """A person edits the ticket that Jira calls `ref`."""
    world.trackers[name].edit(world.twin(JIRA, ref, name), **native)


def at_rest(world: World) -> None:
    """The cycle after this one writes nothing, and all sides show the same."""
    assert sum(world.cycle().writes.values()) == 0
    world.check_converged()
    world.check_once()
    world.check_accounted()


def test_a_new_ticket_arrives_with_all_its_plans(world):
    """One create a tracker carries them all, and no request follows."""
    ref = world.trackers[JIRA].create(title="Refunds", **PLANS)
    report = world.cycle()
    assert report.writes == {JIRA: 0, GITHUB: 1, AZURE: 1}
    for key, value in PLANS.items():
        assert world.everywhere(JIRA, ref, key) == [value] * 3
    at_rest(world)


@pytest.mark.parametrize("key", PLANS)
def test_each_is_edited_and_taken_away(world, key):
    """An edit anywhere is one write on each other side, and so is taking the value away."""
    ref = linked(world)
    edit(world, GITHUB, ref, **{key: PLANS[key]})
    assert world.cycle().writes == {JIRA: 1, GITHUB: 0, AZURE: 1}
    assert world.everywhere(JIRA, ref, key) == [PLANS[key]] * 3
    empty = [] if isinstance(PLANS[key], list) else None
    edit(world, AZURE, ref, **{key: empty})
    assert world.cycle().writes == {JIRA: 1, GITHUB: 1, AZURE: 0}
    assert world.everywhere(JIRA, ref, key) == [empty] * 3
    at_rest(world)


def test_different_amounts_are_edited_on_two_sides(world):
    """Who logs work does not touch what somebody else plans: fields are merged one by one."""
    ref = linked(world, estimate=28_800, remaining=28_800)
    edit(world, GITHUB, ref, spent=7_200, remaining=21_600)
    edit(world, AZURE, ref, estimate=36_000, points=3)
    report = world.cycle()
    assert report.conflicts == 0
    for key, value in {"spent": 7_200, "remaining": 21_600, "estimate": 36_000, "points": 3}.items():
        assert world.everywhere(JIRA, ref, key) == [value] * 3
    at_rest(world)


def test_the_same_amount_on_two_sides_is_a_conflict(world):
    """The later one wins, and the earlier one is kept with its author."""
    ref = linked(world, estimate=28_800)
    edit(world, AZURE, ref, estimate=14_400, author="grace")
    world.clock.advance(30)
    edit(world, GITHUB, ref, estimate=36_000, author="alan")
    report = world.cycle()
    assert report.conflicts == 1
    assert world.everywhere(JIRA, ref, "estimate") == [36_000] * 3
    (conflict,) = world.conflicts()
    assert conflict.field is Field.ESTIMATE
    assert {(claim.value, claim.author) for claim in conflict.claims} >= {("4", "grace"), ("10", "alan")}
    at_rest(world)


def test_hours_that_mean_the_same_are_no_edit(world):
    """Thirty seconds more or less are not told: every tracker counts in minutes."""
    ref = linked(world, estimate=3_600)
    edit(world, GITHUB, ref, estimate=3_620)
    assert sum(world.cycle().writes.values()) == 0
    at_rest(world)


def test_names_come_from_all_sides(world):
    """Everybody's components and milestones are added and removed one by one; what others added stays."""
    ref = linked(world, components=["api", "billing"], milestones=["1.0"])
    edit(world, JIRA, ref, components=["api", "billing", "jira's own"])
    edit(world, GITHUB, ref, components=["billing"], milestones=["1.0", "2.0"])
    edit(world, AZURE, ref, components=["api", "billing", "azure's own"])
    assert world.cycle().conflicts == 0
    for name in NAMES:
        assert set(world.native(JIRA, ref, name)["components"]) == {"billing", "jira's own", "azure's own"}
        assert set(world.native(JIRA, ref, name)["milestones"]) == {"1.0", "2.0"}
    at_rest(world)


def test_a_name_that_one_project_has_not(make_world):
    """It is told once and stays where it can be; the project's own names, in its own spelling, stay as they are."""
    world = make_world(with_knobs(AZURE, names={Field.COMPONENTS: ("API", "azure's own"), Field.SPRINT: ("Sprint 2",)}))
    ref = world.trackers[JIRA].create(title="Refunds", components=["api", "billing"], sprint="Sprint 1")
    report = world.cycle()
    told = {problem.message for problem in report.problems}
    assert any("billing" in message for message in told)
    assert any("Sprint 1" in message for message in told)
    assert world.everywhere(JIRA, ref, "components") == [["api", "billing"], ["api", "billing"], ["API"]]
    assert world.everywhere(JIRA, ref, "sprint") == ["Sprint 1", "Sprint 1", None]
    world.settle()
    edit(world, AZURE, ref, components=["API", "azure's own"])
    world.settle()
    assert set(world.native(JIRA, ref, JIRA)["components"]) == {"api", "billing", "azure's own"}
    assert set(world.native(JIRA, ref, AZURE)["components"]) == {"API", "azure's own"}
    edit(world, JIRA, ref, sprint="Sprint 2")
    world.settle()
    assert world.everywhere(JIRA, ref, "sprint") == ["Sprint 2"] * 3
    assert sum(world.cycle().writes.values()) == 0


def test_a_server_that_drops_names_in_silence_is_noticed(make_world):
    """What is not there after the write is told, and is not read as somebody's removal."""
    world = make_world(with_knobs(AZURE, drops_names=True))
    world.trackers[AZURE].names["components"] = ["api"]
    ref = world.trackers[JIRA].create(title="Refunds", components=["api", "billing"])
    for _ in range(3):
        world.cycle()
    assert world.everywhere(JIRA, ref, "components") == [["api", "billing"], ["api", "billing"], ["api"]]
    assert sum(world.cycle().writes.values()) == 0
    edit(world, JIRA, ref, components=["billing"])
    world.settle()
    assert world.everywhere(JIRA, ref, "components")[1:] == [["billing"], []]
    assert sum(world.cycle().writes.values()) == 0


def test_one_milestone_beside_several(make_world):
    """A tracker with one keeps the one it has while it is wanted; what it can't hold is nobody's removal."""
    world = make_world(with_knobs(AZURE, max_milestones=1))
    ref = linked(world, milestones=["2.0"])
    edit(world, JIRA, ref, milestones=["1.0", "2.0"])
    world.settle()
    assert world.everywhere(JIRA, ref, "milestones")[2] == ["2.0"]
    assert set(world.native(JIRA, ref, GITHUB)["milestones"]) == {"1.0", "2.0"}
    edit(world, AZURE, ref, title="Refunds fail")
    world.settle()
    assert set(world.native(JIRA, ref, JIRA)["milestones"]) == {"1.0", "2.0"}
    at_rest(world)
    edit(world, AZURE, ref, milestones=["3.0"])
    world.settle()
    assert set(world.native(JIRA, ref, JIRA)["milestones"]) == {"1.0", "3.0"}
    assert world.native(JIRA, ref, AZURE)["milestones"] == ["3.0"]
    at_rest(world)


def test_a_reporter_that_is_only_told_of(make_world):
    """Who reported stands in every tracker that can be told; ours is nobody's report."""
    world = make_world(with_knobs(GITHUB, tells=frozenset({Field.REPORTER})))
    github, jira = world.trackers[GITHUB], world.trackers[JIRA]
    theirs = github.create(title="From outside", author="grace")
    ours = jira.create(title="From inside", author="alan")
    world.settle()
    assert {name: world.native(GITHUB, theirs, name)["reporter"] for name in NAMES} == dict.fromkeys(NAMES, "grace")
    assert {name: world.native(JIRA, ours, name)["reporter"] for name in NAMES} == {
        JIRA: "alan",
        GITHUB: ACCOUNT,
        AZURE: "alan",
    }
    jira.edit(ours, reporter="ada")
    github.edit(world.twin(JIRA, ours, GITHUB), title="From inside again")
    world.settle()
    assert world.everywhere(JIRA, ours, "reporter") == ["ada", ACCOUNT, "ada"]
    at_rest(world)


def test_a_reporter_without_an_account_elsewhere(make_world):
    """A stranger's ticket goes everywhere, costs nothing afterwards, and keeps its reporter where it came from."""
    world = make_world(ALIKE)
    ref = world.trackers[GITHUB].create(title="From a stranger", author="somebody")
    world.settle()
    assert world.native(GITHUB, ref, GITHUB)["reporter"] == "somebody"
    world.trackers[JIRA].edit(world.twin(GITHUB, ref, JIRA), title="Seen")
    world.settle()
    assert world.native(GITHUB, ref, GITHUB)["reporter"] == "somebody"
    assert world.native(GITHUB, ref, GITHUB)["title"] == "Seen"
    at_rest(world)


def _custom(prefix: str, types: tuple[str, ...] = CUSTOM_TYPES) -> dict[Field, CustomRow]:
    return {
        Field(f"custom.{one}[]" if one in CUSTOM_SETS else f"custom.{one}"): CustomRow(
            type=one, native=f"{prefix}_{one}", values=REGIONS if one.startswith("choice") else ValueMap()
        )
        for one in types
    }


def test_custom_fields_of_every_type(make_world):
    """Each is called otherwise in each tracker, and spelled in its own way; the ones that a tracker has not stay with the others."""
    knobs = {
        JIRA: MemoryKnobs(custom=_custom("cf")),
        GITHUB: MemoryKnobs(custom=_custom("field", ("text", "number", "choices"))),
        AZURE: MemoryKnobs(custom=_custom("Custom"), conditional_writes=True),
    }
    world = make_world(knobs)
    native: dict[str, Any] = {
        "text": "Acme", "number": 12.5, "date": "2026-12-31", "datetime": "2026-01-05T10:00:00+02:00", "boolean": False,
        "choice": "Europe", "person": "ada", "url": "https://acme.example", "choices": ["America", "Europe"],
        "people": ["ada", "grace"],
    }  # fmt: skip
    assert set(native) == set(CUSTOM_TYPES)
    ref = linked(world, **{f"cf_{type_}": value for type_, value in native.items()})
    shown = {**native, "datetime": "2026-01-05T08:00:00Z"}
    there = {key: value for key, value in world.native(JIRA, ref, AZURE).items() if key.startswith("Custom_")}
    assert there == {f"Custom_{type_}": value for type_, value in shown.items()}
    assert world.native(JIRA, ref, GITHUB)["field_choices"] == ["America", "Europe"]
    edit(world, AZURE, ref, Custom_number=13, Custom_boolean=True, Custom_choices=["Europe", "Peru"])
    edit(world, GITHUB, ref, field_choices=["America", "Europe", "Chile"])
    world.settle()
    jira = world.native(JIRA, ref, JIRA)
    assert (jira["cf_number"], jira["cf_boolean"], world.native(JIRA, ref, GITHUB)["field_number"]) == (13, True, 13)
    assert set(jira["cf_choices"]) == {"Europe", "Peru", "Chile"}
    edit(world, JIRA, ref, cf_date=None, cf_people=["grace"])
    world.settle()
    assert world.native(JIRA, ref, AZURE)["Custom_date"] is None
    assert world.native(JIRA, ref, AZURE)["Custom_people"] == ["grace"]
    at_rest(world)


def test_a_field_that_one_tracker_lacks_goes_past_it(make_world):
    """What it can't hold goes between the others, and is no problem."""
    lacking = frozenset({Field.POINTS, Field.DUE, Field.SEVERITY, Field.COMPONENTS})
    world = make_world(with_knobs(GITHUB, fields=DIFFERENT[GITHUB].fields - lacking))
    ref = linked(world, points=3, due="2026-03-01", severity="Low", components=["api"])
    assert world.native(JIRA, ref, AZURE)["points"] == 3
    assert "points" not in world.native(JIRA, ref, GITHUB)
    edit(world, AZURE, ref, points=5, components=[])
    edit(world, GITHUB, ref, title="Refunds fail")
    report = world.cycle()
    assert not report.problems
    assert world.native(JIRA, ref, JIRA)["points"] == 5
    assert world.native(JIRA, ref, JIRA)["components"] == []
    at_rest(world)


def test_idle_with_everything_on_it(make_world):
    """Tickets with all that can be on one cost no more when nothing happens."""
    world = make_world({name: with_knobs(name, custom=_custom(name))[name] for name in NAMES})
    jira = world.trackers[JIRA]
    refs = [jira.create(title=f"Ticket {number}", **PLANS, jira_text="Acme") for number in range(4)]
    jira.edit(refs[0], links=[f"blocks:{ref}" for ref in refs[1:]])
    jira.attach(refs[0], "a.txt", b"words")
    world.settle()
    for _ in range(2):
        report = world.cycle()
        assert report.requests == {JIRA: 1, GITHUB: 2, AZURE: 1}
    at_rest(world)
