"""A session past the row classes: the store's own statements and transactions, at a third of the cost.

Rows are read as the database answers them and are told apart from those of a real session by nothing that the store looks at;
`test_simulation` tells some histories with both.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, CursorResult, Row
from sqlalchemy.engine import Engine
from sqlmodel.sql.expression import SelectOfScalar

from sync.store.failures import told_plainly


class QuickRow:
    """One row of a table by the names of its columns."""

    __slots__ = ("_row",)

    def __init__(self, row: Row[Any]) -> None:
        self._row = row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)

    def model_dump(self, exclude: frozenset[str] | set[str] = frozenset()) -> dict[str, Any]:
        return {name: value for name, value in self._row._mapping.items() if name not in exclude}


class QuickSession:
    """As much of a session as the store uses."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def connection(self) -> Connection:
        return self._connection

    def get_bind(self) -> Engine:
        return self._connection.engine

    def exec(self, statement: Any, *, params: Any = None) -> Any:
        result = self._connection.execute(statement, params)
        if not isinstance(statement, SelectOfScalar):
            return result
        first = statement._raw_columns[0]
        return Rows(result) if first.__visit_name__ == "table" else result.scalars()


class Rows:
    """Whole rows of one table."""

    def __init__(self, result: CursorResult[Any]) -> None:
        self._result = result

    def __iter__(self) -> Iterator[QuickRow]:
        return map(QuickRow, self._result)

    def all(self) -> list[QuickRow]:
        return list(self)

    def first(self) -> QuickRow | None:
        row = self._result.first()
        return None if row is None else QuickRow(row)

    def one(self) -> QuickRow:
        return QuickRow(self._result.one())


@contextmanager
def quick_session(engine: Engine, url: Any) -> Iterator[Any]:
    """A transaction: committed at the end, rolled back by an exception."""
    with told_plainly(url), engine.begin() as connection:
        yield QuickSession(connection)
