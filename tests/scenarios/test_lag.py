"""A list that shows the past: what it says is older than what the tracker answered to our own writes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.scenarios.world import GITHUB, JIRA, World, with_knobs


@pytest.mark.parametrize(
    ("key", "old", "new"), [("title", "Refunds", "Refunds fail"), ("labels", [], ["a"]), ("text", "one", "one\ntwo")]
)
def test_a_row_from_before_our_write_takes_nothing_back(
    make_world: Callable[..., World], key: str, old: object, new: object
) -> None:
    """Somebody edits just before our write, and is listed after it as the ticket was in between: both edits stay."""
    world = make_world(with_knobs(GITHUB, list_lag=timedelta(seconds=40)))
    ref = world.trackers[JIRA].create(**{"title": "Refunds", key: old})
    world.settle()
    world.trackers[GITHUB].edit(world.twin(JIRA, ref, GITHUB), priority="P1")
    world.clock.advance(2)
    world.trackers[JIRA].edit(ref, **{key: new})
    world.cycle(after=5)
    assert world.native(JIRA, ref, GITHUB)[key] == new
    report = world.cycle(after=35)
    assert report.pulled
    assert not any(report.writes.values())
    world.settle()
    assert world.everywhere(JIRA, ref, key) == [new] * 3
    assert world.everywhere(JIRA, ref, "priority") == ["P1"] * 3
    assert not world.conflicts()
    world.check_converged()
