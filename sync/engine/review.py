"""What a person decides about a conflict becomes the canonical value; the next cycle writes it everywhere."""

from __future__ import annotations

from dataclasses import replace

from sync.core.errors import ConfigError
from sync.core.ids import ReplicaName
from sync.core.models import Canonical, Field, Fields, Provenance, Value
from sync.store import Store, Tx
from sync.store.convert import fields_to_json
from sync.store.records import ConflictRecord


def resolve_conflict(
    store: Store, conflict: str, *, chosen: Value, replica: ReplicaName | None, by: str
) -> ConflictRecord:
    """Settle a conflict by hand, or settle it otherwise than the policy did: one transaction, with an audit entry.

    `replica` is the one whose claim was taken, None for a value of the person's own.
    """
    with store.begin() as tx:
        record = tx.conflicts.get(conflict)
        if record is None:
            raise ConfigError([f"there is no conflict {conflict}; `trackdown conflicts list` shows them"])
        ticket = tx.tickets.get(record.ticket)
        if ticket is None:
            raise ConfigError([f"the ticket of conflict {conflict} is not there any more"])
        before = _set(tx, record, chosen, Provenance(replica=None, at=store.now()), ticket.canonical)
        _unsettle(tx, record)
        tx.tickets.set_dirty(record.ticket, f"conflict {record.id} was resolved")
        resolved = replace(
            record,
            state="resolved",
            chosen=chosen,
            chosen_replica=replica,
            by=by,
            resolved_at=store.now(),
        )
        tx.conflicts.save(resolved)
        tx.audit.append(
            phase="person",
            action="resolve conflict",
            bridge=record.bridge,
            ticket=record.ticket,
            before=fields_to_json({record.field: before}),
            after=fields_to_json({record.field: chosen}),
            note=f"{record.id} by {by}",
        )
    return resolved


def _unsettle(tx: Tx, record: ConflictRecord) -> None:
    """Have every side compared with the chosen value: one that was held may show another although it had agreed to this one."""
    links = tx.links.of_ticket(record.ticket) if record.comment is None else tx.links.of_comments(record.ticket)
    for link in links:
        if link.comment == record.comment and record.field in link.agreed:
            agreed = {name: value for name, value in link.agreed.items() if name is not record.field}
            tx.links.save(replace(link, agreed=agreed))


def _set(tx: Tx, record: ConflictRecord, chosen: Value, source: Provenance, ticket: Canonical) -> Value:
    """Write the value into the ticket or the comment; what stood there before."""
    comment = tx.comments.get(record.comment) if record.comment is not None else None
    canonical = ticket if comment is None else comment.canonical
    fields: dict[Field, Value] = {**canonical.fields, record.field: chosen}
    after = Canonical(fields=fields, provenance={**canonical.provenance, record.field: source})
    if comment is None:
        tx.tickets.save(record.ticket, after)
    else:
        tx.comments.save(comment.id, after)
    before: Fields = canonical.fields
    return before.get(record.field)
