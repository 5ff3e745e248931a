"""Progress bars on stderr, for people who watch."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.status import Status

from sync.core.ids import ReplicaName
from sync.shell.cli.common import console


class TerminalProgress:
    """Shows each long step of each replica as a bar, with the time that is left; nothing when stderr is not a terminal."""

    def __init__(self) -> None:
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._tasks: dict[tuple[str, ReplicaName | None], TaskID] = {}
        self._wait: Status | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_wait()
        self._bars.stop()

    def waiting(self, text: str | None) -> bool:
        """Show what is waited for in place of the bars, until it is over."""
        if self._bars.disable:
            return False
        with self._lock:
            if text is None:
                self._end_wait()
                self._bars.start()
            elif self._wait is not None:
                self._wait.update(text)
            else:
                self._bars.stop()
                for task in self._tasks.values():
                    self._bars.remove_task(task)
                self._tasks.clear()
                self._wait = self._bars.console.status(text)
                self._wait.start()
        return True

    def _end_wait(self) -> None:
        if self._wait is not None:
            self._wait.stop()
            self._wait = None

    def step(self, what: str, replica: ReplicaName | None, done: int, total: int | None) -> None:
        """Move the bar of `what` in `replica`."""
        with self._lock:
            key = (what, replica)
            if key not in self._tasks:
                self._tasks[key] = self._bars.add_task(f"{what} {replica or ''}".strip(), total=total)
        self._bars.update(self._tasks[key], completed=done, total=total)
