"""A run is taken back: what it changed goes to what stood there before, where nobody wrote since."""

from __future__ import annotations

from typing import Any

import pytest

from sync.core.errors import ConfigError
from sync.core.ids import RunId
from sync.core.models import Field
from sync.engine.report import CycleReport, UndoReport
from sync.engine.undo import plan_undo, undo_run
from tests.scenarios.foretold import check_foretold
from tests.scenarios.world import AZURE, GITHUB, JIRA, World


def undo(world: World, run: RunId, **options: Any) -> UndoReport:
    """Take a run back, a minute later."""
    world.clock.advance(60)
    return undo_run(world.bridge, run, by="ada", **options)


def at_rest(world: World) -> None:
    """The next cycle writes nothing, and all sides show the same."""
    assert sum(world.cycle().writes.values()) == 0
    world.check_converged()
    world.check_accounted()


def edited(world: World, ref: str, **native: Any) -> CycleReport:
    """A person edits in Jira, and a cycle carries it."""
    world.trackers[JIRA].edit(ref, **native)
    return world.cycle()


@pytest.fixture
def ref(world: World) -> str:
    """A ticket that stands everywhere."""
    made = world.trackers[JIRA].create(title="Refunds", text="One\nTwo", labels=["money"])
    world.settle()
    return made


def test_an_edit_is_taken_back_everywhere_where_it_was_made_too(world, ref):
    """Every tracker shows again what it showed before the run, and then there is nothing to do."""
    run = edited(world, ref, title="Broken", labels=["oops"], state="Done").run
    report = undo(world, run)
    assert report.refused == ()
    assert {one.field for one in report.undone} == {Field.TITLE, Field.LABELS, Field.STATUS}
    assert world.everywhere(JIRA, ref, "title") == ["Refunds"] * 3
    assert [sorted(labels) for labels in world.everywhere(JIRA, ref, "labels")] == [["money"]] * 3
    at_rest(world)


def test_the_plan_of_an_undo_writes_nothing_and_foretells_it(world, ref):
    """What is shown before the question is what is done after it."""
    run = edited(world, ref, title="Broken", text="One\nTwo\nThree").run
    before = {name: tracker.tickets() for name, tracker in world.trackers.items()}
    plan = plan_undo(world.bridge, run, by="ada")
    assert {name: tracker.tickets() for name, tracker in world.trackers.items()} == before
    report = undo_run(world.bridge, run, by="ada", reviewed=plan)
    assert report.differences == ()
    assert report.undone == plan.undone
    assert report.cycle.writes == {JIRA: 1, GITHUB: 1, AZURE: 1}
    assert {one.replica for one in plan.plan.writes} == {JIRA, GITHUB, AZURE}


def test_an_undo_that_is_not_what_was_shown_any_more_writes_nothing(world, ref):
    """Somebody edited while the question stood there."""
    run = edited(world, ref, title="Broken", labels=["oops"]).run
    plan = plan_undo(world.bridge, run, by="ada")
    world.trackers[GITHUB].edit(world.twin(JIRA, ref, GITHUB), title="Mended")
    world.clock.advance(60)
    report = undo_run(world.bridge, run, by="ada", reviewed=plan)
    assert report.differences
    assert [one.name for one in report.cycle.halts] == ["stale_plan"]
    assert sum(report.cycle.writes.values()) == 0


def test_what_somebody_edited_since_is_left_alone(world, ref):
    """One field was edited in GitHub and is not carried yet, one was edited and carried: both stay and are told, the rest goes back."""
    run = edited(world, ref, title="Broken", priority="P1", labels=["oops"]).run
    edited(world, ref, priority="P3")
    world.trackers[GITHUB].edit(world.twin(JIRA, ref, GITHUB), title="Mended")
    report = undo(world, run)
    assert {one.field for one in report.refused} == {Field.TITLE, Field.PRIORITY}
    reasons = {one.field: one.reason for one in report.refused}
    assert "'Mended'" in reasons[Field.TITLE]
    assert "github" in reasons[Field.TITLE]
    assert {one.field for one in report.undone} == {Field.LABELS}
    world.settle()
    assert world.everywhere(JIRA, ref, "title") == ["Mended"] * 3
    assert world.everywhere(JIRA, ref, "labels") == [["money"]] * 3
    at_rest(world)


def test_an_undo_is_undone(world, ref):
    """It is a run with entries of its own, and the undo of it brings everything back."""
    run = edited(world, ref, title="Broken").run
    first = undo(world, run)
    assert world.everywhere(JIRA, ref, "title") == ["Refunds"] * 3
    second = undo(world, first.undo)
    assert [(one.old, one.new) for one in second.undone] == [("Refunds", "Broken")]
    assert world.everywhere(JIRA, ref, "title") == ["Broken"] * 3
    at_rest(world)
    with world.store.read() as tx:
        said = [one.note for one in tx.audit.entries(run=second.undo) if one.phase == "person"]
    assert said == [f"{first.undo} by ada"]


def test_an_undo_after_an_undo_finds_nothing_to_do(world, ref):
    """What is as it was before the run already is not written once more."""
    run = edited(world, ref, title="Broken").run
    undo(world, run)
    report = undo(world, run)
    assert (report.undone, report.refused) == ((), ())
    assert sum(report.cycle.writes.values()) == 0


def test_a_comment_goes_back_to_its_text(world, ref):
    """Where it was written too; the copy that an earlier run made is not touched otherwise."""
    said = world.trackers[JIRA].comment(ref, "as agreed")
    world.settle()
    world.trackers[JIRA].edit_comment(said, "not at all")
    run = world.cycle().run
    report = undo(world, run)
    assert [(one.comment, one.new) for one in report.undone] == [(True, "as agreed")]
    for name in (JIRA, GITHUB, AZURE):
        assert "as agreed" in world.comments(name, world.twin(JIRA, ref, name))[0]
    at_rest(world)


def test_a_deleted_comment_is_told_with_its_text(world, ref):
    """Its copies do not come back, and the person can read what it said."""
    said = world.trackers[JIRA].comment(ref, "as agreed")
    world.settle()
    world.trackers[JIRA].delete_comment(said, author="grace")
    run = world.cycle().run
    report = undo(world, run)
    assert {one.replica for one in report.refused} == {GITHUB, AZURE}
    assert all("'as agreed'" in one.reason for one in report.refused)
    assert sum(report.cycle.writes.values()) == 0


def test_copies_stay_unless_they_are_to_be_closed(world):
    """By default they are listed; with the option the copies are closed and let go, and the ticket itself is not touched."""
    ref = world.trackers[JIRA].create(title="Refunds")
    run = world.cycle().run
    kept = undo(world, run)
    assert sum(kept.cycle.writes.values()) == 0
    assert {one.replica for one in kept.kept if one.replica} == {GITHUB, AZURE}
    report = undo(world, run, close_created=True)
    assert report.refused == ()
    assert report.cycle.writes == {JIRA: 0, GITHUB: 1, AZURE: 1}
    assert world.trackers[JIRA].ticket(ref)["state"] == "Open"
    assert [world.trackers[name].tickets()[0]["state"] for name in (GITHUB, AZURE)] == ["Done", "Done"]
    assert sum(world.cycle().writes.values()) == 0
    assert all(len(tracker.tickets()) == 1 for tracker in world.trackers.values())


def test_a_copy_that_somebody_worked_on_is_not_closed(world):
    """It stays open and in step, and is told."""
    ref = world.trackers[JIRA].create(title="Refunds")
    run = world.cycle().run
    world.trackers[GITHUB].comment(world.twin(JIRA, ref, GITHUB), "mine")
    report = undo(world, run, close_created=True)
    assert [one.replica for one in report.refused] == [GITHUB]
    assert world.native(JIRA, ref, GITHUB)["state"] == "Open"
    assert world.trackers[AZURE].tickets()[0]["state"] == "Done"


def test_an_undo_touches_only_its_own_tickets(world, ref):
    """What else there is to do is left to the next sync."""
    run = edited(world, ref, title="Broken").run
    other = world.trackers[JIRA].create(title="Other")
    report = undo(world, run)
    assert report.cycle.writes == {JIRA: 1, GITHUB: 1, AZURE: 1}
    assert len(world.trackers[GITHUB].tickets()) == 1
    world.settle()
    assert world.everywhere(JIRA, other, "title") == ["Other"] * 3


def test_many_tickets_go_back_at_once(world):
    """Who has seen the plan of an undo has lifted the brake by it."""
    refs = [world.trackers[JIRA].create(title=f"Ticket {number}") for number in range(12)]
    world.settle()
    for ref in refs:
        world.trackers[JIRA].edit(ref, title=f"Broken {ref}")
    run = world.cycle(allow=True).run
    report = undo(world, run)
    assert report.cycle.halts == []
    assert len(report.undone) == 12
    assert world.everywhere(JIRA, refs[3], "title") == ["Ticket 3"] * 3


def test_a_settled_conflict_is_told(world, ref):
    """Its other claims can still be chosen."""
    world.trackers[JIRA].edit(ref, title="Left")
    world.clock.advance(30)
    world.trackers[GITHUB].edit(world.twin(JIRA, ref, GITHUB), title="Right")
    run = world.cycle().run
    report = undo(world, run)
    assert len(report.conflicts) == 1
    assert world.everywhere(JIRA, ref, "title") == ["Refunds"] * 3


def test_a_run_that_is_not_there(world, ref):
    """Is said so."""
    with pytest.raises(ConfigError, match="no run R-99"):
        plan_undo(world.bridge, RunId("R-99"), by="ada")


def test_what_follows_an_undo_is_foretold(world, ref):
    """The law of plans holds over what an undo left for the next cycle."""
    run = edited(world, ref, title="Broken").run
    undo(world, run)
    world.trackers[JIRA].edit(ref, title="Once more")
    check_foretold(world.bridge)
