"""The HTML report shows what people wrote and runs none of it, wherever it stands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sync.core.ids import BridgeName, NativeRef, PersonId, ReplicaName
from sync.core.models import Canonical, Field, Value
from sync.shell.page import render_page
from sync.shell.review import Directory, conflict_views
from sync.store import Store
from sync.store.records import ClaimRecord

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BRIDGE, JIRA = BridgeName("payments"), ReplicaName("jira")
PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</style><script>alert(1)</script>",
    "</title><iframe srcdoc='<script>alert(1)</script>'>",
    "{{ 7*7 }}{% for x in () %}{{ config }}",
    "<a href='javascript:alert(1)'>x</a>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "\x1b]0;title\x07\u202egnp.exe",
    "<base href=//evil.example><form action=//evil.example><input name=x>",
)
ADDRESSES = (
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "\x01javascript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "//evil.example/x",
    "https://a.example/\"onmouseover='alert(1)'",
)


class Reader(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'store.db'}", now=lambda: NOON)
    opened.migrate()
    yield opened
    opened.close()


def page(store: Store, payload: str, url: str = "https://a.example/1", value: Value = None) -> Reader:
    """The report of one conflict with the payload at every place that somebody may write into."""
    directory = Directory(people={"ada": payload}, titles={BRIDGE: {JIRA: payload}})
    with store.begin() as tx:
        run = tx.runs.start(BRIDGE)
        ticket = tx.tickets.create(BRIDGE, Canonical(fields={Field.TITLE: payload, Field.KIND: "issue"}))
        tx.links.add(bridge=BRIDGE, replica=JIRA, ref=NativeRef("1"), ticket=ticket.id, key=payload, url=url)
        said = payload if value is None else value
        claims = tuple(
            ClaimRecord(replica=replica, value=said, author=who, at=NOON, uncertain=False)
            for replica, who in ((JIRA, PersonId("ada")), (ReplicaName("other"), PersonId(f"other:{payload}")))
        )
        tx.conflicts.add(
            bridge=BRIDGE, run=run, ticket=ticket.id, comment=None, field=Field.BODY, base="base", claims=claims,
            proposed=said, chosen=None, state="open", by="policy", reason="concurrent",
        )  # fmt: skip
    with store.read() as tx:
        text = render_page(list(conflict_views(tx, directory)), {BRIDGE: 1}, NOON)
    reader = Reader()
    reader.feed(text)
    reader.close()
    return reader


ALLOWED = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "header",
        "footer",
        "section",
        "article",
        "h1",
        "h2",
        "h3",
        "h4",
    ),
    *(
        "p",
        "ul",
        "ol",
        "li",
        "b",
        "strong",
        "em",
        "a",
        "span",
        "div",
        "code",
        "pre",
        "ins",
        "del",
        "details",
        "summary",
        "time",
    ),
    *("table", "thead", "tbody", "tr", "td", "th", "nav", "small", "dl", "dt", "dd", "br"),
}


def check(reader: Reader) -> None:
    assert reader.tags <= ALLOWED, reader.tags - ALLOWED
    assert [name for name, _ in reader.attributes if name.startswith("on") or name in ("style", "srcdoc", "src")] == []
    links = [value for name, value in reader.attributes if name in ("href", "action", "formaction")]
    assert all(value.startswith(("https://", "http://", "#")) for value in links), links
    policies = [value for name, value in reader.attributes if "default-src" in value]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert ("http-equiv", "refresh") not in reader.attributes


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_that_somebody_wrote_becomes_markup(store: Store, payload: str) -> None:
    """In titles, bodies, people's names, trackers' names and keys: it is shown, and is no element, attribute or template."""
    reader = page(store, payload)
    check(reader)
    assert "49" not in reader.text
    assert not {"\x1b", "\x07", "\u202e"} & set(reader.text)


@pytest.mark.parametrize("url", ADDRESSES)
def test_a_ticket_whose_address_is_none_gets_no_link(store: Store, url: str) -> None:
    """Only addresses of the web are linked; the page itself may load nothing and run nothing, whatever got in."""
    check(page(store, "Pay", url))


@pytest.mark.parametrize("value", [frozenset(PAYLOADS), PAYLOADS[0]])
def test_members_of_sets_are_text_too(store: Store, value: Any) -> None:
    """Labels are names that people make."""
    check(page(store, "Pay", value=value))
