"""The Jira adapter through the real library over HTTP: what it writes, refuses and recognises."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters._pace import Pace
from adapters.jira.adapter import open_adapter
from adapters.jira.codec import CODEC
from adapters.jira.settings import Settings
from sync.core.changes import diff_fields
from sync.core.errors import AuthFailed, ConfigError, Rejected, Retryable
from sync.core.ids import NativeRef
from sync.core.models import Field, Gone, NativeTicket
from tests.adapters.jira_support import JIRA, Bench, bench


def test_a_status_is_reached_by_its_target_over_several_steps() -> None:
    """Moves are chosen by where they lead, a free one before one that asks for a field, and never through Done."""
    with bench() as jira:
        key = jira.simulator.add_issue("Walk")
        assert jira.bring(key, status="review") == [
            "'Start Progress' to In Progress",
            "'Ready for Review' to In Review",
        ]
        assert jira.bring(key, status="blocked") == ["'Block' to Blocked"]
        steps = jira.bring(key, status="done", reason="not_planned")
        assert steps == ["'Unblock' to In Progress", "'Resolve Issue' to Done"]
        fields = jira.fields(key)
        assert (fields[Field.STATUS], fields[Field.REASON]) == ("done", "not_planned")
        assert jira.bring(key, status="reopened", reason=None) == ["'Reopen Issue' to Reopened"]
        assert jira.fields(key)[Field.REASON] is None


def test_a_field_that_a_transition_asks_for_is_named() -> None:
    """Where every way to a status asks for a field that nobody gave, one problem says which, and nothing is sent."""
    with bench(reason_required=True) as jira:
        key = jira.simulator.add_issue("Stuck")
        encoded = jira.encoded(key, status="blocked", title="Renamed")
        assert [op.fields for op in encoded.ops] == [frozenset({Field.TITLE})]
        (problem,) = encoded.problems
        assert problem.field is Field.STATUS
        assert "'Blocked reason' (customfield_10050)" in problem.message
        assert "[screen.<status>]" in problem.mend


def test_a_workflow_without_a_way_is_said_once_and_not_walked_in_circles() -> None:
    """Every status is tried once; then the missing transition is named."""
    with bench() as jira:
        catalogue = jira.simulator.catalogue
        blocked = tuple(move for move in catalogue.transitions if move.target != "10001")
        object.__setattr__(catalogue, "transitions", blocked)
        key = jira.simulator.add_issue("Lost")
        sent = jira.bring(key, status="review")
        assert len(sent) <= 4
        (problem,) = jira.encoded(key, status="review").problems
        assert "No transition leads from" in problem.message
        assert "'In Review'" in problem.message


def test_translated_statuses_are_read_and_written() -> None:
    """A German site has the same statuses: ids and untranslated names decide, not what is shown."""
    with bench(language="de") as jira:
        key = jira.simulator.add_issue("Übersetzt")
        jira.bring(key, status="review")
        assert jira.simulator.issue(key).status == "10001"
        assert jira.fields(key)[Field.STATUS] == "review"


def test_a_moved_ticket_is_gone_and_a_deleted_one_too() -> None:
    """Both leave the project; the reason tells them apart."""
    with bench() as jira:
        moved, deleted, there = (jira.simulator.add_issue(title) for title in ("Moved", "Deleted", "There"))
        refs = [NativeRef(str(jira.simulator.issue(key).id)) for key in (moved, deleted, there)]
        jira.simulator.move(moved)
        jira.simulator.delete(deleted)
        found = {one.ref: one for one in jira.adapter.fetch(refs)}
        gone = {ref: one.reason for ref, one in found.items() if isinstance(one, Gone)}
        assert gone.keys() == set(refs[:2])
        assert "moved to OPS-1" in gone[refs[0]]
        assert "does not exist" in gone[refs[1]]


def test_a_token_that_stops_working_is_no_mass_deletion() -> None:
    """Cloud answers a bad token as a visitor: emptiness and 404 are AuthFailed, not an empty project."""
    with bench() as jira:
        key = jira.simulator.add_issue("Still there")
        ref = NativeRef(str(jira.simulator.issue(key).id))
        jira.simulator.clock.advance(5)
        _, cursor = jira.pull()
        jira.simulator._by_token.clear()
        for ask in (lambda: list(jira.adapter.fetch([ref])), lambda: list(jira.adapter.pull(cursor))):
            with pytest.raises(AuthFailed) as caught:
                ask()
            assert "jira-token" not in str(caught.value)


def test_a_burst_of_comments_stays_within_the_limit_of_an_issue() -> None:
    """Thirty comments on one ticket are held back by us, not refused by Jira; and so are more than a hundred."""
    with bench() as jira:
        key = jira.simulator.add_issue("Busy")
        ticket = jira.read(key)
        for number in range(30):
            (op,) = CODEC.encode_comment(f"Remark {number}", ticket, None, jira.mapping, jira.caps).ops
            jira.adapter.write(op)
        assert len(jira.simulator.issue(key).comments) == 30
        assert jira.slept
        assert all(wait <= 2.2 for wait in jira.slept)
        for number in range(80):
            (op,) = CODEC.encode_comment(f"More {number}", ticket, None, jira.mapping, jira.caps).ops
            jira.adapter.write(op)
        assert 20 < max(jira.slept) <= 30.5


def test_a_refused_burst_names_the_time() -> None:
    """A 429 of a write is Retryable with Jira's time, and is not sent again by itself."""
    with bench(issue_write_limit=1) as jira:
        key = jira.simulator.add_issue("Limited")
        (op,) = jira.encoded(key, title="First").ops
        jira.adapter.write(op)
        with pytest.raises(Retryable) as caught:
            jira.adapter.write(op)
        assert caught.value.after == timedelta(seconds=2)


def test_epics_are_linked_by_key_on_data_center() -> None:
    """The epic link holds keys and the core knows ids; both ways, with the epic's required name at its creation."""
    with bench(deployment="server") as jira:
        changes = diff_fields({}, {Field.TITLE: "Checkout", Field.KIND: "epic"})
        (op,) = CODEC.encode(changes, None, jira.mapping, jira.caps).ops
        epic = jira.adapter.write(op).ref
        child = jira.simulator.add_issue("Child", type="Story")
        assert jira.bring(child, parent=epic) == [f"put under {epic}"]
        assert jira.fields(child)[Field.PARENT] == epic
        assert jira.bring(child, parent=None) == ["take out of its parent"]
        jira.simulator.edit(child, customfield_10014=jira.simulator.request("GET", f"/issue/{epic}")["key"])
        (pulled, *_), _ = jira.pull()
        by_key = {ticket.key: CODEC.decode(ticket, jira.mapping).snapshot.fields for ticket in jira.pull()[0]}
        assert by_key[child][Field.PARENT] == epic
        assert pulled.ref == epic


def test_subtasks_are_tasks_and_need_a_parent() -> None:
    """A task under a parent is a sub-task; without a parent it is written as an ordinary issue and read as one."""
    with bench() as jira:
        parent = NativeRef(str(jira.simulator.issue(jira.simulator.add_issue("Parent", type="Story")).id))
        for wanted, name in (
            ({Field.TITLE: "Step", Field.KIND: "task", Field.PARENT: parent}, "Sub-task"),
            ({Field.TITLE: "Step", Field.KIND: "task"}, "Task"),
        ):
            (op,) = CODEC.encode(diff_fields({}, wanted), None, jira.mapping, jira.caps).ops
            made = jira.adapter.write(op).ref
            held = CODEC.project(wanted, None, jira.mapping, jira.caps)
            (ticket,) = jira.adapter.fetch([made])
            assert isinstance(ticket, NativeTicket)
            assert ticket.payload["fields"]["issuetype"]["name"] == name
            assert CODEC.decode(ticket, jira.mapping).snapshot.fields[Field.KIND] == held[Field.KIND]


def test_labels_with_spaces_come_back_with_them() -> None:
    """Jira's labels have no spaces: they are written with a sign that stands for one and is read as one."""
    with bench() as jira:
        key = jira.simulator.add_issue("Labelled", labels=["under_score"])
        jira.bring(key, labels=frozenset({"good first issue", "under_score"}))
        assert jira.simulator.issue(key).labels == ("good␣first␣issue", "under_score")
        assert jira.fields(key)[Field.LABELS] == frozenset({"good first issue", "under_score"})


def test_a_person_who_cannot_be_assigned_stops_nothing_else() -> None:
    """The assignee has a request of its own, whose refusal names the field."""
    with bench() as jira:
        stranger = jira.simulator.catalogue.people["linus"].account_id
        key = jira.simulator.add_issue("Assigned")
        encoded = jira.encoded(key, title="Renamed", assignees=frozenset({f"jira:{stranger}"}))
        assert [op.fields for op in encoded.ops] == [frozenset({Field.TITLE}), frozenset({Field.ASSIGNEES})]
        jira.adapter.write(encoded.ops[0])
        with pytest.raises(Rejected) as caught:
            jira.adapter.write(encoded.ops[1])
        assert [problem.field for problem in caught.value.problems] == [Field.ASSIGNEES]
        assert "Assignable User" in caught.value.problems[0].mend
        assert jira.simulator.issue(key).summary == "Renamed"


def test_history_tells_what_people_wrote() -> None:
    """Each change of a person is an event with author, time, old and new, on both deployments."""
    for deployment in ("cloud", "server"):
        with bench(deployment=deployment) as jira:
            key = jira.simulator.add_issue("Old", labels=["a"])
            begin = datetime.now(UTC) - timedelta(minutes=1)
            jira.simulator.edit(key, user="grace", summary="New", labels=["a", "b"], description="h1. Text")
            jira.simulator.transition(key, "In Progress", user="ada")
            jira.simulator.assign(key, "grace", user="ada")
            ref = NativeRef(str(jira.simulator.issue(key).id))
            events = [
                one for event in jira.adapter.history([ref], begin) for one in CODEC.decode_event(event, jira.mapping)
            ]
            told = {event.field: (event.old, event.new, event.author) for event in events}
            assert told == {
                Field.TITLE: ("Old", "New", "grace"),
                Field.LABELS: (frozenset({"a"}), frozenset({"a", "b"}), "grace"),
                Field.BODY: ("", "# Text", "grace"),
                Field.STATUS: ("open", "in_progress", "ada"),
                Field.ASSIGNEES: (frozenset(), frozenset({"grace"}), "ada"),
            }
            assert list(jira.adapter.history([ref], datetime.now(UTC) + timedelta(minutes=1))) == []


def test_restricted_and_mirrored_comments_are_recognised() -> None:
    """A comment for some people only is marked so; what our account mirrored loses its line of attribution."""
    with bench() as jira:
        key = jira.simulator.add_issue("Discussed")
        secret = {"body": "Between us", "visibility": {"type": "role", "value": "Administrators"}}
        jira.simulator.request("POST", f"/issue/{key}/comment", secret)
        line = "*Grace Hopper wrote in GitHub (acme/payments#7):*"
        (op,) = CODEC.encode_comment("Seen.", jira.read(key), None, jira.mapping, jira.caps, attribution=line).ops
        jira.adapter.write(op)
        jira.simulator.comment(key, "_Somebody wrote in GitHub (#7):_\n\nBy hand.", user="grace")
        decoded = [CODEC.decode_comment(comment, jira.mapping) for comment in jira.read(key).comments or ()]
        assert [(one.body, one.restricted) for one in decoded][:2] == [("Between us", True), ("Seen.", False)]
        assert decoded[2].body.startswith("*Somebody wrote")
        assert decoded[2].author == "grace"


def test_select_narrows_the_pull_and_an_order_is_refused() -> None:
    """`select` is a condition; a linked ticket outside of it is still there."""
    with bench(select="labels = sync") as jira:
        kept = jira.simulator.add_issue("Kept", labels=["sync"])
        other = jira.simulator.add_issue("Other")
        jira.simulator.clock.advance(5)
        assert [ticket.key for ticket in jira.pull()[0]] == [kept]
        assert jira.read(other).key == other
    settings = Settings.model_validate({"url": "http://x.example", "project": "PAY", "auth": {"token": "t"}})
    with pytest.raises(ConfigError, match="ORDER BY"):
        open_adapter(settings, replica=JIRA, select="labels = x ORDER BY key")


def test_a_missing_project_and_missing_rights_are_named() -> None:
    """Probe refuses a project that is not there, and notes what the bot may not do."""
    with bench(denied=frozenset({"EDIT_ISSUES"})) as jira:
        assert jira.caps.can_write is False
        assert any("EDIT_ISSUES" in note for note in jira.caps.notes)
        with pytest.raises(Rejected, match="no project NOPE"):
            Bench(jira.simulator, project="NOPE")


def test_a_malformed_ticket_does_not_stop_the_others() -> None:
    """An answer with one issue that is none reports it and brings the rest."""
    with bench() as jira:
        keys = [jira.simulator.add_issue(f"Ticket {number}") for number in range(3)]
        jira.simulator.clock.advance(5)
        post = jira.adapter._client.post

        def broken(path: str, body: dict[str, Any], params: Any = None) -> dict[str, Any]:
            answer = json.loads(json.dumps(post(path, body, params)))
            if "issues" in answer:
                answer["issues"][1] = {"id": "10002", "fields": None}
            return dict(answer)

        jira.adapter._client.post = broken  # type: ignore[method-assign]
        pages = list(jira.adapter.pull(None))
        assert [ticket.key for page in pages for ticket in page.tickets] == [keys[0], keys[2]]
        assert [place for page in pages for place, _ in page.malformed] == ["10002"]


def test_secrets_stay_secret() -> None:
    """Neither the settings nor an error shows the token."""
    settings = Settings.model_validate(
        {
            "url": "http://127.0.0.1:1",
            "project": "PAY",
            "auth": {"user": "bot@acme.example", "token": "very-secret-token"},
        }
    )
    adapter = open_adapter(settings, replica=JIRA, pace=Pace(attempts=1))
    with pytest.raises(Retryable) as caught:
        adapter.probe()
    adapter.close()
    assert "very-secret-token" not in f"{settings!r}{caught.value!r}{caught.value}"
