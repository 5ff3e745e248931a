"""The world of one history: trackers, people, a bridge that is killed and started again, and a record of who wrote what."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from random import Random

from sync.core.errors import TrackerError
from sync.core.ids import BridgeName, NativeRef, ReplicaName
from sync.core.models import Fields
from sync.core.ports import NativeOp
from sync.engine.runtime import Bridge, Replica
from sync.engine.workers import OneThread
from sync.store import Store
from sync.testing.memory import ACCOUNT, ManualClock, MemoryAdapter, MemoryTracker, MemoryWrite
from tests.scenarios.world import SECRET, SHELF, memory_replica
from tests.simulation.drawing import Setting
from tests.simulation.memory.tables import Tables
from tests.simulation.people import POISON, act
from tests.simulation.steps import Edit, Meddling
from tests.simulation.wire import Late, StormyAdapter, StormyMemory, StormyStore, Weather, last_request

BRIDGE = BridgeName("b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One entry of a tracker's own log, in the true order of all; `late` requests of ours arrived after we gave them up.

    `cycle` is the number of the cycle that ran, negative between two.
    """

    replica: ReplicaName
    entry: MemoryWrite
    cycle: int
    late: bool
    when: datetime  # in truth, whatever the tracker's clock says
    base: Fields | None  # what the engine had settled the ticket with when a person wrote this

    @property
    def ours(self) -> bool:
        """Whether the bridge wrote it."""
        return self.entry.author == ACCOUNT


class Journal(list[MemoryWrite]):
    """A tracker's journal that tells of each entry as it is written."""

    def __init__(self, tell: Callable[[MemoryWrite], None]) -> None:
        super().__init__()
        self._tell = tell

    def append(self, entry: MemoryWrite) -> None:
        super().append(entry)
        self._tell(entry)


def store_in(directory: Path) -> str:
    """The address of a new store on disk."""
    return f"sqlite:///{shutil.copy(_template(), directory / 'store.db')}"


@cache
def _template() -> Path:
    path = Path(tempfile.mkdtemp(prefix="trackdown-simulation-", dir=SHELF)) / "template.db"
    store = Store(f"sqlite:///{path}")
    store.migrate()
    store.close()
    return path


class World:
    """One history in progress. Everything in it follows from the setting and the steps."""

    def __init__(self, setting: Setting, url: str | None = None) -> None:
        """With a `url` the store is that database, set up and empty; else it is in memory."""
        self.setting = setting
        self.clock = ManualClock()
        self.url = url
        self.tables = Tables()
        self.written: list[Written] = []
        self.misled: set[tuple[ReplicaName, int]] = set()  # trackers that answered out of the past, and in which cycle
        self.faults: list[str] = []
        self.late: list[Late] = []
        self.is_delivering = False
        self.cycles = 0
        self.is_between = False
        self.edits: Counter[str] = Counter()
        self.ids = 0
        self._words = itertools.count(1)
        self.weather = Weather(pass_time=self._pass_time, meddle=self._meddle)
        self.trackers = {name: MemoryTracker(name, knobs, self.clock) for name, knobs in setting.knobs.items()}
        for name, tracker in self.trackers.items():
            tracker.journal = Journal(partial(self._note, name))
        self.bridge = self._open()

    def word(self, what: str) -> str:
        """A word that nobody wrote before."""
        return f"{what}-{next(self._words)}"

    def new_id(self) -> str:
        """Ids in order, of the form of real ones."""
        self.ids += 1
        return f"{self.ids:032x}"

    def act(self, edit: Edit) -> None:
        """A person does something."""
        tracker = list(self.trackers.values())[edit.place % len(self.trackers)]
        if act(tracker, edit.ticket, edit.what, Random(edit.seed), self.word):
            self.edits[edit.what] += 1

    def advance(self, seconds: float) -> None:
        """Let time pass; what was on its way arrives when it is due."""
        end = self.clock() + timedelta(seconds=seconds)
        for one in sorted(self.late, key=lambda one: one.due):
            if one.due <= end:
                self.clock.advance(max(0.0, (one.due - self.clock()).total_seconds()))
                self._deliver(one)
        self.clock.advance((end - self.clock()).total_seconds())

    def restart(self) -> None:
        """The process was killed and another one starts: who holds a lease and is dead has lost it."""
        self.store.bury()
        self.weather.dead = False
        self.bridge = self._open()

    def close(self) -> None:
        """Give everything back."""
        self.store.close()

    @property
    def store(self) -> StormyStore | StormyMemory:
        """The store of the process that runs."""
        assert isinstance(self.bridge.store, StormyStore | StormyMemory)
        return self.bridge.store

    def writes(self) -> int:
        """How many requests changed a tracker so far, by the processes that ran."""
        return sum(one.ours for one in self.written)

    def _open(self) -> Bridge:
        store: StormyStore | StormyMemory
        if self.url is None:
            store = StormyMemory(self.tables, now=self.clock, new_id=self.new_id)
        else:
            store = StormyStore(self.url, now=self.clock, new_id=self.new_id)
        store.weather = self.weather
        return Bridge(
            name=BRIDGE,
            store=store,  # type: ignore[arg-type]
            replicas={name: self._replica(name, tracker) for name, tracker in self.trackers.items()},
            policy=self.setting.policy,
            secret=SECRET,
            settle=self.setting.settle,
            now=self.clock,
            workers=OneThread(),
        )

    def _note(self, name: ReplicaName, entry: MemoryWrite) -> None:
        cycle = -self.cycles if self.is_between else self.cycles
        base = None if entry.author == ACCOUNT else self._base(name, entry.ref)
        self.written.append(
            Written(replica=name, entry=entry, cycle=cycle, late=self.is_delivering, when=self.clock(), base=base)
        )

    def _base(self, name: ReplicaName, ref: NativeRef) -> Fields | None:
        with self.store.read() as tx:
            link = tx.links.by_ref(BRIDGE, name, ref)
        return None if link is None else link.base

    def _replica(self, name: ReplicaName, tracker: MemoryTracker) -> Replica:
        adapter = StormyAdapter(
            MemoryAdapter(tracker),
            tracker,
            self.weather,
            sent=partial(self._sent, name),
            late=partial(self._send_late, name),
            misled=partial(self._note_misled, name),
            refuses=f"{POISON}-" if self.setting.poisoned == name else None,
            clock_known=self.setting.clocks_known,
        )
        return memory_replica(tracker, adapter, direction=self.setting.directions.get(name, "both"))

    def _pass_time(self) -> None:
        if self.setting.call:
            self.advance(self.setting.call)

    def _meddle(self, meddling: Meddling) -> None:
        self.act(meddling.edit)

    def _sent(self, name: ReplicaName, op: NativeOp) -> None:
        """Before a request leaves, its intent is on disk."""
        if not last_request(self.store, op):
            self.faults.append(f"{name}: '{op.summary}' left without an intent in the store")

    def _note_misled(self, name: ReplicaName) -> None:
        self.misled.add((name, self.cycles))

    def _send_late(self, name: ReplicaName, op: NativeOp, content: bytes | None, wait: float) -> None:
        due = self.clock() + timedelta(seconds=wait)
        self.late.append(Late(due=due, replica=name, op=op, content=content))

    def _deliver(self, one: Late) -> None:
        """A request arrives that we gave up; what the tracker refuses by then is lost."""
        self.late.remove(one)
        self.is_delivering = True
        try:
            with tempfile.NamedTemporaryFile(dir=SHELF) as file:
                file.write(one.content or b"")
                file.flush()
                path = None if one.content is None else Path(file.name)
                MemoryAdapter(self.trackers[one.replica]).write(one.op, path)
        except TrackerError:
            pass
        finally:
            self.is_delivering = False

    def calm(self) -> None:
        """From now on nothing goes wrong, and whatever was on its way is there."""
        self.weather.begin()
        if self.late:
            self.advance(max((one.due - self.clock()).total_seconds() for one in self.late))
        self.advance(self.setting.settle.total_seconds() + 60)
