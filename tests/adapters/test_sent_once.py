"""No client library repeats a write, whatever happens to it: counted where the requests arrive."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from adapters._pace import Pace
from adapters._simulator import Fault
from sync.core.changes import diff_fields
from sync.core.errors import Limited, Retryable, TrackerError, Uncertain
from sync.core.ids import Marker
from sync.core.models import Field
from sync.core.ports import Adapter, NativeOp
from sync.testing.subject import Subject

TRACKERS = (("azure_devops", 0), ("github", 0), ("jira", 0), ("jira", 1))  # Cloud and Data Center
MARKER = Marker("trackdown:v1:aa112233445566bb:bb665544332211aa")
LATER = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
#: What happens to a write, and whether it was done then.
FAILURES: dict[str, tuple[dict[str, Any], bool]] = {
    "dropped before": ({"fault": "drop_before"}, False),
    "dropped after": ({"fault": "drop_after"}, True),
    "cut off": ({"fault": "truncate"}, True),
    "silence": ({"fault": "timeout_after", "seconds": 0.8}, True),
    "500": ({"fault": "status", "status": 500}, False),
    "502": ({"fault": "status", "status": 502, "body": "<html>Bad Gateway</html>"}, False),
    "503": ({"fault": "status", "status": 503}, False),
    "503 at once": ({"fault": "status", "status": 503, "headers": {"Retry-After": "0"}}, False),
    "503 in a second": ({"fault": "status", "status": 503, "headers": {"Retry-After": "1"}}, False),
    "503 at a time": ({"fault": "status", "status": 503, "headers": {"Retry-After": LATER}}, False),
    "504": ({"fault": "status", "status": 504}, False),
    "429": ({"fault": "status", "status": 429}, False),
    "429 in a second": ({"fault": "status", "status": 429, "headers": {"Retry-After": "1"}}, False),
    "429 at a time": ({"fault": "status", "status": 429, "headers": {"Retry-After": LATER}}, False),
    "408": ({"fault": "status", "status": 408}, False),
}


@pytest.fixture(params=TRACKERS, ids=lambda each: f"{each[0]}-{each[1]}")
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    kind, place = request.param
    drivers = importlib.import_module(f"tests.conformance.drivers_{kind}")
    opened: Callable[[], AbstractContextManager[Subject]] = list(drivers.SUBJECTS.values())[place]
    with opened() as found:
        yield found


class Tomorrow:
    """A clock that is a day later whenever it is asked: no time that a tracker named is still to be waited for."""

    def __init__(self) -> None:
        self.days = 0

    def __call__(self) -> float:
        self.days += 1
        return self.days * 86_400.0


def opened(simulator: Any) -> Adapter:
    """An adapter that waits half a second for an answer, and must not wait for anything else."""
    table = {key: value for key, value in simulator.description().items() if key != "kind"}
    settings = importlib.import_module(f"adapters.{simulator.kind}.settings").Settings.model_validate(table)
    opening = importlib.import_module(f"adapters.{simulator.kind}.adapter").open_adapter
    adapter: Adapter = opening(
        settings,
        replica=simulator.kind,
        pace=Pace(first_wait=0.0, read_timeout=0.5),
        sleep=lambda _: None,
        now=Tomorrow(),
    )
    return adapter


def writes(subject: Subject) -> dict[str, NativeOp]:
    """A request of each kind that would do harm, or be lost, when it is sent twice or not at all."""
    codec, mapping, caps = subject.codec, subject.mapping, subject.capabilities
    new = diff_fields({}, {Field.TITLE: "Made once", Field.KIND: "issue", Field.BODY: "Words"})
    ticket = subject.read(subject.server.create(title="There"))
    there = codec.decode(ticket, mapping).snapshot.fields
    return {
        "create": codec.encode(new, None, mapping, caps, MARKER).ops[0],
        "update": codec.encode(diff_fields(there, {Field.TITLE: "Renamed"}), ticket, mapping, caps).ops[0],
        "comment": codec.encode_comment("Said once", ticket, None, mapping, caps, marker=MARKER).ops[0],
    }


def test_no_write_is_sent_twice(subject: Subject) -> None:
    """Each failure of each kind of write: one request arrives, at once, and one of our errors says what it means."""
    simulator = subject.server.simulator  # type: ignore[attr-defined]
    adapter = opened(simulator)
    adapter.probe()
    for kind, op in writes(subject).items():
        for name, (fault, done) in sorted(FAILURES.items(), key=lambda each: each[1][1]):
            simulator.requests.clear()
            simulator.faults.append(Fault(method="POST|PATCH|PUT|DELETE", times=9, **fault))
            began = time.monotonic()
            with pytest.raises(TrackerError) as caught:
                adapter.write(op)
            took = time.monotonic() - began
            if name == "silence":
                time.sleep(0.5)  # now the server has given up too
            simulator.faults.clear()
            arrived = [sent["method"] for sent in simulator.requests if sent["method"] != "GET"]
            where = f"{kind}, {name}: {caught.value}"
            assert len(arrived) == 1, where
            assert isinstance(caught.value, Uncertain if done or "429" not in name else Retryable), where
            if isinstance(caught.value, Retryable) and caught.value.after is not None:
                assert caught.value.after > timedelta(), where
            assert took < 1.5, where
            if done and kind == "update":
                break  # its version is spent
    adapter.close()


def test_a_429_names_the_time_that_the_tracker_named(subject: Subject) -> None:
    """Seconds or a date; the request may be sent again then, by whoever decides, and not before."""
    simulator = subject.server.simulator  # type: ignore[attr-defined]
    adapter = opened(simulator)
    adapter.probe()
    op = writes(subject)["create"]
    for header, least in (("17", timedelta(seconds=17)), (LATER, timedelta(minutes=60))):
        simulator.faults.append(
            Fault(fault="status", method="POST", status=429, headers={"Retry-After": header}, body={"message": "slow"})
        )
        with pytest.raises(Retryable) as caught:
            adapter.write(op)
        assert caught.value.after is not None
        assert least <= caught.value.after <= timedelta(hours=3)
    assert adapter.write(op).ref
    simulator.faults.append(
        Fault(fault="status", method="POST", status=429, headers={"Retry-After": LATER}, body={"message": "slow"})
    )
    with pytest.raises(Limited):
        subject.adapter.write(op)
    simulator.requests.clear()
    with pytest.raises(Limited):
        subject.adapter.write(op)
    assert simulator.requests == []
    adapter.close()
