"""Plans, amounts, names and custom fields: what they say, and what Jira would hold of a wanted value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from adapters.jira.codec_text import held_text
from adapters.jira.codec_values import Site, UnreadableError
from adapters.jira.kinds import NAMED, SEVERAL, fits, moment, read_words
from adapters.jira.slots import Slot, names_in, nowhere, slot_of
from adapters.jira.wire import as_object, at, person_ids, text_at
from sync.core.mapping import CUSTOM_SETS, CustomRow, ProjectMapping
from sync.core.models import UNKNOWN, Field, FieldProblem, Fields, JsonObject, NativeTicket, Unknown, Value, is_empty
from sync.core.quantities import amount, day, hours, seconds

#: Members of `timetracking`, in seconds, and the keys under which the two estimates are written.
SPANS: Final = {
    Field.ESTIMATE: "originalEstimateSeconds",
    Field.REMAINING: "remainingEstimateSeconds",
    Field.SPENT: "timeSpentSeconds",
}
NAMES: Final = (Field.COMPONENTS, Field.MILESTONE, Field.SPRINT)
_YES: Final = ("yes", "true", "1", "on")
_NO: Final = ("no", "false", "0", "off")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What Jira would hold of a wanted value: how it reads then (UNKNOWN: nothing of it), and the native words for it.

    `make` are names that the project lacks and that are to be made first.
    """

    value: Value = UNKNOWN
    words: tuple[str, ...] = ()
    make: tuple[str, ...] = ()
    problem: FieldProblem | None = None


def is_there(name: Field, payload: JsonObject, mapping: ProjectMapping) -> bool:
    """Whether the ticket has the field: not where its type or the project lacks it, nor where an older answer lacks it."""
    slot = slot_of(name, mapping)
    if slot is None or slot.id not in as_object(payload.get("fields")):
        return False
    # A sub-task is in the sprint of its parent, and can't be put into one.
    return not (slot.kind == "sprint" and at(payload, "fields", "issuetype", "subtask") is True)


def read_plan(name: Field, payload: JsonObject, mapping: ProjectMapping) -> Value:
    """The canonical value of a field that `is_there`; raises `UnreadableError`."""
    slot = slot_of(name, mapping)
    if slot is None:
        return None
    native = at(payload, "fields", slot.id)
    if name in SPANS:
        return _read_span(name, native)
    row = mapping.mapping.custom.get(name)
    words = _read_people(native, mapping) if slot.kind in ("person", "people") else read_words(slot.kind, native)
    if words is None:
        raise UnreadableError(f"The {name} is of no kind that Jira promises.", "Look at the ticket in Jira.")
    return _meant(name, row, words, mapping)


def read_told(name: Field, slot: Slot, words: list[str] | None, mapping: ProjectMapping) -> Value:
    """The canonical value of words that the history shows; UNKNOWN where it does not show them."""
    if words is None:
        return UNKNOWN
    if slot.kind in ("person", "people"):
        words = [str(mapping.people.read([word])) for word in words]
    elif (spell := _SPELLINGS.get(slot.kind)) is not None:
        told = [spell(word) for word in words]
        if None in told:
            return UNKNOWN
        words = [word for word in told if word is not None]
    try:
        return _meant(name, mapping.mapping.custom.get(name), words, mapping)
    except UnreadableError:
        return UNKNOWN


def hold(name: Field, fields: Fields, current: NativeTicket | None, mapping: ProjectMapping) -> Holding:
    """What Jira would hold of `fields[name]`, written together with the others."""
    value, slot = fields.get(name), slot_of(name, mapping)
    if isinstance(value, Unknown):
        return Holding()
    if slot is None:
        return Holding(problem=None if is_empty(value) else nowhere(name))
    if current is not None and not is_there(name, current.payload, mapping):
        if value and _shown(slot, current) == [value]:
            return Holding()  # a sub-task goes with its parent
        kind = text_at(current.payload, "fields", "issuetype", "name")
        message = f"A ticket of the type '{kind}' has no {name} in Jira."
        mend = "Put the field on that type's screens in Jira, or leave it empty."
        return Holding(problem=None if is_empty(value) else FieldProblem(field=name, message=message, mend=mend))
    if name in SPANS:
        return _hold_span(name, fields, current, mapping)
    wanted = sorted(value) if isinstance(value, frozenset) else [value] if value else []
    if slot.kind in ("person", "people"):
        return _hold_people(name, wanted, slot, mapping)
    if name in NAMES:
        return _hold_names(name, wanted, slot, current, mapping)
    return _hold_words(name, wanted, slot, mapping)


# -- reading -----------------------------------------------------------------------------------------


def _read_span(name: Field, tracked: Any) -> Value:
    if tracked is not None and not isinstance(tracked, dict):
        raise UnreadableError("The time tracking is no object.", "Look at the ticket in Jira.")
    found = at(tracked, SPANS[name])
    spelled = None if found is None else hours(found)
    if found is not None and spelled is None:
        raise UnreadableError(f"The {name} is no number of seconds.", "Look at the ticket in Jira.")
    return spelled


def _meant(name: Field, row: CustomRow | None, words: list[str], mapping: ProjectMapping) -> Value:
    read = [_read_word(name, row, word, mapping) for word in words]
    for word, value in zip(words, read, strict=True):
        if isinstance(value, Unknown):
            table = f"[custom.{name.value.removeprefix('custom.')}.values]" if row else f"[fields.{name}.values]"
            raise UnreadableError(f"The {name} '{word}' has no meaning.", f"Add it to {table} of mappings/jira.toml.")
    return _shaped(name, row, [value for value in read if isinstance(value, str)])


def _read_people(native: Any, mapping: ProjectMapping) -> list[str] | None:
    listed = native if isinstance(native, list) else [] if native is None else [native]
    people = [mapping.people.read(person_ids(each)) for each in listed]
    return None if None in people else [str(person) for person in people]


def _read_word(name: Field, row: CustomRow | None, word: str, mapping: ProjectMapping) -> str | Unknown:
    if name in NAMES:
        return mapping.read_name(name, word)
    if name is Field.SEVERITY:
        severity = mapping.read_severity(word)
        return severity if isinstance(severity, str) else UNKNOWN
    return word if row is None else _spelled(row, word)


def _spelled(row: CustomRow, word: str) -> str | Unknown:
    """The canonical spelling of a word by the type that the mapping gives to the field."""
    meaning = row.values.read(word)
    if isinstance(meaning, str):
        return meaning
    if row.type == "boolean":
        return {True: "true", False: "false"}[word.casefold() in _YES] if word.casefold() in _YES + _NO else UNKNOWN
    spell = _SPELLINGS.get(row.type)
    return word if spell is None else spell(word) or UNKNOWN


def _shaped(name: Field, row: CustomRow | None, words: list[str]) -> Value:
    if name in (Field.COMPONENTS, Field.MILESTONE) or (row is not None and row.type in CUSTOM_SETS):
        return frozenset(words)
    if len(words) > 1:
        raise UnreadableError(
            f"The {name} has {len(words)} values, where one is expected.", "Give the field a type that holds several."
        )
    return words[0] if words else None


_SPELLINGS: Final[dict[str, Callable[[object], str | None]]] = {"number": amount, "date": day, "datetime": moment}


# -- holding -----------------------------------------------------------------------------------------


def _hold_span(name: Field, fields: Fields, current: NativeTicket | None, mapping: ProjectMapping) -> Holding:
    value = fields.get(name)
    if name is Field.SPENT:
        return _hold_spent(value, _present(name, current, mapping))
    if is_empty(value):
        filled = name is Field.REMAINING and _is_filled_by_jira(fields, current, mapping)
        return Holding(value=_present(name, current, mapping) if filled else None)
    spelled = amount(value)
    if spelled is None or spelled.startswith("-"):
        return Holding(problem=_unfit(name, str(value)))
    span = seconds(spelled)
    return Holding(value=hours(span), words=(f"{span // 60}m",))


def _is_filled_by_jira(fields: Fields, current: NativeTicket | None, mapping: ProjectMapping) -> bool:
    """Whether the remaining estimate is what Jira puts there by itself when a ticket is estimated: nobody's statement."""
    estimate, remaining, spent = (_present(name, current, mapping) for name in SPANS)
    worked = spent or not is_empty(fields.get(Field.SPENT))
    return estimate == remaining is not None and not worked and fields.get(Field.ESTIMATE, estimate) == estimate


def _hold_spent(value: Value, present: str | None) -> Holding:
    """Time can be added by a worklog; what somebody logged is nobody else's to take away."""
    spelled = "0" if is_empty(value) else amount(value)
    if spelled is None:
        return Holding(problem=_unfit(Field.SPENT, str(value)))
    more = seconds(spelled) - seconds(present or "0")
    if more == 0:
        return Holding(value=present if is_empty(value) or present else None)
    if more < 0:
        message = f"Jira has {present} hours of logged work, and {spelled} are wanted: logged time is never taken away."
        mend = "Delete or correct the worklog in Jira, or write Jira's hours in the other tracker."
        return Holding(problem=FieldProblem(field=Field.SPENT, message=message, mend=mend))
    return Holding(value=hours(seconds(spelled)), words=(str(more),))


def _shown(slot: Slot, current: NativeTicket) -> list[str] | None:
    return read_words(slot.kind, at(current.payload, "fields", slot.id))


def _present(name: Field, current: NativeTicket | None, mapping: ProjectMapping) -> str | None:
    if current is None:
        return None
    try:
        found = read_plan(name, current.payload, mapping)
    except UnreadableError:
        return None
    return found if isinstance(found, str) else None


def _hold_people(name: Field, wanted: list[str], slot: Slot, mapping: ProjectMapping) -> Holding:
    known = {person: native for person in wanted if (native := mapping.people.write(person)) is not None}
    strange = [person for person in wanted if person not in known]
    problem = None
    if strange:
        message = f"{', '.join(strange)}: no account in this Jira, as far as [people] says."
        problem = FieldProblem(field=name, message=message, mend="Add them to [people] with their Jira account.")
    if name is Field.REPORTER and not wanted:
        message = "A ticket in Jira has a reporter."
        problem = FieldProblem(field=name, message=message, mend="Choose another reporter in Jira.")
    if (wanted or name is Field.REPORTER) and not known:
        return Holding(problem=problem)
    if len(known) > 1 and slot.kind == "person":
        return Holding(problem=_unfit(name, ", ".join(known)))
    read = [str(mapping.people.read([native]) or person) for person, native in known.items()]
    return Holding(value=_shape_of(name, mapping, read), words=tuple(known.values()), problem=problem)


def _hold_names(
    name: Field, wanted: list[str], slot: Slot, current: NativeTicket | None, mapping: ProjectMapping
) -> Holding:
    """Names that the project has, or that may be made; the names on the ticket itself are there, whatever the list says.

    Where the mapping puts them into a field of another kind, its options are the names, or any will do.
    """
    listed_by_project = slot.kind in NAMED or slot.kind == "sprint"
    listed = names_in(mapping, name) if listed_by_project else slot.options
    there = _shown(slot, current) if current is not None else None
    available = None if listed is None else dict.fromkeys((*(there or ()), *listed))
    words: list[str] = []
    make: list[str] = []
    lost: list[str] = []
    for canonical in wanted:
        word = mapping.write_name(name, canonical, available)
        if word is None and listed_by_project and mapping.place(name).create and canonical.strip() == canonical != "":
            word = canonical
            make.append(word)
        if word is None or not fits(slot.kind, word):
            lost.append(canonical)
        else:
            words.append(word)
    problem = None
    if lost:
        message = f"The project {Site.of(mapping).project} has no {_NAMED[name]} {', '.join(map(repr, lost))}."
        mend = f"Make it in Jira, map it under [fields.{name}.values], or set create = true under [fields.{name}]."
        problem = FieldProblem(field=name, message=message, mend=mend)
    if wanted and not words and name is Field.SPRINT:
        return Holding(problem=problem)
    read = [mapping.read_name(name, word) for word in words]
    return Holding(value=_shape_of(name, mapping, read), words=tuple(words), make=tuple(make), problem=problem)


def _hold_words(name: Field, wanted: list[str], slot: Slot, mapping: ProjectMapping) -> Holding:
    row = mapping.mapping.custom.get(name)
    words: list[str] = []
    read: list[str] = []
    lost: list[str] = []
    for canonical in wanted:
        word = _native_word(name, row, canonical, slot, mapping)
        meaning: str | Unknown = UNKNOWN
        if word is not None and slot.kind == "rich":
            meaning = held_text(word, cloud=Site.of(mapping).cloud)
        elif word is not None:
            meaning = _read_word(name, row, word, mapping)
        if word is None or isinstance(meaning, Unknown):
            lost.append(canonical)
        else:
            words.append(word)
            read.append(meaning)
    if len(words) > 1 and slot.kind not in SEVERAL:
        return Holding(problem=_unfit(name, ", ".join(wanted)))
    problem = _unfit(name, ", ".join(lost)) if lost else None
    if lost and not words:
        return Holding(problem=problem)
    return Holding(value=_shape_of(name, mapping, read), words=tuple(words), problem=problem)


def _native_word(name: Field, row: CustomRow | None, canonical: str, slot: Slot, mapping: ProjectMapping) -> str | None:
    """The native word for a canonical one: as mapped, else itself, in the form and among the options of the field."""
    if name is Field.SEVERITY:
        return mapping.write_severity(canonical, slot.options or ())
    options = None if slot.options is None else dict.fromkeys(slot.options, "")
    word = row.values.write(canonical, options) if row is not None else None
    if word is None and row is not None and row.type == "boolean" and options is not None:
        word = next((option for option in options if _spelled(row, option) == canonical), None)
    if word is None and options is not None:
        word = next((option for option in options if option.casefold() == canonical.casefold()), None)
    if options is None:
        word = canonical if word is None else word
    if word is None or not fits(slot.kind, word):
        return None
    return amount(word) if slot.kind == "number" else word


def _shape_of(name: Field, mapping: ProjectMapping, read: list[str]) -> Value:
    try:
        return _shaped(name, mapping.mapping.custom.get(name), read)
    except UnreadableError:
        return UNKNOWN


_NAMED: Final = {Field.COMPONENTS: "component", Field.MILESTONE: "version", Field.SPRINT: "open sprint"}


def _unfit(name: Field, shown: str) -> FieldProblem:
    return FieldProblem(
        field=name,
        message=f"Jira's field can't hold '{shown}' as {name}.",
        mend="Add it to the field's options in Jira or to the mapping, or correct the value.",
    )
