"""The one way to the network for every client library: pacing, our own retry rule, counting, clock and redaction.

The libraries retry by themselves, and some repeat a POST that had worked (PyGithub on 5xx, `jira` on dropped
connections). All three sit on `requests`, so their own retries are turned off and `TrackerTransport` is mounted
into their sessions: a read is retried here, a write is sent exactly once and its lost answer is `Uncertain`.
"""

from __future__ import annotations

import base64
import email.utils
import ipaddress
import random
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
import requests.adapters
import tenacity
import urllib3.exceptions

from sync.core.errors import (
    Malformed,
    Moved,
    Retryable,
    TrackerError,
    Uncertain,
    Unreachable,
)
from sync.core.ports import ClockReading, Traffic

READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
#: Answers that mean "not done, ask again": for a write only those where the server says that it did nothing.
RETRIED_READ_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
#: How many last answers the clock offset is chosen from (the one with the shortest round trip wins).
CLOCK_WINDOW = 8
#: No server means more than this, whatever it says.
LONGEST_WAIT = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast we may go. Times are in seconds.

    `patience` is the longest `Retry-After` that a read waits for inside a call; a longer one is handed up as
    `Retryable(after)`, so that the daemon can do something else meanwhile.
    """

    between_requests: float = 0.0
    between_writes: float = 0.0
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    attempts: int = 4
    first_wait: float = 0.5
    patience: float = 60.0


@dataclass(slots=True)
class Redactor:
    """Replaces every known secret in a text, whatever it stands in."""

    secrets: set[str] = field(default_factory=set)

    def add(self, secret: str, user: str = "") -> None:
        """Know one more secret, and how Basic authentication spells it; short strings are ignored, they would mangle everything."""
        if len(secret) >= 6:
            self.secrets |= {secret, base64.b64encode(f"{user}:{secret}".encode()).decode()}

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


class TrackerTransport(requests.adapters.HTTPAdapter):
    """Sends for one tracker; mount it on `https://` and `http://` of a library's session.

    Raises only `sync.core.errors`; an HTTP error status that is not retried is returned as it is, for the library
    or the adapter to read. A redirect raises `Moved`: following it would drop the query or the method. `classify` may name an answer
    that the tracker gives instead of its error status (a sign-in page with 203).
    """

    def __init__(
        self,
        tracker: str,
        traffic: Traffic,
        *,
        pace: Pace | None = None,
        redactor: Redactor | None = None,
        sleep: Callable[[float], None] = time.sleep,
        is_write: Callable[[str, str], bool] | None = None,
        classify: Callable[[requests.Response], TrackerError | None] | None = None,
    ) -> None:
        super().__init__(max_retries=0, pool_connections=4, pool_maxsize=4)
        self.tracker = tracker
        self.traffic = traffic
        self.pace = pace or Pace()
        self.redactor = redactor or Redactor()
        self._sleep = sleep
        self._is_write = is_write or _writes
        self._classify = classify
        self._last_request = 0.0
        self._last_write = 0.0
        self._readings: list[tuple[timedelta, timedelta]] = []
        self._lock = threading.Lock()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send one request by our own rule; the library's `timeout`, proxies and certificates are kept as given."""
        method, path = (
            (request.method or "GET").upper(),
            urlsplit(request.url or "").path,
        )
        kwargs["timeout"] = (self.pace.connect_timeout, self.pace.read_timeout)
        kwargs["stream"] = False
        if self._is_write(method, path):
            return self._once(request, method, path, True, args, kwargs)
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.pace.attempts),
            wait=self._wait,
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, Retryable) and self._is_short(error)),
            sleep=self._waited,
            reraise=True,
        )
        return retrying(self._once, request, method, path, False, args, kwargs)

    def begin(self, method: str, path: str, *, write: bool) -> None:
        """Wait until the pace allows one more request, and count it."""
        self._pace(write)
        self.traffic.requests += 1
        self.traffic.writes += write
        route = f"{method} {_route(path)}"
        self.traffic.by_route[route] = self.traffic.by_route.get(route, 0) + 1

    def failure(self, what: str, error: Exception, *, write: bool) -> TrackerError:
        """What it means that sending or reading broke off with `error`."""
        detail = self.redactor(_root_cause(error))
        if _never_sent(error):
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
        method: str,
        path: str,
        write: bool,
        args: Any,
        kwargs: Any,
    ) -> requests.Response:
        self.begin(method, path, write=write)
        started = time.monotonic()
        what = f"{self.tracker}: {method} {path}"
        try:
            response = super().send(request, *args, **kwargs)
            _ = response.content  # read it here: a body that is cut off must fail at this seam
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise self.failure(what, error, write=write) from None
        self._read_clock(response, time.monotonic() - started)
        self._redact(response)
        if self._classify is not None and (problem := self._classify(response)) is not None:
            raise problem
        if response.is_redirect or response.status_code in (301, 302, 307, 308):
            location = response.headers.get("Location", "")
            raise Moved(f"{what} was redirected to {self.redactor(location)}", location=location)
        if not write and response.status_code in RETRIED_READ_STATUSES:
            raise Retryable(
                f"{what} answered {response.status_code}: {self._excerpt(response)}",
                after=retry_after(response.headers),
            )
        return response

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
        if isinstance(error, Retryable) and error.after is not None:
            return float(error.after.total_seconds())
        # Full jitter, so that several bridges that failed together do not come back together.
        grown: float = self.pace.first_wait * 2.0 ** (state.attempt_number - 1)
        return random.uniform(0.5, 1.0) * grown  # noqa: S311

    def _pace(self, write: bool) -> None:
        now = time.monotonic()
        ready = self._last_request + self.pace.between_requests
        if write:
            ready = max(ready, self._last_write + self.pace.between_writes)
        if ready > now:
            self._waited(ready - now)
        self._last_request = time.monotonic()
        if write:
            self._last_write = self._last_request

    def _waited(self, seconds: float) -> None:
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


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """`Retry-After` in either of its forms, seconds or a date by the server's own clock; None when absent or unreadable.

    The names in `headers` are in lower case, or the mapping does not mind.
    """
    header = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+", header):
        return min(timedelta(seconds=int(header[:9])), LONGEST_WAIT)
    when = parse_http_date(header)
    if when is None:
        return None
    now = parse_http_date(headers.get("date")) or datetime.now(UTC)
    return min(max(when - now, timedelta()), LONGEST_WAIT)


def parse_http_date(header: str | None) -> datetime | None:
    """An HTTP date as aware UTC."""
    try:
        parsed = email.utils.parsedate_to_datetime(header or "")
    except (TypeError, ValueError):
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _writes(method: str, _path: str) -> bool:
    return method not in READ_METHODS


def _route(path: str) -> str:
    """The path with its ids taken out, for counting; the number of an API's version is none."""
    return re.sub(
        r"(?<!/api/)(?<=/)(?:\d+|[A-Z][A-Z0-9_]+-\d+|[0-9a-f]{8}-[0-9a-f-]{27})(?=/|$)",
        "{id}",
        path,
    )


def _chain(error: BaseException) -> Iterable[BaseException]:
    # Not `__context__`: an earlier failure that somebody is dealing with is no cause of this one.
    seen: set[int] = set()
    pending: list[Any] = [error]
    while pending:
        current = pending.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        pending += [
            *current.args,
            getattr(current, "reason", None),
            current.__cause__,
        ]


def _never_sent(error: BaseException) -> bool:
    """Whether the connection was never made, so that the server can't have seen the request."""
    return any(
        isinstance(
            cause,
            urllib3.exceptions.NewConnectionError
            | urllib3.exceptions.ConnectTimeoutError
            | urllib3.exceptions.NameResolutionError
            | requests.exceptions.InvalidURL
            | requests.exceptions.InvalidSchema
            | ssl.SSLCertVerificationError  # any other TLS error may come after the request was sent
            | requests.exceptions.ConnectTimeout,
        )
        for cause in _chain(error)
    )


def _root_cause(error: BaseException) -> str:
    causes = list(_chain(error))
    plain = next(
        (cause for cause in causes if isinstance(cause, OSError) and cause.strerror),
        causes[-1],
    )
    return f"{type(plain).__name__}: {plain}" if str(plain) else type(plain).__name__
