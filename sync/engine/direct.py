"""Direct reads: tickets by their numbers, which a tracker may answer out of the past as it may its lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sync.core.ids import NativeRef
from sync.core.models import Gone, NativeTicket
from sync.engine.runtime import Bridge, Replica
from sync.store import Tx

#: Where a request names the version that it was made for.
READ_VERSION = "read_version"
Found = dict[NativeRef, NativeTicket | Gone]


def look(
    bridge: Bridge,
    replica: Replica,
    refs: Iterable[NativeRef],
    *,
    comments: bool = True,
    known: Mapping[NativeRef, datetime] | None = None,
) -> Found:
    """The tickets as they are now; what is older than what was seen before is asked for once more.

    `known` is what was seen besides the links' own versions: tickets and when they had been changed, by their tracker's clock. The
    second answer counts, whatever it is: a tracker that was put back from a copy of itself goes on. Costs a request more only then.
    Raises what `Adapter.fetch` raises.
    """
    wanted = list(dict.fromkeys(refs))
    if not wanted:
        return {}
    found = {one.ref: one for one in replica.adapter.fetch(wanted, comments=comments)}
    tickets = [one for one in found.values() if isinstance(one, NativeTicket)]
    with bridge.store.read() as tx:
        behind = [
            one.ref
            for one in tickets
            if one.updated_at < (known or {}).get(one.ref, one.updated_at) or _is_past(bridge, replica, tx, one)
        ]
    return found | ({one.ref: one for one in replica.adapter.fetch(behind, comments=comments)} if behind else {})


def _is_past(bridge: Bridge, replica: Replica, tx: Tx, ticket: NativeTicket) -> bool:
    """Whether we know a newer version: by its time, or because we wrote over this one."""
    link = tx.links.by_ref(bridge.name, replica.name, ticket.ref)
    if link is None or not isinstance(link.native, NativeTicket):
        return False
    if ticket.updated_at != link.native.updated_at:
        return ticket.updated_at < link.native.updated_at
    rows = tx.outbox.of_ticket(link.ticket, replica.name)
    done = (row.context for row in rows if row.state == "done" and "lost" not in row.context)
    return any(context.get(READ_VERSION) == ticket.version for context in done)


def look_at(bridge: Bridge, replica: Replica, ref: NativeRef, *, comments: bool = True) -> NativeTicket | Gone | None:
    """One ticket; None where the tracker neither shows it nor says that it is gone. See `look`."""
    return look(bridge, replica, [ref], comments=comments).get(ref)
