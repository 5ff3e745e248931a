"""Comments in one replica: copied with their author's name, edited, and deleted where they end."""

from __future__ import annotations

from dataclasses import replace

from sync.core.errors import Rejected
from sync.core.fieldrules import equal
from sync.core.linking import make_marker
from sync.core.models import Field, NativeComment, NativeTicket
from sync.core.plan import Intent
from sync.core.ports import OpKind, Receipt
from sync.engine.deciding import content_digest
from sync.engine.direct import look_at
from sync.engine.writer import ChangedMeanwhile, Writer
from sync.store import Tx
from sync.store.records import CommentRecord, LinkRecord


def write_comment(writer: Writer, intent: Intent) -> None:
    """Carry out one comment intent: create, update or delete, then observe what came of it."""
    with writer.bridge.store.read() as tx:
        comment = tx.comments.get(intent.comment) if intent.comment is not None else None
        ticket = next((one for one in tx.links.of_ticket(intent.ticket) if one.replica == writer.replica.name), None)
        copies = tx.links.of_comments(intent.ticket)
        links = {link.replica: link for link in copies if link.comment == intent.comment}
        origin = (
            None
            if comment is None
            else next((one for one in tx.links.of_ticket(intent.ticket) if one.replica == comment.origin), None)
        )
    if comment is None or ticket is None or not isinstance(ticket.native, NativeTicket):
        raise ChangedMeanwhile
    link = links.get(writer.replica.name)
    current = link.native if link is not None and isinstance(link.native, NativeComment) else None
    if intent.kind is not OpKind.COMMENT_CREATE and current is None:
        raise ChangedMeanwhile
    if link is not None and current is not None:
        current = _present(writer, ticket, link, current)
    with writer.bridge.store.read() as tx:
        text = writer.reader(tx).addressed(str(intent.changes.news.get(Field.BODY) or ""))
    # A tracker without a place for a marker has to tell a lost comment from those that were there.
    known = (one.native for one in copies if one.replica == writer.replica.name)
    encoded = writer.replica.codec.encode_comment(
        None if intent.kind is OpKind.COMMENT_DELETE else text,
        replace(ticket.native, comments=tuple(one for one in known if isinstance(one, NativeComment))),
        current,
        writer.mapping,
        writer.capabilities,
        marker=make_marker(comment.id, writer.replica.name, writer.bridge.secret),
        attribution=None if comment.origin == writer.replica.name else attribution(writer, comment, origin),
    )
    writer.report(intent, ticket.native, encoded.problems)
    for op in encoded.ops:
        content = {"content": content_digest(intent.changes.news, writer.mapping)}
        try:
            writer.sender.send(intent, op, lambda tx, receipt: _landed(writer, intent, ticket, tx, receipt), content)
        except Rejected as error:
            if writer.is_gone(intent, ticket.ref):
                raise ChangedMeanwhile from None
            writer.report(intent, ticket.native, error.problems or [writer.refusal(op, error)])


def _present(writer: Writer, ticket: LinkRecord, link: LinkRecord, known: NativeComment) -> NativeComment:
    """The comment as it is now; to be decided on again when somebody rewrote or deleted it since."""
    whole = look_at(writer.bridge, writer.replica, ticket.ref)
    if not isinstance(whole, NativeTicket) or whole.comments is None:
        return known
    found = next((one for one in whole.comments if one.ref == link.ref), None)
    with writer.bridge.store.begin(writer.lease) as tx:
        base = link.base or {}
        if found is not None and equal(
            Field.BODY, writer.reader(tx).decode_comment(found)[Field.BODY], base.get(Field.BODY)
        ):
            return found
        tx.inbox.put(writer.bridge.name, writer.replica.name, [whole])
    raise ChangedMeanwhile


def attribution(writer: Writer, comment: CommentRecord, origin: LinkRecord | None) -> str:
    """One line of Markdown that says who wrote the comment, and where."""
    name = writer.bridge.names.get(comment.author or "", comment.author_name)
    title = writer.bridge.replicas[comment.origin].title
    return f"*{name or 'Somebody'} wrote in {title} ({origin.key if origin else comment.origin}):*"


def _landed(writer: Writer, intent: Intent, ticket: LinkRecord, tx: Tx, receipt: Receipt) -> None:
    """Store what came of it, in the transaction that records the outcome."""
    text = intent.changes.news.get(Field.BODY)
    link = next(
        (
            one
            for one in tx.links.of_comments(intent.ticket)
            if one.comment == intent.comment and one.replica == writer.replica.name
        ),
        None,
    )
    if intent.kind is OpKind.COMMENT_DELETE:
        if link is not None:
            tx.links.save(replace(link, state="gone", observed_at=writer.bridge.now()))
        return
    native = receipt.comment
    body = {Field.BODY: text} if native is None else writer.reader(tx).decode_comment(native)
    if link is None:
        tx.links.add(
            bridge=writer.bridge.name,
            replica=writer.replica.name,
            ref=native.ref if native is not None else receipt.comment_ref or receipt.ref,
            ticket=intent.ticket,
            comment=intent.comment,
            parent_ref=ticket.ref,
            native=native,
            base=body,
            digest=writer.mapping.digest(),
            agreed={Field.BODY: text},
        )
        return
    tx.links.save(
        replace(
            link,
            native=native or link.native,
            base=body,
            digest=writer.mapping.digest(),
            agreed={Field.BODY: text},
            observed_at=writer.bridge.now(),
        )
    )
