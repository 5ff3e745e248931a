"""What can go wrong with one request, as values that a history is made of."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final, Literal

Way = Literal["read", "write"]

#: The tracker, or what stands before it, answers instead of doing what it was asked.
ANSWERS: Final = ("429", "429_after", "secondary", "500", "502", "503", "401", "403", "html", "signin", "409", "412")
#: The tracker does it, and the answer comes to harm.
AFTER: Final = ("lost", "lost_reset", "garbled", "truncated", "gateway", "crash_after")
#: It never gets there, or only later.
BEFORE: Final = ("refused", "reset", "crash_before")
LATER: Final = ("late", "crash_late")
#: Reads only.
SHOWN: Final = ("stale", "doubled")

READING: Final = (*BEFORE, *SHOWN, *SHOWN, "429", "429_after", "secondary", "500", "502", "503", "401", "403", "html",
                  "signin", "lost", "garbled", "truncated", "crash_after")  # fmt: skip
WRITING: Final = (*BEFORE, *ANSWERS, *AFTER, *AFTER, *LATER, *LATER)

#: Lists of what changed.
_FEED: Final = re.compile(
    r"/(issues|issues/comments|search|search/jql|workitemrevisions|workitemlinks|discussions)$", re.IGNORECASE
)
_HTML = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body>We will be back soon</body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way of going wrong, for as many requests in a row as `times` says."""

    kind: str
    times: int = 1


def answer_of(fault: Fault, place: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body of one of `ANSWERS`, in the tracker's own words where they count."""
    match fault.kind:
        case "409" | "412" if place == "github" or (fault.kind == "412" and place == "jira"):
            return 500, [("Content-Type", "text/html")], _HTML  # it knows no such refusal
        case "429":
            return _json(429, _message(place, "Too many requests", "RequestBlockedException"))
        case "429_after":
            return _json(429, _message(place, "Too many requests", "RequestBlockedException"), ("Retry-After", "7"))
        case "secondary":
            if place != "github":
                return _json(
                    429, _message(place, "Too many requests", "RequestBlockedException"), ("Retry-After", "90")
                )
            return _json(403, {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."})
        case "html":
            return 200, [("Content-Type", "text/html")], _HTML
        case "signin":
            return 203, [("Content-Type", "text/html")], _HTML
        case "401":
            return _json(401, _message(place, "Bad credentials", "TokenExpired"))
        case "403":
            return _json(403, _message(place, "Resource not accessible", "AccessDeniedException"))
        case "409":
            said = "TF26071: This work item has been changed by someone else since you opened it."
            return _json(409, _message(place, said, "WorkItemRevisionMismatchException"))
        case "412":
            said = "VS403351: Test Operation for path /rev failed, value 5 was not equal to test value 4."
            return _json(412, _message(place, said, "TestPatchOperationFailedException"))
        case kind:
            return int(kind), [("Content-Type", "text/html")], _HTML


def doubled(path: str, body: bytes) -> bytes:
    """The same answer of a feed with every row twice, as pages that shift while they are read show them."""
    if not _FEED.search(path):
        return body
    try:
        answer: Any = json.loads(body)
    except ValueError:
        return body
    if isinstance(answer, list):
        return json.dumps(answer + answer).encode()
    if isinstance(answer, dict):
        for name in ("issues", "values", "comments", "value"):
            rows = answer.get(name)
            if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
                return json.dumps({**answer, name: rows + rows}).encode()
    return body


def _json(status: int, body: Any, *headers: tuple[str, str]) -> tuple[int, list[tuple[str, str]], bytes]:
    return status, [("Content-Type", "application/json; charset=utf-8"), *headers], json.dumps(body).encode()


def _message(place: str, text: str, key: str) -> Any:
    match place:
        case "jira":
            return {"errorMessages": [text], "errors": {}}
        case "azure":
            return {"$id": "1", "message": text, "typeName": f"Microsoft.TeamFoundation.{key}", "typeKey": key}
    return {"message": text, "documentation_url": "https://docs.github.com/rest"}
