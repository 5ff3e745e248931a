"""Canonical tickets and comments."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sync.core.ids import BridgeName, PersonId, ReplicaName, TicketId
from sync.core.models import UNKNOWN, Canonical, Field, Provenance
from sync.store import repository

B, OTHER, JIRA = BridgeName("payments"), BridgeName("other"), ReplicaName("jira")


def test_numbers_count_up_within_a_bridge(store, canonical):
    """Each bridge numbers its own tickets and the kind makes the key."""
    with store.begin() as tx:
        keys = [tx.tickets.create(B, canonical(kind=kind)).key for kind in ("epic", "issue", "task")]
        assert keys == ["EPIC-1", "ISSUE-2", "TASK-3"]
        assert tx.tickets.create(OTHER, canonical()).key == "ISSUE-1"
        assert tx.tickets.count(B) == 3


@pytest.mark.parametrize("kind", [None, UNKNOWN, ""])
def test_a_ticket_without_a_kind_has_a_key(store, kind):
    """A kind that nobody could read makes an issue's key."""
    with store.begin() as tx:
        assert tx.tickets.create(B, Canonical(fields={Field.KIND: kind})).key == "ISSUE-1"
        assert tx.tickets.create(B, Canonical(fields={})).key == "ISSUE-2"


def test_a_ticket_comes_back(store, canonical, clock):
    """Values, origins and times are as they were saved."""
    origin = Provenance(replica=JIRA, author=PersonId("ada"), at=clock(), uncertainty=timedelta(seconds=2))
    state = replace(canonical(), provenance={Field.TITLE: origin})
    with store.begin() as tx:
        ticket = tx.tickets.create(B, state, dirty="new")
    clock.turn(timedelta(minutes=5))
    changed = Canonical(fields={**state.fields, Field.TITLE: "Refunds work"}, provenance=state.provenance)
    with store.begin() as tx:
        assert tx.tickets.get(ticket.id) == ticket
        tx.tickets.save(ticket.id, changed)
    with store.read() as tx:
        saved = tx.tickets.get(ticket.id)
        assert saved == replace(ticket, canonical=changed, updated_at=clock())
        assert tx.tickets.get(TicketId("nobody")) is None


@pytest.mark.parametrize(
    ("key", "found"), [("ISSUE-1", True), ("issue-1", True), ("TASK-1", True), ("PAY-1", False), ("ISSUE-2", False)]
)
def test_a_ticket_is_found_by_its_key(store, canonical, key, found):
    """Case does not matter, nor does a prefix from before a change of kind."""
    with store.begin() as tx:
        tx.tickets.create(B, canonical())
        assert (tx.tickets.by_key(B, key) is not None) == found
        assert tx.tickets.by_key(OTHER, key) is None


def test_dirty_tickets_are_remembered(store, canonical):
    """A ticket stays dirty until somebody says that it is not."""
    with store.begin() as tx:
        one, two, three = (tx.tickets.create(B, canonical()).id for _ in range(3))
        tx.tickets.set_dirty(three, "a person resolved C-1")
        tx.tickets.set_dirty(one, "a write was refused")
        assert tx.tickets.dirty(B) == [one, three]
        assert tx.tickets.dirty(B, "a write was refused") == [one]
        tx.tickets.set_dirty(one, None)
        tx.tickets.save(three, canonical("other"))
        assert tx.tickets.dirty(B) == [three]
        assert tx.tickets.get(three).dirty == "a person resolved C-1"
        assert tx.tickets.get(two).dirty is None


def test_all_tickets_are_walked_over_while_they_are_saved(store, canonical, monkeypatch):
    """A walk over more than one chunk sees each ticket once, and what is saved during it is what is read."""
    monkeypatch.setattr(repository, "CHUNK", 7)
    with store.begin() as tx:
        for number in range(1, 36):
            tx.tickets.create(B, canonical(f"before {number}"))
        numbers = []
        for ticket in tx.tickets.list(B):
            numbers.append(ticket.number)
            tx.tickets.save(ticket.id, canonical(f"after {ticket.number}"))
            assert tx.tickets.get(ticket.id).canonical.fields[Field.TITLE] == f"after {ticket.number}"
    assert numbers == list(range(1, 36))


def test_comments_come_back_and_leave_a_tombstone(store, canonical, clock):
    """A deleted comment is out of the ticket's list but still readable."""
    body = Canonical(fields={Field.BODY: "I saw it too"})
    with store.begin() as tx:
        ticket = tx.tickets.create(B, canonical()).id
        late = tx.comments.create(ticket, body, JIRA, PersonId("ada"), "Ada Lovelace", clock())
        early = tx.comments.create(ticket, body, JIRA, None, "somebody", clock() - timedelta(days=1))
        assert [comment.id for comment in tx.comments.of(ticket)] == [early.id, late.id]
        changed = Canonical(fields={Field.BODY: "I did not"})
        tx.comments.save(late.id, changed)
        tx.comments.delete(early.id)
    with store.read() as tx:
        assert tx.comments.of(ticket) == [replace(late, canonical=changed)]
        tombstone = tx.comments.get(early.id)
        assert tombstone.deleted
        assert tombstone.canonical == body
        assert len(tx.comments.of(ticket, deleted=True)) == 2
