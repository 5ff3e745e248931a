"""What Jira's recordings must mean to us: Cloud and Data Center, documents and wiki markup."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from adapters.jira import errors, native
from adapters.jira.client import JiraClient
from adapters.jira.codec import CODEC
from adapters.jira.probing_fields import Screens
from adapters.jira.settings import Settings
from sync.core.capabilities import ProjectFacts
from sync.core.errors import AuthFailed, Forbidden, Malformed, Rejected, Retryable, TrackerError, Uncertain, Unsupported
from sync.core.ids import NativeRef, ReplicaName
from sync.core.mapping import People, ProjectMapping
from sync.core.models import UNKNOWN, Field, NativeTicket
from sync.shell.mappingfile import load
from sync.store import convert
from tests.recordings.material import Refusal, document_words, missing, wiki_words
from tests.recordings.replay import PACE, answering, no_wait

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(1980, 1, 1, tzinfo=UTC)
SITE = "https://jira.example"
#: The fields of the system that the recordings hold, as a site describes them on its screens.
SCREEN = {
    "components": {"type": "array", "items": "component"},
    "fixVersions": {"type": "array", "items": "version"},
    "duedate": {"type": "date"},
    "timetracking": {"type": "timetracking"},
}


@cache
def mapping() -> ProjectMapping:
    """The shipped mapping, in a project where nobody is mapped."""
    screens = Screens()
    for field, schema in SCREEN.items():
        screens.add({"fieldId": field, "name": field, "schema": schema}, ordinary=True)
    slots = screens.slots(simplified=False)
    types = [{"name": name} for name in ("Blocks", "Blocker", "Relates", "Duplicate")]
    extra = {"deployment": "cloud", "slots": slots, "fields": screens.fields(slots), "issuelinks": types}
    facts = ProjectFacts(extra=extra)
    return load("jira", folder=Path()).bind(facts, People(replica=ReplicaName("jira"), native_ids={}))


@cache
def _words() -> dict[str, Any]:
    text = (Path(__file__).parents[2] / "mappings" / "jira.toml").read_text()
    status = tomllib.loads(text)["fields"]["status"]
    named = {word.casefold(): meaning for meaning, words in status["values"].items() for word in words}
    return {"named": named, "categories": status["categories"]}


def shape(node: Any) -> str | None:
    """What a node of an answer is to us: stubs of linked issues have no time of change and are none of our tickets."""
    if not isinstance(node, dict):
        return None
    fields = node.get("fields")
    if isinstance(fields, dict) and "key" in node and {"summary", "updated"} <= set(fields):
        return "ticket"
    if isinstance(node.get("histories"), list):
        return "history"
    if isinstance(node.get("items"), list) and any("fieldtype" in item for item in node["items"] if item):
        return "event"
    if {"body", "created"} <= set(node) and ("author" in node or "updateAuthor" in node):
        return "comment"
    return None


def _moment(value: Any) -> datetime:
    if isinstance(value, int):  # webhooks say milliseconds
        return datetime.fromtimestamp(value / 1000, UTC)
    return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%f%z")


def _text_words(body: Any) -> list[str]:
    return document_words(body) if isinstance(body, dict) else wiki_words(body or "")


def _person(user: Any) -> str | None:
    names = [user[name] for name in ("accountId", "name", "key", "emailAddress") if user.get(name)] if user else []
    return f"jira:{names[0]}" if names else None


def ticket(issue: Any) -> str:
    """Title, text, status, people, parent and time of an issue are those of the recording."""
    fields = issue["fields"]
    if not issue.get("id"):
        return _refused(issue)
    read = native.read_ticket(issue, site=SITE, now=NOW)
    assert (read.ref, read.key, read.updated_at) == (str(issue["id"]), issue["key"], _moment(fields["updated"]))
    assert convert.ticket_from_json(convert.ticket_to_json(read)) == read
    decoded = CODEC.decode(read, mapping())
    found = decoded.snapshot.fields
    assert found[Field.TITLE] == fields["summary"]
    body = found[Field.BODY]
    assert isinstance(body, str)
    assert missing(_text_words(fields.get("description")), body) == []
    assert found[Field.STATUS] == _status(fields.get("status"))
    person = _person(fields.get("assignee"))
    assert found[Field.ASSIGNEES] == (frozenset() if person is None else frozenset({person}))
    assert found[Field.LABELS] == frozenset(fields.get("labels") or ())
    _plans(fields, found)
    files = [(one["filename"], one.get("size")) for one in fields.get("attachment") or () if one.get("id")]
    assert sorted((one.name, one.size) for one in CODEC.attachments(read)) == sorted(files)
    if fields.get("parent"):
        assert found[Field.PARENT] == fields["parent"]["id"]
    assert decoded.author == (_person(fields.get("reporter")) or _person(fields.get("creator")))
    unread = {name for name, value in found.items() if value is UNKNOWN}
    assert {problem.field for problem in decoded.problems} >= unread
    return read.key


def _plans(fields: Any, found: Any) -> None:
    """Components, versions, day, time and links, where the answer tells of them."""
    for name, place in ((Field.COMPONENTS, "components"), (Field.MILESTONE, "fixVersions")):
        if place in fields:
            assert found[name] == frozenset(one["name"] for one in fields[place] or ())
    if "duedate" in fields:
        assert found[Field.DUE] == fields["duedate"]
    time = fields.get("timetracking") or {}
    for name, place in ((Field.ESTIMATE, "originalEstimateSeconds"), (Field.SPENT, "timeSpentSeconds")):
        if place in time:
            assert float(found[name]) == pytest.approx(time[place] / 3600, abs=0.01)
    kinds = {
        "Blocks": ("blocks", "blocked_by"),
        "Blocker": ("blocks", "blocked_by"),
        "Duplicate": ("duplicates", "duplicated_by"),
    }
    for link in fields.get("issuelinks") or ():
        out, name = "outwardIssue" in link, link.get("type", {}).get("name")
        other = (link.get("outwardIssue") or link.get("inwardIssue") or {}).get("id")
        if name in kinds and other and link.get("id"):
            assert f"{kinds[name][not out]}:{other}" in found[Field.LINKS]


def _refused(issue: Any) -> str:
    """Without an id nothing can be linked: such an answer is malformed, and says which issue."""
    with pytest.raises(Malformed, match=re.escape(issue["key"])):
        native.read_ticket(issue, site=SITE, now=NOW)
    return f"{issue['key']} without an id"


def _status(status: Any) -> Any:
    name, category = (status or {}).get("name", ""), ((status or {}).get("statusCategory") or {}).get("key", "")
    words = _words()
    return words["named"].get(name.casefold()) or words["categories"].get(category) or UNKNOWN


def comment(row: Any) -> str:
    """The author, the words, the time and the visibility of a comment are those of the recording."""
    read = native.read_comment(row, NativeRef("1"))
    if not row.get("id"):
        assert read is None
        return "without an id"
    assert read is not None
    assert read.ref == str(row["id"])
    whole = NativeTicket(
        ref=NativeRef("1"), key="A-1", url="", number=1, version="1", payload={}, fetched_at=NOW, updated_at=NOW,
        comments=(read,),
    )  # fmt: skip
    assert convert.ticket_from_json(convert.ticket_to_json(whole)) == whole
    decoded = CODEC.decode_comment(read, mapping())
    assert decoded.author == _person(row.get("author"))
    if (row.get("author") or {}).get("displayName"):
        assert decoded.author_name == row["author"]["displayName"]
    assert decoded.created_at == _moment(row["created"])
    assert decoded.restricted == (bool(row.get("visibility")) or row.get("jsdPublic") is False)
    assert missing(_text_words(row["body"]), decoded.body) == []
    return read.ref


def story(node: Any) -> str:
    """Each change of the changelog keeps its author, its time, and for a title what was before and after."""
    entries = node.get("histories", [node])
    entries = [entry for entry in entries if "_trimmed_from" not in entry]
    # A webhook tells the time and the author outside of its changelog.
    dated = [{"created": "2026-01-01T00:00:00.000+0000", **entry} for entry in entries if entry.get("id")]
    events = native.read_events(dated, NativeRef("1"), LONG_AGO)
    assert len(events) == len(dated)
    assert events == sorted(events, key=lambda event: event.at)
    by_id = {str(entry["id"]): entry for entry in dated}
    for event in events:
        entry = by_id[event.id]
        author = entry.get("author") or {}
        assert event.author == (author.get("accountId") or author.get("name"))
        assert event.at == _moment(entry["created"])
        told = {(one.field, one.old, one.new) for one in CODEC.decode_event(event, mapping())}
        for item in entry["items"]:
            if item.get("field") == "summary":
                assert (Field.TITLE, item["fromString"] or "", item["toString"]) in told
            if item.get("field") == "status":
                assert any(field is Field.STATUS for field, _, _ in told) or _status_is_same(item)
    return f"{len(events)} entries"


def _status_is_same(item: Any) -> bool:
    named = _words()["named"]
    old, new = (named.get(str(item.get(side)).casefold(), UNKNOWN) for side in ("fromString", "toString"))
    return bool(old == new)


def refusal(one: Refusal) -> str:
    """A refusal comes out of the real client as the error that says what to do next."""
    settings = Settings.model_validate(
        {"url": SITE, "project": "PAY", "auth": {"user": "bot@acme.example", "token": "a-token-of-ours"}}
    )
    client = JiraClient(settings, tracker="jira", pace=PACE, sleep=no_wait)
    client.resume(cloud=True)
    try:
        with answering(one.status, one.headers, one.body), pytest.raises(TrackerError) as caught:
            client.send(one.method, "issue/PAY-1", params={}, body={})
    finally:
        client.close()
    raised = caught.value
    known: dict[int, type[TrackerError]] = {
        401: AuthFailed, 403: Forbidden, 404: errors.NotThere, 410: Unsupported, 429: Retryable,
    }  # fmt: skip
    wanted = known.get(one.status, Uncertain if one.status >= 500 else Rejected)
    assert wanted in type(raised).__mro__[:2], f"{one.status} {one.body}: {raised!r}"
    assert isinstance(raised, errors.NotThere) == (one.status in (404, 410) and wanted is errors.NotThere)
    if isinstance(raised, Rejected):
        said = [*one.body.get("errorMessages", ()), *one.body.get("errors", {}).values()]
        assert all(message in str(raised) for message in said)
        assert len(raised.problems) == len(said)
        named = {Field.BODY: {"description", "comment"}, Field.TYPE: {"issuetype"}, Field.PRIORITY: {"priority"}}
        fields = {problem.field for problem in raised.problems}
        assert all(field in fields for field, names in named.items() if names & set(one.body.get("errors", {})))
    return f"{one.status} {wanted.__name__}"


def text(body: Any) -> str:
    """Every word of a body of the corpus is in the ticket's text."""
    issue = {"id": "1", "key": "A-1", "fields": {"summary": "t", "updated": "2026-01-01T00:00:00.000+0000"}}
    issue["fields"]["description"] = body  # type: ignore[index]
    read = native.read_ticket(issue, site=SITE, now=NOW)
    found = CODEC.decode(read, mapping()).snapshot.fields[Field.BODY]
    assert isinstance(found, str)
    assert missing(_text_words(body), found) == []
    return "text"
