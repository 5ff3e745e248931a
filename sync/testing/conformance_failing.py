"""What must hold when the network or the tracker fails: a read is asked again, a write is sent once."""

from __future__ import annotations

import pytest

from sync.core.changes import diff_fields
from sync.core.errors import Malformed, Retryable, Uncertain, Unreachable
from sync.core.ids import Marker
from sync.core.models import Field
from sync.core.ports import NativeOp
from sync.testing.subject import THROTTLE, Asked, Failure, Subject

MARKER = Marker("trackdown:v1:aa112233445566bb:bb665544332211aa")


class Failing:
    """Unknown is neither success nor failure, and nothing is ever made twice."""

    @pytest.mark.parametrize("failure", [Failure.REFUSED, Failure.DROPPED, Failure.GATEWAY, Failure.TRUNCATED])
    def test_read_is_asked_again(self, subject: Subject, failure: Failure) -> None:
        """A list request that fails once does not stop the pull, and nothing is missed."""
        ref = subject.server.create(title="There")
        subject.server.settle()
        subject.server.fail(failure, Asked.READ)
        try:
            pages = list(subject.adapter.pull(None))
        except (Retryable, Malformed):
            pages = list(subject.adapter.pull(None))
        assert {ticket.ref for page in pages for ticket in page.tickets} == {ref}

    def test_throttled_read_names_the_time(self, subject: Subject) -> None:
        """A long `Retry-After` is handed up, so that somebody else can be served meanwhile."""
        subject.server.create(title="There")
        subject.server.settle()
        subject.server.fail(Failure.THROTTLED, Asked.READ)
        with pytest.raises(Retryable) as caught:
            list(subject.adapter.pull(None))
        assert caught.value.after is not None
        assert caught.value.after >= THROTTLE / 2

    def test_lost_answer_is_uncertain(self, subject: Subject) -> None:
        """A create whose answer is lost was sent once, is Uncertain, and is found by its marker."""
        fence, op = _fence(subject), _create(subject)
        before = subject.server.creates()
        subject.server.fail(Failure.LOST, Asked.CREATE)
        with pytest.raises(Uncertain):
            subject.write(op)
        assert subject.server.creates() == before + 1
        found = subject.adapter.find(op, fence=fence)
        assert found is not None
        assert subject.decoded(found).marker == MARKER
        assert _count(subject, "Made once") == 1

    @pytest.mark.parametrize("failure", [Failure.DROPPED, Failure.GATEWAY])
    def test_unknown_answer_is_sent_once(self, subject: Subject, failure: Failure) -> None:
        """A create that breaks on the way is sent once and is Uncertain; when it was not done, nothing is found."""
        fence, op = _fence(subject), _create(subject)
        before = subject.server.creates()
        subject.server.fail(failure, Asked.CREATE)
        with pytest.raises(Uncertain):
            subject.write(op)
        assert subject.server.creates() == before + 1
        assert subject.adapter.find(op, fence=fence) is None
        assert _count(subject, "Made once") == 0

    def test_truncated_answer_is_uncertain(self, subject: Subject) -> None:
        """A create whose answer is cut off was done, so it may not pass for refused."""
        fence, op = _fence(subject), _create(subject)
        subject.server.fail(Failure.TRUNCATED, Asked.CREATE)
        with pytest.raises(Uncertain):
            subject.write(op)
        assert subject.adapter.find(op, fence=fence) is not None

    @pytest.mark.parametrize("failure", [Failure.REFUSED, Failure.THROTTLED])
    def test_refused_write_may_be_sent_again(self, subject: Subject, failure: Failure) -> None:
        """A create that the tracker put off was not done: Retryable (or, for a 503, Uncertain), sent once."""
        op = _create(subject)
        before = subject.server.creates()
        subject.server.fail(failure, Asked.CREATE)
        with pytest.raises((Retryable, Uncertain)) as caught:
            subject.write(op)
        assert subject.server.creates() == before + 1
        assert not isinstance(caught.value, Unreachable)
        if failure is Failure.THROTTLED:
            assert isinstance(caught.value, Retryable)
            assert caught.value.after is not None
            assert caught.value.after >= THROTTLE / 2
            subject.server.wait(THROTTLE)
        assert _count(subject, "Made once") == 0
        subject.write(op)
        assert _count(subject, "Made once") == 1


def _create(subject: Subject) -> NativeOp:
    changes = diff_fields({}, {Field.TITLE: "Made once", Field.KIND: "issue", Field.BODY: "Words"})
    return subject.codec.encode(changes, None, subject.mapping, subject.capabilities, MARKER).ops[0]


def _fence(subject: Subject) -> int:
    return subject.read(subject.server.create(title="The newest so far")).number


def _count(subject: Subject, title: str) -> int:
    pages = subject.pulled()
    tickets = {ticket.ref: ticket for page in pages for ticket in page.tickets}
    decoded = [subject.codec.decode(ticket, subject.mapping) for ticket in tickets.values()]
    return sum(one.snapshot.fields[Field.TITLE] == title for one in decoded)
