"""What must hold for texts, labels and comments as people write them."""

from __future__ import annotations

import pytest

from sync.core.changes import diff_fields
from sync.core.fieldrules import equal
from sync.core.ids import Marker, NativeRef
from sync.core.models import Field, FieldProblem
from sync.core.ports import Encoded, OpKind, Receipt
from sync.testing.strategies import ODD_LABELS, ODD_TEXTS
from sync.testing.subject import Subject

MARKER = Marker("trackdown:v1:00112233445566ff:ff66554433221100")
ATTRIBUTION = "*Ada Lovelace wrote in Jira (PAY-12):*"
ORDINARY = (
    "Seen it too:\n\n- on **Monday**\n- with `curl`\n\n```\n$ make it\n```\n\nSee [the page](https://example.org/a)."
)


class Texts:
    """No word is lost, nothing is written back that nobody wrote."""

    def test_ordinary_markdown_survives(self, subject: Subject) -> None:
        """Headings, lists, code, links and emphasis come back as they were written, where the tracker has rich text."""
        body = f"## Steps\n\n1. first\n2. second\n\n{ORDINARY}"
        ref = subject.make(body=body)
        found = subject.fields(ref)[Field.BODY]
        assert equal(Field.BODY, found, subject.project({Field.BODY: body}, subject.read(ref))[Field.BODY])
        assert isinstance(found, str)
        for word in ("Steps", "first", "Monday", "curl", "make it", "https://example.org/a"):
            assert word in found

    def test_odd_bodies(self, subject: Subject) -> None:
        """Each odd text is afterwards what `project` foretold, and is not written a second time."""
        ref = subject.make(MARKER, body="A start.")
        for text in ODD_TEXTS:
            subject.server.settle()  # some trackers limit the writes to one ticket
            subject.check(ref, {Field.BODY: text})
            assert subject.apply(ref, {Field.BODY: text}) == [], f"written twice: {text!r}"
            found = subject.fields(ref)[Field.BODY]
            assert subject.apply(ref, {Field.BODY: found}) == [], f"written back: {text!r}"
        assert subject.decoded(ref).marker == MARKER

    def test_odd_bodies_at_creation(self, subject: Subject) -> None:
        """A ticket made with an odd text has the same text as one edited to it."""
        for text in ODD_TEXTS[:12:3]:
            ref = subject.make(MARKER, body=text)
            foretold = subject.project({Field.BODY: text}, subject.read(ref))
            assert equal(Field.BODY, subject.fields(ref)[Field.BODY], foretold[Field.BODY])

    def test_words_of_other_fields_stay(self, subject: Subject) -> None:
        """An edit of the title leaves a person's own mention in the body as it is in the tracker."""
        ref = subject.server.create(title="Mentions", body="@ada look at #12")
        before = subject.fields(ref)[Field.BODY]
        subject.check(ref, {Field.TITLE: "Mentions somebody"})
        assert subject.fields(ref)[Field.BODY] == before

    def test_body_over_the_limit(self, subject: Subject) -> None:
        """A body that is too long is one problem naming the limit and no request; the other fields are written."""
        limit = subject.capabilities.body_limit
        if limit is None:
            pytest.skip("this tracker has no limit")
        ref = subject.make(body="Short.")
        wanted = {Field.TITLE: "Long", Field.BODY: "word " * (limit // 5 + 10)}
        current = subject.read(ref)
        changes = diff_fields(subject.fields(ref), wanted)
        encoded = subject.codec.encode(changes, current, subject.mapping, subject.capabilities)
        _says_too_long(encoded.problems, limit)
        assert Field.BODY not in frozenset().union(*(op.fields for op in encoded.ops))
        assert Field.BODY not in subject.project(wanted, current)
        subject.check(ref, wanted)
        assert subject.fields(ref)[Field.TITLE] == "Long"
        assert subject.fields(ref)[Field.BODY] == "Short."

    def test_title_over_the_limit(self, subject: Subject) -> None:
        """A title that is too long is one problem and no request; it is never cut."""
        limit = subject.capabilities.title_limit
        if limit is None:
            pytest.skip("this tracker has no limit")
        ref = subject.make(title="Short")
        subject.check(ref, {Field.TITLE: "x" * limit})
        changes = diff_fields(subject.fields(ref), {Field.TITLE: "y" * (limit + 1)})
        encoded = subject.codec.encode(changes, subject.read(ref), subject.mapping, subject.capabilities)
        assert encoded.ops == ()
        assert [problem.field for problem in encoded.problems] == [Field.TITLE]

    def test_odd_labels(self, subject: Subject) -> None:
        """Each odd label is afterwards what `project` foretold, beside an ordinary one, and leaves again."""
        if Field.LABELS not in subject.capabilities.fields:
            pytest.skip("this tracker has no labels")
        ref = subject.make(labels=frozenset({"plain"}))
        for label in ODD_LABELS:
            subject.server.settle()
            wanted = {Field.LABELS: frozenset({"plain", label})}
            subject.check(ref, wanted)
            assert subject.apply(ref, wanted) == [], f"written twice: {label!r}"
            labels = subject.fields(ref)[Field.LABELS]
            assert isinstance(labels, frozenset)
            assert "plain" in labels, f"lost beside {label!r}"
            subject.check(ref, {Field.LABELS: frozenset({"plain"})})
            assert subject.fields(ref)[Field.LABELS] == frozenset({"plain"}), f"{label!r} stays"

    def test_labels_by_case(self, subject: Subject) -> None:
        """A label that differs in case only is foretold as the tracker keeps it, and does not bounce."""
        if Field.LABELS not in subject.capabilities.fields:
            pytest.skip("this tracker has no labels")
        ref = subject.server.create(title="Cases", labels=("Payments",))
        for labels in ({"payments"}, {"Payments"}, {"PAYMENTS", "payments"}):
            wanted = {Field.LABELS: frozenset(labels)}
            subject.check(ref, wanted)
            assert subject.apply(ref, wanted) == []

    def test_comment_there_and_back(self, subject: Subject) -> None:
        """A comment is made with its author named, edited and deleted; what is read is the comment without that line."""
        _needs_comments(subject)
        ref = subject.server.create(title="Talked about")
        receipt = _send(subject, ref, _encode(subject, ref, ORDINARY))
        assert receipt.comment_ref is not None
        made = _only(subject, ref)
        assert made[0] == receipt.comment_ref
        assert made[1] == ORDINARY
        assert made[2] in (MARKER, None)
        if subject.capabilities.comment_edit:
            _send(subject, ref, _encode(subject, ref, "Other words.", made[0]))
            assert _only(subject, ref)[:2] == (made[0], "Other words.")
        if subject.capabilities.comment_delete:
            _send(subject, ref, _encode(subject, ref, None, made[0]))
            assert subject.comments(ref) == ()

    def test_comment_names_its_author(self, subject: Subject) -> None:
        """A person who looks at a mirrored comment sees who wrote it."""
        _needs_comments(subject)
        ref = subject.server.create(title="Talked about")
        _send(subject, ref, _encode(subject, ref, "Words."))
        assert "Ada Lovelace" in str(subject.comments(ref)[0].payload)

    def test_comment_found_by_marker(self, subject: Subject) -> None:
        """A comment whose answer was lost is found; one that a person wrote, even with the same words, is not."""
        _needs_comments(subject)
        ref = subject.server.create(title="Talked about")
        op = _encode(subject, ref, "Words.").ops[0]
        subject.server.comment(ref, "Words.")
        assert subject.adapter.find(op, fence=0) is None
        made = subject.write(op).comment_ref
        assert made is not None
        assert subject.adapter.find(op, fence=0) == made

    def test_comment_tells_of_its_edits(self, subject: Subject) -> None:
        """A comment that was rewritten later says so; one that stands as it was made does not."""
        _needs_comments(subject)
        ref = subject.server.create(title="Talked about")
        made = _send(subject, ref, _encode(subject, ref, "Words.")).comment_ref
        assert made is not None
        assert not subject.codec.decode_comment(subject.comments(ref)[0], subject.mapping).edited
        if subject.capabilities.comment_edit:
            subject.server.settle()
            _send(subject, ref, _encode(subject, ref, "Other words.", made))
            assert subject.codec.decode_comment(subject.comments(ref)[0], subject.mapping).edited

    def test_pull_brings_our_comments(self, subject: Subject) -> None:
        """Our own comment is in the next pull as it was written, by our own account."""
        _needs_comments(subject)
        ref = subject.server.create(title="Talked about")
        cursor = subject.caught_up()
        made = _send(subject, ref, _encode(subject, ref, "Words.")).comment_ref
        assert subject.comments_in(subject.pulled(cursor)) == {made: "Words."}
        decoded = subject.codec.decode_comment(subject.comments(ref)[0], subject.mapping)
        assert decoded.author == subject.mapping.people.read([subject.capabilities.account])

    def test_odd_comments(self, subject: Subject) -> None:
        """An odd text read back and written again stays what it was."""
        _needs_comments(subject)
        ref = subject.server.create(title="Talked about")
        _send(subject, ref, _encode(subject, ref, "A start."))
        comment = _only(subject, ref)[0]
        for text in ODD_TEXTS:
            if not text or not subject.capabilities.comment_edit:
                continue
            subject.server.settle()
            _send(subject, ref, _encode(subject, ref, text, comment))
            once = _only(subject, ref)[1]
            _send(subject, ref, _encode(subject, ref, once, comment))
            assert equal(Field.BODY, _only(subject, ref)[1], once), f"{text!r} became {once!r}, then something else"

    def test_comment_over_the_limit(self, subject: Subject) -> None:
        """A comment that is too long is a problem and no request."""
        _needs_comments(subject)
        limit = subject.capabilities.body_limit
        if limit is None:
            pytest.skip("this tracker has no limit")
        ref = subject.server.create(title="Talked about")
        encoded = _encode(subject, ref, "word " * (limit // 5 + 10))
        assert encoded.ops == ()
        _says_too_long(encoded.problems, limit)


def _needs_comments(subject: Subject) -> None:
    if not subject.capabilities.comments:
        pytest.skip("this tracker has no comments")


def _says_too_long(problems: tuple[FieldProblem, ...], limit: int) -> None:
    assert [problem.field for problem in problems] == [Field.BODY]
    assert str(limit) in problems[0].message.replace(",", "")
    assert problems[0].mend


def _encode(subject: Subject, ref: NativeRef, body: str | None, comment: NativeRef | None = None) -> Encoded:
    ticket = subject.read(ref)
    current = next((one for one in ticket.comments or () if one.ref == comment), None)
    return subject.codec.encode_comment(
        body,
        ticket,
        current,
        subject.mapping,
        subject.capabilities,
        marker=MARKER if comment is None else None,
        attribution=ATTRIBUTION if body is not None else None,
    )


def _send(subject: Subject, ref: NativeRef, encoded: Encoded) -> Receipt:
    assert encoded.problems == ()
    assert len(encoded.ops) == 1
    op = encoded.ops[0]
    assert op.kind in (OpKind.COMMENT_CREATE, OpKind.COMMENT_UPDATE, OpKind.COMMENT_DELETE)
    assert op.ref == ref
    return subject.write(op)


def _only(subject: Subject, ref: NativeRef) -> tuple[NativeRef, str, Marker | None]:
    """The ticket's only comment: ref, body, marker."""
    (comment,) = subject.comments(ref)
    decoded = subject.codec.decode_comment(comment, subject.mapping)
    return comment.ref, decoded.body, decoded.marker
