"""The only SQL: what trackdown remembers, handed out and taken in as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sync.store.database import Store, Tx
    from sync.store.records import Lease

__all__ = ["Lease", "Store", "Tx"]


def __getattr__(name: str) -> Any:
    # SQLModel takes half a second to import, which `trackdown --help` should not wait for.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sync.store import database, records

    return getattr(records if name == "Lease" else database, name)
