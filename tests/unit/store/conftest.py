"""A store on disk for each test, a clock that the test turns, and small natives to put in."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync.core.ids import NativeRef
from sync.core.models import Canonical, Field, NativeComment, NativeTicket
from sync.store import Store

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


class Clock:
    """Stands still until it is turned."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def turn(self, by: timedelta) -> None:
        self.at += by


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that was set up once, to be copied."""
    path = tmp_path_factory.mktemp("template") / "store.db"
    store = Store(f"sqlite:///{path}")
    store.migrate()
    store.close()
    return path


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(template, tmp_path / "trackdown.db"))


@pytest.fixture
def make_store(path: Path, clock: Clock) -> Iterator[Callable[[], Store]]:
    """Stores on one file, each with connections of its own."""
    opened: list[Store] = []
    ids = itertools.count(1)

    def make() -> Store:
        opened.append(
            Store(f"sqlite:///{path}", now=clock, new_id=lambda: f"id-{next(ids)}", patience=timedelta(seconds=2))
        )
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(make_store: Callable[[], Store]) -> Store:
    return make_store()


@pytest.fixture
def native() -> Callable[..., NativeTicket]:
    def make(number: int, version: str = "1", **changes: object) -> NativeTicket:
        values: dict[str, object] = {
            "ref": NativeRef(f"ref-{number}"),
            "key": f"PAY-{number}",
            "url": f"https://jira.example/browse/PAY-{number}",
            "number": number,
            "version": version,
            "payload": {"title": f"Ticket {number}", "version": version},
            "fetched_at": START,
            "updated_at": START,
        }
        return NativeTicket(**{**values, **changes})

    return make


@pytest.fixture
def remark() -> Callable[..., NativeComment]:
    def make(ref: str, ticket: int, version: str = "1") -> NativeComment:
        return NativeComment(
            ref=NativeRef(ref), ticket=NativeRef(f"ref-{ticket}"), version=version, payload={"body": version}
        )

    return make


@pytest.fixture
def canonical() -> Callable[..., Canonical]:
    def make(title: str = "Refunds fail", kind: str = "issue") -> Canonical:
        return Canonical(fields={Field.TITLE: title, Field.KIND: kind, Field.LABELS: frozenset({"bug", "api"})})

    return make
