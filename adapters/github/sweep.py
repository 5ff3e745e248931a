"""What no feed tells of: a label or a milestone with another name, or an issue field whose change moves no `updated_at`.

A process that runs on looks at one page of the whole list from time to time, and brings what differs from what it saw last.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.github.dependencies import counts_of
from sync.core.models import JsonObject, NativeTicket

EVERY = timedelta(minutes=10)


@dataclass(slots=True)
class Sweep:
    """The version of each issue that this process saw last, and where in the list the next look begins."""

    seen: dict[str, str] = field(default_factory=dict)
    link: str | None = None
    looked: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether it is time for the next page; the first one has time too."""
        self.looked = self.looked or now
        return now - self.looked >= EVERY

    def note(self, row: JsonObject, native: NativeTicket) -> bool:
        """Take a row into account; says whether this process saw it otherwise before."""
        ref, version = str(native.ref), f"{native.version} {counts_of(row)}"
        before = self.seen.get(ref, version)
        self.seen[ref] = version
        return before != version
