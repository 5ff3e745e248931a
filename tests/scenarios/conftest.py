"""Worlds that are closed at the end of their test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.world import World


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    opened: list[World] = []

    def make(*args: Any, **settings: Any) -> World:
        directory = tmp_path / str(len(opened))
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
