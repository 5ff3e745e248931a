"""What there is to do: which tickets to look at, what a sync would do to them, and whether a guard stops it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from sync.core.guard import Effect, Halt, check
from sync.core.ids import ReplicaName, TicketId
from sync.core.models import KINDS, Field
from sync.core.plan import Count
from sync.engine.deciding import Decider, TicketWork
from sync.engine.pauses import held_back
from sync.engine.session import Session
from sync.store import Tx


def worklist(session: Session, tx: Tx, *, only: Iterable[TicketId] | None = None) -> list[list[TicketId]]:
    """The tickets that something was pulled for or that are dirty: a list a kind, parents' kinds first, each by number.

    A list is written before the next one is decided, so that a parent has its place when its children get theirs.
    """
    bridge = session.bridge
    found: set[TicketId] = set(tx.tickets.dirty(bridge.name)) if only is None else set(only)
    if only is None:
        news: set[TicketId] = set()
        for name in session.available:
            refs = tx.inbox.ticket_refs(bridge.name, name)
            news.update(tx.links.refs_to_tickets(bridge.name, name, refs).values())
        waiting = held_back(bridge, tx, session.available) - news
        session.held_back = len(waiting)
        found = (found | news) - waiting
    waves: list[list[tuple[int, TicketId]]] = [[] for _ in (*KINDS, "unknown")]
    for ticket in found:
        record = tx.tickets.get(ticket)
        if record is not None:
            kind = record.canonical.fields.get(Field.KIND)
            waves[KINDS.index(kind) if kind in KINDS else len(KINDS)].append((record.number, ticket))
    return [[ticket for _, ticket in sorted(wave)] for wave in waves if wave]


def decisions(session: Session, tx: Tx, tickets: Iterable[TicketId]) -> Iterator[TicketWork]:
    """Decide the tickets, one at a time."""
    decider = Decider(
        bridge=session.bridge,
        tx=tx,
        available=frozenset(session.available),
        histories=session.histories,
        overruns=session.overruns,
        unconfirmed=session.unconfirmed,
    )
    for ticket in tickets:
        if (work := decider.decide(ticket)) is not None:
            yield work


@dataclass(slots=True, kw_only=True)
class Survey:
    """What the decisions of a cycle add up to."""

    count: Count = field(default_factory=Count)
    written: set[ReplicaName] = field(default_factory=set)

    def take(self, work: TicketWork) -> None:
        """Count one ticket."""
        if any(side.gone for side in work.decision.sides.values()):
            self.count.touch(Effect.LOSE, work.record.id)
        if any(one.outcome == "delete" for one in work.endings):
            self.count.waiting[work.record.id] = work.record.key
        for intent in work.intents:
            self.written.add(intent.replica)
            # The first writes to a newly joined pair were asked for by whoever joined it.
            joined_now = intent.replica in work.seen and work.seen[intent.replica].link.base is None
            if not joined_now:
                self.count.take(intent)


def guard(session: Session, tx: Tx, survey: Survey) -> tuple[Halt, ...]:
    """The guards that stop this cycle."""
    bridge = session.bridge
    # How many tickets there are is asked only where something happens to them: an idle cycle costs the same for any number.
    emptied = [name for name, pulled in session.pulled.items() if pulled.emptied]
    clocks = {name: bridge.replicas[name].adapter.clock() for name in session.available}
    census = replace(
        survey.count.census(tx.links.tickets(bridge.name) if survey.count else 0),
        emptied={name: tx.links.count(bridge.name, name) for name in emptied},
        # A reading that nothing was measured for says nothing about the clock.
        clock_offsets={name: one.offset for name, one in clocks.items() if one.uncertainty.total_seconds() < 3600},
    )
    return check(census, bridge.limits)
