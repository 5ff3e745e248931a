"""What GitHub's recordings must mean to us."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from adapters.github import errors, history, wire
from adapters.github.client import Client
from adapters.github.codec import CODEC
from adapters.github.settings import Settings
from sync.core.capabilities import ProjectFacts
from sync.core.errors import AuthFailed, Forbidden, Malformed, Moved, Rejected, Retryable, TrackerError, Uncertain
from sync.core.ids import NativeRef, ReplicaName
from sync.core.mapping import People, ProjectMapping
from sync.core.models import UNKNOWN, Field, NativeComment, NativeTicket
from sync.core.ports import Traffic
from sync.shell.mappingfile import load
from sync.store import convert
from tests.recordings.material import Refusal, missing, plain_words
from tests.recordings.replay import PACE, answering, no_wait

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@cache
def mapping() -> ProjectMapping:
    """The shipped mapping, in a project where nobody is mapped."""
    facts = ProjectFacts(types=("type:Bug", "type:Feature", "type:Task"), extra={"sub_issues": True})
    return load("github", folder=Path()).bind(facts, People(replica=ReplicaName("github"), native_ids={}))


def shape(node: Any) -> str | None:
    """What a node of an answer is to us; pull requests are none of our tickets."""
    if isinstance(node, list):
        rows = [row for row in node if isinstance(row, dict) and "_trimmed_from" not in row]
        return "history" if rows and all(_is_event(row) for row in rows) else None
    if _is_event(node):
        return None if "issue" not in node else "event"
    if {"number", "title", "state", "user", "url"} <= set(node) and "/issues/" in str(node["url"]):
        pull = node.get("pull_request")  # in 2012 every issue had one, full of nulls
        return None if pull and any(pull.values()) else "ticket"
    return "comment" if {"body", "user"} <= set(node) and "/issues/comments/" in str(node.get("url")) else None


def _is_event(node: Any) -> bool:
    return isinstance(node, dict) and isinstance(node.get("event"), str) and "created_at" in node


def _words(text: str) -> list[str]:
    # `redirect.github.com` leads where `github.com` does, without the back reference there: it is read as the same link.
    return plain_words(_COMMENT.sub(" ", text).replace("redirect.github.com", "github.com"))


def ticket(row: Any) -> str:
    """Title, text, state, people, parent and time of an issue are those of the recording."""
    native = wire.ticket(row, fetched_at=NOW)
    assert (native.ref, native.key) == (str(row["number"]), f"#{row['number']}")
    assert native.updated_at == datetime.fromisoformat(row["updated_at"])
    assert native.url == (row.get("html_url") or "")
    assert convert.ticket_from_json(convert.ticket_to_json(native)) == native
    decoded = CODEC.decode(native, mapping())
    fields = decoded.snapshot.fields
    assert fields[Field.TITLE] == row["title"]
    assert fields[Field.STATUS] == {"open": "open", "closed": "done"}[row["state"]]
    reason = row.get("state_reason") if row["state"] == "closed" else None
    assert fields[Field.REASON] in (reason, UNKNOWN)
    body = fields[Field.BODY]
    assert isinstance(body, str)
    assert missing(_words(row.get("body") or ""), body) == []
    assert fields[Field.ASSIGNEES] == frozenset(f"github:{user['login']}" for user in row.get("assignees") or ())
    labels = fields[Field.LABELS]
    assert isinstance(labels, frozenset)
    assert labels <= {label["name"] for label in row.get("labels") or ()}
    milestone = row.get("milestone")
    assert fields[Field.MILESTONE] == (frozenset({milestone["title"]}) if milestone else frozenset())
    if row.get("parent_issue_url"):
        assert str(fields[Field.PARENT]).endswith(row["parent_issue_url"].rpartition("/")[2])
    assert decoded.author == (f"github:{row['user']['login']}" if row.get("user") else None)
    unread = {name for name, value in fields.items() if value is UNKNOWN}
    assert {problem.field for problem in decoded.problems} >= unread
    return native.key


def comment(row: Any) -> str:
    """The author, the words and the time of a comment are those of the recording; pull requests' are left out."""
    if not row.get("issue_url"):
        with pytest.raises(Malformed, match=str(row["id"])):  # of 2012: nothing says which issue it is on
            wire.comment(row)
        return "without an issue"
    native = wire.comment(row)
    if native is None:
        assert "/pull/" in row["html_url"]
        return "of a pull request"
    assert (native.ref, native.ticket) == (str(row["id"]), row["issue_url"].rpartition("/")[2])
    whole = NativeTicket(
        ref=native.ticket, key="#1", url="", number=1, version="1", payload={}, fetched_at=NOW, updated_at=NOW,
        comments=(native,),
    )  # fmt: skip
    assert convert.ticket_from_json(convert.ticket_to_json(whole)) == whole
    decoded = CODEC.decode_comment(native, mapping())
    assert decoded.author_name == ((row.get("user") or {}).get("login") or "ghost")
    assert decoded.created_at == datetime.fromisoformat(row["created_at"])
    assert missing(_words(row["body"] or ""), decoded.body) == []
    return native.ref


def story(entries: Any) -> str:
    """What each entry of a timeline says of title, state, labels and people is what its event says."""
    by_issue: dict[int, list[Any]] = {}
    for entry in entries if isinstance(entries, list) else [entries]:
        if isinstance(entry.get("id"), int):
            number = (entry.get("issue") or {}).get("number", 1)
            by_issue.setdefault(number, []).append(entry)
    for number, listed in by_issue.items():
        ordered = sorted(listed, key=lambda entry: (entry["created_at"], entry["id"]))
        events = list(history.replay(NativeRef(str(number)), ordered))
        assert events == sorted(events, key=lambda event: event.at)
        for event in events:
            CODEC.decode_event(event, mapping())
        for entry in ordered:
            _entry(number, entry)
    return f"{sum(map(len, by_issue.values()))} entries"


def _entry(number: int, entry: Any) -> None:
    events = list(history.replay(NativeRef(str(number)), [entry]))
    for event in events:
        assert event.author == ((entry.get("actor") or {}).get("login"))
        assert event.at == datetime.fromisoformat(entry["created_at"])
        after = event.payload["after"]
        match entry["event"]:
            case "renamed":
                assert after["title"] == entry["rename"]["to"]
                (told,) = CODEC.decode_event(event, mapping())
                assert (told.field, told.old, told.new) == (
                    Field.TITLE,
                    entry["rename"]["from"],
                    entry["rename"]["to"],
                )
            case "closed" | "reopened":
                assert after["state"] == {"closed": "closed", "reopened": "open"}[entry["event"]]
            case "labeled":
                assert entry["label"]["name"] in after["labels"]
            case "assigned":
                assert entry["assignee"]["login"] in [user["login"] for user in after["assignees"]]
    if entry["event"] in ("renamed", "closed", "labeled"):
        assert len(events) == 1


def refusal(one: Refusal) -> str:
    """A refusal comes out of the real client as the error that says what to do next."""
    settings = Settings.model_validate(
        {"url": "https://api.github.com", "project": "acme/payments", "auth": {"token": "a-token-of-ours"}}
    )
    client = Client(settings, Traffic(), pace=PACE, sleep=no_wait)
    try:
        with answering(one.status, one.headers, one.body), pytest.raises(TrackerError) as caught:
            client.send(one.method, "/repos/acme/payments/issues", what="a recorded request", body=None)
    finally:
        client.close()
    raised = caught.value
    wanted = _expected(one)
    assert wanted in type(raised).__mro__[:2], f"{one.status} {one.body}: {raised!r}"
    assert isinstance(raised, errors.NotThere) == (one.status in (404, 410) and wanted is errors.NotThere)
    said = one.body.get("message") if isinstance(one.body, dict) else None
    if wanted not in (Moved, Retryable, Uncertain) and said:
        assert " ".join(said.split()) in str(raised)
    return f"{one.status} {wanted.__name__}"


def _expected(one: Refusal) -> type[TrackerError]:
    headers = {name.lower(): value for name, value in one.headers.items()}
    said = str(one.body).lower()
    limited = headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers
    if one.status == 429 or (one.status == 403 and (limited or "rate limit" in said or "abuse" in said)):
        return Retryable
    if one.status >= 500:
        return Retryable if one.method == "GET" else Uncertain
    known: dict[int, type[TrackerError]] = {301: Moved, 302: Moved, 307: Moved, 401: AuthFailed, 403: Forbidden}
    return known.get(one.status, errors.NotThere if one.status in (404, 410) else Rejected)


def text(body: Any) -> str:
    """Every word of a body of the corpus is in the ticket's text."""
    row = {"number": 1, "id": 1, "title": "t", "state": "open", "body": body, "updated_at": "2026-01-01T00:00:00Z"}
    native = wire.ticket(row, fetched_at=NOW)
    found = CODEC.decode(native, mapping()).snapshot.fields[Field.BODY]
    assert isinstance(found, str)
    assert missing(_words(body), found) == []
    said = NativeComment(ref=NativeRef("1"), ticket=NativeRef("1"), version="1", payload={"body": body})
    assert missing(_words(body), CODEC.decode_comment(said, mapping()).body) == []
    return "text"
