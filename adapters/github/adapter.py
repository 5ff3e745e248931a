"""The GitHub adapter: reads feeds and tickets, sends one request for each write, decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from adapters._pace import Call, Pace
from adapters.github import history, wire
from adapters.github.client import Client
from adapters.github.dependencies import Dependencies
from adapters.github.errors import NotThere
from adapters.github.feeds import Puller
from adapters.github.home import Home
from adapters.github.probing import probe, visibility_of
from adapters.github.selection import Selection
from adapters.github.settings import Settings
from adapters.github.sweep import Sweep
from adapters.github.writing import Writer
from sync.core.capabilities import Capabilities, Visibility
from sync.core.errors import Moved, Rejected
from sync.core.ids import Cursor, NativeRef, ReplicaName
from sync.core.models import Gone, JsonObject, NativeAttachment, NativeComment, NativeEvent, NativeTicket
from sync.core.ports import Adapter, ClockReading, NativeOp, OpKind, Page, Pause, Receipt, Traffic

#: Numbers beyond the newest listed one that `find` tries: a list may lag behind a create.
UNLISTED = 3
#: From so many tickets on, the repository's events are asked for their history before their timelines.
SEVERAL = 4


class GitHubAdapter:
    """One repository; see `sync.core.ports.Adapter`."""

    def __init__(self, settings: Settings, client: Client, selection: Selection, traffic: Traffic) -> None:
        self.traffic = traffic
        self._client = client
        self._selection = selection
        self._home = Home(settings, client)
        self._dependencies = Dependencies(client)
        self._sweep = Sweep()
        self._parents = True
        self._writer = Writer(client, self._home, self._dependencies)

    # -- who and what ----------------------------------------------------------------------------------------

    def probe(self) -> Capabilities:
        """See `Adapter`."""
        found = probe(self._client, self._home)
        self._take(found)
        return found

    def resume(self, known: Capabilities) -> None:
        """See `Adapter`."""
        repository = known.facts.extra.get("repository")
        self._home.account = self._home.account or known.account
        self._home.repository_id = repository if isinstance(repository, int) else None
        self._take(known)

    def _take(self, known: Capabilities) -> None:
        extra = known.facts.extra
        self._parents = extra.get("sub_issues", True) is True
        self._dependencies.on = extra.get("dependencies") is True

    def visibility(self) -> Visibility:
        """See `Adapter`."""
        return visibility_of(self._home.repository().body)

    # -- reading ---------------------------------------------------------------------------------------------

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """See `Adapter`."""
        eventful = self._parents or self._dependencies.on
        yield from Puller(self._client, self._selection, self._dependencies, self._sweep, eventful=eventful).pull(since)

    def fetch(self, refs: Sequence[NativeRef], *, comments: bool = True) -> Iterator[NativeTicket | Gone]:
        """See `Adapter`: one request a ticket, and one more for its comments; GitHub has no batch."""
        for ref in refs:
            yield self._fetch(ref, comments=comments)

    def _fetch(self, ref: NativeRef, *, comments: bool) -> NativeTicket | Gone:
        what = f"reading #{ref}"
        try:
            row = self._client.get(f"issues/{ref}", what=what).body
        except Moved as moved:
            if not self._home.is_elsewhere(moved):
                raise self._home.renamed(moved) from None
            return Gone(ref=ref, reason=f"transferred to {moved.location}", moved_to=moved.location)
        except NotThere as error:
            self._home.repository()  # a repository that is hidden from us would answer so for every ticket
            return Gone(ref=ref, reason=str(error))
        native = wire.ticket(row, fetched_at=self._client.now())
        if wire.is_pull(row):
            return Gone(ref=ref, reason="a pull request")
        native = wire.ticket(row, fetched_at=native.fetched_at, dependencies=self._dependencies.of(row))
        if native.comments is not None or not comments:
            return native
        whole = tuple(self._comments_of(ref))
        return replace(native, comments=whole, comment_count=len(whole))

    def _comments_of(self, ref: NativeRef) -> Iterator[NativeComment]:
        for row in self._client.rows(f"issues/{ref}/comments", what=f"reading the comments of #{ref}"):
            if (native := wire.comment(row)) is not None:
                yield native

    def find(self, op: NativeOp, *, fence: int) -> NativeRef | None:
        """See `Adapter`: the newest of the list, then each number above the fence that the list did not show."""
        if op.marker is None:
            return None
        wanted = f"<!-- {op.marker} -->"
        if op.kind is OpKind.COMMENT_CREATE and op.ref is not None:
            ours = (native for native in self._comments_of(op.ref) if self._is_ours(native.payload, wanted))
            return next((native.ref for native in ours), None)
        found: dict[int, bool] = {}
        for row in self._newest():
            number = row.get("number")
            if not isinstance(number, int) or number <= fence:
                break
            found[number] = self._is_ours(row, wanted)
        newest = max([fence, *found])
        for number in range(fence + 1, newest + UNLISTED + 1):
            if number not in found:
                found[number] = self._is_ours(self._directly(number), wanted)
        return next((NativeRef(str(number)) for number in sorted(found) if found[number]), None)

    def _newest(self) -> Iterator[JsonObject]:
        query = {"state": "all", "sort": "created", "direction": "desc"}
        return self._client.rows("issues", query, what="looking for a lost create")

    def _directly(self, number: int) -> JsonObject:
        try:
            row = self._client.get(f"issues/{number}", what=f"looking at #{number}").body
        except Rejected:
            return {}
        return row if isinstance(row, dict) else {}

    def _is_ours(self, row: JsonObject, wanted: str) -> bool:
        """A copy of the text that somebody else made does not count."""
        author = (wire.name_of(row.get("user"), "login") or "").casefold()
        return wanted in wire.text_of(row, "body") and author == self._home.who().casefold()

    def download(self, attachment: NativeAttachment, take: Callable[[bytes], object], *, limit: int) -> None:  # noqa: ARG002
        """See `Adapter`."""
        raise Rejected(f"{attachment.name}: no files are read here")

    def history(self, refs: Sequence[NativeRef], since: datetime) -> Iterator[NativeEvent]:
        """See `Adapter`: from the repository's events where they tell what was before them, else from the whole timeline."""
        lately = self._lately(since, pages=len(refs) // 2) if len(refs) >= SEVERAL else None
        for ref in refs:
            news = None if lately is None else lately.get(str(ref), [])
            if news == []:
                continue
            start = history.rewound(news[-1]["issue"], news) if news else None
            if news and start is not None:
                yield from (event for event in history.replay(ref, news, start) if event.at > since)
                continue
            try:
                entries = list(self._client.rows(f"issues/{ref}/timeline", what=f"reading the timeline of #{ref}"))
            except Rejected:
                continue
            yield from (event for event in history.replay(ref, entries) if event.at > since)

    def _lately(self, since: datetime, *, pages: int) -> dict[str, list[JsonObject]] | None:
        """The repository's events from `since` on by issue, oldest first; None where they fill more pages than that."""
        found: dict[str, list[JsonObject]] = {}
        for place, event in enumerate(self._client.rows("issues/events", what="listing the events"), 1):
            at = wire.moment(event.get("created_at"))
            if at is not None and at < since:
                return found
            if place > 100 * pages:
                return None
            if isinstance(issue := event.get("issue"), dict):
                found.setdefault(str(issue.get("number")), []).insert(0, event)
        return found

    # -- writing ---------------------------------------------------------------------------------------------

    def write(self, op: NativeOp, content: Path | None = None) -> Receipt:  # noqa: ARG002
        """See `Adapter`."""
        return self._writer.write(op)

    def pause(self, kind: OpKind, count: int = 1) -> Pause | None:
        """See `Adapter`."""
        return self._client.transport.pause(_call(kind), count)

    def recall(self, sent: Sequence[tuple[OpKind, timedelta]]) -> None:
        """See `Adapter`."""
        self._client.transport.budget.recall((_call(kind), ago.total_seconds()) for kind, ago in sent)

    def clock(self) -> ClockReading:
        """See `Adapter`."""
        return self._client.transport.clock()

    def close(self) -> None:
        """See `Adapter`."""
        self._client.close()


def _call(kind: OpKind) -> Call:
    """A request of this kind, as far as GitHub's limits tell them apart."""
    paths = {OpKind.CREATE: "/issues", OpKind.COMMENT_CREATE: "/issues/1/comments"}
    return Call(method="POST" if kind in paths else "PATCH", path=paths.get(kind, ""), write=True)


def open_adapter(
    settings: Settings,
    *,
    replica: ReplicaName,
    select: str | None = None,
    pace: Pace | None = None,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> Adapter:
    """An adapter that has sent nothing yet; raises `ConfigError` for a `select` that can't be understood."""
    traffic = Traffic()
    selection = Selection.parse(select)
    client = Client(settings, traffic, name=replica, pace=pace, sleep=sleep, now=now)
    return GitHubAdapter(settings, client, selection, traffic)
