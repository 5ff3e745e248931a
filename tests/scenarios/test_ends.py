"""Links whose other end is deleted in one tracker."""

from __future__ import annotations

from dataclasses import replace

from sync.core.ports import OpKind
from sync.testing.memory import MemoryKnobs
from tests.scenarios.world import AZURE, GITHUB, JIRA


def test_a_link_that_ended_with_its_ticket_stays_elsewhere(world):
    """Nobody took it away: the two tickets still stand in the other trackers, and so does what holds them together."""
    jira = world.trackers[JIRA]
    epic = jira.create(title="Epic", type="Epic")
    one, two = jira.create(title="Refunds", parent=epic), jira.create(title="Chargebacks")
    jira.edit(one, links=[f"blocks:{two}"])
    world.settle()
    blocked = {name: f"blocks:{world.twin(JIRA, two, name)}" for name in (GITHUB, AZURE)}
    above = {name: world.twin(JIRA, epic, name) for name in (GITHUB, AZURE)}
    jira.edit(one, links=[], parent=None, title="Refunds fail")
    jira.delete(two)
    jira.delete(epic)
    world.settle()
    for name in (GITHUB, AZURE):
        shown = world.native(JIRA, one, name)
        assert shown["title"] == "Refunds fail"
        assert shown["links"] == [blocked[name]]
        assert shown["parent"] == above[name]
    assert sum(world.cycle().writes.values()) == 0


def test_a_link_that_somebody_takes_away_goes_everywhere(world):
    """Both tickets are still there."""
    jira = world.trackers[JIRA]
    one, two = jira.create(title="Refunds"), jira.create(title="Chargebacks")
    jira.edit(one, links=[f"blocks:{two}"])
    world.settle()
    jira.edit(one, links=[])
    world.settle()
    assert world.native(JIRA, one, GITHUB)["links"] == []


def test_a_link_that_is_taken_away_at_once_stays_away(make_world):
    """What the bridge wrote at one end shows at the other one in the cycle in which somebody takes it away again: it is no edit."""
    world = make_world(
        {JIRA: MemoryKnobs(answers=False, one_request=False), GITHUB: MemoryKnobs(links_touch_both=False)}
    )
    jira, github = world.trackers[JIRA], world.trackers[GITHUB]
    one, two = jira.create(title="Refunds"), jira.create(title="Chargebacks")
    world.settle()
    here = world.twin(JIRA, one, GITHUB)
    github.edit(here, links=[f"duplicates:{world.twin(JIRA, two, GITHUB)}"])
    world.cycle(after=5)
    github.edit(here, links=[])
    world.settle()
    assert [ticket["links"] for tracker in (jira, github) for ticket in tracker.tickets()] == [[]] * 4


def test_a_link_that_is_made_while_the_other_copy_is_made_comes_to_rest(make_world):
    """Both ends are agreed on at once: neither takes away what the other one has just been given."""
    silent = MemoryKnobs(answers=False)
    world = make_world({JIRA: replace(silent, links_touch_both=False), GITHUB: silent, AZURE: silent})
    github, azure = world.trackers[GITHUB], world.trackers[AZURE]
    one = azure.create(title="Refunds")
    world.settle()
    here = world.twin(AZURE, one, GITHUB)
    adapter = world.bridge.replicas[GITHUB].adapter
    write = adapter.write

    def writing(op, content=None):
        receipt = write(op, content)
        if op.kind is OpKind.CREATE:
            github.edit(here, links=[f"duplicates:{github.tickets()[-1]['id']}"])
        return receipt

    adapter.write = writing
    two = azure.create(title="Chargebacks")
    world.cycle(after=5)
    world.settle()
    assert world.everywhere(AZURE, one, "links") == [
        [f"duplicates:{world.twin(AZURE, two, name)}"] for name in world.trackers
    ]
    world.check_converged()
