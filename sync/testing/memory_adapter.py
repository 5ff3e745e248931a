"""The adapter of a tracker in memory: counts requests as if each were sent over a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sync.core.capabilities import Capabilities, ProjectFacts, Visibility
from sync.core.errors import AuthFailed, Rejected
from sync.core.ids import Cursor, NativeRef
from sync.core.models import Gone, JsonObject, NativeAttachment, NativeComment, NativeEvent, NativeTicket
from sync.core.ports import ClockReading, NativeOp, OpKind, Page, Pause, Receipt, Traffic
from sync.testing.memory_codec import attachment_of
from sync.testing.memory_knobs import ACCOUNT, TOKEN
from sync.testing.memory_limits import MemoryLimit
from sync.testing.memory_server import MemoryTracker

_CHUNK: Final = 65_536


class MemoryAdapter:
    """Speaks to a `MemoryTracker` as `ACCOUNT`; several may speak to the same one."""

    def __init__(self, tracker: MemoryTracker, *, token: str = TOKEN) -> None:
        self.traffic = Traffic()
        self._tracker = tracker
        self._token = token
        self._known = MemoryLimit()

    def probe(self) -> Capabilities:
        """See `Adapter`."""
        self._count("probe")
        if not self._tracker.exists:
            raise Rejected(f"there is no project {self._tracker.name}: check `project`")
        knobs = self._tracker.knobs
        types = tuple(row.native for row in knobs.mapping().types)
        return Capabilities(
            server="memory",
            account=ACCOUNT,
            fields=knobs.fields,
            facts=ProjectFacts(
                statuses=dict.fromkeys(knobs.statuses.values(), ""),
                types=types,
                priorities=tuple(knobs.priorities.values()),
                resolutions=tuple(knobs.reasons.values()),
                custom={row.native: row.type for row in knobs.custom.values()},
                extra={"names": {key: list(names) for key, names in sorted(self._tracker.names.items())}},
            ),
            tells=knobs.tells,
            attachments=knobs.attachments,
            own_ends=knobs.own_ends,
            can_delete=knobs.can_delete,
            max_assignees=knobs.max_assignees,
            title_limit=knobs.title_limit,
            body_limit=knobs.body_limit,
            conditional_writes=knobs.conditional_writes,
            history=knobs.history,
            clock_resolution=knobs.grain,
            feeds=2 if knobs.comment_feed else 1,
        )

    def resume(self, known: Capabilities) -> None:
        """See `Adapter`."""

    def visibility(self) -> Visibility:
        """See `Adapter`."""
        self._count("visibility")
        return self._tracker.knobs.visibility

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """See `Adapter`: each feed is read again from a little before the newest time seen, and what was seen is left out."""
        state: dict[str, Any] = {"bin": [], "tickets": {}, "comments": {}}
        if since is not None:
            state = json.loads(since)
        yield from self._feed(state, "tickets", self._tracker.listed)
        if self._tracker.knobs.comment_feed:
            yield from self._feed(state, "comments", self._tracker.listed_comments)

    def fetch(self, refs: Sequence[NativeRef], *, comments: bool = True) -> Iterator[NativeTicket | Gone]:  # noqa: ARG002
        """See `Adapter`: a hundred to a request, with their comments in any case."""
        for start in range(0, len(refs), 100):
            self._count("fetch")
            for ref in refs[start : start + 100]:
                payload = self._tracker.read(ref)
                yield Gone(ref=ref, reason="deleted") if payload is None else self._native(payload)

    def find(self, op: NativeOp, *, fence: int) -> NativeRef | None:
        """See `Adapter`."""
        if op.kind is OpKind.COMMENT_CREATE:
            self._count("find")
            ticket = None if op.ref is None else self._tracker.read(op.ref)
            return _first_ours([] if ticket is None else ticket["comments"], op)
        for number in range(fence + 1, self._tracker.newest() + 1):
            self._count("find")
            payload = self._tracker.read(self._tracker.ref_of(number))
            if payload is not None and (found := _first_ours([payload], op)) is not None:
                return found
        return None

    def write(self, op: NativeOp, content: Path | None = None) -> Receipt:
        """See `Adapter`."""
        self._count(op.action, write=True)
        self._tracker.limit.spend(op.kind, self._tracker.clock(), self._tracker.knobs.new_per_hour)
        self._known.spend(op.kind, self._tracker.clock(), None)
        payload = op.payload
        match op.kind:
            case OpKind.CREATE:
                return self._receipt(self._tracker.post(payload["set"], payload.get("make", {}), payload["marker"]))
            case OpKind.UPDATE:
                verbs: list[JsonObject] = [payload.get(verb, {}) for verb in ("set", "add", "remove", "make")]
                return self._receipt(self._tracker.patch(_ref(op), *verbs, expects=op.expects))
            case OpKind.DELETE:
                return self._delete(op)
            case OpKind.ATTACHMENT_CREATE | OpKind.ATTACHMENT_DELETE:
                return self._write_file(op, content)
        return self._write_comment(op)

    def download(self, attachment: NativeAttachment, take: Callable[[bytes], object], *, limit: int) -> None:
        """See `Adapter`."""
        self._count("download")
        content = self._tracker.files.content(attachment.ref)
        if content is None:
            raise Rejected(f"{self._tracker.name}: '{attachment.name}' is not there")
        if len(content) > limit:
            raise Rejected(f"{self._tracker.name}: '{attachment.name}' is larger than the {limit:,} bytes allowed")
        for start in range(0, len(content), _CHUNK):
            take(content[start : start + _CHUNK])

    def history(self, refs: Sequence[NativeRef], since: datetime) -> Iterator[NativeEvent]:
        """See `Adapter`: one request for all of them."""
        if not self._tracker.knobs.history:
            return
        self._count("history")
        wanted = set(refs)
        for entry in list(self._tracker.journal):
            if entry.ref in wanted and entry.at > since:
                yield NativeEvent(
                    id=entry.id,
                    ref=entry.ref,
                    author=entry.author,
                    at=entry.at,
                    payload={"key": entry.key, "old": entry.old, "new": entry.new},
                )

    def pause(self, kind: OpKind, count: int = 1) -> Pause | None:
        """See `Adapter`: by what this adapter knows of."""
        return self._known.pause(kind, self._tracker.clock(), self._tracker.knobs.new_per_hour, count)

    def recall(self, sent: Sequence[tuple[OpKind, timedelta]]) -> None:
        """See `Adapter`."""
        self._known.recall(sent, self._tracker.clock())

    def clock(self) -> ClockReading:
        """See `Adapter`."""
        return ClockReading(offset=self._tracker.knobs.skew, uncertainty=self._tracker.knobs.grain)

    def close(self) -> None:
        """See `Adapter`."""

    def _count(self, route: str, *, write: bool = False) -> None:
        self.traffic.requests += 1
        self.traffic.writes += write
        self.traffic.by_route[route] = self.traffic.by_route.get(route, 0) + 1
        if self._token != TOKEN:
            raise AuthFailed(f"{self._tracker.name} does not know these credentials: check the token")

    def _feed(
        self,
        state: dict[str, Any],
        feed: str,
        listed: Callable[[str, tuple[str, int] | None], list[JsonObject]],
    ) -> Iterator[Page]:
        knobs = self._tracker.knobs
        newest: str = state[feed].get("newest", "")
        seen: dict[str, list[Any]] = state[feed].get("seen", {})
        start = self._before(newest)
        after: tuple[str, int] | None = None
        while True:
            self._count(feed)
            rows = listed(start, after)
            fresh = [row for row in rows if seen.get(row["id"], [None])[0] != row["rev"]]
            for row in rows:
                seen[row["id"]] = [row["rev"], row["updated"]]
                newest = max(newest, row["updated"])
                after = (row["updated"], row["number"] if feed == "tickets" else int(row["id"][1:]))
            horizon = self._before(newest)
            seen = {ref: mark for ref, mark in seen.items() if mark[1] >= horizon}
            state[feed] = {"newest": newest, "seen": seen}
            yield self._page(state, feed, fresh)
            if len(rows) < knobs.page_size:
                return

    def _page(self, state: dict[str, Any], feed: str, rows: list[JsonObject]) -> Page:
        gone: list[NativeRef] = []
        if self._tracker.knobs.reports_gone and feed == "tickets":
            gone = [ref for ref in self._tracker.deleted() if ref not in state["bin"]]
            state["bin"] += gone
        return Page(
            cursor=Cursor(json.dumps(state, sort_keys=True)),
            tickets=tuple(map(self._listed, rows)) if feed == "tickets" else (),
            comments=tuple(_comment(row) for row in rows) if feed == "comments" else (),
            gone=tuple(Gone(ref=ref, reason="deleted") for ref in gone),
        )

    def _before(self, newest: str) -> str:
        """Where to read on: what was written before `newest` may be listed only now."""
        if not newest:
            return ""
        knobs = self._tracker.knobs
        return self._tracker.stamp_of(datetime.fromisoformat(newest) - knobs.list_lag)

    def _native(self, payload: JsonObject) -> NativeTicket:
        number = payload["number"]
        comments = tuple(_comment(row) for row in payload["comments"])
        return NativeTicket(
            ref=NativeRef(payload["id"]),
            key=f"{self._tracker.name.upper()}-{number}",
            url=f"https://{self._tracker.name}.example/tickets/{number}",
            number=number,
            version=str(payload["rev"]),
            payload={key: value for key, value in payload.items() if key != "comments"},
            fetched_at=self._tracker.now(),
            updated_at=datetime.fromisoformat(payload["updated"]),
            comment_count=len(comments),
            comments=comments,
        )

    def _listed(self, payload: JsonObject) -> NativeTicket:
        """A row of a list: where comments have a feed of their own, it holds none."""
        native = self._native(payload)
        return replace(native, comments=None) if self._tracker.knobs.comment_feed else native

    def _receipt(self, payload: JsonObject) -> Receipt:
        answers = self._tracker.knobs.answers
        return Receipt(
            ref=NativeRef(payload["id"]),
            at=self._tracker.now(),
            ticket=self._native(payload) if answers else None,
        )

    def _delete(self, op: NativeOp) -> Receipt:
        if self._tracker.read(ref := _ref(op)) is not None:
            self._tracker.delete(ref, author=ACCOUNT)
        return Receipt(ref=ref, at=self._tracker.now())

    def _write_file(self, op: NativeOp, content: Path | None) -> Receipt:
        ref = _ref(op)
        if self._tracker.read(ref) is None:
            raise Rejected(f"{self._tracker.name}: {ref} is not there")
        if op.kind is OpKind.ATTACHMENT_DELETE:
            self._tracker.detach(ref, op.payload["attachment"], author=ACCOUNT)
            return Receipt(ref=ref, at=self._tracker.now())
        if content is None:
            raise Rejected(f"{op.summary}: there is no content")
        file = self._tracker.attach(
            ref,
            op.payload["name"],
            content.read_bytes(),
            author=ACCOUNT,
            media_type=op.payload["media_type"],
        )
        row = next(row for row in self._tracker.ticket(ref)["files"] if row["id"] == file)
        return Receipt(ref=ref, at=self._tracker.now(), attachment=attachment_of(row, ref))

    def _write_comment(self, op: NativeOp) -> Receipt:
        ref = _ref(op)
        if self._tracker.read(ref) is None:
            raise Rejected(f"{self._tracker.name}: {ref} is not there")
        comment: NativeRef | None = op.comment
        if op.kind is OpKind.COMMENT_CREATE:
            comment = self._tracker.comment(ref, op.payload["text"], author=ACCOUNT, marker=op.payload["marker"])
        elif op.kind is OpKind.COMMENT_UPDATE and comment is not None:
            self._tracker.edit_comment(comment, op.payload["text"], author=ACCOUNT)
        elif comment is not None:
            self._tracker.delete_comment(comment, author=ACCOUNT)
        alive = comment is not None and op.kind is not OpKind.COMMENT_DELETE
        return Receipt(
            ref=ref,
            at=self._tracker.now(),
            comment=_comment(self._tracker.comment_of(comment)) if alive and comment is not None else None,
            comment_ref=comment,
        )


def _first_ours(rows: Sequence[JsonObject], op: NativeOp) -> NativeRef | None:
    """The oldest that our account made with the marker; a copy that somebody else made does not count."""
    found = (row for row in rows if row["marker"] == op.marker and row["author"] == ACCOUNT)
    return next((NativeRef(row["id"]) for row in found), None)


def _comment(payload: JsonObject) -> NativeComment:
    return NativeComment(
        ref=NativeRef(payload["id"]),
        ticket=NativeRef(payload["ticket"]),
        version=str(payload["rev"]),
        payload=payload,
    )


def _ref(op: NativeOp) -> NativeRef:
    if op.ref is None:
        raise Rejected(f"{op.action} of no ticket")
    return op.ref
