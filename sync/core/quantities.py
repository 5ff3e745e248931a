"""The canonical spelling of amounts and days: two trackers that mean the same must say the same.

Hours and points are decimals without trailing zeros (`6.5`, `3`), days are `2026-03-31`.
"""

from __future__ import annotations

from datetime import date, datetime
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
