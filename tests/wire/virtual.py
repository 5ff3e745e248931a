"""Time that passes only when it is told to, for everything in `adapters` at once."""

from __future__ import annotations

import random
import secrets
import sys
import time as real_time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta, tzinfo
from datetime import datetime as real_datetime
from functools import cache, partial
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

START = real_datetime(2026, 11, 2, 9, 0, 0, tzinfo=UTC)
#: How long a request takes, there and back.
ROUND_TRIP = 0.15


class Clock:
    """The one time of a history; `sleep` lets it pass, and nobody waits."""

    def __init__(self, start: real_datetime = START) -> None:
        self._start = start
        self._passed = 0.0

    def __call__(self) -> real_datetime:
        """Aware UTC."""
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Seconds since the history began; never 0, which some take for never."""
        return 1_000_000.0 + self._passed

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._passed = round(self._passed + max(0.0, seconds), 6)


class _AnyDatetime(type):
    """What is a datetime is one of ours too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, real_datetime)


def _datetime_of(clock: Clock) -> type[real_datetime]:
    class Datetime(real_datetime, metaclass=_AnyDatetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return clock() if tz is None else clock().astimezone(tz)

    return Datetime


def _modules() -> list[ModuleType]:
    return [one for name, one in list(sys.modules.items()) if name.startswith("adapters.")]


@cache
def _named(wanted: tuple[int, ...]) -> list[tuple[ModuleType, str, Any]]:
    """Every global name of `adapters` that stands for one of what is wanted."""
    return [
        (module, name, value)
        for module in _modules()
        for name, value in vars(module).items()
        if id(value) in wanted
    ]  # fmt: skip


@cache
def _defaulting(wanted: tuple[int, ...]) -> list[FunctionType]:
    """Every function and method of `adapters` that takes one of what is wanted where it is given nothing."""
    found: list[FunctionType] = []
    for module in _modules():
        for value in vars(module).values():
            if getattr(value, "__module__", "") != module.__name__:
                continue
            functions = vars(value).values() if isinstance(value, type) else [value]
            for one in functions:
                if isinstance(one, FunctionType):
                    given = (*(one.__defaults__ or ()), *(one.__kwdefaults__ or {}).values())
                    if any(id(each) in wanted for each in given):
                        found.append(one)
    return found


def _defaults(function: FunctionType, stand_ins: dict[int, Any]) -> Callable[[], None]:
    """Replace what a function takes for an argument that is not given; the way back."""
    before, named = function.__defaults__, function.__kwdefaults__
    if before is not None:
        function.__defaults__ = tuple(stand_ins.get(id(one), one) for one in before)
    if named is not None:
        function.__kwdefaults__ = {name: stand_ins.get(id(one), one) for name, one in named.items()}

    def undo() -> None:
        function.__defaults__, function.__kwdefaults__ = before, named

    return undo


@contextmanager
def ruled_by(clock: Clock, seed: int) -> Iterator[None]:
    """Within the block every module of `adapters` takes its time, its waits and its chance from here.

    Done to the modules and not by an argument, because each of some twenty places would have to take one for this alone.
    """
    time = SimpleNamespace(**vars(real_time))
    time.monotonic, time.sleep = clock.monotonic, clock.sleep
    time.time = lambda: clock().timestamp()
    chance = random.Random(seed)
    stand_ins: dict[int, Any] = {
        id(real_datetime): _datetime_of(clock),
        id(real_time): time,
        id(random): chance,
        id(secrets): SimpleNamespace(token_hex=lambda size: chance.randbytes(size).hex()),
        id(real_time.sleep): clock.sleep,
        id(real_time.monotonic): clock.monotonic,
    }
    undo: list[Callable[[], None]] = []
    for module, name, value in _named(tuple(stand_ins)):
        setattr(module, name, stand_ins[id(value)])
        undo.append(partial(setattr, module, name, value))
    undo += [_defaults(function, stand_ins) for function in _defaulting(tuple(stand_ins))]
    try:
        yield
    finally:
        for one in undo:
            one()
