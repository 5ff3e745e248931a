"""What a tracker can hold of a set is written there, though the rest of it can't be said."""

from __future__ import annotations

import pytest

from sync.core.models import Field
from tests.scenarios.world import AZURE, DIFFERENT, GITHUB, JIRA, NAMES, with_knobs


@pytest.fixture
def world(make_world):
    """A tracker with conditional writes, so that each request is decided on anew, that has few kinds of links and few names."""
    return make_world(
        with_knobs(AZURE, link_kinds=frozenset({"relates"}), names={Field.COMPONENTS: ("api",)}, one_request=True)
    )


def links(world, ref, name):
    return {link.split(":")[0] for link in world.native(JIRA, ref, name)["links"]}


def test_an_edit_of_several_fields(world):
    """A title goes first; the links that can be made are made after it, and the others are told."""
    jira = world.trackers[JIRA]
    one, two = (jira.create(title=title) for title in ("One", "Two"))
    world.settle()
    jira.edit(one, title="One again", links=[f"relates:{two}", f"duplicates:{two}"], components=["api", "billing"])
    report = world.cycle()
    assert {problem.place.rpartition(" ")[2] for problem in report.problems} == {"links", "components"}
    assert world.native(JIRA, one, AZURE)["title"] == "One again"
    assert (links(world, one, AZURE), links(world, one, GITHUB)) == ({"relates"}, {"relates", "duplicates"})
    assert world.everywhere(JIRA, one, "components") == [["api", "billing"], ["api", "billing"], ["api"]]
    world.settle()
    world.check_converged()


@pytest.mark.parametrize("conditional", [True, False])
def test_a_new_ticket(make_world, conditional):
    """A ticket that is new links to one that is old, as far as can be said, and once."""
    world = make_world(with_knobs(AZURE, link_kinds=frozenset({"relates"}), conditional_writes=conditional))
    jira = world.trackers[JIRA]
    old = jira.create(title="Old")
    world.settle()
    new = jira.create(title="New", links=[f"relates:{old}", f"duplicates:{old}"])
    world.settle()
    assert [links(world, new, name) for name in NAMES] == [{"relates", "duplicates"}] * 2 + [{"relates"}]
    world.check_converged()
    assert sum(world.cycle().writes.values()) == 0


def test_a_stranger_among_those_who_work_on_it(make_world):
    """Who has no account somewhere stays with the others; the title and the rest of the people are written there."""
    world = make_world(DIFFERENT)
    jira = world.trackers[GITHUB]
    ref = jira.create(title="One", people=["ada"])
    world.settle()
    jira.edit(ref, title="One again", people=["ada", "somebody", "grace"], reporter="somebody", points=3)
    world.settle()
    azure = world.native(GITHUB, ref, AZURE)
    assert (azure["title"], set(azure["people"]), azure["points"]) == ("One again", {"ada", "grace"}, 3)
    assert sum(world.cycle().writes.values()) == 0
