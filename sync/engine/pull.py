"""Pull: every page goes into the store together with the cursor that follows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sync.core.errors import TrackerError
from sync.core.ids import NativeRef, ReplicaName
from sync.core.models import Gone, NativeTicket
from sync.core.ports import Page
from sync.engine.probe import failure_of, forget, remember
from sync.engine.report import ProblemLine, ReplicaFailure
from sync.engine.runtime import Bridge, Replica
from sync.store import Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What one replica's pull brought; `emptied` says that a full listing of a replica with linked tickets was empty."""

    replica: ReplicaName
    tickets: int = 0
    emptied: bool = False
    failure: ReplicaFailure | None = None
    problems: tuple[ProblemLine, ...] = ()


def pull_all(bridge: Bridge, lease: Lease, names: Iterable[ReplicaName]) -> list[Pulled]:
    """Pull the replicas side by side; a failing one does not stop the others."""
    return bridge.workers.together([partial(_pull, bridge, lease, bridge.replicas[name]) for name in names])


def _pull(bridge: Bridge, lease: Lease, replica: Replica) -> Pulled:
    with bridge.store.read() as tx:
        cursor = tx.cursors.get(bridge.name, replica.name)
        linked = tx.links.count(bridge.name, replica.name) if cursor is None else 0
    seen: set[NativeRef] = set()
    counts: dict[NativeRef, int] = {}
    problems: list[ProblemLine] = []
    try:
        for page in replica.adapter.pull(cursor):
            problems += _store(bridge, lease, replica, page)
            seen.update(ticket.ref for ticket in page.tickets)
            counts.update(
                (one.ref, one.comment_count) for one in page.tickets if one.comment_count and one.comments is None
            )
            bridge.progress.step("pull", replica.name, len(seen), page.total)
            if bridge.stop.is_set():
                break
        _recount(bridge, lease, replica, counts)
    except TrackerError as error:
        failure = failure_of(replica.name, error)
        remember(bridge, lease, replica, failure)
        if failure.kind in ("auth", "refused"):
            forget(bridge, replica.name, lease)
        return Pulled(replica=replica.name, tickets=len(seen), failure=failure, problems=tuple(problems))
    remember(bridge, lease, replica, None)
    bridge.progress.step("pull", replica.name, len(seen), len(seen))
    emptied = cursor is None and linked > 0 and not seen and not bridge.stop.is_set()
    if emptied and not bridge.limits.allow_mass_change:
        # Until somebody says that it is meant, the next one has to see the same.
        with bridge.store.begin(lease) as tx:
            tx.cursors.forget(bridge.name, replica.name)
    return Pulled(replica=replica.name, tickets=len(seen), emptied=emptied, problems=tuple(problems))


def _store(bridge: Bridge, lease: Lease, replica: Replica, page: Page) -> list[ProblemLine]:
    """Commit one page with its cursor; tickets that a list can't be believed about are read directly first."""
    fresh, gone = page.tickets, page.gone
    if doubtful := _doubtful(bridge, replica, page.tickets):
        found = {one.ref: one for one in replica.adapter.fetch(doubtful)}
        listed = {ticket.ref: ticket.updated_at for ticket in page.tickets}
        behind = [
            one.ref for one in found.values() if isinstance(one, NativeTicket) and one.updated_at < listed[one.ref]
        ]
        if behind:  # the answer was of the past, as lists may be
            found |= {one.ref: one for one in replica.adapter.fetch(behind)}
        direct = [found.get(ticket.ref, ticket) for ticket in page.tickets]
        fresh = tuple(one for one in direct if isinstance(one, NativeTicket))
        gone += tuple(one for one in direct if isinstance(one, Gone))
    with bridge.store.begin(lease) as tx:
        tx.inbox.put(bridge.name, replica.name, fresh, page.comments, gone)
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


def _doubtful(bridge: Bridge, replica: Replica, tickets: Sequence[NativeTicket]) -> list[NativeRef]:
    """The tickets with fewer comments than we know of, and those listed as they were before our last look at them.

    Lists lag: a row that is older than what a write returned would look as if somebody had taken the write back.
    """
    with bridge.store.read() as tx:
        linked = tx.links.refs_to_tickets(bridge.name, replica.name, [ticket.ref for ticket in tickets])
        counts = tx.links.comment_counts(bridge.name, replica.name, linked)
        doubtful: list[NativeRef] = []
        for ticket in tickets:
            if ticket.ref not in linked:
                continue
            link = tx.links.by_ref(bridge.name, replica.name, ticket.ref)
            known = link.native if link is not None else None
            is_old = (
                isinstance(known, NativeTicket)
                and known.version != ticket.version
                and known.updated_at >= ticket.updated_at
            )
            is_missing = link is not None and link.missing_since is not None
            if (
                is_old
                or is_missing
                or (ticket.comment_count is not None and ticket.comment_count < counts.get(ticket.ref, 0))
            ):
                doubtful.append(ticket.ref)
    return doubtful


def _recount(bridge: Bridge, lease: Lease, replica: Replica, counts: Mapping[NativeRef, int]) -> None:
    """Read the tickets whose comments do not add up: one was deleted while another one was written.

    `counts` are the comments that the tracker counted, of tickets that were listed without them.
    """
    with bridge.store.read() as tx:
        known = tx.links.comment_counts(bridge.name, replica.name, counts)
        short: list[NativeRef] = []
        for ref, linked in known.items():
            pulled = tx.inbox.take(bridge.name, replica.name, ref).comments
            new = [one for one in pulled if tx.links.by_ref(bridge.name, replica.name, one.ref, comment=True) is None]
            if new and linked + len(new) > counts[ref]:
                short.append(ref)
    if short:
        whole = [one for one in replica.adapter.fetch(short) if isinstance(one, NativeTicket)]
        with bridge.store.begin(lease) as tx:
            tx.inbox.put(bridge.name, replica.name, whole)
