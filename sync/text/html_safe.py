"""HTML made safe: bounded in depth first, for no parser likes fifty thousand open tags, then sanitised."""

import re
from collections import Counter
from functools import cache

import nh3

from .nodes import MAX_DEPTH, clean

_TAG = re.compile(
    r"""<(?P<end>/?)(?P<name>[A-Za-z][^\s/<>"']*+)(?>[^<>"']|"[^"]*+"|'[^']*+')*+>"""
    r"""|<(?=[A-Za-z/!?])"""
)
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
    return _cleaner().clean(_shallow(_uncommented(clean(html))))


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


def _uncommented(html: str) -> str:
    """The HTML without its comments; one that does not end is words."""
    out: list[str] = []
    place = 0
    while (start := html.find("<!--", place)) >= 0 and (end := html.find("-->", start + 2)) >= 0:
        out.append(html[place:start])
        place = end + 3
    return "".join([*out, html[place:]])


def _shallow(html: str) -> str:
    """The HTML without the tags that lie too deep, or close nothing, and with what is no proper tag as words.

    What the sanitiser's parser would open is then at most what is counted here.
    """
    opened: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    depth = 0

    def kept(tag: re.Match[str]) -> str:
        nonlocal depth
        name = (tag["name"] or "").lower()
        if not name:
            return "&lt;"
        if name in _FLAT:
            return tag.group()
        if not tag["end"]:
            if depth >= MAX_DEPTH:
                dropped[name] += 1
                return ""
            opened[name] += 1
            depth += 1
            return tag.group()
        if dropped[name]:
            dropped[name] -= 1
        elif opened[name]:
            opened[name] -= 1
            depth -= 1
            return tag.group()
        return ""

    return _TAG.sub(kept, html)
