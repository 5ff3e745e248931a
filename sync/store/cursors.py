"""Where each replica's pull goes on."""

from __future__ import annotations

from sqlalchemy import bindparam, delete
from sqlmodel import select

from sync.core.ids import BridgeName, Cursor, ReplicaName
from sync.store.repository import Repository, sql_table
from sync.store.tables import CursorRow


class Cursors(Repository):
    """One cursor a replica of a bridge, to be put in the transaction that stores the page it follows."""

    def get(self, bridge: BridgeName, replica: ReplicaName) -> Cursor | None:
        """The cursor; None before the first page."""
        cursor = self._session.exec(_OF_REPLICA, params={"bridge": bridge, "replica": replica}).first()
        return None if cursor is None else Cursor(cursor)

    def forget(self, bridge: BridgeName, replica: ReplicaName) -> None:
        """Begin from the beginning again."""
        rows = sql_table(CursorRow)
        self._session.exec(delete(rows).where(rows.c.bridge == bridge, rows.c.replica == replica))

    def put(self, bridge: BridgeName, replica: ReplicaName, cursor: Cursor) -> None:
        """Remember where to go on."""
        row = {"bridge": bridge, "replica": replica, "cursor": cursor, "updated_at": self._now()}
        self._upsert(CursorRow, [row])


_OF_REPLICA = select(CursorRow.cursor).where(
    CursorRow.bridge == bindparam("bridge"), CursorRow.replica == bindparam("replica")
)
