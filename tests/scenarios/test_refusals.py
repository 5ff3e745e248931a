"""A tracker that refuses one field of several: the others are written all the same, by a request without it."""

from __future__ import annotations

import pytest

from sync.core.errors import Forbidden, PreconditionFailed, Rejected
from sync.core.models import Field, FieldProblem
from sync.core.ports import OpKind
from sync.testing.faults import Fault
from tests.scenarios.world import AZURE, GITHUB, JIRA, faulty


@pytest.fixture
def refusing(world):
    """A linked ticket, and a tracker that refuses any request with a priority, naming it."""
    ref = world.trackers[JIRA].create(title="Refunds")
    world.settle()
    adapter = world.bridge.replicas[AZURE].adapter
    write = adapter.write

    def picky(op, content=None):
        if op.kind is OpKind.UPDATE and Field.PRIORITY in op.fields:
            problem = FieldProblem(field=Field.PRIORITY, message="not this one", mend="choose another")
            raise Rejected("a rule was broken", [problem])
        return write(op, content)

    adapter.write = picky
    return world, ref


def test_one_refused_field_is_left_out(refusing):
    """The title that travelled with it is written, the refusal is told once with its field."""
    world, ref = refusing
    world.trackers[JIRA].edit(ref, title="Refunds fail", priority="P0", state="In Progress")
    report = world.cycle()
    assert world.native(JIRA, ref, AZURE)["title"] == "Refunds fail"
    assert world.native(JIRA, ref, AZURE)["state"] == "Doing"
    assert [(one.replica, one.message) for one in report.problems] == [(AZURE, "not this one")]
    assert not sum(world.cycle().writes.values())


def test_links_to_what_nobody_here_knows_stay(make_world):
    """A link from a copy to a ticket outside the bridge is left alone when the bridge adds one of its own."""
    world = make_world(directions={AZURE: "out"})
    one, two = (world.trackers[JIRA].create(title=title) for title in ("One", "Two"))
    world.settle()
    azure = world.trackers[AZURE]
    ours, other = azure.create(title="Theirs alone"), world.twin(JIRA, one, AZURE)
    azure.edit(other, links=[f"relates:{ours}"])
    world.settle()
    world.trackers[JIRA].edit(one, links=[f"blocks:{two}"])
    world.settle()
    assert set(azure.ticket(other)["links"]) == {f"relates:{ours}", f"blocks:{world.twin(JIRA, two, AZURE)}"}


def test_a_text_that_was_refused_is_not_lost_by_an_edit_there(world):
    """Somebody edits the old text where the new one was refused: both edits stay, here as a conflict about the same lines."""
    ref = world.trackers[JIRA].create(title="Refunds", text="one\ntwo\nthree")
    world.settle()
    faulty(world, JIRA, ("write", Fault.REFUSED))
    world.trackers[GITHUB].edit(world.twin(JIRA, ref, GITHUB), text="one\ntwo\nand a half\nthree")
    world.cycle()
    world.trackers[JIRA].edit(ref, text="one\n2\nthree", author="ada")
    world.settle()
    claims = [str(claim.value) for conflict in world.conflicts() for claim in conflict.claims]
    for word in ("and a half", "2"):
        assert all(word in text for text in world.everywhere(JIRA, ref, "text")) or any(word in one for one in claims)


def test_a_title_that_was_refused_is_not_lost_by_an_edit_there(world):
    """Whoever renames the ticket where the new title was refused never saw that one: it stays in a conflict."""
    ref = world.trackers[JIRA].create(title="Refunds")
    world.settle()
    faulty(world, AZURE, ("write", Fault.REFUSED))
    world.trackers[JIRA].edit(ref, title="Refunds fail", author="ada")
    world.cycle()
    world.trackers[AZURE].edit(world.twin(JIRA, ref, AZURE), title="Chargebacks", author="grace")
    world.settle()
    assert world.everywhere(JIRA, ref, "title") == ["Chargebacks"] * 3
    (conflict,) = world.conflicts()
    assert {claim.value for claim in conflict.claims} == {"Refunds fail", "Chargebacks"}


def test_a_comment_that_is_written_hides_no_problem_of_its_ticket(world):
    """The text that was refused stays a problem, though a comment of the same ticket was taken after it."""
    ref = world.trackers[JIRA].create(title="Refunds", text="one")
    world.settle()
    faulty(world, JIRA, ("write", Fault.REFUSED))
    twin = world.twin(JIRA, ref, GITHUB)
    world.trackers[GITHUB].edit(twin, text="two")
    world.trackers[GITHUB].comment(twin, "hello", author="grace")
    world.cycle()
    assert len(world.comments(JIRA, ref)) == 1
    with world.store.read() as tx:
        assert [(problem.replica, problem.field) for problem in tx.problems.open()] == [(JIRA, Field.BODY)]


def test_each_refused_comment_stays_told(world):
    """That one comment was taken says nothing about another one that was not."""
    ref = world.trackers[JIRA].create(title="Refunds")
    world.settle()
    faulty(world, AZURE, ("write", Fault.REFUSED))
    world.trackers[JIRA].comment(ref, "first", author="ada")
    world.trackers[JIRA].comment(ref, "second", author="grace")
    world.cycle()
    world.cycle()
    assert len(world.comments(AZURE, world.twin(JIRA, ref, AZURE))) == 1
    with world.store.read() as tx:
        assert [(problem.replica, problem.kind) for problem in tx.problems.open()] == [(AZURE, "comment")]


def test_a_create_that_came_at_the_wrong_moment_is_tried_again(world):
    """A tracker that refuses a create because of a version has said nothing against its values."""
    replica = world.bridge.replicas[AZURE]
    write = replica.adapter.write
    answers = [PreconditionFailed("azure: stale")]

    def once(op, content=None):
        if op.kind is OpKind.CREATE and answers:
            raise answers.pop()
        return write(op, content)

    replica.adapter.write = once
    world.trackers[JIRA].create(title="Refunds")
    world.settle()
    assert len(world.trackers[AZURE].tickets()) == 1


def test_a_refusal_is_over_when_somebody_writes_the_value_there_by_hand(refusing):
    """Nobody has to tell trackdown that the problem was mended."""
    world, ref = refusing
    world.trackers[JIRA].edit(ref, priority="P0")
    world.cycle()
    with world.store.read() as tx:
        assert [one.field for one in tx.problems.open(world.bridge.name)] == [Field.PRIORITY]
    world.trackers[AZURE].edit(world.twin(JIRA, ref, AZURE), priority="P0")
    world.settle()
    with world.store.read() as tx:
        assert tx.problems.open(world.bridge.name) == []
    assert not world.conflicts()


def test_a_refused_edit_of_a_comment_is_not_tried_again_whenever_its_ticket_changes(world):
    """Somebody else's words may not be changed there: that is told once, and tried again when there are other words."""
    jira, adapter = world.trackers[JIRA], world.bridge.replicas[AZURE].adapter
    ref = jira.create(title="Refunds")
    comment = jira.comment(ref, "One word.")
    world.settle()
    write, tried = adapter.write, []

    def strict(op, content=None):
        if op.kind is OpKind.COMMENT_UPDATE:
            tried.append(op)
            raise Forbidden("only its author may edit a comment")
        return write(op, content)

    adapter.write = strict
    jira.edit_comment(comment, "Another word.")
    world.settle()
    for title in ("Refunds fail", "Refunds fail often"):
        jira.edit(ref, title=title)
        world.settle()
    assert len(tried) == 1
    jira.edit_comment(comment, "A third word.")
    world.settle()
    assert len(tried) == 2


def test_a_look_that_was_refused_is_tried_again(make_world):
    """The ticket could not be read before the write: what was to be written there is written by the next cycle."""
    world = make_world(directions={AZURE: "in"})
    ref = world.trackers[JIRA].create(title="Refunds")
    world.settle()
    adapter = world.bridge.replicas[GITHUB].adapter
    fetch, refused = adapter.fetch, []

    def once(refs, *, comments=True):
        if not refused:
            refused.append(refs)
            raise Forbidden("not now")
        return fetch(refs, comments=comments)

    adapter.fetch = once
    world.trackers[JIRA].edit(ref, title="Refunds fail")
    assert [one.replica for one in world.cycle().problems] == [GITHUB]
    world.cycle()
    assert world.native(JIRA, ref, GITHUB)["title"] == "Refunds fail"
