"""Whole histories of a bridge: people edit everywhere, calls fail, time passes; at the end the promises are checked."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from sync.core.fieldrules import equal
from sync.core.ids import NativeRef, ReplicaName
from sync.core.models import UNKNOWN, Field, Value
from sync.core.ports import Adapter
from sync.engine.reading import Reader
from sync.store.convert import fields_from_json
from sync.testing.faults import Crash, Fault, FaultyAdapter, Script, drawn
from sync.testing.memory import ACCOUNT, MemoryAdapter, MemoryKnobs, MemoryTracker
from tests.scenarios.world import DIFFERENT, NAMES, PEOPLE, SHELF, World

places = st.sampled_from(NAMES)
numbers = st.integers(0, 1)
WHAT = ("title", "text", "labels", "state", "priority", "people", "type", "parent")
#: Who cares where, which ticket, what: most edits are of few fields, so that they meet.
Edit = tuple[ReplicaName, int, str, int]
an_edit = st.tuples(places, numbers, st.sampled_from((*WHAT, *WHAT[:4], *WHAT[:3])), st.integers(0, 2**16))
#: In how many cycles without faults and edits a bridge must have come to rest.
QUIET = 6


class Interrupted(FaultyAdapter):
    """Before its `count`-th call from now on, somebody else does something."""

    pending: list[tuple[int, Callable[[], None]]]

    def __init__(self, adapter: Adapter, script: Script) -> None:
        super().__init__(adapter, script)
        self.pending = []

    def _before(self, call: str) -> Fault | None:
        due = [work for count, work in self.pending if count <= 0]
        self.pending = [(count - 1, work) for count, work in self.pending if count > 0]
        for work in due:
            work()
        return super()._before(call)


class History(RuleBasedStateMachine):
    """One history; subclasses choose the trackers and the faults."""

    knobs: ClassVar[dict[ReplicaName, MemoryKnobs]] = dict(DIFFERENT)
    faults: ClassVar[tuple[Fault, ...]] = ()
    meddling: ClassVar[bool] = False
    settings: ClassVar[dict[str, Any]] = {}

    @initialize(seed=st.integers(0, 2**32 - 1), rate=st.sampled_from((0.0, 0.05, 0.2)))
    def begin(self, seed: int, rate: float) -> None:
        self.unique = 0
        self.directory = Path(tempfile.mkdtemp(prefix="trackdown-history-", dir=SHELF))
        # One script a tracker, so that the threads do not take each other's faults.
        self.scripts = {
            name: drawn(Random(f"{seed} {name}"), rate if self.faults else 0.0, self.faults or (Fault.RETRY,))
            for name in self.knobs
        }
        self.adapters: dict[ReplicaName, Interrupted] = {}
        self.world = World(self.directory, self.knobs, wrap=self._wrap, **self.settings)
        for place in NAMES[:2]:
            self.world.trackers[place].create(
                title=self.word("title"), text="\n".join(self.word("line") for _ in range(3))
            )
        self.sync(0)

    def _wrap(self, name: ReplicaName, adapter: Adapter) -> Adapter:
        self.adapters[name] = Interrupted(adapter, self.scripts[name])
        return self.adapters[name]

    def word(self, what: str) -> str:
        """A value that nobody wrote before."""
        self.unique += 1
        return f"{what}-{self.unique}"

    # -- people --------------------------------------------------------------------------------------

    def pick(self, place: ReplicaName, number: int) -> tuple[MemoryTracker, dict[str, Any]] | None:
        tracker = self.world.trackers[place]
        tickets = tracker.tickets()
        return (tracker, tickets[number % len(tickets)]) if tickets else None

    @rule(place=places, kind=st.sampled_from(("Issue", "Epic", "Bug")))
    def create(self, place: ReplicaName, kind: str) -> None:
        if len(self.world.trackers[place].tickets()) < 4:
            self.world.trackers[place].create(title=self.word("title"), text=self.word("line"), type=kind)

    @rule(edits=st.lists(an_edit, min_size=1, max_size=4))
    def edit(self, edits: list[Edit]) -> None:
        for one in edits:
            self._edit(*one)

    def _edit(self, place: ReplicaName, number: int, what: str, seed: int) -> None:
        random = Random(seed)
        if (found := self.pick(place, number)) is None:
            return
        tracker, ticket = found
        tracker.edit(ticket["id"], author=random.choice(PEOPLE), **{what: self._new(tracker, ticket, what, random)})

    def _new(self, tracker: MemoryTracker, ticket: dict[str, Any], what: str, random: Random) -> Any:
        match what:
            case "title":
                return self.word("title")
            case "text":
                lines = ticket["text"].split("\n")
                place = random.randrange(len(lines) + 1)
                lines[place : place + random.randrange(2)] = [self.word("line")]
                return "\n".join(lines)
            case "labels":
                kept = [label for label in ticket["labels"] if random.random() < 0.8]
                return [*kept, self.word("label")]
            case "people":
                return random.sample(PEOPLE, random.randrange((tracker.knobs.max_assignees > 1 and 3) or 2))
            case "state":
                return random.choice(sorted(set(tracker.knobs.statuses.values())))
            case "priority":
                return random.choice([None, *tracker.knobs.priorities.values()])
            case "type":
                return random.choice(["Issue", "Epic", "Task", "Bug", "Feature"])
        epics = [other["id"] for other in tracker.tickets() if other["type"] == "Epic" and other["id"] != ticket["id"]]
        return random.choice([None, *epics])

    @rule(place=places, number=numbers)
    def comment(self, place: ReplicaName, number: int) -> None:
        if (found := self.pick(place, number)) is not None and len(found[1]["comments"]) < 4:
            found[0].comment(found[1]["id"], self.word("said"), author="grace")

    @rule(place=places, number=numbers, which=numbers, delete=st.booleans())
    def recomment(self, place: ReplicaName, number: int, which: int, delete: bool) -> None:
        found = self.pick(place, number)
        if found is None or not found[1]["comments"]:
            return
        comments = found[1]["comments"]
        comment = comments[which % len(comments)]
        if delete and comment["author"] != ACCOUNT:
            found[0].delete_comment(comment["id"], author="grace")
        elif not delete:
            head = comment["text"].split("\n\n")[0] + "\n\n" if comment["author"] == ACCOUNT else ""
            found[0].edit_comment(comment["id"], head + self.word("said"), author="alan")

    # -- the bridge ----------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from((1, 5, 30, 700)))
    def sync(self, seconds: float) -> None:
        try:
            self.world.cycle(after=seconds, allow=True)
        except Crash:
            for adapter in self.adapters.values():
                adapter.arrive()
            self.world.clock.advance(61)
            self.world.reopen(self._wrap)

    @rule(
        before=st.lists(an_edit, max_size=3),
        during=st.lists(st.tuples(places, st.integers(0, 5), an_edit), min_size=1, max_size=4),
    )
    def sync_while_somebody_edits(self, before: list[Edit], during: list[tuple[ReplicaName, int, Edit]]) -> None:
        for one in before:
            self._edit(*one)
        if self.meddling:
            for place, after, one in during:
                self.adapters[place].pending.append((after, partial(self._edit, *one)))
        self.sync(5)

    # -- the promises --------------------------------------------------------------------------------

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            for script in self.scripts.values():
                script.stop()
            for adapter in self.adapters.values():
                adapter.arrive()
                adapter.pending.clear()
            self.world.clock.advance(600)
            self._come_to_rest()
            for _ in range(2):
                assert sum(self.world.cycle().writes.values()) == 0, "an idle cycle wrote"
            self.world.check_converged()
            self.world.check_once()
            self.world.check_accounted()
            check_nothing_lost(self.world)
            check_comments(self.world)
        finally:
            self.world.close()
            shutil.rmtree(self.directory, ignore_errors=True)

    def _come_to_rest(self) -> None:
        for _ in range(QUIET):
            report = self.world.cycle(allow=True)
            if not sum(report.writes.values()) and not report.pulled:
                return
        raise AssertionError(f"still busy: {report.as_json()}")


def check_nothing_lost(world: World) -> None:
    """Every value that a person wrote and that no person replaced there was canonical once, or stands in a conflict."""
    with world.store.read() as tx:
        decided: dict[tuple[str, Field], list[Value]] = {}
        for entry in tx.audit.entries():
            if entry.phase == "decision" and entry.action == "merge" and entry.ticket is not None:
                for values in (entry.before, entry.after):
                    for field, value in fields_from_json(values).items():
                        decided.setdefault((entry.ticket, field), []).append(value)
        claimed: dict[tuple[str, Field], list[Value]] = {}
        for conflict in tx.conflicts.list(world.bridge.name):
            if conflict.comment is None:
                claimed.setdefault((conflict.ticket, conflict.field), []).extend(one.value for one in conflict.claims)
        for ticket, links in world.links().items():
            record = tx.tickets.get(ticket)
            assert record is not None
            for field, value in record.canonical.fields.items():
                decided.setdefault((ticket, field), []).append(value)
            for name, link in links.items():
                reader = Reader(bridge=world.bridge, replica=world.bridge.replicas[name], tx=tx)
                for field, value in _standing(world, reader, link.ref):
                    known = [*decided.get((ticket, field), ()), *claimed.get((ticket, field), ())]
                    assert _accounted(reader, field, value, known), f"{name} {link.ref} {field}: {value!r} was lost"


def _standing(world: World, reader: Reader, ref: NativeRef) -> list[tuple[Field, Value]]:
    """What people wrote to a ticket and no person replaced there, in canonical terms."""
    last: dict[Field, tuple[Value, bool]] = {}
    kept: list[tuple[Field, Value]] = []
    for native in MemoryAdapter(world.trackers[reader.replica.name]).history([ref], datetime(2000, 1, 1, tzinfo=UTC)):
        for event in reader.replica.codec.decode_event(native, reader.mapping):
            value = reader.resolved({event.field: event.new}).get(event.field)
            ours = native.author == ACCOUNT
            if ours and event.field in last and not last[event.field][1]:
                kept.append((event.field, last[event.field][0]))
            last[event.field] = value, ours
    return kept + [(field, value) for field, (value, ours) in last.items() if not ours]


def _accounted(reader: Reader, field: Field, value: Value, known: list[Value]) -> bool:
    if value is UNKNOWN or field is Field.PARENT:
        return True
    if isinstance(value, frozenset):
        return all(any(member in other for other in known if isinstance(other, frozenset)) for member in value)
    if field is Field.BODY and isinstance(value, str):
        texts = [other.split("\n") for other in known if isinstance(other, str)]
        return all(any(line in text for text in texts) for line in value.split("\n") if line)
    shown = [reader.projection(None)({field: other}).get(field) for other in known]
    return not value or any(equal(field, value, other) for other in [*known, *shown])


def check_comments(world: World) -> None:
    """Every living comment stands in every tracker with its last text, or a conflict tells why not."""
    with world.store.read() as tx:
        told = {conflict.comment for conflict in tx.conflicts.list(world.bridge.name)}
        for ticket, links in world.links().items():
            for record in tx.comments.of(ticket, deleted=True):
                text = str(record.canonical.fields[Field.BODY])
                for name, link in links.items():
                    texts = [one["text"] for one in world.trackers[name].ticket(link.ref)["comments"]]
                    there = any(text in one for one in texts)
                    if record.deleted:
                        assert not there or record.id in told, f"{name} {link.ref}: {text!r} was deleted and is there"
                    elif not there:
                        gone = [
                            one
                            for one in tx.links.of_comments(ticket)
                            if one.comment == record.id and one.state == "gone"
                        ]
                        assert name in {one.replica for one in gone}, (
                            f"{name} {link.ref}: {text!r} is not there: {texts}"
                        )
