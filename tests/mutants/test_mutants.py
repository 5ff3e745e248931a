"""The written list of planted faults; `make mutants` sees each of them caught."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from tests.mutants.__main__ import in_histories
from tests.mutants.planted import MUTANTS
from tests.mutants.planting import Mutant

#: Caught by nearly every history, so that the hunt itself is tested in seconds.
OBVIOUS = ("no audit", "sets as one value")


def _plants(mutant: Mutant) -> None:
    mutant.plant()


def test_the_list_is_long_enough_and_says_what_is_wrong() -> None:
    """At least twenty faults, each with a name of its own and a sentence."""
    assert len({one.name for one in MUTANTS}) == len(MUTANTS) >= 20
    assert all(one.fault for one in MUTANTS)


def test_the_tests_that_have_to_catch_one_are_there() -> None:
    """A path that leads nowhere would count as a fault that no test catches."""
    root = Path(__file__).parents[2]
    assert all((root / one.caught_by).is_file() for one in MUTANTS if one.caught_by)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_every_fault_finds_its_place(mutant: Mutant) -> None:
    """What a fault is planted into is still there: a mutant that changes nothing would survive for ever."""
    process = multiprocessing.get_context("fork").Process(target=_plants, args=[mutant])
    process.start()
    process.join()
    assert process.exitcode == 0


@pytest.mark.parametrize("mutant", [one for one in MUTANTS if one.name in OBVIOUS], ids=lambda one: one.name)
def test_a_planted_fault_is_caught(mutant: Mutant) -> None:
    """The hunt finds a history that the fault spoils, and that the engine without it tells well."""
    assert in_histories(mutant, histories=60, workers=1) is not None


def test_what_is_no_fault_is_not_caught() -> None:
    """A hunt for nothing comes back with nothing."""
    assert in_histories(Mutant(name="none", fault="nothing at all", plant=lambda: None), histories=5, workers=1) is None
