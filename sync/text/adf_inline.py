"""What only Jira can say inside a line stays in a changed paragraph: statuses, dates, mentions, coloured words."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from .pairs import matches

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_PLAIN = frozenset({"strong", "em", "strike", "code", "underline", "subsup", "link"})


class _Word(NamedTuple):
    """A word, a blank or a sign of a line with its marks; or a whole node that is no text."""

    says: str
    marks: str
    node: Any


def keep_inline(old: Sequence[Any], new: Sequence[Any], plain: Callable[[Any], list[Any]]) -> list[Any]:
    """The new inline nodes, with the old one in place of the words that it reads as, where it is more than those.

    `plain` gives what our writer makes of the reading of one node.
    """
    after = list(_words(new))
    spans = [list(_words(plain(node))) for node in old]
    pairs = dict(matches([word[:2] for span in spans for word in span], [word[:2] for word in after]))
    kept: dict[int, tuple[int, Any]] = {}
    start = 0
    for node, span in zip(old, spans, strict=True):
        places = [pairs.get(place, -1) for place in range(start, start + len(span))]
        if _is_more(node) and places and places[0] >= 0 and places == list(range(places[0], places[0] + len(span))):
            kept[places[0]] = len(span), node
        start += len(span)
    return list(_joined(_placed(after, kept))) if kept else list(new)


def _is_more(node: Any) -> bool:
    """Whether a node holds anything that Markdown doesn't."""
    if not isinstance(node, dict) or node.get("type") in ("hardBreak", None):
        return False
    marks = node.get("marks")
    names = [mark.get("type") for mark in marks if isinstance(mark, dict)] if isinstance(marks, list) else []
    return node["type"] != "text" or not _PLAIN.issuperset(map(str, names))


def _words(nodes: Iterable[Any]) -> Iterator[_Word]:
    for node in nodes:
        marks = json.dumps(sorted(node.get("marks", ()), key=json.dumps))
        if node["type"] == "text":
            yield from (_Word(word, marks, {**node, "text": word}) for word in _WORDS.findall(node["text"]))
        else:
            identity = str(node.get("attrs", {}).get("id", "")).casefold()
            yield _Word(f"\0{node['type']} {identity}", marks, node)


def _placed(words: Sequence[_Word], kept: dict[int, tuple[int, Any]]) -> Iterator[tuple[Any, bool]]:
    """Each node, and whether it may be joined with its neighbours."""
    place = 0
    while place < len(words):
        length, node = kept.get(place, (1, words[place].node))
        yield node, place not in kept
        place += length


def _joined(nodes: Iterable[tuple[Any, bool]]) -> Iterator[Any]:
    """The nodes with texts of equal marks in a row made one again."""
    last: Any = None
    for node, joins in nodes:
        alike = last is not None and joins and node["type"] == "text" and node.get("marks") == last.get("marks")
        if alike:
            last = {**last, "text": last["text"] + node["text"]}
            continue
        if last is not None:
            yield last
        last = node if joins and node["type"] == "text" else None
        if last is None:
            yield node
    if last is not None:
        yield last
