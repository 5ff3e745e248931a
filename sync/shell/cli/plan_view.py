"""Plans and cycles for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from sync.core.fieldrules import Shape, equal, shape_of
from sync.core.ids import ReplicaName
from sync.core.models import Field, Value, is_empty
from sync.shell.waiting import in_words
from sync.shell.words import count, excerpt, label, safe

if TYPE_CHECKING:
    from rich.console import Console

    from sync.engine.report import (
        Applied,
        CycleReport,
        HaltLine,
        PlannedChange,
        PlannedWrite,
        PlanReport,
        ProblemLine,
        ReplicaFailure,
    )

_SIGNS = {
    **dict.fromkeys(("create", "comment", "attach"), ("+", "green")),
    **dict.fromkeys(("delete", "delete comment", "remove attachment"), ("-", "red")),
}


def render_plan(reports: Sequence[PlanReport], out: Console, file: Path | None = None) -> None:
    """Every write, grouped by ticket, as `+ create`, `~ update`, `- delete`."""
    for report in reports:
        out.print(Text(f"Bridge {report.bridge}", style="bold"))
        render_writes(report.writes, out)
        for conflict in report.conflicts:
            outcome = f"{excerpt(conflict.proposed)} would be taken" if conflict.settled else "would wait for a person"
            claims = "  |  ".join(f"{replica or 'here'}: {excerpt(value, 40)}" for replica, value in conflict.claims)
            line = f"  ! {conflict.key} {label(conflict.field)} was changed on several sides: {claims}: {outcome}"
            out.print(Text(line, style="yellow"))
        render_trouble(report.problems, report.halts, report.failures, out)
        if not report.writes:
            unread = report.failures or report.halts
            rest = "as far as could be read" if unread else "everything is in step"
            out.print(f"  Nothing to write: {rest}.")
        else:
            does = f"trackdown apply {file}" if file is not None else "trackdown sync"
            out.print(f"  {_counted(report.writes)}. Nothing has been written; `{does}` does it.")
    if file is not None:
        out.print(f"The plan is in {file}, with the texts of its tickets; only you may read it.")


def render_applied(applied: Sequence[Applied], out: Console) -> None:
    """As cycles; of a stale plan, what changed since it was made."""
    for one in applied:
        if one.differences:
            out.print(Text(f"{one.report.name}  the plan is stale:", style="red"))
            for line in one.differences:
                out.print(Text(f"  - {safe(line)}"))
    render_cycles([one.report for one in applied], out)


def render_writes(writes: Iterable[PlannedWrite], out: Console) -> None:
    """Every write, under the name of its ticket."""
    for _, of in groupby(writes, key=lambda write: write.ticket):
        _render_ticket(list(of), out)


def render_cycles(reports: Sequence[CycleReport], out: Console) -> None:
    """One line a bridge, then what needs attention."""
    for report in reports:
        line = Text(f"{report.name}  ", style="bold")
        line.append(
            f"{report.pulled} pulled, {report.created} created, {report.updated} updated, "
            f"{report.unchanged} unchanged, {count(report.conflicts, 'conflict')}",
            style="not bold",
        )
        out.print(line)
        table = Table(box=None, padding=(0, 2), show_edge=False)
        for heading in ("tracker", "requests", "writes"):
            table.add_column(heading, justify="left" if heading == "tracker" else "right", style="dim")
        for replica in report.requests:
            table.add_row(replica, str(report.requests[replica]), str(report.writes.get(replica, 0)))
        out.print(table)
        render_trouble(report.problems, report.halts, report.failures, out)
        now = datetime.now(UTC)
        for pause in report.pauses:
            out.print(Text(f"  … {in_words(pause, pause.written, now)}", style="yellow"))
        if report.waiting:
            waiting = count(report.waiting, "conflict")
            verb = "waits" if report.waiting == 1 else "wait"
            out.print(Text(f"  ? {waiting} {verb} for a person: trackdown conflicts list", style="yellow"))
        if report.interrupted:
            out.print(Text("  interrupted: what is left is taken up by the next sync", style="yellow"))
        more = f" and {count(len(report.more_runs), 'more run')}" if report.more_runs else ""
        out.print(Text(f"  run {report.run or '-'}{more}, {report.seconds:.1f} s", style="dim"))


def _render_ticket(writes: list[PlannedWrite], out: Console) -> None:
    first = writes[0]
    out.print(Text.assemble("  ", (first.key or "(new)", "bold"), "  ", safe(first.title)))
    for write in writes:
        sign, style = _SIGNS.get(write.action, ("~", "yellow"))
        what = f"{write.action} '{safe(write.file)}'" if write.file else write.action
        out.print(Text(f"    {sign} {what} in {write.replica} {safe(write.where)}".rstrip(), style=style))
        for change in write.changes:
            if equal(change.field, change.old, change.new):
                # A create lists what there is to say, and not what there is not.
                if write.action == "update":
                    line = f"        {label(change.field):<10} with files by their addresses in {write.replica}"
                    out.print(Text(line, overflow="fold"))
                continue
            out.print(Text(f"        {label(change.field):<10} {_step(change)}", overflow="fold"))


def _step(change: PlannedChange) -> str:
    if shape_of(change.field) is Shape.SET:
        old, new = _members(change.old), _members(change.new)
        return ", ".join(
            [*(f"+{safe(one)}" for one in sorted(new - old)), *(f"-{safe(one)}" for one in sorted(old - new))]
        )
    if change.field is Field.BODY and not is_empty(change.old):
        return f"{_size(change.old)} → {_size(change.new)}: {excerpt(change.new, 80)}"
    if is_empty(change.old):
        return excerpt(change.new, 100)
    return f"{excerpt(change.old)} → {excerpt(change.new)}"


def _members(value: Value) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset()


def _size(value: Value) -> str:
    return count(len(str(value or "").splitlines()), "line")


def _counted(writes: Sequence[PlannedWrite]) -> str:
    """`3 tickets: 2 creates in github, 1 update in jira`."""
    kinds: dict[tuple[str, ReplicaName], int] = {}
    for write in writes:
        kinds[write.action, write.replica] = kinds.get((write.action, write.replica), 0) + 1
    tickets = len({write.ticket for write in writes})
    return f"{count(tickets, 'ticket')}: " + ", ".join(
        f"{count(number, action)} in {replica}" for (action, replica), number in sorted(kinds.items())
    )


def render_trouble(
    problems: Iterable[ProblemLine], halts: Iterable[HaltLine], failures: Iterable[ReplicaFailure], out: Console
) -> None:
    for failure in failures:
        out.print(Text(f"  x {failure.replica} ({failure.kind}): {safe(failure.message)}", style="red"))
    for halt in halts:
        out.print(Text(f"  x halted by {halt.name}: {safe(halt.message)}", style="red"))
        out.print(Text(f"    {safe(halt.mend)}", style="dim"))
    for problem in problems:
        out.print(Text(f"  x {safe(problem.place)}: {safe(problem.message)}", style="red"))
        if problem.mend:
            out.print(Text(f"    {safe(problem.mend)}", style="dim"))
