"""The one way to the network for every client library: pacing, our own retry rule, counting, clock and redaction.

The libraries retry by themselves, and some repeat a POST that had worked (PyGithub on 5xx, `jira` on dropped
connections). All three sit on `requests`, so their own retries are turned off and `TrackerTransport` is mounted
into their sessions: a read is retried here, a write is sent exactly once and its lost answer is `Uncertain`.
"""

from __future__ import annotations

import base64
import ipaddress
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import requests
import requests.adapters
import tenacity
import urllib3.exceptions

from adapters._answer import TooLargeError, read_body
from adapters._causes import never_sent, root_cause
from adapters._headers import parse_http_date, retry_after
from adapters._leaving import vouching
from adapters._pace import Budget, Call, Pace
from sync.core.errors import (
    Limited,
    Malformed,
    Moved,
    Retryable,
    TrackerError,
    Uncertain,
    Unreachable,
)
from sync.core.ports import ClockReading, Pause, Traffic

READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
#: Answers that mean "not done, ask again": for a write only those where the server says that it did nothing.
RETRIED_READ_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
#: How many last answers the clock offset is chosen from (the one with the shortest round trip wins).
CLOCK_WINDOW = 8


@dataclass(slots=True)
class Redactor:
    """Replaces every known secret in a text, whatever it stands in."""

    secrets: set[str] = field(default_factory=set)

    def add(self, secret: str, user: str = "") -> None:
        """Know one more secret, and how Basic authentication spells it; short strings are ignored, they would mangle everything."""
        if len(secret) >= 6:
            basic = base64.b64encode(f"{user}:{secret}".encode()).decode()
            self.secrets |= {form for spelt in (secret, basic) for form in (spelt, quote(spelt, safe=""))}

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


class TrackerTransport(requests.adapters.HTTPAdapter):
    """Sends for one tracker; mount it on `https://` and `http://` of a library's session.

    Raises only `sync.core.errors`; an HTTP error status that is not retried is returned as it is, for the library
    or the adapter to read. A redirect raises `Moved`: following it would drop the query or the method. `classify` may name an answer
    that the tracker gives instead of its error status (a sign-in page with 203), `tickets` says which ones a request writes
    to, and `learn` tells the budget what a success says of limits.
    """

    def __init__(
        self,
        tracker: str,
        traffic: Traffic,
        *,
        pace: Pace | None = None,
        budget: Budget | None = None,
        redactor: Redactor | None = None,
        sleep: Callable[[float], None] = time.sleep,
        is_write: Callable[[str, str], bool] | None = None,
        tickets: Callable[[requests.PreparedRequest], tuple[str, ...]] | None = None,
        classify: Callable[[requests.Response], TrackerError | None] | None = None,
        learn: Callable[[requests.Response, Budget], None] | None = None,
    ) -> None:
        super().__init__(max_retries=0, pool_connections=4, pool_maxsize=4)
        self.tracker = tracker
        self.traffic = traffic
        self.pace = pace or Pace()
        self.redactor = redactor or Redactor()
        self._sleep = sleep
        self.budget = budget or Budget(self.pace)
        self._is_write = is_write or _writes
        self._tickets = tickets
        self._classify = classify
        self._learn = learn
        self._readings: list[tuple[timedelta, timedelta]] = []
        self._lock = threading.Lock()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send one request by our own rule; the library's `timeout`, proxies and certificates are kept as given."""
        method, path = (request.method or "GET").upper(), urlsplit(request.url or "").path
        write = self._is_write(method, path)
        tickets = self._tickets(request) if write and self._tickets is not None else ()
        call = Call(method=method, path=path, write=write, tickets=tickets)
        kwargs["timeout"] = (self.pace.connect_timeout, self.pace.read_timeout)
        kwargs["stream"] = False
        if write:
            return self._once(request, call, args, kwargs)
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.pace.attempts),
            wait=self._wait,
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, Retryable) and self._is_short(error)),
            sleep=self._waited,
            reraise=True,
        )
        return retrying(self._once, request, call, args, kwargs)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """The pool of connections to a server; each of them asks before a write leaves."""
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = vouching(type(pool).ConnectionCls)
        return pool

    def begin(self, call: Call) -> None:
        """Wait for the call's turn, and count it; `Limited` where that is longer than our patience."""
        delay = self.budget.reserve(call, patience=self.pace.patience)
        if delay.seconds > self.pace.patience:
            raise Limited(f"{self.tracker}: waiting for {delay.why}", after=timedelta(seconds=delay.seconds))
        self._waited(delay.seconds)
        self.traffic.requests += 1
        self.traffic.writes += call.write
        route = f"{call.method} {_route(call.path)}"
        self.traffic.by_route[route] = self.traffic.by_route.get(route, 0) + 1

    def pause(self, call: Call, count: int) -> Pause | None:
        """What the first of `count` such calls has to wait for; None where it may go at once."""
        first, last = self.budget.forecast(call, count)
        if first.seconds <= 0:
            return None
        return Pause(after=timedelta(seconds=first.seconds), why=first.why, over=timedelta(seconds=last.seconds))

    def failure(self, what: str, error: Exception, *, write: bool) -> TrackerError:
        """What it means that sending or reading broke off with `error`."""
        detail = self.redactor(root_cause(error))
        if never_sent(error):
            return Unreachable(f"{what}: no connection ({detail}). Check `url`, and that this machine may reach it.")
        if write:
            return Uncertain(f"{what}: sent, but the answer was lost ({detail})")
        return Retryable(f"{what}: the answer was lost ({detail})")

    def clock(self) -> ClockReading:
        """The reading with the shortest round trip of the last few answers that the newest one does not rule out."""
        with self._lock:
            if not self._readings:
                return ClockReading()
            offset, uncertainty = min(self._readings, key=lambda reading: reading[1])
        return ClockReading(offset=offset, uncertainty=uncertainty)

    def _once(
        self,
        request: requests.PreparedRequest,
        call: Call,
        args: Any,
        kwargs: Any,
    ) -> requests.Response:
        self.begin(call)
        started = time.monotonic()
        what = f"{self.tracker}: {call.method} {call.path}"
        try:
            response = super().send(request, *args, **kwargs)
            read_body(response)  # here: a body that is cut off must fail at this seam
        except TooLargeError as error:
            raise (Uncertain if call.write else Malformed)(f"{what}: {error}") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise self.failure(what, error, write=call.write) from None
        self._read_clock(response, time.monotonic() - started)
        self._redact(response)
        self._read_limits(response)
        if self._classify is not None and (problem := self._classify(response)) is not None:
            if isinstance(problem, Limited) and problem.after is not None:
                self.budget.block(problem.after.total_seconds(), "the time that the tracker named")
            raise problem
        if response.is_redirect or response.status_code in (301, 302, 307, 308):
            location = self.redactor(response.headers.get("Location", ""))
            raise Moved(f"{what} was redirected to {location}", location=location)
        if not call.write and response.status_code in RETRIED_READ_STATUSES:
            kind = Limited if response.status_code == 429 else Retryable
            raise kind(
                f"{what} answered {response.status_code}: {self._excerpt(response)}",
                after=retry_after(response.headers),
            )
        return response

    def _read_limits(self, response: requests.Response) -> None:
        if response.status_code == 429 and (after := retry_after(response.headers)) is not None:
            self.budget.block(after.total_seconds(), "the time that the tracker named")
        elif response.status_code < 400 and self._learn is not None:
            self._learn(response, self.budget)

    def _redact(self, response: requests.Response) -> None:
        """Refusals are quoted in messages, and a gateway may put our own request into its page."""
        if response.status_code < 400 or not response.content:
            return
        shown = self.redactor(response.text)
        if shown != response.text:
            response._content = shown.encode(response.encoding or "utf-8", "replace")  # noqa: SLF001

    def _excerpt(self, response: requests.Response) -> str:
        return self.redactor(re.sub(r"\s+", " ", response.text)[:200])

    def _is_short(self, error: Retryable) -> bool:
        return error.after is None or error.after.total_seconds() <= self.pace.patience

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Limited) and error.after is not None:
            return 0.0  # the budget sees to it
        if isinstance(error, Retryable) and error.after is not None:
            return float(error.after.total_seconds())
        # Full jitter, so that several bridges that failed together do not come back together.
        grown: float = self.pace.first_wait * 2.0 ** (state.attempt_number - 1)
        return random.uniform(0.5, 1.0) * grown  # noqa: S311

    def _waited(self, seconds: float) -> None:
        if seconds > 0:
            self.traffic.waits += seconds
            self._sleep(seconds)

    def _read_clock(self, response: requests.Response, round_trip: float) -> None:
        server = parse_http_date(response.headers.get("Date"))
        if server is None:
            return
        # `Date` has whole seconds: the true time lies half a second later on average, give or take half a second.
        offset = server + timedelta(seconds=0.5) - (datetime.now(UTC) - timedelta(seconds=round_trip / 2))
        doubt = timedelta(seconds=round_trip / 2 + 0.5)
        with self._lock:
            # What the newest answer rules out was read before one of the two clocks was set anew.
            agreeing = [known for known in self._readings if abs(known[0] - offset) <= known[1] + doubt]
            self._readings = [*agreeing, (offset, doubt)][-CLOCK_WINDOW:]


def is_loopback(url: str) -> bool:
    """Whether the server is on this machine, as a simulator is."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def mount(session: requests.Session, transport: TrackerTransport) -> None:
    """Make `session` send everything through `transport`, and follow no redirect by itself."""
    session.mount("https://", transport)
    session.mount("http://", transport)
    session.max_redirects = 0


def json_object(response: requests.Response, what: str) -> dict[str, Any]:
    """The answer's JSON object; `Malformed` for anything else."""
    try:
        body = response.json()
    except ValueError:
        raise Malformed(f"{what}: the answer is not JSON ({response.headers.get('Content-Type', 'no type')})") from None
    if not isinstance(body, dict):
        raise Malformed(f"{what}: the answer is a JSON {type(body).__name__}, not an object")
    return body


def _writes(method: str, _path: str) -> bool:
    return method not in READ_METHODS


def _route(path: str) -> str:
    """The path with its ids taken out, for counting; the number of an API's version is none."""
    return re.sub(
        r"(?<!/api/)(?<=/)(?:\d+|[A-Z][A-Z0-9_]+-\d+|[0-9a-f]{8}-[0-9a-f-]{27})(?=/|$)",
        "{id}",
        path,
    )
