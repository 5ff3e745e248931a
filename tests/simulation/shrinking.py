"""From a history that fails to the shortest one that fails in the same way."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.history import Result, run_history
from tests.simulation.steps import shorter

#: Histories that may be told to find a shorter one.
MOST = 400


def shortest(failing: Result, tell: Callable[[Result], None] = lambda _: None) -> Result:
    """The same seed with as few steps as still break one of the same promises; `tell` is given each shorter one."""
    wanted = {one.invariant for one in failing.failures}
    best, tried, found = failing, 0, True
    while found and tried < MOST:
        found = False
        for steps in shorter(best.steps):
            tried += 1
            result = run_history(best.seed, steps)
            if wanted & {one.invariant for one in result.failures}:
                best, found = result, True
                tell(best)
                break
            if tried >= MOST:
                break
    return best
