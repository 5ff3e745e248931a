"""A plan: the cycle itself, rehearsed. The same steps run over the same store, and nothing of it lasts or leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from sync.core.guard import Halt
from sync.core.ids import TicketId
from sync.engine.deciding import TicketWork
from sync.engine.effects import writes_of
from sync.engine.exposure import check_exposure
from sync.engine.rehearsal import rehearsing
from sync.engine.report import Basis, HaltLine, PlannedConflict, PlanReport
from sync.engine.runtime import Bridge
from sync.engine.session import Session
from sync.store import Tx
from sync.store.convert import dumps, fields_to_json
from sync.store.naming import in_words, text_in_words
from sync.store.rehearsal import rehearsed

#: The guards that a person lifts by reviewing a plan.
REVIEWED = frozenset({"mass_change", "deletion"})
STALE = HaltLine(
    name="stale_plan",
    message="the plan is stale: what it would do is not what there is to do now, and nothing was written",
    mend="run `trackdown plan --out FILE` again and look at what changed",
)
Prepare = Callable[[Session], tuple[Halt, ...]]
Write = Callable[[Session], None]


@dataclass(slots=True, kw_only=True)
class _Notes:
    """What was decided on the way."""

    new: set[TicketId] = field(default_factory=set)
    changed: set[TicketId] = field(default_factory=set)
    conflicts: list[PlannedConflict] = field(default_factory=list)
    rests_on: dict[TicketId, Basis] = field(default_factory=dict)

    def take(self, tx: Tx, work: TicketWork) -> None:
        """Note one decision."""
        if work.record.dirty == "new":
            self.new.add(work.record.id)
        elif work.decision.changes:
            self.changed.add(work.record.id)
        decisions = [work.decision, *(comment.decision for comment in work.comments)]
        self.conflicts += [
            PlannedConflict(
                ticket=work.record.id,
                key=work.record.key,
                field=conflict.field,
                claims=tuple((claim.replica, in_words(tx, claim.value)) for claim in conflict.claims),
                proposed=in_words(tx, conflict.proposed),
                settled=conflict.settled,
            )
            for decision in decisions
            for conflict in decision.conflicts
        ]
        if work.intents:
            self.rests_on.setdefault(work.record.id, _basis(work))


def _basis(work: TicketWork) -> Basis:
    natives = {name: one.head or one.link.native for name, one in work.seen.items()}
    canonical = dumps(fields_to_json(work.record.canonical.fields))
    return Basis(
        ticket=work.record.id,
        key=work.record.key,
        versions={name: native.version for name, native in natives.items() if native is not None},
        canonical=hashlib.sha256(canonical.encode()).hexdigest()[:16],
    )


def rehearse(session: Session, prepare: Prepare, write: Write) -> PlanReport:
    """What the rest of the cycle would do after what was read: `prepare` gives the guards' halts, `write` does the work.

    What a guard would stop is shown too: a person may want to lift it.
    """
    notes = _Notes()
    if session.report.halts:
        return _report(session, notes, ())
    with rehearsed(session.bridge.store, session.lease) as store:
        twin = session.twin(rehearsing(session.bridge, store), notes.take)
        halts = list(prepare(twin))
        publishes = twin.bridge.allow_publish
        twin.bridge.allow_publish = True
        with consent_to_deletes(twin.bridge):
            write(twin)
        twin.bridge.allow_publish = publishes
        with store.read() as tx:
            report = _report(twin, notes, (), tx)
        late = check_exposure(twin, {one.replica for one in report.writes})
        halts += [one for one in late if one not in halts]
    return replace(report, halts=(*report.halts, *_lines(halts)), failures=twin.report.unread())


@contextmanager
def consent_to_deletes(bridge: Bridge) -> Iterator[None]:
    """Let the bridge delete within the `with` block."""
    limits = bridge.limits
    bridge.limits = replace(limits, allow_deletes=True)
    try:
        yield
    finally:
        bridge.limits = limits


def _report(session: Session, notes: _Notes, halts: Iterable[Halt], tx: Tx | None = None) -> PlanReport:
    report = session.report
    problems = (
        report.problems
        if tx is None
        else [
            replace(one, place=text_in_words(tx, one.place), message=text_in_words(tx, one.message))
            for one in report.problems
        ]
    )
    return PlanReport(
        bridge=session.bridge.name,
        made_at=session.bridge.now(),
        writes=() if tx is None else writes_of(tx, session.run),
        new_tickets=len(notes.new),
        changed_tickets=len(notes.changed),
        conflicts=tuple(notes.conflicts),
        halts=(*report.halts, *_lines(halts)),
        problems=tuple(problems),
        failures=report.unread(),
        rests_on=tuple(notes.rests_on.values()),
    )


def _lines(halts: Iterable[Halt]) -> tuple[HaltLine, ...]:
    return tuple(HaltLine(name=one.name, message=one.message, mend=one.mend, waits=one.waits) for one in halts)
