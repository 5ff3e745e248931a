"""Values in words for people and as JSON for programs; other people's text made safe for a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from sync.core.fieldrules import rule_of
from sync.core.models import UNKNOWN, Field, Value, is_empty

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def safe(text: str) -> str:
    """The text without what could steer a terminal: control codes, escape sequences, changes of direction."""
    return _CONTROL.sub("�", text.replace("\r\n", "\n"))


def say(value: Value) -> str:
    """A value in words; its text as it is."""
    if value is UNKNOWN:
        return "(unreadable)"
    if is_empty(value):
        return "(nothing)"
    if isinstance(value, frozenset):
        return safe(", ".join(sorted(value)))
    return safe(str(value))


def excerpt(value: Value, width: int = 60) -> str:
    """A value on one line."""
    line = re.sub(r"\s+", " ", say(value)).strip()
    return line if len(line) <= width else line[: width - 1] + "…"


def label(field: Field) -> str:
    """The name of a field for people."""
    return rule_of(field).label


def plain(value: Any) -> Any:
    """The same as JSON: sets as sorted lists, times as ISO 8601, an unreadable value as `{"unknown": true}`."""
    if value is UNKNOWN:
        return {"unknown": True}
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(plain(one) for one in value)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [plain(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    return value


def moment(at: datetime | None) -> str:
    """A time for people, in UTC."""
    return "at an unknown time" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago, roughly."""
    if at is None:
        return "never"
    seconds = max(0, int((now - at).total_seconds()))
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        if seconds >= length:
            return f"{count(seconds // length, unit)} ago"
    return "just now"


def count(number: int, noun: str) -> str:
    """`1 ticket`, `2 tickets`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
