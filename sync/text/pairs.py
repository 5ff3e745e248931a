"""Pairing the parts of what stands in a tracker with the parts of what is to stand there.

A part that reads the same on both sides stays as it is, with everything that only its tracker understands. A part that
changed is looked into when both sides are of one kind, so the parts inside it that did not change stay as well.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Protocol, TypeVar

T = TypeVar("T")
Pair = tuple[int, int]

_SMALL = 10_000  # pairs of places: up to here every one may be compared
_ROUNDS = 8
_FRAMES = 10  # frames inside each other that are looked through
NESTED = 8  # parts inside each other that are looked into: each level reads all that is in it again


class Form(Protocol[T]):
    """How the parts of one format are told apart and put together."""

    def key(self, part: T) -> str:
        """What the part says, as Markdown; empty for what says nothing."""

    def kind(self, part: T) -> str:
        """Parts of one kind may be paired though they differ; the empty kind is paired with nothing."""

    def frame(self, part: T) -> list[T]:
        """What stands in a part that reads as if its insides stood in its place; nothing for any other part."""

    def takes(self, frame: T) -> bool:
        """Whether any block may stand in a frame."""

    def filled(self, frame: T, inside: list[T]) -> T:
        """A frame with other insides, perhaps none."""

    def revised(self, old: T, new: T) -> T:
        """The new part, with all of the old one of its kind that reads the same."""


def merge(form: Form[T], old: Sequence[T], new: Sequence[T]) -> list[T]:
    """The new parts, with the old one in place of each that reads the same."""
    leaves = list(_leaves(form, old, 0))
    stays: dict[int, T] = {}
    before: dict[int, Sequence[T]] = {}
    start = taken = 0
    for place, other in [*_paired(form, leaves, new), (len(leaves), len(new))]:
        # What is new comes where the first of the blocks stood that it replaces.
        gone = next((n for n in range(start, place) if form.key(leaves[n])), place)
        before[gone] = new[taken:other]
        start, taken = place + 1, other + 1
        if place < len(leaves):
            leaf, wanted = leaves[place], new[other]
            stays[place] = leaf if form.key(leaf) == form.key(wanted) else form.revised(leaf, wanted)
    _keep_silent(form, leaves, stays)
    places = iter(range(len(leaves)))
    out: list[T] = []

    def rebuild(parts: Sequence[T], into: list[T], above: list[T], depth: int) -> bool:
        """Put what stays of the parts into a list, and what may not stand in it into the list above."""
        any_left = False
        for part in parts:
            inside = form.frame(part) if depth < _FRAMES else []
            if inside:
                held: list[T] = []
                left = rebuild(inside, held, held if form.takes(part) else above, depth + 1)
                if left or above is not into:
                    into.append(form.filled(part, held))
            else:
                place = next(places)
                above.extend(before.get(place, ()))
                into.extend([stays[place]] if place in stays else [])
                left = place in stays or (above is into and bool(before.get(place)))
            any_left = any_left or left
        return any_left

    rebuild(old, out, out, 0)
    return [*out, *before.get(len(leaves), ())]


def _leaves(form: Form[T], parts: Sequence[T], depth: int) -> Iterator[T]:
    for part in parts:
        inside = form.frame(part) if depth < _FRAMES else []
        if inside:
            yield from _leaves(form, inside, depth + 1)
        else:
            yield part


def _paired(form: Form[T], old: Sequence[T], new: Sequence[T]) -> list[Pair]:
    """The places that belong together: those that read the same, and between them those of one kind."""
    old_keys = [form.key(part) or ("old", place) for place, part in enumerate(old)]
    new_keys = [form.key(part) or ("new", place) for place, part in enumerate(new)]
    out: list[Pair] = []
    start = other = 0
    for place, match in [*matches(old_keys, new_keys), (len(old), len(new))]:
        loose = [n for n in range(start, place) if form.key(old[n]) and form.kind(old[n])]
        kinds = [form.kind(part) or str(n) for n, part in enumerate(new[other:match])]
        out.extend((loose[a], other + b) for a, b in matches([form.kind(old[n]) for n in loose], kinds))
        out.append((place, match))
        start, other = place + 1, match + 1
    return out[:-1]


def _keep_silent(form: Form[T], leaves: Sequence[T], stays: dict[int, T]) -> None:
    """Let the leaves that say nothing, an empty line for one, stay beside a neighbour that stays, and at both ends."""
    run: list[int] = []
    beside = True
    for place, leaf in enumerate(leaves):
        if form.key(leaf):
            stays.update({n: leaves[n] for n in run if beside or place in stays})
            run, beside = [], place in stays
        else:
            run.append(place)
    stays.update({n: leaves[n] for n in run})


def matches(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[Pair]:
    """Places with equal values, increasing on both sides: of the longest such runs, as many as a linear search finds."""
    out: list[Pair] = []
    todo = [(0, len(old), 0, len(new), 0)]
    while todo:
        a, a_end, b, b_end, rounds = todo.pop()
        while a < a_end and b < b_end and old[a] == new[b]:
            out.append((a, b))
            a, b = a + 1, b + 1
        while a < a_end and b < b_end and old[a_end - 1] == new[b_end - 1]:
            a_end, b_end = a_end - 1, b_end - 1
            out.append((a_end, b_end))
        if a == a_end or b == b_end:
            continue
        if (a_end - a) * (b_end - b) <= _SMALL:
            found = SequenceMatcher(None, old[a:a_end], new[b:b_end], autojunk=False)
            for block in found.get_matching_blocks():
                out.extend((a + block.a + n, b + block.b + n) for n in range(block.size))
        elif rounds < _ROUNDS and (anchors := _anchors(old, new, (a, a_end), (b, b_end))):
            for place, other in [*anchors, (a_end, b_end)]:
                todo.append((a, place, b, other, rounds + 1))
                a, b = place, other
    return sorted(out)


def _anchors(old: Sequence[Hashable], new: Sequence[Hashable], rows: Pair, columns: Pair) -> list[Pair]:
    """The longest increasing run of values that stand once on each side."""
    count_old, count_new = Counter(old[slice(*rows)]), Counter(new[slice(*columns)])
    where = {new[b]: b for b in range(*columns) if count_new[new[b]] == 1}
    candidates = [(a, where[old[a]]) for a in range(*rows) if count_old[old[a]] == 1 and old[a] in where]
    ends: list[int] = []
    chosen: list[int] = []
    previous: list[int] = []
    for number, (_, b) in enumerate(candidates):
        length = bisect_left(ends, b)
        ends[length : length + 1] = [b]
        chosen[length : length + 1] = [number]
        previous.append(chosen[length - 1] if length else -1)
    out: list[Pair] = []
    number = chosen[-1] if chosen else -1
    while number >= 0:
        out.append(candidates[number])
        number = previous[number]
    return out[::-1]
