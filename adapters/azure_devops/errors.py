"""What the service's refusals mean to us, read from status, type key and message before the library sees them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import requests

from adapters._headers import retry_after
from adapters._http import RETRIED_READ_STATUSES
from adapters.azure_devops import wire
from sync.core.errors import (
    AuthFailed,
    Forbidden,
    Limited,
    PreconditionFailed,
    Rejected,
    Retryable,
    TrackerError,
    Uncertain,
)
from sync.core.models import Field, FieldProblem, JsonObject

#: Requests that read although they are POSTs.
_READING_POST = re.compile(r"/_apis/wit/(wiql|workitemsbatch|reporting/workitemrevisions)/?$", re.IGNORECASE)
_STALE = frozenset({"TestPatchOperationFailedException", "WorkItemRevisionMismatchException"})
_LINKED = "RelationAlreadyExistsException"
_TOO_MANY = "WorkItemTrackingQueryResultSizeLimitExceededException"
_FIELDS: Final[dict[str, Field]] = {
    wire.TITLE: Field.TITLE,
    wire.DESCRIPTION: Field.BODY,
    wire.REPRO_STEPS: Field.BODY,
    wire.STATE: Field.STATUS,
    wire.REASON: Field.REASON,
    wire.WORK_ITEM_TYPE: Field.TYPE,
    wire.TAGS: Field.LABELS,
    wire.ASSIGNED_TO: Field.ASSIGNEES,
    wire.PRIORITY: Field.PRIORITY,
    wire.SEVERITY: Field.SEVERITY,
    wire.AREA: Field.COMPONENTS,
    wire.ITERATION: Field.SPRINT,
    "System.Parent": Field.PARENT,
}
#: Fields as a message shows them, where it comes without the rules that were broken.
_SHOWN: Final = {
    "Title": wire.TITLE,
    "Description": wire.DESCRIPTION,
    "Repro Steps": wire.REPRO_STEPS,
    "State": wire.STATE,
    "Reason": wire.REASON,
    "Work Item Type": wire.WORK_ITEM_TYPE,
    "Tags": wire.TAGS,
    "Assigned To": wire.ASSIGNED_TO,
    "Priority": wire.PRIORITY,
    "Severity": wire.SEVERITY,
    "Area Path": wire.AREA,
    "Iteration Path": wire.ITERATION,
}
_NAMED: Final = re.compile(r"\bfield (?:'([^']+)'|([^'.]+)\.)")


class TooManyResults(Rejected):
    """A query found more work items than the service gives out at once."""


class RuleBroken(Rejected):
    """The process refuses values; `natives` names the field of each problem as the service does ("" where it does not say)."""

    def __init__(self, message: str, natives: Sequence[str], problems: Sequence[FieldProblem]) -> None:
        super().__init__(message, problems)
        self.natives = tuple(natives)


class AlreadyLinked(Rejected):
    """The link that was to be added is there."""


class NotThere(Rejected):
    """The project, work item or comment is not there, or we may not see it: the service does not say which."""


def is_write(method: str, path: str) -> bool:
    """Whether a request changes something: queries and batches are POSTs that don't."""
    if method in ("GET", "HEAD", "OPTIONS"):
        return False
    return not (method == "POST" and _READING_POST.search(path))


class Classifier:
    """Names the error that an answer is; None for a success and for what the transport retries by itself."""

    def __init__(self, tracker: str) -> None:
        self.tracker = tracker

    def __call__(self, response: requests.Response) -> TrackerError | None:
        """The error, worded for the person who has to mend it."""
        status = response.status_code
        method, path = str(response.request.method), str(response.request.path_url).partition("?")[0]
        what = f"{self.tracker}: {method} {path}"
        if status == 401 or _is_sign_in(response):
            return AuthFailed(
                f"{self.tracker} does not know our token (status {status}). Make a new personal access token with the "
                "scope Work Items (read & write) for this organisation, and put it where the config's auth.token points."
            )
        if status < 300:
            return None
        write = is_write(method, path)
        body = _body(response)
        message = wire.text(body.get("message")) or f"status {status}"
        key = wire.text(body.get("typeKey"))
        if status == 429:
            after = retry_after(response.headers)
            return Limited(f"{what}: the service asks us to slow down: {message}", after=after)
        if status == 412 or key in _STALE or message.startswith(("VS403351", "TF26071")):
            return PreconditionFailed(f"{what}: the work item changed since we read it: {message}")
        if status == 403:
            return Forbidden(f"{what}: {message} Give the token's owner the right to edit work items in this project.")
        if status == 404:
            return NotThere(f"{what}: {message}")
        if key == _TOO_MANY or message.startswith("VS402337"):
            return TooManyResults(f"{what}: {message}")
        if key == _LINKED or message.startswith("Relation already exists"):
            return AlreadyLinked(f"{what}: {message}")
        if 400 <= status < 500 and status != 408:
            return _refusal(f"{what}: {message}", body, message)
        if write and status >= 400:
            if key.startswith("WorkItemLink"):  # a link that would close a circle has come as a 500
                return Rejected(f"{what}: {message}")
            if message.startswith("VS403074"):
                return Rejected(f"{what}: {message} Enable the work item type in the process, or map to another.")
            return Uncertain(f"{what} answered {status}: {message}; whether it was done is not known")
        if status not in RETRIED_READ_STATUSES and status >= 500:
            return Retryable(f"{what} answered {status}: {message}")
        return None


def _is_sign_in(response: requests.Response) -> bool:
    """A stranger may get an HTML page with 203, a redirect to one, or even a 200."""
    location = response.headers.get("Location", "").lower()
    if response.status_code in (302, 303) and ("signin" in location or "login" in location):
        return True
    html = response.headers.get("Content-Type", "").lower().startswith("text/html")
    return response.status_code == 203 or (html and 200 <= response.status_code < 300)


def _body(response: requests.Response) -> JsonObject:
    try:
        return wire.mapping(response.json())
    except ValueError:
        return {}


def _refusal(text: str, body: JsonObject, message: str) -> Rejected:
    """The refusal, with the fields that it names: by its rules, else in its message."""
    rules = list(wire.rows(wire.mapping(body.get("customProperties")).get("RuleValidationErrors")))
    if not rules:
        if (named := _NAMED.search(message)) is None:
            return Rejected(text)
        rules = [{"fieldReferenceName": _SHOWN.get(shown := named[1] or named[2], shown)}]
    natives = [wire.text(rule.get("fieldReferenceName")) for rule in rules]
    problems = [
        FieldProblem(
            field=_FIELDS.get(native), message=wire.text(rule.get("errorMessage")) or message, mend=_mend(rule)
        )
        for native, rule in zip(natives, rules, strict=True)
    ]
    return RuleBroken(text, natives, problems)


def _mend(rule: dict[str, Any]) -> str:
    name = wire.text(rule.get("fieldReferenceName")) or "the field"
    if "required" in wire.text(rule.get("fieldStatusFlags")).lower():
        return f"Fill {name} in Azure DevOps, or add it to [screen.<status>] of mappings/azure_devops.toml."
    return f"Choose a value that the process allows for {name}, or change the mapping in mappings/azure_devops.toml."
