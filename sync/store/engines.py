"""Connections: one engine that writes and one that reads, with the same promises on SQLite and PostgreSQL.

A writing transaction has the store for itself from its first statement: `BEGIN IMMEDIATE` on SQLite, one advisory
lock on PostgreSQL. With the SQLite driver's own default two processes read the same value and one write vanishes.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from sync.core.errors import StoreError
from sync.store.convert import dumps
from sync.store.failures import DAMAGED, place

Purpose = Literal["write", "read", "migrate"]

#: "trackdown" on a phone's keys: the advisory lock of writing transactions on PostgreSQL.
_LOCK = 872253696


def parse_url(url: str) -> URL:
    """The store's address; refuses what can't keep tickets."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError("the store's url can't be read; it looks like sqlite:///trackdown.db") from None
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise StoreError(f"a store on {backend} is not supported; use sqlite:/// or postgresql+psycopg://")
    if parsed.database in (None, "", ":memory:"):
        raise StoreError(
            "a store in memory would forget which tickets belong together; name a file: sqlite:///trackdown.db"
        )
    return parsed


def make_engine(url: URL, purpose: Purpose, *, patience: timedelta) -> Engine:
    """An engine whose transactions fit the purpose; `patience` is how long to wait for another writer."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, purpose, patience)
    return _postgresql(url, purpose, patience)


def _sqlite(url: URL, purpose: Purpose, patience: timedelta) -> Engine:
    path = Path(str(url.database)).absolute()
    # A store that is not there is an error to everybody but the one who sets it up.
    address = f"{path.as_uri()}?mode=rw"

    def connect() -> sqlite3.Connection:
        if purpose == "migrate":
            _touch(path)
        connection = sqlite3.connect(
            address,
            uri=True,
            timeout=patience.total_seconds(),
            isolation_level=None,
            check_same_thread=False,
        )
        for pragma in _PRAGMAS[purpose]:
            connection.execute(pragma).close()
        return connection

    engine = create_engine(
        url, creator=connect, hide_parameters=True, json_serializer=dumps, json_deserializer=_reading(url)
    )
    begin = "BEGIN" if purpose == "read" else "BEGIN IMMEDIATE"
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


_PRAGMAS: dict[Purpose, tuple[str, ...]] = {
    "write": ("PRAGMA foreign_keys=ON", "PRAGMA synchronous=FULL"),
    "read": ("PRAGMA foreign_keys=ON", "PRAGMA query_only=ON"),
    # A migration drops and renames tables, which foreign keys would read as deleting what points to them.
    "migrate": ("PRAGMA foreign_keys=OFF", "PRAGMA synchronous=FULL"),
}


def _reading(url: URL) -> Callable[[str], Any]:
    """Reads JSON; what is none was damaged where it lay (SQLite takes any text for JSON)."""

    def loads(value: str) -> Any:
        try:
            return json.loads(value)
        except ValueError:
            raise StoreError(f"the store {place(url)}: {DAMAGED}") from None

    return loads


def _touch(path: Path) -> None:
    """Make the file for this user's eyes only: it will hold the tickets of a company."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError:
        return  # SQLite says it better


def _postgresql(url: URL, purpose: Purpose, patience: timedelta) -> Engine:
    options: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    try:
        engine = create_engine(
            url,
            hide_parameters=True,
            json_serializer=dumps,
            pool_pre_ping=True,
            execution_options=options if purpose == "read" else {},
        )
    except ImportError:
        raise StoreError("a store on PostgreSQL needs psycopg: install trackdown with the extra `postgresql`") from None

    def lock(connection: Connection) -> None:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(patience.total_seconds() * 1000)}")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")

    if purpose != "read":
        event.listen(engine, "begin", lock)
    return engine
