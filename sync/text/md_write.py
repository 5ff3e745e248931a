"""Nodes to Markdown, as GitHub reads it in an issue."""

import re
from collections.abc import Iterator, Sequence

from .md_html import summary
from .md_inline_write import Style, write_inline
from .md_read import read_markdown
from .nodes import BREAK, VERBATIM, Node, attr, children, mark, marked, marks_of, plain, text

_ALERTS = {
    "info": "NOTE",
    "success": "TIP",
    "tip": "TIP",
    "note": "IMPORTANT",
    "warning": "WARNING",
    "error": "CAUTION",
}
_DEFINITION = re.compile(r"^\[([^\[\]]+)\]:", re.MULTILINE)
_BRACKETED = re.compile(r"\[([^\[\]]+)\]")
_HASHES = re.compile(r"(?:^|(?<=\s))#+$")  # at the end of a heading they would close it
_TICKS = re.compile("^`{3,}", re.MULTILINE)
_RISKY = re.compile(r"[*_~`\[\]<>&\\|#\n]|^\s*(?:[-+=]|\d+[.)])|://|@|www\.")
_CHECKED_UP_TO = 20_000  # characters; a longer paragraph is not read back
_STYLES = (Style(), Style(tags=True), Style(tags=True, strict=True))
_LISTS = ("bulletList", "orderedList")


def write_markdown(blocks: Sequence[Node]) -> str:
    """The Markdown of the blocks, without outer blank lines."""
    labels = {found[1].casefold() for source in _sources(blocks) for found in _DEFINITION.finditer(source)}
    return _blocks(_guarded(blocks, labels) if labels else blocks).strip("\n")


def _sources(blocks: Sequence[Node]) -> Iterator[str]:
    for block in blocks:
        yield from [attr(block, "text", "")] if block["type"] == "verbatim" else _sources(children(block))


def _guarded(blocks: Sequence[Node], labels: set[str]) -> list[Node]:
    """The blocks with brackets in words escaped where a link definition in the same text would make a link of them."""

    def pieces(each: Node) -> Iterator[Node]:
        if each["type"] != "text" or marked(each, "verbatim") or marked(each, "code"):
            yield {**each, "content": _guarded(children(each), labels)} if children(each) else each
            return
        place = 0
        for found in _BRACKETED.finditer(each["text"]):
            if found[1].casefold() in labels:
                yield {**each, "text": each["text"][place : found.start()]}
                yield {**each, "text": "\\[", "marks": [*marks_of(each), VERBATIM]}
                place = found.start() + 1
        yield {**each, "text": each["text"][place:]}

    return [piece for block in blocks for piece in pieces(block)]


def _blocks(blocks: Sequence[Node], *, tight: bool = False) -> str:
    """Blocks one after another; a list after a list of its kind takes the other marker, so that they stay two."""
    out: list[str] = []
    last = ""
    other = False
    for place, block in enumerate(blocks):
        other = block["type"] == last and last in _LISTS and not other
        written = _block(block, other, place == 0)
        if not written:
            continue
        if out:
            out.append("\n" if tight and _joins(block) else "\n\n")
        out.append(written)
        last = block["type"]
    return "".join(out)


def _escaped_hash(found: re.Match[str]) -> str:
    return "\\" + found.group()


def _joins(block: Node) -> bool:
    """Whether a block may follow a paragraph on the next line and still be itself."""
    if block["type"] in ("codeBlock", "blockquote"):
        return True
    if block["type"] not in _LISTS or attr(block, "order", 1) != 1:
        return False
    items = children(block)
    return bool(items) and bool(children(items[0]))


def _block(block: Node, other: bool, first: bool) -> str:
    kind = block["type"]
    if kind == "paragraph":
        return paragraph(children(block))
    if kind == "heading":
        sign = "#" * int(attr(block, "level", 1))
        return f"{sign} {_HASHES.sub(_escaped_hash, _checked(children(block), one_line=True))}".rstrip()
    if kind in _LISTS:
        return _list(block, other)
    if kind == "codeBlock":
        return _fence(block)
    if kind == "blockquote":
        return _prefixed(_blocks(children(block)), "> ", "> ") or ">"
    if kind == "panel":
        alert = _ALERTS.get(attr(block, "panelType"), "NOTE")
        return _prefixed(f"[!{alert}]\n" + _blocks(children(block)), "> ", "> ")
    if kind == "expand":
        head = f"<details>\n<summary>{summary(attr(block, 'title') or '')}</summary>\n\n"
        return head + (_blocks(children(block)) + "\n\n</details>").lstrip("\n")
    if kind == "rule":
        return "___" if first else "---"
    if kind == "table":
        return _table(block)
    if kind == "footnote":
        return _prefixed(_blocks(children(block)), f"[^{attr(block, 'label', '')}]: ", "    ")
    if kind == "verbatim":
        return str(attr(block, "text", ""))
    return _blocks(children(block))


def paragraph(content: Sequence[Node]) -> str:
    """The Markdown of a paragraph."""
    return _checked(content, one_line=False)


def _checked(content: Sequence[Node], *, one_line: bool) -> str:
    """The lightest Markdown that reads back as these nodes."""
    first = ""
    for style in _STYLES:
        written = write_inline(content, style._replace(one_line=one_line))
        first = first or written
        if not _RISKY.search(written) or len(written) > _CHECKED_UP_TO or any(marked(n, "verbatim") for n in content):
            return written
        back = read_markdown(written)
        alone = len(back) == 1 and back[0]["type"] == "paragraph"
        if alone and _essence(children(back[0])) == _essence(content):
            return written
    return first


def _essence(nodes: Sequence[Node]) -> list[tuple[str, str, str]]:
    """Each character with its marks, blanks aside: what two ways of writing must agree on."""
    out: list[tuple[str, str, str]] = []
    for each in nodes:
        marks = sorted(m["type"] + str(attr(m, "type", "")) for m in each.get("marks", ()) if m["type"] != "link")
        link = marked(each, "link")
        href = str(attr(link, "href", "")) if link else ""
        if each["type"] == "text":
            shown = each["text"].strip() or " "
            target = "" if href.removeprefix("mailto:").removeprefix("http://") in (shown, "") else href
            signs = "".join(marks) + target
            words = each["text"] if "code" in marks else "".join(each["text"].split())
            if out and out[-1][0] == "text" and out[-1][1] == signs:
                out[-1] = ("text", signs, out[-1][2] + words)
            elif words:
                out.append(("text", signs, words))
        else:
            out.append((each["type"], str(each.get("attrs", "")), href))
    return out


def _prefixed(text: str, head: str, rest: str) -> str:
    """Each line with its prefix, the first one with its own."""
    lines = text.split("\n")
    bare = rest.rstrip()
    return "\n".join((head if not n else rest if line else bare) + line for n, line in enumerate(lines))


def _fence(block: Node) -> str:
    code = "".join(str(n.get("text", "")) for n in children(block))
    longest = max((len(run) for run in _TICKS.findall(code.replace(" ", ""))), default=2)
    ticks = "`" * max(3, longest + 1)
    language = str(attr(block, "language") or "").replace("`", "").split()
    return (
        f"{ticks}{language[0] if language else ''}\n{code}\n{ticks}"
        if code
        else f"{ticks}{''.join(language[:1])}\n{ticks}"
    )


def _list(block: Node, other: bool) -> str:
    number = attr(block, "order", 1) if block["type"] == "orderedList" else None
    items = children(block)
    written = [_item(item, _marker(number, place, other)) for place, item in enumerate(items)]
    loose = any(not _joins(child) for item in items for child in children(item)[1:])
    return ("\n\n" if loose else "\n").join(written)


def _marker(number: float | None, place: int, other: bool) -> str:
    if number is None:
        return "* " if other else "- "
    return f"{int(number) + place}{')' if other else '.'} "


def _item(item: Node, marker: str) -> str:
    state = attr(item, "state")
    box = "" if state is None else "[x] " if state == "DONE" else "[ ] "
    body = box + _blocks(children(item), tight=True)
    return _prefixed(body, marker, " " * len(marker)).rstrip()


def _table(block: Node) -> str:
    rows = [children(row) for row in children(block)]
    width = max((len(row) for row in rows), default=0)
    if not width:
        return ""
    headed = bool(rows[0]) and all(cell["type"] == "tableHeader" for cell in rows[0])
    head, *body = rows if headed else [[], *rows]
    aligns = [attr(cell, "align") for cell in (rows[0] if rows else [])]
    aligns += [None] * (width - len(aligns))
    rules = {"left": ":--", "center": ":-:", "right": "--:"}
    out = [_row(head, width), "|" + "|".join(f" {rules.get(str(a), '---')} " for a in aligns) + "|"]
    out.extend(_row(row, width) for row in body)
    return "\n".join(out)


def _row(cells: Sequence[Node], width: int) -> str:
    texts = [_cell(cell) for cell in cells] + [""] * (width - len(cells))
    return "|" + "|".join(f" {text} " if text else "  " for text in texts) + "|"


def _cell(cell: Node) -> str:
    """The blocks of a cell on one line."""
    lines = [line for block in children(cell) for line in _cell_lines(block, "")]
    content: list[Node] = []
    for number, line in enumerate(lines):
        content.extend([dict(BREAK), *line] if number else line)
    return _checked(content, one_line=True).replace("|", "\\|")


def _cell_lines(block: Node, sign: str) -> list[list[Node]]:
    """The lines of one block as inline nodes; a table has no room for more."""
    kind, content = block["type"], children(block)
    if kind in ("paragraph", "heading"):
        return [[text(sign), *content] if sign else list(content)] if content else []
    if kind == "codeBlock":
        return [[text(line, [mark("code")])] for line in plain(block).split("\n") if line.strip()]
    if kind == "rule":
        return [[text("\u2014")]]
    if not content:
        return [[text(line)] for line in plain(block).split("\n") if line]
    out: list[list[Node]] = []
    for place, child in enumerate(content):
        bullet = f"{attr(block, 'order', 1) + place}. " if kind == "orderedList" else "\u2022 "
        out.extend(_cell_lines(child, bullet if kind in _LISTS else sign if not place else ""))
    return out


def source(block: Node) -> str:
    """One block as Markdown source."""
    return _blocks([block])
