"""The recorded material: its files, its answers, and the tickets and comments inside, found by their shape."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

API = Path(__file__).resolve().parents[3] / "shared" / "api"
FOLDERS = ("traffic", "webhooks", "corpus")
#: Which tracker's reader a folder is for.
OWNERS = {
    "traffic/ado": "azure_devops",
    "webhooks/ado": "azure_devops",
    "corpus/ado_html": "azure_devops",
    "traffic/github": "github",
    "webhooks/github": "github",
    "corpus/github_md": "github",
    "traffic/jira": "jira",
    "webhooks/jira": "jira",
    "corpus/jira_wiki": "jira",
    "corpus/adf": "jira",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A recorded answer that is no success."""

    method: str
    path: str
    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One thing in a file: `kind` is `ticket`, `comment`, `history`, `refusal` or `text`."""

    kind: str
    value: Any


def files() -> list[str]:
    """Every recorded file, by its path below the material."""
    return sorted(str(path.relative_to(API)) for folder in FOLDERS for path in (API / folder).rglob("*.json"))


def owner(name: str) -> str:
    """The tracker that a file is of."""
    return next(tracker for folder, tracker in OWNERS.items() if name.startswith(folder + "/"))


@cache
def load(name: str) -> Any:
    """The JSON of a file."""
    return json.loads((API / name).read_text(encoding="utf-8-sig"))


def nodes(tree: Any) -> Iterator[Any]:
    """Every object and list in a tree, outermost first."""
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from nodes(value)
    elif isinstance(tree, list):
        yield tree
        for value in tree:
            yield from nodes(value)


def answers_of(tree: Any) -> Any:
    """What the service said: a file's requests are our side of the talk and are left out."""
    if talks := _talks(tree):
        return [one["response"].get("body") for one in talks]
    if isinstance(tree, dict) and isinstance(tree.get("responses"), dict):
        return tree["responses"]
    return tree


def refusals(tree: Any) -> Iterator[Refusal]:
    """The answers of a file that are redirects or errors."""
    talks = _talks(tree)
    for talk in talks:
        answer, asked = talk["response"], talk.get("request", {})
        status = int(answer.get("status") or 200)
        if status >= 300 and status != 304:
            yield Refusal(
                method=asked.get("method", "GET"),
                path=re.sub(r"^https?://[^/]+", "", asked.get("url", "/")).replace(" ", "%20"),
                status=status,
                headers=_headers(answer.get("headers")),
                body=answer.get("body"),
            )
    if talks or not isinstance(tree, dict):
        return
    if isinstance(tree.get("status"), int) and tree["status"] >= 300 and "body" in tree:
        yield Refusal(
            method="POST", path="/", status=tree["status"], headers=_headers(tree.get("headers")), body=tree["body"]
        )
    if set(tree) <= {"errorMessages", "errors"}:
        yield Refusal(method="PUT", path="/", status=400, headers={}, body=tree)  # kept without its status


def _talks(tree: Any) -> list[Any]:
    """Requests with their answers, from either of the two forms in which they were kept."""
    if isinstance(tree, list) and tree and isinstance(tree[0], dict) and "scope" in tree[0]:
        return [
            {
                "request": {"method": one["method"].upper(), "url": one["path"]},
                "response": {
                    "status": one["status"],
                    "headers": one.get("responseHeaders"),
                    "body": one.get("response"),
                },
            }
            for one in tree
        ]
    listed = tree.get("interactions") if isinstance(tree, dict) else None
    return [one for one in listed or () if isinstance(one, dict) and "response" in one]


def _headers(given: Any) -> dict[str, str]:
    pairs = given if isinstance(given, list) else list((given or {}).items())
    return {
        str(name): value[0] if isinstance(value, list) else str(value)
        for name, value in pairs
        # `{{…}}` are fill-ins of a recording that its authors made a template of.
        if str(name).lower() not in ("content-length", "transfer-encoding", "content-encoding")
        and "{{" not in str(value)
    }


def texts(tree: Any) -> Iterator[Any]:
    """The bodies of a file of the corpus."""
    yield from (item["body"] for item in tree["items"] if item["body"])


# -- words that a reader sees ----------------------------------------------------------------------------------------

_MACRO = re.compile(r"\{[A-Za-z]+(?::[^}\n]*)?\}")
_WIKI_MARKUP = re.compile(
    r"^[ \t]*(?:h[1-6]|bq)\.[ \t]"
    r"|\[~[^\]\n]*\]|![^!\n|]+(?:\|[^!\n]*)?!"
    r"|[A-Za-z][\w.+-]*://[^\s|\]]+|\[\^[^\]\n]*\]|mailto:|&#?\w+;|\([a-z]+\)",
    re.MULTILINE,
)


def plain_words(text: str) -> list[str]:
    """The words of a text without looking for markup."""
    return re.findall(r"[^\W_]+", text)


def wiki_words(text: str) -> list[str]:
    """The words of wiki markup without its macros, links and pictures."""
    return plain_words(_WIKI_MARKUP.sub(" ", _MACRO.sub("\n", text)))


_BLOCKS = frozenset(["p", "div", "br", "li", "ul", "ol", "td", "th", "tr", "pre", "table", "blockquote"])


class _Shown(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")
        self.parts.append(" " if tag in _BLOCKS or re.fullmatch("h[1-6]", tag) else "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")
        self.parts.append(" " if tag in _BLOCKS or re.fullmatch("h[1-6]", tag) else "")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def html_words(text: str) -> list[str]:
    """The words that a browser shows."""
    reader = _Shown()
    reader.feed(text)
    reader.close()
    return plain_words("".join(reader.parts))


def document_words(document: Any) -> list[str]:
    """The words in the text nodes of a document."""
    return [
        word
        for node in nodes(document)
        if isinstance(node, dict) and node.get("type") == "text" and isinstance(node.get("text"), str)
        for word in plain_words(node["text"])
    ]


def missing(wanted: list[str], there: str) -> list[str]:
    """The words that are not in a text; one that stands inside a longer one counts as there."""
    shown = re.sub(r"\]\([^()]*\)|[\[*~`\\]", "", there)  # a link or a star may stand inside a word
    return [word for word in dict.fromkeys(wanted) if word not in there and word not in shown]


def find(name: str, shape: Callable[[Any], str | None]) -> list[Found]:
    """Everything in a file that somebody could read as a ticket, a comment, a history, a refusal or a text."""
    tree = load(name)
    if name.startswith("corpus/"):
        return [Found(kind="text", value=text) for text in texts(tree)]
    found = [Found(kind="refusal", value=one) for one in refusals(tree)]
    for node in nodes(answers_of(tree)):
        kind = shape(node)
        if kind is not None:
            found.append(Found(kind=kind, value=node))
    return found
