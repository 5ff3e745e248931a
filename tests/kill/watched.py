"""Simulated trackers that say when a create is done, and hold a request where they are told to."""

from __future__ import annotations

import io
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request, Response

from adapters._simulator import Simulator
from adapters.azure_devops.simulator import AzureDevOpsSimulator
from adapters.github.simulator import GitHubSimulator
from adapters.jira.simulator import JiraSimulator

When = Literal["asked", "done"]
Noun = Literal["ticket", "comment", "file"]

#: What people write in tests bears a token that nothing else bears: it is the identity of a ticket, comment or file.
TOKENS: dict[Noun, re.Pattern[str]] = {
    "ticket": re.compile(r"tick\d{5}"),
    "comment": re.compile(r"said\d{5}"),
    "file": re.compile(r"file\d{5}"),
}
#: Requests that make something which people see.
CREATES: tuple[tuple[Noun, str, str], ...] = (
    ("ticket", "POST", r"/issues$|/issue/?$|/workitems/\$[^/]+$"),
    ("comment", "POST", r"/issues/\d+/comments$|/issue/[^/]+/comment$|/workitems/\d+/comments$"),
    ("file", "POST", r"/issue/[^/]+/attachments$"),
    ("file", "PATCH", r"/workitems/\d+$"),  # the request that joins an upload to a work item
)
#: Requests that only look like writes.
READS = re.compile(
    r"/(search(/jql|/approximate-count)?|wiql|workitemsbatch|graphql|bulkfetch|comment/list|permissions/check)$",
    re.IGNORECASE,
)
#: An upload that nobody sees until a work item refers to it.
UNSEEN = re.compile(r"/_apis/wit/attachments$", re.IGNORECASE)
#: Longer than anything that is held on purpose.
FORGOTTEN = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One request that changes a tracker; `noun` and `token` say what it makes, if it makes something."""

    tracker: str
    method: str
    path: str
    body: str
    noun: Noun | None = None
    token: str = ""


@dataclass(slots=True, kw_only=True)
class Trap:
    """Holds the first matching request, after `skip` of them: before it is done ("asked") or before it is answered ("done")."""

    when: When
    kind: Literal["create", "write", "any"] = "create"
    skip: int = 0
    caught: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def takes(self, when: When, write: Write | None) -> bool:
        """Whether it is this request's turn."""
        if when != self.when or (self.kind != "any" and write is None):
            return False
        if self.kind == "create" and write is not None and write.noun is None:
            return False
        self.skip -= 1
        return self.skip < 0


class Watch:
    """What all trackers of one world did, and the trap that is set."""

    def __init__(self) -> None:
        self.writes: list[Write] = []  # done, in order
        self.arrived = 0  # writes that came in, done or not
        self.crowds: Counter[str] = Counter()  # the most writes that each tracker had to do at once
        self._inside: Counter[str] = Counter()
        self._trap: Trap | None = None
        self._lock = threading.Condition()

    @property
    def made(self) -> list[Write]:
        """The creates that were done."""
        with self._lock:
            return [one for one in self.writes if one.noun is not None]

    def twice(self) -> list[str]:
        """The writes that were done more than once: what they make is the same, or the whole request."""
        with self._lock:
            seen = Counter(
                (one.tracker, one.noun, one.token) if one.noun else (one.tracker, one.method, one.path, one.body)
                for one in self.writes
            )
        return [f"{' '.join(map(str, what))} {times} times" for what, times in seen.items() if times > 1]

    @contextmanager
    def trap(self, **how: Any) -> Iterator[Trap]:
        """A trap that is set for the length of a `with` block."""
        trap = Trap(**how)
        with self._lock:
            self._trap = trap
        try:
            yield trap
        finally:
            with self._lock:
                self._trap = None
            trap.opened.set()

    def quiet(self) -> None:
        """Wait until no write is being done: the last wish of a dead client too."""
        with self._lock:
            assert self._lock.wait_for(lambda: not self._inside.total(), timeout=FORGOTTEN)

    @contextmanager
    def passing(self, write: Write | None) -> Iterator[None]:
        """A request on its way through a tracker."""
        tracker = "" if write is None else write.tracker
        with self._lock:
            self._inside[tracker] += write is not None
            self.crowds[tracker] = max(self.crowds[tracker], self._inside[tracker])
            self.arrived += write is not None
        try:
            self._stop_at("asked", write)
            yield
        finally:
            with self._lock:
                self._inside[tracker] -= write is not None
                self._lock.notify_all()

    def done(self, write: Write | None) -> None:
        """It was done, and is about to be answered."""
        if write is not None:
            with self._lock:
                self.writes.append(write)
        self._stop_at("done", write)

    def _stop_at(self, when: When, write: Write | None) -> None:
        with self._lock:
            trap = self._trap if self._trap is not None and self._trap.takes(when, write) else None
            if trap is None:
                return
            self._trap = None
        trap.caught.set()
        trap.opened.wait(FORGOTTEN)


class Watched(Simulator):
    """A simulator whose requests pass through a `Watch`."""

    watching: Watch

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"].startswith("/_control/"):
            return super().__call__(environ, start_response)
        try:
            write, statuses = write_in(self.kind, environ), [""]
        except ClientDisconnected:  # killed in the middle of its request
            return Response(status=400)(environ, start_response)

        def started(status: str, *rest: Any) -> Any:
            statuses[0] = status
            return start_response(status, *rest)

        with self.watching.passing(write):
            answer = super().__call__(environ, started)
            self.watching.done(write if statuses[0].startswith("2") else None)
        return answer


class WatchedJira(Watched, JiraSimulator):
    """Jira, watched."""


class WatchedGitHub(Watched, GitHubSimulator):
    """GitHub, watched."""


class WatchedAzure(Watched, AzureDevOpsSimulator):
    """Azure DevOps, watched."""


def write_in(tracker: str, environ: dict[str, Any]) -> Write | None:
    """The request, if it changes what people see."""
    request = Request(environ)
    method, path = request.method, request.path
    if method in ("GET", "HEAD", "OPTIONS") or READS.search(path) or UNSEEN.search(path):
        return None
    content = request.get_data()
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(content), str(len(content))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    body = content.decode("utf-8", "replace")
    for noun, verb, route in CREATES:
        if verb == method and re.search(route, path, re.IGNORECASE) and (noun != "file" or _is_upload(method, body)):
            token = TOKENS[noun].search(body)
            return Write(
                tracker=tracker, method=method, path=path, body=body, noun=noun, token=token[0] if token else ""
            )
    return Write(tracker=tracker, method=method, path=path, body=body)


def _is_upload(method: str, body: str) -> bool:
    return method == "POST" or any(
        isinstance(one.get("value"), dict) and one["value"].get("rel") == "AttachedFile" for one in json.loads(body)
    )
