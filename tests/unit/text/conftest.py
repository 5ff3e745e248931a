"""What the text tests share: GitHub's parser as the judge of meaning, the ADF schema, and the corpora."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cmarkgfm
import jsonschema
import pytest
from cmarkgfm.cmark import Options

_API = Path(__file__).resolve().parents[4] / "shared" / "api"
_OPTIONS = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_HARDBREAKS | Options.CMARK_OPT_FOOTNOTES
_EXTENSIONS = ["table", "autolink", "strikethrough", "tasklist"]
_SAME = {"b": "strong", "i": "em", "s": "del", "strike": "del"}
_VOID = ("br", "hr", "img", "input")
_KEPT = ("href", "src", "alt", "title", "checked", "align", "start")
_BLOCKS = frozenset(
    [
        "root",
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "li",
        "blockquote",
        "pre",
        "table",
        "tr",
        "th",
        "td",
        "hr",
        "div",
        "details",
        "summary",
        "section",
        "br",
    ]
)

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


def _tree(element: list[Any], preformatted: bool = False) -> Tree:
    """The element without what nobody sees: blanks between blocks, loose or tight lists, alignment to the left."""
    tag, attrs, content = element
    preformatted = preformatted or tag == "pre"
    parts: list[Any] = []
    for child in content:
        made = child if isinstance(child, str) else _tree(child, preformatted)
        unwrapped = made[2] if made[0] in ("thead", "tbody") or (tag == "li" and made[0] == "p") else (made,)
        for part in unwrapped:
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


@pytest.fixture(scope="session")
def meaning() -> Callable[[str], Tree]:
    """What GitHub shows for a Markdown text in an issue, as a tree."""

    def read(markdown: str) -> Tree:
        reader = _Reader()
        text = markdown.replace("\0", "\ufffd")
        reader.feed(cmarkgfm.cmark.markdown_to_html_with_extensions(text, _OPTIONS, _EXTENSIONS))
        reader.close()
        return _tree(reader.root)

    return read


def _needed(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.name} of the shared API material is not here")
    return path


@pytest.fixture(scope="session")
def adf_errors() -> Callable[[Any], list[str]]:
    """The complaints of Atlassian's schema about a document."""
    schema = json.loads(_needed(_API / "specs" / "jira" / "adf" / "adf-full.schema.json").read_text())
    validator = jsonschema.Draft4Validator(schema)
    return lambda doc: [error.message[:200] for error in validator.iter_errors(doc)]


@pytest.fixture(scope="session")
def corpus() -> Callable[[str], list[tuple[str, Any]]]:
    """The bodies of a folder of the corpus, each with a name to report it by."""

    def read(folder: str) -> list[tuple[str, Any]]:
        found: list[tuple[str, Any]] = []
        for path in sorted(_needed(_API / "corpus" / folder).glob("*.json")):
            items = json.loads(path.read_text())["items"]
            found += [(f"{path.stem} {number}", item["body"]) for number, item in enumerate(items) if item["body"]]
        return found

    return read
