"""One history: told from a seed, or from its steps, and judged."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from sync.core.errors import StoreError
from sync.engine.cycle import run_cycle
from sync.engine.report import CycleReport
from sync.testing.faults import Crash
from tests.scenarios.foretold import check_foretold
from tests.scenarios.world import SHELF
from tests.simulation import oracle
from tests.simulation.drawing import Setting, draw_setting, draw_steps
from tests.simulation.steps import Cycle, Edit, Step
from tests.simulation.world import World, store_in

#: In how many cycles without faults and edits a bridge must have come to rest.
QUIET = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A promise that was broken: the invariant by its name, and what was seen."""

    invariant: str
    message: str


@dataclass(slots=True, kw_only=True)
class Result:
    """What one history came to; `fingerprint` is the same for the same history."""

    seed: int
    steps: tuple[Step, ...]
    failures: list[Failure] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    edits: Counter[str] = field(default_factory=Counter)
    fingerprint: str = ""


def run_history(
    seed: int, steps: Sequence[Step] | None = None, *, on_disk: bool = False, url: str | None = None
) -> Result:
    """Tell the history of a seed (with other `steps`: in its setting) and check every promise.

    The store is in memory; `on_disk`, or at a `url` where one was set up, it is a real one, at several times the cost, and must
    come to the same.
    """
    random = Random(seed)
    setting = draw_setting(random)
    told = tuple(draw_steps(random, setting) if steps is None else steps)
    result = Result(seed=seed, steps=told)
    directory = Path(tempfile.mkdtemp(prefix="trackdown-history-", dir=SHELF))
    world = World(setting, store_in(directory) if on_disk else url)
    try:
        _tell(world, told, result)
        _judge(world, result)
    except Exception as error:  # noqa: BLE001 - whatever escapes is a finding
        where = traceback.extract_tb(error.__traceback__)[-1]
        message = f"{type(error).__name__}: {error} ({where.filename.rpartition('/')[2]}:{where.lineno})"
        result.failures.append(Failure(invariant="works", message=message))
    finally:
        world.close()
        shutil.rmtree(directory, ignore_errors=True)
    return result


def setting_of(seed: int) -> Setting:
    """What stays as it is in the history of this seed."""
    return draw_setting(Random(seed))


def _tell(world: World, steps: Sequence[Step], result: Result) -> None:
    for step in steps:
        if isinstance(step, Edit):
            world.is_between = True
            world.act(step)
            world.is_between = False
            continue
        _cycle(world, step, result)


def _cycle(world: World, step: Cycle, result: Result) -> None:
    world.advance(step.wait)
    world.weather.begin(step.strikes, step.meddling)
    world.cycles += 1
    try:
        if step.planned:
            _planned(world, step, result)
        else:
            run_cycle(world.bridge)
    except Crash:
        world.restart()
    except StoreError:
        pass  # the daemon tries again
    finally:
        world.weather.begin()


def _planned(world: World, step: Cycle, result: Result) -> None:
    """I17: ask what a cycle would do, then run it; where nothing came between, it does exactly that."""
    before, written = world.clock(), world.writes()
    # A write may bring to light what no list showed, or that a ticket is gone.
    hidden = any(tracker.knobs.list_lag or tracker.deleted() for tracker in world.trackers.values())
    alone = not (step.strikes or step.meddling or world.late or hidden or world.setting.poisoned)

    def run() -> CycleReport:
        if world.writes() != written and alone:
            result.failures.append(Failure(invariant="dry_run", message="a plan wrote to a tracker"))
        if alone:  # else somebody has acted meanwhile, and time does not go back on them
            world.clock.advance((before - world.clock()).total_seconds())
        return run_cycle(world.bridge)

    try:
        check_foretold(world.bridge, run)
    except AssertionError as error:
        if alone:
            result.failures.append(Failure(invariant="dry_run", message=str(error)))


def _judge(world: World, result: Result) -> None:
    world.calm()
    failures = [("fault", message) for message in world.faults]
    resting = _rest(world, result)
    failures += resting
    if not resting:
        failures += oracle.verdict(world)
    result.failures += [Failure(invariant=name, message=message) for name, message in failures]
    result.counts.update(
        histories=1,
        cycles=world.cycles,
        calls=world.weather.total - world.weather.calls["commit"],
        crashes=world.weather.crashes,
        human_writes=sum(not one.ours for one in world.written),
        own_writes=world.writes(),
    )
    result.struck.update(world.weather.struck)
    result.edits.update(world.edits)
    result.fingerprint = hashlib.sha256(repr(oracle.whole(world)).encode()).hexdigest()[:16]


def _rest(world: World, result: Result) -> list[tuple[str, str]]:
    """Sync until nothing is to be done, answer what waits for a person or for its time, and then two cycles in silence."""
    for _ in range(3):
        for _ in range(QUIET):
            before, report = oracle.whole(world)[:2], _quiet(world)
            if report.halts:
                return [("halts", report.halts[0].message)]
            # What a decision of the last cycle freed is decided by the next one.
            if not sum(report.writes.values()) and not report.pulled and oracle.whole(world)[:2] == before:
                break
        else:
            return [("convergence", f"still busy after {QUIET} quiet cycles: {report.as_json()}")]
        if not (oracle.answer_conflicts(world) or oracle.waits_to_be_gone(world)):
            break
        world.advance(world.bridge.gone_after.total_seconds())
    return oracle.silence(world, _quiet)


def _quiet(world: World) -> CycleReport:
    world.advance(60)
    world.cycles += 1
    return run_cycle(world.bridge)
