"""Wiki markup of Jira kept line by line: what did not change stays as Jira has it, to the character."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .md_write import write_markdown
from .mentions import Mentions, named
from .nodes import Node
from .pairs import merge
from .wiki_read import ITEM, macro_spans, read_wiki
from .wiki_write import write_wiki

_ALONE = re.compile(r"\s*(?:h[1-6]\.(?:\s|$)|bq\.\s|-{4,5}\s*$)")
_ROW = re.compile(r"\s*\|.*\S", re.DOTALL)
_MACRO = re.compile(
    r"(?P<start>\s*\{(?P<name>quote|panel)(?::[^}\n]*)?\}[ \t]*\r?\n)(?P<inside>.*)(?P<end>\n[ \t]*\{(?P=name)\}\s*)",
    re.DOTALL | re.IGNORECASE,
)
_NEWLINE = re.compile("\n")
_JOINS = {"text": ("text",), "list": ("list", "text", "block", "quote", "panel"), "table": ("table",)}
_NEW = -1


class _Piece(NamedTuple):
    """Whole lines: a `list`, `table`, `quote`, `panel` or any other `block`, or an `item` or `row` of the first two.

    `place` numbers the pieces of the current text, and `gap` stands before the piece there.
    """

    kind: str
    source: str
    place: int = _NEW
    gap: str = ""


def keep_wiki(current: str, blocks: Sequence[Node], who: Mentions) -> str:
    """The wiki markup for the blocks, with the current source wherever both read the same."""
    wanted = write_wiki(blocks)
    if not current:
        return wanted
    words = _said(wanted, who)
    if _said(current, who) == words:
        return current
    made = _joined(merge(_Wiki(who), _parts(current), _new(_parts(wanted))))
    return made if _said(made, who) == words else wanted


def _said(wiki: str, who: Mentions) -> str:
    return write_markdown(named(read_wiki(wiki), who))


class _Wiki:
    """See `Form`; nothing is a frame here."""

    def __init__(self, who: Mentions) -> None:
        self._who = who
        self._keys: dict[tuple[str, str], str] = {}

    def key(self, part: _Piece) -> str:
        known = self._keys.get(part[:2])
        if known is None:
            item = ITEM.match(part.source) if part.kind == "item" else None
            known = self._keys[part[:2]] = (item[1] if item else "") + _said(part.source, self._who)
        return known

    def kind(self, part: _Piece) -> str:
        return part.kind if part.kind in ("list", "table", "quote", "panel") else ""

    def frame(self, _part: _Piece) -> list[_Piece]:
        return []

    def takes(self, _frame: _Piece) -> bool:
        return True

    def filled(self, frame: _Piece, _inside: list[_Piece]) -> _Piece:
        return frame

    def revised(self, old: _Piece, new: _Piece) -> _Piece:
        before, after = _MACRO.fullmatch(old.source), _MACRO.fullmatch(new.source)
        if old.kind in ("list", "table"):
            inside = merge(self, _lines_of(old), _new(_lines_of(new)))
            return new._replace(source="\n".join(piece.source for piece in inside))
        if before is None or after is None:
            return new
        parts = _new(_parts(after["inside"]))
        for words in (parts, parts[1:]):  # the title of a panel reads as its first line
            kept = before["start"] + _joined(words) + before["end"]
            if self.key(new._replace(source=kept)) == self.key(new):
                body = _joined(merge(self, _parts(before["inside"]), words))
                return new._replace(source=before["start"] + body + before["end"])
        return new


def _new(pieces: Sequence[_Piece]) -> list[_Piece]:
    return [piece._replace(place=_NEW) for piece in pieces]


def _joined(pieces: Sequence[_Piece]) -> str:
    """The text: between neighbours of old what stood there, else an empty line."""
    out: list[str] = []
    last = _NEW
    for number, piece in enumerate(pieces):
        follows = piece.place == last + 1 and piece.place != _NEW
        out.append(piece.gap if follows else "\n\n" if number else "")
        out.append(piece.source)
        last = piece.place if piece.place != _NEW else -2
    return "".join(out)


def _parts(source: str) -> list[_Piece]:
    """The blocks of a text; the blank lines at its end belong to the last of them."""
    out: list[_Piece] = []
    blanks = ""
    for line in _lines(source):
        kind = _kind(line)
        if kind == "blank":
            blanks += line + "\n"
        elif out and not blanks and kind in _JOINS.get(out[-1].kind, ()):
            out[-1] = out[-1]._replace(source=f"{out[-1].source}\n{line}")
        else:
            out.append(_Piece(kind, line, len(out), ("\n" if out else "") + blanks))
            blanks = ""
    if out and blanks:
        out[-1] = out[-1]._replace(source=f"{out[-1].source}\n{blanks.removesuffix(chr(10))}")
    return out


def _lines_of(piece: _Piece) -> list[_Piece]:
    """The items of a list or the rows of a table, each with the lines that go on with it."""
    out: list[_Piece] = []
    kind = "item" if piece.kind == "list" else "row"
    for line in _lines(piece.source):
        if out and _kind(line) != piece.kind:
            out[-1] = out[-1]._replace(source=f"{out[-1].source}\n{line}")
        else:
            out.append(_Piece(kind, line, len(out)))
    return out


def _lines(source: str) -> Iterator[str]:
    """The lines, with those that a macro spans as one."""
    start = 0
    spans = iter([*macro_spans(source), (len(source), len(source))])
    opening, closing = next(spans)
    for newline in _NEWLINE.finditer(source):
        while closing <= newline.start() and closing < len(source):
            opening, closing = next(spans)
        if not opening <= newline.start() < closing:
            yield source[start : newline.start()]
            start = newline.end()
    yield source[start:]


def _kind(line: str) -> str:
    if not line.strip():
        return "blank"
    if _ROW.match(line):
        return "table"
    if _ALONE.match(line):
        return "block"
    if macro := _MACRO.fullmatch(line):
        return macro["name"].lower()
    if "\n" in line:
        return "block"
    return "list" if ITEM.match(line) else "text"
