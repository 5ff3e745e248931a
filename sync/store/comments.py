"""The canonical comments."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam
from sqlmodel import col, select

from sync.core.ids import CommentId, PersonId, ReplicaName, TicketId
from sync.core.models import Canonical
from sync.store.convert import canonical_from_json, fields_to_json, origins_to_json
from sync.store.records import CommentRecord
from sync.store.repository import Repository
from sync.store.tables import CommentRow


class Comments(Repository):
    """Comments of tickets; a deleted one stays as a tombstone."""

    def create(
        self,
        ticket: TicketId,
        canonical: Canonical,
        origin: ReplicaName,
        author: PersonId | None,
        author_name: str,
        created_at: datetime,
    ) -> CommentRecord:
        """A new comment; `created_at` is when its author wrote it."""
        row = CommentRow(
            id=self._new_id(),
            ticket=ticket,
            origin=origin,
            author=author,
            author_name=author_name,
            created_at=created_at,
            updated_at=self._now(),
            deleted_at=None,
            **_state(canonical),
        )
        self._insert(CommentRow, row.model_dump())
        return _record(row)

    def get(self, comment: CommentId) -> CommentRecord | None:
        """The comment, a tombstone too; None for none."""
        row = self._get(CommentRow, comment)
        return None if row is None else _record(row)

    def of(self, ticket: TicketId, *, deleted: bool = False) -> list[CommentRecord]:
        """The ticket's comments, oldest first; with the tombstones when `deleted`."""
        found = self._session.exec(_OF_TICKET, params={"ticket": ticket})
        return [_record(row) for row in found if deleted or row.deleted_at is None]

    def save(self, comment: CommentId, canonical: Canonical) -> None:
        """Replace the canonical state."""
        self._change(CommentRow, comment, updated_at=self._now(), **_state(canonical))

    def delete(self, comment: CommentId) -> None:
        """Make it a tombstone: its text and author stay readable."""
        now = self._now()
        self._change(CommentRow, comment, deleted_at=now, updated_at=now)


_OF_TICKET = (
    select(CommentRow)
    .where(CommentRow.ticket == bindparam("ticket"))
    .order_by(col(CommentRow.created_at), col(CommentRow.id))
)


def _state(canonical: Canonical) -> dict[str, Any]:
    return {"fields": fields_to_json(canonical.fields), "origins": origins_to_json(canonical)}


def _record(row: CommentRow) -> CommentRecord:
    return CommentRecord(
        id=CommentId(row.id),
        ticket=TicketId(row.ticket),
        canonical=canonical_from_json(row.fields, row.origins),
        origin=ReplicaName(row.origin),
        author=None if row.author is None else PersonId(row.author),
        author_name=row.author_name,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
    )
