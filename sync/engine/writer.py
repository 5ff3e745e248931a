"""What every writer to one replica shares: reading back, translating, telling what could not be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sync.core.capabilities import Capabilities
from sync.core.changes import ChangeSet, FieldChange
from sync.core.claims import as_set
from sync.core.errors import Rejected, TrackerError
from sync.core.ids import NativeRef, TicketId
from sync.core.mapping import ProjectMapping
from sync.core.models import Field, FieldProblem, Fields, Gone, NativeTicket
from sync.core.plan import Intent
from sync.core.ports import NativeOp
from sync.engine.direct import look_at
from sync.engine.missing import note_missing
from sync.engine.pauses import Held
from sync.engine.reading import Reader
from sync.engine.report import ProblemLine, ReplicaFailure
from sync.engine.runtime import Bridge, Replica
from sync.engine.sending import Sender
from sync.store import Lease, Tx
from sync.store.records import LinkRecord

#: A workflow has to be walked, and all else written, within this many steps.
MOST_STEPS = 12
#: Fields whose values are names that a project has or has not.
NAMED = frozenset(
    {
        Field.STATUS,
        Field.REASON,
        Field.KIND,
        Field.TYPE,
        Field.PRIORITY,
        Field.SEVERITY,
        Field.COMPONENTS,
        Field.SPRINT,
        Field.MILESTONE,
        Field.LINKS,
    }
)


@dataclass(slots=True)
class Blobs:
    """The files of one batch, by content; gone with the batch."""

    folder: Path
    paths: dict[str, Path] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What one replica's part of a batch came to; `open` are the tickets that must be decided on again."""

    created: set[TicketId] = field(default_factory=set)
    updated: set[TicketId] = field(default_factory=set)
    open: set[TicketId] = field(default_factory=set)
    problems: list[ProblemLine] = field(default_factory=list)
    failure: ReplicaFailure | None = None
    doubtful: bool = False  # a value had no word in the project as we know it: it is asked again what it has


class ChangedMeanwhile(Exception):
    """Somebody wrote what we were about to write, or it is not there any more: decide again."""


@dataclass(slots=True, kw_only=True)
class Writer:
    """Writes to one replica, one request after another, in one thread."""

    bridge: Bridge
    lease: Lease
    replica: Replica
    sender: Sender
    held: Held
    outcome: Outcome = field(default_factory=Outcome)
    blobs: Blobs | None = None

    @property
    def mapping(self) -> ProjectMapping:
        """The bound mapping; the replica has been introduced."""
        assert self.replica.mapping is not None
        return self.replica.mapping

    @property
    def capabilities(self) -> Capabilities:
        """What the project can do; the replica has been introduced."""
        assert self.replica.capabilities is not None
        return self.replica.capabilities

    def reader(self, tx: Tx) -> Reader:
        """The replica in canonical terms, within `tx`."""
        return Reader(bridge=self.bridge, replica=self.replica, tx=tx)

    def link(self, intent: Intent) -> LinkRecord:
        """The link that the intent goes over, as it is now."""
        with self.bridge.store.read() as tx:
            link = tx.links.get(intent.link or "")
        if link is None or link.state != "active":
            raise ChangedMeanwhile
        return link

    def fetched(self, ref: NativeRef, *, comments: bool = False) -> NativeTicket:
        """The ticket as it is now; one that is not there is noted, and `ChangedMeanwhile` raised."""
        found = look_at(self.bridge, self.replica, ref, comments=comments)
        if isinstance(found, Gone):
            self._miss(found)
            raise ChangedMeanwhile
        if found is None:
            message = f"{self.replica.name} does not show us ticket {ref}: it may be that only some people may read it"
            raise Rejected(message)
        return found

    def is_gone(self, intent: Intent, ref: NativeRef) -> bool:
        """Whether a request was refused because its ticket is not there: that is noted, and it is made again when the ticket is back."""
        try:
            self.fetched(ref)
        except ChangedMeanwhile:
            with self.bridge.store.begin(self.lease) as tx:
                refusal = tx.outbox.last_refusal(intent.comment or intent.ticket, self.replica.name)
                if refusal is not None:
                    context = {name: value for name, value in refusal.context.items() if name != "refused"}
                    tx.outbox.save(replace(refusal, context=context))
            return True
        except TrackerError:
            return False
        return False

    def _miss(self, gone: Gone) -> None:
        name = self.replica.name
        with self.bridge.store.begin(self.lease) as tx:
            link = tx.links.by_ref(self.bridge.name, name, gone.ref)
            if gone.moved_to or link is None:
                tx.inbox.put(self.bridge.name, name, gone=[gone])
            elif link.is_active and link.missing_since is None:
                self.outcome.problems.append(note_missing(self.bridge, tx, link))

    def localised(self, changes: ChangeSet) -> ChangeSet:
        """The changes as the codec takes them: carried fields only, the parent as a native ref."""
        with self.bridge.store.read() as tx:
            reader = self.reader(tx)
            local = reader.localised(changes.news)
            past = reader.localised({name: change.old for name, change in changes.fields.items()})
        return ChangeSet(fields={name: FieldChange(old=past.get(name), new=value) for name, value in local.items()})

    def beside(self, local: ChangeSet, seen: Fields) -> ChangeSet:
        """The localised changes, with the links that stand there and are nobody's here."""
        links = local.fields.get(Field.LINKS)
        if links is None or not seen.get(Field.LINKS):
            return local
        with self.bridge.store.read() as tx:
            strange = self.reader(tx).strange_links(seen)
        return ChangeSet(fields={**local.fields, Field.LINKS: replace(links, new=as_set(links.new) | strange)})

    def decoded(self, native: NativeTicket) -> Fields:
        """The ticket in the codec's terms."""
        return self.replica.codec.decode(native, self.mapping).snapshot.fields

    def refusal(self, op: NativeOp, error: TrackerError) -> FieldProblem:
        """The error as a problem of what the request was about."""
        only = next(iter(op.fields)) if len(op.fields) == 1 else None
        return FieldProblem(
            field=only, message=f"{op.summary}: {error}", mend="mend it in the tracker, or change the value"
        )

    def forget_problems(self, intent: Intent) -> None:
        """What was wrong with these fields is about to be tried again."""
        with self.bridge.store.read() as tx:
            if not tx.problems.any_of(self.bridge.name, self.replica.name, intent.ticket):
                return
        with self.bridge.store.begin(self.lease) as tx:
            tx.problems.clear(
                self.bridge.name,
                self.replica.name,
                ref=_comment(intent),
                ticket=intent.ticket,
                kind=_part(intent),
                fields=intent.changes.fields,
            )

    def unsaid(self, intent: Intent, where: NativeTicket | None, problems: Sequence[FieldProblem]) -> None:
        """Report what has no word here; a name that the project lacked may have been made since it was asked."""
        if any(
            problem.field is not None and (problem.field in NAMED or problem.field.is_custom) for problem in problems
        ):
            self.outcome.doubtful = True
        self.report(intent, where, problems)

    def report(self, intent: Intent, where: NativeTicket | None, problems: Sequence[FieldProblem]) -> None:
        """Keep the problems and tell them."""
        if not problems:
            return
        with self.bridge.store.begin(self.lease) as tx:
            ticket = tx.tickets.get(intent.ticket)
            for problem in problems:
                tx.problems.report(
                    bridge=self.bridge.name,
                    replica=self.replica.name,
                    ref=_comment(intent) or (where.ref if where else None),
                    ticket=intent.ticket,
                    field=problem.field,
                    kind=_part(intent),
                    message=problem.message,
                    mend=problem.mend,
                )
        key = where.key if where is not None else f"copy of {ticket.key if ticket else intent.ticket}"
        for problem in problems:
            place = f"{self.replica.name} {key}" + (f", {problem.field.value}" if problem.field else "")
            self.outcome.problems.append(
                ProblemLine(replica=self.replica.name, place=place, message=problem.message, mend=problem.mend)
            )


def _part(intent: Intent) -> str:
    """What a problem is one of: a comment that could be written says nothing about its ticket's text."""
    if intent.comment is not None:
        return "comment"
    return "file" if intent.attachment is not None else "write"


def _comment(intent: Intent) -> NativeRef | None:
    """What tells the problems of one comment from those of another: its own id, for the tracker may have none yet."""
    return None if intent.comment is None else NativeRef(intent.comment)
