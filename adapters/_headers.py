"""Times in the headers of answers."""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

#: No server means more than this, whatever it says.
LONGEST_WAIT = timedelta(days=1)


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """`Retry-After` in either of its forms, seconds or a date by the server's own clock; None when absent or unreadable.

    The names in `headers` are in lower case, or the mapping does not mind.
    """
    header = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+", header):
        return min(timedelta(seconds=int(header[:9])), LONGEST_WAIT)
    when = parse_http_date(header)
    return None if when is None else until(when, headers)


def until(when: datetime, headers: Mapping[str, str]) -> timedelta:
    """How long it is until `when` by the clock of the server that sent the headers, by ours where it does not tell."""
    now = parse_http_date(headers.get("date")) or datetime.now(UTC)
    return min(max(when - now, timedelta()), LONGEST_WAIT)


def moment(text: str | None) -> datetime | None:
    """A time as limits are told: seconds since 1970, or ISO 8601 (a minute may be all it has); None for anything else."""
    text = (text or "").strip()
    try:
        found = (
            datetime.fromtimestamp(int(text), UTC)
            if re.fullmatch(r"[0-9]{1,11}", text)
            else datetime.fromisoformat(text)
        )
    except (ValueError, OverflowError, OSError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def parse_http_date(header: str | None) -> datetime | None:
    """An HTTP date as aware UTC."""
    try:
        parsed = email.utils.parsedate_to_datetime(header or "")
    except (TypeError, ValueError):
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
