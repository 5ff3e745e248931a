"""A bridge over three trackers in memory, and what a test wants to do with it and know of it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from sync.core.fieldrules import equal
from sync.core.guard import Limits
from sync.core.ids import BridgeName, NativeRef, PersonId, ReplicaName, TicketId
from sync.core.mapping import People
from sync.core.models import UNKNOWN, Fields
from sync.core.policy import MergePolicy
from sync.core.ports import Adapter, OpKind
from sync.engine.cycle import plan_cycle, run_cycle
from sync.engine.report import CycleReport, PlanReport
from sync.engine.runtime import Bridge, Direction, Replica
from sync.store import Store
from sync.store.records import ConflictRecord, LinkRecord
from sync.testing.faults import Fault, FaultyAdapter, scripted
from sync.testing.memory import ACCOUNT, ManualClock, MemoryAdapter, MemoryCodec, MemoryKnobs, MemoryTracker

JIRA, GITHUB, AZURE = ReplicaName("jira"), ReplicaName("github"), ReplicaName("azure")
NAMES = (JIRA, GITHUB, AZURE)
#: Azure can hold three statuses only, and reads each as the first of its group.
POOR_STATUSES = {
    "open": "To Do",
    "in_progress": "Doing",
    "review": "Doing",
    "done": "Done",
    "blocked": "Doing",
    "reopened": "To Do",
}
#: Three trackers that differ as the real ones do.
DIFFERENT: Mapping[ReplicaName, MemoryKnobs] = {
    JIRA: MemoryKnobs(max_assignees=1),
    GITHUB: MemoryKnobs(comment_feed=True),
    AZURE: MemoryKnobs(conditional_writes=True, statuses=POOR_STATUSES, text_rewrite=lambda text: text.rstrip()),
}
ALIKE: Mapping[ReplicaName, MemoryKnobs] = dict.fromkeys(NAMES, MemoryKnobs())
PEOPLE = ("ada", "grace", "alan")
SECRET = b"s" * 32

#: Where stores lie that nobody will miss: in memory where there is such a place, because commits wait for the disk.
SHELF = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())

Wrap = Callable[[ReplicaName, Adapter], Adapter]


def plain(_name: ReplicaName, adapter: Adapter) -> Adapter:
    """The adapter as it is."""
    return adapter


@cache
def _template() -> Path:
    path = Path(tempfile.mkdtemp(prefix="trackdown-test-")) / "template.db"
    store = Store(f"sqlite:///{path}")
    store.migrate()
    store.close()
    return path


class Stuck(FaultyAdapter):
    """What is late arrives when the test says so."""

    def _before(self, call: str) -> Fault | None:
        return self.script.next(call)


def faulty(world: World, name: ReplicaName, *faults: tuple[str, Fault]) -> FaultyAdapter:
    """From now on the tracker's calls go wrong in this order."""
    replica = world.bridge.replicas[name]
    replica.adapter = FaultyAdapter(replica.adapter, scripted(faults))
    return replica.adapter


def memory_replica(tracker: MemoryTracker, adapter: Adapter, *, direction: Direction = "both") -> Replica:
    """The replica of a tracker in memory, reached through this adapter."""
    name = tracker.name
    return Replica(
        name=name,
        kind="memory",
        title=name.title(),
        identity=name,
        place=name,
        select="",
        adapter=adapter,
        codec=MemoryCodec(tracker.knobs),
        mapping_file=tracker.knobs.mapping(),
        people=People(replica=name, native_ids={PersonId(who): who for who in PEOPLE}),
        direction=direction,
    )


class World:
    """One bridge and its trackers; `reopen` stands for a new process on the same store."""

    def __init__(
        self,
        directory: Path,
        knobs: Mapping[ReplicaName, MemoryKnobs] = DIFFERENT,
        *,
        policy: MergePolicy | None = None,
        directions: Mapping[ReplicaName, Direction] | None = None,
        wrap: Wrap = plain,
        **settings: Any,
    ) -> None:
        self.clock = ManualClock()
        self.path = Path(shutil.copy(_template(), directory / "trackdown.db"))
        self.trackers = {name: MemoryTracker(name, knobs[name], self.clock) for name in knobs}
        self.policy = policy or MergePolicy(order=tuple(knobs))
        self.directions = directions or {}
        self.settings = settings
        self.bridge = self._open(wrap)

    @property
    def store(self) -> Store:
        return self.bridge.store

    def _open(self, wrap: Wrap, store: Store | None = None) -> Bridge:
        replicas = {
            name: memory_replica(
                tracker, wrap(name, MemoryAdapter(tracker)), direction=self.directions.get(name, "both")
            )
            for name, tracker in self.trackers.items()
        }
        return Bridge(
            name=BridgeName("b"),
            store=store or Store(f"sqlite:///{self.path}", now=self.clock),
            replicas=replicas,
            policy=self.policy,
            secret=SECRET,
            now=self.clock,
            **self.settings,
        )

    def reopen(self, wrap: Wrap = plain, store: Store | None = None) -> None:
        """End the process and start another one."""
        self.bridge.store.close()
        self.bridge = self._open(wrap, store)

    def close(self) -> None:
        self.bridge.store.close()

    def cycle(self, *, after: float = 60, allow: bool = False) -> CycleReport:
        """Let time pass, then sync once."""
        self.clock.advance(after)
        limits, self.bridge.limits = self.bridge.limits, Limits(allow_mass_change=allow)
        try:
            return run_cycle(self.bridge)
        finally:
            self.bridge.limits = limits

    def plan(self, *, after: float = 60) -> PlanReport:
        self.clock.advance(after)
        return plan_cycle(self.bridge)

    def settle(self, most: int = 6, *, allow: bool = False) -> CycleReport:
        """Sync until a cycle writes nothing; the report of that cycle."""
        for _ in range(most):
            report = self.cycle(allow=allow)
            if not sum(report.writes.values()) and not report.pulled:
                return report
        raise AssertionError(f"still busy after {most} cycles: {report.as_json()}")

    # -- what stands where ----------------------------------------------------------------------

    def links(self) -> dict[TicketId, dict[ReplicaName, LinkRecord]]:
        """The tickets' active links."""
        found: dict[TicketId, dict[ReplicaName, LinkRecord]] = {}
        with self.store.read() as tx:
            for link in tx.links.list(self.bridge.name, state="active"):
                found.setdefault(link.ticket, {})[link.replica] = link
        return found

    def twin(self, of: ReplicaName, ref: str, on: ReplicaName) -> NativeRef:
        """What the ticket is called elsewhere."""
        for links in self.links().values():
            if of in links and links[of].ref == ref:
                return links[on].ref
        raise AssertionError(f"{of} {ref} is not linked")

    def native(self, of: ReplicaName, ref: str, on: ReplicaName) -> dict[str, Any]:
        """The payload of the ticket elsewhere."""
        return self.trackers[on].ticket(self.twin(of, ref, on))

    def everywhere(self, of: ReplicaName, ref: str, key: str) -> list[Any]:
        """One member of the ticket's payloads, in the order of the trackers."""
        return [self.native(of, ref, name)[key] for name in self.trackers]

    def canonical(self, of: ReplicaName, ref: str) -> Fields:
        with self.store.read() as tx:
            link = tx.links.by_ref(self.bridge.name, of, NativeRef(ref))
            assert link is not None
            record = tx.tickets.get(link.ticket)
            assert record is not None
            return record.canonical.fields

    def conflicts(self) -> list[ConflictRecord]:
        with self.store.read() as tx:
            return list(tx.conflicts.list(self.bridge.name))

    def comments(self, name: ReplicaName, ref: str) -> list[str]:
        """The texts of a ticket's comments in one tracker."""
        return [comment["text"] for comment in self.trackers[name].ticket(ref)["comments"]]

    def writes(self) -> int:
        """How many requests changed a tracker so far."""
        return sum(replica.adapter.traffic.writes for replica in self.bridge.replicas.values())

    # -- what must be true whatever happened ------------------------------------------------------

    def check_converged(self) -> None:
        """Every linked ticket shows the canonical values everywhere, as far as each tracker can hold them."""
        with self.store.read() as tx:
            for ticket, links in self.links().items():
                record = tx.tickets.get(ticket)
                assert record is not None
                for name, link in links.items():
                    replica = self.bridge.replicas[name]
                    assert replica.mapping is not None
                    assert replica.capabilities is not None
                    from sync.engine.reading import Reader

                    reader = Reader(bridge=self.bridge, replica=replica, tx=tx)
                    native = next(iter(MemoryAdapter(self.trackers[name]).fetch([link.ref])))
                    seen = reader.shown(native)
                    holds = reader.projection(native)(record.canonical.fields)
                    for field, value in holds.items():
                        if seen.get(field) is UNKNOWN or field not in reader.fields:
                            continue
                        assert equal(field, seen[field], value), (
                            f"{record.key} {field} on {name}: {seen[field]!r} is not {value!r}"
                        )

    def check_once(self) -> None:
        """Every ticket and comment stands once in each tracker, and every native ticket is linked once."""
        linked: dict[ReplicaName, list[str]] = {name: [] for name in self.trackers}
        for links in self.links().values():
            for name, link in links.items():
                linked[name].append(link.ref)
        for name, tracker in self.trackers.items():
            tickets = [ticket["id"] for ticket in tracker.tickets()]
            assert sorted(linked[name]) == sorted(tickets), f"{name}: {tickets} are there, {linked[name]} are linked"
            for ticket in tracker.tickets():
                markers = [comment["marker"] for comment in ticket["comments"] if comment["marker"]]
                assert len(markers) == len(set(markers)), f"{name} {ticket['id']} has a comment twice"

    def check_accounted(self) -> None:
        """The audit log is whole, and every request has an intent before it and an outcome after it."""
        with self.store.read() as tx:
            assert tx.audit.verify() is None
            intents: dict[str, str] = {}
            ended: set[str] = set()
            for entry in tx.audit.entries():
                if entry.phase == "intent":
                    assert entry.op_id is not None
                    intents[entry.op_id] = entry.action
                elif entry.phase == "outcome" and entry.op_id is not None:
                    assert entry.op_id in intents, "an outcome without an intent"
                    ended.add(entry.op_id)
            unfinished = {row.id for row in tx.outbox.unfinished(self.bridge.name)}
        assert set(intents) - ended <= unfinished
        made = sum(1 for action in intents.values() if action == OpKind.CREATE)
        ours = sum(1 for tracker in self.trackers.values() for one in tracker.tickets() if one["author"] == ACCOUNT)
        assert ours <= made


def with_knobs(name: ReplicaName, **changes: Any) -> dict[ReplicaName, MemoryKnobs]:
    """`DIFFERENT`, with one tracker changed."""
    return {**DIFFERENT, name: replace(DIFFERENT[name], **changes)}
