"""What was pulled and is not yet decided on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, func
from sqlmodel import col, select

from sync.core.ids import BridgeName, NativeRef, ReplicaName
from sync.core.models import Gone, JsonObject, NativeComment, NativeTicket
from sync.store.convert import (
    comment_from_json,
    comment_to_json,
    dumps,
    gone_from_json,
    gone_to_json,
    ticket_from_json,
    ticket_to_json,
)
from sync.store.records import InboxItem
from sync.store.repository import Repository, chunks, sql_table
from sync.store.tables import InboxRow, LinkRow


class Inbox(Repository):
    """Newest wins: what is put later replaces what was put of the same ticket or comment before.

    A ticket that was read without its comments does not replace those that wait: the list stays as it was received.
    """

    def put(
        self,
        bridge: BridgeName,
        replica: ReplicaName,
        tickets: Iterable[NativeTicket] = (),
        comments: Iterable[NativeComment] = (),
        gone: Iterable[Gone] = (),
    ) -> None:
        """Store what one page brought; a ticket that is gone takes the place of the ticket, and the other way round."""
        tickets = list(tickets)
        bare = [one.ref for one in tickets if one.comments is None]
        waiting = {row.ref: row for row in self._tickets(bridge, replica, bare)}
        received = {"bridge": bridge, "replica": replica, "received_at": self._now()}
        for chunk in chunks(_rows(tickets, comments, gone, waiting)):
            newest = {(row["kind"], row["ref"]): {**received, **row} for row in chunk}
            self._upsert(InboxRow, list(newest.values()), unless_same="digest")

    def _tickets(self, bridge: BridgeName, replica: ReplicaName, refs: Sequence[NativeRef]) -> Iterator[InboxRow]:
        query = select(InboxRow).where(
            InboxRow.bridge == bridge,
            InboxRow.replica == replica,
            InboxRow.kind == "ticket",
            col(InboxRow.gone).is_(False),
        )
        for chunk in chunks(refs):
            yield from self._session.exec(query.where(col(InboxRow.ref).in_(chunk)))

    def pending(self, bridge: BridgeName) -> dict[ReplicaName, int]:
        """How many tickets of each replica have something undecided; replicas with none are left out."""
        found = self._session.exec(
            select(InboxRow.replica, func.count(func.distinct(InboxRow.ticket_ref)))
            .where(InboxRow.bridge == bridge)
            .group_by(InboxRow.replica)
        )
        return {ReplicaName(replica): count for replica, count in found}

    def oldest(self, bridge: BridgeName, replica: ReplicaName) -> datetime | None:
        """Since when something has been undecided; None for nothing."""
        query = select(func.min(InboxRow.received_at)).where(InboxRow.bridge == bridge, InboxRow.replica == replica)
        return self._session.exec(query).one()

    def ticket_refs(self, bridge: BridgeName, replica: ReplicaName) -> list[NativeRef]:
        """The tickets with a pending ticket, absence or comment, in the order of their native numbers."""
        found = self._session.exec(_WAITING, params={"bridge": bridge, "replica": replica})
        return [NativeRef(ref) for ref in found]

    def commented(self, bridge: BridgeName, replica: ReplicaName) -> set[NativeRef]:
        """The tickets of which single comments wait."""
        query = select(InboxRow.ticket_ref).where(
            InboxRow.bridge == bridge, InboxRow.replica == replica, InboxRow.kind == "comment"
        )
        return {NativeRef(ref) for ref in self._session.exec(query.distinct())}

    def gone(self, bridge: BridgeName, replica: ReplicaName) -> list[NativeRef]:
        """The tickets of which was said that they are not there."""
        query = select(InboxRow.ref).where(
            InboxRow.bridge == bridge, InboxRow.replica == replica, col(InboxRow.gone).is_(True)
        )
        return [NativeRef(ref) for ref in self._session.exec(query.order_by(InboxRow.ref))]

    def take(self, bridge: BridgeName, replica: ReplicaName, ref: NativeRef) -> InboxItem:
        """All that is pending of one ticket; it stays until `done`."""
        place = {"bridge": bridge, "replica": replica, "ticket_ref": ref}
        found = self._session.exec(_OF_TICKET, params=place).all()
        heads = [row for row in found if row.kind == "ticket"]
        single = [row for row in found if row.kind == "comment"]
        return InboxItem(
            ref=ref,
            ticket=next((ticket_from_json(row.native) for row in heads if not row.gone), None),
            gone=next((gone_from_json(row.native) for row in heads if row.gone), None),
            comments=tuple(comment_from_json(row.native) for row in single),
            seen=frozenset(row.digest for row in found),
            received_at=next((row.received_at for row in heads), None),
            comments_at={NativeRef(row.ref): row.received_at for row in single},
        )

    def done(self, bridge: BridgeName, replica: ReplicaName, ref: NativeRef, item: InboxItem | None = None) -> None:
        """Forget what was decided on.

        With the `item` that `take` gave, what another thread put in the meantime stays; without it all goes.
        """
        place = {"bridge": bridge, "replica": replica, "ticket_ref": ref}
        if item is None:
            self._session.connection().execute(_FORGET, place)
            return
        for seen in chunks(sorted(item.seen)):
            self._session.connection().execute(_FORGET_SEEN, {**place, "seen": seen})


_OF_TICKET = (
    select(InboxRow)
    .where(InboxRow.bridge == bindparam("bridge"), InboxRow.replica == bindparam("replica"))
    .where(InboxRow.ticket_ref == bindparam("ticket_ref"))
    .order_by(InboxRow.ref)
)
_WAITING = (
    select(InboxRow.ticket_ref)
    .join(
        LinkRow,
        and_(
            col(LinkRow.bridge) == col(InboxRow.bridge),
            col(LinkRow.replica) == col(InboxRow.replica),
            col(LinkRow.ref) == col(InboxRow.ticket_ref),
            col(LinkRow.comment).is_(None),
        ),
        isouter=True,
    )
    .where(InboxRow.bridge == bindparam("bridge"), InboxRow.replica == bindparam("replica"))
    .group_by(InboxRow.ticket_ref)
    .order_by(func.max(func.coalesce(func.nullif(InboxRow.number, 0), LinkRow.number, 0)), InboxRow.ticket_ref)
)
_INBOX = sql_table(InboxRow)
_FORGET = delete(_INBOX).where(
    _INBOX.c.bridge == bindparam("bridge"),
    _INBOX.c.replica == bindparam("replica"),
    _INBOX.c.ticket_ref == bindparam("ticket_ref"),
)
_FORGET_SEEN = _FORGET.where(_INBOX.c.digest.in_(bindparam("seen", expanding=True)))


def _rows(
    tickets: Iterable[NativeTicket],
    comments: Iterable[NativeComment],
    gone: Iterable[Gone],
    waiting: Mapping[str, InboxRow],
) -> Iterator[dict[str, Any]]:
    for ticket in tickets:
        native, known = ticket_to_json(ticket), waiting.get(ticket.ref)
        listed = None if known is None else known.native["comments"]
        whole = native if native["comments"] is not None else {**native, "comments": listed}
        row = _row("ticket", ticket.ref, ticket.ref, whole, number=ticket.number)
        yield (
            row
            if known is None or native["comments"] == whole["comments"]
            else {**row, "received_at": known.received_at}
        )
    for missing in gone:
        yield _row("ticket", missing.ref, missing.ref, gone_to_json(missing), gone=True)
    for comment in comments:
        yield _row("comment", comment.ref, comment.ticket, comment_to_json(comment))


def _row(
    kind: str, ref: NativeRef, ticket_ref: NativeRef, native: JsonObject, *, number: int = 0, gone: bool = False
) -> dict[str, Any]:
    content = {name: value for name, value in native.items() if name != "fetched_at"}
    return {
        "kind": kind,
        "ref": ref,
        "ticket_ref": ticket_ref,
        "gone": gone,
        "number": number,
        "digest": hashlib.sha256(dumps([kind, content]).encode()).hexdigest(),
        "native": native,
    }
