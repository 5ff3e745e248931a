"""The simulated Jira as a server: credentials, limits, headers, and calls for tests in the same process."""

from __future__ import annotations

import base64
import json
import math
import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from adapters.jira.simulator import (
    routes_files,
    routes_issue,
    routes_links,
    routes_people,
    routes_plans,
    routes_search,
    routes_site,
)
from adapters.jira.simulator.actions import Actions
from adapters.jira.simulator.bursts import Bursts
from adapters.jira.simulator.catalogue import Deployment, Person, Style
from adapters.jira.simulator.catalogue_fields import TIME_FIELDS
from adapters.jira.simulator.errors import ApiError
from adapters.jira.simulator.fields import FieldReader
from adapters.jira.simulator.rendering import Renderer
from adapters.jira.simulator.routing import Answer, Call, JsonObject, SiteOptions, build_map
from adapters.jira.simulator.seed import fill
from adapters.jira.simulator.sites import build_catalogue
from adapters.jira.simulator.state import World

#: Importing these registers their endpoints.
ENDPOINTS = (routes_files, routes_issue, routes_links, routes_people, routes_plans, routes_search, routes_site)

_API = re.compile(r"/rest/api/(2|3|latest)(/.*)")
_AGILE = re.compile(r"/rest/agile/(1\.0|latest)(/.*)")
_FILES = re.compile(r"/(secure|media|login\.jsp)(/.*)?")
_ISSUE_WRITE = re.compile(r"/issue/([^/]+)")
#: Cloud limits the writes to one issue within two seconds, and allows five times as many within thirty.
ISSUE_WRITE_SPANS = ((timedelta(seconds=2), 1), (timedelta(seconds=30), 5))
SERVER_ZONE = "Europe/London"


class JiraSimulator(Actions):
    """A Jira Cloud site or a Jira Data Center with the project PAY (and OPS, to move issues to).

    `search_lag` is how long a write stays out of search: 2 seconds on Cloud, none on Data Center.
    `language` "de" translates status names; `reason_required` leaves no free way to Blocked;
    `unreachable` are statuses (untranslated) to which no transition leads; `transition_fields` are further
    fields (ids) that a transition, by its name, requires on its screen; `link_types` are the kinds of
    links, name -> (inward, outward); `hidden` are ids of fields that the project does not show and
    `required_fields` those that a new issue must have, `type_fields` those that only types of these names have,
    as real sites give story points to stories and epics alone; without `time_tracking`, `issue_linking` or
    `attachments` the site has them switched off; `upload_limit` is in bytes.
    `denied` are permission keys that the bot lacks; `issue_write_limit` is per issue and two seconds,
    `burst` per second, endpoint and method.
    """

    kind: ClassVar[str] = "jira"

    def __init__(
        self,
        *,
        deployment: Deployment = "cloud",
        style: Style = "classic",
        user: str = "bot@acme.example",
        token: str = "jira-token",  # noqa: S107 - no secret
        time_zone: str = "Europe/Berlin",
        search_lag: float | None = None,
        language: str = "en",
        hide_emails: bool = True,
        reason_required: bool = False,
        unreachable: frozenset[str] = frozenset(),
        transition_fields: Mapping[str, tuple[str, ...]] | None = None,
        link_types: Mapping[str, tuple[str, str]] | None = None,
        hidden: frozenset[str] = frozenset(),
        required_fields: tuple[str, ...] = (),
        type_fields: Mapping[str, frozenset[str]] | None = None,
        time_tracking: bool = True,
        issue_linking: bool = True,
        attachments: bool = True,
        upload_limit: int = 10 * 1024 * 1024,
        denied: frozenset[str] = frozenset(),
        issue_write_limit: int = 20,
        burst: int | None = None,
        text_limit: int = 32767,
    ) -> None:
        super().__init__()
        self.project = "PAY"
        self.catalogue = build_catalogue(
            deployment=deployment, style=style, user=user, token=token, time_zone=time_zone, language=language,
            reason_required=reason_required, unreachable=unreachable, link_types=link_types,
            transition_fields=transition_fields or {},
            hidden=hidden if time_tracking else hidden | TIME_FIELDS,
        )  # fmt: skip
        self.site = SiteOptions(
            time_tracking=time_tracking, issue_linking=issue_linking, attachments=attachments,
            upload_limit=upload_limit, required_fields=required_fields,
            type_fields=type_fields or {},
        )  # fmt: skip
        default_lag = 2.0 if deployment == "cloud" else 0.0
        lag = default_lag if search_lag is None else search_lag
        self.world = World(self.catalogue, (self.project, "OPS"), self._now, lag)
        self.hide_emails = hide_emails
        self.denied = denied
        self.issue_write_limit = issue_write_limit
        self.bursts = Bursts(burst)
        self.trips = 0  # requests that were refused because of a limit
        self.text_limit = text_limit
        self._map, self._handlers = build_map(deployment)
        self._by_token = {person.token: person for person in self.catalogue.people.values()}
        self._writes: defaultdict[str, deque[datetime]] = defaultdict(deque)

    def auth(self) -> JsonObject:
        """Cloud wants an e-mail address with its token, Data Center a personal access token alone."""
        bot = self.catalogue.people["bot"]
        return {"user": bot.email, "token": bot.token} if self.catalogue.cloud else {"token": bot.token}

    def user_of(self, request: Request) -> str | None:
        person = self._person(request)
        return person.name if person else None

    def seed(self, tickets: int) -> None:
        """Fill the project with the history of an online-payments team; its last change was an hour ago."""
        fill(self.world, tickets)

    def handle(self, request: Request) -> Response:
        person = self._person(request)
        headers = {"Date": format_datetime(self.clock.now(), usegmt=True)}
        if not self.catalogue.cloud:
            headers["X-AUSERNAME"] = person.name if person else "anonymous"
        try:
            if person is None and "Authorization" in request.headers:
                headers["X-Seraph-LoginReason"] = "AUTHENTICATED_FAILED"
                if not self.catalogue.cloud:
                    # Data Center refuses a bad token; Cloud goes on as for an anonymous visitor.
                    return self._response(401, {"message": "Unauthorized", "status-code": 401}, headers)
            status, body = self._dispatch(request, person, headers)
        except ApiError as error:
            status, body = error.status, error.body
            self.trips += status == 429
        return self._response(status, body, headers)

    # -- for tests in the same process --------------------------------------------------------------

    def request(self, method: str, path: str, body: Any = None, *, user: str = "ada") -> Any:
        where = f"/rest/agile/1.0{path.removeprefix('/agile')}" if path.startswith("/agile/") else f"/rest/api/2{path}"
        with self.lock:
            builder = EnvironBuilder(path=where, method=method, json=body, base_url=self.base_url or None)
            return self._run(builder.get_request(), self.catalogue.people[user], "2", path)[1]

    # -- within --------------------------------------------------------------------------------------

    def _now(self) -> datetime:
        now = self.clock.now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def _person(self, request: Request) -> Person | None:
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Bearer" and not self.catalogue.cloud:
            person = self._by_token.get(credentials)
        elif scheme == "Basic":
            try:
                login, _, token = base64.b64decode(credentials).decode().partition(":")
            except ValueError:
                return None
            person = self._by_token.get(token)
            if person is not None and login != (person.email if self.catalogue.cloud else person.name):
                person = None
        else:
            person = None
        return person if person is not None and person.active else None

    def _dispatch(self, request: Request, person: Person | None, headers: dict[str, str]) -> Answer:
        if matched := _API.fullmatch(request.path):
            if matched[1] == "3" and not self.catalogue.cloud:
                raise self._nothing_there(request)
            self._limit(request, headers)
            return self._run(request, person, "3" if matched[1] == "3" else "2", matched[2])
        if matched := _AGILE.fullmatch(request.path):
            self._limit(request, headers)
            return self._run(request, person, "2", f"/agile{matched[2]}")
        if _FILES.fullmatch(request.path):
            return self._run(request, person, "2", request.path)
        raise self._nothing_there(request)

    @staticmethod
    def _nothing_there(request: Request) -> ApiError:
        return ApiError(404, body={"message": f"null for uri: {request.url}", "status-code": 404})

    def _run(self, request: Request, person: Person | None, version: str, path: str) -> Answer:
        try:
            endpoint, arguments = self._map.bind("jira").match(path.partition("?")[0], method=request.method)
        except NotFound as error:
            raise self._nothing_there(request) from error
        except MethodNotAllowed as error:
            raise ApiError(405, body={"message": "HTTP 405 Method Not Allowed", "status-code": 405}) from error
        render = Renderer(
            world=self.world, base=self.base_url, version=version, viewer=person, hide_emails=self.hide_emails,
            zone=ZoneInfo(person.time_zone if person else SERVER_ZONE),
        )  # fmt: skip
        call = Call(
            request=request, world=self.world, render=render, person=person, denied=self.denied,
            site=self.site, read=FieldReader(world=self.world, version=version, text_limit=self.text_limit),
        )  # fmt: skip
        return self._handlers[endpoint](call, **arguments)

    def _limit(self, request: Request, headers: dict[str, str]) -> None:
        """Cloud's limit on writes to one issue, and the headers that tell of limits."""
        limit = self.issue_write_limit
        if not self.catalogue.cloud:
            headers |= {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "999", "X-RateLimit-FillRate": "100"}
            headers |= {"X-RateLimit-Interval-Seconds": "1"}
            return
        headers |= {"X-RateLimit-Limit": "350", "X-RateLimit-Remaining": "349", "X-RateLimit-NearLimit": "false"}
        self.bursts.count(request.method, request.path, self.clock.now(), headers)
        if request.method == "GET":
            return
        now = self.clock.now()
        written = [self._writes[name] for name in sorted(set(self._written(request)))]
        wait = max((self._wait(recent, now, limit) for recent in written), default=timedelta())
        if wait:
            reset = (now + wait).astimezone(UTC)
            seconds = math.ceil(wait.total_seconds())
            headers |= {"Retry-After": str(seconds), "RateLimit-Reason": "jira-per-issue-on-write"}
            headers |= {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{reset:%Y-%m-%dT%H:%MZ}"}
            raise ApiError(429, "Rate limit exceeded.")
        for recent in written:
            recent.append(now)

    @staticmethod
    def _wait(recent: deque[datetime], now: datetime, limit: int) -> timedelta:
        """How long an issue takes no further write."""
        while recent and now - recent[0] > ISSUE_WRITE_SPANS[-1][0]:
            recent.popleft()
        full = [
            (span, recent[-limit * times] + span - now)
            for span, times in ISSUE_WRITE_SPANS
            if len(recent) >= limit * times
        ]
        # The short window is told as its whole length.
        return max((span if span < ISSUE_WRITE_SPANS[-1][0] else left for span, left in full if left > timedelta()),
                   default=timedelta())  # fmt: skip

    def _written(self, request: Request) -> Iterator[str]:
        """The ids of the issues that a request writes to: in its path, or in its body for links and sprints."""
        if matched := _ISSUE_WRITE.search(request.path):
            named = [matched[1]] if matched[1] not in ("bulkfetch", "archive", "unarchive") else []
        else:
            body = request.get_json(force=True, silent=True)
            body = body if isinstance(body, dict) else {}
            ends = [body.get(name) for name in ("inwardIssue", "outwardIssue")]
            listed = body.get("issues") if "/sprint/" in request.path or "/backlog/" in request.path else []
            named = [end.get("key") or end.get("id") for end in ends if isinstance(end, dict)] + (listed or [])
        for name in map(str, named):
            yield str(self.world.keys.get(name.upper(), name))

    @staticmethod
    def _response(status: int, body: Any, headers: dict[str, str]) -> Response:
        if isinstance(body, Response):
            body.headers.extend(headers)
            return body
        text = "" if body is None else json.dumps(body, ensure_ascii=False)
        return Response(text, status=status, headers=headers, content_type="application/json;charset=UTF-8")
