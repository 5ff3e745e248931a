"""Links on GitHub through PyGithub over HTTP: dependencies where the server has them, seen though no issue moves."""

from dataclasses import replace

import pytest

from adapters.github.codec import CODEC
from sync.core.errors import Rejected
from sync.core.ids import NativeRef
from sync.core.models import UNKNOWN, Field
from tests.adapters.github_support import adapter_for, bench

LATER = 100  # seconds, after which the events are due


@pytest.fixture
def hub():
    """Issues 1 to 4, all of them pulled."""
    with prepared() as made:
        yield made


def prepared(**knobs):
    """A bench with four issues, whose adapter has seen everything."""
    return _Prepared(bench(**knobs))


class _Prepared:
    def __init__(self, context):
        self.context = context

    def __enter__(self):
        hub = self.context.__enter__()
        for title in ("one", "two", "three", "four"):
            hub.simulator.add_issue(title=title)
        hub.cursor = None
        for _ in range(3):
            pulled(hub)
        return hub

    def __exit__(self, *failure):
        return self.context.__exit__(*failure)


def pulled(hub, wait=LATER):
    """The links of the tickets that the next pull brings."""
    hub.simulator.clock.advance(wait)
    list(hub.adapter.fetch([NativeRef("4")], comments=False))  # tells the adapter how late it is
    hub.requests()
    pages = list(hub.adapter.pull(hub.cursor))
    hub.cursor = pages[-1].cursor
    tickets = [ticket for page in pages for ticket in page.tickets]
    return {ticket.ref: CODEC.decode(ticket, hub.mapping).snapshot.fields[Field.LINKS] for ticket in tickets}


def paths(hub):
    """What was sent since, in short."""
    return [f"{method} {path.partition('/payments/')[2]}" for method, path in hub.requests()]


def links(hub, number):
    return hub.fields(number)[Field.LINKS]


def test_a_block_is_written_on_the_blocked_issue_whoever_asks(hub):
    """Both ends may ask: the request is one on the blocked issue, by database id, and the second one does no harm."""
    first = hub.encode(1, **{Field.LINKS: frozenset({"blocks:2"})}).ops
    second = hub.encode(2, **{Field.LINKS: frozenset({"blocked_by:1"})}).ops
    for op in (*first, *second):
        assert (op.action, op.fields) == ("blocker.add", {Field.LINKS})
        hub.adapter.write(op)
    assert [issue.number for issue in hub.simulator.issue(2).blocked_by] == [1]
    assert (links(hub, 1), links(hub, 2)) == ({"blocks:2"}, {"blocked_by:1"})
    gone = [*hub.encode(1, **{Field.LINKS: frozenset()}).ops, *hub.encode(2, **{Field.LINKS: frozenset()}).ops]
    for op in gone:
        hub.adapter.write(op)
    assert hub.simulator.issue(2).blocked_by == []


def test_other_kinds_stand_in_the_block_beside_the_dependencies(hub):
    """Each kind where GitHub can hold it: the body for some, a request of its own for the others; nobody's issue is pinged."""
    wanted = frozenset({"relates:2", "blocks:3", "duplicates:4"})
    assert hub.write(1, **{Field.LINKS: wanted, Field.TITLE: "new"}) == ["issue.edit", "blocker.add"]
    assert links(hub, 1) == wanted
    assert "#2" not in hub.simulator.issue(1).body
    assert hub.encode(1, **{Field.LINKS: wanted}).ops == ()


def test_what_github_refuses_is_told_about_the_links(hub):
    """A cycle of two is refused with GitHub's reason; a link to what is gone too."""
    hub.write(1, **{Field.LINKS: frozenset({"blocks:2"})})
    (op,) = hub.encode(1, **{Field.LINKS: frozenset({"blocks:2", "blocked_by:2"})}).ops
    with pytest.raises(Rejected, match="cycle"):
        hub.adapter.write(op)
    (op,) = hub.encode(1, **{Field.LINKS: frozenset({"blocks:2", "blocked_by:3"})}).ops
    hub.simulator.delete(3)
    with pytest.raises(Rejected, match="#3"):
        hub.adapter.write(op)


def test_an_end_that_was_transferred_is_no_renamed_repository(hub):
    """The redirect of another ticket is told as that, and the project of the config is not doubted."""
    (op,) = hub.encode(1, **{Field.LINKS: frozenset({"blocked_by:3"})}).ops
    (edit,) = hub.encode(3, **{Field.TITLE: "new"}).ops
    hub.simulator.transfer(3, "acme/other")
    for one in (op, edit):
        with pytest.raises(Rejected, match="transferred"):
            hub.adapter.write(one)


def test_a_link_that_a_person_makes_is_seen_at_both_ends_though_neither_moves(hub):
    """The repository's events tell of it, when they are due; and of its end."""
    hub.simulator.block(1, 2)
    assert pulled(hub, wait=5) == {}
    assert pulled(hub) == {"1": {"blocked_by:2"}, "2": {"blocks:1"}}
    hub.simulator.unblock(1, 2)
    assert pulled(hub) == {"1": frozenset(), "2": frozenset()}
    assert pulled(hub) == {}
    assert len(paths(hub)) == 2


def test_numbers_that_lag_behind_are_not_believed():
    """Where the issue says that nothing blocks it and an event says otherwise, the list counts, in the next process too."""
    with prepared(summaries_lag=True) as hub:
        hub.simulator.block(1, 2)
        assert pulled(hub) == {"1": {"blocked_by:2"}, "2": {"blocks:1"}}
        assert links(hub, 1) == {"blocked_by:2"}
        other = adapter_for(hub.simulator)
        other.resume(hub.caps)
        list(other.pull(hub.cursor))
        (found,) = other.fetch([NativeRef("1")])
        assert CODEC.decode(found, hub.mapping).snapshot.fields[Field.LINKS] == {"blocked_by:2"}
        other.close()
        hub.write(3, **{Field.LINKS: frozenset({"blocks:4"})})
        assert (links(hub, 3), links(hub, 4)) == ({"blocks:4"}, {"blocked_by:3"})


def test_links_cost_requests_only_where_there_are_any(hub):
    """An idle pull takes two requests, a title two; an issue with a dependency one more for each side that has one."""
    hub.simulator.block(1, 2)
    pulled(hub)
    pulled(hub)
    assert len(paths(hub)) == 2
    assert hub.write(3, **{Field.TITLE: "new"}) == ["issue.edit"]
    assert paths(hub) == ["GET issues/3", "PATCH issues/3"]
    hub.read(1)
    assert paths(hub) == ["GET issues/1", "GET issues/1/dependencies/blocked_by"]
    pulled(hub)
    hub.simulator.edit(1, title="moved")
    assert pulled(hub)["1"] == {"blocked_by:2"}
    assert sum("dependencies" in path for path in paths(hub)) == 1


def test_a_write_shows_the_links_that_it_left_alone(hub):
    """The answer of an edit has numbers only: with those from before the ticket is whole, else it is read again."""
    hub.simulator.block(1, 2)
    pulled(hub)
    (op,) = hub.encode(1, **{Field.TITLE: "new"}).ops
    receipt = hub.adapter.write(op)
    assert receipt.ticket.version == hub.read(1).version
    (op,) = hub.encode(1, **{Field.TITLE: "newer"}).ops
    hub.simulator.block(1, 3)
    assert hub.adapter.write(op).ticket is None


def test_what_another_repository_has_to_do_with_it_is_left_out_and_left_alone(hub):
    """An issue elsewhere that blocks one here has no ticket of ours; it still blocks it after our writes."""
    elsewhere = hub.simulator.add_issue(project="acme/other", title="elsewhere")
    hub.simulator.block(1, elsewhere)
    hub.simulator.block(1, 2)
    assert pulled(hub)["1"] == {"blocked_by:2"}
    hub.write(1, **{Field.LINKS: frozenset({"blocked_by:3"})})
    assert [issue.title for issue in hub.simulator.issue(1).blocked_by] == ["elsewhere", "three"]


def test_an_enterprise_server_has_dependencies_before_it_has_parents():
    """Enterprise Server 3.19: links as dependencies, the parent in the block, and the events read for the links."""
    with prepared(product="ghes-3.19") as hub:
        wanted = {Field.LINKS: frozenset({"blocks:2"}), Field.PARENT: "3"}
        assert hub.write(1, **wanted) == ["issue.edit", "blocker.add"]
        assert {name: hub.fields(1)[name] for name in wanted} == wanted
        hub.simulator.block(4, 3)
        assert pulled(hub)["4"] == {"blocked_by:3"}


def test_an_empty_enterprise_server_knows_its_release():
    """Without an issue to look at, the version says whether there are dependencies."""
    for product, there in (("ghes-3.17", False), ("ghes-3.19", True)):
        with bench(product=product) as hub:
            assert hub.caps.facts.extra["dependencies"] is there


def test_a_person_may_write_a_dependency_into_the_block(hub):
    """It is a link like any other, and ends when its row does."""
    hub.simulator.edit(1, body="Text\n\n<!-- trackdown fields -->\n- Blocked by: #2, #3\n<!-- /trackdown fields -->")
    assert links(hub, 1) == {"blocked_by:2", "blocked_by:3"}
    assert hub.write(1, **{Field.LINKS: frozenset({"blocked_by:3", "blocked_by:4"})}) == ["issue.edit", "blocker.add"]
    assert links(hub, 1) == {"blocked_by:3", "blocked_by:4"}
    assert [issue.number for issue in hub.simulator.issue(1).blocked_by] == [4]


def test_without_lists_nothing_is_said_of_links(hub):
    """An answer that only counts them is no reason to call a link gone."""
    native = hub.read(1)
    bare = {name: value for name, value in native.payload.items() if name != "dependencies"}
    found = CODEC.decode(replace(native, payload=bare), hub.mapping).snapshot.fields
    assert Field.LINKS not in found
    assert UNKNOWN not in found.values()


def test_closing_as_a_duplicate_names_the_original(hub):
    """GitHub is told which issue it repeats; where that one is gone, the ticket is closed all the same."""
    wanted = {Field.STATUS: "done", Field.REASON: "duplicate", Field.LINKS: frozenset({"duplicates:2"})}
    hub.write(1, **wanted)
    assert hub.simulator.issue(1).state_reason == "duplicate"
    assert "marked_as_duplicate" in [event.kind for event in hub.simulator.issue(1).events]
    assert {name: hub.fields(1)[name] for name in wanted} == wanted
    ops = hub.encode(3, **{**wanted, Field.LINKS: frozenset({"duplicates:4"})}).ops
    hub.simulator.delete(4)
    for op in ops:
        hub.adapter.write(op)
    assert (hub.simulator.issue(3).state, hub.simulator.issue(3).state_reason) == ("closed", "duplicate")


def test_the_history_tells_of_links_by_their_authors(hub):
    """Who blocked what and when, from the timeline and from the repository's events alike."""
    since = hub.simulator.clock.now()
    hub.simulator.clock.advance(60)
    hub.simulator.block(1, 2, as_user="grace")
    hub.simulator.clock.advance(60)
    hub.simulator.unblock(1, 2, as_user="ada")

    def told(refs):
        return {
            (event.ref, one.author, one.old, one.new)
            for event in hub.adapter.history(refs, since)
            for one in CODEC.decode_event(event, hub.mapping)
            if one.field is Field.LINKS
        }

    expected = {
        ("1", "grace", frozenset(), frozenset({"blocked_by:2"})),
        ("1", "ada", frozenset({"blocked_by:2"}), frozenset()),
        ("2", "grace", frozenset(), frozenset({"blocks:1"})),
        ("2", "ada", frozenset({"blocks:1"}), frozenset()),
    }
    assert told([NativeRef("1")]) | told([NativeRef("2")]) == expected
    hub.requests()
    assert told([NativeRef(str(number)) for number in range(1, 5)]) == expected
    assert paths(hub) == ["GET issues/events"]
