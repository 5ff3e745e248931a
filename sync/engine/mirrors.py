"""The other end of a link: what one ticket gains or loses, the ticket that it names gains or loses in the same transaction.

A tracker shows a link at both its ends. Were each end decided by itself, one would put back what the other took away.
"""

from __future__ import annotations

from dataclasses import replace

from sync.core.claims import as_set
from sync.core.ids import RunId, TicketId
from sync.core.models import LINK_KINDS, Field, link_parts, other_end
from sync.engine.deciding import TicketWork
from sync.engine.reading import Reader
from sync.engine.runtime import Bridge
from sync.store import Tx
from sync.store.convert import fields_to_json
from sync.store.records import LinkRecord

#: Why a ticket is dirty that another one was linked to, or taken from.
MIRRORED = "the other end of a link changed"


def mirror(bridge: Bridge, tx: Tx, run: RunId, work: TicketWork) -> None:
    """Give the tickets at the other ends what the decision did to the links; where a person decides there, they stay as they are.

    They are looked at once more: most trackers show at the other end what is written at this one, but where each end
    holds its own (the rows in a GitHub issue's text), both are written.
    """
    change = work.decision.changes.fields.get(Field.LINKS)
    if change is None:
        return
    old, new = as_set(change.old), as_set(change.new)
    ends: dict[TicketId, tuple[set[str], set[str]]] = {}
    for member in old ^ new:
        kind, other = link_parts(member)
        if kind in LINK_KINDS:
            gained, lost = ends.setdefault(TicketId(other), (set(), set()))
            (gained if member in new else lost).add(other_end(kind, work.record.id))
    for ticket, (gained, lost) in ends.items():
        _give(bridge, tx, run, work, ticket, gained, lost)
        _take_in(bridge, tx, work, ticket, gained, lost)


def _give(
    bridge: Bridge, tx: Tx, run: RunId, work: TicketWork, ticket: TicketId, gained: set[str], lost: set[str]
) -> None:
    record = tx.tickets.get(ticket)
    if record is None or record.bridge != bridge.name or Field.LINKS in tx.conflicts.open_for(ticket):
        return
    before = as_set(record.canonical.fields.get(Field.LINKS))
    after = (before | gained) - lost
    if after == before:
        return
    source = work.decision.after.provenance.get(Field.LINKS)
    origins = {**record.canonical.provenance, **({Field.LINKS: source} if source is not None else {})}
    fields = {**record.canonical.fields, Field.LINKS: after}
    tx.tickets.save(ticket, replace(record.canonical, fields=fields, provenance=origins))
    if record.dirty is None:
        tx.tickets.set_dirty(ticket, MIRRORED)
    tx.audit.append(
        phase="decision",
        action="merge",
        run=run,
        bridge=bridge.name,
        ticket=ticket,
        before=fields_to_json({Field.LINKS: before}),
        after=fields_to_json({Field.LINKS: after}),
        note=f"links: the other end of {work.record.key}",
    )


def _take_in(bridge: Bridge, tx: Tx, work: TicketWork, ticket: TicketId, gained: set[str], lost: set[str]) -> None:
    """Where the other ticket shows the same, that is no news any more: one edit shows at both ends.

    Where it was not pulled, it will show what this one does: somebody may have changed it again before it is read.
    """
    for link in tx.links.of_ticket(ticket):
        replica = bridge.replicas.get(link.replica)
        if link.base is None or replica is None or replica.mapping is None:
            continue
        reader = Reader(bridge=bridge, replica=replica, tx=tx)
        shown = _shown(reader, work, link)
        base, agreed = as_set(link.base.get(Field.LINKS)), as_set(link.agreed.get(Field.LINKS))
        come, gone = (gained & shown) - base, (lost & base) - shown
        if come or gone:
            known = {**link.base, Field.LINKS: (base | come) - gone}
            settled = (
                {**link.agreed, Field.LINKS: (agreed | come) - gone} if Field.LINKS in link.agreed else link.agreed
            )
            tx.links.save(replace(link, base=known, agreed=settled))


def _shown(reader: Reader, work: TicketWork, other: LinkRecord) -> frozenset[str]:
    """The links that the other ticket shows here, or will show where somebody changed them at this one."""
    native = reader.tx.inbox.take(reader.bridge.name, other.replica, other.ref).ticket
    if native is not None:
        return as_set(reader.shown(native).get(Field.LINKS))
    base = as_set((other.base or {}).get(Field.LINKS))
    side = work.seen[other.replica].side if other.replica in work.seen else None
    if side is None or not side.edited(Field.LINKS):
        return base
    own, this = reader.capabilities.own_ends, work.record.id
    ends = (link_parts(member) for member in as_set(side.seen.get(Field.LINKS)))
    here = frozenset(
        other_end(kind, this) for kind, end in ends if end == other.ticket and kind in LINK_KINDS.keys() - own
    )
    return here | frozenset(one for one in base if link_parts(one)[1] != this or link_parts(one)[0] in own)
