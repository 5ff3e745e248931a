"""The tracker in memory: everything else that a ticket carries."""

from datetime import UTC, datetime

import pytest

from sync.core.changes import diff_fields
from sync.core.errors import Rejected
from sync.core.mapping import CustomRow, Mapping, People, Place, ValueMap
from sync.core.models import UNKNOWN, Field
from sync.core.ports import NativeOp, OpKind
from sync.testing.faults import Fault, FaultyAdapter, scripted
from sync.testing.memory import ACCOUNT, ManualClock, MemoryAdapter, MemoryCodec, MemoryKnobs, MemoryTracker
from sync.testing.memory_knobs import EVERYTHING

EVER = datetime(2000, 1, 1, tzinfo=UTC)
CUSTOM = {
    Field("custom.customer"): CustomRow(type="text", native="cf_1"),
    Field("custom.seats"): CustomRow(type="number", native="cf_2"),
    Field("custom.renewal"): CustomRow(type="date", native="cf_3"),
    Field("custom.called"): CustomRow(type="datetime", native="cf_4"),
    Field("custom.billable"): CustomRow(type="boolean", native="cf_5"),
    Field("custom.region"): CustomRow(type="choice", native="cf_6", values=ValueMap(values={"eu": ("Europe",)})),
    Field("custom.reviewer"): CustomRow(type="person", native="cf_7"),
    Field("custom.markets[]"): CustomRow(type="choices", native="cf_8", values=ValueMap(values={"at": ("Austria",)})),
    Field("custom.team[]"): CustomRow(type="people", native="cf_9"),
}


class World:
    def __init__(self, places=None, **knobs):
        self.tracker = MemoryTracker("memory", MemoryKnobs(**knobs), ManualClock())
        self.adapter = MemoryAdapter(self.tracker)
        self.codec = MemoryCodec(self.tracker.knobs)
        self.capabilities = self.adapter.probe()
        file = self.tracker.knobs.mapping()
        file = Mapping(tracker="memory", fields=file.fields, types=file.types, custom=file.custom, places=places or {})
        self.mapping = file.bind(self.capabilities.facts, People(replica="memory", native_ids={"ada": "ada-l"}))

    def read(self, ref):
        return next(iter(self.adapter.fetch([ref])))

    def fields(self, ref):
        return self.codec.decode(self.read(ref), self.mapping).snapshot.fields

    def encoded(self, ref, wanted):
        changes = diff_fields(self.fields(ref), wanted)
        return self.codec.encode(changes, self.read(ref), self.mapping, self.capabilities)

    def apply(self, ref, wanted):
        for op in self.encoded(ref, wanted).ops:
            self.adapter.write(op)
        return self.fields(ref)

    def history(self, ref):
        events = [one for event in self.adapter.history([ref], EVER) for one in self.events(event)]
        return {one.field: (one.old, one.new) for one in events}

    def events(self, event):
        return self.codec.decode_event(event, self.mapping)


WANTED = {
    Field.SEVERITY: "high",
    Field.COMPONENTS: frozenset({"api", "billing"}),
    Field.REPORTER: "ada",
    Field.ESTIMATE: "6.5",
    Field.REMAINING: "2",
    Field.SPENT: "0.25",
    Field.POINTS: "0.5",
    Field.SPRINT: "Sprint 1",
    Field.MILESTONE: frozenset({"1.0"}),
    Field.START: "2026-01-31",
    Field.TARGET: "2026-02-28",
    Field.DUE: "2026-03-01",
    Field("custom.customer"): "Acme",
    Field("custom.seats"): "12.5",
    Field("custom.renewal"): "2026-12-31",
    Field("custom.called"): "2026-01-05T08:00:00Z",
    Field("custom.billable"): "false",
    Field("custom.region"): "eu",
    Field("custom.reviewer"): "ada",
    Field("custom.markets[]"): frozenset({"at", "Peru"}),
    Field("custom.team[]"): frozenset({"ada"}),
}


@pytest.mark.parametrize("name", WANTED, ids=str)
def test_each_field_is_set_told_of_and_cleared(name):
    """A value comes back as it was written, spelled in the tracker's own way, is in the history, and can be taken away."""
    world = World(custom=CUSTOM)
    ref = world.tracker.create(title="New", author="grace")
    before, wanted = world.fields(ref)[name], WANTED[name]
    assert world.apply(ref, {name: wanted})[name] == wanted
    assert world.history(ref)[name] == (before, wanted)
    empty = frozenset() if isinstance(wanted, frozenset) else None
    assert world.apply(ref, {name: empty})[name] == empty
    assert world.history(ref)[name] == (wanted, empty)


def test_native_spellings():
    """Hours are seconds, amounts are numbers, words are the tracker's own; a time keeps its instant."""
    world = World(custom=CUSTOM)
    ref = world.tracker.create(title="New")
    world.apply(ref, WANTED)
    payload = world.tracker.ticket(ref)
    assert (payload["estimate"], payload["points"], payload["cf_2"], payload["cf_5"]) == (23_400, 0.5, 12.5, False)
    assert (payload["cf_6"], payload["cf_7"], payload["cf_8"]) == ("Europe", "ada-l", ["Austria", "Peru"])
    world.tracker.edit(ref, cf_4="2026-01-05T10:00:00.000+0200", due="2026-03-01T23:59:00-08:00")
    assert world.fields(ref)[Field("custom.called")] == "2026-01-05T08:00:00Z"
    assert world.fields(ref)[Field.DUE] == "2026-03-01"


@pytest.mark.parametrize(
    ("key", "word"), [("estimate", "soon"), ("points", True), ("due", "soon"), ("cf_2", "x"), ("cf_5", "true")]
)
def test_garbage_is_unknown(key, word):
    """What is no value of its field is UNKNOWN and named in a problem."""
    world = World(custom=CUSTOM)
    ref = world.tracker.create(title="New", **{key: word})
    decoded = world.codec.decode(world.read(ref), world.mapping)
    (problem,) = decoded.problems
    assert decoded.snapshot.fields[problem.field] is UNKNOWN
    assert str(word) in problem.message


def test_values_that_no_tracker_holds_are_left_out():
    """Nonsense is a problem of its field and no request."""
    world = World(custom=CUSTOM)
    ref = world.tracker.create(title="New")
    nonsense = {Field.ESTIMATE: "soon", Field.DUE: "soon", Field("custom.billable"): "maybe", Field.REPORTER: "x:y"}
    encoded = world.encoded(ref, nonsense)
    assert encoded.ops == ()
    assert {problem.field for problem in encoded.problems} == set(nonsense)
    assert world.codec.project(nonsense, None, world.mapping, world.capabilities) == {}


def test_who_only_tells_is_not_told():
    """A tracker that tells of reporters shows them, sends nothing, and lets nobody set one."""
    world = World(tells=frozenset({Field.REPORTER}))
    ref = world.tracker.create(title="New", author="ada-l")
    assert world.fields(ref)[Field.REPORTER] == "ada"
    assert world.encoded(ref, {Field.REPORTER: None}) == world.encoded(ref, {})
    with pytest.raises(Rejected, match="reporter"):
        world.tracker.patch(ref, {"reporter": "grace"}, {}, {}, expects=None)


@pytest.mark.parametrize("touched", [True, False])
def test_a_link_stands_at_both_ends(touched):
    """Whoever makes or takes away a link does it for both tickets; the other one's version moves where it does."""
    world = World(links_touch_both=touched)
    one, two = (world.tracker.create(title=title) for title in ("One", "Two"))
    before = world.read(two).version
    assert world.apply(one, {Field.LINKS: frozenset({f"blocks:{two}"})})[Field.LINKS] == {f"blocks:{two}"}
    assert world.fields(two)[Field.LINKS] == {f"blocked_by:{one}"}
    assert (world.read(two).version != before) == touched
    assert world.history(two)[Field.LINKS] == (frozenset(), frozenset({f"blocked_by:{one}"}))
    assert world.encoded(two, {Field.LINKS: frozenset({f"blocked_by:{one}"})}).ops == ()
    world.tracker.patch(two, {}, {"links": [f"blocked_by:{one}"]}, {}, expects=None)  # a second time
    assert world.fields(one)[Field.LINKS] == {f"blocks:{two}"}
    assert world.apply(two, {Field.LINKS: frozenset()})[Field.LINKS] == frozenset()
    assert world.fields(one)[Field.LINKS] == frozenset()
    world.tracker.patch(one, {}, {}, {"links": [f"blocks:{two}"]}, expects=None)  # gone already


def test_links_go_with_their_ticket():
    """A deleted ticket takes its links along."""
    world = World()
    one, two = (world.tracker.create(title=title) for title in ("One", "Two"))
    world.tracker.edit(one, links=[f"relates:{two}"])
    world.tracker.delete(two)
    assert world.fields(one)[Field.LINKS] == frozenset()


def test_what_can_not_be_linked_is_refused():
    """No link to itself, to nothing, of a kind that the tracker has not, or, where it looks, in a circle."""
    world = World(link_kinds=frozenset({"blocks", "blocked_by"}), refuses_cycles=True)
    one, two, three = (world.tracker.create(title=title) for title in ("One", "Two", "Three"))
    for link in (f"blocks:{one}", "blocks:t9", f"relates:{two}"):
        with pytest.raises(Rejected, match="can't be linked"):
            world.tracker.patch(one, {"title": "Not this either"}, {"links": [link]}, {}, expects=None)
    assert world.fields(one)[Field.TITLE] == "One"
    encoded = world.encoded(one, {Field.LINKS: frozenset({f"relates:{two}"})})
    assert (encoded.ops, [problem.field for problem in encoded.problems]) == ((), [Field.LINKS])
    world.tracker.edit(one, links=[f"blocks:{two}"])
    world.tracker.edit(two, links=[f"blocked_by:{one}", f"blocks:{three}"])
    with pytest.raises(Rejected, match="block itself"):
        world.tracker.edit(three, links=[f"blocked_by:{two}", f"blocks:{one}"])
    world.tracker.edit(two, parent=one)
    with pytest.raises(Rejected, match="ancestor"):
        world.tracker.edit(one, parent=two)


def test_a_link_is_a_request_of_its_own():
    """A refused link takes no title with it."""
    world = World()
    one, two = (world.tracker.create(title=title) for title in ("One", "Two"))
    wanted = {Field.TITLE: "Another", Field.DUE: "2026-03-01", Field.LINKS: frozenset({f"blocks:{two}"})}
    fields = [op.fields for op in world.encoded(one, wanted).ops]
    assert fields == [{Field.TITLE, Field.DUE}, {Field.LINKS}]


def test_missing_names():
    """A name that the project has not is a problem that names it; the others are written, in the project's spelling."""
    world = World(names={Field.COMPONENTS: ("API",), Field.SPRINT: ()})
    ref = world.tracker.create(title="New")
    wanted = {Field.COMPONENTS: frozenset({"api", "billing"}), Field.SPRINT: "Sprint 1", Field.TITLE: "Newer"}
    problems = {problem.field: problem for problem in world.encoded(ref, wanted).problems}
    assert set(problems) == {Field.COMPONENTS, Field.SPRINT}
    assert "'billing'" in problems[Field.COMPONENTS].message
    assert "'api'" not in problems[Field.COMPONENTS].message
    assert "create = true" in problems[Field.SPRINT].mend
    fields = world.apply(ref, wanted)
    assert (fields[Field.COMPONENTS], fields[Field.SPRINT], fields[Field.TITLE]) == ({"API"}, None, "Newer")
    with pytest.raises(Rejected, match="billing"):
        world.tracker.patch(ref, {}, {"components": ["billing"]}, {}, expects=None)


def test_a_name_that_somebody_made_since():
    """People make the names that they use; what stands at a ticket can be held there though the project was not asked again."""
    world = World(names={Field.COMPONENTS: ("api",)})
    ref = world.tracker.create(title="New", components=["api", "billing"])
    there = frozenset({"api", "billing"})
    assert world.codec.project({Field.COMPONENTS: there}, world.read(ref), world.mapping, world.capabilities) == {
        Field.COMPONENTS: there
    }
    assert world.adapter.probe().facts.extra == {"names": {"components": ["api", "billing"]}}
    assert world.apply(ref, {Field.COMPONENTS: frozenset({"billing"})})[Field.COMPONENTS] == {"billing"}


def test_names_are_made_where_the_mapping_says_so():
    """With `create` the project gets the name together with the ticket that needs it."""
    world = World(places={Field.COMPONENTS: Place(create=True)}, names={Field.COMPONENTS: ("api",)})
    ref = world.tracker.create(title="New")
    wanted = {Field.COMPONENTS: frozenset({"api", "billing"})}
    assert world.encoded(ref, wanted).problems == ()
    assert world.apply(ref, wanted)[Field.COMPONENTS] == {"api", "billing"}
    assert world.tracker.names == {"components": ["api", "billing"]}


def test_names_may_be_dropped_in_silence():
    """A server that says nothing answers without the name that it has not."""
    world = World(names={Field.COMPONENTS: ("api",)}, drops_names=True)
    ref = world.tracker.create(title="New")
    world.tracker.patch(ref, {}, {"components": ["billing", "api"]}, {}, expects=None)
    assert world.fields(ref)[Field.COMPONENTS] == {"api"}


def test_one_milestone_only():
    """A tracker with one keeps the one it has when that is among those who are wanted."""
    world = World(max_milestones=1)
    ref = world.tracker.create(title="New", milestones=["2.0"])
    both = frozenset({"1.0", "2.0"})
    assert world.encoded(ref, {Field.MILESTONE: both}).ops == ()
    assert world.encoded(ref, {Field.MILESTONE: both}).problems == ()
    assert world.apply(ref, {Field.MILESTONE: frozenset({"1.0"})})[Field.MILESTONE] == {"1.0"}


def test_files(tmp_path):
    """A file is uploaded once, listed with the ticket, read back byte for byte, and deleted; deleting it again is no matter."""
    world = World()
    ref = world.tracker.create(title="New")
    content = bytes(range(256)) * 1000
    (tmp_path / "f").write_bytes(content)
    before = world.read(ref).version
    payload = {"name": "a b.png", "media_type": "image/png", "size": len(content)}
    op = NativeOp(kind=OpKind.ATTACHMENT_CREATE, action="attach", summary="attach", payload=payload, ref=ref)
    receipt = world.adapter.write(op, tmp_path / "f")
    (found,) = world.codec.attachments(world.read(ref))
    assert found == receipt.attachment
    assert (found.name, found.size, found.media_type) == ("a b.png", len(content), "image/png")
    assert world.read(ref).version != before
    taken = []
    world.adapter.download(found, taken.append, limit=len(content))
    assert b"".join(taken) == content
    with pytest.raises(Rejected, match="larger"):
        world.adapter.download(found, taken.append, limit=len(content) - 1)
    payload = {"attachment": found.ref}
    delete = NativeOp(kind=OpKind.ATTACHMENT_DELETE, action="detach", summary="detach", payload=payload, ref=ref)
    for _ in range(2):
        world.adapter.write(delete)
    assert world.codec.attachments(world.read(ref)) == ()
    with pytest.raises(Rejected, match="not there"):
        world.adapter.download(found, taken.append, limit=10**6)
    assert [(one.key, one.author) for one in world.tracker.journal if "file" in one.key] == [
        ("file:f1", ACCOUNT),
        ("file:f1", ACCOUNT),
    ]


def test_a_late_upload_brings_its_bytes(tmp_path):
    """A file that arrives after we gave up is whole, though its content was thrown away here meanwhile."""
    world = World()
    ref = world.tracker.create(title="New")
    (tmp_path / "f").write_bytes(b"late")
    payload = {"name": "f", "media_type": "", "size": 4}
    op = NativeOp(kind=OpKind.ATTACHMENT_CREATE, action="attach", summary="attach", payload=payload, ref=ref)
    adapter = FaultyAdapter(world.adapter, scripted([("write", Fault.LATE)]))
    with pytest.raises(Exception, match="no answer"):
        adapter.write(op, tmp_path / "f")
    (tmp_path / "f").unlink()
    adapter.arrive()
    (found,) = world.codec.attachments(world.read(ref))
    assert world.tracker.files.content(found.ref) == b"late"


def test_a_list_of_files_is_a_field():
    """A tracker that takes no files can hold where they are."""
    world = World(attachments=False, fields=EVERYTHING | {Field.ATTACHMENTS})
    ref = world.tracker.create(title="New")
    listed = frozenset({"[a.png](https://files.example/1)"})
    assert world.apply(ref, {Field.ATTACHMENTS: listed})[Field.ATTACHMENTS] == listed
    with pytest.raises(Rejected):
        world.tracker.attach(ref, "a.png", b"x")
