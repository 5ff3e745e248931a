"""One authenticated request, and what a handler of it needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.wrappers import Request

from adapters.azure_devops.simulator.editing import Editor
from adapters.azure_devops.simulator.errors import JsonObject, bad_argument
from adapters.azure_devops.simulator.rendering import Renderer
from adapters.azure_devops.simulator.reporting import Reporting
from adapters.azure_devops.simulator.state import Organisation, Project, User

Answer = Any
Handler = Callable[..., Answer]


@dataclass(slots=True, kw_only=True)
class Call:
    """One authenticated request with what a handler needs."""

    request: Request
    user: User
    query: Mapping[str, str]
    organisation: Organisation
    editor: Editor
    render: Renderer
    reporting: Reporting
    wiql_limit: int
    project: Project | None  # the one that the path names

    def body(self) -> Any:
        """The JSON body; raises the service's 400 where there is none."""
        try:
            return json.loads(self.request.get_data() or b"null")
        except ValueError:
            raise bad_argument("The request body is not valid JSON.") from None

    @property
    def project_name(self) -> str | None:
        """The name of the project that the path names."""
        return self.project.name if self.project else None

    @property
    def home(self) -> Project:
        """The project that the path names, or else the one that is worked on."""
        return self.project or self.organisation.projects[self.organisation.project.lower()]

    def flag(self, name: str) -> bool:
        """A boolean of the query string."""
        return self.query.get(name.lower(), "").lower() == "true"

    def number(self, name: str, default: int) -> int:
        """A whole number of the query string."""
        text = self.query.get(name.lower(), "")
        if not text:
            return default
        if not text.isdigit():
            raise bad_argument(f"The value '{text}' is not valid for the parameter '{name}'.")
        return int(text)

    def words(self, name: str) -> list[str] | None:
        """A comma-separated list of the query string."""
        text = self.query.get(name.lower(), "")
        return [word.strip() for word in text.split(",") if word.strip()] if text else None


def collection(values: list[Any]) -> JsonObject:
    """The wrapper around every list."""
    return {"count": len(values), "value": values}
