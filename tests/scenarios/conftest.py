"""Worlds that are closed at the end of their test."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.world import SHELF, World


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
