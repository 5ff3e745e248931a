"""Links made and taken away by a person."""

from __future__ import annotations

from collections.abc import Mapping

from sync.core.errors import ConfigError, TrackerError
from sync.core.ids import NativeRef, ReplicaName, TicketId
from sync.core.models import Canonical, NativeTicket
from sync.engine.probe import introduce
from sync.engine.runtime import Bridge
from sync.engine.session import held
from sync.store import Lease, Store, Tx
from sync.store.records import LinkRecord


def add_link(bridge: Bridge, refs: Mapping[ReplicaName, str]) -> TicketId:
    """Declare that native tickets of two or more replicas are one ticket, named by key, URL or ref.

    Each is read from its tracker first. The next cycle merges them; nothing is written now. Raises `ConfigError` with everything
    that stands in the way.
    """
    with held(bridge) as lease:
        problems = [failure.message for failure in introduce(bridge, lease)]
        found: dict[ReplicaName, NativeTicket] = {}
        for name, wanted in refs.items():
            native, problem = _read(bridge, name, wanted)
            if native is not None:
                found[name] = native
            else:
                problems.append(problem)
        if problems:
            raise ConfigError(problems)
        return _join(bridge, lease, found)


def remove_link(store: Store, link_id: str, *, by: str) -> LinkRecord:
    """Unlink one native ticket and the comments in it; nothing is deleted anywhere.

    From then on it stands alone: it is not taken for a new ticket, and no other copy is made in its place.
    """
    with store.begin() as tx:
        link = tx.links.get(link_id)
        if link is None or link.state == "removed":
            raise ConfigError(["this is not linked any more; `trackdown links list` shows what is"])
        tx.links.remove(link.id)
        for comment in tx.links.of_comments(link.ticket):
            if comment.replica == link.replica:
                tx.links.remove(comment.id)
        tx.audit.append(
            phase="person",
            action="remove link",
            bridge=link.bridge,
            ticket=link.ticket,
            replica=link.replica,
            before={"ref": link.ref, "key": link.key},
            note=f"by {by}",
        )
    return link


def _read(bridge: Bridge, name: ReplicaName, wanted: str) -> tuple[NativeTicket | None, str]:
    if name not in bridge.replicas:
        return None, f"bridge '{bridge.name}' has no tracker '{name}'; it has {', '.join(bridge.replicas)}"
    ref = NativeRef(wanted.rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1])
    try:
        for found in bridge.replicas[name].adapter.fetch([ref]):
            if isinstance(found, NativeTicket):
                return found, ""
    except TrackerError as error:
        return None, str(error)
    return None, f"{name} has no ticket '{wanted}', or does not show it to this account"


def _join(bridge: Bridge, lease: Lease, found: Mapping[ReplicaName, NativeTicket]) -> TicketId:
    with bridge.store.begin(lease) as tx:
        links = {name: tx.links.by_ref(bridge.name, name, native.ref) for name, native in found.items()}
        tickets = {link.ticket for link in links.values() if link is not None}
        if len(tickets) > 1:
            keys = [record.key for ticket in sorted(tickets) if (record := tx.tickets.get(ticket)) is not None]
            raise ConfigError(
                [f"they belong to different tickets already ({', '.join(keys)}); remove the wrong link first"]
            )
        ticket = tickets.pop() if tickets else tx.tickets.create(bridge.name, Canonical(fields={}), dirty="new").id
        for name, native in found.items():
            if links[name] is None:
                _add(bridge, tx, ticket, name, native)
        tx.tickets.set_dirty(ticket, "joined by hand")
        tx.audit.append(
            phase="person",
            action="add link",
            bridge=bridge.name,
            ticket=ticket,
            after={name: native.key for name, native in found.items()},
        )
    return ticket


def _add(bridge: Bridge, tx: Tx, ticket: TicketId, name: ReplicaName, native: NativeTicket) -> None:
    if (other := next((one for one in tx.links.of_ticket(ticket) if one.replica == name), None)) is not None:
        raise ConfigError([f"{name} {other.key} is joined there already; remove that link first"])
    tx.links.add(bridge=bridge.name, replica=name, ref=native.ref, ticket=ticket, key=native.key, url=native.url)
    tx.inbox.put(bridge.name, name, [native])
