"""One cycle of one bridge: the names of its steps, in order. What a step does is said in its own module."""

from __future__ import annotations

from itertools import chain

from sync.core.guard import Halt
from sync.engine.attachments import note_removals
from sync.engine.effects import differences
from sync.engine.ends import confirm_ends
from sync.engine.exposure import check_exposure
from sync.engine.joining import join_newcomers
from sync.engine.loops import without_circles
from sync.engine.missing import look_for_missing
from sync.engine.overrun import find_overruns
from sync.engine.places import AnotherStore, check_places, check_store
from sync.engine.planning import REVIEWED, STALE, consent_to_deletes, rehearse
from sync.engine.probe import introduce
from sync.engine.pull import pull_all
from sync.engine.recover import recover
from sync.engine.report import Applied, CycleReport, PlanReport
from sync.engine.runtime import Bridge
from sync.engine.session import Session, held
from sync.engine.survey import Survey, decisions, guard, worklist
from sync.engine.twins import close_twins
from sync.engine.writing import write_all
from sync.store import Lease, Tx


def run_cycle(bridge: Bridge) -> CycleReport:
    """Bring all replicas of the bridge in step, once.

    Raises `BridgeBusy` when another worker has the bridge, `StoreError` when the store fails; what fails with one
    ticket or one tracker is in the report. `bridge.stop` ends it after the write in hand.
    """
    with held(bridge) as lease:
        session = read_all(bridge, lease)
        if not session.report.halts:
            session.take_halts(prepare(session))
        if not session.report.halts and not bridge.stop.is_set():
            write(session)
        return session.finish()


def plan_cycle(bridge: Bridge) -> PlanReport:
    """What `run_cycle` would do now, by the same steps; nothing is written to any tracker and nothing is decided.

    What was pulled stays in the inbox for the cycle that follows.
    """
    with held(bridge) as lease:
        session = read_all(bridge, lease)
        plan = rehearse(session, prepare, write)
        session.report.halts = list(plan.halts)
        session.finish()
        return plan


def apply_cycle(bridge: Bridge, reviewed: PlanReport) -> Applied:
    """Do what the plan says if that is still all that there is to do; else nothing, with the differences.

    Who reviewed it has lifted the brake and consented to its deletes; the other guards stay.
    """
    with held(bridge) as lease:
        session = read_all(bridge, lease)
        now = rehearse(session, prepare, write)
        changed = differences(reviewed, now)
        if changed:
            session.report.halts.append(STALE)
        if not session.report.halts:
            session.take_halts(one for one in prepare(session) if one.name not in REVIEWED)
        if not session.report.halts and not bridge.stop.is_set():
            with consent_to_deletes(bridge):
                write(session)
        return Applied(report=session.finish(), differences=changed)


def stale_cycle(bridge: Bridge, reviewed: PlanReport) -> Applied | None:
    """What `apply_cycle` would answer if the plan were stale by now; None where it is not."""
    with held(bridge) as lease:
        session = read_all(bridge, lease)
        changed = differences(reviewed, rehearse(session, prepare, write))
        if changed:
            session.report.halts.append(STALE)
        report = session.finish()
    return Applied(report=report, differences=changed) if changed else None


def read_all(bridge: Bridge, lease: Lease) -> Session:
    """Begin a cycle: settle what was left open, and read every tracker."""
    session = Session.start(bridge, lease)
    session.take_halts(check_places(bridge, lease))
    if session.report.halts:
        return session
    session.lose(introduce(bridge, lease))
    session.lose(recover(bridge, lease, session.run, session.available))
    session.take_pulled(pull_all(bridge, lease, session.available))
    session.unconfirmed = confirm_ends(bridge, lease, session.available)
    session.take_looked(look_for_missing(bridge, lease, session.available))
    session.overruns = find_overruns(bridge, lease, session.available)
    return session


def prepare(session: Session) -> tuple[Halt, ...]:
    """Give what is new its place, then ask the guards."""
    bridge = session.bridge
    try:
        with bridge.store.begin(session.lease) as tx:
            joined = join_newcomers(bridge, tx, session.available)
            check_store(bridge, joined)
            session.take_joined(joined)
            note_removals(bridge, tx, session.available)
    except AnotherStore as found:
        return found.halts
    with bridge.store.read() as tx:
        survey = _survey(session, tx)
        halts = guard(session, tx, survey)
    return (*halts, *check_exposure(session, survey.written))


def write(session: Session) -> None:
    """Do what there is to do."""
    write_all(session)
    close_twins(session.bridge, session.writers, session.available)


def _survey(session: Session, tx: Tx) -> Survey:
    survey = Survey()
    # What is new is nowhere but where it was written: to copy it can trip no guard, and is decided when its turn comes.
    new = set(tx.tickets.dirty(session.bridge.name, "new"))
    tickets = (ticket for ticket in chain.from_iterable(worklist(session, tx)) if ticket not in new)
    if new:
        survey.written.update(name for name, replica in session.bridge.replicas.items() if replica.receives)
    for work in decisions(session, tx, tickets):
        (alone,) = without_circles(tx, [work])
        survey.take(alone)
    return survey
