"""Amounts and days: one spelling each, whatever a tracker writes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.models import Field
from sync.core.quantities import amount, day, hours, moment, seconds


@pytest.mark.parametrize(
    ("native", "spelled"),
    [(3, "3"), (3.0, "3"), ("3.50", "3.5"), (0, "0"), (-0.0, "0"), (1e6, "1000000"), ("x", None), (True, None),
     (float("nan"), None), (float("inf"), None), (None, None), ("1e400", None)],
)  # fmt: skip
def test_a_number_has_one_spelling(native, spelled):
    """Whole numbers have no fraction, and what is no amount is none."""
    assert amount(native) == spelled


@given(st.integers(0, 10_000_000))
def test_hours_keep_every_minute(minutes):
    """No minute is lost on the way to hours and back."""
    spelled = hours(minutes * 60)
    assert spelled is not None
    assert seconds(spelled) == minutes * 60


@pytest.mark.parametrize(
    ("native", "spelled"),
    [("2026-03-31", "2026-03-31"), ("2026-03-31T23:00:00Z", "2026-03-31"), ("", None), ("soon", None), (7, None)],
)
def test_a_day_is_a_day(native, spelled):
    """A time of day is cut off, never moved to another zone."""
    assert day(native) == spelled


@pytest.mark.parametrize(
    ("native", "spelled"),
    [
        ("2026-03-31T08:30:00Z", "2026-03-31T08:30:00Z"),
        ("2026-03-31T10:30:00.713+0200", "2026-03-31T08:30:00Z"),
        ("2026-03-31T08:30:00.7", "2026-03-31T08:30:00Z"),
        (datetime(2026, 3, 31, 8, 30, tzinfo=UTC), "2026-03-31T08:30:00Z"),
        ("0001-01-01T00:00:00+02:00", None),
        ("soon", None),
        (7, None),
    ],
)
def test_a_time_is_an_instant(native, spelled):
    """The same instant is spelled the same, whatever zone and fraction a tracker writes."""
    assert moment(native) == spelled


def test_a_custom_field_is_a_field_of_its_own():
    """The same name is the same member; iterating gives the built-in fields only; a wrong name is refused."""
    customer = Field("custom.customer")
    assert customer is Field("custom.customer")
    assert customer.is_custom
    assert customer not in tuple(Field)
    with pytest.raises(ValueError, match=r"custom\.Customer"):
        Field("custom.Customer")
