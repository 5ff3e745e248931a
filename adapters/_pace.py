"""How fast one account may go: what its tracker takes, what its answers say is left, and what was sent already.

A tracker counts by account, so everything in this process that speaks for one account shares one `Budget`. Times are in
seconds, by a clock of our own that only has to tick evenly.
"""

from __future__ import annotations

import hashlib
import threading
import time
from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakValueDictionary

#: Logs of single tickets that are kept before the ones that are over are thrown away.
_MANY: Final = 1000
#: The longest that a tracker is left alone because it refused us without saying for how long.
_LONGEST_GUESS: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, as far as limits ask; `tickets` are those that it writes to."""

    method: str
    path: str
    write: bool = False
    tickets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """At most `most` points within any `span` seconds; `cost` says how many a call takes.

    `name` is how a person would say it. `each_ticket`: counted for every ticket by itself. `lasting`: so long that what
    earlier processes sent counts too (`Budget.recall`).
    """

    name: str
    most: int
    span: float
    cost: Callable[[Call], int]
    each_ticket: bool = False
    lasting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast we may go. Times are in seconds.

    `patience` is the longest that is waited for inside a call, for a limit or a `Retry-After`; a longer wait is handed up
    as `Limited(after)` or `Retryable(after)`, so that the daemon can do something else meanwhile.
    """

    between_requests: float = 0.0
    between_writes: float = 0.0
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    attempts: int = 4
    first_wait: float = 0.5
    patience: float = 60.0
    quotas: tuple[Quota, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """How long a call has to wait, and for what."""

    seconds: float
    why: str = ""


@dataclass(slots=True)
class _Log:
    """What was spent of one quota, oldest first; times may lie ahead, for what waits its turn."""

    entries: list[tuple[float, int]] = field(default_factory=list)

    def ready(self, at: float, quota: Quota, cost: int) -> float:
        """The first moment from `at` on at which `cost` fits in."""
        over = sum(spent for when, spent in self.entries if when > at - quota.span) + cost - quota.most
        for when, spent in self.entries:
            if over <= 0:
                break
            if when > at - quota.span:
                at, over = when + quota.span, over - spent
        return at

    def spend(self, at: float, cost: int, *, since: float) -> None:
        """Enter `cost`, and forget what was before `since`."""
        if self.entries and self.entries[0][0] <= since:
            self.entries = [entry for entry in self.entries if entry[0] > since]
        insort(self.entries, (at, cost))


@dataclass(slots=True)
class _Ledger:
    """What was spent of everything, and when the last ones went out."""

    quotas: tuple[Quota, ...]
    logs: dict[tuple[Quota, str], _Log] = field(default_factory=dict)
    last_request: float = float("-inf")
    last_write: float = float("-inf")

    def ready(self, call: Call, at: float, between: tuple[float, float]) -> tuple[float, str]:
        """The first moment from `at` on at which the call may go out, and what it waits for."""
        why = ""
        turns = [(self.last_request + between[0], "its turn")]
        turns += [(self.last_write + between[1], "its turn")] if call.write else []
        for quota, ticket, cost in self._charges(call):
            log = self.logs.get((quota, ticket))
            turns.append((log.ready(at, quota, cost) if log is not None else at, quota.name))
        for ready, name in turns:
            if ready > at:
                at, why = ready, name
        return at, why

    def spend(self, call: Call, at: float, now: float) -> None:
        """Count the call, which goes out at `at`."""
        self.last_request = max(self.last_request, at)
        if call.write:
            self.last_write = max(self.last_write, at)
        for quota, ticket, cost in self._charges(call):
            self.logs.setdefault((quota, ticket), _Log()).spend(at, cost, since=now - quota.span)
        if len(self.logs) > _MANY:
            self.logs = {
                key: log for key, log in self.logs.items() if log.entries and log.entries[-1][0] > now - key[0].span
            }

    def copy(self) -> _Ledger:
        """Another one, to try things out."""
        logs = {key: _Log(list(log.entries)) for key, log in self.logs.items() if not key[0].each_ticket}
        return _Ledger(self.quotas, logs, self.last_request, self.last_write)

    def _charges(self, call: Call) -> list[tuple[Quota, str, int]]:
        return [
            (quota, ticket, cost)
            for quota in self.quotas
            if (cost := quota.cost(call)) > 0
            for ticket in (dict.fromkeys(call.tickets) if quota.each_ticket else ("",))
        ]


class Budget:
    """What one account may still send; safe to use from several threads."""

    def __init__(self, pace: Pace, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._between = (pace.between_requests, pace.between_writes)
        self._ledger = _Ledger(pace.quotas)
        self._blocked, self._why = float("-inf"), ""
        self._gap, self._gap_until, self._gap_why = 0.0, float("-inf"), ""
        self._guesses, self._guessed = 0, float("-inf")
        self._lock = threading.Lock()

    def share(self, pace: Pace) -> None:
        """Somebody with another idea of the pace joins in: the slower one counts."""
        with self._lock:
            requests, writes = self._between
            self._between = (max(requests, pace.between_requests), max(writes, pace.between_writes))

    def reserve(self, call: Call, *, patience: float = float("inf")) -> Delay:
        """The call's place in the line: how long it has to wait from now. Beyond `patience` it gets none."""
        with self._lock:
            now = self._now()
            ready, why = self._ready(call, now)
            if ready - now <= patience:
                self._ledger.spend(call, ready, now)
            return Delay(seconds=max(0.0, ready - now), why=why)

    def forecast(self, call: Call, count: int = 1) -> tuple[Delay, Delay]:
        """How long the first and the last of `count` such calls would wait, if nothing else is sent; nothing is reserved."""
        with self._lock:
            now = self._now()
            first = last = self._ready(call, now)
            if count > 1:
                trial = self._ledger.copy()
                trial.spend(call, first[0], now)
                for _ in range(count - 1):
                    last = trial.ready(call, last[0], self._between)
                    trial.spend(call, last[0], last[0])
            return (
                Delay(seconds=max(0.0, first[0] - now), why=first[1]),
                Delay(seconds=max(0.0, last[0] - now), why=last[1] or first[1]),
            )

    def block(self, seconds: float, why: str) -> None:
        """The tracker takes nothing for so long."""
        with self._lock:
            until = self._now() + seconds
            if until > self._blocked:
                self._blocked, self._why = until, why

    def guess(self, seconds: float) -> float:
        """A refusal that does not say for how long: `seconds`, and twice as long for each one that follows within an hour."""
        with self._lock:
            now = self._now()
            self._guesses = self._guesses + 1 if now - self._guessed < _LONGEST_GUESS else 0
            self._guessed = now
            return float(min(seconds * 2.0 ** min(self._guesses, 20), _LONGEST_GUESS))

    def slow(self, gap: float, seconds: float, why: str) -> None:
        """The tracker is near its limit: at least `gap` between two requests for `seconds`."""
        with self._lock:
            self._gap, self._gap_until, self._gap_why = gap, self._now() + seconds, why

    def recall(self, sent: Iterable[tuple[Call, float]]) -> None:
        """All that went out lately for this account, by whomever, and how many seconds ago; counts for lasting quotas.

        What was sent after the newest of them is ours, and stays known.
        """
        with self._lock:
            now = self._now()
            oldest_first = sorted(sent, key=lambda one: -one[1])
            youngest = oldest_first[-1][1] if oldest_first else float("inf")
            for quota in self._ledger.quotas:
                if quota.lasting:
                    log = self._ledger.logs.setdefault((quota, ""), _Log())
                    log.entries = [entry for entry in log.entries if entry[0] > now - youngest]
                    for call, age in oldest_first:
                        if age < quota.span and (cost := quota.cost(call)) > 0:
                            log.spend(now - age, cost, since=now - quota.span)

    def _ready(self, call: Call, now: float) -> tuple[float, str]:
        ready, why = (self._blocked, self._why) if self._blocked > now else (now, "")
        slowed = now < self._gap_until
        between = (max(self._between[0], self._gap), self._between[1]) if slowed else self._between
        later, what = self._ledger.ready(call, ready, between)
        if later > ready:
            ready, why = later, self._gap_why if slowed and what == "its turn" else what
        return ready, why


_BUDGETS: WeakValueDictionary[tuple[str, str, Callable[[], float]], Budget] = WeakValueDictionary()
_LOCK = threading.Lock()


def shared(host: str, secret: str, pace: Pace, now: Callable[[], float] = time.monotonic) -> Budget:
    """The budget of the account behind `secret` at `host`: the same one for all that are open in this process."""
    key = (host, hashlib.sha256(secret.encode()).hexdigest(), now)
    with _LOCK:
        budget = _BUDGETS.get(key)
        if budget is None:
            budget = _BUDGETS[key] = Budget(pace, now)
        else:
            budget.share(pace)
        return budget
