"""What real sites said of links, plans and files: every recorded issue and changelog is read as it was meant."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.jira.codec import CODEC
from adapters.jira.kinds import kind_of, options_of, read_words
from adapters.jira.native import read_events, read_ticket
from adapters.jira.slots import SLOTTED
from adapters.jira.wire import as_list, at, text_at
from sync.core.capabilities import Capabilities, ProjectFacts
from sync.core.changes import diff_fields
from sync.core.ids import NativeRef, PersonId, ReplicaName
from sync.core.mapping import CustomRow, People, ProjectMapping
from sync.core.models import UNKNOWN, Field, JsonObject, NativeTicket
from sync.shell.mappingfile import load

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "api" / "traffic" / "jira"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
KINDS = {
    "components": "components", "fixVersions": "versions", "duedate": "date", "timetracking": "timetracking",
    "reporter": "person", "customfield_1": "number", "customfield_10020": "sprint", "customfield_3": "choice",
    "customfield_10015": "date", "customfield_5": "choices", "customfield_6": "people", "customfield_7": "rich",
    "customfield_8": "cascade", "customfield_9": "datetime", "customfield_10": "labels",
}  # fmt: skip
SLOTS = {
    Field.COMPONENTS: "components", Field.MILESTONE: "fixVersions", Field.DUE: "duedate", Field.REPORTER: "reporter",
    Field.POINTS: "customfield_1", Field.SPRINT: "customfield_10020", Field.SEVERITY: "customfield_3",
    Field.START: "customfield_10015", **dict.fromkeys((Field.ESTIMATE, Field.REMAINING, Field.SPENT), "timetracking"),
}  # fmt: skip
TYPES = (
    ("Blocks", "is blocked by", "blocks"),
    ("Duplicate", "is duplicated by", "duplicates"),
    ("Relates", "relates to", "relates to"),
)
NAMES = {
    "customfield_1": "Story Points", "customfield_10020": "Sprint", "customfield_10015": "Start date",
    "customfield_5": "Choices", "customfield_6": "Crowd", "customfield_7": "Impact", "customfield_8": "Region",
    "customfield_9": "Since",
}  # fmt: skip
FACTS = ProjectFacts(
    types=("Task",),
    custom={"Choices": "choices", "Crowd": "people", "Impact": "text", "Region": "choice", "Since": "datetime"},
    extra={
        "deployment": "cloud",
        "fields": {name: {"name": NAMES.get(name, name), "kind": kind} for name, kind in KINDS.items()},
        "slots": {field.value: name for field, name in SLOTS.items()},
        "issuelinks": [dict(zip(("name", "inward", "outward"), row, strict=True)) for row in TYPES],
    },
)
CUSTOM = {
    Field("custom.choices[]"): CustomRow(type="choices", native="Choices"),
    Field("custom.crowd[]"): CustomRow(type="people", native="Crowd"),
    Field("custom.impact"): CustomRow(type="text", native="Impact"),
    Field("custom.region"): CustomRow(type="choice", native="Region"),
    Field("custom.since"): CustomRow(type="datetime", native="Since"),
}
CAPS = Capabilities(server="Jira Cloud", account="bot", fields=frozenset(Field), facts=FACTS)


def words() -> ProjectMapping:
    people = People(replica=ReplicaName("jira"), native_ids={PersonId("ada"): "ada"})
    return replace(load("jira", folder=Path()), custom=CUSTOM).bind(FACTS, people)


def recorded(*members: str) -> Iterator[JsonObject]:
    """Every object of the recordings that has these members."""
    if not RECORDED.is_dir():
        pytest.skip("the recordings are not here")
    pending: list[Any] = [json.loads(path.read_text("utf-8")) for path in sorted(RECORDED.glob("*/*.json"))]
    while pending:
        found = pending.pop()
        if isinstance(found, dict):
            pending += found.values()
            if all(member in found for member in members):
                yield found
        elif isinstance(found, list):
            pending += found


def test_recorded_links_components_and_times_are_read() -> None:
    """Each issue's links of a known type are members, from its own side; names and spans are what the answer says."""
    met: Counter[str] = Counter()
    for issue in recorded("key", "fields"):
        fields = issue["fields"]
        if not isinstance(fields, dict) or "updated" not in fields or not issue.get("id"):
            continue
        ticket = read_ticket(issue, site="https://acme.example", now=NOW)
        found = CODEC.decode(ticket, words()).snapshot.fields
        meaning = words().values(Field.LINKS).read
        links = [
            link for link in as_list(fields.get("issuelinks")) if meaning(text_at(link, "type", "name")) is not UNKNOWN
        ]
        members = found.get(Field.LINKS, frozenset())
        assert isinstance(members, frozenset)
        assert {member.partition(":")[2] for member in members} == {
            text_at(link, "outwardIssue", "id") or text_at(link, "inwardIssue", "id") for link in links
        }
        met["links"] += len(members)
        if "components" in fields:
            names = {text_at(each, "name") for each in as_list(fields["components"])}
            assert found[Field.COMPONENTS] == names
            met["components"] += len(names)
        if spent := at(fields, "timetracking", "timeSpentSeconds"):
            assert found[Field.SPENT] not in (None, UNKNOWN)
            met["spent"] += bool(spent)
        met["files"] += len(CODEC.attachments(ticket))
    assert min(met[name] for name in ("links", "components", "spent", "files")) > 0


def test_recorded_changes_are_told() -> None:
    """Sprints, versions, components, estimates, days and links of real changelogs become changes of our fields."""
    met: Counter[Field] = Counter()
    for entry in recorded("items", "created"):
        for event in read_events([{"id": "1", **entry}], NativeRef("1"), datetime(1990, 1, 1, tzinfo=UTC)):
            for one in CODEC.decode_event(event, words()):
                met[one.field] += 1
                if one.field is Field.SPRINT:
                    assert one.new is None or str(one.new).rpartition(" ")[2].isdigit()
    expected = {
        Field.SPRINT, Field.MILESTONE, Field.COMPONENTS, Field.ESTIMATE, Field.REMAINING, Field.SPENT, Field.START,
        Field.DUE, Field.LINKS, Field.POINTS, Field.REPORTER,
    }  # fmt: skip
    assert expected <= met.keys()


def test_recorded_fields_have_kinds() -> None:
    """The schemas of real create screens and field lists are of a kind that we know, or of one that nobody could carry."""
    kinds: Counter[str] = Counter()
    for row in recorded("schema", "name"):
        kind = kind_of(row["schema"])
        kinds[kind] += 1
        if kind in ("choice", "choices") and as_list(row.get("allowedValues")):
            assert options_of(row)
    assert {"text", "number", "date", "choice", "person", "components", "versions", "timetracking"} <= kinds.keys()


def test_a_sprint_of_data_center_is_read_out_of_its_text() -> None:
    """A Java object as text, in whose name there may be commas and equal signs."""
    text = (
        "com.atlassian.greenhopper.service.sprint.Sprint@38c6bd05[id={},rapidViewId=1,state={},name={},"
        "startDate=<null>,endDate=<null>,completeDate=<null>,activatedDate=<null>,sequence=1,goal=,synced=false]"
    )
    value = [text.format(1, "CLOSED", "Old"), text.format(2, "ACTIVE", "Q1, week=3")]
    assert read_words("sprint", value) == ["Q1, week=3"]
    assert read_words("sprint", value[:1]) == []
    assert read_words("sprint", ["something else"]) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    fields=st.dictionaries(st.sampled_from((*KINDS, "issuelinks", "attachment", "description", "comment")), JSON),
    item=st.dictionaries(st.sampled_from(("field", "fieldId", "from", "to", "fromString", "toString")), JSON),
    name=st.sampled_from(
        ("Sprint", "Link", "Component", "timeestimate", "customfield_5", "Crowd", "Region", "duedate")
    ),
)
def test_any_json_may_stand_in_any_plan(fields: dict[str, Any], item: dict[str, Any], name: str) -> None:
    """Decoding never raises, what can't be read is UNKNOWN with a problem, and what was read can be held and written."""
    payload: JsonObject = {
        "id": "1", "key": "PAY-1", "fields": {"summary": "x", "updated": "2026-11-22T10:00:00.000+0000", **fields},
    }  # fmt: skip
    native = NativeTicket(
        ref=NativeRef("1"), key="PAY-1", url="", number=1, version="1", payload=payload, fetched_at=NOW, updated_at=NOW
    )
    decoded = CODEC.decode(native, words())
    unknown = {name for name, value in decoded.snapshot.fields.items() if value is UNKNOWN}
    assert unknown <= {problem.field for problem in decoded.problems}
    CODEC.attachments(native)
    for wanted in (
        decoded.snapshot.fields,
        dict.fromkeys(SLOTTED, "3") | {Field.LINKS: frozenset({"blocks:2", "x"})},
    ):
        held = CODEC.project(wanted, native, words(), CAPS)
        assert CODEC.project(held, native, words(), CAPS) == held
        CODEC.encode(diff_fields({}, wanted), native, words(), CAPS)
    entry = {"id": "1", "created": "2026-11-22T10:00:00.000+0000", "items": [{**item, "field": name}]}
    for event in read_events([entry], NativeRef("1"), datetime(1990, 1, 1, tzinfo=UTC)):
        CODEC.decode_event(event, words())
