"""Files come from the tracker's own servers only, plain, whole, and never larger or slower than allowed."""

from __future__ import annotations

import gzip
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import requests

from adapters import _download
from adapters._download import download
from adapters._http import TrackerTransport, mount
from adapters._pace import Pace
from sync.core.errors import AuthFailed, Forbidden, Rejected, Retryable, TrackerError, Unreachable
from sync.core.ports import Traffic

Answer = Callable[[socket.socket, str], None]
LIMIT = 1_000_000


class Server:
    """A server on loopback that sends what it is told, byte by byte if need be; `heads` are the requests that came."""

    def __init__(self, answer: Answer, host: str = "127.0.0.1") -> None:
        self.answer = answer
        self.heads: list[str] = []
        self.connections = 0
        self._listener = socket.create_server((host, 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://{host}:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.connections += 1
                head = b""
                while b"\r\n\r\n" not in head and (more := connection.recv(65_536)):
                    head += more
                if not head:
                    continue
                self.heads.append(head.decode("latin-1"))
                try:
                    self.answer(connection, self.heads[-1].split(" ")[1])
                except OSError:
                    continue  # the client had enough

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=10)


@contextmanager
def serving(answer: Answer, host: str = "127.0.0.1") -> Iterator[Server]:
    server = Server(answer, host)
    try:
        yield server
    finally:
        server.stop()


def says(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> Answer:
    """One answer with its length, true or not."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
    return lambda connection, _path: connection.sendall("\r\n".join(lines).encode() + body)


def fetched(
    url: str, hosts: list[str], *, limit: int = LIMIT, deadline: float = 30.0, traffic: Traffic | None = None
) -> bytes:
    """The file through a session with credentials."""
    taken: list[bytes] = []
    transport = TrackerTransport("the tracker", traffic or Traffic(), pace=Pace(connect_timeout=2, read_timeout=5))
    with requests.Session() as session:
        session.trust_env = False
        session.auth = ("bot", "s3cret-token")
        mount(session, transport)
        download(session, transport, url, taken.append, limit=limit, hosts=hosts, deadline=deadline)
    return b"".join(taken)


def refused(error: type[TrackerError], server: Server, path: str = "/f", **options: object) -> TrackerError:
    with pytest.raises(error) as caught:
        fetched(server.url + path, [server.url], **options)  # type: ignore[arg-type]
    return caught.value


def test_the_bytes_come_as_they_are() -> None:
    """A file of any bytes arrives whole, with our credentials, uncompressed, and is counted as one request."""
    body = bytes(range(256)) * 3000
    traffic = Traffic()
    with serving(says(body)) as server:
        found = fetched(f"{server.url}/files/12?name=a%20b", [server.url], traffic=traffic)
    assert hashlib.sha256(found).digest() == hashlib.sha256(body).digest()
    assert server.heads[0].startswith("GET /files/12?name=a%20b HTTP/1.1")
    assert "Authorization: Basic " in server.heads[0]
    assert "Accept-Encoding: identity" in server.heads[0]
    assert (traffic.requests, traffic.writes, traffic.by_route) == (1, 0, {"GET /files/{id}": 1})


def test_a_chunked_file_and_an_empty_one_are_files() -> None:
    """A body may have no announced length, and no byte at all."""

    def chunked(connection: socket.socket, _path: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")

    with serving(chunked) as server:
        assert fetched(f"{server.url}/f", [server.url]) == b"abcdefg"
    with serving(says(b"")) as server:
        assert fetched(f"{server.url}/f", [server.url], limit=0) == b""
    with serving(says(b"12345")) as server:
        assert fetched(f"{server.url}/f", [server.url], limit=5) == b"12345"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "http://elsewhere.example/f",
        "https://127.0.0.1:{port}/f",
        "http://127.0.0.1:1/f",
        "http://127.0.0.1:{port}@elsewhere.example/f",
        "http://bot@127.0.0.1:{port}/f",
        "http://127.0.0.1:{port}\\@elsewhere.example/f",
        "http://elsewhere.example#@127.0.0.1:{port}/f",
        "http://localhost:{port}/f",
        "http://127.0.0.1:{port}.elsewhere.example/f",
        "http://127.0.0.1:99999/f",
        "file:///etc/hostname",
        "//127.0.0.1:{port}/f",
        "/f",
        "",
    ],
)
def test_another_place_is_never_asked(elsewhere: str) -> None:
    """Scheme, host and port must be the tracker's own, however the address is spelled; nothing is connected to."""
    with serving(says(b"x")) as server, pytest.raises(Rejected, match="not fetched"):
        fetched(elsewhere.format(port=server.port), [server.url])
    assert server.connections == 0


def test_a_redirect_to_another_server_is_refused() -> None:
    """Neither our credentials nor a request without them goes where an answer points to."""
    with serving(says(b"secret")) as other:
        with serving(says(b"", "302 Found", f"Location: {other.url}/f")) as server:
            message = str(refused(Rejected, server))
        assert f"at {other.url}" in message
        assert other.connections == 0


def test_a_redirect_within_the_tracker_is_followed_three_times() -> None:
    """A tracker may move its files, and may not send us round in circles."""

    def steps(connection: socket.socket, path: str) -> None:
        left = int(path.rpartition("/")[2])
        answer = says(b"there") if left == 0 else says(b"", "302 Found", f"Location: /step/{left - 1}")
        answer(connection, path)

    with serving(steps) as server:
        assert fetched(f"{server.url}/step/3", [server.url]) == b"there"
        assert len(server.heads) == 4
        assert "redirected more than 3 times" in str(refused(Rejected, server, "/step/4"))
        assert len(server.heads) == 8


def test_a_compressed_file_cannot_grow() -> None:
    """Bytes are never unpacked: a server that compresses though it was asked not to is refused before its first byte."""
    bomb = gzip.compress(bytes(50_000_000), 9)
    assert len(bomb) < LIMIT
    with serving(says(bomb, "200 OK", "Content-Encoding: gzip")) as server:
        assert "sent as gzip" in str(refused(Rejected, server))


def test_too_large_a_file_is_refused() -> None:
    """By its announced length before a byte is taken, and by counting where the length is a lie or missing."""

    def endless(connection: socket.socket, path: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65_536)

    taken: list[bytes] = []
    with serving(says(b"x" * 10, length=LIMIT + 1)) as server:
        assert "larger than the 1,000,000 bytes" in str(refused(Rejected, server))
    with serving(says(b"x" * 11, length=10**40)) as server:
        assert "larger" in str(refused(Rejected, server))
    with serving(endless) as server, requests.Session() as session:
        session.trust_env = False
        transport = TrackerTransport("the tracker", Traffic())
        with pytest.raises(Rejected, match="larger"):
            download(session, transport, server.url, taken.append, limit=LIMIT, hosts=[server.url])
    assert sum(map(len, taken)) <= LIMIT


def test_a_body_that_is_cut_off_is_no_file() -> None:
    """Fewer bytes than announced may be half of a file: worth asking again, and never taken for the whole."""
    with serving(says(b"half", length=8)) as server:
        refused(Retryable, server)

    def cut(connection: socket.socket, _path: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc")

    with serving(cut) as server:
        refused(Retryable, server)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_slow_drip_ends_at_the_deadline(head: bytes) -> None:
    """A server that sends a byte at a time, in its headers or in the file, does not hold us for longer than allowed."""

    def drip(connection: socket.socket, _path: str) -> None:
        connection.sendall(head)
        for _ in range(200):
            connection.sendall(b"x")
            time.sleep(0.02)

    with serving(drip) as server:
        started = time.monotonic()
        error = refused(Retryable, server, deadline=0.3)
        assert time.monotonic() - started < 2
    assert "still coming after 0.3 seconds" in str(error)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("401 Unauthorized", AuthFailed),
        ("203 Non-Authoritative Information", AuthFailed),
        ("403 Forbidden", Forbidden),
        ("404 Not Found", Rejected),
        ("410 Gone", Rejected),
        ("206 Partial Content", Rejected),
        ("500 Oops", Retryable),
    ],
)
def test_a_refusal_says_what_to_do_next(status: str, error: type[TrackerError]) -> None:
    """Each answer that is no file is the error by which the engine knows how to go on; its body is never taken."""
    with serving(says(b"no", status)) as server:
        assert status[:3] in str(refused(error, server))


def test_a_throttled_download_names_the_time() -> None:
    """A tracker that asks us to wait is not asked again at once."""
    with serving(says(b"", "429 Too Many Requests", "Retry-After: 30")) as server:
        error = refused(Retryable, server)
        assert isinstance(error, Retryable)
        assert error.after == timedelta(seconds=30)
        assert len(server.heads) == 1


def test_nobody_there_is_unreachable() -> None:
    """No connection is told apart from a broken one."""
    with serving(says(b"")) as server:
        pass
    refused(Unreachable, server)


def test_what_takes_may_fail() -> None:
    """A full disk is the caller's own error, and comes through as it is."""

    def full(_chunk: bytes) -> None:
        raise OSError(28, "No space left on device")

    with serving(says(b"x" * 100)) as server, requests.Session() as session:
        session.trust_env = False
        transport = TrackerTransport("the tracker", Traffic())
        with pytest.raises(OSError, match="No space left"):
            download(session, transport, server.url, full, limit=LIMIT, hosts=[server.url])


def test_a_name_that_leads_elsewhere_later_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A public name that turns to a machine of ours between two look-ups gets no request, only a closed connection."""
    now = ["140.82.121.4"]
    real = socket.getaddrinfo

    def rebinding(host: str, port: object, *args: object, **kwargs: object) -> object:
        return real(now[0] if host == "files.example" else host, port, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    _download._addresses.cache_clear()
    _download._addresses("files.example")
    with serving(says(b"inside")) as server:
        now[0] = "127.0.0.1"
        home = f"http://files.example:{server.port}"
        with pytest.raises(Rejected, match="a loopback address"):
            fetched(f"{home}/f", [home])
        assert server.heads == []
    _download._addresses.cache_clear()


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("140.82.121.4", "public"),
        ("2606:50c0:8000::154", "public"),
        ("64:ff9b::8c52:7904", "public"),
        ("127.0.0.53", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("2002:7f00:1::", "loopback"),
        ("10.1.2.3", "private"),
        ("192.168.0.1", "private"),
        ("fd12::1", "private"),
        ("169.254.169.254", "special"),
        ("fe80::1%eth0", "special"),
        ("fd00:ec2::254", "special"),
        ("192.0.0.192", "special"),
        ("100.100.100.200", "special"),
        ("0.0.0.0", "special"),
        ("224.0.0.1", "special"),
        ("255.255.255.255", "special"),
        ("::", "special"),
    ],
)
def test_addresses_are_told_apart(address: str, kind: str) -> None:
    """What leads into a network of ours or to a cloud's metadata is no public address, however it is wrapped."""
    assert _download._kind(_download._unwrapped(address)) == kind


@pytest.mark.parametrize(
    ("home", "found", "allowed"),
    [
        ("10.1.2.3", "10.9.9.9", True),
        ("10.1.2.3", "192.168.3.4", True),
        ("10.1.2.3", "127.0.0.1", False),
        ("10.1.2.3", "169.254.169.254", False),
        ("169.254.1.1", "169.254.1.1", True),
        ("169.254.1.1", "169.254.169.254", False),
        ("140.82.121.4", "10.1.2.3", False),
        ("10.1.2.3", "140.82.121.4", True),
    ],
)
def test_a_tracker_in_a_network_of_ours_stays_there(home: str, found: str, allowed: bool) -> None:
    """An internal tracker may move within its kind of network; nothing else of ours is opened to its files by that."""
    if allowed:
        _download._judge(found, hosts=(f"https://{home}/jira",))
    else:
        with pytest.raises(Rejected, match="not fetched"):
            _download._judge(found, hosts=(f"https://{home}/jira",))
