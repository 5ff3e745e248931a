"""Plant every fault, one at a time, and see that the laws catch it: `python -m tests.mutants [--histories N] [NAME …]`.

Exits with 1 where a mutant survives, or where the engine as it is breaks a law on the seed that caught one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.mutants.planted import MUTANTS
from tests.mutants.planting import Mutant
from tests.simulation.history import Failure, run_history

#: Fresh processes, so that a planted fault ends with them.
FORK = multiprocessing.get_context("fork")
#: Histories after which a mutant counts as a survivor.
HISTORIES = 2_000
#: Seeds of ours, away from those that are looked at by hand.
FIRST_SEED = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Catch:
    """How a mutant was caught: by which seed, after how many histories, breaking what."""

    after: int
    how: str


def first_failure(mutant: Mutant | None, seed: int) -> Failure | None:
    """The first promise that the seed's history breaks, with the fault planted in a process of its own."""
    with FORK.Pool(1, _planted, [mutant]) as pool:
        return pool.apply(_told, [seed])


def hunt(mutant: Mutant, histories: int, workers: int) -> Catch | None:
    """Tell histories until one breaks that the engine without the fault tells well; None for a survivor."""
    if mutant.caught_by:
        with FORK.Pool(1, _planted, [mutant]) as pool:
            return Catch(after=1, how=mutant.caught_by) if pool.apply(_tested, [mutant.caught_by]) else None
    seeds = range(FIRST_SEED, FIRST_SEED + histories)
    with FORK.Pool(workers, _planted, [mutant]) as pool:
        for seed, failure in zip(seeds, pool.imap(_told, seeds), strict=True):
            if failure is not None and first_failure(None, seed) is None:
                pool.terminate()
                return Catch(after=seed - FIRST_SEED + 1, how=f"seed {seed}: {failure.invariant}: {failure.message}")
    return None


def _planted(mutant: Mutant | None) -> None:
    if mutant is not None:
        mutant.plant()


def _told(seed: int) -> Failure | None:
    """The first broken promise; an exception of the planted fault itself is none."""
    return next((one for one in run_history(seed).failures if one.invariant != "works"), None)


def _tested(path: str) -> bool:
    """Whether the tests find something wrong."""
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    return (
        pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly", path]) == pytest.ExitCode.TESTS_FAILED
    )


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
        catch = hunt(mutant, asked.histories, asked.workers)
        survivors += catch is None
        verdict = f"SURVIVED {asked.histories} histories" if catch is None else f"caught after {catch.after}"
        print(f"{mutant.name:28} {verdict:24} {'' if catch is None else catch.how[:160]}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants were caught")
    return 1 if survivors or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
