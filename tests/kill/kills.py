"""SIGKILL: `sync` and `daemon` are killed while tickets, comments, files and edits flow, and started again."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from sync.core.ports import OpKind
from tests.kill.checks import damaged, doubled, missing, strayed
from tests.kill.victims import Victim
from tests.kill.watched import TOKENS, Noun, Trap, Write
from tests.kill.world import SETTLE, World

#: How a kill is aimed, and how often of ten: when a create is done and its answer on the way, when it was answered, when
#: the request is on the way (it is done after the death of who sent it), or at no particular moment.
Aim = Literal["before its answer", "after its answer", "before it is done", "any moment"]
AIMS: dict[Aim, int] = {"before its answer": 4, "after its answer": 2, "before it is done": 1, "any moment": 3}
#: Of ten victims, so many are daemons.
DAEMONS = 3
#: Of the kills, so many must land between a create and its record.
SHARE = 0.30
NOUNS: dict[OpKind, Noun] = {
    OpKind.CREATE: "ticket",
    OpKind.COMMENT_CREATE: "comment",
    OpKind.ATTACHMENT_CREATE: "file",
}


@dataclass(slots=True, kw_only=True)
class Killed:
    """What came of a series of kills."""

    kills: int = 0
    by: Counter[str] = field(default_factory=Counter)  # by victim and by aim
    in_window: int = 0
    windows: Counter[str] = field(default_factory=Counter)  # by aim, and by what was made
    late: int = 0  # requests that were done when their sender was dead
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    stood: Counter[str] = field(default_factory=Counter)  # what stands there in the end
    idle_writes: int = 0  # by the cycle at the end, in which nothing is to be done

    @property
    def share(self) -> float:
        """How many of the kills landed in the window."""
        return self.in_window / max(1, self.kills)

    @property
    def kept(self) -> bool:
        """Whether all promises were kept, and the kills well aimed."""
        return not self.problems and self.idle_writes == 0 and self.share >= SHARE


def kill(world: World, times: int) -> Killed:
    """Kill `times` times, let everything come to rest, and look at everything."""
    killed, started = Killed(), time.monotonic()
    world.work()
    world.until_quiet()
    typical = 0.5
    while killed.kills < times and not killed.problems:
        world.work()
        world.while_passes()
        began = time.monotonic()
        if not _one(world, killed, typical):
            typical = 0.8 * typical + 0.2 * (time.monotonic() - began)
        killed.problems += doubled(world.standing())
        if killed.kills % 25 == 0:
            killed.problems += damaged(world)
    _rest(world, killed)
    killed.seconds = time.monotonic() - started
    return killed


def _one(world: World, killed: Killed, typical: float) -> bool:
    """One victim; whether it was killed before it ended."""
    aim = world.chance.choices(list(AIMS), list(AIMS.values()))[0]
    daemon = world.chance.randrange(10) < DAEMONS
    before = len(world.watch.made)
    with world.watch.trap(
        when="asked" if aim == "before it is done" else "done", skip=world.chance.choice((0, 0, 1, 2, 3))
    ) as trap:
        if aim == "any moment":
            trap.skip = 10**9
        victim = world.start(*(("daemon", "--log", "json") if daemon else ("sync", "--json")))
        if aim == "any moment":
            time.sleep(world.chance.uniform(0, 1.3 * typical))
        else:
            _await(trap, victim, most=4 * typical if daemon else 60.0)
            if aim == "after its answer":
                trap.opened.set()
                time.sleep(world.chance.uniform(0, 0.01))
        if victim.kill() >= 0:
            return False
        unrecorded = _unrecorded(world, world.watch.made[before:])
        done = len(world.watch.made)
        if aim == "before it is done":
            time.sleep(world.chance.uniform(0, SETTLE / 8))  # the request is not done before its sender is dead
    world.watch.quiet()
    killed.late += len(world.watch.made) - done
    killed.kills += 1
    killed.by["daemon" if daemon else "sync"] += 1
    killed.by[aim] += 1
    if unrecorded:
        killed.in_window += 1
        killed.windows[aim] += 1
        killed.windows.update({write.noun or "" for write in unrecorded})
    return True


def _await(trap: Trap, victim: Victim, most: float) -> None:
    """Wait for a catch; a victim that has nothing to create ends, or goes on for as long as is waited for."""
    until = time.monotonic() + most
    while not trap.caught.wait(0.005) and victim.runs() and time.monotonic() < until:
        pass


def _unrecorded(world: World, made: list[Write]) -> list[Write]:
    """The creates that were done and whose end the store does not know."""
    unfinished: set[tuple[str, str | None, str]] = set()
    for row in world.unfinished():
        noun = NOUNS.get(row.op.kind)
        if noun is not None and (token := TOKENS[noun].search(json.dumps(row.op.payload, default=str))):
            unfinished.add((row.replica, noun, token[0]))
    return [one for one in made if (one.tracker.partition("_")[0], one.noun, one.token) in unfinished]


def _rest(world: World, killed: Killed) -> None:
    """Everything comes to rest, and then nothing is written."""
    if killed.problems:
        return
    time.sleep(SETTLE + 0.1)
    try:
        killed.idle_writes = sum(world.until_quiet()["writes"].values())
    except AssertionError as error:
        killed.problems.append(str(error))
        return
    shown = world.standing()
    killed.problems += [*doubled(shown), *missing(world, shown), *strayed(world, shown), *damaged(world)]
    verified = world.start("audit", "verify")
    if verified.ended() != 0:
        killed.problems.append(f"trackdown audit verify: {verified.said()}")
    for tickets in shown.values():
        killed.stood["tickets"] += len(tickets)
        killed.stood["comments"] += sum(len(ticket.said) for ticket in tickets)
        killed.stood["files"] += sum(len(ticket.files) for ticket in tickets)
