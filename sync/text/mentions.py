"""Mentions of people: `[@ada](mention:ada)` in canonical text, the tracker's own mention of ada's account in each.

Only people of the mapping are mentioned live; everybody else is a name after an `@`.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

from .nodes import Node, attr, children, marks_of, merged, text

SCHEME = "mention:"
_SIGNS = re.compile(r"([\\`*_~\[\]<>&!])")


@dataclass(frozen=True, slots=True)
class Mentions:
    """Who can be mentioned in one tracker: pairs of a person and the native id, which is compared without case."""

    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, native_ids: Iterable[tuple[str, str]]) -> "Mentions":
        """From the items of a map of persons to native ids."""
        return cls(tuple((str(person), native) for person, native in native_ids))

    def person(self, native: str) -> str | None:
        """The person behind a native id."""
        return _tables(self)[0].get(native.casefold())

    def native(self, person: str) -> str | None:
        """The native id of a person."""
        return _tables(self)[1].get(person)


NOBODY = Mentions()


@lru_cache(maxsize=64)
def _tables(who: Mentions) -> tuple[dict[str, str], dict[str, str]]:
    persons: dict[str, str] = {}
    for person, native in who.pairs:
        persons.setdefault(native.casefold(), person)
    return persons, dict(who.pairs)


def spelled(person: str) -> str:
    """The Markdown of a mention."""
    label = _SIGNS.sub(r"\\\1", person)
    return f"[@{label}]({SCHEME}{quote(person, safe='@.-_~+')})"


def person_in(target: str) -> str | None:
    """The person that a link's target mentions."""
    return unquote(target.removeprefix(SCHEME)) or None if target.startswith(SCHEME) else None


def addressed(blocks: Sequence[Node], who: Mentions) -> list[Node]:
    """The blocks with the native id of each person mentioned; who has none there is a name in the text."""

    def replaced(each: Node) -> Node:
        person = str(attr(each, "person", ""))
        native = who.native(person)
        if native is None:
            return text("@" + person, marks_of(each))
        return {**each, "attrs": {"person": person, "id": native}}

    return _replaced(blocks, replaced)


def named(blocks: Sequence[Node], who: Mentions) -> list[Node]:
    """The blocks with the person behind each native id; a stranger is the name that the tracker shows."""

    def replaced(each: Node) -> Node:
        person = who.person(str(attr(each, "id", "")))
        if person is None:
            return text(str(attr(each, "text", "")), marks_of(each))
        return {**each, "attrs": {"person": person}}

    return _replaced(blocks, replaced)


def _replaced(blocks: Sequence[Node], replaced: Callable[[Node], Node]) -> list[Node]:
    out: list[Node] = []
    for block in blocks:
        content = children(block)
        if any(each["type"] == "mention" for each in content):
            content = merged(replaced(each) if each["type"] == "mention" else each for each in content)
        elif content:
            content = _replaced(content, replaced)
        out.append({**block, "content": content} if "content" in block else block)
    return out
