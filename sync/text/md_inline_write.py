"""Inline nodes to Markdown."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markdown_it.common.html_blocks import block_names

from .links import addresses
from .md_escape import Neighbours, escape_line_start, escape_text
from .mentions import spelled
from .nodes import Node, Span, attr, marked, merged, spans

_DELIMITERS = {"strong": "**", "em": "*", "strike": "~~"}
_TAGS = {"strong": "strong", "em": "em", "strike": "del", "underline": "ins"}
_PREFIX = re.compile(r"[>\s]*|#{1,6}\s*|\[[ xX]\]\s")
_HTML_BLOCK = re.compile(rf"<[!?]|</?(?:script|pre|style|textarea|{'|'.join(block_names)})\b", re.IGNORECASE)
_RUNS_ON = re.compile(r"[\\`\[!/\w]")  # what, right after a bare address, would become part of it
_REFERS = re.compile(r"\][(\[]")
_AHEAD = 300  # characters that may run on a bare address
_MAIL_RUNS_ON = re.compile(r"[\w@-]")
_TICKS = re.compile("`+")
_NEEDS_BRACKETS = re.compile(r"[\s<>\\\x00-\x20\x7f]|&(?=#?\w+;)")
_ENTITY = re.compile(r"&(?=#?\w+;)")


class Style(NamedTuple):
    """How careful to be: tags in place of delimiters, every punctuation mark escaped, breaks as tags."""

    tags: bool = False
    strict: bool = False
    one_line: bool = False


class Piece(NamedTuple):
    """A stretch of the output: `text` to be escaped, `label` (the same in a link), `url`, `raw`, `source` or `break`."""

    kind: str
    value: str


def write_inline(nodes: Sequence[Node], style: Style) -> str:
    """The Markdown of inline nodes."""
    trimmed = _trim(merged(nodes))
    return _assemble(list(_pieces(spans(trimmed), style, "text")), style)


def _trim(nodes: list[Node]) -> list[Node]:
    """The nodes without blanks at the ends of lines, which Markdown would drop anyway."""
    out = [dict(n) for n in nodes]
    for place, each in enumerate(out):
        if each["type"] != "text" or marked(each, "code") or marked(each, "verbatim"):
            continue
        if place == 0 or out[place - 1]["type"] == "hardBreak":
            each["text"] = each["text"].lstrip(" \t" if place else None)
        if place == len(out) - 1 or out[place + 1]["type"] == "hardBreak":
            each["text"] = each["text"].rstrip(" \t" if place < len(out) - 1 else None)
    return [n for n in out if n["type"] != "text" or n["text"]]


def _pieces(tree: Sequence[Node | Span], style: Style, kind: str) -> Iterator[Piece]:
    for part in tree:
        if isinstance(part, Span):
            yield from _span(part, style, kind)
        elif part["type"] == "hardBreak":
            yield Piece("break", "\n")
        elif part["type"] == "image":
            label = _assemble([Piece("label", attr(part, "alt", ""))], style)
            yield Piece("raw", f"![{label}]({target(part)})")
        elif part["type"] == "mention":
            yield Piece("raw", spelled(str(attr(part, "person", ""))))
        elif marked(part, "code"):
            yield Piece("raw", code_span(part["text"]))
        else:
            yield Piece("source" if marked(part, "verbatim") else kind, part["text"])


def _span(span: Span, style: Style, kind: str) -> Iterator[Piece]:
    name = span.mark["type"]
    if name == "link":
        yield from _link(span, style)
        return
    inner = list(_pieces(span.children, style, kind))
    before, inner, after = _blanks_out(inner)
    yield from before
    if inner and name == "subsup":
        tag = attr(span.mark, "type", "sub")
        yield from (Piece("raw", f"<{tag}>"), *inner, Piece("raw", f"</{tag}>"))
    elif inner and name in _TAGS and (style.tags or name == "underline"):
        yield from (Piece("raw", f"<{_TAGS[name]}>"), *inner, Piece("raw", f"</{_TAGS[name]}>"))
    elif inner and name in _DELIMITERS:
        yield from (Piece("raw", _DELIMITERS[name]), *inner, Piece("raw", _DELIMITERS[name]))
    else:
        yield from inner
    yield from after


def _blanks_out(pieces: list[Piece]) -> tuple[list[Piece], list[Piece], list[Piece]]:
    """The pieces with outer blanks and breaks moved outside: a delimiter must touch a word."""
    before: list[Piece] = []
    after: list[Piece] = []
    while pieces and (
        pieces[0].kind == "break" or (pieces[0].kind in ("text", "label") and not pieces[0].value.strip())
    ):
        before.append(pieces.pop(0))
    while pieces and (
        pieces[-1].kind == "break" or (pieces[-1].kind in ("text", "label") and not pieces[-1].value.strip())
    ):
        after.insert(0, pieces.pop())
    if pieces and pieces[0].kind in ("text", "label"):
        kind, value = pieces[0]
        if value != value.lstrip():
            before.append(Piece(kind, value[: len(value) - len(value.lstrip())]))
            pieces[0] = Piece(kind, value.lstrip())
    if pieces and pieces[-1].kind in ("text", "label"):
        kind, value = pieces[-1]
        if value != value.rstrip():
            after.insert(0, Piece(kind, value[len(value.rstrip()) :]))
            pieces[-1] = Piece(kind, value.rstrip())
    return before, pieces, after


def _link(span: Span, style: Style) -> Iterator[Piece]:
    href = str(attr(span.mark, "href", ""))
    only = span.children[0] if len(span.children) == 1 else None
    shown = only["text"] if isinstance(only, dict) and only["type"] == "text" and not marked(only, "code") else None
    if shown is not None and not attr(span.mark, "title"):
        found = addresses(shown)
        if len(found) == 1 and found[0] == (0, len(shown), href):
            yield Piece("url", shown)
            return
        if shown == href and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>\\`]*", href):
            yield Piece("raw", f"<{href}>")
            return
    yield Piece("raw", "[")
    yield from _pieces(span.children, style, "label")
    yield Piece("raw", f"]({target(span.mark)})")


def target(of: Node) -> str:
    """The destination and title of a link mark or an image, as they stand between the parentheses."""
    href = str(attr(of, "href") or attr(of, "src") or "").replace("\n", "%0A")
    if _NEEDS_BRACKETS.search(href) or not _balanced(href):
        href = "<" + _ENTITY.sub("&amp;", re.sub(r"([<>\\])", r"\\\1", href)) + ">"
    title = attr(of, "title")
    if not title:
        return href
    escaped = re.sub(r'(["\\])', r"\\\1", _ENTITY.sub("&amp;", str(title).replace("\n", " ")))
    return f'{href or "<>"} "{escaped}"'


def _balanced(href: str) -> bool:
    depth = 0
    for character in href:
        depth += (character == "(") - (character == ")")
        if not 0 <= depth <= 3:
            return False
    return depth == 0


def code_span(value: str) -> str:
    """A code span for the text, its ticks outnumbering those inside."""
    value = value.replace("\n", " ")
    longest = max((len(run) for run in _TICKS.findall(value)), default=0)
    ticks = "`" * (longest + 1) if longest else "`"
    padded = value.startswith("`") or value.endswith("`") or (value[:1] == " " == value[-1:] and value.strip())
    return f"{ticks} {value} {ticks}" if padded else f"{ticks}{value}{ticks}"


def _assemble(pieces: list[Piece], style: Style) -> str:
    around = Neighbours.of([(p.kind, p.value) for p in pieces])
    out: list[Piece] = []
    line_start = True
    for place, piece in enumerate(pieces):
        if piece.kind == "break":
            out.append(Piece("raw", _break(pieces, place, style)))
            line_start = True
        elif piece.kind in ("raw", "source", "url"):
            out.append(piece)
            line_start = line_start and piece.kind == "source" and bool(_PREFIX.fullmatch(piece.value))
        else:
            before = pieces[place - 1].value[-1:] if place else ""
            after = pieces[place + 1].value[:1] if place + 1 < len(pieces) else ""
            value = piece.value.lstrip(" \t") if before == "\n" else piece.value
            escaped = list(_escaped(value, before, after, piece.kind == "label", style, around))
            if line_start:
                escaped[0] = Piece("raw", escape_line_start(escaped[0].value))
            out.extend(escaped)
            line_start = False
    done: list[str] = []
    following = ""
    for piece in reversed(out):
        done.append(_bounded(piece, following))
        following = (done[-1] + following)[:_AHEAD]
    return "".join(reversed(done))


def _bounded(piece: Piece, following: str) -> str:
    """A bare address ends where GitHub would end it, else it gets brackets."""
    if piece.kind != "url":
        return piece.value
    mail = "://" not in piece.value and "@" in piece.value
    alone = addresses(piece.value + following)[:1] == addresses(piece.value) and not _REFERS.search(piece.value)
    if alone and not (_MAIL_RUNS_ON if mail else _RUNS_ON).match(following):
        return piece.value
    if "://" in piece.value or mail:
        return f"<{piece.value}>"
    return f"[{piece.value}](http://{piece.value})"


def _break(pieces: list[Piece], place: int, style: Style) -> str:
    """A newline, or a tag where a newline would end the paragraph or vanish."""
    followed = place + 1 < len(pieces)
    doubled = followed and pieces[place + 1].kind == "break"
    block = followed and pieces[place + 1].kind == "source" and _HTML_BLOCK.match(pieces[place + 1].value)
    return "<br>" if style.one_line or doubled or block or not (place and followed) else "\n"


def _escaped(value: str, before: str, after: str, label: bool, style: Style, around: Neighbours) -> Iterator[Piece]:
    """The text escaped, except where GitHub will see a bare address: an escape there would break it."""
    place = 0
    for address in () if label else addresses(value):
        yield Piece("raw", escape_text(value[place : address.start], before, "h", label, style.strict, around))
        yield Piece("url", value[address.start : address.end])
        before, place = value[address.end - 1], address.end
    yield Piece("raw", escape_text(value[place:], before, after, label, style.strict, around))
