"""The Jira codec by itself: on recordings of the real service, and on values that are hard to hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.jira.codec import CODEC
from adapters.jira.native import read_comments, read_events, read_ticket
from adapters.jira.wire import as_list, at, from_milliseconds, milliseconds, parse_time, quote, slimmed, updated_since
from sync.core.capabilities import Capabilities, ProjectFacts
from sync.core.changes import diff_fields
from sync.core.errors import Malformed
from sync.core.ids import NativeRef, PersonId, ReplicaName
from sync.core.mapping import People, ProjectMapping
from sync.core.models import UNKNOWN, Field, NativeComment, NativeTicket
from sync.shell.mappingfile import load

SHARED = Path(__file__).resolve().parents[3] / "shared" / "api"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
ADA = "5b10a2844c20165700ede21g"
FACTS = ProjectFacts(
    statuses={"To Do": "new", "In Progress": "indeterminate", "Blocked": "indeterminate", "Done": "done"},
    types=("Epic", "Task", "Bug", "Sub-task"),
    priorities=("Highest", "High", "Medium", "Low", "Lowest"),
    resolutions=("Done", "Won't Do", "Duplicate"),
    extra={"deployment": "cloud", "account": "bot", "project": "PAY", "subtasks": ["Sub-task"]},
)
CAPS = Capabilities(
    server="Jira Cloud", account="bot", fields=frozenset(Field), facts=FACTS, title_limit=255, body_limit=32767
)


def mapping(facts: ProjectFacts = FACTS) -> ProjectMapping:
    people = People(replica=ReplicaName("jira"), native_ids={PersonId("ada"): ADA})
    return load("jira", folder=Path()).bind(facts, people)


def ticket(**fields: Any) -> NativeTicket:
    payload = {
        "id": "10001",
        "key": "PAY-1",
        "fields": {
            "summary": "A ticket",
            "issuetype": {"name": "Task"},
            "status": {"id": "1", "name": "To Do", "statusCategory": {"key": "new"}},
            "updated": "2026-11-22T10:00:00.000+0100",
            "labels": [],
            **fields,
        },
    }
    return read_ticket(payload, site="https://jira.example", now=NOW)


def recordings() -> Iterator[Any]:
    """Every JSON object in the recordings that looks like an issue, a comment or a changelog entry."""
    pending: list[Any] = [
        json.loads(path.read_text(encoding="utf-8"))
        for folder in ("traffic/jira", "webhooks/jira")
        for path in sorted((SHARED / folder).rglob("*.json"))
    ]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            yield value
        pending += value.values() if isinstance(value, dict) else value if isinstance(value, list) else []


@pytest.mark.skipif(not SHARED.is_dir(), reason="the recordings are not here")
def test_no_recording_is_too_odd_to_be_read() -> None:
    """Each issue, comment and changelog entry of the recordings is decoded; what has no meaning is a problem with a mend."""
    words = mapping()
    issues = comments = events = 0
    for value in recordings():
        if "fields" in value and "key" in value:
            issues += 1
            try:
                native = read_ticket(value, site="https://jira.example", now=NOW)
            except Malformed:
                native = NativeTicket(
                    ref=NativeRef("1"), key="X-1", url="", number=1, version="1", payload=value, fetched_at=NOW, updated_at=NOW
                )  # fmt: skip
            decoded = CODEC.decode(native, words)
            unknown = {name for name, found in decoded.snapshot.fields.items() if found is UNKNOWN}
            assert unknown == {problem.field for problem in decoded.problems}
            assert all(problem.mend for problem in decoded.problems)
            for comment in native.comments or ():
                comments += 1
                assert CODEC.decode_comment(comment, words).created_at.year > 2000
            for event in read_events(
                at(value, "changelog", "histories"), NativeRef("1"), datetime(1990, 1, 1, tzinfo=UTC)
            ):
                events += len(CODEC.decode_event(event, words))
        elif "items" in value and "created" in value:
            (event,) = read_events(
                [{**value, "id": value.get("id", "1")}], NativeRef("1"), datetime(1990, 1, 1, tzinfo=UTC)
            )
            events += len(CODEC.decode_event(event, words))
    assert issues > 100
    assert comments > 20
    assert events > 50


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2021-03-28T16:06:08.713+0800", datetime(2021, 3, 28, 8, 6, 8, 713000, UTC)),
        ("2021-03-28T16:06:08.713Z", datetime(2021, 3, 28, 16, 6, 8, 713000, UTC)),
        (1492070429, datetime(2017, 4, 13, 8, 0, 29, tzinfo=UTC)),
        (1492070429000, datetime(2017, 4, 13, 8, 0, 29, tzinfo=UTC)),
        ("yesterday", None),
        (True, None),
        (10**40, None),
        (float("nan"), None),
        (None, None),
    ],
)
def test_times_are_read_as_jira_writes_them(given: Any, expected: datetime | None) -> None:
    """Offsets without a colon and numbers of seconds or milliseconds; anything else is no time."""
    assert parse_time(given) == expected


def test_jql_is_quoted_and_its_times_are_whole_minutes() -> None:
    """A word with quotes stays one word; a bound is a number, which has no zone."""
    assert quote('a "b" \\ c') == '"a \\"b\\" \\\\ c"'
    moment = datetime(2026, 3, 29, 1, 30, 59, tzinfo=UTC)
    assert updated_since(moment) == f"updated >= {milliseconds(datetime(2026, 3, 29, 1, 30, tzinfo=UTC))}"
    assert from_milliseconds(milliseconds(moment)) == moment


def test_versions_do_not_depend_on_the_callers_zone() -> None:
    """The same moment told in two zones is the same version."""
    berlin = ticket(updated="2026-11-22T10:00:00.123+0100")
    auckland = ticket(updated="2026-11-22T22:00:00.123+1300")
    assert berlin.version == auckland.version


def test_what_has_no_meaning_names_the_mend() -> None:
    """An unmapped type, priority or resolution is UNKNOWN, and says which line of the mapping to write."""
    odd = ticket(
        issuetype={"name": "Incident"},
        priority={"name": "Whenever"},
        status={"id": "9", "name": "Accepted", "statusCategory": {"key": "done"}},
        resolution={"name": "Postponed"},
    )
    decoded = CODEC.decode(odd, mapping())
    problems = {problem.field: problem.mend for problem in decoded.problems}
    assert problems.keys() == {Field.KIND, Field.TYPE, Field.PRIORITY, Field.REASON}
    assert "'Incident'" in problems[Field.TYPE]
    assert "[fields.priority.values]" in problems[Field.PRIORITY]
    assert decoded.snapshot.fields[Field.STATUS] == "done"


def test_a_resolution_counts_only_where_the_status_is_done() -> None:
    """Reopening may leave the resolution behind; it is no reason then."""
    resolved = {"resolution": {"name": "Won't Do"}}
    open_again = CODEC.decode(ticket(**resolved), mapping())
    done = CODEC.decode(ticket(**resolved, status={"name": "Done", "statusCategory": {"key": "done"}}), mapping())
    assert open_again.snapshot.fields[Field.REASON] is None
    assert done.snapshot.fields[Field.REASON] == "not_planned"


def test_explicit_references_of_a_document_are_found() -> None:
    """A line that names the twin elsewhere is told for adoption."""
    body = {"type": "doc", "version": 1, "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": "Mirrors: acme/payments#12"}]},
    ]}  # fmt: skip
    assert CODEC.decode(ticket(description=body), mapping()).references == ("acme/payments#12",)


def test_decoration_is_not_stored_and_documents_are_left_alone() -> None:
    """Avatars go, properties and documents stay as they are."""
    document = {"type": "doc", "content": [{"type": "mention", "attrs": {"iconUrl": "kept"}}]}
    payload = {
        "assignee": {"avatarUrls": {"48x48": "x"}, "accountId": ADA},
        "description": document,
        "properties": {"iconUrl": 1},
    }
    assert slimmed(payload) == {"assignee": {"accountId": ADA}, "description": document, "properties": {"iconUrl": 1}}


def test_labels_are_added_and_removed_one_by_one() -> None:
    """The request names what changed, not the whole set: a label of somebody else stays."""
    current = ticket(labels=["theirs", "old"])
    changes = diff_fields({Field.LABELS: frozenset({"old"})}, {Field.LABELS: frozenset({"new"})})
    (op,) = CODEC.encode(changes, current, mapping(), CAPS).ops
    assert op.payload["body"] == {"update": {"labels": [{"add": "new"}, {"remove": "old"}]}}


def test_an_edit_asks_for_the_ticket_in_its_answer_on_cloud_only() -> None:
    """On Cloud one request writes and reads; Data Center answers an edit with nothing."""
    for deployment, params in (("cloud", {"returnIssue": "true", "expand": "transitions"}), ("server", None)):
        facts = ProjectFacts(types=("Task",), extra={**FACTS.extra, "deployment": deployment})
        (op,) = CODEC.encode(diff_fields({}, {Field.TITLE: "New"}), ticket(), mapping(facts), CAPS).ops
        assert op.payload.get("params") == params
        assert op.payload["body"] == {"fields": {"summary": "New"}}


def test_a_comment_of_our_account_keeps_what_only_looks_like_an_attribution() -> None:
    """Only the first paragraph, and only in its exact form, is taken off; of others' comments nothing is."""
    line = "*Ada Lovelace wrote in Jira (PAY-12):*"
    for author, text, expected in (
        ("bot", f"{line}\n\nHello", "Hello"),
        ("bot", f"Hello\n\n{line}", f"Hello\n\n{line}"),
        (ADA, f"{line}\n\nHello", f"{line}\n\nHello"),
    ):
        wiki = text.replace("*", "_")
        payload = {"id": "1", "author": {"accountId": author}, "body": wiki, "created": "2026-11-22T10:00:00.000+0000"}
        (comment,) = read_comments([payload], NativeRef("10001"))
        assert CODEC.decode_comment(comment, mapping()).body == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = (
    "summary",
    "description",
    "issuetype",
    "status",
    "resolution",
    "priority",
    "labels",
    "assignee",
    "parent",
    "comment",
)


@settings(deadline=None)
@given(fields=st.dictionaries(st.sampled_from(NAMES), JSON), items=st.lists(JSON, max_size=3))
def test_any_json_may_stand_in_any_field(fields: dict[str, Any], items: list[Any]) -> None:
    """Decoding never raises, and what was decoded can be projected and encoded again."""
    native = ticket(**fields)
    words = mapping()
    decoded = CODEC.decode(native, words)
    CODEC.project(decoded.snapshot.fields, native, words, CAPS)
    CODEC.encode(diff_fields({}, decoded.snapshot.fields), native, words, CAPS)
    comment = NativeComment(
        ref=NativeRef("1"), ticket=native.ref, version="1", payload={"body": fields.get("description"), "author": items}
    )
    CODEC.decode_comment(comment, words)
    entry = {"id": "1", "created": "2026-11-22T10:00:00.000+0000", "items": items}
    for event in read_events(as_list([entry]), native.ref, datetime(1990, 1, 1, tzinfo=UTC)):
        CODEC.decode_event(event, words)
