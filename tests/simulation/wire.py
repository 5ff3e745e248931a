"""Where a history goes wrong: an adapter and a store whose calls fail, are killed, and are meddled with, as the steps say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sync.core.errors import Rejected, StoreError, Uncertain
from sync.core.ids import BridgeName, Cursor, NativeRef, ReplicaName
from sync.core.models import Gone, NativeAttachment, NativeEvent, NativeTicket
from sync.core.ports import Adapter, ClockReading, NativeOp, Page, Receipt
from sync.store import Lease, Store
from sync.testing.faults import Crash, Fault, FaultyAdapter, Script
from sync.testing.memory import MemoryTracker
from tests.simulation.drawing import STORE_FULL, STORE_LOCKED
from tests.simulation.memory.store import MemoryStore
from tests.simulation.steps import Meddling, Strike

#: How a request that was refused is told from one that went wrong by itself.
POISONED = "poisoned"


@dataclass(slots=True)
class Weather:
    """What goes wrong in the cycle that runs: every call asks here first, and tells here when it is over."""

    pass_time: Callable[[], None]
    meddle: Callable[[Meddling], None]
    strikes: tuple[Strike, ...] = ()
    meddling: tuple[Meddling, ...] = ()
    calls: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    total: int = 0
    crashes: int = 0
    dead: bool = False

    def begin(self, strikes: tuple[Strike, ...] = (), meddling: tuple[Meddling, ...] = ()) -> None:
        """A new cycle, with its own faults and its own edits beside it."""
        self.strikes, self.meddling, self.dead = strikes, meddling, False
        self.calls.clear()

    def before(self, call: str) -> Strike | None:
        """Somebody may act first; then the fault of this call."""
        if self.dead:
            raise Crash(f"dead before {call}")
        number = self.calls[call]
        self.calls[call] += 1
        self.total += 1
        for one in self.meddling:
            if (one.call, one.number, one.after) == (call, number, False):
                self.meddle(one)
        strike = next((one for one in self.strikes if (one.call, one.number) == (call, number)), None)
        if strike is not None:
            self.struck[f"{call} {strike.fault}"] += 1
            if strike.fault == Fault.CRASH_BEFORE:
                self.die(f"killed before {call}")
        return strike

    def after(self, call: str, strike: Strike | None) -> None:
        """The call is over: time has passed, somebody may act, or the process is killed."""
        number = self.calls[call] - 1
        self.pass_time()
        for one in self.meddling:
            if (one.call, one.number, one.after) == (call, number, True):
                self.meddle(one)
        if strike is not None and strike.fault == Fault.CRASH_AFTER:
            self.die(f"killed after {call}")

    def die(self, where: str) -> None:
        """From here on this process does nothing any more."""
        self.dead = True
        self.crashes += 1
        raise Crash(where)


@dataclass(slots=True)
class Late:
    """A request that is still on its way."""

    due: datetime
    replica: ReplicaName
    op: NativeOp
    content: bytes | None


class StormyAdapter(FaultyAdapter):
    """An adapter in the weather; `sent` is told of each request before it leaves, `late` of those that arrive later.

    `misled` is told of each look that is answered out of the past.
    """

    def __init__(
        self,
        adapter: Adapter,
        tracker: MemoryTracker,
        weather: Weather,
        *,
        sent: Callable[[NativeOp], None],
        late: Callable[[NativeOp, bytes | None, float], None],
        misled: Callable[[], None],
        refuses: str | None,
        clock_known: bool,
    ) -> None:
        super().__init__(adapter, Script(self._choose))
        self._tracker, self._weather = tracker, weather
        self._sent, self._send_late, self._misled = sent, late, misled
        self._refuses, self._clock_known = refuses, clock_known
        self._strike: Strike | None = None

    def _choose(self, call: str) -> Fault | None:
        if self._strike is None or self._strike.fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER):
            return None
        return Fault(self._strike.fault)

    @contextmanager
    def _place(self, call: str) -> Iterator[None]:
        strike = self._weather.before(call)
        self._strike = strike
        yield
        self._weather.after(call, strike)

    def probe(self) -> Any:
        with self._place("probe"):
            return super().probe()

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        with self._place("pull"):
            for page in super().pull(since):
                with self._place("page"):
                    pass
                yield page

    def fetch(self, refs: Sequence[NativeRef], *, comments: bool = True) -> Iterator[NativeTicket | Gone]:
        with self._place("fetch"):
            if self._strike is not None and self._strike.fault == Fault.STALE:
                self._misled()
            found = list(super().fetch(refs, comments=comments))
        yield from found

    def find(self, op: NativeOp, *, fence: int) -> NativeRef | None:
        with self._place("find"):
            return super().find(op, fence=fence)

    def write(self, op: NativeOp, content: Path | None = None) -> Receipt:
        with self._place("write"):
            self._sent(op)
            if self._refuses is not None and self._refuses in repr(op.payload):
                raise Rejected(f"{POISONED}: {op.summary}")
            if self._strike is not None and self._strike.fault == Fault.LATE:
                self._send_late(op, None if content is None else content.read_bytes(), self._strike.wait)
                raise Uncertain(f"no answer yet to: {op.summary}")
            return super().write(op, content)

    def download(self, attachment: NativeAttachment, take: Callable[[bytes], object], *, limit: int) -> None:
        with self._place("download"):
            super().download(attachment, take, limit=limit)

    def history(self, refs: Sequence[NativeRef], since: datetime) -> Iterator[NativeEvent]:
        with self._place("history"):
            found = list(super().history(refs, since))
        yield from found

    def clock(self) -> ClockReading:
        """Measured well, or as far off as the measurement says that it may be."""
        reading = super().clock()
        if self._clock_known:
            return reading
        error = timedelta(seconds=20)
        told = reading.offset - error if reading.offset > timedelta() else reading.offset + error
        return ClockReading(offset=told, uncertainty=reading.uncertainty + error)


class Weathered:
    """A store in the weather: locked, full, or its process killed, before or after each commit."""

    weather: Weather
    holding: Lease | None = None

    @contextmanager
    def begin(self, lease: Lease | None = None) -> Iterator[Any]:
        strike = self.weather.before("commit")
        if strike is not None and strike.fault == STORE_LOCKED:
            raise StoreError("the store is locked")
        with super().begin(lease) as tx:  # type: ignore[misc]
            yield tx
            if self.weather.dead:
                raise Crash("dead in a transaction")
            if strike is not None and strike.fault == STORE_FULL:
                raise StoreError("the disk is full")
        self.weather.after("commit", strike)

    def acquire(self, *args: Any, **kwargs: Any) -> Lease:
        self.holding = super().acquire(*args, **kwargs)  # type: ignore[misc]
        return self.holding

    def release(self, lease: Lease) -> None:
        if not self.weather.dead:
            super().release(lease)  # type: ignore[misc]
            self.holding = None

    def bury(self) -> None:
        """The process was killed: who holds a lease and is dead has lost it."""
        if self.holding is not None:
            super().release(self.holding)  # type: ignore[misc]
        self.close()  # type: ignore[attr-defined]


class StormyStore(Weathered, Store):
    """A store on disk, in the weather."""


class StormyMemory(Weathered, MemoryStore):
    """A store in memory, in the weather."""


def last_request(store: Any, op: NativeOp) -> bool:
    """Whether the newest request that is committed is this one, sent, with its intent in the audit log."""
    with store.read() as tx:
        rows = [row for row in tx.outbox.unfinished(BridgeName("b")) if row.state == "sent"]
        told = [entry.op_id for entry in tx.audit.entries(limit=3) if entry.phase == "intent"]
    return bool(rows) and rows[-1].op.summary == op.summary and rows[-1].id in told
