"""An adapter that fails on purpose fails as the script says, and nowhere else."""

from datetime import UTC, datetime
from random import Random

import pytest

from sync.core.changes import diff_fields
from sync.core.errors import AuthFailed, Rejected, Retryable, Uncertain, Unreachable
from sync.core.mapping import People
from sync.core.models import Field
from sync.testing.faults import (
    ANYWHERE,
    LATER,
    WRITING,
    Crash,
    Fault,
    FaultyAdapter,
    crash_at,
    drawn,
    scripted,
)
from sync.testing.memory import ACCOUNT, MemoryAdapter, MemoryCodec, MemoryKnobs, MemoryTracker


class World:
    def __init__(self, script, **knobs):
        self.tracker = MemoryTracker("memory", MemoryKnobs(**knobs))
        self.inner = MemoryAdapter(self.tracker)
        self.adapter = FaultyAdapter(self.inner, script)
        capabilities = self.inner.probe()
        mapping = self.tracker.knobs.mapping().bind(capabilities.facts, People(replica="memory"))
        changes = diff_fields({}, {Field.TITLE: "Made", Field.KIND: "issue"})
        self.op = MemoryCodec(self.tracker.knobs).encode(changes, None, mapping, capabilities).ops[0]

    @property
    def made(self):
        return sum(ticket["author"] == ACCOUNT for ticket in self.tracker.tickets())


@pytest.mark.parametrize(
    ("fault", "error", "made"),
    [
        (Fault.RETRY, Retryable, 0),
        (Fault.RETRY_LATER, Retryable, 0),
        (Fault.UNREACHABLE, Unreachable, 0),
        (Fault.AUTH, AuthFailed, 0),
        (Fault.REFUSED, Rejected, 0),
        (Fault.LOST, Uncertain, 1),
        (Fault.LOST_UNDONE, Uncertain, 0),
        (Fault.LATE, Uncertain, 0),
        (Fault.CRASH_BEFORE, Crash, 0),
        (Fault.CRASH_AFTER, Crash, 1),
    ],
)
def test_failing_writes(fault, error, made):
    """Each fault of a write raises its error and has done the write or not; it strikes once."""
    world = World(scripted([("write", fault)]))
    with pytest.raises(error) as caught:
        world.adapter.write(world.op)
    assert world.made == made
    assert world.adapter.script.struck == {("write", fault): 1}
    if fault is Fault.RETRY_LATER:
        assert caught.value.after == LATER
    world.adapter.write(world.op)
    assert world.made >= made + 1


def test_a_crash_is_no_exception():
    """What survives an Exception does not survive a crash."""
    assert not issubclass(Crash, Exception)


def test_a_late_write_arrives_later():
    """It arrives just before the next call but one, or when it is told to."""
    world = World(scripted([("write", Fault.LATE)]))
    with pytest.raises(Uncertain):
        world.adapter.write(world.op)
    assert world.adapter.find(world.op, fence=0) is None
    assert world.made == 0
    list(world.adapter.fetch([]))
    assert world.made == 1

    world = World(scripted([("write", Fault.LATE)]))
    with pytest.raises(Uncertain):
        world.adapter.write(world.op)
    world.adapter.arrive()
    assert world.made == 1


def test_a_cut_pull_goes_on_from_the_last_page():
    """A pull that is cut has given its first page, and its cursor leads to the rest."""
    world = World(scripted([("pull", Fault.CUT)]), page_size=2)
    refs = {world.tracker.create(title=f"Ticket {number}") for number in range(5)}
    pages = []
    with pytest.raises(Retryable):
        pages.extend(world.adapter.pull(None))
    seen = {ticket.ref for page in world.adapter.pull(None) for ticket in page.tickets}
    assert seen == refs
    page = next(world.adapter.pull(None))
    rest = {ticket.ref for later in world.adapter.pull(page.cursor) for ticket in later.tickets}
    assert {ticket.ref for ticket in page.tickets} | rest == refs


def test_a_repeated_pull_brings_the_same():
    """Pages and rows come twice and in another order; nothing is added and nothing is lost."""
    world = World(scripted([("pull", Fault.REPEATED)]), page_size=2)
    refs = [world.tracker.create(title=f"Ticket {number}") for number in range(5)]
    seen = [ticket.ref for page in world.adapter.pull(None) for ticket in page.tickets]
    assert set(seen) == set(refs)
    assert len(seen) == 3 * len(refs)
    assert seen[:4] == [refs[0], refs[1], refs[1], refs[0]]


def test_a_stale_read_shows_what_was_seen():
    """A stale fetch shows the ticket as it was the last time."""
    world = World(scripted([None, ("fetch", Fault.STALE)]))
    ref = world.tracker.create(title="Before")
    next(world.adapter.fetch([ref]))
    world.tracker.edit(ref, title="After")
    titles = [next(world.adapter.fetch([ref])).payload["title"] for _ in range(2)]
    assert titles == ["Before", "After"]


def test_crashes_at_every_place_in_turn():
    """Counting up goes before and after each call, and ends when a run is through."""

    def run(script):
        world = World(script)
        world.tracker.create(title="There")
        for _page in world.adapter.pull(None):
            pass
        world.adapter.write(world.op)
        list(world.adapter.history([], datetime(2026, 1, 1, tzinfo=UTC)))
        return world.made

    struck = []
    for step in range(20):
        script = crash_at(step)
        try:
            run(script)
        except Crash:
            struck += script.struck
            continue
        assert not script.struck
        break
    assert struck == [
        ("pull", Fault.CRASH_BEFORE),
        ("pull", Fault.CRASH_AFTER),
        ("write", Fault.CRASH_BEFORE),
        ("write", Fault.CRASH_AFTER),
        ("history", Fault.CRASH_BEFORE),
        ("history", Fault.CRASH_AFTER),
    ]


def test_a_drawn_script_is_repeatable_and_can_be_stopped():
    """The same seed gives the same faults; faults that do not fit a call are passed over; stopped is stopped."""

    def run(seed):
        script = drawn(Random(seed), 0.5, [*ANYWHERE, *WRITING])
        return [script.next(call) for call in ["pull", "write", "fetch"] * 20], script

    first, script = run(7)
    assert first == run(7)[0]
    assert first != run(8)[0]
    assert any(first)
    assert not [fault for fault in first[0::3] if fault in WRITING]
    assert sum(script.calls.values()) == 60
    script.stop()
    assert [script.next("write") for _ in range(50)] == [None] * 50


def test_traffic_is_that_of_the_adapter_inside():
    """Requests are counted where they are made."""
    world = World(scripted([]))
    world.adapter.write(world.op)
    assert world.adapter.traffic is world.inner.traffic
    assert world.adapter.traffic.writes == 1
