"""Some rings and some streams, the same for everybody; `make rings` tells as many others as wanted."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from sync.core.models import Field
from sync.testing.memory import MemoryKnobs
from tests.simulation.rings.drawing import SHAPES, coarsely, draw_ring
from tests.simulation.rings.streams import tell_stream
from tests.simulation.rings.telling import tell_ring

#: Rings and streams of one test, and how many such tests there are.
SHARE, SHARES = 10, 2


@pytest.mark.parametrize("share", range(SHARES))
def test_every_ring_comes_to_rest(share: int) -> None:
    """I6: whatever the shape, nothing goes round, nothing is made twice, and nothing that people wrote is lost."""
    results = [tell_ring(seed) for seed in range(share * SHARE, (share + 1) * SHARE)]
    broken = {one.seed: one.broken for one in results if one.broken}
    assert not broken, f"{broken}; again: python -m tests.simulation.rings --seed …"
    counts = sum((one.counts for one in results), Counter[str]())
    assert counts["people's writes"] > 50
    assert counts["our writes"] > 100


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("share", range(SHARES))
def test_pages_again_are_no_matter(share: int, late: bool) -> None:
    """I9: pages and rows that come many times, in any order, with those of earlier pulls before or after them, change nothing."""
    results = [tell_stream(seed, late=late) for seed in range(share * SHARE, (share + 1) * SHARE)]
    differs = {one.seed: one.differs for one in results if one.differs}
    assert not differs, f"{differs}; again: python -m tests.simulation.rings.streams --seed …"
    assert sum(one.counts["again"] for one in results) > 50
    assert sum(one.counts["older"] for one in results) > 30


def test_every_shape_is_drawn() -> None:
    """The first seeds have every shape, one installation and several, joined tickets and others, coarse mappings too."""
    rings = [draw_ring(Random(seed)) for seed in range(2 * SHARE * SHARES)]
    assert {ring.shape for ring in rings} == set(SHAPES)
    assert {ring.joined for ring in rings} == {True, False}
    assert {len({place.store for place in ring.places}) > 1 for ring in rings} == {True, False}
    assert {any(place.coarse for place in ring.places) for ring in rings} == {True, False}


def test_a_seed_is_one_ring() -> None:
    """The same seed gives the same ring with the same writes, every time; with fewer steps it is another one."""
    once, again = tell_ring(7), tell_ring(7)
    assert (once.steps, once.counts, once.rounds) == (again.steps, again.counts, again.rounds)
    assert tell_ring(7, once.steps[:2]).counts != once.counts


def test_a_coarse_mapping_lumps_statuses() -> None:
    """What a tracker calls three things is one to it, and is left as it is where it means the same."""
    statuses = coarsely(MemoryKnobs().mapping()).fields[Field.STATUS]
    assert {statuses.read(word) for word in ("In Progress", "Review", "Blocked")} == {"in_progress"}
    assert statuses.write("review", None) == "In Progress"
