"""Who stands in the answers of Azure DevOps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapters.azure_devops import wire
from sync.core.models import Account


def accounts(payload: Any) -> Iterator[Account]:
    """Every person in a payload, at any depth; the unique name is a mail address wherever the service knows one."""
    if isinstance(payload, list):
        for each in payload:
            yield from accounts(each)
    if not isinstance(payload, dict):
        return
    if "uniqueName" in payload:
        if ids := wire.people_ids(payload):
            mail = ids[0] if "@" in ids[0] else ""
            yield Account(ids=tuple(ids), name=wire.person_name(payload), mail=mail)
        return
    for each in payload.values():
        yield from accounts(each)
