"""An edit that was made in a tracker, told in the author's own words: block by block, item by item, row by row.

Every tracker holds the author's text in its own spelling. What a person did not touch there keeps the author's.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from .md_blocks import Block, blocks_of, item_of, item_words, parts_of, quote_of, quoted_words
from .nodes import clean
from .pairs import matches

_DEPTH = 12  # lists and quotes inside each other that are looked into


class _Unit(NamedTuple):
    """The author's blocks that a tracker holds as some of its own; one of the two may be empty."""

    author: range
    before: range


class _Piece(NamedTuple):
    """A block of the result: whether it stands in the author's text, and as which one there, else in the new text."""

    own: bool
    place: int
    text: str
    says: str | None


Inner = Callable[[Block, Block, Block], str | None]


@lru_cache(maxsize=8)  # one decision asks for the same several times
def rephrase(canonical: str, before: str, after: str) -> str:
    """`canonical` with what changed between `before` and `after`, two readings of its copy in a tracker.

    Blocks that did not change are the author's to the character, the others are those of `after`, in its order.
    """
    if after == before:
        return canonical
    if canonical == before:
        return after
    return _rephrased(clean(canonical), clean(before), clean(after), _DEPTH)


def _rephrased(canonical: str, before: str, after: str, depth: int) -> str:
    if after == before:
        return canonical
    if canonical == before or not after.strip() or depth <= 0:
        return after

    def inner(own: Block, old: Block, new: Block) -> str | None:
        if new.kind == "blockquote":
            mine, was, now = (quoted_words(each.text) for each in (own, old, new))
            if mine is None or was is None or now is None:
                return None
            return quote_of(_rephrased(mine, was, now, depth - 1))
        if new.kind in ("paragraph", "heading"):
            return new.text  # in the author's place, with the author's empty lines around it
        return _parts(own, old, new, depth) if old.shape == new.shape else None

    own = blocks_of(canonical)
    pieces = list(_woven(own, blocks_of(before), blocks_of(after), inner))
    made = _joined(pieces, own, canonical)
    return made if _holds(blocks_of(made), pieces) else after


def _holds(blocks: Sequence[Block], pieces: Sequence[_Piece]) -> bool:
    """Whether the blocks of the result are the ones that were put together."""
    return len(blocks) == len(pieces) and all(
        piece.says in (None, block.says) for block, piece in zip(blocks, pieces, strict=True)
    )


def _parts(own: Block, old: Block, new: Block, depth: int) -> str | None:
    """A list or a table of the author's with its changed items or rows; None where it can't be told so."""
    mine, parts = parts_of(own), parts_of(new)
    if not mine or not parts:
        return None

    def inner(own: Block, old: Block, new: Block) -> str | None:
        if own.kind == "row":
            return None
        mine, was, now = (item_words(each.text) for each in (own, old, new))
        return item_of(_rephrased(mine, was, now, depth - 1), own.text, 0)

    pieces = list(_woven(mine, parts_of(old), parts, inner))
    if mine[0].kind == "item":
        first = mine[0].text
        pieces = [
            piece if piece.own else piece._replace(text=item_of(item_words(piece.text), first, place))
            for place, piece in enumerate(pieces)
        ]
    loose = len(mine) > 1 and mine[1].start > mine[0].end
    made = ("\n\n" if loose else "\n").join(piece.text for piece in pieces)
    found = blocks_of(made)
    return made if len(found) == 1 and _holds(parts_of(found[0]), pieces) else None


def _woven(own: Sequence[Block], before: Sequence[Block], after: Sequence[Block], inner: Inner) -> Iterator[_Piece]:
    """The blocks of the result in order."""
    same = dict(matches([block.text for block in before], [block.text for block in after]))
    units = _units(own, before)
    starts: dict[int, int] = {}
    for each, unit in enumerate(units):
        places = [same.get(place, -1) for place in unit.before]
        if places and places[0] >= 0 and places == list(range(places[0], places[0] + len(places))):
            starts[places[0]] = each
    changed = _changed(units, same, before, after)
    told = place = 0
    while place < len(after):
        number = starts.get(place)
        mixed = None
        if place in changed:
            number, pair = changed[place]
            mine = own[units[number].author[0]]
            mixed = inner(mine, before[pair], after[place]) if mine.kind == after[place].kind else None
        if number is None or (place in changed and mixed is None):
            yield _Piece(False, place, after[place].text, after[place].says)
            place += 1
            continue
        yield from _unseen(own, units[told:number])
        told = number + 1
        if mixed is not None:
            yield _Piece(True, units[number].author[0], mixed, None)
            place += 1
        else:
            yield from (_Piece(True, n, own[n].text, own[n].says) for n in units[number].author)
            place += len(units[number].before)
    yield from _unseen(own, units[told:])


def _unseen(own: Sequence[Block], units: Sequence[_Unit]) -> Iterator[_Piece]:
    """The author's blocks that the tracker never held: link definitions, for one. Nobody removed them there."""
    for unit in units:
        if not unit.before:
            yield from (_Piece(True, each, own[each].text, own[each].says) for each in unit.author)


def _units(own: Sequence[Block], before: Sequence[Block]) -> list[_Unit]:
    """Which of the author's blocks stand for which in the tracker: those that say the same, and what lies between."""
    out: list[_Unit] = []
    a = b = 0
    pairs = matches([block.says for block in own], [block.says for block in before])
    for next_a, next_b in [*pairs, (len(own), len(before))]:
        alike = [block.kind for block in own[a:next_a]] == [block.kind for block in before[b:next_b]]
        if alike:
            out.extend(_Unit(range(a + n, a + n + 1), range(b + n, b + n + 1)) for n in range(next_a - a))
        elif a < next_a or b < next_b:
            out.append(_Unit(range(a, next_a), range(b, next_b)))
        out.append(_Unit(range(next_a, next_a + 1), range(next_b, next_b + 1)))
        a, b = next_a + 1, next_b + 1
    return out[:-1]


def _changed(
    units: Sequence[_Unit], same: dict[int, int], before: Sequence[Block], after: Sequence[Block]
) -> dict[int, tuple[int, int]]:
    """For a changed block of the new text, the unit and the old block that it is a new version of."""
    single = {unit.before[0]: number for number, unit in enumerate(units) if len(unit.before) == len(unit.author) == 1}
    out: dict[int, tuple[int, int]] = {}
    a = b = 0
    for next_a, next_b in [*sorted(same.items()), (len(before), len(after))]:
        gap = matches([block.kind for block in before[a:next_a]], [block.kind for block in after[b:next_b]])
        out.update({b + y: (single[a + x], a + x) for x, y in gap if a + x in single})
        a, b = next_a + 1, next_b + 1
    return out


def _joined(pieces: Sequence[_Piece], own: Sequence[Block], canonical: str) -> str:
    """The pieces with the author's empty lines where both neighbours were the author's, else with one."""
    lines = canonical.split("\n")
    out: list[str] = []
    last: int | None = None
    for number, piece in enumerate(pieces):
        if piece.own and (number == 0 or last is not None) and piece.place == (0 if number == 0 else (last or 0) + 1):
            start = own[piece.place - 1].end if number else 0
            out.append("".join(f"{line}\n" for line in lines[start : own[piece.place].start]))
            out[-1] = ("\n" if number else "") + out[-1]
        elif number:
            out.append("\n\n")
        out.append(piece.text)
        last = piece.place if piece.own else None
    if last is not None and last == len(own) - 1:
        out.extend(f"\n{line}" for line in lines[own[last].end :])
    return "".join(out)
