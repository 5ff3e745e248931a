"""Names, keys and conditions stay what they are inside the queries and addresses that they are put into."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import requests
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters._select import is_closed
from adapters.azure_devops.adapter import open_adapter as open_azure
from adapters.azure_devops.settings import Settings as AzureSettings
from adapters.azure_devops.simulator import wiql as wiql_parser
from adapters.azure_devops.wire import id_list, wiql
from adapters.github.selection import Selection
from adapters.jira.adapter import open_adapter as open_jira
from adapters.jira.settings import Settings as JiraSettings
from adapters.jira.simulator.jql import _tokens as jql_tokens
from adapters.jira.wire import quote
from sync.core.errors import ConfigError
from sync.core.ids import BridgeName, NativeRef, ReplicaName
from sync.core.models import Canonical, Field
from sync.store import Store
from tests.system.bridged import bridged

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
HOSTILE = ('"', "\\", '\\"', '" OR project = "OPS', "') OR (1=1", "x\n) OR project != y", "'; DROP TABLE tickets; --")


def with_hostile(test: Any) -> Any:
    for one in HOSTILE:
        test = example(name=one)(test)
    return test


@settings(max_examples=300, deadline=None)
@with_hostile
@given(name=NAMES)
def test_a_word_in_jql_is_one_string(name: str) -> None:
    """Read back by Jira's own rules it is the word, and nothing of it stands outside of the quotes."""
    tokens = jql_tokens(f"project = {quote(name)} AND updated >= 1")
    assert tokens == [("project", False), ("=", False), (name, True), *jql_tokens("AND updated >= 1")]


@settings(max_examples=300, deadline=None)
@given(condition=st.text("ab ()'\"\\=[]", max_size=30))
def test_a_condition_in_wiql_can_not_leave_its_brackets(condition: str) -> None:
    """One that is let through leaves the rest of the query the words that it was, whatever it is itself."""
    if not condition or not is_closed(condition):
        return
    query = wiql("[System.Id] > 5", select=condition)
    try:
        tokens = list(wiql_parser._tokens(query))
    except Exception:  # noqa: BLE001 - the service refuses it as a whole
        return
    depth = 0
    outside = []
    for kind, text in tokens:
        depth -= (kind, text) == ("op", ")")
        if depth == 0:
            outside.append(text)
        depth += (kind, text) == ("op", "(")
    assert [one for one in outside if one not in "()"] == [
        *("SELECT", "[System.Id]", "FROM", "WorkItems", "WHERE", "[System.TeamProject]", "=", "@project"),
        *("AND", "[System.Id]", ">", "5", "AND", "ORDER", "BY", "[System.Id]"),
    ]


@pytest.mark.parametrize(
    "select", ["a = 1) OR (b = 2", "a = 'x", 'a = "x', "((a = 1)", "a = 1)", ")(", "a = 'x') OR ('y' = 'y'"]
)
def test_a_selection_that_reaches_out_is_refused(select: str) -> None:
    """It would read the tickets of other projects; the config is refused before anything is asked."""
    azure = AzureSettings.model_validate({"url": "https://a.example", "project": "P", "auth": {"token": "t"}})
    jira = JiraSettings.model_validate({"url": "https://a.example", "project": "PAY", "auth": {"token": "t"}})
    with pytest.raises(ConfigError, match="must pair"):
        open_azure(azure, replica=ReplicaName("azure"), select=select)
    with pytest.raises(ConfigError, match="must pair"):
        open_jira(jira, replica=ReplicaName("jira"), select=select)


def test_brackets_in_quotes_are_text() -> None:
    """A name may hold them."""
    assert is_closed("[System.Title] = 'a) b' AND (c = 'd('") is False
    assert is_closed("[System.Title] = 'a) b' AND (c = 'd(')")
    assert is_closed(r'summary ~ "a \" ) b"', escape="\\")
    assert not is_closed(r'summary ~ "a \" ) b"')


@settings(max_examples=200, deadline=None)
@given(numbers=st.lists(st.integers() | st.text("0123456789", min_size=1, max_size=5)))
def test_a_list_of_numbers_holds_numbers(numbers: list[Any]) -> None:
    """What is no number never gets into a query."""
    assert set(id_list(numbers)) <= set("()0123456789, -")
    with pytest.raises(ValueError):
        id_list(["1) OR (1=1"])  # type: ignore[list-item]


@settings(max_examples=200, deadline=None)
@given(word=st.text(max_size=30))
def test_a_github_selection_is_parsed_and_never_sent_as_it_is(word: str) -> None:
    """Only known terms pass; what is left goes as one parameter, which the client encodes."""
    try:
        chosen = Selection.parse(f'label:"{word}"')
    except ConfigError:
        return
    assert set(chosen.parameters()) <= {"labels"}


def test_a_label_in_an_address_is_one_part_of_it(tmp_path: Path) -> None:
    """A label that looks like a way up the address is removed from its issue, and nothing else is asked for."""
    label = "../../../../user?x=1#y"
    with bridged(tmp_path) as world:
        issue = world.github.add_issue(title="Labelled", labels=[label, "kept"])
        world.until_quiet()
        key = world.keys("Labelled")[ReplicaName("jira")]
        shown = world.jira.issue(key).labels
        (strange,) = [one for one in shown if one != "kept"]
        world.jira.edit(key, labels=["kept"])
        world.until_quiet()
        assert [one.name for one in world.github.issue(issue.number).labels] == ["kept"], strange
        paths = [unquote(one["path"]) for one in world.github.requests if one["method"] == "DELETE"]
        assert paths == [f"/repos/acme/payments/issues/{issue.number}/labels/{label.partition('?')[0]}?x=1#y"]


@settings(max_examples=60, deadline=None)
@with_hostile
@given(name=NAMES.filter(lambda text: "\x00" not in text))
def test_words_in_the_store_are_bound(tmp_path_factory: Any, name: str) -> None:
    """A title, a ref and an author with the signs of SQL are read back as they are, and the tables are all there."""
    store = _store(tmp_path_factory)
    with store.begin() as tx:
        ticket = tx.tickets.create(BridgeName("b"), Canonical(fields={Field.TITLE: name}))
        tx.links.add(
            bridge=BridgeName("b"), replica=ReplicaName("r"), ref=NativeRef(f"{ticket.id}{name}"), ticket=ticket.id
        )
    with store.read() as tx:
        read = tx.tickets.get(ticket.id)
        assert read is not None
        assert read.canonical.fields[Field.TITLE] == name
        assert tx.links.by_ref(BridgeName("b"), ReplicaName("r"), NativeRef(f"{ticket.id}{name}")) is not None
    assert not store.integrity()


_OPENED: list[Store] = []


def _store(factory: Any) -> Store:
    if not _OPENED:
        _OPENED.append(Store(f"sqlite:///{factory.mktemp('bound') / 'store.db'}"))
        _OPENED[0].migrate()
    return _OPENED[0]


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Any:
    yield
    while _OPENED:
        _OPENED.pop().close()


def test_requests_encodes_what_it_is_given() -> None:
    """The one assumption about the library below: a parameter can't add another one."""
    prepared = requests.Request("GET", "http://a.example/x", params={"labels": "a&state=closed#b"}).prepare()
    assert prepared.url == "http://a.example/x?labels=a%26state%3Dclosed%23b"
