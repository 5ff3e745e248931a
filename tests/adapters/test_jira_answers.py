"""What the Jira adapter makes of answers that are not what was asked for, and whom and what it never mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from adapters._simulator import Fault
from adapters.jira.codec import CODEC
from sync.core.errors import (
    AuthFailed,
    Forbidden,
    Malformed,
    PreconditionFailed,
    Rejected,
    Retryable,
    TrackerError,
    Uncertain,
    Unsupported,
)
from sync.core.ids import NativeRef
from sync.core.models import Field, Gone, NativeComment
from tests.adapters.jira_support import Bench, bench


def answers(jira: Bench, path: str, body: Any, *, status: int = 200, times: int = 1, **more: Any) -> None:
    """Let the next request be answered so, without doing anything."""
    jira.simulator.faults.append(Fault(fault="status", path=path, status=status, body=body, times=times, **more))


def ref_of(jira: Bench, key: str) -> NativeRef:
    return NativeRef(str(jira.simulator.issue(key).id))


def test_half_a_list_of_comments_is_no_deletion() -> None:
    """What a complete list does not hold was deleted, so a list that is none is an error of that ticket."""
    with bench() as jira:
        key = jira.simulator.add_issue("Busy")
        for number in range(23):
            jira.simulator.comment(key, f"Remark {number}")
        bodies: list[Any] = [{}, {"comments": []}, {"total": 23}, {"comments": [{"body": "no id"}], "total": 1}]
        for body in bodies:
            answers(jira, "/comment$", body)
            with pytest.raises(Malformed):
                list(jira.adapter.fetch([ref_of(jira, key)]))
        assert len(jira.read(key).comments or ()) == 23


def test_a_search_that_does_not_go_on_ends() -> None:
    """Cloud has been seen to give the same token again and again; that is an error and no endless loop."""
    with bench() as jira:
        answers(jira, "/search/jql$", {"issues": [], "nextPageToken": "again"}, times=9)
        with pytest.raises(Malformed, match="does not go on"):
            jira.pull()


def test_a_batch_that_leaves_a_ticket_out_is_asked_again() -> None:
    """Neither no list at all nor a list without the ticket passes for having read it."""
    with bench() as jira:
        key = jira.simulator.add_issue("There")
        jira.simulator.clock.advance(5)
        answers(jira, "/bulkfetch$", {})
        with pytest.raises(Malformed):
            jira.pull()
        answers(jira, "/bulkfetch$", {"issues": [], "issueErrors": []})
        tickets, cursor = jira.pull()
        assert tickets == []
        tickets, cursor = jira.pull(cursor)
        assert [ticket.key for ticket in tickets] == [key]
        assert jira.pull(cursor)[0] == []


def test_a_page_in_place_of_what_belongs_to_a_ticket_says_nothing_of_it() -> None:
    """A ticket is read whole or not at all: a proxy's page instead of its comments is the tracker's failure, and it is read again."""
    with bench() as jira:
        key = jira.simulator.add_issue("Busy")
        for number in range(23):
            jira.simulator.comment(key, f"Remark {number}")
        jira.simulator.clock.advance(5)
        page = "<!DOCTYPE html><p>We will be back soon"
        answers(jira, "/comment$", page, headers={"Content-Type": "text/html"})
        with pytest.raises(Malformed, match="without JSON"):
            jira.pull()
        assert [len(ticket.comments or ()) for ticket in jira.pull()[0]] == [23]


def test_an_edit_that_was_done_is_told_as_done() -> None:
    """A question about the workflow that fails after the edit does not make the edit fail."""
    with bench() as jira:
        key = jira.simulator.add_issue("Old")
        (op,) = jira.encoded(key, title="New").ops
        jira.adapter._reader.flow.screens.clear()
        answers(jira, "/transitions$", {}, status=500, times=9, method="GET")
        receipt = jira.adapter.write(op)
        assert (receipt.ref, receipt.ticket) == (ref_of(jira, key), None)
        assert jira.simulator.issue(key).summary == "New"


def test_a_missing_ticket_is_known_by_the_status_and_not_by_the_words() -> None:
    """Jira says it in the language of our profile."""
    with bench(deployment="server") as jira:
        jira.simulator.add_issue("There")
        answers(jira, "/issue/4711$", {"errorMessages": ["Der Vorgang existiert nicht."]}, status=404)
        (found,) = jira.adapter.fetch([NativeRef("4711")])
        assert isinstance(found, Gone)


def test_a_visitor_is_not_us() -> None:
    """Data Center says by a header that it takes us for nobody; 200 with fewer tickets is no answer then."""
    with bench(deployment="server") as jira:
        body = {"issues": [], "total": 0, "startAt": 0, "maxResults": 1000}
        answers(jira, "/search$", body, headers={"X-AUSERNAME": "anonymous"})
        with pytest.raises(AuthFailed, match="visitor"):
            jira.pull()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected),
        (401, AuthFailed),
        (403, Forbidden),
        (404, Rejected),
        (408, Uncertain),
        (409, PreconditionFailed),
        (410, Unsupported),
        (413, Rejected),
        (429, Retryable),
        (500, Uncertain),
        (502, Uncertain),
        (503, Uncertain),
        (504, Uncertain),
    ],
)
def test_refusals_of_a_write_are_told_apart(status: int, kind: type[TrackerError]) -> None:
    """What may have been done is Uncertain, what was not says what to do next; each is sent once."""
    with bench() as jira:
        key = jira.simulator.add_issue("Old")
        (op,) = jira.encoded(key, title="New").ops
        jira.requests()
        answers(jira, ".*", {"errorMessages": ["no"]}, status=status, method="PUT")
        with pytest.raises(kind):
            jira.adapter.write(op)
        assert len(jira.requests()) == 1


def test_a_write_whose_answer_says_nothing_may_have_been_done() -> None:
    """A success that is no JSON, or names nothing, is Uncertain, for tickets and comments."""
    with bench() as jira:
        key = jira.simulator.add_issue("There")
        ticket = jira.read(key)
        (comment,) = CODEC.encode_comment("said", ticket, None, jira.mapping, jira.caps).ops
        (update,) = jira.encoded(key, title="New").ops
        for op, body in ((comment, "{}"), (comment, "<html/>"), (comment, ""), (update, "<html/>")):
            answers(jira, ".*", body, method="POST|PUT")
            with pytest.raises(Uncertain):
                jira.adapter.write(op)


def test_an_edit_keeps_a_restricted_comment_restricted() -> None:
    """An edit that does not name the role would show the comment to everybody."""
    with bench() as jira:
        key = jira.simulator.add_issue("Discussed")
        (op,) = CODEC.encode_comment("ours", jira.read(key), None, jira.mapping, jira.caps).ops
        ref = jira.adapter.write(op).comment_ref
        role = {"type": "role", "value": "Administrators"}
        jira.simulator.request("PUT", f"/issue/{key}/comment/{ref}", {"body": "ours", "visibility": role}, user="bot")
        (current,) = jira.read(key).comments or ()
        assert isinstance(current, NativeComment)
        (op,) = CODEC.encode_comment("ours, again", jira.read(key), current, jira.mapping, jira.caps).ops
        jira.adapter.write(op)
        (after,) = jira.read(key).comments or ()
        assert CODEC.decode_comment(after, jira.mapping).restricted


@pytest.mark.parametrize("deployment", ["cloud", "server"])
def test_people_are_assigned_by_what_names_one_account_only(deployment: str) -> None:
    """By account id on Cloud, where mail addresses are hidden, and by user name on Data Center; nobody is searched for."""
    with bench(deployment=deployment) as jira:
        key = jira.simulator.add_issue("Assigned")
        (op,) = jira.encoded(key, assignees=frozenset({"ada"})).ops
        ada = jira.simulator.catalogue.people["ada"]
        wanted = {"accountId": ada.account_id} if deployment == "cloud" else {"name": "ada"}
        assert op.payload["body"]["fields"] == {"assignee": wanted}
        jira.requests()
        jira.adapter.write(op)
        assert [each for each in jira.requests() if "user" in each or "assignee" in each] == []
        assert jira.fields(key)[Field.ASSIGNEES] == frozenset({"ada"})
        (op,) = jira.encoded(key, assignees=frozenset()).ops
        assert op.payload["body"]["fields"] == {"assignee": None}
        jira.adapter.write(op)
        assert jira.fields(key)[Field.ASSIGNEES] == frozenset()


def test_a_project_with_a_new_key_has_not_lost_its_tickets() -> None:
    """The key of a project can be changed, and old ones go on working; the id stays."""
    with bench() as jira:
        key = jira.simulator.add_issue("There")
        moved = jira.simulator.add_issue("Elsewhere")
        jira.simulator.move(moved)
        jira.adapter._reader.project = "OLDKEY"
        there, gone = jira.adapter.fetch([ref_of(jira, key), ref_of(jira, moved)])
        assert (there.ref, isinstance(there, Gone)) == (ref_of(jira, key), False)
        assert isinstance(gone, Gone)


@pytest.mark.parametrize(
    "body", ["5", "null", "[]", "[5]", '"no"', '{"errors": "x"}', '{"errorMessages": {"a": 1}}', '{"message": 5}', "{"]
)
def test_odd_words_of_a_refusal_are_no_crash(body: str) -> None:
    """The library makes sense of refusals by itself, and stumbles over some: ours come out all the same."""
    with bench() as jira:
        key = jira.simulator.add_issue("There")
        (op,) = jira.encoded(key, title="New").ops
        answers(jira, ".*", body, status=400, method="PUT")
        with pytest.raises(Rejected):
            jira.adapter.write(op)
        answers(jira, ".*", body, status=502, method="PUT")
        with pytest.raises(Uncertain):
            jira.adapter.write(op)
        answers(jira, "/project/PAY$", body, status=403)
        with pytest.raises(Forbidden):
            jira.adapter.probe()
        answers(jira, "/myself$", body, status=403)
        with pytest.raises(TrackerError):
            jira.adapter.probe()
