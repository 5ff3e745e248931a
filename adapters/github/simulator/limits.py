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
    """`per_hour` requests a user and `writes_per_minute`; `enforced` makes them bite with `status` (403 or 429)."""

    per_hour: int = 5_000
    writes_per_minute: int = 80
    enforced: bool = False
    status: int = 403
    retry_after: int | None = None  # seconds; GitHub often leaves it out


@dataclass(slots=True)
class _Window:
    start: datetime
    used: int = 0
    writes: deque[datetime] = field(default_factory=deque)


class Meter:
    """Counts each user's requests."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._windows: dict[int, _Window] = {}

    def _window(self, user: User, now: datetime) -> _Window:
        window = self._windows.get(user.id)
        exhausted = window is not None and not self.limits.enforced and window.used * 2 >= self.limits.per_hour
        if window is None or now - window.start >= HOUR or exhausted:
            window = self._windows[user.id] = _Window(now)
        return window

    def count(self, user: User, now: datetime, *, write: bool) -> None:
        """Take one request into account; refuses it where a limit bites."""
        window, limits = self._window(user, now), self.limits
        if limits.enforced and window.used >= limits.per_hour:
            raise ApiError(limits.status, PRIMARY.format(id=user.id), see="/using-the-rest-api/rate-limits")
        window.used += 1
        if write and limits.enforced:
            while window.writes and now - window.writes[0] >= MINUTE:
                window.writes.popleft()
            if len(window.writes) >= limits.writes_per_minute:
                raise ApiError(limits.status, SECONDARY, see="/using-the-rest-api/rate-limits")
            window.writes.append(now)

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
