"""One ring: told from a seed, or from its steps, brought to rest, and judged."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from tests.simulation.rings import laws
from tests.simulation.rings.drawing import Ring, RingStep, Run, draw_ring, draw_steps
from tests.simulation.rings.world import SETTLE, RingWorld
from tests.simulation.steps import Edit

#: Rounds, in each of which every bridge syncs once in some order: so many for every bridge, and some.
ROUNDS, ROUNDS_EACH = 6, 2
#: The bridges are stopped when they wrote so many times what is enough.
ALLOWED = 2
#: Rings that may be told to find a shorter one.
MOST = 300


@dataclass(slots=True, kw_only=True)
class RingResult:
    """What one ring came to; `broken` are the laws by name with what was seen."""

    seed: int
    ring: Ring
    steps: tuple[RingStep, ...]
    broken: list[tuple[str, str]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    ratio: float = 0.0  # writes of bridges per write of a person and copy


def tell_ring(seed: int, steps: Sequence[RingStep] | None = None) -> RingResult:
    """Tell the ring of a seed (with other `steps`: between the same trackers) and check every law."""
    random = Random(seed)
    ring = draw_ring(random)
    drawn = draw_steps(random, ring)
    told = drawn if steps is None else tuple(steps)
    result = RingResult(seed=seed, ring=ring, steps=told)
    world = RingWorld(ring)
    try:
        for step in told:
            if isinstance(step, Edit):
                world.act(step)
            else:
                world.run(step)
            if _runs_away(world):
                break
        result.broken = _rest(world, Random(seed), result) or laws.verdict(world)
    except Exception as error:  # noqa: BLE001 - whatever escapes is a finding
        where = traceback.extract_tb(error.__traceback__)[-1]
        result.broken.append(("works", f"{error!r} ({where.filename.rpartition('/')[2]}:{where.lineno})"))
    people = world.human_writes()
    result.ratio = laws.PER_COPY * world.writes() / laws.enough(world)
    result.counts.update(
        {
            "rings": 1,
            "cycles": world.runs,
            "people's writes": people,
            "our writes": world.writes(),
            "kills": sum(one.weather.crashes for one in world.installed),
            ring.shape + (" of joined tickets" if ring.joined else ""): 1,
        }
    )
    return result


def _runs_away(world: RingWorld) -> bool:
    """Whether the bridges write so much that to look further is of no use."""
    return world.writes() > ALLOWED * laws.enough(world)


def shortest(failing: RingResult) -> RingResult:
    """The same ring with as few steps as still break one of the same laws."""
    wanted = {name for name, _ in failing.broken}
    best, tried, number = failing, 0, 0
    while number < len(best.steps) and tried < MOST:
        tried += 1
        shorter = tell_ring(best.seed, (*best.steps[:number], *best.steps[number + 1 :]))
        if wanted & {name for name, _ in shorter.broken}:
            best = shorter
        else:
            number += 1
    return best


def _rest(world: RingWorld, random: Random, result: RingResult) -> list[tuple[str, str]]:
    """Every bridge syncs, round after round, until in one round nobody writes; then two more rounds in silence."""
    world.clock.advance(SETTLE.total_seconds() + 60)
    quiet = 0
    most = ROUNDS + ROUNDS_EACH * len(world.installed)
    order = random.sample(range(len(world.installed)), len(world.installed))
    is_steady = random.random() < 0.5  # as where each runs on a timer of its own
    while quiet <= 2:
        before = world.writes()
        for place in order if is_steady else random.sample(order, len(order)):
            report = world.run(Run(place=place, wait=60))
            if report is not None and report.halts:
                return [("halts", report.halts[0].message)]
        result.rounds += 1
        is_quiet = world.writes() == before
        if quiet and not is_quiet:
            return [("silence", f"a round after a quiet one wrote {world.writes() - before} times")]
        quiet += is_quiet
        if not quiet and (result.rounds >= most or _runs_away(world)):
            newest = [f"{one.replica} {one.entry.key}={one.entry.new!r}" for one in world.told[-3:]]
            return [("comes_to_rest", f"still busy after {result.rounds} rounds, {world.writes()} writes: {newest}")]
    return []
