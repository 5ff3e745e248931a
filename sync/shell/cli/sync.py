"""`trackdown plan` and `trackdown sync`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from sync.core.errors import BridgeBusy
from sync.shell.cli.common import BridgeOption, Json, load_config, note, show
from sync.shell.cli.errors import ExitCode, worst

if TYPE_CHECKING:
    from sync.engine.report import CycleReport, PlanReport
    from sync.engine.runtime import Bridge
    from sync.shell.app import Effects

_T = TypeVar("_T")


def plan(
    ctx: typer.Context,
    bridge: BridgeOption = None,
    as_json: Json = False,
) -> None:
    """Show what a sync would do, field by field, and write nothing anywhere.

    Reads all trackers, decides exactly as `sync` does and stops after the guards. Exit code 3 when a guard
    would stop the sync, 4 when a tracker could not be read.

    Example:  [bold]trackdown plan --bridge payments[/]
    """
    from sync.engine.cycle import plan_cycle
    from sync.shell.cli.plan_view import render_plan

    reports = _each_bridge(ctx, bridge, plan_cycle)
    show(
        {"bridges": [_plan_json(report) for report in reports]},
        as_json,
        lambda out: render_plan(reports, out),
    )
    raise typer.Exit(worst(code for report in reports for code in _codes(report)))


def sync(
    ctx: typer.Context,
    bridge: BridgeOption = None,
    allow_mass_change: Annotated[
        bool, typer.Option("--allow-mass-change", help="Let this one cycle change many tickets at once.")
    ] = False,
    allow_deletes: Annotated[
        bool, typer.Option("--allow-deletes", help="Let this one cycle delete the copies that wait for it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run one cycle: read every tracker, decide, write, and say what happened.

    Exit code 0 done, 1 some tickets had problems, 3 a guard stopped it, 4 a tracker was unreachable or refused us,
    5 a conflict waits for a person, 130 interrupted (the write in hand was finished).

    Example:  [bold]trackdown sync --json | jq '.bridges[].writes'[/]
    """
    from sync.engine.cycle import run_cycle
    from sync.shell.app import Effects
    from sync.shell.cli.plan_view import render_cycles
    from sync.shell.signals import signals

    stop = threading.Event()
    effects = Effects(stop=stop, allow_mass_change=allow_mass_change, allow_deletes=allow_deletes)
    with signals(stop):
        reports = _each_bridge(ctx, bridge, _busy_is_told(run_cycle), effects)
    document = {
        "run": reports[0].run,
        "bridges": [{**report.as_json(), "run": report.run} for report in reports],
    }
    show(document, as_json, lambda out: render_cycles(reports, out))
    codes = [code for report in reports for code in _codes(report)]
    codes += [ExitCode.CONFLICT for report in reports if report.waiting]
    codes += [ExitCode.INTERRUPTED for report in reports if report.interrupted]
    raise typer.Exit(worst(codes))


def _each_bridge(
    ctx: typer.Context,
    only: str | None,
    run: Callable[[Bridge], _T],
    effects: Effects | None = None,
) -> Sequence[_T]:
    from sync.shell.app import Effects, open_bridges, open_store
    from sync.shell.cli.progress import TerminalProgress

    config = load_config(ctx)
    with open_store(config) as store, TerminalProgress() as progress:
        wanted = replace(effects or Effects(), progress=progress)
        with open_bridges(config, store, only=only, effects=wanted) as bridges:
            return [run(bridge) for bridge in bridges]


def _busy_is_told(run_cycle: Callable[[Bridge], CycleReport]) -> Callable[[Bridge], CycleReport]:
    """One bridge that somebody else is syncing does not keep us from the others."""
    from sync.core.ids import RunId
    from sync.engine.report import CycleReport, HaltLine

    def run(bridge: Bridge) -> CycleReport:
        try:
            return run_cycle(bridge)
        except BridgeBusy as error:
            note(str(error))
            halt = HaltLine(name="busy", message=str(error), mend="wait for it, or stop it")
            nothing = dict.fromkeys(bridge.replicas, 0)
            return CycleReport(
                run=RunId(""), name=bridge.name, halts=[halt], requests=dict(nothing), writes=dict(nothing)
            )

    return run


def _codes(report: CycleReport | PlanReport) -> Iterator[ExitCode]:
    if report.failures:
        yield ExitCode.TRACKER
    if report.halts:
        yield ExitCode.HALTED
    if report.problems:
        yield ExitCode.PROBLEMS


def _plan_json(report: PlanReport) -> dict[str, Any]:
    from sync.shell.words import plain

    values: dict[str, Any] = plain(report)
    values["name"] = values.pop("bridge")
    return values
