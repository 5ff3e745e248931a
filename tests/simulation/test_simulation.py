"""Some whole histories, the same for everybody; `make simulate` tells as many others as wanted."""

from __future__ import annotations

from random import Random

import pytest

from tests.simulation.drawing import draw_setting, draw_steps
from tests.simulation.history import run_history
from tests.simulation.steps import Cycle, from_json, shorter, to_json
from tests.simulation.tally import Tally

#: Histories of one test, and how many such tests there are.
SHARE, SHARES = 30, 10


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
