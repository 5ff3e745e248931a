"""One request on its way through the simulated GitHub: what was sent, whom it concerns, how lists are paged."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from werkzeug.wrappers import Request

from adapters.github.simulator.rendering import Renderer
from adapters.github.simulator.state import (
    ISSUES_OFF,
    ApiError,
    By,
    Comment,
    Issue,
    JsonObject,
    Label,
    Milestone,
    Repository,
    invalid,
)
from adapters.github.simulator.world import NO_RIGHTS, World

T = TypeVar("T")
Answer = tuple[int, Any]


class Moved(Exception):
    """The issue lives in another repository now."""

    def __init__(self, repository: int, number: int, tail: str) -> None:
        super().__init__(repository, number)
        self.path = f"/repositories/{repository}/issues/{number}{tail}"


@dataclass(slots=True, kw_only=True)
class Call:
    """One request on one repository; endpoints put headers of the answer into `headers`."""

    request: Request
    world: World
    repository: Repository
    by: By
    render: Renderer
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> Any:
        """The JSON that was sent; 400 when it is none."""
        raw = self.request.get_data()
        try:
            return json.loads(raw) if raw else {}
        except ValueError:
            raise ApiError(400, "Problems parsing JSON") from None

    def payload(self) -> JsonObject:
        """The JSON object that was sent."""
        body = self.body()
        if not isinstance(body, dict):
            raise ApiError(400, "Body should be a JSON object")
        return body

    def need_push(self) -> None:
        """403 without write access."""
        if not self.by.user.push:
            raise ApiError(403, NO_RIGHTS)

    def issue(self, number: int) -> Issue:
        """The issue; `Moved` when transferred, 410 when deleted, 404 when there never was one."""
        found = self.repository.issues.get(number)
        if not self.repository.has_issues and not (found and found.is_pull):
            raise ApiError(410, ISSUES_OFF, see="/issues/issues#get-an-issue")
        if found is not None:
            return found
        if number in self.repository.deleted:
            raise ApiError(410, "This issue was deleted", see="/issues/issues#get-an-issue")
        if number in self.repository.transferred:
            tail = self.request.path.partition(f"/issues/{number}")[2]
            raise Moved(*self.repository.transferred[number], tail)
        raise ApiError(404, "Not Found", see="/issues/issues#get-an-issue")

    def comment(self, comment_id: int) -> Comment:
        """The comment or 404."""
        found = self.repository.comments.get(comment_id)
        if found is None:
            raise ApiError(404, "Not Found", see="/issues/comments")
        return found

    def milestone(self, number: int) -> Milestone:
        """The repository's milestone or 404."""
        found = self.repository.milestones.get(number)
        if found is None:
            raise ApiError(404, "Not Found", see="/issues/milestones")
        return found

    def named_issue(self, payload: JsonObject, name: str, see: str) -> Issue:
        """The issue whose database id the member `name` holds, in any repository that the caller may read."""
        if type(payload.get(name)) is not int:
            raise ApiError(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.', see=see)
        found = self.world.find_issue(payload[name])
        if found is None:
            raise ApiError(404, f"The provided {name.removesuffix('_id').replace('_', '-')} does not exist", see=see)
        return found

    def label(self, name: str) -> Label:
        """The repository's label or 404."""
        found = self.repository.labels.get(name.lower())
        if found is None:
            raise ApiError(404, "Not Found", see="/issues/labels")
        return found

    def since(self) -> datetime | None:
        """The query's `since`, inclusive; 422 when it is no time."""
        text = self.request.args.get("since")
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text.replace(" ", "+"))
        except ValueError:
            raise invalid("Issue", "since", value=text) from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def choice(self, name: str, *allowed: str) -> str:
        """A query parameter out of a few; the first is the default, anything else 422."""
        value = self.request.args.get(name, allowed[0])
        if value not in allowed:
            raise invalid("Search", name, value=value)
        return value

    def page(self, rows: Sequence[T], show: Callable[[Repository, T], Any], *, newest_first: bool = False) -> Answer:
        """One page of `rows`, with the `Link` header."""
        size = min(100, max(1, self.request.args.get("per_page", 30, int)))
        number = max(1, self.request.args.get("page", 1, int))
        last = max(1, -(-len(rows) // size))
        links = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
        if number >= last:
            del links["next"], links["last"]
        if number == 1:
            del links["prev"], links["first"]
        if links:
            tail = self.request.path.split("/", 4)[4] if self.request.path.startswith("/repos/") else ""
            tail = tail or self.request.path.split("/", 3)[3]
            path = f"{self.render.root}/repositories/{self.repository.id}/{tail}"
            query = {name: value for name, value in self.request.args.items() if name != "page"}
            self.headers["Link"] = ", ".join(
                f'<{path}?{urlencode({**query, "page": n})}>; rel="{rel}"' for rel, n in links.items()
            )
        low, high = (number - 1) * size, number * size
        cut = rows[max(0, len(rows) - high) : max(0, len(rows) - low)][::-1] if newest_first else rows[low:high]
        return 200, [show(self.repository, row) for row in cut]
