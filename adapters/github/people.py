"""Who stands in GitHub's answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapters.github import wire
from sync.core.models import Account


def accounts(payload: Any) -> Iterator[Account]:
    """Every person in a payload, at any depth; bots are left out. GitHub tells no mail addresses."""
    if isinstance(payload, list):
        for each in payload:
            yield from accounts(each)
    if not isinstance(payload, dict):
        return
    if isinstance(payload.get("login"), str):
        if payload.get("type") == "User" and (ids := wire.account_ids(payload)):
            yield Account(ids=tuple(ids), name=ids[0])
        return
    for each in payload.values():
        yield from accounts(each)
