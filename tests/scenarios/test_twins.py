"""A create that is carried out after it was given up: there are two copies, and one of them must go without a loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sync.testing.faults import Fault, scripted
from tests.scenarios.world import ACCOUNT, GITHUB, JIRA, Stuck, World


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A ticket in Jira whose first copy on GitHub got stuck on its way, and its second one, which was made instead."""
    world = make_world()
    replica = world.bridge.replicas[GITHUB]
    replica.adapter = Stuck(replica.adapter, scripted([("write", Fault.LATE)]))
    world.trackers[JIRA].create(title="Refunds", text="They fail")
    for _ in range(8):
        world.cycle()
    assert len(world.trackers[GITHUB].tickets()) == 1
    return world


def arrive(world: World) -> dict[str, Any]:
    """The stuck request is carried out; the copy that it makes."""
    adapter = world.bridge.replicas[GITHUB].adapter
    assert isinstance(adapter, Stuck)
    adapter.arrive()
    return world.trackers[GITHUB].tickets()[-1]


def rest(world: World) -> None:
    """Sync until nothing is written any more."""
    for _ in range(5):
        if not sum(world.cycle().writes.values()):
            return
    raise AssertionError("still busy")


def test_the_second_copy_is_closed(world: World) -> None:
    """The copy that is linked stays as it is, the other one is closed with a comment that leads there; nobody else hears of it."""
    late = arrive(world)
    rest(world)
    first, second = world.trackers[GITHUB].tickets()
    assert (first["state"], second["id"], second["state"]) == ("Open", late["id"], "Done")
    (comment,) = second["comments"]
    assert "GITHUB-1 (https://github.example/tickets/1)" in comment["text"]
    assert comment["author"] == ACCOUNT
    assert [len(tracker.tickets()) for tracker in world.trackers.values()] == [1, 2, 1]
    with world.store.read() as tx:
        assert not [one for one in tx.problems.open() if one.kind == "twin"]
        assert tx.audit.verify() is None


def test_a_closed_second_copy_is_left_alone(world: World) -> None:
    """What people do to the one that stays goes everywhere; what they do to the other one goes nowhere."""
    late = arrive(world)
    rest(world)
    world.trackers[GITHUB].edit(late["id"], title="Nobody hears of it", author="ada")
    world.trackers[GITHUB].edit(world.trackers[GITHUB].tickets()[0]["id"], title="Refunds fail", author="ada")
    rest(world)
    assert [ticket["title"] for ticket in world.trackers[JIRA].tickets()] == ["Refunds fail"]


def test_a_second_copy_that_somebody_wrote_to_is_not_closed(world: World) -> None:
    """It becomes a ticket of its own, so that nothing is lost."""
    late = arrive(world)
    world.trackers[GITHUB].edit(late["id"], title="Mine now", author="ada")
    rest(world)
    assert sorted(ticket["title"] for ticket in world.trackers[JIRA].tickets()) == ["Mine now", "Refunds"]
    assert world.trackers[GITHUB].tickets()[-1]["state"] == "Open"


def test_a_second_copy_is_closed_once(world: World) -> None:
    """An answer that is lost while it is being closed makes no second comment."""
    arrive(world)
    adapter = world.bridge.replicas[GITHUB].adapter
    assert isinstance(adapter, Stuck)
    adapter.script = scripted([("write", Fault.LOST), ("write", Fault.LOST)])
    rest(world)
    rest(world)
    second = world.trackers[GITHUB].tickets()[-1]
    assert second["state"] == "Done"
    assert len(second["comments"]) == 1
