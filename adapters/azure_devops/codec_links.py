"""Links between work items: which canonical kind a link type is, and what has to be added and removed."""

from __future__ import annotations

from adapters.azure_devops import wire
from sync.core.mapping import ProjectMapping
from sync.core.models import LINK_KINDS, Field, JsonObject, Value, link_parts

#: A work item is the duplicate of one other at most.
_SINGLE = "duplicates"


def read_links(payload: JsonObject, mapping: ProjectMapping) -> Value:
    """The links whose type has a meaning, as `kind:number`."""
    return frozenset(f"{kind}:{other}" for kind, _, other in _present(payload, mapping))


def holdable(wanted: frozenset[str], payload: JsonObject, mapping: ProjectMapping) -> tuple[frozenset[str], str]:
    """The members that the service can hold, and what is to be said of the others."""
    there = {f"{kind}:{other}" for kind, _, other in _present(payload, mapping)}
    kept: set[str] = set()
    lost: list[str] = []
    for member in sorted(wanted, key=lambda one: (one not in there, one)):
        kind, other = link_parts(member)
        possible = kind in LINK_KINDS and _type(kind, mapping) and other.isdigit() and other != str(payload.get("id"))
        second = kind == _SINGLE and any(one.startswith(f"{_SINGLE}:") for one in kept)
        if possible and not second:
            kept.add(member)
        else:
            lost.append(member)
    return frozenset(kept), f"can't be linked here: {', '.join(lost)}" if lost else ""


def changes(wanted: frozenset[str], payload: JsonObject, mapping: ProjectMapping) -> JsonObject:
    """What to `add` and `remove`, as pairs of link type and number; empty lists for no change."""
    present = _present(payload, mapping)
    there = {f"{kind}:{other}" for kind, _, other in present}
    new = (link_parts(member) for member in sorted(wanted - there))
    return {
        "add": [[_type(kind, mapping), other] for kind, other in new],
        "remove": sorted([rel, str(other)] for kind, rel, other in present if f"{kind}:{other}" not in wanted),
    }


def _present(payload: JsonObject, mapping: ProjectMapping) -> list[tuple[str, str, str]]:
    """Kind, link type and number of every link whose type, by its reference name or the name that people see, has a meaning."""
    words, found = mapping.values(Field.LINKS), list[tuple[str, str, str]]()
    for relation in wire.relations(payload):
        other, rel = wire.target(relation), wire.text(relation.get("rel"))
        shown = wire.text(wire.mapping(relation.get("attributes")).get("name"))
        kind = next((one for word in (rel, shown) if word and isinstance(one := words.read(word), str)), None)
        if other is not None and kind is not None:
            found.append((kind, rel, str(other)))
    return found


def _type(kind: str, mapping: ProjectMapping) -> str:
    return next(iter(mapping.values(Field.LINKS).values.get(kind, ())), "")
