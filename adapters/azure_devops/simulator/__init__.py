"""A stateful imitation of the Azure DevOps work item service, for rehearsals and tests."""

from __future__ import annotations

import base64
import binascii
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from werkzeug.wrappers import Request, Response

from adapters.azure_devops.simulator import discovery
from adapters.azure_devops.simulator.acting import ORGANISATION, PEOPLE, Acting
from adapters.azure_devops.simulator.call import Call, collection
from adapters.azure_devops.simulator.editing import Editor
from adapters.azure_devops.simulator.errors import ApiError
from adapters.azure_devops.simulator.feeds import feeds
from adapters.azure_devops.simulator.process import ProcessName
from adapters.azure_devops.simulator.rendering import Renderer
from adapters.azure_devops.simulator.reporting import Reporting
from adapters.azure_devops.simulator.routes import Router, check_version, definitions
from adapters.azure_devops.simulator.seed import Seeder
from adapters.azure_devops.simulator.state import Organisation, Project, Rules, User, guid
from adapters.azure_devops.simulator.tickets import as_response, tickets

__all__ = ["AzureDevOpsSimulator", "Rules", "create"]

_WINDOW = timedelta(minutes=5)
_SIGN_IN = "<!DOCTYPE html><html><head><title>Sign In</title></head><body>Sign in to your account</body></html>"


class AzureDevOpsSimulator(Acting):
    """One organisation `acme` with one project.

    `token` is the bot's personal access token; every other person's is `token-<short name>`.
    `budget` requests a user may make in five minutes: beyond 80 % answers carry `Retry-After`, beyond all of it they
    are 429. `sign_in` is the status of the HTML page that a stranger gets who did not ask to suppress redirects.
    `rules` are the members of `Rules`.
    """

    kind: ClassVar[str] = "azure_devops"

    def __init__(
        self,
        *,
        token: str = "azure-token",  # noqa: S107 - opens nothing but this simulator
        project: str = "Payments",
        process: ProcessName = "Agile",
        wiql_limit: int = 20_000,
        budget: int | None = None,
        sign_in: int = 203,
        **rules: Any,
    ) -> None:
        super().__init__()
        self.project = project
        self.token = token
        self.sign_in = sign_in
        self.budget = budget
        self.trips = 0  # requests that were refused because of it
        self.wiql_limit = wiql_limit
        self.tokens = {token: PEOPLE["bot"]}
        self.tokens |= {f"token-{name}": user for name, user in PEOPLE.items() if name != "bot"}
        self.organisation = Organisation(
            project=project,
            process=process,
            clock=self.clock,
            people=PEOPLE.values(),
            rules=Rules(**rules),
        )
        self.editor = Editor(self.organisation)
        self._rendering = Renderer(self.organisation, "")
        self._router = Router(ORGANISATION, definitions() | tickets() | feeds())
        self._spent: dict[str, deque[datetime]] = {}

    # -- the service -----------------------------------------------------------------------------

    def auth(self) -> dict[str, str]:
        """The bot's token."""
        return {"token": self.token}

    def description(self) -> dict[str, Any]:
        """`url` is the organisation's address."""
        return {**super().description(), "url": self.url}

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
        name = values.pop("project", None)
        project = discovery.find_project(self.organisation, name) if name is not None else None
        call = self._call(request, user, query, project)
        return as_response(handler(call, **values), version)

    def _call(self, request: Request, user: User, query: Mapping[str, str], project: Project | None) -> Call:
        render = self._render
        return Call(
            request=request,
            user=user,
            query=query,
            organisation=self.organisation,
            editor=self.editor,
            render=render,
            reporting=Reporting(self.organisation, render),
            wiql_limit=self.wiql_limit,
            project=project,
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
            self.trips += 1
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


def create(*, token: str, **knobs: Any) -> AzureDevOpsSimulator:
    """A simulator that lets the token's bearer in; `knobs` are the constructor's."""
    return AzureDevOpsSimulator(token=token, **knobs)
