"""Who stands in GitHub's answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapters._people import persons
from adapters.github import wire
from sync.core.mapping import ProjectMapping
from sync.core.models import Account, JsonObject

#: How GitHub says that an author may do more than open issues and comment.
INSIDERS = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})


def accounts(payload: Any) -> Iterator[Account]:
    """Every person in a payload, at any depth; bots are left out. GitHub tells no mail addresses."""
    for one in persons(payload, lambda found: isinstance(found.get("login"), str)):
        if one.get("type") == "User" and (ids := wire.account_ids(one)):
            yield Account(ids=tuple(ids), name=ids[0])


def is_outsider(payload: JsonObject, mapping: ProjectMapping) -> bool:
    """Whether somebody wrote the issue who has no rights in the repository, is not in `[people]` and not our own account."""
    association, ids = payload.get("author_association"), wire.account_ids(payload.get("user"))
    if not isinstance(association, str) or association in INSIDERS or mapping.people.knows(ids):
        return False
    ours = mapping.facts.extra.get("account")
    return not (isinstance(ours, str) and ours.casefold() in (one.casefold() for one in ids))
