"""GitHub's payloads: what is kept of them, and accessors that take any JSON."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any

from sync.core.errors import Malformed
from sync.core.ids import NativeRef
from sync.core.models import JsonObject, NativeComment, NativeTicket

#: Members that a stored issue keeps as they are; the rest is links and what changes without an edit.
_KEPT = ("id", "number", "url", "html_url", "title", "body", "state", "state_reason", "parent_issue_url")
_KEPT_TOO = ("created_at", "updated_at", "comments", "locked", "author_association")
_COMMENT_KEPT = ("id", "url", "html_url", "issue_url", "body", "created_at", "updated_at")
_VERSIONED = (
    *("title", "body", "state", "state_reason", "labels", "assignees", "type", "milestone", "issue_field_values"),
    "updated_at",
)
#: The member of a stored issue that lists who blocks whom; GitHub's own answers have only numbers.
DEPENDENCIES = "dependencies"
SIDES = ("blocked_by", "blocking")
_PULL_URL = re.compile(r"/pull/\d+(?:#.*)?$")
_ISSUE_URL = re.compile(r"^(?P<repository>.*)/issues/(?P<number>\d+)/?$")


def moment(value: Any) -> datetime | None:
    """A time as GitHub writes it (UTC, whole seconds), aware; None for anything else."""
    try:
        read = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def stamp(value: datetime) -> str:
    """A time as GitHub reads it; other zones are converted, not relabelled."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def text_of(payload: JsonObject, name: str) -> str:
    """The string member; empty for null, absent or anything else."""
    value = payload.get(name)
    return value if isinstance(value, str) else ""


def names_of(value: Any, member: str = "name") -> list[str]:
    """The names in a list of strings or of objects."""
    rows = value if isinstance(value, list) else []
    names = [row.get(member) if isinstance(row, dict) else row for row in rows]
    return [name for name in names if isinstance(name, str)]


def name_of(value: Any, member: str = "name") -> str | None:
    """The name of an object, or the string itself."""
    found = value.get(member) if isinstance(value, dict) else value
    return found if isinstance(found, str) and found else None


def account_ids(value: Any) -> list[str]:
    """By what an account may be named in the config: its login, then its id."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, dict):
        return []
    login, number = value.get("login"), value.get("id")
    return [
        name for name in (login, str(number) if isinstance(number, int) else None) if isinstance(name, str) and name
    ]


def issue_number(url: Any) -> int | None:
    """The number at the end of an issue's address."""
    match = _ISSUE_URL.match(url) if isinstance(url, str) else None
    return int(match["number"]) if match else None


def parent_ref(payload: JsonObject) -> NativeRef | None:
    """The parent's ref; `owner/name#12` for one in another repository."""
    if isinstance(payload.get("parent"), str):
        return NativeRef(payload["parent"])
    return ref_of(payload.get("parent_issue_url"), payload)


def ref_of(url: Any, payload: JsonObject) -> NativeRef | None:
    """The ref behind an issue's address, as seen from the issue `payload`; `owner/name#12` in another repository."""
    match = _ISSUE_URL.match(url) if isinstance(url, str) else None
    if match is None:
        return None
    own, there = repository_of(payload), "/".join(match["repository"].split("/")[-2:])
    return NativeRef(match["number"] if own in (None, there.casefold()) else f"{there}#{match['number']}")


def repository_of(payload: JsonObject) -> str | None:
    """The repository of an issue, `owner/name` without case."""
    match = _ISSUE_URL.match(text_of(payload, "url"))
    return "/".join(match["repository"].split("/")[-2:]).casefold() if match else None


def blockers(payload: JsonObject, side: str) -> dict[NativeRef, int]:
    """The issues on one side of the dependencies, each with its database id."""
    listed = payload.get(DEPENDENCIES)
    rows = listed.get(side) if isinstance(listed, dict) else None
    return {
        NativeRef(row["ref"]): row["id"]
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict) and isinstance(row.get("ref"), str) and isinstance(row.get("id"), int)
    }


def field_words(row: JsonObject) -> list[str]:
    """The value of an issue field in words."""
    value = row.get("value")
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def field_values(payload: JsonObject) -> list[JsonObject]:
    """The values of issue fields, each with the field's `id`."""
    return [row for row in objects(payload.get("issue_field_values")) if isinstance(row.get("id"), int)]


def slim_field(row: JsonObject) -> JsonObject:
    """An issue field's value, options by their names."""
    value, single, multi = row.get("value"), row.get("single_select_option"), row.get("multi_select_options")
    if single is not None:
        value = name_of(single)
    elif isinstance(multi, list):
        value = names_of(multi)
    return {"id": row.get("issue_field_id"), "name": row.get("issue_field_name"), "value": value}


def objects(value: Any) -> list[JsonObject]:
    """The objects in a list."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def is_pull(payload: JsonObject) -> bool:
    """Whether a row of the issues list is a pull request."""
    return payload.get("pull_request") is not None


def slim_account(value: Any) -> JsonObject | None:
    """An account without its links."""
    if not isinstance(value, dict):
        return None
    return {name: value.get(name) for name in ("login", "id", "type")}


def slim_issue(issue: JsonObject) -> JsonObject:
    """What we keep of an issue: the same whether it came from a list, a direct read or a write."""
    kept = {name: issue.get(name) for name in _KEPT + _KEPT_TOO}
    return kept | {
        "labels": names_of(issue.get("labels")),
        "assignees": [slim_account(user) for user in objects(issue.get("assignees"))],
        "user": slim_account(issue.get("user")),
        "type": name_of(issue.get("type")),
        "milestone": name_of(issue.get("milestone"), "title"),
        "issue_field_values": [slim_field(row) for row in objects(issue.get("issue_field_values"))],
    }


def version_of(payload: JsonObject) -> str:
    """Differs with every edit, two within one second included."""
    content = {name: payload.get(name) for name in _VERSIONED} | {"parent": parent_ref(payload)}
    content["labels"] = sorted(names_of(content["labels"]))
    content["assignees"] = sorted(names_of(content["assignees"], "login"))
    content |= {side: refs for side in SIDES if (refs := sorted(blockers(payload, side)))}
    return _digest(content)


def ticket(issue: Any, *, fetched_at: datetime, dependencies: JsonObject | None = None) -> NativeTicket:
    """A row or answer as a ticket, with its `dependencies` where they are known; `Malformed` names what is missing."""
    if not isinstance(issue, dict) or not isinstance(issue.get("number"), int):
        raise Malformed(f"an issue without a number: {json.dumps(issue)[:80]}")
    number, updated = issue["number"], moment(issue.get("updated_at"))
    if updated is None or not isinstance(issue.get("id"), int) or not isinstance(issue.get("state"), str):
        raise Malformed(f"#{number} lacks its id, state or updated_at")
    payload = slim_issue(issue) | ({} if dependencies is None else {DEPENDENCIES: dependencies})
    count = issue.get("comments")
    return NativeTicket(
        ref=NativeRef(str(number)),
        key=f"#{number}",
        url=text_of(issue, "html_url"),
        number=number,
        version=version_of(payload),
        payload=payload,
        fetched_at=fetched_at,
        updated_at=updated,
        comment_count=count if isinstance(count, int) else None,
        comments=() if count == 0 else None,
    )


def comment(row: Any) -> NativeComment | None:
    """A comment of the feed; None for one on a pull request, `Malformed` for what is none at all."""
    if not isinstance(row, dict) or not isinstance(row.get("id"), int):
        raise Malformed(f"a comment without an id: {json.dumps(row)[:80]}")
    number = issue_number(row.get("issue_url"))
    if number is None or moment(row.get("updated_at")) is None:
        raise Malformed(f"comment {row['id']} lacks its issue_url or updated_at")
    if _PULL_URL.search(text_of(row, "html_url")):
        return None
    payload = {name: row.get(name) for name in _COMMENT_KEPT} | {"user": slim_account(row.get("user"))}
    return NativeComment(
        ref=NativeRef(str(row["id"])),
        ticket=NativeRef(str(number)),
        version=_digest({"body": row.get("body"), "updated_at": row.get("updated_at")}),
        payload=payload,
    )


def _digest(content: JsonObject) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:20]
