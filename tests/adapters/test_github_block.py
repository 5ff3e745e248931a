"""The block at the end of an issue's body: what GitHub has no place for, kept by the bridge and edited by people."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.github import block as blocks
from adapters.github import wire
from adapters.github.block import BEGIN, END
from adapters.github.codec import CODEC
from adapters.github.probing import FIELDS, TELLS
from sync.core.capabilities import Capabilities, ProjectFacts
from sync.core.changes import diff_fields
from sync.core.ids import Marker, PersonId, ReplicaName
from sync.core.mapping import CustomRow, People, ValueMap
from sync.core.models import UNKNOWN, Field
from sync.shell.mappingfile import load

MARKER = Marker("trackdown:v1:abc:0123456789abcdef")
CUSTOM = {
    Field("custom.customer"): CustomRow(type="text", native="block"),
    Field("custom.estimate"): CustomRow(type="number", native="block"),
    Field("custom.billable"): CustomRow(type="boolean", native="block"),
    Field("custom.reviewer"): CustomRow(type="person", native="block"),
    Field("custom.link"): CustomRow(type="url", native="block"),
    Field("custom.sites[]"): CustomRow(type="choices", native="block", values=ValueMap(values={"eu": ("Europe",)})),
}
FACTS = ProjectFacts(custom={"block": "text"}, extra={"account": "bot", "sub_issues": False})
CAPS = Capabilities(
    server="GitHub", account="bot", fields=FIELDS, tells=TELLS, facts=FACTS, max_assignees=10, body_limit=1_000
)
MAPPING = replace(load("github", folder=Path()), custom=CUSTOM).bind(
    FACTS, People(replica=ReplicaName("github"), native_ids={PersonId("ada"): "ada-l"})
)


def ticket(body, **members):
    """Issue 12 with that body."""
    url = "https://api.github.com/repos/acme/payments/issues/12"
    fixed = {"id": 7, "number": 12, "title": "t", "state": "open", "updated_at": "2026-01-01T00:00:00Z", "url": url}
    return wire.ticket({**fixed, "body": body, **members}, fetched_at=datetime(2026, 1, 1, tzinfo=UTC))


def decoded(body):
    """What an issue with that body says."""
    return CODEC.decode(ticket(body), MAPPING)


def fields(body):
    """Its fields."""
    return decoded(body).snapshot.fields


def rows(*lines):
    """A block of these lines."""
    return "\n".join([BEGIN, *lines, END])


def written(body, /, **words):
    """The body after these fields were written."""
    news = {Field(name): value for name, value in words.items()}
    encoded = CODEC.encode(diff_fields(fields(body), news), ticket(body), MAPPING, CAPS)
    assert encoded.problems == ()
    return encoded.ops[0].payload["body"] if encoded.ops else body


WANTED = {
    "estimate": "6.5",
    "remaining": "2",
    "spent": "4.5",
    "points": "3",
    "sprint": "Sprint 12, late",
    "start": "2026-03-01",
    "due": "2026-03-31",
    "parent": "3",
    "links": frozenset({"relates:4", "relates:11", "duplicates:5", "blocks:6"}),
    "attachments": frozenset({"[a_b, c.png](https://files.example/1?a=b)"}),
    "custom.customer": "Ada & *sons*\n@grace #4 <b>",
    "custom.estimate": "12",
    "custom.billable": "true",
    "custom.reviewer": "ada",
    "custom.link": "https://example.org/a_b?c=d",
    "custom.sites[]": frozenset({"eu", "a,b"}),
}


def test_everything_that_is_written_is_read_back_and_is_no_part_of_the_text():
    """Each field has a row that a person can read; the text and the marker stay what they were, and nobody is pinged."""
    body = written(f"Words.\n\n<!-- {MARKER} -->", **WANTED)
    found = decoded(body)
    assert {name: found.snapshot.fields[Field(name)] for name in WANTED} == WANTED
    assert (found.snapshot.fields[Field.BODY], found.marker, found.problems) == ("Words.", MARKER, ())
    assert body.startswith(f"Words.\n\n{BEGIN}\n- **")
    assert body.endswith(f"{END}\n\n<!-- {MARKER} -->")
    for line in ("- **Estimate:** 6.5 h", "- **Due date:** 2026-03-31", "- **Estimate (custom):** 12", "ada-l"):
        assert line in body
    assert "@grace" not in body
    assert "#4" not in body


def test_without_anything_to_say_there_is_no_block():
    """Emptied fields take their rows away, and the last row the block."""
    body = written("Words.", **WANTED)
    empty = {name: frozenset() if isinstance(value, frozenset) else None for name, value in WANTED.items()}
    assert written(body, **empty) == "Words."
    assert written("Words.", **empty) == "Words."


def test_what_is_written_twice_is_one_request():
    """The second time nothing differs."""
    body = written("Words.", **WANTED)
    assert written(body, **WANTED) == body


def test_peoples_own_rows_and_their_order_stay():
    """A new value is put where the old one stood, lines that are no field of ours are left alone, a new row comes last."""
    body = f"Text\r\n\r\n{rows('- note to self: buy milk', '* Estimate: 3', '- **Mood:** good', '')}\r\nBelow"
    found = fields(body)
    assert (found[Field.ESTIMATE], found[Field.BODY]) == ("3", "Text\n\nBelow")
    after = written(body, estimate="4", sprint="S1")
    expected = rows("- note to self: buy milk", "- **Estimate:** 4 h", "- **Mood:** good", "", "- **Sprint:** S1")
    assert after == f"Text\n\nBelow\n\n{expected}"


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("- **Estimate:** 1h 30m", Field.ESTIMATE, "1.5"),
        ("- **estimate**: 90 min", Field.ESTIMATE, "1.5"),
        ("- Estimate: 2", Field.ESTIMATE, "2"),
        ("- **Estimate:**", Field.ESTIMATE, None),
        ("- **Estimate:** soon", Field.ESTIMATE, UNKNOWN),
        ("- **Due date:** 31.3.2026", Field.DUE, UNKNOWN),
        ("- **Points:** many", Field.POINTS, UNKNOWN),
        ("- **Billable:** yes", Field("custom.billable"), "true"),
        ("- **Relates to:** #4, acme/payments#5, https://github.com/Acme/Payments/issues/6", Field.LINKS, "4 5 6"),
        ("- **Relates to:** acme/other#9, #4", Field.LINKS, "4"),
        ("- **Relates to:** the login bug", Field.LINKS, UNKNOWN),
        ("- **Part of:** #3, #4", Field.PARENT, UNKNOWN),
        ("- **Attachments:** see the wiki", Field.ATTACHMENTS, UNKNOWN),
    ],
)
def test_a_row_is_read_as_people_write_it(line, field, value):
    """Several spellings are understood; what is not is UNKNOWN, and the problem names the row and the mend."""
    found = decoded(f"Text\n\n{rows(line)}")
    if field is Field.LINKS and isinstance(value, str):
        value = frozenset(f"relates:{number}" for number in value.split())
    assert found.snapshot.fields[field] == value
    assert [problem.field for problem in found.problems] == ([field] if value is UNKNOWN else [])
    assert all(line.rpartition(":** ")[2] in one.message and "row" in one.mend for one in found.problems)


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("- **Estimate:** soon", "estimate", "3"),
        ("- **Relates to:** the login bug", "links", frozenset({"relates:4"})),
        ("- **Part of:** #3, #4", "parent", "3"),
        ("- **Attachments:** see the wiki", "attachments", frozenset({"[a](https://files.example/1)"})),
    ],
)
def test_what_cannot_be_understood_is_never_overwritten(line, name, value):
    """A person's row that means nothing to us stays; that is told, and the other fields are written."""
    body = f"Text\n\n{rows(line)}"
    news = {Field(name): value, Field.DUE: "2026-03-31"}
    encoded = CODEC.encode(diff_fields(fields(body), news), ticket(body), MAPPING, CAPS)
    (op,) = encoded.ops
    assert line in op.payload["body"]
    assert "Due date" in op.payload["body"]
    assert op.fields == {Field.DUE}
    assert [problem.field for problem in encoded.problems] == [Field(name)]
    assert Field(name) not in CODEC.project(news, ticket(body), MAPPING, CAPS)


def test_a_row_that_stands_twice_is_a_slip():
    """Which of the two is meant nobody knows."""
    assert fields(rows("- **Points:** 1", "- **Points:** 2"))[Field.POINTS] is UNKNOWN


def test_references_to_other_repositories_stay():
    """They are nobody's here, and are kept when the row is written."""
    body = rows("- **Relates to:** acme/other#9, #4")
    assert "acme/other#\u20609, #\u20607" in written(body, links=frozenset({"relates:7"}))


@pytest.mark.parametrize("lost", [BEGIN, END])
def test_a_lost_delimiter_loses_no_row(lost):
    """A person deleted one of the two lines: the rows are still rows, the text around them is still text."""
    body = f"Above\n\n{rows('- **Points:** 3', '- **Sprint:** S')}\n\nBelow".replace(lost + "\n", "")
    found = fields(body)
    assert (found[Field.POINTS], found[Field.SPRINT], found[Field.BODY]) == ("3", "S", "Above\n\nBelow")
    assert written(body, points="4").count(BEGIN) == 1


def test_an_edit_of_the_text_keeps_the_block_and_one_of_the_block_the_text():
    """Each is written without touching the other, though both stand in one body."""
    body = written("@ada look at #12", points="3")
    edited = written(body, body="Other words")
    assert (fields(edited)[Field.POINTS], fields(edited)[Field.BODY]) == ("3", "Other words")
    assert written(body, points="5").startswith("@ada look at #12\n\n")


def test_a_text_that_speaks_of_the_block_makes_none():
    """Our own delimiters in a text from elsewhere are text."""
    said = f"Look:\n\n{rows('- **Points:** 3')}"
    body = written("", body=said)
    assert (fields(body)[Field.BODY], fields(body)[Field.POINTS]) == (said, None)


def test_a_body_without_room_says_which_fields_do_not_fit():
    """The limit counts the block too: the text goes first, then the rows; what stands there is left alone."""
    body = written("x" * 100, points="3")
    news = {Field.BODY: "y" * 980, Field.SPRINT: "S"}
    encoded = CODEC.encode(diff_fields(fields(body), news), ticket(body), MAPPING, CAPS)
    (op,) = encoded.ops
    assert (op.fields, [one.field for one in encoded.problems]) == ({Field.SPRINT}, [Field.BODY])
    assert op.payload["body"].startswith("x" * 100)
    full = "x" * 990
    encoded = CODEC.encode(diff_fields(fields(full), {Field.SPRINT: "S"}), ticket(full), MAPPING, CAPS)
    assert (encoded.ops, [one.field for one in encoded.problems]) == ((), [Field.SPRINT])


def test_a_new_ticket_is_made_with_its_block():
    """The create carries the rows, so that nobody sees the ticket without them."""
    wanted = {Field.TITLE: "t", Field.POINTS: "3", Field.PARENT: "3"}
    (op,) = CODEC.encode(diff_fields({}, wanted), None, MAPPING, CAPS, MARKER).ops
    assert op.fields == wanted.keys()
    assert op.payload["body"].endswith(f"{END}\n\n<!-- {MARKER} -->")
    assert fields(op.payload["body"])[Field.POINTS] == "3"


@pytest.mark.parametrize(
    "row",
    [
        "- a" + " " * 60_000 + "b: c",
        "- **Attachments:** " + "[" * 60_000,
        "- **Relates to:** @a #1\n" * 3_000,
        END + "\n",
    ],
    ids=["blanks", "brackets", "rows", "ends"],
)
def test_a_hostile_block_is_read_in_time(row):
    """Reading is linear in what people may write."""
    start = time.process_time()
    decoded(f"{BEGIN}\n{row}\n{END}")
    assert time.process_time() - start < 2


WORD = st.text(
    st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("*_`<>[]|&~,\\#@:!-\n"), min_size=1, max_size=40
)


@settings(max_examples=200, deadline=None)
@given(words=st.lists(WORD, max_size=4))
def test_any_word_comes_back(words):
    """Escaping and reading are inverse, for single words and for lists."""
    wanted = ["\n".join(line.strip() for line in word.split("\n")).strip() for word in words]
    wanted = [word for word in wanted if word]
    block = blocks.Block()
    block.put("Words", blocks.joined(wanted))
    for word in wanted:
        block.put(f"One {wanted.index(word)}", blocks.escaped(word))
    _, again = blocks.cut(f"text\n\n{block.render()}")
    assert [one for row in again.rows("words") for one in blocks.parted(row)] == wanted
    assert [blocks.plain(again.rows(f"one {wanted.index(word)}")[0]) for word in wanted] == wanted
