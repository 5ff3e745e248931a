"""Two bridges over the same trackers, each with a store of its own, and tickets that a bridge leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.world import ALIKE, GITHUB, JIRA, World


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[World, World]]:
    """Two installations over one pair of trackers, in which people joined a ticket of each."""
    worlds: list[World] = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        worlds.append(World(tmp_path / name, {JIRA: ALIKE[JIRA], GITHUB: ALIKE[GITHUB]}))
    one, other = worlds
    other.trackers, other.clock = one.trackers, one.clock
    other.reopen()
    one.trackers[JIRA].create(title="Pay")
    one.trackers[GITHUB].create(title="Pay", text="Mirrors: https://jira.example/tickets/1")
    yield one, other
    one.close()
    other.close()


def _said(world: World) -> dict[str, int]:
    return {name: len(tracker.tickets()[0]["comments"]) for name, tracker in world.trackers.items()}


def _problems(world: World) -> list[str]:
    with world.store.read() as tx:
        return [one.message for one in tx.problems.open(world.bridge.name)]


def test_a_comment_is_copied_once_by_each(both: tuple[World, World]) -> None:
    """What one bridge copied is no comment to the other one: they don't copy each other's copies for ever."""
    one, other = both
    one.settle()
    other.settle(allow=True)
    ticket = one.trackers[JIRA].tickets()[0]["id"]
    one.trackers[JIRA].comment(ticket, "When?")
    for _ in range(3):
        one.cycle()
        other.cycle()
    assert _said(one) == {JIRA: 1, GITHUB: 2}


def test_an_edit_reaches_all_and_ends(both: tuple[World, World]) -> None:
    """An edit is written once by the first bridge, is found in step by the other, and then nobody writes."""
    one, other = both
    one.settle()
    other.settle(allow=True)
    one.trackers[GITHUB].edit(one.trackers[GITHUB].tickets()[0]["id"], title="Pay at once", state="Review")
    assert sum(one.cycle().writes.values()) == 1
    assert sum(other.cycle().writes.values()) == 0
    assert sum(one.cycle().writes.values()) == 0
    assert one.trackers[JIRA].tickets()[0]["title"] == "Pay at once"


def test_a_ticket_left_alone_is_told_until_it_is_joined(both: tuple[World, World]) -> None:
    """A ticket that names one that is joined already is left alone; without the reference it is new, and the problem is over."""
    one, _ = both
    one.settle()
    second = one.trackers[GITHUB].create(title="Pay twice", text="Mirrors: https://jira.example/tickets/1")
    one.cycle()
    assert _problems(one) == ["another ticket of github is already joined there"]
    assert len(one.trackers[JIRA].tickets()) == 1
    one.trackers[GITHUB].edit(second, text="Another thing")
    one.cycle()
    assert _problems(one) == []
    assert len(one.trackers[JIRA].tickets()) == 2
