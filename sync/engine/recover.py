"""Recover: find out by reading what became of every request whose answer was lost, before anything new is decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sync.core.errors import Rejected, TrackerError
from sync.core.ids import NativeRef, ReplicaName, RunId, TicketId
from sync.core.models import Field, Gone, NativeTicket
from sync.core.ports import OpKind
from sync.engine.direct import look_at
from sync.engine.joining import close_lost_create, link_comment, link_lost_create
from sync.engine.landed import LANDED, settle_landed
from sync.engine.probe import failure_of
from sync.engine.reading import Reader
from sync.engine.report import ReplicaFailure
from sync.engine.runtime import Bridge, Replica
from sync.engine.sending import is_for_the_tracker, may_be_the_ticket
from sync.engine.write_deletes import deleted
from sync.store import Lease
from sync.store.convert import fields_from_json
from sync.store.records import OutboxRecord

#: The one thing that is never done to a create of unknown end before `Bridge.settle` has passed is to send it again.
NO_TICKET = "its ticket is not there any more"
NOT_FOUND = "not found by direct reads when the time to settle was over"


def recover(bridge: Bridge, lease: Lease, run: RunId, available: Iterable[ReplicaName]) -> list[ReplicaFailure]:
    """Settle what can be settled: a create by its marker, a change by reading the ticket.

    A create that is not found stays unknown until `settle` is over, and only then may be sent again with the same marker. Where the
    tracker stumbles over one ticket, the others are settled; over a second one, it is the tracker that fails.
    """
    with bridge.store.read() as tx:
        rows = tx.outbox.unfinished(bridge.name)
    failures: dict[ReplicaName, ReplicaFailure] = {}
    suspects: dict[ReplicaName, TicketId] = {}
    names = set(available)
    for row in rows:
        if row.replica not in names or row.replica in failures or bridge.stop.is_set():
            continue
        try:
            _settle(bridge, lease, run, bridge.replicas[row.replica], row)
        except TrackerError as error:
            of_one = may_be_the_ticket(error) or not is_for_the_tracker(error)
            if not of_one or suspects.setdefault(row.replica, row.ticket) != row.ticket:
                failures[row.replica] = failure_of(row.replica, error)
    return list(failures.values())


def _settle(bridge: Bridge, lease: Lease, run: RunId, replica: Replica, row: OutboxRecord) -> None:
    match row.op.kind:
        case OpKind.CREATE | OpKind.COMMENT_CREATE:
            _settle_create(bridge, lease, run, replica, row)
        case OpKind.ATTACHMENT_CREATE:
            _settle_upload(bridge, lease, run, replica, row)
        case OpKind.DELETE:
            _settle_delete(bridge, lease, run, replica, row)
        case OpKind.UPDATE | OpKind.COMMENT_UPDATE | OpKind.COMMENT_DELETE | OpKind.ATTACHMENT_DELETE:
            _settle_change(bridge, lease, run, replica, row)


def _settle_create(bridge: Bridge, lease: Lease, run: RunId, replica: Replica, row: OutboxRecord) -> None:
    if _is_linked(bridge, row):
        _close(bridge, lease, run, row, "done", "linked meanwhile")
        return
    is_over = bridge.now() - (row.sent_at or row.created_at) >= bridge.settle
    if row.op.kind is OpKind.COMMENT_CREATE and is_over and not _is_there(bridge, row):
        # There is nobody to ask; should the ticket come back with the comment, that is known by its marker.
        _close(bridge, lease, run, row, "failed", NO_TICKET)
        return
    try:
        found = replica.adapter.find(row.op, fence=row.fence)
    except Rejected:
        if row.op.kind is not OpKind.COMMENT_CREATE or not _is_gone(bridge, lease, replica, row):
            raise
        found = None
    if found is None:
        if is_over:
            _close(bridge, lease, run, row, "failed", NOT_FOUND)
        return
    if row.op.kind is OpKind.CREATE:
        native = look_at(bridge, replica, found)
        if not isinstance(native, NativeTicket):
            return
        with bridge.store.begin(lease) as tx:
            if tx.links.by_ref(bridge.name, replica.name, found) is None:
                link_lost_create(Reader(bridge=bridge, replica=replica, tx=tx), native, row.ticket)
            tx.inbox.put(bridge.name, replica.name, [native])
        return
    _link_lost_comment(bridge, lease, replica, row, found)


def _is_gone(bridge: Bridge, lease: Lease, replica: Replica, row: OutboxRecord) -> bool:
    """Whether the ticket that was to be commented on is not there any more; the link step is told."""
    assert row.op.ref is not None
    found = look_at(bridge, replica, row.op.ref, comments=False)
    if not isinstance(found, Gone):
        return False
    with bridge.store.begin(lease) as tx:
        tx.inbox.put(bridge.name, replica.name, gone=[found])
    return True


def _link_lost_comment(bridge: Bridge, lease: Lease, replica: Replica, row: OutboxRecord, found: NativeRef) -> None:
    """Link the comment that was found; what was asked is compared with it next."""
    assert row.op.ref is not None
    ticket = look_at(bridge, replica, row.op.ref)
    if not isinstance(ticket, NativeTicket) or row.comment is None:
        return
    native = next((one for one in ticket.comments or () if one.ref == found), None)
    if native is None:
        return
    with bridge.store.begin(lease) as tx:
        reader = Reader(bridge=bridge, replica=replica, tx=tx)
        comment = tx.comments.get(row.comment)
        if comment is not None and tx.links.by_ref(bridge.name, replica.name, found, comment=True) is None:
            link_comment(reader, native, row.ticket, row.op.ref, row.comment, fields_from_json(row.after or {}))
            tx.inbox.put(bridge.name, replica.name, [ticket])
        close_lost_create(tx, row.comment, replica.name, found)


def _settle_change(bridge: Bridge, lease: Lease, run: RunId, replica: Replica, row: OutboxRecord) -> None:
    """Read the ticket: what stands there is decided on next, and a change that is not there is then sent again."""
    assert row.op.ref is not None
    found = look_at(bridge, replica, row.op.ref)
    landed: list[Field] = []
    with bridge.store.begin(lease) as tx:
        if isinstance(found, Gone):
            tx.inbox.put(bridge.name, replica.name, gone=[found])
        elif found is not None:
            tx.inbox.put(bridge.name, replica.name, [found])
            landed = settle_landed(Reader(bridge=bridge, replica=replica, tx=tx), row, found)
        tx.tickets.set_dirty(row.ticket, "an answer was lost")
    row = replace(row, context={**row.context, "lost": True, LANDED: landed})
    _close(bridge, lease, run, row, "done", "its answer was lost; the ticket was read again and is decided on anew")


def _settle_delete(bridge: Bridge, lease: Lease, run: RunId, replica: Replica, row: OutboxRecord) -> None:
    """Gone is done; what is still there waits for another consent."""
    assert row.op.ref is not None
    found = look_at(bridge, replica, row.op.ref)
    if not isinstance(found, Gone):
        _settle_change(bridge, lease, run, replica, row)
        return
    with bridge.store.begin(lease) as tx:
        link = tx.links.by_ref(bridge.name, replica.name, row.op.ref)
        if link is not None and link.is_active:
            deleted(bridge, tx, link)
    _close(bridge, lease, run, row, "done", "its answer was lost, and it is not there any more")


def _settle_upload(bridge: Bridge, lease: Lease, run: RunId, replica: Replica, row: OutboxRecord) -> None:
    """Read the ticket: a file of the same content that is there is the copy, and is known as that when it is read."""
    with bridge.store.read() as tx:
        copies = tx.attachments.copies(row.ticket)
    if any((one.attachment, one.replica) == (row.context.get("attachment"), replica.name) for one in copies):
        _close(bridge, lease, run, row, "done", "found again by its content")
        return
    assert row.op.ref is not None
    found = look_at(bridge, replica, row.op.ref)
    with bridge.store.begin(lease) as tx:
        if isinstance(found, NativeTicket):
            tx.inbox.put(bridge.name, replica.name, [found])
        tx.tickets.set_dirty(row.ticket, "an answer was lost")
    if bridge.now() - (row.sent_at or row.created_at) >= bridge.settle:
        _close(bridge, lease, run, row, "failed", NOT_FOUND)


def _is_linked(bridge: Bridge, row: OutboxRecord) -> bool:
    with bridge.store.read() as tx:
        links = tx.links.of_ticket(row.ticket) if row.comment is None else tx.links.of_comments(row.ticket)
    return any(link.replica == row.replica and link.comment == row.comment for link in links)


def _is_there(bridge: Bridge, row: OutboxRecord) -> bool:
    """Whether the ticket that the request was about is still linked and not known to be gone."""
    with bridge.store.read() as tx:
        link = tx.links.by_ref(bridge.name, row.replica, row.op.ref or NativeRef(""))
    return link is not None and link.is_active


def _close(bridge: Bridge, lease: Lease, run: RunId, row: OutboxRecord, state: str, note: str) -> None:
    with bridge.store.begin(lease) as tx:
        tx.outbox.save(
            replace(
                row, state="done" if state == "done" else "failed", finished_at=bridge.now(), error=row.error or note
            )
        )
        tx.tickets.set_dirty(row.ticket, "an answer was lost")
        tx.audit.append(
            phase="outcome",
            action=row.op.kind.value,
            run=run,
            bridge=bridge.name,
            ticket=row.ticket,
            replica=row.replica,
            op_id=row.id,
            note=f"{state}: {note}",
        )
