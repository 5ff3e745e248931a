"""Values of typed fields: what a native one means, and what to write for a canonical one."""

from __future__ import annotations

from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any, Final

from adapters.azure_devops import codec_text, wire
from adapters.azure_devops.places import Holder
from sync.core.mapping import CUSTOM_SETS, ProjectMapping
from sync.core.models import UNKNOWN, Value, is_empty
from sync.core.quantities import amount, day

STRING_LIMIT: Final = 255
#: The oldest day that the service's database can hold.
_OLDEST: Final = "1753-01-01"
_SETS: Final = frozenset({*CUSTOM_SETS, "names"})


class Unsayable(ValueError):
    """A value that the field can't take; the message says why, for a person."""


# -- reading -------------------------------------------------------------------------------------


def read_held(holder: Holder, native: Any, mapping: ProjectMapping) -> Value:
    """What a native value means; UNKNOWN for what does not fit the field."""
    if native is None or native == "":
        return frozenset() if holder.spelling in _SETS else None
    match holder.spelling:
        case "severity":
            return mapping.read_severity(native) if isinstance(native, str) else UNKNOWN
        case "number":
            found = amount(native)
            return UNKNOWN if found is None else found
        case "date":
            return _picked_day(native) or UNKNOWN
        case "datetime":
            return _time(native) or UNKNOWN
        case "boolean":
            return str(native).lower() if str(native).lower() in ("true", "false") else UNKNOWN
        case "person":
            return mapping.people.read(wire.people_ids(native)) or UNKNOWN
        case "people":
            person = mapping.people.read(wire.people_ids(native))
            return UNKNOWN if person is None else frozenset({person})
    if isinstance(native, dict | list | bool):
        return UNKNOWN
    if holder.spelling == "names":
        return frozenset({mapping.read_name(holder.field, str(native))})
    if holder.spelling == "choices":
        return frozenset(_meaning(holder, word) for word in wire.split_tags(str(native)))
    said = codec_text.read(str(native)) if holder.type == "html" else str(native)
    return _meaning(holder, said) or None


def _meaning(holder: Holder, word: str) -> str:
    found = holder.row.values.read(word) if holder.row is not None else UNKNOWN
    return found if isinstance(found, str) else word


def _picked_day(native: Any) -> str | None:
    """The day that a person picked: it is kept as the midnight of their own zone, told in UTC."""
    when = wire.moment(native)
    if when == wire.NEVER:
        return day(native) if isinstance(native, str) else None
    return day(when + timedelta(hours=12)) if when.year < 9999 else None


def _time(native: Any) -> str | None:
    when = wire.moment(native)
    return None if when == wire.NEVER else f"{when:%Y-%m-%dT%H:%M:%SZ}"


# -- writing -------------------------------------------------------------------------------------


def write_held(holder: Holder, value: Value, present: Any, mapping: ProjectMapping) -> Any:
    """The native value to write beside the `present` one; None empties the field. Raises `Unsayable`."""
    if is_empty(value):
        return None
    if isinstance(value, frozenset):
        return _one_of(holder, value, present, mapping)
    match holder.spelling:
        case "severity":
            return _listed(holder, mapping.write_severity(str(value), holder.allowed), str(value))
        case "number":
            return _number(holder, str(value))
        case "date":
            found = day(str(value))
            if found is None or found < _OLDEST:
                raise Unsayable(f"'{value}' is no day that can be kept")
            return f"{found}T00:00:00Z"
        case "datetime":
            return _written_time(str(value))
        case "boolean":
            if value not in ("true", "false"):
                raise Unsayable(f"'{value}' is neither true nor false")
            return value == "true"
        case "person":
            return _account(str(value), mapping)
    return _words(holder, str(value))


def _one_of(holder: Holder, values: frozenset[str], present: Any, mapping: ProjectMapping) -> Any:
    """A field that holds one: the member that is there stays. A list of choices is one string, `;` between them."""
    if holder.spelling == "choices":
        return "; ".join(sorted(str(_words(holder, one)) for one in values))
    there = read_held(holder, present, mapping)
    staying = sorted(values & there) if isinstance(there, frozenset) else []
    problems: list[str] = []
    for one in [*staying, *sorted(values - set(staying))]:
        try:
            if holder.spelling == "people":
                return _account(one, mapping)
            return _listed(holder, mapping.write_name(holder.field, one, holder.allowed or None), one)
        except Unsayable as error:
            problems.append(str(error))
    raise Unsayable("; ".join(problems))


def _number(holder: Holder, value: str) -> int | float | str:
    found = amount(value)
    if found is None:
        raise Unsayable(f"'{value}' is no number")
    if holder.type in ("string", "plainText"):
        return found
    if holder.allowed:
        _listed(holder, found, value)
    number = Decimal(found)
    if number == number.to_integral_value():
        return int(number)
    if "double" not in holder.type.lower():
        raise Unsayable(f"'{value}' is no whole number")
    return float(number)


def _written_time(value: str) -> str:
    when = wire.moment(value)
    if when == wire.NEVER or f"{when:%Y-%m-%d}" < _OLDEST:
        raise Unsayable(f"'{value}' is no time that can be kept")
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _account(person: str, mapping: ProjectMapping) -> str:
    found = mapping.people.write(person)
    if found is None:
        raise Unsayable(f"{person}: no account in Azure DevOps is known")
    return found


def _words(holder: Holder, value: str) -> Any:
    word = holder.row.values.write(value, None) if holder.row is not None else None
    said = value if word is None else word
    if holder.spelling in ("choice", "choices") or holder.allowed:
        return _listed(holder, said, value)
    if holder.type == "html":
        return codec_text.write(said)
    if holder.type == "string":
        said = " ".join(said.split())
    if holder.type == "string" and len(said) > STRING_LIMIT:
        raise Unsayable(f"it has {len(said)} characters, the limit is {STRING_LIMIT}")
    return said


def _listed(holder: Holder, word: str | None, value: str) -> str:
    """The word as the field's own list spells it."""
    if word is None or not word.strip():
        raise Unsayable(f"no value here means '{value}'")
    if not holder.allowed:
        return word
    found = next((one for one in holder.allowed if one.casefold() == word.casefold()), None)
    if found is None:
        raise Unsayable(f"'{word}' is none of the values that the field takes")
    return found
