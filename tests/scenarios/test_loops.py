"""Circles that nobody drew alone: two people each add a half, in two trackers."""

from __future__ import annotations

from tests.scenarios.world import AZURE, GITHUB, JIRA


def test_two_tickets_that_are_put_under_each_other(world):
    """The circle is told with its way and reaches no third tracker; everything else on the tickets flows."""
    one = world.trackers[JIRA].create(title="One")
    two = world.trackers[JIRA].create(title="Two")
    world.settle()
    world.trackers[JIRA].edit(one, parent=two, title="One, really")
    twin = {ref: world.twin(JIRA, ref, GITHUB) for ref in (one, two)}
    world.trackers[GITHUB].edit(twin[two], parent=twin[one])
    report = world.cycle()
    assert any("would stand below itself" in problem.message for problem in report.problems)
    parents = [world.native(JIRA, ref, AZURE)["parent"] for ref in (one, two)]
    assert None in parents
    assert world.native(JIRA, one, GITHUB)["title"] == "One, really"
    world.trackers[JIRA].edit(one, parent=None)
    world.settle()
    assert world.native(JIRA, one, AZURE)["parent"] is None
    assert world.native(JIRA, two, AZURE)["parent"] == world.twin(JIRA, one, AZURE)


def test_a_ticket_that_would_wait_for_itself(world):
    """Three blocks in a row are fine; the fourth, which closes the circle, goes nowhere and is told."""
    refs = [world.trackers[JIRA].create(title=title) for title in ("a", "b", "c")]
    world.settle()
    world.trackers[JIRA].edit(refs[0], links=[f"blocks:{refs[1]}"])
    world.trackers[JIRA].edit(refs[1], links=[f"blocked_by:{refs[0]}", f"blocks:{refs[2]}"])
    world.settle()
    twins = [world.twin(JIRA, ref, AZURE) for ref in refs]
    assert f"blocks:{twins[1]}" in world.trackers[AZURE].ticket(twins[0])["links"]
    world.trackers[JIRA].edit(refs[2], links=[f"blocked_by:{refs[1]}", f"blocks:{refs[0]}"])
    report = world.cycle()
    assert any("would wait for itself" in problem.message for problem in report.problems)
    assert f"blocks:{twins[0]}" not in world.trackers[AZURE].ticket(twins[2])["links"]
