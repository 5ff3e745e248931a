"""How a request finds its handler, and what a handler is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import BadRequest
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request

from adapters.jira.simulator.catalogue import Deployment, Person
from adapters.jira.simulator.errors import ApiError
from adapters.jira.simulator.fields import FieldReader
from adapters.jira.simulator.rendering import Renderer
from adapters.jira.simulator.state import World

JsonObject = dict[str, Any]
#: (status, body); a body of None is an empty answer.
Answer = tuple[int, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, with everything that a handler needs."""

    request: Request
    world: World
    render: Renderer
    read: FieldReader
    person: Person | None
    denied: frozenset[str]

    @property
    def who(self) -> str:
        """The caller's short name; 401 for nobody."""
        if self.person is None:
            raise ApiError(401, "You are not authenticated. Authentication required to perform this operation.")
        return self.person.name

    def allow(self, permission: str) -> None:
        """Refuse where the caller lacks a permission."""
        if self.person is not None and self.person.name == "bot" and permission in self.denied:
            raise ApiError(403, "You do not have the permission to perform this operation.")

    def body(self) -> JsonObject:
        """The JSON object that was sent."""
        try:
            body = self.request.get_json(force=True)
        except BadRequest as error:
            message = "There was an error parsing JSON. Check that your request body is valid."
            raise ApiError(400, message) from error
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
    """Register a handler for a path below `/rest/api/{version}`; `only` where the other deployment lacks it."""

    def register(handler: Handler) -> Handler:
        endpoint = f"{method} {path} {only}"
        _HANDLERS[endpoint] = (handler, only)
        _RULES.append(Rule(path, methods=[method], endpoint=endpoint))
        return handler

    return register


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
