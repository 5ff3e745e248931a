"""Links between work items: each its own request's business, harmless to ask for twice, removed by its present place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.azure_devops.codec import CODEC
from sync.core.changes import diff_fields
from sync.core.errors import PreconditionFailed, Rejected
from sync.core.models import Field
from tests.adapters.azure_devops_support import Bench, bench


def items(azure: Bench, count: int) -> list[int]:
    return [azure.simulator.add_issue(title=f"Item {number}", type="User Story") for number in range(count)]


def links(*members: str) -> frozenset[str]:
    return frozenset(members)


def patches(azure: Bench) -> int:
    return sum(one["method"] == "PATCH" for one in azure.simulator.requests)


@pytest.mark.parametrize(
    ("kind", "word"),
    [("blocks", "blocks"), ("blocked_by", "blocked by"), ("relates", "relates"), ("duplicates", "duplicates")],
)
def test_kinds_are_the_services_link_types(kind: str, word: str) -> None:
    """Each kind is the link type that people call so, in one request and in its direction."""
    with bench() as azure:
        one, two = items(azure, 2)
        requests = azure.adapter.traffic.requests
        (op,) = azure.encoded(one, links=links(f"{kind}:{two}"))
        azure.adapter.write(op)
        assert op.fields == {Field.LINKS}
        assert azure.adapter.traffic.requests - requests == 2  # the read before, and the write
        assert azure.simulator.links_of(one) == {(word, two)}


def test_what_is_there_already_is_no_second_link() -> None:
    """Both ends may ask for the same link, and for its end: who comes late finds it done."""
    with bench() as azure:
        one, two, three = items(azure, 3)
        late = azure.encoded(two, links=links(f"blocked_by:{one}", f"relates:{three}"))
        azure.apply(one, links=links(f"blocks:{two}"))
        azure.adapter.write(late[0])
        assert azure.simulator.links_of(two) == {("blocked by", one), ("relates", three)}
        gone = azure.encoded(one, links=links())
        azure.simulator.unlink(two, one, "blocked by")
        before = patches(azure)
        receipt = azure.adapter.write(gone[0])
        assert patches(azure) == before
        assert receipt.ticket is not None
        assert CODEC.decode(receipt.ticket, azure.mapping).snapshot.fields[Field.LINKS] == frozenset()


def test_a_link_is_removed_by_its_present_place() -> None:
    """Links that others add meanwhile move the places and raise no revision; only what was meant goes."""
    with bench() as azure:
        one, two, *others = items(azure, 7)
        azure.apply(one, links=links(f"relates:{two}", f"blocks:{others[0]}"))
        (op,) = azure.encoded(one, links=links(f"relates:{others[0]}"))
        for other in others[1:]:
            azure.simulator.relate(one, other)
        azure.simulator.link(one, two, "Microsoft.VSTS.Common.Affects-Forward")
        azure.adapter.write(op)
        kept = {("relates", other) for other in others}
        assert azure.simulator.links_of(one) == {*kept, ("Microsoft.VSTS.Common.Affects-Forward", two)}
        assert azure.fields(one)[Field.LINKS] == {f"relates:{other}" for other in others}


@pytest.mark.parametrize("status", [400, 500])
def test_a_circle_is_refused_in_words(status: int) -> None:
    """The service may answer it with a 500: it was refused all the same, and nothing is in doubt."""
    with bench(circular_status=status) as azure:
        one, two = items(azure, 2)
        azure.apply(one, links=links(f"blocks:{two}"))
        (op,) = azure.encoded(two, links=links(f"blocks:{one}", f"blocked_by:{one}"))
        with pytest.raises(Rejected, match="circular"):
            azure.adapter.write(op)


def test_one_original_at_most() -> None:
    """A work item is the duplicate of one other: the present one stays, the second is told."""
    with bench() as azure:
        one, two, three = items(azure, 3)
        azure.apply(one, links=links(f"duplicates:{three}"))
        both = links(f"duplicates:{two}", f"duplicates:{three}", "blocks:x", "knows:3")
        said = azure.said(one, links=both)
        assert (said.ops, [one.field for one in said.problems]) == ((), [Field.LINKS])
        assert azure.held(one, links=both) == {Field.LINKS: links(f"duplicates:{three}")}


def test_a_feed_brings_both_ends_of_a_link() -> None:
    """A link raises no revision: the feed of links alone tells of it, and the versions differ."""
    with bench() as azure:
        one, two, _ = items(azure, 3)
        versions = {number: azure.read(number).version for number in (one, two)}
        for change in (azure.simulator.link, azure.simulator.unlink):
            cursor = azure.caught_up()
            change(one, two, "blocks")
            pulled = {ticket.number: ticket for page in azure.adapter.pull(cursor) for ticket in page.tickets}
            assert pulled.keys() == {one, two}
            assert all(
                (pulled[number].version != versions[number]) is (change == azure.simulator.link) for number in pulled
            )


def test_history_tells_what_came_and_what_went() -> None:
    """Links are told as differences, from the point of view of the work item that is asked."""
    with bench() as azure:
        one, two, epic = items(azure, 3)
        since = azure.read(one).updated_at
        azure.simulator.link(one, two, "blocks")
        azure.simulator.unlink(two, one, "blocked by")
        azure.simulator.edit(one, parent=epic)
        told = [
            (change.field, change.old, change.new)
            for event in azure.adapter.history([azure.read(one).ref], since)
            for change in CODEC.decode_event(event, azure.mapping)
        ]
        link = links(f"blocks:{two}")
        expected: list[Any] = [(Field.LINKS, links(), link), (Field.LINKS, link, links())]
        assert told == [*expected, (Field.PARENT, None, str(epic))]


# -- the parent ----------------------------------------------------------------------------------


def test_a_parent_is_alone_in_its_request() -> None:
    """A parent that is refused takes no title with it; the first one costs one request, a change reads the places first."""
    with bench() as azure:
        number, one, two = items(azure, 3)
        ops = azure.encoded(number, title="Child", parent=str(one), links=links(f"relates:{two}"))
        assert [op.fields for op in ops] == [{Field.TITLE}, {Field.PARENT}, {Field.LINKS}]
        for parent, requests in ((one, 1), (two, 2), (None, 2)):
            (op,) = azure.encoded(number, parent=str(parent) if parent else None)
            before = azure.adapter.traffic.requests
            azure.adapter.write(op)
            assert azure.adapter.traffic.requests - before == requests
            assert azure.fields(number)[Field.PARENT] == (str(parent) if parent else None)


def test_another_parent_meanwhile_is_a_change_to_decide_on() -> None:
    """Links raise no revision, so the parent itself is looked at: what somebody set since our read is not undone."""
    with bench() as azure:
        number, one, two, three = items(azure, 4)
        first = azure.encoded(number, parent=str(one))[0]
        azure.simulator.edit(number, parent=two)
        with pytest.raises(PreconditionFailed):
            azure.adapter.write(first)
        change = azure.encoded(number, parent=str(one))[0]
        azure.apply(number, parent=str(three))
        with pytest.raises(PreconditionFailed):
            azure.adapter.write(change)
        assert azure.fields(number)[Field.PARENT] == str(three)


def test_a_parent_that_is_not_there_is_left_out_of_the_create() -> None:
    """The refusal of the create names the parent, so that the work item can be made without it."""
    with bench() as azure:
        wanted = {Field.TITLE: "Child", Field.KIND: "issue", Field.PARENT: "999"}
        op = CODEC.encode(diff_fields({}, wanted), None, azure.mapping, azure.caps).ops[0]
        with pytest.raises(Rejected) as caught:
            azure.adapter.write(op)
        assert [one.field for one in caught.value.problems] == [Field.PARENT]
        assert json.loads(json.dumps(op.payload)) == op.payload
