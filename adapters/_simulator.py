"""What the three simulators share: a loopback server, a clock, credentials, faults and a control endpoint.

A simulator is one object with `handle(request)`. Everything a test or a rehearsal does *to* it, rather
than through the tracker's own API, goes through `/_control/…`:

    POST   /_control/faults    {"fault": "status", "method": "POST", "path": "issues$", "times": 1, …}
    DELETE /_control/faults
    POST   /_control/clock     {"advance": 3600}
    GET    /_control/requests  [{"method", "path", "query", "status", "user"}]
    DELETE /_control/requests
"""

from __future__ import annotations

import dataclasses
import json
import logging
import re
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal, TypeVar

from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

S = TypeVar("S", bound="Simulator")
FaultKind = Literal["status", "drop_before", "drop_after", "timeout_after", "truncate", "slow"]

#: Answers to remember for `/_control/requests`; older ones are dropped.
REQUEST_LOG_LIMIT = 100_000


@dataclass(slots=True, kw_only=True)
class Fault:
    """One way of failing, for the next `times` requests that match.

    `status` answers without doing the work; `drop_before` closes the connection without doing it;
    `drop_after` does the work, then closes the connection; `timeout_after` does the work, then keeps
    silent for `seconds` and closes; `truncate` sends half of the body; `slow` answers after `seconds`.
    """

    fault: FaultKind
    method: str = ".*"
    path: str = ".*"
    times: int = 1
    skip: int = 0  # let this many matching requests pass first
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float = 30.0

    def matches(self, request: Request) -> bool:
        """Whether the request is one that this fault is for."""
        return bool(re.fullmatch(self.method, request.method) and re.search(self.path, request.path))


class SimulatorClock:
    """The tracker's own clock: real time plus an offset, so that a test can let time pass."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC) + self._offset

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once."""
        self._offset += timedelta(seconds=seconds)


class Simulator(ABC):
    """A stateful imitation of one tracker, thread-safe: `handle` runs under one lock."""

    #: The `kind` of a `[trackers.x]` table.
    kind: ClassVar[str]
    #: The value for `project` of a `[trackers.x]` table.
    project: str

    def __init__(self) -> None:
        self.clock = SimulatorClock()
        self.faults: list[Fault] = []
        self.requests: list[dict[str, Any]] = []
        self.base_url = ""  # set when it is served; goes into every URL of an answer
        self.lock = threading.RLock()

    @abstractmethod
    def handle(self, request: Request) -> Response:
        """Answer one API request as the tracker would; called under `self.lock`."""

    @abstractmethod
    def auth(self) -> dict[str, str]:
        """The `auth` table with which a bridge may enter."""

    @abstractmethod
    def user_of(self, request: Request) -> str | None:
        """Whose credentials the request carries; None when they are missing or wrong."""

    def seed(self, tickets: int) -> None:  # noqa: B027 - a simulator without stories of its own stays empty
        """Fill the project with `tickets` believable tickets."""

    def description(self) -> dict[str, Any]:
        """What `trackdown simulate` prints when the server is ready."""
        return {"kind": self.kind, "url": self.base_url, "project": self.project, "auth": self.auth()}

    # -- serving ---------------------------------------------------------------------------------

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Serve as a WSGI application."""
        request = Request(environ)
        response = self._control(request) if request.path.startswith("/_control/") else self._answer(request, environ)
        return response(environ, start_response)

    def _answer(self, request: Request, environ: dict[str, Any]) -> Response:
        fault = self._take_fault(request)
        if fault is not None and fault.fault == "status":
            return self._logged(
                request, _json(fault.body if fault.body is not None else {}, fault.status, fault.headers)
            )
        if fault is not None and fault.fault == "drop_before":
            return self._dropped(request, environ)
        with self.lock:
            try:
                response = self.handle(request)
            except HTTPException as error:
                response = Response(error.get_body(), status=error.code or 500, mimetype="text/html")
            except OSError:  # the sender died amid its body: nothing was done, and nobody listens
                return self._dropped(request, environ)
        if fault is None:
            return self._logged(request, response)
        if fault.fault == "drop_after":
            return self._dropped(request, environ)
        time.sleep(fault.seconds if fault.fault in ("timeout_after", "slow") else 0)
        if fault.fault == "timeout_after":
            return self._dropped(request, environ)
        if fault.fault == "truncate":
            body = response.get_data()
            response = Response(_cut(body), status=response.status_code, headers=response.headers)
            response.headers["Content-Length"] = str(len(body))
            response.headers["Connection"] = "close"
        return self._logged(request, response)

    def _take_fault(self, request: Request) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if not fault.matches(request):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    def _dropped(self, request: Request, environ: dict[str, Any]) -> Response:
        response = self._logged(request, Response(b"", status=599))  # before the client can notice
        connection = environ.get("werkzeug.socket")
        if isinstance(connection, socket.socket):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the client had gone already
        return response

    def _logged(self, request: Request, response: Response) -> Response:
        response.headers.setdefault("Date", http_date(self.clock.now()))
        with self.lock:
            self.requests.append(
                {
                    "method": request.method,
                    "path": request.path,
                    "query": request.query_string.decode("latin-1"),
                    "status": response.status_code,
                    "user": self.user_of(request),
                }
            )
            del self.requests[:-REQUEST_LOG_LIMIT]
        return response

    def _control(self, request: Request) -> Response:
        with self.lock:
            match (request.method, request.path.removeprefix("/_control/")):
                case ("POST", "faults"):
                    known = {item.name for item in dataclasses.fields(Fault)}
                    body = request.get_json()
                    if unknown := sorted(set(body) - known):
                        return _json({"error": f"unknown keys {unknown}; known: {sorted(known)}"}, 400)
                    self.faults.append(Fault(**body))
                    return _json({"faults": len(self.faults)}, 201)
                case ("DELETE", "faults"):
                    self.faults.clear()
                    return _json({"faults": 0})
                case ("POST", "clock"):
                    self.clock.advance(float(request.get_json()["advance"]))
                    return _json({"now": self.clock.now().isoformat()})
                case ("GET", "requests"):
                    return _json(self.requests)
                case ("DELETE", "requests"):
                    self.requests.clear()
                    return _json([])
        return _json({"error": f"no control named {request.path}"}, 404)


class _QuietHandler(WSGIRequestHandler):
    """Keeps connections alive, sends small answers at once and writes no access log."""

    protocol_version = "HTTP/1.1"
    # Headers and body are two writes: with Nagle's algorithm each keep-alive answer waits 40 ms.
    disable_nagle_algorithm = True

    def send_response(self, code: int, message: str | None = None) -> None:
        """Without the real `Date`: each answer carries the simulator's own."""
        self.log_request(code)
        self.send_response_only(code, message)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002, ARG002 - as the base class has it
        logging.getLogger("trackdown.simulator").debug(message, *args)


@dataclass(slots=True)
class RunningServer:
    """A simulator that is being served; `stop` returns when the port is free again."""

    server: BaseWSGIServer
    thread: threading.Thread
    url: str

    def stop(self) -> None:
        """Stop serving."""
        self.server.shutdown()
        self.thread.join(timeout=10)
        self.server.server_close()


def start(simulator: Simulator, *, port: int = 0) -> RunningServer:
    """Serve on loopback in a background thread; port 0 takes a free one."""
    server = make_server("127.0.0.1", port, simulator, threaded=True, request_handler=_QuietHandler)
    url = f"http://127.0.0.1:{server.server_port}"
    simulator.base_url = url
    thread = threading.Thread(
        target=server.serve_forever,
        kwargs={"poll_interval": 0.02},  # how long `stop` waits
        name=f"simulator-{simulator.kind}",
        daemon=True,
    )
    thread.start()
    return RunningServer(server, thread, url)


@contextmanager
def served(simulator: S, *, port: int = 0) -> Iterator[S]:
    """Serve for the length of a `with` block; `simulator.base_url` says where."""
    running = start(simulator, port=port)
    try:
        yield simulator
    finally:
        running.stop()


def _json(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    body = data if isinstance(data, str) else json.dumps(data)
    return Response(body, status=status, headers=dict(headers or {}), mimetype="application/json")


def _cut(body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
