"""What could not be read or written, until it can."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Any

from sqlalchemy import insert, or_, update
from sqlmodel import col, select

from sync.core.ids import BridgeName, NativeRef, ReplicaName, TicketId
from sync.core.models import Field
from sync.store.convert import dumps
from sync.store.records import ProblemRecord
from sync.store.repository import Repository, sql_table
from sync.store.tables import ProblemRow, clean


class Problems(Repository):
    """The same message about the same place is one problem, however often it is reported."""

    def report(
        self,
        *,
        bridge: BridgeName,
        kind: str,
        message: str,
        mend: str = "",
        replica: ReplicaName | None = None,
        ref: NativeRef | None = None,
        ticket: TicketId | None = None,
        field: Field | None = None,
    ) -> ProblemRecord:
        """Count the problem; one that had been cleared is open again."""
        where = {
            "bridge": bridge,
            "replica": replica,
            "ref": ref,
            "ticket": ticket,
            "field": None if field is None else field.value,
            "kind": kind,
            "message": clean(message),
        }
        place = hashlib.sha256(dumps(where).encode()).hexdigest()
        now = self._now()
        problems = sql_table(ProblemRow)
        changed = self._session.exec(
            update(problems)
            .where(problems.c.place == place)
            .values(times=problems.c.times + 1, last_seen=now, mend=mend, cleared_at=None)
        )
        if changed.rowcount == 0:
            new = {"place": place, "mend": mend, "first_seen": now, "last_seen": now, "times": 1, "cleared_at": None}
            self._session.exec(insert(problems).values(**where, **new))
        return _record(self._session.exec(select(ProblemRow).where(ProblemRow.place == place)).one())

    def clear(
        self,
        bridge: BridgeName,
        replica: ReplicaName | None = None,
        *,
        ref: NativeRef | None = None,
        ticket: TicketId | None = None,
        kind: str | None = None,
        fields: Collection[Field] | None = None,
    ) -> int:
        """Close the open problems of the bridge that match all that is given; how many there were.

        With `fields`, those about one of them or about no field in particular.
        """
        problems = sql_table(ProblemRow)
        wanted = {"replica": replica, "ref": ref, "ticket": ticket, "kind": kind}
        query = update(problems).where(problems.c.bridge == bridge, problems.c.cleared_at.is_(None))
        for name, value in wanted.items():
            if value is not None:
                query = query.where(problems.c[name] == value)
        if fields is not None:
            query = query.where(or_(problems.c.field.is_(None), problems.c.field.in_([name.value for name in fields])))
        return self._session.exec(query.values(cleared_at=self._now())).rowcount

    def any_of(self, bridge: BridgeName, replica: ReplicaName, ticket: TicketId) -> bool:
        """Whether the ticket has an open problem in this replica."""
        query = select(ProblemRow.id).where(
            ProblemRow.bridge == bridge,
            ProblemRow.replica == replica,
            ProblemRow.ticket == ticket,
            col(ProblemRow.cleared_at).is_(None),
        )
        return self._session.exec(query).first() is not None

    def fields_of(self, bridge: BridgeName, replica: ReplicaName, ticket: TicketId) -> frozenset[Field]:
        """The fields of the ticket that could not be written in this replica."""
        query = select(ProblemRow.field).where(
            ProblemRow.bridge == bridge,
            ProblemRow.replica == replica,
            ProblemRow.ticket == ticket,
            ProblemRow.kind == "write",
            col(ProblemRow.cleared_at).is_(None),
        )
        return frozenset(Field(name) for name in self._session.exec(query) if name is not None)

    def open(self, bridge: BridgeName | None = None) -> list[ProblemRecord]:
        """The problems that are not cleared, in the order of their first report."""
        query = select(ProblemRow).where(col(ProblemRow.cleared_at).is_(None))
        if bridge is not None:
            query = query.where(ProblemRow.bridge == bridge)
        return [_record(row) for row in self._session.exec(query.order_by(col(ProblemRow.id)))]


def _record(row: ProblemRow) -> ProblemRecord:
    values: dict[str, Any] = row.model_dump(exclude={"place"})
    values["field"] = None if row.field is None else Field(row.field)
    return ProblemRecord(**values)
