"""Links: at most one that is active, whatever happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sync.core.errors import InvariantBroken
from sync.core.ids import BridgeName, NativeRef, ReplicaName
from sync.core.models import UNKNOWN, Canonical, Field
from sync.store import repository

START = datetime(2026, 3, 1, tzinfo=UTC)
B, JIRA, GITHUB = BridgeName("payments"), ReplicaName("jira"), ReplicaName("github")


@pytest.fixture
def tickets(store, canonical):
    """Two tickets, the first with a comment."""
    with store.begin() as tx:
        one, two = tx.tickets.create(B, canonical()), tx.tickets.create(B, canonical())
        comment = tx.comments.create(one.id, Canonical(fields={Field.BODY: "hello"}), JIRA, None, "ada", one.created_at)
    return one.id, two.id, comment.id


def add(tx, ticket, ref="ref-1", replica=JIRA, **more):
    return tx.links.add(bridge=B, replica=replica, ref=NativeRef(ref), ticket=ticket, **more)


def test_a_link_comes_back(store, tickets, native, remark):
    """The observed payload, the base and what was agreed are as they were saved."""
    one, _, comment = tickets
    fields = {Field.TITLE: "Refunds fail", Field.STATUS: UNKNOWN, Field.LABELS: frozenset({"bug"}), Field.BODY: None}
    with store.begin() as tx:
        link = add(tx, one, key="PAY-1", url="u", number=1, native=native(1), base=fields, digest="d1", agreed=fields)
        reply = add(tx, one, "c1", comment=comment, parent_ref=NativeRef("ref-1"), native=remark("c1", 1))
    with store.begin() as tx:
        assert tx.links.get(link.id) == link
        assert tx.links.by_ref(B, JIRA, NativeRef("ref-1")) == link
        assert tx.links.by_ref(B, JIRA, NativeRef("c1"), comment=True) == reply
        assert tx.links.by_ref(B, JIRA, NativeRef("c1")) is None
        changed = replace(link, native=native(1, "2"), base=None, state="gone")
        tx.links.save(changed)
        assert tx.links.get(link.id) == changed
        assert tx.links.of_ticket(one) == [changed]
        assert tx.links.of_comments(one) == [reply]


def test_a_ref_has_one_active_link(store, tickets):
    """A second link of one native ticket is refused."""
    one, two, _ = tickets
    with store.begin() as tx:
        add(tx, one)
    with pytest.raises(InvariantBroken), store.begin() as tx:
        add(tx, two)


def test_a_ticket_has_one_active_link_in_a_replica(store, tickets):
    """A second copy of a ticket in one tracker can't be linked."""
    one, _, comment = tickets
    with store.begin() as tx:
        add(tx, one)
        add(tx, one, "c1", comment=comment)
    with pytest.raises(InvariantBroken), store.begin() as tx:
        add(tx, one, "ref-2")
    with pytest.raises(InvariantBroken), store.begin() as tx:
        add(tx, one, "c2", comment=comment)


def test_a_link_needs_its_ticket(store, tickets):
    """A link to a ticket that does not exist is refused."""
    with pytest.raises(InvariantBroken), store.begin() as tx:
        add(tx, "nobody")


def test_the_same_ref_may_name_a_ticket_and_a_comment(store, tickets):
    """Refs of tickets and of comments are two worlds."""
    one, _, comment = tickets
    with store.begin() as tx:
        ticket = add(tx, one, "7")
        reply = add(tx, one, "7", comment=comment)
        elsewhere = add(tx, one, "7", replica=GITHUB)
    with store.read() as tx:
        assert tx.links.by_ref(B, JIRA, NativeRef("7")) == ticket
        assert tx.links.by_ref(B, JIRA, NativeRef("7"), comment=True) == reply
        assert tx.links.by_ref(B, GITHUB, NativeRef("7")) == elsewhere


def test_a_removed_link_frees_its_place(store, tickets):
    """After unlinking, the ref can be linked elsewhere, and the old link is still history."""
    one, two, _ = tickets
    with store.begin() as tx:
        old = add(tx, one)
        tx.links.remove(old.id)
        assert tx.links.by_ref(B, JIRA, NativeRef("ref-1")) is None
        assert tx.links.by_ref(B, JIRA, NativeRef("ref-1"), removed=True).id == old.id
        assert tx.links.of_ticket(one) == []
        new = add(tx, two)
        assert tx.links.by_ref(B, JIRA, NativeRef("ref-1"), removed=True) == new


def test_the_active_link_comes_before_the_gone_one(store, tickets):
    """A ticket that came back with a new link is found by that."""
    one, two, _ = tickets
    with store.begin() as tx:
        gone = add(tx, one, state="gone")
        assert tx.links.by_ref(B, JIRA, NativeRef("ref-1")) == gone
        active = add(tx, two)
        assert tx.links.by_ref(B, JIRA, NativeRef("ref-1")) == active


def test_refs_and_tickets_are_translated(store, tickets):
    """Both ways, in bulk, leaving out what is not actively linked."""
    one, two, comment = tickets
    many = [NativeRef(f"x-{number}") for number in range(2000)]
    with store.begin() as tx:
        add(tx, one, "ref-1", number=1)
        add(tx, two, "ref-2", number=2, state="gone")
        add(tx, one, "c1", comment=comment)
        refs = [*many, NativeRef("ref-1"), NativeRef("ref-2"), NativeRef("c1")]
        assert tx.links.refs_to_tickets(B, JIRA, refs) == {"ref-1": one}
        assert tx.links.tickets_to_refs(B, JIRA, [one, two]) == {one: "ref-1"}
        assert tx.links.all_refs(B, JIRA) == ["ref-1"]
        assert tx.links.count(B, JIRA) == 1


def test_linked_comments_are_counted(store, tickets):
    """By their native ticket, leaving out those that are gone and those of another replica."""
    one, _, comment = tickets
    with store.begin() as tx:
        other = tx.comments.create(one, Canonical(fields={}), JIRA, None, "ada", START).id
        parent = {"parent_ref": NativeRef("ref-1")}
        add(tx, one)
        add(tx, one, "c1", comment=comment, **parent)
        add(tx, one, "c2", comment=other, state="gone", **parent)
        add(tx, one, "c3", comment=other, replica=GITHUB, **parent)
        assert tx.links.comment_counts(B, JIRA, [NativeRef("ref-1"), NativeRef("ref-2")]) == {"ref-1": 1}


def test_the_fence_is_the_newest_number_seen(store, tickets, native):
    """Numbers that were only pulled count, and so do those of tickets that are gone."""
    one, _, _ = tickets
    with store.begin() as tx:
        assert tx.links.numbers(B, JIRA) == 0
        add(tx, one, number=12, state="gone")
        assert tx.links.numbers(B, JIRA) == 12
        tx.inbox.put(B, JIRA, [native(30)])
        assert tx.links.numbers(B, JIRA) == 30
        assert tx.links.numbers(B, GITHUB) == 0


def test_links_are_listed_by_number(store, canonical, monkeypatch):
    """All links of a bridge, over chunks, with equal numbers too."""
    monkeypatch.setattr(repository, "CHUNK", 7)
    with store.begin() as tx:
        for number in range(50):
            ticket = tx.tickets.create(B, canonical()).id
            add(tx, ticket, f"r{number}", number=number // 3)
            add(tx, ticket, f"g{number}", replica=GITHUB, number=number, state="gone" if number % 2 else "active")
        assert len({link.ref for link in tx.links.list(B)}) == 100
        numbers = [link.number for link in tx.links.list(B, JIRA)]
        assert numbers == sorted(numbers)
        assert len(list(tx.links.list(B, GITHUB, "gone"))) == 25


def test_orphans_are_those_whose_parent_was_not_linked(store, canonical):
    """A parent that is known, none at all and a base that is none are no reason."""
    bases = [{Field.PARENT: UNKNOWN}, {Field.PARENT: "another"}, {Field.PARENT: None}, {}, None]
    with store.begin() as tx:
        for number, base in enumerate(bases, 1):
            ticket = tx.tickets.create(B, canonical())
            tx.links.add(
                bridge=B, replica=JIRA, ref=NativeRef(f"r{number}"), ticket=ticket.id, number=number, base=base
            )
        assert [one.ref for one in tx.links.orphans(B, JIRA)] == ["r1"]
        assert tx.links.orphans(B, ReplicaName("github")) == []
