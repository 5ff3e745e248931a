"""Requests that were decided on, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, bindparam, func, or_
from sqlmodel import col, select

from sync.core.ids import BridgeName, CommentId, NativeRef, ReplicaName, RunId, TicketId
from sync.core.models import JsonObject
from sync.core.ports import NativeOp, OpKind
from sync.store.convert import op_from_json, op_to_json
from sync.store.records import UNFINISHED, OutboxRecord, OutboxState
from sync.store.repository import Repository
from sync.store.tables import OutboxRow


class Outbox(Repository):
    """One row a native request, in the order in which they were decided."""

    def add(
        self,
        *,
        run: RunId,
        bridge: BridgeName,
        replica: ReplicaName,
        ticket: TicketId,
        op: NativeOp,
        comment: CommentId | None = None,
        link: str | None = None,
        context: JsonObject | None = None,
        state: OutboxState = "pending",
        sent_at: datetime | None = None,
        fence: int = 0,
        before: JsonObject | None = None,
        after: JsonObject | None = None,
    ) -> OutboxRecord:
        """A request that is to be sent, or (`sent_at`) is about to go out."""
        newest = self._session.exec(select(func.max(OutboxRow.sequence))).one()
        record = OutboxRecord(
            id=self._new_id(),
            sequence=(newest or 0) + 1,
            run=run,
            bridge=bridge,
            replica=replica,
            ticket=ticket,
            comment=comment,
            link=link,
            op=op,
            context={} if context is None else context,
            state=state,
            fence=fence,
            attempts=0 if sent_at is None else 1,
            not_before=None,
            created_at=self._now(),
            sent_at=sent_at,
            finished_at=None,
            before=before,
            after=after,
            error=None,
        )
        self._insert(OutboxRow, _columns(record))
        return record

    def get(self, request: str) -> OutboxRecord | None:
        """The request; None for none."""
        row = self._get(OutboxRow, request)
        return None if row is None else _record(row)

    def save(self, record: OutboxRecord) -> None:
        """Replace the request with this id."""
        columns = _columns(record)
        self._change(OutboxRow, columns.pop("id"), **columns)

    def unfinished(self, bridge: BridgeName) -> list[OutboxRecord]:
        """The requests whose end is not known, in order."""
        query = select(OutboxRow).where(OutboxRow.bridge == bridge, col(OutboxRow.state).in_(UNFINISHED))
        return [_record(row) for row in self._session.exec(query.order_by(col(OutboxRow.sequence)))]

    def of_run(self, run: RunId) -> list[OutboxRecord]:
        """The requests that a run decided on, in order."""
        query = select(OutboxRow).where(OutboxRow.run == run)
        return [_record(row) for row in self._session.exec(query.order_by(col(OutboxRow.sequence)))]

    def counts(self, bridge: BridgeName) -> dict[ReplicaName, dict[OutboxState, int]]:
        """How many requests each replica has in each state; states with none are left out."""
        counts: dict[ReplicaName, dict[OutboxState, int]] = {}
        found = self._session.exec(
            select(OutboxRow.replica, OutboxRow.state, func.count())
            .where(OutboxRow.bridge == bridge)
            .group_by(OutboxRow.replica, OutboxRow.state)
        )
        for replica, state, count in found:
            counts.setdefault(ReplicaName(replica), {})[state] = count  # type: ignore[index]
        return counts

    def of_ticket(self, ticket: TicketId, replica: ReplicaName) -> list[OutboxRecord]:
        """All requests for a ticket and its comments in one replica, in order."""
        query = select(OutboxRow).where(OutboxRow.ticket == ticket, OutboxRow.replica == replica)
        return [_record(row) for row in self._session.exec(query.order_by(col(OutboxRow.sequence)))]

    def sent_since(self, moment: datetime) -> list[tuple[ReplicaName, OpKind, datetime]]:
        """What went out of any bridge since then, newest first."""
        query = select(OutboxRow.replica, OutboxRow.kind, OutboxRow.sent_at, OutboxRow.created_at)
        found: list[tuple[ReplicaName, OpKind, datetime]] = []
        rows = self._session.exec(query.order_by(col(OutboxRow.sequence).desc()).execution_options(yield_per=100))
        for replica, kind, sent_at, created_at in rows:
            if created_at < moment:
                break
            if sent_at is not None:
                found.append((ReplicaName(replica), OpKind(kind), sent_at))
        rows.close()
        return found

    def writes_after(self, bridge: BridgeName, replica: ReplicaName, sequence: int) -> Iterator[OutboxRecord]:
        """The creates and changes in one replica that were done and stand behind this place, in order, a chunk at a time."""
        query = select(OutboxRow).where(
            col(OutboxRow.sequence) > sequence,
            OutboxRow.bridge == bridge,
            OutboxRow.replica == replica,
            col(OutboxRow.kind).in_((OpKind.CREATE.value, OpKind.UPDATE.value)),
            OutboxRow.state == "done",
        )
        return self._walk(query, _record, "sequence")

    def close_creates(self, of: TicketId | CommentId, replica: ReplicaName, *, ref: NativeRef) -> list[OutboxRecord]:
        """The create of this ticket (or comment), whose end was not known, was done: it made `ref`; the requests that were closed."""
        query = select(OutboxRow).where(
            _creates(of),
            OutboxRow.replica == replica,
            col(OutboxRow.state).in_(UNFINISHED),
        )
        closed = [_record(row) for row in self._session.exec(query).all()]
        for record in closed:
            found = {**record.context, "ref": ref}
            self._change(OutboxRow, record.id, state="done", finished_at=self._now(), context=found)
        return closed

    def has_creates(self, of: TicketId | CommentId) -> bool:
        """Whether a create of this ticket (or comment) was ever decided on, anywhere."""
        return self._session.exec(_ANY_CREATE, params={"of": of}).first() is not None

    def last_refusal(self, of: TicketId | CommentId, replica: ReplicaName) -> OutboxRecord | None:
        """The newest create of this ticket (or comment) there, if the tracker refused it."""
        query = select(OutboxRow).where(_creates(of), OutboxRow.replica == replica)
        row = self._session.exec(query.order_by(col(OutboxRow.sequence).desc())).first()
        return _record(row) if row is not None and row.state == "failed" and "refused" in row.context else None

    def has_unknown_create(self, of: TicketId | CommentId, replica: ReplicaName) -> bool:
        """Whether a create of this ticket (or comment) was sent to the replica and nobody knows its end."""
        query = select(OutboxRow.id).where(
            _creates(of),
            OutboxRow.replica == replica,
            col(OutboxRow.state).in_(("sent", "unknown")),
        )
        return self._session.exec(query).first() is not None

    def unknown_uploads(self, ticket: TicketId) -> set[tuple[str, ReplicaName]]:
        """The attachments of the ticket that were sent to a replica and whose end nobody knows."""
        query = select(OutboxRow.context, OutboxRow.replica).where(
            OutboxRow.ticket == ticket,
            OutboxRow.kind == OpKind.ATTACHMENT_CREATE.value,
            col(OutboxRow.state).in_(UNFINISHED),
        )
        return {(str(context.get("attachment")), ReplicaName(name)) for context, name in self._session.exec(query)}


def _creates(of: TicketId | CommentId | BindParameter[str]) -> ColumnElement[bool]:
    return or_(
        (col(OutboxRow.ticket) == of) & (col(OutboxRow.kind) == OpKind.CREATE.value),
        (col(OutboxRow.comment) == of) & (col(OutboxRow.kind) == OpKind.COMMENT_CREATE.value),
    )


_ANY_CREATE = select(OutboxRow.id).where(_creates(bindparam("of"))).limit(1)


def _columns(record: OutboxRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "sequence": record.sequence,
        "run": record.run,
        "bridge": record.bridge,
        "replica": record.replica,
        "ticket": record.ticket,
        "comment": record.comment,
        "link": record.link,
        "kind": record.op.kind.value,
        "op": op_to_json(record.op),
        "context": record.context,
        "state": record.state,
        "fence": record.fence,
        "attempts": record.attempts,
        "not_before": record.not_before,
        "created_at": record.created_at,
        "sent_at": record.sent_at,
        "finished_at": record.finished_at,
        "before": record.before,
        "after": record.after,
        "error": record.error,
    }


def _record(row: OutboxRow) -> OutboxRecord:
    return OutboxRecord(
        id=row.id,
        sequence=row.sequence,
        run=RunId(row.run),
        bridge=BridgeName(row.bridge),
        replica=ReplicaName(row.replica),
        ticket=TicketId(row.ticket),
        comment=None if row.comment is None else CommentId(row.comment),
        link=row.link,
        op=op_from_json(row.op),
        context=row.context,
        state=row.state,  # type: ignore[arg-type]
        fence=row.fence,
        attempts=row.attempts,
        not_before=row.not_before,
        created_at=row.created_at,
        sent_at=row.sent_at,
        finished_at=row.finished_at,
        before=row.before,
        after=row.after,
        error=row.error,
    )
