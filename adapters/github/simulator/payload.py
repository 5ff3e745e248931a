"""Reading what a client sent: types, limits and refusals as GitHub words them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.github.simulator.state import ApiError, Issue, JsonObject, invalid

MAX_BODY = 65_536
MAX_TITLE = 256
MAX_LABEL = 50
MAX_LABELS = 100
REASONS = ("completed", "not_planned", "duplicate")


def text_of(payload: JsonObject, name: str) -> str | None:
    """The string member `name`, None when absent or null; 422 for anything else."""
    value = payload.get(name)
    if value is None or isinstance(value, str):
        return value
    if name == "title" and isinstance(value, int):
        return str(value)
    raise ApiError(422, f"Invalid request.\n\nFor 'properties/{name}', {value!r} is not a string.")


def names_of(payload: JsonObject | list[Any], name: str, member: str = "name") -> list[str]:
    """The strings of an array of strings or of objects, as labels and assignees may be sent."""
    values = payload.get(name) if isinstance(payload, dict) else payload
    if values is None:
        return []
    if not isinstance(values, list):
        raise ApiError(422, f"Invalid request.\n\nFor 'properties/{name}', {values!r} is not an array.")
    members = [value.get(member) if isinstance(value, dict) else value for value in values]
    names = [value for value in members if isinstance(value, str)]
    if len(names) < len(members):
        raise ApiError(422, f"Invalid request.\n\nFor 'properties/{name}', {values!r} has items of a wrong type.")
    return names


def check_text(payload: JsonObject, *, creating: bool) -> None:
    """Title and body within their limits; a title that is there has to say something."""
    title, body = text_of(payload, "title"), text_of(payload, "body")
    if (creating and title is None) or (title is not None and not title.strip()):
        raise invalid("Issue", "title", "missing_field")
    if title is not None and len(title) > MAX_TITLE:
        raise invalid("Issue", "title", "custom", message=f"title is too long (maximum is {MAX_TITLE} characters)")
    if body is not None and len(body) > MAX_BODY:
        raise invalid("Issue", "body", "custom", message=f"body is too long (maximum is {MAX_BODY} characters)")


def comment_text(body: str | None) -> str:
    """A comment's text within its limit; GitHub reports that limit otherwise than an issue's."""
    if body is None or not body.strip():
        raise invalid("IssueComment", "body", "missing_field")
    if len(body) > MAX_BODY:
        message = f"Body is too long (maximum is {MAX_BODY} characters)"
        raise invalid("IssueComment", "data", "unprocessable", message=message)
    return body


def state_asked_for(issue: Issue, payload: JsonObject) -> tuple[str, str | None]:
    """State and reason; the reason counts only where the state changes."""
    state, reason = text_of(payload, "state") or issue.state, text_of(payload, "state_reason")
    if state not in ("open", "closed"):
        raise invalid("Issue", "state", value=state)
    if reason is not None and reason not in (*REASONS, "reopened"):
        raise invalid("Issue", "state_reason", value=reason)
    if state == "open":
        return state, "reopened"
    return state, reason if reason in REASONS else "completed"


def label_names(names: Sequence[str]) -> list[str]:
    """Names without repetition (case is folded); 422 for blank, too long or too many."""
    unique = list({name.strip().lower(): name.strip() for name in reversed(names)}.values())[::-1]
    for name in unique:
        if not name:
            raise invalid("Label", "name", "missing_field")
        if len(name) > MAX_LABEL:
            raise invalid("Label", "name", "custom", message=f"name is too long (maximum is {MAX_LABEL} characters)")
    if len(unique) > MAX_LABELS:
        raise invalid("Issue", "labels", "custom", message=f"an issue may have at most {MAX_LABELS} labels")
    return unique
