"""Who stands in Jira's answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapters._people import persons
from adapters.jira.wire import person_ids, text_at
from sync.core.models import Account


def accounts(payload: Any) -> Iterator[Account]:
    """Every person in a payload, at any depth; apps are left out. Mail addresses may be hidden."""
    for one in persons(payload, lambda found: "displayName" in found and bool(person_ids(found))):
        if one.get("accountType") != "app":
            mail = text_at(one, "emailAddress")
            name = text_at(one, "displayName")
            yield Account(ids=tuple(person_ids(one)), name=name, mail=mail if "@" in mail else "")
