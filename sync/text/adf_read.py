"""The Atlassian Document Format, or anything that claims to be it, to nodes."""

from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from .carry import source_of, unpack
from .links import is_safe
from .nodes import BREAK, MAX_DEPTH, Mark, Node, broken, clean, mark, merged, node, text

_SIMPLE_MARKS = ("strong", "em", "strike", "code", "underline")
INLINE = ("text", "hardBreak", "mention", "emoji", "date", "status", "inlineCard", "placeholder", "mediaInline")
_CARDS = ("inlineCard", "blockCard", "embedCard")
_PANELS = ("info", "note", "tip", "warning", "error", "success")


def read_adf(doc: Any) -> list[Node]:
    """The blocks of a document; a node that is not known gives its content, or the text it carries."""
    if isinstance(doc, dict) and doc.get("type") == "doc":
        return _blocks(_content(doc), 0)
    return _blocks(doc if isinstance(doc, list) else [doc], 0)


def _content(raw: dict[str, Any]) -> list[Any]:
    content = raw.get("content")
    return content if isinstance(content, list) else []


def _attrs(raw: dict[str, Any]) -> dict[str, Any]:
    attrs = raw.get("attrs")
    return attrs if isinstance(attrs, dict) else {}


def _string(value: Any) -> str:
    return clean(value) if isinstance(value, str) else ""


def _number(value: Any, least: int, most: int, default: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return default
    return int(min(max(value, least), most))


def _blocks(raws: list[Any], depth: int) -> list[Node]:
    """Blocks; inline nodes that stand between them are gathered into paragraphs."""
    if depth >= MAX_DEPTH:
        return _flat(raws)
    out: list[Node] = []
    loose: list[Any] = []
    for raw in [*raws, None]:
        if isinstance(raw, str) or (isinstance(raw, dict) and raw.get("type") in INLINE):
            loose.append(raw)
            continue
        if loose:
            out.append(_paragraph(loose, depth))
            loose = []
        if isinstance(raw, dict):
            out.extend(_block(raw, depth))
        elif raw is not None:
            out.append(node("paragraph", list(broken(str(raw)))))
    return out


def _block(raw: dict[str, Any], depth: int) -> list[Node]:
    kind = raw.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader:
        return reader(raw, depth)
    if kind in _CARDS or kind in ("media", "caption"):
        return [_paragraph([raw] if kind != "caption" else _content(raw), depth)]
    if _content(raw):
        return _blocks(_content(raw), depth + 1)
    return [_paragraph([raw], depth)]


def _paragraph(raws: list[Any], depth: int) -> Node:
    content = _inlines(raws, depth)
    source = source_of(content)
    return node("paragraph", content) if source is None else node("verbatim", text=source)


def _read_paragraph(raw: dict[str, Any], depth: int) -> list[Node]:
    return [_paragraph(_content(raw), depth)]


def _read_heading(raw: dict[str, Any], depth: int) -> list[Node]:
    return [node("heading", _inlines(_content(raw), depth), level=_number(_attrs(raw).get("level"), 1, 6, 1))]


def _read_code(raw: dict[str, Any], _depth: int) -> list[Node]:
    body = "\n".join("".join(n.get("text", "\n") for n in p["content"]) for p in _flat(_content(raw)))
    return [node("codeBlock", [text(body)] if body else [], language=_string(_attrs(raw).get("language")) or None)]


def _read_rule(_raw: dict[str, Any], _depth: int) -> list[Node]:
    return [node("rule")]


def _read_quote(raw: dict[str, Any], depth: int) -> list[Node]:
    return [node("blockquote", _blocks(_content(raw), depth + 1))]


def _read_panel(raw: dict[str, Any], depth: int) -> list[Node]:
    kind = _attrs(raw).get("panelType")
    return [node("panel", _blocks(_content(raw), depth + 1), panelType=kind if kind in _PANELS else "info")]


def _read_expand(raw: dict[str, Any], depth: int) -> list[Node]:
    return [node("expand", _blocks(_content(raw), depth + 1), title=_string(_attrs(raw).get("title")) or None)]


def _read_list(raw: dict[str, Any], depth: int) -> list[Node]:
    """A list; a task list is a bullet list whose items have a state, a list inside it belongs to the item before."""
    ordered = raw.get("type") == "orderedList"
    items: list[Node] = []
    for child in _content(raw):
        nested = isinstance(child, dict) and child.get("type") in ("taskList", "bulletList", "orderedList")
        if nested and items:
            items[-1]["content"].extend(_blocks([child], depth + 1))
        elif isinstance(child, dict):
            state = _attrs(child).get("state") if child.get("type") in ("taskItem", "blockTaskItem") else None
            known = None if state is None else "DONE" if state == "DONE" else "TODO"
            content = [child] if nested or child.get("type") in INLINE else _content(child)
            items.append(node("listItem", _blocks(content, depth + 1), state=known))
        else:
            items.append(node("listItem", _blocks([child], depth + 1)))
    if not items:
        return []
    order = _number(_attrs(raw).get("order"), 0, 999_999_999, 1)
    return [node("orderedList", items, order=order) if ordered else node("bulletList", items)]


def _read_table(raw: dict[str, Any], depth: int) -> list[Node]:
    rows: list[Node] = []
    for row in _content(raw):
        cells: list[Node] = []
        for cell in _content(row) if isinstance(row, dict) else []:
            if not isinstance(cell, dict):
                cells.append(node("tableCell", _blocks([cell], depth + 2)))
                continue
            kind = "tableHeader" if cell.get("type") == "tableHeader" else "tableCell"
            known = cell.get("type") in ("tableHeader", "tableCell")
            content = _blocks(_content(cell) if known else [cell], depth + 2)
            cells.append(node(kind, content, align=_alignment(cell)))
            cells.extend(node(kind, []) for _ in range(_number(_attrs(cell).get("colspan"), 1, 50, 1) - 1))
        if not cells and isinstance(row, dict) and row.get("type") != "tableRow":
            cells = [node("tableCell", _blocks([row], depth + 2))]
        rows.append(node("tableRow", cells))
    return [node("table", rows)] if any(row["content"] for row in rows) else []


def _alignment(cell: dict[str, Any]) -> str | None:
    for block in _content(cell):
        for each in (block.get("marks") if isinstance(block, dict) else None) or []:
            if isinstance(each, dict) and each.get("type") == "alignment":
                return {"center": "center", "end": "right"}.get(_string(_attrs(each).get("align")))
    return None


_READERS: dict[str, Callable[[dict[str, Any], int], list[Node]]] = {
    "paragraph": _read_paragraph,
    "heading": _read_heading,
    "codeBlock": _read_code,
    "rule": _read_rule,
    "blockquote": _read_quote,
    "panel": _read_panel,
    "expand": _read_expand,
    "nestedExpand": _read_expand,
    "bulletList": _read_list,
    "orderedList": _read_list,
    "taskList": _read_list,
    "decisionList": _read_list,
    "table": _read_table,
}


def _inlines(raws: list[Any], depth: int) -> list[Node]:
    out: list[Node] = []
    for raw in raws:
        if isinstance(raw, dict):
            out.extend(_inline(raw, depth))
        elif raw is not None:
            out.extend(broken(_string(raw) or str(raw)))
    return unpack(merged(out))


def _inline(raw: dict[str, Any], depth: int) -> list[Node]:
    kind, attrs, marks = raw.get("type"), _attrs(raw), _marks(raw)
    if kind == "text":
        return list(broken(_string(raw.get("text")), marks))
    if kind == "hardBreak":
        return [dict(BREAK)]
    if kind == "mention":
        mention = node("mention", id=_string(attrs.get("id")), text=_said(raw, attrs))
        return [{**mention, "marks": marks} if marks else mention]
    if kind in ("media", "mediaInline"):
        return [_media(attrs, marks)]
    if kind in _CARDS and _string(attrs.get("url")):
        url = _string(attrs["url"])
        return [text(url, [mark("link", href=url)])]
    if _content(raw):
        return _inlines(_content(raw), depth + 1) if depth < MAX_DEPTH else list(_flat(_content(raw))[0]["content"])
    return list(broken(_said(raw, attrs), marks))


def _said(raw: dict[str, Any], attrs: dict[str, Any]) -> str:
    """What an inline node says to a reader."""
    kind = _string(raw.get("type"))
    said = next((_string(attrs.get(name)) for name in ("text", "shortName", "title", "url") if attrs.get(name)), "")
    if kind == "mention":
        said = said or _string(attrs.get("id"))
        return said if said.startswith("@") else "@" + said
    if kind == "date":
        return _date(attrs.get("timestamp"))
    return said or _string(raw.get("text")) or (f"[{kind}]" if kind else "")


def _date(timestamp: Any) -> str:
    """The day of a timestamp in milliseconds."""
    try:
        return datetime.fromtimestamp(int(timestamp) / 1000, UTC).date().isoformat()
    except (ValueError, TypeError, OverflowError, OSError):
        return _string(timestamp) or "[date]"


def _media(attrs: dict[str, Any], marks: list[Mark]) -> Node:
    """An external picture is an image; a file is named, for its address lies with the attachments."""
    alt, url = _string(attrs.get("alt")), _string(attrs.get("url"))
    if not url:
        return text(f"[{alt or _string(attrs.get('id')) or 'media'}]", marks)
    image = node("image", src=url, alt=alt)
    return {**image, "marks": marks} if marks else image


def _marks(raw: dict[str, Any]) -> list[Mark]:
    marks: list[Mark] = []
    found = raw.get("marks")
    for each in found if isinstance(found, list) else []:
        kind, attrs = (each.get("type"), _attrs(each)) if isinstance(each, dict) else (None, {})
        made = None
        if kind in _SIMPLE_MARKS:
            made = mark(str(kind))
        elif kind == "link" and _string(attrs.get("href")) and is_safe(_string(attrs["href"])):
            made = mark("link", href=_string(attrs["href"]), title=_string(attrs.get("title")) or None)
        elif kind == "subsup" and attrs.get("type") in ("sub", "sup"):
            made = mark("subsup", type=attrs["type"])
        if made and made["type"] not in [m["type"] for m in marks]:
            marks.append(made)
    return marks


def _flat(raws: list[Any]) -> list[Node]:
    """All the text under these, however deep, as one paragraph."""
    parts: list[str] = []
    stack: list[Any] = list(reversed(raws))
    while stack:
        top = stack.pop()
        if isinstance(top, list):
            stack.extend(reversed(top))
        elif isinstance(top, dict):
            if _content(top):
                stack.extend(reversed(_content(top)))
            elif top.get("type") == "text":
                parts.append(_string(top.get("text")))
            elif top.get("type") == "hardBreak":
                parts.append("\n")
            else:
                parts.append(_said(top, _attrs(top)))
        elif top is not None:
            parts.append(_string(top) or str(top))
    return [node("paragraph", list(broken("".join(parts))))]
