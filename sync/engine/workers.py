"""Who does the work of one step: a thread a replica, or everything in one thread where a history must be repeatable."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Protocol, TypeVar

T = TypeVar("T")


class Workers(Protocol):
    """Makes calls that do not depend on each other."""

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make all calls and give their results in order; the first error is raised when every call has ended."""
        ...

    def beside(self, beat: Callable[[], bool], every: timedelta) -> AbstractContextManager[None]:
        """Within the block, call `beat` after each `every`, until it says that it is over."""
        ...


class Threads:
    """A thread a call."""

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """See `Workers`."""
        if not calls:
            return []
        with ThreadPoolExecutor(max_workers=len(calls), thread_name_prefix="replica") as pool:
            return [done.result() for done in [pool.submit(call) for call in calls]]

    @contextmanager
    def beside(self, beat: Callable[[], bool], every: timedelta) -> Iterator[None]:
        """See `Workers`."""
        over = threading.Event()

        def run() -> None:
            while not over.wait(every.total_seconds()) and beat():
                pass

        keeper = threading.Thread(target=run, name="keeper", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join()


class OneThread:
    """One call after the other in the caller's thread; nothing happens beside it."""

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """See `Workers`: what fails first is raised at once."""
        return [call() for call in calls]

    @contextmanager
    def beside(self, beat: Callable[[], bool], every: timedelta) -> Iterator[None]:  # noqa: ARG002
        """See `Workers`: an injected clock stands still meanwhile, so nothing is ever due."""
        yield
