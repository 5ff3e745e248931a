"""The inline part of Markdown to nodes."""

import re
from collections.abc import Sequence

from markdown_it.token import Token

from .links import addresses
from .md_html import MARK_TAGS
from .mentions import person_in
from .nodes import BREAK, Mark, Node, broken, mark, merged, node, text, verbatim

_BREAK_TAG = re.compile(r"<br\s*/?>", re.IGNORECASE)
_SIMPLE_TAG = re.compile(r"<(/?)([A-Za-z]+)>")
_MARK_TOKENS = {"strong_open": mark("strong"), "em_open": mark("em"), "s_open": mark("strike")}


def inline_nodes(tokens: Sequence[Token]) -> list[Node]:
    """Texts, breaks and images for the children of an inline token."""
    pairs = _paired_tags(tokens)
    out: list[Node] = []
    marks: list[Mark] = []
    link_starts: list[int] = []
    for number, token in enumerate(tokens):
        if token.type == "text":
            out.extend(_with_addresses(token.content, marks))
        elif token.type in ("softbreak", "hardbreak"):
            out.append(dict(BREAK))
        elif token.type == "code_inline":
            out.append(text(token.content, [*marks, mark("code")]))
        elif token.type == "link_open":
            marks.append(mark("link", href=str(token.attrs["href"]), title=token.attrs.get("title") or None))
            link_starts.append(len(out))
        elif token.type == "link_close":
            link = marks.pop()
            start = link_starts.pop()
            person = person_in(link["attrs"]["href"])
            if person is not None:
                out[start:] = [{**node("mention", person=person), "marks": list(marks)}]
            elif len(out) == start:
                out.append(verbatim(f"[](<{link['attrs']['href']}>)"))
        elif token.type in _MARK_TOKENS:
            marks.append(_MARK_TOKENS[token.type])
        elif token.type in ("strong_close", "em_close", "s_close"):
            marks.pop()
        elif number in pairs:
            marks = _tagged(token.content, marks)
        else:
            out.extend(_other(token, marks))
    return merged(_unique(out))


def _other(token: Token, marks: list[Mark]) -> list[Node]:
    if token.type == "image":
        title = token.attrs.get("title") or None
        image = node("image", src=str(token.attrs["src"]), alt=_alt(token.children or ()), title=title)
        return [{**image, "marks": list(marks)} if marks else image]
    if token.type == "html_inline" and _BREAK_TAG.fullmatch(token.content):
        return [dict(BREAK)]
    if token.type == "html_inline":
        verb = [*marks, mark("verbatim")]
        return list(broken(token.content, verb))
    if token.type == "footnote_ref":
        return [verbatim(f"[^{token.meta['label']}]")]
    return list(broken(token.content, marks))


def _alt(tokens: Sequence[Token]) -> str:
    parts: list[str] = []
    for token in tokens:
        if token.type == "image":
            parts.append(_alt(token.children or ()))
        elif token.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        else:
            parts.append(token.content)
    return "".join(parts)


def _unique(nodes: list[Node]) -> list[Node]:
    """The nodes with each kind of mark once, the outermost first."""
    for each in nodes:
        if len(each.get("marks", ())) > 1:
            kinds = [(m["type"], m.get("attrs", {}).get("type")) for m in each["marks"]]
            each["marks"] = [m for place, m in enumerate(each["marks"]) if kinds.index(kinds[place]) == place]
    return nodes


def _tagged(tag: str, marks: list[Mark]) -> list[Mark]:
    closing, name = _SIMPLE_TAG.fullmatch(tag).groups()  # type: ignore[union-attr]
    meant = MARK_TAGS[name.lower()]
    if not closing:
        return [*marks, meant]
    last = len(marks) - 1 - marks[::-1].index(meant)
    return marks[:last] + marks[last + 1 :]


def _paired_tags(tokens: Sequence[Token]) -> set[int]:
    """The places of the inline tags that open and close properly and say no more than a mark does."""
    found: set[int] = set()
    opened: list[tuple[str, int]] = []
    for number, token in enumerate(tokens):
        if token.nesting == 1:
            opened.append(("", number))
        elif token.nesting == -1:
            while opened and opened.pop()[0]:
                continue
        elif token.type == "html_inline" and (tag := _SIMPLE_TAG.fullmatch(token.content)):
            name = tag[2].lower()
            if name not in MARK_TAGS:
                continue
            if not tag[1]:
                opened.append((name, number))
            elif opened and opened[-1][0] == name:
                found.update((opened.pop()[1], number))
    return found


def _with_addresses(value: str, marks: list[Mark]) -> list[Node]:
    if any(m["type"] == "link" for m in marks):
        return list(broken(value, marks))
    out: list[Node] = []
    place = 0
    for address in addresses(value):
        out.extend(broken(value[place : address.start], marks))
        out.append(text(value[address.start : address.end], [*marks, mark("link", href=address.href)]))
        place = address.end
    out.extend(broken(value[place:], marks))
    return out
