"""A history is done: people and cycles in their order, then rest, then the promises."""

from __future__ import annotations

import traceback
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

from tests.wire.network import Sent
from tests.wire.oracle import Ledger, everything
from tests.wire.people import People
from tests.wire.steps import Cycle, Deed, History
from tests.wire.world import PLACES, World, world

#: In how many cycles without faults and edits a bridge must have come to rest.
QUIET = 6


@dataclass(slots=True, kw_only=True)
class Result:
    """What a history came to; `breaks` are broken promises."""

    seed: int
    breaks: list[str]
    counts: Counter[str]
    struck: Counter[str]
    sent: list[Sent] = field(repr=False)


def run_history(history: History) -> Result:
    """Do it from the beginning, in a world of its own."""
    with world(history.flavour, history.seed, small_pages=history.small_pages) as there:
        teller = Teller(world=there, people=People(world=there), audit=Ledger(world=there))
        there.wire.watch = teller.audit.look
        for place, seconds in zip(PLACES, history.skew, strict=True):
            there.simulators[place].clock.advance(seconds)
        breaks = teller.tell(history)
        counts = Counter(
            cycles=teller.cycles,
            kills=teller.kills,
            requests=len(there.wire.sent),
            writes=sum(one.write for one in there.wire.sent),
            deeds=teller.people.done,
        )
        return Result(
            seed=history.seed, breaks=breaks, counts=counts, struck=there.wire.struck, sent=list(there.wire.sent)
        )


@dataclass(slots=True, kw_only=True)
class Teller:
    """One history on its way."""

    world: World
    people: People
    audit: Ledger
    cycles: int = 0
    kills: int = 0

    def tell(self, history: History) -> list[str]:
        """All steps and what follows; the broken promises."""
        try:
            for step in history.steps:
                self._step(step)
            return self._rest() or everything(self.world, self.people, self.audit)
        except Exception as error:  # noqa: BLE001 - whatever it is, the history has failed
            where = traceback.extract_tb(error.__traceback__)[-1]
            return [f"raised: {type(error).__name__}: {error} at {where.filename.rpartition('/')[2]}:{where.lineno}"]

    def _step(self, step: Deed | Cycle) -> None:
        self.world.clock.sleep(1)
        if isinstance(step, Deed):
            self.people.do(step)
            return
        self.world.clock.sleep(step.wait)
        wire = self.world.wire
        wire.faults = {(one.place, one.way, one.after): one.fault for one in step.strikes}
        for one in step.meddling:
            wire.deeds.setdefault((one.place, one.after), []).append(partial(self.people.do, one.deed))
        self.people.in_cycle = True
        self._cycle({one.after: one.when for one in step.kills})
        self.people.in_cycle = False
        wire.calm()

    def _cycle(self, commits: dict[int, str] | None = None) -> int | None:
        """The number of its writes and of what it pulled; None where it was killed."""
        self.cycles += 1
        report = self.world.cycle(commits)
        if report is None:
            self.kills += 1
            return None
        return sum(report.writes.values()) + report.pulled

    def _rest(self) -> list[str]:
        """No faults and no people any more: cycles until two are idle, and one that has to be."""
        self.world.wire.calm()
        self.world.wire.arrive()
        self.world.clock.sleep(900)
        busy: list[int | None] = []
        for _ in range(QUIET):
            self.world.clock.sleep(70)
            busy.append(self._cycle())
            if busy[-2:] == [0, 0]:  # some feeds are read in every other cycle
                break
        else:
            return [f"busy: still at work after {QUIET} quiet cycles: {busy}"]
        self.world.clock.sleep(70)
        return ["busy: the third idle cycle wrote or pulled something"] if self._cycle() else []
