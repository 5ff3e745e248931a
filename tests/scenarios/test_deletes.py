"""Tickets that somebody deleted, hid or moved in one tracker: what is believed when, and what the other copies are told."""

from __future__ import annotations

import pytest

from sync.core.errors import Rejected
from sync.core.models import Gone
from sync.testing.memory import ACCOUNT, MemoryKnobs
from tests.scenarios.deleting import AFTER, consenting, gone_for_good, linked, states
from tests.scenarios.world import ALIKE, AZURE, GITHUB, JIRA, with_knobs


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
