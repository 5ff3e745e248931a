"""A plan is what the next cycle does, and an applied plan is what was reviewed, or nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.core.guard import Limits
from sync.engine.cycle import apply_cycle, plan_cycle
from sync.engine.effects import differences, effects
from sync.engine.report import Applied, PlanReport
from sync.testing.memory import MemoryAdapter
from tests.scenarios.foretold import check_foretold
from tests.scenarios.world import AZURE, DIFFERENT, GITHUB, JIRA, NAMES, SHELF, World, with_knobs


def reviewed(world: World) -> PlanReport:
    """A plan that a person looks at for a minute."""
    plan = world.plan()
    world.clock.advance(60)
    return plan


def apply(world: World, plan: PlanReport) -> Applied:
    """Apply it."""
    return apply_cycle(world.bridge, plan)


# -- the law ---------------------------------------------------------------------------------------


def test_a_first_sync_of_a_family_is_foretold(world):
    """Parents, links, comments and files of copies that do not exist yet are in the plan."""
    jira = world.trackers[JIRA]
    epic = jira.create(title="Epic", type="Epic")
    child = jira.create(title="Child", parent=epic, text="see below")
    jira.edit(child, links=[f"relates:{epic}"])
    jira.comment(child, "as agreed")
    jira.attach(child, "refund.png", b"pixels", author="ada", media_type="image/png")
    plan, _ = check_foretold(world.bridge)
    whole = next(one for one in plan.writes if one.key == "ISSUE-2" and one.replica == GITHUB)
    assert {(one.field.value, one.new) for one in whole.changes if one.field.value in ("parent", "title")} == {
        ("parent", "EPIC-1"),
        ("title", "Child"),
    }
    assert [(one.action, one.file) for one in plan.writes if one.file] == [("attach", "refund.png")] * 2
    assert sorted(one.action for one in plan.writes if one.replica == AZURE) == [
        "attach",
        "comment",
        "create",
        "create",
    ]


def test_what_has_to_wait_for_its_turn_is_foretold(world):
    """A parent that is made after its child, and links in a chain, are part of the copies that the plan shows."""
    jira = world.trackers[JIRA]
    child, parent, last = (jira.create(title=title) for title in ("Child", "Parent", "Last"))
    jira.edit(child, parent=parent)
    jira.edit(parent, links=[f"blocks:{child}", f"relates:{last}"])
    plan, _ = check_foretold(world.bridge)
    assert {one.action for one in plan.writes} == {"create"}
    shown = {one.key: {change.field.value: change.new for change in one.changes} for one in plan.writes}
    assert shown["ISSUE-1"]["parent"] == "ISSUE-2"
    assert world.cycle().writes == {JIRA: 0, GITHUB: 0, AZURE: 0}


def test_a_file_is_foretold_without_being_read(world):
    """A file that no other can be the same as is not downloaded for a plan."""
    ref = world.trackers[JIRA].create(title="Refunds")
    world.settle()
    world.trackers[JIRA].attach(ref, "refund.png", b"pixels", author="ada", media_type="image/png")
    plan = world.plan()
    assert [(one.replica, one.file) for one in plan.writes] == [(GITHUB, "refund.png"), (AZURE, "refund.png")]
    assert "download" not in world.bridge.replicas[JIRA].adapter.traffic.by_route
    check_foretold(world.bridge)


def test_the_same_file_on_two_sides_is_foretold(world):
    """Files of one size are compared as the sync compares them."""
    ref = world.trackers[JIRA].create(title="Refunds")
    world.settle()
    world.trackers[JIRA].attach(ref, "a.png", b"pixels", author="ada", media_type="image/png")
    world.trackers[GITHUB].attach(
        world.twin(JIRA, ref, GITHUB), "b.png", b"pixels", author="ada", media_type="image/png"
    )
    plan, _ = check_foretold(world.bridge)
    assert [one.replica for one in plan.writes] == [AZURE]


def test_a_workflow_of_edits_is_foretold(world):
    """Edits on all sides, conflicts among them, comments edited and deleted, a file taken away."""
    jira, github = world.trackers[JIRA], world.trackers[GITHUB]
    one, two = (jira.create(title=title, text="a\nb\nc") for title in ("One", "Two"))
    said, gone = jira.comment(one, "first"), jira.comment(one, "second")
    file = jira.attach(two, "refund.png", b"pixels", author="ada", media_type="image/png")
    world.settle()
    jira.edit(one, title="Left", state="Done", text="a\nb\nc\nd")
    github.edit(world.twin(JIRA, one, GITHUB), title="Right", text="z\na\nb\nc", labels=["money"])
    jira.edit_comment(said, "first again")
    jira.delete_comment(gone, author="grace")
    jira.detach(two, file, author="ada")
    plan, report = check_foretold(world.bridge)
    assert report.conflicts == 1
    assert {"update", "edit comment", "delete comment", "remove attachment"} <= {write.action for write in plan.writes}


def test_what_one_tracker_can_not_say_is_foretold(make_world):
    """A value without a word in a tracker is a problem of the plan as it is one of the sync."""
    world = make_world(with_knobs(GITHUB, priorities={"P0": "Highest"}))
    world.trackers[JIRA].create(title="Refunds", priority="P1")
    plan, report = check_foretold(world.bridge)
    assert len(plan.problems) == len(report.problems)


def test_a_halt_is_foretold_with_what_it_stops(world):
    """The plan of a braked cycle shows the writes that a person may let through; the cycle writes nothing."""
    refs = [world.trackers[JIRA].create(title=f"Ticket {number}") for number in range(9)]
    world.settle()
    for ref in refs:
        world.trackers[JIRA].edit(ref, title=f"New {ref}")
    plan, report = check_foretold(world.bridge)
    assert len(plan.writes) == 18
    assert [one.name for one in report.halts] == ["mass_change"]
    assert sum(report.writes.values()) == 0


def test_a_plan_leaves_nothing_behind(world):
    """Planned any number of times, and the cycle afterwards does it once."""
    world.trackers[JIRA].create(title="Refunds")
    plans = [world.plan() for _ in range(3)]
    assert all(effects(one.writes) == effects(plans[0].writes) for one in plans)
    assert all(len(world.trackers[name].tickets()) == 0 for name in (GITHUB, AZURE))
    with world.store.read() as tx:
        assert list(tx.tickets.list(world.bridge.name)) == []
        assert all(entry.phase != "intent" for entry in tx.audit.entries())
    assert world.cycle().writes == {JIRA: 0, GITHUB: 1, AZURE: 1}


EDITS = {
    "title": st.sampled_from(("Refunds", "Returns", "Money back")),
    "text": st.sampled_from(("a\nb\nc", "a\nb\nc\nd", "z\na\nb", "")),
    "labels": st.lists(st.sampled_from(("money", "urgent", "web")), unique=True, max_size=3),
    "state": st.sampled_from(("Open", "Done", "Doing")),
    "priority": st.sampled_from((None, "P0", "P2")),
    "people": st.lists(st.sampled_from(("ada", "grace")), unique=True, max_size=1),
    "comment": st.text("xyz", min_size=1, max_size=3),
    "create": st.sampled_from(("Issue", "Epic", "Bug")),
}
an_edit = st.sampled_from(sorted(EDITS)).flatmap(
    lambda what: st.tuples(st.sampled_from(NAMES), st.integers(0, 2), st.just(what), EDITS[what])
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rounds=st.lists(st.lists(an_edit, min_size=1, max_size=4), min_size=1, max_size=3))
def test_every_history_is_foretold(rounds):
    """Whatever people do on whichever side, each plan is what the cycle after it does."""
    with tempfile.TemporaryDirectory(prefix="trackdown-foretold-", dir=SHELF) as shelf:
        world = World(Path(shelf), DIFFERENT)
        try:
            world.bridge.limits = Limits(allow_mass_change=True)
            world.trackers[JIRA].create(title="First", text="a\nb\nc")
            check_foretold(world.bridge)
            for edits in rounds:
                for place, number, what, value in edits:
                    tracker = world.trackers[place]
                    found = tracker.tickets()
                    if what == "create":
                        tracker.create(
                            title=f"New {len(found)}", type=value, parent=found[0]["id"] if value == "Issue" else None
                        )
                    elif what == "comment":
                        tracker.comment(found[number % len(found)]["id"], value, author="grace")
                    elif what != "state" or value in tracker.knobs.statuses.values():
                        tracker.edit(found[number % len(found)]["id"], author="ada", **{what: value})
                world.clock.advance(60)
                check_foretold(world.bridge)
        finally:
            world.close()


# -- apply -----------------------------------------------------------------------------------------


def test_an_applied_plan_does_what_was_shown(world):
    """Nothing changed since: it is carried out, and then there is nothing to do."""
    ref = world.trackers[JIRA].create(title="Refunds")
    world.settle()
    world.trackers[JIRA].edit(ref, title="Returns")
    plan = reviewed(world)
    applied = apply(world, plan)
    assert (applied.differences, applied.report.halts) == ((), [])
    assert applied.report.writes == {JIRA: 0, GITHUB: 1, AZURE: 1}
    assert sum(world.cycle().writes.values()) == 0
    world.check_converged()


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"title": "Credits"}, "ISSUE-1, update in github, title: it would become 'Credits' now, and not 'Returns'"),
        ({"labels": ["money"]}, "ISSUE-1, update in github, labels: new: 'money'"),
        ({"title": "Refunds"}, "ISSUE-1, update in github, title: not needed any more: 'Refunds' → 'Returns'"),
    ],
)
def test_a_stale_plan_writes_nothing_and_says_what_changed(world, edit, said):
    """Field by field, in words."""
    ref = world.trackers[JIRA].create(title="Refunds")
    world.settle()
    world.trackers[JIRA].edit(ref, title="Returns")
    plan = reviewed(world)
    world.trackers[JIRA].edit(ref, **edit)
    before = world.writes()
    applied = apply(world, plan)
    assert said in applied.differences
    assert [one.name for one in applied.report.halts] == ["stale_plan"]
    assert world.writes() == before
    assert sum(world.cycle().writes.values()) == (0 if edit == {"title": "Refunds"} else 2)


def test_an_edit_on_the_other_side_makes_a_plan_stale(world):
    """It would not be overwritten: there would be a conflict now."""
    ref = world.trackers[JIRA].create(title="Refunds")
    world.settle()
    world.trackers[JIRA].edit(ref, title="Returns")
    plan = reviewed(world)
    world.trackers[GITHUB].edit(world.twin(JIRA, ref, GITHUB), title="Money back")
    applied = apply(world, plan)
    assert any("a conflict" in line for line in applied.differences)
    assert world.native(JIRA, ref, GITHUB)["title"] == "Money back"


def test_a_plan_that_was_carried_out_is_stale(world):
    """It is not done twice."""
    world.trackers[JIRA].create(title="Refunds")
    plan = reviewed(world)
    apply(world, plan)
    again = apply(world, plan)
    assert all("not needed any more" in line for line in again.differences)
    assert len(world.trackers[GITHUB].tickets()) == 1


def test_a_reviewed_plan_lifts_the_brake_for_what_it_shows_and_nothing_else(world):
    """Nine rewrites were shown and are written; one more that was not shown stops it all."""
    refs = [world.trackers[JIRA].create(title=f"Ticket {number}") for number in range(10)]
    world.settle()
    for ref in refs[:9]:
        world.trackers[JIRA].edit(ref, title=f"New {ref}")
    plan = reviewed(world)
    assert [one.name for one in plan.halts] == ["mass_change"]
    world.trackers[JIRA].edit(refs[9], title="One more")
    assert [one.name for one in apply(world, plan).report.halts] == ["stale_plan"]
    applied = apply(world, reviewed(world))
    assert applied.report.halts == []
    assert applied.report.writes == {JIRA: 0, GITHUB: 10, AZURE: 10}


def test_a_reviewed_plan_does_not_lift_the_other_guards(make_world):
    """A clock that nobody can believe stops an applied plan too."""
    from datetime import timedelta

    world = make_world(with_knobs(AZURE, skew=timedelta(hours=30)))
    world.trackers[JIRA].create(title="Refunds")
    plan = reviewed(world)
    applied = apply(world, plan)
    assert [one.name for one in applied.report.halts] == ["clock_skew"]
    assert sum(applied.report.writes.values()) == 0


def test_differences_of_equal_plans_are_none(world):
    """Ids of tickets that are not there yet, and the time, are no difference."""
    world.trackers[JIRA].create(title="Refunds")
    assert differences(plan_cycle(world.bridge), plan_cycle(world.bridge)) == ()


def test_a_plan_says_what_it_rests_on(world):
    """For each ticket that is written, the versions that were read."""
    ref = world.trackers[JIRA].create(title="Refunds")
    world.settle()
    world.trackers[JIRA].edit(ref, title="Returns")
    (basis,) = world.plan().rests_on
    version = next(iter(MemoryAdapter(world.trackers[JIRA]).fetch([ref]))).version
    assert basis.key == "ISSUE-1"
    assert basis.versions[JIRA] == version
    assert set(basis.versions) == set(NAMES)
