"""What a great many histories add up to."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.history import Failure, Result


@dataclass(slots=True)
class Tally:
    """Counts of all histories so far, and the failing ones by seed."""

    counts: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    edits: Counter[str] = field(default_factory=Counter)
    failed: dict[int, list[Failure]] = field(default_factory=dict)
    broken_off: int = 0  # histories that ended in an error of the code, so that nothing was counted
    started: float = field(default_factory=time.monotonic)

    def take(self, result: Result) -> None:
        """Add one history."""
        self.counts.update(result.counts)
        self.struck.update(result.struck)
        self.edits.update(result.edits)
        self.broken_off += not result.counts
        if result.failures:
            self.failed[result.seed] = result.failures

    def seeds(self) -> list[int]:
        """A failing seed of each broken promise first, then the others."""
        first: dict[str, int] = {}
        for seed, failures in sorted(self.failed.items()):
            first.setdefault(failures[0].invariant, seed)
        return list(dict.fromkeys([*first.values(), *sorted(self.failed)]))

    def as_json(self) -> dict[str, Any]:
        """One document."""
        return {
            **self.counts,
            "seconds": round(time.monotonic() - self.started, 1),
            "faults": dict(self.struck.most_common()),
            "edits": dict(self.edits.most_common()),
            "failures": {
                str(seed): [f"{one.invariant}: {one.message}" for one in failures]
                for seed, failures in sorted(self.failed.items())
            },
        }

    def as_text(self) -> str:
        """For people."""
        seconds = time.monotonic() - self.started
        done = self.counts["histories"] + self.broken_off
        lines = [f"{done:,} histories in {seconds:,.0f} s ({done / max(seconds, 0.001):.1f} a second)"]
        lines.append(", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in self.counts.items()))
        lines.append("faults: " + ", ".join(f"{name} {count:,}" for name, count in self.struck.most_common()))
        lines.append("edits: " + ", ".join(f"{name} {count:,}" for name, count in self.edits.most_common()))
        broken = Counter(failures[0].invariant for failures in self.failed.values())
        lines.append("failed: " + (", ".join(f"{name} {count:,}" for name, count in broken.most_common()) or "none"))
        lines += [
            f"  seed {seed}: {failures[0].invariant}: {failures[0].message}"
            for seed, failures in sorted(self.failed.items())
        ]
        return "\n".join(lines) + "\n"
