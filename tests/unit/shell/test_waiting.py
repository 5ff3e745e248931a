"""A sync that waits for limits: cycle after cycle, in plain words, and off at once when somebody asks."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from sync.core.errors import Limited
from sync.core.ids import BridgeName, ReplicaName, RunId
from sync.core.policy import MergePolicy
from sync.engine.report import CycleReport, HaltLine, PauseLine
from sync.engine.runtime import Bridge, Silent
from sync.shell.waiting import in_words, interruptible, patiently
from sync.store import Store
from sync.store.records import ReplicaRecord

GITHUB = ReplicaName("github")
START = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Stop(threading.Event):
    """Asked to wait, it lets a clock go on instead; set after `patience` waits."""

    def __init__(self, patience: int | None = None) -> None:
        super().__init__()
        self.now = START
        self.waits = 0
        self._patience = patience

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.now += timedelta(seconds=timeout)
        self.waits += 1
        if self.waits == self._patience:
            self.set()
        return self.is_set()


class Watched(Silent):
    """A progress that remembers the lines it was shown."""

    def __init__(self) -> None:
        self.lines: list[str | None] = []

    def waiting(self, text):
        self.lines.append(text)
        return True


@pytest.fixture
def make(tmp_path):
    """A bridge whose time passes by waiting alone."""
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    store.migrate()

    def made(stop: Stop, name: str = "payments", progress=None) -> Bridge:
        return Bridge(
            name=BridgeName(name),
            store=store,
            replicas={GITHUB: SimpleNamespace(kind="github")},
            policy=MergePolicy(order=(GITHUB,)),
            secret=b"",
            stop=stop,
            now=lambda: stop.now,
            progress=progress or Silent(),
        )

    yield made
    store.close()


def report(bridge: Bridge, run: str, *, left: int = 0, written: int = 0, minutes: float = 10, **values) -> CycleReport:
    pauses = [
        PauseLine(
            replica=GITHUB,
            why="its hourly limit of 500",
            left=left,
            written=written,
            until=bridge.now() + timedelta(minutes=minutes),
            over=bridge.now() + timedelta(minutes=minutes * 3),
        )
    ]
    return CycleReport(run=RunId(run), name=bridge.name, pauses=pauses if left else [], **values)


def test_a_wait_is_told_with_what_is_done_and_when_all_is(make):
    """Numbers of this whole sync, the limit in words, and the time of day of the end."""
    bridge = make(Stop())
    over = (START + timedelta(hours=3)).astimezone().strftime("%H:%M")
    pause = PauseLine(
        replica=GITHUB, why="its hourly limit of 500", left=1588, written=100,
        until=START + timedelta(minutes=12), over=START + timedelta(hours=3),
    )  # fmt: skip
    said = in_words(pause, 412, bridge.now())
    if over > "02:59":  # not past this machine's midnight
        assert said == f"github: 412 of 2,000 written, waiting 12 min for its hourly limit of 500, done about {over}"
    reading = PauseLine(
        replica=GITHUB, why="its limit", left=0, written=0, until=START + timedelta(seconds=40), over=START
    )
    assert in_words(reading, 0, START) == "github: waiting 40 s for its limit"


def test_cycle_follows_cycle_until_nothing_waits(make):
    """Each begins when its limit lets it, and one report tells what all of them did."""
    stop = Stop()
    progress = Watched()
    bridge = make(stop, progress=progress)
    outcomes = [("R-1", 9, 5), ("R-2", 4, 5), ("R-3", 0, 4)]
    begun: list[timedelta] = []

    def run(one):
        begun.append(stop.now - START)
        name, left, written = outcomes.pop(0)
        return report(one, name, left=left, written=written, created=written, writes={GITHUB: written})

    said: list[str] = []
    (told,) = patiently([bridge], run, wait=True, say=said.append)
    assert begun == [timedelta(), timedelta(minutes=10), timedelta(minutes=20)]
    assert (told.created, told.writes, told.pauses, told.interrupted) == (14, {GITHUB: 14}, [], False)
    assert (told.run, told.more_runs) == ("R-1", ["R-3", "R-2"])
    shown = [line for line in progress.lines if line]
    assert shown[0].startswith("github: 5 of 14 written, waiting 10 min for its hourly limit of 500")
    assert shown[-1].startswith("github: 10 of 14 written, waiting")
    assert progress.lines[-1] is None
    assert said == []  # it was seen on the terminal


def test_the_wait_is_broken_off_at_once(make):
    """Whoever asks to stop does not wait for the limit; what is left is told, and the report says interrupted."""
    stop = Stop(patience=3)
    said: list[str] = []
    calls: list[str] = []

    def run(one):
        calls.append(one.name)
        return report(one, "R-1", left=7, written=5)

    (told,) = patiently([make(stop)], run, wait=True, say=said.append)
    assert (len(calls), stop.waits, told.interrupted, told.pauses[0].left) == (1, 3, True, 7)
    assert len(said) == 1  # without a terminal, once


def test_who_will_not_wait_is_not_kept(make):
    """With --no-wait, and where a guard halts, one cycle is all."""
    for wait, halts in ((False, []), (True, [HaltLine(name="brake", message="too much", mend="look")])):
        stop = Stop()
        (told,) = patiently(
            [make(stop)], lambda one, halts=halts: report(one, "R-1", left=7, halts=halts), wait=wait, say=print
        )
        assert (stop.waits, told.interrupted, told.pauses[0].left) == (0, False, 7)


def test_one_bridge_that_waits_does_not_hold_up_another(make):
    """All bridges have their first cycle before anything is waited for."""
    stop = Stop()
    order: list[tuple[str, bool]] = []

    def run(one):
        order.append((one.name, stop.waits == 0))
        return report(one, f"R-{len(order)}", left=3 if len(order) == 1 else 0)

    patiently([make(stop, "one"), make(stop, "two")], run, wait=True, say=lambda _: None)
    assert order == [("one", True), ("two", True), ("one", False)]


def test_a_tracker_that_rests_is_tried_once_and_that_is_said(make):
    """Who asks for a sync gets one, and is told what the breaker thinks."""
    bridge = make(Stop())
    with bridge.store.begin() as tx:
        tx.replicas.save(
            ReplicaRecord(
                bridge=bridge.name, replica=GITHUB, kind="github", state="failing", failures=4,
                last_error="no connection", not_before=START + timedelta(minutes=4),
            )
        )  # fmt: skip
    said: list[str] = []
    patiently([bridge], lambda one: report(one, "R-1"), wait=True, say=said.append)
    (line,) = said
    assert line.startswith("github failed 4 times in a row and rests until ")
    assert "tried once now (no connection)" in line
    assert bridge.resting == frozenset()


def test_a_long_sleep_ends_when_somebody_asks_and_a_short_one_is_slept():
    """What waited for a limit was not sent, and says so; the pace between two writes is kept to the end."""
    stop = threading.Event()
    stop.set()
    sleep = interruptible(stop)
    sleep(0.01)
    with pytest.raises(Limited, match="asked to stop"):
        sleep(3600)
