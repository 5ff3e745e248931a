"""Our own ids, as people know what stands behind them."""

from __future__ import annotations

import re

from sync.core.ids import AttachmentId, TicketId
from sync.core.models import Value
from sync.store.database import Tx

_ID = re.compile(r"\b[0-9a-f]{32}\b")


def in_words(tx: Tx, value: Value) -> Value:
    """The value with keys for the ids of tickets and names for those of files; other texts stay as they are."""
    if isinstance(value, frozenset):
        return frozenset(text_in_words(tx, member) for member in value)
    return text_in_words(tx, value) if isinstance(value, str) else value


def text_in_words(tx: Tx, text: str) -> str:
    """The same for a text."""
    return _ID.sub(lambda found: _named(tx, found[0]), text)


def _named(tx: Tx, identifier: str) -> str:
    if (ticket := tx.tickets.get(TicketId(identifier))) is not None:
        return ticket.key
    attachment = tx.attachments.get(AttachmentId(identifier))
    return identifier if attachment is None else attachment.name
