"""The schema on SQLite: made by migrations alone, whoever comes at once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from sync.store import Store
from sync.store.engines import make_engine, parse_url
from sync.store.migrate import HEAD, alembic_config
from sync.store.tables import Table


@pytest.fixture
def path(tmp_path):
    return tmp_path / "trackdown.db"


@pytest.fixture
def store(path):
    store = Store(f"sqlite:///{path}")
    yield store
    store.close()


@pytest.fixture
def connection(path, store):
    """A connection as migrations use it."""
    store.migrate()
    engine = make_engine(parse_url(f"sqlite:///{path}"), "migrate", patience=timedelta(seconds=5))
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def test_the_models_are_what_the_migrations_make(connection):
    """Nothing is left for a new migration to do."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    assert compare_metadata(context, Table.metadata) == []


def test_the_newest_revision_is_the_one_that_is_asked_for(connection):
    """A revision that was added is also reached."""
    scripts = ScriptDirectory.from_config(alembic_config(connection))
    assert scripts.get_heads() == [HEAD]
    assert MigrationContext.configure(connection).get_current_revision() == HEAD


def test_the_schema_can_be_taken_back(connection, store):
    """Down to nothing and up again."""
    config = alembic_config(connection)
    command.downgrade(config, "base")
    left = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").scalars().all()
    assert left == ["alembic_version"]
    command.upgrade(config, "head")
    assert MigrationContext.configure(connection).get_current_revision() == HEAD


def test_a_store_that_is_up_to_date_is_left_alone(store, path):
    """Setting up a second time changes nothing and keeps what is there."""
    store.migrate()
    with store.begin() as tx:
        tx.cursors.put("payments", "jira", "here")
    store.close()
    before = path.read_bytes()
    store.migrate()
    store.close()
    assert path.read_bytes() == before
    with store.read() as tx:
        assert tx.cursors.get("payments", "jira") == "here"


def test_the_file_writes_ahead(store, path):
    """Readers and a writer don't wait for each other."""
    store.migrate()
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_several_processes_set_up_one_store(path):
    """Whoever comes second finds it done."""
    script = "import sys; from sync.store import Store; store = Store(sys.argv[1]); store.migrate(); store.close()"
    started = [
        subprocess.Popen([sys.executable, "-c", script, f"sqlite:///{path}"], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=60)[1] for process in started]
    assert [(process.returncode, text) for process, text in zip(started, said, strict=True)] == [(0, "")] * 3
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
