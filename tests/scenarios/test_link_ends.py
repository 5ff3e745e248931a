"""The two ends of a link: decided together, whoever changes which of them, and believed lost only where that is sure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sync.core.ids import ReplicaName
from sync.testing.faults import Fault
from sync.testing.memory import MemoryKnobs
from tests.scenarios.world import ALIKE, AZURE, GITHUB, JIRA, NAMES, World, faulty

#: Linking moves only the ticket that was written to, and no answer shows a ticket.
SILENT = {name: replace(knobs, links_touch_both=False, answers=False) for name, knobs in ALIKE.items()}


def linked(world: World, kind: str = "relates") -> tuple[str, str]:
    """Two linked tickets that stand everywhere, as Jira calls them."""
    one, two = (world.trackers[JIRA].create(title=title) for title in ("One", "Two"))
    world.trackers[JIRA].edit(one, links=[f"{kind}:{two}"])
    world.settle()
    return one, two


def shown(world: World, ref: str) -> list[set[str]]:
    """The kinds of the ticket's links, tracker by tracker."""
    return [{link.split(":")[0] for link in world.native(JIRA, ref, name)["links"]} for name in NAMES]


@pytest.mark.parametrize("knobs", [ALIKE, SILENT], ids=["touched", "silent"])
def test_both_ends_change_at_once(make_world: Callable[..., World], knobs: dict[ReplicaName, MemoryKnobs]):
    """One end is linked to a third ticket in one tracker while the old link is edited at its other end in another: it comes to rest."""
    world = make_world(knobs)
    jira = world.trackers[JIRA]
    one, two, three = (jira.create(title=title) for title in ("One", "Two", "Three"))
    world.settle()
    world.trackers[GITHUB].edit(world.twin(JIRA, one, GITHUB), links=[f"relates:{world.twin(JIRA, two, GITHUB)}"])
    world.cycle()
    world.trackers[AZURE].edit(world.twin(JIRA, two, AZURE), links=[f"duplicates:{world.twin(JIRA, three, AZURE)}"])
    world.settle(8)
    assert shown(world, one) == [set()] * 3
    assert shown(world, two) == [{"duplicates"}] * 3
    assert shown(world, three) == [{"duplicated_by"}] * 3
    assert not any(sum(world.cycle().writes.values()) for _ in range(3))


def test_a_link_waits_for_the_ticket_at_its_other_end(world: World):
    """The only link of a ticket leads to one that a tracker refuses; it is made there as soon as that one is taken."""
    jira = world.trackers[JIRA]
    one = jira.create(title="One")
    world.settle()
    faulty(world, AZURE, ("write", Fault.REFUSED))
    two = jira.create(title="Two")
    jira.edit(one, links=[f"relates:{two}"])
    for _ in range(3):
        world.cycle()
    assert len(world.trackers[AZURE].tickets()) == 1
    jira.edit(two, title="Two again")
    world.settle()
    assert shown(world, one) == shown(world, two) == [{"relates"}] * 3


def test_a_lost_link_waits_for_its_tracker(world: World):
    """A ticket is deleted, and its tracker fails before it can be asked for it: nobody took the link away."""
    one, two = linked(world)
    world.trackers[GITHUB].delete(world.twin(JIRA, two, GITHUB))
    faulty(world, GITHUB, ("pull", Fault.CUT))
    world.cycle()
    world.settle(8)
    assert world.native(JIRA, one, AZURE)["links"] == [f"relates:{world.twin(JIRA, two, AZURE)}"]
    assert world.trackers[JIRA].ticket(one)["links"] == [f"relates:{two}"]


def test_a_link_that_goes_while_we_write(world: World):
    """The ticket at the other end is deleted after the tracker was read, and the loss is seen just before a write: it stays elsewhere."""
    one, two = linked(world)
    github, here = world.trackers[GITHUB], world.twin(JIRA, two, GITHUB)
    adapter = world.bridge.replicas[GITHUB].adapter
    fetch = adapter.fetch

    def deleting(refs, *, comments=True):
        if not github.deleted():
            github.delete(here)
        return fetch(refs, comments=comments)

    adapter.fetch = deleting
    world.trackers[JIRA].edit(one, title="One again")
    world.settle(8)
    assert github.deleted()
    assert world.native(JIRA, one, GITHUB)["title"] == "One again"
    assert world.trackers[JIRA].ticket(one)["links"] == [f"relates:{two}"]


def test_an_answer_of_the_past_takes_no_link_away(make_world: Callable[..., World]):
    """A direct answer shows one end as it was before the link was made, at the very version that it has: it is asked once more."""
    world = make_world(SILENT)
    one, two = (world.trackers[JIRA].create(title=title) for title in ("One", "Two"))
    world.settle()
    faulty(world, GITHUB)
    adapter = world.bridge.replicas[GITHUB].adapter
    before = list(adapter.fetch([world.twin(JIRA, two, GITHUB)], comments=False))
    world.trackers[JIRA].edit(one, links=[f"relates:{two}"])
    world.settle()
    fetch, stale = adapter.fetch, [before]

    def of_the_past(refs, *, comments=True):
        if stale and before[0].ref in refs:
            return iter(stale.pop())
        return fetch(refs, comments=comments)

    adapter.fetch = of_the_past
    world.trackers[JIRA].edit(two, title="Two again")
    world.settle()
    assert not stale
    assert shown(world, one) == shown(world, two) == [{"relates"}] * 3
