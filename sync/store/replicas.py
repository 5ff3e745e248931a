"""How each replica is doing."""

from __future__ import annotations

import builtins
from typing import Any

from sqlalchemy import bindparam
from sqlmodel import select

from sync.core.ids import BridgeName, ReplicaName
from sync.store.records import ReplicaRecord
from sync.store.repository import Repository
from sync.store.tables import ReplicaRow


class Replicas(Repository):
    """One state a replica of a bridge."""

    def get(self, bridge: BridgeName, replica: ReplicaName) -> ReplicaRecord | None:
        """The state that was saved last; None before the first."""
        row = self._session.exec(_OF_REPLICA, params={"bridge": bridge, "replica": replica}).first()
        return None if row is None else _record(row)

    def save(self, record: ReplicaRecord) -> None:
        """Insert or replace the state of a replica."""
        row = {
            "bridge": record.bridge,
            "replica": record.replica,
            "kind": record.kind,
            "state": record.state,
            "last_success": record.last_success,
            "last_error": record.last_error,
            "failures": record.failures,
            "not_before": record.not_before,
            "feeds": record.feeds,
            "details": dict(record.details),
        }
        self._upsert(ReplicaRow, [row])

    def list(self, bridge: BridgeName | None = None) -> builtins.list[ReplicaRecord]:
        """The states of all replicas, by bridge and name."""
        query = select(ReplicaRow).order_by(ReplicaRow.bridge, ReplicaRow.replica)
        if bridge is not None:
            query = query.where(ReplicaRow.bridge == bridge)
        return [_record(row) for row in self._session.exec(query)]


_OF_REPLICA = select(ReplicaRow).where(
    ReplicaRow.bridge == bindparam("bridge"), ReplicaRow.replica == bindparam("replica")
)


def _record(row: ReplicaRow) -> ReplicaRecord:
    values: dict[str, Any] = row.model_dump()
    return ReplicaRecord(**values)
