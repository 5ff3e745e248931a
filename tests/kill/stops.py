"""SIGSTOP: a worker sleeps past its lease, another takes over and finishes, and the first wakes up."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from signal import SIGSTOP
from typing import Literal

from tests.kill.checks import damaged, doubled, missing, strayed
from tests.kill.victims import BUSY, LOST, STOPPING, Victim
from tests.kill.world import SETTLE, World

LEASE = timedelta(seconds=1)
#: Where the worker is stopped: while it reads, with the answer to a write on the way, between an intent and its write, or anywhere.
Aim = Literal["reading", "an answer on the way", "before a write", "any moment"]
AIMS: dict[Aim, int] = {"reading": 2, "an answer on the way": 3, "before a write": 3, "any moment": 2}


@dataclass(slots=True, kw_only=True)
class Stopped:
    """What came of a series of stops."""

    stops: int = 0
    by: Counter[str] = field(default_factory=Counter)
    stale_commits: int = 0
    stale_writes: int = 0  # requests that a worker sent when the bridge was another's
    lost: int = 0  # workers that found out and gave up
    in_commits: int = 0  # stops inside a transaction: nobody can take over before its end, so these count for nothing
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def kept(self) -> bool:
        """Whether all promises were kept."""
        return not self.problems and not self.stale_commits and not self.stale_writes


def stop(world: World, times: int) -> Stopped:
    """Stop `times` workers, let everything come to rest, and look at everything."""
    stopped, started = Stopped(), time.monotonic()
    world.work()
    world.until_quiet()
    with closing(sqlite3.connect(world.folder / "t.db", timeout=2, isolation_level=None)) as watching:
        while stopped.stops < times and not stopped.problems:
            for _ in range(2):
                world.work()
            world.while_passes()
            _one(world, stopped, watching)
            stopped.problems += doubled(world.standing())
    if not stopped.problems:
        time.sleep(SETTLE)
        world.until_quiet()
        shown = world.standing()
        stopped.problems += [*missing(world, shown), *strayed(world, shown), *damaged(world)]
    stopped.seconds = time.monotonic() - started
    return stopped


def _one(world: World, stopped: Stopped, watching: sqlite3.Connection) -> None:
    """One worker that is stopped and woken up, and what it did then."""
    aim = world.chance.choices(list(AIMS), list(AIMS.values()))[0]
    skip = world.chance.randrange(4)
    kind = "any" if aim == "reading" else "write"
    with world.watch.trap(
        when="done", kind=kind, skip=skip if aim in ("reading", "an answer on the way") else 10**9
    ) as trap:
        sleeper = world.victims.worker(world.config, LEASE, skip + 1 if aim == "before a write" else None)
        if aim == "any moment":
            time.sleep(world.chance.uniform(0, 1))
        while aim != "any moment" and not trap.caught.wait(0.005) and sleeper.runs() and STOPPING not in sleeper.said():
            pass
        sleeper.send(SIGSTOP)
    time.sleep(0.05)  # a signal takes a moment to reach every thread
    world.watch.quiet()
    if not sleeper.runs():
        return
    if (locked := _is_locked(watching)) or not _holds(watching, sleeper.pid):
        stopped.in_commits += locked
        assert sleeper.woken() == 0, sleeper.said()
        return
    stopped.stops += 1
    stopped.by[aim] += 1
    _take_over(world)
    if world.chance.random() < 0.5:  # long enough for the other to make again what it can't find
        time.sleep(SETTLE)
        _take_over(world)
    before, arrived = _version(watching), world.watch.arrived
    code = sleeper.woken()
    world.watch.quiet()
    stopped.lost += code == LOST
    commits, writes = _version(watching) != before, world.watch.arrived - arrived
    stopped.stale_commits += commits
    stopped.stale_writes += writes
    if code != LOST or commits or writes:
        stopped.problems.append(
            f"stopped at {aim}, woken up: exit code {code}, {writes} writes, commits: {commits}; {sleeper.said()}"
        )


def _take_over(world: World) -> None:
    """Another worker waits until the lease is over, and does a whole cycle."""
    world.while_passes()
    codes: list[int] = []
    while not codes or (codes[-1] == BUSY and len(codes) < 30):
        time.sleep(LEASE.total_seconds() / 4)
        other: Victim = world.victims.worker(world.config, LEASE)
        codes.append(other.ended())
    assert codes[-1] == 0, f"the other worker ended with {codes[-1]}: {other.said()}"


def _is_locked(watching: sqlite3.Connection) -> bool:
    """Whether somebody is inside a writing transaction for longer than one takes."""
    try:
        watching.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return True
    watching.rollback()
    return False


def _holds(watching: sqlite3.Connection, pid: int) -> bool:
    """Whether the bridge is this process's: one that was stopped before or behind its cycle has nothing to lose."""
    row = watching.execute("SELECT pid FROM leases WHERE expires_at IS NOT NULL").fetchone()
    return row is not None and row[0] == pid


def _version(watching: sqlite3.Connection) -> int:
    """A number that changes with every commit of somebody else."""
    version: int = watching.execute("PRAGMA data_version").fetchone()[0]
    return version
