"""PyGithub without its own retries and pacing, sending everything through our transport."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from github import Auth, Github
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass

from adapters._headers import moment, parse_http_date, until
from adapters._http import Redactor, TrackerTransport, mount
from adapters._pace import Budget, Pace, shared
from adapters.github.errors import SECONDARY_WAIT, message_of, parsed, rate_limit, refusal
from adapters.github.settings import Settings
from sync.core.errors import Limited, Malformed, Retryable, TrackerError, Uncertain
from sync.core.models import JsonObject
from sync.core.ports import Traffic

API_VERSION = "2022-11-28"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One successful answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: Any
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def at(self) -> datetime:
        """GitHub's own time of the answer."""
        return parse_http_date(self.headers.get("date")) or datetime.now(UTC)


class Client:
    """One repository behind PyGithub.

    Requests go through the library's `requester` rather than its objects: those complete themselves with one
    request for each ticket, hide status and headers, send `since` without converting its zone, and know no issue types.
    """

    def __init__(
        self,
        settings: Settings,
        traffic: Traffic,
        *,
        name: str = "github",
        pace: Pace | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        redactor = Redactor()
        token = settings.auth.token.get_secret_value()
        redactor.add(token)
        pace = pace or settings.pace()
        self.transport = TrackerTransport(
            name,
            traffic,
            pace=pace,
            budget=shared(urlsplit(settings.url).netloc, token, pace, now),
            redactor=redactor,
            sleep=sleep,
            classify=self._limited,
            learn=_learn,
        )
        self.library = Github(
            auth=Auth.Token(token),
            base_url=settings.url,
            per_page=100,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            api_version=API_VERSION,
            lazy=True,
        )
        self._mount(urlsplit(settings.url).scheme)
        self.repository = f"/repos/{settings.project}"
        self._last: tuple[datetime, float] | None = None

    def _mount(self, scheme: str) -> None:
        plain = HTTPSRequestsConnectionClass if scheme == "https" else HTTPRequestsConnectionClass

        def connect(host: str, port: int | None = None, **options: Any) -> Any:
            connection = plain(host, port, **options)
            mount(connection.session, self.transport)
            return connection

        # The library's own hook for another connection is one for the whole process; this is for one requester.
        setattr(self.library.requester, "_Requester__connectionClass", connect)  # noqa: B010

    def get(self, path: str, query: Mapping[str, str] | None = None, *, what: str) -> Answer:
        """Read; `path` is below the repository, or absolute from the API's root when it starts with `/`, or a link."""
        return self.send("GET", path, what=what, query=query)

    def rows(self, path: str, query: Mapping[str, str] | None = None, *, what: str) -> Iterator[JsonObject]:
        """Every row of a list, page by page."""
        link: str | None = path
        wanted: Mapping[str, str] | None = {"per_page": "100", **(query or {})}
        while link is not None:
            answer = self.get(link, wanted, what=what)
            if not isinstance(answer.body, list) or not all(isinstance(row, dict) for row in answer.body):
                raise Malformed(f"github: {what}: the answer is no list")
            yield from answer.body
            link, wanted = answer.links.get("next"), None

    def send(
        self, method: str, path: str, *, what: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> Answer:
        """Send one request; raises `sync.core.errors` for any answer but a success."""
        write = method != "GET"
        url = path if path.startswith(("/", "http")) else f"{self.repository}/{path}".rstrip("/")
        try:
            status, headers, text = self.library.requester.requestJson(
                method, url, parameters=dict(query or {}), input=body
            )
        except (ValueError, TypeError, RuntimeError) as error:  # the library stumbled over a header of the answer
            wrong = f"github: {what}: the answer can't be read ({error})"
            raise Uncertain(wrong) if write else Malformed(wrong) from None
        if (at := parse_http_date(headers.get("date"))) is not None:
            self._last = at, time.monotonic()
        if status >= 400:
            raise refusal(status, headers, parsed(text), what=f"github: {what}", write=write)
        content = parsed(text)
        if content is None and status != 204 and text:
            if write:
                raise Uncertain(f"github: {what}: done, but the answer is no JSON")
            raise Malformed(f"github: {what}: the answer is no JSON")
        return Answer(status=status, headers=headers, body=content, links=_links(headers.get("link", "")))

    def now(self) -> datetime:
        """GitHub's time: that of its last answer, and what has passed since."""
        if self._last is None:
            return datetime.now(UTC)
        at, noted = self._last
        return at + timedelta(seconds=time.monotonic() - noted)

    def _limited(self, response: requests.Response) -> TrackerError | None:
        if response.status_code == 202 and response.request.method == "GET":
            return Retryable("github: the answer is not ready yet")  # the library would ask again and again
        if response.status_code not in (403, 429):
            return None
        headers = {name.lower(): value for name, value in response.headers.items()}
        try:
            message = message_of(json.loads(response.text))
        except ValueError:
            message = ""
        limited = rate_limit(response.status_code, headers, message)
        if limited is not None and limited.after is None:
            guess = self.transport.budget.guess(SECONDARY_WAIT.total_seconds())
            return Limited(str(limited), after=timedelta(seconds=guess))
        return limited

    def close(self) -> None:
        """Give the connections back."""
        self.library.close()


def _learn(response: requests.Response, budget: Budget) -> None:
    """Whoever uses the token too is counted in what is left."""
    headers = response.headers
    if headers.get("X-RateLimit-Remaining") == "0" and headers.get("X-RateLimit-Resource", "core") == "core":
        reset = moment(headers.get("X-RateLimit-Reset"))
        if reset is not None:
            limit = headers.get("X-RateLimit-Limit", "")
            budget.block(until(reset, headers).total_seconds() + 1, f"its hourly limit of {limit} requests")


def _links(header: str) -> dict[str, str]:
    links: dict[str, str] = {}
    for link in requests.utils.parse_header_links(header) if header else []:
        if "rel" in link and "url" in link:
            links[link["rel"]] = link["url"]
    return links
