"""Verify: every pair read directly and compared with what is known, whatever the feeds told; nothing is written to a tracker.

A cycle believes the feeds. This asks the trackers themselves: each linked ticket is fetched, and decided as if it had just been
pulled, in a transaction that is rolled back. What that would change is drift.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sync.core.errors import TrackerError
from sync.core.fieldrules import equal
from sync.core.ids import NativeRef, ReplicaName, TicketId
from sync.core.models import UNKNOWN, Field, Gone, NativeTicket, Value
from sync.core.ports import OpKind
from sync.engine.deciding import Decider, TicketWork
from sync.engine.history import Histories
from sync.engine.probe import failure_of, introduce
from sync.engine.pull import pull_all
from sync.engine.report import ReplicaFailure
from sync.engine.runtime import Bridge
from sync.engine.session import held
from sync.engine.standing import Difference, Finding, Standing, VerifyReport
from sync.engine.strays import Stray, confirmed, listed
from sync.store import Lease, Tx
from sync.store.naming import in_words
from sync.store.records import LinkRecord, TicketRecord

#: Tickets compared together.
BATCH = 100
DRIFTED = "it was edited there, or a write was lost, and no feed told of it"
LOST = "the tracker says that it is not there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A finding, with what mends it: what was read goes into the inbox, or the ticket is looked at again."""

    finding: Finding
    ticket: TicketId | None
    ref: NativeRef | None = None
    native: NativeTicket | Gone | None = None


@dataclass(slots=True, kw_only=True)
class _Verification:
    """One verification in progress; `available` are the replicas that answered so far."""

    bridge: Bridge
    lease: Lease
    available: list[ReplicaName]
    failures: list[ReplicaFailure] = field(default_factory=list)
    in_step: dict[ReplicaName, int] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)

    def lose(self, failure: ReplicaFailure) -> None:
        """Go on without this replica."""
        if failure.replica in self.available:
            self.available.remove(failure.replica)
            self.failures.append(failure)


def verify(bridge: Bridge, fix: Collection[Standing] = ()) -> VerifyReport:
    """Compare every pair of the bridge with its tracker, and make the next cycle mend the standings in `fix`.

    Costs one listing and the batches of one fetch a replica; what that makes doubtful is read once more. Raises `BridgeBusy` when
    another worker has the bridge.
    """
    before = {name: replica.adapter.traffic.requests for name, replica in bridge.replicas.items()}
    with held(bridge) as lease:
        run = _Verification(bridge=bridge, lease=lease, available=list(bridge.replicas))
        for failure in introduce(bridge, lease):
            run.lose(failure)
        _pull(run)
        strays = _strays(run)
        _compare_all(run)
        if any(one.finding.standing is Standing.DRIFTED for one in run.found) or any(strays.values()):
            _pull(run)  # what people wrote while we looked is no drift
            run.found = [_as_pulled(run, one) for one in run.found]
        for name, some in strays.items():
            if name in run.available:
                run.found += _confirmed(run, name, some)
        mended = _mend(run, fix)
    return VerifyReport(
        bridge=bridge.name,
        in_step={name: run.in_step.get(name, 0) for name in bridge.replicas},
        findings=tuple(one.finding for one in run.found),
        failures=tuple(run.failures),
        mended=mended,
        interrupted=bridge.stop.is_set(),
        requests={name: one.adapter.traffic.requests - before[name] for name, one in bridge.replicas.items()},
    )


def _pull(run: _Verification) -> None:
    for pulled in pull_all(run.bridge, run.lease, run.available):
        if pulled.failure is not None:
            run.lose(pulled.failure)


def _strays(run: _Verification) -> dict[ReplicaName, list[NativeRef]]:
    """The tickets in each replica's full listing that no link accounts for, or whose comments are not as they were."""
    found: dict[ReplicaName, list[NativeRef]] = {}
    for name in tuple(run.available):
        try:
            found[name] = listed(run.bridge, run.bridge.replicas[name])
        except TrackerError as error:
            run.lose(failure_of(name, error))
    return found


def _confirmed(run: _Verification, name: ReplicaName, refs: list[NativeRef]) -> list[Found]:
    try:
        strays = confirmed(run.bridge, run.bridge.replicas[name], refs)
    except TrackerError as error:
        run.lose(failure_of(name, error))
        return []
    known = {(one.finding.replica, one.ref) for one in run.found}
    return [_stray(name, one) for one in strays if (name, one.native.ref) not in known]


def _stray(name: ReplicaName, one: Stray) -> Found:
    finding = Finding(
        replica=name, standing=one.standing, where=one.native.key, key=one.key, reason=one.reason, mends=one.mends
    )
    return Found(finding=finding, ticket=None, ref=one.native.ref, native=one.native)


def _compare_all(run: _Verification) -> None:
    bridge = run.bridge
    with bridge.store.read() as tx:
        every = [record.id for record in tx.tickets.list(bridge.name)]
    for start in range(0, len(every), BATCH):
        bridge.progress.step("verify", None, start, len(every))
        if bridge.stop.is_set():
            return
        _compare(run, every[start : start + BATCH])
    bridge.progress.step("verify", None, len(every), len(every))


def _compare(run: _Verification, tickets: list[TicketId]) -> None:
    with run.bridge.store.read() as tx:
        links = {
            ticket: {link.replica: link for link in tx.links.of_ticket(ticket) if link.state == "active"}
            for ticket in tickets
        }
    heads: dict[tuple[ReplicaName, NativeRef], NativeTicket | Gone] = {}
    for name in tuple(run.available):
        refs = [of[name].ref for of in links.values() if name in of]
        try:
            if refs:
                heads |= {(name, one.ref): one for one in run.bridge.replicas[name].adapter.fetch(refs, comments=False)}
        except TrackerError as error:
            run.lose(failure_of(name, error))
    try:
        with run.bridge.store.begin(run.lease) as tx:
            run.found += list(_pairs(run, tx, links, heads))
            raise _Forget
    except _Forget:
        return


class _Forget(Exception):
    """Rolls back what was put down to see what would follow."""


def _pairs(
    run: _Verification,
    tx: Tx,
    links: Mapping[TicketId, Mapping[ReplicaName, LinkRecord]],
    heads: Mapping[tuple[ReplicaName, NativeRef], NativeTicket | Gone],
) -> Iterator[Found]:
    """Judge the tickets' pairs, and those that are still to be."""
    bridge, available = run.bridge, frozenset(run.available)
    waiting = {(row.ticket, row.replica) for row in tx.outbox.unfinished(bridge.name)}
    decider = Decider(bridge=bridge, tx=tx, available=available, histories=Histories(), overruns={})
    for ticket, of in links.items():
        record = tx.tickets.get(ticket)
        if record is None:
            continue
        read = {name: head for name, link in of.items() if (head := heads.get((name, link.ref))) is not None}
        pulled = any(tx.inbox.take(bridge.name, name, link.ref) for name, link in of.items())
        reason = (
            f"it is to be looked at: {record.dirty}"
            if record.dirty
            else "it was pulled and is not decided on"
            if pulled
            else ""
        )
        natives = {name: replace(one, comments=None) for name, one in read.items() if isinstance(one, NativeTicket)}
        work = None if reason else _decided(decider, tx, record, natives)
        for name, head in read.items():
            pending = reason or ("a request is still to be done" if (ticket, name) in waiting else "")
            found = _judged(tx, record, of[name], head, work, pending)
            if found is None:
                run.in_step[name] = run.in_step.get(name, 0) + 1
            else:
                yield found
        yield from _uncopied(bridge, tx, record, work, available)


def _decided(
    decider: Decider, tx: Tx, record: TicketRecord, natives: Mapping[ReplicaName, NativeTicket]
) -> TicketWork | None:
    for name, native in natives.items():
        tx.inbox.put(decider.bridge.name, name, [native])
    return decider.decide(record.id)


def _judged(
    tx: Tx, record: TicketRecord, link: LinkRecord, head: NativeTicket | Gone, work: TicketWork | None, pending: str
) -> Found | None:
    def found(standing: Standing, reason: str, differences: Iterable[Difference] = ()) -> Found:
        finding = Finding(
            replica=link.replica,
            standing=standing,
            where=link.key or link.ref,
            key=record.key,
            reason=reason,
            differences=tuple(differences),
        )
        return Found(finding=finding, ticket=record.id, ref=link.ref, native=head)

    if isinstance(head, Gone):
        return found(Standing.LOST, head.reason or LOST)
    if pending or link.missing_since is not None:
        return found(Standing.PENDING, pending or "it was not found and is looked for again")
    if work is None or link.replica not in work.seen:
        return None
    if differences := tuple(_differences(tx, record, link.replica, work)):
        return found(Standing.DRIFTED, DRIFTED, differences)
    others = [one for one in work.intents if one.replica == link.replica and one.kind is not OpKind.UPDATE]
    return found(Standing.PENDING, f"{others[0].kind.value.replace('_', ' ')} is still to be done") if others else None


def _differences(tx: Tx, record: TicketRecord, name: ReplicaName, work: TicketWork) -> Iterator[Difference]:
    """What somebody wrote there since we last knew, and what stands there though the canonical ticket says otherwise."""
    side = work.seen[name].side
    wanted = side.project(record.canonical.fields)
    lacking: set[Field] = set()
    for intent in work.intents:
        if intent.replica == name and intent.kind is OpKind.UPDATE:
            lacking |= intent.changes.fields.keys() - work.decision.changes.fields.keys()
    for one in side.seen:
        seen: Value = side.seen[one]
        if seen is UNKNOWN or (one in wanted and equal(one, seen, wanted[one])):
            continue
        if side.edited(one) or one in lacking:
            yield Difference(field=one, expected=in_words(tx, wanted.get(one)), found=in_words(tx, seen))


def _uncopied(
    bridge: Bridge, tx: Tx, record: TicketRecord, work: TicketWork | None, available: Collection[ReplicaName]
) -> Iterator[Found]:
    """Replicas where the ticket has no copy and should have one."""
    placed = {link.replica for link in tx.links.of_ticket(record.id, removed=True)}
    for name in available:
        if name in placed or not bridge.replicas[name].receives:
            continue
        coming = work is None or any(one.replica == name and one.kind is OpKind.CREATE for one in work.intents)
        standing = Standing.PENDING if coming else Standing.NEVER
        reason = "its copy is still to be made" if coming else "its copy was not taken, or its answer is waited for"
        finding = Finding(replica=name, standing=standing, where="", key=record.key, reason=reason)
        yield Found(finding=finding, ticket=record.id)


def _as_pulled(run: _Verification, one: Found) -> Found:
    """The finding again: what has been pulled meanwhile is pending."""
    if one.finding.standing is not Standing.DRIFTED or one.ref is None:
        return one
    with run.bridge.store.read() as tx:
        if not tx.inbox.take(run.bridge.name, one.finding.replica, one.ref):
            return one
    finding = replace(one.finding, standing=Standing.PENDING, reason="it was edited just now, and is pulled")
    return replace(one, finding=finding)


def _mend(run: _Verification, fix: Collection[Standing]) -> int:
    """Let the next cycle decide what was found, with its guards; how many findings it will take up."""
    chosen = [one for one in run.found if one.finding.standing in fix and one.finding.mends]
    bridge = run.bridge
    with bridge.store.begin(run.lease) as tx:
        for one in chosen:
            name, finding = one.finding.replica, one.finding
            if isinstance(one.native, Gone):
                tx.inbox.put(bridge.name, name, gone=[one.native])
            elif one.native is not None and finding.standing is not Standing.PENDING:
                tx.inbox.put(bridge.name, name, [one.native])
            elif one.ticket is not None and (now := tx.tickets.get(one.ticket)) is not None and now.dirty is None:
                tx.tickets.set_dirty(one.ticket, "verified")
            tx.audit.append(
                phase="person",
                action="verify --fix",
                bridge=bridge.name,
                ticket=one.ticket,
                replica=name,
                after={"ref": one.ref, "standing": finding.standing.value},
                note=finding.reason,
            )
    return len(chosen)
