"""Spans of work as Jira writes them: `3h`, `2d 4h`, `1w`; a day has 8 hours and a week 5 days."""

from __future__ import annotations

import re

HOURS_PER_DAY, DAYS_PER_WEEK = 8, 5
_UNITS = {"w": DAYS_PER_WEEK * HOURS_PER_DAY * 3600, "d": HOURS_PER_DAY * 3600, "h": 3600, "m": 60}
_PART = re.compile(r"(\d+(?:\.\d+)?)([wdhm]?)")


def seconds(text: object) -> int | None:
    """A span in seconds, in whole minutes; a bare number is minutes; None for anything else."""
    parts = [_PART.fullmatch(part) for part in str(text).strip().lower().split()] if isinstance(text, str | int) else []
    if not parts or isinstance(text, bool) or not all(parts):
        return None
    total = sum(float(part[1]) * _UNITS[part[2] or "m"] for part in parts if part)
    return int(total // 60 * 60)


def pretty(span: int) -> str:
    """Seconds as people read them; nothing is `0m`."""
    parts = []
    for unit, size in _UNITS.items():
        count, span = divmod(span, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0m"
