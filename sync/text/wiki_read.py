"""Jira's wiki markup to nodes: one pass over the macros, one over the lines."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from .carry import FENCE, IMAGE, source_of, unfenced
from .nodes import MAX_DEPTH, Node, clean, mark, merged, node, text
from .wiki_inline_read import inline
from .wiki_write import PANEL_COLOURS, PLAIN

_MACRO = re.compile(r"(?<!\\)\{(code|noformat|quote|panel)(?::([^}\n]*))?\}", re.IGNORECASE)
_HEADING = re.compile(r"\s*h([1-6])\.(?:\s+|$)(.*)", re.DOTALL)
_QUOTED = re.compile(r"\s*bq\.\s+(.*)", re.DOTALL)
_RULE = re.compile(r"\s*-{4,5}\s*")
ITEM = re.compile(r"[ \t]*([*#]+-*|-{1,3})[ \t]+(?=(.?))", re.DOTALL)
_PLACE = re.compile("\ufdd0([0-9]+)\ufdd1")
_CELL_PARTS = re.compile(
    r"\\.|\{\{[^{}\n]*\}\}|\[[^\[\]\n]*\]|!(?=[^\s!|])[^!\n|]*\|[^!\n|]*!|\|\||\||[^\\{\[!|]+|.", re.DOTALL
)
_COLOURS = {colour: kind for kind, colour in PANEL_COLOURS.items() if kind != "tip"}


class _Macro(NamedTuple):
    """A macro's place in the text: `code` brings a finished block, the others open or close one."""

    kind: str
    block: Node


class _Frame:
    """What is being read into: the document, a quote or a panel."""

    def __init__(self, kind: str, blocks: list[Node]) -> None:
        self.kind = kind
        self.blocks = blocks
        self.paragraph: list[str] = []
        self.rows: list[str] = []
        self.items: list[tuple[str, Node]] = []  # the open list items, outermost first, with their markers

    def target(self) -> list[Node]:
        """Where the next block goes: into the open list item, else into the frame."""
        content: list[Node] = self.items[-1][1]["content"] if self.items else self.blocks
        return content

    def end_paragraph(self) -> None:
        """Finish the paragraph that is open."""
        if self.paragraph:
            self.target().append(_paragraph(self.paragraph))
            self.paragraph = []

    def end_table(self) -> None:
        """Finish the table that is open."""
        if self.rows:
            self.blocks.append(_table(self.rows))
            self.rows = []

    def end(self) -> None:
        """Finish whatever is open."""
        self.end_paragraph()
        self.end_table()
        self.items = []


def read_wiki(source: str) -> list[Node]:
    """The blocks of a wiki text; markup that is not closed stays as words."""
    marked, macros = _macros(re.sub("[\ufdd0\ufdd1]", "", clean(source)))
    return _read(marked.split("\n"), macros)


def _macros(source: str) -> tuple[str, list[_Macro]]:
    """The text with each macro's tags replaced by the number of its meaning."""
    found = list(_MACRO.finditer(source))
    closing = _closing(found)
    macros: list[_Macro] = []
    out: list[str] = []
    place = 0
    for number, tag in enumerate(found):
        if tag.start() < place or number not in closing:
            continue
        out.append(source[place : tag.start()])
        name = tag[1].lower()
        end = closing[number]
        place = tag.end()
        if name in ("code", "noformat"):
            body = source[tag.end() : found[end].start()]
            macros.append(_Macro("code", _code(tag[2] or "", body, PLAIN if name == "noformat" else None)))
            place = found[end].end()
        elif end > number:
            macros.append(_Macro(name, _opened(name, tag[2] or "")))
        else:
            macros.append(_Macro("close", {"type": name}))
        out.append(f"\ufdd0{len(macros) - 1}\ufdd1")
    out.append(source[place:])
    return "".join(out), macros


def macro_spans(source: str) -> list[tuple[int, int]]:
    """Where the outermost macros begin and end."""
    found = list(_MACRO.finditer(source))
    out: list[tuple[int, int]] = []
    for number, end in sorted(_closing(found).items()):
        if end > number and (not out or found[number].start() >= out[-1][1]):
            out.append((found[number].start(), found[end].end()))
    return out


def _closing(found: Sequence[re.Match[str]]) -> dict[int, int]:
    """For each tag that has a partner, the partner's number; a tag inside code has none."""
    later: dict[str, list[int]] = {}
    for number in range(len(found) - 1, -1, -1):
        if not found[number][2]:
            later.setdefault(found[number][1].lower(), []).append(number)
    partners: dict[int, int] = {}
    opened: dict[str, int] = {}
    number = 0
    while number < len(found):
        name = found[number][1].lower()
        ends = later.get(name, [])
        while ends and ends[-1] <= number:
            ends.pop()
        if name in ("code", "noformat"):
            if ends:
                partners[number] = ends[-1]
                number = ends[-1]
        elif name in opened and not found[number][2]:
            start = opened.pop(name)
            partners[start], partners[number] = number, start
        else:
            opened[name] = number
        number += 1
    return partners


def _code(parameters: str, body: str, language: str | None) -> Node:
    title = None
    for part in parameters.split("|"):
        key, equals, value = part.partition("=")
        if not equals:
            language = part.strip() or language
        elif key.strip().lower() == "language":
            language = value.strip()
        elif key.strip().lower() == "title":
            title = value.strip()
    if title and title.startswith(FENCE):
        language, title = unfenced(title), None
    body = unfenced(re.sub(r"\A[ \t]*\n|\n[ \t]*\Z", "", body))
    words = (language or "").split()
    made = node("codeBlock", [text(body)] if body else [], language=words[0] if words else None)
    return node("titled", [node("paragraph", [text(title, [mark("strong")])]), made]) if title else made


def _opened(name: str, parameters: str) -> Node:
    if name == "quote":
        return node("blockquote", [])
    fields = dict(part.partition("=")[::2] for part in parameters.split("|"))
    made = node("panel", [], panelType=_COLOURS.get(fields.get("bgColor", "").strip().lower(), "info"))
    title = fields.get("title", "").strip()
    if title:
        made["content"].append(node("paragraph", [text(unfenced(title), [mark("strong")])]))
    return made


def _read(source_lines: Sequence[str], macros: Sequence[_Macro], depth: int = 0) -> list[Node]:
    root = _Frame("doc", [])
    frames = [root]
    for line in source_lines:
        frame = frames[-1]
        if frame.rows and not frame.rows[-1].rstrip().endswith("|") and line.strip() and not _starts_row(line):
            frame.rows[-1] += "\n" + line
            continue
        if _starts_row(line):
            _row(frame, line)
            continue
        pieces = _PLACE.split(line)
        for place, piece in enumerate(pieces):
            if place % 2 == 0:
                if len(pieces) == 1 or piece.strip():
                    _line(frames[-1], piece if len(pieces) == 1 else piece.strip(" \t"))
            else:
                _place(frames, macros[int(piece)])
    for frame in frames:
        frame.end()
    return _filled(root.blocks, macros, depth)


def _starts_row(line: str) -> bool:
    return line.lstrip()[:1] == "|" and len(line.strip()) > 1


def _row(frame: _Frame, line: str) -> None:
    frame.end_paragraph()
    frame.items = []
    frame.rows.append(line)


def _place(frames: list[_Frame], macro: _Macro) -> None:
    """Put a macro's block where it stands."""
    frame = frames[-1]
    frame.end_paragraph()
    frame.end_table()
    if macro.kind == "code":
        blocks = macro.block["content"] if macro.block["type"] == "titled" else [macro.block]
        frame.target().extend(blocks)
    elif macro.kind == "close":
        if macro.block["type"] in [f.kind for f in frames[1:]]:
            while frames[-1].kind != macro.block["type"]:
                frames.pop().end()
            frames.pop().end()
    else:
        frame.target().append(macro.block)
        frames.append(_Frame(macro.kind, macro.block["content"]))


def _line(frame: _Frame, line: str) -> None:
    if not line.strip():
        frame.end()
        return
    frame.end_table()
    if heading := _HEADING.fullmatch(line):
        frame.end()
        frame.blocks.append(node("heading", inline(heading[2]), level=int(heading[1])))
    elif quoted := _QUOTED.fullmatch(line):
        frame.end()
        frame.blocks.append(node("blockquote", [_paragraph([quoted[1]])]))
    elif _RULE.fullmatch(line):
        frame.end()
        frame.blocks.append(node("rule"))
    elif (item := ITEM.match(line)) and (len(item[1]) == 1 or item[1][0] != "-" or frame.items):
        frame.end_paragraph()
        _item(frame, item[1][:MAX_DEPTH], line[item.end() :])
    elif frame.items and line.strip() == IMAGE:
        frame.end_paragraph()
    else:
        frame.paragraph.append(line)


def _item(frame: _Frame, marker: str, words: str) -> None:
    """A list item: one level for each sign of its marker; where levels are left out, items without words hold it."""
    level = len(marker)
    while level > len(frame.items) + 1:
        _item(frame, marker[: len(frame.items) + 1], "")
    kind = "orderedList" if marker[-1] == "#" else "bulletList"
    del frame.items[level:]
    last = frame.items.pop() if len(frame.items) == level else None
    siblings = frame.target()
    same = (
        last is not None and (last[0][-1] == "#") == (marker[-1] == "#") and siblings and siblings[-1]["type"] == kind
    )
    if not same:
        siblings.append(node(kind, []))
    made = node("listItem", [])
    siblings[-1]["content"].append(made)
    frame.items.append((marker, made))
    frame.paragraph = [words] if words.strip() else []


def _paragraph(source_lines: Sequence[str]) -> Node:
    content = inline("\n".join(source_lines))
    source = source_of(content)
    return node("paragraph", content) if source is None else node("verbatim", text=source)


def _table(rows: Sequence[str]) -> Node:
    return node("table", [node("tableRow", _cells(row)) for row in rows])


def _cells(row: str) -> list[Node]:
    """The cells of a row; the bar before a cell says whether it is a header."""
    cells: list[tuple[str, list[str]]] = []
    for part in _CELL_PARTS.findall(row.strip()):
        if part in ("|", "||"):
            cells.append((part, []))
        elif cells:
            cells[-1][1].append(part)
    if cells and not "".join(cells[-1][1]).strip() and len(cells) > 1:
        cells.pop()
    kinds = {"|": "tableCell", "||": "tableHeader"}
    return [node(kinds[sign], [node("cell", text="".join(parts).strip())]) for sign, parts in cells]


def _filled(blocks: list[Node], macros: Sequence[_Macro], depth: int) -> list[Node]:
    """The blocks with the source of each table cell read in its turn."""
    stack = list(blocks)
    while stack:
        top = stack.pop()
        content = top.get("content", [])
        if top["type"] in ("tableCell", "tableHeader"):
            source = content[0]["attrs"]["text"] if content and content[0]["type"] == "cell" else ""
            top["content"] = _cell(source, macros, depth)
        else:
            stack.extend(content)
    return blocks


def _cell(source: str, macros: Sequence[_Macro], depth: int) -> list[Node]:
    if ("\n" in source or _PLACE.search(source) or ITEM.match(source)) and depth < 3:
        return _read(source.split("\n"), macros, depth + 1)
    return [node("paragraph", merged(inline(source)))] if source else []
