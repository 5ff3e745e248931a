"""Files in one replica: uploaded once, taken away where they end."""

from __future__ import annotations

from functools import partial

from sync.core.errors import Forbidden, InvariantBroken, Rejected, Unsupported
from sync.core.ids import NativeRef
from sync.core.models import Field, FieldProblem, NativeTicket
from sync.core.plan import Intent
from sync.core.ports import NativeOp, OpKind, Receipt
from sync.engine.writer import ChangedMeanwhile, Writer
from sync.store import Tx
from sync.store.records import AttachmentRecord, CopyRecord, LinkRecord


def write_attachment(writer: Writer, intent: Intent) -> None:
    """Carry out one attachment intent; a tracker that will not have the file is not asked again."""
    link = writer.link(intent)
    with writer.bridge.store.read() as tx:
        record = tx.attachments.get(intent.attachment) if intent.attachment is not None else None
        copies = [] if record is None else tx.attachments.copies(record.ticket)
    if record is None or not isinstance(link.native, NativeTicket):
        raise ChangedMeanwhile
    here = [one for one in copies if (one.attachment, one.replica) == (record.id, writer.replica.name)]
    context = {"attachment": record.id}
    if intent.kind is OpKind.ATTACHMENT_DELETE:
        for copy in (one for one in here if one.state == "active"):
            op = _op(OpKind.ATTACHMENT_DELETE, link, record, {"attachment": copy.ref})
            writer.sender.send(intent, op, partial(_removed, copy), context)
        return
    content = writer.blobs.paths.get(record.sha256 or "") if writer.blobs is not None else None
    if content is None or here:
        raise ChangedMeanwhile
    size = content.stat().st_size
    payload = {"name": record.name, "media_type": record.media_type or "application/octet-stream", "size": size}
    op = _op(OpKind.ATTACHMENT_CREATE, link, record, payload)
    try:
        writer.sender.send(intent, op, partial(_landed, writer, intent, record), context, content)
    except (Rejected, Forbidden, Unsupported) as error:
        if writer.is_gone(intent, link.ref):
            raise ChangedMeanwhile from None
        with writer.bridge.store.begin(writer.lease) as tx:
            tx.attachments.add_copy(
                record, bridge=writer.bridge.name, replica=writer.replica.name, ref=NativeRef(f"refused:{record.id}"),
                url="", seen_at=link.native.updated_at, state="refused",
            )  # fmt: skip
        mend = "attach it there by hand, or leave it where it is"
        problem = FieldProblem(field=Field.ATTACHMENTS, message=f"'{record.name}' was refused: {error}", mend=mend)
        writer.report(intent, link.native, [problem])


def _op(kind: OpKind, link: LinkRecord, record: AttachmentRecord, payload: dict[str, object]) -> NativeOp:
    verb = "attach" if kind is OpKind.ATTACHMENT_CREATE else "remove"
    return NativeOp(
        kind=kind,
        action=kind.value.replace("_", "."),
        summary=f"{verb} '{record.name}' ({link.key})",
        payload=payload,
        ref=link.ref,
    )


def _removed(copy: CopyRecord, tx: Tx, receipt: Receipt) -> None:
    tx.attachments.set_copy(copy.id, "gone", receipt.at)


def _landed(writer: Writer, intent: Intent, record: AttachmentRecord, tx: Tx, receipt: Receipt) -> None:
    attachment = receipt.attachment
    if attachment is None:
        raise InvariantBroken(f"{writer.replica.name}: the receipt of an upload names no file")
    tx.attachments.add_copy(
        record,
        bridge=writer.bridge.name,
        replica=writer.replica.name,
        ref=attachment.ref,
        url=attachment.url,
        seen_at=receipt.at,
    )
    tx.tickets.set_dirty(intent.ticket, "a file was copied")
