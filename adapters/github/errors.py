"""GitHub's refusals as errors that say what to do next."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters._headers import parse_http_date, retry_after
from sync.core.errors import AuthFailed, Forbidden, Limited, Rejected, Retryable, TrackerError, Uncertain
from sync.core.models import Field, FieldProblem

#: GitHub asks for at least this much where a secondary limit names no time.
SECONDARY_WAIT = timedelta(seconds=60)
_FIELDS = {
    "title": Field.TITLE,
    "body": Field.BODY,
    "data": Field.BODY,
    "state": Field.STATUS,
    "state_reason": Field.REASON,
    "labels": Field.LABELS,
    "name": Field.LABELS,
    "assignees": Field.ASSIGNEES,
    "type": Field.TYPE,
    "milestone": Field.MILESTONE,
}


class NotThere(Rejected):
    """404 or 410: the thing asked for is not there, or not for us."""


def rate_limit(status: int, headers: Mapping[str, str], message: str) -> Limited | None:
    """The limit that an answer speaks of, with the time to wait where it names one; None for any other answer."""
    if status not in (403, 429):
        return None
    waited_for = retry_after(headers)
    if headers.get("x-ratelimit-remaining") == "0" and waited_for is None:
        reset = headers.get("x-ratelimit-reset", "")
        now = parse_http_date(headers.get("date")) or datetime.now(UTC)
        until = datetime.fromtimestamp(int(reset), UTC) - now if reset.isdigit() else SECONDARY_WAIT
        return Limited("github: the hourly rate limit is used up", after=max(until, timedelta(seconds=1)))
    if status == 429 or waited_for is not None or re.search(r"rate limit|abuse detection", message, re.IGNORECASE):
        return Limited(f"github: slow down ({message})", after=waited_for)
    return None


def refusal(status: int, headers: Mapping[str, str], body: Any, *, what: str, write: bool) -> TrackerError:
    """The error for an answer with a status of 400 or more; `what` names the request and the ticket."""
    message = message_of(body)
    limited = rate_limit(status, headers, message)
    if limited is not None:
        return limited
    said = f"{what}: {message}"
    if status == 401:
        return AuthFailed(f"{said}; put a valid token into auth.token of this tracker")
    if status == 403:
        return Forbidden(f"{said}; give the token's account write access to the repository's issues")
    if status == 408 or status >= 500:
        lost = f"{what}: answered {status}"
        return Uncertain(lost) if write else Retryable(lost)
    if status in (404, 410):
        return NotThere(f"{said}; it is not there or hidden from the token's account")
    problems = field_problems(body)
    if problems:
        said += " (" + "; ".join(problem.message for problem in problems) + ")"
    return Rejected(f"{said} [{status}]", problems)


def field_problems(body: Any) -> list[FieldProblem]:
    """What a 422 says of single fields."""
    entries = body.get("errors") if isinstance(body, dict) else None
    found = []
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict):
            name = str(entry.get("field", ""))
            message = str(entry.get("message") or f"{name} is {entry.get('code', 'invalid')}")
            mend = f"Change the {_FIELDS[name].value} of the ticket." if name in _FIELDS else "Change the ticket."
            found.append(FieldProblem(field=_FIELDS.get(name), message=message, mend=mend))
    return found


def message_of(body: Any) -> str:
    """GitHub's own sentence."""
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        return " ".join(body["message"].split())
    return "no explanation"


def parsed(text: str) -> Any:
    """The JSON of an answer; None for an empty or unreadable one."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None
