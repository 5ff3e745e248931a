"""A private PostgreSQL server on loopback for as long as a test module runs; skipped where its binaries are not."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest


def _binary(name: str) -> str | None:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(installed[-1]) if installed else None)


def somebody() -> str | None:
    """An unprivileged user where this one is root, which PostgreSQL refuses; None where this one will do."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    return pytest.skip("there is no unprivileged user")


@contextmanager
def private_server() -> Iterator[str]:
    """`host:port` of an empty server, where `ada` may do everything without a password."""
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
    initdb, postgres = _binary("initdb"), _binary("postgres")
    if initdb is None or postgres is None:
        pytest.skip("PostgreSQL is not installed")
    user = somebody()
    folder = Path(tempfile.mkdtemp(prefix="trackdown-pg-"))
    if user is not None:
        shutil.chown(folder, user)
    made = subprocess.run(
        [initdb, "-D", folder / "data", "-U", "ada", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        user=user,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "fsync=off"]
    running = subprocess.Popen(
        [postgres, "-D", folder / "data", *itertools.chain.from_iterable(("-c", one) for one in settings)],
        user=user,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(host="127.0.0.1", port=port, user="ada", dbname="postgres").close()
                break
            except psycopg.OperationalError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(timeout=30)
        shutil.rmtree(folder)


def new_database(server: str, template: str = "template1") -> str:
    """The url of a database of its own, a copy of `template` (a name or a url)."""
    import psycopg

    name = f"t{time.monotonic_ns()}"
    with closing(psycopg.connect(f"postgresql://ada@{server}/postgres", autocommit=True)) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template.rsplit('/', 1)[-1]} STRATEGY FILE_COPY")
    return f"postgresql://ada@{server}/{name}"
