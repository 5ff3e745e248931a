"""The canonical tickets."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Text, bindparam, cast, func
from sqlmodel import col, select

from sync.core.ids import BridgeName, TicketId
from sync.core.models import Canonical, Field
from sync.store.convert import canonical_from_json, fields_to_json, origins_to_json
from sync.store.records import TicketRecord
from sync.store.repository import Repository
from sync.store.tables import TicketRow

_PREFIXES = {"epic": "EPIC", "issue": "ISSUE", "task": "TASK"}
_KEY = re.compile(r"(?:EPIC|ISSUE|TASK)-([1-9][0-9]{0,17})", re.IGNORECASE)


class Tickets(Repository):
    """Numbers count up within a bridge and are never used twice."""

    def create(self, bridge: BridgeName, canonical: Canonical, *, dirty: str | None = None) -> TicketRecord:
        """A new ticket with the next number of its bridge."""
        newest = self._session.exec(select(func.max(TicketRow.number)).where(TicketRow.bridge == bridge)).one()
        now = self._now()
        row = TicketRow(
            id=self._new_id(),
            bridge=bridge,
            number=(newest or 0) + 1,
            dirty=dirty,
            created_at=now,
            updated_at=now,
            **_state(canonical),
        )
        self._insert(TicketRow, row.model_dump())
        return _record(row)

    def get(self, ticket: TicketId) -> TicketRecord | None:
        """The ticket; None for none."""
        row = self._get(TicketRow, ticket)
        return None if row is None else _record(row)

    def by_key(self, bridge: BridgeName, key: str) -> TicketRecord | None:
        """The ticket with this display key; found by its old key too after a change of kind."""
        match = _KEY.fullmatch(key.strip())
        if match is None:
            return None
        row = self._session.exec(
            select(TicketRow).where(TicketRow.bridge == bridge, TicketRow.number == int(match[1]))
        ).first()
        return None if row is None else _record(row)

    def save(self, ticket: TicketId, canonical: Canonical) -> None:
        """Replace the canonical state."""
        self._change(TicketRow, ticket, updated_at=self._now(), **_state(canonical))

    def set_dirty(self, ticket: TicketId, reason: str | None) -> None:
        """Say why the ticket must be decided on again; None: it needs not."""
        self._change(TicketRow, ticket, dirty=reason)

    def dirty(self, bridge: BridgeName, reason: str | None = None) -> builtins.list[TicketId]:
        """The tickets that must be decided on again, by number; with a reason, those for it alone."""
        found = self._session.exec(_DIRTY, params={"bridge": bridge})
        return [TicketId(ticket) for ticket, why in found if reason in (None, why)]

    def naming(self, bridge: BridgeName, ticket: TicketId) -> builtins.list[TicketId]:
        """The tickets that name this one as their parent or in a link, as far as a look for its id can tell."""
        named = cast(TicketRow.fields, Text).contains(ticket, autoescape=True)
        query = select(TicketRow.id).where(TicketRow.bridge == bridge, TicketRow.id != ticket, named)
        return [TicketId(one) for one in self._session.exec(query.order_by(col(TicketRow.number)))]

    def count(self, bridge: BridgeName) -> int:
        """How many tickets the bridge has."""
        return self._session.exec(select(func.count()).select_from(TicketRow).where(TicketRow.bridge == bridge)).one()

    def list(self, bridge: BridgeName) -> Iterator[TicketRecord]:
        """All tickets of the bridge by number, read a chunk at a time."""
        return self._walk(select(TicketRow).where(TicketRow.bridge == bridge), _record, "number")


_DIRTY = (
    select(TicketRow.id, TicketRow.dirty)
    .where(TicketRow.bridge == bindparam("bridge"), col(TicketRow.dirty).is_not(None))
    .order_by(col(TicketRow.number))
)


def _state(canonical: Canonical) -> dict[str, Any]:
    return {"fields": fields_to_json(canonical.fields), "origins": origins_to_json(canonical)}


def _record(row: TicketRow) -> TicketRecord:
    canonical = canonical_from_json(row.fields, row.origins)
    kind = canonical.fields.get(Field.KIND)
    prefix = _PREFIXES.get(kind, "ISSUE") if isinstance(kind, str) else "ISSUE"
    return TicketRecord(
        id=TicketId(row.id),
        bridge=BridgeName(row.bridge),
        number=row.number,
        key=f"{prefix}-{row.number}",
        canonical=canonical,
        dirty=row.dirty,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
