"""What a run of the contract has checked: counts by operation and excuse, gathered from all workers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

#: Counts of this process: `operation|tracker|METHOD template|status` and `excuse|its reason`.
TALLY: pytest.StashKey[Counter[str]] = pytest.StashKey()


def lines(tally: Counter[str], reasons: list[str]) -> Iterator[str]:
    """The summary for people: each operation with its statuses, then each excuse with how often it was needed."""
    rows: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, count in tally.items():
        kind, _, rest = name.partition("|")
        if kind == "operation":
            tracker, operation, status = rest.split("|")
            rows[f"{tracker:22} {operation}"][status] += count
    for row, statuses in sorted(rows.items()):
        yield f"{sum(statuses.values()):6}  {row}  ({', '.join(f'{status}: {count}' for status, count in sorted(statuses.items()))})"
    excused = {reason: tally[f"excuse|{reason}"] for reason in reasons}
    yield f"{sum(sum(one.values()) for one in rows.values())} exchanges checked, {sum(excused.values())} deviations excused:"
    yield from (f"{count:6}  {reason}" for reason, count in excused.items() if count)
    yield from (f"unused  {reason}" for reason, count in excused.items() if not count)
