"""Undo: what a run decided is set back as a person's decision, where nobody wrote since, and written everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sync.core.errors import ConfigError
from sync.core.fieldrules import equal
from sync.core.guard import Halt
from sync.core.ids import CommentId, RunId, TicketId
from sync.core.models import UNKNOWN, Canonical, Field, Fields, Provenance, Value, is_empty
from sync.engine.closing import close_copies
from sync.engine.cycle import prepare, read_all
from sync.engine.deciding import ESSENTIAL, TicketWork
from sync.engine.effects import differences
from sync.engine.images import UNDO, UNDO_COMMENT, Image, Images, Place, images_of
from sync.engine.planning import REVIEWED, STALE, consent_to_deletes, rehearse
from sync.engine.report import NotUndone, PlanReport, UndoneValue, UndoReport
from sync.engine.runtime import Bridge
from sync.engine.session import Session, held
from sync.engine.survey import decisions
from sync.engine.writing import write_all
from sync.store import Tx
from sync.store.convert import fields_to_json
from sync.store.naming import in_words


def plan_undo(bridge: Bridge, run: RunId, *, by: str, close_created: bool = False) -> UndoReport:
    """What `undo_run` would do now; nothing is written. Raises `ConfigError` where the bridge has no such run."""
    with held(bridge) as lease:
        session = read_all(bridge, lease)
        undo = _Undo(run=run, by=by, close_created=close_created)
        plan = undo.rehearsed(session)
        session.finish()
        return undo.report(session, plan)


def undo_run(
    bridge: Bridge, run: RunId, *, by: str, close_created: bool = False, reviewed: UndoReport | None = None
) -> UndoReport:
    """Take the run back, in a run of its own; with `reviewed`, only if that is still what there is to do.

    Whoever calls has shown the plan to a person, who lifts the brake by it. A tracker that can't be read stops it.
    """
    with held(bridge) as lease:
        session = read_all(bridge, lease)
        rehearsal = _Undo(run=run, by=by, close_created=close_created)
        plan = rehearsal.rehearsed(session)
        changed = differences(reviewed.plan, plan) if reviewed is not None else ()
        if changed:
            session.report.halts.append(STALE)
        undo = _Undo(run=run, by=by, close_created=close_created)
        if not session.report.halts and not session.report.failures:
            session.take_halts(undo.prepare(session))
        if undo.is_ready and not session.report.halts and not bridge.stop.is_set():
            with consent_to_deletes(bridge):
                undo.write(session)
        session.finish()
        return replace((undo if undo.is_ready else rehearsal).report(session, plan), differences=changed)


@dataclass(slots=True, kw_only=True)
class _Undo:
    """One undo in progress."""

    run: RunId
    by: str
    close_created: bool
    images: Images = field(default_factory=Images)
    done: list[UndoneValue] = field(default_factory=list)
    refused: list[NotUndone] = field(default_factory=list)
    tickets: set[TicketId] = field(default_factory=set)
    is_ready: bool = False

    def rehearsed(self, session: Session) -> PlanReport:
        """What it comes to; nothing while a tracker can't be read."""
        failures = tuple(session.report.failures)
        plan = rehearse(session, self.prepare, self.write)
        return replace(plan, writes=(), failures=failures) if failures else plan

    def prepare(self, session: Session) -> tuple[Halt, ...]:
        """Set the values back, unless a guard that no review lifts is against it."""
        bridge = session.bridge
        if session.report.failures:
            return ()
        halts = tuple(one for one in prepare(session) if one.name not in REVIEWED)
        if any(not one.waits for one in halts):
            return halts
        with bridge.store.begin(session.lease) as tx:
            record = tx.runs.get(self.run, bridge.name)
            if record is None:
                raise ConfigError([f"bridge '{bridge.name}' has no run {self.run}; `trackdown audit` shows them"])
            self.images = images_of(tx, self.run)
            self.refused += self.images.refused
            works = {
                work.record.id: work for work in decisions(session, tx, {place[0] for place in self.images.values})
            }
            values: dict[tuple[TicketId, CommentId | None], dict[Field, Image]] = {}
            for place, image in self.images.values.items():
                if self._judge(tx, place, image, works.get(place[0])):
                    values.setdefault(place[:2], {})[place[2]] = image
            for (ticket, comment), images in values.items():
                self._set_back(session, tx, ticket, comment, images)
        self.is_ready = True
        return halts

    def write(self, session: Session) -> None:
        """Write what was set back; other tickets are left to the next sync."""
        if not self.is_ready:
            return
        if self.close_created:
            self.refused += close_copies(session, self.images.made)
        if self.tickets:
            write_all(session, self.tickets)

    def report(self, session: Session, plan: PlanReport) -> UndoReport:
        """What became of it."""
        with session.bridge.store.read() as tx:
            conflicts = [
                one.id
                for one in tx.conflicts.list(session.bridge.name)
                if one.run == self.run and one.state == "settled"
            ]
            copies = (
                []
                if self.close_created
                else [
                    NotUndone(
                        ticket=row.ticket,
                        key=record.key if (record := tx.tickets.get(row.ticket)) is not None else "",
                        replica=row.replica,
                        reason="the copy that this run made stays (`--close-created` closes it)",
                    )
                    for row in self.images.made
                ]
            )
        return UndoReport(
            run=self.run,
            undo=session.run,
            bridge=session.bridge.name,
            undone=tuple(self.done),
            refused=tuple(self.refused),
            kept=(*self.images.kept, *copies),
            conflicts=tuple(conflicts),
            plan=plan,
            cycle=session.report,
        )

    def _judge(self, tx: Tx, place: Place, image: Image, work: TicketWork | None) -> bool:
        """Whether the value can be set back; what speaks against it is noted."""
        ticket, comment, name = place
        now = _present(tx, place)
        if work is None or equal(name, now, image.before):
            return False  # nothing is left to be done
        reason = _against(tx, work, comment, name, now, image)
        said = in_words(tx, now), in_words(tx, image.before)
        if reason:
            self.refused.append(NotUndone(ticket=ticket, key=work.record.key, field=name, reason=reason))
        else:
            self.done.append(
                UndoneValue(
                    ticket=ticket,
                    key=work.record.key,
                    comment=comment is not None,
                    field=name,
                    old=said[0],
                    new=said[1],
                )
            )
        return not reason

    def _set_back(
        self, session: Session, tx: Tx, ticket: TicketId, comment: CommentId | None, images: dict[Field, Image]
    ) -> None:
        canonical = _canonical(tx, ticket, comment)
        before: Fields = {name: canonical.fields.get(name) for name in images}
        after: Fields = {name: image.before for name, image in images.items()}
        source = Provenance(replica=None, at=session.bridge.now())
        fields: dict[Field, Value] = {**canonical.fields, **after}
        whole = Canonical(fields=fields, provenance={**canonical.provenance, **dict.fromkeys(after, source)})
        if comment is None:
            tx.tickets.save(ticket, whole)
        else:
            tx.comments.save(comment, whole)
        for link in tx.links.of_ticket(ticket) if comment is None else tx.links.of_comments(ticket):
            if link.comment == comment and link.agreed.keys() & after.keys():
                agreed = {name: value for name, value in link.agreed.items() if name not in after}
                tx.links.save(replace(link, agreed=agreed))
        tx.tickets.set_dirty(ticket, f"{self.run} is undone")
        tx.audit.append(
            phase="person",
            action=UNDO if comment is None else UNDO_COMMENT,
            run=session.run,
            bridge=session.bridge.name,
            ticket=ticket,
            before=fields_to_json(before),
            after=fields_to_json(after),
            note=f"{self.run} by {self.by}",
        )
        self.tickets.add(ticket)


def _canonical(tx: Tx, ticket: TicketId, comment: CommentId | None) -> Canonical:
    record = tx.tickets.get(ticket) if comment is None else tx.comments.get(comment)
    assert record is not None
    return record.canonical


def _present(tx: Tx, place: Place) -> Value:
    ticket, comment, name = place
    record = tx.tickets.get(ticket) if comment is None else tx.comments.get(comment)
    return record.canonical.fields.get(name) if record is not None else None


def _against(tx: Tx, work: TicketWork, comment: CommentId | None, name: Field, now: Value, image: Image) -> str:
    """Why the value is not set back; empty where nothing is against it."""
    if not equal(name, now, image.after):
        return f"it was changed since: it is {_said(tx, now)} now, and this run made it {_said(tx, image.after)}"
    if image.before is UNKNOWN or (comment is None and name in ESSENTIAL and is_empty(image.before)):
        return "what stood there before is not known"
    about = next((one for one in work.comments if one.record.id == comment), None)
    if comment is not None and (about is None or about.record.deleted or about.ended):
        return "the comment was deleted since"
    decision, held_back = (work.decision, work.held) if about is None else (about.decision, about.held)
    if name in held_back or any(one.field is name for one in decision.conflicts):
        return "a conflict about it waits or has just come up: `trackdown conflicts list`"
    if name in decision.changes:
        source = decision.after.provenance.get(name)
        where = source.replica if source is not None else None
        return f"somebody wrote it in {where or 'a tracker'} since: {_said(tx, decision.changes.fields[name].new)}"
    return ""


def _said(tx: Tx, value: Value) -> str:
    words = in_words(tx, value)
    if is_empty(words):
        return "empty"
    text = ", ".join(sorted(words)) if isinstance(words, frozenset) else " ".join(str(words).split())
    return f"'{text[:60]}'"


def last_run(runs: Iterable[RunId], tx: Tx) -> RunId | None:
    """The first of these that did anything that could be undone."""
    return next((run for run in runs if tx.outbox.of_run(run) or _decided(tx, run)), None)


def _decided(tx: Tx, run: RunId) -> bool:
    return any(one.phase in ("decision", "person") for one in tx.audit.entries(run=run, limit=50))
