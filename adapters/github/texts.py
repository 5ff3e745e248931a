"""GitHub's Markdown and canonical Markdown: line ends, mentions, our marker and the original author's name."""

from __future__ import annotations

import re

from sync.core.ids import Marker
from sync.text import canonical, neutralise, restore

#: The last line, or a line further up where somebody has written below it.
_LAST_LINE = re.compile(r"(?:\A|\n)[ \t]*<!-- (?P<marker>trackdown:[A-Za-z0-9:_.=-]+) -->\s*\Z")
_OURS = re.compile(r"^[ \t]*<!-- (?P<marker>trackdown:[A-Za-z0-9:_.=-]+) -->[ \t]*$\n?", re.MULTILINE)
_ATTRIBUTION = re.compile(r"\A(?P<line>\*[^\n]+ wrote in [^\n]+ \([^\n]*\):\*)[ \t]*(?:\n+|\Z)")


#: What `neutralise` puts in; a text without it needs no parsing to be restored.
_JOINER = "\u2060"


def split(raw: str) -> tuple[str, Marker | None]:
    """The text without our marker, with line feeds only, and the marker."""
    text = raw.replace("\r\n", "\n").replace("\r", "\n")
    found = _LAST_LINE.search(text) or _OURS.search(text)
    if found is None:
        return text, None
    return text[: found.start()] + text[found.end() :], Marker(found["marker"])


def read(raw: str) -> str:
    """A body in canonical Markdown, without the marker."""
    return _restored(split(raw)[0])


def read_comment(raw: str) -> tuple[str, Marker | None, str | None]:
    """A comment's text, its marker and the attribution, which only a comment of ours can carry."""
    text, marker = split(raw)
    named = _ATTRIBUTION.match(text) if marker is not None else None
    if named is not None:
        text = text[named.end() :]
    return _restored(text), marker, named["line"] if named else None


def _restored(text: str) -> str:
    return canonical(restore(text) if _JOINER in text else text)


def write(markdown: str, current: str = "", *, marker: Marker | None = None, attribution: str | None = None) -> str:
    """The native text for `markdown`: lines that stand in `current` already stay as they are, mentions included.

    The marker that stands in `current` is kept, else `marker` is put on the last line.
    """
    there, kept = split(current)
    marker = kept or marker
    body = _like(markdown, there)
    parts = [attribution, body, f"<!-- {marker} -->" if marker else None]
    return "\n\n".join(part for part in parts if part)


def _like(markdown: str, there: str) -> str:
    written = neutralise(markdown).split("\n")
    plain = markdown.split("\n")
    if len(plain) != len(written) or not there:
        return "\n".join(written)
    standing = {line.rstrip() for line in there.split("\n")}
    return "\n".join(line if line in standing else new for line, new in zip(plain, written, strict=True))
