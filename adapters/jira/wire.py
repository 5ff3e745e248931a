"""Payloads, times and JQL: small accessors that take any JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sync.core.models import JsonObject

#: The entity property in which an issue or a comment carries our marker.
PROPERTY = "trackdown"
#: The key under which the adapter adds to a payload what other answers told (never sent by Jira).
ADDED = "trackdown"
#: Members that only pages for people need; without them a stored payload is a third of the size.
_DECORATION = frozenset({"avatarUrls", "iconUrl", "avatarId", "colorName", "jsdPublicUrl"})
#: Numbers above are milliseconds, below seconds since 1970.
_MILLISECONDS_FROM = 100_000_000_000


def as_object(value: Any) -> JsonObject:
    """The value when it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The value when it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def at(value: Any, *path: str) -> Any:
    """The value at the end of a path of members; None where it breaks off."""
    for name in path:
        value = as_object(value).get(name)
    return value


def text_at(value: Any, *path: str) -> str:
    """The string (or the number, as text) at the end of a path; "" where there is none."""
    found = at(value, *path)
    if isinstance(found, bool) or not isinstance(found, str | int):
        return ""
    return str(found)


def parse_time(value: Any) -> datetime | None:
    """Aware UTC of `2021-03-28T16:06:08.713+0800`, or of a number since 1970; None for anything else."""
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000 if abs(value) >= _MILLISECONDS_FROM else value, UTC)
        if isinstance(value, str):
            parsed = datetime.fromisoformat(value)
            return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def milliseconds(moment: datetime) -> int:
    """Since 1970."""
    return round(moment.timestamp() * 1000)


def from_milliseconds(value: int) -> datetime:
    """Aware UTC."""
    return datetime.fromtimestamp(value / 1000, UTC)


def minute_of(moment: datetime) -> datetime:
    """The beginning of its minute: the grain of a time in JQL."""
    return moment.replace(second=0, microsecond=0)


def person_ids(user: Any) -> list[str]:
    """Every name that an account goes by, the one that is written first."""
    names = ("accountId", "name", "key", "emailAddress")
    return list(dict.fromkeys(found for name in names if (found := text_at(user, name))))


def marker_in(properties: Any) -> str:
    """Our marker in the properties of an issue (an object) or of a comment (a list of key and value)."""
    if isinstance(properties, list):
        properties = {text_at(each, "key"): at(each, "value") for each in properties}
    return text_at(properties, PROPERTY, "marker")


def quote(word: str) -> str:
    """A word as a JQL string."""
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def updated_since(moment: datetime) -> str:
    """JQL for what changed since the minute of `moment`.

    As a number it is read the same in every zone; a literal would be read in the zone of the caller's profile, and
    in the hour that a change of clocks repeats in the wrong one of two.
    """
    return f"updated >= {milliseconds(minute_of(moment))}"


def slimmed(payload: Any) -> Any:
    """The payload without decoration; documents and properties stay as they are."""
    if isinstance(payload, list):
        return [slimmed(each) for each in payload]
    if not isinstance(payload, dict) or payload.get("type") == "doc":
        return payload
    return {
        name: value if name == "properties" else slimmed(value)
        for name, value in payload.items()
        if name not in _DECORATION
    }
