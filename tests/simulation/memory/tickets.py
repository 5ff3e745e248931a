"""Tickets, comments and files in memory, and what was pulled of them: what `sync.store` does by SQL, over dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from sync.core.errors import StoreError
from sync.core.ids import AttachmentId, CommentId, NativeRef, TicketId
from sync.core.models import Canonical, Field, Gone, NativeTicket
from sync.store.convert import dumps, fields_to_json
from sync.store.records import (
    AttachmentRecord,
    CommentRecord,
    CopyRecord,
    InboxItem,
    TicketRecord,
)
from tests.simulation.memory.tables import Tables

_PREFIXES = {"epic": "EPIC", "issue": "ISSUE", "task": "TASK"}
_LIVELIEST = {"active": 0, "gone": 1, "removed": 2}
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
#: Two rows of the inbox never have the same, and nobody but the inbox looks at them.
_DIGESTS = count(1)


@dataclass(frozen=True, slots=True)
class Context:
    now: Callable[[], datetime]
    new_id: Callable[[], str]


class Noun:
    def __init__(self, tables: Tables, context: Context) -> None:
        self.tables, self.now, self.new_id = tables, context.now, context.new_id


@dataclass(frozen=True, slots=True)
class Waiting:
    """One row of the inbox; `digest` is another one whenever the content is."""

    ticket_ref: str
    content: Any
    number: int
    digest: str
    received_at: datetime


class Inbox(Noun):
    def put(
        self,
        bridge: Any,
        replica: Any,
        tickets: Iterable[Any] = (),
        comments: Iterable[Any] = (),
        gone: Iterable[Any] = (),
    ) -> None:
        for ticket in tickets:
            place = bridge, replica, "ticket", ticket.ref
            known = self.tables.inbox.get(place)
            listed = known.content.comments if known is not None and isinstance(known.content, NativeTicket) else None
            if known is None or listed is None or ticket.comments is not None:
                self._put(place, ticket.ref, ticket, ticket.number)
            else:
                self._put(place, ticket.ref, replace(ticket, comments=listed), ticket.number, known.received_at)
        for missing in gone:
            self._put((bridge, replica, "ticket", missing.ref), missing.ref, missing, 0)
        for comment in comments:
            self._put((bridge, replica, "comment", comment.ref), comment.ticket, comment, 0)

    def _put(self, key: Any, ticket_ref: str, content: Any, number: int, received_at: datetime | None = None) -> None:
        known = self.tables.inbox.get(key)
        if known is not None and _timeless(known.content) == _timeless(content):
            return
        self.tables.inbox[key] = Waiting(ticket_ref, content, number, f"{next(_DIGESTS)}", received_at or self.now())

    def _of(self, bridge: Any, replica: Any) -> Iterator[tuple[Any, Waiting]]:
        return ((key, row) for key, row in self.tables.inbox.items() if key[:2] == (bridge, replica))

    def pending(self, bridge: Any) -> dict[Any, int]:
        refs = {(key[1], row.ticket_ref) for key, row in self.tables.inbox.items() if key[0] == bridge}
        return {replica: sum(one[0] == replica for one in refs) for replica in {one[0] for one in refs}}

    def oldest(self, bridge: Any, replica: Any) -> datetime | None:
        return min((row.received_at for _, row in self._of(bridge, replica)), default=None)

    def ticket_refs(self, bridge: Any, replica: Any) -> list[Any]:
        numbers: dict[str, int] = {}
        linked: dict[str, int] = {}
        for link in self.tables.links.values():
            if (link.bridge, link.replica, link.comment) == (bridge, replica, None):
                linked[link.ref] = max(link.number, linked.get(link.ref, 0))
        for _, row in self._of(bridge, replica):
            number = row.number or linked.get(row.ticket_ref, 0)
            numbers[row.ticket_ref] = max(number, numbers.get(row.ticket_ref, 0))
        return [ref for _, ref in sorted((number, ref) for ref, number in numbers.items())]

    def commented(self, bridge: Any, replica: Any) -> set[Any]:
        return {row.ticket_ref for key, row in self._of(bridge, replica) if key[2] == "comment"}

    def gone(self, bridge: Any, replica: Any) -> list[Any]:
        return sorted(key[3] for key, row in self._of(bridge, replica) if isinstance(row.content, Gone))

    def take(self, bridge: Any, replica: Any, ref: Any) -> InboxItem:
        found = sorted((key[3], key[2], row) for key, row in self._of(bridge, replica) if row.ticket_ref == ref)
        heads = [row for _, kind, row in found if kind == "ticket"]
        return InboxItem(
            ref=ref,
            ticket=next((row.content for row in heads if not isinstance(row.content, Gone)), None),
            gone=next((row.content for row in heads if isinstance(row.content, Gone)), None),
            comments=tuple(row.content for _, kind, row in found if kind == "comment"),
            seen=frozenset(row.digest for _, _, row in found),
            received_at=next((row.received_at for row in heads), None),
            comments_at={NativeRef(ref): row.received_at for ref, kind, row in found if kind == "comment"},
        )

    def done(self, bridge: Any, replica: Any, ref: Any, item: InboxItem | None = None) -> None:
        for key, row in list(self._of(bridge, replica)):
            if row.ticket_ref == ref and (item is None or row.digest in item.seen):
                del self.tables.inbox[key]


def in_order(canonical: Canonical) -> Canonical:
    """As JSON gives it back: by the names of the fields."""
    fields = {name: canonical.fields[name] for name in sorted(canonical.fields)}
    return Canonical(
        fields=fields, provenance={name: canonical.provenance[name] for name in sorted(canonical.provenance)}
    )


def _timeless(content: Any) -> Any:
    return replace(content, fetched_at=_NEVER) if isinstance(content, NativeTicket) else content


class Tickets(Noun):
    def create(self, bridge: Any, canonical: Canonical, *, dirty: str | None = None) -> TicketRecord:
        numbers = [one.number for one in self.tables.tickets.values() if one.bridge == bridge]
        now = self.now()
        record = TicketRecord(
            id=TicketId(self.new_id()),
            bridge=bridge,
            number=max(numbers, default=0) + 1,
            key="",
            canonical=canonical,
            dirty=dirty,
            created_at=now,
            updated_at=now,
        )
        return self._keep(record)

    def _keep(self, record: TicketRecord) -> TicketRecord:
        prefix = _PREFIXES.get(str(record.canonical.fields.get(Field.KIND)), "ISSUE")
        record = replace(record, key=f"{prefix}-{record.number}", canonical=in_order(record.canonical))
        self.tables.tickets[record.id] = record
        return record

    def get(self, ticket: Any) -> TicketRecord | None:
        return self.tables.tickets.get(ticket)

    def by_key(self, bridge: Any, key: str) -> TicketRecord | None:
        number = key.rpartition("-")[2]
        return next((one for one in self.list(bridge) if str(one.number) == number), None)

    def save(self, ticket: Any, canonical: Canonical) -> None:
        self._keep(replace(self.tables.tickets[ticket], canonical=canonical, updated_at=self.now()))

    def set_dirty(self, ticket: Any, reason: str | None) -> None:
        if (known := self.tables.tickets.get(ticket)) is not None and known.dirty != reason:
            self.tables.tickets[ticket] = replace(known, dirty=reason)

    def dirty(self, bridge: Any, reason: str | None = None) -> list[Any]:
        return [one.id for one in self.list(bridge) if one.dirty is not None and reason in (None, one.dirty)]

    def naming(self, bridge: Any, ticket: Any) -> list[Any]:
        named = [
            one
            for one in self.list(bridge)
            if one.id != ticket and ticket in dumps(fields_to_json(one.canonical.fields))
        ]
        return [one.id for one in named]

    def count(self, bridge: Any) -> int:
        return sum(one.bridge == bridge for one in self.tables.tickets.values())

    def list(self, bridge: Any) -> Iterator[TicketRecord]:
        mine = (one for one in self.tables.tickets.values() if one.bridge == bridge)
        return iter(sorted(mine, key=lambda one: one.number))


class Comments(Noun):
    def create(
        self, ticket: Any, canonical: Canonical, origin: Any, author: Any, author_name: str, created_at: datetime
    ) -> CommentRecord:
        record = CommentRecord(
            id=CommentId(self.new_id()),
            ticket=ticket,
            canonical=canonical,
            origin=origin,
            author=author,
            author_name=author_name,
            created_at=created_at,
            updated_at=self.now(),
        )
        self.tables.comments[record.id] = record
        return record

    def get(self, comment: Any) -> CommentRecord | None:
        return self.tables.comments.get(comment)

    def of(self, ticket: Any, *, deleted: bool = False) -> list[CommentRecord]:
        mine = [one for one in self.tables.comments.values() if one.ticket == ticket and (deleted or not one.deleted)]
        return sorted(mine, key=lambda one: (one.created_at, one.id))

    def save(self, comment: Any, canonical: Canonical) -> None:
        self.tables.comments[comment] = replace(
            self.tables.comments[comment], canonical=canonical, updated_at=self.now()
        )

    def delete(self, comment: Any) -> None:
        now = self.now()
        self.tables.comments[comment] = replace(self.tables.comments[comment], deleted_at=now, updated_at=now)


class Attachments(Noun):
    def create(
        self,
        ticket: Any,
        *,
        sha256: str | None,
        name: str,
        size: int,
        media_type: str,
        origin: Any,
        skipped: str = "",
    ) -> AttachmentRecord:
        record = AttachmentRecord(
            id=AttachmentId(self.new_id()),
            ticket=ticket,
            sha256=sha256,
            name=name,
            size=size,
            media_type=media_type,
            origin=origin,
            skipped=skipped,
            created_at=self.now(),
        )
        self.tables.attachments[record.id] = record
        return record

    def get(self, attachment: Any) -> AttachmentRecord | None:
        return self.tables.attachments.get(attachment)

    def of(self, ticket: Any) -> list[AttachmentRecord]:
        mine = [one for one in self.tables.attachments.values() if one.ticket == ticket]
        return sorted(mine, key=lambda one: (one.created_at, one.id))

    def delete(self, attachment: Any) -> None:
        self.tables.attachments[attachment] = replace(self.tables.attachments[attachment], deleted_at=self.now())

    def add_copy(
        self, attachment: Any, *, bridge: Any, replica: Any, ref: Any, url: str, seen_at: Any, state: Any = "active"
    ) -> None:
        record = CopyRecord(
            id=self.new_id(),
            bridge=bridge,
            replica=replica,
            ticket=attachment.ticket,
            attachment=attachment.id,
            ref=ref,
            url=url,
            state=state,
            seen_at=seen_at,
        )
        key = (record.ticket, replica, ref)
        if any((one.ticket, one.replica, one.ref) == key for one in self.tables.copies.values()):
            raise StoreError(f"a second copy {key}")
        self.tables.copies[record.id] = record

    def copies(self, ticket: Any) -> list[CopyRecord]:
        return sorted((one for one in self.tables.copies.values() if one.ticket == ticket), key=lambda one: one.id)

    def set_copy(self, copy: str, state: Any, seen_at: datetime) -> None:
        self.tables.copies[copy] = replace(self.tables.copies[copy], state=state, seen_at=seen_at)

    def any(self) -> bool:
        return bool(self.tables.copies)

    def by_url(self, bridge: Any, urls: Iterable[str]) -> dict[str, Any]:
        wanted = set(urls)
        mine = (one for one in self.tables.copies.values() if one.bridge == bridge)
        return {one.url: one.attachment for one in mine if one.url in wanted}

    def addresses(self, replica: Any, attachments: Iterable[str]) -> dict[Any, tuple[str, str]]:
        wanted = set(attachments)
        best: dict[Any, tuple[int, str, str]] = {}
        for copy in self.tables.copies.values():
            row = self.tables.attachments[copy.attachment]
            if row.id in wanted and copy.state == "active" and copy.url:
                rank = 0 if copy.replica == replica else 1 if copy.replica == row.origin else 2
                found = (rank, row.name, copy.url)
                best[row.id] = min(best.get(row.id, found), found)
        return {attachment: (name, url) for attachment, (_, name, url) in best.items()}
