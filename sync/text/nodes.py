"""The one node model that every format is read into and written from.

Nodes are plain dicts in the shapes of the Atlassian Document Format. The model is wider than that format: any block
may stand in any other, and a few kinds exist only here. Blocks: `verbatim` (`attrs.text`, Markdown source kept as it
is) and `footnote` (`attrs.label`). Inline: `image` (`attrs.src`, `alt`, `title`). A `listItem` may carry
`attrs.state` (`TODO`, `DONE`), a table cell `attrs.align`, a text the mark `verbatim`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

Node = dict[str, Any]
Mark = dict[str, Any]

MAX_DEPTH = 50  # containers inside containers; what lies deeper is kept as flat text
BREAK: Node = {"type": "hardBreak"}
VERBATIM: Mark = {"type": "verbatim"}

_INNERMOST = ("code", "verbatim")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NEWLINE = re.compile("\r\n?")


class Span(NamedTuple):
    """A run of inline nodes that share one mark; the mark is not on the children any more."""

    mark: Mark
    children: "list[Node | Span]"


def clean(text: str) -> str:
    """Text that any parser can take: no NUL, no lone surrogate, lines ended by a line feed."""
    text = text.replace("\0", "")
    return _SURROGATE.sub("\ufffd", _NEWLINE.sub("\n", text))


def node(kind: str, content: Sequence[Node] | None = None, **attrs: Any) -> Node:
    """A node of this kind; attributes that are None are left out."""
    made: Node = {"type": kind}
    kept = {name: value for name, value in attrs.items() if value is not None}
    if kept:
        made["attrs"] = kept
    if content is not None:
        made["content"] = list(content)
    return made


def mark(kind: str, **attrs: Any) -> Mark:
    """A mark of this kind; attributes that are None are left out."""
    return node(kind, **attrs)


def text(value: str, marks: Sequence[Mark] = ()) -> Node:
    """A text node."""
    return {"type": "text", "text": value, "marks": list(marks)} if marks else {"type": "text", "text": value}


def verbatim(source: str) -> Node:
    """A text node that holds Markdown source."""
    return text(source, [VERBATIM])


def attr(of: Node, name: str, default: Any = None) -> Any:
    """An attribute, or the default where the node has none."""
    return of.get("attrs", {}).get(name, default)


def marks_of(of: Node) -> list[Mark]:
    """The marks of a node."""
    marks: list[Mark] = of.get("marks", [])
    return marks


def marked(of: Node, kind: str) -> Mark | None:
    """The node's mark of this kind."""
    return next((m for m in marks_of(of) if m["type"] == kind), None)


def children(of: Node) -> list[Node]:
    """The content of a node."""
    content: list[Node] = of.get("content", [])
    return content


def lines(nodes: Iterable[Node]) -> list[list[Node]]:
    """Inline nodes cut at their hard breaks."""
    cut: list[list[Node]] = [[]]
    for each in nodes:
        if each["type"] == "hardBreak":
            cut.append([])
        else:
            cut[-1].append(each)
    return cut


def broken(value: str, marks: Sequence[Mark] = ()) -> Iterator[Node]:
    """Text nodes for a string, with hard breaks for its newlines."""
    for number, line in enumerate(value.split("\n")):
        if number:
            yield dict(BREAK)
        if line:
            yield text(line, marks)


def merged(nodes: Iterable[Node]) -> list[Node]:
    """The nodes with neighbouring texts of equal marks joined and empty texts dropped."""
    out: list[Node] = []
    for (is_text, marks), run in groupby(nodes, key=lambda n: (n["type"] == "text", marks_of(n))):
        if is_text:
            joined = "".join(n["text"] for n in run)
            out.extend([text(joined, marks)] if joined else [])
        else:
            out.extend(run)
    return out


def plain(of: Node) -> str:
    """All the text under a node, blocks separated by newlines."""
    parts: list[str] = []
    stack: list[Node | str] = [of]
    while stack:
        top = stack.pop()
        if isinstance(top, str):
            parts.append(top)
        elif top["type"] == "text":
            parts.append(top["text"])
        elif top["type"] == "hardBreak":
            parts.append("\n")
        elif top["type"] == "image":
            parts.append(attr(top, "alt", "") or attr(top, "src", ""))
        elif top["type"] == "verbatim":
            parts.append(attr(top, "text", ""))
        else:
            inline = top["type"] in ("paragraph", "heading", "codeBlock")
            for child in reversed(children(top)):
                stack.append(child)
                if not inline:
                    stack.append("\n")
    return "".join(parts).strip("\n")


def spans(nodes: Sequence[Node]) -> list[Node | Span]:
    """The nodes nested by their marks: at each place the mark that runs furthest stands outermost."""
    return nested(_bridged(nodes))


def _bridged(nodes: Sequence[Node]) -> list[Node]:
    """The nodes with each run of breaks under the marks that its two neighbours share."""
    out = list(nodes)
    place = 0
    while place < len(out):
        stop = place
        while stop < len(out) and out[stop]["type"] == "hardBreak":
            stop += 1
        if 0 < place < stop < len(out):
            shared = [m for m in marks_of(out[place - 1]) if m["type"] not in _INNERMOST and m in marks_of(out[stop])]
            for each in range(place, stop) if shared else ():
                out[each] = {**out[each], "marks": shared}
        place = stop + 1
    return out


def nested(nodes: Sequence[Node]) -> list[Node | Span]:
    """The same without breaks taking part: for formats whose marks end with the line."""
    out: list[Node | Span] = []
    start = 0
    while start < len(nodes):
        best: Mark | None = None
        end = start + 1
        for candidate in marks_of(nodes[start]):
            if candidate["type"] in _INNERMOST:
                continue
            stop = start + 1
            while stop < len(nodes) and candidate in marks_of(nodes[stop]):
                stop += 1
            if best is None or stop > end:
                best, end = candidate, stop
        if best is None:
            out.append(nodes[start])
        else:
            inner = [{**n, "marks": [m for m in marks_of(n) if m != best]} for n in nodes[start:end]]
            out.append(Span(best, nested(inner)))
        start = end
    return out
