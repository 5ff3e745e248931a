"""The HTML of Azure DevOps' text fields to nodes: lines are `<div>`s there, mentions are links with an attribute."""

import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from itertools import groupby

from .carry import FENCE, source_of, unfenced, unpack
from .html_safe import safe_html
from .links import addresses
from .nodes import BREAK, Mark, Node, children, lines, mark, marked, merged, node, text, verbatim

_MARKS: dict[str, Mark] = {
    "b": mark("strong"),
    "strong": mark("strong"),
    "i": mark("em"),
    "em": mark("em"),
    "s": mark("strike"),
    "del": mark("strike"),
    "strike": mark("strike"),
    "u": mark("underline"),
    "ins": mark("underline"),
    "sub": mark("subsup", type="sub"),
    "sup": mark("subsup", type="sup"),
    "code": mark("code"),
    "tt": mark("code"),
    "samp": mark("code"),
}
_VOID = ("br", "hr", "img", "input")
_LINES = ("div", "section", "dt", "dd", "dl", "summary", "tbody", "thead", "tfoot", "tr", "td", "th", "li")
BLOCKS = frozenset(
    (*_LINES, "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "pre", "blockquote", "hr", "table", "details")
)
_BLANKS = re.compile("[ \t\n\r\f\u00a0]+")
_NEWLINES = re.compile("[\t\n\r\f]+")
_LANGUAGE = re.compile(r"language-(\S+)")


class _Element:
    """An element of the sanitised tree."""

    def __init__(self, tag: str, attrs: dict[str, str]) -> None:
        self.tag = tag
        self.attrs = attrs
        self.content: list[_Element | str] = []
        self.has_block = False

    def elements(self, *tags: str) -> "list[_Element]":
        """The child elements with one of these tags."""
        return [child for child in self.content if isinstance(child, _Element) and child.tag in tags]

    def words(self) -> str:
        """All the text inside, breaks and lines as newlines."""
        parts: list[str] = []
        stack: list[_Element | str] = [self]
        while stack:
            top = stack.pop()
            if isinstance(top, str):
                parts.append(top)
            elif top.tag == "br":
                parts.append("\n")
            else:
                if top.tag == "div" and parts and not parts[-1].endswith("\n"):
                    parts.append("\n")
                stack.extend(reversed(top.content))
        return "".join(parts)


class _Tree(HTMLParser):
    """Builds the tree; the sanitiser has closed every tag."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = _Element("div", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = _Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].content.append(made)
        if tag in BLOCKS:
            self.open[-1].has_block = True
        if tag not in _VOID:
            self.open.append(made)

    def handle_endtag(self, tag: str) -> None:
        if len(self.open) > 1 and self.open[-1].tag == tag:
            done = self.open.pop()
            self.open[-1].has_block |= done.has_block

    def handle_data(self, data: str) -> None:
        self.open[-1].content.append(data)


def read_html(html: str) -> list[Node]:
    """The blocks of an HTML text, sanitised first."""
    tree = _Tree()
    tree.feed(safe_html(html))
    tree.close()
    return _blocks(tree.root, [])


def _blocks(of: _Element, marks: list[Mark]) -> list[Node]:
    """The blocks inside an element; loose text and `<div>`s are lines, and lines in a row are one paragraph."""
    return _joined(_parts(of, marks))


def _parts(of: _Element, marks: list[Mark]) -> list[Node]:
    """The same with the lines still apart, so that those of the elements around can join them."""
    out: list[Node] = []
    loose: list[_Element | str] = []
    for child in [*of.content, None]:
        if child is not None and (isinstance(child, str) or not (child.tag in BLOCKS or child.has_block)):
            loose.append(child)
            continue
        if loose:
            out.extend(_lines(_inlines(loose, marks)))
            loose = []
        if isinstance(child, _Element):
            out.extend(_block(child, marks))
    return out


def _lines(content: list[Node]) -> list[Node]:
    """The lines of loose text; a last break is only the end of its line."""
    if all(n["type"] == "text" and not n["text"].strip(" \t\n\r\f") for n in content):
        return []
    if content[-1]["type"] == "hardBreak":
        content = content[:-1]
    return [node("line", line) for line in lines(content)]


def _joined(blocks: list[Node]) -> list[Node]:
    """The blocks with lines in a row made paragraphs, one for each run without an empty line."""
    out: list[Node] = []
    for is_line, run in groupby(blocks, key=lambda b: b["type"] == "line"):
        if not is_line:
            out.extend(run)
            continue
        for full, rows in groupby(
            run, key=lambda b: any(n["type"] != "text" or n["text"].strip() for n in children(b))
        ):
            if full:
                content: list[Node] = []
                for line in rows:
                    content.extend([dict(BREAK), *children(line)] if content else children(line))
                out.append(_paragraph(content))
    return out


def _paragraph(content: Sequence[Node]) -> Node:
    unpacked = unpack(merged(_tidy(content)))
    source = source_of(unpacked)
    return node("paragraph", unpacked) if source is None else node("verbatim", text=source)


def _block(of: _Element, marks: list[Mark]) -> list[Node]:
    tag = of.tag
    if tag == "p":
        content = _inlines(of.content, marks)
        if content and content[-1]["type"] == "hardBreak":
            content.pop()
        words = any(n["type"] != "text" or n["text"].strip() for n in content)
        return [_paragraph(content)] if words else []
    if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
        return [node("heading", unpack(merged(_tidy(_inlines(of.content, marks)))), level=int(tag[1]))]
    if tag in ("ul", "ol"):
        return _list(of, marks)
    if tag == "pre":
        return [_code(of)]
    if tag == "blockquote":
        return [node("blockquote", _blocks(of, marks))]
    if tag == "hr":
        return [node("rule")]
    if tag == "table":
        return _table(of, marks)
    if tag == "details":
        titles = of.elements("summary")
        of.content = [child for child in of.content if child not in titles[:1]]
        title = _BLANKS.sub(" ", titles[0].words()).strip() if titles else ""
        return [node("expand", _blocks(of, marks), title=title or None)]
    inside = _MARKS.get(tag)
    return _parts(of, [*marks, inside] if inside else _with_link(of, marks))


def _with_link(of: _Element, marks: list[Mark]) -> list[Mark]:
    href = of.attrs.get("href") if of.tag == "a" else None
    if not href or any(m["type"] == "link" for m in marks):
        return marks
    return [*marks, mark("link", href=href, title=of.attrs.get("title") or None)]


def _list(of: _Element, marks: list[Mark]) -> list[Node]:
    """A list; a list that stands right inside it belongs to the item before."""
    items: list[Node] = []
    for child in of.content:
        if isinstance(child, str):
            if child.strip():
                items.append(node("listItem", [_paragraph([text(_BLANKS.sub(" ", child).strip(), marks)])]))
        elif child.tag in ("ul", "ol") and items:
            items[-1]["content"].extend(_list(child, marks))
        else:
            holder = child if child.tag == "li" else _holder(child)
            items.append(node("listItem", _blocks(holder, marks)))
    if not items:
        return []
    start = of.attrs.get("start", "1")
    order = min(int(start), 999_999_999) if re.fullmatch(r"\d{1,10}", start) else 1
    return [node("orderedList", items, order=order) if of.tag == "ol" else node("bulletList", items)]


def _holder(child: _Element) -> _Element:
    holder = _Element("li", {})
    holder.content, holder.has_block = [child], True
    return holder


def _code(of: _Element) -> Node:
    """Code; its language stands in the class of the element inside."""
    inner = of.elements("code")
    named = _LANGUAGE.search(inner[0].attrs.get("class", "")) if inner else None
    language = named[1] if named else of.attrs.get("lang") or None
    body = unfenced(of.words().removesuffix("\n").replace("\u00a0", " "))
    return node("codeBlock", [text(body)] if body else [], language=language)


def _table(of: _Element, marks: list[Mark]) -> list[Node]:
    rows: list[Node] = []
    for group in of.content:
        if isinstance(group, _Element):
            for row in [group] if group.tag == "tr" else group.elements("tr"):
                cells: list[Node] = []
                for cell in row.elements("td", "th"):
                    kind = "tableHeader" if cell.tag == "th" else "tableCell"
                    align = cell.attrs.get("align")
                    cells.append(node(kind, _blocks(cell, marks), align=align if align != "justify" else None))
                    span = cell.attrs.get("colspan", "")
                    cells.extend(node(kind, []) for _ in range(min(int(span), 50) - 1 if span.isdecimal() else 0))
                rows.append(node("tableRow", cells))
    return [node("table", rows)] if any(children(row) for row in rows) else []


def _inlines(content: Sequence[_Element | str], marks: list[Mark]) -> list[Node]:
    return merged(n for child in content for n in _inline(child, marks))


def _inline(of: _Element | str, marks: list[Mark]) -> Iterator[Node]:
    if isinstance(of, str):
        yield from _with_addresses(_collapsed(of, any(m["type"] == "code" for m in marks)), marks)
    elif of.tag == "br":
        yield dict(BREAK)
    elif of.tag == "img":
        image = node(
            "image", src=of.attrs.get("src", ""), alt=of.attrs.get("alt", ""), title=of.attrs.get("title") or None
        )
        yield {**image, "marks": marks} if marks else image
    elif "data-vss-mention" in of.attrs:
        name = _BLANKS.sub(" ", of.words()).strip()
        native = of.attrs["data-vss-mention"].rpartition(",")[2].strip()
        mention = node("mention", id=native, text=name if name.startswith("@") else "@" + name)
        yield {**mention, "marks": marks} if marks else mention
    elif of.tag == "kbd":
        yield from (verbatim("<kbd>"), *_inlines(of.content, marks), verbatim("</kbd>"))
    else:
        inside = _MARKS.get(of.tag)
        inner = [*marks, inside] if inside and inside not in marks else _with_link(of, marks)
        if of.tag in BLOCKS:
            yield dict(BREAK)
        for child in of.content:
            yield from _inline(child, inner)


def _collapsed(value: str, code: bool) -> str:
    """Text with each run of blanks made one, but not in code, nor between fences, where they are hard blanks."""
    if code:
        return _NEWLINES.sub(" ", value)
    pieces = value.split(FENCE)
    if len(pieces) % 2 == 0:
        pieces = [unfenced(value)]
    return FENCE.join(p.replace("\u00a0", " ") if n % 2 else _BLANKS.sub(" ", p) for n, p in enumerate(pieces))


def _with_addresses(value: str, marks: list[Mark]) -> list[Node]:
    """Text nodes with the bare addresses made links, but for what stands between fences."""
    if any(m["type"] in ("link", "code") for m in marks):
        return [text(value, marks)]
    out: list[Node] = []
    for number, piece in enumerate(value.split(FENCE)):
        if number % 2:
            out.append(text(FENCE + piece + FENCE, marks))
            continue
        place = 0
        for address in addresses(piece):
            out.append(text(piece[place : address.start], marks))
            out.append(text(piece[address.start : address.end], [*marks, mark("link", href=address.href)]))
            place = address.end
        out.append(text(piece[place:], marks))
    return out


def _tidy(content: Sequence[Node]) -> list[Node]:
    """The nodes with runs of blanks made one, across tags too, and none at the ends of lines."""
    out: list[Node] = []
    blank = True
    for each in content:
        if each["type"] == "text" and not (marked(each, "verbatim") or marked(each, "code")):
            value = each["text"] if FENCE in each["text"] else _BLANKS.sub(" ", each["text"])
            value = value.lstrip(" ") if blank else value
            if not value:
                continue
            blank = value.endswith(" ")
            out.append({**each, "text": value})
        else:
            if each["type"] == "hardBreak":
                _trim_last(out)
            blank = each["type"] == "hardBreak"
            out.append(each)
    _trim_last(out)
    return out


def _trim_last(nodes: list[Node]) -> None:
    if nodes and nodes[-1]["type"] == "text" and not (marked(nodes[-1], "verbatim") or marked(nodes[-1], "code")):
        nodes[-1] = {**nodes[-1], "text": nodes[-1]["text"].rstrip(" ")}
