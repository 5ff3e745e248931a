"""The state of one cycle in progress: its lease, its run, who takes part, and what there is to report."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from sync.core.capabilities import Visibility
from sync.core.errors import LeaseLost, StoreError
from sync.core.guard import Halt
from sync.core.ids import ReplicaName, RunId, TicketId
from sync.core.ports import Traffic
from sync.engine.breaker import account
from sync.engine.ends import Unconfirmed
from sync.engine.history import Histories
from sync.engine.joining import Joined
from sync.engine.missing import Looked
from sync.engine.overrun import Overruns
from sync.engine.pauses import Held
from sync.engine.pull import Pulled
from sync.engine.report import CycleReport, HaltLine, PauseLine, ReplicaFailure
from sync.engine.runtime import Bridge
from sync.engine.sending import Sender
from sync.engine.writer import Outcome, Writer
from sync.store import Lease, Tx

if TYPE_CHECKING:
    from sync.engine.deciding import TicketWork


@dataclass(slots=True, kw_only=True)
class Session:
    """One cycle: `available` are the replicas that answered so far, in the bridge's order; `watch` is told of each decision."""

    bridge: Bridge
    lease: Lease
    run: RunId
    report: CycleReport
    available: list[ReplicaName]
    histories: Histories = field(default_factory=Histories)
    overruns: Overruns = field(default_factory=dict)
    unconfirmed: Unconfirmed = frozenset()
    visibility: dict[ReplicaName, Visibility] = field(default_factory=dict)  # as far as it was asked
    pulled: dict[ReplicaName, Pulled] = field(default_factory=dict)
    writers: dict[ReplicaName, Writer] = field(default_factory=dict)
    created: set[TicketId] = field(default_factory=set)
    updated: set[TicketId] = field(default_factory=set)
    looked_at: set[TicketId] = field(default_factory=set)
    unread: set[TicketId] = field(default_factory=set)  # a file of theirs could not be read now
    watch: Callable[[Tx, TicketWork], None] | None = None
    held_back: int = 0  # tickets that wait for a limit and were not looked at
    _waiting: list[HaltLine] = field(default_factory=list)
    _started: float = field(default_factory=time.monotonic)
    _traffic: dict[ReplicaName, int] = field(default_factory=dict)

    @classmethod
    def start(cls, bridge: Bridge, lease: Lease) -> Session:
        """Begin a run."""
        with bridge.store.begin(lease) as tx:
            run = tx.runs.start(bridge.name)
        session = cls(
            bridge=bridge,
            lease=lease,
            run=run,
            report=CycleReport(run=run, name=bridge.name),
            available=[name for name in bridge.replicas if name not in bridge.resting],
        )
        session._traffic = {name: replica.adapter.traffic.requests for name, replica in bridge.replicas.items()}
        session.open_writers()
        return session

    def twin(self, bridge: Bridge, watch: Callable[[Tx, TicketWork], None]) -> Session:
        """The same cycle at the same point over another bridge; what becomes of it does not come back here."""
        twin = replace(
            self,
            bridge=bridge,
            report=copy.deepcopy(self.report),
            available=list(self.available),
            overruns=dict(self.overruns),
            writers={},
            created=set(),
            updated=set(),
            looked_at=set(),
            unread=set(),
            watch=watch,
            _waiting=[],
        )
        twin.open_writers()
        return twin

    @property
    def rehearses(self) -> bool:
        """Whether nothing is sent, and what is asked of trackers should be as little as will do."""
        return self.watch is not None

    def open_writers(self) -> None:
        """Make the bridge's replicas ready to be written to."""
        for name, replica in self.bridge.replicas.items():
            sender = Sender(bridge=self.bridge, lease=self.lease, run=self.run, replica=replica)
            held = Held(replica=replica)
            self.writers[name] = Writer(bridge=self.bridge, lease=self.lease, replica=replica, sender=sender, held=held)

    def lose(self, failures: Iterable[ReplicaFailure]) -> None:
        """Go on without the replicas that failed; one failure each is told."""
        for failure in failures:
            if failure.replica in self.available:
                self.available.remove(failure.replica)
                if failure.kind == "limited" and self.bridge.stop.is_set():
                    continue  # it was the wait that was broken off
                if failure.kind == "limited":
                    self.report.pauses.append(self._pause_of(failure))
                else:
                    self.report.failures.append(failure)

    def _pause_of(self, failure: ReplicaFailure) -> PauseLine:
        until = self.bridge.now() + (failure.after or timedelta())
        return PauseLine(replica=failure.replica, why=failure.message, left=0, written=0, until=until, over=until)

    def take_pulled(self, pulled: Iterable[Pulled]) -> None:
        """Take in what the pulls brought."""
        for one in pulled:
            self.pulled[one.replica] = one
            self.report.pulled += one.tickets
            self.report.problems += one.problems
            self.lose([one.failure] if one.failure is not None else [])

    def take_looked(self, looked: Looked) -> None:
        """Take in what was looked for and not found."""
        self.report.problems += looked.problems
        self.lose(looked.failures)

    def take_joined(self, joined: Joined) -> None:
        """Take in what the link step did."""
        self.report.adopted += joined.adopted
        self.report.problems += joined.problems

    def take_outcomes(self, outcomes: Iterable[Outcome]) -> set[TicketId]:
        """Take in what was written; the tickets that are still open."""
        still_open: set[TicketId] = set()
        for outcome in outcomes:
            self.created |= outcome.created
            self.updated |= outcome.updated
            self.report.problems += outcome.problems
            still_open |= outcome.open
            if outcome.failure is not None:
                self.lose([outcome.failure])
        return still_open

    def take_halts(self, halts: Iterable[Halt]) -> None:
        """Take in the guards that tripped; one that only lets something wait is told at the end and stops nothing."""
        for one in halts:
            line = HaltLine(name=one.name, message=one.message, mend=one.mend, waits=one.waits)
            (self._waiting if one.waits else self.report.halts).append(line)

    def finish(self) -> CycleReport:
        """End the run and say what it did."""
        report = self.report
        report.halts += self._waiting
        report.created = len(self.created)
        report.updated = len(self.updated - self.created)
        report.unchanged = len(self.looked_at - self.created - self.updated)
        traffic: dict[ReplicaName, Traffic] = {
            name: replica.adapter.traffic for name, replica in self.bridge.replicas.items()
        }
        report.requests = {name: one.requests - self._traffic[name] for name, one in traffic.items()}
        report.writes = {name: writer.sender.sent for name, writer in self.writers.items()}
        report.pauses += [
            line
            for name in self.available
            if (line := self.writers[name].held.line(self.bridge, self.held_back)) is not None
        ]
        report.interrupted = self.bridge.stop.is_set()
        report.seconds = round(time.monotonic() - self._started, 3)
        with self.bridge.store.begin(self.lease) as tx:
            answered = [name for name, pulled in self.pulled.items() if pulled.failure is None]
            account(self.bridge, tx, report, answered)
            report.waiting = tx.conflicts.count(self.bridge.name, "open")
            tx.runs.finish(self.run, report.as_json(), bridge=self.bridge.name)
        return report


@contextmanager
def held(bridge: Bridge) -> Iterator[Lease]:
    """Hold the bridge for the length of a `with` block; `BridgeBusy` when another worker has it.

    The lease is renewed in the background; once it is lost, every commit raises `LeaseLost`.
    """
    lease = bridge.store.acquire(bridge.name, ttl=bridge.lease)

    def renewed() -> bool:
        try:
            bridge.store.renew(lease)
        except LeaseLost:
            return False  # the next commit says so
        except StoreError:
            return True  # the next turn may find the store again; until then commits fail by themselves
        return True

    try:
        with bridge.workers.beside(renewed, lease.ttl / 4):
            yield lease
    finally:
        with contextlib.suppress(StoreError):
            bridge.store.release(lease)
