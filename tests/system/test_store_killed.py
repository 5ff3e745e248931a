"""Migrations of a process that is killed: at every statement, fresh and with data, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import (
    JSON,
    Boolean,
    Connection,
    DateTime,
    Integer,
    MetaData,
    Table,
    event,
    insert,
    select,
    text,
)
from sqlalchemy.engine import Engine

from sync.core.errors import StoreError
from sync.store import Store
from sync.store.engines import make_engine, parse_url
from sync.store.migrate import HEAD, alembic_config
from tests.system.private_postgresql import new_database, private_server

#: All places take a minute or two; a quick run takes some of each.
EVERY = int(os.environ.get("TRACKDOWN_EXAMPLES", "0")) >= 1000
SHELF = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())
#: The revisions that a store may come from.
OLDER = [f"{number:04}" for number in range(1, int(HEAD) if EVERY else 2)]
LONG = timedelta(seconds=30)
WHEN = datetime(2026, 3, 1, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Database:
    """Makes stores: an empty one, or a copy of another one."""

    name: str
    empty: Callable[[], str]
    copy: Callable[[str], str]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    if request.param == "postgresql":
        with private_server() as server:
            yield Database("postgresql", lambda: new_database(server), lambda url: new_database(server, url))
        return
    with tempfile.TemporaryDirectory(prefix="trackdown-killed-", dir=SHELF) as shelf:

        def place() -> Path:
            return Path(tempfile.mkdtemp(dir=shelf)) / "store.db"

        def copy(url: str) -> str:
            return f"sqlite:///{shutil.copy(url.removeprefix('sqlite:///'), place())}"

        yield Database("sqlite", lambda: f"sqlite:///{place()}", copy)


@pytest.fixture(scope="module")
def starts(database: Database) -> dict[str, str]:
    """Stores to begin with: none at all, and one of every older revision with something in each table."""
    urls = {"fresh": database.empty(), **{revision: database.empty() for revision in OLDER}}
    for revision in OLDER:
        with closing(Store(urls[revision])) as store:
            store.migrate()  # an SQLite file that writes ahead, which a migration then finds
        with connected(urls[revision]) as connection:
            command.downgrade(alembic_config(connection), "base")
            command.upgrade(alembic_config(connection), revision)
            fill(connection)
    return urls


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A transaction as migrations have it."""
    engine = make_engine(parse_url(url), "migrate", patience=LONG)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def fill(connection: Connection) -> None:
    """One row in every table that has none, which point to each other."""
    found = MetaData()
    found.reflect(connection)
    for table in found.sorted_tables:
        if connection.execute(select(text("1")).select_from(table)).first() is None:
            connection.execute(insert(table), {column.name: something(column.type) for column in table.columns})


def something(kind: Any) -> Any:
    """A value for a column."""
    match kind:
        case Boolean():
            return True
        case Integer():
            return 1
        case DateTime():
            return WHEN
        case JSON():
            return {"title": "Größe"}
    return "x"


SCHEMA = {
    "sqlite": "SELECT name, sql FROM sqlite_master",
    "postgresql": """
        SELECT table_name || '.' || column_name, concat_ws(' ', data_type, is_nullable, column_default)
            FROM information_schema.columns WHERE table_schema = 'public'
        UNION SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
        UNION SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace""",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A whole store: everything that was created, and every row."""

    schema: list[Any]
    rows: dict[str, list[dict[str, Any]]]


NOTHING = Picture(schema=[], rows={})


def picture(url: str) -> Picture:
    """What is in the store, once it is known to be sound."""
    with connected(url) as connection:
        dialect = connection.dialect.name
        if dialect == "sqlite":
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalars().all() == ["ok"]
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        found = MetaData()
        found.reflect(connection)
        return Picture(
            schema=sorted((name, str(what)) for name, what in connection.exec_driver_sql(SCHEMA[dialect])),
            rows={table.name: _rows(connection, table) for table in found.sorted_tables},
        )


def _rows(connection: Connection, table: Table) -> list[dict[str, Any]]:
    return [{key: row[key] for key in sorted(row)} for row in connection.execute(select(table)).mappings()]


def migrating(url: str, at: Callable[[int], None]) -> int:
    """A process of its own that migrates and calls `at` at each place: around every statement, and the commit."""
    child = os.fork()
    if child:
        return child
    passed = 0

    def pass_by(*_: object) -> None:
        nonlocal passed
        at(passed)
        passed += 1

    status = 1
    with suppress(BaseException):
        for moment in ("before_cursor_execute", "after_cursor_execute", "commit", "engine_disposed"):
            event.listen(Engine, moment, pass_by)
        Store(url, patience=LONG).migrate()
        status = 0
    os._exit(status)


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_at(place: int) -> Callable[[int], None]:
    return lambda number: os.kill(os.getpid(), signal.SIGKILL) if number == place else None


def places(url: str) -> int:
    """How many places a migration passes."""
    heard, told = os.pipe()
    with closing(os.fdopen(heard, "rb")) as ear:
        child = migrating(url, lambda _number: os.write(told, b"."))
        os.close(told)
        count = len(ear.read())
    assert ended(child) == 0
    return count


def kept(after: Picture, before: Picture) -> dict[str, list[dict[str, Any]]]:
    """What became of the rows, by the columns that they had."""
    return {
        name: [{key: row[key] for key in row if key in rows[0]} for row in after.rows[name]]
        for name, rows in before.rows.items()
    }


@pytest.mark.parametrize("start", ["fresh", *OLDER])
def test_killed_at_every_statement(database: Database, starts: dict[str, str], start: str) -> None:
    """The store is as it was before or as it is after, never between, and the next process brings it to the end."""
    first = starts[start]
    before = picture(database.copy(first)) if start != "fresh" else None
    whole = database.copy(first) if start != "fresh" else database.empty()
    count = places(whole)
    after = picture(whole)
    assert before is None or kept(after, before) == before.rows | {"alembic_version": [{"version_num": HEAD}]}
    killed_between = 0
    for place in range(count) if EVERY else sorted({0, *range(3, count, max(1, count // 3)), count - 2, count - 1}):
        url = database.copy(first) if start != "fresh" else database.empty()
        assert ended(migrating(url, kill_at(place))) == -signal.SIGKILL
        left = picture(url)
        assert left in ([after] if place == count - 1 else [before or NOTHING]), place
        killed_between += left != after
        with closing(Store(url, patience=LONG)) as store:
            store.migrate()
        assert picture(url) == after, place
    assert killed_between >= 4


def test_killed_while_another_waits(database: Database) -> None:
    """Only one migrates at a time; when it is killed in the middle, the one that waited does all of it."""
    url = database.empty()
    heard, told = os.pipe()

    def stop(place: int) -> None:
        if place == 40:
            os.write(told, b".")
            signal.pause()

    first = migrating(url, stop)
    os.read(heard, 1)
    with closing(Store(url, patience=timedelta(seconds=0.2))) as hasty, pytest.raises(StoreError, match="locked"):
        hasty.migrate()
    second = migrating(url, lambda _place: None)
    os.kill(first, signal.SIGKILL)
    assert (ended(first), ended(second)) == (-signal.SIGKILL, 0)
    os.close(heard)
    os.close(told)
    whole = database.empty()
    with closing(Store(whole)) as store:
        store.migrate()
    assert picture(url) == picture(whole)
