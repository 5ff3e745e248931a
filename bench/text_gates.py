"""What is measured of the conversions, each with its gate."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.text_corpora import Bodies, Places
from bench.text_judges import adf_errors, constructs, meaning, words
from bench.text_oracle import Absent, shown
from sync.text import (
    Mentions,
    adf_to_markdown,
    canonical,
    html_to_markdown,
    markdown_to_adf,
    markdown_to_html,
    markdown_to_wiki,
    neutralise,
    rephrase,
    restore,
    wiki_to_markdown,
)

PATHS: dict[str, Callable[[str], str]] = {
    "adf": lambda text: adf_to_markdown(markdown_to_adf(text)),
    "html": lambda text: html_to_markdown(markdown_to_html(text)),
    "wiki": lambda text: wiki_to_markdown(markdown_to_wiki(text)),
}
SAME = {"adf": 92.0, "html": 85.0}
ADDED = "A line added somewhere else."


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One line of the table; `reached` is None where nothing is asked, or nothing could be measured."""

    path: str
    figure: str
    measured: str
    target: str = ""
    reached: bool | None = None


def share(path: str, figure: str, good: int, of: int, least: float | None = None) -> Gate:
    """A gate on a percentage."""
    if not of:
        return Gate(path=path, figure=figure, measured="no texts to measure on")
    percent = 100 * good / of
    target, reached = ("", None) if least is None else (f">= {least:g} %", percent >= least)
    return Gate(path=path, figure=figure, measured=f"{percent:.1f} % of {of}", target=target, reached=reached)


def round_trips(path: str, name: str, bodies: Bodies) -> Iterator[Gate]:
    """Markdown there and back: crashes, meaning, stability, words."""
    backs: list[tuple[str, str]] = []
    crashed = 0
    for _, body in bodies:
        try:
            backs.append((body, PATHS[path](body)))
        except Exception:  # noqa: BLE001 - a crash is what is counted here
            crashed += 1
    total = len(bodies)
    there = f"{name}: Markdown and back"
    yield share(path, f"{there}, no crash", total - crashed, total, 100)
    lost = sum(1 for body, back in backs if words(meaning(body)) - words(meaning(back)))
    yield share(path, f"{there}, no word lost", total - lost, total, 100)
    stable = sum(1 for _, back in backs if PATHS[path](back) == back)
    yield share(path, f"{there}, second pass the same", stable, total, 100)
    same = sum(1 for body, back in backs if meaning(body) == meaning(back))
    yield share(path, f"{there}, same as GitHub renders it", same, total, SAME.get(path))


def by_construct(bodies: Bodies) -> dict[str, dict[str, str]]:
    """For each construct and path, the share of the texts holding it in which every instance came back the same."""
    good: dict[str, Counter[str]] = {path: Counter() for path in PATHS}
    held: Counter[str] = Counter()
    for _, body in bodies:
        before = constructs(meaning(body))
        held.update(before.keys())
        for path, convert in PATHS.items():
            after = constructs(meaning(convert(body)))
            good[path].update(name for name, found in before.items() if after.get(name) == found)
    return {
        f"{name} ({held[name]})": {path: f"{100 * good[path][name] / held[name]:.0f}" for path in PATHS}
        for name in sorted(held)
    }


def schema(places: Places, bodies: Bodies) -> Gate:
    """Whether Atlassian's schema takes every document that goes out; blocks of one shape are looked at once."""
    if not places.schema.exists():
        return Gate(path="adf", figure="outgoing documents valid", measured="the schema is not here")
    blocks = {
        json.dumps(shape(block), sort_keys=True) for _, body in bodies for block in markdown_to_adf(body)["content"]
    }
    complain = adf_errors(places.schema)
    wrong = sum(1 for block in blocks if complain({"version": 1, "type": "doc", "content": [json.loads(block)]}))
    return share("adf", "outgoing documents valid, by shape of block", len(blocks) - wrong, len(blocks), 100)


def shape(node: Any) -> Any:
    """A node without its words, its repetitions and its numbers, which the schema doesn't look at."""
    if isinstance(node, list):
        parts = [shape(part) for part in node]
        return [part for place, part in enumerate(parts) if part not in parts[:place]]
    if isinstance(node, dict):
        said = {"text": "x", "localId": "x", "href": "x", "language": "x", "title": "x"}
        return {key: said.get(key) or shape(value) for key, value in node.items()}
    return node


def kept_nodes(places: Places) -> Gate:
    """A line added on GitHub: how many of the document's own nodes are still the same."""
    kept = total = 0
    for _, body in places.bodies("adf"):
        doc = markdown_to_adf(adf_to_markdown(body) + "\n\n" + ADDED, body)
        there, still = Counter(_nodes(body)), Counter(_nodes(doc))
        total += sum(there.values())
        kept += sum((there & still).values())
    return share("adf", "a line added: the document's own nodes kept", kept, total, 97)


def _nodes(doc: Any) -> Iterator[str]:
    """Every node but the document itself."""
    stack = list(doc.get("content") or ()) if isinstance(doc, dict) and isinstance(doc.get("content"), list) else []
    while stack:
        top = stack.pop()
        yield json.dumps(top, sort_keys=True)
        content = top.get("content") if isinstance(top, dict) else None
        stack.extend(content if isinstance(content, list) else ())


def kept_source(places: Places) -> Iterator[Gate]:
    """The same for source text: in how many bodies every character stands as it stood."""
    for path, folder, read, write in (
        ("html", "ado_html", html_to_markdown, markdown_to_html),
        ("wiki", "jira_wiki", wiki_to_markdown, markdown_to_wiki),
    ):
        bodies = places.bodies(folder)
        good = sum(1 for _, body in bodies if body.strip() in write(f"{read(body)}\n\n{ADDED}", body))
        yield share(path, "a line added: the rest to the character", good, len(bodies))


def kept_author(bodies: Bodies) -> Iterator[Gate]:
    """A paragraph added in a tracker: in how many bodies the author's text is the same to the character."""
    texts = [canonical(body) for _, body in bodies]
    for path, convert in PATHS.items():
        good = 0
        for text in texts:
            before = convert(text)
            good += rephrase(text, before, f"{before}\n\n{ADDED}") == f"{text}\n\n{ADDED}"
        yield share(path, "a paragraph added there: the author's text to the character", good, len(texts), 99)


def neutral(bodies: Bodies) -> Iterator[Gate]:
    """Whether mirrored text comes back exactly, and is as neutral as can be at once."""
    good = sum(1 for _, body in bodies if restore(neutralise(body)) == body)
    yield share("all", "neutralised and restored exactly", good, len(bodies), 100)


def wiki_by_jira(places: Places) -> Gate:
    """Wiki markup to Markdown and back, judged by Atlassian's own reader."""
    figure = "Jira's bodies: wiki, Markdown and back, same as Atlassian reads it"
    texts = [body for _, body in places.bodies("jira_wiki")]
    who = Mentions.of((name, name) for text in texts for name in _mentioned(text))
    backs = [markdown_to_wiki(wiki_to_markdown(text, who), "", who) for text in texts]
    try:
        before, after = shown(texts, places.oracle), shown(backs, places.oracle)
    except Absent as absent:
        return Gate(path="wiki", figure=figure, measured=f"not judged: {absent}", target=">= 85 %")
    return share("wiki", figure, sum(a == b for a, b in zip(before, after, strict=True)), len(texts), 85)


def _mentioned(text: str) -> Iterator[str]:
    for part in text.split("[~")[1:]:
        name = part.partition("]")[0].removeprefix("accountid:")
        if name and "\n" not in name and "|" not in name:
            yield name


def speed(bodies: Bodies) -> Iterator[Gate]:
    """How much longer ten times the text takes, for every direction, and how much goes through in a second."""
    source = "\n\n".join(canonical(body) for _, body in bodies) or "A *line* with `code` and [a link](http://a.b).\n\n"
    small, large = ((source * (1 + size // len(source)))[:size] for size in (100_000, 1_000_000))
    for name, convert, prepare in (
        ("Markdown to ADF", markdown_to_adf, str),
        ("ADF to Markdown", adf_to_markdown, markdown_to_adf),
        ("Markdown to HTML", markdown_to_html, str),
        ("HTML to Markdown", html_to_markdown, markdown_to_html),
        ("Markdown to wiki", markdown_to_wiki, str),
        ("wiki to Markdown", wiki_to_markdown, markdown_to_wiki),
        ("neutralise", neutralise, str),
        ("rephrase", _appended, str),
    ):
        once, ten = (_seconds(convert, prepare(text)) for text in (small, large))
        yield Gate(
            path="all", figure=f"{name}: time of 1 MB over that of 100 KB", measured=f"{ten / once:.1f}", target="<= 20",
            reached=ten / once <= 20,
        )  # fmt: skip
        yield Gate(path="all", figure=f"{name}: KB a second", measured=f"{1000 / ten:.0f}")


def _appended(text: str) -> str:
    return rephrase(f"{text}\n\n* x", f"{text}\n\n- x", f"{text}\n\n- x\n\n{ADDED}")


def _seconds(convert: Callable[[Any], Any], text: Any) -> float:
    """The processor's time, the better of two runs: what else the machine does must not count."""
    runs: list[float] = []
    for _ in range(2):
        start = time.process_time()
        convert(text)
        runs.append(time.process_time() - start)
    return min(runs)
