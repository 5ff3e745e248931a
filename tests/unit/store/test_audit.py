"""The audit log shows tampering, and refuses it where it can."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from sync.core.errors import TrackdownError
from sync.core.ids import BridgeName, ReplicaName, RunId, TicketId
from sync.core.models import Canonical
from sync.core.ports import NativeOp, OpKind
from sync.store.audit import GENESIS, LONGEST_VALUE, entry_hash

B, JIRA = BridgeName("payments"), ReplicaName("jira")
REST = "at, phase, run, bridge, ticket, replica, op_id, action, before, after, note, previous_hash, hash"
#: Entries 2 and 3 in each other's place.
SWAPPED = (
    "INSERT OR REPLACE INTO audit SELECT CASE seq WHEN 2 THEN 3 WHEN 3 THEN 2 ELSE seq END, "
    + REST
    + " FROM (SELECT * FROM audit ORDER BY seq) WHERE seq IN (2, 3)"
)


def write(store, count=5):
    with store.begin() as tx:
        return [
            tx.audit.append(
                phase="intent",
                action="set the title",
                run=RunId("R-1"),
                bridge=B,
                ticket=TicketId(f"t{number % 2}"),
                replica=JIRA,
                op_id=f"op-{number}",
                before={"title": "a"},
                after={"title": f"b{number}", "points": 1.5},
                note="Größe\0",
            )
            for number in range(count)
        ]


def verify(store):
    with store.read() as tx:
        return tx.audit.verify()


def tamper(path, *statements):
    """What somebody with the file and without scruples can do."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute("DROP TRIGGER audit_no_delete")
        for statement in statements:
            connection.execute(statement)


def test_entries_are_chained(store):
    """Each entry names the hash of the one before, over transactions too."""
    entries = [*write(store, 3), *write(store, 2)]
    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry.previous_hash for entry in entries] == [GENESIS, *(entry.hash for entry in entries[:-1])]
    assert verify(store) is None
    with store.read() as tx:
        assert list(tx.audit.entries()) == entries
        assert list(tx.audit.entries(ticket=TicketId("t1"))) == [entries[1], entries[4]]
        assert list(tx.audit.entries(run=RunId("R-1"), limit=2)) == entries[3:]
        assert list(tx.audit.entries(run=RunId("R-2"))) == []


def test_an_empty_log_is_whole(store):
    """Nothing was written, nothing is missed."""
    assert verify(store) is None


def test_an_entry_that_was_rolled_back_leaves_no_gap(store):
    """The chain goes on after a transaction that failed."""
    write(store, 1)
    with pytest.raises(TypeError), store.begin() as tx:
        tx.audit.append(phase="decision", action=str(tx.audit.append(phase="decision", action="x")), after=object())
    assert write(store, 1)[0].seq == 2
    assert verify(store) is None


@pytest.mark.parametrize("statement", ["UPDATE audit SET note = ''", "DELETE FROM audit"])
def test_the_database_refuses_changes(store, path, statement):
    """Not even the store's own connection may change or delete an entry."""
    write(store)
    with (
        closing(sqlite3.connect(path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
        connection,
    ):
        connection.execute(statement)
    assert verify(store) is None


@pytest.mark.parametrize(
    ("statement", "seq", "why"),
    [
        ('UPDATE audit SET after = \'{"title":"z"}\' WHERE seq = 3', 3, "changed"),
        ("UPDATE audit SET at = '2020-01-01 00:00:00.000000' WHERE seq = 2", 2, "changed"),
        ("UPDATE audit SET ticket = NULL WHERE seq = 1", 1, "changed"),
        ("UPDATE audit SET hash = 'x' WHERE seq = 4", 4, "changed"),
        ("UPDATE audit SET previous_hash = hash WHERE seq = 4", 4, "does not follow"),
        (SWAPPED, 2, "does not follow"),
        ("INSERT INTO audit SELECT 6, " + REST + " FROM audit WHERE seq = 5", 6, "does not follow"),
        ("INSERT OR REPLACE INTO audit SELECT 2, " + REST + " FROM audit WHERE seq = 4", 2, "does not follow"),
        ("DELETE FROM audit WHERE seq = 3", 3, "missing"),
        ("DELETE FROM audit WHERE seq = 1", 1, "missing"),
        ("DELETE FROM audit WHERE seq = 5", 5, "5 entries were written and 4 are there"),
        ("DELETE FROM audit", 1, "5 entries were written and 0 are there"),
    ],
)
def test_tampering_is_seen(store, path, statement, seq, why):
    """Any column changed or any entry taken out, at the end too, is found at its place."""
    write(store)
    tamper(path, statement)
    found = verify(store)
    assert found is not None
    assert found[0] == seq
    assert why in found[1]
    assert f"entry {seq}" in found[1] or "entries were written" in found[1]


def test_a_rewritten_last_entry_is_seen(store, path):
    """An entry that was replaced with one of a right hash is not the one that was written."""
    entries = write(store)
    tamper(path, "UPDATE audit_head SET hash = 'x'")
    assert verify(store) == (5, "entry 5 is not the one that was written last")
    assert entries[-1].seq == 5


def forge(path, *statements):
    """A log that was changed and then chained anew, end and all, by somebody who knows how."""
    tamper(path, *statements)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.row_factory = sqlite3.Row
        previous, number = GENESIS, 0
        for row in connection.execute("SELECT * FROM audit ORDER BY seq").fetchall():
            number += 1
            values = {**row, "seq": number, "before": json.loads(row["before"]), "after": json.loads(row["after"])}
            for name in ("at", "previous_hash", "hash"):
                del values[name]
            forged = entry_hash(previous, datetime.fromisoformat(row["at"]).replace(tzinfo=UTC), values)
            connection.execute(
                "UPDATE audit SET seq = ?, previous_hash = ?, hash = ? WHERE seq = ?",
                (number, previous, forged, row["seq"]),
            )
            previous = forged
        connection.execute("UPDATE audit_head SET seq = ?, hash = ?", (number, previous))


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE audit SET note = 'nothing' WHERE seq = 2", "entry 5 is another one than when its hash was kept"),
        ("DELETE FROM audit WHERE seq = 2", "entry 5, whose hash was kept, is not there any more: the log ends with 4"),
        ("DELETE FROM audit WHERE seq > 3", "entry 5, whose hash was kept, is not there any more: the log ends with 3"),
    ],
)
def test_a_log_that_was_rewritten_as_a_whole(store, path, statement, words):
    """The chain alone can't show it; the head that somebody kept elsewhere does."""
    write(store)
    with store.read() as tx:
        kept = tx.audit.head()
    write(store, 2)
    with store.read() as tx:
        assert tx.audit.verify(kept) is None
    forge(path, "DELETE FROM audit WHERE seq > 5", statement)
    assert verify(store) is None
    with store.read() as tx:
        found = tx.audit.verify(kept)
    assert found is not None
    assert words in found[1]


def test_a_request_that_the_log_does_not_tell_of(store, path):
    """Cutting the end off and forging the newest hash leaves the outbox to speak."""
    write(store, 3)
    op = NativeOp(kind=OpKind.UPDATE, action="a", summary="s", payload={})
    with store.begin() as tx:
        ticket = tx.tickets.create(B, Canonical(fields={})).id
        where = {"run": RunId("R-2"), "bridge": B, "replica": JIRA, "ticket": ticket}
        row = tx.outbox.add(**where, op=op, state="sent", sent_at=store.now())
        tx.audit.append(phase="intent", action="update", **where, op_id=row.id)
    assert verify(store) is None
    forge(path, "DELETE FROM audit WHERE seq > 3")
    assert verify(store) == (4, "the intent of a request that run R-2 sent is not in the log: its end was cut off")


def test_long_values_are_cut_to_a_digest(store):
    """A value over 16 KB is kept as digest, length and beginning; a shorter one whole."""
    text = "x" * LONGEST_VALUE
    with store.begin() as tx:
        entry = tx.audit.append(phase="outcome", action="set the body", before=text[:-2], after=text)
    assert entry.before == text[:-2]
    assert entry.after["length"] == LONGEST_VALUE + 2
    assert entry.after["sha256"] == hashlib.sha256(f'"{text}"'.encode()).hexdigest()
    assert len(entry.after["excerpt"]) < 2000
    assert verify(store) is None


def test_a_reader_can_not_append(store):
    """The log is written in writing transactions only."""
    with pytest.raises(TrackdownError), store.read() as tx:
        tx.audit.append(phase="person", action="x")
