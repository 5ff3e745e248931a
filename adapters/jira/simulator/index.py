"""The search index: a second, late picture of the issues, as search serves it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.jira.simulator.model import Issue

Position = tuple[int, int]


def whole_second(moment: datetime) -> int:
    """The index knows `updated` to the second, the issue itself to the millisecond."""
    return int(moment.timestamp())


class SearchIndex:
    """Issues as they were `lag` seconds ago, kept sorted by `updated`."""

    def __init__(self, lag: float) -> None:
        self.lag = timedelta(seconds=lag)
        self.entries: dict[int, Issue] = {}
        self.revision = 0
        #: The question last asked and its answer, for `select`'s caller.
        self.latest: tuple[tuple[object, ...], list[Position]] = ((), [])
        self._by_updated: list[Position] = []
        self._pending: deque[tuple[datetime, int, Issue | None]] = deque()

    def put(self, now: datetime, issue_id: int, issue: Issue | None) -> None:
        """Note a write (None is a deletion); it appears after the lag."""
        self._pending.append((now + self.lag, issue_id, issue))

    def refresh(self, now: datetime) -> None:
        """Take in what has become visible."""
        while self._pending and self._pending[0][0] <= now:
            _, issue_id, issue = self._pending.popleft()
            self._apply(issue_id, issue)

    def reconcile(self, issue_ids: Iterable[int]) -> None:
        """Take in everything that waits for these issues."""
        wanted = set(issue_ids)
        waiting = [entry for entry in self._pending if entry[1] in wanted]
        self._pending = deque(entry for entry in self._pending if entry[1] not in wanted)
        for _, issue_id, issue in waiting:
            self._apply(issue_id, issue)

    def select(
        self, *, start: int | None, end: int | None, keep: Callable[[Issue], bool], order: str, descending: bool
    ) -> list[Position]:
        """Positions of matching issues in order; `start` and `end` bound `updated`, both inclusive, in whole seconds.

        The id of a position is its last member, negative where the order is descending.
        """
        low = 0 if start is None else bisect_left(self._by_updated, (start, 0))
        high = len(self._by_updated) if end is None else bisect_right(self._by_updated, (end, 1 << 60))
        found = [position for position in self._by_updated[low:high] if keep(self.entries[position[1]])]
        if order != "updated":
            found = sorted((issue_id, issue_id) for _, issue_id in found)
        if descending:
            found = [(-first, -issue_id) for first, issue_id in reversed(found)]
        return found

    def _apply(self, issue_id: int, issue: Issue | None) -> None:
        self.revision += 1
        before = self.entries.pop(issue_id, None)
        if before is not None:
            position = (whole_second(before.updated), issue_id)
            del self._by_updated[bisect_left(self._by_updated, position)]
        if issue is not None:
            self.entries[issue_id] = issue
            insort(self._by_updated, (whole_second(issue.updated), issue_id))
