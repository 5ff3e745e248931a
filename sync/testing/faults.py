"""An adapter that fails on purpose: what a network, a tracker and a killed process do to a bridge.

script = crash_at(7)                      # or scripted(...), drawn(...)
adapter = FaultyAdapter(adapter, script)
... # run a cycle
assert script.struck                      # the test reached the place that it is about
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import TypeVar

from sync.core.capabilities import Capabilities, Visibility
from sync.core.errors import AuthFailed, Rejected, Retryable, TrackerError, Uncertain, Unreachable
from sync.core.ids import Cursor, NativeRef
from sync.core.models import Gone, NativeAttachment, NativeEvent, NativeTicket
from sync.core.ports import Adapter, ClockReading, NativeOp, OpKind, Page, Pause, Receipt, Traffic

T = TypeVar("T")


class Crash(BaseException):
    """The process was killed here; nothing that catches `Exception` may survive it."""


class Fault(StrEnum):
    """One way in which a call goes wrong. The first group fits every call, the others are passed over where they don't apply."""

    RETRY = "retry"  # Retryable without a time
    RETRY_LATER = "retry_later"  # Retryable with a time
    UNREACHABLE = "unreachable"
    AUTH = "auth"
    CRASH_BEFORE = "crash_before"
    CRASH_AFTER = "crash_after"  # of a pull: after its first page

    REFUSED = "refused"  # write: Rejected, nothing done
    LOST = "lost"  # write: done, Uncertain
    LOST_UNDONE = "lost_undone"  # write: not done, Uncertain
    LATE = "late"  # write: Uncertain, and done only just before the next call but one

    CUT = "cut"  # pull: Retryable after the first page
    REPEATED = "repeated"  # pull: every page twice, rows twice and in another order
    STALE = "stale"  # fetch: what was seen of a ticket the last time


ANYWHERE = (Fault.RETRY, Fault.RETRY_LATER, Fault.UNREACHABLE, Fault.AUTH, Fault.CRASH_BEFORE, Fault.CRASH_AFTER)
WRITING = (Fault.REFUSED, Fault.LOST, Fault.LOST_UNDONE, Fault.LATE)
PULLING = (Fault.CUT, Fault.REPEATED)
#: How long `RETRY_LATER` asks for.
LATER = timedelta(minutes=5)


@dataclass(slots=True)
class Script:
    """Says for each call, by its name, how it goes wrong; may be shared by several adapters.

    `calls` counts what was asked for, `struck` what went wrong; after `stop()` nothing goes wrong any more.
    """

    choose: Callable[[str], Fault | None]
    calls: Counter[str] = field(default_factory=Counter)
    struck: Counter[tuple[str, Fault]] = field(default_factory=Counter)
    stopped: bool = False

    def next(self, call: str) -> Fault | None:
        """The fault for the call that is about to be made."""
        self.calls[call] += 1
        fault = None if self.stopped else self.choose(call)
        if fault is None or not _fits(call, fault):
            return None
        self.struck[call, fault] += 1
        return fault

    def stop(self) -> None:
        """Let everything go well from now on."""
        self.stopped = True


def scripted(faults: Iterable[tuple[str, Fault] | None]) -> Script:
    """One entry after the other: each waits for the next call of its name; None lets one call of any name pass."""
    waiting = list(faults)

    def choose(call: str) -> Fault | None:
        if not waiting or (waiting[0] is not None and waiting[0][0] != call):
            return None
        entry = waiting.pop(0)
        return None if entry is None else entry[1]

    return Script(choose)


def drawn(random: Random, rate: float, faults: Sequence[Fault]) -> Script:
    """A share `rate` of all calls goes wrong, with a seeded `Random` or Hypothesis' own (`st.randoms()`)."""

    def choose(_call: str) -> Fault | None:
        return random.choice(faults) if random.random() < rate else None

    return Script(choose)


def crash_at(step: int) -> Script:
    """Kill the process at one place: 0 is before the first call, 1 after it, 2 before the second, and so on.

    A test goes through all places by counting up until a run ends with nothing `struck`.
    """
    before = iter(range(0, 1_000_000_000, 2))

    def choose(_call: str) -> Fault | None:
        place = next(before)
        return {step: Fault.CRASH_BEFORE, step - 1: Fault.CRASH_AFTER}.get(place)

    return Script(choose)


class FaultyAdapter:
    """Any adapter, going wrong as its script says; `clock` and `close` never do."""

    def __init__(self, adapter: Adapter, script: Script) -> None:
        self.script = script
        self._adapter = adapter
        self._late: list[tuple[int, NativeOp, bytes | None]] = []  # (calls to wait for, what is still on its way)
        self._seen: dict[NativeRef, NativeTicket | Gone] = {}

    @property
    def traffic(self) -> Traffic:
        """The traffic of the adapter inside."""
        return self._adapter.traffic

    @traffic.setter
    def traffic(self, traffic: Traffic) -> None:
        self._adapter.traffic = traffic

    def probe(self) -> Capabilities:
        """See `Adapter`."""
        return self._call("probe", self._adapter.probe)

    def resume(self, known: Capabilities) -> None:
        """See `Adapter`: costs no request, so nothing goes wrong."""
        self._adapter.resume(known)

    def visibility(self) -> Visibility:
        """See `Adapter`."""
        return self._call("visibility", self._adapter.visibility)

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """See `Adapter`."""
        fault = self._before("pull")
        for page in self._adapter.pull(since):
            self._remember(page.tickets)
            yield page
            if fault is Fault.CUT:
                raise Retryable("the connection broke between two pages")
            if fault is Fault.CRASH_AFTER:
                raise Crash("killed after a page of a pull")
            if fault is Fault.REPEATED:
                yield _shuffled(page)

    def fetch(self, refs: Sequence[NativeRef], *, comments: bool = True) -> Iterator[NativeTicket | Gone]:
        """See `Adapter`."""
        fault = self._before("fetch")
        for found in self._adapter.fetch(refs, comments=comments):
            past = self._seen.get(found.ref, found) if fault is Fault.STALE else found
            # A page of the past may have told nothing of comments; who asks for them is answered.
            told = not comments or not isinstance(past, NativeTicket) or past.comments is not None
            self._remember([found])
            yield past if told else found
        if fault is Fault.CRASH_AFTER:
            raise Crash("killed after a fetch")

    def find(self, op: NativeOp, *, fence: int) -> NativeRef | None:
        """See `Adapter`."""
        return self._call("find", lambda: self._adapter.find(op, fence=fence))

    def write(self, op: NativeOp, content: Path | None = None) -> Receipt:
        """See `Adapter`."""
        fault = self._before("write")
        match fault:
            case Fault.REFUSED:
                raise Rejected(f"refused: {op.summary}")
            case Fault.LOST_UNDONE:
                raise Uncertain(f"no answer to: {op.summary}")
            case Fault.LATE:
                self._late.append((2, op, None if content is None else content.read_bytes()))
                raise Uncertain(f"no answer yet to: {op.summary}")
        receipt = self._adapter.write(op, content)
        if fault is Fault.LOST:
            raise Uncertain(f"the answer was lost of: {op.summary}")
        if fault is Fault.CRASH_AFTER:
            raise Crash(f"killed after: {op.summary}")
        return receipt

    def download(self, attachment: NativeAttachment, take: Callable[[bytes], object], *, limit: int) -> None:
        """See `Adapter`."""
        fault = self._before("download")
        self._adapter.download(attachment, take, limit=limit)
        if fault is Fault.CRASH_AFTER:
            raise Crash(f"killed after reading {attachment.name}")

    def history(self, refs: Sequence[NativeRef], since: datetime) -> Iterator[NativeEvent]:
        """See `Adapter`."""
        fault = self._before("history")
        yield from self._adapter.history(refs, since)
        if fault is Fault.CRASH_AFTER:
            raise Crash("killed after reading a history")

    def pause(self, kind: OpKind, count: int = 1) -> Pause | None:
        """See `Adapter`."""
        return self._adapter.pause(kind, count)

    def recall(self, sent: Sequence[tuple[OpKind, timedelta]]) -> None:
        """See `Adapter`."""
        self._adapter.recall(sent)

    def clock(self) -> ClockReading:
        """See `Adapter`."""
        return self._adapter.clock()

    def close(self) -> None:
        """See `Adapter`."""
        self._adapter.close()

    def arrive(self) -> None:
        """Everything that is still on its way arrives now, in order; what the tracker refuses by then is lost."""
        while self._late:
            self._deliver(*self._late.pop(0)[1:])

    def _call(self, call: str, work: Callable[[], T]) -> T:
        fault = self._before(call)
        result = work()
        if fault is Fault.CRASH_AFTER:
            raise Crash(f"killed after: {call}")
        return result

    def _before(self, call: str) -> Fault | None:
        """Deliver what is late, then fail as the script says; the faults of the caller's own are handed back."""
        due = [late[1:] for late in self._late if late[0] <= 1]
        self._late = [(wait - 1, op, content) for wait, op, content in self._late if wait > 1]
        for late in due:
            self._deliver(*late)
        fault = self.script.next(call)
        match fault:
            case Fault.RETRY:
                raise Retryable(f"{call}: not now")
            case Fault.RETRY_LATER:
                raise Retryable(f"{call}: too many requests", after=LATER)
            case Fault.UNREACHABLE:
                raise Unreachable(f"{call}: no connection")
            case Fault.AUTH:
                raise AuthFailed(f"{call}: the token was withdrawn")
            case Fault.CRASH_BEFORE:
                raise Crash(f"killed before: {call}")
        return fault

    def _deliver(self, op: NativeOp, content: bytes | None) -> None:
        with suppress(TrackerError), tempfile.NamedTemporaryFile() as file:
            file.write(content or b"")
            file.flush()
            self._adapter.write(op, None if content is None else Path(file.name))

    def _remember(self, found: Iterable[NativeTicket | Gone]) -> None:
        self._seen.update((one.ref, one) for one in found)


def _shuffled(page: Page) -> Page:
    """The same page with every row twice, backwards."""
    return Page(
        cursor=page.cursor,
        tickets=page.tickets[::-1] + page.tickets,
        comments=page.comments[::-1] + page.comments,
        gone=page.gone[::-1] + page.gone,
        malformed=page.malformed,
        total=page.total,
    )


def _fits(call: str, fault: Fault) -> bool:
    if fault in WRITING:
        return call == "write"
    if fault in PULLING:
        return call == "pull"
    return call == "fetch" if fault is Fault.STALE else True
