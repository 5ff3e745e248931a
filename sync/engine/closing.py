"""Copies that a run made are closed and let go: the ticket that they were made of is not touched."""

from __future__ import annotations

from collections.abc import Iterable

from sync.core.changes import ChangeSet, FieldChange
from sync.core.models import Field
from sync.core.plan import Intent
from sync.core.ports import OpKind
from sync.engine.apply import apply
from sync.engine.deciding import TicketWork
from sync.engine.report import NotUndone
from sync.engine.session import Session
from sync.engine.survey import decisions
from sync.store import Tx
from sync.store.records import LinkRecord, OutboxRecord

_CLOSED = {Field.STATUS: "done", Field.REASON: "not_planned"}


def close_copies(session: Session, made: Iterable[OutboxRecord]) -> list[NotUndone]:
    """Close the copies that these requests made and take them out of step; those that somebody touched since are told and stay."""
    bridge = session.bridge
    intents: list[Intent] = []
    stay: list[NotUndone] = []
    rows = list(made)
    with bridge.store.read() as tx:
        works = {work.record.id: work for work in decisions(session, tx, {row.ticket for row in rows})}
        for row in rows:
            work = works.get(row.ticket)
            seen = work.seen.get(row.replica) if work is not None else None
            if work is None or seen is None or seen.link.ref != row.context.get("ref"):
                continue
            origins = {one.origin for one in tx.attachments.of(row.ticket)}
            if _is_touched(work, row) or row.replica in origins or row.replica not in session.available:
                reason = f"somebody worked on {seen.link.key} since; it stays open and in step"
                stay.append(NotUndone(ticket=row.ticket, key=work.record.key, replica=row.replica, reason=reason))
                continue
            changes = {name: FieldChange(old=seen.side.seen.get(name), new=value) for name, value in _CLOSED.items()}
            intents.append(
                Intent(
                    kind=OpKind.UPDATE,
                    replica=row.replica,
                    ticket=row.ticket,
                    link=seen.link.id,
                    changes=ChangeSet(fields={name: one for name, one in changes.items() if name in seen.side.fields}),
                )
            )
    outcomes = apply(bridge, {name: session.writers[name] for name in session.available}, intents)
    left = session.take_outcomes(outcomes.values())
    _let_go(session, [one for one in intents if one.ticket not in left and one.ticket in outcomes[one.replica].updated])
    return stay


def _is_touched(work: TicketWork, row: OutboxRecord) -> bool:
    """Whether a person wrote a field or a comment in the copy."""
    side = work.seen[row.replica].side
    written = any(side.edited(name) for name in side.fields)
    taken = any(source.replica == row.replica for source in work.decision.after.provenance.values())
    return written or taken or any(one.record.origin == row.replica for one in work.comments)


def _let_go(session: Session, closed: Iterable[Intent]) -> None:
    with session.bridge.store.begin(session.lease) as tx:
        for one in closed:
            link = tx.links.get(one.link or "")
            if link is None:
                continue
            copies = [each for each in tx.links.of_comments(one.ticket) if each.replica == one.replica]
            for each in (link, *copies):
                tx.links.remove(each.id)
            _log(session, tx, link)


def _log(session: Session, tx: Tx, link: LinkRecord) -> None:
    tx.audit.append(
        phase="person",
        action="remove link",
        run=session.run,
        bridge=session.bridge.name,
        ticket=link.ticket,
        replica=link.replica,
        before={"ref": link.ref, "key": link.key},
        note=f"{link.key} in {link.replica}",
    )
