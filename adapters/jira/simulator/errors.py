"""Refusals in the shape in which Jira writes them."""

from __future__ import annotations

from typing import Any

NOT_FOUND = "Issue does not exist or you do not have permission to see it."


class ApiError(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, /, *messages: str, body: Any = None, **errors: str) -> None:
        super().__init__(status, messages, errors)
        self.status = status
        self.body = body if body is not None else {"errorMessages": list(messages), "errors": errors}


class FieldError(Exception):
    """What is wrong with the value of one field; `place` where Jira tells it under another name."""

    def __init__(self, message: str, *, place: str | None = None) -> None:
        super().__init__(message)
        self.place = place


def not_on_screen(field_id: str) -> str:
    """What Jira says of a field that may not be set here."""
    return f"Field '{field_id}' cannot be set. It is not on the appropriate screen, or unknown."
