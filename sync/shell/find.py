"""Tickets by the keys that people use: canonical (`ISSUE-12`) or a tracker's own (`PAY-12`, `#12`, a URL)."""

from __future__ import annotations

from collections.abc import Iterable

from sync.core.errors import ConfigError
from sync.core.ids import BridgeName
from sync.store import Tx
from sync.store.records import TicketRecord


def tickets_by_key(tx: Tx, bridges: Iterable[BridgeName], key: str) -> list[TicketRecord]:
    """Every ticket with this key, at most one per bridge and key; raises `ConfigError` for none."""
    found: dict[str, TicketRecord] = {}
    for bridge in bridges:
        if (record := tx.tickets.by_key(bridge, key)) is not None:
            found[record.id] = record
            continue
        wanted = key.strip().rstrip("/").casefold()
        for link in tx.links.list(bridge, state="active"):
            if wanted in (link.key.casefold(), link.url.rstrip("/").casefold()):
                ticket = tx.tickets.get(link.ticket)
                if ticket is not None:
                    found[ticket.id] = ticket
    if not found:
        raise ConfigError([f"no ticket is called {key!r}: `trackdown links list` shows them all"])
    return list(found.values())
