"""What changed since: the issues list, the comments of the repository, and its events for what moves no `updated_at`.

Two requests when nothing happened: the issues list and the comments; instead of the comments, the events where they
were not asked for `EVENTS_EVERY`, or at times a page of `sweep`. As soon as any issue has moved the first three are asked,
and a new or deleted comment moves its issue: so only an edited comment may wait for the next pull, and a changed parent or
dependency for `EVENTS_EVERY`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any

from adapters.github import wire
from adapters.github.client import Answer, Client
from adapters.github.dependencies import Dependencies
from adapters.github.selection import Selection
from adapters.github.sweep import Sweep
from sync.core.errors import Malformed, Rejected
from sync.core.ids import Cursor
from sync.core.models import JsonObject, NativeComment, NativeTicket
from sync.core.ports import Page

#: Rows may become visible late: at times the feed is read again from so long before the newest.
LOOK_BACK = timedelta(minutes=15)
LOOK_BACK_EVERY = timedelta(minutes=10)
EVENTS_EVERY = timedelta(seconds=90)
#: How much of a first pull's own time the next one reads again.
MARGIN = timedelta(seconds=60)
SEEN_LIMIT = 1_000
EVENT_PAGES = 10
_ALL = {"state": "all", "per_page": "100"}
_FAMILY = ("parent_issue_added", "parent_issue_removed")
_DEPENDENCIES = ("blocked_by_added", "blocked_by_removed", "blocking_added", "blocking_removed")


@dataclass(slots=True)
class Feed:
    """How far a feed was read: the newest `updated_at`, and the versions of what was seen around it."""

    since: str | None = None
    seen: dict[str, list[str]] = field(default_factory=dict)  # id → [version, updated_at]

    def is_new(self, key: str, version: str, updated: str) -> bool:
        """Take a row into account; says whether this version is new."""
        known = self.seen.get(key)
        self.seen[key] = [version, updated]
        self.since = max(self.since or updated, updated)
        return known is None or known[0] != version

    def trim(self) -> None:
        """Forget what no look-back can bring again."""
        if self.since is None:
            return
        newest = wire.moment(self.since)
        oldest = wire.stamp(newest - LOOK_BACK) if newest else ""
        recent = [(key, value) for key, value in self.seen.items() if value[1] >= oldest]
        self.seen = dict(sorted(recent, key=lambda row: row[1][1])[-SEEN_LIMIT:])


@dataclass(slots=True)
class Position:
    """What a cursor holds. `walk` is the link of the first pull's next page, `last` the number before it."""

    started: str | None = None
    walk: str | None = None
    walked: bool = False
    last: int = 0
    issues: Feed = field(default_factory=Feed)
    comments: Feed = field(default_factory=Feed)
    event: int = 0
    looked_back: str | None = None
    events_read: str | None = None
    doubtful: list[str] = field(default_factory=list)  # see `Dependencies`

    @classmethod
    def of(cls, cursor: Cursor | None) -> Position:
        """The position in a cursor; the beginning where there is none."""
        if cursor is None:
            return cls()
        state: dict[str, Any] = json.loads(cursor)
        issues, comments = Feed(**state.pop("issues")), Feed(**state.pop("comments"))
        return cls(**state, issues=issues, comments=comments)

    def cursor(self) -> Cursor:
        """The cursor after everything that was read so far."""
        self.issues.trim()
        self.comments.trim()
        return Cursor(json.dumps(asdict(self), separators=(",", ":")))


@dataclass(slots=True)
class Rows:
    """The fresh rows of one answer."""

    tickets: list[NativeTicket] = field(default_factory=list)
    comments: list[NativeComment] = field(default_factory=list)
    malformed: list[tuple[str, str]] = field(default_factory=list)

    def page(self, position: Position, total: int | None = None) -> Page:
        """The page to store."""
        return Page(
            cursor=position.cursor(),
            tickets=tuple(self.tickets),
            comments=tuple(self.comments),
            malformed=tuple(self.malformed),
            total=total,
        )


class Puller:
    """Reads the feeds of one repository."""

    def __init__(
        self, client: Client, selection: Selection, dependencies: Dependencies, sweep: Sweep, *, eventful: bool
    ) -> None:
        self._client = client
        self._selection = selection
        self._dependencies = dependencies
        self._sweep = sweep
        self._eventful = eventful

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """See `Adapter.pull`."""
        position = Position.of(since)
        self._dependencies.remember(position.doubtful)
        for page in self._pages(position):
            position.doubtful = self._dependencies.doubtful
            yield replace(page, cursor=position.cursor())

    def _pages(self, position: Position) -> Iterator[Page]:
        if not position.walked:
            yield from self._walk(position)
            yield from self._comments(position)
            return
        moved = False
        for page in self._issues(position):
            moved = moved or bool(page.tickets)
            yield page
        read = wire.moment(position.events_read)
        due = self._eventful and (read is None or self._client.now() - read >= EVENTS_EVERY)
        if not moved and not due and self._sweep.is_due(self._client.now()):
            yield self._swept(position)
        elif moved or not due:
            yield from self._comments(position)
        if self._eventful and (moved or due):
            yield from self._events(position)

    # -- the first pull: by number, which no edit moves ----------------------------------------------------

    def _walk(self, position: Position) -> Iterator[Page]:
        query = {**_ALL, "sort": "created", "direction": "asc", **self._selection.parameters()}
        previous: str | None = None
        while True:
            answer = self._list(position.walk or "issues", None if position.walk else query)
            position.started = position.started or wire.stamp(answer.at - MARGIN)
            rows, listed = Rows(), _objects(answer)
            numbers = [row["number"] for row in listed if isinstance(row.get("number"), int)]
            if previous is not None and numbers and numbers[0] > position.last + 1 and not self._selection.terms:
                # Something may have been deleted behind us, and then the list has moved up by one.
                self._take_issues(rows, _objects(self._list(previous, None)), position, above=position.last)
            self._take_issues(rows, listed, position, above=0)
            previous = position.walk or _link("issues", query)
            position.last = max([position.last, *numbers])
            position.walk = answer.links.get("next")
            if position.walk is None:
                position.walked = True
                position.issues.since = position.started
                position.looked_back = position.events_read = position.started
            yield rows.page(position, _total(answer))
            if position.walked:
                return

    def _take_issues(
        self, rows: Rows, listed: list[JsonObject], position: Position, *, above: int, told: Collection[str] = ()
    ) -> None:
        """The rows that are new, and those of `told`, which have changed though they may look the same."""
        for row in listed:
            try:
                native = wire.ticket(row, fetched_at=self._client.now())
            except Malformed as error:
                rows.malformed.append((str(row.get("number", "an issue")), str(error)))
                continue
            updated = wire.stamp(native.updated_at)
            walking = not position.walked
            if walking and updated < (position.started or ""):
                new = True
            else:
                new = position.issues.is_new(str(native.ref), native.version, updated)
            self._sweep.note(row, native)
            new = new or native.ref in told
            if native.number > above and (new or walking) and not wire.is_pull(row) and self._selection.matches(row):
                rows.tickets.append(self._whole(row, native))

    def _whole(self, row: JsonObject, native: NativeTicket) -> NativeTicket:
        """The ticket with its dependencies: they are read for what is brought only, and are no part of what was seen."""
        lists = self._dependencies.of(row)
        return wire.ticket(row, fetched_at=native.fetched_at, dependencies=lists) if lists is not None else native

    # -- later pulls: by `updated_at` ------------------------------------------------------------------------

    def _issues(self, position: Position) -> Iterator[Page]:
        start = position.issues.since or position.started or ""
        now, looked = self._client.now(), wire.moment(position.looked_back)
        if looked is None or now - looked >= LOOK_BACK_EVERY:
            start = wire.stamp((wire.moment(start) or now) - LOOK_BACK)
        else:
            now = looked
        query = {**_ALL, "sort": "updated", "direction": "asc", **self._selection.parameters()}
        for listed in self._keyset("issues", query, start):
            rows = Rows()
            self._take_issues(rows, listed, position, above=0)
            yield rows.page(position)
        position.looked_back = wire.stamp(now)

    def _comments(self, position: Position) -> Iterator[Page]:
        query = {"per_page": "100", "sort": "updated", "direction": "asc"}
        for listed in self._keyset("issues/comments", query, position.comments.since):
            rows = Rows()
            for row in listed:
                try:
                    native = wire.comment(row)
                except Malformed as error:
                    rows.malformed.append((f"comment {row.get('id', '')}".strip(), str(error)))
                    continue
                version = native.version if native else "pull request"
                if position.comments.is_new(str(row["id"]), version, str(row["updated_at"])) and native:
                    rows.comments.append(native)
            yield rows.page(position)

    def _keyset(self, path: str, query: dict[str, str], start: str | None) -> Iterator[list[JsonObject]]:
        """Pages of a list by `updated_at`: each starts anew from the last time seen, because rows move while we read."""
        link: str | None = None
        while True:
            answer = self._list(link or path, None if link else query | ({"since": start} if start else {}))
            listed = _objects(answer)
            yield listed
            link = answer.links.get("next")
            if link is None:
                return
            last = max((wire.text_of(row, "updated_at") for row in listed), default="")
            if last > (start or ""):
                start, link = last, None

    # -- what moves no `updated_at` --------------------------------------------------------------------------

    def _events(self, position: Position) -> Iterator[Page]:
        newest, parents, told = position.event, dict[int, JsonObject](), dict[int, None]()
        link: str | None = None
        for _ in range(EVENT_PAGES):
            answer = self._list(link or "issues/events", None if link else {"per_page": "100"})
            listed = _objects(answer)
            for event in listed:
                number, issue = event.get("id"), event.get("issue")
                newest = max(newest, number) if isinstance(number, int) else newest
                if not _is_after(event, position) or not isinstance(issue, dict):
                    continue
                if event.get("event") in _FAMILY:
                    parents.setdefault(issue.get("number", 0), _with_parent(issue, event))
                elif event.get("event") in _DEPENDENCIES:
                    told.setdefault(issue.get("number", 0))
            link = answer.links.get("next")
            if link is None or not all(_is_after(event, position) for event in listed):
                break
        position.event, position.events_read = newest, wire.stamp(self._client.now())
        self._dependencies.doubt(*map(str, told))
        rows, read = Rows(), {number: row for number in told if (row := self._directly(number)) is not None}
        self._take_issues(
            rows, list((parents | read).values()), position, above=0, told={str(number) for number in read}
        )
        yield rows.page(position)

    def _directly(self, number: int) -> JsonObject | None:
        """An issue as it is; None where it is gone, which is not for a feed to tell."""
        try:
            row = self._client.get(f"issues/{number}", what=f"reading #{number}").body
        except Rejected:
            return None
        return row if isinstance(row, dict) else None

    def _swept(self, position: Position) -> Page:
        """One page of the whole list, of which only what has changed since this process saw it is brought."""
        query = {**_ALL, "sort": "created", "direction": "asc", **self._selection.parameters()}
        answer = self._list(self._sweep.link or "issues", None if self._sweep.link else query)
        self._sweep.link, self._sweep.looked = answer.links.get("next"), self._client.now()
        rows = Rows()
        for row in _objects(answer):
            try:
                native = wire.ticket(row, fetched_at=self._client.now())
            except Malformed:
                continue  # the feed has told of it
            if self._sweep.note(row, native) and not wire.is_pull(row) and self._selection.matches(row):
                rows.tickets.append(self._whole(row, native))
        return rows.page(position)

    def _list(self, path: str, query: dict[str, str] | None) -> Answer:
        answer = self._client.get(path, query, what=f"listing {path.partition('?')[0]}")
        if not isinstance(answer.body, list):
            raise Malformed(f"github: listing {path.partition('?')[0]}: the answer is no list")
        return answer


def _objects(answer: Answer) -> list[JsonObject]:
    return [row if isinstance(row, dict) else {"number": None, "row": row} for row in answer.body]


def _is_after(event: JsonObject, position: Position) -> bool:
    number, at = event.get("id"), wire.text_of(event, "created_at")
    return isinstance(number, int) and number > position.event and at >= (position.started or "")


def _with_parent(issue: JsonObject, event: JsonObject) -> JsonObject:
    """The child as the event shows it; its parent from the event where the child does not name it."""
    parent = event.get("parent_issue")
    number = parent.get("number") if isinstance(parent, dict) else None
    if "parent_issue_url" in issue or event.get("event") != _FAMILY[0] or number is None:
        return issue
    return {**issue, "parent_issue_url": f"{wire.text_of(issue, 'repository_url')}/issues/{number}"}


def _total(answer: Answer) -> int | None:
    """About how many rows there are, from the link to the last page."""
    last = answer.links.get("last", "")
    page = last.rpartition("page=")[2].partition("&")[0]
    return int(page) * 100 if page.isdigit() else None


def _link(path: str, query: dict[str, str]) -> str:
    return path + "?" + "&".join(f"{name}={value}" for name, value in query.items())
