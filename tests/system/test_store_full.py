"""A disk that is full, and a database that goes away, in the middle of a cycle: nothing half done, nothing twice."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session
from structlog.testing import capture_logs

from sync.core.errors import StoreError
from sync.core.ids import ReplicaName
from sync.engine.cycle import run_cycle
from sync.shell.daemon import Daemon
from sync.store import Store
from tests.scenarios.world import AZURE, GITHUB, JIRA, SHELF, World
from tests.system.bridged import bridged
from tests.system.private_postgresql import new_database, private_server

#: All places take a minute; a quick run takes some.
EVERY = int(os.environ.get("TRACKDOWN_EXAMPLES", "0")) >= 1000
TTL = 61
ROOT = Path(__file__).resolve().parents[2]


class FailingStore(Store):
    """A store whose database fails from the transaction number `fails_from` on, until `mend` is called."""

    fails_from: int = 1_000_000
    begun: int = 0

    def _fail(self, session: Session) -> None:
        raise NotImplementedError

    @contextmanager
    def _write(self) -> Iterator[Session]:
        with super()._write() as session:
            yield session
            self.begun += 1
            if self.begun > self.fails_from:
                self._fail(session)


class FullStore(FailingStore):
    """On a disk on which somebody else has taken all the room that there was."""

    def _fail(self, session: Session) -> None:
        session.connection().exec_driver_sql("PRAGMA max_page_count = 1")  # that is: not one page more
        session.connection().exec_driver_sql("CREATE TABLE room AS SELECT zeroblob(1000000) AS taken")


class PartedStore(FailingStore):
    """On a server that ends our connections."""

    def _fail(self, session: Session) -> None:
        session.connection().exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.fixture
def shelf() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="trackdown-full-", dir=SHELF) as path:
        yield Path(path)


def edited(world: World) -> str:
    """A ticket that is linked and edited on two sides, and one that is new."""
    ref = world.trackers[JIRA].create(title="Refunds", text="one\ntwo")
    world.settle()
    world.trackers[JIRA].edit(ref, title="from jira", labels=["x"])
    world.trackers[AZURE].edit(world.twin(JIRA, ref, AZURE), text="one\nthree")
    world.trackers[GITHUB].comment(world.trackers[GITHUB].create(title="Payouts"), "hello", author="ada")
    world.clock.advance(60)
    return ref


def state(world: World) -> dict[ReplicaName, list[tuple[Any, ...]]]:
    """What stands where."""
    return {
        name: sorted(
            (one["title"], one["text"], tuple(one["labels"]), len(one["comments"])) for one in tracker.tickets()
        )
        for name, tracker in world.trackers.items()
    }


def told(world: World, store: FailingStore, words: str) -> bool:
    """Whether a cycle on the failing store said so; no request left before its intent was on disk."""
    failed, said = False, words
    try:
        run_cycle(world.bridge)
    except StoreError as error:
        failed = True
        said = str(error)
    assert words in said
    with store.read() as tx:
        intents = [entry for entry in tx.audit.entries() if entry.phase == "intent"]
        assert tx.audit.verify() is None
        sent = [row for run in {entry.run for entry in intents} if run for row in tx.outbox.of_run(run)]
    assert len(sent) == len(intents)
    assert world.writes() <= len(intents)
    assert store.integrity() == []
    return failed


def gone_through(make: Callable[[], tuple[World, FailingStore]], words: str, few: int) -> int:
    """Fail from each transaction of a cycle on, then go on with room; how many of those cycles failed."""
    world, store = make()
    edited(world)
    begun = store.begun
    assert not told(world, store, words)
    transactions = store.begun - begun
    world.settle()
    wanted = state(world)
    world.close()
    failed = 0
    for place in (
        range(transactions)
        if EVERY
        else range(transactions // 2 if few == 1 else 1, transactions, max(1, transactions // few))
    ):
        world, store = make()
        edited(world)
        store.fails_from = store.begun + place
        failed += told(world, store, words)
        store.fails_from = 1_000_000
        world.clock.advance(TTL)
        world.reopen(store=reopened(store))
        world.settle()
        assert state(world) == wanted, place
        assert sum(world.cycle().writes.values()) == 0
        world.check_converged()
        world.check_once()
        world.check_accounted()
        world.close()
    return failed


def reopened(store: Store) -> Store:
    """The same store in a new process, with room."""
    return Store(store._url.render_as_string(hide_password=False), now=store._context.now)


def test_a_full_disk_anywhere_in_a_cycle(shelf: Path) -> None:
    """What can't be put down is not sent, what was sent is found out later, and the end is the same."""
    number = iter(range(1000))

    def make() -> tuple[World, FailingStore]:
        directory = shelf / str(next(number))
        directory.mkdir()
        world = World(directory, settle=timedelta(seconds=30))
        store = FullStore(f"sqlite:///{world.path}", now=world.clock)
        world.reopen(store=store)
        return world, store

    assert gone_through(make, "the disk is full; make room and try again", 3) >= 2


def test_a_server_that_goes_away_anywhere_in_a_cycle(shelf: Path) -> None:
    """The same on PostgreSQL, when the server ends our connections before a commit."""
    number = iter(range(1000))
    with private_server() as server:

        def make() -> tuple[World, FailingStore]:
            directory = shelf / str(next(number))
            directory.mkdir()
            world = World(directory, settle=timedelta(seconds=30))
            store = PartedStore(new_database(server), now=world.clock)
            store.migrate()
            world.reopen(store=store)
            return world, store

        assert gone_through(make, "the server can't be reached", 1) >= 1


def test_no_room_for_a_file_while_it_is_copied(shelf: Path) -> None:
    """A cycle that can't keep a file says where, writes nothing half, and copies the file once there is room."""
    world = World(shelf)
    ref = world.trackers[JIRA].create(title="Refunds")
    world.settle()
    world.trackers[JIRA].attach(ref, "log.txt", b"log" * 1000)
    world.trackers[JIRA].edit(ref, title="T")

    def download(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as writing to a full disk does

    world.bridge.replicas[JIRA].adapter.download = download
    world.clock.advance(TTL)
    with pytest.raises(
        StoreError, match=r"files can't be kept in .*: No space left on device; make room there, or set TMPDIR"
    ):
        run_cycle(world.bridge)
    world.clock.advance(TTL)
    world.reopen()
    world.settle()
    assert len(world.native(JIRA, ref, AZURE)["files"]) == 1
    world.close()


def test_the_daemon_tells_a_full_disk_once_and_goes_on(shelf: Path) -> None:
    """One line when it begins, none while it lasts, one when there is room again, and the edit arrives."""
    world = World(shelf)
    store = FullStore(f"sqlite:///{world.path}", now=world.clock)
    world.reopen(store=store)
    ref = edited(world)
    daemon = Daemon([world.bridge], {world.bridge.name: timedelta(seconds=60)}, run_cycle, stop=threading.Event())
    with capture_logs() as lines:
        store.fails_from = 0
        for _ in range(3):
            daemon.turn(world.bridge)
            world.clock.advance(TTL)
    said = [line for line in lines if line["log_level"] == "error"]
    assert len(said) == 1
    assert "the disk is full; make room and try again" in said[0]["reason"]
    assert not [one for one in world.trackers[GITHUB].tickets() if one["title"] == "from jira"]
    store.fails_from = 1_000_000
    store.close()
    with capture_logs() as lines:
        daemon.turn(world.bridge)
    assert [line["now"] for line in lines if line.get("what") == "bridge"] == ["ok"]
    world.settle()
    assert world.everywhere(JIRA, ref, "title") == ["from jira"] * 3
    world.check_once()
    world.close()


ON_A_SMALL_DISK = """
set -e
mount -t tmpfs -o size=8m none "$1"
cp trackdown.toml "$1"
cd "$1"
shift
"$@" status >/dev/null
free=$(df -k --output=avail . | tail -1)
head -c $(( (free - ROOM) * 1024 )) /dev/zero > filler
"$@" sync >/dev/null || echo $?
rm filler
sleep 1
"$@" sync >/dev/null || echo $?
cp t.db* "$OUT"
"""


@pytest.mark.parametrize("room", [16, 64, 128, 200, 256, 400] if EVERY else [200])
def test_a_real_disk_that_is_full(tmp_path: Path, room: int) -> None:
    """`sync` on a small disk says so and exits with 2; with room it goes on, and every ticket is there once."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-Urm", "true"], check=False).returncode:
        pytest.skip("this system lets nobody mount a small disk of their own")
    (tmp_path / "disk").mkdir()
    with bridged(tmp_path) as world:
        world.jira.seed(1)
        assert world.config.exists()
        command = [sys.executable, "-m", "sync.shell.cli.main"]
        ran = subprocess.run(
            ["unshare", "-Urm", "sh", "-c", ON_A_SMALL_DISK, "sh", str(tmp_path / "disk"), *command],
            env={**os.environ, "ROOM": str(room), "OUT": str(tmp_path), "PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert ran.returncode == 0, ran
        assert ran.stdout.split()[:1] == ["2"], ran
        assert ran.stderr.splitlines()[0].endswith("/t.db: the disk is full; make room and try again")
        world.until_quiet()
        titles = [str(issue.summary) for issue in world.jira.world.issues.values()]
        assert titles
        assert sorted(issue.title for issue in world.github.repository.issues.values()) == sorted(titles)
        azure = [world.azure.issue(key)["fields"]["System.Title"] for key in list(world.azure.keys())]
        assert sorted(azure) == sorted(titles)
        with world.opened() as bridge:
            assert bridge.store.integrity() == []
