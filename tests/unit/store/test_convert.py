"""Whatever goes through JSON comes back as it was."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.models import UNKNOWN, Canonical, Field, Gone, NativeComment, NativeTicket, Provenance, Value
from sync.core.ports import NativeOp, OpKind
from sync.store import convert
from sync.store.records import ClaimRecord

# Half surrogate pairs and NULs too: trackers have been seen to send both.
TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
MAYBE = st.none() | TEXT
VALUES: st.SearchStrategy[Value] = TEXT | st.none() | st.frozensets(TEXT, max_size=4) | st.just(UNKNOWN)
FIELDS = st.dictionaries(st.sampled_from(Field), VALUES)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(1971, 1, 2), datetime(2200, 1, 1), timezones=ZONES)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers()
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
PAYLOADS = st.dictionaries(TEXT, JSON_VALUES, max_size=3)
PROVENANCES = st.builds(
    Provenance,
    replica=MAYBE,
    author=MAYBE,
    at=st.none() | TIMES,
    uncertainty=st.timedeltas(timedelta(), timedelta(days=2)),
)
CANONICALS = st.builds(Canonical, fields=FIELDS, provenance=st.dictionaries(st.sampled_from(Field), PROVENANCES))
COMMENTS = st.builds(NativeComment, ref=TEXT, ticket=TEXT, version=TEXT, payload=PAYLOADS)
TICKETS = st.builds(
    NativeTicket,
    ref=TEXT,
    key=TEXT,
    url=TEXT,
    number=st.integers(0, 2**62),
    version=TEXT,
    payload=PAYLOADS,
    fetched_at=TIMES,
    updated_at=TIMES,
    comment_count=st.none() | st.integers(0, 99),
    comments=st.none() | st.lists(COMMENTS, max_size=2).map(tuple),
)
OPS = st.builds(
    NativeOp,
    kind=st.sampled_from(OpKind),
    action=TEXT,
    summary=TEXT,
    payload=PAYLOADS,
    ref=MAYBE,
    comment=MAYBE,
    fields=st.frozensets(st.sampled_from(Field)),
    expects=MAYBE,
    marker=MAYBE,
)
CLAIMS = st.builds(
    ClaimRecord, replica=MAYBE, value=VALUES, author=MAYBE, at=st.none() | TIMES, uncertain=st.booleans()
)


def through(value: Any) -> Any:
    """`value` written to a JSON column and read again."""
    return json.loads(convert.dumps(value))


@given(FIELDS)
def test_fields_come_back(fields: dict[Field, Value]) -> None:
    """Absent, empty, unknown and set fields stay four different things."""
    assert convert.fields_from_json(through(convert.fields_to_json(fields))) == fields


@given(CANONICALS)
def test_a_canonical_state_comes_back(canonical: Canonical) -> None:
    """Values and the origin of each survive."""
    fields, origins = convert.fields_to_json(canonical.fields), convert.origins_to_json(canonical)
    assert convert.canonical_from_json(through(fields), through(origins)) == canonical


@given(TICKETS)
def test_a_native_ticket_comes_back(native: NativeTicket) -> None:
    """A ticket without a list of comments stays different from one with an empty list."""
    assert convert.ticket_from_json(through(convert.ticket_to_json(native))) == native


@given(COMMENTS)
def test_a_native_comment_comes_back(native: NativeComment) -> None:
    """A native comment survives."""
    assert convert.comment_from_json(through(convert.comment_to_json(native))) == native


@given(st.builds(Gone, ref=TEXT, reason=TEXT))
def test_an_absence_comes_back(gone: Gone) -> None:
    """What the tracker says is gone survives with its reason."""
    assert convert.gone_from_json(through(convert.gone_to_json(gone))) == gone


@given(OPS)
def test_a_request_comes_back(op: NativeOp) -> None:
    """A request can wait in the outbox."""
    assert convert.op_from_json(through(convert.op_to_json(op))) == op


@given(CLAIMS)
def test_a_claim_comes_back(claim: ClaimRecord) -> None:
    """A claim survives."""
    assert convert.claim_from_json(through(convert.claim_to_json(claim))) == claim


def test_numbers_that_json_does_not_know_become_null() -> None:
    """A payload with NaN, which Python's own parser lets through, does not stop its page from being stored."""
    assert through({"points": math.nan, "more": [math.inf, 1.5]}) == {"points": None, "more": [None, 1.5]}


def test_a_naive_time_is_refused() -> None:
    """A time without its zone would mean something else on the next machine."""
    with pytest.raises(ValueError, match="zone"):
        convert.time_to_json(datetime(2026, 1, 1))
