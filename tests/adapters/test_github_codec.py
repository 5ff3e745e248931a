"""The GitHub codec: words of the mapping, texts, and recordings of the real service."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.github import history, texts, wire
from adapters.github.codec import CODEC
from sync.core.capabilities import Capabilities, ProjectFacts
from sync.core.changes import diff_fields
from sync.core.errors import Malformed
from sync.core.ids import Marker, NativeRef, PersonId, ReplicaName
from sync.core.mapping import People
from sync.core.models import UNKNOWN, Field, NativeTicket
from sync.shell.mappingfile import load

RECORDINGS = Path(__file__).parents[2] / ".." / "shared" / "api" / "traffic" / "github"
CORPUS = Path(__file__).parents[2] / ".." / "shared" / "api" / "corpus" / "github_md"
MARKER = Marker("trackdown:v1:abc:0123456789abcdef")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ORGANIZATION = ("type:Bug", "type:Feature", "type:Task", "type:Epic")


@cache
def mapping(types=()):
    people = People(replica=ReplicaName("github"), native_ids={PersonId("ada"): "ada-l", PersonId("grace"): "42"})
    return load("github", folder=Path()).bind(ProjectFacts(types=tuple(types)), people)


def caps(types=()):
    return Capabilities(
        server="github.com",
        account="bot",
        fields=frozenset(Field),
        facts=ProjectFacts(types=tuple(types)),
        max_assignees=10,
        title_limit=256,
        body_limit=65_536,
    )


def ticket(**members):
    payload = {
        "id": 7,
        "number": 12,
        "title": "t",
        "state": "open",
        "updated_at": "2026-01-01T00:00:00Z",
        "url": "https://api.github.com/repos/acme/payments/issues/12",
        **members,
    }
    return wire.ticket(payload, fetched_at=NOW)


def fields(native, types=()):
    return CODEC.decode(native, mapping(types)).snapshot.fields


def read(raw):
    """The text of a body."""
    return texts.restored(texts.parts(raw)[0])


@pytest.mark.parametrize(
    ("members", "field", "value"),
    [
        ({"state": "open"}, Field.STATUS, "open"),
        ({"labels": ["Status: Review"]}, Field.STATUS, "review"),
        ({"labels": ["status: in progress", "status: blocked"]}, Field.STATUS, "blocked"),
        ({"state": "closed", "labels": ["status: review"]}, Field.STATUS, "done"),
        ({"state": "merged"}, Field.STATUS, UNKNOWN),
        ({"state": "open", "state_reason": "reopened"}, Field.REASON, None),
        ({"state": "closed", "state_reason": "not_planned"}, Field.REASON, "not_planned"),
        ({"state": "closed", "state_reason": None}, Field.REASON, None),
        ({"state": "closed", "state_reason": "obsolete"}, Field.REASON, UNKNOWN),
        ({"labels": [{"name": "priority: P1"}, {"name": "x"}]}, Field.PRIORITY, "P1"),
        ({"labels": ["priority: P1", "x", "type: bug"]}, Field.LABELS, frozenset({"x"})),
        ({"type": {"name": "Epic"}}, Field.KIND, "epic"),
        ({"labels": ["type: tech debt"]}, Field.TYPE, "tech_debt"),
        ({"type": {"name": "Spike"}}, Field.KIND, UNKNOWN),
        ({}, Field.KIND, "issue"),
        ({"assignees": [{"login": "ada-l", "id": 1}, {"login": "g", "id": 42}]}, Field.ASSIGNEES, {"ada", "grace"}),
        ({"assignees": [{"login": "new", "id": 2}]}, Field.ASSIGNEES, {"github:new"}),
        ({"body": None}, Field.BODY, ""),
        ({"body": "a\r\nb \r\n"}, Field.BODY, "a\nb"),
        ({"parent_issue_url": "https://api.github.com/repos/acme/payments/issues/3"}, Field.PARENT, "3"),
        ({"parent_issue_url": "https://api.github.com/repos/acme/other/issues/3"}, Field.PARENT, UNKNOWN),
    ],
)
def test_native_words_have_one_meaning(members, field, value):
    """Each native word is read as the mapping says; what it does not know is UNKNOWN with a mend."""
    decoded = CODEC.decode(ticket(**members), mapping())
    assert decoded.snapshot.fields[field] == value
    assert all(problem.mend for problem in decoded.problems)
    assert (value is UNKNOWN) == (field in {problem.field for problem in decoded.problems})


@pytest.mark.parametrize(
    ("types", "kind", "type_", "native", "labels"),
    [
        (ORGANIZATION, "issue", "bug", "Bug", []),
        ((), "issue", "bug", None, ["type: bug"]),
        (ORGANIZATION, "issue", "tech_debt", None, ["type: tech debt"]),
        (ORGANIZATION, "epic", None, "Epic", []),
        ((), "task", None, None, ["kind: task"]),
        ((), "issue", None, None, []),
    ],
)
def test_types_are_native_where_the_organization_has_them(types, kind, type_, native, labels):
    """Issue types first, labels elsewhere, nothing for an ordinary issue; what is written is read back."""
    wanted = {Field.TITLE: "t", Field.KIND: kind, Field.TYPE: type_}
    (op,) = CODEC.encode(diff_fields({}, wanted), None, mapping(types), caps(types)).ops
    assert (op.payload.get("type"), op.payload.get("labels", [])) == (native, labels)
    made = ticket(**op.payload)
    assert (fields(made, types)[Field.KIND], fields(made, types)[Field.TYPE]) == (kind, type_)


def test_a_ticket_that_is_reopened_elsewhere_is_open_here():
    """GitHub has no word for reopened; the project of it is open, so nothing bounces."""
    closed = ticket(state="closed", state_reason="completed")
    held = CODEC.project({Field.STATUS: "reopened"}, closed, mapping(), caps())
    assert held == {Field.STATUS: "open"}
    (op,) = CODEC.encode(diff_fields({}, {Field.STATUS: "reopened"}), closed, mapping(), caps()).ops
    assert op.payload == {"state": "open"}


def test_a_reason_changes_only_with_the_state():
    """GitHub ignores a reason unless the state changes, so none is foretold and none is sent."""
    closed = ticket(state="closed", state_reason="completed")
    changes = {Field.REASON: "not_planned"}
    assert CODEC.project(changes, closed, mapping(), caps()) == {Field.REASON: "completed"}
    assert CODEC.encode(diff_fields({}, changes), closed, mapping(), caps()).ops == ()
    open_ = ticket()
    assert CODEC.project({Field.STATUS: "done", Field.REASON: None}, open_, mapping(), caps()) == {
        Field.STATUS: "done",
        Field.REASON: "completed",  # what GitHub notes when nobody says why
    }


def test_what_cannot_be_held_is_named_and_the_rest_is_written():
    """A stranger, a label that is too long or that means a status: one problem a field, and the other values go on."""
    wanted = {
        Field.TITLE: "t",
        Field.ASSIGNEES: frozenset({"ada", "nobody"}),
        Field.LABELS: frozenset({"fine", "x" * 51, "status: review"}),
    }
    encoded = CODEC.encode(diff_fields({}, wanted), None, mapping(), caps())
    assert encoded.ops[0].payload == {"title": "t", "labels": ["fine"], "assignees": ["ada-l"]}
    assert {problem.field for problem in encoded.problems} == {Field.ASSIGNEES, Field.LABELS}
    assert all(problem.mend for problem in encoded.problems)


def test_what_is_lost_alone_is_not_foretold():
    """A set of which nothing else is left to be written is left out, so that it is asked for and the problem is told."""
    wanted = {Field.LABELS: frozenset({"x" * 51, "fine"}), Field.COMPONENTS: frozenset({"y" * 51})}
    assert CODEC.project(wanted, ticket(), mapping(), caps()) == {Field.LABELS: {"fine"}}
    current = ticket(labels=["fine", "component: old"])
    assert CODEC.project(wanted, current, mapping(), caps()) == {Field.COMPONENTS: frozenset()}


def test_an_edit_of_the_body_keeps_the_marker_and_peoples_own_mentions():
    """Lines that stand on GitHub stay as they are; what comes from elsewhere mentions nobody."""
    current = ticket(body=f"ask @ada\r\nold\r\n\r\n<!-- {MARKER} -->")
    changes = diff_fields({}, {Field.BODY: "ask @ada\nask @grace about #5"})
    (op,) = CODEC.encode(changes, current, mapping(), caps()).ops
    lines = op.payload["body"].split("\n")
    assert lines[0] == "ask @ada"
    assert "@grace" not in lines[1]
    assert lines[-1] == f"<!-- {MARKER} -->"
    assert fields(ticket(body=op.payload["body"]))[Field.BODY] == "ask @ada\nask @grace about #5"


def test_a_marker_is_read_also_when_somebody_wrote_below_it():
    """The marker is no part of the text wherever it stands."""
    decoded = CODEC.decode(ticket(body=f"above\n\n<!-- {MARKER} -->\nbelow"), mapping())
    assert (decoded.marker, decoded.snapshot.fields[Field.BODY]) == (MARKER, "above\n\nbelow")


def test_only_our_own_comments_have_an_attribution():
    """The first paragraph is taken off where our marker stands; a person may write the same words."""
    attributed = "*Ada wrote in Jira (PAY-12):*\n\nwords"
    assert texts.read_comment(f"{attributed}\n\n<!-- {MARKER} -->") == (
        *("words", MARKER),
        "*Ada wrote in Jira (PAY-12):*",
    )
    assert texts.read_comment(attributed) == (attributed, None, None)


def test_the_version_is_the_same_from_every_endpoint():
    """A list, a direct read and a write answer with other members; the version looks at the ticket only."""
    bare = ticket(labels=[{"name": "a"}, {"name": "b"}], assignees=[{"login": "x", "id": 1}])
    rich = ticket(
        labels=[{"name": "b", "color": "fff"}, {"name": "a"}],
        assignees=[{"login": "x", "id": 1, "url": "u"}],
        closed_by=None,
        reactions={"total_count": 3},
        comments=4,
    )
    assert bare.version == rich.version
    assert bare.version != ticket(title="u").version


def test_times_go_out_in_utc():
    """An aware time of another zone is converted, not relabelled."""
    moment = datetime.fromisoformat("2026-05-01T12:00:00+05:00")
    assert wire.stamp(moment) == "2026-05-01T07:00:00Z"


def bodies(node):
    """Every issue, comment and timeline entry in a recording."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from bodies(value)
    elif isinstance(node, list):
        for value in node:
            yield from bodies(value)


@pytest.mark.skipif(not RECORDINGS.exists(), reason="the recordings are not here")
def test_every_recorded_answer_is_read():
    """Nothing that GitHub has answered raises: issues and comments are decoded, timelines replayed."""
    issues = comments = entries = 0
    for path in sorted(RECORDINGS.rglob("*.json")):
        for row in bodies(json.loads(path.read_text(encoding="utf-8"))):
            native = NativeTicket(
                ref=NativeRef("1"), key="#1", url="", number=1, version="", payload=row, fetched_at=NOW, updated_at=NOW
            )
            CODEC.decode(native, mapping())
            if "repository_url" in row and isinstance(row.get("number"), int):
                try:
                    decoded = CODEC.decode(wire.ticket(row, fetched_at=NOW), mapping())
                except Malformed:
                    continue
                issues += 1
                assert decoded.snapshot.fields[Field.TITLE] == row["title"]
                assert decoded.snapshot.fields[Field.STATUS] in ("open", "done")
            elif "issue_url" in row and "body" in row:
                comment = wire.comment(row) if wire.issue_number(row["issue_url"]) else None
                comments += comment is not None
                if comment is not None:
                    CODEC.decode_comment(comment, mapping())
            elif "event" in row and "created_at" in row:
                entries += sum(1 for _ in history.replay(NativeRef("1"), [row]))
    assert (issues > 50, comments > 5, entries > 3) == (True, True, True)


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
def test_real_bodies_stay_what_they_are():
    """What people have written on GitHub is read and written back word for word, but for line ends and blanks."""
    count = 0
    for path in sorted(CORPUS.glob("*.json")):
        for row in bodies(json.loads(path.read_text(encoding="utf-8"))):
            if isinstance(row.get("body"), str):
                count += 1
                text = read(row["body"])
                assert read(texts.write(text, row["body"], marker=MARKER)) == text
                assert read(texts.write(text, marker=MARKER)) == text
    assert count > 50


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ISSUE_KEYS = st.sampled_from(
    [
        *(
            "title",
            "body",
            "state",
            "state_reason",
            "labels",
            "assignees",
            "type",
            "user",
            "parent",
            "parent_issue_url",
        ),
        *("id", "number", "updated_at", "comments", "url", "issue_url", "html_url", "event", "rename", "created_at"),
    ]
)


@settings(deadline=None, max_examples=200)
@given(payload=st.dictionaries(ISSUE_KEYS, JSON, max_size=10), entries=st.lists(JSON, max_size=3))
def test_any_json_may_come(payload, entries):
    """Rows are read or Malformed, never anything else."""
    for read in (lambda: wire.ticket(payload, fetched_at=NOW), lambda: wire.comment(payload)):
        try:
            read()
        except Malformed:
            continue
    native = replace(ticket(), payload=payload)
    assert set(fields(native)) >= set(Field) - {Field.REPORTER}
    list(history.replay(NativeRef("1"), [{**payload, "id": 1, "created_at": "2026-01-01T00:00:00Z"}]))
