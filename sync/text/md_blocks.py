"""Markdown cut into the lines of its blocks, and a block into its items, rows or quoted lines."""

import re
from dataclasses import dataclass

from .md_read import block_tokens, read_blocks
from .md_write import write_markdown
from .nodes import Node, attr, children

_MARKER = re.compile(r"(?P<indent> {0,3})(?P<sign>[-+*]|\d{1,9}[.)])(?P<gap> {1,4}(?=\S)| ?(?=\n|$)| )")
_QUOTED = re.compile(r" {0,3}> ?")
_LISTS = ("bulletList", "orderedList")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Lines `start` to `end` of a text; `shape` is what a block is beside its parts."""

    start: int
    end: int
    text: str
    says: str
    kind: str
    shape: str = ""


def blocks_of(text: str) -> list[Block]:
    """The outermost blocks, in order; every line that is not blank is in one."""
    lines = text.split("\n")
    out: list[Block] = []
    done = 0
    for start, end, nodes in [*read_blocks(text), (len(lines), len(lines), [])]:
        for first, last, found in ((done, start, []), (max(start, done), end, nodes)):
            while last > first and not lines[last - 1].strip():
                last -= 1
            while last > first and not lines[first].strip():
                first += 1
            if last > first:
                out.append(_block(lines, first, last, found))
        done = max(done, end)
    return out


def _block(lines: list[str], start: int, end: int, nodes: list[Node]) -> Block:
    text = "\n".join(lines[start:end])
    only = nodes[0] if len(nodes) == 1 else {"type": ""}
    shape = str(attr(only, "order", ""))
    if only["type"] == "table":
        shape = str([attr(cell, "align") for cell in children(children(only)[0])])
    says = write_markdown(nodes) or text
    return Block(start=start, end=end, text=text, says=says, kind=only["type"], shape=shape)


def parts_of(block: Block) -> list[Block]:
    """The items of a list, or the rows of a table with the line under its header; nothing for other blocks."""
    lines = block.text.split("\n")
    if block.kind in _LISTS:
        maps = [t.map for t in block_tokens(block.text) if t.type == "list_item_open" and t.level == 1 and t.map]
    elif block.kind == "table":
        maps = [[0, 2], *([n, n + 1] for n in range(2, len(lines)))]
    else:
        return []
    kind = "item" if block.kind in _LISTS else "row"
    return [_part(lines, start, end, kind) for start, end in maps]


def _part(lines: list[str], start: int, end: int, kind: str) -> Block:
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    text = "\n".join(lines[start:end])
    says = item_words(text) if kind == "item" else re.sub(r"\s*\|\s*", "|", text).strip("|")
    return Block(start=start, end=end, text=text, says=says, kind=kind)


def item_words(item: str) -> str:
    """A list item without its marker and the indent that this asks for."""
    marker = _MARKER.match(item)
    if marker is None:
        return item
    width = marker.end()
    first, *rest = item[width:].split("\n")
    return "\n".join([first, *(line[min(width, len(line) - len(line.lstrip(" "))) :] for line in rest)])


def item_of(words: str, like: str, place: int) -> str:
    """The words as a list item with a marker like another item's; `place` numbers it in an ordered list."""
    marker = _MARKER.match(like)
    sign = marker["sign"] if marker else "-"
    if sign[0].isdigit():
        sign = f"{int(sign[:-1]) + place}{sign[-1]}"
    head = (marker["indent"] if marker else "") + sign + ((marker["gap"] if marker else "") or " ")
    first, *rest = words.split("\n")
    return "\n".join([(head + first).rstrip(), *(" " * len(head) + line if line.strip() else "" for line in rest)])


def quoted_words(quote: str) -> str | None:
    """A quote without its signs; None where some line goes without."""
    lines = quote.split("\n")
    return "\n".join(_QUOTED.sub("", line, count=1) for line in lines) if all(map(_QUOTED.match, lines)) else None


def quote_of(words: str) -> str:
    """The words as a quote."""
    return "\n".join(f"> {line}".rstrip() for line in words.split("\n"))
