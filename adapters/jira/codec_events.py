"""What Jira's changelog tells of fields: one item a field, or one a member for sets whose members come and go one by one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from adapters.jira.codec_links import linking, told_link
from adapters.jira.codec_plans import SPANS, read_told
from adapters.jira.codec_text import read_text
from adapters.jira.codec_values import Site, read_label, read_reason
from adapters.jira.kinds import NAMED
from adapters.jira.slots import Slot, slot_of, slotted
from adapters.jira.wire import as_list, as_object, text_at
from sync.core.mapping import ProjectMapping
from sync.core.models import UNKNOWN, Field, FieldEvent, NativeEvent, Value
from sync.core.quantities import day, hours

Change = tuple[Field, Value, Value]
_SIDES: Final = ("from", "to")
_TIMES: Final = {
    "timeoriginalestimate": Field.ESTIMATE,
    "timeestimate": Field.REMAINING,
    "timespent": Field.SPENT,
}
#: Items that tell of one member each, by the names that both deployments use.
_MEMBERS: Final = {"Component": Field.COMPONENTS, "Fix Version": Field.MILESTONE}
_CASCADE: Final = re.compile(r"(?:Parent values|Level 1 values): (.*?)\(\d+\)")


def decode_event(event: NativeEvent, mapping: ProjectMapping) -> tuple[FieldEvent, ...]:
    """See `Codec`."""
    author = mapping.people.read([event.author]) if event.author else None
    found = []
    for number, item in enumerate(as_list(as_object(event.payload).get("items"))):
        for name, old, new in _changes_of(item, mapping):
            if name not in mapping.mapping.off and old != new:
                identifier = f"{event.id}.{number}.{name}"
                found.append(FieldEvent(id=identifier, field=name, old=old, new=new, author=author, at=event.at))
    return tuple(found)


def _changes_of(item: Any, mapping: ProjectMapping) -> list[Change]:
    """What one item of a changelog entry says, field by field."""
    label = text_at(item, "field")
    name = text_at(item, "fieldId") or label
    if name in ("IssueParentAssociation", "Parent", "parent", "Epic Link", Site.of(mapping).epic_link):
        return [(Field.PARENT, text_at(item, "from") or None, text_at(item, "to") or None)]
    own = text_at(item, "fieldtype") == "custom"  # a field of a team's own may be called like one of Jira's
    if not own and (readers := _READERS.get(name)):
        return [(field, read(item, "from", mapping), read(item, "to", mapping)) for field, read in readers]
    if label == "Link" and linking(mapping):
        told = [told_link(item, side, mapping) for side in _SIDES]
        old, new = (UNKNOWN if each is None else each for each in told)
        return [(Field.LINKS, old, new)]
    field = _MEMBERS.get(label)
    if field is not None and (held := slot_of(field, mapping)) is not None and held.kind in NAMED:
        old, new = (frozenset(_named(field, item, side, mapping)) for side in _SIDES)
        return [(field, old, new)]
    if (field := _TIMES.get(name)) is not None and slot_of(field, mapping) is not None:
        return [(field, hours(text_at(item, "from")), hours(text_at(item, "to")))]
    return [
        (field, *_told(field, slot, item, mapping))
        for field in slotted(mapping)
        if field not in SPANS and (slot := slot_of(field, mapping)) is not None
        if slot.id == name or (name == label and _label_of(slot, mapping) == label)
    ]


def _label_of(slot: Slot, mapping: ProjectMapping) -> str:
    """The name of a field: Data Center's changelog has no ids."""
    return text_at(as_object(mapping.facts.extra.get("fields")).get(slot.id), "name")


def _told(field: Field, slot: Slot, item: Any, mapping: ProjectMapping) -> tuple[Value, Value]:
    """Old and new value of a field that is told of as a whole."""
    if slot.kind == "sprint":
        return _told_sprint(item, mapping)
    old, new = (read_told(field, slot, _words(slot.kind, item, side), mapping) for side in _SIDES)
    return old, new


def _words(kind: str, item: Any, side: str) -> list[str] | None:
    """The native words that an item shows; None where it does not say how many there are."""
    internal, shown = text_at(item, side), text_at(item, f"{side}String")
    match kind:
        case "date":
            told = day(internal) or day(shown)
            return [told] if told else None if internal or shown else []
        case "datetime" | "person":
            return [internal] if internal else None if shown else []
        case "labels":
            return shown.split()
        case "choices" | "people":
            ids = [each for each in re.split(r"[\[\], ]+", internal) if each]
            return ids if kind == "people" else _split(shown, len(ids))
        case "cascade":
            levels = _CASCADE.findall(shown)
            return [" / ".join(levels)] if levels else None if shown else []
        case "rich":
            return [read_text(shown)] if shown else []  # wiki markup, on Cloud too
    return [shown] if shown else []


def _split(shown: str, count: int) -> list[str] | None:
    """Words joined by commas, where a comma inside of one does not make more of them."""
    words = [word.strip() for word in shown.split(",")] if shown else []
    return words if len(words) == count else [shown] if count == 1 else None


def _told_sprint(item: Any, mapping: ProjectMapping) -> tuple[Value, Value]:
    """A ticket keeps the sprints that are over: the one that it left is gone from the list, the new one was added."""
    listed = [(re.findall(r"\d+", text_at(item, side)), text_at(item, f"{side}String")) for side in _SIDES]
    told: list[Value] = []
    for (ids, shown), (others, _) in (listed, listed[::-1]):
        names = _split(shown, len(ids))
        mine = [number for number in range(len(ids)) if ids[number] not in others]
        told.append(
            None if not mine else UNKNOWN if names is None else mapping.read_name(Field.SPRINT, names[mine[-1]])
        )
    return told[0], told[1]


def _named(field: Field, item: Any, side: str, mapping: ProjectMapping) -> list[str]:
    word = text_at(item, f"{side}String")
    return [mapping.read_name(field, word)] if word else []


def _told_status(item: Any, side: str, mapping: ProjectMapping) -> Value:
    word = Site.of(mapping).status_word({"id": text_at(item, side), "name": text_at(item, f"{side}String")})
    return mapping.read_status(word) if word else UNKNOWN


def _told_person(item: Any, side: str, mapping: ProjectMapping) -> Value:
    identifier = text_at(item, side)
    person = mapping.people.read([identifier]) if identifier else None
    return frozenset({str(person)}) if person else frozenset()


def _told_kind(item: Any, side: str, mapping: ProjectMapping) -> Value:
    row = mapping.read_type(text_at(item, f"{side}String"))
    return row.kind if row else UNKNOWN


def _told_type(item: Any, side: str, mapping: ProjectMapping) -> Value:
    row = mapping.read_type(text_at(item, f"{side}String"))
    return row.type if row else UNKNOWN


def _told_labels(item: Any, side: str, _mapping: ProjectMapping) -> Value:
    return frozenset(read_label(label) for label in text_at(item, f"{side}String").split())


_READERS: Final[Mapping[str, tuple[tuple[Field, Callable[[Any, str, ProjectMapping], Value]], ...]]] = {
    "summary": ((Field.TITLE, lambda item, side, _: text_at(item, f"{side}String")),),
    # The changelog keeps texts as wiki markup, on Cloud too.
    "description": ((Field.BODY, lambda item, side, _: read_text(text_at(item, f"{side}String"))),),
    "status": ((Field.STATUS, _told_status),),
    "resolution": ((Field.REASON, lambda item, side, m: read_reason({"name": text_at(item, f"{side}String")}, m)),),
    "priority": ((Field.PRIORITY, lambda item, side, m: m.read_priority(text_at(item, f"{side}String"))),),
    "labels": ((Field.LABELS, _told_labels),),
    "assignee": ((Field.ASSIGNEES, _told_person),),
    "issuetype": ((Field.KIND, _told_kind), (Field.TYPE, _told_type)),
}
