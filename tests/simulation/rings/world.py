"""Several bridges over the same trackers, each killed and started again by itself, and a record of who wrote what."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import count
from random import Random
from typing import Any

from sync.core.errors import StoreError
from sync.core.guard import Limits
from sync.core.ids import ReplicaName
from sync.core.policy import MergePolicy
from sync.engine.cycle import run_cycle
from sync.engine.report import CycleReport
from sync.engine.runtime import Bridge, Replica
from sync.engine.workers import OneThread
from sync.testing.faults import Crash
from sync.testing.memory import ManualClock, MemoryAdapter, MemoryTracker, MemoryWrite
from tests.scenarios.world import memory_replica
from tests.simulation.memory.tables import Tables
from tests.simulation.people import act
from tests.simulation.rings.drawing import Place, Ring, Run, coarsely
from tests.simulation.steps import Edit
from tests.simulation.wire import StormyAdapter, StormyMemory, Weather
from tests.simulation.world import Journal

SETTLE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One entry of a tracker's own log, in the true order of all; `writer` is the bridge that wrote it, None a person."""

    replica: ReplicaName
    entry: MemoryWrite
    writer: int | None
    run: int


class Installed:
    """One bridge of one installation, as the process that runs it now."""

    def __init__(self, world: RingWorld, place: Place, tables: Tables) -> None:
        self.place, self._world, self._tables = place, world, tables
        self.weather = Weather(pass_time=lambda: None, meddle=lambda _: None)
        self.bridge = self._open()

    @property
    def store(self) -> StormyMemory:
        """The store of the process that runs."""
        assert isinstance(self.bridge.store, StormyMemory)
        return self.bridge.store

    def restart(self) -> None:
        """The process was killed and another one starts."""
        self.store.bury()
        self.weather.dead = False
        self.bridge = self._open()

    def _open(self) -> Bridge:
        store = StormyMemory(self._tables, now=self._world.clock, new_id=self._world.new_id)
        store.weather = self.weather
        return Bridge(
            name=self.place.bridge,
            store=store,  # type: ignore[arg-type]
            replicas={name: self._replica(name) for name in self.place.replicas},
            policy=MergePolicy(order=self.place.replicas),
            secret=bytes([self.place.store + 1]) * 32,
            limits=Limits(allow_mass_change=True),  # they share their projects on purpose
            settle=SETTLE,
            now=self._world.clock,
            workers=OneThread(),
        )

    def _replica(self, name: ReplicaName) -> Replica:
        tracker = self._world.trackers[name]
        adapter = StormyAdapter(
            MemoryAdapter(tracker),
            tracker,
            self.weather,
            sent=lambda _: None,
            late=lambda *_: None,
            misled=lambda: None,
            refuses=None,
            clock_known=True,
        )
        replica = memory_replica(tracker, adapter)
        return replace(replica, mapping_file=coarsely(replica.mapping_file)) if name in self.place.coarse else replica


class RingWorld:
    """One ring in progress. Everything in it follows from the ring and the steps."""

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        self.clock = ManualClock()
        self.told: list[Told] = []
        self.running: int | None = None
        self.runs = 0
        self.edits: Counter[str] = Counter()
        self._words, self._ids = count(1), count(1)
        self.trackers = {name: MemoryTracker(name, knobs, self.clock) for name, knobs in ring.knobs.items()}
        for name, tracker in self.trackers.items():
            tracker.journal = Journal(partial(self._note, name))
        if ring.joined:
            self._join()
        tables = {place.store: Tables() for place in ring.places}
        self.installed = [Installed(self, place, tables[place.store]) for place in ring.places]

    def _note(self, name: ReplicaName, entry: MemoryWrite) -> None:
        self.told.append(Told(replica=name, entry=entry, writer=self.running, run=self.runs))

    def word(self, what: str) -> str:
        """A word that nobody wrote before."""
        return f"{what}-{next(self._words)}"

    def new_id(self) -> str:
        """Ids in order, of the form of real ones."""
        return f"{next(self._ids):032x}"

    def act(self, edit: Edit) -> None:
        """A person does something."""
        tracker = list(self.trackers.values())[edit.place % len(self.trackers)]
        if act(tracker, edit.ticket, edit.what, Random(edit.seed), self.word):
            self.edits[edit.what] += 1

    def run(self, step: Run) -> CycleReport | None:
        """One bridge syncs once; None where it was killed or its store failed."""
        one = self.installed[step.place % len(self.installed)]
        self.clock.advance(step.wait)
        one.weather.begin(step.strikes)
        self.running, self.runs = self.installed.index(one), self.runs + 1
        try:
            return run_cycle(one.bridge)
        except Crash:
            one.restart()
        except StoreError:
            pass
        finally:
            one.weather.begin()
            self.running = None
        return None

    def writes(self) -> int:
        """How many entries of all logs the bridges wrote."""
        return sum(one.writer is not None for one in self.told)

    def human_writes(self) -> int:
        """How many entries of all logs people wrote."""
        return len(self.told) - self.writes()

    def _join(self) -> None:
        """People made a ticket in every tracker, and each names those that a bridge binds it to and that were there before."""
        urls: dict[ReplicaName, str] = {}
        for name, tracker in self.trackers.items():
            bound = {other for place in self.ring.places if name in place.replicas for other in place.replicas}
            named = [f"Mirrors: {url}" for other, url in urls.items() if other in bound]
            native: dict[str, Any] = {"text": "\n".join([self.word("line"), *named])}
            tracker.create(title=self.word("title"), author="ada", **native)
            urls[name] = f"https://{name}.example/tickets/1"
            self.clock.advance(5)
