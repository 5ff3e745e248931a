"""Missing: a linked ticket that its tracker does not find is looked for twice, a while apart, before it is believed gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sync.core.claims import as_set
from sync.core.errors import TrackerError
from sync.core.ids import NativeRef, ReplicaName
from sync.core.models import Field, Gone, NativeTicket, link_parts
from sync.engine.direct import look
from sync.engine.probe import failure_of, forget, remember
from sync.engine.reading import Reader
from sync.engine.report import ProblemLine, ReplicaFailure
from sync.engine.runtime import Bridge
from sync.store import Lease, Tx
from sync.store.records import InboxItem, LinkRecord

MISSING_MEND = (
    "nothing has to be done where it was deleted; where it is hidden, let the account of the bridge read it again"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What the looks at missing tickets told for the first time, and which trackers could not be asked."""

    problems: tuple[ProblemLine, ...] = ()
    failures: tuple[ReplicaFailure, ...] = ()


def look_for_missing(bridge: Bridge, lease: Lease, available: Iterable[ReplicaName]) -> Looked:
    """Read directly what is said to be gone, and once more what was not found `Bridge.gone_after` ago.

    What is there again goes on; what is not found for the second time, or was moved out of the project, is believed gone.
    Absence from a list counts for nothing, and an adapter says `Gone` only while it can read the project. Costs requests only
    where something is missing.
    """
    problems: list[ProblemLine] = []
    failures: list[ReplicaFailure] = []
    for name in available:
        refs = _due(bridge, name)
        if not refs:
            continue
        replica = bridge.replicas[name]
        try:
            found = look(bridge, replica, sorted(refs))
        except TrackerError as error:
            failure = failure_of(name, error)
            remember(bridge, lease, replica, failure)
            if failure.kind in ("auth", "refused"):
                forget(bridge, name, lease)
            failures.append(failure)
            continue
        with bridge.store.begin(lease) as tx:
            for one in found.values():
                if isinstance(one, NativeTicket):
                    _take_there(Reader(bridge=bridge, replica=replica, tx=tx), one)
                elif (line := _take_gone(bridge, tx, name, one)) is not None:
                    problems.append(line)
    return Looked(problems=tuple(problems), failures=tuple(failures))


def note_missing(bridge: Bridge, tx: Tx, link: LinkRecord) -> ProblemLine:
    """The ticket was read directly and not found for the first time: from now on nothing is written there."""
    tx.links.save(replace(link, missing_since=bridge.now()))
    seconds = bridge.gone_after.total_seconds()
    wait = f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} seconds"
    message = (
        f"{link.key or link.ref} is not found in {link.replica} (deleted, or hidden from us); it is looked for again "
        f"after {wait}, and until then nothing is written there"
    )
    tx.problems.report(
        bridge=bridge.name,
        replica=link.replica,
        ref=link.ref,
        ticket=link.ticket,
        kind="missing",
        message=message,
        mend=MISSING_MEND,
    )
    place = f"{link.replica} {link.key or link.ref}"
    return ProblemLine(replica=link.replica, place=place, message=message, mend=MISSING_MEND)


def is_missing(link: LinkRecord, item: InboxItem) -> bool:
    """Whether nobody knows if the linked ticket is there: it is neither read from nor written to until that is known."""
    if item.gone is not None:
        return not item.gone.sure
    return link.missing_since is not None


def _due(bridge: Bridge, name: ReplicaName) -> set[NativeRef]:
    with bridge.store.read() as tx:
        links = {link.ref: link for link in tx.links.missing(bridge.name, name)}
        for ref in tx.inbox.gone(bridge.name, name):
            if ref not in links and (link := tx.links.by_ref(bridge.name, name, ref)) is not None and link.is_active:
                links[ref] = link
        return {ref for ref, link in links.items() if _is_due(bridge, link, tx.inbox.take(bridge.name, name, ref))}


def _is_due(bridge: Bridge, link: LinkRecord, item: InboxItem) -> bool:
    """Whether it is time for another look; what a halt keeps from being decided is not asked for in every cycle."""
    if item.ticket is not None:
        return True
    last = item.received_at if item.gone is not None and item.gone.sure else link.missing_since
    return last is None or bridge.now() - last >= bridge.gone_after


def _take_gone(bridge: Bridge, tx: Tx, name: ReplicaName, gone: Gone) -> ProblemLine | None:
    link = tx.links.by_ref(bridge.name, name, gone.ref)
    item = tx.inbox.take(bridge.name, name, gone.ref)
    if link is None or link.state != "active":
        return None
    tx.inbox.done(bridge.name, name, gone.ref, item)
    if link.missing_since is None and not gone.moved_to:
        return note_missing(bridge, tx, link)
    if gone.moved_to or (link.missing_since and bridge.now() - link.missing_since >= bridge.gone_after):
        tx.inbox.put(bridge.name, name, gone=[replace(gone, sure=True)])
    return None


def _take_there(reader: Reader, native: NativeTicket) -> None:
    """It was said to be gone, or was not found, and is there."""
    bridge, tx, name = reader.bridge, reader.tx, reader.replica.name
    tx.inbox.put(bridge.name, name, [native])
    link = tx.links.by_ref(bridge.name, name, native.ref)
    if link is not None and link.missing_since is not None:
        come_back(reader, link, native)


def come_back(reader: Reader, link: LinkRecord, native: NativeTicket) -> None:
    """The ticket is there again and goes on from the base that it had, so that nothing that was written meanwhile is lost.

    What tied it to others may have gone with it: nobody took that away, so it is offered once more on both ends.
    """
    bridge, tx, name = reader.bridge, reader.tx, reader.replica.name
    seen = reader.shown(native)
    ties = {Field.LINKS: as_set(seen.get(Field.LINKS)), Field.PARENT: seen.get(Field.PARENT)}
    untied = _untied(link, lambda field, tie: tie not in as_set(ties[field]) and tie != ties[field])
    tx.links.save(replace(untied, state="active", missing_since=None))
    tx.tickets.set_dirty(link.ticket, "there again")
    for kind in ("missing", "gone"):
        tx.problems.clear(bridge.name, name, ref=link.ref, kind=kind)
    for neighbour in tx.tickets.naming(bridge.name, link.ticket):
        for other in tx.links.of_ticket(neighbour):
            if other.replica == name and other.is_active:
                tx.links.save(_untied(other, lambda _field, tie: link.ticket in (tie, link_parts(tie)[1])))
                tx.tickets.set_dirty(neighbour, "what it is tied to is there again")


def _untied(link: LinkRecord, is_lost: Callable[[Field, str], bool]) -> LinkRecord:
    """The link as if the lost ties had never been told to that side."""
    base, agreed = dict(link.base or {}), dict(link.agreed)
    links, parent = as_set(base.get(Field.LINKS)), base.get(Field.PARENT)
    if lost := {tie for tie in links if is_lost(Field.LINKS, tie)}:
        base[Field.LINKS] = links - lost
        agreed.pop(Field.LINKS, None)
    if isinstance(parent, str) and parent and is_lost(Field.PARENT, parent):
        base[Field.PARENT] = None
        agreed.pop(Field.PARENT, None)
    return replace(link, base=base if link.base is not None else None, agreed=agreed)
