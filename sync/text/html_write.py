"""Nodes to the HTML of Azure DevOps' text fields; what those can't hold stands there as text."""

import re
from collections.abc import Iterable, Sequence
from html import escape

from .carry import fenced
from .fallback import carried, unboxed
from .html_safe import safe_html
from .nodes import BREAK, Node, Span, attr, children, marked, merged, node, spans, verbatim

ALERTS = {"info": "NOTE", "success": "TIP", "tip": "TIP", "note": "IMPORTANT", "warning": "WARNING", "error": "CAUTION"}
_TAGS = {"strong": "strong", "em": "em", "strike": "s", "underline": "u"}
_WELCOME = re.compile(r"(?:</?kbd>|<img\s[^<>]*>|\s)+", re.IGNORECASE)


def write_html(blocks: Sequence[Node]) -> str:
    """Sanitised HTML."""
    return safe_html(_blocks(blocks)).strip("\n")


def _blocks(blocks: Iterable[Node]) -> str:
    return "\n".join(_block(block) for block in blocks)


def _block(block: Node) -> str:
    kind, content = block["type"], children(block)
    if kind == "paragraph":
        return f"<p>{_inline(content)}</p>"
    if kind == "heading":
        level = attr(block, "level", 1)
        return f"<h{level}>{_inline(content)}</h{level}>"
    if kind == "bulletList":
        return f"<ul>\n{_items(content)}</ul>"
    if kind == "orderedList":
        start = attr(block, "order", 1)
        return f"<ol{'' if start == 1 else f' start={chr(34)}{start}{chr(34)}'}>\n{_items(content)}</ol>"
    if kind == "codeBlock":
        return _code(block)
    if kind == "blockquote":
        return f"<blockquote>\n{_blocks(content)}\n</blockquote>"
    if kind == "panel":
        return _alert(block)
    if kind == "rule":
        return "<hr>"
    if kind == "table":
        return f"<table>\n{''.join(_row(row) for row in content)}</table>"
    if kind == "expand":
        title = escape(str(attr(block, "title") or ""), quote=False)
        return f"<details><summary>{title}</summary>\n{_blocks(content)}\n</details>"
    source = str(attr(block, "text", ""))
    if kind == "verbatim" and _WELCOME.fullmatch(source):
        return source
    return f"<p>{_inline(children(carried(block)))}</p>"


def _items(items: Iterable[Node]) -> str:
    return "".join(f"<li>{_item(unboxed(item))}</li>\n" for item in items)


def _item(blocks: Sequence[Node]) -> str:
    """An item whose words are one paragraph has them bare, as the web editor writes them."""
    if blocks and blocks[0]["type"] == "paragraph" and not any(b["type"] == "paragraph" for b in blocks[1:]):
        return _inline(children(blocks[0])) + ("\n" + _blocks(blocks[1:]) if blocks[1:] else "")
    return _blocks(blocks)


def _code(block: Node) -> str:
    code = escape("".join(str(n.get("text", "")) for n in children(block)), quote=False)
    language = attr(block, "language")
    named = f' class="language-{escape(str(language))}"' if language else ""
    return f"<pre><code{named}>{code}\n</code></pre>"


def _alert(block: Node) -> str:
    """A quote whose first line names the kind of alert."""
    name = verbatim(f"[!{ALERTS.get(str(attr(block, 'panelType')), 'NOTE')}]")
    content = children(block)
    if content and content[0]["type"] == "paragraph":
        content = [node("paragraph", [name, dict(BREAK), *children(content[0])]), *content[1:]]
    else:
        content = [node("paragraph", [name]), *content]
    return _block(node("blockquote", content))


def _row(row: Node) -> str:
    cells: list[str] = []
    for cell in children(row):
        tag = "th" if cell["type"] == "tableHeader" else "td"
        align = attr(cell, "align")
        cells.append(f"<{tag}{f' align={chr(34)}{align}{chr(34)}' if align else ''}>{_item(children(cell))}</{tag}>")
    return f"<tr>{''.join(cells)}</tr>\n" if cells else ""


def _inline(nodes: Sequence[Node]) -> str:
    return "".join(map(_part, spans(merged(nodes))))


def _part(part: Node | Span) -> str:
    if isinstance(part, Span):
        return _span(part)
    if part["type"] == "hardBreak":
        return "<br>\n"
    if part["type"] == "mention":
        person, native = escape(str(attr(part, "person"))), escape(str(attr(part, "id")))
        return f'<a href="#" data-vss-mention="version:2.0,{native}">@{person}</a>'
    if part["type"] == "image":
        title = attr(part, "title")
        named = f' title="{escape(str(title))}"' if title else ""
        return f'<img src="{escape(str(attr(part, "src", "")))}" alt="{escape(str(attr(part, "alt") or ""))}"{named}>'
    words = str(part.get("text", ""))
    if marked(part, "verbatim"):
        return words if _WELCOME.fullmatch(words) else escape(fenced(words.replace(" ", "\u00a0")), quote=False)
    return f"<code>{escape(words, quote=False)}</code>" if marked(part, "code") else escape(words, quote=False)


def _span(span: Span) -> str:
    kind, inner = span.mark["type"], "".join(map(_part, span.children))
    if kind == "link":
        title = attr(span.mark, "title")
        named = f' title="{escape(str(title))}"' if title else ""
        return f'<a href="{escape(str(attr(span.mark, "href", "")))}"{named}>{inner}</a>'
    tag = _TAGS.get(kind) or str(attr(span.mark, "type", "span"))
    return f"<{tag}>{inner}</{tag}>"
