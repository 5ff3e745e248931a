"""`trackdown plan`, `trackdown apply` and `trackdown sync`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from sync.core.errors import BridgeBusy
from sync.shell.cli.common import BridgeOption, Json, load_config, note, show
from sync.shell.cli.errors import ExitCode, worst

if TYPE_CHECKING:
    from sync.engine.report import Applied, CycleReport, PlanReport
    from sync.engine.runtime import Bridge
    from sync.shell.app import Effects
    from sync.shell.configfile import Config
    from sync.shell.planfile import PlanFile
    from sync.store import Store

_T = TypeVar("_T")


def plan(
    ctx: typer.Context,
    bridge: BridgeOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the plan to this file, for `trackdown apply`.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what a sync would do, field by field, and write nothing anywhere.

    Reads all trackers, and rehearses the very steps of `sync`. Exit code 3 when a guard would stop the sync, 4 when a tracker
    could not be read. The file of `--out` holds texts of tickets; only you may read it.

    Example:  [bold]trackdown plan --out friday.plan && trackdown apply friday.plan[/]
    """
    from sync.engine.cycle import plan_cycle
    from sync.shell.cli.plan_view import render_plan
    from sync.shell.planfile import write_plan

    keep = partial(write_plan, out) if out is not None else None
    reports = _each_bridge(ctx, bridge, plan_cycle, keep=keep)
    document: dict[str, Any] = {"bridges": [_plan_json(report) for report in reports]}
    show(document | ({"file": str(out)} if out else {}), as_json, lambda to: render_plan(reports, to, out))
    raise typer.Exit(worst(code for report in reports for code in codes_of(report)))


def apply(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As `trackdown plan --out FILE` wrote it.")],
    as_json: Json = False,
) -> None:
    """Do exactly what a reviewed plan says, or nothing.

    Reads all trackers and plans anew: where anything else would be done by now, the plan is stale, nothing is written, and what
    changed is listed (exit code 3). Who applies a plan has reviewed it: the brake on mass changes is lifted for it, and
    the deletes that it shows are done. The other guards stay. Exit codes are those of `sync`.

    Example:  [bold]trackdown plan --out friday.plan && trackdown apply friday.plan[/]
    """
    from sync.shell.cli.plan_view import render_applied
    from sync.shell.planfile import check_plan, read_plan
    from sync.shell.signals import signals

    reviewed = read_plan(file)
    config, stop = load_config(ctx), threading.Event()
    with signals(stop):
        applied = _applied(config, reviewed, partial(check_plan, reviewed), stop)
    document = {
        "run": applied[0].report.run,
        "bridges": [
            {**one.report.as_json(), "run": one.report.run, "differences": list(one.differences)} for one in applied
        ],
    }
    show(document, as_json, lambda out: render_applied(applied, out))
    raise typer.Exit(worst(code for one in applied for code in _cycle_codes(one.report)))


def _applied(
    config: Config, reviewed: PlanFile, check: Callable[[Config, Store], None], stop: threading.Event
) -> list[Applied]:
    """Apply the plans one after another; where there are several, none before all were found to hold still."""
    from sync.engine.cycle import apply_cycle, stale_cycle
    from sync.shell.app import Effects, open_bridges, open_store
    from sync.shell.cli.progress import TerminalProgress

    with open_store(config) as store, TerminalProgress() as progress, ExitStack() as stack:
        check(config, store)
        effects = Effects(progress=progress, stop=stop)
        bridges = [
            stack.enter_context(open_bridges(config, store, only=plan.bridge, effects=effects))[0]
            for plan in reviewed.plans
        ]
        pairs = list(zip(bridges, reviewed.plans, strict=True))
        if len(pairs) > 1:
            stale = [one for bridge, plan in pairs if (one := stale_cycle(bridge, plan)) is not None]
            if stale:
                return stale
        return [apply_cycle(bridge, plan) for bridge, plan in pairs]


def sync(
    ctx: typer.Context,
    bridge: BridgeOption = None,
    allow_mass_change: Annotated[
        bool, typer.Option("--allow-mass-change", help="Let this one cycle change many tickets at once.")
    ] = False,
    allow_deletes: Annotated[
        bool, typer.Option("--allow-deletes", help="Let this one cycle delete the copies that wait for it.")
    ] = False,
    wait: Annotated[
        bool,
        typer.Option("--wait/--no-wait", help="Wait for a tracker's limits, or leave what is left for another time."),
    ] = True,
    as_json: Json = False,
) -> None:
    """Run one cycle: read every tracker, decide, write, and say what happened.

    Where a tracker takes no more for now (a long first sync to GitHub), it waits, says for what and until when, and goes on;
    Ctrl-C ends the wait at once, and the next sync takes up what is left.

    Exit code 0 done, 1 some tickets had problems, 3 a guard stopped it, 4 a tracker was unreachable, refused us, or (with
    --no-wait) takes no more for now, 5 a conflict waits for a person, 130 interrupted (the write in hand was finished).

    Example:  [bold]trackdown sync --json | jq '.bridges[].writes'[/]
    """
    from sync.engine.cycle import run_cycle
    from sync.shell.app import Effects
    from sync.shell.cli.plan_view import render_cycles
    from sync.shell.signals import signals
    from sync.shell.waiting import patiently

    stop = threading.Event()
    effects = Effects(stop=stop, allow_mass_change=allow_mass_change, allow_deletes=allow_deletes)
    with signals(stop):
        rounds = partial(patiently, wait=wait, say=note)
        reports = _each_bridge(ctx, bridge, _busy_is_told(run_cycle), effects, rounds=rounds)
    document = {
        "run": reports[0].run,
        "bridges": [{**report.as_json(), "run": report.run} for report in reports],
    }
    show(document, as_json, lambda out: render_cycles(reports, out))
    raise typer.Exit(worst(code for report in reports for code in _cycle_codes(report)))


def _each_bridge(
    ctx: typer.Context,
    only: str | None,
    run: Callable[[Bridge], _T],
    effects: Effects | None = None,
    *,
    keep: Callable[[Config, Store, Sequence[_T]], None] | None = None,
    rounds: Callable[[Sequence[Bridge], Callable[[Bridge], _T]], Sequence[_T]] | None = None,
) -> Sequence[_T]:
    from sync.shell.app import Effects, open_bridges, open_store
    from sync.shell.cli.progress import TerminalProgress

    config = load_config(ctx)
    with open_store(config) as store, TerminalProgress() as progress:
        wanted = replace(effects or Effects(), progress=progress)
        with open_bridges(config, store, only=only, effects=wanted) as bridges:
            reports = [run(bridge) for bridge in bridges] if rounds is None else rounds(bridges, run)
        if keep is not None:
            keep(config, store, reports)
        return reports


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


def _cycle_codes(report: CycleReport) -> Iterator[ExitCode]:
    yield from codes_of(report)
    if report.pauses:
        yield ExitCode.TRACKER
    if report.waiting:
        yield ExitCode.CONFLICT
    if report.interrupted:
        yield ExitCode.INTERRUPTED


def codes_of(report: CycleReport | PlanReport) -> Iterator[ExitCode]:
    """What a plan or a cycle has to tell a calling program."""
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
