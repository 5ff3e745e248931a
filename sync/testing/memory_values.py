"""How a tracker in memory spells the value of each field, both ways."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from sync.core.capabilities import Capabilities
from sync.core.fieldrules import Shape, shape_of
from sync.core.ids import NativeRef
from sync.core.mapping import CustomRow, ProjectMapping
from sync.core.models import LINK_KINDS, UNKNOWN, Field, Fields, Value, link_parts
from sync.core.quantities import amount, day, hours, moment, seconds
from sync.testing.memory_knobs import NATIVE_KEYS, MemoryKnobs

_HOURS: Final = (Field.ESTIMATE, Field.REMAINING, Field.SPENT)
_DAYS: Final = (Field.START, Field.TARGET, Field.DUE)
NAMES: Final = (Field.COMPONENTS, Field.MILESTONE, Field.SPRINT)


def is_set(name: Field) -> bool:
    """Whether the native value is a list."""
    return shape_of(name) is Shape.SET


def key_of(name: Field, mapping: ProjectMapping) -> str | None:
    """Where a field stands in a payload; None for one that no such tracker has."""
    row = mapping.custom.get(name)
    return row.native if row is not None else NATIVE_KEYS.get(name)


def read(name: Field, word: Any, mapping: ProjectMapping) -> Value:
    """A native value in canonical terms; UNKNOWN for what is not understood."""
    if is_set(name):
        if word is None:
            return frozenset()
        if not isinstance(word, list) or not all(isinstance(one, str) for one in word):
            return UNKNOWN
        return frozenset(member for one in word if (member := _read_member(name, one, mapping)) is not None)
    if word is None and name not in (Field.KIND, Field.STATUS):
        return "" if name in (Field.TITLE, Field.BODY) else None
    found: Value | None
    if name in _HOURS:
        found = hours(word)
    elif name is Field.POINTS:
        found = amount(word)
    elif name in _DAYS:
        found = day(word)
    elif (row := mapping.custom.get(name)) is not None:
        found = _read_custom(row, word, mapping)
    else:
        return _read_word(name, word, mapping) if isinstance(word, str) else UNKNOWN
    return UNKNOWN if found is None else found


def _read_word(name: Field, word: str, mapping: ProjectMapping) -> Value:
    match name:
        case Field.KIND | Field.TYPE:
            row = mapping.read_type(word)
            return UNKNOWN if row is None else row.kind if name is Field.KIND else row.type
        case Field.STATUS:
            return mapping.read_status(word)
        case Field.PRIORITY:
            return mapping.read_priority(word)
        case Field.REASON:
            return mapping.read_reason(word)
        case Field.SEVERITY:
            return mapping.read_severity(word)
        case Field.SPRINT:
            return mapping.read_name(name, word) or None
        case Field.REPORTER:
            return mapping.people.read([word]) if word else None
        case Field.PARENT:
            return NativeRef(word) if word else None
    return word


def _read_member(name: Field, word: str, mapping: ProjectMapping) -> str | None:
    """A member of a set; None for one that is none of ours."""
    row = mapping.custom.get(name)
    if name is Field.ASSIGNEES or (row is not None and row.type == "people"):
        return mapping.people.read([word])
    if name is Field.LINKS:
        kind, other = link_parts(word)
        return word if kind in LINK_KINDS and other else None
    if name in NAMES:
        return mapping.read_name(name, word) or None
    return word if row is None else _read_choice(row, word)


def _read_custom(row: CustomRow, word: Any, mapping: ProjectMapping) -> str | None:
    """A single value of a custom field; None for what is not of its type."""
    if row.type == "number":
        return amount(word)
    if row.type == "boolean":
        return str(word).lower() if isinstance(word, bool) else None
    if not isinstance(word, str):
        return None
    match row.type:
        case "date":
            return day(word)
        case "datetime":
            return moment(word)
        case "choice":
            return _read_choice(row, word)
        case "person":
            return mapping.people.read([word])
    return word


def _read_choice(row: CustomRow, word: str) -> str:
    found = row.values.read(word)
    return found if isinstance(found, str) else word


def write(
    name: Field, value: Value, present: Any, mapping: ProjectMapping, caps: Capabilities, knobs: MemoryKnobs
) -> Any:
    """The native value; None for one that can't be said, an empty one among them."""
    if is_set(name):
        there = [word for word in present if isinstance(word, str)] if isinstance(present, list) else []
        words = _members(name, value if isinstance(value, frozenset) else frozenset(), there, mapping, knobs)
        most = {Field.ASSIGNEES: caps.max_assignees, Field.MILESTONE: knobs.max_milestones}.get(name, len(words))
        # When there are too many, who is there stays.
        return sorted(sorted(words, key=lambda word: (word not in there, word))[:most])
    if isinstance(value, frozenset) or value is UNKNOWN:
        return None
    if name is Field.BODY:
        return None if caps.body_limit is not None and len(value or "") > caps.body_limit else value or ""
    return _written(name, value, present, mapping, caps) if value else None


def _written(name: Field, value: str, present: Any, mapping: ProjectMapping, caps: Capabilities) -> Any:
    match name:
        case Field.TITLE:
            return None if caps.title_limit is not None and len(value) > caps.title_limit else value
        case Field.STATUS:
            return _status_word(value, present, mapping)
        case Field.PRIORITY:
            return mapping.write_priority(value)
        case Field.REASON:
            return mapping.write_reason(value)
        case Field.SEVERITY:
            return mapping.write_severity(value)
        case Field.REPORTER:
            return mapping.people.write(value)
        case Field.SPRINT:
            return written_name(name, value, mapping, [present] if isinstance(present, str) else [])
        case Field.POINTS:
            return _number(value)
    if name in _HOURS:
        return None if amount(value) is None else seconds(value)
    if name in _DAYS:
        return day(value)
    row = mapping.custom.get(name)
    return value if row is None else _custom_word(row, value, mapping)


def _members(
    name: Field, members: frozenset[str], there: list[str], mapping: ProjectMapping, knobs: MemoryKnobs
) -> list[str]:
    """The native members of those that can be said."""
    row = mapping.custom.get(name)
    words: Iterable[str | None] = members - {""}
    if name is Field.ASSIGNEES or (row is not None and row.type == "people"):
        words = (mapping.people.write(member) for member in members)
    elif name is Field.LINKS:
        words = (member for member in members if link_parts(member)[0] in knobs.link_kinds)
    elif name in NAMES:
        words = (written_name(name, member, mapping, there) for member in members)
    elif row is not None:
        words = (_choice_word(row, member) for member in members)
    return sorted({word for word in words if word})


def written_name(name: Field, value: str, mapping: ProjectMapping, there: Iterable[str] = ()) -> str | None:
    """The native name; one that the project has not is made when the mapping file says so, else None.

    What stands at the ticket already is there, whatever was known of the project.
    """
    known = known_names(name, mapping)
    written = mapping.write_name(name, value, None if known is None else [*known, *there])
    return mapping.write_name(name, value) if written is None and mapping.place(name).create else written


def known_names(name: Field, mapping: ProjectMapping) -> list[str] | None:
    """The names that the project has; None where any will do."""
    names = mapping.facts.extra.get("names")
    found = names.get(NATIVE_KEYS[name]) if isinstance(names, dict) else None
    return found if isinstance(found, list) else None


def _custom_word(row: CustomRow, value: str, mapping: ProjectMapping) -> Any:
    match row.type:
        case "number":
            return _number(value)
        case "boolean":
            return {"true": True, "false": False}.get(value)
        case "date":
            return day(value)
        case "datetime":
            return moment(value)
        case "person":
            return mapping.people.write(value)
        case "choice":
            return _choice_word(row, value)
    return value


def _choice_word(row: CustomRow, value: str) -> str:
    return row.values.write(value, None) or value


def _number(value: str) -> float | None:
    spelled = amount(value)
    if spelled is None:
        return None
    number = Decimal(spelled)
    return int(number) if number == number.to_integral_value() else float(number)


def _status_word(value: str, present: Any, mapping: ProjectMapping) -> str | None:
    """The present word where it means the same."""
    word = mapping.write_status(value)
    if word is None or not isinstance(present, str):
        return word
    return present if mapping.read_status(present) == mapping.read_status(word) else word


def type_word(fields: Fields, present: Any, mapping: ProjectMapping) -> str | None:
    """One word for kind and type; what `fields` does not say stays as it is."""
    row = mapping.read_type(present) if isinstance(present, str) else None
    kind = fields.get(Field.KIND, row.kind if row else "issue")
    type_ = fields.get(Field.TYPE, row.type if row else None)
    if not isinstance(kind, str) or isinstance(type_, frozenset) or type_ is UNKNOWN:
        return None
    written = mapping.write_type(kind, type_ or None)
    return None if written is None else written.native
