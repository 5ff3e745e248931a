"""The daemon: each bridge's cycle on its interval, until somebody asks it to stop.

A tracker that fails is left alone by its circuit breaker, and is spoken of when its state changes, not at every failed
poll; the others go on. What waits for a limit is spoken of when the waiting begins and when it ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from sync.core.errors import BridgeBusy, InvariantBroken, LeaseLost, TrackdownError
from sync.core.ids import BridgeName, ReplicaName
from sync.engine.breaker import resting
from sync.engine.report import CycleReport, PauseLine
from sync.engine.runtime import Bridge, utc_now

Cycle = Callable[[Bridge], CycleReport]

#: The share of the interval by which a cycle may start early or late, so that bridges do not march in step.
JITTER = 0.1


class Daemon:
    """Runs `cycle` for every bridge until `stop` is set; a bridge's cycles never overlap."""

    def __init__(
        self,
        bridges: Sequence[Bridge],
        every: Mapping[BridgeName, timedelta],
        cycle: Cycle,
        *,
        stop: threading.Event,
    ) -> None:
        self._bridges = bridges
        self._every = every
        self._cycle = cycle
        self._stop = stop
        self._log = structlog.get_logger("trackdown")
        self._said: dict[tuple[BridgeName, str], str] = {}  # the state that was last spoken of
        self._paused: dict[tuple[BridgeName, ReplicaName], PauseLine] = {}
        self._broken: BaseException | None = None

    def run(self) -> None:
        """Start at once and return when the last write in hand is finished; raises what a bug raised."""
        scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(max(1, len(self._bridges)))},
            timezone="UTC",
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for bridge in self._bridges:
            seconds = self._every[bridge.name].total_seconds()
            trigger = IntervalTrigger(seconds=seconds, jitter=seconds * JITTER, timezone="UTC")
            scheduler.add_job(self.turn, trigger, args=[bridge], id=bridge.name, next_run_time=utc_now())
        self._log.info("started", bridges=[bridge.name for bridge in self._bridges])
        scheduler.start()
        try:
            self._stop.wait()
        finally:
            self._stop.set()
            scheduler.shutdown(wait=True)
            self._log.info("stopped")
        if self._broken is not None:
            raise self._broken

    def turn(self, bridge: Bridge) -> None:
        """One cycle of one bridge, whatever comes of it."""
        if self._stop.is_set():
            return
        try:
            bridge.resting = frozenset(record.replica for record in resting(bridge))
            report = self._cycle(bridge)
        except (BridgeBusy, LeaseLost) as error:
            self._tell(bridge.name, "bridge", "busy", self._log.warning, reason=str(error))
        except InvariantBroken as error:
            self._log.error("a bug was found, stopping before it does harm", bridge=bridge.name, reason=str(error))
            self._broken = error
            self._stop.set()
        except TrackdownError as error:
            self._tell(bridge.name, "bridge", "failing", self._log.error, reason=str(error))
        except Exception as error:  # noqa: BLE001 - the other bridges go on
            self._tell(bridge.name, "bridge", "failing", self._log.error, reason=f"{type(error).__name__}: {error}")
        else:
            self._report(bridge, report)

    def _report(self, bridge: Bridge, report: CycleReport) -> None:
        failing = {failure.replica: failure for failure in report.failures}
        for replica in bridge.replicas:
            if replica in bridge.resting:
                continue
            failure = failing.get(replica)
            state = "ok" if failure is None else failure.kind
            said = self._log.info if failure is None else self._log.warning
            reason = {} if failure is None else {"reason": failure.message}
            self._tell(bridge.name, replica, state, said, **reason)
        self._tell_pauses(bridge, report)
        halts = "; ".join(halt.message for halt in report.halts)
        mends = "; ".join(halt.mend for halt in report.halts)
        if halts:
            self._tell(bridge.name, "bridge", f"halted: {halts}", self._log.warning, mend=mends)
        else:
            self._tell(bridge.name, "bridge", "ok", self._log.info)
        self._tell_problems(bridge.name, report)
        if any(report.writes.values()) or report.conflicts:
            self._log.info(
                "synced",
                bridge=bridge.name,
                run=report.run,
                created=report.created,
                updated=report.updated,
                conflicts=report.conflicts,
                waiting=report.waiting,
                writes={name: number for name, number in report.writes.items() if number},
                seconds=round(report.seconds, 2),
            )

    def _tell_pauses(self, bridge: Bridge, report: CycleReport) -> None:
        """When a limit begins to hold something up, and when it does not any more."""
        if self._stop.is_set():
            return  # what was waiting was asked to stop
        pauses = {pause.replica: pause for pause in report.pauses}
        for replica in bridge.replicas:
            before = self._paused.get((bridge.name, replica))
            pause = pauses.get(replica)
            if pause is not None:
                self._paused[bridge.name, replica] = pause
                if before is None:
                    self._log.info(
                        "waiting for a limit",
                        bridge=bridge.name,
                        what=replica,
                        limit=pause.why,
                        left=pause.left,
                        until=pause.until.isoformat(timespec="seconds"),
                        done_about=pause.over.isoformat(timespec="seconds"),
                    )
            elif before is not None and replica not in bridge.resting:
                del self._paused[bridge.name, replica]
                self._log.info("nothing waits for a limit any more", bridge=bridge.name, what=replica)

    def _tell_problems(self, bridge: BridgeName, report: CycleReport) -> None:
        """Each problem once, until it is gone."""
        present = {f"{line.place}: {line.message}": line for line in report.problems}
        for text, line in present.items():
            if (bridge, text) not in self._said:
                self._log.warning("problem", bridge=bridge, place=line.place, reason=line.message, mend=line.mend)
        told = {key for key, state in self._said.items() if key[0] == bridge and state == "problem"}
        for key in told - {(bridge, text) for text in present}:
            del self._said[key]
        self._said.update({(bridge, text): "problem" for text in present})

    def _tell(
        self,
        bridge: BridgeName,
        what: ReplicaName | str,
        state: str,
        say: Callable[..., Any],
        **details: Any,
    ) -> None:
        """Log a state when it is another one than before; that all is well from the start is no news."""
        before = self._said.get((bridge, what), "ok")
        self._said[bridge, what] = state
        if before != state:
            say("state changed", bridge=bridge, what=what, was=before, now=state, **details)
