"""Brings a store to the newest schema, in one transaction that has the store for itself."""

from __future__ import annotations

import sqlite3
import time
from datetime import timedelta
from importlib.resources import files
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from sync.core.errors import StoreError
from sync.store.engines import make_engine
from sync.store.failures import place

#: The newest revision in `migrations/versions`.
HEAD = "0003"


def migrate(url: URL, *, patience: timedelta) -> None:
    """Create or upgrade the store; safe with several processes at once.

    One that is up to date is only read: that waits for nobody and needs no right to write.
    """
    if _is_up_to_date(url, patience):
        return
    engine = make_engine(url, "migrate", patience=patience)
    try:
        if engine.dialect.name == "sqlite":
            _use_wal(engine, patience)
        with engine.begin() as connection:
            found = _revision(connection, url)
            if found != HEAD:
                _upgrade(connection, url, found)
    finally:
        engine.dispose()


def _is_up_to_date(url: URL, patience: timedelta) -> bool:
    engine = make_engine(url, "read", patience=patience)
    try:
        with engine.begin() as connection:
            if connection.execute(text("SELECT version_num FROM alembic_version")).scalar() != HEAD:
                return False
            # A backup that was put back need not write ahead.
            sqlite = connection.dialect.name == "sqlite"
            return not sqlite or connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    except DBAPIError:
        return False  # whatever it is, it is told by who wants to change it
    finally:
        engine.dispose()


def _revision(connection: Connection, url: URL) -> str | None:
    """The store's revision; None for an empty database. Refuses one that holds something else."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if tables:
        raise StoreError(
            f"the store {place(url)}: it is another program's database; set `url` under [store] to one of its own"
        )
    return None


def _upgrade(connection: Connection, url: URL, found: str | None) -> None:
    # Alembic takes a tenth of a second to import and is needed once in the life of a version.
    from alembic import command
    from alembic.util import CommandError

    config = alembic_config(connection)
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise StoreError(
            f"the store {place(url)}: it was made by a newer trackdown (schema {found}); install that version or newer"
        ) from None
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise StoreError(f"the store {place(url)}: {len(broken)} rows point to nothing; nothing was changed")


def alembic_config(connection: Connection) -> Any:
    """Alembic's configuration without a file: the scripts beside this module, run on `connection`."""
    from alembic.config import Config

    config = Config()
    # The option is interpolated, so that a percent sign in a path must be doubled.
    config.set_main_option("script_location", str(files("sync.store") / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _use_wal(engine: Engine, patience: timedelta) -> None:
    """Turn the write-ahead log on; it stays on. SQLite does not wait here by itself when another process is as far."""
    deadline = time.monotonic() + patience.total_seconds()
    while True:
        raw = engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA journal_mode=WAL").close()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        finally:
            raw.close()
        time.sleep(0.02)
