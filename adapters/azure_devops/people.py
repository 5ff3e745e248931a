"""Who stands in the answers of Azure DevOps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapters._people import persons
from adapters.azure_devops import wire
from sync.core.models import Account


def accounts(payload: Any) -> Iterator[Account]:
    """Every person in a payload, at any depth; the unique name is a mail address wherever the service knows one."""
    for one in persons(payload, lambda found: "uniqueName" in found):
        if ids := wire.people_ids(one):
            yield Account(ids=tuple(ids), name=wire.person_name(one), mail=ids[0] if "@" in ids[0] else "")
