"""Links between Jira tickets: read from both ends, made and taken away one by one, told of in the history."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.jira.codec import CODEC
from sync.core.changes import diff_fields
from sync.core.errors import Rejected
from sync.core.mapping import ValueMap
from sync.core.models import Field
from tests.adapters.jira_support import Bench, bench

DEPLOYMENTS = ("cloud", "server")


def links(jira: Bench, key: str) -> Any:
    return jira.fields(key)[Field.LINKS]


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_both_ends_tell_of_a_link(deployment: str) -> None:
    """Whatever the direction and whoever made it, each end says its own side."""
    with bench(deployment=deployment) as jira:
        one, two = (jira.simulator.add_issue(title) for title in ("One", "Two"))
        for mine, theirs in (("blocks", "blocked_by"), ("duplicated_by", "duplicates"), ("relates", "relates")):
            member, back = f"{mine}:{jira.ref(two)}", f"{theirs}:{jira.ref(one)}"
            jira.bring(one, links=frozenset({member}))
            assert (links(jira, one), links(jira, two)) == ({member}, {back})
            jira.bring(two, links=frozenset())
            assert links(jira, one) == links(jira, two) == frozenset()
        jira.simulator.link(one, two, "Blocks", user="grace")
        assert links(jira, two) == {f"blocked_by:{jira.ref(one)}"}


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_a_link_is_made_and_taken_away_as_often_as_one_likes(deployment: str) -> None:
    """Both ends may ask for the same: the second request changes nothing and is no failure."""
    with bench(deployment=deployment) as jira:
        one, two = (jira.simulator.add_issue(title) for title in ("One", "Two"))
        forth = jira.encoded(one, links=frozenset({f"blocks:{jira.ref(two)}"})).ops
        back = jira.encoded(two, links=frozenset({f"blocked_by:{jira.ref(one)}"})).ops
        for op in (*forth, *back):
            jira.adapter.write(op)
        assert len(jira.simulator.issue(one).links) == 1
        away = (*jira.encoded(one, links=frozenset()).ops, *jira.encoded(two, links=frozenset()).ops)
        assert len(away) == 2
        for op in away:
            assert jira.adapter.write(op).ref == op.ref
        assert links(jira, one) == frozenset()


def test_each_link_may_be_refused_alone() -> None:
    """A link to what is gone is a problem of the links; title and the other link are written."""
    with bench() as jira:
        one, two, gone = (jira.simulator.add_issue(title) for title in ("One", "Two", "Gone"))
        wanted = frozenset({f"blocks:{jira.ref(two)}", f"relates:{jira.ref(gone)}"})
        ops = jira.encoded(one, title="Renamed", links=wanted).ops
        jira.simulator.delete(gone)
        refused = []
        for op in ops:
            try:
                jira.adapter.write(op)
            except Rejected as error:
                refused += [problem.field for problem in error.problems]
        assert refused == [Field.LINKS]
        assert links(jira, one) == {f"blocks:{jira.ref(two)}"}
        assert jira.simulator.issue(one).summary == "Renamed"


def test_links_of_other_types_are_left_alone() -> None:
    """A type that means nothing to us is not read, and not taken away with the rest."""
    with bench() as jira:
        one, two = (jira.simulator.add_issue(title) for title in ("One", "Two"))
        jira.simulator.link(one, two, "Cloners")
        jira.simulator.link(one, two, "Relates")
        assert links(jira, one) == {f"relates:{jira.ref(two)}"}
        jira.bring(one, links=frozenset())
        assert [jira.simulator.catalogue.link_types[link.type].name for link in jira.simulator.issue(one).links] == [
            "Cloners"
        ]


def test_types_of_another_name_or_direction_are_mapped() -> None:
    """`[fields.links.values]` says what the outward side of each type means; what no type says is a problem."""
    types = {"Dependency": ("is needed by", "depends on"), "Relates": ("relates to", "relates to")}
    words = {"fields": {Field.LINKS: ValueMap(values={"blocked_by": ("Dependency",), "relates": ("Relates",)})}}
    with bench(link_types=types, words=words) as jira:
        one, two = (jira.simulator.add_issue(title) for title in ("One", "Two"))
        jira.bring(one, links=frozenset({f"blocks:{jira.ref(two)}"}))
        (link,) = jira.simulator.issue(two).links
        assert (str(link.source), str(link.target)) == (jira.ref(two), jira.ref(one))
        assert links(jira, two) == {f"blocked_by:{jira.ref(one)}"}
        wanted = frozenset({f"duplicates:{jira.ref(two)}", f"blocks:{jira.ref(two)}"})
        encoded = jira.encoded(one, links=wanted)
        assert encoded.ops == ()
        assert "'duplicates'" in encoded.problems[0].message
        assert "Dependency, Relates" in encoded.problems[0].message


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_history_names_the_other_end_by_its_id(deployment: str) -> None:
    """The changelog knows keys; each change is one member that came or went, told at both ends, with its author."""
    with bench(deployment=deployment) as jira:
        one, two = (jira.simulator.add_issue(title) for title in ("One", "Two"))
        jira.simulator.link(one, two, "Blocks", user="grace")
        jira.simulator.link(two, one, "Cloners", user="grace")
        jira.bring(two, links=frozenset())
        for key, member in ((one, f"blocks:{jira.ref(two)}"), (two, f"blocked_by:{jira.ref(one)}")):
            told = [(each.old, each.new, each.author) for each in jira.history(key) if each.field is Field.LINKS]
            account = jira.mapping.people.read([jira.caps.account])
            assert told == [(frozenset(), {member}, "grace"), ({member}, frozenset(), account)]


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_one_change_with_everything_is_a_few_requests(deployment: str) -> None:
    """A title, a link, a component and a due date are four writes, of which Cloud's last one shows the ticket; idle is one."""
    with bench(deployment=deployment, before=lambda site: site.add_component("api")) as jira:
        one, two = (jira.simulator.add_issue(title) for title in ("One", "Two"))
        jira.simulator.clock.advance(5)
        _, cursor = jira.pull()
        current = jira.read(one)
        wanted = {
            Field.TITLE: "Changed", Field.LINKS: frozenset({f"blocks:{jira.ref(two)}"}),
            Field.COMPONENTS: frozenset({"api"}), Field.DUE: "2026-03-01",
        }  # fmt: skip
        there = CODEC.decode(current, jira.mapping).snapshot.fields
        jira.requests()
        receipts = [
            jira.adapter.write(op)
            for op in CODEC.encode(diff_fields(there, wanted), current, jira.mapping, jira.caps).ops
        ]
        assert len(jira.requests()) == 4
        if deployment == "cloud":
            ticket = receipts[-1].ticket
            assert ticket is not None
            found = CODEC.decode(ticket, jira.mapping).snapshot.fields
            assert {name: found[name] for name in wanted} == wanted
        jira.simulator.clock.advance(5)
        tickets, cursor = jira.pull(cursor)
        assert {ticket.key for ticket in tickets} == {one, two}
        assert len(jira.requests()) == 2
        assert jira.pull(cursor)[0] == []
        assert len(jira.requests()) == 1
