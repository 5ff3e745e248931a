"""Decide, record and apply, batch by batch, so that any number of tickets passes through little memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sync.core.fieldrules import equal
from sync.core.ids import TicketId
from sync.core.models import Field
from sync.core.plan import Intent
from sync.core.ports import OpKind
from sync.engine.apply import apply
from sync.engine.attachments import collected
from sync.engine.deciding import TicketWork
from sync.engine.ends import confirm_ends
from sync.engine.exposure import check_exposure
from sync.engine.loops import without_circles
from sync.engine.mirrors import MIRRORED
from sync.engine.pauses import WAITS_FOR_LIMIT
from sync.engine.probe import forget
from sync.engine.recording import TO_BE_WRITTEN, record
from sync.engine.recover import recover
from sync.engine.session import Session
from sync.engine.survey import decisions, worklist
from sync.store import Tx

#: Tickets decided, recorded and written together.
BATCH = 100
#: How often a cycle goes over what another step of the same cycle made possible (a parent, then a file that is there now).
PASSES = 4


def write_all(session: Session, only: set[TicketId] | None = None) -> None:
    """Carry out all that is to be done (about `only` these tickets); what can't be done now stays dirty for the next cycle."""
    bridge = session.bridge
    for _ in range(PASSES):
        with bridge.store.read() as tx:
            waves = worklist(session, tx, only=only)
        before = _sent(session)
        left: set[TicketId] = set()
        total, done = sum(map(len, waves)), 0
        for batch in (batch for wave in waves for batch in _batches(wave)):
            bridge.progress.step("decide", None, done, total)
            left |= _batch(session, batch)
            done += len(batch)
            if bridge.stop.is_set() or session.report.halts:
                return
        if any(writer.sender.unknown for writer in session.writers.values()):
            session.lose(recover(bridge, session.lease, session.run, session.available))
            for writer in session.writers.values():
                writer.sender.unknown = 0
        with bridge.store.read() as tx:
            mirrored = tx.tickets.dirty(bridge.name, MIRRORED)
        if not mirrored and (not left or _sent(session) == before):
            return
        only = left | set(mirrored)
        # What was read again just before a write may have lost links.
        session.unconfirmed = confirm_ends(bridge, session.lease, session.available)


def _batch(session: Session, batch: Sequence[TicketId]) -> set[TicketId]:
    """One batch; the tickets that are worth another look in this cycle."""
    with collected(session, batch) as blobs:
        for writer in session.writers.values():
            writer.blobs = blobs
        return _carried_out(session, batch)


def _carried_out(session: Session, batch: Sequence[TicketId]) -> set[TicketId]:
    bridge = session.bridge
    with bridge.store.read() as tx:
        works = without_circles(tx, decisions(session, tx, batch))
    intents: list[Intent] = []
    left: set[TicketId] = set()
    with bridge.store.begin(session.lease) as tx:
        for work in works:
            session.looked_at.add(work.record.id)
            problems = record(bridge, tx, session.run, work)
            if problems is None:
                left.add(work.record.id)
                continue
            if session.watch is not None:
                session.watch(tx, work)
            for name in work.seen:
                session.overruns.pop((work.record.id, name), None)
            session.report.problems += problems
            session.report.conflicts += len(work.decision.conflicts)
            session.report.conflicts += sum(len(comment.decision.conflicts) for comment in work.comments)
            intents += work.intents
            if work.waits:
                left.add(work.record.id)
        overtaken = _overtaken(tx, works)
        for ticket in session.unread.intersection(batch):
            tx.tickets.set_dirty(ticket, "a file is to be read")
    left |= overtaken
    intents = [kept for one in intents if (kept := _without_links(one) if one.ticket in overtaken else one) is not None]
    # What only the collecting of files brought up is judged here; the rest was before the first batch.
    session.take_halts(check_exposure(session, {intent.replica for intent in intents}))
    if session.report.halts:
        return left
    outcomes = apply(bridge, {name: session.writers[name] for name in session.available}, intents)
    still_open = session.take_outcomes(outcomes.values())
    for name, outcome in outcomes.items():
        if outcome.doubtful:
            forget(bridge, name, session.lease)
    with bridge.store.begin(session.lease) as tx:
        held = {ticket for name in outcomes for ticket in session.writers[name].held.tickets()}
        for ticket in {intent.ticket for intent in intents} - still_open - left:
            # What became dirty for another reason meanwhile (a conflict was resolved by hand) stays so.
            if (now := tx.tickets.get(ticket)) is not None and now.dirty == TO_BE_WRITTEN:
                tx.tickets.set_dirty(ticket, WAITS_FOR_LIMIT if ticket in held else None)
    return left | still_open


def _overtaken(tx: Tx, works: Sequence[TicketWork]) -> set[TicketId]:
    """The tickets whose links were decided on at their other ends after their own decision: theirs are not written as they are."""
    if not any(Field.LINKS in work.decision.changes for work in works):
        return set()
    found: set[TicketId] = set()
    for work in works:
        now = tx.tickets.get(work.record.id)
        links = work.decision.after.fields.get(Field.LINKS)
        if now is not None and not equal(Field.LINKS, now.canonical.fields.get(Field.LINKS), links):
            found.add(work.record.id)
    return found


def _without_links(intent: Intent) -> Intent | None:
    if intent.comment is not None or Field.LINKS not in intent.changes:
        return intent
    rest = intent.changes.only(frozenset(intent.changes.fields) - {Field.LINKS})
    return replace(intent, changes=rest) if rest or intent.kind is OpKind.CREATE else None


def _batches(tickets: Sequence[TicketId]) -> Iterator[Sequence[TicketId]]:
    for start in range(0, len(tickets), BATCH):
        yield tickets[start : start + BATCH]


def _sent(session: Session) -> int:
    return sum(writer.sender.sent for writer in session.writers.values())
