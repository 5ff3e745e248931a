"""How a request finds its handler, and what a handler is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from werkzeug.exceptions import BadRequest
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from adapters.jira.simulator.catalogue import Deployment, Person
from adapters.jira.simulator.errors import NOT_FOUND, ApiError
from adapters.jira.simulator.fields import FieldReader
from adapters.jira.simulator.model import Issue
from adapters.jira.simulator.rendering import Renderer
from adapters.jira.simulator.state import World

JsonObject = dict[str, Any]
#: (status, body); a body of None is an empty answer, a `Response` is one that is not JSON.
Answer = tuple[int, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOptions:
    """How the administrators have set up the site.

    `required_fields` are those that a new issue must have; `type_fields` are those that only some types have, by name;
    a `public` site shows its projects to anybody.
    """

    time_tracking: bool = True
    issue_linking: bool = True
    attachments: bool = True
    upload_limit: int = 10 * 1024 * 1024
    required_fields: tuple[str, ...] = ()
    type_fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, with everything that a handler needs."""

    request: Request
    world: World
    render: Renderer
    read: FieldReader
    person: Person | None
    denied: frozenset[str]
    site: SiteOptions

    @property
    def who(self) -> str:
        """The caller's short name; 401 for nobody."""
        if self.person is None:
            raise ApiError(401, "You are not authenticated. Authentication required to perform this operation.")
        return self.person.name

    def lacks(self, permission: str) -> bool:
        """Whether the caller lacks a permission; only the bot ever does."""
        return self.person is not None and self.person.name == "bot" and permission in self.denied

    def allow(self, permission: str, *, status: int = 403, message: str = "") -> None:
        """Refuse where the caller lacks a permission."""
        if self.lacks(permission):
            raise ApiError(status, message or "You do not have the permission to perform this operation.")

    def issue(self, key: str) -> Issue:
        """The issue; hidden and missing ones look alike."""
        if self.person is None:
            raise ApiError(404, NOT_FOUND)
        return self.world.find(key)

    def json(self) -> Any:
        """Whatever JSON was sent."""
        try:
            return self.request.get_json(force=True)
        except BadRequest as error:
            message = "There was an error parsing JSON. Check that your request body is valid."
            raise ApiError(400, message) from error

    def body(self) -> JsonObject:
        """The JSON object that was sent."""
        body = self.json()
        if not isinstance(body, dict):
            raise ApiError(400, "There was an error parsing JSON. Check that your request body is valid.")
        return body

    def number(self, name: str, default: int, most: int | None = None) -> int:
        """A whole number of the query, never above `most`."""
        try:
            value = int(self.request.args.get(name, default))
        except ValueError as error:
            raise ApiError(400, f"The value of '{name}' is not a number.") from error
        if value < 0:
            raise ApiError(400, f"The value of '{name}' must not be negative.")
        return value if most is None else min(value, most)

    def words(self, name: str) -> list[str]:
        """A comma-separated, possibly repeated parameter of the query."""
        return split(self.request.args.getlist(name))

    def flag(self, name: str) -> bool:
        """A boolean of the query."""
        return self.request.args.get(name, "").lower() == "true"


Handler = Callable[..., Answer]
_HANDLERS: dict[str, tuple[Handler, Deployment | None]] = {}
_RULES: list[Rule] = []


def route(method: str, path: str, *, only: Deployment | None = None) -> Callable[[Handler], Handler]:
    """Register a handler for a path below `/rest/api/{version}`; `only` where the other deployment lacks it.

    Paths that begin with `/agile` stand for `/rest/agile/1.0`, with `/secure` and `/media` for themselves.
    """

    def register(handler: Handler) -> Handler:
        endpoint = f"{method} {path} {only}"
        _HANDLERS[endpoint] = (handler, only)
        _RULES.append(Rule(path, methods=[method], endpoint=endpoint))
        return handler

    return register


@cache
def build_map(deployment: Deployment) -> tuple[Map, dict[str, Handler]]:
    """The routes of a deployment."""
    handlers = {name: handler for name, (handler, only) in _HANDLERS.items() if only in (None, deployment)}
    rules = [rule.empty() for rule in _RULES if rule.endpoint in handlers]
    return Map(rules, strict_slashes=False), handlers


def split(values: Sequence[str] | None) -> list[str]:
    """Flatten comma-separated values."""
    return [word.strip() for value in values or () for word in value.split(",") if word.strip()]


def page(items: Sequence[Any], start: int, size: int) -> tuple[Sequence[Any], JsonObject]:
    """A slice by offset, with the members that describe it."""
    return items[start : start + size], {"startAt": start, "maxResults": size, "total": len(items)}


def raw(status: int, content: bytes | str, *, media_type: str, **headers: str) -> Answer:
    """An answer that is not JSON; an underscore in a header's name is a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, Response(content, status=status, headers=named, mimetype=media_type)
