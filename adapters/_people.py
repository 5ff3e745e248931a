"""Who stands in an answer, wherever in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sync.core.models import JsonObject


def persons(payload: Any, is_person: Callable[[JsonObject], bool]) -> Iterator[JsonObject]:
    """The objects of a payload that are persons, at any depth; what is inside one is not looked at."""
    if isinstance(payload, dict) and is_person(payload):
        yield payload
    elif isinstance(payload, dict | list):
        for each in payload.values() if isinstance(payload, dict) else payload:
            yield from persons(each, is_person)
