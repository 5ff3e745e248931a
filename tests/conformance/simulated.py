"""What the drivers of all simulators share: failures, counting, and opening a real adapter over HTTP."""

import importlib
import re
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from adapters._pace import Pace
from adapters._simulator import Fault, served
from sync.core.ids import PersonId
from sync.core.mapping import CustomRow, People, ValueMap
from sync.core.models import Field
from sync.shell.mappingfile import load
from sync.testing.conformance import Asked, Failure, Shortfalls, Subject
from sync.testing.subject import THROTTLE, WRONG_TOKEN

PACE = Pace(first_wait=0.0, read_timeout=20.0)
FAULTS = {
    Failure.REFUSED: {"fault": "status", "status": 503},
    Failure.GATEWAY: {"fault": "status", "status": 502},
    Failure.THROTTLED: {
        "fault": "status",
        "status": 429,
        "headers": {"Retry-After": str(int(THROTTLE.total_seconds()))},
    },
    Failure.DROPPED: {"fault": "drop_before"},
    Failure.LOST: {"fault": "drop_after"},
    Failure.TRUNCATED: {"fault": "truncate"},
}


class SimulatedDriver:
    """A hand on a simulator; a subclass knows its words. `LISTS` and `CREATES` are (method, path) patterns.

    `CUSTOM` are rows of a mapping file: name → (type, native field, values).
    """

    LISTS = ("", "")
    CREATES = ("", "")
    #: Person → native id.
    NAMES = MappingProxyType({})
    CUSTOM = MappingProxyType({})
    many = 230
    people = (PersonId("ada"), PersonId("grace"))
    names = MappingProxyType(
        {Field.COMPONENTS: ("api", "billing"), Field.MILESTONE: ("1.0", "2.0"), Field.SPRINT: ("Sprint 1", "Sprint 2")}
    )
    shortfalls = Shortfalls()

    def __init__(self, simulator):
        self.simulator = simulator
        self.passed = 0.0

    def settle(self):
        self.simulator.clock.advance(5)

    def wait(self, span):
        self.simulator.clock.advance(span.total_seconds())
        self.passed += span.total_seconds()

    def fail(self, failure, asked):
        method, path = self.LISTS if asked is Asked.READ else self.CREATES
        self.simulator.faults.append(Fault(method=method, path=path, **FAULTS[failure]))

    def creates(self):
        method, path = self.CREATES
        return sum(
            bool(re.fullmatch(method, sent["method"]) and re.search(path, sent["path"]))
            for sent in self.simulator.requests
        )

    def arrived(self):
        return len(self.simulator.requests)

    def open(self, *, wrong_token=False, wrong_project=False):
        kind = self.simulator.kind
        table = {key: value for key, value in self.simulator.description().items() if key != "kind"}
        if wrong_token:
            table["auth"] = {**table["auth"], "token": WRONG_TOKEN}
        if wrong_project:
            table["project"] = self.nowhere
        settings = importlib.import_module(f"adapters.{kind}.settings").Settings.model_validate(table)
        opening = importlib.import_module(f"adapters.{kind}.adapter").open_adapter
        return opening(settings, replica=kind, pace=PACE, sleep=lambda seconds: None, now=self._now)

    def _now(self):
        return time.monotonic() + self.passed


@contextmanager
def opened(driver, simulator):
    """A subject on a simulator, over HTTP."""
    kind = simulator.kind
    with served(simulator):
        hand = driver(simulator)
        adapter = hand.open()
        capabilities = adapter.probe()
        custom = {
            Field(f"custom.{name}"): CustomRow(type=type_, native=native, values=ValueMap(values=values))
            for name, (type_, native, values) in hand.CUSTOM.items()
        }
        mapping = replace(load(kind, folder=Path()), custom=custom)
        people = People(replica=kind, native_ids=hand.NAMES)
        try:
            yield Subject(
                adapter=adapter,
                codec=importlib.import_module(f"adapters.{kind}.codec").CODEC,
                capabilities=capabilities,
                mapping=mapping.bind(capabilities.facts, people),
                server=hand,
            )
        finally:
            adapter.close()
