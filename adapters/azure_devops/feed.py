"""What changed: the first look at everything, and the reporting feeds after it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from adapters.azure_devops import client, wire
from adapters.azure_devops.discussions import Discussions
from adapters.azure_devops.reading import BATCH, Malformed, Reader, parts
from sync.core.errors import Malformed as MalformedAnswer
from sync.core.ids import Cursor, NativeRef
from sync.core.models import Gone, JsonObject, NativeTicket
from sync.core.ports import Page

_PAGE = 1_000
#: How far before the server's present time the feeds are entered for a first look: what happens meanwhile comes twice.
_MARGIN = timedelta(minutes=1)
_FIELDS = "System.Id,System.IsDeleted,System.CommentCount"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a pull goes on: the feeds' watermarks, and in a first look the last id that was read."""

    revisions: str
    links: str
    after: int | None = None

    @property
    def cursor(self) -> Cursor:
        """As the engine keeps it."""
        position: JsonObject = {"revisions": self.revisions, "links": self.links}
        if self.after is not None:
            position["after"] = self.after
        return Cursor(json.dumps(position))

    @classmethod
    def read(cls, cursor: Cursor) -> Position:
        """From a cursor; raises `Malformed` for what is none."""
        try:
            position = wire.mapping(json.loads(cursor))
        except ValueError:
            position = {}
        revisions, links, after = (position.get(name) for name in ("revisions", "links", "after"))
        if not isinstance(revisions, str) or not isinstance(links, str):
            raise MalformedAnswer("Azure DevOps: the stored place to go on from is broken; start from the beginning")
        return cls(revisions=revisions, links=links, after=after if isinstance(after, int) else None)


@dataclass(slots=True, kw_only=True)
class News:
    """What the feeds told: changed work items in order with their newest revision (0: unknown), those that were discussed, those gone."""

    position: Position
    changed: dict[int, int] = field(default_factory=dict)
    talked: set[int] = field(default_factory=set)
    gone: dict[int, Gone] = field(default_factory=dict)

    def revision(self, entry: JsonObject) -> None:
        """Take in one revision; the last one of a work item says whether it is there."""
        number, fields = wire.number(entry.get("id")), wire.fields_of(entry)
        if not number:
            return
        if fields.get("System.IsDeleted") is True:
            self.changed.pop(number, None)
            self.gone[number] = Gone(ref=NativeRef(str(number)), reason="in the recycle bin")
            return
        self.gone.pop(number, None)
        self.changed[number] = max(wire.number(entry.get("rev")), self.changed.get(number, 0))
        if "commentVersionRef" in entry or "System.History" in fields:
            self.talked.add(number)

    def link(self, entry: JsonObject) -> None:
        """Take in one link: both its ends look different now, though neither has a new revision."""
        ends = (wire.number(entry.get("sourceId")), wire.number(entry.get("targetId")))
        self.changed.update({end: self.changed.get(end, 0) for end in ends if end and end not in self.gone})


class Feed:
    """Pulls one project."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.connection = reader.connection

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """See `Adapter.pull`."""
        position = self._enter() if since is None else Position.read(since)
        if position.after is not None:
            yield from self._everything(position)
        else:
            yield from self._changes(position)

    # -- the first look --------------------------------------------------------------------------

    def _enter(self) -> Position:
        """The feeds' watermarks of now: taken first, so that nothing falls between them and the look at everything."""
        self.reader.query("[System.Id] < 1", top=1)  # its answer tells the server's time, where none did yet
        now = datetime.now(UTC) + self.connection.transport.clock().offset - _MARGIN
        start = {"startDateTime": wire.utc(now)}
        *_, revisions = self._batches(client.REVISIONS, start, {"fields": _FIELDS, "$maxPageSize": _PAGE})
        *_, links = self._batches(client.LINKS, start, {})
        return Position(
            revisions=wire.text(revisions.get("continuationToken")),
            links=wire.text(links.get("continuationToken")),
            after=0,
        )

    def _everything(self, position: Position) -> Iterator[Page]:
        discussions: Discussions | None = None
        for numbers in self.reader.ids(position.after or 0):
            if discussions is None:
                discussions = Discussions.read(self.connection)
            for part in parts(numbers, BATCH):
                position = replace(position, after=part[-1])
                page = self._page(list(part), position.cursor)
                tickets = (discussions.complete(ticket, self.reader) for ticket in page.tickets)
                yield replace(page, tickets=tuple(tickets))
        yield Page(cursor=replace(position, after=None).cursor)

    # -- afterwards ------------------------------------------------------------------------------

    def _changes(self, start: Position) -> Iterator[Page]:
        """The work items that the feeds name; the new watermarks come with the last page, since they lie behind all."""
        news = self._news(start)
        selected = self.reader.selected(list(news.changed)) if news.changed else set()
        pages = list(parts([number for number in news.changed if number in selected], BATCH)) or [()]
        for place, part in enumerate(pages, 1):
            page = self._as_told(self._page(list(part), start.cursor), news)
            page = replace(page, tickets=tuple(self._with_talk(ticket, news.talked) for ticket in page.tickets))
            if place == len(pages):
                page = replace(page, cursor=news.position.cursor, gone=(*news.gone.values(), *page.gone))
            yield page

    def _as_told(self, page: Page, news: News) -> Page:
        """The page, with what it shows older than the feeds told of it, or not at all, read once more: one of the two was of the past."""
        shown = {one.number: wire.revision(one.version) or 0 for one in page.tickets}
        absent = {int(one.ref) for one in page.gone if not one.moved_to}
        behind = [number for number, seen in shown.items() if seen < news.changed.get(number, 0)]
        if not (behind or absent):
            return page
        again = self._page([*behind, *sorted(absent)], page.cursor)
        doubtful = {NativeRef(str(number)) for number in (*behind, *absent)}
        return replace(
            page,
            tickets=(*(one for one in page.tickets if one.ref not in doubtful), *again.tickets),
            gone=(*(one for one in page.gone if one.ref not in doubtful), *again.gone),
            malformed=(*page.malformed, *again.malformed),
        )

    def _news(self, position: Position) -> News:
        """What the two feeds say, up to their ends: two requests when nothing changed."""
        news = News(position=position)
        options = {"fields": _FIELDS, "includeDeleted": "true", "$maxPageSize": _PAGE}
        for batch in self._batches(client.REVISIONS, {"continuationToken": position.revisions}, options):
            position = replace(position, revisions=wire.text(batch.get("continuationToken")) or position.revisions)
            for entry in wire.rows(batch.get("values")):
                news.revision(entry)
        start = {"continuationToken": position.links}
        for batch in self._batches(client.LINKS, start, {}):
            position = replace(position, links=wire.text(batch.get("continuationToken")) or position.links)
            for entry in wire.rows(batch.get("values")):
                news.link(entry)
        news.position = position
        return news

    def _with_talk(self, ticket: NativeTicket, talked: set[int]) -> NativeTicket:
        fields = wire.fields_of(ticket.payload)
        if ticket.number in talked or "commentVersionRef" in ticket.payload or "System.History" in fields:
            return self.reader.with_comments(ticket)
        return ticket

    # -- pieces ----------------------------------------------------------------------------------

    def _page(self, numbers: list[int], cursor: Cursor) -> Page:
        found = list(self.reader.items(numbers))
        return Page(
            cursor=cursor,
            tickets=tuple(one for one in found if isinstance(one, NativeTicket)),
            gone=tuple(one for one in found if isinstance(one, Gone)),
            malformed=tuple((one.place, one.reason) for one in found if isinstance(one, Malformed)),
        )

    def _batches(self, resource: tuple[str, str], start: JsonObject, options: JsonObject) -> Iterator[JsonObject]:
        """The batches of a feed up to its end."""
        while True:
            batch = self.connection.call("GET", resource, query={**start, **options})
            yield batch
            token = wire.text(batch.get("continuationToken"))
            if batch.get("isLastBatch") is not False or not token or token == start.get("continuationToken"):
                return
            start = {"continuationToken": token}
