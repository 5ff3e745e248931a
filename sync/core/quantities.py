"""The canonical spelling of amounts, days and times: two trackers that mean the same must say the same.

Hours and points are decimals without trailing zeros (`6.5`, `3`), days are `2026-03-31`, times are `2026-03-31T08:30:00Z`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

#: Amounts beyond this are no amounts but garbage.
_MOST = Decimal("1e9")


def amount(value: object) -> str | None:
    """The number's canonical spelling; None for what is no finite number of a sensible size."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) > _MOST:
        return None
    number = number.quantize(Decimal("0.0001")).normalize()
    return format(number or Decimal(0), "f")


def hours(seconds: object) -> str | None:
    """Hours from a number of seconds, true to the minute."""
    spelled = amount(seconds)
    return None if spelled is None else amount(round(Decimal(spelled) / 60) / Decimal(60))


def seconds(spelled: str) -> int:
    """Seconds from canonical hours, in whole minutes; raises `ValueError` for what is no amount."""
    number = amount(spelled)
    if number is None:
        raise ValueError(f"{spelled!r} is no number of hours")
    return round(Decimal(number) * 60) * 60


def day(value: object) -> str | None:
    """The day of an ISO date or time, as it is written there (no change of zone); None for what is none."""
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value.strip()[:10]).isoformat()
    except ValueError:
        return None


def moment(value: object) -> str | None:
    """A time in UTC, true to the second (trackers keep fractions of different lengths); None for what is none.

    One that names no zone is taken for UTC.
    """
    try:
        found = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
        if not isinstance(found, datetime):
            return None
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return f"{found.replace(tzinfo=None).isoformat(timespec='seconds')}Z"
