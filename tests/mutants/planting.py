"""How a fault is planted in the engine: a name is bound to something else, for the rest of the process."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One planted fault: `fault` says in words what is wrong, `plant` does it.

    `caught_by` is "" where the simulated histories have to catch it, else the tests that have to: of several processes, or of the guards.
    """

    name: str
    fault: str
    plant: Callable[[], None]
    caught_by: str = ""


def bound(place: str) -> Any:
    """What stands at `package.module:name` or `package.module:Class.name`."""
    module, _, path = place.partition(":")
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found


def bind(place: str, value: Any) -> None:
    """Put `value` there; `AttributeError` where nothing stood, so that no mutant ends as a change of nothing."""
    bound(place)
    module, _, path = place.partition(":")
    holder: Any = importlib.import_module(module)
    *outer, name = path.split(".")
    for part in outer:
        holder = getattr(holder, part)
    setattr(holder, name, value)


def instead(*places: str, value: Any) -> Callable[[], None]:
    """A plant: every place holds `value`."""

    def plant() -> None:
        for place in places:
            bind(place, value)

    return plant


def around(place: str, wrapped: Callable[..., Any]) -> Callable[[], None]:
    """A plant: the function at the place is called by `wrapped(original, *its arguments)`."""

    def plant() -> None:
        original = bound(place)
        bind(place, lambda *args, **kwargs: wrapped(original, *args, **kwargs))

    return plant
