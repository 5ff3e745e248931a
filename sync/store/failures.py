"""What the database says, as one sentence with the mend; values never get into it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from sync.core.errors import InvariantBroken, StoreError

DAMAGED = "the file is damaged; put a backup back (`trackdown doctor` says what is wrong with it)"
#: Words of SQLite's and PostgreSQL's messages, and what to tell a person.
_KNOWN = (
    ("file is not a database", "it is not an SQLite database; set `url` under [store] to another file"),
    ("malformed", DAMAGED),
    ("locked", "another process kept it locked for too long; wait for it or stop it, then try again"),
    ("lock timeout", "another process kept it locked for too long; wait for it or stop it, then try again"),
    ("readonly database", "it may not be written; give this user the right to write the file and its folder"),
    ("read-only transaction", "it may only be read here"),
    ("unable to open", "it can't be opened; see that the folder exists and that this user may write there"),
    ("disk is full", "the disk is full; make room and try again"),
    ("no space left", "the disk is full; make room and try again"),
    ("disk i/o error", "the disk failed or is full; make room or look at the disk, then try again"),
    ("no such table", "it was never set up; `trackdown sync` does that"),
    ("undefinedtable", "it was never set up; `trackdown sync` does that"),
    ("password authentication failed", "the server refused user or password; mend `url` under [store]"),
    ("permission denied", "this user lacks a right there; grant it, or mend `url` under [store]"),
    ("does not exist", "there is no such database or user on the server; create it or mend `url` under [store]"),
    ("the database system is", "the server is starting or stopping; try again"),
    ("connection", "the server can't be reached; see that it runs and mend `url` under [store]"),
)


def place(url: URL) -> str:
    """The store as a person knows it: a file, or a server and database, without user and password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    port = f":{url.port}" if url.port else ""
    return f"{url.database} on {url.host or 'localhost'}{port}"


@contextmanager
def told_plainly(url: URL) -> Iterator[None]:
    """Turn the database's errors into `StoreError`s that name the store and the mend.

    A broken constraint is `InvariantBroken`: callers look before they add.
    """
    try:
        yield
    except IntegrityError as error:
        said = str(error.orig).splitlines()[0]
        raise InvariantBroken(f"the store {place(url)} refused a change: {said}") from error
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        said = f"{type(cause).__name__}: {cause}"
        for words, mend in _KNOWN:
            if words in said.lower():
                raise StoreError(f"the store {place(url)}: {mend}") from None
        raise StoreError(f"the store {place(url)} failed: {said.splitlines()[0]}") from error
    except SQLAlchemyError as error:
        raise StoreError(f"the store {place(url)} failed: {str(error).splitlines()[0]}") from error
