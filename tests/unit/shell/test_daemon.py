"""The daemon: cycles on an interval, one at a time, told of by changes of state, stopped between writes."""

from __future__ import annotations

import io
import itertools
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import structlog

from sync.core.errors import InvariantBroken, StoreError
from sync.core.ids import BridgeName, ReplicaName, RunId
from sync.core.policy import MergePolicy
from sync.engine.report import CycleReport, HaltLine, PauseLine, ProblemLine, ReplicaFailure
from sync.engine.runtime import Bridge
from sync.shell.daemon import Daemon
from sync.store import Store
from sync.store.records import ReplicaRecord

JIRA = ReplicaName("jira")


@pytest.fixture
def log():
    """The log as parsed lines."""
    stream = io.StringIO()
    structlog.configure(
        processors=[structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    structlog.reset_defaults()


@pytest.fixture
def bridges(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    store.migrate()
    stop = threading.Event()
    replicas = {JIRA: SimpleNamespace(kind="jira")}
    policy = MergePolicy(order=(JIRA,))
    yield [
        Bridge(name=BridgeName(name), store=store, replicas=replicas, policy=policy, secret=b"", stop=stop)
        for name in ("one", "two")
    ]
    store.close()


def report(bridge: Bridge, **values) -> CycleReport:
    return CycleReport(run=RunId("R-1"), name=bridge.name, **values)


def daemon(bridges, cycle, *, every: float = 0.05) -> Daemon:
    return Daemon(bridges, {bridge.name: timedelta(seconds=every) for bridge in bridges}, cycle, stop=bridges[0].stop)


def turns(bridge, outcomes) -> None:
    """Run one turn per outcome, outside of any schedule and an hour apart."""
    pending = list(outcomes)
    clock = itertools.count()
    bridge.now = lambda: datetime(2026, 11, 22, tzinfo=UTC) + timedelta(hours=next(clock))

    def cycle(_bridge):
        outcome = pending.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    one = daemon([bridge], cycle)
    while pending:
        one.turn(bridge)


def test_cycles_start_at_once_repeat_and_stop(bridges, log):
    """Every bridge turns, again and again, until asked to stop."""
    seen: dict[str, int] = {}

    def cycle(bridge):
        seen[bridge.name] = seen.get(bridge.name, 0) + 1
        if len(seen) == 2 and min(seen.values()) >= 2:
            bridge.stop.set()
        return report(bridge)

    started = time.monotonic()
    daemon(bridges, cycle).run()
    assert time.monotonic() - started < 10
    assert min(seen.values()) >= 2
    assert [line["event"] for line in log()] == ["started", "stopped"]


def test_a_bridge_s_cycles_never_overlap(bridges, log):
    """A cycle longer than the interval delays the next one."""
    inside = threading.Semaphore(1)
    overlaps: list[str] = []
    count = 0

    def cycle(bridge):
        nonlocal count
        if not inside.acquire(blocking=False):
            overlaps.append(bridge.name)
        time.sleep(0.05)
        inside.release()
        count += 1
        if count == 4:
            bridge.stop.set()
        return report(bridge)

    daemon(bridges[:1], cycle, every=0.01).run()
    assert overlaps == []


def test_the_cycle_in_hand_is_finished(bridges, log):
    """Being asked to stop waits for the cycle that runs, which sees the request itself."""
    finished = threading.Event()

    def cycle(bridge):
        bridge.stop.set()
        time.sleep(0.1)
        finished.set()
        return report(bridge, interrupted=True)

    daemon(bridges[:1], cycle).run()
    assert finished.is_set()


def test_a_failing_tracker_is_spoken_of_once_and_when_it_is_back(bridges, log):
    """Not at every failed poll."""
    failing = report(bridges[0], failures=[ReplicaFailure(replica=JIRA, kind="unreachable", message="no connection")])
    turns(bridges[0], [failing, failing, failing, report(bridges[0]), report(bridges[0])])
    changes = [(line["what"], line["was"], line["now"]) for line in log()]
    assert changes == [("jira", "ok", "unreachable"), ("jira", "unreachable", "ok")]
    assert log()[0]["reason"] == "no connection"


def test_what_rests_by_the_store_takes_no_part(bridges, log):
    """The breaker's word counts, whoever wrote it: another process, or this one before it was restarted."""
    bridge = bridges[0]
    clock = [datetime(2026, 11, 22, 12, tzinfo=UTC)]
    bridge.now = lambda: clock[0]
    with bridge.store.begin() as tx:
        until = clock[0] + timedelta(minutes=3)
        tx.replicas.save(ReplicaRecord(bridge=bridge.name, replica=JIRA, kind="jira", not_before=until))
    rested: list[bool] = []

    def cycle(one):
        rested.append(JIRA in one.resting)
        return report(one)

    every_minute = daemon([bridge], cycle, every=60)
    for _ in range(5):
        every_minute.turn(bridge)
        clock[0] += timedelta(seconds=61)
    assert rested == [True, True, True, False, False]


def test_waiting_for_a_limit_is_spoken_of_when_it_begins_and_when_it_ends(bridges, log):
    """With what is left and the end that is expected, and not at every cycle between."""
    at = datetime(2026, 11, 22, 23, 40, tzinfo=UTC)
    pause = PauseLine(replica=JIRA, why="its hourly limit of 500", left=1588, written=412, until=at, over=at)
    waiting = report(bridges[0], pauses=[pause])
    turns(bridges[0], [waiting, waiting, report(bridges[0]), report(bridges[0]), waiting])
    lines = [line for line in log() if "limit" in line["event"]]
    assert [line["event"] for line in lines] == [
        "waiting for a limit",
        "nothing waits for a limit any more",
        "waiting for a limit",
    ]
    assert (lines[0]["limit"], lines[0]["left"]) == ("its hourly limit of 500", 1588)
    assert lines[0]["done_about"] == "2026-11-22T23:40:00+00:00"


def test_a_halt_is_spoken_of_once(bridges, log):
    """With what it saw and how to lift it."""
    halted = report(bridges[0], halts=[HaltLine(name="mass_change", message="too much", mend="look at it")])
    turns(bridges[0], [halted, halted, report(bridges[0])])
    assert [line["now"] for line in log()] == ["halted: too much", "ok"]
    assert log()[0]["mend"] == "look at it"


def test_a_problem_is_spoken_of_once_until_it_is_gone(bridges, log):
    """And again when it comes back."""
    line = ProblemLine(replica=JIRA, place="jira PAY-1 status", message="unmapped", mend="map it")
    bad = report(bridges[0], problems=[line])
    turns(bridges[0], [bad, bad, report(bridges[0]), bad])
    assert [line["event"] for line in log()] == ["problem", "problem"]


def test_an_idle_cycle_says_nothing_and_a_busy_one_what_it_did(bridges, log):
    """The log holds what happened."""
    busy = report(bridges[0], updated=2, writes={JIRA: 2}, requests={JIRA: 4})
    turns(bridges[0], [report(bridges[0]), busy])
    (line,) = log()
    assert (line["event"], line["updated"], line["writes"]) == ("synced", 2, {"jira": 2})


def test_what_goes_wrong_in_one_bridge_does_not_end_the_daemon(bridges, log):
    """The other bridges go on, and this one is tried again."""
    turns(bridges[0], [StoreError("disk is full"), ValueError("surprise"), report(bridges[0])])
    assert [line["now"] for line in log()] == ["failing", "ok"]
    assert log()[0]["reason"] == "disk is full"


def test_a_broken_invariant_stops_it(bridges, log):
    """A bug must not go on writing."""

    def cycle(bridge):
        raise InvariantBroken("two bases")

    with pytest.raises(InvariantBroken, match="two bases"):
        daemon(bridges[:1], cycle).run()
