"""What to do with a block where a format has no room for it."""

from collections.abc import Sequence

from .md_write import source
from .nodes import BREAK, VERBATIM, Node, attr, broken, children, node, verbatim


def carried(block: Node) -> Node:
    """The block as one paragraph: its words, with the Markdown that makes it what it is."""
    kind = block["type"]
    if kind == "heading":
        return prefixed("#" * attr(block, "level", 1) + " ", children(block))
    if kind == "blockquote" and all(child["type"] == "paragraph" for child in children(block)):
        quoted: list[Node] = []
        for place, child in enumerate(children(block)):
            quoted.extend([dict(BREAK), verbatim(">"), dict(BREAK)] if place else [])
            quoted.append(verbatim("> "))
            for each in children(child):
                quoted.extend([each, verbatim("> ")] if each["type"] == "hardBreak" else [each])
        return node("paragraph", quoted)
    if kind == "footnote" and [child["type"] for child in children(block)] == ["paragraph"]:
        return prefixed(f"[^{attr(block, 'label')}]: ", children(children(block)[0]))
    return node("paragraph", list(broken(source(block), [VERBATIM])))


def prefixed(prefix: str, content: Sequence[Node]) -> Node:
    """A paragraph that begins with Markdown source."""
    return node("paragraph", [verbatim(prefix), *content])


def box(item: Node) -> str | None:
    """The source of a list item's check box."""
    state = attr(item, "state")
    return None if state is None else "[x] " if state == "DONE" else "[ ] "


def unboxed(item: Node) -> list[Node]:
    """The content of a list item with its state as a box before the words."""
    mark, content = box(item), children(item)
    if mark is None:
        return content
    first = children(content[0]) if content and content[0]["type"] == "paragraph" else None
    return [prefixed(mark, first or []), *(content if first is None else content[1:])]
