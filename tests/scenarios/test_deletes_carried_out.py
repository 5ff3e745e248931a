"""Deletions that are carried to the other copies: with a consent only, once, and never over somebody's edit."""

from __future__ import annotations

import pytest

from sync.engine.adopt import remove_link
from sync.engine.cycle import apply_cycle
from sync.testing.faults import Crash, Fault, FaultyAdapter, scripted
from tests.scenarios.deleting import AFTER, consenting, gone_for_good, linked
from tests.scenarios.world import AZURE, GITHUB, JIRA


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
