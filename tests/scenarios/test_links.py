"""Links between tickets: in every tracker at both ends, whoever makes them, in whatever order the tickets arrive."""

from __future__ import annotations

import pytest

from sync.core.models import Field
from sync.testing.memory import MemoryKnobs
from tests.scenarios.world import AZURE, DIFFERENT, GITHUB, JIRA, NAMES, World, with_knobs

#: Linking moves only the version of the ticket that was written to.
QUIET_ENDS = {**DIFFERENT, AZURE: with_knobs(AZURE, links_touch_both=False)[AZURE]}


def links(world: World, of: str, ref: str) -> dict[str, set[tuple[str, str]]]:
    """Each tracker's links of a ticket: the kind, and the title of the ticket at the other end."""
    found = {}
    for name, tracker in world.trackers.items():
        members = (link.split(":") for link in world.native(of, ref, name)["links"])
        found[name] = {(kind, tracker.ticket(other)["title"]) for kind, other in members}
    return found


def everywhere(*wanted: tuple[str, str]) -> dict[str, set[tuple[str, str]]]:
    return {name: set(wanted) for name in NAMES}


def at_rest(world: World) -> None:
    """The cycle after this one writes nothing, and all sides show the same."""
    assert sum(world.cycle().writes.values()) == 0
    world.check_converged()
    world.check_once()
    world.check_accounted()


@pytest.fixture(params=["both", "one"])
def world(request, make_world):
    """Three trackers; in one of them a link may move only one of its two tickets."""
    return make_world(DIFFERENT if request.param == "both" else QUIET_ENDS)


@pytest.fixture
def pair(world):
    """Two tickets that stand everywhere, as Jira calls them."""
    one, two = (world.trackers[JIRA].create(title=title) for title in ("One", "Two"))
    world.settle()
    return one, two


@pytest.mark.parametrize("kinds", [("Issue", "Issue"), ("Epic", "Task")])
@pytest.mark.parametrize("first", [0, 1])
def test_new_tickets_arrive_with_their_links(world, kinds, first):
    """A link is made once both tickets have their copies, whichever comes first, and exactly once."""
    jira = world.trackers[JIRA]
    refs = [jira.create(title=title, type=kind) for title, kind in zip(("One", "Two"), kinds, strict=True)]
    jira.edit(refs[first], links=[f"{('blocks', 'blocked_by')[first]}:{refs[1 - first]}"])
    world.settle()
    assert links(world, JIRA, refs[0]) == everywhere(("blocks", "Two"))
    assert links(world, JIRA, refs[1]) == everywhere(("blocked_by", "One"))
    at_rest(world)


@pytest.mark.parametrize("kind", ["blocks", "relates", "duplicated_by"])
def test_a_link_of_every_kind_goes_everywhere_and_away(world, pair, kind):
    """It is made with one request a tracker, and taken away with one, from whichever end."""
    one, two = pair
    world.trackers[GITHUB].edit(world.twin(JIRA, one, GITHUB), links=[f"{kind}:{world.twin(JIRA, two, GITHUB)}"])
    report = world.cycle()
    assert report.writes[GITHUB] == 0
    assert links(world, JIRA, one) == everywhere((kind, "Two"))
    at_rest(world)
    world.trackers[JIRA].edit(two, links=[])
    world.settle()
    assert links(world, JIRA, one) == links(world, JIRA, two) == everywhere()
    at_rest(world)


def test_tickets_from_different_trackers_are_linked(world):
    """What was made in one tracker is linked in another, where it is a copy, and the link stands in its own tracker too."""
    one = world.trackers[JIRA].create(title="One")
    two = world.trackers[AZURE].create(title="Two")
    world.settle()
    github = world.trackers[GITHUB]
    github.edit(world.twin(JIRA, one, GITHUB), links=[f"blocked_by:{world.twin(AZURE, two, GITHUB)}"])
    world.settle()
    assert links(world, JIRA, one) == everywhere(("blocked_by", "Two"))
    assert links(world, AZURE, two) == everywhere(("blocks", "One"))
    at_rest(world)


def test_everybody_makes_the_same_link(world, pair):
    """Three people make one link in three trackers, from either end: it stays one, and at most is asked for once more."""
    one, two = pair
    world.trackers[JIRA].edit(one, links=[f"blocks:{two}"])
    world.trackers[GITHUB].edit(world.twin(JIRA, two, GITHUB), links=[f"blocked_by:{world.twin(JIRA, one, GITHUB)}"])
    world.trackers[AZURE].edit(world.twin(JIRA, one, AZURE), links=[f"blocks:{world.twin(JIRA, two, AZURE)}"])
    before = world.writes()
    world.settle()
    assert world.writes() - before <= 1
    assert links(world, JIRA, one) == everywhere(("blocks", "Two"))
    at_rest(world)


def test_one_link_comes_while_another_goes(world, pair):
    """An addition here and a removal there are both done."""
    one, two = pair
    three = world.trackers[JIRA].create(title="Three")
    world.trackers[JIRA].edit(one, links=[f"blocks:{two}"])
    world.settle()
    world.trackers[GITHUB].edit(world.twin(JIRA, one, GITHUB), links=[])
    azure = world.trackers[AZURE]
    here = azure.ticket(world.twin(JIRA, one, AZURE))
    azure.edit(here["id"], links=[*here["links"], f"relates:{world.twin(JIRA, three, AZURE)}"])
    world.settle()
    assert links(world, JIRA, one) == everywhere(("relates", "Three"))
    assert links(world, JIRA, two) == everywhere()
    at_rest(world)


def test_a_link_that_was_taken_away_does_not_come_back_with_a_new_copy(world):
    """The other end's ticket, which nobody has looked at since, does not make the link again."""
    jira = world.trackers[JIRA]
    one, two = (jira.create(title=title) for title in ("One", "Two"))
    jira.edit(one, links=[f"blocks:{two}"])
    world.settle()
    world.trackers[AZURE].edit(world.twin(JIRA, one, AZURE), links=[])
    world.settle()
    world.trackers[AZURE].edit(world.twin(JIRA, two, AZURE), title="Two again")
    world.settle()
    world.trackers[GITHUB].edit(world.twin(JIRA, two, GITHUB), priority="P1")
    world.settle()
    assert links(world, JIRA, one) == links(world, JIRA, two) == everywhere()
    at_rest(world)


def test_parents_and_links_in_one_chain(world):
    """A whole plan arrives in one go: an epic, its issues, their tasks, and what waits for what."""
    jira = world.trackers[JIRA]
    epic = jira.create(title="Epic", type="Epic")
    issues = [jira.create(title=f"Issue {number}", parent=epic) for number in range(2)]
    tasks = [jira.create(title=f"Task {number}", type="Task", parent=issues[number]) for number in range(2)]
    jira.edit(tasks[0], links=[f"blocks:{tasks[1]}", f"relates:{issues[1]}"])
    jira.edit(issues[0], links=[f"blocks:{issues[1]}"])
    world.settle()
    assert links(world, JIRA, tasks[1]) == everywhere(("blocked_by", "Task 0"))
    assert links(world, JIRA, issues[1]) == everywhere(("blocked_by", "Issue 0"), ("relates", "Task 0"))
    for name, tracker in world.trackers.items():
        parent = world.native(JIRA, tasks[1], name)["parent"]
        assert tracker.ticket(parent)["title"] == "Issue 1"
    at_rest(world)


def test_links_of_a_deleted_ticket(world, pair):
    """Deleting a ticket in one tracker takes no link of another tracker's ticket away by itself, and the bridge rests."""
    one, two = pair
    world.trackers[JIRA].edit(one, links=[f"blocks:{two}"])
    world.settle()
    world.trackers[GITHUB].delete(world.twin(JIRA, two, GITHUB))
    world.settle(allow=True)
    assert sum(world.cycle(allow=True).writes.values()) == 0
    assert world.trackers[JIRA].ticket(two)["title"] == "Two"


def test_a_tracker_that_has_not_every_kind(make_world):
    """What it can't hold is kept by the others, told once, and is not taken for a removal."""
    world = make_world({**DIFFERENT, AZURE: MemoryKnobs(link_kinds=frozenset({"blocks", "blocked_by"}))})
    jira = world.trackers[JIRA]
    one, two = (jira.create(title=title) for title in ("One", "Two"))
    jira.edit(one, links=[f"blocks:{two}", f"relates:{two}"])
    world.settle()
    assert links(world, JIRA, one) == {
        JIRA: {("blocks", "Two"), ("relates", "Two")},
        GITHUB: {("blocks", "Two"), ("relates", "Two")},
        AZURE: {("blocks", "Two")},
    }
    at_rest(world)
    world.trackers[AZURE].edit(world.twin(JIRA, one, AZURE), links=[])
    world.settle()
    assert links(world, JIRA, one) == {JIRA: {("relates", "Two")}, GITHUB: {("relates", "Two")}, AZURE: set()}
    at_rest(world)


def test_a_refused_link_holds_nothing_up(make_world):
    """Where one tracker refuses a link, the title that came with it is written there, and the link stands elsewhere."""
    world = make_world(with_knobs(AZURE, refuses_cycles=True))
    jira, azure = world.trackers[JIRA], world.trackers[AZURE]
    one, two = (jira.create(title=title) for title in ("One", "Two"))
    world.settle()
    own = azure.create(title="Between")
    world.settle()
    between = world.twin(AZURE, own, JIRA)
    jira.edit(one, links=[f"blocks:{between}"])
    jira.edit(between, links=[f"blocked_by:{one}", f"blocks:{two}"])
    world.settle()
    jira.edit(two, title="Two again", links=[f"blocked_by:{between}", f"blocks:{one}"])
    for _ in range(3):
        world.cycle()
    assert world.native(JIRA, two, AZURE)["title"] == "Two again"
    assert ("blocks", "One") not in links(world, JIRA, two)[AZURE]
    assert sum(world.cycle().writes.values()) == 0


def test_links_are_in_the_canonical_ticket(world, pair):
    """The agreed ticket names the other one by its own id, which no tracker knows."""
    one, two = pair
    world.trackers[JIRA].edit(one, links=[f"blocks:{two}"])
    world.settle()
    ids = {title: ticket for ticket, title in _titles(world).items()}
    assert world.canonical(JIRA, one)[Field.LINKS] == {f"blocks:{ids['Two']}"}
    assert world.canonical(JIRA, two)[Field.LINKS] == {f"blocked_by:{ids['One']}"}


def _titles(world: World) -> dict[str, object]:
    with world.store.read() as tx:
        records = {ticket: tx.tickets.get(ticket) for ticket in world.links()}
    return {ticket: record.canonical.fields[Field.TITLE] for ticket, record in records.items() if record is not None}
