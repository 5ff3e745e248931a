"""Requests and what became of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sync.core.ids import BridgeName, NativeRef, ReplicaName, RunId
from sync.core.models import Canonical, Field
from sync.core.ports import NativeOp, OpKind

B, JIRA, GITHUB, RUN = BridgeName("payments"), ReplicaName("jira"), ReplicaName("github"), RunId("R-1")


def op(kind=OpKind.UPDATE, **more):
    return NativeOp(kind=kind, action="edit", summary="set the title", payload={"title": "x"}, **more)


@pytest.fixture
def ticket(store, canonical):
    with store.begin() as tx:
        return tx.tickets.create(B, canonical()).id


def test_a_request_comes_back(store, ticket, clock):
    """Everything that recovery needs survives, before and after it was sent."""
    with store.begin() as tx:
        link = tx.links.add(bridge=B, replica=JIRA, ref=NativeRef("ref-1"), ticket=ticket)
        record = tx.outbox.add(
            run=RUN,
            bridge=B,
            replica=JIRA,
            ticket=ticket,
            link=link.id,
            op=op(ref=NativeRef("ref-1"), fields=frozenset({Field.TITLE}), expects="7"),
            context={"attribution": "Ada Lovelace"},
            fence=12,
            before={"title": "a"},
            after={"title": None},
        )
    sent = replace(record, state="sent", attempts=1, sent_at=clock(), not_before=clock(), error="no answer\0")
    with store.begin() as tx:
        assert tx.outbox.get(record.id) == record
        tx.outbox.save(sent)
    with store.read() as tx:
        assert tx.outbox.get(record.id) == replace(sent, error="no answer\ufffd")


def test_what_went_out_lately_is_told_of_all_bridges(store, ticket, clock):
    """Newest first, as far back as asked; what was only decided on did not go out."""
    start = clock()
    with store.begin() as tx:
        tx.outbox.add(run=RUN, bridge=B, replica=JIRA, ticket=ticket, op=op(), state="done", sent_at=start)
    clock.turn(timedelta(hours=1))
    began = clock()
    with store.begin() as tx:
        tx.outbox.add(run=RUN, bridge=B, replica=JIRA, ticket=ticket, op=op(OpKind.CREATE), sent_at=began)
        tx.outbox.add(run=RUN, bridge=B, replica=JIRA, ticket=ticket, op=op())
        other = BridgeName("other")
        tx.outbox.add(run=RUN, bridge=other, replica=GITHUB, ticket=ticket, op=op(), state="failed", sent_at=began)
    with store.read() as tx:
        found = [(replica, kind) for replica, kind, _ in tx.outbox.sent_since(began)]
        assert found == [(GITHUB, OpKind.UPDATE), (JIRA, OpKind.CREATE)]
        assert len(tx.outbox.sent_since(start)) == 3


def test_unfinished_requests_come_in_order(store, ticket):
    """What was pending, sent or unknown at a crash is found again, oldest first."""
    with store.begin() as tx:
        states = ["done", "unknown", "failed", "pending", "sent", "dropped"]
        made = [tx.outbox.add(run=RUN, bridge=B, replica=JIRA, ticket=ticket, op=op(), state=state) for state in states]
        other = tx.outbox.add(run=RunId("R-2"), bridge=BridgeName("other"), replica=JIRA, ticket=ticket, op=op())
        assert [record.id for record in tx.outbox.unfinished(B)] == [made[1].id, made[3].id, made[4].id]
        assert tx.outbox.of_run(RUN) == made
        assert [record.sequence for record in [*made, other]] == list(range(1, 8))
        assert tx.outbox.counts(B) == {"jira": dict.fromkeys(states, 1)}


@pytest.mark.parametrize(
    ("state", "unknown"), [("pending", False), ("sent", True), ("unknown", True), ("done", False), ("dropped", False)]
)
def test_a_create_without_an_answer_is_known(store, ticket, clock, state, unknown):
    """A ticket or a comment whose create may have been done is not created again."""
    with store.begin() as tx:
        body = Canonical(fields={Field.BODY: "hello"})
        comment = tx.comments.create(ticket, body, JIRA, None, "ada", clock()).id
        where = {"run": RUN, "bridge": B, "ticket": ticket, "state": state}
        tx.outbox.add(**where, replica=JIRA, op=op(OpKind.CREATE))
        tx.outbox.add(**where, replica=GITHUB, comment=comment, op=op(OpKind.COMMENT_CREATE))
        assert tx.outbox.has_unknown_create(ticket, JIRA) == unknown
        assert tx.outbox.has_unknown_create(comment, GITHUB) == unknown
        assert not tx.outbox.has_unknown_create(ticket, GITHUB)
        assert not tx.outbox.has_unknown_create(comment, JIRA)


def test_a_create_that_was_found_is_closed(store, ticket, clock):
    """Only the creates of that ticket whose end was not known are done, and say what was found."""
    with store.begin() as tx:
        where = {"run": RUN, "bridge": B, "ticket": ticket, "replica": JIRA}
        create = tx.outbox.add(**where, op=op(OpKind.CREATE), state="unknown", context={"by": "ada"})
        update = tx.outbox.add(**where, op=op(), state="unknown")
        elsewhere = tx.outbox.add(**{**where, "replica": GITHUB}, op=op(OpKind.CREATE), state="sent")
        tx.outbox.close_creates(ticket, JIRA, ref=NativeRef("ref-7"))
        closed = replace(create, state="done", finished_at=clock(), context={"by": "ada", "ref": "ref-7"})
        assert tx.outbox.of_ticket(ticket, JIRA) == [closed, update]
        assert tx.outbox.get(elsewhere.id) == elsewhere


def test_the_last_refusal_is_the_newest_creates(store, ticket):
    """A refused create counts until another one was made after it."""
    with store.begin() as tx:
        where = {"run": RUN, "bridge": B, "ticket": ticket, "replica": JIRA, "op": op(OpKind.CREATE)}
        assert tx.outbox.last_refusal(ticket, JIRA) is None
        tx.outbox.add(**where, state="failed")
        assert tx.outbox.last_refusal(ticket, JIRA) is None
        refused = tx.outbox.add(**where, state="failed", context={"refused": "title is required"})
        assert tx.outbox.last_refusal(ticket, JIRA) == refused
        assert tx.outbox.last_refusal(ticket, GITHUB) is None
        tx.outbox.add(**where)
        assert tx.outbox.last_refusal(ticket, JIRA) is None
