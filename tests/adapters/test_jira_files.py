"""Files at Jira tickets: uploaded and read back, and named in texts by what Jira calls them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.jira.codec import CODEC
from adapters.jira.multipart import form_of
from sync.core.changes import diff_fields
from sync.core.errors import Forbidden, Rejected
from sync.core.models import Field, NativeAttachment
from sync.core.ports import NativeOp, OpKind
from tests.adapters.jira_support import Bench, bench

DEPLOYMENTS = ("cloud", "server")
CONTENT = bytes(range(256)) * 3000


def upload(jira: Bench, key: str, file: Path, name: str, media_type: str = "image/png") -> NativeAttachment:
    payload = {"name": name, "media_type": media_type, "size": file.stat().st_size}
    op = NativeOp(
        kind=OpKind.ATTACHMENT_CREATE, action="attach", summary=f"attach {name}", payload=payload, ref=jira.ref(key)
    )
    attachment = jira.adapter.write(op, file).attachment
    assert attachment is not None
    return attachment


def bytes_of(jira: Bench, attachment: NativeAttachment, limit: int = 10**7) -> bytes:
    taken: list[bytes] = []
    jira.adapter.download(attachment, taken.append, limit=limit)
    return b"".join(taken)


def body_of(jira: Bench, key: str) -> str:
    body = jira.fields(key)[Field.BODY]
    assert isinstance(body, str)
    return body


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
@pytest.mark.parametrize("name", ["shot.png", 'a "b"; ü\r\nX: 1.txt', "../../etc/passwd", "日本 (1).bin"])
def test_a_file_goes_there_and_back_in_one_request_each(deployment: str, name: str, tmp_path: Path) -> None:
    """The bytes are the same, and a name is data, whatever it looks like."""
    file = tmp_path / "content"
    file.write_bytes(CONTENT)
    with bench(deployment=deployment) as jira:
        key = jira.simulator.add_issue("With a file")
        made = upload(jira, key, file, name)
        assert len(jira.requests()) == 1
        (held,) = jira.simulator.issue(key).attachments
        assert (held.content, held.mime_type, held.author) == (CONTENT, "image/png", "bot")
        (found,) = CODEC.attachments(jira.read(key))
        assert found == made
        assert found.size == len(CONTENT)
        jira.requests()
        assert bytes_of(jira, found) == CONTENT
        assert len(jira.requests()) == 1


def test_a_form_is_read_in_pieces_and_says_its_length(tmp_path: Path) -> None:
    """Nothing is read whole; a file that shrinks meanwhile breaks the request off; an odd media type is not sent."""
    file = tmp_path / "content"
    file.write_bytes(CONTENT)
    with form_of(file, name="a.bin", media_type="text/plain\r\nX-Evil: 1") as form:
        length = len(form)
        pieces = []
        while piece := form.read(8192):
            pieces.append(piece)
        assert max(map(len, pieces)) <= 8192
        assert sum(map(len, pieces)) == length
        assert b"X-Evil" not in b"".join(pieces)
    with form_of(file, name="a.bin", media_type="") as form:
        file.write_bytes(b"short")
        form.read(8192)
        assert form.read(8192) == b"short"
        with pytest.raises(OSError, match="shorter"):
            form.read(8192)


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_refused_and_missing_files_are_told(deployment: str, tmp_path: Path) -> None:
    """Too large a file, a missing one and one that was taken away twice: refusals with reasons, no harm."""
    file = tmp_path / "content"
    file.write_bytes(CONTENT)
    with bench(deployment=deployment, upload_limit=1000) as jira:
        key = jira.simulator.add_issue("Small files only")
        with pytest.raises(Rejected):
            upload(jira, key, file, "large.bin")
        assert jira.simulator.issue(key).attachments == ()
        file.write_bytes(b"small")
        made = upload(jira, key, file, "small.bin")
        op = NativeOp(
            kind=OpKind.ATTACHMENT_DELETE,
            action="detach",
            summary="remove",
            payload={"attachment": made.ref},
            ref=jira.ref(key),
        )
        for _ in range(2):
            jira.adapter.write(op)
        assert jira.simulator.issue(key).attachments == ()
        with pytest.raises((Rejected, Forbidden)):
            bytes_of(jira, made)
        with pytest.raises(Rejected):
            bytes_of(jira, replace(made, ref=type(made.ref)("../../secret")))


def test_a_payload_does_not_say_where_a_file_is() -> None:
    """The site's own address is asked, also where the payload's leads to another host."""
    with bench(deployment="server") as jira:
        key = jira.simulator.add_issue("Trapped")
        jira.simulator.attach(key, "a.txt", b"mine")
        (found,) = CODEC.attachments(jira.read(key))
        assert bytes_of(jira, replace(found, url="https://evil.example/secure/attachment/1/a.txt")) == b"mine"


def test_markup_names_files_on_data_center() -> None:
    """Pictures and links by name are read by address, of two files the newest; an edit keeps Jira's own form."""
    with bench(deployment="server") as jira:
        key = jira.simulator.add_issue("Named")
        jira.simulator.attach(key, "shot one.png", b"old")
        jira.simulator.attach(key, "shot one.png", b"new")
        jira.simulator.attach(key, "log(1).txt", b"log")
        wiki = "See !shot one.png|thumbnail! and [^log(1).txt].\n\n!elsewhere.png! stays."
        jira.simulator.edit(key, description=wiki)
        files = CODEC.attachments(jira.read(key))
        newest = [each for each in files if each.name == "shot one.png"][-1]
        body = body_of(jira, key)
        assert newest.url in body
        assert files[0].url not in body
        assert "log%281%29.txt" in body
        assert "attachment:elsewhere.png" in body
        jira.bring(key, body=f"{body}\n\nAnd more: ![shot]({newest.url})")
        assert jira.simulator.issue(key).description == f"{wiki}\n\nAnd more: !shot one.png|alt=shot!"


def test_documents_keep_their_files_on_cloud() -> None:
    """A media node reads as a picture by its address, and is the same node after an edit of another paragraph."""
    single = {"type": "mediaSingle", "attrs": {"layout": "center"}, "content": [
        {"type": "media", "attrs": {"type": "file", "id": "6e7c7f2c-dd7a", "collection": "", "alt": "shot.png"}},
    ]}  # fmt: skip
    unknown = {"type": "mediaGroup", "content": [
        {"type": "media", "attrs": {"type": "file", "id": "0f0f", "collection": "", "alt": "gone.pdf"}},
    ]}  # fmt: skip

    def paragraph(text: str) -> dict[str, Any]:
        return {"type": "paragraph", "content": [{"type": "text", "text": text}]}

    with bench() as jira:
        key = jira.simulator.add_issue("Pictured")
        jira.simulator.attach(key, "shot.png", b"png")
        document = {"type": "doc", "version": 1, "content": [paragraph("Before"), single, unknown]}
        body = {"fields": {"description": document}}
        jira.adapter._client.send("PUT", f"issue/{key}", params={}, body=body)
        (file,) = CODEC.attachments(jira.read(key))
        text = body_of(jira, key)
        assert f"![shot.png]({file.url})" in text
        jira.bring(key, body=text.replace("Before", "After"))
        after = jira.simulator.issue(key).description
        assert after["content"] == [paragraph("After"), single, unknown]
        jira.bring(key, body=f"![shot.png]({file.url})\n\nOnly the picture.")
        assert jira.simulator.issue(key).description["content"][0] == single
        assert body_of(jira, key).startswith(f"![shot.png]({file.url})")


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_comments_name_the_files_of_their_ticket(deployment: str) -> None:
    """A comment that we write reads the same from its receipt and from the ticket, with the file's address in it."""
    with bench(deployment=deployment) as jira:
        key = jira.simulator.add_issue("Discussed")
        jira.simulator.attach(key, "shot.png", b"png")
        ticket = jira.read(key)
        (file,) = CODEC.attachments(ticket)
        text = f"Look: ![shot.png]({file.url})"
        (op,) = CODEC.encode_comment(text, ticket, None, jira.mapping, jira.caps).ops
        assert json.loads(json.dumps(op.payload)) == op.payload
        written = jira.adapter.write(op).comment
        (read,) = jira.read(key).comments or ()
        assert written is not None
        bodies = [CODEC.decode_comment(each, jira.mapping).body for each in (written, read)]
        assert bodies == [text, text]
        if deployment == "server":
            assert "!shot.png!" in str(jira.simulator.issue(key).comments[0].body)


def test_no_change_of_a_body_with_files_is_no_request() -> None:
    """What stands there, addresses included, is what the tracker can hold."""
    for deployment in DEPLOYMENTS:
        with bench(deployment=deployment) as jira:
            key = jira.simulator.add_issue("Quiet")
            jira.simulator.attach(key, "shot.png", b"png")
            jira.simulator.edit(key, description="A picture: !shot.png!")
            current = jira.read(key)
            there = CODEC.decode(current, jira.mapping).snapshot.fields
            held = CODEC.project(there, current, jira.mapping, jira.caps)
            assert held[Field.BODY] == there[Field.BODY]
            assert CODEC.encode(diff_fields({}, there), current, jira.mapping, jira.caps).ops == ()
