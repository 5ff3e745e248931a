"""A store in memory: the same transactions as the real one, without a database, for histories by the thousand.

That both come to the same is a test of its own: the same seed must give the same tickets, log and conflicts on either.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sync.core.errors import BridgeBusy, LeaseLost
from sync.core.ids import BridgeName, ReplicaName, RunId
from sync.store.audit import GENESIS, Audit
from sync.store.records import AuditRecord, Lease, ReplicaRecord, RunRecord
from tests.simulation.memory.requests import Conflicts, Links, Outbox, Problems
from tests.simulation.memory.tables import Tables
from tests.simulation.memory.tickets import Attachments, Comments, Context, Inbox, Noun, Tickets


class Cursors(Noun):
    def get(self, bridge: BridgeName, replica: ReplicaName) -> Any:
        return self.tables.cursors.get((bridge, replica))

    def forget(self, bridge: BridgeName, replica: ReplicaName) -> None:
        self.tables.cursors.pop((bridge, replica), None)

    def put(self, bridge: BridgeName, replica: ReplicaName, cursor: Any) -> None:
        self.tables.cursors[bridge, replica] = cursor


class Replicas(Noun):
    def get(self, bridge: BridgeName, replica: ReplicaName) -> ReplicaRecord | None:
        return copy.deepcopy(self.tables.replicas.get((bridge, replica)))

    def save(self, record: ReplicaRecord) -> None:
        self.tables.replicas[record.bridge, record.replica] = copy.deepcopy(record)

    def list(self, bridge: BridgeName | None = None) -> Any:
        return [copy.deepcopy(one) for key, one in sorted(self.tables.replicas.items()) if bridge in (None, key[0])]


class Runs(Noun):
    def start(self, bridge: BridgeName, *, run: RunId | None = None) -> RunId:
        newest = max((int(key[0].removeprefix("R-")) for key in self.tables.runs), default=0)
        run = run or RunId(f"R-{newest + 1}")
        self.tables.runs[run, bridge] = RunRecord(
            id=run, bridge=bridge, started_at=self.now(), finished_at=None, stats={}
        )
        return run

    def finish(self, run: RunId, stats: Any, *, bridge: BridgeName | None = None) -> None:
        for key, record in list(self.tables.runs.items()):
            if key[0] == run and bridge in (None, key[1]):
                self.tables.runs[key] = RunRecord(
                    id=record.id, bridge=key[1], started_at=record.started_at, finished_at=self.now(), stats=stats
                )

    def get(self, run: RunId, bridge: BridgeName | None = None) -> RunRecord | None:
        found = (one for key, one in sorted(self.tables.runs.items()) if key[0] == run and bridge in (None, key[1]))
        return next(found, None)

    def last(self, bridge: BridgeName) -> RunRecord | None:
        return next(iter(self.list(bridge, limit=1)), None)

    def list(self, bridge: BridgeName, limit: int = 20) -> Any:
        mine = [one for key, one in self.tables.runs.items() if key[1] == bridge]
        return sorted(mine, key=lambda one: -int(one.id.removeprefix("R-")))[:limit]


class Meta(Noun):
    def get(self, name: str) -> str | None:
        return self.tables.meta.get(name)

    def put(self, name: str, value: str) -> None:
        self.tables.meta[name] = value


class MemoryAudit(Audit):
    """The real log, with its chain, over a dict."""

    def __init__(self, tables: Tables, context: Context) -> None:
        self._tables = tables
        self._now = context.now
        self._head = None

    def _insert(self, _table: Any, values: dict[str, Any]) -> None:
        self._tables.audit[values["seq"]] = AuditRecord(**values)

    def _change(self, _table: Any, _key: Any, /, **values: Any) -> None:
        """The head is the newest entry."""

    def _read_head(self) -> tuple[int, str]:
        entries = self._tables.audit
        return (len(entries), entries[len(entries)].hash) if entries else (0, GENESIS)

    def entries(self, ticket: Any = None, run: Any = None, limit: int | None = None) -> Iterator[AuditRecord]:
        found = [one for one in self._tables.audit.values() if ticket in (None, one.ticket) and run in (None, one.run)]
        return iter(found if limit is None else found[-limit:])

    def _untold(self, seq: int, told: Any) -> tuple[int, str] | None:
        for row in self._tables.outbox.values():
            phases = ["intent", *(["outcome"] if row.state in ("done", "failed") else [])]
            if row.sent_at is not None and any((row.id, phase) not in told for phase in phases):
                return seq + 1, f"request {row.id} is not in the log"
        return None


class MemoryTx:
    """One transaction, by noun."""

    def __init__(self, tables: Tables, context: Context) -> None:
        self.cursors = Cursors(tables, context)
        self.inbox = Inbox(tables, context)
        self.tickets = Tickets(tables, context)
        self.comments = Comments(tables, context)
        self.attachments = Attachments(tables, context)
        self.links = Links(tables, context)
        self.outbox = Outbox(tables, context)
        self.conflicts = Conflicts(tables, context)
        self.problems = Problems(tables, context)
        self.replicas = Replicas(tables, context)
        self.runs = Runs(tables, context)
        self.audit = MemoryAudit(tables, context)
        self.meta = Meta(tables, context)


class MemoryStore:
    """Stands where a `Store` stands; `tables` outlive it, as a file does the process that opened it."""

    def __init__(self, tables: Tables, *, now: Callable[[], datetime], new_id: Callable[[], str]) -> None:
        self.tables = tables
        self._context = Context(now=now, new_id=new_id)
        self._turn = threading.Lock()
        self._writer = 0

    def now(self) -> datetime:
        return self._context.now()

    @contextmanager
    def begin(self, lease: Lease | None = None) -> Iterator[Any]:
        assert self._writer != threading.get_ident(), "a writing transaction was begun inside another one"
        with self._turn:
            self._writer = threading.get_ident()
            try:
                changed = self.tables.copied()
                if lease is not None:
                    _check(changed, lease)
                yield MemoryTx(changed, self._context)
                for name in Tables.__slots__:
                    setattr(self.tables, name, getattr(changed, name))
            finally:
                self._writer = 0

    @contextmanager
    def read(self) -> Iterator[Any]:
        yield MemoryTx(self.tables.copied(), self._context)

    def acquire(self, bridge: BridgeName, *, ttl: timedelta, holder: str | None = None) -> Lease:
        known, expires = self.tables.leases.get(bridge, (None, None))
        if expires is not None and expires > self.now():
            raise BridgeBusy(f"bridge '{bridge}' is being synced")
        epoch = 1 if known is None else known.epoch + 1
        lease = Lease(bridge=bridge, epoch=epoch, holder=holder or "here", acquired_at=self.now(), ttl=ttl)
        self.tables.leases[bridge] = lease, self.now() + ttl
        return lease

    def renew(self, lease: Lease) -> None:
        _check(self.tables, lease)
        self.tables.leases[lease.bridge] = lease, self.now() + lease.ttl

    def release(self, lease: Lease) -> None:
        known, _ = self.tables.leases.get(lease.bridge, (None, None))
        if known is not None and known.epoch == lease.epoch:
            self.tables.leases[lease.bridge] = known, None

    def migrate(self) -> None:
        """There is no schema."""

    def integrity(self) -> list[str]:
        return []

    def close(self) -> None:
        """Nothing is open."""


def _check(tables: Tables, lease: Lease) -> None:
    known, expires = tables.leases.get(lease.bridge, (None, None))
    if known is None or known.epoch != lease.epoch or expires is None:
        raise LeaseLost(f"bridge '{lease.bridge}' is not ours any more")
