"""The `jira` library with its own retries off and our transport under it, and raw requests through the same session."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import requests
from jira import JIRA
from jira.exceptions import JIRAError

from adapters._download import download
from adapters._headers import moment, until
from adapters._http import Redactor, TrackerTransport, mount
from adapters._pace import Budget, Pace, Quota, shared
from adapters.jira.errors import NotJson, NotThere, from_library, from_response, refused_login
from adapters.jira.multipart import Multipart
from adapters.jira.settings import Settings
from adapters.jira.wire import as_list, as_object, text_at
from sync.core.errors import Malformed, Moved, Rejected, Uncertain
from sync.core.models import JsonObject
from sync.core.ports import Traffic

T = TypeVar("T")

#: Requests that only read although they are sent with POST.
_READS_BY_POST: Final = ("/search", "/search/jql", "/issue/bulkfetch", "/changelog/bulkfetch", "/comment/list")
_ISSUE: Final = re.compile(r"/issue/([^/]+)")
#: Cloud allows 20 writes to one issue in two seconds and 100 in thirty; staying below costs nothing and avoids 429 for the
#: whole account.
ISSUE_LIMITS: Final = tuple(
    Quota(
        name=f"its limit of writes to one issue in {span:.0f} s",
        most=most,
        span=span,
        cost=lambda _: 1,
        each_ticket=True,
    )
    for most, span in ((18, 2.1), (95, 30.5))
)
#: For how many seconds a warning counts that names no time, and the longest that is left between two requests for one.
_NEAR: Final = 5.0
INDEX_PAGE: Final = 5000
SERVER_PAGE: Final = 1000


class _Library(JIRA):
    """The library, with its server information given instead of asked for while it is built."""

    def adopt(self, transport: TrackerTransport) -> None:
        """Send through our transport from now on."""
        mount(self.session_in_use, transport)

    def learn(self, info: JsonObject) -> None:
        """Take in the answer of `serverInfo`."""
        self.deploymentType = text_at(info, "deploymentType") or "Server"
        self._version = tuple(as_list(info.get("versionNumbers"))) or (0,)
        self._options["rest_api_version"] = "3" if self._is_cloud else "2"
        # Else the first search would ask for all fields of the site, to translate names that we don't use.
        self._fields_cache_value = {"key": "key"}

    @property
    def session_in_use(self) -> requests.Session:
        """Its session, for requests that it has no call for."""
        session: requests.Session = self._session
        return session

    @property
    def is_open(self) -> bool:
        """Whether it was not closed yet."""
        return getattr(self, "_session", None) is not None


class JiraClient:
    """One site. Raises only `sync.core.errors`."""

    def __init__(
        self,
        settings: Settings,
        *,
        tracker: str,
        pace: Pace | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tracker = tracker
        self.url = settings.url.rstrip("/")
        self.traffic = Traffic()
        redactor = Redactor()
        token = settings.auth.token.get_secret_value()
        redactor.add(token, settings.auth.user or "")
        pace = pace or _pace(settings)
        pace = replace(pace, quotas=(*pace.quotas, *ISSUE_LIMITS))
        self.transport = TrackerTransport(
            tracker,
            self.traffic,
            pace=pace,
            budget=shared(urlsplit(self.url).netloc, token, pace, now),
            redactor=redactor,
            sleep=sleep,
            is_write=lambda method, path: method not in ("GET", "HEAD") and not path.endswith(_READS_BY_POST),
            tickets=written,
            classify=refused_login,
            learn=learn,
        )
        login: dict[str, Any] = (
            {"basic_auth": (settings.auth.user, token)} if settings.auth.user else {"token_auth": token}
        )
        # The library asks for the server's version while it is built, before our transport could be mounted.
        self.jira = _Library(self.url, max_retries=0, get_server_info=False, **login)
        self.jira.adopt(self.transport)
        self._deployment = ""

    @property
    def cloud(self) -> bool:
        """Whether this is Jira Cloud; asks the server once."""
        if not self._deployment:
            self.jira.learn(as_object(self._library("serverInfo", self.jira.server_info)))
            self._deployment = str(self.jira.deploymentType)
        return self._deployment == "Cloud"

    def resume(self, *, cloud: bool) -> None:
        """Take over what an earlier process was told of the deployment."""
        self.jira.learn({"deploymentType": "Cloud" if cloud else "Server"})
        self._deployment = str(self.jira.deploymentType)

    def myself(self) -> JsonObject:
        """Who we are. `AuthFailed` where Jira takes us for nobody."""
        return as_object(self._library("myself", self.jira.myself))

    def page(self, jql: str, *, token: str | None, start: int) -> JsonObject:
        """One page of ids and times of change, by `token` on Cloud and from `start` on Data Center."""
        what = f"search {jql}"
        if self.cloud:
            return as_object(
                self._library(
                    what,
                    lambda: self.jira.enhanced_search_issues(
                        jql, nextPageToken=token, maxResults=INDEX_PAGE, fields="updated", json_result=True
                    ),
                )
            )
        return as_object(
            self._library(
                what,
                lambda: self.jira.search_issues(
                    jql, startAt=start, maxResults=SERVER_PAGE, fields="updated", json_result=True
                ),
            )
        )

    def search_details(self, refs: list[str], fields: list[str]) -> JsonObject:
        """Data Center: full issues by id; ids that are not there are left out instead of refused."""
        # By hand: the library sends nulls where the description wants lists.
        jql = f"id in ({', '.join(refs)}) ORDER BY key ASC"
        body = {"jql": jql, "startAt": 0, "maxResults": len(refs), "fields": fields, "validateQuery": False,
                "expand": ["transitions"]}  # fmt: skip
        return self.post("search", body)

    def address(self, path: str) -> str:
        """The URL of a path below the API's root, or below the site's where it begins with a slash."""
        version = "3" if self.cloud else "2"
        return self.url + (path if path.startswith("/") else f"/rest/api/{version}/{path}")

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """The JSON at a path below the API's root."""
        return self._json(self._send("GET", path, params=params), path)

    def post(self, path: str, body: JsonObject, params: Mapping[str, Any] | None = None) -> JsonObject:
        """The JSON object that a read by POST answers."""
        return as_object(self._json(self._send("POST", path, params=params, body=body), path))

    def is_shown_to_strangers(self, path: str) -> bool:
        """Whether somebody without credentials is answered at a path below the API's root."""
        stranger = requests.Session()
        stranger.auth = lambda request: request  # no credentials: else some would be looked for in `.netrc`
        mount(stranger, self.transport)
        try:
            response = stranger.get(self.address(path), headers={"Accept": "application/json"})
        except Moved:
            return False  # to where people log in
        return response.status_code == 200 and "key" in as_object(self._json(response, path))

    def upload(self, path: str, parts: Multipart) -> Any:
        """Attach a file, sent once; the JSON of the answer."""
        # Jira takes no form without this, against forged requests; the library's session says that all is JSON.
        headers = {"X-Atlassian-Token": "no-check", "Content-Type": parts.content_type}
        response = requests.Session.request(
            self.jira.session_in_use, "POST", self.address(path), data=parts, headers=headers
        )
        if response.status_code >= 400:
            raise from_response(response, f"{self.tracker}: POST {path}", write=True)
        try:
            return response.json()
        except ValueError:
            raise Uncertain(f"{self.tracker}: POST {path} was done, but its answer is not JSON") from None

    def download(self, path: str, take: Callable[[bytes], object], *, limit: int) -> None:
        """Stream the bytes at a path of the site."""
        download(self.jira.session_in_use, self.transport, self.address(path), take, limit=limit, hosts=(self.url,))

    def send(self, method: str, path: str, *, params: Mapping[str, Any], body: Any) -> tuple[requests.Response, Any]:
        """One write, sent once; the JSON is None for an empty answer."""
        response = self._send(method, path, params=params, body=body, write=True)
        try:
            return response, response.json() if response.content else None
        except ValueError:
            raise Uncertain(f"{self.tracker}: {method} {path} was done, but its answer is not JSON") from None

    def close(self) -> None:
        """Give back connections."""
        if self.jira.is_open:
            self.jira.close()  # type: ignore[no-untyped-call]

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        write: bool = False,
    ) -> requests.Response:
        data = None if body is None else json.dumps(body)
        address = self.address(path)
        # Past the library's own reading of refusals, which stumbles over bodies that are not as it thinks.
        response = requests.Session.request(self.jira.session_in_use, method, address, params=params, data=data)
        if response.status_code >= 400:
            raise from_response(response, f"{self.tracker}: {method} {path}", write=write)
        return response

    def _library(self, what: str, call: Callable[[], T]) -> T:
        try:
            return call()
        except JIRAError as error:
            raise from_library(error, f"{self.tracker}: {what}", write=False) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Malformed(f"{self.tracker}: {what}: the answer is not what Jira promises ({error})") from None

    def _json(self, response: requests.Response, path: str) -> Any:
        try:
            return response.json()
        except ValueError:
            kind = response.headers.get("Content-Type", "no type")
            raise NotJson(f"{self.tracker}: {path} answered {response.status_code} without JSON ({kind})") from None


def written(request: requests.PreparedRequest) -> tuple[str, ...]:
    """The issues that a write counts for: a link is one of both."""
    path = urlsplit(request.url or "").path
    if path.endswith("/issueLink"):
        try:
            body = json.loads(request.body) if isinstance(request.body, str | bytes) else None
        except ValueError:
            return ()
        return tuple(end for name in ("inwardIssue", "outwardIssue") if (end := text_at(body, name, "id")))
    named = _ISSUE.search(path)
    return (named[1],) if named else ()


def learn(response: requests.Response, budget: Budget) -> None:
    """Slow down before we are told to: Cloud says when less than a fifth is left, Data Center how much and how fast it grows."""
    headers = response.headers
    if headers.get("X-RateLimit-NearLimit", "").lower() == "true":
        left = _number(headers.get("X-RateLimit-Remaining"))
        reset = moment(headers.get("X-RateLimit-Reset"))
        seconds = until(reset, headers).total_seconds() if reset else _NEAR
        budget.slow(min(seconds / max(left or 1, 1), _NEAR), seconds, "Jira, whose limit is near")
    elif (rate := _number(headers.get("X-RateLimit-FillRate"))) and _number(headers.get("X-RateLimit-Remaining")) == 0:
        span = _number(headers.get("X-RateLimit-Interval-Seconds")) or 1
        budget.slow(span / rate, span, "Jira, whose limit is near")


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,9}", text) else None


def _pace(settings: Settings) -> Pace:
    return Pace(
        between_requests=settings.seconds_between_requests,
        between_writes=settings.seconds_between_writes,
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        patience=settings.patience,
    )


def missing(error: Rejected) -> bool:
    """Whether Jira said that an issue is not there (or hidden, which looks the same)."""
    return isinstance(error, NotThere)
