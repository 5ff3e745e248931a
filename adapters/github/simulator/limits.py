"""GitHub's rate limits: always in the headers, and biting where a test wants them to."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.github.simulator.state import ApiError, JsonObject, User

PRIMARY = "API rate limit exceeded for user ID {id}. If you reach out to GitHub Support for help, please include the request ID"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a user may send; `enforced` makes it bite with `status` (403 or 429).

    The primary limit is `per_hour`. The secondary ones are those that GitHub writes down: points (a read is one, a write five) and
    what makes content, by the minute and by the hour. It does not say what content is: here all writes count for the minute,
    new issues and comments for the hour. Who goes on writing within a minute of a refusal is refused again.
    """

    per_hour: int = 5_000
    writes_per_minute: int = 80
    creates_per_hour: int = 500
    points_per_minute: int = 900
    enforced: bool = False
    status: int = 403
    retry_after: int | None = None  # seconds; GitHub often leaves it out


@dataclass(slots=True)
class _Window:
    start: datetime
    used: int = 0


@dataclass(slots=True)
class _Spent:
    """What was spent of one secondary limit, point by point."""

    span: timedelta
    at: deque[datetime] = field(default_factory=deque)

    def fits(self, cost: int, most: int, now: datetime) -> bool:
        """Whether `cost` is within the limit, which slides."""
        while self.at and now - self.at[0] >= self.span:
            self.at.popleft()
        return len(self.at) + cost <= most


class Meter:
    """Counts each user's requests; `trips` are those that were refused because of a secondary limit."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.trips = 0
        self._windows: dict[int, _Window] = {}
        self._spent: dict[tuple[int, str], _Spent] = {}
        self._refused: dict[int, datetime] = {}

    def _window(self, user: User, now: datetime) -> _Window:
        window = self._windows.get(user.id)
        exhausted = window is not None and not self.limits.enforced and window.used * 2 >= self.limits.per_hour
        if window is None or now - window.start >= HOUR or exhausted:
            window = self._windows[user.id] = _Window(now)
        return window

    def count(self, user: User, now: datetime, *, write: bool, creates: bool = False) -> None:
        """Take one request into account; refuses it where a limit bites."""
        window, limits = self._window(user, now), self.limits
        if limits.enforced and window.used >= limits.per_hour:
            raise ApiError(limits.status, PRIMARY.format(id=user.id), see="/using-the-rest-api/rate-limits")
        window.used += 1
        if limits.enforced and not self._within(user, now, write=write, creates=creates):
            self.trips += 1
            self._refused[user.id] = now
            raise ApiError(limits.status, SECONDARY, see="/using-the-rest-api/rate-limits")

    def _within(self, user: User, now: datetime, *, write: bool, creates: bool) -> bool:
        """Whether every secondary limit lets the request through; then it is spent."""
        if write and user.id in self._refused and now - self._refused[user.id] < MINUTE:
            return False
        costs = (
            ("points", MINUTE, 5 if write else 1, self.limits.points_per_minute),
            ("writes", MINUTE, int(write), self.limits.writes_per_minute),
            ("creates", HOUR, int(creates), self.limits.creates_per_hour),
        )
        spent = [
            (self._spent.setdefault((user.id, name), _Spent(span)), cost, most) for name, span, cost, most in costs
        ]
        if any(cost and not one.fits(cost, most, now) for one, cost, most in spent):
            return False
        for one, cost, _ in spent:
            one.at.extend([now] * cost)
        return True

    def spare(self, user: User, now: datetime) -> None:
        """Give back a request that costs nothing: a 304."""
        self._window(user, now).used -= 1

    def overview(self, user: User, now: datetime) -> JsonObject:
        """The body of GET /rate_limit."""
        window = self._window(user, now)
        reset = int((window.start + HOUR).timestamp())
        limit, used = self.limits.per_hour, window.used
        core = {"limit": limit, "remaining": max(0, limit - used), "reset": reset, "used": used}
        search = {"limit": 30, "remaining": 30, "reset": reset, "used": 0}
        return {"resources": {"core": core, "search": search}, "rate": core}

    def headers(self, user: User, now: datetime) -> dict[str, str]:
        """The `X-RateLimit-*` headers of an answer."""
        core = self.overview(user, now)["rate"]
        return {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in core.items()} | {
            "X-RateLimit-Resource": "core"
        }
