"""The simulated Jira as a server: credentials, limits, headers, and calls for tests in the same process."""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict, deque
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from adapters._simulator import Simulator
from adapters.jira.simulator import routes_issue, routes_search, routes_site
from adapters.jira.simulator.catalogue import Deployment, Person, Style, build_catalogue
from adapters.jira.simulator.errors import ApiError
from adapters.jira.simulator.fields import FieldReader
from adapters.jira.simulator.rendering import Renderer
from adapters.jira.simulator.routing import Answer, Call, JsonObject, build_map
from adapters.jira.simulator.seed import fill
from adapters.jira.simulator.state import Issue, World

#: Importing these registers their endpoints.
ENDPOINTS = (routes_issue, routes_search, routes_site)

_API = re.compile(r"/rest/api/(2|3|latest)(/.*)")
_ISSUE_WRITE = re.compile(r"/issue/([^/]+)")
#: Cloud allows so many writes to one issue within two seconds.
ISSUE_WRITE_SPAN = timedelta(seconds=2)
SERVER_ZONE = "Europe/London"


class JiraSimulator(Simulator):
    """A Jira Cloud site or a Jira Data Center with the project PAY (and OPS, to move issues to).

    `search_lag` is how long a write stays out of search: 2 seconds on Cloud, none on Data Center.
    `language` "de" translates status names; `reason_required` leaves no free way to Blocked;
    `denied` are permission keys that the bot lacks; `issue_write_limit` is per issue and two seconds.
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
        denied: frozenset[str] = frozenset(),
        issue_write_limit: int = 20,
        text_limit: int = 32767,
    ) -> None:
        super().__init__()
        self.project = "PAY"
        self.catalogue = build_catalogue(
            deployment=deployment, style=style, user=user, token=token, time_zone=time_zone, language=language,
            reason_required=reason_required,
        )  # fmt: skip
        default_lag = 2.0 if deployment == "cloud" else 0.0
        lag = default_lag if search_lag is None else search_lag
        self.world = World(self.catalogue, (self.project, "OPS"), self._now, lag)
        self.hide_emails = hide_emails
        self.denied = denied
        self.issue_write_limit = issue_write_limit
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
        return self._response(status, body, headers)

    # -- for tests in the same process --------------------------------------------------------------

    def request(self, method: str, path: str, body: Any = None, *, user: str = "ada") -> Any:
        """One API call as a person, past the network and the per-issue limit; raises ApiError where it is refused."""
        with self.lock:
            builder = EnvironBuilder(
                path=f"/rest/api/2{path}", method=method, json=body, base_url=self.base_url or None
            )
            request = builder.get_request()
            return self._run(request, self.catalogue.people[user], "2")[1]

    def add_issue(self, title: str, *, type: str = "Task", user: str = "ada", **fields: Any) -> str:  # noqa: A002
        """Create an issue (texts are wiki markup) and return its key."""
        named = {"project": {"key": self.project}, "summary": title, "issuetype": {"name": type}, **fields}
        return str(self.request("POST", "/issue", {"fields": named}, user=user)["key"])

    def issue(self, key: str) -> Issue:
        """The state of an issue now; KeyError when there is none."""
        with self.lock:
            return self.world.issues[self.world.keys[key]]

    def edit(self, key: str, *, user: str = "ada", **fields: Any) -> None:
        """Change fields, as the REST API names them."""
        self.request("PUT", f"/issue/{key}", {"fields": fields}, user=user)

    def assign(self, key: str, assignee: str | None, *, user: str = "ada") -> None:
        """Assign to a person by short name, or to nobody."""
        person = self.catalogue.people[assignee] if assignee else None
        value = person and (person.account_id if self.catalogue.cloud else person.name)
        name = "accountId" if self.catalogue.cloud else "name"
        self.request("PUT", f"/issue/{key}/assignee", {name: value}, user=user)

    def transition(self, key: str, status: str, *, user: str = "ada", **fields: Any) -> None:
        """Take the first transition that leads to a status (its untranslated name); Done gets a resolution."""
        moves = self.catalogue.transitions_from(self.issue(key).status)
        named = [move for move in moves if self.catalogue.statuses[move.target].untranslated == status]
        move = min(named, key=lambda move: set(move.required) - {"resolution"} - set(fields) != set())
        if "resolution" in move.required:
            fields.setdefault("resolution", {"name": "Done"})
        self.request("POST", f"/issue/{key}/transitions", {"transition": {"id": move.id}, "fields": fields}, user=user)

    def comment(self, key: str, text: str, *, user: str = "ada") -> str:
        """Add a comment (wiki markup) and return its id."""
        return str(self.request("POST", f"/issue/{key}/comment", {"body": text}, user=user)["id"])

    def edit_comment(self, key: str, comment_id: str, text: str, *, user: str = "ada") -> None:
        """Rewrite a comment."""
        self.request("PUT", f"/issue/{key}/comment/{comment_id}", {"body": text}, user=user)

    def delete_comment(self, key: str, comment_id: str, *, user: str = "ada") -> None:
        """Remove a comment."""
        self.request("DELETE", f"/issue/{key}/comment/{comment_id}", user=user)

    def delete(self, key: str, *, user: str = "ada") -> None:
        """Remove an issue with its sub-tasks."""
        self.request("DELETE", f"/issue/{key}?deleteSubtasks=true", user=user)

    def move(self, key: str, project: str = "OPS", *, user: str = "ada") -> str:
        """Take an issue to another project and return its new key (a thing of the web interface only)."""
        with self.lock:
            return self.world.move(user, self.issue(key), project).key

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
        matched = _API.fullmatch(request.path)
        if matched is None or (matched[1] == "3" and not self.catalogue.cloud):
            raise ApiError(404, body={"message": f"null for uri: {request.url}", "status-code": 404})
        self._limit(request, headers)
        return self._run(request, person, "3" if matched[1] == "3" else "2")

    def _run(self, request: Request, person: Person | None, version: str) -> Answer:
        path = request.path.split("/", 4)[4]
        try:
            endpoint, arguments = self._map.bind("jira").match("/" + path, method=request.method)
        except NotFound as error:
            raise ApiError(404, body={"message": f"null for uri: {request.url}", "status-code": 404}) from error
        except MethodNotAllowed as error:
            raise ApiError(405, body={"message": "HTTP 405 Method Not Allowed", "status-code": 405}) from error
        render = Renderer(
            world=self.world, base=self.base_url, version=version, viewer=person, hide_emails=self.hide_emails,
            zone=ZoneInfo(person.time_zone if person else SERVER_ZONE),
        )  # fmt: skip
        call = Call(
            request=request, world=self.world, render=render, person=person, denied=self.denied,
            read=FieldReader(world=self.world, version=version, text_limit=self.text_limit),
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
        matched = _ISSUE_WRITE.search(request.path)
        if request.method == "GET" or matched is None or matched[1] == "bulkfetch":
            return
        now = self.clock.now()
        recent = self._writes[self._issue_name(matched[1])]
        while recent and now - recent[0] > ISSUE_WRITE_SPAN:
            recent.popleft()
        if len(recent) >= limit:
            reset = (now + ISSUE_WRITE_SPAN).astimezone(UTC)
            headers |= {"Retry-After": "2", "RateLimit-Reason": "jira-per-issue-on-write"}
            headers |= {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{reset:%Y-%m-%dT%H:%MZ}"}
            raise ApiError(429, "Rate limit exceeded.")
        recent.append(now)

    def _issue_name(self, key: str) -> str:
        return str(self.world.keys.get(key.upper(), key))

    @staticmethod
    def _response(status: int, body: Any, headers: dict[str, str]) -> Response:
        text = "" if body is None else json.dumps(body, ensure_ascii=False)
        return Response(text, status=status, headers=headers, content_type="application/json;charset=UTF-8")
