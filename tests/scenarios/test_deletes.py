"""Tickets that somebody deleted, hid or moved in one tracker: what is believed when, and what the other copies are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from sync.core.errors import Rejected
from sync.core.guard import Limits
from sync.core.models import Gone
from sync.engine.adopt import remove_link
from sync.engine.cycle import apply_cycle, run_cycle
from sync.engine.report import CycleReport
from sync.engine.runtime import OnDelete
from sync.testing.faults import Crash, Fault, FaultyAdapter, scripted
from sync.testing.memory import ACCOUNT, MemoryKnobs
from tests.scenarios.world import ALIKE, AZURE, DIFFERENT, GITHUB, JIRA, World, with_knobs

AFTER = timedelta(minutes=5)


@pytest.fixture
def told(make_world: Callable[..., World]) -> World:
    """A world in which GitHub tells of deletions by itself, and Azure can't delete."""
    knobs = {**DIFFERENT, GITHUB: replace(DIFFERENT[GITHUB], reports_gone=True)}
    return make_world({**knobs, AZURE: replace(DIFFERENT[AZURE], can_delete=False)}, gone_after=AFTER)


def linked(world: World, **native: object) -> tuple[str, str]:
    """A ticket that stands everywhere: what it is called in Jira, and in GitHub."""
    ref = world.trackers[JIRA].create(title="Refunds", **native)
    world.settle()
    return ref, world.twin(JIRA, ref, GITHUB)


def consenting(world: World, *, mass: bool = False) -> CycleReport:
    """One cycle that may delete."""
    world.clock.advance(60)
    limits = world.bridge.limits
    world.bridge.limits = Limits(allow_deletes=True, allow_mass_change=mass)
    try:
        return run_cycle(world.bridge)
    finally:
        world.bridge.limits = limits


def gone_for_good(world: World, on_delete: OnDelete) -> tuple[str, CycleReport]:
    """A ticket of which GitHub's copy was deleted, and the cycle that made sure of it."""
    world.bridge.on_delete = on_delete
    ref, copy = linked(world)
    world.trackers[GITHUB].delete(copy)
    world.cycle()
    return ref, world.cycle(after=AFTER.total_seconds())


def states(world: World, ref: str) -> list[object]:
    """The ticket in Jira and in Azure DevOps."""
    return [world.native(JIRA, ref, name)["state"] for name in (JIRA, AZURE)]


def test_one_look_is_not_believed(told):
    """At the first sight it is told and nothing else happens; its other copies go on, and writes to it wait."""
    ref, copy = linked(told)
    told.trackers[GITHUB].delete(copy)
    report = told.cycle()
    assert ["not found in github" in problem.message for problem in report.problems] == [True]
    told.trackers[JIRA].edit(ref, title="Refunds fail", links=[])
    report = told.cycle()
    assert report.writes[GITHUB] == 0
    assert not report.problems
    assert told.native(JIRA, ref, AZURE)["title"] == "Refunds fail"
    assert told.links()[next(iter(told.links()))][GITHUB].missing_since is not None
    assert sum(told.cycle().requests.values()) == 4


def test_what_was_missing_for_a_moment_goes_on(told):
    """It is there at the second look: what was written on both sides meanwhile is in step again, without a new copy."""
    ref, copy = linked(told)
    github = told.trackers[GITHUB]
    github.delete(copy)
    told.cycle()
    told.trackers[JIRA].edit(ref, title="Refunds fail")
    told.cycle()
    github._rows[copy].deleted = False
    github.edit(copy, priority="P0")
    told.settle()
    assert told.everywhere(JIRA, ref, "title") == ["Refunds fail"] * 3
    assert told.everywhere(JIRA, ref, "priority") == ["P0"] * 3
    with told.store.read() as tx:
        assert not tx.problems.open(told.bridge.name)


def test_a_hidden_ticket_that_nobody_edits_is_found_again(told):
    """No list tells that it came back: the second look does."""
    ref, copy = linked(told)
    told.trackers[GITHUB].delete(copy)
    told.cycle()
    told.trackers[GITHUB]._rows[copy].deleted = False
    told.trackers[JIRA].edit(ref, title="Refunds fail")
    told.cycle()
    told.cycle(after=AFTER.total_seconds())
    assert told.everywhere(JIRA, ref, "title") == ["Refunds fail"] * 3


def test_the_second_look_comes_after_the_horizon_and_not_before(told):
    """One second short of the horizon nothing is looked at; at the horizon the second look makes sure."""
    ref, copy = linked(told)
    told.trackers[GITHUB].delete(copy)
    told.cycle()
    told.cycle(after=AFTER.total_seconds() - 1)
    assert GITHUB in told.links()[next(iter(told.links()))]
    report = told.cycle(after=1)
    assert ["was unlinked" in problem.message for problem in report.problems] == [True]
    assert GITHUB not in told.links()[next(iter(told.links()))]
    assert told.trackers[JIRA].ticket(ref)["state"] == "To Do" or told.trackers[JIRA].ticket(ref)["state"]
    assert sum(told.cycle().writes.values()) == 0


def test_a_delete_is_noticed_by_a_write(make_world):
    """A tracker that tells of no deletion is not asked for them: who writes there finds out, in that very cycle."""
    world = make_world(ALIKE)
    ref, copy = linked(world)
    world.trackers[GITHUB].delete(copy)
    assert not world.cycle().problems
    world.trackers[JIRA].edit(ref, title="Refunds fail")
    report = world.cycle()
    assert ["not found in github" in problem.message for problem in report.problems] == [True]
    assert world.native(JIRA, ref, AZURE)["title"] == "Refunds fail"
    assert world.cycle(after=300).problems


def test_unlinking_is_the_default(told):
    """Nothing is deleted and nothing closed; the others stay in step, and no new copy is made."""
    ref, report = gone_for_good(told, "unlink")
    assert not any(report.writes.values())
    told.trackers[JIRA].edit(ref, title="Refunds fail")
    told.settle()
    assert told.native(JIRA, ref, AZURE)["title"] == "Refunds fail"
    assert states(told, ref) == ["Open", "To Do"]
    assert not told.trackers[GITHUB].tickets()


def test_closing(told):
    """The other copies are done, and say that it was not planned where they can."""
    ref, _ = gone_for_good(told, "close")
    told.settle()
    assert states(told, ref) == ["Done", "Done"]
    assert told.trackers[JIRA].ticket(ref)["reason"] == "Not Planned"
    told.trackers[JIRA].edit(ref, state="Open", reason=None)
    told.settle()
    assert states(told, ref) == ["Open", "To Do"]
    assert not told.conflicts()


@pytest.mark.parametrize("on_delete", ["close", "delete"])
@pytest.mark.parametrize("edited", ["before", "between", "comment"])
def test_edited_here_and_deleted_there(told, on_delete, edited):
    """What the deleted copy was never told stays where it is, and a conflict tells of it."""
    told.bridge.on_delete = on_delete
    ref, copy = linked(told)
    jira = told.trackers[JIRA]
    if edited == "before":
        jira.edit(ref, title="Refunds fail")
    told.trackers[GITHUB].delete(copy)
    told.cycle()
    if edited == "between":
        jira.edit(ref, title="Refunds fail")
    elif edited == "comment":
        jira.comment(ref, "wait, this is still open")
    report = told.cycle(after=AFTER.total_seconds())
    assert ["edited elsewhere since" in problem.message for problem in report.problems] == [True]
    assert [(one.reason, one.state) for one in told.conflicts()] == [("deleted", "settled")]
    consenting(told)
    told.settle()
    assert states(told, ref) == ["Open", "To Do"]


def test_deleting_waits_for_a_consent(told):
    """Everything else goes on; the deletion is told in every cycle until somebody consents, for one cycle."""
    ref, report = gone_for_good(told, "delete")
    other = told.trackers[JIRA].create(title="Other")
    report = told.cycle()
    assert [halt.name for halt in report.halts] == ["deletion"]
    assert "--allow-deletes" in report.halts[0].mend
    assert told.native(JIRA, other, GITHUB)["title"] == "Other"
    azure = told.twin(JIRA, ref, AZURE)
    assert [halt.name for halt in told.cycle().halts] == ["deletion"]
    plan = told.plan()
    assert [(one.replica, one.action) for one in plan.writes if one.action == "delete"] == [(JIRA, "delete")]
    report = consenting(told)
    assert not report.halts
    assert told.trackers[JIRA].read(ref) is None
    assert told.trackers[AZURE].ticket(azure)["state"] == "Done"
    report = told.cycle()
    assert not report.halts
    assert not report.problems
    assert sum(told.cycle().writes.values()) == 0
    told.check_accounted()


def test_a_reviewed_plan_is_a_consent(told):
    """Who applies a plan that shows the delete has consented to it, and to nothing else."""
    ref, _ = gone_for_good(told, "delete")
    plan = told.plan()
    assert [halt.waits for halt in plan.halts] == [True]
    applied = apply_cycle(told.bridge, plan)
    assert not applied.differences
    assert not applied.report.halts
    assert told.trackers[JIRA].read(ref) is None
    assert not told.cycle().halts


def test_it_is_not_meant(told):
    """Who takes the deleted copy out of step keeps the others, and nothing waits any more."""
    ref, _ = gone_for_good(told, "delete")
    with told.store.read() as tx:
        (gone,) = [link for link in tx.links.list(told.bridge.name) if link.state == "gone"]
    remove_link(told.store, gone.id, by="ada")
    report = consenting(told)
    assert not report.halts
    assert not any(report.writes.values())
    told.trackers[JIRA].edit(ref, title="Refunds fail")
    told.settle()
    assert told.native(JIRA, ref, AZURE)["title"] == "Refunds fail"


def test_when_every_copy_was_deleted_nothing_waits(told):
    """Who consents finds out that there is no other copy left to be told anything."""
    ref, _ = gone_for_good(told, "delete")
    azure = told.twin(JIRA, ref, AZURE)
    for name, one in ((JIRA, ref), (AZURE, azure)):
        told.trackers[name].delete(one)
    assert {"not found" in problem.message for problem in consenting(told).problems} == {True}
    for _ in range(3):
        report = told.cycle(after=AFTER.total_seconds())
    assert not report.halts
    assert not told.links()


def test_a_comment_for_a_ticket_that_was_hidden(told):
    """It is refused there because the ticket is not: no fault of the comment, which stands there when the ticket is back."""
    ref, copy = linked(told)
    told.trackers[GITHUB]._rows[copy].deleted = True
    told.trackers[JIRA].comment(ref, "hello")
    told.trackers[JIRA].attach(ref, "a.txt", b"what is in it")
    report = told.cycle()
    assert {"not found in github" in problem.message for problem in report.problems} == {True}
    told.trackers[GITHUB]._rows[copy].deleted = False
    told.cycle(after=AFTER.total_seconds())
    told.settle()
    assert ["hello" in text for text in told.comments(GITHUB, copy)] == [True]
    assert [one["name"] for one in told.trackers[GITHUB].ticket(copy)["files"]] == ["a.txt"]


def test_the_log_keeps_what_was_deleted(told):
    """The request's entry has every value that stood there."""
    gone_for_good(told, "delete")
    consenting(told)
    with told.store.read() as tx:
        (entry,) = [one for one in tx.audit.entries() if one.phase == "intent" and one.action == "delete"]
    assert entry.before["title"] == "Refunds"


def test_it_comes_back_before_anybody_consented(told):
    """Nothing is deleted any more, and it goes on as before."""
    ref, _ = gone_for_good(told, "delete")
    copy = next(iter(told.trackers[GITHUB]._rows))
    told.trackers[GITHUB]._rows[copy].deleted = False
    told.trackers[GITHUB].edit(copy, title="Refunds again")
    told.settle()
    assert not consenting(told).halts
    assert told.everywhere(JIRA, ref, "title") == ["Refunds again"] * 3


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.LOST_UNDONE, Fault.REFUSED])
def test_a_delete_whose_answer_is_lost(told, fault):
    """It is read back: gone is done, and what was not done is done once more; a refused one waits for another consent."""
    ref, _ = gone_for_good(told, "delete")
    replica = told.bridge.replicas[JIRA]
    replica.adapter = FaultyAdapter(replica.adapter, scripted([("write", fault)]))
    consenting(told)
    report = told.cycle()
    done = fault is not Fault.REFUSED
    assert (told.trackers[JIRA].read(ref) is None) is done
    assert [halt.name for halt in report.halts] == ([] if done else ["deletion"])
    consenting(told)
    assert told.trackers[JIRA].read(ref) is None
    report = told.cycle()
    assert not report.halts
    assert not report.problems
    told.check_accounted()


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_killed_at_a_delete(told, fault):
    """What was deleted is known as deleted by the next process; what was not waits for another consent."""
    ref, _ = gone_for_good(told, "delete")
    replica = told.bridge.replicas[JIRA]
    replica.adapter = FaultyAdapter(replica.adapter, scripted([("write", fault)]))
    with pytest.raises(Crash):
        consenting(told)
    told.reopen()
    told.bridge.on_delete = "delete"
    report = told.cycle(after=120)
    deleted = fault is Fault.CRASH_AFTER
    assert (told.trackers[JIRA].read(ref) is None) is deleted
    assert [halt.name for halt in report.halts] == ([] if deleted else ["deletion"])
    consenting(told)
    assert told.trackers[JIRA].read(ref) is None
    assert not told.cycle().halts
    assert sum(told.cycle().writes.values()) == 0
    told.check_accounted()


def test_an_edit_in_the_last_moment_is_not_deleted(told):
    """Somebody writes to the copy after the decision and before the delete: it stays, in step with the others."""
    ref, _ = gone_for_good(told, "delete")
    replica = told.bridge.replicas[JIRA]
    fetch = replica.adapter.fetch

    def meddling(refs, *, comments=True):
        told.trackers[JIRA].edit(ref, title="Refunds fail")
        return fetch(refs, comments=comments)

    replica.adapter.fetch = meddling
    consenting(told)
    replica.adapter.fetch = fetch
    consenting(told)
    assert told.trackers[JIRA].ticket(ref)["title"] == "Refunds fail"
    assert [one.reason for one in told.conflicts()] == ["deleted"]


def test_a_tracker_that_is_only_written_to_deletes_nothing(make_world):
    """What people do there does not count: its copy was deleted, and nothing follows."""
    knobs = with_knobs(GITHUB, reports_gone=True)
    world = make_world(knobs, directions={GITHUB: "out"}, gone_after=AFTER)
    ref, _ = gone_for_good(world, "close")
    assert states(world, ref) == ["Open", "To Do"]


def test_moved_out_of_the_project(told, monkeypatch):
    """It is unlinked at once with words of its own, and whatever the bridge does with deletions is not done."""
    told.bridge.on_delete = "close"
    ref, copy = linked(told)
    adapter = told.bridge.replicas[GITHUB].adapter
    fetch = adapter.fetch

    def elsewhere(refs, *, comments=True):
        found = fetch(refs, comments=comments)
        return (Gone(ref=one.ref, reason="moved", moved_to="OTHER-12") if one.ref == copy else one for one in found)

    monkeypatch.setattr(adapter, "fetch", elsewhere)
    told.trackers[JIRA].edit(ref, title="Refunds fail")
    told.cycle()
    report = told.cycle()
    assert any("moved to OTHER-12" in one.message for one in report.problems)
    told.settle()
    assert told.native(JIRA, ref, AZURE)["title"] == "Refunds fail"
    assert states(told, ref) == ["Open", "To Do"]
    assert not told.conflicts()


def test_a_project_that_can_not_be_read_lost_no_ticket(told, monkeypatch):
    """The look fails as the tracker does: that is told of the tracker, and of no ticket."""
    _, copy = linked(told)
    told.trackers[GITHUB].delete(copy)

    def hidden(*_args, **_options):
        raise Rejected("github: there is no repository github for this token")

    adapter = told.bridge.replicas[GITHUB].adapter
    monkeypatch.setattr(adapter, "fetch", hidden)
    for _ in range(3):
        report = told.cycle(after=AFTER.total_seconds())
        assert [failure.kind for failure in report.failures] == ["refused"]
        assert not report.problems
    monkeypatch.undo()
    assert "not found" in told.cycle().problems[0].message


def test_links_to_a_missing_ticket_stay(told):
    """The tracker took them away with the ticket: nobody did, so they stay elsewhere, and are there again when it comes back."""
    jira, github = told.trackers[JIRA], told.trackers[GITHUB]
    one, two = jira.create(title="One"), jira.create(title="Two")
    jira.edit(one, links=[f"blocks:{two}"])
    told.settle()
    mine, copy = told.twin(JIRA, one, GITHUB), told.twin(JIRA, two, GITHUB)
    github.delete(copy)
    github.edit(mine, title="One again")
    told.cycle()
    told.cycle()
    assert jira.ticket(one)["links"] == [f"blocks:{two}"]
    assert jira.ticket(one)["title"] == "One again"
    github._rows[copy].deleted = False
    told.cycle(after=AFTER.total_seconds())
    told.settle()
    assert github.ticket(mine)["links"] == [f"blocks:{copy}"]
    assert jira.ticket(one)["links"] == [f"blocks:{two}"]


def test_our_own_account_made_no_edit(told):
    """A deletion leaves the trackers' histories as they are: the bridge wrote nothing to the copies that stay."""
    gone_for_good(told, "unlink")
    assert not [entry for entry in told.trackers[AZURE].journal if entry.author == ACCOUNT and entry.key == "state"][1:]
    assert MemoryKnobs().can_delete
