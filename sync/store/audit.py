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
from sync.store.tables import AuditHeadRow, AuditRow, OutboxRow, clean

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

    def head(self) -> tuple[int, str]:
        """The newest entry's number and hash: whoever keeps them elsewhere can tell a log that was rewritten as a whole."""
        return self._read_head()

    def verify(self, kept: tuple[int, str] | None = None) -> tuple[int, str] | None:
        """The first entry that is not as it was written, and why; None when the log is whole.

        The entries are chained, the newest one is known besides, every request that was sent has its entries, and the log still has
        the head that was `kept`.
        """
        previous, seq = GENESIS, 0
        told: set[tuple[str | None, str]] = set()
        for entry in self.entries():
            if entry.seq != seq + 1:
                return seq + 1, f"entry {seq + 1} is missing; the next one is {entry.seq}"
            seq = entry.seq
            if entry.previous_hash != previous:
                return seq, f"entry {seq} does not follow the entry before it"
            if entry.hash != entry_hash(previous, entry.at, {name: getattr(entry, name) for name in _COLUMNS}):
                return seq, f"entry {seq} was changed after it was written"
            if kept is not None and kept[0] == seq and kept[1] != entry.hash:
                return seq, f"entry {seq} is another one than when its hash was kept: the log was rewritten"
            told.add((entry.op_id, entry.phase))
            previous = entry.hash
        return self._cut_off(seq, previous, kept) or self._untold(seq, told)

    def _cut_off(self, seq: int, newest: str, kept: tuple[int, str] | None) -> tuple[int, str] | None:
        written, head = self._read_head()
        if written != seq:
            return min(written, seq) + 1, f"{written} entries were written and {seq} are there"
        if head != newest:
            return seq, f"entry {seq} is not the one that was written last"
        if kept is not None and kept[0] > seq:
            return seq + 1, f"entry {kept[0]}, whose hash was kept, is not there any more: the log ends with {seq}"
        return None

    def _untold(self, seq: int, told: set[tuple[str | None, str]]) -> tuple[int, str] | None:
        """The requests of the outbox once more: a log that was cut, and its end forged, does not tell of the last ones."""
        query = select(OutboxRow.id, OutboxRow.run, OutboxRow.state).where(col(OutboxRow.sent_at).is_not(None))
        for request, run, state in self._session.exec(query.order_by(col(OutboxRow.sequence))):
            phases = ["intent", *(["outcome"] if state in ("done", "failed") else [])]
            missing = [phase for phase in phases if (request, phase) not in told]
            if missing:
                return (
                    seq + 1,
                    f"the {missing[0]} of a request that run {run} sent is not in the log: its end was cut off",
                )
        return None

    def _read_head(self) -> tuple[int, str]:
        head = self._get(AuditHeadRow, 1)
        return (0, GENESIS) if head is None else (head.seq, head.hash)


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
