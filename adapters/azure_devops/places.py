"""Where a work item type holds which canonical field, by what `probe` was told of the project's types and fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from adapters.azure_devops import wire
from sync.core.mapping import CustomRow, ProjectMapping
from sync.core.models import Field, JsonObject

#: Fields that some process has, each with the places where it may be, and how its values are spelled.
PLACES: Final[Mapping[Field, tuple[str, tuple[str, ...]]]] = {
    Field.SEVERITY: ("severity", (wire.SEVERITY,)),
    Field.POINTS: ("number", tuple(wire.SCHEDULING + name for name in ("StoryPoints", "Effort", "Size"))),
    Field.ESTIMATE: ("number", (wire.SCHEDULING + "OriginalEstimate",)),
    Field.REMAINING: ("number", (wire.SCHEDULING + "RemainingWork",)),
    Field.SPENT: ("number", (wire.SCHEDULING + "CompletedWork",)),
    Field.START: ("date", (wire.SCHEDULING + "StartDate",)),
    Field.TARGET: ("date", (wire.SCHEDULING + "TargetDate",)),
    Field.DUE: ("date", (wire.SCHEDULING + "DueDate", wire.SCHEDULING + "FinishDate")),
    Field.MILESTONE: ("names", ()),  # nowhere, unless the mapping names a field
}
#: Fields that are a place in a tree: the tree's name in addresses, and the native field.
NODES: Final[Mapping[Field, tuple[str, str]]] = {
    Field.SPRINT: ("iterations", wire.ITERATION),
    Field.COMPONENTS: ("areas", wire.AREA),
}
#: Native fields that are carried in a way of their own; a mapping can't name them for something else.
OWN: Final = frozenset({wire.PRIORITY, wire.SEVERITY, wire.REPRO_STEPS})
#: What `holders` has worked out, by the mapping's digest and the type: it is asked for with every work item.
_KNOWN: dict[tuple[str, str], Mapping[Field, Holder]] = {}
_MOST: Final = 512
#: The service's word for a field's type to ours; a field of another type is not carried.
_WORDS: Final = {
    "string": "text",
    "plainText": "text",
    "html": "text",
    "picklistString": "choice",
    "integer": "number",
    "picklistInteger": "number",
    "double": "number",
    "picklistDouble": "number",
    "dateTime": "datetime",
    "boolean": "boolean",
    "identity": "person",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A field as the organisation defines it; `choice`: its values come from a list."""

    reference: str
    name: str
    type: str
    choice: bool = False

    @property
    def word(self) -> str:
        """How a mapping file calls such a field; empty for one that is not carried."""
        word = _WORDS.get(self.type, "")
        return "choice" if self.choice and word == "text" else word


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Where a work item type holds a canonical field.

    `spelling` is one of `CUSTOM_TYPES`, "severity" or "names"; `default` is what the process fills in where the field is left empty,
    `allowed` are the values that it takes (empty where any). `others` are the places that other types have for it.
    """

    field: Field
    native: str
    spelling: str
    type: str
    default: str = ""
    allowed: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    row: CustomRow | None = None

    def source(self, fields: JsonObject) -> str:
        """Where the value stands: a person's change of type leaves it in the place that the type before had."""
        if fields.get(self.native) not in (None, ""):
            return self.native
        return next((one for one in self.others if fields.get(one) not in (None, "")), self.native)

    def value(self, fields: JsonObject) -> Any:
        """The value as it stands."""
        return fields.get(self.source(fields))


def definitions(mapping: ProjectMapping) -> dict[str, Definition]:
    """The fields of the project's types by reference name and by the name that people see, both without case."""
    known: dict[str, Definition] = {}
    for reference, entry in _table(mapping, "definitions").items():
        about = wire.mapping(entry)
        found = Definition(
            reference=reference,
            name=wire.text(about.get("name")),
            type=wire.text(about.get("type")),
            choice=about.get("choice") is True,
        )
        known[reference.casefold()] = found
        known.setdefault(found.name.casefold(), found)
    return known


def holders(type_: str, mapping: ProjectMapping) -> Mapping[Field, Holder]:
    """Where this type holds what; nothing for a type that the project does not have."""
    key = (mapping.digest(), type_)
    if key not in _KNOWN:
        if len(_KNOWN) >= _MOST:
            _KNOWN.clear()
        _KNOWN[key] = _holders(type_, mapping)
    return _KNOWN[key]


def _holders(type_: str, mapping: ProjectMapping) -> dict[Field, Holder]:
    fields = wire.mapping(_table(mapping, "fields").get(type_))
    if not fields:
        return {}
    allowed = wire.mapping(_table(mapping, "allowed").get(type_))
    named = definitions(mapping) if mapping.custom or mapping.mapping.places else {}
    kinds = _table(mapping, "definitions")
    found: dict[Field, Holder] = {}

    def hold(
        name: Field, native: str, spelling: str, row: CustomRow | None = None, others: tuple[str, ...] = ()
    ) -> None:
        about, values = wire.mapping(kinds.get(native)), allowed.get(native)
        if native in fields and native not in {one.native for one in found.values()}:
            found[name] = Holder(
                field=name,
                native=native,
                spelling=spelling,
                type=wire.text(about.get("type")),
                default=wire.text(fields[native]),
                allowed=tuple(map(str, values)) if isinstance(values, list | tuple) else (),
                others=tuple(one for one in others if one not in fields),
                row=row,
            )

    for name, (spelling, candidates) in PLACES.items():
        place = mapping.place(name).native
        chosen = named.get(place.casefold()) if place else None
        natives = candidates if place is None else (chosen.reference,) if chosen else ()
        hold(name, next((native for native in natives if native in fields), ""), spelling, others=natives)
    for name, row in mapping.custom.items():
        about = named.get(row.native.casefold())
        if about is not None and about.word:
            hold(name, about.reference, row.type, row)
    return found


def _table(mapping: ProjectMapping, name: str) -> JsonObject:
    return wire.mapping(mapping.facts.extra.get(name))
