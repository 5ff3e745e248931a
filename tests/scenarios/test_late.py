"""A change that is carried out after it was given up, over what was decided since."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sync.testing.faults import Fault, scripted
from tests.scenarios.world import GITHUB, JIRA, Stuck, World, with_knobs


@pytest.mark.parametrize(
    ("history", "before", "stuck", "after"),
    [
        (True, {"title": "first"}, {"title": "second"}, {"title": "third"}),
        (False, {"title": "first"}, {"title": "second"}, {"title": "third"}),
        (False, {"state": "Open"}, {"state": "Review"}, {"state": "Done"}),
        (False, {"text": "one"}, {"text": "one\ntwo"}, {"text": "one\nthree"}),
        (False, {"labels": ["a"]}, {"labels": ["a", "b"]}, {"labels": ["a"]}),
    ],
    ids=["title", "title without a history", "status", "body", "labels"],
)
def test_a_change_of_ours_that_lands_late_is_nobody_s_edit(
    make_world: Callable[..., World],
    history: bool,
    before: dict[str, Any],
    stuck: dict[str, Any],
    after: dict[str, Any],
) -> None:
    """What was decided since is written over it once more, and nobody is asked."""
    world = make_world(with_knobs(GITHUB, history=history))
    ref = world.trackers[JIRA].create(**{"title": "Refunds", **before})
    world.settle()
    replica = world.bridge.replicas[GITHUB]
    adapter = replica.adapter = Stuck(replica.adapter, scripted([("write", Fault.LATE)]))
    world.trackers[JIRA].edit(ref, **stuck)
    world.settle()
    world.trackers[JIRA].edit(ref, **after)
    world.settle()
    adapter.arrive()
    (key,) = after
    assert world.native(JIRA, ref, GITHUB)[key] == stuck[key]
    world.settle()
    assert world.everywhere(JIRA, ref, key) == [after[key]] * 3
    assert not world.conflicts()
    world.check_accounted()
