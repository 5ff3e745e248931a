"""Conflicts with every claim, whoever won."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import bindparam, func
from sqlmodel import col, select

from sync.core.ids import BridgeName, CommentId, ReplicaName, RunId, TicketId
from sync.core.models import Field, Value
from sync.store.convert import claim_from_json, claim_to_json, value_from_json, value_to_json
from sync.store.records import ClaimRecord, ConflictRecord, ConflictState
from sync.store.repository import Repository
from sync.store.tables import ConflictRow

_ID = re.compile(r"C-([1-9][0-9]{0,8})", re.IGNORECASE)


class Conflicts(Repository):
    """Ids are short enough to type (`C-12`) and count up over the whole store."""

    def add(
        self,
        *,
        bridge: BridgeName,
        ticket: TicketId,
        field: Field,
        reason: str,
        base: Value,
        claims: Iterable[ClaimRecord],
        proposed: Value,
        chosen: Value = None,
        chosen_replica: ReplicaName | None = None,
        by: str = "policy",
        state: ConflictState = "open",
        comment: CommentId | None = None,
        run: RunId | None = None,
    ) -> ConflictRecord:
        """A new conflict; one that is not open is resolved now."""
        newest = self._session.exec(select(func.max(ConflictRow.number))).one()
        now = self._now()
        record = ConflictRecord(
            id=f"C-{(newest or 0) + 1}",
            bridge=bridge,
            ticket=ticket,
            comment=comment,
            field=field,
            reason=reason,
            base=base,
            claims=tuple(claims),
            proposed=proposed,
            chosen=chosen,
            chosen_replica=chosen_replica,
            by=by,
            state=state,
            run=run,
            created_at=now,
            resolved_at=None if state == "open" else now,
        )
        self._insert(ConflictRow, _columns(record))
        return record

    def get(self, conflict: str) -> ConflictRecord | None:
        """The conflict; None for none."""
        match = _ID.fullmatch(conflict.strip())
        row = None if match is None else self._get(ConflictRow, int(match[1]))
        return None if row is None else _record(row)

    def save(self, record: ConflictRecord) -> None:
        """Replace the conflict with this id."""
        columns = _columns(record)
        self._change(ConflictRow, columns.pop("number"), **columns)

    def open_for(self, ticket: TicketId, comment: CommentId | None = None) -> dict[Field, ConflictRecord]:
        """The conflicts of a ticket (or of one comment of it) that wait for a person; the newest of each field."""
        found = map(_record, self._session.exec(_OPEN_FOR, params={"ticket": ticket}))
        return {record.field: record for record in found if record.comment == comment}

    def count(self, bridge: BridgeName | None = None, state: ConflictState | None = None) -> int:
        """How many conflicts there are, of a bridge and in a state where given."""
        query = select(func.count(col(ConflictRow.number)))
        if bridge is not None:
            query = query.where(ConflictRow.bridge == bridge)
        if state is not None:
            query = query.where(ConflictRow.state == state)
        return self._session.exec(query).one()

    def list(self, bridge: BridgeName | None = None, state: ConflictState | None = None) -> Iterator[ConflictRecord]:
        """The conflicts in the order of their numbers, read a chunk at a time."""
        query = select(ConflictRow)
        if bridge is not None:
            query = query.where(ConflictRow.bridge == bridge)
        if state is not None:
            query = query.where(ConflictRow.state == state)
        return self._walk(query, _record, "number")


_OPEN_FOR = (
    select(ConflictRow)
    .where(ConflictRow.ticket == bindparam("ticket"), ConflictRow.state == "open")
    .order_by(col(ConflictRow.number))
)


def _columns(record: ConflictRecord) -> dict[str, Any]:
    return {
        "number": int(record.id.removeprefix("C-")),
        "bridge": record.bridge,
        "ticket": record.ticket,
        "comment": record.comment,
        "field": record.field.value,
        "reason": record.reason,
        "base": value_to_json(record.base),
        "claims": [claim_to_json(claim) for claim in record.claims],
        "proposed": value_to_json(record.proposed),
        "chosen": value_to_json(record.chosen),
        "chosen_replica": record.chosen_replica,
        "by": record.by,
        "state": record.state,
        "run": record.run,
        "created_at": record.created_at,
        "resolved_at": record.resolved_at,
    }


def _record(row: ConflictRow) -> ConflictRecord:
    return ConflictRecord(
        id=f"C-{row.number}",
        bridge=BridgeName(row.bridge),
        ticket=TicketId(row.ticket),
        comment=None if row.comment is None else CommentId(row.comment),
        field=Field(row.field),
        reason=row.reason,
        base=value_from_json(row.base),
        claims=tuple(claim_from_json(claim) for claim in row.claims),
        proposed=value_from_json(row.proposed),
        chosen=value_from_json(row.chosen),
        chosen_replica=None if row.chosen_replica is None else ReplicaName(row.chosen_replica),
        by=row.by,
        state=row.state,  # type: ignore[arg-type]
        run=None if row.run is None else RunId(row.run),
        created_at=row.created_at,
        resolved_at=row.resolved_at,
    )
