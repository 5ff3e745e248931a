"""The store and its transactions."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from sync.core.errors import InvariantBroken
from sync.core.ids import BridgeName
from sync.store import migrate as schema
from sync.store.attachments import Attachments
from sync.store.audit import Audit
from sync.store.comments import Comments
from sync.store.conflicts import Conflicts
from sync.store.cursors import Cursors
from sync.store.engines import make_engine, parse_url
from sync.store.failures import place, told_plainly
from sync.store.inbox import Inbox
from sync.store.leases import Leases
from sync.store.links import Links
from sync.store.meta import Meta
from sync.store.outbox import Outbox
from sync.store.problems import Problems
from sync.store.records import Lease
from sync.store.replicas import Replicas
from sync.store.repository import Context
from sync.store.runs import Runs
from sync.store.tickets import Tickets

#: How long a writer waits for another one.
PATIENCE = timedelta(seconds=10)


def utc_now() -> datetime:
    """The time, aware and in UTC."""
    return datetime.now(UTC)


def _new_id() -> str:
    return uuid.uuid4().hex


class Tx:
    """One transaction, by noun."""

    def __init__(self, session: Session, context: Context) -> None:
        self.cursors = Cursors(session, context)
        self.inbox = Inbox(session, context)
        self.tickets = Tickets(session, context)
        self.comments = Comments(session, context)
        self.attachments = Attachments(session, context)
        self.links = Links(session, context)
        self.outbox = Outbox(session, context)
        self.conflicts = Conflicts(session, context)
        self.problems = Problems(session, context)
        self.replicas = Replicas(session, context)
        self.runs = Runs(session, context)
        self.audit = Audit(session, context)
        self.meta = Meta(session, context)


class Store:
    """Everything that trackdown knows, in one database.

    Safe to use from several threads, each with transactions of its own. Writing transactions come one after another,
    over all processes; readers see a snapshot and wait for nobody. Raises `StoreError` in words for a person.
    """

    def __init__(
        self,
        url: str,
        *,
        now: Callable[[], datetime] = utc_now,
        new_id: Callable[[], str] = _new_id,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._url = parse_url(url)
        self._context = Context(now=now, new_id=new_id)
        self._patience = patience
        self._writer = make_engine(self._url, "write", patience=patience)
        self._reader = make_engine(self._url, "read", patience=patience)
        self._turn = threading.Lock()
        self._turn_of: int | None = None

    def __repr__(self) -> str:
        return f"Store({place(self._url)})"

    def now(self) -> datetime:
        """The time by which the store dates things."""
        return self._context.now()

    def migrate(self) -> None:
        """Create the store or bring its schema up to date; safe to call from several processes at once."""
        with told_plainly(self._url):
            schema.migrate(self._url, patience=self._patience)

    @contextmanager
    def begin(self, lease: Lease | None = None) -> Iterator[Tx]:
        """A writing transaction: committed at the end, rolled back by an exception.

        With a lease, `LeaseLost` unless it is still current; nobody can take the bridge before the commit.
        """
        with self._write() as session:
            if lease is not None:
                Leases(session, self._context).check(lease)
            yield Tx(session, self._context)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A snapshot to read; writing in it is refused."""
        with told_plainly(self._url), Session(self._reader, autoflush=False) as session, session.begin():
            yield Tx(session, self._context)

    def acquire(self, bridge: BridgeName, *, ttl: timedelta, holder: str | None = None) -> Lease:
        """The right to work on a bridge; takes over a lease that expired or whose process died.

        Raises `BridgeBusy` with who holds it since when.
        """
        with self._write() as session:
            return Leases(session, self._context).acquire(bridge, ttl, holder)

    def renew(self, lease: Lease) -> None:
        """Hold on to the lease for another `ttl`; `LeaseLost` when somebody took over."""
        with self._write() as session:
            Leases(session, self._context).renew(lease)

    def release(self, lease: Lease) -> None:
        """Give the bridge back; nothing when somebody took over."""
        with self._write() as session:
            Leases(session, self._context).release(lease)

    def integrity(self) -> list[str]:
        """What the database finds wrong with itself; nothing on PostgreSQL, which checks as it reads."""
        if self._reader.dialect.name != "sqlite":
            return []
        with told_plainly(self._url), self._reader.begin() as connection:
            said = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        return [line for line in said if line != "ok"] + [
            f"row {orphan[1]} of {orphan[0]} points to a row of {orphan[2]} that is not there" for orphan in orphans
        ]

    def close(self) -> None:
        """Give back connections; safe to call twice."""
        self._writer.dispose()
        self._reader.dispose()

    @contextmanager
    def _write(self) -> Iterator[Session]:
        with (
            self._in_turn(),
            told_plainly(self._url),
            Session(self._writer, autoflush=False) as session,
            session.begin(),
        ):
            # Takes the lock now and not at the first statement, so that whoever begins first goes first.
            session.connection()
            yield session

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Threads of this process queue here, where it is fair, instead of at the database, where it is not."""
        me = threading.get_ident()
        if self._turn_of == me:
            raise InvariantBroken("a writing transaction was begun inside another one")
        with self._turn:
            self._turn_of = me
            try:
                yield
            finally:
                self._turn_of = None
