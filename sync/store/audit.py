"""The audit log: append-only, each entry chained to the one before by a hash over all of its columns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from sync.core.ids import BridgeName, ReplicaName, RunId, TicketId
from sync.store.convert import dumps, time_to_json
from sync.store.records import AuditPhase, AuditRecord
from sync.store.repository import Context, Repository
from sync.store.tables import AuditHeadRow, AuditRow, clean

#: What the first entry is chained to.
GENESIS = "0" * 64
#: A longer value is kept as its digest, its length and its first characters.
LONGEST_VALUE = 16 * 1024
EXCERPT = 1024

_COLUMNS = ("seq", "phase", "run", "bridge", "ticket", "replica", "op_id", "action", "before", "after", "note")


class Audit(Repository):
    """Entries are never changed or deleted: the database itself refuses it."""

    def __init__(self, session: Session, context: Context) -> None:
        super().__init__(session, context)
        # Nobody else can append before this transaction ends.
        self._head: tuple[int, str] | None = None

    def append(
        self,
        *,
        phase: AuditPhase,
        action: str,
        run: RunId | None = None,
        bridge: BridgeName | None = None,
        ticket: TicketId | None = None,
        replica: ReplicaName | None = None,
        op_id: str | None = None,
        before: Any = None,
        after: Any = None,
        note: str = "",
    ) -> AuditRecord:
        """Add one entry; `before` and `after` are JSON, cut when they are long."""
        newest, previous = self._head or self._read_head()
        values: dict[str, Any] = {
            "seq": newest + 1,
            "phase": phase,
            "run": run,
            "bridge": bridge,
            "ticket": ticket,
            "replica": replica,
            "op_id": op_id,
            "action": clean(action),
            "before": cut(before),
            "after": cut(after),
            "note": clean(note),
        }
        at = self._now()
        chained: dict[str, Any] = {"at": at, "previous_hash": previous, "hash": entry_hash(previous, at, values)}
        self._insert(AuditRow, {**values, **chained})
        self._head = values["seq"], chained["hash"]
        self._change(AuditHeadRow, 1, seq=values["seq"], hash=chained["hash"])
        return AuditRecord(**values, **chained)

    def entries(
        self, ticket: TicketId | None = None, run: RunId | None = None, limit: int | None = None
    ) -> Iterator[AuditRecord]:
        """Entries, oldest first, read a chunk at a time; with a `limit` the newest so many."""
        query = select(AuditRow)
        if ticket is not None:
            query = query.where(AuditRow.ticket == ticket)
        if run is not None:
            query = query.where(AuditRow.run == run)
        if limit is None:
            return self._walk(query, _record, "seq")
        newest = self._session.exec(query.order_by(col(AuditRow.seq).desc()).limit(limit)).all()
        return map(_record, reversed(newest))

    def verify(self) -> tuple[int, str] | None:
        """The first entry that is not as it was written, and why; None when the log is whole."""
        previous, seq = GENESIS, 0
        for entry in self.entries():
            if entry.seq != seq + 1:
                return seq + 1, f"entry {seq + 1} is missing; the next one is {entry.seq}"
            seq = entry.seq
            if entry.previous_hash != previous:
                return seq, f"entry {seq} does not follow the entry before it"
            if entry.hash != entry_hash(previous, entry.at, {name: getattr(entry, name) for name in _COLUMNS}):
                return seq, f"entry {seq} was changed after it was written"
            previous = entry.hash
        written, newest = self._read_head()
        if written != seq:
            return min(written, seq) + 1, f"{written} entries were written and {seq} are there"
        if newest != previous:
            return seq, f"entry {seq} is not the one that was written last"
        return None

    def _read_head(self) -> tuple[int, str]:
        head = self._get(AuditHeadRow, 1)
        return (0, "") if head is None else (head.seq, head.hash)


def entry_hash(previous: str, at: datetime, values: dict[str, Any]) -> str:
    """SHA-256 over the hash before and the canonical JSON of every column."""
    content = dumps({**values, "at": time_to_json(at)})
    return hashlib.sha256(f"{previous}\n{content}".encode()).hexdigest()


def cut(value: Any) -> Any:
    """`value` as JSON holds it, or what stands for it when it is too long."""
    text = dumps(value)
    if len(text) <= LONGEST_VALUE:
        return json.loads(text)
    return {
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "length": len(text),
        "excerpt": text[:EXCERPT],
    }


def _record(row: AuditRow) -> AuditRecord:
    return AuditRecord(**row.model_dump())
