"""Who stands in Jira's answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapters.jira.wire import person_ids, text_at
from sync.core.models import Account


def accounts(payload: Any) -> Iterator[Account]:
    """Every person in a payload, at any depth; apps are left out. Mail addresses may be hidden."""
    if isinstance(payload, list):
        for each in payload:
            yield from accounts(each)
    if not isinstance(payload, dict):
        return
    ids = person_ids(payload) if "displayName" in payload and payload.get("accountType") != "app" else []
    if ids:
        mail = text_at(payload, "emailAddress")
        yield Account(ids=tuple(ids), name=text_at(payload, "displayName"), mail=mail if "@" in mail else "")
        return
    for each in payload.values():
        yield from accounts(each)
