"""The tracker in memory: its knobs do what they say."""

from datetime import UTC, datetime, timedelta

import pytest

from sync.core.changes import diff_fields
from sync.core.errors import PreconditionFailed, Rejected
from sync.core.mapping import People
from sync.core.models import UNKNOWN, Field, Gone
from sync.testing.memory import ACCOUNT, ManualClock, MemoryAdapter, MemoryCodec, MemoryKnobs, MemoryTracker

EVER = datetime(2000, 1, 1, tzinfo=UTC)


class World:
    def __init__(self, **knobs):
        self.clock = ManualClock()
        self.tracker = MemoryTracker("memory", MemoryKnobs(**knobs), self.clock)
        self.adapter = MemoryAdapter(self.tracker)
        self.codec = MemoryCodec(self.tracker.knobs)
        self.capabilities = self.adapter.probe()
        people = People(replica="memory", native_ids={"ada": "ada-l"})
        self.mapping = self.tracker.knobs.mapping().bind(self.capabilities.facts, people)

    def pulled(self, since=None):
        pages = list(self.adapter.pull(since))
        return [ticket.payload["title"] for page in pages for ticket in page.tickets], pages[-1].cursor

    def fields(self, ref):
        (native,) = self.adapter.fetch([ref])
        return self.codec.decode(native, self.mapping).snapshot.fields

    def ops(self, ref, **wanted):
        (native,) = self.adapter.fetch([ref])
        changes = diff_fields(self.fields(ref), {Field(name): value for name, value in wanted.items()})
        return self.codec.encode(changes, native, self.mapping, self.capabilities).ops


def test_lists_lag_and_reads_do_not():
    """With a lag a list shows the past, until the lag is over; a direct read shows the present."""
    world = World(list_lag=timedelta(seconds=60))
    ref = world.tracker.create(title="New")
    titles, cursor = world.pulled()
    assert titles == []
    assert world.fields(ref)[Field.TITLE] == "New"
    world.clock.advance(60)
    titles, cursor = world.pulled(cursor)
    assert titles == ["New"]
    world.tracker.edit(ref, title="Edited")
    assert world.pulled(cursor)[0] == []
    world.clock.advance(60)
    assert world.pulled(cursor)[0] == ["Edited"]


def test_writes_that_show_up_in_another_order_are_not_missed():
    """A ticket whose time lies before the newest one that was seen is brought when it shows up."""
    world = World(list_lag=timedelta(seconds=60))
    world.tracker.create(title="First")
    world.clock.advance(59)
    world.tracker.create(title="Second")
    world.clock.advance(1)
    titles, cursor = world.pulled()
    assert titles == ["First"]
    world.clock.advance(59)
    assert world.pulled(cursor)[0] == ["Second"]


def test_times_are_cut_to_the_grain_and_shifted_by_the_skew():
    """The server's times are its own, and as coarse as its grain."""
    world = World(grain=timedelta(minutes=1), skew=timedelta(minutes=3, seconds=30))
    world.clock.advance(20)
    payload = world.tracker.ticket(world.tracker.create(title="New"))
    assert datetime.fromisoformat(payload["created"]) == datetime(2026, 1, 5, 9, 3, tzinfo=UTC)
    assert world.adapter.clock().offset == timedelta(minutes=3, seconds=30)


def test_edits_within_one_grain_are_seen():
    """Two edits in the same minute have the same time and different versions, and both are pulled."""
    world = World(grain=timedelta(minutes=1))
    ref = world.tracker.create(title="One")
    _, cursor = world.pulled()
    world.tracker.edit(ref, title="Two")
    assert world.pulled(cursor)[0] == ["Two"]


def test_lossy_statuses_are_read_as_the_first():
    """Where several statuses share a word, the first of them is read, and nothing is written to change it."""
    world = World(statuses={"open": "Open", "in_progress": "Open", "done": "Closed"})
    ref = world.tracker.create(title="New")
    assert world.fields(ref)[Field.STATUS] == "open"
    assert world.ops(ref, status="in_progress") == ()
    assert world.ops(ref, status="done") != ()


def test_a_word_without_a_meaning_is_unknown():
    """People may use a word that the mapping does not know; it is UNKNOWN and named in a problem."""
    world = World()
    ref = world.tracker.create(title="New", state="Weird")
    (native,) = world.adapter.fetch([ref])
    decoded = world.codec.decode(native, world.mapping)
    assert decoded.snapshot.fields[Field.STATUS] is UNKNOWN
    assert ["Weird" in problem.message for problem in decoded.problems] == [True]


def test_a_surprising_server():
    """Without foresight the codec does not know what the server makes of a text; what is there is there."""
    world = World(text_rewrite=str.upper, foresight=False)
    ref = world.tracker.create(title="New")
    (op,) = world.ops(ref, body="words")
    world.adapter.write(op)
    assert world.fields(ref)[Field.BODY] == "WORDS"
    assert world.codec.project({Field.BODY: "words"}, None, world.mapping, world.capabilities) == {Field.BODY: "words"}


def test_conditional_writes():
    """A write for another version is refused only where the tracker has conditional writes."""
    for conditional in (True, False):
        world = World(conditional_writes=conditional)
        ref = world.tracker.create(title="Old")
        (op,) = world.ops(ref, title="Ours")
        world.tracker.edit(ref, title="Theirs")
        if conditional:
            with pytest.raises(PreconditionFailed):
                world.adapter.write(op)
        else:
            world.adapter.write(op)
        assert world.tracker.ticket(ref)["title"] == ("Theirs" if conditional else "Ours")


def test_knobs_that_contradict_each_other():
    """Conditional writes and one request for each field can't go together."""
    with pytest.raises(ValueError, match="version changed"):
        MemoryKnobs(conditional_writes=True, one_request=False)


def test_history_tells_who_wrote_what():
    """Every write of anybody is in the journal and in the history, with its author; what changed nothing is not."""
    world = World()
    ref = world.tracker.create(title="One", author="ada-l")
    world.tracker.edit(ref, author="ada-l", title="One")
    (op,) = world.ops(ref, status="done")
    world.adapter.write(op)
    events = [
        (event.field, event.old, event.new, event.author)
        for native in world.adapter.history([ref], EVER)
        for event in world.codec.decode_event(native, world.mapping)
    ]
    assert events == [
        (Field.TITLE, "", "One", "ada"),
        (Field.STATUS, "open", "done", f"memory:{ACCOUNT}"),
    ]
    assert [write.author for write in world.tracker.journal] == ["ada-l", ACCOUNT]


def test_deleted_tickets():
    """A deleted ticket is in no list, is Gone when asked for and can't be written; the pull tells of it if it may."""
    for tells in (True, False):
        world = World(reports_gone=tells)
        ref = world.tracker.create(title="Short-lived")
        (op,) = world.ops(ref, title="Ours")
        _, cursor = world.pulled()
        world.tracker.delete(ref)
        assert isinstance(next(world.adapter.fetch([ref])), Gone)
        pages = list(world.adapter.pull(cursor))
        assert [gone.ref for page in pages for gone in page.gone] == ([ref] if tells else [])
        assert not any(page.gone for page in world.adapter.pull(pages[-1].cursor))
        with pytest.raises(Rejected):
            world.adapter.write(op)


def test_words_of_the_project_only():
    """Our account can't invent a status."""
    world = World()
    ref = world.tracker.create(title="New")
    with pytest.raises(Rejected, match="Nowhere"):
        world.tracker.patch(ref, {"state": "Nowhere"}, {}, {}, expects=None)


def test_answers_hold_nothing_of_the_server():
    """Whoever changes a payload that was given out changes nothing in the tracker."""
    world = World()
    ref = world.tracker.create(title="Mine", labels=["one"])
    world.tracker.ticket(ref)["labels"].append("two")
    next(world.adapter.fetch([ref])).payload["labels"].append("two")
    next(iter(world.adapter.pull(None))).tickets[0].payload["labels"].append("two")
    assert world.tracker.ticket(ref)["labels"] == ["one"]


def test_requests_are_counted():
    """Every list page, batch and write counts as one request."""
    world = World(page_size=2)
    refs = [world.tracker.create(title=f"Ticket {number}") for number in range(5)]
    world.adapter.traffic.requests = 0
    world.pulled()
    assert world.adapter.traffic.requests == 3
    list(world.adapter.fetch(refs))
    assert world.adapter.traffic.requests == 4
    (op,) = world.ops(refs[0], title="Written")
    before = world.adapter.traffic.requests
    world.adapter.write(op)
    assert (world.adapter.traffic.requests - before, world.adapter.traffic.writes) == (1, 1)
