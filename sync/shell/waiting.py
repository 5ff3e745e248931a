"""A person's sync waits for limits: cycle after cycle, with what it waits for and the end in sight, until nothing waits."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from sync.core.errors import Limited
from sync.core.ids import BridgeName, ReplicaName
from sync.engine.breaker import resting
from sync.engine.report import CycleReport, PauseLine
from sync.engine.runtime import Bridge
from sync.shell.words import count

#: Waits up to this many seconds are sat out whatever happens: the write in hand is finished, at its pace.
_SHORT: Final = 2.0
#: How often what is shown is brought up to date, in seconds.
_TICK: Final = 1.0

Say = Callable[[str], None]


def interruptible(stop: threading.Event) -> Callable[[float], None]:
    """A sleep whose longer waits end at once, with `Limited`, when somebody asks to stop: what waited was not sent."""

    def sleep(seconds: float) -> None:
        if seconds <= _SHORT:
            time.sleep(seconds)
        elif stop.wait(seconds):
            raise Limited("asked to stop while waiting for a limit", after=timedelta(seconds=seconds))

    return sleep


def patiently(
    bridges: Sequence[Bridge], run: Callable[[Bridge], CycleReport], *, wait: bool, say: Say
) -> list[CycleReport]:
    """One cycle of each bridge, and more of those in which something waits for a limit; one report a bridge.

    Without `wait`, what waits is left for another time. A replica that rests is tried once: somebody asks for it.
    """
    for bridge in bridges:
        for record in resting(bridge):
            later = clock_time(record.not_before or bridge.now(), bridge.now())
            say(
                f"{record.replica} failed {count(record.failures, 'time')} in a row and rests until {later};"
                f" it is tried once now ({record.last_error})"
            )
    reports = {bridge.name: run(bridge) for bridge in bridges}
    written: dict[BridgeName, Counter[ReplicaName]] = {name: _written(one) for name, one in reports.items()}
    while wait and (waiting := [bridge for bridge in bridges if _goes_on(bridge, reports[bridge.name])]):
        until = min(pause.until for bridge in waiting for pause in reports[bridge.name].pauses)
        pauses = [
            (written[bridge.name][pause.replica], pause) for bridge in waiting for pause in reports[bridge.name].pauses
        ]
        if not _wait(waiting[0], until, pauses, say):
            break
        for bridge in waiting:
            if any(pause.until <= bridge.now() for pause in reports[bridge.name].pauses):
                again = run(bridge)
                written[bridge.name] += _written(again)
                reports[bridge.name] = _together(reports[bridge.name], again)
    for bridge in bridges:
        reports[bridge.name].interrupted |= bridge.stop.is_set()
    return list(reports.values())


def in_words(pause: PauseLine, written: int, now: datetime) -> str:
    """`github: 412 of 2,000 written, waiting 12 min for its hourly limit of 500, done about 23:40`."""
    done = f"{written:,} of {written + pause.left:,} written, " if pause.left else ""
    over = f", done about {clock_time(pause.over, now)}" if pause.left else ""
    return f"{pause.replica}: {done}waiting {_how_long(pause.until - now)} for {pause.why}{over}"


def clock_time(at: datetime, now: datetime) -> str:
    """A time of day by this machine's clock, with the date where it is not today's."""
    here = at.astimezone()
    return here.strftime("%H:%M" if here.date() == now.astimezone().date() else "%Y-%m-%d %H:%M")


def _how_long(wait: timedelta) -> str:
    seconds = max(0, round(wait.total_seconds()))
    if seconds < 90:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 5400 else f"{seconds // 3600} h {seconds % 3600 // 60} min"


def _goes_on(bridge: Bridge, report: CycleReport) -> bool:
    halted = any(not halt.waits for halt in report.halts)
    return bool(report.pauses) and not halted and not bridge.stop.is_set()


def _written(report: CycleReport) -> Counter[ReplicaName]:
    return Counter({pause.replica: pause.written for pause in report.pauses})


def _wait(bridge: Bridge, until: datetime, pauses: Sequence[tuple[int, PauseLine]], say: Say) -> bool:
    """Wait with a line for each pause that is kept up to date; whether the wait was not broken off."""

    def text() -> str:
        now = bridge.now()
        return "\n".join(in_words(pause, done, now) for done, pause in pauses)

    if not bridge.progress.waiting(text()):
        say(text())
    while (left := (until - bridge.now()).total_seconds()) > 0 and not bridge.stop.wait(min(left, _TICK)):
        bridge.progress.waiting(text())
    bridge.progress.waiting(None)
    return not bridge.stop.is_set()


def _together(first: CycleReport, again: CycleReport) -> CycleReport:
    """One report of both: what they did is added up, how things stand is what the second one says."""
    for name in ("pulled", "created", "updated", "conflicts", "adopted"):
        setattr(again, name, getattr(first, name) + getattr(again, name))
    again.requests = {name: first.requests.get(name, 0) + sent for name, sent in again.requests.items()}
    again.writes = {name: first.writes.get(name, 0) + sent for name, sent in again.writes.items()}
    again.seconds = round(first.seconds + again.seconds, 3)
    again.problems = [*first.problems, *(line for line in again.problems if line not in first.problems)]
    again.more_runs = [again.run, *first.more_runs]
    again.run = first.run
    return again
