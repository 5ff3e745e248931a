"""Being asked to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def signals(stop: threading.Event) -> Iterator[list[int]]:
    """SIGTERM and SIGINT set `stop`, so that the write in hand is finished; a second SIGINT interrupts at once.

    Yields the list of those that came.
    """
    came: list[int] = []

    def ask(number: int, _frame: object) -> None:
        if number == signal.SIGINT and came:
            raise KeyboardInterrupt
        came.append(number)
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
