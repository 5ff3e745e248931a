"""How tickets meet: made everywhere once, adopted, found again."""

from __future__ import annotations

from tests.scenarios.world import AZURE, GITHUB, JIRA, NAMES


def test_a_ticket_is_made_everywhere(world):
    """What is made in one tracker stands in all of them after one cycle, and the cycles after it write nothing."""
    ref = world.trackers[JIRA].create(
        title="Refunds fail", text="one\ntwo", state="Review", labels=["x"], people=["ada"]
    )
    report = world.cycle()
    assert (report.created, report.writes) == (1, {JIRA: 0, GITHUB: 1, AZURE: 1})
    assert world.everywhere(JIRA, ref, "title") == ["Refunds fail"] * 3
    assert world.everywhere(JIRA, ref, "text") == ["one\ntwo"] * 3
    assert world.everywhere(JIRA, ref, "state") == ["Review", "Review", "Doing"]
    assert world.everywhere(JIRA, ref, "people") == [["ada"]] * 3
    for _ in range(2):
        assert sum(world.cycle().writes.values()) == 0
    world.check_converged()
    world.check_once()
    world.check_accounted()


def test_an_idle_cycle_costs_one_request_a_feed(world):
    """Nothing changed: no write, and no more requests than feeds."""
    for name in NAMES:
        for number in range(5):
            world.trackers[name].create(title=f"{name} {number}")
    world.settle()
    assert world.cycle().requests == {JIRA: 1, GITHUB: 2, AZURE: 1}


def test_adoption_by_explicit_reference(world):
    """A ticket that says which one it mirrors is joined with it; nothing is made twice and the fields are merged."""
    first = world.trackers[JIRA].create(title="Refunds fail", labels=["a"], state="In Progress")
    other = world.trackers[GITHUB].create(title="Refunds fail", text="Mirrors: JIRA-1", labels=["b"])
    report = world.cycle()
    assert report.adopted == 1
    assert world.twin(JIRA, first, GITHUB) == other
    assert len(world.trackers[JIRA].tickets()) == len(world.trackers[AZURE].tickets()) == 1
    assert sorted(world.native(JIRA, first, AZURE)["labels"]) == ["a", "b"]
    world.settle()
    world.check_converged()
    world.check_once()


def test_two_that_name_the_same_one_are_left_to_a_person(world):
    """An ambiguous reference is told and adopted by nobody."""
    world.trackers[JIRA].create(title="Refunds fail")
    for number in (1, 2):
        world.trackers[GITHUB].create(title=f"copy {number}", text="Mirrors: JIRA-1")
    report = world.cycle()
    assert report.adopted == 0
    assert sum("was not joined" in problem.message for problem in report.problems) == 2
    assert len(world.links()) == 3


def test_a_copied_marker_makes_a_ticket_of_its_own(world):
    """A person who copies a ticket, marker and all, gets a second ticket, not a second link."""
    ref = world.trackers[JIRA].create(title="Refunds fail")
    world.cycle()
    marker = world.native(JIRA, ref, GITHUB)["marker"]
    assert marker
    world.trackers[GITHUB].create(title="A copy", marker=marker)
    world.settle()
    assert len(world.links()) == 2
    assert len(world.trackers[JIRA].tickets()) == 2
    world.check_once()


def test_a_foreign_marker_is_left_alone(world):
    """A ticket of another installation is told and not bridged."""
    world.trackers[GITHUB].create(title="Theirs", marker="trackdown:v1:abc:0123456789abcdef")
    report = world.cycle(allow=True)
    assert "another trackdown installation" in report.problems[0].message
    assert not world.links()


def test_tickets_of_all_sides_meet_at_once(world):
    """Each tracker's own tickets reach the others in one cycle."""
    for name in NAMES:
        for number in range(3):
            world.trackers[name].create(title=f"{name} {number}", priority=f"P{number}")
    assert world.cycle().created == 9
    assert [len(world.trackers[name].tickets()) for name in NAMES] == [9, 9, 9]
    assert sum(world.cycle().writes.values()) == 0
    world.check_converged()
    world.check_once()


def test_a_parent_is_made_before_its_child(world):
    """An epic and its issue arrive together, and the copy of the issue hangs under the copy of the epic by one write each."""
    epic = world.trackers[JIRA].create(title="Epic", type="Epic")
    child = world.trackers[JIRA].create(title="Child", parent=epic)
    report = world.cycle()
    assert report.writes == {JIRA: 0, GITHUB: 2, AZURE: 2}
    for name in (GITHUB, AZURE):
        assert world.native(JIRA, child, name)["parent"] == world.twin(JIRA, epic, name)
    assert sum(world.cycle().writes.values()) == 0


def test_a_child_whose_parent_sorts_behind_it(world):
    """A parent with a later number and the same kind is still in place after one cycle."""
    child = world.trackers[JIRA].create(title="Child")
    parent = world.trackers[JIRA].create(title="Parent")
    world.trackers[JIRA].edit(child, parent=parent)
    world.cycle()
    assert world.native(JIRA, child, AZURE)["parent"] == world.twin(JIRA, parent, AZURE)
    world.settle()
    world.check_converged()


def test_a_parent_that_comes_later(world):
    """A child gets its parent when the parent is made and the child is put under it."""
    child = world.trackers[GITHUB].create(title="Child")
    world.cycle()
    parent = world.trackers[AZURE].create(title="Parent", type="Epic")
    world.trackers[AZURE].edit(world.twin(GITHUB, child, AZURE), parent=parent)
    world.cycle()
    for name in (JIRA, GITHUB):
        assert world.native(GITHUB, child, name)["parent"] == world.twin(AZURE, parent, name)
    world.settle()
    world.check_converged()
