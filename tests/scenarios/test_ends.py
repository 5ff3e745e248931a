"""Links whose other end is deleted in one tracker."""

from __future__ import annotations

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
