"""What there is to do: which tickets to look at, what a sync would do to them, and whether a guard stops it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from sync.core.guard import Effect, Halt, check
from sync.core.ids import ReplicaName, TicketId
from sync.core.models import KINDS, Field
from sync.core.plan import Count, Intent
from sync.core.ports import OpKind
from sync.engine.deciding import Decider, TicketWork
from sync.engine.report import HaltLine, PlannedChange, PlannedConflict, PlannedWrite, PlanReport, ProblemLine
from sync.engine.session import Session
from sync.store import Tx
from sync.store.naming import in_words

_ACTIONS = {
    OpKind.CREATE: "create",
    OpKind.UPDATE: "update",
    OpKind.COMMENT_CREATE: "comment",
    OpKind.COMMENT_UPDATE: "edit comment",
    OpKind.COMMENT_DELETE: "delete comment",
    OpKind.ATTACHMENT_CREATE: "attach",
    OpKind.ATTACHMENT_DELETE: "remove attachment",
}


def worklist(session: Session, tx: Tx, *, only: Iterable[TicketId] | None = None) -> list[list[TicketId]]:
    """The tickets that something was pulled for or that are dirty: a list a kind, parents' kinds first, each by number.

    A list is written before the next one is decided, so that a parent has its place when its children get theirs.
    """
    bridge = session.bridge
    found: set[TicketId] = set(tx.tickets.dirty(bridge.name)) if only is None else set(only)
    if only is None:
        for name in session.available:
            refs = tx.inbox.ticket_refs(bridge.name, name)
            found.update(tx.links.refs_to_tickets(bridge.name, name, refs).values())
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
    )
    for ticket in tickets:
        if (work := decider.decide(ticket)) is not None:
            yield work


@dataclass(slots=True, kw_only=True)
class Survey:
    """What the decisions of a cycle add up to."""

    count: Count = field(default_factory=Count)
    plan: list[PlannedWrite] = field(default_factory=list)
    conflicts: list[PlannedConflict] = field(default_factory=list)
    problems: list[ProblemLine] = field(default_factory=list)
    new_tickets: int = 0
    changed_tickets: int = 0
    written: set[ReplicaName] = field(default_factory=set)

    def take(self, tx: Tx, work: TicketWork, *, keep: bool) -> None:
        """Count one ticket; with `keep`, remember what would be written."""
        if any(side.gone for side in work.decision.sides.values()):
            self.count.touch(Effect.LOSE, work.record.id)
        for intent in work.intents:
            self.written.add(intent.replica)
            # The first writes to a newly joined pair were asked for by whoever joined it.
            joined_now = intent.replica in work.seen and work.seen[intent.replica].link.base is None
            if not joined_now:
                self.count.take(intent)
        if not keep:
            return
        if work.record.dirty == "new":
            self.new_tickets += 1
        elif work.decision.changes:
            self.changed_tickets += 1
        self.plan += [_planned(tx, work, intent) for intent in work.intents]
        self.conflicts += [
            PlannedConflict(
                ticket=work.record.id,
                key=work.record.key,
                field=conflict.field,
                claims=tuple((claim.replica, in_words(tx, claim.value)) for claim in conflict.claims),
                proposed=in_words(tx, conflict.proposed),
                settled=conflict.settled,
            )
            for conflict in work.decision.conflicts
        ]
        self.problems += [
            ProblemLine(
                replica=name,
                place=f"{name} {work.seen[name].link.key or work.seen[name].link.ref}",
                message=problem.message,
                mend=problem.mend,
            )
            for name, problems in work.problems.items()
            for problem in problems
        ]


def _planned(tx: Tx, work: TicketWork, intent: Intent) -> PlannedWrite:
    title = work.decision.after.fields.get(Field.TITLE)
    where = work.seen[intent.replica].link.key if intent.replica in work.seen else ""
    return PlannedWrite(
        replica=intent.replica,
        action=_ACTIONS[intent.kind],
        ticket=work.record.id,
        key=work.record.key,
        title=title if isinstance(title, str) else "",
        where=where,
        changes=tuple(
            PlannedChange(field=name, old=in_words(tx, change.old), new=in_words(tx, change.new))
            for name, change in intent.changes.fields.items()
        ),
    )


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


def plan_report(session: Session, survey: Survey, halts: Iterable[Halt]) -> PlanReport:
    """The survey as what `trackdown plan` shows."""
    return PlanReport(
        bridge=session.bridge.name,
        made_at=session.bridge.now(),
        writes=tuple(survey.plan),
        new_tickets=survey.new_tickets,
        changed_tickets=survey.changed_tickets,
        conflicts=tuple(survey.conflicts),
        halts=(*session.report.halts, *(HaltLine(name=one.name, message=one.message, mend=one.mend) for one in halts)),
        problems=(*session.report.problems, *survey.problems),
        failures=tuple(session.report.failures),
    )


def with_halts(report: PlanReport, halts: Iterable[Halt]) -> PlanReport:
    """The plan, and the guards that tripped after it was made."""
    lines = (HaltLine(name=one.name, message=one.message, mend=one.mend) for one in halts)
    return replace(report, halts=(*report.halts, *lines))
