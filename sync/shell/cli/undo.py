"""`trackdown undo`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from sync.core.errors import ConfigError
from sync.shell.cli.common import Json, load_config, show
from sync.shell.cli.errors import ExitCode, worst

if TYPE_CHECKING:
    from rich.console import Console

    from sync.core.ids import BridgeName, RunId
    from sync.engine.report import NotUndone, UndoReport
    from sync.store import Tx


def undo(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="As `sync` and `audit` show it: R-12, 12, or last.")],
    close_created: Annotated[
        bool, typer.Option("--close-created", help="Close the copies that the run made and take them out of step.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Take a run back: set every value that it changed to what stood there before, and write that everywhere.

    Reads all trackers, shows what would be written, and asks. What somebody edited since is left alone and listed; copies that the run
    made stay unless you say otherwise. The undo is a run of its own, with its entries in the log: undo it to have everything
    as it was. Exit code 0 done, 1 some of it could not be taken back, 2 no such run, 3 halted, 4 a tracker could not be read.

    Example:  [bold]trackdown undo last[/]
    """
    from sync.engine.undo import plan_undo, undo_run
    from sync.shell.app import Effects, open_bridges, open_store
    from sync.shell.cli.progress import TerminalProgress
    from sync.shell.signals import signals

    config, stop, reviewed = load_config(ctx), threading.Event(), None
    if not yes and (as_json or not sys.stdin.isatty()):
        raise ConfigError(["an undo asks first: call it from a terminal, or say --yes"])
    with open_store(config) as store, signals(stop):
        with store.read() as tx:
            bridge, found = _run(tx, list(config.bridges), run)
        with open_bridges(config, store, only=bridge, effects=Effects(stop=stop)) as bridges:
            if not yes:
                with TerminalProgress() as bridges[0].progress:
                    reviewed = plan_undo(bridges[0], found, by=_who(), close_created=close_created)
                show({}, False, lambda out: _render(reviewed, out))
                if not reviewed.plan.writes and not reviewed.undone:
                    raise typer.Exit(worst(_codes(reviewed)))
                typer.confirm("Do this?", abort=True, err=True)
            with TerminalProgress() as bridges[0].progress:
                report = undo_run(bridges[0], found, by=_who(), close_created=close_created, reviewed=reviewed)
    show(report, as_json, lambda out: _render(report, out, is_done=True))
    raise typer.Exit(worst(_codes(report)))


def _who() -> str:
    import getpass

    return getpass.getuser()


def _run(tx: Tx, bridges: Iterable[BridgeName], wanted: str) -> tuple[BridgeName, RunId]:
    """The run with this id, this number, or this beginning of one; `last` is the last one that did anything."""
    from sync.engine.undo import last_run

    runs = [record for bridge in bridges for record in tx.runs.list(bridge, limit=10_000)]
    runs.sort(key=lambda record: record.started_at, reverse=True)
    if wanted == "last":
        found = last_run((record.id for record in runs), tx)
        if found is None:
            raise ConfigError(["no run has changed anything yet"])
        wanted = found
    exact = [record for record in runs if record.id.casefold() in (wanted.casefold(), f"r-{wanted}")]
    begun = exact or [record for record in runs if record.id.casefold().startswith(wanted.casefold())]
    if len({record.id for record in begun}) != 1:
        several = f": {', '.join(record.id for record in begun[:5])}" if begun else ""
        problem = f"several runs begin with {wanted!r}{several}" if begun else f"there is no run {wanted!r}"
        raise ConfigError([f"{problem}; `trackdown audit` shows them"])
    return begun[0].bridge, begun[0].id


def _codes(report: UndoReport) -> Iterator[ExitCode]:
    if report.cycle.failures:
        yield ExitCode.TRACKER
    if report.cycle.halts or report.differences:
        yield ExitCode.HALTED
    if report.cycle.interrupted:
        yield ExitCode.INTERRUPTED
    if report.refused or report.cycle.problems:
        yield ExitCode.PROBLEMS


def _render(report: UndoReport, out: Console, *, is_done: bool = False) -> None:
    from rich.text import Text

    from sync.shell.cli.plan_view import render_trouble, render_writes
    from sync.shell.words import count, excerpt, label, safe

    if report.differences:
        out.print(Text("What there is to do is not what you saw; nothing was written:", style="red"))
        for line in report.differences:
            out.print(Text(f"  - {safe(line)}"))
    out.print(Text(f"{'Undone' if is_done else 'Undo'} {report.run} of {report.bridge}", style="bold"))
    for one in report.undone:
        what = "comment" if one.comment else label(one.field)
        out.print(Text(f"  < {one.key} {what}: {excerpt(one.old)} → {excerpt(one.new)}", style="yellow"))
    render_writes(report.plan.writes, out)
    for line in _lines(report.refused):
        out.print(Text(f"  x not undone: {safe(line)}", style="red"))
    for line in _lines(report.kept):
        out.print(Text(f"  = kept: {safe(line)}", style="dim"))
    if report.conflicts:
        named = ", ".join(report.conflicts[:5]) + (" …" if len(report.conflicts) > 5 else "")
        out.print(
            f"  The run settled {count(len(report.conflicts), 'conflict')} ({named}): `trackdown conflicts show ID`."
        )
    render_trouble(report.cycle.problems, [*report.plan.halts, *report.cycle.halts], report.cycle.failures, out)
    if not report.undone and not report.plan.writes:
        out.print("  There is nothing to take back.")
    elif is_done and not report.cycle.halts:
        out.print(Text(f"  run {report.undo}; `trackdown undo {report.undo}` takes this back", style="dim"))


def _lines(told: Iterable[NotUndone]) -> list[str]:
    from sync.shell.words import label

    return [
        " ".join(filter(None, (one.key, one.replica, label(one.field) if one.field is not None else "")))
        + f": {one.reason}"
        for one in told
    ]
