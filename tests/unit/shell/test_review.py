"""Conflicts as people see them: in words, word by word, on a terminal and on a page."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from sync.core.ids import BridgeName, NativeRef, PersonId, ReplicaName
from sync.core.models import Canonical, Field
from sync.shell.cli.conflict_view import render_list, render_one
from sync.shell.page import render_page
from sync.shell.review import Directory, conflict_views, value_diff, word_diff
from sync.store import Store
from sync.store.records import ClaimRecord

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BRIDGE = BridgeName("payments")
HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m & "quotes" {{ 7*7 }} [red]x[/]'
DIRECTORY = Directory(
    people={"ada": "Ada Lovelace", "grace": "Grace Hopper"},
    titles={BRIDGE: {ReplicaName("jira"): "Jira", ReplicaName("github"): "GitHub"}},
)


def claim(replica, value, author, minutes, *, uncertain=False) -> ClaimRecord:
    return ClaimRecord(
        replica=ReplicaName(replica),
        value=value,
        author=None if author is None else PersonId(author),
        at=NOON + timedelta(minutes=minutes),
        uncertain=uncertain,
    )


@pytest.fixture
def store(tmp_path):
    opened = Store(f"sqlite:///{tmp_path / 'store.db'}", now=lambda: NOON)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def add(store):
    """Add one ticket with one conflict on it."""

    def _add(*, title="Pay by card", field=Field.TITLE, base="Pay", claims=(), chosen=None, state="settled", by="policy",
             reason="concurrent", url="https://acme.example/PAY-1"):  # fmt: skip
        with store.begin() as tx:
            run = tx.runs.start(BRIDGE)
            ticket = tx.tickets.create(BRIDGE, Canonical(fields={Field.TITLE: title, Field.KIND: "issue"}))
            tx.links.add(
                bridge=BRIDGE, replica=ReplicaName("jira"), ref=NativeRef(f"1{ticket.number}"), ticket=ticket.id,
                key="PAY-1", url=url, number=ticket.number,
            )  # fmt: skip
            return tx.conflicts.add(
                bridge=BRIDGE, ticket=ticket.id, field=field, reason=reason, base=base, claims=tuple(claims),
                proposed=claims[-1].value, chosen=chosen, chosen_replica=None, by=by, state=state, run=run,
            ).id  # fmt: skip

    return _add


def views_of(store):
    with store.read() as tx:
        return list(conflict_views(tx, DIRECTORY))


def on_terminal(render, *arguments, colour=False) -> str:
    out = io.StringIO()
    render(*arguments, Console(file=out, width=120, markup=False, highlight=False, force_terminal=colour))
    return out.getvalue()


TITLES = (claim("jira", "Pay by credit card", "ada", 0), claim("github", "Pay by debit card", "grace", 5))


def test_a_settled_conflict_in_a_sentence(store, add):
    """Who changed what where, and whose was taken, in words a manager understands."""
    add(claims=TITLES, chosen="Pay by debit card")
    (view,) = views_of(store)
    assert view.sentence == (
        "Ada Lovelace changed the title in Jira while Grace Hopper changed it in GitHub; "
        "the later one, Grace Hopper's, was taken."
    )


def test_a_waiting_conflict_comes_first_and_says_so(store, add):
    """What a person has to decide stands above what is decided."""
    add(claims=TITLES, chosen="Pay by debit card")
    waiting = add(claims=TITLES, state="open")
    assert views_of(store)[0].id == waiting
    assert views_of(store)[0].sentence.endswith("; a person has to choose.")
    assert not any(one.chosen for one in views_of(store)[0].claims)


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        ({"chosen": "Pay by credit card"}, "Ada Lovelace's was taken by rule"),
        ({"chosen": "Both"}, "both edits were put together"),
        ({"reason": "first_meeting", "state": "open"}, "The tickets in Jira and GitHub were joined, and the title was not the same"),
        ({"reason": "overwritten", "state": "open"}, "a sync ran over one of the edits"),
        ({"reason": "deleted", "state": "open"}, "the ticket was deleted elsewhere"),
    ],
)  # fmt: skip
def test_every_ending_has_its_words(store, add, change, phrase):
    """Other outcomes and reasons are told apart."""
    add(claims=TITLES, **change)
    assert phrase in views_of(store)[0].sentence


def test_an_uncertain_order_is_admitted(store, add):
    """When the clocks can't tell who was last, nobody pretends."""
    first = claim("jira", "A", "ada", 0, uncertain=True)
    second = claim("github", "B", None, 0, uncertain=True)
    add(claims=(first, second), chosen="B")
    assert "nobody can tell which was later, and the one in GitHub was taken" in views_of(store)[0].sentence


def test_the_terminal_shows_base_and_claims_side_by_side(store, add):
    """Three columns, the words that differ marked, and the commands that resolve it."""
    id_ = add(claims=TITLES, base="Pay by card", state="open")
    shown = on_terminal(render_one, views_of(store)[0])
    (row,) = [line for line in shown.splitlines() if "Pay by card" in line and "{+credit" in line]
    assert "{+debit" in row
    assert f"trackdown conflicts resolve {id_} --take github" in shown
    assert "Ada Lovelace in Jira" in shown
    assert "2026-11-22 12:05 UTC" in shown


def test_a_long_word_is_shown_whole(store, add):
    """It goes on in the next line of its column; nothing of a claim is cut."""
    word = "https://ada.example/" + "x" * 50 + "/end"
    add(claims=(claim("jira", word, "ada", 0), claim("github", "B", "grace", 1)), base=word + "!", state="open")
    shown = on_terminal(render_one, views_of(store)[0])
    assert "…" not in shown.partition("Proposed")[0]


def test_nothing_in_a_ticket_can_steer_the_terminal(store, add):
    """Escape sequences arrive as text, and Rich's own markup too."""
    add(
        title=HOSTILE,
        base=HOSTILE,
        claims=(claim("jira", HOSTILE + "1", "ada", 0), claim("github", HOSTILE, "grace", 1)),
    )
    for shown in (on_terminal(render_one, views_of(store)[0]), on_terminal(render_list, views_of(store))):
        assert "\x1b" not in shown
    assert "[red]x[/]" in on_terminal(render_one, views_of(store)[0])


class _Page(HTMLParser):
    """What a browser would make of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def page_of(store) -> tuple[str, _Page]:
    text = render_page(views_of(store), {BRIDGE: 3}, NOON)
    page = _Page()
    page.feed(text)
    return text, page


def test_the_page_takes_everything_as_text(store, add):
    """Hostile titles, values and names become no element, no attribute and no template."""
    add(
        title=HOSTILE,
        base=HOSTILE,
        claims=(claim("jira", HOSTILE + "1", "x:" + HOSTILE, 0), claim("github", "y", "grace", 1)),
    )
    text, page = page_of(store)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "img", "iframe", "object", "form", "link"}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert "{{ 7*7 }}" in page.text
    assert "<script>alert(1)</script>" in page.text
    assert "\x1b" not in text


def test_the_page_reaches_for_nothing(store, add):
    """No network, no script: only links that a person may follow, and a policy that says so."""
    add(claims=TITLES, chosen="Pay by debit card")
    text, page = page_of(store)
    assert not any("src" in attributes for _, attributes in page.tags)
    assert [attributes["href"] for tag, attributes in page.tags if "href" in attributes] == [
        "https://acme.example/PAY-1"
    ]
    assert "default-src 'none'" in text
    assert "url(" not in text
    assert "@import" not in text


def test_a_ticket_s_address_that_is_none_is_no_link(store, add):
    """`javascript:` in an address stays text."""
    add(claims=TITLES, url="javascript:alert(1)")
    assert not any("href" in attributes for _, attributes in page_of(store)[1].tags)


def test_the_page_counts_and_explains(store, add):
    """A reader sees first how many wait, then each in plain words."""
    add(claims=TITLES, chosen="Pay by debit card")
    add(claims=TITLES, state="open")
    _, page = page_of(store)
    text = re.sub(r"\s+", " ", page.text)
    assert "1 waiting for a person" in text
    assert "1 decided" in text
    assert "Ada Lovelace changed the title in Jira while Grace Hopper changed it in GitHub" in text


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_word_diff_holds_both_texts(base, text):
    """Without what was added it is the base, without what was removed the new text."""
    pieces = word_diff(base, text)
    assert "".join(piece.text for piece in pieces if piece.kind != "added") == base
    assert "".join(piece.text for piece in pieces if piece.kind != "removed") == text


def test_a_word_diff_is_by_words():
    """One word replaced is one word removed and one added."""
    assert [(piece.kind, piece.text) for piece in word_diff("pay by card", "pay by cash")] == [
        ("same", "pay by "),
        ("removed", "card"),
        ("added", "cash"),
    ]


def test_a_diff_of_sets_is_by_members():
    """Members that came and went, in one order."""
    pieces = value_diff(frozenset({"a", "b"}), frozenset({"b", "c"}))
    assert [(piece.kind, piece.text) for piece in pieces if piece.text != ", "] == [
        ("removed", "a"),
        ("same", "b"),
        ("added", "c"),
    ]
