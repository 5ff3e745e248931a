"""Who judges a conversion: GitHub's own parser of Markdown, and Atlassian's schema of documents."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cmarkgfm
import jsonschema
from cmarkgfm.cmark import Options

_OPTIONS = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_HARDBREAKS | Options.CMARK_OPT_FOOTNOTES
_EXTENSIONS = ["table", "autolink", "strikethrough", "tasklist"]
_SAME = {"b": "strong", "i": "em", "s": "del", "strike": "del"}
_VOID = ("br", "hr", "img", "input")
_KEPT = ("href", "src", "alt", "title", "checked", "align", "start")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCKS = frozenset({"root", "p", *_HEADINGS, "ul", "ol", "li", "blockquote", "pre", "table", "tr", "th", "td"})
_BLOCKS |= {"hr", "div", "details", "summary", "section", "br"}
Tree = tuple[str, tuple[tuple[str, str], ...], tuple[Any, ...]]


class _Reader(HTMLParser):
    """HTML as nested lists of tag, attributes and content."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root: list[Any] = ["root", {}, []]
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made: list[Any] = [_SAME.get(tag, tag), dict(attrs), []]
        self.open[-1][2].append(made)
        if tag not in _VOID:
            self.open.append(made)

    def handle_endtag(self, tag: str) -> None:
        names = [element[0] for element in self.open]
        if _SAME.get(tag, tag) in names[1:]:
            while self.open.pop()[0] != _SAME.get(tag, tag):
                pass

    def handle_data(self, data: str) -> None:
        self.open[-1][2].append(data)

    def handle_comment(self, data: str) -> None:
        self.open[-1][2].append(["comment", {}, [data]])


@lru_cache(maxsize=4096)
def meaning(markdown: str) -> Tree:
    """What GitHub shows for a Markdown text in an issue, as a tree."""
    reader = _Reader()
    text = markdown.replace("\r\n", "\n").replace("\0", "\ufffd")
    html = cmarkgfm.cmark.markdown_to_html_with_extensions(text, _OPTIONS, _EXTENSIONS)
    reader.feed(html)
    reader.close()
    return _tree(reader.root)


def _tree(element: list[Any], preformatted: bool = False) -> Tree:
    """The element without what nobody sees: blanks between blocks, loose or tight lists, alignment to the left."""
    tag, attrs, content = element
    preformatted = preformatted or tag == "pre"
    parts: list[Any] = []
    for child in content:
        made = child if isinstance(child, str) else _tree(child, preformatted)
        for part in made[2] if _is_wrapper(made, tag) else (made,):
            if isinstance(part, str) and parts and isinstance(parts[-1], str):
                parts[-1] += part
            else:
                parts.append(part)
    if not preformatted:
        parts = [_squeezed(parts, place, tag) for place in range(len(parts))]
    kept = {name: str(value) for name, value in attrs.items() if name in _KEPT and (name, value) != ("align", "left")}
    if tag == "code" and attrs.get("class"):
        kept["class"] = attrs["class"]
    return tag, tuple(sorted(kept.items())), tuple(part for part in parts if part)


def _is_wrapper(made: Any, parent: str) -> bool:
    return isinstance(made, tuple) and (made[0] in ("thead", "tbody") or (parent, made[0]) == ("li", "p"))


def _squeezed(parts: list[Any], place: int, tag: str) -> Any:
    part = parts[place]
    if not isinstance(part, str):
        return part
    part = re.sub(r"[ \t\n\r\f]+", " ", part)
    before = parts[place - 1] if place else None
    after = parts[place + 1] if place + 1 < len(parts) else None
    if before[0] in _BLOCKS if isinstance(before, tuple) else before is None and tag in _BLOCKS:
        part = part.lstrip(" ")
    if after[0] in _BLOCKS if isinstance(after, tuple) else after is None and tag in _BLOCKS:
        part = part.rstrip(" ")
    return part


def words(tree: Tree) -> Counter[str]:
    """The words that a reader sees, counted."""
    seen: list[str] = []
    stack: list[Any] = [tree]
    while stack:
        top = stack.pop()
        if isinstance(top, str):
            seen.append(top)
        elif top[0] != "comment":
            stack.extend((*top[2], " ") if top[0] in _BLOCKS else top[2])
    return Counter(re.findall(r"[^\W_]+", " ".join(seen).lower()))


@cache
def adf_errors(schema: Path) -> Callable[[Any], list[str]]:
    """The complaints of Atlassian's schema about a document."""
    validator = jsonschema.Draft4Validator(json.loads(schema.read_text()))
    return lambda doc: [error.message[:200] for error in validator.iter_errors(doc)]


_CONSTRUCTS = {
    "heading": _HEADINGS, "list": ("ul", "ol"), "table": ("table",), "code block": ("pre",), "code": ("code",),
    "link": ("a",), "image": ("img",), "strike": ("del",), "emphasis": ("em", "strong"), "quote": ("blockquote",),
    "break": ("br",), "rule": ("hr",), "task": ("input",), "details": ("details",), "raw HTML": ("div", "kbd", "comment"),
}  # fmt: skip


def constructs(tree: Tree) -> dict[str, Counter[Tree]]:
    """The elements of a tree by the construct that makes them."""
    found: dict[str, Counter[Tree]] = {}
    for element in _elements(tree):
        for name, tags in _CONSTRUCTS.items():
            if element[0] in tags:
                found.setdefault(name, Counter())[element] += 1
    return found


def _elements(tree: Tree) -> Iterator[Tree]:
    yield tree
    for child in tree[2]:
        if isinstance(child, tuple):
            yield from _elements(child)
