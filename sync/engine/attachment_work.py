"""Which files are to be copied where, which copies are to be taken away, and which texts still name a file elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from sync.core.changes import ChangeSet
from sync.core.ids import ReplicaName, TicketId
from sync.core.models import Canonical, Field, NativeTicket
from sync.core.plan import Intent
from sync.core.ports import OpKind
from sync.engine.addresses import mentioned, with_addresses
from sync.engine.attachments import takes_files
from sync.engine.reading import Reader
from sync.store import Tx
from sync.store.records import InboxItem, LinkRecord


def file_intents(
    tx: Tx, ticket: TicketId, readers: Mapping[ReplicaName, Reader], active: Mapping[ReplicaName, str]
) -> list[Intent]:
    """A copy in every replica that has none and can take it; none of what was taken away where it came from.

    A copy that somebody took away is not made again.
    """
    records = tx.attachments.of(ticket)
    if not records:
        return []
    copies, unknown = tx.attachments.copies(ticket), tx.outbox.unknown_uploads(ticket)
    placed = {(copy.attachment, copy.replica) for copy in copies}
    able = [name for name in active if takes_files(readers[name])]
    found: list[Intent] = []
    for one in records:
        for name in able:
            there = any(copy.state == "active" for copy in copies if (copy.attachment, copy.replica) == (one.id, name))
            kind: OpKind | None = None
            if one.deleted_at is not None:
                kind = OpKind.ATTACHMENT_DELETE if there and name != one.origin else None
            elif one.sha256 is not None and (one.id, name) not in placed and (one.id, name) not in unknown:
                kind = OpKind.ATTACHMENT_CREATE
            if kind is not None:
                found.append(
                    Intent(
                        kind=kind,
                        replica=name,
                        ticket=ticket,
                        link=active[name],
                        changes=ChangeSet(),
                        attachment=one.id,
                    )
                )
    return found


def has_files_to_come(tx: Tx, reader: Reader, link: LinkRecord, item: InboxItem) -> bool:
    """Whether the ticket shows files that nobody has read yet."""
    native = item.ticket or link.native
    if not reader.replica.reads or not isinstance(native, NativeTicket):
        return False
    files = reader.replica.codec.attachments(native)
    known = (
        {copy.ref for copy in tx.attachments.copies(link.ticket) if copy.replica == link.replica} if files else set()
    )
    return any(one.ref not in known for one in files)


def names_a_copy_elsewhere(tx: Tx, reader: Reader, link: LinkRecord, canonical: Canonical) -> bool:
    """Whether the text in this replica still leads to another tracker's file though a copy of it is here by now."""
    body = canonical.fields.get(Field.BODY)
    if not isinstance(body, str) or not isinstance(link.native, NativeTicket) or not mentioned(body):
        return False
    shown = reader.decode(link.native).snapshot.fields.get(Field.BODY)
    wanted = with_addresses(tx, reader.replica.name, body)
    here = {
        copy.attachment: copy.url for copy in tx.attachments.copies(link.ticket) if copy.replica == reader.replica.name
    }
    urls = [url for attachment in mentioned(body) if (url := here.get(attachment))]
    return isinstance(shown, str) and any(url in wanted and url not in shown for url in urls)
