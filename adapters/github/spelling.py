"""A field's value as plain words and back, wherever GitHub holds it: in an issue field, in labels or in the block."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from sync.core.fieldrules import Shape, shape_of
from sync.core.mapping import CustomRow, ProjectMapping
from sync.core.models import SEVERITIES, UNKNOWN, Field, Value, is_empty
from sync.core.quantities import amount, moment

HOURS = (Field.ESTIMATE, Field.REMAINING, Field.SPENT)
DAYS = (Field.START, Field.TARGET, Field.DUE)
_TIME = re.compile(
    r"(?P<plain>\d+(?:\.\d+)?)"
    r"|(?:(?P<hours>\d+(?:\.\d+)?) ?(?:h|hrs?|hours?))? ?(?:(?P<minutes>\d+) ?(?:m|mins?|minutes?))?",
    re.IGNORECASE,
)
_TRUTH = {"true": "true", "yes": "true", "false": "false", "no": "false"}
_MOST = 1_000  # characters of a word; what is longer belongs into the body


def understand(name: Field, words: Sequence[str], mapping: ProjectMapping) -> Value:
    """What the words mean; UNKNOWN for what is none of this field's values."""
    row = mapping.custom.get(name)
    if shape_of(name) is Shape.SET:
        found = [_member(name, word, row, mapping) for word in words]
        return UNKNOWN if None in found else frozenset(word for word in found if word)
    if not words:
        return None
    if len(words) > 1:
        return UNKNOWN
    word = words[0]
    if name is Field.SEVERITY:
        return _severity(word, mapping)
    if name is Field.PRIORITY:
        return mapping.read_priority(word)
    if name is Field.SPRINT:
        return mapping.read_name(name, word)
    read = hours if name in HOURS else amount if name is Field.POINTS else day if name in DAYS else None
    found_ = _custom(row, word, mapping) if row is not None else read(word) if read is not None else word
    return UNKNOWN if found_ is None else found_


def say(
    name: Field, value: Value, mapping: ProjectMapping, options: Sequence[str] | None = None
) -> tuple[list[str], list[str]]:
    """The words for a value, and the members that have none; `options` are all the words that there are (None: any)."""
    if is_empty(value) or not isinstance(value, str | frozenset):
        return [], []
    members = sorted(value) if isinstance(value, frozenset) else [value]
    words: dict[str, None] = {}
    lost: list[str] = []
    for member in members:
        word = _word(name, member, mapping, options)
        if options is not None and word is not None:
            word = next((option for option in options if option.casefold() == word.casefold()), None)
        # What would be read back as something else can't be said.
        if word is None or not word or len(word) > _MOST or understand(name, [word], mapping) is UNKNOWN:
            lost.append(member)
        else:
            words.setdefault(word)
    return list(words), lost


def hours(word: str) -> str | None:
    """Hours from `6.5 h`, `1h 30m` or `90 min`."""
    found = _TIME.fullmatch(word) if word else None
    if found is None:
        return None
    return amount(Decimal(found["plain"] or found["hours"] or 0) + Decimal(found["minutes"] or 0) / 60)


def day(word: str) -> str | None:
    """A day, `2026-03-31`, or that of a time."""
    try:
        return date.fromisoformat(word.partition("T")[0]).isoformat()
    except ValueError:
        return None


_READERS: dict[str, Callable[[str], str | None]] = {
    "number": amount,
    "date": day,
    "datetime": moment,
    "boolean": lambda word: _TRUTH.get(word.casefold()),
}


def _severity(word: str, mapping: ProjectMapping) -> Value:
    found = mapping.read_severity(word)
    return word.casefold() if found is UNKNOWN and word.casefold() in SEVERITIES else found


def _custom(row: CustomRow, word: str, mapping: ProjectMapping) -> str | None:
    if row.type in ("choice", "choices"):
        found = row.values.read(word)
        return found if isinstance(found, str) else word
    if row.type in ("person", "people"):
        return mapping.people.read([word.removeprefix("@")])
    read = _READERS.get(row.type)
    return word if read is None else read(word)


def _member(name: Field, word: str, row: CustomRow | None, mapping: ProjectMapping) -> str | None:
    return mapping.read_name(name, word) if row is None else _custom(row, word, mapping)


def _word(name: Field, value: str, mapping: ProjectMapping, options: Sequence[str] | None) -> str | None:
    row = mapping.custom.get(name)
    if name is Field.SEVERITY:
        # Labels stand for it elsewhere; in a row or a field the word stands for itself where nothing else is given.
        written = mapping.write_severity(value, options or ())
        return value if written is None or written.startswith("label:") else written
    if name is Field.PRIORITY:
        return mapping.values(name).write(value, None if options is None else dict.fromkeys(options, ""))
    if name in (Field.SPRINT, Field.COMPONENTS):
        return mapping.write_name(name, " ".join(value.split()), options)
    if name in HOURS or name is Field.POINTS:
        return amount(value)
    if name in DAYS:
        return day(value)
    if row is None:
        return None
    if row.type in ("choice", "choices"):
        return row.values.write(value, None if options is None else dict.fromkeys(options, "")) or value.strip()
    if row.type in ("person", "people"):
        return mapping.people.write(value)
    read = _READERS.get(row.type)
    return "\n".join(line.rstrip() for line in value.strip().splitlines()) if read is None else read(value)
