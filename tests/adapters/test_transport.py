"""The way to the network that all trackers share: what it repeats, what it never repeats, and what it lets nobody see."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import requests
import urllib3.exceptions
from werkzeug.wrappers import Request, Response

from adapters import _http
from adapters._headers import retry_after
from adapters._http import Redactor, TrackerTransport, mount
from adapters._pace import Budget, Pace
from adapters._simulator import Fault, Simulator, served
from sync.core.errors import Retryable, Uncertain, Unreachable
from sync.core.ports import Traffic


class Plain(Simulator):
    """A server that answers everything."""

    kind = "plain"
    project = "p"

    def handle(self, request: Request) -> Response:
        return Response("{}", mimetype="application/json")

    def auth(self) -> dict[str, str]:
        return {}

    def user_of(self, request: Request) -> str | None:
        return None


@contextmanager
def line(**pace: Any) -> Iterator[tuple[Plain, requests.Session, list[float]]]:
    """A server, a session through our transport, and the waits that it asked for."""
    waits: list[float] = []
    chosen = Pace(**pace)
    transport = TrackerTransport(
        "plain",
        Traffic(),
        pace=chosen,
        budget=Budget(chosen, lambda: sum(waits)),  # time passes by waiting alone
        redactor=Redactor({"s3cret-token"}),
        sleep=waits.append,
    )
    with served(Plain()) as server, requests.Session() as session:
        mount(session, transport)
        yield server, session, waits


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("7", timedelta(seconds=7)),
        (" 120 ", timedelta(seconds=120)),
        ("9" * 40, timedelta(days=1)),
        ("Fri, 01 Jan 2055 00:00:30 GMT", timedelta(seconds=30)),
        ("Fri, 31 Dec 2054 23:00:00 GMT", timedelta()),
        ("²", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms(header: str, wanted: timedelta | None) -> None:
    """Seconds, or a date that counts by the clock of the server that wrote it; nonsense is no time and no error."""
    assert retry_after({"retry-after": header, "date": "Fri, 01 Jan 2055 00:00:00 GMT"}) == wanted
    assert retry_after({}) is None


def test_a_date_without_the_servers_clock_counts_by_ours() -> None:
    """An answer without `Date` still says how long, about."""
    header = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    found = retry_after({"retry-after": header})
    assert found is not None
    assert timedelta(seconds=80) < found <= timedelta(seconds=90)


def test_a_read_waits_as_long_as_it_is_told_and_hands_a_long_wait_up() -> None:
    """A wait within our patience is waited for inside, a longer one is the caller's; no read is asked for ever."""
    with line(patience=60.0, attempts=4, first_wait=0.0) as (server, session, waits):
        server.faults.append(Fault(fault="status", status=429, headers={"Retry-After": "30"}))
        assert session.get(f"{server.base_url}/x").status_code == 200
        assert waits == [30.0]
        server.faults.append(Fault(fault="status", status=503, headers={"Retry-After": "61"}))
        with pytest.raises(Retryable) as caught:
            session.get(f"{server.base_url}/x")
        assert caught.value.after == timedelta(seconds=61)
        assert waits == [30.0]
        server.requests.clear()
        server.faults.append(Fault(fault="status", status=500, times=99))
        with pytest.raises(Retryable):
            session.get(f"{server.base_url}/x")
        assert len(server.requests) == 4


def test_an_earlier_failure_is_no_cause_of_a_later_one() -> None:
    """A write whose answer is lost while a failed connection is being dealt with may have been done all the same."""
    with line() as (server, session, _):
        server.faults.append(Fault(fault="drop_after", method="POST"))
        try:
            raise urllib3.exceptions.NewConnectionError(None, "refused")  # type: ignore[arg-type]
        except urllib3.exceptions.NewConnectionError:
            with pytest.raises(Uncertain):
                session.post(f"{server.base_url}/x", json={})
    with line() as (server, session, _):
        pass
    with line() as (_, session, _), pytest.raises(Unreachable):
        session.post(f"{server.base_url}/x", json={})


def test_a_gateway_that_shows_our_own_request_gives_no_secret_away() -> None:
    """A refusal is quoted in messages, so the secrets in it are gone before anybody reads it."""
    redactor = Redactor()
    redactor.add("s3cret-token", "bot@acme.example")
    spelt = base64.b64encode(b"bot@acme.example:s3cret-token").decode()
    assert redactor(f"Basic {spelt}, token s3cret-token") == "Basic ***, token ***"
    with line(attempts=1) as (server, session, _):
        server.faults.append(Fault(fault="status", status=400, body={"message": "bad: Authorization: s3cret-token ü"}))
        assert session.post(f"{server.base_url}/x").json() == {"message": "bad: Authorization: *** ü"}
        server.faults.append(Fault(fault="status", status=502, body=json.dumps({"sent": "s3cret-token"})))
        with pytest.raises(Retryable) as caught:
            session.get(f"{server.base_url}/x")
        assert "s3cret-token" not in str(caught.value)


def test_reads_by_name_only() -> None:
    """Whatever is not known to read is a write, and is sent once."""
    assert frozenset({"GET", "HEAD", "OPTIONS"}) == _http.READ_METHODS
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        with line(first_wait=0.0) as (server, session, waits):
            server.faults.append(Fault(fault="drop_before", times=9))
            with pytest.raises(Uncertain):
                session.request(method, f"{server.base_url}/x")
            assert (len(server.requests), waits) == (1, [])


def test_a_clock_that_was_set_anew_is_believed_at_once() -> None:
    """Older answers do not speak for a clock that the newest answer rules out, however quick they were."""
    with line() as (server, session, _):
        transport = session.get_adapter(server.base_url)
        assert isinstance(transport, TrackerTransport)
        for _ in range(5):
            session.get(server.base_url)
        assert abs(transport.clock().offset) < timedelta(seconds=5)
        server.clock.advance(60)
        session.get(server.base_url)
        reading = transport.clock()
        assert abs(reading.offset - timedelta(seconds=60)) <= reading.uncertainty + timedelta(milliseconds=50)
