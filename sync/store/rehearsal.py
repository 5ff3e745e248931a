"""A store to rehearse in: what happens there has never happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sync.store.database import Store, Tx
from sync.store.records import Lease


class _Over(Exception):
    """Rolls back what was rehearsed."""


class _Rehearsal(Store):
    """All transactions are parts of one that does not last; for one thread, which may nest them."""

    def __init__(self, store: Store, tx: Tx) -> None:
        self._of = store
        self._tx = tx

    def __repr__(self) -> str:
        return f"rehearsal in {self._of!r}"

    def now(self) -> datetime:
        return self._of.now()

    @contextmanager
    def begin(self, lease: Lease | None = None) -> Iterator[Tx]:  # noqa: ARG002 - it was checked when the rehearsal began
        yield self._tx

    @contextmanager
    def read(self) -> Iterator[Tx]:
        yield self._tx


@contextmanager
def rehearsed(store: Store, lease: Lease) -> Iterator[Store]:
    """The store as it is, with writes that are forgotten at the end of the `with` block; nobody else writes meanwhile."""
    try:
        with store.begin(lease) as tx:
            yield _Rehearsal(store, tx)
            raise _Over
    except _Over:
        return
