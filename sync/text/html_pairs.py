"""HTML of Azure DevOps kept piece by piece: what did not change stays as the service has it, to the character."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from .html_read import BLOCKS, read_html
from .html_safe import tokens
from .html_write import write_html
from .md_write import write_markdown
from .mentions import Mentions, named
from .neutral import restore
from .nodes import MAX_DEPTH, Node
from .pairs import NESTED, merge

_VOID = frozenset({"br", "hr", "img", "input", "wbr", "col"})
_TAKES = frozenset({"div", "section"})
_FRAMES = _TAKES | {"tbody", "thead", "tfoot"}
_LOOKED_INTO = frozenset({"ul", "ol", "li", "table", "tr", "td", "th", "blockquote"})
_KINDS = _LOOKED_INTO | {"p", "h1", "h2", "h3", "h4", "h5", "h6"}
_FLOW = _TAKES | {"", "li", "td", "th", "blockquote"}  # in these, loose text makes paragraphs
_WRAPPED = {"li": ("<ul>", "</ul>"), "tr": ("<table>", "</table>")}
_WRAPPED["td"] = _WRAPPED["th"] = ("<table><tr>", "</tr></table>")
_LINES = "lines"
_SHOWN = re.compile(r"<br|&nbsp;|&#160;|\u00a0", re.IGNORECASE)  # what makes an empty line of a blank one
_BLANK = re.compile(r"(?:\s|&nbsp;|&#160;)*")


class _Piece:
    """A stretch of the source: an element, text (without a tag), or the loose lines of one paragraph."""

    __slots__ = ("end", "has_block", "inside", "start", "tag")

    def __init__(self, tag: str, start: str, inside: "Iterable[_Piece]" = (), end: str = "") -> None:
        self.tag, self.start, self.end = tag, start, end
        self.inside = list(inside)
        self.has_block: bool = any(piece.has_block or piece.tag in BLOCKS for piece in self.inside)

    def source(self) -> str:
        """The piece as it stands in the text."""
        return self.start + "".join(piece.source() for piece in self.inside) + self.end

    def is_blank(self) -> bool:
        """Whether there is nothing to see."""
        return (
            self.tag != "img"
            and all(piece.is_blank() for piece in self.inside)
            and not (self.tag == "" and not _BLANK.fullmatch(self.start) and not self.start.startswith("<!--"))
        )


def keep_html(current: str, blocks: Sequence[Node], who: Mentions) -> str:
    """The HTML for the blocks, with the current source wherever both read the same."""
    wanted = write_html(blocks)
    if not current:
        return wanted
    words = _said(wanted, who)
    if _said(current, who) == words:
        return current
    old, new = _parsed(current), _parsed(wanted)
    if old is None or new is None or not old.inside:
        return wanted
    made = "".join(piece.source() for piece in _apart(merge(_Html(who), old.inside, _words(new))))
    return made if _said(made, who) == words else wanted


def _said(html: str, who: Mentions) -> str:
    """The reading, whether or not it is neutral: a mention that a person wrote stays alive where it stands."""
    return restore(write_markdown(named(read_html(html), who)))


class _Html:
    """See `Form`."""

    def __init__(self, who: Mentions) -> None:
        self._who = who
        self._level = 0
        self._keys: dict[_Piece, str] = {}

    def key(self, part: _Piece) -> str:
        if part not in self._keys:
            before, after = _WRAPPED.get(part.tag, ("", ""))
            self._keys[part] = _said(before + part.source() + after, self._who) if part.tag else ""
        return self._keys[part]

    def kind(self, part: _Piece) -> str:
        return part.tag if part.tag in _KINDS else ""

    def frame(self, part: _Piece) -> list[_Piece]:
        return part.inside if part.tag in _FRAMES else []

    def takes(self, frame: _Piece) -> bool:
        return frame.tag in _TAKES

    def filled(self, frame: _Piece, inside: list[_Piece]) -> _Piece:
        return _Piece(frame.tag, frame.start, _apart(inside), frame.end)

    def revised(self, old: _Piece, new: _Piece) -> _Piece:
        if self._level >= NESTED:
            return new
        same = self.key(_Piece(old.tag, old.start, new.inside, old.end)) == self.key(new)
        inside = new.inside
        if old.tag in _LOOKED_INTO:
            self._level += 1
            inside = _apart(merge(self, old.inside, _words(new)))
            self._level -= 1
        return _Piece(old.tag, old.start if same else new.start, inside, old.end)


def _words(of: _Piece) -> list[_Piece]:
    """The insides but for the blanks between them, and for what only frames them."""
    framed = (_words(piece) if piece.tag in _FRAMES else [piece] for piece in of.inside if piece.tag)
    return [piece for pieces in framed for piece in pieces]


def _apart(pieces: Sequence[_Piece]) -> list[_Piece]:
    """The pieces with an empty line between paragraphs that are only lines."""
    out = list(pieces[:1])
    for before, piece in pairwise(pieces):
        if before.tag == piece.tag == _LINES:
            out.append(_Piece("", "<div><br></div>"))
        out.append(piece)
    return out


def _parsed(html: str) -> _Piece | None:
    """The source as a tree; None where tags don't close in order."""
    stack: list[tuple[str, str, list[_Piece]]] = [("", "", [])]
    for token in tokens(html):
        if token.kind != "tag":
            stack[-1][2].append(_Piece("", token.source))
        elif token.name in _VOID:
            stack[-1][2].append(_Piece(token.name, token.source))
        elif not token.closes:
            stack.append((token.name, token.source, []))
            if len(stack) > MAX_DEPTH:
                return None
        elif stack[-1][0] != token.name:
            return None
        else:
            tag, start, inside = stack.pop()
            stack[-1][2].append(_Piece(tag, start, _flow(inside) if tag in _FLOW else inside, token.source))
    return _Piece("", "", _flow(stack[0][2])) if len(stack) == 1 else None


def _flow(pieces: Sequence[_Piece]) -> Iterator[_Piece]:
    """The pieces with lines in a row made one, as the reader makes one paragraph of them."""
    run: list[_Piece] = []
    for piece in [*pieces, None]:
        if piece is not None and (not (piece.tag in BLOCKS or piece.has_block) or _is_line(piece)):
            run.append(piece)
            continue
        yield from _paragraphs(run)
        run = []
        if piece is not None:
            yield piece


def _is_line(piece: _Piece) -> bool:
    """Whether an element is one line, or lines of one paragraph."""
    return piece.tag in _TAKES and not piece.has_block and len(piece.inside) <= 1


def _paragraphs(run: Sequence[_Piece]) -> Iterator[_Piece]:
    """One piece of lines for each stretch without an empty line."""
    lines: list[_Piece] = []
    line: list[_Piece] = []
    for place, piece in enumerate(run):
        line.append(piece)
        following = run[place + 1] if place + 1 < len(run) else None
        if piece.tag in _TAKES or piece.tag == "br" or following is None or following.tag in _TAKES:
            blank = all(each.is_blank() for each in line)
            if not blank or (lines and not any(_SHOWN.search(each.source()) for each in line)):
                lines.extend(line)
            else:
                if lines:
                    yield _Piece(_LINES, "", lines)
                yield from line
                lines = []
            line = []
    if lines:
        yield _Piece(_LINES, "", lines)
