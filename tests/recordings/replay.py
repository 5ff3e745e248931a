"""A network that gives recorded answers, below the real client libraries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
import requests.adapters
from requests.structures import CaseInsensitiveDict

from adapters._pace import Budget, Pace

PACE = Pace(first_wait=0.0)


def no_wait(_seconds: float) -> None:
    """Nobody waits for a recording."""


@contextmanager
def answering(status: int, headers: dict[str, str], body: Any) -> Iterator[list[requests.PreparedRequest]]:
    """Everything that is sent gets this answer; yields what was sent."""
    sent: list[requests.PreparedRequest] = []

    def send(_self: Any, request: requests.PreparedRequest, *_args: Any, **_options: Any) -> requests.Response:
        sent.append(request)
        response = requests.Response()
        response.status_code, response.request, response.url = status, request, request.url or ""
        response.headers = CaseInsensitiveDict(headers)
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        response.headers.setdefault("Content-Type", "application/json; charset=utf-8")
        response._content, response.encoding = text.encode(), "utf-8"
        response._content_consumed = True
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests.adapters.HTTPAdapter, "send", send)
        # One recording after the other says "too many requests" to the same account; none is of the time of the next.
        patch.setattr(Budget, "block", lambda *_: None)
        yield sent
