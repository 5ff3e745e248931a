"""A store that can't be used says which one it is and what to do."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from datetime import timedelta

import pytest

from sync.core.errors import StoreError
from sync.core.ids import BridgeName
from sync.store import Store

B = BridgeName("payments")


@pytest.fixture
def open_at():
    opened = []

    def make(path):
        opened.append(Store(f"sqlite:///{path}", patience=timedelta(seconds=0.2)))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


def said(action, path):
    """The message, once it is known to name the file and to hide what it came from."""
    with pytest.raises(StoreError) as caught:
        action()
    assert str(path) in str(caught.value)
    assert caught.value.__suppress_context__
    return str(caught.value)


def test_a_file_that_is_no_database(open_at, tmp_path):
    """Another kind of file is left as it is."""
    path = tmp_path / "notes.db"
    path.write_text("these are my notes\n" * 100)
    assert "not an SQLite database" in said(open_at(path).migrate, path)
    assert path.read_text().startswith("these are my notes")


def test_another_programs_database(open_at, tmp_path):
    """Tables that are not ours are not mixed with ours."""
    path = tmp_path / "music.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE albums (title TEXT)")
    with pytest.raises(StoreError, match=r"music\.db: it is another program's database"):
        open_at(path).migrate()


def test_a_newer_schema(open_at, path):
    """A store that a newer version made is not touched."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "newer trackdown (schema 9999)" in said(open_at(path).migrate, path)


def test_a_store_that_is_not_there(open_at, tmp_path):
    """Reading does not make an empty store."""
    path = tmp_path / "none.db"
    store = open_at(path)

    def read():
        with store.read() as tx:
            tx.tickets.count(B)

    said(read, path)
    assert not path.exists()


def test_a_store_that_was_never_set_up(open_at, tmp_path):
    """An empty file is told from a damaged one."""
    path = tmp_path / "empty.db"
    path.touch()
    store = open_at(path)

    def read():
        with store.read() as tx:
            tx.tickets.count(B)

    assert "never set up" in said(read, path)


def test_a_folder_that_is_not_there(open_at, tmp_path):
    """The path is named."""
    path = tmp_path / "no" / "such" / "folder.db"
    assert "can't be opened" in said(open_at(path).migrate, path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_read_only_file(open_at, path):
    """The right that is missing is named."""
    path.chmod(stat.S_IRUSR)

    def write():
        with open_at(path).begin() as tx:
            tx.cursors.put(B, "jira", "1")

    assert "right to write" in said(write, path)


def test_a_locked_store(open_at, path):
    """Waiting ends, and the message says that somebody else has it."""
    store = open_at(path)

    def write():
        with store.begin() as tx:
            tx.cursors.put(B, "jira", "1")

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "locked" in said(write, path)
        store.migrate()  # it is up to date, which is only read
        other.execute("ROLLBACK")
    write()


def test_a_full_disk(open_at, path):
    """The transaction is taken back and the store stays whole."""
    store = open_at(path)
    with store.begin() as tx:
        pages = tx.cursors._session.connection().exec_driver_sql("PRAGMA max_page_count=1").scalar()
    assert pages

    def write():
        with store.begin() as tx:
            for number in range(200):
                tx.cursors.put(B, f"jira{number}", "x" * 4000)

    assert "disk is full" in said(write, path)
    assert store.integrity() == []
    with store.read() as tx:
        assert tx.cursors.get(B, "jira0") is None


def test_a_damaged_value(open_at, path):
    """Text where there must be JSON is told as damage, not as a bug."""
    store = open_at(path)
    with store.begin() as tx:
        tx.runs.finish(tx.runs.start(B), {"pulled": 1})
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE runs SET stats = substr(stats, 1, 5)")

    def read():
        with store.read() as tx:
            tx.runs.last(B)

    assert "damaged; put a backup back" in said(read, path)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://x/y", "not supported"),
        ("nonsense", "sqlite:///trackdown.db"),
        ("sqlite://", "forget"),
        ("sqlite:///:memory:", "forget"),
    ],
)
def test_a_wrong_address(url, words):
    """What can't be a store is refused before it is used."""
    with pytest.raises(StoreError, match=words):
        Store(url)


def test_a_password_is_never_shown():
    """Neither a repr nor an error holds it."""
    store = Store("postgresql://ada:hunter2@127.0.0.1:1/tickets?connect_timeout=1")
    with pytest.raises(StoreError) as caught:
        store.migrate()
    assert "tickets on 127.0.0.1:1" in str(caught.value)
    assert "can't be reached" in str(caught.value)
    assert "hunter2" not in f"{caught.value!r} {store!r}"
    store.close()


def test_values_are_not_in_errors(store, native):
    """What a ticket says does not leak through a failing statement."""
    secret = native(1, payload={"body": "the merger is on"}, key=object())
    with pytest.raises(Exception) as caught, store.begin() as tx:
        tx.inbox.put(B, "jira", [secret])
    assert "merger" not in str(caught.value)


def test_the_file_is_for_its_owner_only(open_at, tmp_path):
    """Tickets of a company are not for every user of the machine."""
    path = tmp_path / "odd name #1 50% ü.db"
    open_at(path).migrate()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
