"""Two machines that take back what the other one wrote: they are stopped, and people who change their minds are not."""

from __future__ import annotations

from tests.scenarios.world import ALIKE, GITHUB, JIRA, NAMES


def test_a_value_that_comes_and_goes_is_held_for_a_person(make_world):
    """A rule of one tracker answers each write with its own value, and one of another tracker does the same: both are made to wait."""
    world = make_world(ALIKE)
    ref = world.trackers[JIRA].create(title="Refunds", text="They fail")
    world.settle()
    twin = world.twin(JIRA, ref, GITHUB)
    for _ in range(12):
        world.trackers[JIRA].edit(ref, title="REFUNDS", author="ada")
        world.cycle()
        world.trackers[GITHUB].edit(twin, title="refunds", author="grace")
        world.cycle()
    (held,) = [one for one in world.conflicts() if one.state == "open"]
    assert held.field == "title"
    turns = [one for one in world.trackers[JIRA].journal if one.key == "title" and one.new == "refunds"]
    assert len(turns) <= 3
    world.trackers[JIRA].edit(ref, text="They still fail")
    world.cycle()
    assert world.everywhere(JIRA, ref, "text") == ["They still fail"] * 3


def test_whoever_changes_their_mind_is_not_stopped(make_world):
    """A ticket that is closed and opened again now and then stays in step."""
    world = make_world(ALIKE)
    ref = world.trackers[JIRA].create(title="Refunds")
    world.settle()
    for turn in range(12):
        world.trackers[JIRA].edit(ref, state=("Done", "Open")[turn % 2])
        world.cycle(after=20 * 60)
        assert len(set(world.everywhere(JIRA, ref, "state"))) == 1
    assert not world.conflicts()
    assert {world.trackers[name].tickets()[0]["state"] for name in NAMES} == {"Open"}
