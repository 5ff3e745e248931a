"""How much a tracker in memory takes in an hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sync.core.errors import Limited
from sync.core.ports import OpKind, Pause

HOUR: Final = timedelta(hours=1)
#: What counts.
NEWS: Final = frozenset({OpKind.CREATE, OpKind.COMMENT_CREATE})


@dataclass(slots=True)
class MemoryLimit:
    """A count of what was made and when: the tracker's own, or what an adapter knows of it."""

    made: list[datetime] = field(default_factory=list)
    trips: int = 0

    def spend(self, kind: OpKind, now: datetime, most: int | None) -> None:
        """Count one request; `Limited` beyond `most` in an hour."""
        if kind not in NEWS:
            return
        if (pause := self.pause(kind, now, most)) is not None:
            self.trips += 1
            raise Limited("too much was made within an hour", after=pause.after)
        self.made.append(now)

    def pause(self, kind: OpKind, now: datetime, most: int | None, count: int = 1) -> Pause | None:
        """What the next one of `count` has to wait for."""
        lately = sorted(at for at in self.made if at > now - HOUR)
        if most is None or kind not in NEWS or len(lately) < most:
            return None
        after = lately[-most] + HOUR - now
        return Pause(after=after, why=f"its hourly limit of {most}", over=after + (count - 1) // most * HOUR)

    def recall(self, sent: Sequence[tuple[OpKind, timedelta]], now: datetime) -> None:
        """Know again what an earlier process knew."""
        self.made = [now - ago for kind, ago in sent if kind in NEWS]
