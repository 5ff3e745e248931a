"""What must hold for files: uploaded once, listed, read back byte for byte, taken away, named in texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.core.errors import Rejected
from sync.core.ids import NativeRef
from sync.core.models import Field, NativeAttachment
from sync.core.ports import NativeOp, OpKind, Receipt
from sync.testing.subject import Subject, only


class Files:
    """Files are uploaded once, listed, read back byte for byte, and taken away."""

    def test_file_there_and_back(self, subject: Subject, tmp_path: Path) -> None:
        """What was uploaded is at the ticket, in fetches and pulls, and is read back as it was."""
        _needs_files(subject)
        content = bytes(range(256)) * 700
        ref = subject.make()
        cursor = subject.caught_up()
        counted, arrived = subject.adapter.traffic.requests, subject.server.arrived()
        made = _attached(subject, ref, tmp_path, "a b & ü.bin", content)
        assert 1 <= subject.adapter.traffic.requests - counted <= 2
        assert subject.adapter.traffic.requests - counted == subject.server.arrived() - arrived
        found = only(subject.codec.attachments(subject.read(ref)))
        assert (found.ref, found.url, found.ticket) == (made.ref, made.url, ref)
        assert (found.name, found.size) == ("a b & ü.bin", len(content))
        assert _read(subject, found, len(content)) == content
        tickets = {ticket.ref: ticket for page in subject.pulled(cursor) for ticket in page.tickets}
        assert [one.ref for one in subject.codec.attachments(tickets[ref])] == [made.ref]

    def test_files_are_told_apart(self, subject: Subject, tmp_path: Path) -> None:
        """Two files of one name are two files; taking one away leaves the other, and taking it away again does no harm."""
        _needs_files(subject)
        ref = subject.make()
        first, second = (_attached(subject, ref, tmp_path, "same.txt", word) for word in (b"one", b"two"))
        assert first.ref != second.ref
        assert {one.ref for one in subject.codec.attachments(subject.read(ref))} == {first.ref, second.ref}
        payload = {"attachment": first.ref}
        op = NativeOp(
            kind=OpKind.ATTACHMENT_DELETE, action="attachment.delete", summary="remove", payload=payload, ref=ref
        )
        for _ in range(2):
            subject.write(op)
        left = only(subject.codec.attachments(subject.read(ref)))
        assert left.ref == second.ref
        assert _read(subject, left, 3) == b"two"

    def test_too_large_a_file(self, subject: Subject, tmp_path: Path) -> None:
        """A file beyond the limit is refused, and no byte beyond it is taken."""
        _needs_files(subject)
        made = _attached(subject, subject.make(), tmp_path, "large.bin", bytes(1000))
        taken: list[bytes] = []
        with pytest.raises(Rejected):
            subject.adapter.download(made, taken.append, limit=999)
        assert sum(map(len, taken)) <= 999

    def test_an_empty_file(self, subject: Subject, tmp_path: Path) -> None:
        """A file without a byte is a file."""
        _needs_files(subject)
        made = _attached(subject, subject.make(), tmp_path, "empty", b"")
        assert _read(subject, made, 0) == b""

    def test_texts_name_files(self, subject: Subject, tmp_path: Path) -> None:
        """A picture and a link in the body lead to the ticket's file by its address, time after time."""
        _needs_files(subject)
        ref = subject.make(body="Before.")
        made = _attached(subject, ref, tmp_path, "shot.png", b"not really a picture")
        body = f"Look:\n\n![shot.png]({made.url})\n\nand [the file]({made.url})."
        subject.check(ref, {Field.BODY: body})
        found = subject.fields(ref)[Field.BODY]
        assert isinstance(found, str)
        assert found.count(made.url) == 2
        assert subject.apply(ref, {Field.BODY: body}) == []
        assert subject.apply(ref, {Field.BODY: found}) == []

    def test_foreign_files_stay_foreign(self, subject: Subject) -> None:
        """A picture that is somewhere else is still that picture."""
        body = "Look: ![shot](https://elsewhere.example/files/1/shot.png)"
        ref = subject.make(body=body)
        found = subject.fields(ref)[Field.BODY]
        assert isinstance(found, str)
        assert "https://elsewhere.example/files/1/shot.png" in found


def _attached(subject: Subject, ref: NativeRef, folder: Path, name: str, content: bytes) -> NativeAttachment:
    file = folder / "content"
    file.write_bytes(content)
    payload = {"name": name, "media_type": "application/octet-stream", "size": len(content)}
    op = NativeOp(
        kind=OpKind.ATTACHMENT_CREATE, action="attachment.create", summary=f"attach {name}", payload=payload, ref=ref
    )
    receipt: Receipt = subject.write(op, file)
    assert receipt.attachment is not None
    assert receipt.ref == ref
    return receipt.attachment


def _read(subject: Subject, attachment: NativeAttachment, limit: int) -> bytes:
    taken: list[bytes] = []
    subject.adapter.download(attachment, taken.append, limit=limit)
    return b"".join(taken)


def _needs_files(subject: Subject) -> None:
    if not subject.capabilities.attachments:
        pytest.skip("this tracker takes no files")
