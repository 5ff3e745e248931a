"""`trackdown verify`."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sync.shell.cli.common import BridgeOption, Json, load_config, note, show
from sync.shell.cli.errors import ExitCode, worst

if TYPE_CHECKING:
    from rich.console import Console

    from sync.engine.report import CycleReport
    from sync.engine.runtime import Bridge
    from sync.engine.standing import Finding, VerifyReport


class Fix(StrEnum):
    """The standings that can be mended, as they are typed."""

    DRIFTED = "drifted"
    LOST = "lost"
    ORPHAN = "orphan"
    PENDING = "pending"
    NEVER = "never-synced"


def verify(
    ctx: typer.Context,
    bridge: BridgeOption = None,
    fix: Annotated[
        list[Fix] | None,
        typer.Option("--fix", metavar="CLASS", help=f"Mend a class: {', '.join(Fix)}. May be given several times."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Read every linked ticket from its tracker and compare it with what is known, field by field.

    A sync believes the trackers' feeds; this does not. Each ticket in each tracker is in step, drifted (it shows something else,
    and no feed told of it), lost (the tracker says that it is not there), an orphan (it carries our marker and no link
    knows it), pending (the next sync does it) or never synced (it takes part and has no link).

    Nothing is written without --fix. With it, what was found is handed to a sync, which runs at once and keeps its
    guards: what somebody wrote in silence is then an edit like any other.

    Exit code 0 when all is in step, 1 when not; with --fix, that of the sync when all that was found was handed to it.

    Example:  [bold]trackdown verify --fix drifted --fix orphan[/]
    """
    from sync.shell.app import Effects, open_bridges, open_store
    from sync.shell.cli.progress import TerminalProgress
    from sync.shell.signals import signals

    stop = threading.Event()
    config = load_config(ctx)
    with signals(stop), open_store(config) as store, TerminalProgress() as progress:
        effects = Effects(progress=progress, stop=stop)
        with open_bridges(config, store, only=bridge, effects=effects) as bridges:
            results = [_verified(one, fix or ()) for one in bridges]
    document = {"bridges": [_json(report, cycle) for report, cycle in results]}
    show(document, as_json, lambda out: _render(results, out))
    raise typer.Exit(worst(code for report, cycle in results for code in _codes(report, cycle, fix or ())))


def _verified(bridge: Bridge, fix: Sequence[Fix]) -> tuple[VerifyReport, CycleReport | None]:
    from sync.engine.cycle import run_cycle
    from sync.engine.standing import Standing
    from sync.engine.verify import verify as verify_bridge

    report = verify_bridge(bridge, {Standing(one.value.replace("-", " ")) for one in fix})
    if not report.mended or report.interrupted:
        return report, None
    return report, run_cycle(bridge)


def _codes(report: VerifyReport, cycle: CycleReport | None, fix: Sequence[Fix]) -> Iterator[ExitCode]:
    if report.failures:
        yield ExitCode.TRACKER
    if report.interrupted:
        yield ExitCode.INTERRUPTED
    if any(not _is_handed_over(one, fix) for one in report.findings):
        yield ExitCode.PROBLEMS
    if cycle is not None:
        from sync.shell.cli.sync import codes_of

        yield from codes_of(cycle)
        if cycle.waiting:
            yield ExitCode.CONFLICT


def _is_handed_over(finding: Finding, fix: Sequence[Fix]) -> bool:
    return finding.mends and finding.standing.value.replace(" ", "-") in fix


def _json(report: VerifyReport, cycle: CycleReport | None) -> dict[str, Any]:
    from sync.shell.words import plain

    values: dict[str, Any] = plain(report)
    return {
        **values,
        "counts": {name: dict(counts) for name, counts in _counts(report).items()},
        "sync": None if cycle is None else plain(cycle.as_json()),
    }


def _counts(report: VerifyReport) -> dict[str, dict[str, int]]:
    """How many tickets of each replica have each standing."""
    from sync.engine.standing import Standing

    counts: dict[str, dict[str, int]] = {}
    for name, number in report.in_step.items():
        found = [one.standing for one in report.findings if one.replica == name]
        counts[name] = {one.value: found.count(one) for one in Standing} | {Standing.IN_STEP.value: number}
    return counts


def _render(results: Sequence[tuple[VerifyReport, CycleReport | None]], out: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    from sync.engine.standing import Standing
    from sync.shell.cli.plan_view import render_cycles
    from sync.shell.words import count

    for report, cycle in results:
        out.print(Text(report.bridge, style="bold"))
        table = Table(box=None, padding=(0, 2), show_edge=False)
        for heading in ("replica", *(one.value for one in Standing)):
            table.add_column(heading, no_wrap=True)
        for name, counts in _counts(report).items():
            table.add_row(name, *(str(counts[one.value] or "-") for one in Standing))
        out.print(table)
        for failure in report.failures:
            out.print(Text(f"  x {failure.replica}: {failure.message}", style="red"))
        for finding in report.findings:
            _render_finding(finding, out)
        if cycle is not None:
            out.print(f"{count(report.mended, 'ticket')} handed to a sync:")
            render_cycles([cycle], out)
        elif any(one.mends for one in report.findings):
            classes = sorted({one.standing.value.replace(" ", "-") for one in report.findings if one.mends})
            note(f"`trackdown verify {' '.join(f'--fix {one}' for one in classes)}` mends what can be mended.")


def _render_finding(finding: Finding, out: Console) -> None:
    from rich.text import Text

    from sync.shell.words import excerpt, label, safe

    where = f"{finding.replica} {finding.where}".strip() if finding.where else f"{finding.replica} (no copy)"
    named = f" ({finding.key})" if finding.key else ""
    out.print(Text(f"  {finding.standing.value}  {safe(where)}{named}: {safe(finding.reason)}"))
    for one in finding.differences:
        out.print(Text(f"      {label(one.field)}: {excerpt(one.expected)} → {excerpt(one.found)}", style="dim"))
