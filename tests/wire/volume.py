"""Many histories, side by side in processes of their own, and what is left of one that fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from tests.wire.history import Result, run_history
from tests.wire.shrink import shortest
from tests.wire.steps import History, drawn


@dataclass(slots=True)
class Done:
    """What a worker hands back: a result without its requests."""

    seed: int
    breaks: list[str]
    counts: Counter[str]
    struck: Counter[str]


def one(seed: int) -> Done:
    """Do the history of a seed."""
    result = run_history(drawn(seed))
    return Done(seed, result.breaks, result.counts, result.struck)


def kind_of(breaks: list[str]) -> str:
    """What a failure is about: a shorter history must fail in the same way."""
    return breaks[0].partition(":")[0] if breaks else ""


def shortened(seed: int) -> tuple[History, Result]:
    """The shortest history that fails like this seed, and how it fails."""
    whole = drawn(seed)
    wanted = kind_of(run_history(whole).breaks)
    least = shortest(whole, lambda history: kind_of(run_history(history).breaks) == wanted)
    return least, run_history(least)


def many(seeds: range, workers: int) -> Iterator[Done]:
    """Do the histories of all seeds, in this process or in several."""
    if workers <= 1:
        yield from map(one, seeds)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(one, seeds)
