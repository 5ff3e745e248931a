"""What the service does to long text before it keeps it."""

from __future__ import annotations

import functools
from html import escape
from html.parser import HTMLParser

_KEPT_ATTRIBUTES = frozenset(
    {"href", "src", "alt", "title", "colspan", "rowspan", "start", "align", "data-vss-mention"}
)
_DROPPED_WITH_CONTENT = frozenset({"script", "style", "iframe", "object", "head"})
_VOID = frozenset({"br", "hr", "img", "col"})


class _Rewriter(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.skipping = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED_WITH_CONTENT:
            self.skipping += 1
        if self.skipping:
            return
        kept = "".join(
            f' {name}="{escape(value or "")}"'
            for name, value in attrs
            if name in _KEPT_ATTRIBUTES and not (value or "").strip().lower().startswith("javascript:")
        )
        self.out.append(f"<{tag}{kept}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED_WITH_CONTENT:
            self.skipping = max(0, self.skipping - 1)
        elif not self.skipping and tag not in _VOID:
            self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self.skipping:
            self.out.append(escape(data, quote=False).replace("\xa0", "&nbsp;"))


@functools.lru_cache(maxsize=1024)
def rewrite_html(text: str) -> str:
    """Sanitised HTML: styles, classes and scripts are gone, `<br />` reads `<br>`, entities are spelt one way."""
    rewriter = _Rewriter()
    rewriter.feed(text.replace("\r\n", "\n"))
    rewriter.close()
    return "".join(rewriter.out)


def split_tags(value: str) -> list[str]:
    """The tags of a tag string, first spelling of each, in any separator that the service takes."""
    found: dict[str, str] = {}
    for part in value.replace(",", ";").split(";"):
        if name := " ".join(part.split()):
            found.setdefault(name.lower(), name)
    return list(found.values())
