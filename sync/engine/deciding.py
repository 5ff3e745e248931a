"""Diff, merge and plan for one ticket: everything that is read is read here, nothing is written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from sync.core.changes import ChangeSet, FieldChange
from sync.core.claims import as_set
from sync.core.conflict import Reason
from sync.core.decision import Decision, Side
from sync.core.errors import TrackerError
from sync.core.fieldrules import equal
from sync.core.ids import CommentId, ReplicaName, TicketId
from sync.core.mapping import ProjectMapping
from sync.core.merge import reconcile
from sync.core.models import (
    Canonical,
    Field,
    FieldEvent,
    FieldProblem,
    Fields,
    Gone,
    NativeTicket,
    Snapshot,
    Tombstone,
    is_empty,
    link_parts,
)
from sync.core.plan import Intent, make_plan
from sync.core.ports import OpKind
from sync.engine.asked import is_unsaid, was_taken
from sync.engine.attachment_work import file_intents, has_files_to_come, names_a_copy_elsewhere
from sync.engine.attachments import takes_files
from sync.engine.comment_work import CommentDecider, CommentWork, SideSeen
from sync.engine.deletions import Ending, carried, deletes, find_endings
from sync.engine.echoes import without_echoes
from sync.engine.ends import Unconfirmed, contested, with_ended, without_ended
from sync.engine.flipflop import flip_flops
from sync.engine.history import Histories, line_of
from sync.engine.missing import is_missing
from sync.engine.overrun import NOTHING, Overrun, Overruns
from sync.engine.reading import Reader, readers
from sync.engine.runtime import Bridge
from sync.store import Tx
from sync.store.convert import fields_to_json
from sync.store.records import ConflictRecord, InboxItem, LinkRecord, TicketRecord
from sync.text import rephrase

#: Without these there is no ticket.
ESSENTIAL = frozenset({Field.TITLE, Field.KIND})


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketWork:
    """One ticket: what was read, what was decided and what is to be done."""

    record: TicketRecord
    decision: Decision
    seen: Mapping[ReplicaName, SideSeen]
    held: Mapping[Field, ConflictRecord]
    comments: tuple[CommentWork, ...]
    intents: tuple[Intent, ...]
    items: Mapping[ReplicaName, InboxItem]
    problems: Mapping[ReplicaName, tuple[FieldProblem, ...]]
    overruns: tuple[Overrun, ...] = ()
    endings: tuple[Ending, ...] = ()
    waits: bool = False  # something can't be done before something else is (its parent is not there yet)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing about the ticket is new."""
        return (
            self.decision.is_quiet
            and not self.intents
            and all(comment.decision.is_quiet and not comment.ended for comment in self.comments)
        )


def content_digest(fields: Fields, mapping: ProjectMapping) -> str:
    """Changes when there is another reason to hope that a refused create will be taken."""
    content = json.dumps([fields_to_json(fields), mapping.digest()], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _is_unnamed(decision: Decision, held: Iterable[Field]) -> bool:
    """Whether a person still has to choose what no ticket can be made without: tickets that met had no value in common."""
    waiting = {*held, *(conflict.field for conflict in decision.conflicts if not conflict.settled)}
    return any(is_empty(decision.after.fields.get(name)) for name in ESSENTIAL & waiting)


@dataclass(slots=True, kw_only=True)
class Decider:
    """Decides tickets of one bridge within one transaction; `available` are the replicas that could be pulled."""

    bridge: Bridge
    tx: Tx
    available: frozenset[ReplicaName]
    histories: Histories
    overruns: Overruns
    unconfirmed: Unconfirmed = frozenset()
    readers: dict[ReplicaName, Reader] = field(init=False)
    _planned: set[tuple[TicketId, ReplicaName]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.readers = readers(self.bridge, self.tx)

    def decide(self, ticket: TicketId) -> TicketWork | None:
        """What becomes of the ticket now; None where it does not exist."""
        record = self.tx.tickets.get(ticket)
        if record is None:
            return None
        every = self.tx.links.of_ticket(ticket, removed=True)
        placed = {link.replica for link in every}  # a removed link still says: no other copy in its place
        links = {link.replica: link for link in every if link.state != "removed" and link.replica in self.readers}
        items = {
            name: InboxItem(ref=link.ref)
            if (name, link.ref) in self.unconfirmed
            else self.tx.inbox.take(self.bridge.name, name, link.ref)
            for name, link in links.items()
        }
        problems: dict[ReplicaName, tuple[FieldProblem, ...]] = {}
        there = {name: link for name, link in links.items() if not (link.is_active and is_missing(link, items[name]))}
        seen = {
            name: self._side(self.readers[name], link, items[name], problems)
            for name, link in there.items()
            if link.is_active
        }
        held = self.tx.conflicts.open_for(ticket)
        decision, seen = self._reconciled(record, seen, held)
        endings = find_endings(self.tx, self.readers, there, items, decision.after)
        sides = {name: one.side for name, one in seen.items()}
        decision = carried(decision, endings, sides, self.readers, self.bridge.policy, frozenset(held))
        active = {name: one.link.id for name, one in seen.items() if not decision.sides[name].gone}
        dying = deletes(endings, {name: seen[name].link for name in active}, self.readers)
        missing = [] if dying or _is_unnamed(decision, held) else self._missing(ticket, ticket, placed, decision.after)
        plan = make_plan(ticket, decision, active, missing)
        intents, waits = self._deliverable(plan)
        self._planned |= {(ticket, one.replica) for one in intents if one.kind is OpKind.CREATE}
        files = file_intents(self.tx, ticket, self.readers, active)
        intents = [*files, *self._with_addresses(intents, decision, seen, active, held)]
        waits = waits or bool(files) or self._brings_files(ticket, intents)
        comments = self._comments(ticket, items, active, intents)
        intents = [*(one for one in intents if one.replica not in {end.replica for end in dying}), *dying]
        return TicketWork(
            record=record,
            decision=decision,
            seen=seen,
            held=held,
            comments=comments,
            intents=tuple(one for one in intents if one.replica in self.available),
            items={name: items[name] for name in there},
            problems=problems,
            endings=endings,
            overruns=tuple(one for (of, name), one in self.overruns.items() if of == ticket and name in seen),
            # Of a tracker that has never answered nobody knows what it needs.
            waits=waits
            or any(one.replica not in self.available for one in intents)
            or (self.bridge.files.carry and self._files_to_come(there, items))
            or len(self.readers) < len(self.bridge.replicas),
        )

    def _files_to_come(self, links: Mapping[ReplicaName, LinkRecord], items: Mapping[ReplicaName, InboxItem]) -> bool:
        """Whether a tracker that failed has files that were to be read."""
        return any(
            has_files_to_come(self.tx, self.readers[name], link, items[name])
            for name, link in links.items()
            if name not in self.available
        )

    def _with_addresses(
        self,
        intents: list[Intent],
        decision: Decision,
        seen: Mapping[ReplicaName, SideSeen],
        active: Mapping[ReplicaName, str],
        held: Mapping[Field, ConflictRecord],
    ) -> list[Intent]:
        """The intents, and for texts that lead to a file elsewhere though it is here by now, the text once more."""
        body = decision.after.fields.get(Field.BODY)
        by_replica = {one.replica: one for one in intents if one.kind is OpKind.UPDATE}
        for name, link in active.items():
            if Field.BODY in held or not self.readers[name].replica.receives:
                continue
            if not names_a_copy_elsewhere(self.tx, self.readers[name], seen[name].link, decision.after):
                continue
            again = FieldChange(old=body, new=body)
            intent = by_replica.get(name) or Intent(
                kind=OpKind.UPDATE,
                replica=name,
                ticket=seen[name].link.ticket,
                link=link,
                changes=ChangeSet(),
            )
            by_replica[name] = replace(intent, changes=ChangeSet(fields={Field.BODY: again, **intent.changes.fields}))
        return [*(one for one in intents if one.kind is not OpKind.UPDATE), *by_replica.values()]

    def _brings_files(self, ticket: TicketId, intents: Iterable[Intent]) -> bool:
        """Whether a copy is about to be made that files belong to."""
        creates = [one for one in intents if one.kind is OpKind.CREATE and takes_files(self.readers[one.replica])]
        return bool(creates) and any(one.sha256 and not one.deleted_at for one in self.tx.attachments.of(ticket))

    def _comments(
        self,
        ticket: TicketId,
        items: Mapping[ReplicaName, InboxItem],
        active: Mapping[ReplicaName, str],
        intents: list[Intent],
    ) -> tuple[CommentWork, ...]:
        """Decide the ticket's comments, those too whose copies are still to be deleted; their intents are added to the others."""
        links: dict[CommentId, list[LinkRecord]] = {}
        for link in self.tx.links.of_comments(ticket):
            if link.comment is not None:
                links.setdefault(link.comment, []).append(link)
        decider = CommentDecider(bridge=self.bridge, tx=self.tx, readers=self.readers, items=items, active=active)
        works: list[CommentWork] = []
        for record in self.tx.comments.of(ticket, deleted=True):
            of = links.get(record.id, [])
            if record.deleted and not any(link.state == "active" for link in of):
                continue
            work = decider.decide(record, of)
            found = decider.intents(
                work, intents, lambda one: self._missing(ticket, one.record.id, one.placed, one.decision.after)
            )
            intents += [one for one in found if not self._is_refused(one)]
            works.append(work)
        return tuple(works)

    def _is_refused(self, intent: Intent) -> bool:
        """Whether this very change of a comment was the last thing that was asked there, and the tracker refused it."""
        rows = self.tx.outbox.of_ticket(intent.ticket, intent.replica)
        last = next((row for row in reversed(rows) if row.comment == intent.comment), None)
        if last is None or last.op.kind is not intent.kind or "refused" not in last.context:
            return False
        content = content_digest(intent.changes.news, self.readers[intent.replica].mapping)
        is_same = last.state == "failed" and last.context.get("content") == content
        return is_same and self._is_told(intent.ticket, intent.replica)

    def _is_told(self, ticket: TicketId, replica: ReplicaName) -> bool:
        """Whether somebody knows of a refusal: who was killed before it was told tries once more."""
        return self.tx.problems.any_of(self.bridge.name, replica, ticket)

    def _side(
        self, reader: Reader, link: LinkRecord, item: InboxItem, problems: dict[ReplicaName, tuple[FieldProblem, ...]]
    ) -> SideSeen:
        base = reader.base(link)
        native = item.ticket
        head: Snapshot | Tombstone | None = None
        current = native or (link.native if isinstance(link.native, NativeTicket) else None)
        if isinstance(item.gone, Gone):
            head = Tombstone(reason=item.gone.reason)
        elif native is not None:
            decoded = reader.decode(native)
            problems[link.replica] = decoded.problems
            head = Snapshot(fields=with_ended(reader, link, reader.resolved(decoded.snapshot.fields)))
        overrun = self.overruns.get((link.ticket, link.replica), NOTHING)
        side = Side(
            replica=link.replica,
            fields=reader.fields,
            project=reader.projection(current),
            base=None if base is None else Snapshot(fields=base),
            head=head,
            agreed=self._agreed(reader, link),
            overrun=without_ended(reader, overrun.events),
            reads=reader.replica.reads,
            receives=reader.replica.receives,
            touched=reader.touched(link, native) if native is not None else None,
            settled_at=link.observed_at,
            tells=reader.capabilities.tells,
            rephrase=rephrase,
            clock_uncertainty=reader.replica.adapter.clock().uncertainty + reader.capabilities.clock_resolution,
        )
        # What stood there was no rendering of a value that was refused: it and the edit are both of an older one. Where a person
        # had written over our value, it had not been refused.
        written = {event.field for event in side.overrun}
        edited = [name for name in side.agreed if side.edited(name) and name not in written]
        taken = frozenset(name for name in edited if was_taken(self.tx, link, name))
        unsaid = {name for name in edited if name not in taken and is_unsaid(self.tx, self.bridge.name, link, name)}
        if taken or unsaid:
            agreed = {name: value for name, value in side.agreed.items() if name not in unsaid}
            side = replace(side, taken=taken, agreed=agreed)
        echoed = without_echoes(side, reader, link, native, overrun.line)
        if echoed != side and not overrun.line and reader.capabilities.history and link.replica in self.available:
            with suppress(TrackerError):  # else what a late request of ours may have written is taken for that
                echoed = without_echoes(side, reader, link, native, line_of(reader, link))
        return SideSeen(link=link, side=echoed, head=native)

    def _agreed(self, reader: Reader, link: LinkRecord) -> Fields:
        """What this side was settled with; what could not be said there is offered once more where words have changed."""
        if link.digest == reader.mapping.digest():
            return link.agreed
        unsaid = self.tx.problems.fields_of(self.bridge.name, link.replica, link.ticket)
        return {name: value for name, value in link.agreed.items() if name not in unsaid}

    def _reconciled(
        self, record: TicketRecord, seen: dict[ReplicaName, SideSeen], held: Mapping[Field, ConflictRecord]
    ) -> tuple[Decision, dict[ReplicaName, SideSeen]]:
        """Reconcile; where sides are in conflict, once more with what their histories say of who wrote what when.

        A field that goes to and fro between two values waits for a person from then on.
        """
        waiting = frozenset(held)
        decision = reconcile(record.canonical, [one.side for one in seen.values()], self.bridge.policy, waiting)
        disputed = {
            claim.replica
            for conflict in decision.conflicts
            if conflict.reason is not Reason.DIRECTION
            for claim in conflict.claims
            if claim.replica in seen and not claim.canonical
        }
        told = {
            name: events for name in disputed if name is not None and (events := self._history(seen[name])) is not None
        }
        if told:
            seen = {
                name: replace(one, side=replace(one.side, history=told[name])) if name in told else one
                for name, one in seen.items()
            }
            decision = reconcile(record.canonical, [one.side for one in seen.values()], self.bridge.policy, waiting)
        if restless := flip_flops(self.bridge, self.tx, record, decision.changes):
            waiting |= restless
            decision = reconcile(record.canonical, [one.side for one in seen.values()], self.bridge.policy, waiting)
        return decision, seen

    def _history(self, one: SideSeen) -> tuple[FieldEvent, ...] | None:
        reader = self.readers[one.link.replica]
        if not reader.capabilities.history or one.link.replica not in self.available:
            return None
        try:
            return self.histories.of(reader, one.link)
        except TrackerError:
            return None  # the window between two versions has to do; the conflict says that it is uncertain

    def _missing(
        self, ticket: TicketId, of: TicketId | CommentId, there: Iterable[ReplicaName], canonical: Canonical
    ) -> list[ReplicaName]:
        """Where a copy is to be made: not where one is there, may be there already, or was refused as it stands."""
        absent = [name for name, reader in self.readers.items() if name not in there and reader.replica.receives]
        if not absent or not self.tx.outbox.has_creates(of):
            return absent
        return [
            name
            for name in absent
            if not self.tx.outbox.has_unknown_create(of, name)
            and not (self._was_refused(of, self.readers[name], canonical) and self._is_told(ticket, name))
        ]

    def _was_refused(self, of: TicketId | CommentId, reader: Reader, canonical: Canonical) -> bool:
        refusal = self.tx.outbox.last_refusal(of, reader.replica.name)
        return refusal is not None and refusal.context.get("content") == content_digest(
            canonical.fields, reader.mapping
        )

    def _deliverable(self, plan: Iterable[Intent]) -> tuple[list[Intent], bool]:
        """The intents without parents and links whose other ticket is not there yet or has a say first; whether any were."""
        kept: list[Intent] = []
        waits = False
        for intent in plan:
            reader = self.readers[intent.replica]
            # A ticket whose copy was decided on before this one is made before this one.
            absent = {
                ticket
                for ticket in reader.unplaced(intent.changes.news)
                if (ticket, intent.replica) not in self._planned
            }
            changes = dict(intent.changes.fields)
            parent, links = changes.get(Field.PARENT), changes.get(Field.LINKS)
            if parent is not None and parent.new in absent:
                del changes[Field.PARENT]
                waits = True
            if links is not None and (kept_links := self._settled_links(intent, links, absent)) != links.new:
                waits = True
                changes[Field.LINKS] = replace(links, new=kept_links)
                if equal(Field.LINKS, kept_links, links.old):
                    del changes[Field.LINKS]
            if changes or intent.kind is OpKind.CREATE:
                kept.append(replace(intent, changes=ChangeSet(fields=changes)))
        return kept, waits

    def _settled_links(self, intent: Intent, links: FieldChange, absent: set[TicketId]) -> frozenset[str]:
        old, new = as_set(links.old), as_set(links.new)
        new = frozenset(member for member in new if TicketId(link_parts(member)[1]) not in absent)
        if intent.kind is not OpKind.UPDATE:
            return new
        waiting = contested(self.readers[intent.replica], intent.ticket, old ^ new)
        return (new - waiting) | (old & waiting)
