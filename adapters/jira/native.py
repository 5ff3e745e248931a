"""From Jira's JSON to native values, and whether it is one at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from adapters.jira.codec_files import files_of, named_in
from adapters.jira.wire import ADDED, as_list, as_object, at, milliseconds, parse_time, slimmed, text_at
from sync.core.errors import Malformed
from sync.core.ids import NativeRef
from sync.core.models import JsonObject, NativeComment, NativeEvent, NativeTicket

#: What the codec needs of every project; the fields that hold plans, and what may be named as custom ones, are added.
TICKET_FIELDS = (
    "summary", "description", "issuetype", "project", "status", "resolution", "priority", "labels", "assignee",
    "reporter", "creator", "parent", "created", "updated", "comment", "issuelinks", "attachment",
    "security", "issuerestriction",
)  # fmt: skip


#: Of links and files only this is kept: answers hold half of the linked tickets and whole people.
_SHORT: Mapping[str, Mapping[str, Any]] = {
    "issuelinks": {
        "id": {},
        "type": {"name": {}},
        "inwardIssue": {"id": {}, "key": {}},
        "outwardIssue": {"id": {}, "key": {}},
    },
    "attachment": {name: {} for name in ("id", "filename", "content", "size", "mimeType", "created")},
}


def key_number(key: str) -> int:
    """12 of PAY-12; 0 where there is none."""
    tail = key.rpartition("-")[2]
    return int(tail) if tail.isdecimal() else 0


def version_of(updated: Any) -> str | None:
    """The time of change in milliseconds: the same in every caller's zone."""
    moment = parse_time(updated)
    return None if moment is None else str(milliseconds(moment))


def read_ticket(
    issue: Any, *, site: str, now: datetime, added: JsonObject | None = None, fields: Collection[str] = ()
) -> NativeTicket:
    """A ticket; `added` is what other answers told, and of its fields only `fields` are kept (all where none is named).

    Raises `Malformed` with the place that is wrong.
    """
    ref, key = text_at(issue, "id"), text_at(issue, "key")
    updated = parse_time(at(issue, "fields", "updated"))
    if not ref or not key or updated is None:
        raise Malformed(f"{key or ref or 'an issue'}: the answer has no id, key or time of change")
    page = at(issue, "fields", "comment")
    listed = as_list(as_object(page).get("comments"))
    total = as_object(page).get("total")
    count = total if isinstance(total, int) else None
    complete = count is not None and count <= len(listed)
    payload = slimmed(issue)
    if fields:
        payload["fields"] = {name: value for name, value in payload["fields"].items() if name in fields}
    payload["fields"]["comment"] = {"total": count}
    for name, wanted in _SHORT.items():
        if isinstance(payload["fields"].get(name), list):
            payload["fields"][name] = [_shortened(each, wanted) for each in payload["fields"][name]]
    if added:
        payload[ADDED] = added
    ticket = NativeTicket(
        ref=NativeRef(ref),
        key=key,
        url=f"{site}/browse/{key}",
        number=key_number(key),
        version=str(milliseconds(updated)),
        payload=payload,
        fetched_at=now,
        updated_at=updated,
        comment_count=count,
    )
    return replace(ticket, comments=read_comments(listed, ticket.ref, files_of(ticket))) if complete else ticket


def _shortened(value: Any, wanted: Mapping[str, Any]) -> Any:
    """The wanted members, at any depth; what is no object stays as it is."""
    if not wanted or not isinstance(value, dict):
        return value
    return {name: _shortened(value[name], below) for name, below in wanted.items() if name in value}


def read_comments(
    listed: list[Any], ticket: NativeRef, files: Mapping[str, str] = MappingProxyType({})
) -> tuple[NativeComment, ...]:
    """The comments of a list; `files` are those at the ticket.

    Raises `Malformed` for one that is none: left out, it would pass for deleted.
    """
    found = [read_comment(each, ticket, files) for each in listed]
    if None in found:
        raise Malformed(f"{ticket}: a comment of the answer has no id")
    return tuple(comment for comment in found if comment is not None)


def read_comment(
    comment: Any, ticket: NativeRef, files: Mapping[str, str] = MappingProxyType({})
) -> NativeComment | None:
    """A comment, with the addresses of the `files` that it names; None for what has no id."""
    ref = text_at(comment, "id")
    if not ref:
        return None
    version = version_of(at(comment, "updated")) or version_of(at(comment, "created")) or "0"
    payload = slimmed(comment)
    if named := named_in(payload.get("body"), files):
        payload[ADDED] = {"files": named}
    return NativeComment(ref=NativeRef(ref), ticket=ticket, version=version, payload=payload)


def read_events(histories: Any, ticket: NativeRef, since: datetime) -> list[NativeEvent]:
    """The changelog entries after `since`, oldest first."""
    events = []
    for entry in as_list(histories):
        moment, identifier = parse_time(at(entry, "created")), text_at(entry, "id")
        if moment is None or not identifier or moment <= since:
            continue
        author = text_at(entry, "author", "accountId") or text_at(entry, "author", "name") or None
        events.append(NativeEvent(id=identifier, ref=ticket, author=author, at=moment, payload=slimmed(entry)))
    return sorted(events, key=lambda event: (event.at, int(event.id) if event.id.isdecimal() else 0))
