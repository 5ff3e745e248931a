"""The shortest history that still fails in the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tests.wire.steps import Cycle, Deed, History, Step

Fails = Callable[[History], bool]
#: One thing that a history may do without: the number of its step, and of what disturbs it there.
Part = tuple[int, str, int]


def shortest(history: History, fails: Fails, *, tries: int = 80) -> History:
    """Leave out halves, then ever smaller pieces, for as long as it still fails; at most `tries` times."""
    if history.small_pages and fails(plain := replace(history, small_pages=False)):
        history = plain
    left = _parts(history)
    size = max(1, len(left) // 2)
    while size >= 1 and tries > 0:
        at, dropped = 0, False
        while at < len(left) and tries > 0:
            fewer = [*left[:at], *left[at + size :]]
            tries -= 1
            if fails(_with(history, fewer)):
                left, dropped = fewer, True
            else:
                at += size
        if not dropped or size > 1:
            if size == 1:
                break
            size //= 2
    return _with(history, left)


def _parts(history: History) -> list[Part]:
    parts: list[Part] = []
    for number, step in enumerate(history.steps):
        parts.append((number, "", 0))
        if isinstance(step, Cycle):
            for name in ("strikes", "meddling", "kills"):
                parts += [(number, name, place) for place in range(len(getattr(step, name)))]
    return parts


def _with(history: History, parts: Sequence[Part]) -> History:
    """The history with these parts only; what disturbs a cycle goes with it."""
    kept = set(parts)
    steps: list[Step] = []
    for number, step in enumerate(history.steps):
        if (number, "", 0) not in kept:
            continue
        if isinstance(step, Deed):
            steps.append(step)
            continue
        left: dict[str, Any] = {
            name: tuple(one for place, one in enumerate(getattr(step, name)) if (number, name, place) in kept)
            for name in ("strikes", "meddling", "kills")
        }
        steps.append(replace(step, **left))
    return replace(history, steps=tuple(steps))
