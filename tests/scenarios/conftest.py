"""Worlds that are closed at the end of their test."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.deleting import AFTER
from tests.scenarios.world import AZURE, DIFFERENT, GITHUB, SHELF, World


@pytest.fixture
def make_world() -> Iterator[Callable[..., World]]:
    opened: list[World] = []
    with tempfile.TemporaryDirectory(prefix="trackdown-scenario-", dir=SHELF) as shelf:

        def make(*args: Any, **settings: Any) -> World:
            directory = Path(shelf) / str(len(opened))
            directory.mkdir()
            opened.append(World(directory, *args, **settings))
            return opened[-1]

        yield make
        for world in opened:
            world.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """Three different trackers and nothing in them."""
    return make_world()


@pytest.fixture
def told(make_world: Callable[..., World]) -> World:
    """A world in which GitHub tells of deletions by itself, and Azure can't delete."""
    knobs = {**DIFFERENT, GITHUB: replace(DIFFERENT[GITHUB], reports_gone=True)}
    return make_world({**knobs, AZURE: replace(DIFFERENT[AZURE], can_delete=False)}, gone_after=AFTER)
