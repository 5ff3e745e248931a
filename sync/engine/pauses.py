"""What a tracker's limits hold up: found before anything is sent, told with its end, and taken up when they let it through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sync.core.errors import Limited
from sync.core.ids import CommentId, ReplicaName, TicketId
from sync.core.plan import Intent
from sync.core.ports import OpKind, Pause
from sync.engine.report import PauseLine
from sync.engine.runtime import Bridge, Replica
from sync.store import Tx

#: What has to wait longer than this is left for another cycle; shorter waits are waited for inside a request.
PATIENCE: Final = timedelta(seconds=10)
#: Why a ticket is dirty whose decision is stored and that waits for nothing but a limit.
WAITS_FOR_LIMIT: Final = "waits for a limit"
#: How far back a limit may look: nobody's is longer than an hour.
LATELY: Final = timedelta(hours=1)


@dataclass(slots=True, kw_only=True)
class Held:
    """What one replica could not be sent in this cycle, and what it was."""

    replica: Replica
    done: int = 0
    waiting: dict[tuple[OpKind, TicketId, CommentId | None], None] = field(default_factory=dict)
    _refused: dict[OpKind, Pause] = field(default_factory=dict)

    def holds(self, intent: Intent) -> bool:
        """Whether the intent must wait; costs no request."""
        pause = self._refused.get(intent.kind) or self.replica.adapter.pause(intent.kind)
        if pause is None or pause.after <= PATIENCE:
            return False
        self.waiting[intent.kind, intent.ticket, intent.comment] = None
        return True

    def refused(self, intent: Intent, error: Limited) -> None:
        """The tracker said it itself, in spite of our count: nothing more of this kind is tried in this cycle."""
        self._refused[intent.kind] = Pause(
            after=max(error.after or PATIENCE, PATIENCE * 1.01), why=str(error), over=timedelta()
        )
        self.holds(intent)

    def tickets(self) -> set[TicketId]:
        """The tickets that something is held up of."""
        return {ticket for _, ticket, _ in self.waiting}

    def line(self, bridge: Bridge, skipped: int) -> PauseLine | None:
        """What there is to say about it; None for nothing. `skipped` tickets were not even decided on again."""
        left = len(self.waiting)
        kind = next(iter(self.waiting))[0] if self.waiting else OpKind.CREATE
        pause = self._refused.get(kind) or self.replica.adapter.pause(kind, max(1, left + skipped))
        left += skipped if pause is not None and pause.after > PATIENCE else 0
        if not left:
            return None
        now = bridge.now()
        return PauseLine(
            replica=self.replica.name,
            why=pause.why if pause is not None else "its turn",
            left=left,
            written=self.done,
            until=now + pause.after if pause is not None else now,
            over=now + max(pause.over, pause.after) if pause is not None else now,
        )


def recall(bridge: Bridge, replicas: Iterable[Replica]) -> None:
    """Tell every adapter what its account was sent lately, by this process or another: its pace goes on from there."""
    now = bridge.now()
    with bridge.store.read() as tx:
        rows = tx.outbox.sent_since(now - LATELY)
    for replica in replicas:
        names = replica.account_of or {replica.name}
        replica.adapter.recall([(kind, now - at) for name, kind, at in rows if name in names])


def held_back(bridge: Bridge, tx: Tx, available: Iterable[ReplicaName]) -> set[TicketId]:
    """The tickets that wait for nothing but a limit, while there is one: to decide on them again would change nothing."""
    pauses = (bridge.replicas[name].adapter.pause(OpKind.CREATE) for name in available)
    if any(pause is not None and pause.after > PATIENCE for pause in pauses):
        return set(tx.tickets.dirty(bridge.name, WAITS_FOR_LIMIT))
    return set()
