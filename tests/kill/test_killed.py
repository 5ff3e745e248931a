"""A few real kills, stops and a pair of daemons; `make test-crash` has hundreds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kill.checks import doubled, missing, strayed
from tests.kill.kills import kill
from tests.kill.pairs import pair
from tests.kill.stops import stop
from tests.kill.world import World, a_world
from tests.scenarios.world import SHELF


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with (
        tempfile.TemporaryDirectory(prefix="trackdown-kill-", dir=SHELF) as folder,
        a_world(Path(folder), seed=len(request.node.name)) as found,
    ):
        yield found


def test_a_killed_process_loses_nothing_and_makes_nothing_twice(world: World) -> None:
    """After ten SIGKILLs everything stands everywhere once, most of them came between a create and its record."""
    killed = kill(world, 10)
    assert killed.problems == []
    assert killed.idle_writes == 0
    assert killed.in_window >= 3
    assert killed.stood["tickets"] >= 30


def test_a_worker_that_slept_past_its_lease_does_nothing_more(world: World) -> None:
    """Another one took over and finished; the sleeper neither commits nor writes when it wakes up."""
    stopped = stop(world, 2)
    assert stopped.problems == []
    assert (stopped.stops, stopped.lost, stopped.stale_commits, stopped.stale_writes) == (2, 2, 0, 0)


def test_two_daemons_take_turns(world: World) -> None:
    """Each write is made once, no two runs overlap, and SIGTERM ends both when the write in hand is recorded."""
    paired = pair(world, 4)
    assert paired.problems == []
    assert paired.writes >= 4


def test_the_checks_find_what_is_wrong(world: World) -> None:
    """A ticket that stands there twice, one that no link knows, and one that is nowhere are told."""
    world.new_ticket()
    world.until_quiet()
    assert [*doubled(world.standing()), *missing(world, world.standing()), *strayed(world, world.standing())] == []
    world.github.add_issue(title=world.titles["tick00001"], body="by hand")
    world.titles["tick00002"] = "tick00002 was lost"
    shown = world.standing()
    assert list(doubled(shown)) == ["github has tick00001 2 times"]
    assert any("tick00002" in line for line in missing(world, shown))
    assert any("no link knows tick00001" in line for line in strayed(world, shown))
