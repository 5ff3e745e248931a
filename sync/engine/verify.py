"""Verify: every linked ticket is compared with its tracker, whatever the feeds told; nothing is written to a tracker.

A replica is listed as a whole. What the list shows to be in step is in step; all else, and what it does not show, is read directly.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from sync.core.errors import Halted, TrackerError
from sync.core.ids import NativeRef, ReplicaName
from sync.core.models import Gone
from sync.core.ports import Page
from sync.engine.comparing import Comparison, Found
from sync.engine.places import check_places
from sync.engine.probe import failure_of, introduce
from sync.engine.pull import pull_all
from sync.engine.reading import Reader
from sync.engine.report import ReplicaFailure
from sync.engine.runtime import Bridge
from sync.engine.session import held
from sync.engine.standing import Standing, VerifyReport
from sync.engine.strays import news
from sync.store import Lease

#: Tickets read and compared together.
BATCH = 100


@dataclass(slots=True, kw_only=True)
class _Verification:
    """One verification in progress; `available` are the replicas that answered so far, `sound` what is in step."""

    bridge: Bridge
    lease: Lease
    available: list[ReplicaName]
    failures: list[ReplicaFailure] = field(default_factory=list)
    sound: dict[ReplicaName, set[NativeRef]] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)

    def lose(self, failure: ReplicaFailure) -> None:
        """Go on without this replica."""
        if failure.replica in self.available:
            self.available.remove(failure.replica)
            self.failures.append(failure)

    def pull(self) -> None:
        """Take in what the feeds tell, so that it is not taken for drift."""
        for pulled in pull_all(self.bridge, self.lease, self.available):
            if pulled.failure is not None:
                self.lose(pulled.failure)

    @contextmanager
    def comparison(self) -> Iterator[Comparison]:
        """A comparison whose transaction is rolled back."""
        try:
            with self.bridge.store.begin(self.lease) as tx:
                yield Comparison(bridge=self.bridge, tx=tx, available=frozenset(self.available))
                raise _Forget
        except _Forget:
            return


class _Forget(Exception):
    """Rolls back what was put down to see what would follow."""


def verify(bridge: Bridge, fix: Collection[Standing] = ()) -> VerifyReport:
    """Compare every pair of the bridge with its tracker, and make the next cycle mend the standings in `fix`.

    Costs one listing of each replica, and reads of what that makes doubtful. Raises `BridgeBusy` when another worker has
    the bridge, `Halted` when it points to other projects than its tickets are in.
    """
    before = {name: replica.adapter.traffic.requests for name, replica in bridge.replicas.items()}
    with held(bridge) as lease:
        run = _Verification(bridge=bridge, lease=lease, available=list(bridge.replicas))
        if halts := check_places(bridge, lease):
            raise Halted("; ".join(f"{one.message}: {one.mend}" for one in halts))
        for failure in introduce(bridge, lease):
            run.lose(failure)
        run.pull()
        doubtful = {name: refs for name in tuple(run.available) if (refs := _listed(run, name)) is not None}
        if any(doubtful.values()):
            run.pull()  # what people wrote meanwhile is no drift
        for name, refs in doubtful.items():
            _read(run, name, refs)
        _uncopied(run)
        if any(one.finding.standing is Standing.DRIFTED for one in run.found):
            run.pull()
            run.found = [_as_pulled(run, one) for one in run.found]
        mended = _mend(run, fix)
    return VerifyReport(
        bridge=bridge.name,
        in_step={name: len(run.sound.get(name, ())) for name in bridge.replicas},
        findings=tuple(one.finding for one in run.found),
        failures=tuple(run.failures),
        mended=mended,
        interrupted=bridge.stop.is_set(),
        requests={name: one.adapter.traffic.requests - before[name] for name, one in bridge.replicas.items()},
    )


def _listed(run: _Verification, name: ReplicaName) -> list[NativeRef] | None:
    """The tickets that a full listing does not show to be in step; None where the tracker failed."""
    bridge, replica = run.bridge, run.bridge.replicas[name]
    sound: set[NativeRef] = set()
    doubtful: dict[NativeRef, None] = {}
    try:
        for page in replica.adapter.pull(None):
            with run.comparison() as comparison:
                doubtful |= dict.fromkeys(_doubtful(comparison, name, page, sound))
            bridge.progress.step("list", name, len(sound) + len(doubtful), page.total)
            if bridge.stop.is_set():
                break
    except TrackerError as error:
        run.lose(failure_of(name, error))
        return None
    sound -= doubtful.keys()
    run.sound[name] = sound
    with bridge.store.read() as tx:
        unseen = [] if bridge.stop.is_set() else tx.links.all_refs(bridge.name, name)
    return [*doubtful, *(ref for ref in unseen if ref not in sound and ref not in doubtful)]


def _doubtful(comparison: Comparison, name: ReplicaName, page: Page, sound: set[NativeRef]) -> Iterator[NativeRef]:
    tx, bridge = comparison.tx, comparison.bridge
    linked = tx.links.refs_to_tickets(bridge.name, name, [one.ref for one in page.tickets])
    for native in page.tickets:
        if comparison.judge(name, native) is not None:
            yield native.ref
        elif native.ref in linked:
            sound.add(native.ref)
    reader = Reader(bridge=bridge, replica=bridge.replicas[name], tx=tx)
    tickets = tx.links.refs_to_tickets(bridge.name, name, {one.ticket for one in page.comments})
    for comment in page.comments:
        if comment.ticket in tickets and news(reader, [comment]):
            yield comment.ticket


def _read(run: _Verification, name: ReplicaName, refs: list[NativeRef]) -> None:
    """Judge the tickets as they are when they are read directly."""
    bridge = run.bridge
    for start in range(0, len(refs), BATCH):
        if name not in run.available or bridge.stop.is_set():
            return
        bridge.progress.step("verify", name, start, len(refs))
        try:
            heads = list(bridge.replicas[name].adapter.fetch(refs[start : start + BATCH]))
        except TrackerError as error:
            run.lose(failure_of(name, error))
            return
        with run.comparison() as comparison:
            for head in heads:
                if (found := comparison.judge(name, head)) is not None:
                    run.found.append(found)
                elif not isinstance(head, Gone) and comparison.tx.links.by_ref(bridge.name, name, head.ref):
                    run.sound[name].add(head.ref)
    bridge.progress.step("verify", name, len(refs), len(refs))


def _uncopied(run: _Verification) -> None:
    with run.bridge.store.read() as tx:
        every = [record.id for record in tx.tickets.list(run.bridge.name)]
    for start in range(0, len(every), BATCH):
        with run.comparison() as comparison:
            for ticket in every[start : start + BATCH]:
                run.found += comparison.uncopied(ticket)


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
    bridge = run.bridge
    chosen = [one for one in run.found if one.finding.standing in fix and one.finding.mends]
    if not chosen:
        return 0
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
