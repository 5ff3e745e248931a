"""Reading many tickets: an index of what changed, then the changed ones in batches.

The cursor is `{"updated": newest time of change seen, "seen": {id: its time of change}, "flow": …}`, times in
milliseconds. Search is late and its order is true to the second, so each pull looks back by an overlap and leaves out
what it has seen. `flow` is what was learnt of the workflow, so that a new process need not ask again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.jira.client import SERVER_PAGE, JiraClient, missing
from adapters.jira.codec_files import files_of
from adapters.jira.errors import NotJson
from adapters.jira.flow import Flow
from adapters.jira.native import TICKET_FIELDS, read_comments, read_ticket
from adapters.jira.wire import (
    PROPERTY,
    as_list,
    as_object,
    at,
    from_milliseconds,
    milliseconds,
    minute_of,
    parse_time,
    quote,
    text_at,
    updated_since,
)
from sync.core.errors import Forbidden, Malformed, Rejected
from sync.core.ids import Cursor, NativeRef
from sync.core.models import Gone, JsonObject, NativeEvent, NativeTicket
from sync.core.ports import Page

BATCH: Final = 100
COMMENT_PAGE: Final = 100


@dataclass(slots=True, kw_only=True)
class Position:
    """The cursor, opened: `seen` holds what lies within the overlap."""

    updated: int = 0
    seen: dict[str, int] = field(default_factory=dict)
    flow: JsonObject = field(default_factory=dict)

    @classmethod
    def read(cls, cursor: Cursor | None) -> Position:
        """A cursor that can't be read starts from the beginning: at least once is the promise."""
        try:
            stored = as_object(json.loads(cursor)) if cursor else {}
        except ValueError:
            stored = {}
        updated, seen = stored.get("updated"), as_object(stored.get("seen"))
        return cls(
            updated=updated if isinstance(updated, int) else 0,
            seen={ref: moment for ref, moment in seen.items() if isinstance(moment, int)},
            flow=as_object(stored.get("flow")),
        )

    def write(self, overlap: timedelta) -> Cursor:
        """The cursor, without what the next pull does not look back to."""
        since = milliseconds(minute_of(from_milliseconds(self.updated) - overlap)) if self.updated else 0
        kept = {ref: moment for ref, moment in sorted(self.seen.items()) if moment >= since}
        stored = {"updated": self.updated, "seen": kept, "flow": self.flow}
        return Cursor(json.dumps(stored, separators=(",", ":"), sort_keys=True))


@dataclass(slots=True, kw_only=True)
class Reader:
    """Reads tickets of one project; remembers the epics' ids and the workflow as answers tell them."""

    client: JiraClient
    project: str
    select: str | None
    overlap: timedelta
    now: Callable[[], datetime]
    project_id: str = ""
    epic_link: str = ""
    more_fields: tuple[str, ...] = ()
    flow: Flow
    restricted: bool = False
    withheld: set[str] = field(default_factory=set)  # ids of issues that are for some people only
    keys: dict[str, str] = field(default_factory=dict)  # id → key

    def changed(self, position: Position) -> list[tuple[int, str]]:
        """(time of change, id) of what changed since the position and was not seen, oldest first."""
        clauses = [f"project = {quote(self.project)}"]
        if self.select:
            clauses.append(f"({self.select})")
        since = from_milliseconds(position.updated) - self.overlap if position.updated else None
        rows = self._index_cloud(clauses, since) if self.client.cloud else self._index_server(clauses, since)
        # The newest ticket always lies within the overlap, so nothing at all means that we are taken for nobody.
        if not rows:
            self.client.myself()
        return sorted((moment, ref) for ref, moment in rows.items() if moment > position.seen.get(ref, -1))

    def pages(self, since: Cursor | None) -> Iterator[Page]:
        """See `Adapter.pull`."""
        position = Position.read(since)
        self.flow.recall(position.flow)
        waiting = self.changed(position)
        if not waiting:
            yield Page(cursor=position.write(self.overlap), total=0)
        for start in range(0, len(waiting), BATCH):
            batch = waiting[start : start + BATCH]
            page = self.page([ref for _, ref in batch])
            if page.gone:
                self.make_sure()
            missed = {ref for _, ref in batch} - {one.ref for one in page.tickets} - {one.ref for one in page.gone}
            missed -= self.withheld
            if len(missed) <= len(page.malformed):
                missed = set()
            # What was left out without a word is not seen, so that the next pull asks for it again.
            position.seen |= {ref: moment for moment, ref in batch if ref not in missed}
            for ticket in page.tickets:
                # The index may be behind the ticket: what was read now need not be read again.
                position.seen[ticket.ref] = max(position.seen.get(ticket.ref, 0), milliseconds(ticket.updated_at))
            position.updated = max(position.updated, batch[-1][0])
            position.flow = self.flow.told()
            yield replace(page, cursor=position.write(self.overlap), total=len(waiting))

    def page(self, refs: Sequence[str], *, comments: bool = True) -> Page:
        """The tickets of one batch with all their comments (or those that come without asking); those of other projects are gone from ours.

        On Cloud this reads the tickets themselves, on Data Center the search index.
        """
        if self.client.cloud:
            answer = self.client.post(
                "issue/bulkfetch",
                {
                    "issueIdsOrKeys": list(refs),
                    "fields": list(self.fields()),
                    "properties": [PROPERTY],
                    "expand": ["transitions"],
                },
            )
        else:
            answer = self.client.search_details(list(refs), list(self.fields()))
        if not isinstance(answer.get("issues"), list) and not answer.get("issueErrors"):
            raise Malformed(f"{self.client.tracker}: the answer is no list of issues")
        return self.read(as_list(answer.get("issues")), as_list(answer.get("issueErrors")), comments=comments)

    def read(self, issues: Sequence[Any], errors: Sequence[Any] = (), *, comments: bool = True) -> Page:
        """Tickets, missing ones and malformed ones of an answer."""
        tickets: list[NativeTicket] = []
        gone = [Gone(ref=NativeRef(text_at(error, "id")), reason=text_at(error, "errorMessage")) for error in errors]
        malformed: list[tuple[str, str]] = []
        epics = self._epics(issues)
        for issue in issues:
            if self._is_withheld(issue):
                continue
            try:
                ticket = self._ticket(issue, epics, comments)
            except NotJson:
                raise  # nothing is wrong with the ticket: what else there is to be read of it can't be had now
            except Malformed as error:
                malformed.append((text_at(issue, "key") or text_at(issue, "id") or "an issue", str(error)))
                continue
            if self._is_elsewhere(issue):
                key = text_at(issue, "key")
                gone.append(Gone(ref=ticket.ref, reason=f"moved to {key}", moved_to=key))
            else:
                tickets.append(ticket)
        return Page(cursor=Cursor(""), tickets=tuple(tickets), gone=tuple(gone), malformed=tuple(malformed))

    def one(self, refs: Sequence[str], *, comments: bool = True) -> Page:
        """The only ticket of a batch on Data Center, which has no batches, read directly."""
        params = {"fields": ",".join(self.fields()), "properties": PROPERTY, "expand": "transitions"}
        try:
            issue = self.client.get(f"issue/{refs[0]}", params)
        except Rejected as error:
            if not missing(error):
                raise
            return Page(cursor=Cursor(""), gone=(Gone(ref=NativeRef(refs[0]), reason=str(error)),))
        return self.read([issue], comments=comments)

    def make_sure(self) -> None:
        """Raise where Jira would tell us of every ticket that it is not there: to a visitor, and without the project."""
        self.client.myself()
        try:
            self.client.get(f"project/{self.project_id or self.project}")
        except Rejected as error:
            raise Forbidden(
                f"{self.client.tracker}: the project {self.project} can't be read any more, so none of its tickets is "
                f"believed to be gone. Give the bot's account the Browse Projects permission. ({error})"
            ) from None

    def fields(self) -> tuple[str, ...]:
        """The fields to ask for."""
        more = (*self.more_fields, self.epic_link) if self.epic_link else self.more_fields
        return tuple(dict.fromkeys((*TICKET_FIELDS, *more)))

    def with_ids(self, events: Sequence[NativeEvent]) -> list[NativeEvent]:
        """The events with the ids of the tickets that links lead to, which the history knows by their keys."""
        keys = {key for event in events for item in _links(event) for key in _ends(item).values()}
        if not keys:
            return list(events)
        ids = self.ids(keys)
        told = []
        for event in events:
            items = [
                {**item, **{f"{side}Id": ids[key] for side, key in _ends(item).items() if key in ids}}
                if item in _links(event)
                else item
                for item in as_list(event.payload.get("items"))
            ]
            told.append(replace(event, payload={**event.payload, "items": items}))
        return told

    # -- within --------------------------------------------------------------------------------------

    def _is_withheld(self, issue: Any) -> bool:
        """Whether some people only may read the issue, by its security level or by roles of a team-managed project."""
        ref = text_at(issue, "id")
        roles = as_object(at(issue, "fields", "issuerestriction", "issuerestrictions"))
        if self.restricted or not (at(issue, "fields", "security") or any(roles.values())):
            self.withheld.discard(ref)
            return False
        self.withheld.add(ref)
        return True

    def _index_cloud(self, clauses: list[str], since: datetime | None) -> dict[str, int]:
        rows: dict[str, int] = {}
        jql = _jql(clauses, since)
        token: str | None = None
        while True:
            page = self.client.page(jql, token=token, start=0)
            rows |= _rows(page)
            before, token = token, text_at(page, "nextPageToken") or None
            if token is None or page.get("isLast") is True:
                return rows
            if token == before:
                raise Malformed(f"{self.client.tracker}: the search does not go on after {len(rows)} issues")

    def _index_server(self, clauses: list[str], since: datetime | None) -> dict[str, int]:
        """By the time of the last row rather than by offset alone: a row that changes meanwhile shifts the others."""
        rows: dict[str, int] = {}
        start = 0
        while True:
            page = self.client.page(_jql(clauses, since), token=None, start=start)
            found = _rows(page)
            rows |= found
            size = page.get("maxResults")
            listed = len(as_list(page.get("issues")))
            if not listed or listed < (size if isinstance(size, int) and size else SERVER_PAGE):
                return rows
            last = minute_of(from_milliseconds(max(found.values(), default=0)))
            # Within one minute there is nothing but the offset to go on by.
            since, start = (last, 0) if since is None or last > since else (since, start + listed)

    def _ticket(self, issue: Any, epics: dict[str, str], comments: bool) -> NativeTicket:
        added: JsonObject = {}
        if (key := text_at(issue, "fields", self.epic_link)) and key in epics:
            added["epic"] = epics[key]
        if isinstance(issue, dict) and "transitions" in issue:
            issue = {**issue, "transitions": self.flow.read(issue)}
            added["workflow"] = dict(self.flow.ways)
        ticket = read_ticket(issue, site=self.client.url, now=self.now(), added=added, fields=self.fields())
        self.keys[ticket.ref] = ticket.key
        if ticket.comments is None and comments:
            listed = self.comments(ticket.ref)
            ticket = replace(ticket, comments=read_comments(listed, ticket.ref, files_of(ticket)))
        return ticket if ticket.comments is None else replace(ticket, comment_count=len(ticket.comments))

    def comments(self, ref: str) -> list[Any]:
        """All comments of a ticket that has more of them than an answer holds."""
        found: list[Any] = []
        while True:
            params = {"startAt": len(found), "maxResults": COMMENT_PAGE, "orderBy": "created"}
            page = as_object(self.client.get(f"issue/{ref}/comment", params))
            listed, total = page.get("comments"), page.get("total")
            # What a complete list does not hold was deleted, so half a list must not pass for a whole one.
            if not isinstance(listed, list) or not isinstance(total, int):
                raise Malformed(f"{ref}: the answer is no list of comments")
            found += listed
            if not listed or len(found) >= total:
                return found

    def _epics(self, issues: Sequence[Any]) -> dict[str, str]:
        """Data Center names an epic by its key: key → id, asked for in one search where it is not known."""
        if not self.epic_link:
            return {}
        self.keys |= {text_at(issue, "id"): text_at(issue, "key") for issue in issues}
        return self.ids({key for issue in issues if (key := text_at(issue, "fields", self.epic_link))})

    def ids(self, keys: Collection[str]) -> dict[str, str]:
        """Key → id, asked for in batches where it is not known; what is not there is left out."""
        known = {key: ref for ref, key in self.keys.items()}
        unknown = sorted(set(keys) - set(known))
        for start in range(0, len(unknown), BATCH):
            batch = unknown[start : start + BATCH]
            if self.client.cloud:
                answer = self.client.post("issue/bulkfetch", {"issueIdsOrKeys": batch, "fields": ["updated"]})
            else:
                body = {
                    "jql": f"key in ({', '.join(map(quote, batch))})", "fields": ["updated"], "validateQuery": False,
                    "startAt": 0, "maxResults": len(batch),
                }  # fmt: skip
                answer = self.client.post("search", body)
            for issue in as_list(answer.get("issues")):
                known[text_at(issue, "key")] = text_at(issue, "id")
                self.keys[text_at(issue, "id")] = text_at(issue, "key")
        return {key: known[key] for key in keys if key in known}

    def _is_elsewhere(self, issue: Any) -> bool:
        there = text_at(issue, "fields", "project", "id")
        if there and self.project_id:
            # Not by the key: when the project gets another one, its tickets have not moved.
            return there != self.project_id
        key = text_at(issue, "fields", "project", "key") or text_at(issue, "key").rpartition("-")[0]
        return bool(key) and key != self.project


def _links(event: NativeEvent) -> list[JsonObject]:
    return [item for item in as_list(event.payload.get("items")) if text_at(item, "field") == "Link"]


def _ends(item: JsonObject) -> dict[str, str]:
    return {side: key for side in ("from", "to") if (key := text_at(item, side))}


def _jql(clauses: list[str], since: datetime | None) -> str:
    timed = [*clauses, updated_since(since)] if since is not None else clauses
    return " AND ".join(timed) + " ORDER BY updated ASC"


def _rows(page: JsonObject) -> dict[str, int]:
    """Id → time of change; a row without one is read anyway."""
    rows: dict[str, int] = {}
    if not isinstance(page.get("issues"), list):
        raise Malformed("jira: the answer to a search is no list of issues")
    for issue in page["issues"]:
        if ref := text_at(issue, "id"):
            moment = parse_time(at(issue, "fields", "updated"))
            rows[ref] = milliseconds(moment) if moment else 0
    return rows
