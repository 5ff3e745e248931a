"""Pull: every page goes into the store together with the cursor that follows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from sync.core.errors import TrackerError
from sync.core.ids import NativeRef, ReplicaName
from sync.core.models import Gone, NativeComment, NativeTicket
from sync.core.ports import Page
from sync.engine.direct import look
from sync.engine.probe import failure_of, forget, remember
from sync.engine.report import ProblemLine, ReplicaFailure
from sync.engine.runtime import Bridge, Replica
from sync.store import Lease, Tx

#: When each ticket (or comment: nobody knows) that was put was changed last, and its version.
Newest = dict[NativeRef, tuple[datetime, str]]
#: Whatever a list shows of a ticket that is gone is older.
_EVER = datetime.max.replace(tzinfo=UTC)
_GONE = (_EVER, "")


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
        newest = _waiting(bridge, replica, tx)
    seen: set[NativeRef] = set()
    counts: dict[NativeRef, int] = {}
    problems: list[ProblemLine] = []
    try:
        for page in replica.adapter.pull(cursor):
            problems += _store(bridge, lease, replica, page, newest)
            seen.update(ticket.ref for ticket in page.tickets)
            counts.update(
                (one.ref, one.comment_count)
                for one in page.tickets
                if one.comment_count is not None and one.comments is None
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


def _waiting(bridge: Bridge, replica: Replica, tx: Tx) -> Newest:
    """What an earlier cycle pulled and did not decide on, and what is believed to be gone."""
    links = tx.links.list(bridge.name, replica.name, state="gone")
    newest: Newest = {link.ref: _GONE for link in links}
    refs = tx.inbox.ticket_refs(bridge.name, replica.name)
    found = (tx.inbox.take(bridge.name, replica.name, ref).ticket for ref in refs)
    return newest | {one.ref: (one.updated_at, one.version) for one in found if one is not None}


def _store(bridge: Bridge, lease: Lease, replica: Replica, page: Page, newest: Newest) -> list[ProblemLine]:
    """Commit one page with its cursor; tickets that a list can't be believed about are read directly first.

    `newest` are the versions that wait for a decision, with their times; it is kept up to date.
    """
    fresh, gone = page.tickets, page.gone
    comments = page.comments
    late = [*_older(page.tickets, newest), *_contradicted(bridge, replica, page.comments, newest)]
    if doubtful := list(dict.fromkeys([*_doubtful(bridge, replica, page.tickets), *late])):
        listed: dict[NativeRef, datetime] = {}
        for ticket in page.tickets:
            listed[ticket.ref] = max(ticket.updated_at, listed.get(ticket.ref, ticket.updated_at))
        found = look(bridge, replica, doubtful, known=listed)
        direct = [found.get(ref, ticket) for ref, ticket in {**found, **{one.ref: one for one in page.tickets}}.items()]
        whole = {one.ref: one for ticket in direct if isinstance(ticket, NativeTicket) for one in ticket.comments or ()}
        comments = tuple(whole.get(one.ref, one) for one in comments)
        fresh = tuple(one for one in direct if isinstance(one, NativeTicket))
        gone += tuple(one for one in direct if isinstance(one, Gone))
    newest.update((one.ref, (one.updated_at, one.version)) for one in fresh)
    newest.update((one.ref, _GONE) for one in gone)
    newest.update((one.ref, (_EVER, one.version)) for one in comments)
    with bridge.store.begin(lease) as tx:
        tx.inbox.put(bridge.name, replica.name, fresh, comments, gone)
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


def _older(tickets: Iterable[NativeTicket], newest: Newest) -> list[NativeRef]:
    """The rows that come after a newer one of the same ticket: the newer one is put nowhere else, and would be lost."""
    newest = dict(newest)
    late: list[NativeRef] = []
    for one in tickets:
        known = newest.get(one.ref)
        if known is not None and known[1] != one.version and known[0] >= one.updated_at:
            late.append(one.ref)
        else:
            newest[one.ref] = one.updated_at, one.version
    return late


def _contradicted(
    bridge: Bridge, replica: Replica, comments: Iterable[NativeComment], newest: Newest
) -> list[NativeRef]:
    """The tickets of comments that are known in another version: which of the two is the newer one, no row tells."""
    versions = {ref: version for ref, (_, version) in newest.items()}
    with bridge.store.read() as tx:
        for one in comments:
            link = tx.links.by_ref(bridge.name, replica.name, one.ref, comment=True)
            if link is not None and link.native is not None:
                versions.setdefault(one.ref, link.native.version)
    return [one.ticket for one in comments if versions.setdefault(one.ref, one.version) != one.version]


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
    """Read the tickets whose comments do not add up: one was deleted while another one was written, or they came before the ticket.

    `counts` are the comments that the tracker counted, of tickets that were listed without them.
    """
    with bridge.store.read() as tx:
        known = tx.links.comment_counts(bridge.name, replica.name, counts)
        strange = counts.keys() - tx.links.refs_to_tickets(bridge.name, replica.name, list(counts)).keys()
        waiting = tx.inbox.commented(bridge.name, replica.name)
        short = [
            one
            for one in strange
            if (counts[one] or one in waiting)
            and len(tx.inbox.take(bridge.name, replica.name, one).comments) != counts[one]
        ]
        for ref in known.keys() | (waiting & counts.keys()) - strange:
            pulled = tx.inbox.take(bridge.name, replica.name, ref).comments
            new = [one for one in pulled if tx.links.by_ref(bridge.name, replica.name, one.ref, comment=True) is None]
            if new and known.get(ref, 0) + len(new) > counts[ref]:
                short.append(ref)
    if short:
        whole = [one for one in look(bridge, replica, short).values() if isinstance(one, NativeTicket)]
        with bridge.store.begin(lease) as tx:
            tx.inbox.put(bridge.name, replica.name, whole)
