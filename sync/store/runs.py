"""The cycles that were run."""

from __future__ import annotations

import builtins
from datetime import timedelta

from sqlalchemy import delete, exists, func, update
from sqlmodel import col, select

from sync.core.ids import BridgeName, RunId
from sync.core.models import JsonObject
from sync.store.records import RunRecord
from sync.store.repository import Repository, sql_table
from sync.store.tables import AuditRow, OutboxRow, RunRow

#: How long a run that did nothing is remembered: a daemon makes half a million of them a year.
IDLE_FOR = timedelta(days=30)
#: Every how many runs the idle ones are forgotten.
FORGET_EVERY = 1000


class Runs(Repository):
    """Ids are short enough to type (`R-12`) and count up over the whole store; one run may cover several bridges."""

    def start(self, bridge: BridgeName, *, run: RunId | None = None) -> RunId:
        """Begin a cycle of the bridge: a new run, or one more bridge of `run`."""
        if run is None:
            number = (self._session.exec(select(func.max(RunRow.number))).one() or 0) + 1
            run = RunId(f"R-{number}")
            if number % FORGET_EVERY == 0:
                self._forget_idle(number - 1)
        else:
            number = int(run.removeprefix("R-"))
        row = {"id": run, "bridge": bridge, "number": number, "started_at": self._now()}
        self._insert(RunRow, {**row, "finished_at": None, "stats": {}})
        return run

    def _forget_idle(self, newest: int) -> None:
        """Runs of long ago that asked for nothing and decided nothing; never the newest, whose number is counted on from."""
        runs = sql_table(RunRow)
        self._session.exec(
            delete(runs).where(
                runs.c.finished_at < self._now() - IDLE_FOR,
                runs.c.number < newest,
                ~exists().where(sql_table(OutboxRow).c.run == runs.c.id),
                ~exists().where(sql_table(AuditRow).c.run == runs.c.id),
            )
        )

    def finish(self, run: RunId, stats: JsonObject, *, bridge: BridgeName | None = None) -> None:
        """End the cycle (of one bridge, where the run covers several)."""
        runs = sql_table(RunRow)
        query = update(runs).where(runs.c.id == run)
        if bridge is not None:
            query = query.where(runs.c.bridge == bridge)
        self._session.exec(query.values(finished_at=self._now(), stats=stats))

    def get(self, run: RunId, bridge: BridgeName | None = None) -> RunRecord | None:
        """The run (of one bridge, where it covers several); None for none."""
        query = select(RunRow).where(RunRow.id == run)
        if bridge is not None:
            query = query.where(RunRow.bridge == bridge)
        row = self._session.exec(query.order_by(RunRow.bridge)).first()
        return None if row is None else _record(row)

    def last(self, bridge: BridgeName) -> RunRecord | None:
        """The bridge's newest run, finished or not."""
        return next(iter(self.list(bridge, limit=1)), None)

    def list(self, bridge: BridgeName, limit: int = 20) -> builtins.list[RunRecord]:
        """The bridge's newest runs, newest first."""
        query = select(RunRow).where(RunRow.bridge == bridge).order_by(col(RunRow.number).desc())
        return [_record(row) for row in self._session.exec(query.limit(limit))]


def _record(row: RunRow) -> RunRecord:
    return RunRecord(
        id=RunId(row.id),
        bridge=BridgeName(row.bridge),
        started_at=row.started_at,
        finished_at=row.finished_at,
        stats=row.stats,
    )
