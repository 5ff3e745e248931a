"""What must hold for links between tickets: each stands at both its ends, and nobody minds being asked twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.core.changes import diff_fields
from sync.core.errors import AuthFailed, PreconditionFailed, Retryable, TrackerError, Uncertain
from sync.core.ids import NativeRef
from sync.core.models import LINK_KINDS, Field, other_end
from sync.core.ports import NativeOp
from sync.testing.subject import Subject


class Links:
    """Whoever makes or takes away a link does it for both tickets."""

    @pytest.mark.parametrize("kind", LINK_KINDS)
    def test_link_at_both_ends(self, subject: Subject, kind: str) -> None:
        """A link is told of by both tickets, each from its own point of view, and goes when either lets go of it.

        A link of the kinds `own_ends` is told of by the one where it was made.
        """
        one, two = _pair(subject)
        link, mirrored = f"{kind}:{two}", other_end(kind, one)
        for first, second, ours, theirs in ((one, two, link, mirrored), (two, one, mirrored, link)):
            if not _kind_held(subject, first, ours):
                _check_unsayable(subject, first, ours)
                pytest.skip(f"this tracker has no '{kind}'")
            subject.check(first, {Field.LINKS: frozenset({ours})})
            assert subject.fields(first)[Field.LINKS] == frozenset({ours})
            if kind in subject.capabilities.own_ends:
                assert subject.fields(second)[Field.LINKS] == frozenset()
                subject.check(first, {Field.LINKS: frozenset()})
                continue
            assert subject.fields(second)[Field.LINKS] == frozenset({theirs})
            assert subject.apply(second, {Field.LINKS: frozenset({theirs})}) == []
            subject.check(second, {Field.LINKS: frozenset()})
            assert subject.fields(first)[Field.LINKS] == subject.fields(second)[Field.LINKS] == frozenset()
            subject.server.settle()

    def test_some_link_can_be_made(self, subject: Subject) -> None:
        """A tracker that has links has at least one kind of them."""
        one, two = _pair(subject)
        held = [_kind_held(subject, one, f"{kind}:{two}") for kind in LINK_KINDS]
        assert any(held)

    def test_link_asked_for_by_both(self, subject: Subject) -> None:
        """Both tickets may ask for the same link, or for its end, on what they read before: it is one link, and then none."""
        one, two = _pair(subject)
        link, mirrored = _some_link(subject, one, two)
        for ours, theirs in (
            (frozenset({link}), frozenset({mirrored})),
            (frozenset[str](), frozenset[str]()),
        ):
            asked = [*_asked(subject, one, ours), *_asked(subject, two, theirs)]
            assert len(asked) == 2
            for op in asked:
                try:
                    subject.write(op)
                except PreconditionFailed:  # the first one was a new version of both
                    assert subject.capabilities.conditional_writes
            assert subject.fields(one)[Field.LINKS] == ours
            assert subject.fields(two)[Field.LINKS] == theirs

    def test_link_is_alone_in_its_request(self, subject: Subject) -> None:
        """A link that is refused takes no other field with it."""
        one, two = _pair(subject)
        link, _ = _some_link(subject, one, two)
        changes = diff_fields(subject.fields(one), {Field.TITLE: "Another", Field.LINKS: frozenset({link})})
        encoded = subject.codec.encode(changes, subject.read(one), subject.mapping, subject.capabilities)
        assert [op.fields for op in encoded.ops] in ([{Field.TITLE}, {Field.LINKS}], [{Field.LINKS}, {Field.TITLE}])

    def test_links_of_others_stay(self, subject: Subject) -> None:
        """A link that somebody makes between our read and our write is still there, or the write was refused."""
        one, two = _pair(subject)
        three = subject.make(title="Three")
        ours, _ = _some_link(subject, one, two)
        theirs = ours.replace(two, three)
        asked = _asked(subject, one, frozenset({ours}))
        subject.apply(one, {Field.LINKS: frozenset({theirs})})
        try:
            for op in asked:
                subject.write(op)
        except PreconditionFailed:
            assert subject.fields(one)[Field.LINKS] == frozenset({theirs})
        else:
            assert subject.fields(one)[Field.LINKS] == frozenset({theirs, ours})
        subject.check(one, {Field.LINKS: frozenset({ours})})
        assert subject.fields(three)[Field.LINKS] == frozenset()

    def test_pull_sees_links(self, subject: Subject) -> None:
        """A new link, and the end of one, is shown by the next pull at one of its ends at least."""
        one, two = _pair(subject)
        if Field.LINKS in subject.server.shortfalls.unlisted:
            pytest.skip("no list shows it")
        link, mirrored = _some_link(subject, one, two)
        for wanted in (frozenset({link}), frozenset[str]()):
            cursor = subject.caught_up()
            subject.apply(one, {Field.LINKS: wanted})
            pages = subject.pulled(cursor)
            found = {
                ticket.ref: subject.codec.decode(ticket, subject.mapping).snapshot.fields[Field.LINKS]
                for page in pages
                for ticket in page.tickets
            }
            shown = {one: wanted, two: frozenset({mirrored}) if wanted else wanted}
            assert found, "nothing was pulled"
            assert all(value == shown[ref] for ref, value in found.items())

    def test_link_to_a_deleted_ticket(self, subject: Subject) -> None:
        """A link to what is not there is refused in words: no retry, no doubt; and the deleted one's links are gone."""
        one, two = _pair(subject)
        link, _ = _some_link(subject, one, two)
        asked = _asked(subject, one, frozenset({link}))
        subject.server.delete(two)
        with pytest.raises(TrackerError) as caught:
            subject.write(asked[0])
        assert not isinstance(caught.value, Uncertain | Retryable | AuthFailed)
        assert subject.fields(one)[Field.LINKS] == frozenset()

    def test_links_in_history(self, subject: Subject) -> None:
        """The history tells of links that come and go, under the account that made them."""
        if not subject.capabilities.history or Field.LINKS in subject.server.shortfalls.untold:
            pytest.skip("the history does not tell of links")
        one, two = _pair(subject)
        link, _ = _some_link(subject, one, two)
        since = subject.read(one).updated_at - timedelta(days=1)
        subject.apply(one, {Field.LINKS: frozenset({link})})
        subject.apply(one, {Field.LINKS: frozenset()})
        events = {event.id: event for event in subject.adapter.history([one], since)}
        told = [
            change
            for event in events.values()
            for change in subject.codec.decode_event(event, subject.mapping)
            if change.field is Field.LINKS
        ]
        assert [(change.old, change.new) for change in told] == [
            (frozenset(), frozenset({link})),
            (frozenset({link}), frozenset()),
        ]
        assert {change.author for change in told} == {subject.mapping.people.read([subject.capabilities.account])}


def _pair(subject: Subject) -> tuple[NativeRef, NativeRef]:
    if Field.LINKS not in subject.settable:
        pytest.skip("this tracker has no links")
    return subject.make(title="One"), subject.make(title="Two")


def _kind_held(subject: Subject, ref: NativeRef, link: str) -> bool:
    held = subject.project({Field.LINKS: frozenset({link})}, subject.read(ref)).get(Field.LINKS)
    return isinstance(held, frozenset) and link in held


def _some_link(subject: Subject, one: NativeRef, two: NativeRef) -> tuple[str, str]:
    """A link that can be made from `one` to `two`, and what `two` says of it."""
    held = [kind for kind in LINK_KINDS if _kind_held(subject, one, f"{kind}:{two}")]
    kind = next((kind for kind in held if kind not in subject.capabilities.own_ends), None)
    if kind is None:
        pytest.skip("links stand at one end only")
    return f"{kind}:{two}", other_end(kind, one)


def _asked(subject: Subject, ref: NativeRef, links: frozenset[str]) -> tuple[NativeOp, ...]:
    changes = diff_fields(subject.fields(ref), {Field.LINKS: links})
    return subject.codec.encode(changes, subject.read(ref), subject.mapping, subject.capabilities).ops


def _check_unsayable(subject: Subject, ref: NativeRef, link: str) -> None:
    changes = diff_fields(subject.fields(ref), {Field.LINKS: frozenset({link})})
    encoded = subject.codec.encode(changes, subject.read(ref), subject.mapping, subject.capabilities)
    assert encoded.ops == ()
    assert [problem.field for problem in encoded.problems] == [Field.LINKS]
