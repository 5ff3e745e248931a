"""What Jira and its client library complain of, in terms of what to do next."""

from __future__ import annotations

from typing import Any, Final

import requests
from jira.exceptions import JIRAError

from adapters._headers import retry_after
from adapters.jira.wire import as_list, as_object
from sync.core.errors import (
    AuthFailed,
    Forbidden,
    Limited,
    Malformed,
    PreconditionFailed,
    Rejected,
    Retryable,
    TrackerError,
    Uncertain,
    Unsupported,
)
from sync.core.models import Field, FieldProblem

_FIELDS: Final = {
    "summary": Field.TITLE,
    "description": Field.BODY,
    "issuetype": Field.TYPE,
    "status": Field.STATUS,
    "transition": Field.STATUS,
    "resolution": Field.REASON,
    "priority": Field.PRIORITY,
    "labels": Field.LABELS,
    "assignee": Field.ASSIGNEES,
    "parent": Field.PARENT,
    "comment": Field.BODY,
    "components": Field.COMPONENTS,
    "fixVersions": Field.MILESTONE,
    "reporter": Field.REPORTER,
    "duedate": Field.DUE,
    "timetracking": Field.ESTIMATE,
    "timetracking_originalestimate": Field.ESTIMATE,
    "timetracking_remainingestimate": Field.REMAINING,
    "timeLogged": Field.SPENT,
    "worklog": Field.SPENT,
    "issuelinks": Field.LINKS,
}
#: Part of Jira's complaint → what a person can do about it.
_MENDS: Final = (
    (
        "not on the appropriate screen",
        "Add the field to the screen in Jira, or set carry = false for it in the mapping.",
    ),
    ("cannot be assigned", "Give that person the Assignable User permission in Jira, or correct [people]."),
    ("does not exist", "Correct [people] or the mapping: Jira does not know this name."),
    ("is not valid", "Correct the mapping: Jira does not know this name."),
    ("too long", "Shorten the text, or raise the limit of the Jira server."),
    ("hierarchy", "Jira allows epics over issues and issues over sub-tasks only: choose another parent."),
    ("link an issue to itself", "Remove the link from the ticket to itself."),
    ("Link Issue Permission", "Give the bot's account the Link Issues permission in the project."),
    ("link type", "Name a type that Jira has under [fields.links.values] of the mapping."),
    ("ttachment", "Make the file smaller, or raise the limit for attachments in Jira."),
    ("active or future", "Choose a sprint that is not closed."),
    ("is required", "Fill it by hand in Jira, make it optional there, or give a value under [screen.<status>]."),
)
_LOGIN_REFUSED: Final = ("AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED")


class NotThere(Rejected):
    """404: the thing asked for is not there, or hidden from us; the words for it are in the language of our profile."""


class NotJson(Malformed):
    """A page in place of an answer (a proxy's, one that says "maintenance"): it tells nothing of any ticket."""


def refused_login(response: requests.Response) -> AuthFailed | None:
    """An answer to somebody whose login failed: Cloud answers it as for an anonymous visitor, with 200 and less."""
    if "Authorization" not in response.request.headers:
        return None  # we did not want to be anybody
    reason = response.headers.get("X-Seraph-LoginReason", "")
    if response.headers.get("X-AUSERNAME", "") == "anonymous":
        reason = reason or "we are taken for a visitor"
    elif not any(word in reason for word in _LOGIN_REFUSED):
        reason = ""
    if reason:
        return AuthFailed(
            f"jira: the credentials were not accepted ({reason}). Check auth.user and auth.token; after many failures "
            "log in once in a browser to answer the CAPTCHA."
        )
    return None


def from_library(error: JIRAError, what: str, *, write: bool) -> TrackerError:
    """The error for a refused answer; `what` names the request and the ticket."""
    response = error.response
    if isinstance(response, requests.Response):
        return from_response(response, what, write=write)
    if error.status_code is None:
        return Malformed(f"{what}: {error.text or 'the answer was not understood'}")
    return Rejected(f"{what} was refused with {error.status_code}: {error.text}")


def from_response(response: requests.Response, what: str, *, write: bool) -> TrackerError:
    """The error for an answer that is not a success."""
    status = response.status_code
    problems = field_problems(_body(response))
    said = "; ".join(problem.message for problem in problems) or f"HTTP {status}"
    if status == 401:
        return AuthFailed(f"{what}: Jira does not know the credentials. Check auth.user and auth.token ({said})")
    if status == 403:
        return Forbidden(f"{what}: {said}. Give the bot's account the permission in the project's settings.")
    if status == 409:
        return PreconditionFailed(f"{what}: somebody wrote at the same moment ({said})")
    if status == 410:
        return Unsupported(f"{what}: {said}")
    if status == 429:
        return Limited(f"{what}: too many requests ({said})", after=retry_after(response.headers))
    if status == 404:
        return NotThere(f"{what} was refused: {said}", problems)
    if status >= 500 or status == 408:
        return Uncertain(f"{what}: {said}") if write else Retryable(f"{what}: {said}")
    return Rejected(f"{what} was refused: {said}", problems)


def field_problems(body: Any) -> tuple[FieldProblem, ...]:
    """Jira's `errors` by field and its `errorMessages`, each with a mend."""
    errors = as_object(as_object(body).get("errors"))
    found = [_problem(_FIELDS.get(str(name)), f"{name}: {message}") for name, message in errors.items()]
    found += [_problem(None, str(message)) for message in as_list(as_object(body).get("errorMessages"))]
    if not found and (message := as_object(body).get("message")):
        found.append(_problem(None, str(message)))
    return tuple(found)


def _problem(field: Field | None, message: str) -> FieldProblem:
    mend = next((mend for words, mend in _MENDS if words in message), "Look at the ticket in Jira.")
    return FieldProblem(field=field, message=message, mend=mend)


def _body(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
