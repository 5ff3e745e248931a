"""Pull: every page goes into the store together with the cursor that follows it."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from sync.core.errors import TrackerError
from sync.core.ids import NativeRef, ReplicaName
from sync.core.models import NativeTicket
from sync.core.ports import Page
from sync.engine.probe import failure_of, forget
from sync.engine.report import ProblemLine, ReplicaFailure
from sync.engine.runtime import Bridge, Replica
from sync.store import Lease
from sync.store.records import ReplicaRecord, ReplicaState


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What one replica's pull brought; `emptied` says that a full listing of a replica with linked tickets was empty."""

    replica: ReplicaName
    tickets: int = 0
    emptied: bool = False
    failure: ReplicaFailure | None = None
    problems: tuple[ProblemLine, ...] = ()


def pull_all(bridge: Bridge, lease: Lease, names: Iterable[ReplicaName]) -> list[Pulled]:
    """Pull the replicas side by side, one thread each; a failing one does not stop the others."""
    chosen = [bridge.replicas[name] for name in names]
    if not chosen:
        return []
    with ThreadPoolExecutor(max_workers=len(chosen), thread_name_prefix="pull") as pool:
        return list(pool.map(lambda replica: _pull(bridge, lease, replica), chosen))


def _pull(bridge: Bridge, lease: Lease, replica: Replica) -> Pulled:
    with bridge.store.read() as tx:
        cursor = tx.cursors.get(bridge.name, replica.name)
        linked = tx.links.count(bridge.name, replica.name)
    seen: set[NativeRef] = set()
    problems: list[ProblemLine] = []
    try:
        for page in replica.adapter.pull(cursor):
            problems += _store(bridge, lease, replica, page)
            seen.update(ticket.ref for ticket in page.tickets)
            bridge.progress.step("pull", replica.name, len(seen), page.total)
            if bridge.stop.is_set():
                break
    except TrackerError as error:
        failure = failure_of(replica.name, error)
        _remember(bridge, lease, replica, failure)
        if failure.kind in ("auth", "refused"):
            forget(bridge, replica.name, lease)
        return Pulled(replica=replica.name, tickets=len(seen), failure=failure, problems=tuple(problems))
    _remember(bridge, lease, replica, None)
    emptied = cursor is None and linked > 0 and not seen and not bridge.stop.is_set()
    return Pulled(replica=replica.name, tickets=len(seen), emptied=emptied, problems=tuple(problems))


def _store(bridge: Bridge, lease: Lease, replica: Replica, page: Page) -> list[ProblemLine]:
    """Commit one page with its cursor; tickets whose comment count says that one was deleted are read whole first."""
    fresh = page.tickets
    if stale := _with_missing_comments(bridge, replica, page.tickets):
        whole = {found.ref: found for found in replica.adapter.fetch(stale) if isinstance(found, NativeTicket)}
        fresh = tuple(whole.get(ticket.ref, ticket) for ticket in page.tickets)
    with bridge.store.begin(lease) as tx:
        tx.inbox.put(bridge.name, replica.name, fresh, page.comments, page.gone)
        for place, message in page.malformed:
            tx.problems.report(
                bridge=bridge.name,
                replica=replica.name,
                ref=NativeRef(place),
                kind="pull",
                message=message,
                mend=MALFORMED,
            )
        tx.cursors.put(bridge.name, replica.name, page.cursor)
    return [
        ProblemLine(replica=replica.name, place=f"{replica.name} {place}", message=message, mend=MALFORMED)
        for place, message in page.malformed
    ]


MALFORMED = "the tracker sent something that can't be read; look at the ticket there, it is tried again when it changes"


def _with_missing_comments(bridge: Bridge, replica: Replica, tickets: Iterable[NativeTicket]) -> list[NativeRef]:
    counted = [ticket for ticket in tickets if ticket.comment_count is not None and ticket.comments is None]
    if not counted:
        return []
    with bridge.store.read() as tx:
        known = tx.links.comment_counts(bridge.name, replica.name, [ticket.ref for ticket in counted])
    return [ticket.ref for ticket in counted if (ticket.comment_count or 0) < known.get(ticket.ref, 0)]


def _remember(bridge: Bridge, lease: Lease, replica: Replica, failure: ReplicaFailure | None) -> None:
    with bridge.store.begin(lease) as tx:
        record = tx.replicas.get(bridge.name, replica.name)
        record = record or ReplicaRecord(bridge=bridge.name, replica=replica.name, kind=replica.kind)
        if failure is None:
            record = replace(
                record, state="ok", last_success=bridge.now(), last_error=None, failures=0, not_before=None
            )
        else:
            state: ReplicaState = "auth" if failure.kind == "auth" else "failing"
            record = replace(record, state=state, last_error=failure.message, failures=record.failures + 1)
        tx.replicas.save(record)
