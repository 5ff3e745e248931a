"""Runs of trackdown in processes of their own, and what each cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.world import World

HOME = Path(__file__).resolve().parents[1]


class Failed(Exception):
    """A run ended with an error, and its figures would mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One cycle; `asked` is each tracker's own log of it."""

    report: dict[str, Any]
    cpu: float
    asked: dict[str, list[dict[str, Any]]]

    @property
    def requests(self) -> dict[str, int]:
        """Requests by tracker."""
        return {name: len(log) for name, log in self.asked.items()}

    @property
    def writes(self) -> dict[str, int]:
        """Writes by tracker."""
        return {name: int(count) for name, count in self.report["writes"].items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One process: its JSON, its processor seconds, and the most memory that it had at once, in MB (10⁶ bytes)."""

    output: str
    cpu: float
    peak: float


def run(*command: str) -> Run:
    """Run a module of Python to its end; raises `Failed`."""
    with subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE, text=True, cwd=HOME) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failed(f"{' '.join(command)} ended with {process.returncode}:\n{output[-2000:]}")
    return Run(output=output, cpu=usage.ru_utime + usage.ru_stime, peak=usage.ru_maxrss * 1024 / 1e6)


def sync(world: World) -> tuple[Cycle, Run]:
    """`trackdown sync`, as a person runs it."""
    world.requests()
    done = run("sync.shell.cli.main", "--config", str(world.config), "sync", "--allow-mass-change", "--json")
    (report,) = json.loads(done.output)["bridges"]
    return Cycle(report=report, cpu=done.cpu, asked=world.requests()), done


def plan(world: World) -> dict[str, list[dict[str, Any]]]:
    """`trackdown plan`: what each tracker was asked for it."""
    world.requests()
    run("sync.shell.cli.main", "--config", str(world.config), "plan", "--json")
    return world.requests()


def idle_cpu(world: World, cycles: int = 7) -> float:
    """Processor seconds of the cheapest of some cycles in a row, the first of which brings connections up."""
    lines = run("bench.worker", str(world.config), str(cycles)).output.splitlines()
    return min(float(json.loads(line)["cpu"]) for line in lines[1:])
