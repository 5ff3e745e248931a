"""Files from a tracker's own servers, streamed: nothing else is ever connected to, and nothing grows beyond its limit.

A ticket's payload says where its files are, and people write payloads. So an address counts only when it is one of
the tracker's own, the machine that answers is looked at once more when it is connected to (a name may lead anywhere), and
bytes are counted as they are sent.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import requests
import requests.adapters
import urllib3.exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from adapters._headers import retry_after
from adapters._http import TrackerTransport
from adapters._pace import Call
from sync.core.errors import AuthFailed, Forbidden, Rejected, Retryable, TrackerError, Unreachable

#: Seconds for one file, however slowly its server sends it.
DEADLINE: Final = 900.0
REDIRECTS: Final = 3
_CHUNK: Final = 65_536
_PORTS: Final = {"http": 80, "https": 443}
_BROKEN: Final = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError)
#: Networks that Python calls global (some versions do) or that lead to a cloud's own services.
_SPECIAL: Final = tuple(
    map(ipaddress.ip_network, ("169.254.0.0/16", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "fd00:ec2::/32"))
)
_PRIVATE: Final = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def download(
    session: requests.Session,
    transport: TrackerTransport,
    url: str,
    take: Callable[[bytes], object],
    *,
    limit: int,
    hosts: Sequence[str],
    deadline: float = DEADLINE,
) -> None:
    """Stream the file at `url` into `take`, with the session's credentials and the transport's pace and timeouts.

    `hosts` are the URLs of the tracker's own servers: scheme, host and port must be those of one of them, after a
    redirect too. A public name that leads into a private network is refused unless one of `hosts` is in such a network
    itself; behind a proxy the proxy has to see to that. `limit` is in bytes as sent, `deadline` in seconds for everything.
    Raises `Rejected` for what asking again will not mend, `Retryable` for what it may, and leaves it to the caller to
    forget what was taken before an error.
    """
    line = _Line(functools.partial(_judge, hosts=tuple(hosts)), deadline)
    what = f"{transport.tracker}: GET {_path(url)}"
    try:
        with _answer(session, transport, line, url, hosts) as response:
            _refuse(response, what, limit)
            for chunk in _chunks(response, what, transport, limit):
                line.check(what)
                take(chunk)
        line.check(what)
    except Retryable:
        line.check(what)  # why it broke off
        raise
    finally:
        line.close()


class _Line(requests.adapters.HTTPAdapter):
    """Connections of one download: judged when they are made, cut when the time is over.

    The deadline is kept by a timer and not by timeouts, which a server that sends a byte at a time never lets run out.
    """

    def __init__(self, judge: Callable[[str], None], deadline: float) -> None:
        self._judge = judge
        self._deadline = deadline
        self._taps: list[socket.socket] = []
        self._late = threading.Event()
        self._timer = threading.Timer(deadline, self._cut)
        self._timer.daemon = True
        super().__init__(max_retries=0)
        self._timer.start()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """As the base class, with connections that are looked at."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._joined)

    def check(self, what: str) -> None:
        """Raise once the time is over: what was read since may be the half of a file."""
        if self._late.is_set():
            raise Retryable(f"{what}: the file was still coming after {self._deadline:g} seconds")

    def close(self) -> None:
        """Close the connections and stop the timer."""
        self._timer.cancel()
        self._timer.join()
        for tap in self._taps:
            tap.close()
        super().close()

    def _joined(self, connection: socket.socket) -> socket.socket:
        try:
            self._judge(connection.getpeername()[0])
        except BaseException:
            connection.close()
            raise
        self._taps.append(connection.dup())  # TLS takes the socket itself over
        if self._late.is_set():
            self._cut()
        return connection

    def _cut(self) -> None:
        self._late.set()
        for tap in list(self._taps):
            with suppress(OSError):
                tap.shutdown(socket.SHUT_RDWR)


def _pools(joined: Callable[[socket.socket], socket.socket]) -> dict[str, Any]:
    """Connection pools whose every new connection goes through `joined` before a byte is sent."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return joined(super()._new_conn())

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return joined(super()._new_conn())

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _answer(
    session: requests.Session, transport: TrackerTransport, line: _Line, url: str, hosts: Sequence[str]
) -> requests.Response:
    """The first answer that is no redirect."""
    own = {origin for host in hosts if (origin := _origin(host)) is not None}
    for _ in range(REDIRECTS + 1):
        what = f"{transport.tracker}: GET {_path(url)}"
        if _origin(url) not in own:
            raise Rejected(f"{what}: the file is not on the tracker's own server but at {_place(url)}: not fetched")
        request = requests.Request("GET", url, headers={"Accept": "*/*", "Accept-Encoding": "identity"})
        try:
            prepared = session.prepare_request(request)
            settings = session.merge_environment_settings(prepared.url or url, {}, True, None, None)
            settings["timeout"] = (transport.pace.connect_timeout, transport.pace.read_timeout)
            transport.begin(Call(method="GET", path=_path(url)))
            response = line.send(prepared, **settings)
        except _BROKEN as error:
            raise transport.failure(what, error, write=False) from None
        if response.status_code not in (301, 302, 303, 307, 308):
            return response
        url = urljoin(url, response.headers.get("Location", ""))
        response.close()
    raise Rejected(f"{what}: redirected more than {REDIRECTS} times: not fetched")


def _refuse(response: requests.Response, what: str, limit: int) -> None:
    """Raise for an answer that is not the plain file, or announces too much of it."""
    status, said = response.status_code, f"{what} answered {response.status_code}"
    if status in (203, 401):
        raise AuthFailed(f"{said}: check the token")
    if status == 403:
        raise Forbidden(f"{said}: the token's account may not read this file")
    if status in (404, 410):
        raise Rejected(f"{said}: the file is not there any more")
    if status in (408, 429) or status >= 500:
        raise Retryable(said, after=retry_after(response.headers))
    if status != 200:
        raise Rejected(f"{said}: that is no file")
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    if coding not in ("", "identity"):
        raise Rejected(f"{what}: sent as {coding}, though the plain bytes were asked for")
    announced = response.headers.get("Content-Length", "").strip()
    if re.fullmatch(r"[0-9]+", announced) and int(announced[:19]) > limit:
        raise _too_large(what, limit)


def _chunks(response: requests.Response, what: str, transport: TrackerTransport, limit: int) -> Iterator[bytes]:
    """The body as it comes; raises when it breaks off or goes beyond `limit`."""
    size = 0
    while True:
        try:
            chunk = response.raw.read1(_CHUNK, decode_content=False)
        except _BROKEN as error:
            raise transport.failure(what, error, write=False) from None
        if not chunk:
            break
        size += len(chunk)
        if size > limit:
            raise _too_large(what, limit)
        yield chunk
    announced = response.headers.get("Content-Length", "").strip()
    if announced.isdecimal() and "Transfer-Encoding" not in response.headers and size < int(announced[:19]):
        raise Retryable(f"{what}: {size:,} bytes came of {int(announced[:19]):,}")


def _too_large(what: str, limit: int) -> TrackerError:
    return Rejected(f"{what}: the file is larger than the {limit:,} bytes that are allowed")


def _origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None for an address that two readers could understand differently."""
    if re.search(r"[\x00-\x20\x7f\\]", url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    return scheme, parts.hostname.lower().rstrip("."), port or _PORTS[scheme]


def _path(url: str) -> str:
    """What a message and a count may show: a signed address has its secret in the query."""
    try:
        return urlsplit(url).path or "/"
    except ValueError:
        return "?"


def _place(url: str) -> str:
    origin = _origin(url)
    return "an unreadable address" if origin is None else f"{origin[0]}://{origin[1]}:{origin[2]}"


def _judge(address: str, *, hosts: tuple[str, ...]) -> None:
    """Raise for a machine that none of the tracker's own servers could be."""
    found = _unwrapped(address)
    kind = _kind(found)
    if kind == "public":
        return
    homes = [home for host in hosts for home in _addresses(urlsplit(host).hostname or "")]
    if found not in homes and (kind == "special" or kind not in map(_kind, homes)):
        raise Rejected(
            f"the tracker's name leads to {address}, a {kind} address, and not where it led before: not fetched."
            " Restart trackdown if the tracker has moved."
        )


@functools.cache
def _addresses(host: str) -> frozenset[Address]:
    """Where a tracker's name led when it was first asked about: what it says later is judged by that."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unreachable(f"{host}: no such server ({error}). Check `url`.") from None
    return frozenset(_unwrapped(str(entry[4][0])) for entry in found)


def _unwrapped(address: str) -> Address:
    """The IPv4 address inside an IPv6 one, where there is one."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
        return inner or found
    return found


def _kind(address: Address) -> str:
    """`public`, `private`, `loopback`, or `special`: link-local, a cloud's metadata, multicast, reserved."""
    if address.is_loopback:
        return "loopback"
    if any(address in network for network in _SPECIAL):
        return "special"
    if any(address in network for network in _PRIVATE):
        return "private"
    return "public" if address.is_global and not address.is_multicast and not address.is_reserved else "special"
