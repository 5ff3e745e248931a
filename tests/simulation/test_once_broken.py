"""Histories that broke a promise once, as short as they could be made: what was mended stays mended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.history import run_history
from tests.simulation.steps import from_json

#: What was found by volume: what went wrong, in which seed's setting, and the steps.
ONCE_BROKEN: list[dict[str, Any]] = json.loads(Path(__file__).with_name("once_broken.json").read_text("utf-8"))


@pytest.mark.parametrize("told", ONCE_BROKEN, ids=[str(one["seed"]) for one in ONCE_BROKEN])
def test_what_was_mended_stays_mended(told: dict[str, Any]) -> None:
    """The shortest histories that once broke a promise, each in the setting of its seed."""
    result = run_history(told["seed"], from_json(json.dumps(told["steps"])))
    assert not result.failures, told["what"]
