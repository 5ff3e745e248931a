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
