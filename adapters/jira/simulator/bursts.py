"""Cloud's limit on bursts: so many requests a second to one endpoint with one method, by whomever."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from datetime import datetime, timedelta
from typing import Final

from adapters.jira.simulator.errors import ApiError

_SECOND: Final = timedelta(seconds=1)
_ID: Final = re.compile(r"(?<=/)(?:[A-Z][A-Z0-9_]*-)?[0-9]+(?=/|$)")


class Bursts:
    """Counts requests; with `most` None anything goes. Cloud says when less than a fifth is left."""

    def __init__(self, most: int | None) -> None:
        self.most = most
        self._sent: defaultdict[str, deque[datetime]] = defaultdict(deque)

    def count(self, method: str, path: str, now: datetime, headers: dict[str, str]) -> None:
        """Take one request into account, and tell how near the limit is; refuses what is beyond it."""
        if self.most is None:
            return
        sent = self._sent[f"{method} {_ID.sub('{id}', path)}"]
        while sent and now - sent[0] >= _SECOND:
            sent.popleft()
        left = self.most - len(sent) - 1
        headers |= {"X-RateLimit-Limit": str(self.most), "X-RateLimit-Remaining": str(max(left, 0))}
        headers["X-RateLimit-NearLimit"] = "true" if left < self.most / 5 else "false"
        if left < 0:
            headers |= {"Retry-After": "1", "RateLimit-Reason": "jira-burst-based"}
            raise ApiError(429, "Rate limit exceeded.")
        sent.append(now)
