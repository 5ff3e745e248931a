"""Some whole histories, the same for everybody; `make simulate` tells as many others as wanted."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from sync.core.guard import Limits
from sync.core.policy import MergePolicy
from sync.engine.cycle import run_cycle
from sync.testing.memory import MemoryKnobs
from tests.simulation.drawing import NAMES, draw_setting, draw_steps
from tests.simulation.history import run_history
from tests.simulation.steps import Cycle, from_json, shorter, to_json
from tests.simulation.tally import Tally
from tests.simulation.world import World

#: Histories of one test, and how many such tests there are.
SHARE, SHARES = 20, 10
#: How many of a few tickets may be closed or rewritten in one cycle.
ALLOWED = Limits().mass_floor


@pytest.mark.parametrize("share", range(SHARES))
def test_every_promise_is_kept(share: int) -> None:
    """Whatever people do and whatever goes wrong, no invariant is broken."""
    tally = Tally()
    for seed in range(share * SHARE, (share + 1) * SHARE):
        tally.take(run_history(seed))
    assert not tally.failed, tally.as_text() + "again: python -m tests.simulation --shrink --seed …"
    assert tally.counts["human_writes"] > 100
    assert tally.counts["own_writes"] > 100


def test_a_seed_is_one_history() -> None:
    """The same seed gives the same tickets, log and conflicts, every time."""
    assert [run_history(seed).fingerprint for seed in (3, 4)] == [run_history(seed).fingerprint for seed in (3, 4)]


def test_stores_are_equal() -> None:
    """I18: the store in memory and the one on disk come to the same tickets, log and conflicts."""
    seeds = range(20, 26)
    memory = [run_history(seed).fingerprint for seed in seeds]
    assert [run_history(seed, on_disk=True).fingerprint for seed in seeds] == memory


def test_steps_are_written_down() -> None:
    """Steps that were written down are the same steps when they are read, and lead to the same end."""
    random = Random(5)
    steps = draw_steps(random, draw_setting(random))
    assert from_json(to_json(steps)) == steps
    assert run_history(5, steps).fingerprint == run_history(5).fingerprint


def test_shorter_histories_have_less() -> None:
    """Each candidate of the search for the shortest history lacks something that the history has."""
    random = Random(8)
    steps = draw_steps(random, draw_setting(random))
    size = len(to_json(steps))
    candidates = list(shorter(steps))
    assert () in candidates or len(steps) > 1
    assert all(len(to_json(one)) < size for one in candidates)
    assert any(len(one) == len(steps) - 1 for one in candidates)
    assert any(isinstance(step, Cycle) for step in steps)


@pytest.mark.parametrize("seed", range(8))
def test_the_brake_trips_at_one_more(seed: int) -> None:
    """I8: as many tickets as are allowed are closed or rewritten in one cycle; with one more nothing is written at all."""
    random = Random(seed)
    knobs = {name: MemoryKnobs() for name in NAMES[: random.choice((2, 3))]}
    setting = replace(
        draw_setting(random), knobs=knobs, directions={}, policy=MergePolicy(order=tuple(knobs)), poisoned=None
    )
    world = World(setting, None)
    try:
        tracker = world.trackers[NAMES[0]]
        refs = [tracker.create(title=world.word("title")) for _ in range(8)]
        run_cycle(world.bridge)
        many = ALLOWED + random.randrange(2)
        for ref in random.sample(refs, many):
            changed = random.choice(({"state": "Done"}, {"title": world.word("title")}, {"text": world.word("line")}))
            tracker.edit(ref, **changed)
        world.advance(60)
        before = world.writes()
        report = run_cycle(world.bridge)
        assert bool(report.halts) == (many > ALLOWED)
        assert (world.writes() == before) == (many > ALLOWED)
    finally:
        world.close()
