"""The daemon: each bridge's cycle on its interval, until somebody asks it to stop.

A tracker that fails is left alone for a growing while (`not_before` in the store), and is spoken of when its state
changes, not at every failed poll; the others go on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from sync.core.errors import BridgeBusy, InvariantBroken, LeaseLost, TrackdownError
from sync.core.ids import BridgeName, ReplicaName
from sync.engine.report import CycleReport
from sync.engine.runtime import Bridge, utc_now
from sync.store.records import ReplicaRecord

Cycle = Callable[[Bridge], CycleReport]

#: The share of the interval by which a cycle may start early or late, so that bridges do not march in step.
JITTER = 0.1
#: The longest that a failing tracker is left alone; one that does not know our credentials may lock the account.
LONGEST_REST = timedelta(minutes=15)
LONGEST_REST_AFTER_REFUSAL = timedelta(hours=1)


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
        self._failures: dict[tuple[BridgeName, ReplicaName], int] = {}  # in a row
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
            bridge.resting = self._resting(bridge)
            report = self._cycle(bridge)
            self._let_rest(bridge, report)
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

    def _resting(self, bridge: Bridge) -> frozenset[ReplicaName]:
        now = bridge.now()
        with bridge.store.read() as tx:
            records = tx.replicas.list(bridge.name)
        return frozenset(one.replica for one in records if one.not_before is not None and one.not_before > now)

    def _let_rest(self, bridge: Bridge, report: CycleReport) -> None:
        """Leave each tracker that failed alone for twice as long as the last time."""
        failing = {failure.replica: failure for failure in report.failures}
        for replica in bridge.replicas:
            if replica not in failing and replica not in bridge.resting:
                self._failures.pop((bridge.name, replica), None)
        for replica, failure in failing.items():
            times = self._failures[bridge.name, replica] = self._failures.get((bridge.name, replica), 0) + 1
            refused = failure.kind == "auth"
            longest = LONGEST_REST_AFTER_REFUSAL if refused else LONGEST_REST
            rest = min(self._every[bridge.name] * 2 ** min(times - 1, 20), longest)
            with bridge.store.begin() as tx:
                known = tx.replicas.get(bridge.name, replica)
                record = known or ReplicaRecord(bridge=bridge.name, replica=replica, kind=bridge.replicas[replica].kind)
                tx.replicas.save(
                    replace(
                        record,
                        state="auth" if refused else "failing",
                        last_error=failure.message,
                        failures=max(record.failures, times),
                        not_before=bridge.now() + rest,
                    )
                )

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
