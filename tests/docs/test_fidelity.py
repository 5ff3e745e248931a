"""The table of facts speaks of files and tests that there are, and calls nothing verified that is not."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from docs.fidelity import EVIDENCE, SIMULATED, TRACKERS, facts
from tests.docs.pages import ROOT

NOTES = ROOT.parent / "shared" / "api" / "NOTES.md"
#: Where each tracker's part of the notes begins.
PARTS = {"github": "# 1.", "jira": "# 2.", "azure_devops": "# 3."}


@cache
def _tests(path):
    names = [
        node.name for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))) if isinstance(node, ast.FunctionDef)
    ]
    return frozenset(names)


@pytest.mark.parametrize("tracker", TRACKERS)
def test_every_file_and_every_test_is_there(tracker):
    """What a fact names can be opened and run."""
    wrong = []
    for one in facts():
        if one.tracker != tracker:
            continue
        path, _, name = one.test.partition("::")
        wrong += [f"{one.fact}: no file {module}" for module in one.modules if not (ROOT / module).is_file()]
        if one.test and (not (ROOT / path).is_file() or name not in _tests(path)):
            wrong.append(f"{one.fact}: no test {one.test}")
    assert wrong == []


def test_every_row_uses_the_words_of_the_table():
    """Evidence and simulator are among the known words; who respects a fact is a file, and who does not says why."""
    wrong = [one.fact for one in facts() if not set(one.evidence) <= set(EVIDENCE) or one.simulator not in SIMULATED]
    assert wrong == []
    unsaid = [one.fact for one in facts() if one.answer == "yes" and not one.modules]
    assert unsaid == []
    assert len({(one.tracker, one.fact) for one in facts()}) == len(facts()) >= 120


@pytest.mark.parametrize("tracker", TRACKERS)
def test_what_is_unverified_stays_marked(tracker):
    """There are at least as many unverified rows as there are such facts in the notes that the table was made from."""
    if not NOTES.exists():
        pytest.skip("the notes on the APIs are not here")
    part = NOTES.read_text("utf-8").partition(f"\n{PARTS[tracker]}")[2].partition("\n# ")[0]
    doubted = len(re.findall(r"\[kn\]|unverified", part))
    marked = [one.fact for one in facts() if one.tracker == tracker and "unverified" in one.evidence]
    assert len(marked) >= doubted > 0


def test_simulated_facts_are_mostly_shown():
    """Whatever both the adapter and the simulator mind can be shown, so few such rows are without a test."""
    both = [one for one in facts() if one.answer == "yes" and one.simulator == "yes"]
    assert sum(bool(one.test) for one in both) / len(both) > 0.95
