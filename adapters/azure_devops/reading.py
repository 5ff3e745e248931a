"""Reading work items and their comments: queries, batches, and natives built from payloads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from adapters.azure_devops import client, wire
from adapters.azure_devops.client import Connection
from adapters.azure_devops.errors import TooManyResults
from sync.core.errors import Malformed as MalformedAnswer
from sync.core.ids import NativeRef
from sync.core.models import Gone, JsonObject, NativeComment, NativeTicket

#: The service's own limits: ids in a batch (VS403474), results of a query (VS402337).
BATCH, QUERY_LIMIT = 200, 20_000
#: Ids asked for with one query, well under its limit.
QUERY_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Malformed:
    """One work item of an answer can't be used; `place` says which."""

    place: str
    reason: str


class Reader:
    """Reads one project."""

    def __init__(self, connection: Connection, select: str | None) -> None:
        self.connection = connection
        self.select = select

    # -- queries ---------------------------------------------------------------------------------

    def query(self, *conditions: str, select: str | None = None, top: int | None = None) -> list[int]:
        """The ids that a query finds, in ascending order."""
        text = wire.wiql(*conditions, select=select)
        options: JsonObject = {"timePrecision": "true"}
        if top is not None:
            options["$top"] = top
        answer = self.connection.call("POST", client.WIQL, query=options, body={"query": text})
        return [number for row in wire.rows(answer.get("workItems")) if (number := wire.number(row.get("id")))]

    def ids(self, after: int) -> Iterator[list[int]]:
        """Every id of the project above `after` that the selection takes, in ascending pages.

        Servers refuse a query that finds more than 20,000 (or cut it in silence): where asking for the first few does
        not help, a window of so many ids can't hold more.
        """
        while True:
            try:
                found = self.query(f"[System.Id] > {after}", select=self.select, top=QUERY_PAGE)
                complete = len(found) < QUERY_PAGE
                highest = found[-1] if found else after
            except TooManyResults:
                highest, complete = after + QUERY_LIMIT, False
                window = (f"[System.Id] > {after}", f"[System.Id] <= {highest}")
                found = self.query(*window, select=self.select)
            if found:
                yield found
            if complete:
                return
            after = highest

    def selected(self, numbers: Sequence[int]) -> set[int]:
        """Those of the ids that the selection takes; without a selection all of them, unasked."""
        if not self.select:
            return set(numbers)
        chosen: set[int] = set()
        for part in parts(numbers, BATCH):
            chosen.update(self.query(f"[System.Id] IN {wire.id_list(part)}", select=self.select))
        return chosen

    # -- work items ------------------------------------------------------------------------------

    def items(self, numbers: Sequence[int]) -> Iterator[NativeTicket | Gone | Malformed]:
        """The work items, 200 to a request; one that can't be read is `Gone`."""
        for part in parts(numbers, BATCH):
            body = {"ids": list(part), "$expand": "relations", "errorPolicy": "omit"}
            answer = self.connection.call("POST", client.BATCH, body=body)
            values = answer.get("value")
            if not isinstance(values, list):
                raise MalformedAnswer(f"Azure DevOps: the batch of {part[0]}… is no list of work items")
            met: set[int] = set()
            for place, value in enumerate(values):
                if value is None:
                    continue
                item = self._judge(value, f"batch of {part[0]}…, entry {place}")
                if isinstance(item, NativeTicket):
                    met.add(item.number)
                yield item
            yield from (
                Gone(ref=NativeRef(str(number)), reason="deleted, destroyed or hidden from us")
                for number in part
                if number not in met and not _named(values, number)
            )

    def _judge(self, value: Any, place: str) -> NativeTicket | Gone | Malformed:
        payload = wire.mapping(value)
        number = wire.number(payload.get("id"))
        if not number:
            return Malformed(place, "a work item without an id")
        if not wire.number(payload.get("rev")) or not isinstance(payload.get("fields"), dict):
            return Malformed(str(number), "a work item without rev or fields")
        project = wire.text(wire.fields_of(payload).get("System.TeamProject"))
        if project and project.casefold() != self.connection.project.casefold():
            where = f"the project {project}"
            return Gone(ref=NativeRef(str(number)), reason=f"moved to {where}", moved_to=where)
        return self.native(payload)

    def native(self, payload: JsonObject) -> NativeTicket:
        """A work item's answer as a native ticket."""
        number = wire.number(payload.get("id"))
        fields = wire.fields_of(payload)
        count = wire.number(fields.get("System.CommentCount"))
        return NativeTicket(
            ref=NativeRef(str(number)),
            key=f"AB#{number}",
            url=f"{self.connection.url}/{quote(self.connection.project)}/_workitems/edit/{number}",
            number=number,
            version=wire.version(payload),
            payload={key: value for key, value in payload.items() if key != "_links"},
            fetched_at=datetime.now(UTC),
            updated_at=wire.moment(fields.get("System.ChangedDate")),
            comment_count=count,
            comments=() if count == 0 else None,
        )

    # -- comments --------------------------------------------------------------------------------

    def with_comments(self, ticket: NativeTicket) -> NativeTicket:
        """The ticket with all its comments; one request for each 200, none where there are none."""
        if ticket.comment_count == 0:
            return ticket
        return replace(ticket, comments=tuple(self.comments(ticket.ref)))

    def comments(self, ref: NativeRef) -> Iterator[NativeComment]:
        """Every comment of a work item, oldest first."""
        found: list[NativeComment] = []
        query: JsonObject = {}
        while True:
            answer = self.connection.call("GET", client.COMMENTS, route={"workItemId": ref}, query=query)
            rows, token = answer.get("comments"), wire.text(answer.get("continuationToken"))
            # What a complete list does not hold was deleted, so half a list must not pass for a whole one.
            if not isinstance(rows, list) or not all(wire.comment_id(row) for row in rows):
                raise MalformedAnswer(f"Azure DevOps: work item {ref}: the answer is no list of comments")
            if token and token == query.get("continuationToken"):
                raise MalformedAnswer(f"Azure DevOps: work item {ref}: the list of comments does not go on")
            found += [comment for row in rows if (comment := native_comment(ref, row))]
            if not token:
                return iter(sorted(found, key=lambda comment: wire.comment_number(comment.ref)))
            query = {"continuationToken": token}

    def updates(self, ref: NativeRef) -> Iterator[JsonObject]:
        """The history of a work item, oldest first, 200 entries to a request."""
        skip = 0
        while True:
            query = {"$top": BATCH, "$skip": skip}
            answer = self.connection.call("GET", client.UPDATES, route={"id": ref}, query=query)
            page = list(wire.rows(answer.get("value")))
            yield from page
            if len(page) < BATCH:
                return
            skip += BATCH


def native_comment(ref: NativeRef, payload: JsonObject) -> NativeComment | None:
    """A comment's answer as a native comment; None for a deleted one or one without a number."""
    number = wire.comment_id(payload)
    if not number or payload.get("isDeleted") is True:
        return None
    return NativeComment(
        ref=wire.comment_ref(ref, number),
        ticket=ref,
        version=str(wire.number(payload.get("version"))),
        payload={key: value for key, value in payload.items() if key != "_links"},
    )


def parts(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """The sequence in parts of at most `size`."""
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]


def _named(values: list[Any], number: int) -> bool:
    return any(wire.number(wire.mapping(value).get("id")) == number for value in values)
