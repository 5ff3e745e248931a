"""A tracker in memory: tickets, comments, a history, and the weaknesses of real servers as knobs."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from sync.core.errors import PreconditionFailed, Rejected
from sync.core.ids import NativeRef
from sync.core.models import JsonObject, other_end
from sync.testing.memory_files import MemoryFiles
from sync.testing.memory_knobs import ACCOUNT, NATIVE_KEYS, ManualClock, MemoryKnobs
from sync.testing.memory_limits import MemoryLimit
from sync.testing.memory_rules import checked, refuse_links
from sync.testing.memory_values import is_set

_SETS: Final = frozenset(key for name, key in NATIVE_KEYS.items() if is_set(name))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryWrite:
    """One change that somebody made, as the history tells it; `key` is a native key, or "comment:<id>"."""

    id: str
    ref: NativeRef
    author: str
    at: datetime
    key: str
    old: Any
    new: Any


@dataclass(slots=True)
class _Row:
    """One ticket: its present payload, and what lists show from when on (None: it is not listed)."""

    payload: JsonObject
    shown: list[tuple[datetime, JsonObject | None]] = field(default_factory=list)
    deleted: bool = False


class MemoryTracker:
    """One project; people use `create`, `edit`, `comment` and so on, an adapter the part below that.

    Every write of anybody is in `journal`, oldest first. Thread-safe.
    """

    def __init__(
        self,
        name: str = "memory",
        knobs: MemoryKnobs | None = None,
        clock: Callable[[], datetime] | None = None,
        *,
        exists: bool = True,
    ) -> None:
        self.name = name
        self.exists = exists
        self.knobs = MemoryKnobs() if knobs is None else knobs
        self.clock = ManualClock() if clock is None else clock
        self.journal: list[MemoryWrite] = []
        self.files = MemoryFiles(name)
        self.limit = MemoryLimit()
        self.names = {NATIVE_KEYS[field]: list(names) for field, names in self.knobs.names.items()}
        self._rows: dict[NativeRef, _Row] = {}
        self._comments: dict[NativeRef, NativeRef] = {}  # comment → ticket
        self._lock = threading.RLock()

    # -- what people do --------------------------------------------------------------------------

    def create(self, *, title: str, author: str = "ada", marker: str | None = None, **native: Any) -> NativeRef:
        """A new ticket; `native` are payload keys (`text`, `state`, `type`, `labels`, `people`, …)."""
        with self._lock:
            number = len(self._rows) + 1
            ref, at = self.ref_of(number), self._stamp()
            payload: JsonObject = {
                "id": ref,
                "number": number,
                "rev": 0,
                "author": author,
                "created": at,
                "updated": at,
                "marker": marker,
                "comments": [],
                "files": [],
                **{key: self._empty(key) for key in self._keys()},
            }
            if "reporter" in payload:
                payload["reporter"] = author
            self._rows[ref] = _Row(payload)
            self._change(ref, author, {"title": title, **native})
            return ref

    def edit(self, ref: str, *, author: str = "ada", **native: Any) -> None:
        """Set payload keys; what is set to what it is already leaves no trace."""
        with self._lock:
            self._change(NativeRef(ref), author, native)

    def delete(self, ref: str, *, author: str = "ada") -> None:
        """Delete the ticket: it can't be read any more and no list tells of it."""
        with self._lock:
            row = self._row(ref)
            self._link(row, author, [])
            row.deleted = True
            self._log(NativeRef(ref), author, "deleted", old=False, new=True)
            self._show(row)

    def comment(
        self, ref: str, text: str, *, author: str = "ada", marker: str | None = None, restricted: bool = False
    ) -> NativeRef:
        """A new comment."""
        with self._lock:
            row, at = self._row(ref), self._stamp()
            comment = NativeRef(f"c{len(self._comments) + 1}")
            written = self.knobs.text_rewrite(text)
            row.payload["comments"].append(
                {
                    "id": comment,
                    "ticket": ref,
                    "rev": 1,
                    "text": written,
                    "author": author,
                    "marker": marker,
                    "restricted": restricted,
                    "created": at,
                    "updated": at,
                }
            )
            self._comments[comment] = NativeRef(ref)
            self._log(NativeRef(ref), author, f"comment:{comment}", old=None, new=written)
            self._touch(row)
            return comment

    def edit_comment(self, comment: str, text: str, *, author: str = "ada") -> None:
        """Rewrite a comment; with a feed of comments its ticket does not count as changed."""
        with self._lock:
            row, found = self._comment(comment)
            old, found["text"] = found["text"], self.knobs.text_rewrite(text)
            found.update(rev=found["rev"] + 1, updated=self._stamp())
            self._log(NativeRef(row.payload["id"]), author, f"comment:{comment}", old=old, new=found["text"])
            if self.knobs.comment_feed:
                self._show(row)
            else:
                self._touch(row)

    def delete_comment(self, comment: str, *, author: str = "ada") -> None:
        """Delete a comment; its ticket counts as changed."""
        with self._lock:
            row, found = self._comment(comment)
            row.payload["comments"].remove(found)
            self._log(NativeRef(row.payload["id"]), author, f"comment:{comment}", old=found["text"], new=None)
            self._touch(row)

    def attach(self, ref: str, name: str, content: bytes, *, author: str = "ada", media_type: str = "") -> NativeRef:
        """Upload a file to a ticket."""
        with self._lock:
            row = self._row(ref)
            if row.deleted or not self.knobs.attachments:
                raise Rejected(f"{self.name}: {ref} takes no files")
            file = self.files.add(name, content, media_type)
            row.payload["files"].append({**file, "author": author, "created": self._stamp()})
            self._log(NativeRef(ref), author, f"file:{file['id']}", old=None, new=name)
            self._touch(row)
            return NativeRef(file["id"])

    def detach(self, ref: str, file: str, *, author: str = "ada") -> None:
        """Delete a file of a ticket; one that is not there is no matter."""
        with self._lock:
            row = self._row(ref)
            found = next((one for one in row.payload["files"] if one["id"] == file), None)
            if found is not None:
                row.payload["files"].remove(found)
                self.files.remove(file)
                self._log(NativeRef(ref), author, f"file:{file}", old=found["name"], new=None)
                self._touch(row)

    def ticket(self, ref: str) -> JsonObject:
        """The present payload of a ticket."""
        with self._lock:
            return copy.deepcopy(self._row(ref).payload)

    def tickets(self) -> list[JsonObject]:
        """The present payloads of all tickets that are there, oldest first."""
        with self._lock:
            return [copy.deepcopy(row.payload) for row in self._rows.values() if not row.deleted]

    # -- what the server answers -----------------------------------------------------------------

    def read(self, ref: str) -> JsonObject | None:
        """The present payload; None for a ticket that is not there."""
        with self._lock:
            row = self._rows.get(NativeRef(ref))
            return None if row is None or row.deleted else copy.deepcopy(row.payload)

    def ref_of(self, number: int) -> NativeRef:
        """The ref of the ticket with this number."""
        return NativeRef(f"t{1000 + number}")

    def newest(self) -> int:
        """The newest number."""
        return len(self._rows)

    def listed(self, since: str, after: tuple[str, int] | None) -> list[JsonObject]:
        """One page of tickets updated at or after `since`, by time and number, as the index knows them; no deleted ones."""
        with self._lock:
            rows = [payload for payload in self._index() if payload["updated"] >= since]
            rows.sort(key=_place)
            rows = [row for row in rows if after is None or _place(row) > after]
            return copy.deepcopy(rows[: self.knobs.page_size])

    def listed_comments(self, since: str, after: tuple[str, int] | None) -> list[JsonObject]:
        """One page of the comments of all tickets, as `listed`."""
        with self._lock:
            rows = [row for ticket in self._index() for row in ticket["comments"] if row["updated"] >= since]
            rows.sort(key=_comment_place)
            rows = [row for row in rows if after is None or _comment_place(row) > after]
            return copy.deepcopy(rows[: self.knobs.page_size])

    def deleted(self) -> tuple[NativeRef, ...]:
        """The tickets in the bin."""
        with self._lock:
            return tuple(ref for ref, row in self._rows.items() if row.deleted)

    def patch(
        self,
        ref: str,
        sets: JsonObject,
        adds: JsonObject,
        removes: JsonObject,
        makes: JsonObject | None = None,
        *,
        expects: str | None,
    ) -> JsonObject:
        """Change a ticket as our account, all or nothing; `makes` are names that the project gets."""
        with self._lock:
            if (row := self._rows.get(NativeRef(ref))) is None or row.deleted:
                raise Rejected(f"{self.name}: {ref} is not there")
            if self.knobs.conditional_writes and expects is not None and expects != str(row.payload["rev"]):
                raise PreconditionFailed(f"{self.name}: {ref} is at {row.payload['rev']}, not at {expects}")
            changed = dict(sets)
            for key in {*adds, *removes}:
                kept = [word for word in row.payload[key] if word not in removes.get(key, ())]
                changed[key] = [*kept, *adds.get(key, ())]
            self._change(NativeRef(ref), ACCOUNT, self._checked(changed, makes, row.payload))
            return copy.deepcopy(row.payload)

    def post(self, sets: JsonObject, makes: JsonObject, marker: str | None) -> JsonObject:
        """Create a ticket as our account."""
        with self._lock:
            return self.ticket(self.create(author=ACCOUNT, marker=marker, **self._checked(sets, makes, {})))

    def stamp_of(self, moment: datetime) -> str:
        """A moment as the server writes it."""
        grains = (moment - _EPOCH) // self.knobs.grain
        return (_EPOCH + grains * self.knobs.grain).isoformat(timespec="microseconds")

    def now(self) -> datetime:
        """The server's own clock."""
        return self.clock() + self.knobs.skew

    def comment_of(self, comment: str) -> JsonObject:
        """The present payload of a comment."""
        with self._lock:
            return copy.deepcopy(self._comment(comment)[1])

    # -- inside ----------------------------------------------------------------------------------

    def _keys(self) -> frozenset[str]:
        custom = {row.native for row in self.knobs.custom.values()}
        return frozenset(NATIVE_KEYS[name] for name in self.knobs.fields) | custom

    def _is_set(self, key: str) -> bool:
        return key in _SETS or any(row.native == key and is_set(name) for name, row in self.knobs.custom.items())

    def _empty(self, key: str) -> Any:
        if self._is_set(key):
            return []
        first = {"title": "", "text": "", "state": next(iter(self.knobs.statuses.values()), ""), "type": "Issue"}
        return first.get(key)

    def _checked(self, native: JsonObject, makes: JsonObject | None, present: JsonObject) -> JsonObject:
        """What our account may set, as it asked for it, with the names that it makes."""
        for key, words in (makes or {}).items():
            self.names[key] += [word for word in words if word not in self.names[key]]
        return checked(self.name, self.knobs, self.names, native, present)

    def _change(self, ref: NativeRef, author: str, native: JsonObject) -> None:
        row = self._row(ref)
        if unknown := sorted(set(native) - self._keys()):
            raise Rejected(f"{self.name} has no {', '.join(unknown)}")
        refuse_links(self.name, self.knobs, native, row.payload, self.read)
        changed = False
        for key, value in native.items():
            new = self._kept(key, value)
            old = row.payload[key]
            if (sorted(old) == sorted(new)) if self._is_set(key) else old == new:
                continue
            if key == "links":
                self._link(row, author, new)
            else:
                row.payload[key] = new
                self._log(ref, author, key, old=old, new=new)
                if key in self.names and author != ACCOUNT:  # people make the names that they use
                    words = new if isinstance(new, list) else [new] if new else []
                    self.names[key] += [word for word in words if word not in self.names[key]]
            changed = True
        if changed or not row.payload["rev"]:
            self._touch(row)

    def _link(self, row: _Row, author: str, links: list[str]) -> None:
        """Set a ticket's links, and what the tickets at the other ends say of them."""
        ref, old = row.payload["id"], row.payload.get("links") or []
        if set(links) == set(old):
            return
        row.payload["links"] = links
        self._log(ref, author, "links", old=old, new=links)
        for kind, other in (link.split(":", 1) for link in sorted({*old} ^ {*links})):
            if kind in self.knobs.own_ends:
                continue
            there = self._rows[NativeRef(other)]
            mirrored = other_end(kind, ref)
            before = there.payload["links"]
            kept = [link for link in before if link != mirrored]
            after = [*kept, mirrored] if f"{kind}:{other}" in links else kept
            there.payload["links"] = after
            self._log(NativeRef(other), author, "links", old=before, new=after)
            if self.knobs.links_touch_both:
                self._touch(there)
            else:
                self._show(there)

    def _kept(self, key: str, value: Any) -> Any:
        """What the server makes of a value."""
        if key == "text":
            return self.knobs.text_rewrite(value or "")
        if self._is_set(key):
            most = {"people": self.knobs.max_assignees, "milestones": self.knobs.max_milestones}
            return list(dict.fromkeys(value or ()))[: most.get(key)]
        return value

    def _touch(self, row: _Row) -> None:
        row.payload.update(rev=row.payload["rev"] + 1, updated=self._stamp())
        self._show(row)

    def _show(self, row: _Row) -> None:
        if not self.knobs.list_lag:
            row.shown.clear()
        row.shown.append(
            (self.clock() + self.knobs.list_lag, None if row.deleted else copy.deepcopy(row.payload)),
        )

    def _index(self) -> Iterator[JsonObject]:
        """What lists show at the moment."""
        now = self.clock()
        for row in self._rows.values():
            past = [payload for since, payload in row.shown if since <= now]
            del row.shown[: max(0, len(past) - 1)]
            if past and past[-1] is not None:
                yield past[-1]

    def _log(self, ref: NativeRef, author: str, key: str, *, old: Any, new: Any) -> None:
        self.journal.append(
            MemoryWrite(
                id=f"e{len(self.journal) + 1}",
                ref=ref,
                author=author,
                at=datetime.fromisoformat(self._stamp()),
                key=key,
                old=copy.copy(old),
                new=copy.copy(new),
            )
        )

    def _row(self, ref: str) -> _Row:
        return self._rows[NativeRef(ref)]

    def _comment(self, comment: str) -> tuple[_Row, JsonObject]:
        row = self._row(self._comments[NativeRef(comment)])
        found = next((found for found in row.payload["comments"] if found["id"] == comment), None)
        if found is None or row.deleted:
            raise Rejected(f"{self.name}: comment {comment} is not there")
        return row, found

    def _stamp(self) -> str:
        return self.stamp_of(self.now())


def _place(payload: JsonObject) -> tuple[str, int]:
    return payload["updated"], payload["number"]


def _comment_place(payload: JsonObject) -> tuple[str, int]:
    return payload["updated"], int(payload["id"].removeprefix("c"))
