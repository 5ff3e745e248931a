"""The `jira` library with its own retries off and our transport under it, and raw requests through the same session."""

from __future__ import annotations

import json
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import requests
from jira import JIRA
from jira.exceptions import JIRAError

from adapters._download import download
from adapters._http import Pace, Redactor, TrackerTransport, mount
from adapters.jira.errors import NotThere, from_library, from_response, refused_login
from adapters.jira.multipart import Multipart
from adapters.jira.settings import Settings
from adapters.jira.wire import as_list, as_object, text_at
from sync.core.errors import Malformed, Moved, Rejected, Uncertain
from sync.core.models import JsonObject
from sync.core.ports import Traffic

T = TypeVar("T")

#: Requests that only read although they are sent with POST.
_READS_BY_POST: Final = ("/search", "/search/jql", "/issue/bulkfetch", "/changelog/bulkfetch", "/comment/list")
#: Cloud allows 20 writes to one issue in two seconds and 100 in thirty; staying below (writes, seconds) costs nothing and
#: avoids 429 for the whole bridge.
ISSUE_LIMITS: Final = ((18, 2.1), (95, 30.5))
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
        self, settings: Settings, *, tracker: str, pace: Pace | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.tracker = tracker
        self.url = settings.url.rstrip("/")
        self.traffic = Traffic()
        self._sleep = sleep
        self._writes: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=ISSUE_LIMITS[-1][0]))
        redactor = Redactor()
        token = settings.auth.token.get_secret_value()
        redactor.add(token, settings.auth.user or "")
        self.transport = TrackerTransport(
            tracker,
            self.traffic,
            pace=pace or _pace(settings),
            redactor=redactor,
            sleep=sleep,
            is_write=lambda method, path: method not in ("GET", "HEAD") and not path.endswith(_READS_BY_POST),
            classify=refused_login,
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
        stranger.auth = _nobody
        mount(stranger, self.transport)
        try:
            response = stranger.get(self.address(path), headers={"Accept": "application/json"})
        except Moved:
            return False  # to where people log in
        return response.status_code == 200 and "key" in as_object(self._json(response, path))

    def upload(self, path: str, parts: Multipart) -> Any:
        """Attach a file, sent once; the JSON of the answer."""
        for issue in _written(path, None):
            self._hold_back(issue)
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
        for issue in _written(path, body):
            self._hold_back(issue)
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
            raise Malformed(f"{self.tracker}: {path} answered {response.status_code} without JSON ({kind})") from None

    def _hold_back(self, issue: str) -> None:
        """Wait where the next write to this issue would pass a limit of an issue."""
        recent, now = self._writes[issue], time.monotonic()
        wait = max((recent[-most] + span - now for most, span in ISSUE_LIMITS if len(recent) >= most), default=0.0)
        if wait > 0:
            self.traffic.waits += wait
            self._sleep(wait)
        recent.append(time.monotonic())
        if len(self._writes) > 1000:
            self._writes.pop(next(iter(self._writes)))


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No credentials: without this, `requests` would look for some in `.netrc`."""
    return request


def _written(path: str, body: Any) -> list[str]:
    """The issues that a write counts for: a link is one of both."""
    kind, _, rest = path.partition("/")
    if kind == "issueLink":
        return [end for name in ("inwardIssue", "outwardIssue") if (end := text_at(body, name, "id"))]
    return [rest.partition("/")[0]] if kind == "issue" and rest else []


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
