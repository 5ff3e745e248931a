"""A stateful imitation of GitHub Issues over HTTP: github.com, Enterprise Cloud, or Enterprise Server 3.17 or 3.19."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map
from werkzeug.wrappers import Request, Response

from adapters.github.simulator import seed
from adapters.github.simulator.call import Answer, Call, Moved
from adapters.github.simulator.limits import Limits, Meter
from adapters.github.simulator.people import People
from adapters.github.simulator.rendering import Renderer
from adapters.github.simulator.routes import build_map
from adapters.github.simulator.state import ApiError, By, Due, OwnerType, Product, Repository, User
from adapters.github.simulator.world import World

__all__ = ["GitHubSimulator", "Limits", "create"]

API_VERSIONS = ("2022-11-28", "2026-03-10")
REDIRECTS = "/guides/best-practices-for-using-the-rest-api#follow-redirects"


class GitHubSimulator(People):
    """One server with the repository `project`; `token` is the bridge's, people have `token-<login>`.

    `push=False` takes push access from the bridge. `due` says what becomes of the time of a milestone's `due_on`.
    The `…_touch` knobs make such a change move `updated_at` of the issues, where no source says whether it does;
    `summaries_lag` lets `issue_dependencies_summary` stay behind the lists until `updated_at` moves.
    """

    def __init__(
        self,
        *,
        token: str = "token-bridge",  # noqa: S107 - a rehearsal's token, no secret
        project: str = "acme/payments",
        product: Product = "github.com",
        owner_type: OwnerType = "Organization",
        push: bool = True,
        limits: Limits | None = None,
        unassignable: Literal["drop", "reject"] = "drop",
        comment_edits_touch: bool = False,
        sub_issues_touch: bool = False,
        dependencies_touch: bool = False,
        fields_touch: bool = True,
        summaries_lag: bool = False,
        due: Due = "utc",
    ) -> None:
        world = World(
            product=product,
            owner_type=owner_type,
            unassignable=unassignable,
            comment_edits_touch=comment_edits_touch,
            sub_issues_touch=sub_issues_touch,
            dependencies_touch=dependencies_touch,
            fields_touch=fields_touch,
            due=due,
        )
        super().__init__(project=project, world=world, token=token, push=push)
        self.meter = Meter(limits or Limits())
        self._summaries_lag = summaries_lag
        self._routes: Map = build_map(product)
        self._renderers: dict[str, Renderer] = {}

    # -- what the base class asks for --------------------------------------------------------------

    def auth(self) -> dict[str, str]:
        """The `auth` table with which a bridge may enter."""
        return {"token": self.bridge.token or ""}

    def user_of(self, request: Request) -> str | None:
        """The login behind the request's token."""
        user = self._user(request)
        return None if user is None else user.login

    def seed(self, tickets: int) -> None:
        """Fill the project with `tickets` issues (pull requests come on top)."""
        seed.fill(self.world, self.repository, tickets, self.clock.now().replace(microsecond=0))

    def handle(self, request: Request) -> Response:
        """Answer one API request; called under `self.lock`."""
        headers: dict[str, str] = {}
        user = self._user(request)
        try:
            status, body = self._serve(request, user, headers)
        except ApiError as error:
            status, body = error.status, error.body
            if status in (403, 429) and "rate limit" in str(error) and self.meter.limits.retry_after is not None:
                headers["Retry-After"] = str(self.meter.limits.retry_after)
        except Moved as moved:
            status, body = self._redirect(request, moved.path, 301, headers)
        response = Response(
            b"" if body is None else json.dumps(body),
            status=status,
            headers=self._common_headers(user) | headers,
            content_type="application/json; charset=utf-8",
        )
        return self._conditional(request, response, user)

    # -- the way of a request --------------------------------------------------------------------------

    def _user(self, request: Request) -> User | None:
        given = request.authorization
        if given is None:
            return None
        token = given.password if given.type == "basic" else given.token
        return self.world.tokens.get(token or "")

    def _serve(self, request: Request, user: User | None, headers: dict[str, str]) -> Answer:
        now = self.clock.now().replace(microsecond=0)
        if not request.headers.get("User-Agent"):
            raise ApiError(
                403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent"
            )
        version = request.headers.get("X-GitHub-Api-Version")
        if version is not None and version not in API_VERSIONS[: None if self.world.has("limits") else 1]:
            raise ApiError(400, f'"{version}" is not a supported version.')
        if user is None and "Authorization" in request.headers:
            raise ApiError(401, "Bad credentials")
        write = request.method not in ("GET", "HEAD")
        if user is not None and request.path != "/rate_limit":
            creates = request.method == "POST" and request.path.endswith(("/issues", "/comments"))
            self.meter.count(user, self.clock.now(), write=write, creates=creates)
        try:
            endpoint, matched = self._routes.bind("").match(request.path, request.method)
        except HTTPException:
            raise ApiError(404, "Not Found") from None
        render, arguments = self._renderer(request), dict(matched)
        if isinstance(endpoint, str):
            return self._account(endpoint, arguments, user, render, now)
        assert callable(endpoint)
        repository = self._addressed(arguments)
        if repository.private and (user is None or not user.reads):
            raise ApiError(404, "Not Found")
        named = f"{arguments.pop('owner', '')}/{arguments.pop('repo', '')}".lower()
        if named not in ("/", repository.full_name.lower()):
            tail = request.path.split("/", 4)[4:]
            path = "/".join([f"/repositories/{repository.id}", *tail])
            return self._redirect(request, path, 307 if write else 301, headers)
        if write and user is None:
            raise ApiError(401, "Requires authentication")
        if write and repository.archived:
            raise ApiError(403, "Repository was archived so is read-only.")
        visitor = user or User(id=0, login="", push=False)
        call = Call(
            request=request, world=self.world, repository=repository, by=By(user=visitor, at=now), render=render
        )
        run: Callable[..., Answer] = endpoint
        try:
            return run(call, **arguments)
        finally:
            headers.update(call.headers)

    def _account(self, endpoint: str, arguments: Any, user: User | None, render: Renderer, now: datetime) -> Answer:
        if user is None:
            raise ApiError(401, "Requires authentication")
        if endpoint == "rate_limit":
            if not self.world.has("limits"):
                raise ApiError(404, "Rate limiting is not enabled.")
            return 200, self.meter.overview(user, now)
        if endpoint == "user":
            return 200, render.profile(user, own=True)
        if endpoint in ("types", "fields"):
            return self._organization(endpoint, arguments["login"], user, render)
        found = self.world.users.get(arguments["login"].lower())
        if found is None:
            raise ApiError(404, "Not Found")
        return 200, render.profile(found, own=False)

    def _organization(self, endpoint: str, login: str, user: User, render: Renderer) -> Answer:
        """What the organization defines for all its repositories."""
        homes = self.world.repositories.values()
        owned = next((home for home in homes if home.owner.lower() == login.lower()), None)
        if owned is None or owned.owner_type != "Organization" or not user.reads:
            raise ApiError(404, "Not Found", see=f"/orgs/issue-{endpoint}")
        if endpoint == "fields":
            return 200, [render.field(field) for field in owned.fields.values()]
        return 200, [render.type(kind) for kind in owned.types.values()]

    def _addressed(self, arguments: dict[str, Any]) -> Repository:
        repository_id = arguments.pop("repository_id", None)
        if repository_id is None:
            repository_id = self.world.names.get(f"{arguments['owner']}/{arguments['repo']}".lower())
        repository = self.world.repositories.get(repository_id or 0)
        if repository is None:
            raise ApiError(404, "Not Found", see="/repos/repos#get-a-repository")
        return repository

    def _redirect(self, request: Request, path: str, status: int, headers: dict[str, str]) -> Answer:
        query = request.query_string.decode("latin-1")
        headers["Location"] = url = self._renderer(request).root + path + (f"?{query}" if query else "")
        see = f"https://docs.github.com/rest{REDIRECTS}"
        return status, {"message": "Moved Permanently", "url": url, "documentation_url": see}

    def _renderer(self, request: Request) -> Renderer:
        root = request.host_url.rstrip("/")
        if root not in self._renderers:
            self._renderers[root] = Renderer(root, self.world.product, summaries_lag=self._summaries_lag)
        return self._renderers[root]

    def _common_headers(self, user: User | None) -> dict[str, str]:
        now = self.clock.now()
        headers = {
            "X-GitHub-Media-Type": "github.v3; format=json",
            "X-GitHub-Api-Version-Selected": API_VERSIONS[0],
            "X-GitHub-Request-Id": hashlib.md5(repr(now).encode(), usedforsecurity=False).hexdigest()[:20].upper(),
            "X-OAuth-Scopes": "repo, read:org",
            "Cache-Control": "private, max-age=60, s-maxage=60",
        }
        if not self.world.has("limits"):
            release = self.world.product.removeprefix("ghes-")
            return headers | {"X-GitHub-Enterprise-Version": f"{release}.0"}
        return headers | (self.meter.headers(user, now) if user else {})

    def _conditional(self, request: Request, response: Response, user: User | None) -> Response:
        if request.method != "GET" or response.status_code != 200:
            return response
        tag = hashlib.sha256(response.get_data()).hexdigest()
        response.headers["ETag"] = f'W/"{tag}"'
        if request.if_none_match.contains_weak(tag):
            response.set_data(b"")
            response.status_code = 304
            if user is not None:
                self.meter.spare(user, self.clock.now())
        return response


def create(*, token: str, **knobs: Any) -> GitHubSimulator:
    """What `trackdown simulate github` makes; `knobs` are the constructor's."""
    return GitHubSimulator(token=token, **knobs)
