"""What a project is like: its types with their fields, states and moves, the fields' own lists, its areas and iterations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from adapters.azure_devops import client, wire
from adapters.azure_devops.client import Connection
from adapters.azure_devops.codec import FIELDS
from adapters.azure_devops.places import OWN, PLACES, Definition
from sync.core.capabilities import ProjectFacts
from sync.core.errors import Forbidden, Malformed, Rejected, Unsupported
from sync.core.models import Field, JsonObject

#: The service allows trees of this many levels.
_DEPTH: Final = 14
#: A longer list of values is not kept: the service judges then.
_LONGEST_LIST: Final = 500
_PRIORITIES: Final = ("1", "2", "3", "4")
#: Field types whose values may come from a list of the process.
_LISTED: Final = frozenset({"string", "integer", "double", "picklistString", "picklistInteger", "picklistDouble"})
_REFUSED: Final = (Rejected, Unsupported, Forbidden)


def read_facts(connection: Connection) -> ProjectFacts:
    """The facts in the project's own words; what the server will not tell is left out, and left to it to judge."""
    types = {wire.text(kind.get("name")): kind for kind in _enabled(connection)}
    known = _definitions(connection)
    fields = {name: _fields(kind, known) for name, kind in types.items()}
    used = {reference: known[reference] for each in fields.values() for reference in each}
    lists = {name: list(_lists(connection, name)) for name in types}
    allowed = {name: found for name, rows in lists.items() if (found := _allowed(rows, used))}
    states = {name: _states(kind) for name, kind in types.items()}
    priorities = [word for each in allowed.values() for word in each.get(wire.PRIORITY, ())]
    return ProjectFacts(
        statuses={name: category for each in states.values() for name, category in each.items()},
        statuses_by_type={name: tuple(each) for name, each in states.items()},
        types=tuple(types),
        priorities=tuple(dict.fromkeys(priorities)) or _PRIORITIES,
        custom=_custom(used.values()),
        extra={
            "project": connection.project,
            "states": states,
            "moves": {name: _moves(kind) for name, kind in types.items()},
            "fields": fields,
            "definitions": {
                one.reference: {"name": one.name, "type": one.type, "choice": one.choice} for one in used.values()
            },
            "allowed": allowed,
            "people": _people(row for rows in lists.values() for row in rows),
            "body_fields": {name: _body_field(each) for name, each in fields.items()},
            **_trees(connection),
        },
    )


def carried(facts: ProjectFacts) -> frozenset[Field]:
    """The canonical fields that some type of the project has."""
    there = {reference for each in wire.mapping(facts.extra.get("fields")).values() for reference in each}
    return FIELDS | {name for name, (_, natives) in PLACES.items() if there.intersection(natives)}


def _enabled(connection: Connection) -> list[JsonObject]:
    values = connection.call("GET", client.TYPES).get("value")
    if not isinstance(values, list):
        raise Malformed("Azure DevOps: the answer is no list of work item types")
    return [row for row in wire.rows(values) if wire.text(row.get("name")) and row.get("isDisabled") is not True]


def _definitions(connection: Connection) -> dict[str, Definition]:
    """The fields that can be written, by reference name."""
    try:
        values = connection.call("GET", client.FIELDS).get("value")
    except _REFUSED:
        return {}
    return {
        reference: Definition(
            reference=reference,
            name=wire.text(row.get("name")),
            type="identity" if row.get("isIdentity") is True else wire.text(row.get("type")),
            choice=row.get("isPicklist") is True and row.get("isPicklistSuggested") is not True,
        )
        for row in wire.rows(values)
        if (reference := wire.text(row.get("referenceName"))) and row.get("readOnly") is not True
    }


def _fields(kind: JsonObject, known: dict[str, Definition]) -> dict[str, str]:
    """The fields of a type that can be written, each with what stands in it when it is left empty ("*": something must)."""
    found: dict[str, str] = {}
    for row in wire.rows(kind.get("fields")):
        reference = wire.text(row.get("referenceName"))
        if reference not in known or reference.startswith("System."):
            continue
        default = row.get("defaultValue")
        must = row.get("alwaysRequired") is True or known[reference].type == "boolean"
        found[reference] = str(default) if default not in (None, "") else "*" if must else ""
    return found


def _lists(connection: Connection, type_: str) -> Iterator[JsonObject]:
    """The fields of a type with the values that each may have."""
    try:
        query = {"$expand": "allowedValues"}
        yield from wire.rows(
            connection.call("GET", client.TYPE_FIELDS, route={"type": type_}, query=query).get("value")
        )
    except _REFUSED:
        return


def _allowed(rows: Iterable[JsonObject], used: dict[str, Definition]) -> dict[str, list[str]]:
    """The lists of values of a type's fields, its reasons among them."""
    found: dict[str, list[str]] = {}
    for row in rows:
        reference, words = wire.text(row.get("referenceName")), row.get("allowedValues")
        about = used.get(reference)
        listed = reference == wire.REASON or (about is not None and (about.choice or about.type in _LISTED))
        if listed and isinstance(words, list) and 0 < len(words) <= _LONGEST_LIST:
            found[reference] = [str(word) for word in words if isinstance(word, str | int | float)]
    return found


def _people(rows: Iterable[JsonObject]) -> dict[str, str]:
    """The GUID of each person who can be assigned something, by mail address: a mention needs it."""
    people = (
        one
        for row in rows
        if row.get("referenceName") == wire.ASSIGNED_TO
        for one in wire.rows(row.get("allowedValues"))
    )
    known = ((wire.text(one.get("uniqueName")).casefold(), wire.text(one.get("id"))) for one in people)
    return dict(islice(((mail, number) for mail, number in known if "@" in mail and number), _LONGEST_LIST))


def _states(kind: JsonObject) -> dict[str, str]:
    return {
        wire.text(state.get("name")): wire.text(state.get("category"))
        for state in wire.rows(kind.get("states"))
        if wire.text(state.get("name"))
    }


def _moves(kind: JsonObject) -> dict[str, list[str]]:
    """From each state ("" is before the first) to those that may follow."""
    return {
        state: [to for row in wire.rows(following) if (to := wire.text(row.get("to"))) and to != state]
        for state, following in wire.mapping(kind.get("transitions")).items()
    }


def _custom(used: Iterable[Definition]) -> dict[str, str]:
    """How a mapping file calls each field's type, by either of its names."""
    words: dict[str, str] = {}
    for one in used:
        if one.reference not in OWN:
            words[one.reference] = one.word
            words.setdefault(one.name, one.word)
    return words


def _body_field(fields: Iterable[str]) -> str:
    return wire.REPRO_STEPS if wire.REPRO_STEPS in fields else wire.DESCRIPTION


def _trees(connection: Connection) -> JsonObject:
    try:
        roots = connection.call("GET", client.ROOTS, query={"$depth": _DEPTH}).get("value")
    except _REFUSED:
        return {}
    names = {"area": "areas", "iteration": "iterations"}
    return {
        names[kind]: list(_paths(root))
        for root in wire.rows(roots)
        if (kind := wire.text(root.get("structureType")).lower()) in names
    }


def _paths(node: JsonObject, above: str = "") -> Iterator[str]:
    for child in wire.rows(node.get("children")):
        if name := wire.text(child.get("name")):
            path = f"{above}/{name}" if above else name
            yield path
            yield from _paths(child, path)


def as_list(value: Any) -> list[str]:
    """The strings of a list that came out of a store."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list | tuple) else []
