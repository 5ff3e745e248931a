"""A small answer that unpacks to a huge one costs no memory: from a tracker, from a proxy in between, in any packing."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import requests
from werkzeug.wrappers import Request, Response

from adapters._answer import LARGEST
from adapters._http import TrackerTransport, mount
from adapters._pace import Pace
from adapters._simulator import Simulator, served
from sync.core.errors import Malformed, Uncertain
from sync.core.ports import Traffic

MEBIBYTE = 1024 * 1024


@cache
def bomb(size: int, packing: str) -> bytes:
    """`size` bytes of JSON, packed to a thousandth."""
    if packing == "gzip":
        file = io.BytesIO()
        with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=9) as packed:
            packed.write(b'"')
            for _ in range(size // MEBIBYTE):
                packed.write(b"a" * MEBIBYTE)
            packed.write(b'"')
        return file.getvalue()
    packer = zlib.compressobj(9)
    return b"".join([*(packer.compress(b"a" * MEBIBYTE) for _ in range(size // MEBIBYTE)), packer.flush()])


class Packer(Simulator):
    """A server whose every answer is `body`, packed as `packing` says."""

    kind = "packer"
    project = "p"
    body, packing = b"", "gzip"

    def handle(self, request: Request) -> Response:
        headers = {"Content-Encoding": self.packing} if self.packing else {}
        return Response(self.body, headers=headers, mimetype="application/json")

    def auth(self) -> dict[str, str]:
        return {}

    def user_of(self, request: Request) -> str | None:
        return None


@pytest.fixture
def line() -> Iterator[tuple[Packer, requests.Session]]:
    transport = TrackerTransport("packer", Traffic(), pace=Pace(), sleep=lambda _: None)
    with served(Packer()) as server, requests.Session() as session:
        mount(session, transport)
        yield server, session


@pytest.mark.parametrize(
    ("packing", "method", "error"),
    [
        ("gzip", "GET", Malformed),
        ("gzip", "POST", Uncertain),
        ("deflate", "GET", Malformed),
        ("gzip, gzip", "GET", Malformed),
    ],
)
def test_four_hundred_megabytes_are_not_unpacked(line: Any, packing: str, method: str, error: Any) -> None:
    """The answer is refused at the limit, asked for once, and a write that it answered is not taken for undone."""
    server, session = line
    body = bomb(400 * MEBIBYTE, packing.partition(",")[0])
    server.body, server.packing = (gzip.compress(body) if "," in packing else body), packing
    assert len(server.body) < MEBIBYTE
    tracemalloc.start()
    try:
        with pytest.raises(error, match="larger than 64 MiB"):
            session.request(method, f"{server.base_url}/x")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2.5 * LARGEST
    assert len(server.requests) == 1


def test_what_is_below_the_limit_is_read_whole(line: Any) -> None:
    """A large honest answer arrives, packed or plain."""
    server, session = line
    server.body, server.packing = bomb(8 * MEBIBYTE, "gzip"), "gzip"
    assert len(session.get(f"{server.base_url}/x").json()) == 8 * MEBIBYTE
    server.body, server.packing = b'{"a": 1}', ""
    assert session.get(f"{server.base_url}/x").json() == {"a": 1}
