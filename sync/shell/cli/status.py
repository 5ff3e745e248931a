"""`trackdown status`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import typer

from sync.engine.report import HaltLine, ProblemLine
from sync.shell.cli.common import BridgeOption, Json, load_config, show
from sync.shell.cli.errors import ExitCode

if TYPE_CHECKING:
    from rich.console import Console

    from sync.core.ids import BridgeName, ReplicaName
    from sync.shell.configfile import Config
    from sync.store import Tx
    from sync.store.records import ProblemRecord, ReplicaRecord, RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitStatus:
    """What waited for a limit when the last cycle ended: `left` writes, the next one `until`, the last one about `over`."""

    why: str
    left: int
    until: datetime
    over: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaStatus:
    """How one replica is doing; `pending` counts tickets pulled and not decided on, and writes not finished.

    `not_before`: its circuit breaker is open until then, because of `error`, after so many `failures` in a row.
    """

    name: ReplicaName
    state: str
    last_success: datetime | None
    lag: timedelta | None
    linked: int
    pending: int
    pending_reads: int
    pending_writes: int
    unknown_writes: int
    problems: int
    failures: int
    not_before: datetime | None
    error: str | None
    waits: WaitStatus | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeStatus:
    """How one bridge is doing; `waiting` are conflicts that wait for a person, `halts` the guards that stopped the last run."""

    name: BridgeName
    tickets: int
    conflicts: int
    waiting: int
    problems: int
    last_run: str | None
    last_finished: datetime | None
    halts: tuple[HaltLine, ...]
    replicas: tuple[ReplicaStatus, ...]


def status(ctx: typer.Context, bridge: BridgeOption = None, as_json: Json = False) -> None:
    """Show how every bridge and replica is doing, from the store alone.

    Per replica: last success, lag, what is pending, problems. Per bridge: tickets and conflicts.

    Example:  [bold]trackdown status --json | jq '.bridges[].waiting'[/]
    """
    from sync.shell.app import chosen, open_store

    config = load_config(ctx, need_secrets=False)
    with open_store(config) as store, store.read() as tx:
        bridges = [_bridge(tx, config, name) for name in chosen(config, bridge)]
        problems = [
            ProblemLine(replica=one.replica, place=_place(tx, one), message=one.message, mend=one.mend)
            for name in chosen(config, bridge)
            for one in tx.problems.open(name)
        ]
    show({"bridges": bridges, "problems": problems}, as_json, lambda out: _render(bridges, problems, out))
    raise typer.Exit(ExitCode.DONE)


def _place(tx: Tx, problem: ProblemRecord) -> str:
    """Tracker, ticket and field: by the tracker's own key, else by ours, else as the tracker calls it inside."""
    ticket = tx.tickets.get(problem.ticket) if problem.ticket is not None else None
    links = tx.links.of_ticket(ticket.id) if ticket is not None else []
    key = next((link.key for link in links if link.replica == problem.replica), "")
    words = [problem.replica or "", key or (f"copy of {ticket.key}" if ticket is not None else problem.ref or "")]
    return " ".join(filter(None, words)) + (f", {problem.field}" if problem.field is not None else "")


def _bridge(tx: Tx, config: Config, name: BridgeName) -> BridgeStatus:
    from sync.core.ids import ReplicaName

    records = {record.replica: record for record in tx.replicas.list(name)}
    reads, writes, open_problems = tx.inbox.pending(name), tx.outbox.counts(name), tx.problems.open(name)
    replicas = []
    for replica in map(ReplicaName, config.bridges[name].trackers):
        record, counts = records.get(replica), writes.get(replica, {})
        unsent, unknown = counts.get("pending", 0) + counts.get("sent", 0), counts.get("unknown", 0)
        replicas.append(
            ReplicaStatus(
                name=replica,
                state=record.state if record else "unknown",
                last_success=record.last_success if record else None,
                lag=_lag(record, tx.inbox.oldest(name, replica)),
                linked=tx.links.count(name, replica),
                pending=reads.get(replica, 0) + unsent + unknown,
                pending_reads=reads.get(replica, 0),
                pending_writes=unsent,
                unknown_writes=unknown,
                problems=sum(problem.replica == replica for problem in open_problems),
                failures=record.failures if record else 0,
                not_before=record.not_before if record else None,
                error=record.last_error if record else None,
                waits=_waits(record),
            )
        )
    last = tx.runs.last(name)
    return BridgeStatus(
        name=name,
        tickets=tx.tickets.count(name),
        conflicts=tx.conflicts.count(name),
        waiting=tx.conflicts.count(name, "open"),
        problems=len(open_problems),
        last_run=last.id if last else None,
        last_finished=last.finished_at if last else None,
        halts=_halts(last),
        replicas=tuple(replicas),
    )


def _halts(last: RunRecord | None) -> tuple[HaltLine, ...]:
    return tuple(HaltLine(**halt) for halt in last.stats.get("halts", ())) if last is not None else ()


def _waits(record: ReplicaRecord | None) -> WaitStatus | None:
    pause = record.details.get("pause") if record is not None else None
    if not isinstance(pause, dict):
        return None
    until, over = datetime.fromisoformat(pause["until"]), datetime.fromisoformat(pause["over"])
    return WaitStatus(why=pause["why"], left=pause["left"], until=until, over=over)


def _lag(record: ReplicaRecord | None, undecided: datetime | None) -> timedelta | None:
    """How far behind: since something pulled waits to be decided on, or since the tracker was last read; None before that."""
    from sync.engine.runtime import utc_now

    if record is None or record.last_success is None:
        return None
    since = [one for one in (undecided, record.last_success if record.state != "ok" else None) if one is not None]
    return utc_now() - min(since) if since else timedelta()


def _render(bridges: list[BridgeStatus], problems: list[ProblemLine], out: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    from sync.engine.runtime import utc_now
    from sync.shell.waiting import clock_time
    from sync.shell.words import ago, count, safe

    styles = {"ok": "green", "failing": "red", "auth": "red"}
    now = utc_now()
    for bridge in bridges:
        ran = f"last run {bridge.last_run}, {ago(bridge.last_finished, now)}" if bridge.last_run else "never synced yet"
        counts = f"{count(bridge.tickets, 'ticket')}, {count(bridge.conflicts, 'conflict')} ({bridge.waiting} waiting)"
        out.print(Text.assemble((bridge.name, "bold"), f"  {counts}, {ran}"))
        table = Table(box=None, padding=(0, 2), show_edge=False)
        for heading in ("replica", "state", "last success", "lag", "linked", "to decide", "to write", "problems"):
            table.add_column(heading, no_wrap=True)
        for one in bridge.replicas:
            unknown = f" + {one.unknown_writes} unanswered" if one.unknown_writes else ""
            table.add_row(
                one.name,
                Text(one.state, style=styles.get(one.state, "dim")),
                ago(one.last_success, now),
                "-" if one.lag is None else f"{one.lag.total_seconds():.0f} s",
                str(one.linked),
                str(one.pending_reads),
                f"{one.pending_writes}{unknown}",
                str(one.problems),
            )
        out.print(table)
        for halt in bridge.halts:
            out.print(Text(f"  x halted by {halt.name}: {safe(halt.message)}", style="red"))
            out.print(Text(f"    {safe(halt.mend)}", style="dim"))
        for one in bridge.replicas:
            if one.error and one.state != "ok":
                out.print(Text(f"  x {one.name}: {safe(one.error)}", style="red"))
            if one.not_before is not None and one.not_before > now:
                failed = f"it failed {count(one.failures, 'time')} in a row"
                rests = f"{failed}: left alone until {clock_time(one.not_before, now)}, `trackdown sync` tries at once"
                out.print(Text(f"    {rests}", style="dim"))
            if one.waits is not None:
                until, over = clock_time(one.waits.until, now), clock_time(one.waits.over, now)
                left = f"{one.waits.left:,} left to write, done about {over}; " if one.waits.left else ""
                out.print(Text(f"  … {one.name}: {left}waits until {until} for {one.waits.why}", style="yellow"))
    for problem in problems[:20]:
        out.print(Text(f"  x {safe(problem.place)}: {safe(problem.message)}", style="red"))
        if problem.mend:
            out.print(Text(f"    {safe(problem.mend)}", style="dim"))
    if len(problems) > 20:
        out.print(f"  … and {len(problems) - 20} more problems (--json shows all)")
