"""The tracker in memory under test, in several states of weakness."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import MappingProxyType

from sync.core.ids import PersonId
from sync.core.mapping import CUSTOM_SETS, CUSTOM_TYPES, CustomRow, People, ValueMap
from sync.core.models import Field
from sync.testing.conformance import Asked, Failure, Shortfalls, Subject
from sync.testing.faults import Fault, FaultyAdapter, Script
from sync.testing.memory import ManualClock, MemoryAdapter, MemoryCodec, MemoryKnobs, MemoryTracker
from sync.testing.memory_knobs import EVERYTHING
from sync.testing.subject import WRONG_TOKEN

NAMES = {PersonId("ada"): "ada-l", PersonId("grace"): "grace-h"}
FAULTS = {
    Asked.READ: dict.fromkeys(Failure, Fault.RETRY) | {Failure.THROTTLED: Fault.RETRY_LATER},
    Asked.CREATE: {
        Failure.REFUSED: Fault.RETRY,
        Failure.THROTTLED: Fault.RETRY_LATER,
        Failure.DROPPED: Fault.LOST_UNDONE,
        Failure.GATEWAY: Fault.LOST_UNDONE,
        Failure.LOST: Fault.LOST,
        Failure.TRUNCATED: Fault.LOST,
    },
}
CALLS = {Asked.READ: "pull", Asked.CREATE: "write"}


class Driver:
    """People at a tracker in memory; the clock ticks only when it is told to."""

    many = 7
    people = (PersonId("ada"), PersonId("grace"))
    names = MappingProxyType(
        {Field.COMPONENTS: ("api", "billing"), Field.MILESTONE: ("1.0", "2.0"), Field.SPRINT: ("Sprint 1", "Sprint 2")}
    )
    shortfalls = Shortfalls()

    def __init__(self, knobs):
        self.clock = ManualClock()
        self.tracker = MemoryTracker("memory", knobs, self.clock)
        self.pending = []
        self.adapters = []
        self.script = Script(self._choose)

    def create(self, *, title, body="", labels=()):
        return self.tracker.create(
            title=title, text=body, author="ada-l", **({"labels": list(labels)} if labels else {})
        )

    def edit(self, ref, *, title=None, body=None, labels=None):
        given = {"title": title, "text": body, "labels": None if labels is None else list(labels)}
        self.tracker.edit(ref, author="ada-l", **{key: value for key, value in given.items() if value is not None})

    def copy(self, ref):
        found = self.tracker.ticket(ref)
        return self.tracker.create(title=found["title"], text=found["text"], marker=found["marker"], author="ada-l")

    def delete(self, ref):
        self.tracker.delete(ref, author="ada-l")

    def comment(self, ref, text):
        return self.tracker.comment(ref, text, author="ada-l")

    def edit_comment(self, ref, comment, text):
        self.tracker.edit_comment(comment, text, author="ada-l")

    def delete_comment(self, ref, comment):
        self.tracker.delete_comment(comment, author="ada-l")

    def settle(self):
        self.clock.advance(self.tracker.knobs.list_lag.total_seconds())

    def wait(self, span):
        self.clock.advance(span.total_seconds())

    def fail(self, failure, asked):
        self.pending.append((CALLS[asked], FAULTS[asked][failure]))

    def creates(self):
        made = sum(ticket["author"] == "bridge-bot" for ticket in self.tracker.tickets())
        return made + sum(
            count for (call, fault), count in self.script.struck.items() if call == "write" and fault is not Fault.LOST
        )

    def arrived(self):
        return sum(adapter.traffic.requests for adapter in self.adapters)

    def open(self, *, wrong_token=False, wrong_project=False):
        token = {"token": WRONG_TOKEN} if wrong_token else {}
        tracker = None if wrong_project else self.tracker
        adapter = MemoryAdapter(tracker or MemoryTracker("nowhere", exists=False), **token)
        self.adapters.append(adapter)
        return FaultyAdapter(adapter, self.script)

    def _choose(self, call):
        if self.pending and self.pending[0][0] == call:
            return self.pending.pop(0)[1]
        return None


@contextmanager
def opened(**knobs) -> Iterator[Subject]:
    """A subject on a new tracker with these knobs."""
    driver = Driver(MemoryKnobs(page_size=3, **knobs))
    adapter = driver.open()
    capabilities = adapter.probe()
    people = People(replica="memory", native_ids=NAMES)
    yield Subject(
        adapter=adapter,
        codec=MemoryCodec(driver.tracker.knobs),
        capabilities=capabilities,
        mapping=driver.tracker.knobs.mapping().bind(capabilities.facts, people),
        server=driver,
    )


POOR = {
    "open": "Open",
    "done": "Closed",
    "in_progress": "Open",
    "blocked": "Open",
    "review": "Open",
    "reopened": "Open",
}

CHOICES = ValueMap(values={"eu": ("Europe",), "us": ("America",)})
CUSTOM = {
    Field(f"custom.{type_}[]" if type_ in CUSTOM_SETS else f"custom.{type_}"): CustomRow(
        type=type_, native=f"cf_{type_}", values=CHOICES if type_.startswith("choice") else ValueMap()
    )
    for type_ in CUSTOM_TYPES
}

#: Each way to be a tracker, by name.
SUBJECTS = {
    "able": opened,
    "poor": lambda: opened(
        statuses=POOR,
        priorities={},
        fields=EVERYTHING - {Field.REASON, Field.PARENT},
        max_assignees=1,
        history=False,
        text_rewrite=lambda text: re.sub(r"</?script>|\r|\t|(?<=\n\n)\n+", "", text).rstrip(),
        title_limit=80,
    ),
    "planned": lambda: opened(
        custom=CUSTOM,
        names=dict(Driver.names),
        max_milestones=1,
        tells=frozenset({Field.REPORTER}),
        link_kinds=frozenset({"blocks", "blocked_by"}),
        links_touch_both=False,
        refuses_cycles=True,
        conditional_writes=True,
    ),
    "listing": lambda: opened(
        attachments=False,
        fields=EVERYTHING | {Field.ATTACHMENTS},
        names={Field.COMPONENTS: ("api", "billing")},
        drops_names=True,
    ),
    "late": lambda: opened(list_lag=timedelta(seconds=90), grain=timedelta(minutes=1), skew=timedelta(minutes=-7)),
    "feeds": lambda: opened(comment_feed=True, reports_gone=True, conditional_writes=True),
    "steps": lambda: opened(
        custom=CUSTOM, one_request=False, answers=False, create_fields=frozenset({Field.TITLE, Field.BODY, Field.KIND})
    ),
}
