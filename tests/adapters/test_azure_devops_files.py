"""Files at work items, comments whose answer was lost, and work items that went elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adapters._simulator import Fault
from adapters.azure_devops.codec import CODEC
from sync.core.errors import Rejected, Retryable, Uncertain
from sync.core.ids import Marker, NativeRef
from sync.core.models import Field, Gone, NativeAttachment
from sync.core.ports import NativeOp, OpKind
from tests.adapters.azure_devops_support import Bench, bench


def upload(number: int, name: str, size: int = 3) -> NativeOp:
    payload = {"name": name, "media_type": "image/png", "size": size}
    return NativeOp(
        kind=OpKind.ATTACHMENT_CREATE,
        action="attachment.create",
        summary=f"attach {name}",
        payload=payload,
        ref=NativeRef(str(number)),
    )


def content(azure: Bench, file: NativeAttachment) -> bytes:
    taken: list[bytes] = []
    azure.adapter.download(file, taken.append, limit=10_000)
    return b"".join(taken)


def test_a_file_that_people_attach_is_listed_and_read() -> None:
    """Its number is the end of its address, its name and size are what the relation says."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="One")
        made = azure.simulator.attach(number, "räport (1).txt", b"words")
        (file,) = CODEC.attachments(azure.read(number))
        assert (file.ref, file.name, file.size) == (made, "räport (1).txt", 5)
        assert content(azure, file) == b"words"
        azure.simulator.detach(number, made)
        assert CODEC.attachments(azure.read(number)) == ()


def test_a_pasted_picture_is_a_file_and_stands_in_the_text(tmp_path: Path) -> None:
    """No relation names it: the text does, by an address with a name, which in canonical terms is the file's own."""
    with bench() as azure:
        number, other = (azure.simulator.add_issue(title=title) for title in ("One", "Other"))
        made = azure.simulator.attach(other, "shot (2).png", b"picture")
        (known,) = CODEC.attachments(azure.read(other))
        source = f"{known.url}?fileName=shot%20(2).png"
        azure.simulator.edit(number, body=f'<div>Look: <img src="{source}"> and <a href="{source}">it</a></div>')
        (file,) = CODEC.attachments(azure.read(number))
        assert (file.ref, file.url, file.name) == (made, known.url, "shot (2).png")
        assert content(azure, file) == b"picture"
        body = azure.fields(number)[Field.BODY]
        assert isinstance(body, str)
        assert body.count(f"({known.url})") == 2
        assert "fileName" not in body
        azure.apply(number, body=f"{body}\n\nMore.")
        stored = azure.simulator.issue(number)["fields"]["System.Description"]
        assert stored.count("?fileName=shot") == 2
        assert azure.fields(number)[Field.BODY] == f"{body}\n\nMore."


def test_upload_is_two_requests_and_the_first_is_harmless(tmp_path: Path) -> None:
    """A lost answer to the bytes may be asked again, one to the relation is in doubt: the ticket shows whether it came."""
    path = tmp_path / "anything"
    path.write_bytes(b"abc")
    with bench() as azure:
        number = azure.simulator.add_issue(title="One")
        azure.simulator.faults.append(Fault(fault="drop_after", method="POST", path="(?i)/attachments"))
        with pytest.raises(Retryable):
            azure.adapter.write(upload(number, "a.png"), path)
        azure.simulator.faults.append(Fault(fault="drop_after", method="PATCH", path="(?i)/workitems/"))
        with pytest.raises(Uncertain):
            azure.adapter.write(upload(number, "a.png"), path)
        assert [file.name for file in CODEC.attachments(azure.read(number))] == ["a.png"]
        receipt = azure.adapter.write(upload(number, "b & c.png"), path)
        assert receipt.attachment is not None
        assert (receipt.attachment.name, receipt.attachment.size) == ("b & c.png", 3)
        assert azure.simulator.files_of(number) == {"a.png": b"abc", "b & c.png": b"abc"}


def test_a_file_over_the_limit_is_refused_in_the_services_words(tmp_path: Path) -> None:
    """The service's limit is a setting of the server, so the server says what is too large."""
    path = tmp_path / "large"
    path.write_bytes(bytes(5_000))
    with bench(attachment_limit=4_096) as azure:
        number = azure.simulator.add_issue(title="One")
        with pytest.raises(Rejected, match="TF237082"):
            azure.adapter.write(upload(number, "large.bin", 5_000), path)


def test_files_come_from_the_own_organisation_only() -> None:
    """An address elsewhere, or of another organisation on the same host, is not asked with our token."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="One")
        azure.simulator.attach(number, "a.txt", b"words")
        (file,) = CODEC.attachments(azure.read(number))
        arrived = len(azure.simulator.requests)
        for url in (file.url.replace("/acme/", "/other/"), f"https://elsewhere.example/{file.ref}"):
            with pytest.raises(Rejected):
                content(azure, replace(file, url=url))
        assert len(azure.simulator.requests) == arrived


# -- comments ------------------------------------------------------------------------------------


def test_two_lost_comments_of_one_text_are_found_once_each() -> None:
    """A comment carries no marker: of two that say the same, each is the answer to one request, however often it is asked."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="Talk")
        azure.simulator.comment(number, "<p>+1</p>", by="bot")
        ticket = azure.read(number)
        ops: list[NativeOp] = []
        for which in ("a", "b"):
            encoded = CODEC.encode_comment("+1", ticket, None, azure.mapping, azure.caps, marker=Marker(which))
            ops += encoded.ops
            azure.simulator.faults.append(Fault(fault="drop_after", method="POST", path="/comments$"))
            with pytest.raises(Uncertain):
                azure.adapter.write(encoded.ops[0])
        (unsent,) = CODEC.encode_comment("+1", ticket, None, azure.mapping, azure.caps, marker=Marker("c")).ops
        refs = [comment.ref for comment in azure.read(number).comments or ()]
        assert [azure.adapter.find(op, fence=0) for op in (*ops, *ops)] == [*refs[1:], *refs[1:]]
        assert azure.adapter.find(unsent, fence=0) is None


def test_a_markdown_comment_is_edited_as_markdown() -> None:
    """A comment keeps its format: Markdown in HTML would show its stars, and HTML in Markdown its tags."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="Talk")
        for form, written in (("markdown", "**two**"), ("html", "<p><strong>two</strong></p>")):
            azure.simulator.comment(number, "**one**" if form == "markdown" else "<p>one</p>", by="bot", format=form)
            ticket = azure.read(number)
            current = (ticket.comments or ())[-1]
            (op,) = CODEC.encode_comment("**two**", ticket, current, azure.mapping, azure.caps).ops
            receipt = azure.adapter.write(op)
            assert receipt.comment is not None
            assert receipt.comment.payload["text"] == written
            assert CODEC.decode_comment(receipt.comment, azure.mapping).body == "**two**"


# -- elsewhere -----------------------------------------------------------------------------------


def test_a_work_item_in_another_project_is_gone() -> None:
    """It keeps its number, and is not ours any more: told by the feed and by a direct read."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="One")
        cursor = azure.caught_up()
        azure.simulator.move(number, "Ledger")
        pages = list(azure.adapter.pull(cursor))
        told = [gone for page in pages for gone in page.gone]
        (read,) = azure.adapter.fetch([NativeRef(str(number))])
        assert [gone.ref for gone in told] == [str(number)]
        assert not any(page.tickets for page in pages)
        assert isinstance(read, Gone)


def test_a_work_item_of_another_type_is_the_same_one() -> None:
    """A change of type keeps the number: kind, type and the place of the text follow."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="One", body="<p>Words</p>", type="User Story")
        cursor = azure.caught_up()
        azure.simulator.edit(number, type="Epic")
        (ticket,) = (ticket for page in azure.adapter.pull(cursor) for ticket in page.tickets)
        found = CODEC.decode(ticket, azure.mapping).snapshot.fields
        assert (ticket.number, found[Field.KIND], found[Field.BODY]) == (number, "epic", "Words")


def test_a_bug_may_have_its_text_where_bugs_hide_it() -> None:
    """A person's change of type moves no text: it is read where it stands, and goes where it shows with the next edit."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="One", body="<p>Words</p>", type="User Story")
        azure.simulator.edit(number, type="Bug")
        assert azure.fields(number)[Field.BODY] == "Words"
        assert azure.encoded(number, body="Words") == ()
        (op,) = azure.apply(number, body="Other words", title="Two")
        assert op.fields == {Field.BODY, Field.TITLE}
        found = azure.simulator.issue(number)["fields"]
        assert found["Microsoft.VSTS.TCM.ReproSteps"] == "<p>Other words</p>"
        assert "System.Description" not in found
        azure.simulator.edit(number, fields={"System.Description": "Hidden", "Microsoft.VSTS.TCM.ReproSteps": None})
        azure.apply(number, body="")
        assert azure.fields(number)[Field.BODY] == ""


def test_what_was_a_bug_keeps_its_text() -> None:
    """A person's change from a bug to another type leaves the text where bugs show it: nobody removed it, and it can be rewritten."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="One", body="<p>Words</p>", type="Bug")
        azure.simulator.edit(number, type="User Story")
        assert azure.fields(number)[Field.BODY] == "Words"
        assert azure.encoded(number, body="Words") == ()
        azure.apply(number, body="Other words")
        found = azure.simulator.issue(number)["fields"]
        assert found["System.Description"] == "<p>Other words</p>"
        assert azure.fields(number)[Field.BODY] == "Other words"


def test_what_was_a_bug_can_lose_its_text() -> None:
    """The text that its form hides now can't be removed there, but nothing stands before it."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="One", body="<p>Words</p>", type="Bug")
        azure.simulator.edit(number, type="User Story")
        azure.apply(number, body="")
        assert azure.fields(number)[Field.BODY] == ""


def test_a_text_that_moves_with_the_type_was_not_edited() -> None:
    """A bug's text has another place: the history tells of the new type, and of no other text."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="One", body="<p>Words</p>", type="User Story")
        ticket = azure.read(number)
        azure.apply(number, type="bug")
        told = [
            change.field
            for event in azure.adapter.history([ticket.ref], ticket.updated_at)
            for change in CODEC.decode_event(event, azure.mapping)
        ]
        assert azure.fields(number)[Field.BODY] == "Words"
        assert Field.TYPE in told
        assert Field.BODY not in told
