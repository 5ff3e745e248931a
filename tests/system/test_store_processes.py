"""Several processes on one SQLite file, and tables too long for memory."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from datetime import UTC, datetime

import pytest

from sync.core.ids import BridgeName, NativeRef, ReplicaName
from sync.core.models import Canonical, Field, NativeTicket
from sync.store import Store

B, JIRA = BridgeName("payments"), ReplicaName("jira")
START = datetime(2026, 3, 1, tzinfo=UTC)

COUNT_UP = """
import sys
from sync.core.models import Canonical, Field
from sync.store import Store
store = Store(sys.argv[1])
for _ in range(int(sys.argv[3])):
    with store.begin() as tx:
        now = int(tx.tickets.get(sys.argv[2]).canonical.fields[Field.TITLE])
        tx.tickets.save(sys.argv[2], Canonical(fields={Field.TITLE: str(now + 1)}))
        tx.audit.append(phase="decision", action="count up", after=now + 1)
store.close()
"""


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/trackdown.db"


@pytest.fixture
def store(url):
    store = Store(url)
    store.migrate()
    yield store
    store.close()


def run(url, ticket, times):
    return subprocess.Popen(
        [sys.executable, "-c", COUNT_UP, url, ticket, str(times)], stderr=subprocess.PIPE, text=True
    )


def test_no_update_is_lost_between_processes(store, url):
    """Three processes read, count up and write; the sum and the audit chain are right."""
    with store.begin() as tx:
        ticket = tx.tickets.create(B, Canonical(fields={Field.TITLE: "0"})).id
    workers = [run(url, ticket, 40) for _ in range(3)]
    assert [worker.communicate(timeout=120)[1] for worker in workers] == [""] * 3
    with store.read() as tx:
        assert tx.tickets.get(ticket).canonical.fields[Field.TITLE] == "120"
        assert [entry.after for entry in tx.audit.entries()] == list(range(1, 121))
        assert tx.audit.verify() is None


def test_a_killed_process_leaves_whole_transactions(store, url):
    """Ticket and audit entry are either both there or both not, after a kill in full flight."""
    with store.begin() as tx:
        ticket = tx.tickets.create(B, Canonical(fields={Field.TITLE: "0"})).id
    worker = run(url, ticket, 1_000_000)
    entries = 0
    while entries < 20:
        with store.read() as tx:
            entries = sum(1 for _ in tx.audit.entries(limit=20))
    worker.kill()
    worker.communicate()
    assert store.integrity() == []
    with store.read() as tx:
        newest = next(tx.audit.entries(limit=1))
        assert tx.tickets.get(ticket).canonical.fields[Field.TITLE] == str(newest.after)
        assert tx.audit.verify() is None


def test_a_long_table_passes_through_little_memory(store):
    """Walking over 20 MB of payloads never holds more than a part of them."""
    payload = "x" * 20_000
    with store.begin() as tx:
        for number in range(1, 1001):
            ref = NativeRef(f"ref-{number}")
            native = NativeTicket(
                ref=ref,
                key="",
                url="",
                number=number,
                version="1",
                payload={"body": payload},
                fetched_at=START,
                updated_at=START,
            )
            ticket = tx.tickets.create(B, Canonical(fields={})).id
            tx.links.add(bridge=B, replica=JIRA, ref=ref, ticket=ticket, number=number, native=native)
    tracemalloc.start()
    with store.read() as tx:
        assert sum(len(link.native.payload["body"]) for link in tx.links.list(B)) == 20_000_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 15_000_000
