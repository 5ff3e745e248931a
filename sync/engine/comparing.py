"""Comparing: a ticket as it stands in a tracker, decided as if it had just been pulled; what that would change is drift."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sync.core.fieldrules import equal
from sync.core.ids import NativeRef, ReplicaName, TicketId
from sync.core.models import UNKNOWN, Field, Gone, NativeTicket
from sync.core.ports import OpKind
from sync.engine.deciding import Decider, TicketWork
from sync.engine.history import Histories
from sync.engine.reading import Reader
from sync.engine.runtime import Bridge
from sync.engine.standing import Difference, Finding, Standing
from sync.engine.strays import news, unlinked
from sync.store import Tx
from sync.store.naming import in_words
from sync.store.records import LinkRecord, TicketRecord

DRIFTED = "it was edited there, or a write was lost, and no feed told of it"
LOST = "the tracker says that it is not there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A finding with what mends it: what was read goes into the inbox, or the ticket is looked at again."""

    finding: Finding
    ticket: TicketId | None
    ref: NativeRef | None = None
    native: NativeTicket | Gone | None = None


@dataclass(slots=True, kw_only=True)
class Comparison:
    """Compares with what one transaction knows; that is written to, and must be rolled back."""

    bridge: Bridge
    tx: Tx
    available: frozenset[ReplicaName]
    _waiting: set[tuple[TicketId, ReplicaName]] = field(init=False)
    _decider: Decider = field(init=False)

    def __post_init__(self) -> None:
        self._waiting = {(row.ticket, row.replica) for row in self.tx.outbox.unfinished(self.bridge.name)}
        self._decider = Decider(
            bridge=self.bridge, tx=self.tx, available=self.available, histories=Histories(), overruns={}
        )

    def judge(self, name: ReplicaName, head: NativeTicket | Gone) -> Found | None:
        """What is wrong with the ticket there; None where it is in step, or where nothing is to be in step with it."""
        link = self.tx.links.by_ref(self.bridge.name, name, head.ref, removed=True)
        if link is None:
            return None if isinstance(head, Gone) else self._stray(name, head)
        record = self.tx.tickets.get(link.ticket)
        if record is None or link.state != "active":
            return None  # somebody parted them, or it was believed gone and comes back by itself
        if isinstance(head, Gone):
            return _found(record, link, head, Standing.LOST, head.reason or LOST)
        if reason := self._pending(record, link):
            return _found(record, link, head, Standing.PENDING, reason)
        reader = Reader(bridge=self.bridge, replica=self.bridge.replicas[name], tx=self.tx)
        if told := news(reader, head.comments or ()):
            reason = f"{told} of its comments changed or came, and no feed told of it"
            return _found(record, link, head, Standing.DRIFTED, reason)
        return self._compared(record, link, head)

    def uncopied(self, ticket: TicketId) -> Iterator[Found]:
        """The replicas where the ticket has no copy and should have one."""
        record = self.tx.tickets.get(ticket)
        placed = {link.replica for link in self.tx.links.of_ticket(ticket, removed=True)}
        missing = [name for name in self.available if name not in placed and self.bridge.replicas[name].receives]
        if record is None or not missing or not placed:
            return
        work = None if record.dirty else self._decider.decide(ticket)
        for name in missing:
            coming = work is None or any(one.replica == name and one.kind is OpKind.CREATE for one in work.intents)
            yield Found(
                ticket=ticket,
                finding=Finding(
                    replica=name,
                    standing=Standing.PENDING if coming else Standing.NEVER,
                    where="",
                    key=record.key,
                    reason="its copy is still to be made"
                    if coming
                    else "its copy was refused, or an answer is waited for",
                ),
            )

    def _stray(self, name: ReplicaName, native: NativeTicket) -> Found | None:
        finding = unlinked(Reader(bridge=self.bridge, replica=self.bridge.replicas[name], tx=self.tx), native)
        return None if finding is None else Found(finding=finding, ticket=None, ref=native.ref, native=native)

    def _pending(self, record: TicketRecord, link: LinkRecord) -> str:
        """Why the next cycle looks at the ticket anyway; "" where it does not."""
        if record.dirty:
            return f"it is to be looked at ({record.dirty})"
        if link.missing_since is not None:
            return "it was not found once, and is looked for again"
        if (record.id, link.replica) in self._waiting:
            return "a request is still to be done"
        links = self.tx.links.of_ticket(record.id)
        if any(self.tx.inbox.take(self.bridge.name, one.replica, one.ref) for one in links):
            return "it was pulled and is not decided on"
        return ""

    def _compared(self, record: TicketRecord, link: LinkRecord, head: NativeTicket) -> Found | None:
        self.tx.inbox.put(self.bridge.name, link.replica, [replace(head, comments=None)])
        work = self._decider.decide(record.id)
        self.tx.inbox.done(self.bridge.name, link.replica, link.ref)
        if work is None or link.replica not in work.seen:
            return None
        if differences := tuple(self._differences(record, link.replica, work)):
            return _found(record, link, head, Standing.DRIFTED, DRIFTED, differences)
        others = [one for one in work.intents if one.replica == link.replica and one.kind is not OpKind.UPDATE]
        if not others:
            return None
        return _found(record, link, head, Standing.PENDING, f"{others[0].kind.value.replace('_', ' ')} is to be done")

    def _differences(self, record: TicketRecord, name: ReplicaName, work: TicketWork) -> Iterator[Difference]:
        """What somebody wrote there since we last knew, and what stands there though the canonical ticket says otherwise."""
        side = work.seen[name].side
        wanted = side.project(record.canonical.fields)
        lacking: set[Field] = set()
        for intent in work.intents:
            if intent.replica == name and intent.kind is OpKind.UPDATE:
                lacking |= intent.changes.fields.keys() - work.decision.changes.fields.keys()
        for one, seen in side.seen.items():
            if seen is UNKNOWN or (one in wanted and equal(one, seen, wanted[one])):
                continue
            if side.edited(one) or one in lacking:
                yield Difference(field=one, expected=in_words(self.tx, wanted.get(one)), found=in_words(self.tx, seen))


def _found(
    record: TicketRecord,
    link: LinkRecord,
    head: NativeTicket | Gone,
    standing: Standing,
    reason: str,
    differences: tuple[Difference, ...] = (),
) -> Found:
    finding = Finding(
        replica=link.replica,
        standing=standing,
        where=link.key or link.ref,
        key=record.key,
        reason=reason,
        differences=differences,
    )
    return Found(finding=finding, ticket=record.id, ref=link.ref, native=head)
