"""Kinds of Jira fields, from their schema: the word that a mapping uses for each, and its values' JSON both ways.

Between JSON and canonical values stand plain words: a field holds none, one or several of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal
from typing import Any, Final

from adapters.jira.codec_text import read_text, write_text
from adapters.jira.wire import as_list, as_object, at, parse_time, person_ids, text_at
from sync.core.quantities import amount, day

#: Kind → word of `sync.core.mapping.CUSTOM_TYPES`; a kind that is not here can't be carried as a custom field.
TYPES: Final = {
    "text": "text",
    "rich": "text",
    "number": "number",
    "date": "date",
    "datetime": "datetime",
    "choice": "choice",
    "cascade": "choice",
    "choices": "choices",
    "labels": "choices",
    "person": "person",
    "people": "people",
    "url": "url",
}
#: Kinds whose fields hold several words.
SEVERAL: Final = frozenset({"choices", "labels", "people"})
#: Kinds of names that the project has a list of, each in an object.
NAMED: Final = frozenset({"components", "versions"})
TEXT_LIMIT: Final = 255
#: Between the two levels of a cascading choice.
BELOW: Final = " / "
_BY_CUSTOM: Final = {
    "textarea": "rich",
    "url": "url",
    "labels": "labels",
    "cascadingselect": "cascade",
    "gh-sprint": "sprint",
    "gh-epic-link": "",
    "gh-epic-label": "",
    "jsw-story-points": "number",
}
_BY_TYPE: Final = {
    "string": "text",
    "number": "number",
    "date": "date",
    "datetime": "datetime",
    "option": "choice",
    "option-with-child": "cascade",
    "user": "person",
    "timetracking": "timetracking",
}
_BY_ITEMS: Final = {"option": "choices", "user": "people", "component": "components", "version": "versions"}
_SPRINT_TEXT: Final = re.compile(r"Sprint@[0-9a-f]+\[(.*)\]\Z", re.DOTALL)
_SPRINT_MEMBER: Final = re.compile(
    r"(?:\A|,)(id|state|name)=(.*?)(?=,(?:id|rapidViewId|state|name|startDate|endDate|completeDate|activatedDate|"
    r"sequence|goal|synced|autoStartStop|incompleteIssuesDestinationId)=|\Z)",
    re.DOTALL,
)


def kind_of(schema: Any) -> str:
    """The kind of a field; "" for one whose values we don't know."""
    custom = text_at(schema, "custom").rpartition(":")[2]
    if custom in _BY_CUSTOM:
        return _BY_CUSTOM[custom]
    outer = text_at(schema, "type")
    return _BY_ITEMS.get(text_at(schema, "items"), "") if outer == "array" else _BY_TYPE.get(outer, "")


def options_of(row: Any) -> list[str]:
    """The choices that a screen offers for a field, as words; archived and disabled ones are none."""
    found: list[str] = []
    for option in as_list(at(row, "allowedValues")):
        if at(option, "disabled") is True or at(option, "archived") is True:
            continue
        if word := text_at(option, "value") or text_at(option, "name"):
            below = [text_at(child, "value") for child in as_list(at(option, "children"))]
            found += [word, *(word + BELOW + child for child in below if child)]
    return found


def read_words(kind: str, value: Any) -> list[str] | None:
    """The words that a field holds; people by their first id. None for what is none of its kind."""
    if value is None:
        return []
    if kind in SEVERAL or kind in NAMED:
        words = [_read_word(kind, each) for each in value] if isinstance(value, list) else [None]
    elif kind == "sprint":
        words = _read_sprint(value)
    else:
        words = [_read_word(kind, value)]
    return None if None in words else [word for word in words if word]


def write_words(kind: str, words: Sequence[str], *, cloud: bool, current: Any = None) -> Any:
    """The JSON for a field that is to hold these words; None clears it."""
    if not words:
        return None
    written = [_write_word(kind, word, cloud=cloud, current=current) for word in words]
    return written if kind in SEVERAL or kind in NAMED else written[0]


def fits(kind: str, word: str) -> bool:
    """Whether a word can be one of this kind, as far as its form goes."""
    match kind:
        case "number":
            return amount(word) is not None
        case "date":
            return day(word) == word
        case "datetime":
            return parse_time(word) is not None
        case "text":
            return len(word) <= TEXT_LIMIT and "\n" not in word and "\r" not in word and word == word.strip()
        case "url":
            return len(word) <= TEXT_LIMIT and re.fullmatch(r"(?:https?|ftp)://\S+|mailto:\S+", word) is not None
        case "labels":
            return len(word) <= TEXT_LIMIT and re.search(r"\s", word) is None
    return bool(word)


def moment(value: Any) -> str | None:
    """A time in UTC, true to the millisecond as Jira's are; None for what is none."""
    found = parse_time(value)
    if found is None:
        return None
    fine = "milliseconds" if found.microsecond >= 1000 else "seconds"
    return found.astimezone(UTC).isoformat(timespec=fine).replace("+00:00", "Z")


def _read_word(kind: str, value: Any) -> str | None:
    match kind:
        case "text" | "url" | "labels":
            return value if isinstance(value, str) else None
        case "rich":
            return read_text(value) if isinstance(value, str | dict) else None
        case "number":
            return amount(value)
        case "date":
            return day(value)
        case "datetime":
            return moment(value)
        case "person" | "people":
            return next(iter(person_ids(value)), None)
        case "cascade":
            inner = text_at(value, "child", "value")
            return text_at(value, "value") + (BELOW + inner if inner else "") if as_object(value) else None
    return (text_at(value, "value") or text_at(value, "name")) if as_object(value) else None


def _write_word(kind: str, word: str, *, cloud: bool, current: Any) -> Any:
    match kind:
        case "rich":
            return write_text(word, cloud=cloud, current=current)
        case "number":
            number = Decimal(word)
            return int(number) if number == number.to_integral_value() else float(number)
        case "datetime":
            found = parse_time(word)
            return (
                None if found is None else found.strftime("%Y-%m-%dT%H:%M:%S.") + f"{found.microsecond // 1000:03}+0000"
            )
        case "choice" | "choices":
            return {"value": word}
        case "cascade":
            outer, _, inner = word.partition(BELOW)
            return {"value": outer, "child": {"value": inner}} if inner else {"value": outer}
        case "components" | "versions":
            return {"name": word}
        case "person" | "people":
            return {"accountId" if cloud else "name": word}
    return word


def read_sprints(value: Any) -> list[tuple[str, str, str]] | None:
    """(id, state, name) of each sprint that a ticket was or is in; None for what is no list of sprints.

    Cloud answers objects, Data Center the text of a Java object. States are in small letters.
    """
    found = []
    for each in value if isinstance(value, list) else [] if value is None else [None]:
        told = _SPRINT_TEXT.search(each) if isinstance(each, str) else None
        members = dict(_SPRINT_MEMBER.findall(told[1])) if told else as_object(each)
        name = text_at(members, "name")
        if not name:
            return None
        found.append((text_at(members, "id"), text_at(members, "state").lower(), name))
    return found


def _read_sprint(value: Any) -> list[str | None]:
    """The last sprint that is not over: a ticket is in one at most."""
    sprints = read_sprints(value)
    if sprints is None:
        return [None]
    found: list[str | None] = [name for _, state, name in sprints if state != "closed"]
    return found[-1:]
