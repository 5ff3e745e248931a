"""What must hold for a codec by itself: total, pure, idempotent. A Hypothesis profile says how many examples make a fuzz run."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sync.core.changes import ChangeSet, diff_fields
from sync.core.fieldrules import equal
from sync.core.models import UNKNOWN, Field, Fields, NativeComment, NativeEvent, NativeTicket, Value
from sync.testing import strategies
from sync.testing.effort import PURE
from sync.testing.subject import Subject, readable


class PureCodec:
    """The laws of translation, on real payloads of the tracker and on distorted ones."""

    @PURE
    @given(data=st.data())
    def test_decode_never_raises(self, subject: Subject, samples: Sequence[NativeTicket], data: st.DataObject) -> None:
        """Any JSON may come: each field is read, or UNKNOWN with a problem; the payload is left as it was."""
        sample = data.draw(st.sampled_from(samples))
        payload = data.draw(
            st.one_of(
                strategies.distorted(sample.payload),
                st.dictionaries(st.text(max_size=8), strategies.json_values(), max_size=4),
            )
        )
        native, original = replace(sample, payload=payload), copy.deepcopy(payload)
        decoded = subject.codec.decode(native, subject.mapping)
        assert payload == original
        assert subject.codec.decode(native, subject.mapping) == decoded
        unknown = {name for name, value in decoded.snapshot.fields.items() if value is UNKNOWN}
        assert unknown <= {problem.field for problem in decoded.problems}

    @PURE
    @given(data=st.data())
    def test_encode_never_raises(self, subject: Subject, samples: Sequence[NativeTicket], data: st.DataObject) -> None:
        """A ticket with a payload that nobody expects can still be given any values."""
        sample = data.draw(st.sampled_from(samples))
        native = replace(sample, payload=data.draw(strategies.distorted(sample.payload)))
        changes = diff_fields({}, data.draw(_drawn(subject)))
        encoded = subject.codec.encode(changes, native, subject.mapping, subject.capabilities)
        assert all(op.ref == native.ref for op in encoded.ops)
        subject.project(changes.news, native)

    @PURE
    @given(data=st.data())
    def test_comment_never_raises(
        self, subject: Subject, comments: Sequence[NativeComment], data: st.DataObject
    ) -> None:
        """Any JSON may stand where a comment should."""
        if not comments:
            pytest.skip("this tracker has no comments")
        sample = data.draw(st.sampled_from(comments))
        payload = data.draw(
            st.one_of(
                strategies.distorted(sample.payload),
                st.dictionaries(st.text(max_size=8), strategies.json_values(), max_size=4),
            )
        )
        decoded = subject.codec.decode_comment(replace(sample, payload=payload), subject.mapping)
        assert decoded.created_at.tzinfo is not None

    @PURE
    @given(data=st.data())
    def test_event_never_raises(self, subject: Subject, events: Sequence[NativeEvent], data: st.DataObject) -> None:
        """Any JSON may stand where an event should; several changes of one event have ids of their own."""
        if not events:
            pytest.skip("this tracker has no history")
        sample = data.draw(st.sampled_from(events))
        payload = data.draw(strategies.distorted(sample.payload))
        decoded = subject.codec.decode_event(replace(sample, payload=payload), subject.mapping)
        assert len({event.id for event in decoded}) == len(decoded)

    @PURE
    @given(data=st.data())
    def test_project_is_idempotent(
        self, subject: Subject, samples: Sequence[NativeTicket], data: st.DataObject
    ) -> None:
        """What the tracker can hold of what it can hold is all of it, and it never invents a field."""
        current = data.draw(st.sampled_from([None, *samples]))
        wanted = data.draw(_drawn(subject, frozenset(Field)))
        once = subject.project(wanted, current)
        assert set(once) <= set(wanted) & subject.carried
        assert _differences(once, subject.project(once, current)) == []

    def test_what_is_there_can_be_held(self, subject: Subject, samples: Sequence[NativeTicket]) -> None:
        """`project` of what was decoded is what was decoded: a tracker can hold what it holds."""
        for native in samples:
            found = readable(subject.codec.decode(native, subject.mapping).snapshot.fields)
            fields = {name: value for name, value in found.items() if name in subject.settable}
            assert _differences(fields, subject.project(fields, native)) == []

    @PURE
    @given(data=st.data())
    def test_encode_of_no_change_is_empty(
        self, subject: Subject, samples: Sequence[NativeTicket], data: st.DataObject
    ) -> None:
        """No change is no request, whatever the payload."""
        sample = data.draw(st.sampled_from(samples))
        native = replace(sample, payload=data.draw(strategies.distorted(sample.payload)))
        encoded = subject.codec.encode(ChangeSet(), native, subject.mapping, subject.capabilities)
        assert encoded.ops == ()
        assert encoded.problems == ()

    @PURE
    @given(data=st.data())
    def test_encode_leaves_others_alone(
        self, subject: Subject, samples: Sequence[NativeTicket], data: st.DataObject
    ) -> None:
        """A request sets the fields that changed and no other, once per create."""
        current = data.draw(st.sampled_from([None, *samples]))
        wanted = data.draw(_drawn(subject))
        if current is None:
            wanted = {Field.TITLE: "A title", Field.KIND: "issue", **wanted}
        there = {} if current is None else subject.codec.decode(current, subject.mapping).snapshot.fields
        changes = diff_fields(there, wanted)
        encoded = subject.codec.encode(changes, current, subject.mapping, subject.capabilities)
        for op in encoded.ops:
            assert op.fields <= set(changes), f"{op.summary} sets {sorted(op.fields)}"
        if current is None:
            assert len(encoded.ops) == 1


def _drawn(subject: Subject, names: frozenset[Field] = frozenset()) -> SearchStrategy[dict[Field, Value]]:
    """Values of the fields that the subject carries, and of `names`."""
    return strategies.fields(subject.carried | names, custom=subject.mapping.custom)


def _differences(a: Fields, b: Fields) -> list[str]:
    return [
        f"{name}: {a.get(name)!r} became {b.get(name)!r}"
        for name in sorted({*a, *b})
        if name not in a or name not in b or not equal(name, a[name], b[name])
    ]
