"""Two daemons on one store at the same time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from signal import SIGTERM

from tests.kill.checks import damaged, doubled, missing, strayed
from tests.kill.victims import Victim
from tests.kill.world import BRIDGE, World


@dataclass(slots=True, kw_only=True)
class Paired:
    """What came of two daemons that worked side by side."""

    runs: int = 0
    synced: list[int] = field(default_factory=list)  # runs with writes, by each of them
    writes: int = 0
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def kept(self) -> bool:
        """Whether all promises were kept."""
        return not self.problems


def pair(world: World, seconds: float) -> Paired:
    """Let two daemons work for a while, and longer until both have written; end them with a write in hand, and look at everything."""
    paired, started = Paired(), time.monotonic()
    daemons = [world.start("daemon", "--log", "json") for _ in range(2)]
    while (past := time.monotonic() - started) < seconds or (past < 4 * seconds and not all(map(_synced, daemons))):
        world.work()
        world.while_passes()
        time.sleep(0.4)
    with world.watch.trap(when="done") as trap:
        while not trap.caught.wait(0.5):
            world.work()
        for daemon in daemons:
            daemon.send(SIGTERM)
        time.sleep(0.3)
    codes = [daemon.ended() for daemon in daemons]
    if codes != [0, 0] or any('"stopped"' not in daemon.said() for daemon in daemons):
        paired.problems.append(f"the daemons ended with {codes}: {daemons[0].said()} {daemons[1].said()}")
    paired.problems += [f"{row.op.summary} is open after SIGTERM" for row in world.unfinished()]
    paired.problems += [f"two writes to {name} at once" for name, most in world.watch.crowds.items() if most > 1]
    paired.problems += _overlaps(world)
    paired.synced = [_synced(daemon) for daemon in daemons]
    world.until_quiet()
    shown = world.standing()
    paired.problems += world.watch.twice()
    paired.problems += [*doubled(shown), *missing(world, shown), *strayed(world, shown), *damaged(world)]
    with world.store.read() as tx:
        paired.runs = len(tx.runs.list(BRIDGE, limit=10**6))
    paired.writes = len(world.watch.writes)
    paired.seconds = time.monotonic() - started
    return paired


def _overlaps(world: World) -> list[str]:
    """The runs that were not one after another, and whether each held the bridge by a lease of its own."""
    with world.store.read() as tx:
        runs = sorted(tx.runs.list(BRIDGE, limit=10**6), key=lambda run: run.started_at)
    lease = world.store.acquire(BRIDGE, ttl=timedelta(seconds=1))
    world.store.release(lease)
    found = [
        f"{one.id} was not over when {other.id} began"
        for one, other in pairwise(runs)
        if one.finished_at is None or one.finished_at > other.started_at
    ]
    if lease.epoch != len(runs) + 1:
        found.append(f"{len(runs)} runs, {lease.epoch - 1} leases")
    return found


def _synced(daemon: Victim) -> int:
    """How many of its runs wrote something, as it says."""
    return sum('"event": "synced"' in line for line in daemon.said().splitlines())
