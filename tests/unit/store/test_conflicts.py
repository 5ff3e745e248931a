"""Conflicts keep every claim."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync.core.ids import BridgeName, PersonId, ReplicaName, RunId
from sync.core.models import UNKNOWN, Canonical, Field
from sync.store.records import ClaimRecord

B, JIRA, GITHUB = BridgeName("payments"), ReplicaName("jira"), ReplicaName("github")


@pytest.fixture
def ticket(store, canonical):
    with store.begin() as tx:
        return tx.tickets.create(B, canonical()).id


def add(tx, ticket, field=Field.TITLE, **more):
    values = {"reason": "both sides changed it", "base": "old", "claims": [], "proposed": "new"}
    return tx.conflicts.add(bridge=B, ticket=ticket, field=field, **{**values, **more})


def test_a_conflict_comes_back(store, ticket, clock):
    """Base, claims with author and time, proposed and chosen are as they were saved."""
    claims = (
        ClaimRecord(replica=JIRA, value="mine", author=PersonId("ada"), at=clock()),
        ClaimRecord(replica=GITHUB, value=None, at=clock(), uncertain=True),
        ClaimRecord(replica=None, value=frozenset({"a", "b"})),
    )
    with store.begin() as tx:
        conflict = add(tx, ticket, base=UNKNOWN, claims=iter(claims), proposed=None, run=RunId("R-1"))
    with store.begin() as tx:
        assert tx.conflicts.get("c-1") == conflict
        assert conflict.id == "C-1"
        assert conflict.claims == claims
        resolved = replace(
            conflict, state="resolved", chosen="mine", chosen_replica=JIRA, by="grace", resolved_at=clock()
        )
        tx.conflicts.save(resolved)
        assert tx.conflicts.get("C-1") == resolved


@pytest.mark.parametrize("id_", ["C-2", "1", "C-", "C-1x", "", "ISSUE-1", "C-99999999999999999999"])
def test_a_wrong_id_finds_nothing(store, ticket, id_):
    """Whatever a person types, the answer is a conflict or none."""
    with store.begin() as tx:
        add(tx, ticket)
        assert tx.conflicts.get(id_) is None


def test_open_conflicts_are_found_by_field(store, ticket, clock):
    """Only those that wait for a person, and those of comments apart from those of the ticket."""
    with store.begin() as tx:
        comment = tx.comments.create(ticket, Canonical(fields={}), JIRA, None, "ada", clock()).id
        title = add(tx, ticket)
        add(tx, ticket, Field.STATUS, state="settled", chosen="done")
        body = add(tx, ticket, Field.BODY, comment=comment)
        assert tx.conflicts.open_for(ticket) == {Field.TITLE: title}
        assert tx.conflicts.open_for(ticket, comment) == {Field.BODY: body}
        assert (tx.conflicts.count(), tx.conflicts.count(B, "open"), tx.conflicts.count(BridgeName("x"))) == (3, 2, 0)
        assert [conflict.id for conflict in tx.conflicts.list(B)] == ["C-1", "C-2", "C-3"]
        assert [conflict.id for conflict in tx.conflicts.list(state="settled")] == ["C-2"]


def test_a_settled_conflict_is_resolved_when_it_is_made(store, ticket, clock):
    """A policy decides at once."""
    with store.begin() as tx:
        assert add(tx, ticket, state="settled").resolved_at == clock()
        assert add(tx, ticket).resolved_at is None
