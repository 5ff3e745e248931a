"""`trackdown audit verify`, as text and as JSON, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from sync.core.ids import BridgeName, RunId
from sync.shell.cli.main import run
from sync.store import Store
from sync.store.engines import make_engine, parse_url
from tests.system.private_postgresql import new_database, private_server
from tests.system.test_store_killed import LONG

CONFIG = """
[store]
url = "{url}"
[trackers.hub]
kind = "github"
project = "acme/payments"
auth = {{ token = "env:AUDIT_TOKEN" }}
[trackers.mirror]
kind = "github"
project = "acme/mirror"
auth = {{ token = "env:AUDIT_TOKEN" }}
[bridges.payments]
trackers = ["hub", "mirror"]
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with private_server() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A store with five entries."""
    if request.param == "sqlite":
        yield filled(f"sqlite:///{tmp_path}/t.db")
        return
    yield filled(new_database(request.getfixturevalue("server")))


def filled(url: str) -> str:
    with closing(Store(url)) as store:
        store.migrate()
        with store.begin() as tx:
            for number in range(5):
                tx.audit.append(
                    phase="decision", action="merge", run=RunId("R-1"), bridge=BridgeName("payments"), after=number
                )
    return url


@pytest.fixture(autouse=True)
def _config(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trackdown.toml").write_text(
        CONFIG.format(url=url.replace("postgresql:", "postgresql+psycopg:")), encoding="utf-8"
    )
    monkeypatch.setenv("TRACKDOWN_CONFIG", str(tmp_path / "trackdown.toml"))


def tamper(url: str, statement: str) -> None:
    """What somebody with the database's own rights can do."""
    engine = make_engine(parse_url(url), "migrate", patience=LONG)
    with engine.begin() as connection:
        unlock(connection)
        connection.exec_driver_sql(statement)
    engine.dispose()


def unlock(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("DROP TRIGGER audit_no_update")
        connection.exec_driver_sql("DROP TRIGGER audit_no_delete")
    else:
        connection.exec_driver_sql("DROP TRIGGER audit_append_only ON audit")


def test_a_whole_log_and_its_head(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The head is printed in both forms, and is accepted again; another one is not."""
    assert run(["audit", "verify", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["whole"], document["entries"]) == (True, 5)
    head = document["head"]
    assert run(["audit", "verify", "--head", head]) == 0
    assert head in capsys.readouterr().out
    assert run(["audit", "verify", "--head", f"5:{'0' * 64}"]) == 1
    assert "entry 5 is another one than when its hash was kept" in capsys.readouterr().err
    assert run(["audit", "verify", "--head", "nonsense"]) == 2
    assert "a number, a colon and 64 digits" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("statement", "entry", "words"),
    [
        ("UPDATE audit SET note = 'x' WHERE seq = 3", 3, "entry 3 was changed after it was written"),
        ("DELETE FROM audit WHERE seq = 3", 3, "entry 3 is missing; the next one is 4"),
        ("DELETE FROM audit WHERE seq > 3", 4, "5 entries were written and 3 are there"),
        ("UPDATE audit SET seq = 6 WHERE seq = 2", 2, "entry 2 is missing; the next one is 3"),
    ],
)
def test_tampering_is_told_with_its_place(
    url: str, capsys: pytest.CaptureFixture[str], statement: str, entry: int, words: str
) -> None:
    """Exit code 1, the number of the entry, and how far the log can be trusted."""
    tamper(url, statement)
    assert run(["audit", "verify", "--json"]) == 1
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert (document["whole"], document["entry"], document["reason"]) == (False, entry, words)
    assert f"the entries before it are as they were written ({entry - 1})" in said.err
