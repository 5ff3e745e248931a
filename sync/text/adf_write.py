"""Nodes to the Atlassian Document Format: whatever its schema has no place for is carried as text."""

from collections.abc import Collection, Sequence
from typing import Any

from .carry import pack
from .fallback import carried, unboxed
from .nodes import Node, attr, children, mark, merged, node

_LISTS = frozenset({"bulletList", "orderedList"})
_ITEM = _LISTS | {"codeBlock", "taskList"}
_QUOTE = _LISTS | {"codeBlock"}
_PANEL = _ITEM | {"heading", "rule"}
_NESTED = _PANEL | {"panel", "blockquote"}
_ALLOWED = {
    "doc": _NESTED | {"table", "expand"},
    "expand": _NESTED | {"table", "nestedExpand"},
    "nestedExpand": _NESTED,
    "panel": _PANEL,
    "blockquote": _QUOTE,
    "listItem": _ITEM,
    "tableCell": _NESTED | {"nestedExpand"},
}
_ALIGN = {"center": "center", "right": "end"}


def write_adf(blocks: Sequence[Node], used: Collection[str] = ()) -> dict[str, Any]:
    """A whole document, valid by Atlassian's schema; the ids that are used already are not given again."""
    content = _fit(blocks, "doc")
    number = 0
    stack = content[::-1]
    while stack:  # the schema wants an id on tasks: their place in the document
        top = stack.pop()
        if top["type"] in ("taskList", "taskItem"):
            number += 1
            while f"task-{number}" in used:
                number += 1
            top["attrs"] = {"localId": f"task-{number}", **top.get("attrs", {})}
        stack.extend(reversed(children(top)))
    return {"version": 1, "type": "doc", "content": content}


def _fit(blocks: Sequence[Node], where: str) -> list[Node]:
    """The blocks as far as this place can hold them."""
    out: list[Node] = []
    for block in blocks:
        out.extend(_fitted(block, where))
    return out


def _fitted(block: Node, where: str) -> list[Node]:
    kind, allowed = block["type"], _ALLOWED[where]
    if kind == "paragraph":
        return [_paragraph(children(block))]
    if kind == "bulletList" and "taskList" in allowed and _is_tasks(block):
        return [_tasks(block)]
    if kind == "expand":
        kind = "expand" if where == "doc" else "nestedExpand"
    if kind not in allowed:
        return [_paragraph(children(carried(block)))]
    content = children(block)
    if kind == "heading":
        return [node("heading", _inline(content), level=attr(block, "level", 1))]
    if kind in _LISTS:
        items = [node("listItem", _item(item)) for item in content]
        return [node(kind, items, order=attr(block, "order"))] if items else []
    if kind == "table":
        return _table(block)
    if kind in ("codeBlock", "rule"):
        return [block]
    attrs = dict(block.get("attrs", {}))
    made = node(kind, _fit(content, kind) or [node("paragraph", [])])
    return [{**made, "attrs": attrs} if attrs or kind == "nestedExpand" else made]


def _paragraph(content: Sequence[Node]) -> Node:
    return node("paragraph", _inline(content))


def _inline(content: Sequence[Node]) -> list[Node]:
    return [_mention(each) if each["type"] == "mention" else each for each in merged(pack(content))]


def _mention(each: Node) -> Node:
    return node("mention", id=attr(each, "id"), text=f"@{attr(each, 'person')}")


def _item(item: Node) -> list[Node]:
    """The content of a list item; a state has no place here and stands as its box."""
    return _fit(unboxed(item), "listItem") or [node("paragraph", [])]


def _is_tasks(block: Node) -> bool:
    """Whether a task list can say all of this list: one line and further tasks in each item."""
    return all(
        attr(item, "state") is not None
        and [child["type"] for child in children(item)[:1]] == ["paragraph"]
        and all(child["type"] == "bulletList" and _is_tasks(child) for child in children(item)[1:])
        for item in children(block)
    )


def _tasks(block: Node) -> Node:
    content: list[Node] = []
    for item in children(block):
        first, *nested = children(item)
        content.append(node("taskItem", _inline(children(first)), state=attr(item, "state")))
        content.extend(_tasks(child) for child in nested)
    return node("taskList", content)


def _table(block: Node) -> list[Node]:
    rows: list[Node] = []
    for row in children(block):
        cells: list[Node] = []
        for cell in children(row):
            content = _fit(children(cell), "tableCell") or [node("paragraph", [])]
            align = _ALIGN.get(str(attr(cell, "align")))
            if align and content[0]["type"] == "paragraph":
                content[0] = {**content[0], "marks": [mark("alignment", align=align)]}
            cells.append(node(cell["type"], content))
        rows.append(node("tableRow", cells))
    return [node("table", rows)]
