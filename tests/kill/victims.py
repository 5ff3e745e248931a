"""Processes of trackdown that are there to be killed: each is forked from a warm parent, which has everything imported."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

#: What the warm parent imports; the library of each tracker takes longer than a whole cycle.
WARM = [
    __name__,
    *("sync.shell.cli.main", "sync.engine.cycle", "sync.shell.app", "sync.shell.daemon", "sync.shell.logs"),
    *("sync.shell.cli.plan_view", "sync.shell.cli.progress", "sync.store.migrations.versions"),
    *(f"adapters.{kind}.{part}" for kind in ("jira", "github", "azure_devops") for part in ("adapter", "codec")),
    *("alembic.command", "rich.console"),
]
#: Exit codes of a worker that lost its bridge to another one, and of one that found it taken.
LOST, BUSY = 77, 78
#: What a worker says before it stops itself.
STOPPING = "about to stop"
PATIENCE = 60.0

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(WARM)


class Victim:
    """One process; `ended` is its exit code, negative for a signal."""

    def __init__(self, process: ForkServerProcess, log: Path) -> None:
        self._process = process
        self.log = log

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def runs(self) -> bool:
        """Whether it is still there."""
        return self._process.is_alive()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it is still there."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def ended(self, within: float = PATIENCE) -> int:
        """Wait for the end."""
        self._process.join(within)
        code = self._process.exitcode
        if code is None:
            self.kill()
            raise AssertionError(f"still running after {within} s: {self.said()}")
        return code

    def woken(self) -> int:
        """SIGCONT, as often as it takes; the exit code."""
        until = time.monotonic() + PATIENCE
        while self.runs() and time.monotonic() < until:
            self.send(signal.SIGCONT)
            self._process.join(0.2)
        return self.ended(0)

    def kill(self) -> int:
        """SIGKILL; the exit code, which tells whether it came too late."""
        self.send(signal.SIGKILL)
        self.send(signal.SIGCONT)
        return self.ended()

    def said(self) -> str:
        """What it printed."""
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""


class Victims:
    """Starts processes, and sees to it that none is left."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[Victim] = []
        self.count = 0

    def command(self, *arguments: str) -> Victim:
        """`trackdown` with these arguments."""
        return self._start(_command, *arguments)

    def worker(self, config: Path, lease: timedelta, stop_before: int | None = None) -> Victim:
        """One cycle of every bridge; see `work`."""
        return self._start(work, config, lease, stop_before)

    def _start(self, target: Callable[..., None], *arguments: Any) -> Victim:
        self.count += 1
        log = self._folder / f"{self.count}.log"
        process = _context.Process(target=_logged, args=(log, target, arguments), daemon=True)
        process.start()
        victim = Victim(process, log)
        self._started = [one for one in self._started if one.runs()] + [victim]
        return victim

    def end(self) -> None:
        """Kill what is still there."""
        for victim in self._started:
            if victim.runs():
                victim.kill()


def _logged(log: Path, target: Callable[..., None], arguments: Sequence[Any]) -> None:
    file = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1) for number in (1, 2))
    target(*arguments)


def _command(*arguments: str) -> None:
    from sync.shell.cli.main import run

    sys.exit(run(arguments))


def work(config: Path, lease: timedelta, stop_before: int | None) -> None:
    """One cycle of every bridge by a worker whose lease is short; ends with `LOST` or `BUSY` where another has the bridge.

    With `stop_before` it stops itself (SIGSTOP) between the intent of that write and the write.
    """
    from sync.core.errors import BridgeBusy, LeaseLost
    from sync.engine.cycle import run_cycle
    from sync.shell.app import Effects, open_bridges, open_store
    from sync.shell.configfile import load

    loaded = load(config)
    with (
        open_store(loaded) as store,
        open_bridges(loaded, store, effects=Effects(lease=lease)) as bridges,
    ):
        for bridge in bridges:
            if stop_before is not None:
                turn = Turn(stop_before)
                for replica in bridge.replicas.values():
                    replica.adapter = Stopping(replica.adapter, turn)
            try:
                run_cycle(bridge)
            except LeaseLost:
                sys.exit(LOST)
            except BridgeBusy:
                sys.exit(BUSY)


class Turn:
    """Counts writes over all threads."""

    def __init__(self, number: int) -> None:
        self._left = number
        self._lock = threading.Lock()

    def comes(self) -> bool:
        """Whether this is the one."""
        with self._lock:
            self._left -= 1
            return self._left == 0


class Stopping:
    """An adapter whose process is stopped right before a write."""

    def __init__(self, adapter: Any, turn: Turn) -> None:
        self._adapter = adapter
        self._turn = turn

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    def write(self, *arguments: Any) -> Any:
        """Stop here, and go on when somebody says so."""
        if self._turn.comes():
            sys.stdout.write(f"{STOPPING}\n")
            os.kill(os.getpid(), signal.SIGSTOP)
        return self._adapter.write(*arguments)
