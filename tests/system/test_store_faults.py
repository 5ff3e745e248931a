"""A store that can't be used, as `sync`, `status` and `daemon` tell it: what it is, how to mend it, and exit code 2."""

from __future__ import annotations

import functools
import json
import os
import pwd
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from sync.core.ids import BridgeName
from sync.core.models import Canonical, Field
from sync.shell import app
from sync.shell.cli.main import run
from sync.store import Store
from tests.system.private_postgresql import somebody

CONFIG = """
[trackers.hub]
kind = "github"
url = "http://127.0.0.1:9"
project = "acme/payments"
auth = { token = "env:FAULTS_TOKEN" }
[trackers.mirror]
kind = "github"
url = "http://127.0.0.1:9"
project = "acme/mirror"
auth = { token = "env:FAULTS_TOKEN" }
[bridges.payments]
trackers = ["hub", "mirror"]
"""
PAYMENTS = BridgeName("payments")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with 100 tickets."""
    path = tmp_path_factory.mktemp("template") / "trackdown.db"
    with closing(Store(f"sqlite:///{path}")) as store:
        store.migrate()
        with store.begin() as tx:
            for number in range(100):
                tx.tickets.create(PAYMENTS, Canonical(fields={Field.TITLE: f"Ticket {number}", Field.BODY: "x" * 99}))
    return path


@pytest.fixture
def folder(template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A config and a store, where any user of the machine may look."""
    monkeypatch.setenv("FAULTS_TOKEN", "token-of-hub")
    monkeypatch.setattr(app, "Store", functools.partial(Store, patience=timedelta(seconds=0.3)))
    with tempfile.TemporaryDirectory(prefix="trackdown-faults-") as place:
        path = Path(place)
        path.chmod(0o755)
        (path / "trackdown.toml").write_text(CONFIG, encoding="utf-8")
        shutil.copy(template, path / "trackdown.db")
        (path / "trackdown.db").chmod(0o644)
        monkeypatch.setenv("TRACKDOWN_CONFIG", str(path / "trackdown.toml"))
        yield path


@pytest.fixture
def told(folder: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What a command says of the store on one line of stderr, once the exit code is right and the JSON says the same."""

    def ask(command: str, code: int = 2) -> str:
        capfd.readouterr()
        assert run([command]) == code
        said = capfd.readouterr()
        if code == 2:
            assert f"the store {folder}/trackdown.db: " in said.err
            assert said.err.count("\n") == 1
        if command != "daemon":
            assert run([command, "--json"]) == code
            document = json.loads(capfd.readouterr().out)
            assert code != 2 or document["error"]["problems"] == [said.err.rstrip("\n")]
        return said.err

    return ask


COMMANDS = ["sync", "plan", "status", "daemon"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_no_database(folder, told, command):
    """It is left as it is."""
    for name in folder.glob("trackdown.db*"):
        name.unlink()
    path = folder / "trackdown.db"
    path.write_text("these are my notes\n" * 100)
    assert "it is not an SQLite database; set `url` under [store] to another file" in told(command)
    assert path.read_text() == "these are my notes\n" * 100


@pytest.mark.parametrize("command", COMMANDS)
def test_a_store_of_a_newer_version(folder, told, command):
    """It is not touched, and the mend is to install that version."""
    with closing(sqlite3.connect(folder / "trackdown.db")) as plain, plain:
        plain.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "newer trackdown (schema 9999); install that version or newer" in told(command)


@pytest.mark.parametrize("command", ["sync", "plan", "status"])
def test_a_damaged_page(folder, told, command):
    """Garbage in the pages of a table is damage, never a bug and never silence."""
    path = folder / "trackdown.db"
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = plain.execute("PRAGMA page_size").fetchone()[0]
        pages = [
            row[0]
            for row in plain.execute(
                "SELECT rootpage FROM sqlite_master WHERE name IN ('tickets', 'leases', 'pk_leases', 'replicas', "
                "'sqlite_autoindex_tickets_2', 'sqlite_autoindex_leases_1') OR tbl_name = 'tickets'"
            )
        ]
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * size)
            file.write(b"\xa5" * size)
    assert "the file is damaged; put a backup back" in told(command)


@pytest.mark.parametrize("command", ["sync", "plan"])
def test_another_process_keeps_it_locked(folder, told, command):
    """Writing waits for its patience and says why it stopped; looking does not have to wait."""
    with closing(sqlite3.connect(folder / "trackdown.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "another process kept it locked for too long; wait for it or stop it, then try again" in told(command)
        told("status", code=0)
        other.execute("ROLLBACK")


def as_somebody(action: Callable[[], int]) -> tuple[int, str]:
    """What an unprivileged user gets: the exit code, and what was said on stderr."""
    user = somebody()
    with tempfile.TemporaryFile() as heard:
        child = os.fork()
        if child == 0:
            code = 99
            try:
                if user is not None:
                    os.setgroups([])
                    os.setgid(pwd.getpwnam(user).pw_gid)
                    os.setuid(pwd.getpwnam(user).pw_uid)
                with open(heard.fileno(), "w", closefd=False) as sys.stderr:
                    code = action()
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        heard.seek(0)
        return code, heard.read().decode()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_is_not_there(folder, capfd, command):
    """The path is named."""
    nowhere(folder, command)
    assert f"the store {folder}/none/t.db: it can't be opened; see that the folder exists" in capfd.readouterr().err


def nowhere(folder: Path, command: str) -> None:
    """Run a command whose store's folder is missing; afterwards all that it imports is there for who may not read it."""
    config = folder / "nowhere.toml"
    config.write_text(f'[store]\nurl = "sqlite:///{folder}/none/t.db"\n{CONFIG}', encoding="utf-8")
    assert run(["--config", str(config), command]) == 2


@pytest.mark.parametrize("command", ["sync", "daemon"])
def test_a_file_that_may_not_be_written(folder, command):
    """The missing right is named, for the file and for its folder, and nothing is changed."""
    nowhere(folder, command)
    path = folder / "trackdown.db"
    before = path.read_bytes()
    path.chmod(0o444)
    folder.chmod(0o555)
    try:
        code, said = as_somebody(lambda: run([command]))
        assert code == 2, said
        assert (
            f"the store {path}: it may not be written; give this user the right to write the file and its folder"
            in said
        )
    finally:
        folder.chmod(0o755)
    assert path.read_bytes() == before


def test_a_file_that_may_only_be_read_can_be_looked_at(folder):
    """`status` needs no right to write where a worker keeps the store open."""
    path = folder / "trackdown.db"
    assert run(["status"]) == 0
    with closing(sqlite3.connect(path)) as worker:
        worker.execute("SELECT count(*) FROM tickets").fetchone()
        for part in folder.glob("trackdown.db*"):
            part.chmod(0o444)
        assert as_somebody(lambda: run(["status"])) == (0, "")
