"""Issue links. "A blocks B" is one link of the type Blocks: A shows it as outward to B, B as inward from A."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from adapters.jira.slots import nowhere
from adapters.jira.wire import as_list, as_object, at, text_at
from sync.core.mapping import ProjectMapping
from sync.core.models import LINK_KINDS, UNKNOWN, Field, FieldProblem, JsonObject, NativeTicket, Value, link_parts

LINKS: Final = "issuelinks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a kind of link is said here: by a type, from its outward or its inward side."""

    type: str
    outward: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """A link of a ticket as it stands there: its id, its member in the canonical set."""

    id: str
    member: str


def linking(mapping: ProjectMapping) -> bool:
    """Whether the site has links."""
    return LINKS in mapping.facts.extra


def links_there(payload: JsonObject) -> bool:
    """Whether the answer told of links."""
    return LINKS in as_object(payload.get("fields"))


def ends(payload: JsonObject, mapping: ProjectMapping) -> list[End]:
    """The links of a ticket whose type means something to us; the others are nobody's business but Jira's."""
    found = []
    for link in as_list(at(payload, "fields", LINKS)):
        outward, inward = text_at(link, "outwardIssue", "id"), text_at(link, "inwardIssue", "id")
        if kind := _kind(text_at(link, "type", "name"), outward=bool(outward), mapping=mapping):
            found.append(End(id=text_at(link, "id"), member=f"{kind}:{outward or inward}"))
    return [each for each in found if each.id and not each.member.endswith(":")]


def read_links(payload: JsonObject, mapping: ProjectMapping) -> Value:
    """The canonical set; UNKNOWN where the links are no list."""
    listed = at(payload, "fields", LINKS)
    if listed is not None and not isinstance(listed, list):
        return UNKNOWN
    return frozenset(each.member for each in ends(payload, mapping))


def hold_links(
    value: Value, current: NativeTicket | None, mapping: ProjectMapping
) -> tuple[frozenset[str], FieldProblem | None]:
    """The members that the site has a type for, as they read afterwards, and what is wrong with the others."""
    wanted = value if isinstance(value, frozenset) else frozenset()
    if not linking(mapping):
        return frozenset(), nowhere(Field.LINKS) if wanted else None
    held, lost = set(), set()
    for member in wanted:
        kind, other = link_parts(member)
        way = way_of(kind, mapping)
        if way is None or not other:
            lost.add(kind)
        elif current is None or other != current.ref:
            held.add(f"{_kind(way.type, outward=way.outward, mapping=mapping)}:{other}")
    problem = None
    if lost:
        kinds = ", ".join(f"'{kind}'" for kind in sorted(lost))
        types = ", ".join(sorted(type_["name"] for type_ in _types(mapping)))
        message = f"This Jira has no link type for {kinds}; its types are: {types}."
        mend = "Name the type under [fields.links.values] of mappings/jira.toml, or make one in Jira."
        problem = FieldProblem(field=Field.LINKS, message=message, mend=mend)
    return frozenset(held), problem


def way_of(kind: str, mapping: ProjectMapping) -> Way | None:
    """The type that says a kind of link, from whichever side; None where the site has none."""
    names = [type_["name"] for type_ in _types(mapping)]
    for each, outward in ((kind, True), (LINK_KINDS.get(kind, ""), False)):
        if each and mapping.values(Field.LINKS).values.get(each) is not None:
            found = mapping.values(Field.LINKS).write(each, dict.fromkeys(names, ""))
            if found is not None and _kind(found, outward=outward, mapping=mapping):
                return Way(type=found, outward=outward)
    return None


def link_body(member: str, this: str, mapping: ProjectMapping) -> JsonObject | None:
    """The request that makes a link; `inwardIssue` is the one that it comes from."""
    kind, other = link_parts(member)
    way = way_of(kind, mapping)
    if way is None:
        return None
    source, target = (this, other) if way.outward else (other, this)
    return {"type": {"name": way.type}, "inwardIssue": {"id": source}, "outwardIssue": {"id": target}}


def told_link(item: Any, side: str, mapping: ProjectMapping) -> frozenset[str] | None:
    """The member that a changelog item says came or went ("This issue blocks PAY-12"); None where it can't be told.

    The item has the other issue's key; its id was added by the adapter.
    """
    said, key = text_at(item, f"{side}String"), text_at(item, side)
    if not said and not key:
        return frozenset()
    other = text_at(item, f"{side}Id")
    phrase = said.removesuffix(key).strip()
    for type_ in _types(mapping):
        for outward in (True, False):
            word = type_["outward" if outward else "inward"]
            if word and phrase.endswith(f" {word}"):
                kind = _kind(type_["name"], outward=outward, mapping=mapping)
                return frozenset({f"{kind}:{other}"}) if kind and other else None if kind else frozenset()
    return None


def _kind(type_: str, *, outward: bool, mapping: ProjectMapping) -> str:
    """What a type means from one of its sides; "" for nothing."""
    kind = mapping.values(Field.LINKS).read(type_) if type_ else UNKNOWN
    if not isinstance(kind, str):
        return ""
    return kind if outward else LINK_KINDS.get(kind, "")


def _types(mapping: ProjectMapping) -> Iterable[dict[str, str]]:
    listed = as_list(mapping.facts.extra.get(LINKS))
    return [
        {"name": text_at(row, "name"), "inward": text_at(row, "inward"), "outward": text_at(row, "outward")}
        for row in listed
        if text_at(row, "name")
    ]
