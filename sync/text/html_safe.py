"""HTML made safe: bounded in depth first, for no parser likes fifty thousand open tags, then sanitised."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import nh3

from .nodes import MAX_DEPTH, clean

_BLANK = r"[\t\n\f\r /]"
# As a browser cuts tags: only behind an equals sign does a quote begin a value, in which anything may stand.
_TAG = re.compile(
    rf"""<(?P<end>/?)(?P<name>[A-Za-z][^\t\n\f\r />]*+)"""
    rf"""(?:{_BLANK}++|[^\t\n\f\r />=]++(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:"[^"]*+"|'[^']*+'|[^\t\n\f\r >"']++|(?=>)))?+)*+>"""
)
_OPENING = re.compile(r"<(?=[A-Za-z/!?])")
_TRIES = 100  # tags that don't end, each of which may cost a look at all the rest
# Void, or closed by the next of their kind: they don't nest by themselves.
_FLAT = frozenset(
    [
        "br",
        "hr",
        "img",
        "input",
        "wbr",
        "col",
        "area",
        "base",
        "embed",
        "link",
        "meta",
        "source",
        "track",
        "p",
        "li",
        "td",
        "th",
        "tr",
        "dt",
        "dd",
        "option",
    ]
)
_DROPPED = {"script", "style", "title", "noscript", "iframe", "object", "template", "textarea"}
_TAGS = frozenset(
    [
        "a",
        "b",
        "blockquote",
        "br",
        "code",
        "dd",
        "del",
        "details",
        "div",
        "dl",
        "dt",
        "em",
        "font",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "samp",
        "section",
        "span",
        "strike",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "tt",
        "u",
        "ul",
    ]
)
_ATTRIBUTES = {
    "a": {"href", "title", "data-vss-mention"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start"},
    "code": {"class"},
    "pre": {"lang"},
    "td": {"align", "colspan"},
    "th": {"align", "colspan"},
}
_SCHEMES = {"http", "https", "mailto", "ftp", "attachment"}


def safe_html(html: str) -> str:
    """The HTML without scripts, styles, handlers or dangerous addresses, and well-formed."""
    return _cleaner().clean(_shallow(clean(html)))


@cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        clean_content_tags=_DROPPED,
        url_schemes=_SCHEMES,
        link_rel=None,
        strip_comments=True,
    )


class Token(NamedTuple):
    """A stretch of HTML: a `tag` with its name, lower, and whether it closes; a `comment`; or `words`."""

    kind: str
    source: str
    name: str = ""
    closes: bool = False


def tokens(html: str) -> Iterator[Token]:
    """The HTML cut as a browser does it; a tag or a comment that doesn't end is words."""
    place = failed = 0
    last = html.rfind("-->")
    while (opening := _OPENING.search(html, place)) is not None:
        start = opening.start()
        if start > place:
            yield Token("words", html[place:start])
        tag = _TAG.match(html, start) if failed < _TRIES else None
        if html.startswith("<!--", start) and start < last:
            place = html.index("-->", start + 2) + 3
            yield Token("comment", html[start:place])
        elif tag is not None:
            place = tag.end()
            yield Token("tag", tag.group(), tag["name"].lower(), bool(tag["end"]))
        else:
            failed += 1
            place = start + 1
            yield Token("words", "<")
    if place < len(html):
        yield Token("words", html[place:])


def _shallow(html: str) -> str:
    """The HTML without the tags that lie too deep, or close nothing, and with what is no proper tag as words.

    What the sanitiser's parser would open is then at most what is counted here.
    """
    nesting = _Nesting()
    out: list[str] = []
    for token in tokens(html):
        if token.kind == "words":
            out.append("&lt;" if token.source == "<" else token.source)
        elif token.kind == "tag" and nesting.keeps(token.name, token.closes):
            out.append(token.source)
    return "".join(out)


class _Nesting:
    """How deep the tags stand in each other, by name and not by order: no parser lets them nest deeper than that."""

    def __init__(self) -> None:
        self.opened: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.depth = 0

    def keeps(self, name: str, closing: bool) -> bool:
        """Count a tag; whether it stays."""
        if name in _FLAT:
            return True
        if not closing:
            deep = self.depth >= MAX_DEPTH
            (self.dropped if deep else self.opened)[name] += 1
            self.depth += not deep
            return not deep
        if self.dropped[name] or not self.opened[name]:
            self.dropped[name] = max(0, self.dropped[name] - 1)
            return False
        self.opened[name] -= 1
        self.depth -= 1
        return True
