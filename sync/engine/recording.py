"""Record: what was decided about a ticket goes into the store in one transaction, before anything is written outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sync.core.conflict import Claim, Conflict
from sync.core.decision import Decision
from sync.core.fieldrules import equal
from sync.core.ids import CommentId, ReplicaName, RunId, TicketId
from sync.core.mapping import ProjectMapping
from sync.core.models import Field, FieldProblem, NativeTicket
from sync.core.ports import OpKind
from sync.engine.comment_work import CommentWork, SideSeen
from sync.engine.deciding import TicketWork
from sync.engine.deletions import WAITS, Ending
from sync.engine.mirrors import mirror
from sync.engine.overrun import settle_overruns
from sync.engine.report import ProblemLine
from sync.engine.runtime import Bridge
from sync.store import Tx
from sync.store.convert import fields_to_json, value_to_json
from sync.store.records import ClaimRecord, ConflictRecord, LinkRecord

#: Why a ticket is dirty whose decision is stored and whose requests are not all done.
TO_BE_WRITTEN = "to be written"
GONE_MEND = "join another one with `trackdown links add`, or take the link away with `trackdown links remove`"


def record(bridge: Bridge, tx: Tx, run: RunId, work: TicketWork) -> list[ProblemLine] | None:
    """Store the decision; None where the ticket was changed since it was read, and must be decided again.

    Ticket, bases, conflicts, audit and problems in the caller's transaction; the inbox rows that it rests on are done.
    """
    if not _is_current(tx, work):
        return None
    lines: list[ProblemLine] = []
    _save_sides(bridge, tx, work.decision, work.seen)
    if work.decision.changes:
        tx.tickets.save(work.record.id, work.decision.after)
        mirror(bridge, tx, run, work)
    _audit(bridge, tx, run, work.record.id, None, work.decision)
    _conflicts(bridge, tx, run, work.record.id, None, work.decision, work.held)
    for comment in work.comments:
        _record_comment(bridge, tx, run, comment)
    _forget_mended(bridge, tx, work)
    for replica, problems in work.problems.items():
        lines += _problems(bridge, tx, work.seen[replica].link, problems)
    lines += [line for ending in work.endings if (line := _end(bridge, tx, run, ending, work)) is not None]
    for overrun in work.overruns:
        settle_overruns(tx, overrun)
    for replica, item in work.items.items():
        tx.inbox.done(bridge.name, replica, item.ref, item)
    waits = any(ending.outcome == "delete" for ending in work.endings) and not bridge.limits.allow_deletes
    dirty = WAITS if waits else TO_BE_WRITTEN if work.intents else "waits" if work.waits else None
    tx.tickets.set_dirty(work.record.id, dirty)
    return lines


def _is_current(tx: Tx, work: TicketWork) -> bool:
    """Whether nobody (a person at the command line) changed the ticket, its comments or its links since they were read."""
    comments = [comment for comment in work.comments if tx.comments.get(comment.record.id) != comment.record]
    links = [one.link for one in work.seen.values()]
    links += [one.link for comment in work.comments for one in comment.seen.values()]
    return (
        tx.tickets.get(work.record.id) == work.record
        and not comments
        and all(tx.links.get(link.id) == link for link in links)
    )


def _record_comment(bridge: Bridge, tx: Tx, run: RunId, work: CommentWork) -> None:
    _save_sides(bridge, tx, work.decision, work.seen)
    if work.decision.changes:
        tx.comments.save(work.record.id, work.decision.after)
    if work.ended and not work.record.deleted:
        tx.comments.delete(work.record.id)
    _audit(bridge, tx, run, work.record.ticket, work.record.id, work.decision)
    _conflicts(bridge, tx, run, work.record.ticket, work.record.id, work.decision, work.held)


def _save_sides(bridge: Bridge, tx: Tx, decision: Decision, seen: Mapping[ReplicaName, SideSeen]) -> None:
    for replica, one in seen.items():
        told = decision.sides[replica]
        mapping = bridge.replicas[replica].mapping
        assert mapping is not None
        link = _observed(one, mapping)
        link = replace(link, base=told.base, agreed=told.agreed, state="gone" if told.gone else link.state)
        if link != one.link:
            tx.links.save(replace(link, observed_at=bridge.now()))


def _observed(one: SideSeen, mapping: ProjectMapping) -> LinkRecord:
    link = replace(one.link, digest=mapping.digest())
    if one.head is None:
        return link
    if link.native is not None and link.native.payload == one.head.payload:
        return link  # read again, nothing new
    if isinstance(one.head, NativeTicket):
        # The comments have links of their own; a second copy of them in every base would only grow.
        return replace(
            link, native=replace(one.head, comments=None), key=one.head.key, url=one.head.url, number=one.head.number
        )
    return replace(link, native=one.head)


def _audit(bridge: Bridge, tx: Tx, run: RunId, ticket: TicketId, comment: CommentId | None, decision: Decision) -> None:
    if not decision.changes:
        return
    changes = decision.changes.fields
    before = {name: change.old for name, change in changes.items()}
    tx.audit.append(
        phase="decision",
        action="merge" if comment is None else "merge comment",
        run=run,
        bridge=bridge.name,
        ticket=ticket,
        before=fields_to_json(before),
        after=fields_to_json(decision.changes.news),
        note="; ".join(_origin(name, decision) for name in changes),
    )


def _origin(name: Field, decision: Decision) -> str:
    source = decision.after.provenance.get(name)
    if source is None:
        return name.value
    who = f" by {source.author}" if source.author else ""
    return f"{name.value} from {source.replica or 'trackdown'}{who}"


def _conflicts(
    bridge: Bridge,
    tx: Tx,
    run: RunId,
    ticket: TicketId,
    comment: CommentId | None,
    decision: Decision,
    held: Mapping[Field, ConflictRecord],
) -> None:
    for conflict in decision.conflicts:
        claims = tuple(_claim(claim, conflict) for claim in conflict.claims)
        waiting = held.get(conflict.field)
        if waiting is not None:
            known = {(claim.replica, repr(value_to_json(claim.value))) for claim in waiting.claims}
            new = [claim for claim in claims if (claim.replica, repr(value_to_json(claim.value))) not in known]
            tx.conflicts.save(replace(waiting, claims=(*waiting.claims, *new), proposed=conflict.proposed))
            continue
        winner = conflict.winner.replica if conflict.winner is not None else None
        tx.conflicts.add(
            bridge=bridge.name,
            ticket=ticket,
            comment=comment,
            field=conflict.field,
            reason=conflict.reason.value,
            base=conflict.base,
            claims=claims,
            proposed=conflict.proposed,
            chosen=conflict.proposed if conflict.settled else None,
            chosen_replica=winner if conflict.settled else None,
            state="settled" if conflict.settled else "open",
            run=run,
        )


def _claim(claim: Claim, conflict: Conflict) -> ClaimRecord:
    return ClaimRecord(
        replica=claim.source.replica,
        value=claim.value,
        author=claim.source.author,
        at=claim.source.at,
        uncertain=conflict.uncertain,
    )


def _problems(bridge: Bridge, tx: Tx, link: LinkRecord, problems: tuple[FieldProblem, ...]) -> list[ProblemLine]:
    tx.problems.clear(bridge.name, link.replica, ref=link.ref, kind="decode")
    for problem in problems:
        tx.problems.report(
            bridge=bridge.name,
            replica=link.replica,
            ref=link.ref,
            ticket=link.ticket,
            field=problem.field,
            kind="decode",
            message=problem.message,
            mend=problem.mend,
        )
    return [
        ProblemLine(replica=link.replica, place=place(link, problem.field), message=problem.message, mend=problem.mend)
        for problem in problems
    ]


def _forget_mended(bridge: Bridge, tx: Tx, work: TicketWork) -> None:
    """What could not be written stands there by now: somebody wrote it by hand, or the tracker was late."""
    for replica, one in work.seen.items():
        if one.head is None:
            continue
        stands, wanted = one.side.seen, work.decision.after.fields
        for name in tx.problems.fields_of(bridge.name, replica, work.record.id):
            if name in stands and name in wanted and equal(name, stands[name], wanted[name]):
                tx.problems.clear(bridge.name, replica, ticket=work.record.id, kind="write", fields=[name])


def _end(bridge: Bridge, tx: Tx, run: RunId, ending: Ending, work: TicketWork) -> ProblemLine | None:
    """Keep what became of a copy that is not there any more; told once, when it is made sure of."""
    told, link = ending.link.state == "gone", ending.link
    carries_on = ending.outcome == "delete" and (
        not bridge.limits.allow_deletes or any(one.kind is OpKind.DELETE for one in work.intents)
    )
    since = link.missing_since if carries_on else None
    if (now := tx.links.get(link.id)) is not None and now.missing_since != since:
        tx.links.save(replace(now, missing_since=since))
    if told and carries_on:
        return None
    message = _said(ending)
    tx.audit.append(
        phase="decision",
        action="unlink" if ending.outcome == "moved" else ending.outcome,
        run=run,
        bridge=bridge.name,
        ticket=link.ticket,
        replica=link.replica,
        note=message,
    )
    if told:
        return None
    tx.problems.clear(bridge.name, link.replica, ref=link.ref, kind="missing")
    tx.problems.report(
        bridge=bridge.name,
        replica=link.replica,
        ref=link.ref,
        ticket=link.ticket,
        kind="gone",
        message=message,
        mend=GONE_MEND,
    )
    return ProblemLine(replica=link.replica, place=place(link, None), message=message, mend=GONE_MEND)


def _said(ending: Ending) -> str:
    copy = f"{ending.link.key or ending.link.ref} of {ending.link.replica}"
    match ending.outcome:
        case "moved":
            return f"{copy} moved to {ending.moved_to}; it was unlinked, its other copies stay as they are"
        case "kept":
            return (
                f"{copy} was deleted, and the ticket was edited elsewhere since; it was unlinked, its other copies stay"
            )
        case "close":
            return f"{copy} was deleted (or is hidden from us); its other copies are closed"
        case "delete":
            return f"{copy} was deleted (or is hidden from us); its other copies are deleted once somebody consents"
        case _:
            return (
                f"{copy} is not there any more (deleted, or hidden from us); it was unlinked, nothing else was deleted"
            )


def place(link: LinkRecord, field: Field | None) -> str:
    """Tracker, ticket and field, as a person says it."""
    where = f"{link.replica} {link.key or link.ref}"
    return where if field is None else f"{where}, {field.value}"
