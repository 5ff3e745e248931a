"""A circuit breaker for each tracker: one that fails again and again is left alone, longer each time, and then tried once.

Its state is in the store, so that a restart does not forget it, and `status` shows it. It counts cycles, not requests, and
only what concerns the tracker as a whole: a ticket that can't be written is told of, and opens nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from sync.core.ids import ReplicaName
from sync.engine.report import CycleReport, PauseLine, ReplicaFailure
from sync.engine.runtime import Bridge
from sync.store import Tx
from sync.store.records import ReplicaRecord, ReplicaState

#: How many failures in a row are only tried again.
TRIES: Final = 2
FIRST_REST: Final = timedelta(minutes=1)
LONGEST_REST: Final = timedelta(minutes=15)
#: A tracker that does not know our credentials may lock the account: it is left alone at once, and for longer.
FIRST_REST_AFTER_REFUSAL: Final = timedelta(minutes=5)
LONGEST_REST_AFTER_REFUSAL: Final = timedelta(hours=1)


def rest(kind: str, failures: int) -> timedelta | None:
    """How long a tracker is left alone after so many failures in a row; None where it is simply tried again."""
    if kind == "auth":
        return min(FIRST_REST_AFTER_REFUSAL * (1 << min(failures - 1, 20)), LONGEST_REST_AFTER_REFUSAL)
    if failures <= TRIES:
        return None
    return min(FIRST_REST * (1 << min(failures - TRIES - 1, 20)), LONGEST_REST)


def resting(bridge: Bridge) -> tuple[ReplicaRecord, ...]:
    """The replicas that are left alone now."""
    now = bridge.now()
    with bridge.store.read() as tx:
        records = tx.replicas.list(bridge.name)
    return tuple(
        one for one in records if one.replica in bridge.replicas and one.not_before is not None and one.not_before > now
    )


def account(bridge: Bridge, tx: Tx, report: CycleReport, answered: Iterable[ReplicaName]) -> None:
    """Take in how a cycle went: who failed rests or is tried again, who `answered` and did not fail is well."""
    failures = {failure.replica: failure for failure in report.failures}
    pauses = {pause.replica: pause for pause in report.pauses}
    for name in {*answered, *failures, *pauses}:
        known = tx.replicas.get(bridge.name, name)
        record = known or ReplicaRecord(bridge=bridge.name, replica=name, kind=bridge.replicas[name].kind)
        if (failure := failures.get(name)) is not None:
            record = _failed(bridge, record, failure)
        else:
            record = replace(record, failures=0, not_before=None)
        record = replace(record, details=_with_pause(record, pauses.get(name)))
        if record != known:
            tx.replicas.save(record)


def _failed(bridge: Bridge, record: ReplicaRecord, failure: ReplicaFailure) -> ReplicaRecord:
    state: ReplicaState = "auth" if failure.kind == "auth" else "failing"
    failures = record.failures + 1
    alone = rest(failure.kind, failures)
    not_before = None if alone is None else bridge.now() + alone
    return replace(record, state=state, last_error=failure.message, failures=failures, not_before=not_before)


def _with_pause(record: ReplicaRecord, pause: PauseLine | None) -> dict[str, Any]:
    details = {key: value for key, value in record.details.items() if key != "pause"}
    if pause is not None:
        details["pause"] = {
            "why": pause.why,
            "left": pause.left,
            "until": pause.until.isoformat(),
            "over": pause.over.isoformat(),
        }
    return details
