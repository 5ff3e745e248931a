"""What a history is made of: values that can be drawn, dropped one by one, written down and replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Somebody does something in one tracker; `seed` decides what is left open."""

    place: int
    ticket: int
    what: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """The `number`-th call of this name (or commit) in a cycle goes wrong; `wait` is how many seconds late it arrives, if it does."""

    call: str
    number: int
    fault: str
    wait: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Meddling:
    """Somebody does something just before or just after the `number`-th call of this name in a cycle."""

    call: str
    number: int
    edit: Edit
    after: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """Time passes, then the bridge syncs once; with `planned` it is asked before what it would do."""

    wait: float
    planned: bool = False
    strikes: tuple[Strike, ...] = ()
    meddling: tuple[Meddling, ...] = ()


Step = Edit | Cycle


def shorter(steps: Sequence[Step]) -> Iterator[tuple[Step, ...]]:
    """The same history with less in it: without large parts first, then without single steps, faults and edits."""
    size = len(steps)
    part = max(1, size // 2)
    while True:
        for start in range(0, size, part):
            yield (*steps[:start], *steps[start + part :])
        if part == 1:
            break
        part = max(1, part // 2)
    for number, step in enumerate(steps):
        if isinstance(step, Cycle):
            for less in _simpler(step):
                yield (*steps[:number], less, *steps[number + 1 :])


def _simpler(cycle: Cycle) -> Iterator[Cycle]:
    if cycle.planned:
        yield replace(cycle, planned=False)
    for number in range(len(cycle.strikes)):
        yield replace(cycle, strikes=(*cycle.strikes[:number], *cycle.strikes[number + 1 :]))
    for number in range(len(cycle.meddling)):
        yield replace(cycle, meddling=(*cycle.meddling[:number], *cycle.meddling[number + 1 :]))


def to_json(steps: Sequence[Step]) -> str:
    """The steps, a line each."""
    rows = [json.dumps({type(step).__name__.lower(): _bare(asdict(step))}) for step in steps]
    return "[\n" + ",\n".join(rows) + "\n]\n"


def from_json(text: str) -> tuple[Step, ...]:
    """The steps again."""
    return tuple(_step(*next(iter(row.items()))) for row in json.loads(text))


def read(path: Path) -> tuple[Step, ...]:
    """The steps of a file that `to_json` wrote."""
    return from_json(path.read_text("utf-8"))


def _bare(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not False and value != ()}


def _step(name: str, values: dict[str, Any]) -> Step:
    if name == "edit":
        return Edit(**values)
    strikes = tuple(Strike(**one) for one in values.pop("strikes", ()))
    meddling = tuple(Meddling(**{**one, "edit": Edit(**one["edit"])}) for one in values.pop("meddling", ()))
    return Cycle(**values, strikes=strikes, meddling=meddling)
