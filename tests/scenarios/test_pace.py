"""A tracker that takes only so much in an hour: what waits, what goes on, and what a restart remembers."""

from __future__ import annotations

from datetime import timedelta

from sync.core.errors import Limited
from sync.core.ports import OpKind
from sync.testing.memory import MemoryKnobs
from tests.scenarios.world import AZURE, GITHUB, JIRA, World

HOUR = 3600
SLOW = {JIRA: MemoryKnobs(), GITHUB: MemoryKnobs(new_per_hour=3), AZURE: MemoryKnobs()}


def filled(folder, tickets=7):
    """A bridge whose GitHub takes three new tickets an hour, and tickets in Jira."""
    world = World(folder, SLOW)
    for number in range(tickets):
        world.trackers[JIRA].create(title=f"Ticket {number}")
        world.clock.advance(1)
    return world


def copies(world, name):
    """How many tickets a tracker has."""
    return len(list(world.trackers[name].tickets()))


def test_what_waits_for_a_limit_is_told_with_its_end_and_the_others_go_on(tmp_path):
    """Three copies go to GitHub, all seven to Azure DevOps; nothing failed, nothing was refused, and the end is named."""
    world = filled(tmp_path)
    report = world.cycle()
    assert (copies(world, GITHUB), copies(world, AZURE)) == (3, 7)
    (pause,) = report.pauses
    assert (pause.replica, pause.left, pause.written) == (GITHUB, 4, 3)
    assert pause.until - world.clock() == timedelta(hours=1)
    assert pause.over - world.clock() == timedelta(hours=2)
    assert (report.failures, report.problems) == ([], [])
    assert world.trackers[GITHUB].limit.trips == 0
    assert report.as_json()["pauses"][0]["until"] == pause.until.isoformat()


def test_while_new_tickets_wait_edits_go_on(tmp_path):
    """A copy that is there is kept up to date in the hour in which no new one can be made."""
    world = filled(tmp_path)
    world.cycle()
    world.clock.advance(60)
    there = next(iter(world.trackers[GITHUB].tickets()))["id"]
    world.trackers[GITHUB].edit(there, title="Edited on GitHub")
    waiting = next(one["id"] for one in world.trackers[JIRA].tickets() if one["title"] == "Ticket 6")
    world.trackers[JIRA].edit(waiting, title="Edited in Jira")
    report = world.cycle()
    shown = {name: {one["title"] for one in world.trackers[name].tickets()} for name in SLOW}
    assert "Edited on GitHub" in shown[JIRA] & shown[AZURE]
    assert "Edited in Jira" in shown[AZURE] - shown[GITHUB]
    assert report.writes[GITHUB] == 0
    assert report.pauses[0].left == 4


def test_waiting_costs_nothing(tmp_path):
    """A cycle in which a limit holds everything up asks for feeds alone, decides nothing again and leaves no request behind."""
    world = filled(tmp_path)
    world.cycle()
    world.cycle()
    with world.store.read() as tx:
        before = len(tx.outbox.sent_since(world.clock() - timedelta(hours=1)))
    report = world.cycle()
    with world.store.read() as tx:
        assert len(tx.outbox.sent_since(world.clock() - timedelta(hours=1))) == before
    assert sum(report.requests.values()) <= 6
    assert (report.unchanged, report.pauses[0].left) == (0, 4)


def test_a_restart_remembers_what_the_hour_has_seen(tmp_path):
    """Stopped in the middle and opened again and again, nothing is refused, nothing is made twice, and all is there on time."""
    world = filled(tmp_path)
    hours = 0
    while world.cycle(after=0).pauses:
        world.reopen()
        world.clock.advance(HOUR / 3)
        hours += 1 / 3
    assert copies(world, GITHUB) == 7
    assert world.trackers[GITHUB].limit.trips == 0
    assert round(hours, 3) == 2
    world.settle()
    world.check_converged()
    world.check_once()


def test_a_limit_that_nobody_counted_is_a_pause_too(tmp_path):
    """Where somebody else used the account up, the first refusal ends that kind of write for the cycle and fails nothing."""
    world = World(tmp_path, {**SLOW, GITHUB: MemoryKnobs(new_per_hour=5)})
    for _ in range(5):
        world.trackers[GITHUB].limit.spend(OpKind.CREATE, world.clock(), 5)
    for number in range(8):
        world.trackers[JIRA].create(title=f"Ticket {number}")
    report = world.cycle()
    assert report.failures == []
    assert (report.pauses[0].replica, report.pauses[0].left) == (GITHUB, 8)
    assert world.trackers[GITHUB].limit.trips == 1
    assert copies(world, AZURE) == 8
    world.clock.advance(HOUR)
    assert world.cycle().writes[GITHUB] == 5


def test_a_limit_on_reading_is_a_pause_of_that_tracker(tmp_path):
    """What can't even be read is told with its time, is no failure, and leaves the others alone."""

    class Spent:
        def __init__(self, adapter):
            self._adapter = adapter

        def __getattr__(self, name):
            return getattr(self._adapter, name)

        def pull(self, _since):
            raise Limited("the hour is used up", after=timedelta(minutes=40))

    world = World(tmp_path, SLOW, wrap=lambda name, adapter: Spent(adapter) if name == GITHUB else adapter)
    world.trackers[JIRA].create(title="Goes on")
    report = world.cycle()
    assert report.failures == []
    (pause,) = report.pauses
    assert (pause.replica, pause.until - world.clock()) == (GITHUB, timedelta(minutes=40))
    assert copies(world, AZURE) == 1
    # A plan can't foresee what it could not read, and says so.
    (failure,) = world.plan().failures
    assert (failure.replica, failure.kind) == (GITHUB, "limited")
