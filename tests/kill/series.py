"""Series of kills and stops, each in a world of its own, several at a time; and their sum."""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from tests.kill.kills import Killed, kill
from tests.kill.pairs import Paired, pair
from tests.kill.stops import Stopped, stop
from tests.kill.world import World, a_world

Result = Killed | Stopped | Paired
Some = TypeVar("Some", Killed, Stopped, Paired)

#: So many kills or stops happen to one store; then there is a new one.
LONGEST = {kill: 50, stop: 10}
WORK: dict[str, Callable[[World, Any], Result]] = {"kills": kill, "stops": stop, "pair": pair}


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """`amount` of one kind of work (for a pair: seconds), with its own luck."""

    work: str
    amount: float
    seed: int


def split(work: str, amount: int, seed: int) -> Iterator[Series]:
    """The series that come to `amount` together."""
    longest = LONGEST[WORK[work]]  # type: ignore[index]
    for number, start in enumerate(range(0, amount, longest)):
        yield Series(work=work, amount=min(longest, amount - start), seed=seed + number)


def run(series: Series) -> Result:
    """Do the work in a folder of its own, which is kept where a promise was broken."""
    folder = Path(tempfile.mkdtemp(prefix=f"trackdown-{series.work}-"))
    try:
        with a_world(folder, seed=series.seed) as world:
            result = WORK[series.work](world, series.amount)
    except Exception as error:  # noqa: BLE001 - the other series go on
        result = {"kills": Killed, "stops": Stopped, "pair": Paired}[series.work]()
        result.problems.append(f"{type(error).__name__}: {error}")
    if result.problems:
        result.problems = [f"{problem}  [seed {series.seed}, {folder}]" for problem in result.problems]
    else:
        shutil.rmtree(folder)
    return result


def run_all(every: Sequence[Series], *, workers: int, tell: Callable[[Series, Result], None]) -> list[Result]:
    """Run them side by side; `tell` hears of each as it ends."""
    results: list[Result] = []
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(run, one): one for one in every}
        for done in as_completed(running):
            results.append(done.result())
            tell(running[done], results[-1])
    return results


def summed(kind: type[Some], results: Sequence[Result]) -> Some:
    """All results of one kind as one."""
    total = kind()
    for result in results:
        if isinstance(result, kind):
            for item in fields(kind):
                setattr(total, item.name, getattr(total, item.name) + getattr(result, item.name))
    return total
