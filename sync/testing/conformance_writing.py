"""What must hold when an adapter writes: what comes back is what `project` foretold, and nothing else moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.changes import ChangeSet, diff_fields
from sync.core.errors import AuthFailed, PreconditionFailed, Retryable, TrackerError, Uncertain
from sync.core.ids import Marker
from sync.core.models import KINDS, PRIORITIES, REASONS, STATUSES, TYPES, Field, Fields, Value
from sync.core.ports import OpKind
from sync.testing import strategies
from sync.testing.effort import THROUGH_THE_NETWORK
from sync.testing.subject import Subject, readable

MARKER = Marker("trackdown:v1:0123456789abcdef:fedcba9876543210")

STEPS: dict[Field, tuple[Value, ...]] = {
    Field.TITLE: ("Another title", "With \"quotes\", 'more' & <less>", "Größe 日本 🙂"),
    Field.BODY: ("One line.", "Two paragraphs.\n\nThe second.", "- one\n- two", ""),
    Field.KIND: KINDS,
    Field.TYPE: (*TYPES, None),
    Field.STATUS: (*STATUSES, "open", "done", "in_progress"),
    Field.REASON: (*REASONS, None),
    Field.PRIORITY: (*PRIORITIES, None),
    Field.LABELS: (frozenset({"one", "two"}), frozenset({"two", "three"}), frozenset()),
}


class Writing:
    """One request at a time; the base is what was observed, so the observed is what counts."""

    @pytest.mark.parametrize("name", list(STEPS), ids=str)
    def test_field_step_by_step(self, subject: Subject, name: Field) -> None:
        """Each value of a field is afterwards what `project` foretold, and the other fields stand as they stood."""
        _needs(subject, name)
        ref = subject.make(body="A body.", labels=frozenset({"kept"}) if name is not Field.LABELS else frozenset())
        for value in STEPS[name]:
            subject.check(ref, {name: value})

    def test_reason_goes_with_done(self, subject: Subject) -> None:
        """A reason is written together with the status that it belongs to, and leaves with it."""
        _needs(subject, Field.REASON)
        ref = subject.make()
        subject.check(ref, {Field.STATUS: "done", Field.REASON: "not_planned"})
        subject.check(ref, {Field.STATUS: "open", Field.REASON: None})
        subject.check(ref, {Field.STATUS: "done", Field.REASON: "completed"})

    def test_assignees(self, subject: Subject) -> None:
        """People come and go; who has no account here is named in a problem and no obstacle to the others."""
        _needs(subject, Field.ASSIGNEES)
        first, second = subject.server.people
        ref = subject.make()
        for people in ({first}, {first, second}, {second}, set()):
            subject.check(ref, {Field.ASSIGNEES: frozenset(people)})
        current = subject.read(ref)
        changes = diff_fields(subject.fields(ref), {Field.ASSIGNEES: frozenset({first, "elsewhere:stranger"})})
        encoded = subject.codec.encode(changes, current, subject.mapping, subject.capabilities)
        assert [problem.field for problem in encoded.problems] == [Field.ASSIGNEES]
        assert "stranger" in encoded.problems[0].message + encoded.problems[0].mend
        subject.check(ref, {Field.ASSIGNEES: frozenset({first, "elsewhere:stranger"})})
        if subject.capabilities.max_assignees >= 1:
            assert subject.fields(ref)[Field.ASSIGNEES] == frozenset({first})

    def test_present_assignee_stays(self, subject: Subject) -> None:
        """A tracker with one assignee keeps the one it has when that is among those who are wanted."""
        _needs(subject, Field.ASSIGNEES)
        if subject.capabilities.max_assignees != 1:
            pytest.skip("this tracker has several assignees")
        for person in subject.server.people:
            ref = subject.make(assignees=frozenset({person}))
            assert subject.apply(ref, {Field.ASSIGNEES: frozenset(subject.server.people)}) == []
            assert subject.fields(ref)[Field.ASSIGNEES] == frozenset({person})

    def test_parent(self, subject: Subject) -> None:
        """A parent is set, changed and taken away."""
        _needs(subject, Field.PARENT)
        parents = [subject.make(title=f"Parent {n}", kind="epic") for n in range(2)]
        child = subject.make(title="Child", kind="issue")
        for parent in (parents[0], parents[1], None):
            subject.check(child, {Field.PARENT: parent})
            assert subject.fields(child)[Field.PARENT] == parent

    @THROUGH_THE_NETWORK
    @given(data=st.data())
    def test_any_fields_together(self, subject: Subject, data: st.DataObject) -> None:
        """Any values of any fields, written to a new ticket and then over it, are what `project` foretold."""
        drawn = strategies.fields(subject.settable - {Field.PARENT}, custom=subject.mapping.custom)
        ref = subject.make_of(data.draw(drawn))
        subject.check(ref, data.draw(drawn))

    def test_second_time_is_silent(self, subject: Subject) -> None:
        """What was written once is not written again, also where the tracker can't hold all of it."""
        wanted: Fields = {
            Field.STATUS: "blocked",
            Field.PRIORITY: "P0",
            Field.LABELS: frozenset({"a label", "Other", "ünïcode"}),
            Field.ASSIGNEES: frozenset(subject.server.people),
            Field.BODY: "# Heading\n\n- [ ] task\n\n| a | b |\n| --- | --- |\n| 1 | 2 |",
        }
        wanted = {name: value for name, value in wanted.items() if name in subject.capabilities.fields}
        ref = subject.make()
        subject.apply(ref, wanted)
        traffic = subject.adapter.traffic.writes
        assert subject.apply(ref, wanted) == []
        assert subject.adapter.traffic.writes == traffic

    def test_no_change_is_no_request(self, subject: Subject) -> None:
        """Encoding no change, or what stands there already, gives nothing."""
        ref = subject.server.create(title="Quiet", body="Words", labels=("one",))
        current = subject.read(ref)
        fields = readable(subject.codec.decode(current, subject.mapping).snapshot.fields)
        for changes in (ChangeSet(), diff_fields(fields, fields)):
            encoded = subject.codec.encode(changes, current, subject.mapping, subject.capabilities)
            assert encoded.ops == ()
            assert encoded.problems == ()

    def test_smallest_request(self, subject: Subject) -> None:
        """An edit of one field is a request that sets that field, made for the version that was read."""
        ref = subject.server.create(title="Small", body="@ada look at #12", labels=("one",))
        before = subject.fields(ref)
        current = subject.read(ref)
        encoded = subject.codec.encode(
            diff_fields(before, {Field.TITLE: "Smaller"}), current, subject.mapping, subject.capabilities
        )
        assert [op.kind for op in encoded.ops] == [OpKind.UPDATE]
        op = encoded.ops[0]
        assert (op.fields, op.ref, op.expects) == (frozenset({Field.TITLE}), ref, current.version)
        assert op.summary
        traffic = subject.adapter.traffic
        counted, arrived = (traffic.requests, traffic.writes), subject.server.arrived()
        receipt = subject.write(op)
        assert (traffic.requests, traffic.writes) == (counted[0] + 1, counted[1] + 1)
        assert subject.server.arrived() == arrived + 1
        assert receipt.ref == ref
        after = subject.fields(ref)
        assert after == {**before, Field.TITLE: "Smaller"}
        if receipt.ticket is not None:
            assert subject.codec.decode(receipt.ticket, subject.mapping).snapshot.fields == after
            assert receipt.ticket.version == subject.read(ref).version

    def test_labels_of_others_stay(self, subject: Subject) -> None:
        """A label that somebody adds between our read and our write is still there, or the write was refused."""
        _needs(subject, Field.LABELS)
        ref = subject.server.create(title="Labelled", labels=("one",))
        current = subject.read(ref)
        before = subject.codec.decode(current, subject.mapping).snapshot.fields
        subject.server.edit(ref, labels=("one", "theirs"))
        changes = diff_fields(before, {Field.LABELS: frozenset({"one", "ours"})})
        encoded = subject.codec.encode(changes, current, subject.mapping, subject.capabilities)
        try:
            for op in encoded.ops:
                subject.write(op)
        except PreconditionFailed:
            assert subject.fields(ref)[Field.LABELS] == frozenset({"one", "theirs"})
        else:
            assert subject.fields(ref)[Field.LABELS] == frozenset({"one", "theirs", "ours"})

    def test_stale_write_is_refused(self, subject: Subject) -> None:
        """Where the tracker can tell, a write for an older version is refused and nothing is written."""
        if not subject.capabilities.conditional_writes:
            pytest.skip("this tracker has no conditional writes")
        ref = subject.server.create(title="Old")
        current = subject.read(ref)
        changes = diff_fields(subject.fields(ref), {Field.TITLE: "Ours"})
        encoded = subject.codec.encode(changes, current, subject.mapping, subject.capabilities)
        subject.server.edit(ref, title="Theirs")
        with pytest.raises(PreconditionFailed):
            subject.write(encoded.ops[0])
        assert subject.fields(ref)[Field.TITLE] == "Theirs"

    def test_write_to_a_deleted_ticket(self, subject: Subject) -> None:
        """A write to a ticket that is not there is an error that says so: no retry, no doubt."""
        ref = subject.server.create(title="Deleted")
        current = subject.read(ref)
        changes = diff_fields(subject.fields(ref), {Field.TITLE: "Too late"})
        encoded = subject.codec.encode(changes, current, subject.mapping, subject.capabilities)
        subject.server.delete(ref)
        with pytest.raises(TrackerError) as caught:
            subject.write(encoded.ops[0])
        assert not isinstance(caught.value, Uncertain | Retryable | AuthFailed)

    def test_create_carries_everything(self, subject: Subject) -> None:
        """A ticket that we make has the marker and, after as many requests as it takes, every field as foretold."""
        wanted: dict[Field, Value] = {
            Field.TITLE: "Made by us",
            Field.BODY: "Some **words**.\n\n- and\n- items",
            Field.KIND: "issue",
            Field.TYPE: "bug",
            Field.STATUS: "in_progress",
            Field.PRIORITY: "P1",
            Field.LABELS: frozenset({"one", "two"}),
            Field.ASSIGNEES: frozenset({subject.server.people[0]}),
        }
        wanted = {name: value for name, value in wanted.items() if name in subject.capabilities.fields}
        before = subject.server.creates()
        ref = subject.make_of(wanted, MARKER)
        assert subject.server.creates() == before + 1
        decoded = subject.decoded(ref)
        assert decoded.marker == MARKER
        assert not decoded.problems
        foretold = subject.project(wanted, subject.read(ref))
        assert {name: decoded.snapshot.fields[name] for name in foretold} == dict(foretold)
        subject.check(ref, {Field.BODY: "Other words."})
        assert subject.decoded(ref).marker == MARKER, "an edit of the body must keep the marker"

    def test_find_by_marker(self, subject: Subject) -> None:
        """A ticket that we made is found by its marker above the fence, before any list shows it, and by nothing else."""
        fence = subject.read(subject.server.create(title="Before")).number
        changes = diff_fields({}, {Field.TITLE: "Made by us", Field.KIND: "issue", Field.BODY: "Words"})
        op = subject.codec.encode(changes, None, subject.mapping, subject.capabilities, MARKER).ops[0]
        assert (op.kind, op.marker) == (OpKind.CREATE, MARKER)
        assert subject.adapter.find(op, fence=fence) is None
        ref = subject.write(op).ref
        subject.server.create(title="After")
        assert subject.adapter.find(op, fence=fence) == ref
        assert subject.adapter.find(op, fence=subject.read(ref).number) is None
        other = Marker(MARKER.replace("0123", "4567"))
        unmade = subject.codec.encode(changes, None, subject.mapping, subject.capabilities, other).ops[0]
        assert subject.adapter.find(unmade, fence=fence) is None

    def test_find_passes_copies_over(self, subject: Subject) -> None:
        """A ticket that a person copied from ours is not taken for the one that we made."""
        made = subject.make(MARKER, title="Made by us", body="Words")
        fence = subject.read(made).number
        copy = subject.server.copy(made)
        changes = diff_fields({}, {Field.TITLE: "Made by us", Field.KIND: "issue", Field.BODY: "Words"})
        op = subject.codec.encode(changes, None, subject.mapping, subject.capabilities, MARKER).ops[0]
        assert subject.adapter.find(op, fence=fence) is None
        assert subject.adapter.find(op, fence=fence - 1) == made
        assert copy != made

    def test_history_knows_our_writes(self, subject: Subject) -> None:
        """What we wrote stands in the history under our own account."""
        if not subject.capabilities.history:
            pytest.skip("this tracker has no history")
        ref = subject.server.create(title="Theirs")
        before = subject.read(ref).updated_at
        subject.apply(ref, {Field.TITLE: "Ours"})
        events = {event.id: event for event in subject.adapter.history([ref], before.replace(year=before.year - 1))}
        ours = [
            one
            for event in events.values()
            for one in subject.codec.decode_event(event, subject.mapping)
            if one.field is Field.TITLE and one.new == "Ours"
        ]
        assert len(ours) == 1
        assert ours[0].author == subject.mapping.people.read([subject.capabilities.account])


def _needs(subject: Subject, name: Field) -> None:
    if name not in subject.capabilities.fields:
        pytest.skip(f"this tracker has no {name}")
