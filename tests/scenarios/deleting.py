"""What the stories of deleted tickets share: a ticket of which one copy goes, and cycles that may delete."""

from __future__ import annotations

from datetime import timedelta

from sync.core.guard import Limits
from sync.engine.cycle import run_cycle
from sync.engine.report import CycleReport
from sync.engine.runtime import OnDelete
from tests.scenarios.world import AZURE, GITHUB, JIRA, World

#: How long a ticket that is not found is looked for.
AFTER = timedelta(minutes=5)


def linked(world: World, **native: object) -> tuple[str, str]:
    """A ticket that stands everywhere: what it is called in Jira, and in GitHub."""
    ref = world.trackers[JIRA].create(title="Refunds", **native)
    world.settle()
    return ref, world.twin(JIRA, ref, GITHUB)


def consenting(world: World, *, mass: bool = False) -> CycleReport:
    """One cycle that may delete."""
    world.clock.advance(60)
    limits = world.bridge.limits
    world.bridge.limits = Limits(allow_deletes=True, allow_mass_change=mass)
    try:
        return run_cycle(world.bridge)
    finally:
        world.bridge.limits = limits


def gone_for_good(world: World, on_delete: OnDelete) -> tuple[str, CycleReport]:
    """A ticket of which GitHub's copy was deleted, and the cycle that made sure of it."""
    world.bridge.on_delete = on_delete
    ref, copy = linked(world)
    world.trackers[GITHUB].delete(copy)
    world.cycle()
    return ref, world.cycle(after=AFTER.total_seconds())


def states(world: World, ref: str) -> list[object]:
    """The ticket in Jira and in Azure DevOps."""
    return [world.native(JIRA, ref, name)["state"] for name in (JIRA, AZURE)]
