"""What the repositories share: a session, a clock, a source of ids, and walks over tables of any length."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any, TypeVar, cast

from sqlalchemy import Insert, Update, bindparam, insert, tuple_, update
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel, select
from sqlmodel.sql.expression import SelectOfScalar

Item = TypeVar("Item")
Row = TypeVar("Row", bound=SQLModel)

#: Rows read at a time by a walk; small enough for ten thousand payloads to pass through little memory.
CHUNK = 200
#: The name of a primary key's value in a statement. Statements are built once: building one costs more than running it.
KEY = "primary_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where a repository takes time and identity from."""

    now: Callable[[], datetime]
    new_id: Callable[[], str]


class Repository:
    """One noun's part of a transaction."""

    def __init__(self, session: Session, context: Context) -> None:
        self._session = session
        self._now = context.now
        self._new_id = context.new_id

    def _insert(self, table: type[SQLModel], values: dict[str, Any]) -> None:
        self._session.connection().execute(_insert_into(table), values)

    def _change(self, table: type[SQLModel], key: str | int, /, **values: Any) -> None:
        """Set columns of the row with this (one-column) primary key."""
        self._session.connection().execute(_update_of(table, tuple(values)), {**values, KEY: key})

    def _get(self, table: type[Row], key: str | int) -> Row | None:
        """The row with this (one-column) primary key; None for none."""
        return self._session.exec(_by_key(table), params={KEY: key}).first()

    def _walk(self, query: SelectOfScalar[Row], convert: Callable[[Row], Item], *keys: str) -> Iterator[Item]:
        """All of `query`, ordered by `keys` (unique together), a chunk at a time.

        No row outlives its conversion and no result stays open, so that what is walked over may be saved meanwhile.
        """
        table = query.column_descriptions[0]["entity"]
        columns = [getattr(table, key) for key in keys]
        query = query.order_by(*columns).limit(CHUNK)
        rows = self._session.exec(query).all()
        while rows:
            last = [getattr(rows[-1], key) for key in keys]
            found = [convert(row) for row in rows]
            is_last = len(rows) < CHUNK
            del rows
            yield from found
            del found
            if is_last:
                return
            rows = self._session.exec(query.where(tuple_(*columns) > last)).all()

    def _upsert(self, table: type[SQLModel], rows: list[dict[str, Any]], *, unless_same: str | None = None) -> None:
        """Insert or replace by primary key; rows whose `unless_same` column is equal already are left alone."""
        dialect = self._session.get_bind().dialect.name
        self._session.connection().execute(_upsert_into(table, dialect, tuple(rows[0]), unless_same), rows)


@cache
def _insert_into(table: type[SQLModel]) -> Insert:
    return insert(sql_table(table))


@cache
def _upsert_into(table: type[SQLModel], dialect: str, columns: tuple[str, ...], unless_same: str | None) -> Insert:
    target = sql_table(table)
    statement = postgresql.insert(target) if dialect == "postgresql" else sqlite.insert(target)
    keys = [column.name for column in target.primary_key]
    new = statement.excluded
    upsert: Insert = statement.on_conflict_do_update(
        index_elements=keys,
        set_={name: new[name] for name in columns if name not in keys},
        where=None if unless_same is None else target.c[unless_same] != new[unless_same],
    )
    return upsert


@cache
def _update_of(table: type[SQLModel], columns: tuple[str, ...]) -> Update:
    target = sql_table(table)
    (primary,) = target.primary_key
    return update(target).where(primary == bindparam(KEY)).values({name: bindparam(name) for name in columns})


@cache
def _by_key(table: type[Row]) -> SelectOfScalar[Row]:
    (primary,) = sql_table(table).primary_key
    return select(table).where(primary == bindparam(KEY))


def sql_table(table: type[SQLModel]) -> SqlTable:
    """The Core table of a row class: writes go through it, past the session's memory of rows."""
    return cast(SqlTable, table.__table__)  # type: ignore[attr-defined]


def chunks(items: Iterable[Item], size: int = CHUNK) -> Iterator[list[Item]]:
    """`items` in lists of at most `size`."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
