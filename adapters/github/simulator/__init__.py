"""A stateful imitation of GitHub Issues over HTTP: github.com or GitHub Enterprise Server 3.17."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map
from werkzeug.wrappers import Request, Response

from adapters._simulator import Simulator
from adapters.github.simulator import seed
from adapters.github.simulator.call import Answer, Call, Moved
from adapters.github.simulator.limits import Limits, Meter
from adapters.github.simulator.rendering import Renderer
from adapters.github.simulator.routes import build_map
from adapters.github.simulator.state import (
    ApiError,
    By,
    Comment,
    Issue,
    OwnerType,
    Product,
    Repository,
    User,
)
from adapters.github.simulator.world import World

__all__ = ["GitHubSimulator", "Limits", "create"]

API_VERSIONS = ("2022-11-28", "2026-03-10")
REDIRECTS = "/guides/best-practices-for-using-the-rest-api#follow-redirects"
PEOPLE = (("ada", "Ada Lovelace"), ("grace", "Grace Hopper"), ("alan", "Alan Turing"), ("linus", "Linus Example"))


class GitHubSimulator(Simulator):
    """One server with the repository `project`; `token` is the bridge's, people have `token-<login>`.

    People: ada (administrator), grace, alan and linus may push; `reader` may read only; `outsider` sees
    nothing of a private repository. `push=False` takes push access from the bridge.
    """

    kind: ClassVar[str] = "github"

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
    ) -> None:
        super().__init__()
        self.project = project
        self.world = World(
            product=product,
            owner_type=owner_type,
            unassignable=unassignable,
            comment_edits_touch=comment_edits_touch,
            sub_issues_touch=sub_issues_touch,
        )
        self.meter = Meter(limits or Limits())
        self.bridge = self.world.add_user("trackdown-bot", token=token, push=push, name="Trackdown", type="Bot")
        for login, name in PEOPLE:
            self.world.add_user(login, token=f"token-{login}", name=name, admin=login == "ada")
        self.world.add_user("reader", token="token-reader", push=False, assignable=False)  # noqa: S106
        self.world.add_user("outsider", token="token-outsider", push=False, reads=False)  # noqa: S106
        self.repository = self.world.add_repository(project, self.clock.now() - timedelta(days=400))
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

    # -- people at work ------------------------------------------------------------------------------

    def by(self, login: str = "ada") -> By:
        """Somebody, now."""
        return By(user=self.world.users[login.lower()], at=self.clock.now().replace(microsecond=0))

    def issue(self, number: int) -> Issue:
        """The issue as it stands."""
        return self.repository.issues[number]

    def add_issue(self, *, as_user: str = "ada", **payload: Any) -> Issue:
        """Create an issue with the members of POST /issues."""
        with self.lock:
            return self.world.create_issue(self.repository, self.by(as_user), payload)

    def edit(self, number: int, *, as_user: str = "ada", **payload: Any) -> Issue:
        """Edit an issue with the members of PATCH /issues/{n}."""
        with self.lock:
            return self.world.edit_issue(self.repository, self.issue(number), self.by(as_user), payload)

    def comment(self, number: int, body: str, *, as_user: str = "ada") -> Comment:
        """Comment on an issue."""
        with self.lock:
            return self.world.add_comment(self.repository, self.issue(number), self.by(as_user), body)

    def set_parent(self, number: int, parent: int | None, *, as_user: str = "ada") -> None:
        """Make an issue a sub-issue of another, or of none."""
        with self.lock:
            child, by = self.issue(number), self.by(as_user)
            if parent is not None:
                self.world.add_child(self.repository, self.issue(parent), by, child, replace=True)
            elif child.parent is not None:
                self.world.remove_child(self.repository, child.parent, by, child)

    def delete(self, number: int) -> None:
        """Delete an issue, which on GitHub only the web page can."""
        with self.lock:
            self.world.remove_issue(self.repository, self.issue(number))

    def transfer(self, number: int, project: str) -> Issue:
        """Move an issue to another repository, which is made when there is none; the number changes."""
        with self.lock:
            known = self.world.names.get(project.lower())
            target = self.world.repositories[known] if known else self.world.add_repository(project, self.clock.now())
            issue = self.issue(number)
            moved = self.world.create_issue(target, self.by(), {"title": issue.title, "body": issue.body})
            self.world.remove_issue(self.repository, issue, moved_to=(target.id, moved.number))
            return moved

    def rename(self, project: str) -> None:
        """Rename the repository; the old name redirects."""
        with self.lock:
            self.world.rename(self.repository, project)
            self.project = project

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
        if version is not None and version not in API_VERSIONS:
            raise ApiError(400, f'"{version}" is not a supported version.')
        if user is None and "Authorization" in request.headers:
            raise ApiError(401, "Bad credentials")
        write = request.method not in ("GET", "HEAD")
        if user is not None and request.path != "/rate_limit":
            self.meter.count(user, now, write=write)
        try:
            endpoint, matched = self._routes.bind("").match(request.path, request.method)
        except HTTPException:
            raise ApiError(404, "Not Found") from None
        render, arguments = self._renderer(request), dict(matched)
        if endpoint in ("user", "account", "rate_limit"):
            return self._account(endpoint, arguments, user, render, now)
        assert callable(endpoint)
        repository = self._repository(arguments)
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
            if self.world.product != "github.com":
                raise ApiError(404, "Rate limiting is not enabled.")
            return 200, self.meter.overview(user, now)
        if endpoint == "user":
            return 200, render.profile(user, own=True)
        found = self.world.users.get(arguments["login"].lower())
        if found is None:
            raise ApiError(404, "Not Found")
        return 200, render.profile(found, own=False)

    def _repository(self, arguments: dict[str, Any]) -> Repository:
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
            self._renderers[root] = Renderer(root, self.world.product)
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
        if self.world.product != "github.com":
            return headers | {"X-GitHub-Enterprise-Version": "3.17.0"}
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
