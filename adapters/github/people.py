"""Who stands in GitHub's answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapters._people import persons
from adapters.github import wire
from sync.core.models import Account


def accounts(payload: Any) -> Iterator[Account]:
    """Every person in a payload, at any depth; bots are left out. GitHub tells no mail addresses."""
    for one in persons(payload, lambda found: isinstance(found.get("login"), str)):
        if one.get("type") == "User" and (ids := wire.account_ids(one)):
            yield Account(ids=tuple(ids), name=ids[0])
