"""What was asked of one side of a ticket last, and what became of it."""

from __future__ import annotations

from sync.core.fieldrules import equal
from sync.core.ids import BridgeName
from sync.core.models import UNKNOWN, Field
from sync.store import Tx
from sync.store.convert import fields_from_json
from sync.store.records import LinkRecord, OutboxRecord


def was_taken(tx: Tx, link: LinkRecord, name: Field) -> bool:
    """Whether the tracker took the value that the side was settled with in a request, whatever it made of it."""
    last = _last_asked(tx, link, name)
    sent = fields_from_json(last.after or {}) if last is not None and last.state == "done" else {}
    return name in sent and equal(name, sent[name], link.agreed.get(name, UNKNOWN))


def is_unsaid(tx: Tx, bridge: BridgeName, link: LinkRecord, name: Field) -> bool:
    """Whether the value that the side was settled with could not be written there."""
    last = _last_asked(tx, link, name)
    refused = last is not None and last.state == "failed"
    return refused or name in tx.problems.fields_of(bridge, link.replica, link.ticket)


def _last_asked(tx: Tx, link: LinkRecord, name: Field) -> OutboxRecord | None:
    rows = tx.outbox.of_ticket(link.ticket, link.replica)
    asked = [row for row in rows if row.link in (link.id, None) and row.comment is None and name in row.op.fields]
    return asked[-1] if asked else None
