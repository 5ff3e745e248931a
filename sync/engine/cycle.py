"""One cycle of one bridge: the names of its steps, in order. What a step does is said in its own module."""

from __future__ import annotations

from itertools import chain

from sync.engine.attachments import note_removals
from sync.engine.ends import confirm_ends
from sync.engine.exposure import check_exposure
from sync.engine.joining import join_newcomers
from sync.engine.loops import without_circles
from sync.engine.overrun import find_overruns
from sync.engine.places import check_places
from sync.engine.probe import introduce
from sync.engine.pull import pull_all
from sync.engine.recover import recover
from sync.engine.report import CycleReport, PlanReport
from sync.engine.runtime import Bridge
from sync.engine.session import Session, held
from sync.engine.survey import Survey, decisions, guard, plan_report, with_halts, worklist
from sync.engine.writing import write_all
from sync.store import Lease, Tx


def run_cycle(bridge: Bridge) -> CycleReport:
    """Bring all replicas of the bridge in step, once.

    Raises `BridgeBusy` when another worker has the bridge, `StoreError` when the store fails; what fails with one
    ticket or one tracker is in the report. `bridge.stop` ends it after the write in hand.
    """
    with held(bridge) as lease:
        session = _read(bridge, lease)
        if session.report.halts:
            return session.finish()
        with bridge.store.begin(lease) as tx:
            session.take_joined(join_newcomers(bridge, tx, session.available))
            note_removals(bridge, tx, session.available)
        with bridge.store.read() as tx:
            survey = _survey(session, tx, keep=False)
            session.take_halts(guard(session, tx, survey))
        session.take_halts(check_exposure(session, survey.written))
        if not session.report.halts and not bridge.stop.is_set():
            write_all(session)
        return session.finish()


def plan_cycle(bridge: Bridge) -> PlanReport:
    """What `run_cycle` would do now, by the same steps; nothing is written to any tracker and nothing is decided.

    What was pulled stays in the inbox for the cycle that follows.
    """
    with held(bridge) as lease:
        session = _read(bridge, lease)
        if session.report.halts:
            session.finish()
            return plan_report(session, Survey(), ())
        report: PlanReport | None = None
        try:
            with bridge.store.begin(lease) as tx:
                session.take_joined(join_newcomers(bridge, tx, session.available))
                note_removals(bridge, tx, session.available)
                survey = _survey(session, tx, keep=True)
                report = plan_report(session, survey, guard(session, tx, survey))
                raise _OnlyLooking
        except _OnlyLooking:
            assert report is not None
            report = with_halts(report, check_exposure(session, survey.written))
            session.finish()
        assert report is not None
        return report


class _OnlyLooking(Exception):
    """Rolls back what a plan had to write down to see what would follow."""


def _read(bridge: Bridge, lease: Lease) -> Session:
    session = Session.start(bridge, lease)
    session.take_halts(check_places(bridge, lease))
    if session.report.halts:
        return session
    session.lose(introduce(bridge, lease))
    session.lose(recover(bridge, lease, session.run, session.available))
    session.take_pulled(pull_all(bridge, lease, session.available))
    confirm_ends(bridge, lease, session.available)
    session.overruns = find_overruns(bridge, lease, session.available)
    return session


def _survey(session: Session, tx: Tx, *, keep: bool) -> Survey:
    survey = Survey()
    # What is new is nowhere but where it was written: to copy it can trip no guard, and is decided when its turn comes.
    new = set() if keep else set(tx.tickets.dirty(session.bridge.name, "new"))
    tickets = (ticket for ticket in chain.from_iterable(worklist(session, tx)) if ticket not in new)
    if new:
        survey.written.update(name for name, replica in session.bridge.replicas.items() if replica.receives)
    for work in decisions(session, tx, tickets):
        (alone,) = without_circles(tx, [work])
        survey.take(tx, alone, keep=keep)
    return survey
