"""The Azure DevOps codec by itself: recordings of the real service, the mapping's presets, and the small print."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.azure_devops import codec_text, wire
from adapters.azure_devops.codec import CODEC, FIELDS
from sync.core.capabilities import Capabilities, ProjectFacts
from sync.core.changes import diff_fields
from sync.core.ids import NativeRef
from sync.core.mapping import People, ProjectMapping
from sync.core.models import UNKNOWN, Field, NativeComment, NativeEvent, NativeTicket
from sync.shell.mappingfile import load

SHARED = Path(__file__).parents[3] / "shared/api"
NOW = datetime(2025, 1, 1, tzinfo=UTC)
CAPS = Capabilities(server="test", account="bot@acme.example", fields=FIELDS, title_limit=255, body_limit=1_000_000)
AGILE = {
    "User Story": {"New": "Proposed", "Active": "InProgress", "Resolved": "InProgress", "Closed": "Completed"},
    "Bug": {"New": "Proposed", "Active": "InProgress", "Resolved": "Resolved", "Closed": "Completed"},
    "Task": {"New": "Proposed", "Active": "InProgress", "Closed": "Completed", "Removed": "Removed"},
    "Epic": {"New": "Proposed", "Active": "InProgress", "Closed": "Completed"},
}


def mapping(states: dict[str, dict[str, str]] | None = None) -> ProjectMapping:
    known = AGILE if states is None else states
    extra = {
        "states": known,
        "account": ["bot@acme.example"],
        "url": "https://dev.azure.com/acme",
        "body_fields": {name: wire.REPRO_STEPS if name == "Bug" else wire.DESCRIPTION for name in known},
    }
    facts = ProjectFacts(types=tuple(known), priorities=("1", "2", "3", "4"), extra=extra)
    people = People(replica="azure", native_ids={"ada": "Ada@acme.example"})
    return load("azure_devops", folder=Path()).bind(facts, people)


def ticket(payload: Any, **more: Any) -> NativeTicket:
    base = {"key": "AB#1", "url": "", "number": 1, "version": "1.0", "fetched_at": NOW, "updated_at": NOW}
    return NativeTicket(ref=NativeRef("1"), payload=payload, **{**base, **more})


def fields(**more: Any) -> dict[str, Any]:
    return {"System.WorkItemType": "User Story", "System.State": "New", "System.Title": "One", **more}


def test_decode_never_raises_on_a_recording() -> None:
    """Every object in every recording of the service can stand where a work item, comment or update should."""
    if not SHARED.exists():
        pytest.skip("the recordings are not here")
    bound, count = mapping(), 0
    for path in sorted((SHARED / "traffic/ado").rglob("*.json")):
        for payload in _objects(json.loads(path.read_text(encoding="utf-8-sig"))):
            native = ticket(payload)
            decoded = CODEC.decode(native, bound)
            unknown = {name for name, value in decoded.snapshot.fields.items() if value is UNKNOWN}
            assert unknown <= {problem.field for problem in decoded.problems}
            CODEC.decode_comment(NativeComment(ref=native.ref, ticket=native.ref, version="1", payload=payload), bound)
            CODEC.decode_event(NativeEvent(id="1", ref=native.ref, author=None, at=NOW, payload=payload), bound)
            count += 1
    assert count > 1_000


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for value in node:
            yield from _objects(value)


def test_recorded_work_item_is_read() -> None:
    """A work item that the real service answered reads as what a person would say of it."""
    path = SHARED / "traffic/ado/az-cli/relations-add-remove.json"
    if not path.exists():
        pytest.skip("the recordings are not here")
    answers = [entry["response"]["body"] for entry in json.loads(path.read_text())["interactions"]]
    child = next(one for one in answers if isinstance(one, dict) and "System.Parent" in one.get("fields", {}))
    basic = mapping(
        {"Task": {"To Do": "Proposed", "Doing": "InProgress", "Done": "Completed"}, "Issue": {}, "Epic": {}}
    )
    values = CODEC.decode(ticket(child), basic).snapshot.fields
    assert values[Field.PARENT] == str(child["fields"]["System.Parent"])
    assert (values[Field.KIND], values[Field.STATUS], values[Field.PRIORITY]) == ("task", "open", "P1")


def test_html_of_real_editors_settles() -> None:
    """What the web editor wrote is read as Markdown that, once written by us, is read as itself."""
    path = SHARED / "corpus/ado_html/demo-generator-work-items.json"
    if not path.exists():
        pytest.skip("the corpus is not here")
    for entry in json.loads(path.read_text())["items"]:
        once = codec_text.read(codec_text.write(codec_text.read(entry["body"])))
        assert codec_text.read(codec_text.write(once)) == once


def test_status_goes_by_category_of_the_type() -> None:
    """One name has another category on another type, and a renamed state needs no entry."""
    bound = mapping({**AGILE, "Bug": {**AGILE["Bug"], "Being verified": "Resolved"}})
    for type_, state, meaning in (
        ("Bug", "Resolved", "review"),
        ("User Story", "Resolved", "in_progress"),
        ("Bug", "Being verified", "review"),
        ("Task", "Removed", "done"),
    ):
        payload = {"fields": fields(**{"System.WorkItemType": type_, "System.State": state})}
        assert CODEC.decode(ticket(payload), bound).snapshot.fields[Field.STATUS] == meaning
        held = CODEC.project({Field.STATUS: meaning}, ticket(payload), bound, CAPS)
        assert held == {Field.STATUS: meaning}
        changes = diff_fields({}, {Field.STATUS: meaning})
        assert CODEC.encode(changes, ticket(payload), bound, CAPS).ops == (), "the present state means the same"


@pytest.mark.parametrize(
    ("types", "story"),
    [
        (("Epic", "User Story", "Issue", "Task", "Bug"), "User Story"),
        (("Epic", "Product Backlog Item", "Task", "Bug"), "Product Backlog Item"),
        (("Epic", "Requirement", "Issue", "Task", "Bug"), "Requirement"),
        (("Epic", "Issue", "Task"), "Issue"),
    ],
)
def test_presets_choose_the_process(types: tuple[str, ...], story: str) -> None:
    """Each process has its own word for a feature of the product."""
    bound = mapping({name: {"New": "Proposed"} for name in types})
    op = CODEC.encode(diff_fields({}, {Field.KIND: "issue", Field.TYPE: "feature"}), None, bound, CAPS).ops[0]
    assert op.payload["type"] == story


def test_body_of_a_bug_goes_where_its_form_shows_it() -> None:
    """A bug's text is read from and written to its repro steps."""
    payload = {"fields": fields(**{"System.WorkItemType": "Bug", wire.REPRO_STEPS: "<p>Steps</p>"})}
    assert CODEC.decode(ticket(payload), mapping()).snapshot.fields[Field.BODY] == "Steps"
    changes = diff_fields({}, {Field.BODY: "Other"})
    (op,) = CODEC.encode(changes, ticket(payload), mapping(), CAPS).ops
    assert [one["path"] for one in op.payload["patch"]] == [f"/fields/{wire.REPRO_STEPS}"]


def test_markdown_fields_stay_markdown() -> None:
    """A field that was switched to Markdown is read and written as it is; others get HTML."""
    formats = {"multilineFieldsFormat": {wire.DESCRIPTION: "markdown"}}
    payload = {"fields": fields(**{wire.DESCRIPTION: "# One\n\n* two"}), **formats}
    assert CODEC.decode(ticket(payload), mapping()).snapshot.fields[Field.BODY] == "# One\n\n* two"
    changes = diff_fields({}, {Field.BODY: "**bold**"})
    for native, written in ((ticket(payload), "**bold**"), (ticket({"fields": fields()}), "<strong>bold</strong>")):
        (op,) = CODEC.encode(changes, native, mapping(), CAPS).ops
        assert written in op.payload["patch"][0]["value"]


def test_tags_are_spelt_as_they_stand() -> None:
    """Tags know no case: a label in another spelling is the tag that is there, and no write."""
    native = ticket({"fields": fields(**{wire.TAGS: "Backend; ui"})})
    wanted = frozenset({"backend", "ui", "a;b"})
    assert CODEC.project({Field.LABELS: wanted}, native, mapping(), CAPS) == {Field.LABELS: {"Backend", "ui"}}
    encoded = CODEC.encode(diff_fields({}, {Field.LABELS: wanted}), native, mapping(), CAPS)
    assert encoded.ops == ()
    assert [problem.field for problem in encoded.problems] == [Field.LABELS]


def test_marker_and_references_are_hyperlinks() -> None:
    """Our marker is told apart from the addresses that people attached."""
    urls = ["https://trackdown.invalid/m/trackdown:v1:ab:cd", "https://github.com/acme/payments/issues/7"]
    relations = [{"rel": "Hyperlink", "url": url} for url in urls]
    decoded = CODEC.decode(ticket({"fields": fields(), "relations": relations}), mapping())
    assert (decoded.marker, decoded.references) == ("trackdown:v1:ab:cd", (urls[1],))


def test_attribution_is_taken_off_our_own_comments_only() -> None:
    """A person who writes such a line keeps it."""
    line = "<p><em>Ada Lovelace wrote in Jira (PAY-12):</em></p>\n<p>Hello</p>"
    for author, body in (("bot@acme.example", "Hello"), ("ada@acme.example", "wrote in Jira")):
        payload = {"text": line, "createdBy": {"uniqueName": author}}
        native = NativeComment(ref=NativeRef("1:2"), ticket=NativeRef("1"), version="1", payload=payload)
        decoded = CODEC.decode_comment(native, mapping())
        assert body in decoded.body
        assert (decoded.body == "Hello") is (author == "bot@acme.example")


def test_too_long_is_a_problem_and_the_rest_flows() -> None:
    """A title and a body over their limits are named with limit, size and mend; other fields are written."""
    small = Capabilities(server="test", account="", fields=FIELDS, title_limit=10, body_limit=10)
    wanted = {Field.TITLE: "x" * 11, Field.BODY: "words and words", Field.PRIORITY: "P0"}
    encoded = CODEC.encode(diff_fields({}, wanted), ticket({"fields": fields()}), mapping(), small)
    assert {problem.field for problem in encoded.problems} == {Field.TITLE, Field.BODY}
    assert all("10" in problem.message and problem.mend for problem in encoded.problems)
    assert [op.fields for op in encoded.ops] == [{Field.PRIORITY}]


def test_unmapped_state_is_unknown_with_the_mend() -> None:
    """A state without a category and without an entry is not overwritten, and the mapping file is named."""
    decoded = CODEC.decode(ticket({"fields": fields(**{"System.State": "Limbo"})}), mapping())
    assert decoded.snapshot.fields[Field.STATUS] is UNKNOWN
    (problem,) = decoded.problems
    assert "Limbo" in problem.message
    assert "azure_devops.toml" in problem.mend


def test_people_are_known_by_any_of_their_names() -> None:
    """An assignee is an identity or, in older answers, a string; both are the same person."""
    for value in (
        {"displayName": "Ada", "uniqueName": "ada@acme.example", "id": "1"},
        "Ada Lovelace <ada@acme.example>",
    ):
        native = ticket({"fields": fields(**{wire.ASSIGNED_TO: value})})
        assert CODEC.decode(native, mapping()).snapshot.fields[Field.ASSIGNEES] == {"ada"}
