"""Brakes: exactly how many tickets a cycle may touch, and what counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.changes import ChangeSet, FieldChange
from sync.core.guard import Census, Effect, Limits, check
from sync.core.ids import AttachmentId, CommentId, ReplicaName, TicketId
from sync.core.models import Field, Value
from sync.core.plan import Count, Intent
from sync.core.ports import OpKind

JIRA, GITHUB = ReplicaName("jira"), ReplicaName("github")


def change(name: Field, old: Value, new: Value) -> ChangeSet:
    return ChangeSet(fields={name: FieldChange(old=old, new=new)})


def update(ticket: int, changes: ChangeSet, replica: ReplicaName = JIRA) -> Intent:
    return Intent(kind=OpKind.UPDATE, replica=replica, ticket=TicketId(f"t{ticket}"), changes=changes)


def halts(count: Count, tickets: int, limits: Limits = Limits()) -> list[str]:  # noqa: B008 - frozen
    return [halt.name for halt in check(count.census(tickets), limits)]


def counted(effect: Effect, number: int) -> Count:
    """So many tickets, each with one such effect, written in two replicas."""
    count = Count()
    changes = {
        Effect.CLOSE: change(Field.STATUS, "open", "done"),
        Effect.REWRITE: change(Field.TITLE, "one", "two"),
        Effect.EMPTY: change(Field.LABELS, frozenset({"a"}), frozenset()),
    }
    for ticket in range(number):
        if effect is Effect.LOSE:
            count.touch(effect, TicketId(f"t{ticket}"))
        for replica in (JIRA, GITHUB):
            if effect is Effect.DELETE:
                gone = ChangeSet(gone=True)
                count.take(Intent(kind=OpKind.DELETE, replica=replica, ticket=TicketId(f"t{ticket}"), changes=gone))
            elif effect in changes:
                count.take(update(ticket, changes[effect], replica))
    return count


@pytest.mark.parametrize("effect", list(Effect))
@given(tickets=st.integers(0, 3000))
def test_it_trips_at_n_and_not_at_one_less(effect: Effect, tickets: int):
    """For every size of a bridge: more than five and more than a tenth halts, whatever is done to them."""
    most = max(5, tickets // 10)
    assert halts(counted(effect, most), tickets) == []
    assert halts(counted(effect, most + 1), tickets) == ["mass_change"]
    assert halts(counted(effect, most + 1), tickets, Limits(allow_mass_change=True)) == []


@given(floor=st.integers(0, 50), percent=st.integers(0, 100), tickets=st.integers(0, 100_000))
def test_the_share_is_exact(floor: int, percent: int, tickets: int):
    """No share of any number is off by one: the brake is of whole tickets."""
    limits = Limits(mass_floor=floor, mass_share=percent / 100)
    assert limits.most(tickets) == max(floor, tickets * percent // 100)


def test_one_ticket_counts_once():
    """Closing, rewriting and emptying a ticket everywhere is one ticket; those of several effects add up."""
    count = Count()
    for ticket in range(5):
        for replica in (JIRA, GITHUB):
            count.take(update(ticket, change(Field.TITLE, "one", "two"), replica))
            count.take(update(ticket, change(Field.STATUS, "open", "done"), replica))
    assert halts(count, 10) == []
    count.take(update(5, change(Field.ASSIGNEES, frozenset({"ada"}), frozenset())))
    assert halts(count, 10) == ["mass_change"]
    (halt,) = check(count.census(10), Limits())
    assert (
        halt.message
        == "this would close 5 and rewrite 5 and empty fields of 1 of 10 linked tickets (at most 5 at once)"
    )


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (Field.LABELS, frozenset({"a", "b"}), frozenset({"a"})),
        (Field.PRIORITY, "P1", "P0"),
        (Field.STATUS, "done", "open"),
        (Field.STATUS, "done", "done"),
        (Field.BODY, "a ![it](x)", "a ![it](x)"),
        (Field.SPRINT, "Sprint 1", None),
    ],
)
def test_what_is_no_mass_effect(name: Field, old: Value, new: Value):
    """Edits that take nothing away that somebody wrote, reopening, and a text that is only said anew."""
    count = Count()
    for ticket in range(50):
        count.take(update(ticket, change(name, old, new)))
        count.take(Intent(kind=OpKind.CREATE, replica=JIRA, ticket=TicketId(f"n{ticket}"), changes=ChangeSet()))
    assert halts(count, 50) == []


@given(number=st.integers(0, 12))
def test_comments_and_files_have_the_same_brake(number: int):
    """Each deleted comment and file counts once, however many copies it has, and beside the tickets."""
    count = counted(Effect.CLOSE, 5)
    for one in range(number):
        for replica in (JIRA, GITHUB):
            part = {"comment": CommentId(f"c{one}")} if one % 2 else {"attachment": AttachmentId(f"a{one}")}
            kind = OpKind.COMMENT_DELETE if one % 2 else OpKind.ATTACHMENT_DELETE
            count.take(Intent(kind=kind, replica=replica, ticket=TicketId("t"), changes=ChangeSet(gone=True), **part))
    assert halts(count, 10) == (["mass_change"] if number > 5 else [])


def test_the_other_guards():
    """A listing that came back empty is lifted with the brake; a clock that can't be believed never is."""
    census = Census(
        tickets=9, emptied={JIRA: 9}, clock_offsets={GITHUB: timedelta(hours=25), JIRA: timedelta(hours=-24)}
    )
    assert [halt.name for halt in check(census, Limits())] == ["clock_skew", "emptied_replica"]
    assert [(halt.name, halt.replica) for halt in check(census, Limits(allow_mass_change=True))] == [
        ("clock_skew", GITHUB)
    ]


def test_a_consent_is_for_deletes_and_the_brake_is_another():
    """What waits stops nothing else; with a consent for deletes, more of them than are allowed still halt."""
    waiting = tuple(f"ISSUE-{number}" for number in range(1, 8))
    (halt,) = check(Census(tickets=9, waiting=waiting), Limits())
    assert (halt.name, halt.waits) == ("deletion", True)
    assert "ISSUE-5 and 2 more" in halt.message
    assert check(Census(tickets=9, waiting=waiting), Limits(allow_deletes=True)) == ()
    assert halts(counted(Effect.DELETE, 6), 9, Limits(allow_deletes=True)) == ["mass_change"]
