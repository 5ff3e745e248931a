"""GitHub's Markdown and canonical Markdown: line ends, mentions, our marker, the block and the original author's name."""

from __future__ import annotations

import re

from adapters.github.block import Block, cut, guarded, unguarded
from sync.core.ids import Marker
from sync.core.mapping import ProjectMapping
from sync.text import Mentions, canonical, neutralise, restore

#: The last line, or a line further up where somebody has written below it.
_LAST_LINE = re.compile(r"(?:\A|\n)[ \t]*<!-- (?P<marker>trackdown:[A-Za-z0-9:_.=-]+) -->\s*\Z")
_OURS = re.compile(r"^[ \t]*<!-- (?P<marker>trackdown:[A-Za-z0-9:_.=-]+) -->[ \t]*$\n?", re.MULTILINE)
_ATTRIBUTION = re.compile(r"\A(?P<line>\*[^\n]+ wrote in [^\n]+ \([^\n]*\):\*)[ \t]*(?:\n+|\Z)")


_NOBODY = Mentions()


def mentions(mapping: ProjectMapping) -> Mentions:
    """Who can be mentioned here, by login."""
    return Mentions.of(mapping.people.native_ids.items())


def split(raw: str) -> tuple[str, Marker | None]:
    """The text without our marker, with line feeds only, and the marker."""
    text = raw.replace("\r\n", "\n").replace("\r", "\n")
    found = _LAST_LINE.search(text) or _OURS.search(text)
    if found is None:
        return text, None
    return text[: found.start()] + text[found.end() :], Marker(found["marker"])


def parts(raw: str) -> tuple[str, Block, Marker | None]:
    """The text of a body as it stands there, its block and our marker."""
    text, marker = split(raw)
    return *cut(text), marker


def restored(text: str, who: Mentions = _NOBODY) -> str:
    """The canonical Markdown of a text without block and marker."""
    return canonical(unguarded(restore(text, who)))


def read_comment(raw: str, who: Mentions = _NOBODY) -> tuple[str, Marker | None, str | None]:
    """A comment's text, its marker and the attribution, which only a comment of ours can carry."""
    text, marker = split(raw)
    named = _ATTRIBUTION.match(text) if marker is not None else None
    if named is not None:
        text = text[named.end() :]
    return restored(text, who), marker, named["line"] if named else None


def write(
    markdown: str | None,
    current: str = "",
    *,
    block: Block | None = None,
    marker: Marker | None = None,
    attribution: str | None = None,
    who: Mentions = _NOBODY,
) -> str:
    """The native text for `markdown`: lines that stand in `current` already stay as they are, mentions included.

    Without `markdown` the whole text stays. `block` comes after it. The marker that stands in `current` is kept, else
    `marker` is put on the last line.
    """
    there, kept = split(current)
    if block is not None:
        there = cut(there)[0]
    marker = kept or marker
    text = there.rstrip() if markdown is None else _like(guarded(markdown), there, who)
    shown = [attribution, text, block.render() if block is not None else None, f"<!-- {marker} -->" if marker else None]
    return "\n\n".join(part for part in shown if part)


def _like(markdown: str, there: str, who: Mentions) -> str:
    written = neutralise(markdown, who).split("\n")
    plain = markdown.split("\n")
    if len(plain) != len(written) or not there:
        return "\n".join(written)
    standing = {line.rstrip() for line in there.split("\n")}
    return "\n".join(line if line in standing else new for line, new in zip(plain, written, strict=True))
