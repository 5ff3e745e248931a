"""Links between canonical and native, each with the base that was observed on it."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import BindParameter, Select, bindparam, case, func
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from sync.core.ids import BridgeName, CommentId, NativeRef, ReplicaName, TicketId
from sync.core.models import Field, Fields, JsonObject, NativeComment, NativeTicket
from sync.store.convert import (
    comment_from_json,
    comment_to_json,
    fields_from_json,
    fields_to_json,
    ticket_from_json,
    ticket_to_json,
)
from sync.store.records import LinkRecord, LinkState
from sync.store.repository import Repository, chunks, sql_table
from sync.store.tables import InboxRow, LinkRow

Query = TypeVar("Query", bound=Select[*tuple[Any, ...]])

#: Of several links of one ref, the one that says most about today.
_LIVELIEST = case({"active": 0, "gone": 1}, value=LinkRow.state, else_=2)


class Links(Repository):
    """At most one active link joins a native ref, and at most one joins a ticket (or comment) to a replica."""

    def add(
        self,
        *,
        bridge: BridgeName,
        replica: ReplicaName,
        ref: NativeRef,
        ticket: TicketId,
        comment: CommentId | None = None,
        parent_ref: NativeRef | None = None,
        key: str = "",
        url: str = "",
        number: int = 0,
        native: NativeTicket | NativeComment | None = None,
        base: Fields | None = None,
        digest: str = "",
        agreed: Fields | None = None,
        state: LinkState = "active",
        observed_at: datetime | None = None,
    ) -> LinkRecord:
        """A new link; a second active one for the same ref or place is refused."""
        now = self._now()
        record = LinkRecord(
            id=self._new_id(),
            bridge=bridge,
            replica=replica,
            ref=ref,
            ticket=ticket,
            comment=comment,
            parent_ref=parent_ref,
            key=key,
            url=url,
            number=number,
            native=native,
            base=base,
            digest=digest,
            agreed={} if agreed is None else agreed,
            state=state,
            created_at=now,
            observed_at=observed_at or now,
        )
        self._insert(LinkRow, _columns(record))
        return record

    def get(self, link: str) -> LinkRecord | None:
        """The link in any state; None for none."""
        row = self._get(LinkRow, link)
        return None if row is None else _record(row)

    def by_ref(
        self,
        bridge: BridgeName,
        replica: ReplicaName,
        ref: NativeRef,
        comment: bool = False,
        *,
        removed: bool = False,
    ) -> LinkRecord | None:
        """The link of a native ticket (or comment): the active one, else the gone one, else (`removed`) the removed one."""
        place = {"bridge": bridge, "replica": replica, "ref": ref}
        row = self._session.exec(_link_of(comment, removed), params=place).first()
        return None if row is None else _record(row)

    def of_ticket(self, ticket: TicketId, *, removed: bool = False) -> builtins.list[LinkRecord]:
        """The ticket's own links, active and gone (with `removed`, those too), oldest first."""
        return self._of(ticket, comment=False, removed=removed)

    def of_comments(self, ticket: TicketId) -> builtins.list[LinkRecord]:
        """The links of the ticket's comments, active and gone, oldest first."""
        return self._of(ticket, comment=True, removed=False)

    def save(self, record: LinkRecord) -> None:
        """Replace the link with this id."""
        columns = _columns(record)
        self._change(LinkRow, columns.pop("id"), **columns)

    def remove(self, link: str) -> None:
        """Unlink: the link becomes history, and its ref and place are free again."""
        self._change(LinkRow, link, state="removed")

    def count(self, bridge: BridgeName, replica: ReplicaName) -> int:
        """How many tickets are actively linked to the replica."""
        return self._session.exec(_active(select(func.count(col(LinkRow.id))), bridge, replica)).one()

    def tickets(self, bridge: BridgeName) -> int:
        """How many tickets of the bridge are actively linked anywhere."""
        query = _of_kind(select(func.count(func.distinct(LinkRow.ticket))), comment=False)
        return self._session.exec(query.where(LinkRow.bridge == bridge, LinkRow.state == "active")).one()

    def missing(self, bridge: BridgeName, replica: ReplicaName) -> builtins.list[LinkRecord]:
        """The active links of tickets that were not found when they were looked for."""
        query = _active(select(LinkRow), bridge, replica).where(col(LinkRow.missing_since).is_not(None))
        return [_record(row) for row in self._session.exec(query.order_by(col(LinkRow.number), LinkRow.id))]

    def orphans(self, bridge: BridgeName, replica: ReplicaName) -> builtins.list[LinkRecord]:
        """The active links of tickets under a parent that was not linked when they were decided on."""
        is_unknown = sql_table(LinkRow).c.base[Field.PARENT.value, "unknown"].as_boolean()
        query = _active(select(LinkRow), bridge, replica).where(is_unknown)
        return [_record(row) for row in self._session.exec(query.order_by(col(LinkRow.number), LinkRow.id))]

    def numbers(self, bridge: BridgeName, replica: ReplicaName) -> int:
        """The newest native ticket number that was ever seen, pulled or linked; 0 before the first (the fence)."""
        seen = [
            self._session.exec(
                select(func.max(table.number)).where(table.bridge == bridge, table.replica == replica)
            ).one()
            for table in (LinkRow, InboxRow)
        ]
        return max(number or 0 for number in seen)

    def all_refs(self, bridge: BridgeName, replica: ReplicaName) -> builtins.list[NativeRef]:
        """The refs of all actively linked tickets, by native number."""
        query = _active(select(LinkRow.ref), bridge, replica)
        return [NativeRef(ref) for ref in self._session.exec(query.order_by(col(LinkRow.number), LinkRow.ref))]

    def refs_to_tickets(
        self, bridge: BridgeName, replica: ReplicaName, refs: Iterable[NativeRef]
    ) -> dict[NativeRef, TicketId]:
        """The tickets behind native refs with an active link; the others are left out."""
        place = {"bridge": bridge, "replica": replica}
        return {
            NativeRef(ref): TicketId(ticket)
            for chunk in chunks(refs)
            for ref, ticket in self._session.exec(_TICKETS, params={**place, "refs": chunk})
        }

    def tickets_to_refs(
        self, bridge: BridgeName, replica: ReplicaName, ids: Iterable[TicketId]
    ) -> dict[TicketId, NativeRef]:
        """What the replica calls these tickets; those without an active link there, and missing ones, are left out."""
        query = _active(select(LinkRow.ticket, LinkRow.ref), bridge, replica).where(
            col(LinkRow.missing_since).is_(None)
        )
        return {
            TicketId(ticket): NativeRef(ref)
            for chunk in chunks(ids)
            for ticket, ref in self._session.exec(query.where(col(LinkRow.ticket).in_(chunk)))
        }

    def comment_counts(
        self, bridge: BridgeName, replica: ReplicaName, refs: Iterable[NativeRef]
    ) -> dict[NativeRef, int]:
        """How many comments of each of these native tickets are actively linked; those with none are left out."""
        place = {"bridge": bridge, "replica": replica}
        return {
            NativeRef(ref): count
            for chunk in chunks(refs)
            for ref, count in self._session.exec(_COMMENTS, params={**place, "refs": chunk})
            if ref is not None
        }

    def list(
        self, bridge: BridgeName, replica: ReplicaName | None = None, state: LinkState | None = None
    ) -> Iterator[LinkRecord]:
        """The tickets' links by native number, read a chunk at a time; in every state unless one is given."""
        query = _of_kind(select(LinkRow), comment=False).where(LinkRow.bridge == bridge)
        if replica is not None:
            query = query.where(LinkRow.replica == replica)
        if state is not None:
            query = query.where(LinkRow.state == state)
        return self._walk(query, _record, "number", "id")

    def _of(self, ticket: TicketId, *, comment: bool, removed: bool) -> builtins.list[LinkRecord]:
        return [_record(row) for row in self._session.exec(_links_of(comment, removed), params={"ticket": ticket})]


@cache
def _link_of(comment: bool, removed: bool) -> SelectOfScalar[LinkRow]:
    query = _of_kind(select(LinkRow), comment).where(
        LinkRow.bridge == bindparam("bridge"),
        LinkRow.replica == bindparam("replica"),
        LinkRow.ref == bindparam("ref"),
    )
    if not removed:
        query = query.where(LinkRow.state != "removed")
    return query.order_by(_LIVELIEST, col(LinkRow.created_at).desc())


@cache
def _links_of(comment: bool, removed: bool) -> SelectOfScalar[LinkRow]:
    query = _of_kind(select(LinkRow), comment).where(LinkRow.ticket == bindparam("ticket"))
    if not removed:
        query = query.where(LinkRow.state != "removed")
    return query.order_by(col(LinkRow.created_at), LinkRow.id)


def _of_kind(query: Query, comment: bool) -> Query:
    return query.where(col(LinkRow.comment).is_not(None) if comment else col(LinkRow.comment).is_(None))


def _active(query: Query, bridge: BridgeName | BindParameter[str], replica: ReplicaName | BindParameter[str]) -> Query:
    return _of_kind(query, comment=False).where(
        col(LinkRow.bridge) == bridge, col(LinkRow.replica) == replica, col(LinkRow.state) == "active"
    )


_TICKETS = _active(select(LinkRow.ref, LinkRow.ticket), bindparam("bridge"), bindparam("replica")).where(
    col(LinkRow.ref).in_(bindparam("refs", expanding=True))
)
_COMMENTS = (
    select(LinkRow.parent_ref, func.count())
    .where(LinkRow.bridge == bindparam("bridge"), LinkRow.replica == bindparam("replica"), LinkRow.state == "active")
    .where(col(LinkRow.parent_ref).in_(bindparam("refs", expanding=True)))
    .group_by(col(LinkRow.parent_ref))
)


def _native(native: NativeTicket | NativeComment) -> JsonObject:
    return ticket_to_json(native) if isinstance(native, NativeTicket) else comment_to_json(native)


def _columns(record: LinkRecord) -> dict[str, Any]:
    native = record.native
    return {
        "id": record.id,
        "bridge": record.bridge,
        "replica": record.replica,
        "ref": record.ref,
        "ticket": record.ticket,
        "comment": record.comment,
        "parent_ref": record.parent_ref,
        "key": record.key,
        "url": record.url,
        "number": record.number,
        "native": None if native is None else _native(native),
        "base": None if record.base is None else fields_to_json(record.base),
        "digest": record.digest,
        "agreed": fields_to_json(record.agreed),
        "state": record.state,
        "created_at": record.created_at,
        "observed_at": record.observed_at,
        "missing_since": record.missing_since,
    }


def _record(row: LinkRow) -> LinkRecord:
    read = ticket_from_json if row.comment is None else comment_from_json
    return LinkRecord(
        id=row.id,
        bridge=BridgeName(row.bridge),
        replica=ReplicaName(row.replica),
        ref=NativeRef(row.ref),
        ticket=TicketId(row.ticket),
        comment=None if row.comment is None else CommentId(row.comment),
        parent_ref=None if row.parent_ref is None else NativeRef(row.parent_ref),
        key=row.key,
        url=row.url,
        number=row.number,
        native=None if row.native is None else read(row.native),
        base=None if row.base is None else fields_from_json(row.base),
        digest=row.digest,
        agreed=fields_from_json(row.agreed),
        state=row.state,  # type: ignore[arg-type]
        created_at=row.created_at,
        observed_at=row.observed_at,
        missing_since=row.missing_since,
    )
