"""Every deviation from the official descriptions that is let through, with its reason; nothing else is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.contract.official import Complaint


@dataclass(frozen=True, slots=True, kw_only=True)
class Excuse:
    """A deviation: patterns of the product, the operation and the complaint (searched), and why it may be."""

    product: str
    operation: str
    what: str
    reason: str


WHITELIST: tuple[Excuse, ...] = (
    Excuse(
        product="azure_devops .*",
        operation=r"^(OPTIONS|GET) /[^/]+/_apis(/(ConnectionData|ResourceAreas))?$",
        what="^not in the document$",
        reason="Azure DevOps: discovery is described nowhere, and every client of the service begins with it",
    ),
    Excuse(
        product="azure_devops .*",
        operation="",
        what=r"^ResponseNotFound: Unknown response http status: 4(00|01|03|04|09|12|29)$",
        reason="Azure DevOps: the documents tell of successes only; refusals are held to recordings",
    ),
    Excuse(
        product="jira data-center",
        operation=r" /api/2/(field|status|priority|resolution|project/\{\w+\}/statuses|issue/\{\w+\}/attachments)$",
        what=r"is not of type 'object'$",
        reason="Jira Data Center: lists that its document describes as one object",
    ),
    Excuse(
        product="jira data-center",
        operation=r"^GET /api/2/issue/\{issueIdOrKey\}/transitions$",
        what="^undocumented parameter expand$",
        reason="Jira Data Center: `expand` stands in the words about the operation, not among its parameters",
    ),
    Excuse(
        product="jira data-center",
        operation=r"/api/2/(issue|issue/\{issueIdOrKey\}/comment|comment/\{commentId\}/properties/\{propertyKey\})$",
        what=r"^/(properties/\*/)?value: .*is not of type 'string'$",
        reason="Jira Data Center: a property may be any JSON, its document says a string",
    ),
    Excuse(
        product="jira .*",
        operation=r"^GET /secure/attachment/",
        what="^not in the document$",
        reason="Jira: a file is read from the address that the answer about it names",
    ),
    Excuse(
        product="jira data-center",
        operation="",
        what=r"^ResponseNotFound: Unknown response http status: (401|404)$",
        reason="Jira Data Center: refusals that its document does not list for every operation",
    ),
)


def excuse(kind: str, product: str, complaint: Complaint) -> str | None:
    """Why a complaint is let through; None where it is not."""
    for one in WHITELIST:
        fits = re.fullmatch(one.product, f"{kind} {product}") and re.search(one.operation, complaint.operation)
        if fits and re.search(one.what, complaint.what):
            return one.reason
    return None
