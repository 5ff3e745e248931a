"""Whole histories on PostgreSQL come to the same as in memory."""

from __future__ import annotations

import pytest

from sync.store import Store
from tests.simulation.history import run_history
from tests.system.private_postgresql import new_database, private_server

pytest.importorskip("psycopg", reason="psycopg is not installed")


def test_histories_come_to_the_same() -> None:
    """I18: the same seed gives the same tickets, log and conflicts."""
    with private_server() as server:
        url = new_database(server)
        store = Store(url)
        store.migrate()
        store.close()
        result = run_history(21, url=url)
    assert not result.failures
    assert result.fingerprint == run_history(21).fingerprint
