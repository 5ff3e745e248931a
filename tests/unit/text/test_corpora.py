"""Real bodies: what share comes back as it was."""

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from bench.text_gates import shape
from bench.text_judges import words
from sync.text import (
    adf_to_markdown,
    html_to_markdown,
    markdown_to_adf,
    markdown_to_html,
    markdown_to_wiki,
    neutralise,
    restore,
    wiki_to_markdown,
)

Corpus = Callable[[str], list[tuple[str, Any]]]
PATHS: dict[str, Callable[[str], str]] = {
    "adf": cache(lambda text: adf_to_markdown(markdown_to_adf(text))),
    "wiki": cache(lambda text: wiki_to_markdown(markdown_to_wiki(text))),
    "html": cache(lambda text: html_to_markdown(markdown_to_html(text))),
}
GATES = {"adf": 0.98, "wiki": 0.97, "html": 0.97}


@pytest.mark.parametrize("path", PATHS)
def test_github_bodies_come_back_as_github_shows_them(path: str, corpus: Corpus, meaning: Callable[[str], Any]) -> None:
    """Nearly all real bodies look the same after the trip, and all are stable from then on."""
    bodies = corpus("github_md")
    once = [(name, body, PATHS[path](body)) for name, body in bodies]
    changed = [name for name, body, back in once if meaning(body) != meaning(back)]
    assert len(changed) / len(bodies) <= 1 - GATES[path], changed
    assert [name for name, _, back in once if PATHS[path](back) != back] == []


@pytest.mark.parametrize("path", PATHS)
def test_github_bodies_lose_no_word(path: str, corpus: Corpus, meaning: Callable[[str], Any]) -> None:
    """Every word of a body is there after the trip."""
    lost = {name: words(meaning(body)) - words(meaning(PATHS[path](body))) for name, body in corpus("github_md")}
    assert {name: gone for name, gone in lost.items() if gone} == {}


def test_github_bodies_give_valid_documents(corpus: Corpus, adf_errors: Callable[[Any], list[str]]) -> None:
    """Atlassian's schema accepts every kind of block that goes out."""
    blocks = [block for _, body in corpus("github_md") for block in shape(markdown_to_adf(body)["content"])]
    distinct = {json.dumps(block, sort_keys=True): block for block in blocks}
    distinct = {form: block for form, block in distinct.items() if len(form) < 1200}  # the validator is slow
    assert len(distinct) > 100
    assert adf_errors({"version": 1, "type": "doc", "content": list(distinct.values())}) == []


def test_github_bodies_are_restored_exactly(corpus: Corpus, meaning: Callable[[str], Any]) -> None:
    """Neutralising never harms a body, nor what it looks like."""
    for name, body in corpus("github_md"):
        assert restore(neutralise(body)) == body, name
        seen = neutralise(body).replace("\u2060", "")
        direct = [re.sub("://redirect[.]", "://", text, flags=re.IGNORECASE) for text in (seen, body)]
        assert meaning(direct[0]) == meaning(direct[1]), name


@pytest.mark.parametrize(
    ("folder", "read", "path", "share"),
    [
        ("jira_wiki", wiki_to_markdown, "wiki", 0.98),
        ("ado_html", html_to_markdown, "html", 0.99),
        ("adf", adf_to_markdown, "adf", 0.98),
    ],
)
def test_native_bodies_settle_at_once(
    folder: str, read: Callable[[Any], str], path: str, share: float, corpus: Corpus
) -> None:
    """What was read from a tracker's own text survives going back there."""
    bodies = corpus(folder)
    moved = [name for name, body in bodies if (text := read(body)) != PATHS[path](text)]
    assert len(moved) / len(bodies) <= 1 - share, moved


def test_native_documents_are_valid_when_written_again(corpus: Corpus, adf_errors: Callable[[Any], list[str]]) -> None:
    """Even documents that the schema refuses are written back valid."""
    wrong = {
        name: errors for name, body in corpus("adf") if (errors := adf_errors(markdown_to_adf(adf_to_markdown(body))))
    }
    assert wrong == {}
