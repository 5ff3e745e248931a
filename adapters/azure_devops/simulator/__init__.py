"""A stateful imitation of the Azure DevOps work item service, for rehearsals and tests."""

from __future__ import annotations

import base64
import binascii
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from werkzeug.wrappers import Request, Response

from adapters._simulator import Simulator
from adapters.azure_devops.simulator import comments, discovery
from adapters.azure_devops.simulator.editing import Editor, Requirements
from adapters.azure_devops.simulator.errors import ApiError, JsonObject, bad_argument
from adapters.azure_devops.simulator.process import PRIORITY, ProcessName
from adapters.azure_devops.simulator.rendering import Renderer
from adapters.azure_devops.simulator.reporting import Reporting
from adapters.azure_devops.simulator.routes import Call, Router, check_version, collection, definitions
from adapters.azure_devops.simulator.seed import Seeder
from adapters.azure_devops.simulator.state import HIERARCHY_UP, Organisation, User, guid
from adapters.azure_devops.simulator.tickets import as_response, tickets

__all__ = ["AzureDevOpsSimulator", "create"]

ORGANISATION = "acme"
#: Two people share a display name, as people do: a bare name is then ambiguous.
PEOPLE: Mapping[str, User] = {
    "bot": User(name="Trackdown Bot", mail="bot@acme.example"),
    "ada": User(name="Ada Lovelace", mail="ada@acme.example"),
    "grace": User(name="Grace Hopper", mail="grace@acme.example"),
    "alan": User(name="Alan Turing", mail="alan@acme.example"),
    "alan2": User(name="Alan Turing", mail="alan@contractor.example"),
}
_WINDOW = timedelta(minutes=5)
_SIGN_IN = "<!DOCTYPE html><html><head><title>Sign In</title></head><body>Sign in to your account</body></html>"


class AzureDevOpsSimulator(Simulator):
    """One organisation `acme` with one project.

    `token` is the bot's personal access token; every other person's is `token-<short name>`.
    `budget` requests a user may make in five minutes: beyond 80 % answers carry `Retry-After`, beyond all of it they
    are 429. `sign_in` is the status of the HTML page that a stranger gets who did not ask to suppress redirects.
    """

    kind: ClassVar[str] = "azure_devops"

    def __init__(
        self,
        *,
        token: str = "azure-token",  # noqa: S107 - opens nothing but this simulator
        project: str = "Payments",
        process: ProcessName = "Agile",
        links_raise_rev: bool = False,
        required_fields: Requirements | None = None,
        wiql_limit: int = 20_000,
        budget: int | None = None,
        sign_in: int = 203,
    ) -> None:
        super().__init__()
        self.project = project
        self.token = token
        self.sign_in = sign_in
        self.budget = budget
        self.wiql_limit = wiql_limit
        self.tokens = {token: PEOPLE["bot"]}
        self.tokens |= {f"token-{name}": user for name, user in PEOPLE.items() if name != "bot"}
        people = PEOPLE.values()
        self.organisation = Organisation(project=project, process=process, clock=self.clock, people=people)
        self.editor = Editor(self.organisation, required_fields=required_fields or {}, links_raise_rev=links_raise_rev)
        self._router = Router(ORGANISATION, definitions() | tickets())
        self._render = Renderer(self.organisation, "")
        self._spent: dict[str, deque[datetime]] = {}

    # -- the service -----------------------------------------------------------------------------

    def auth(self) -> dict[str, str]:
        """The bot's token."""
        return {"token": self.token}

    def description(self) -> dict[str, Any]:
        """`url` is the organisation's address."""
        return {**super().description(), "url": self.url}

    @property
    def url(self) -> str:
        """The organisation's address, as `url` of a `[trackers.x]` table takes it."""
        return f"{self.base_url}/{ORGANISATION}"

    def user_of(self, request: Request) -> str | None:
        """The mail address of the person whose token the request carries."""
        user = self._user(request)
        return user.mail if user else None

    def seed(self, tickets: int) -> None:
        """Fill the project with half a year of an online-payments team."""
        people = [user for name, user in PEOPLE.items() if name not in ("bot", "alan2")]
        Seeder(self.organisation, self.editor, people).fill(tickets)

    def handle(self, request: Request) -> Response:
        """Answer one request as the service would."""
        user = self._user(request)
        if user is None:
            return self._stranger(request)
        try:
            headers = self._throttle(user)
            response = self._dispatch(request, user)
        except ApiError as error:
            headers = {"Retry-After": "30"} if error.status == 429 else {}
            response = as_response(error.body(), "7.1")
            response.status_code = error.status
        response.headers.update({"ActivityId": guid(str(len(self.requests))), **headers})
        return response

    def _dispatch(self, request: Request, user: User) -> Response:
        if request.method == "OPTIONS":
            return as_response(collection(discovery.locations()), "7.1")
        handler, resource, values = self._router.find(request.method, request.path)
        query = {name.lower(): value for name, value in request.args.items()}
        version = check_version(request, query, resource)
        project = values.pop("project", None)
        if project is not None:
            discovery.find_project(self.organisation, project)
        call = self._call(request, user, query, scoped=project is not None)
        return as_response(handler(call, **values), version)

    def _call(self, request: Request, user: User, query: Mapping[str, str], *, scoped: bool) -> Call:
        if self._render.root != self.url:
            self._render = Renderer(self.organisation, self.url)
        return Call(
            request=request,
            user=user,
            query=query,
            organisation=self.organisation,
            editor=self.editor,
            render=self._render,
            reporting=Reporting(self.organisation, self._render),
            wiql_limit=self.wiql_limit,
            scoped=scoped,
        )

    def _user(self, request: Request) -> User | None:
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            _, _, token = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return self.tokens.get(token)

    def _stranger(self, request: Request) -> Response:
        realm = f'Basic realm="{self.base_url}/"'
        if self.sign_in == 401 or request.headers.get("X-TFS-FedAuthRedirect", "").lower() == "suppress":
            return Response(status=401, headers=[("WWW-Authenticate", "Bearer"), ("WWW-Authenticate", realm)])
        response = Response(_SIGN_IN, status=self.sign_in, mimetype="text/html")
        if self.sign_in == 302:
            response.headers["Location"] = f"{self.base_url}/_signin"
        return response

    def _throttle(self, user: User) -> dict[str, str]:
        if self.budget is None:
            return {}
        now, spent = self.clock.now(), self._spent.setdefault(user.mail, deque())
        while spent and spent[0] <= now - _WINDOW:
            spent.popleft()
        if len(spent) >= self.budget:
            message = (
                "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource "
                f"'Concurrency' in namespace 'User ID'. Limit: {self.budget}."
            )
            raise ApiError(429, "RequestBlockedException", message)
        spent.append(now)
        if len(spent) <= self.budget * 0.8:
            return {}
        reset = str(int((spent[0] + _WINDOW).timestamp()))
        left = str(self.budget - len(spent))
        return {
            "Retry-After": "1",
            "X-RateLimit-Resource": f"{ORGANISATION}/Concurrency",
            "X-RateLimit-Delay": "0.5",
            "X-RateLimit-Limit": str(self.budget),
            "X-RateLimit-Remaining": left,
            "X-RateLimit-Reset": reset,
        }

    # -- what a test or a story does as a person --------------------------------------------------

    def add_issue(
        self,
        *,
        title: str,
        body: str = "",
        type: str | None = None,  # noqa: A002 - the service's own word
        state: str | None = None,
        labels: Sequence[str] = (),
        assignee: str | None = None,
        priority: int | None = None,
        parent: int | None = None,
        links: Sequence[str] = (),
        by: str = "ada",
        fields: Mapping[str, Any] | None = None,
    ) -> int:
        """Create a work item as a person (short name or mail) and return its id; `body` is HTML, `links` are addresses."""
        with self.lock:
            kinds = self.organisation.types
            kind = kinds[type.lower()] if type else next(k for name, k in kinds.items() if name not in _SPECIAL)
            values: JsonObject = {"System.Title": title, **(fields or {})}
            if body:
                values[kind.body_field] = body
            if priority is not None:
                values[PRIORITY] = priority
            values |= _common(labels or None, assignee)
            added = [{"op": "add", "path": "/relations/-", "value": {"rel": "Hyperlink", "url": url}} for url in links]
            operations = [*_operations(values), *self._parent(parent), *added]
            item = self.editor.create(kind, operations, self._person(by))
            if state is not None and state != item.fields["System.State"]:
                self.editor.update(item, _operations({"System.State": state}), self._person(by))
            return item.id

    def issue(self, key: int) -> JsonObject:
        """The work item as GET with `$expand=all` answers; raises ApiError where it is not there."""
        with self.lock:
            return self._render.work_item(self.organisation.item(int(key)), expand="all")

    def edit(
        self,
        key: int,
        *,
        by: str = "ada",
        title: str | None = None,
        body: str | None = None,
        state: str | None = None,
        labels: Sequence[str] | None = None,
        assignee: str | None = None,
        priority: int | None = None,
        parent: int | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        """Change a work item as a person; `labels` replaces all tags, assignee "" unassigns."""
        with self.lock:
            item = self.organisation.item(int(key))
            values: JsonObject = dict(fields or {})
            named = {"System.Title": title, item.type.body_field: body, "System.State": state, PRIORITY: priority}
            values |= {name: value for name, value in named.items() if value is not None}
            values |= _common(labels, assignee)
            self.editor.update(item, [*_operations(values), *self._parent(parent)], self._person(by))

    def comment(self, key: int, text: str, *, by: str = "ada") -> int:
        """Write a comment as a person and return its id; `text` is HTML."""
        with self.lock:
            item = self.organisation.item(int(key))
            return comments.add(self.organisation, item, self._person(by), text, "html").id

    def edit_comment(self, key: int, comment: int, text: str) -> None:
        """Change a comment as its author."""
        with self.lock:
            item = self.organisation.item(int(key))
            found = comments.find(item, comment)
            comments.edit(self.organisation, item, found, found.by, text)

    def delete_comment(self, key: int, comment: int) -> None:
        """Delete a comment as its author."""
        with self.lock:
            item = self.organisation.item(int(key))
            found = comments.find(item, comment)
            comments.delete(self.organisation, item, found, found.by)

    def comments_of(self, key: int) -> list[JsonObject]:
        """The comments that are not deleted, oldest first."""
        with self.lock:
            item = self.organisation.item(int(key))
            return [self._render.comment(item, comment) for comment in item.comments.values() if not comment.deleted]

    def delete(self, key: int, *, by: str = "ada") -> None:
        """Move a work item to the recycle bin as a person."""
        with self.lock:
            comments.recycle(self.organisation, self.organisation.item(int(key)), self._person(by))

    def restore(self, key: int, *, by: str = "ada") -> None:
        """Take a work item back out of the recycle bin."""
        with self.lock:
            comments.restore(self.organisation, self.organisation.item(int(key), deleted=True), self._person(by))

    def destroy(self, key: int) -> None:
        """Remove a work item for good."""
        with self.lock:
            comments.destroy(self.organisation, self.organisation.item(int(key)))

    def move(self, key: int, project: str) -> None:
        """Move a work item to another project: it keeps its id."""
        with self.lock:
            item = self.organisation.item(int(key))
            fields = {name: value for name, value in item.fields.items() if name != "System.History"}
            self.organisation.commit(item, {**fields, "System.TeamProject": project}, self._person("ada"))

    def relate(self, key: int, other: int, *, by: str = "ada") -> None:
        """Link two work items as related."""
        with self.lock:
            relation = {"rel": "System.LinkTypes.Related", "url": f"{self.url}/_apis/wit/workItems/{other}"}
            operations = [{"op": "add", "path": "/relations/-", "value": relation}]
            self.editor.update(self.organisation.item(int(key)), operations, self._person(by))

    def keys(self) -> list[int]:
        """The ids of every work item that is not deleted."""
        with self.lock:
            return [item.id for item in self.organisation.items.values() if item.deleted is None]

    def _person(self, name: str) -> User:
        found = [PEOPLE[name]] if name in PEOPLE else self.organisation.user(name)
        if len(found) != 1:
            raise bad_argument(f"nobody or several people are called {name}")
        return found[0]

    def _parent(self, parent: int | None) -> list[JsonObject]:
        if parent is None:
            return []
        relation = {"rel": HIERARCHY_UP, "url": f"{self.url}/_apis/wit/workItems/{parent}"}
        return [{"op": "add", "path": "/relations/-", "value": relation}]


_SPECIAL = frozenset({"epic", "feature", "task"})


def _common(labels: Sequence[str] | None, assignee: str | None) -> JsonObject:
    values: JsonObject = {}
    if labels is not None:
        values["System.Tags"] = "; ".join(labels)
    if assignee is not None:
        values["System.AssignedTo"] = PEOPLE[assignee].mail if assignee in PEOPLE else assignee
    return values


def _operations(values: JsonObject) -> list[JsonObject]:
    return [{"op": "add", "path": f"/fields/{name}", "value": value} for name, value in values.items()]


def create(*, token: str, **knobs: Any) -> AzureDevOpsSimulator:
    """A simulator that lets the token's bearer in; `knobs` are the constructor's."""
    return AzureDevOpsSimulator(token=token, **knobs)
