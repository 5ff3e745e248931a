"""Deleting one copy of a ticket, as somebody consented to: only while it is as we know it."""

from __future__ import annotations

from dataclasses import replace

from sync.core.errors import Forbidden, Rejected, Unsupported
from sync.core.fieldrules import equal
from sync.core.ids import ReplicaName, TicketId
from sync.core.models import UNKNOWN, Field, Fields, NativeTicket
from sync.core.plan import Intent
from sync.engine.deletions import WAITS, can_be_deleted, settle_endings
from sync.engine.reading import Reader, readers
from sync.engine.runtime import Bridge
from sync.engine.writer import ChangedMeanwhile, Writer
from sync.store import Tx
from sync.store.records import LinkRecord


def delete(writer: Writer, intent: Intent) -> None:
    """Delete the copy, unless somebody wrote there since the decision: then it is decided on again.

    One that is refused stays, is told, and waits for another consent.
    """
    link = writer.link(intent)
    current = writer.fetched(link.ref, comments=True)
    with writer.bridge.store.begin(writer.lease) as tx:
        known = _is_as_known(writer.reader(tx), link, current)
        if not known:
            tx.inbox.put(writer.bridge.name, writer.replica.name, [current])
    if not known:
        raise ChangedMeanwhile
    encoded = writer.replica.codec.encode_delete(current)
    writer.report(intent, current, encoded.problems)
    if not encoded.ops:
        return
    try:
        writer.sender.send(intent, encoded.ops[0], lambda tx, _receipt: deleted(writer.bridge, tx, link))
    except (Rejected, Forbidden, Unsupported) as error:
        with writer.bridge.store.begin(writer.lease) as tx:
            tx.tickets.set_dirty(intent.ticket, WAITS)
        writer.report(intent, current, [writer.refusal(encoded.ops[0], error)])
        return
    writer.outcome.updated.add(intent.ticket)


def deleted(bridge: Bridge, tx: Tx, link: LinkRecord) -> None:
    """Our own delete was done: the copy is gone, and with the last of them nothing waits any more."""
    tx.links.save(replace(link, state="gone", missing_since=None))
    if not _others(bridge, tx, link.ticket, link.replica):
        settle_endings(tx, link)


def _others(bridge: Bridge, tx: Tx, ticket: TicketId, but: ReplicaName) -> list[LinkRecord]:
    known = readers(bridge, tx)
    return [
        one
        for one in tx.links.of_ticket(ticket)
        if one.is_active and one.replica != but and one.replica in known and can_be_deleted(known[one.replica])
    ]


def _is_as_known(reader: Reader, link: LinkRecord, current: NativeTicket) -> bool:
    """Whether nobody wrote a field or a comment there that we have not read; those that are not for everybody stay there."""
    base: Fields = reader.base(link) or {}
    seen = reader.shown(current)
    if any(
        name in seen and value is not UNKNOWN and not equal(name, seen[name], value) for name, value in base.items()
    ):
        return False
    for comment in current.comments or ():
        known = reader.tx.links.by_ref(reader.bridge.name, reader.replica.name, comment.ref, comment=True)
        if reader.is_restricted(comment):
            continue
        text = reader.decode_comment(comment)[Field.BODY]
        if known is None or not equal(Field.BODY, text, (known.base or {}).get(Field.BODY)):
            return False
    return True
