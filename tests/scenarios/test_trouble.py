"""What goes wrong around a bridge: trackers that are down, emptied or changed under our hands; brakes, plans, stops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from sync.core.errors import AuthFailed, BridgeBusy, Unreachable
from sync.core.ports import Adapter
from sync.engine.cycle import run_cycle
from sync.engine.session import held
from sync.testing.faults import Fault, FaultyAdapter, scripted
from sync.testing.memory import ACCOUNT
from tests.scenarios.world import ALIKE, AZURE, GITHUB, JIRA, NAMES, World, faulty, with_knobs


def linked(world: World, **native: object) -> str:
    ref = world.trackers[JIRA].create(title="Refunds", **native)
    world.settle()
    return ref


@pytest.mark.parametrize("error", [Unreachable("azure: no connection"), AuthFailed("azure: no such token")])
def test_a_tracker_that_is_down(world, monkeypatch, error):
    """The others go on, the failure is told, and it catches up with all that it missed."""
    ref = linked(world)
    with monkeypatch.context() as patched:
        for call in ("pull", "probe"):
            patched.setattr(world.bridge.replicas[AZURE].adapter, call, lambda *_: (_ for _ in ()).throw(error))
        world.trackers[JIRA].edit(ref, title="T")
        other = world.trackers[GITHUB].create(title="Other")
        for _ in range(2):
            report = world.cycle()
            assert [failure.replica for failure in report.failures] == [AZURE]
        assert world.native(JIRA, ref, GITHUB)["title"] == "T"
        assert len(world.trackers[AZURE].tickets()) == 1
    world.settle()
    assert world.native(JIRA, ref, AZURE)["title"] == "T"
    assert world.native(GITHUB, other, AZURE)["title"] == "Other"
    world.check_converged()
    world.check_once()


def test_a_tracker_that_never_answered(world, monkeypatch):
    """What changed before its first answer reaches it all the same, in a process that knows nothing of it."""
    error = Unreachable("azure: no connection")
    ref = linked(world)
    world.clock.advance(3 * 24 * 3600)
    world.reopen()
    with monkeypatch.context() as patched:
        patched.setattr(world.bridge.replicas[AZURE].adapter, "probe", lambda: (_ for _ in ()).throw(error))
        world.trackers[JIRA].edit(ref, title="T")
        world.cycle()
        assert world.cycle().failures
    world.settle()
    assert world.everywhere(JIRA, ref, "title") == ["T"] * 3


def test_gone_on_one_side_is_no_delete_elsewhere(make_world: Callable[..., World]):
    """It is told and unlinked there; the others stay in step, and no new copy is made."""
    world = make_world(with_knobs(GITHUB, reports_gone=True))
    ref = linked(world)
    lost = world.twin(JIRA, ref, GITHUB)
    world.trackers[GITHUB].delete(lost)
    assert any("not found" in problem.message for problem in world.cycle().problems)
    report = world.cycle(after=300)
    assert any("not there any more" in problem.message for problem in report.problems)
    world.trackers[JIRA].edit(ref, title="T")
    world.settle()
    assert world.native(JIRA, ref, AZURE)["title"] == "T"
    assert not world.trackers[GITHUB].tickets()


def test_what_was_gone_and_comes_back_goes_on(make_world: Callable[..., World]):
    """A ticket that was hidden for a while is in step again, with what was written on both sides meanwhile."""
    world = make_world(with_knobs(GITHUB, reports_gone=True))
    ref = linked(world)
    lost = world.twin(JIRA, ref, GITHUB)
    world.trackers[GITHUB].delete(lost)
    world.settle()
    world.trackers[JIRA].edit(ref, title="T")
    world.settle()
    world.trackers[GITHUB]._rows[lost].deleted = False
    world.trackers[GITHUB].edit(lost, priority="P0")
    world.settle()
    assert world.everywhere(JIRA, ref, "title") == ["T"] * 3
    assert world.everywhere(JIRA, ref, "priority") == ["P0"] * 3
    assert len(world.links()) == 1


def test_a_mass_change_stops_and_asks(world):
    """Many tickets closed at once: nothing is written until somebody says that it is meant."""
    refs = [world.trackers[JIRA].create(title=f"T{number}") for number in range(8)]
    world.settle()
    for ref in refs:
        world.trackers[JIRA].edit(ref, state="Done")
    report = world.cycle()
    assert {halt.name for halt in report.halts} == {"mass_change"}
    assert not any(report.writes.values())
    assert world.cycle().halts
    report = world.cycle(allow=True)
    assert not report.halts
    assert all(world.everywhere(JIRA, ref, "state") == ["Done"] * 3 for ref in refs)
    assert sum(world.cycle().writes.values()) == 0


def test_just_under_the_brake(world):
    """As many as are allowed go through."""
    refs = [world.trackers[JIRA].create(title=f"T{number}") for number in range(5)]
    world.settle()
    for ref in refs:
        world.trackers[JIRA].edit(ref, state="Done")
    assert not world.cycle().halts


def test_an_emptied_replica_stops_the_cycle(make_world: Callable[..., World]):
    """A full listing that shows none of the linked tickets is not believed, each time anew, until a person says that it is meant."""
    world = make_world(ALIKE)
    ref = linked(world)
    world.trackers[GITHUB].delete(world.twin(JIRA, ref, GITHUB))
    with world.store.begin() as tx:
        tx.cursors.forget(world.bridge.name, GITHUB)
    assert {halt.name for halt in world.plan().halts} == {"emptied_replica"}
    for _ in range(2):
        report = world.cycle()
        assert {halt.name for halt in report.halts} == {"emptied_replica"}
        assert not any(report.writes.values())
    assert not world.cycle(allow=True).halts
    assert not world.cycle().halts


def requests(world: World) -> list[tuple[str, str, frozenset[str]]]:
    """What the bridge asked for so far: replica, action, fields."""
    with world.store.read() as tx:
        return [
            (str(entry.replica), entry.action, frozenset(entry.after or ()))
            for entry in tx.audit.entries()
            if entry.phase == "intent"
        ]


def test_a_plan_writes_nothing_and_foretells_the_sync(world):
    """The plan names the very writes that the next sync makes, field by field, and leaves no trace in any tracker."""
    epic = world.trackers[JIRA].create(title="Epic", type="Epic")
    old = world.trackers[JIRA].create(title="Old", text="one")
    world.settle()
    said = world.trackers[JIRA].comment(old, "hello")
    world.settle()
    world.trackers[JIRA].create(title="Child", parent=epic)
    world.trackers[GITHUB].edit(world.twin(JIRA, old, GITHUB), title="New", state="Done")
    world.trackers[JIRA].edit(old, title="Newer")
    world.trackers[JIRA].edit_comment(said, "hello again")
    before = {name: tracker.tickets() for name, tracker in world.trackers.items()}
    sent = len(requests(world))
    plan = world.plan()
    assert {name: tracker.tickets() for name, tracker in world.trackers.items()} == before
    assert len(requests(world)) == sent
    assert [replace(one, ticket="") for one in world.plan().writes] == [replace(one, ticket="") for one in plan.writes]
    report = world.cycle(after=0)
    actions = {"create": "create", "update": "update", "comment": "comment_create", "edit comment": "comment_update"}
    foretold = sorted((one.replica, actions[one.action]) for one in plan.writes)
    done = requests(world)[sent:]
    assert sorted((replica, action) for replica, action, _ in done) == foretold
    fields = {(one.replica, actions[one.action], frozenset(c.field.value for c in one.changes)) for one in plan.writes}
    assert all(
        any((replica, action) == f[:2] and sent_fields <= f[2] for f in fields) for replica, action, sent_fields in done
    )
    assert report.conflicts == len(plan.conflicts)


def test_a_stop_finishes_the_write_in_hand(world):
    """What was not written when somebody said stop is written by the next cycle, and nothing twice."""
    for number in range(6):
        world.trackers[JIRA].create(title=f"T{number}")
    adapter = world.bridge.replicas[GITHUB].adapter
    write = adapter.write

    def stopping(op, content=None):
        world.bridge.stop.set()
        return write(op, content)

    adapter.write = stopping
    report = world.cycle()
    assert report.interrupted
    assert len(world.trackers[GITHUB].tickets()) == 1
    adapter.write = write
    world.bridge.stop.clear()
    world.settle()
    assert len(world.trackers[GITHUB].tickets()) == len(world.trackers[AZURE].tickets()) == 6
    world.check_once()


def test_two_workers_do_not_share_a_bridge(world):
    """The second one is told who has it."""
    with held(world.bridge), pytest.raises(BridgeBusy, match="pid"):
        run_cycle(world.bridge)


def test_a_lost_create_is_found_again(world):
    """The answer is lost and the ticket is there: it is found by its marker, and what was edited meanwhile is not undone."""
    ref = world.trackers[JIRA].create(title="Refunds", state="Review")
    faulty(world, GITHUB, ("write", Fault.LOST), ("find", Fault.UNREACHABLE))
    world.cycle()
    (copied,) = world.trackers[GITHUB].tickets()
    world.trackers[JIRA].edit(ref, title="Refunds fail")
    world.trackers[GITHUB].edit(copied["id"], priority="P1", author="grace")
    world.settle()
    assert world.everywhere(JIRA, ref, "title") == ["Refunds fail"] * 3
    assert world.everywhere(JIRA, ref, "priority") == ["P1"] * 3
    assert not world.conflicts()
    world.check_once()
    world.check_accounted()


def test_a_create_that_never_was_is_sent_again_after_settling(make_world: Callable[..., World]):
    """Of unknown end and not to be found: once more with the same marker, and not before it is time."""
    world = make_world(settle=timedelta(minutes=5))
    world.trackers[JIRA].create(title="Refunds")
    faulty(world, GITHUB, ("write", Fault.LOST_UNDONE))
    world.cycle()
    for _ in range(4):
        world.cycle(after=60)
        assert not world.trackers[GITHUB].tickets()
    world.settle()
    assert len(world.trackers[GITHUB].tickets()) == 1
    world.check_once()
    world.check_accounted()


def test_our_own_late_write_is_no_edit(world):
    """A write that lands after a newer one has been decided does not come back as somebody's opinion."""
    ref = linked(world)
    adapter = faulty(world, GITHUB, ("write", Fault.LATE))
    world.trackers[JIRA].edit(ref, title="second")
    with_late = world.cycle()
    assert with_late.writes[GITHUB] >= 1
    world.trackers[JIRA].edit(ref, title="third")
    world.cycle()
    adapter.arrive()
    world.settle()
    assert world.everywhere(JIRA, ref, "title") == ["third"] * 3
    world.check_converged()


def test_our_own_late_addition_is_no_edit(world):
    """A label that lands after it was taken away again, and beside others by then, is nobody's wish."""
    ref = linked(world)
    adapter = faulty(world, GITHUB, ("write", Fault.LATE))
    world.trackers[JIRA].edit(ref, labels=["first"])
    world.cycle()
    world.trackers[JIRA].edit(ref, labels=["second"])
    world.cycle()
    adapter.arrive()
    world.settle()
    assert world.everywhere(JIRA, ref, "labels") == [["second"]] * 3


class Window(FaultyAdapter):
    """Somebody edits exactly between our look at a ticket and our write to it."""

    def __init__(self, adapter: Adapter, meddle: Callable[[], None]) -> None:
        super().__init__(adapter, scripted([]))
        self.meddle: Iterator[Callable[[], None]] = iter([meddle])

    def write(self, op, content=None):
        for meddle in self.meddle:
            meddle()
        return super().write(op, content)


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        ({"title": "from jira"}, {"title": "from a person"}, "from a person"),
        ({"text": "ONE\ntwo\nthree\nfour"}, {"text": "one\ntwo\nthree\nFOUR"}, "ONE\ntwo\nthree\nFOUR"),
        ({"text": "one\ntwo\nthree\nFOUR"}, {"text": "one\ntwo\nthree\nfour!"}, "one\ntwo\nthree\nfour!"),
        ({"labels": ["a"]}, {"labels": ["b"]}, ["a", "b"]),
        ({"state": "Review"}, {"state": "Done"}, "Done"),
        ({"title": "from jira"}, {"priority": "P1"}, "P1"),
    ],
    ids=["title", "body", "a line", "labels", "status", "another field"],
)
def test_an_edit_that_our_write_ran_over_is_put_back(make_world: Callable[..., World], ours, theirs, wanted):
    """Without conditional writes the edit is gone from the ticket and stands in its history: it wins as the later one."""
    world = make_world(ALIKE)
    ref = linked(world, text="one\ntwo\nthree\nfour")
    there = world.twin(JIRA, ref, GITHUB)
    replica = world.bridge.replicas[GITHUB]

    def meddle() -> None:
        world.clock.advance(2)
        world.trackers[GITHUB].edit(there, author="grace", **theirs)

    replica.adapter = Window(replica.adapter, meddle)
    world.trackers[JIRA].edit(ref, **ours)
    world.cycle()
    history = [write for write in world.trackers[GITHUB].journal if write.key in theirs and write.author == "grace"]
    assert history
    world.settle()
    (key,) = theirs
    found = [sorted(value) if isinstance(value, list) else value for value in world.everywhere(JIRA, ref, key)]
    assert found == [wanted] * 3
    if (key in ("title", "state") and key in ours) or "four!" in wanted:
        (conflict,) = world.conflicts()
        assert conflict.reason == "overwritten"
        assert {claim.author for claim in conflict.claims} >= {"grace"}
    assert world.cycle().requests == dict.fromkeys(NAMES, 1)
    world.check_converged()


def test_the_check_costs_one_call_a_replica(make_world: Callable[..., World]):
    """The cycle after writes reads one history a replica, however many tickets were written; the one after that none."""
    world = make_world(ALIKE)
    refs = [world.trackers[JIRA].create(title=f"T{number}") for number in range(4)]
    world.settle()
    for ref in refs:
        world.trackers[JIRA].edit(ref, priority="P1")
    world.cycle()
    routes = {name: world.bridge.replicas[name].adapter.traffic.by_route for name in NAMES}
    before = {name: routes[name].get("history", 0) for name in NAMES}
    world.cycle()
    assert {name: routes[name].get("history", 0) - before[name] for name in NAMES} == {JIRA: 0, GITHUB: 1, AZURE: 1}
    assert world.cycle().requests == dict.fromkeys(NAMES, 1)
    assert all(write.author != ACCOUNT or write.key != "title" for write in world.trackers[JIRA].journal)
