"""What must hold where whole tickets are deleted: this one and nothing else, and once is as good as twice."""

from __future__ import annotations

import pytest

from sync.core.ids import NativeRef
from sync.core.models import Field, Gone
from sync.core.ports import NativeOp, OpKind
from sync.testing.subject import Subject, only


class Deletes:
    """A ticket is deleted by one request, or the codec says that none is."""

    def test_delete(self, subject: Subject) -> None:
        """Afterwards it is `Gone`, the others are there, and to delete it again does no harm."""
        kept, ref = subject.server.create(title="Kept"), subject.make(title="Deleted")
        op = _deletion(subject, ref)
        counted, arrived = subject.adapter.traffic.writes, subject.server.arrived()
        assert subject.write(op).ref == ref
        assert (subject.adapter.traffic.writes, subject.server.arrived()) == (counted + 1, arrived + 1)
        subject.write(op)
        found = {one.ref: one for one in subject.adapter.fetch([kept, ref])}
        assert not isinstance(found[kept], Gone)
        gone = found[ref]
        assert isinstance(gone, Gone)
        assert not gone.moved_to

    def test_delete_takes_no_children_along(self, subject: Subject) -> None:
        """What hangs on the ticket stays, or the deletion is refused."""
        if Field.PARENT not in subject.capabilities.fields:
            pytest.skip("this tracker has no parents")
        parent = subject.make(title="Parent", kind="epic")
        child = subject.make(title="Child", kind="issue")
        subject.apply(child, {Field.PARENT: parent})
        subject.write(_deletion(subject, parent))
        assert subject.fields(child)[Field.TITLE] == "Child"


def _deletion(subject: Subject, ref: NativeRef) -> NativeOp:
    encoded = subject.codec.encode_delete(subject.read(ref))
    if not subject.capabilities.can_delete:
        assert encoded.ops == ()
        assert only(encoded.problems).mend
        pytest.skip("this tracker deletes no tickets")
    op = only(encoded.ops)
    assert (op.kind, op.ref, op.fields) == (OpKind.DELETE, ref, frozenset())
    assert op.summary
    return op
