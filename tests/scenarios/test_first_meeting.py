"""Tickets that were joined and have no value in common where a person has to choose one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sync.core.models import Field
from sync.core.policy import FieldPolicy, MergePolicy, PolicyName
from sync.engine.review import resolve_conflict
from tests.scenarios.world import AZURE, GITHUB, JIRA, NAMES, World


@pytest.mark.parametrize("title", ["Refunds fail", "Refunds are late", "Neither"])
def test_a_third_copy_waits_for_the_title(make_world: Callable[..., World], title: str):
    """Without one no tracker would take it: it is made, once and without a complaint, when somebody has chosen."""
    world = make_world(policy=MergePolicy(order=NAMES, fields={Field.TITLE: FieldPolicy(PolicyName.MANUAL)}))
    ref = world.trackers[JIRA].create(title="Refunds fail")
    world.trackers[GITHUB].create(title="Refunds are late", text="Mirrors: JIRA-1")
    for report in (world.cycle(), world.cycle()):
        assert report.problems == []
        assert (report.waiting, report.created) == (1, 0)
    assert world.trackers[AZURE].tickets() == []
    (conflict,) = world.conflicts()
    resolve_conflict(world.store, conflict.id, chosen=title, replica=None, by="ada")
    assert world.cycle().created == 1
    assert world.everywhere(JIRA, ref, "title") == [title] * 3
    world.settle()
    world.check_converged()
    world.check_once()


def test_a_lost_store_copies_nothing_a_second_time(world: World, make_world: Callable[..., World]):
    """Where a new store meets the copies of another one it stops, each time anew, until a person says that it is meant."""
    world.trackers[JIRA].create(title="Refunds")
    world.settle()
    other = make_world()
    other.trackers = world.trackers
    other.reopen()
    other.bridge.secret = b"t" * 32
    for _ in range(2):
        report = other.cycle()
        assert {halt.name for halt in report.halts} == {"another_store"}
    assert "another_store" in {halt.name for halt in other.plan().halts}
    assert [len(tracker.tickets()) for tracker in world.trackers.values()] == [1, 1, 1]
    assert not other.cycle(allow=True).halts
    assert len(world.trackers[JIRA].tickets()) == 1
