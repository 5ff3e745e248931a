"""Joint line-level merge of one text that several sides edited, each from its own rendering of it.

Every side's edit is the step from its `base` to its `head`. The hunks of all sides are carried over to the lines of
the canonical text and applied together; only hunks that touch the same lines and say different things conflict.
Nothing depends on the order of the sides.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from sync.core.fieldrules import text_key

#: Above this many lines a side is taken as one hunk: matching is quadratic at worst.
MATCHING_LIMIT = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One side's step; `delivered` says that `base` is this side's rendering of the canonical text as it stands.

    Where it is not, the lines in which the two differ carry somebody's edit that this side has not seen yet.
    """

    side: Hashable
    base: str
    head: str
    delivered: bool


@dataclass(frozen=True, slots=True, order=True)
class Hunk:
    """Replace canonical lines `start:end` by `lines`; an insertion has `start == end`."""

    start: int
    end: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """A region of the canonical text that two or more sides rewrote differently; `hunks` holds each side's version of the whole region."""

    start: int
    end: int
    versions: tuple[tuple[Hashable, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The parts of a merge: hunks that apply cleanly, and overlaps that somebody has to settle; `None` stands for the canonical side."""

    lines: tuple[str, ...]
    clean: tuple[Hunk, ...]
    overlaps: tuple[Overlap, ...]

    def render(self, choose: Hashable = None) -> str:
        """The merged text, in every overlap with the version of the side `choose` (else of the first that has one there)."""
        hunks = list(self.clean)
        for overlap in self.overlaps:
            versions = dict(reversed(overlap.versions))
            hunks.append(Hunk(overlap.start, overlap.end, versions.get(choose, overlap.versions[0][1])))
        lines = list(self.lines)
        for hunk in sorted(hunks, reverse=True):
            lines[hunk.start : hunk.end] = hunk.lines
        return "\n".join(lines)


def merge_texts(canonical: str, edits: Sequence[Edit]) -> Merged:
    """Carry every side's hunks over to `canonical` and sort them into clean ones and overlaps."""
    lines = split(canonical)
    owned: list[tuple[Hashable, Hunk]] = []
    for edit in edits:
        owned += _carried(edit, lines)
    clean: list[Hunk] = []
    overlaps: list[Overlap] = []
    for group in _groups(owned):
        start, end = min(hunk.start for _, hunk in group), max(hunk.end for _, hunk in group)
        versions: dict[Hashable, tuple[str, ...]] = {}
        for side in sorted({side for side, _ in group}, key=repr):
            versions[side] = _applied(lines, start, end, [hunk for owner, hunk in group if owner == side])
        if len(set(versions.values())) == 1:
            clean.append(Hunk(start, end, next(iter(versions.values()))))
        else:
            overlaps.append(Overlap(start=start, end=end, versions=tuple(versions.items())))
    return Merged(lines=tuple(lines), clean=tuple(clean), overlaps=tuple(overlaps))


def common_base(texts: Sequence[str]) -> str:
    """The lines that all texts share, in order: the past that two texts without one are given when they meet."""
    shared = split(texts[0])
    for text in texts[1:]:
        other = split(text)
        shared = [shared[i] for i in sorted(_matches(shared, other))]
    return "\n".join(shared)


def split(text: str) -> list[str]:
    """The text as lines, without what trackers change on their own."""
    key = text_key(text)
    return key.split("\n") if key else []


def _carried(edit: Edit, canonical: list[str]) -> list[tuple[Hashable, Hunk]]:
    """The side's hunks in canonical coordinates.

    Lines of the base that stand in both the canonical text and the head hold the three together; what lies between
    them differs somewhere. Where the base was delivered, a difference to the canonical text is only this tracker's way of
    writing, so the head's lines stand for the region; where it was not, the canonical text has an edit there
    that this side has not seen, and becomes a rival in that region (owner None).
    """
    base, head = split(edit.base), split(edit.head)
    hunks: list[tuple[Hashable, Hunk]] = []
    for (b0, b1), (c0, c1), (h0, h1) in _unstable(base, canonical, head):
        if head[h0:h1] == base[b0:b1]:
            continue  # only the canonical text differs here
        hunks.append((edit.side, Hunk(c0, c1, tuple(head[h0:h1]))))
        if not edit.delivered and canonical[c0:c1] not in (base[b0:b1], head[h0:h1]):
            hunks.append((None, Hunk(c0, c1, tuple(canonical[c0:c1]))))
    return hunks


_Span = tuple[int, int]


def _unstable(
    base: Sequence[str], canonical: Sequence[str], head: Sequence[str]
) -> Iterator[tuple[_Span, _Span, _Span]]:
    """The stretches between lines of `base` that are matched in both others (diff3's unstable chunks)."""
    in_canonical, in_head = _matches(base, canonical), _matches(base, head)
    b = c = h = 0
    for i in range(len(base) + 1):
        if i == len(base):
            c1, h1 = len(canonical), len(head)
        elif i in in_canonical and i in in_head:
            c1, h1 = in_canonical[i], in_head[i]
        else:
            continue
        if i > b or c1 > c or h1 > h:
            yield (b, i), (c, c1), (h, h1)
        b, c, h = i + 1, c1 + 1, h1 + 1


def _groups(owned: Sequence[tuple[Hashable, Hunk]]) -> list[list[tuple[Hashable, Hunk]]]:
    """Hunks that touch each other, together; two insertions at the same place touch, neighbours do not."""
    groups: list[list[tuple[Hashable, Hunk]]] = []
    reach = -1
    for side, hunk in sorted(owned, key=lambda item: (item[1].start, item[1].end, item[1].lines, repr(item[0]))):
        touches = groups and (hunk.start < reach or any(_same_place(hunk, other) for _, other in groups[-1]))
        if touches:
            groups[-1].append((side, hunk))
            reach = max(reach, hunk.end)
        else:
            groups.append([(side, hunk)])
            reach = hunk.end
    return groups


def _same_place(a: Hunk, b: Hunk) -> bool:
    return a.start == b.start and (a.start == a.end or b.end in (b.start, a.end))


def _applied(lines: Sequence[str], start: int, end: int, hunks: Sequence[Hunk]) -> tuple[str, ...]:
    out: list[str] = []
    position = start
    for hunk in sorted(set(hunks)):
        out += lines[position : max(position, hunk.start)]
        out += hunk.lines
        position = max(position, hunk.end)
    return tuple(out + list(lines[position:end]))


def _matches(a: Sequence[str], b: Sequence[str]) -> dict[int, int]:
    """Which line of `a` is which line of `b`, increasing on both sides."""
    if max(len(a), len(b)) > MATCHING_LIMIT:
        return {i: i for i in range(len(a))} if a == b else {}
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    return {block.a + i: block.b + i for block in blocks for i in range(block.size)}
