"""The canonical attachments and where their copies are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import bindparam
from sqlmodel import col, select

from sync.core.ids import AttachmentId, BridgeName, NativeRef, ReplicaName, TicketId
from sync.store.records import AttachmentRecord, CopyRecord, CopyState
from sync.store.repository import Repository, chunks
from sync.store.tables import AttachmentRow, CopyRow


class Attachments(Repository):
    """Files of tickets by content; a deleted one stays as a tombstone."""

    _any = False

    def create(
        self,
        ticket: TicketId,
        *,
        sha256: str | None,
        name: str,
        size: int,
        media_type: str,
        origin: ReplicaName,
        skipped: str = "",
    ) -> AttachmentRecord:
        """A new content at the ticket; without `sha256` it is not carried, `skipped` says why."""
        row = AttachmentRow(
            id=self._new_id(),
            ticket=ticket,
            sha256=sha256,
            name=name,
            size=size,
            media_type=media_type,
            origin=origin,
            skipped=skipped,
            created_at=self._now(),
            deleted_at=None,
        )
        self._insert(AttachmentRow, row.model_dump())
        return _record(row)

    def get(self, attachment: AttachmentId) -> AttachmentRecord | None:
        """The attachment, a tombstone too; None for none."""
        row = self._get(AttachmentRow, attachment)
        return None if row is None else _record(row)

    def of(self, ticket: TicketId) -> list[AttachmentRecord]:
        """The ticket's attachments with the tombstones, oldest first."""
        return [_record(row) for row in self._session.exec(_OF_TICKET, params={"ticket": ticket})]

    def delete(self, attachment: AttachmentId) -> None:
        """Make it a tombstone."""
        self._change(AttachmentRow, attachment, deleted_at=self._now())

    def add_copy(
        self,
        attachment: AttachmentRecord,
        *,
        bridge: BridgeName,
        replica: ReplicaName,
        ref: NativeRef,
        url: str,
        seen_at: datetime,
        state: CopyState = "active",
    ) -> None:
        """The attachment is in the replica (or refused there)."""
        self._insert(
            CopyRow,
            {
                "id": self._new_id(),
                "bridge": bridge,
                "replica": replica,
                "ticket": attachment.ticket,
                "attachment": attachment.id,
                "ref": ref,
                "url": url,
                "state": state,
                "seen_at": seen_at,
            },
        )

    def copies(self, ticket: TicketId) -> list[CopyRecord]:
        """Where the ticket's attachments are, were, or were refused."""
        return [_copy(row) for row in self._session.exec(_COPIES, params={"ticket": ticket})]

    def set_copy(self, copy: str, state: CopyState, seen_at: datetime) -> None:
        """Change what is known of a copy."""
        self._change(CopyRow, copy, state=state, seen_at=seen_at)

    def any(self) -> bool:
        """Whether a file is known at all: in most stores none is, and every text is asked about."""
        self._any = self._any or self._session.exec(_ANY).first() is not None
        return self._any

    def by_url(self, bridge: BridgeName, urls: Iterable[str]) -> dict[str, AttachmentId]:
        """The attachments that stand behind addresses, in whichever replica; the others are left out."""
        if not self.any():
            return {}
        query = select(CopyRow.url, CopyRow.attachment).where(CopyRow.bridge == bridge)
        return {
            url: AttachmentId(attachment)
            for chunk in chunks(urls)
            for url, attachment in self._session.exec(query.where(col(CopyRow.url).in_(chunk)))
        }

    def addresses(self, replica: ReplicaName, attachments: Iterable[str]) -> dict[AttachmentId, tuple[str, str]]:
        """Name and address of each attachment: of its copy in the replica, else of the one where it was first seen."""
        query = select(AttachmentRow, CopyRow).where(
            CopyRow.attachment == AttachmentRow.id, col(CopyRow.state) == "active", col(CopyRow.url) != ""
        )
        best: dict[AttachmentId, tuple[int, str, str]] = {}
        for chunk in chunks(attachments):
            for row, copy in self._session.exec(query.where(col(AttachmentRow.id).in_(chunk))):
                rank = 0 if copy.replica == replica else 1 if copy.replica == row.origin else 2
                found = (rank, row.name, copy.url)
                best[AttachmentId(row.id)] = min(best.get(AttachmentId(row.id), found), found)
        return {attachment: (name, url) for attachment, (_, name, url) in best.items()}


_OF_TICKET = (
    select(AttachmentRow)
    .where(AttachmentRow.ticket == bindparam("ticket"))
    .order_by(col(AttachmentRow.created_at), col(AttachmentRow.id))
)
_COPIES = select(CopyRow).where(CopyRow.ticket == bindparam("ticket")).order_by(col(CopyRow.id))
_ANY = select(CopyRow.id).limit(1)


def _record(row: AttachmentRow) -> AttachmentRecord:
    return AttachmentRecord(
        id=AttachmentId(row.id),
        ticket=TicketId(row.ticket),
        sha256=row.sha256,
        name=row.name,
        size=row.size,
        media_type=row.media_type,
        origin=ReplicaName(row.origin),
        skipped=row.skipped,
        created_at=row.created_at,
        deleted_at=row.deleted_at,
    )


def _copy(row: CopyRow) -> CopyRecord:
    return CopyRecord(
        id=row.id,
        bridge=BridgeName(row.bridge),
        replica=ReplicaName(row.replica),
        ticket=TicketId(row.ticket),
        attachment=AttachmentId(row.attachment),
        ref=NativeRef(row.ref),
        url=row.url,
        state=row.state,  # type: ignore[arg-type]
        seen_at=row.seen_at,
    )
