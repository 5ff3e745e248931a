"""Plant every fault, one at a time, and see that the laws catch it: `python -m tests.mutants [--histories N] [NAME …]`.

Exits with 1 where a mutant survives, or where the engine as it is breaks a law on the seed that caught one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.mutants.planted import MUTANTS
from tests.mutants.planting import Mutant
from tests.simulation.history import Failure, run_history

#: Fresh processes, so that a planted fault ends with them.
FORK = multiprocessing.get_context("fork")
#: Histories after which the stories have their turn.
HISTORIES = 400
#: What tries those that no history caught.
STORIES = "tests/scenarios"
#: Seconds after which stories that do not end are told no further.
LONGEST = 600
#: Seeds of ours, away from those that are looked at by hand.
FIRST_SEED = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Catch:
    """How a mutant was caught: after how many histories by which seed, breaking what; or by which test."""

    how: str


def first_failure(mutant: Mutant | None, seed: int) -> Failure | None:
    """The first promise that the seed's history breaks, with the fault planted in a process of its own."""
    with FORK.Pool(1, _planted, [mutant]) as pool:
        return pool.apply(_told, [seed])


def hunt(mutant: Mutant, histories: int, workers: int) -> Catch | None:
    """Tell histories until one breaks that the engine without the fault tells well, then the stories; None for a survivor."""
    if not mutant.caught_by and (catch := in_histories(mutant, histories, workers)) is not None:
        return catch
    told = mutant.caught_by or STORIES
    with FORK.Pool(1, _planted, [mutant]) as pool:
        try:
            found = pool.apply_async(_tested, [told]).get(LONGEST)
        except multiprocessing.TimeoutError:
            found = f"{told} came to no end within {LONGEST} seconds"
    return None if found is None else Catch(how=found)


def in_histories(mutant: Mutant, histories: int, workers: int) -> Catch | None:
    """The first history that the fault spoils, and that the engine without it tells well."""
    seeds = range(FIRST_SEED, FIRST_SEED + histories)
    with FORK.Pool(workers, _planted, [mutant]) as pool:
        for seed, failure in zip(seeds, pool.imap(_told, seeds), strict=True):
            if failure is not None and first_failure(None, seed) is None:
                pool.terminate()
                after = seed - FIRST_SEED + 1
                return Catch(how=f"{after} histories, seed {seed}: {failure.invariant}: {failure.message}")
    return None


def _planted(mutant: Mutant | None) -> None:
    if mutant is not None:
        mutant.plant()


def _told(seed: int) -> Failure | None:
    """The first broken promise; an exception of the planted fault itself is none."""
    return next((one for one in run_history(seed).failures if one.invariant != "works"), None)


class _Listener:
    """A plug-in that remembers which test failed first."""

    failed: str | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.failed is None:
            self.failed = report.nodeid


def _tested(path: str) -> str | None:
    """The first test that finds something wrong."""
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    listener = _Listener()
    pytest.main(["-q", "-x", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:randomly", path], plugins=[listener])
    return listener.failed


def main(arguments: Sequence[str]) -> int:
    """See above."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    parser.add_argument("--histories", type=int, default=HISTORIES, help="a mutant may live through so many")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args(arguments)
    chosen = [one for one in MUTANTS if not asked.names or one.name in asked.names]
    survivors = 0
    for mutant in chosen:
        begun = time.monotonic()
        catch = hunt(mutant, asked.histories, asked.workers)
        survivors += catch is None
        verdict = "SURVIVED" if catch is None else f"caught   {catch.how[:140]}"
        print(f"{mutant.name:37} {time.monotonic() - begun:4.0f} s  {verdict}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants were caught")
    return 1 if survivors or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
