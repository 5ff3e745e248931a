"""The network of a history: every request of every client library goes to a simulator in this thread, or goes wrong.

Nothing of a library is replaced but the last step, `requests.adapters.HTTPAdapter.send`, under which a socket would begin.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote_to_bytes, urlsplit

import requests
import urllib3.exceptions
from urllib3 import HTTPHeaderDict
from urllib3.response import HTTPResponse

from adapters._simulator import Simulator
from sync.testing.faults import Crash
from tests.wire.faults import ANSWERS, Fault, Way, answer_of, doubled
from tests.wire.virtual import ROUND_TRIP, Clock

#: Requests that only read although they are sent with POST.
_READS = ("/search", "/search/jql", "/bulkfetch", "/comment/list", "/wiql", "/workitemsbatch")
#: A late request lands after this many others, or when so many seconds have passed: before `settle` is over.
LATE_AFTER = 3
LATEST = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request: what it was, when, and what became of it ("200", "lost 201", "never sent")."""

    at: float
    place: str
    method: str
    url: str
    body: bytes
    fate: str
    write: bool
    arrived: bool

    def __str__(self) -> str:
        shown = self.body.decode("utf-8", "replace") if self.write else ""
        return f"{self.at:9.2f} {self.place:6} {self.method:6} {self.url} {shown[:300]} → {self.fate}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a simulator said."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(slots=True, kw_only=True)
class Wire:
    """Carries requests to the simulators by the origin that each is known by.

    `faults` say what goes wrong: (place, way, how many have passed in this cycle) → fault. `deeds` are done just before a request.
    `watch` is told of each write before it is carried.
    """

    clock: Clock
    homes: Mapping[str, tuple[str, Simulator]]  # origin → place, simulator
    faults: dict[tuple[str, Way, int], Fault] = field(default_factory=dict)
    deeds: dict[tuple[str, int], list[Callable[[], object]]] = field(default_factory=dict)
    watch: Callable[[str, requests.PreparedRequest], None] | None = None
    sent: list[Sent] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    dead: bool = False
    small_pages: bool = False
    quiet: int = 0  # who looks past the wire: no fault, no time, no record
    _passed: Counter[tuple[str, str]] = field(default_factory=Counter)
    _late: deque[list[Any]] = field(
        default_factory=deque
    )  # [requests still to wait for, latest moment, place, request]
    _seen: dict[tuple[str, str, str | bytes], Answer] = field(default_factory=dict)
    _outage: dict[tuple[str, Way], tuple[Fault, int]] = field(default_factory=dict)

    @property
    def on_the_way(self) -> bool:
        """Whether a late request has not landed yet."""
        return bool(self._late)

    @contextmanager
    def carrying(self) -> Iterator[None]:
        """Within the block there is no other network."""
        wire = self

        def send(line: Any, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
            return wire.send(line, request)

        # The environment's proxies are no matter here, and to look for them takes a tenth of the time.
        with (
            patch.object(requests.adapters.HTTPAdapter, "send", send),
            patch.object(requests.sessions, "get_environ_proxies", lambda *_, **__: {}),
        ):
            yield

    def begin(self) -> None:
        """A new cycle: its requests are counted from the start."""
        self._passed.clear()
        self._outage.clear()
        self.dead = False

    def calm(self) -> None:
        """Nothing goes wrong any more, and nobody meddles."""
        self.faults.clear()
        self.deeds.clear()
        self._outage.clear()

    def arrive(self) -> None:
        """Everything that is still on its way lands now."""
        while self._late:
            _, _, place, request = self._late.popleft()
            self._land(place, request)

    def send(self, line: requests.adapters.HTTPAdapter, request: requests.PreparedRequest) -> requests.Response:
        """Carry one request, as the history wants it."""
        if self.dead and not self.quiet:
            raise Crash("a dead process sends nothing")
        parts = urlsplit(request.url or "")
        place, _ = self.homes[f"{parts.scheme}://{parts.netloc}"]
        self._collect(request)
        if self.quiet:
            return self._response(line, request, self._answered(place, request))
        write = is_write(request)
        self._wait_over()
        for deed in self.deeds.pop((place, self._passed[place, "any"]), ()):
            deed()
        if write and self.watch is not None:
            self.watch(place, request)
        fault = self._fault(place, "write" if write else "read")
        self._passed[place, "any"] += 1
        self.clock.sleep(ROUND_TRIP)
        return self._carried(line, request, place, fault, write)

    # -- one request -----------------------------------------------------------------------------------

    def _carried(
        self, line: requests.adapters.HTTPAdapter, request: requests.PreparedRequest, place: str, fault: Fault | None,
        write: bool,
    ) -> requests.Response:  # fmt: skip
        kind = fault.kind if fault is not None else ""
        match kind:
            case "crash_before" | "crash_late":
                if kind == "crash_late" and write:
                    self._postpone(place, request)
                self._note(place, request, write, f"killed ({kind})", arrived=False)
                self.dead = True
                raise Crash(f"killed before {request.method} {request.url}")
            case "refused":
                self._note(place, request, write, "never sent", arrived=False)
                gone = urllib3.exceptions.NewConnectionError(None, "connection refused")  # type: ignore[arg-type]
                raise requests.ConnectionError(gone, request=request)
            case "reset":
                self._note(place, request, write, "reset before", arrived=False)
                raise _reset(request)
            case "late":
                self._note(place, request, write, "late", arrived=False)
                self._postpone(place, request)
                self.clock.sleep(10)
                raise requests.ReadTimeout("timed out", request=request)
        if fault is not None and kind in ANSWERS:
            said = answer_of(fault, place)
            answer = Answer(said[0], said[1], said[2])
            self._note(place, request, write, f"{kind} {answer.status}", arrived=False)
            return self._response(line, request, answer)
        # A search or a batch is asked for in the body.
        asked = place, request.url or "", request.body if isinstance(request.body, bytes | str) else ""
        old = self._seen.get(asked) if kind == "stale" else None
        answer = old or self._answered(place, request)
        if not write and old is None and answer.status == 200:
            self._seen[asked] = answer
        self._note(place, request, write, f"{kind} {answer.status}".strip(), arrived=True)
        return self._told(line, request, answer, kind)

    def _told(
        self, line: requests.adapters.HTTPAdapter, request: requests.PreparedRequest, answer: Answer, kind: str
    ) -> requests.Response:
        match kind:
            case "crash_after":
                self.dead = True
                raise Crash(f"killed after {request.method} {request.url}")
            case "lost":
                self.clock.sleep(10)
                raise requests.ReadTimeout("timed out", request=request)
            case "lost_reset":
                raise _reset(request)
            case "garbled":
                half = answer.body[: len(answer.body) // 2]
                headers = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
                return self._response(line, request, Answer(answer.status, headers, half))
            case "truncated":
                headers = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
                headers.append(("Content-Length", str(len(answer.body))))
                return self._response(
                    line, request, Answer(answer.status, headers, answer.body[: len(answer.body) // 2])
                )
            case "gateway":
                return self._response(
                    line, request, Answer(502, [("Content-Type", "text/html")], b"<h1>Bad gateway</h1>")
                )
            case "doubled":
                return self._response(
                    line,
                    request,
                    Answer(answer.status, answer.headers, doubled(urlsplit(request.url or "").path, answer.body)),
                )
        return self._response(line, request, answer)

    def _fault(self, place: str, way: Way) -> Fault | None:
        """What goes wrong with the request that comes next there; an outage goes on for some requests."""
        number = self._passed[place, way]
        self._passed[place, way] += 1
        fault = self.faults.pop((place, way, number), None)
        if fault is None and (place, way) in self._outage:
            fault, left = self._outage[place, way]
            if left > 1:
                self._outage[place, way] = fault, left - 1
            else:
                del self._outage[place, way]
        elif fault is not None and fault.times > 1:
            self._outage[place, way] = fault, fault.times - 1
        if fault is not None:
            self.struck[fault.kind] += 1
        return fault

    def _answered(self, place: str, request: requests.PreparedRequest) -> Answer:
        """The simulator's own answer."""
        simulator = next(simulator for name, simulator in self.homes.values() if name == place)
        said: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            said.extend((int(status.split(" ", maxsplit=1)[0]), headers))

        chunks = simulator(_environ(request, self.small_pages), start_response)
        try:
            body = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        return Answer(said[0], said[1], body)

    def _wait_over(self) -> None:
        for one in list(self._late):
            one[0] -= 1
            if one[0] <= 0 or self.clock.monotonic() > one[1]:
                self._late.remove(one)
                self._land(*one[2:])

    def _postpone(self, place: str, request: requests.PreparedRequest) -> None:
        self._late.append([LATE_AFTER, self.clock.monotonic() + LATEST, place, request])

    def _land(self, place: str, request: requests.PreparedRequest) -> None:
        answer = self._answered(place, request)
        self._note(place, request, is_write(request), f"landed late: {answer.status}", arrived=True)

    def _note(self, place: str, request: requests.PreparedRequest, write: bool, fate: str, *, arrived: bool) -> None:
        parts = urlsplit(request.url or "")
        self.sent.append(
            Sent(
                at=self.clock.monotonic() - 1_000_000,
                place=place,
                method=request.method or "",
                url=parts.path + (f"?{parts.query}" if parts.query else ""),
                body=_body(request),
                fate=fate,
                write=write,
                arrived=arrived,
            )
        )

    @staticmethod
    def _response(
        line: requests.adapters.HTTPAdapter, request: requests.PreparedRequest, answer: Answer
    ) -> requests.Response:
        raw = HTTPResponse(
            body=BytesIO(answer.body),
            headers=HTTPHeaderDict(answer.headers),
            status=answer.status,
            preload_content=False,
            request_method=request.method,
            enforce_content_length=True,
        )
        return line.build_response(request, raw)

    @staticmethod
    def _collect(request: requests.PreparedRequest) -> None:
        """Read the body once, so that it can be sent later too."""
        body = request.body
        if body is not None and not isinstance(body, bytes | str):
            request.body = body.read() if hasattr(body, "read") else b"".join(map(_bytes, body))


def is_write(request: requests.PreparedRequest) -> bool:
    """Whether the request may change something in the tracker."""
    path = urlsplit(request.url or "").path.lower()
    return request.method not in ("GET", "HEAD", "OPTIONS") and not path.endswith(_READS)


def _reset(request: requests.PreparedRequest) -> requests.ConnectionError:
    broken = urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError(104, "reset by peer"))
    return requests.ConnectionError(broken, request=request)


def _body(request: requests.PreparedRequest) -> bytes:
    body = request.body or b""
    assert isinstance(body, str | bytes), "a request whose body was not read yet"
    return _bytes(body)


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _environ(request: requests.PreparedRequest, small: bool) -> dict[str, Any]:
    """The request as a web server would hand it on."""
    parts, body = urlsplit(request.url or ""), _body(request)
    query = parts.query
    if small:
        for name, most in (
            ("per_page=100", "per_page=2"),
            ("maxResults=5000", "maxResults=2"),
            ("maxResults=1000", "maxResults=2"),
        ):
            query = query.replace(name, most)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(parts.path).decode("latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": parts.path + (f"?{query}" if query else ""),
        "SERVER_NAME": parts.hostname,
        "SERVER_PORT": str(parts.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": parts.netloc,
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": BytesIO(body),
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": str(len(body)),
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_LENGTH", "TRANSFER_ENCODING"):
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = text
    return environ


def as_json(body: bytes) -> Any:
    """The JSON of a body; None where it is none."""
    try:
        return json.loads(body)
    except ValueError:
        return None
