"""What one entry of a work item's history says of our fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapters.azure_devops import codec_links, codec_nodes, codec_text, wire
from adapters.azure_devops.codec_fields import read_held
from adapters.azure_devops.codec_state import read_reason, read_status
from adapters.azure_devops.codec_values import read_person, read_priority, read_tags
from adapters.azure_devops.places import NODES, holders
from sync.core.mapping import ProjectMapping
from sync.core.models import UNKNOWN, Field, JsonObject, Value

Change = tuple[Field, Value, Value]


def changes(payload: JsonObject, mapping: ProjectMapping) -> Iterator[Change]:
    """Field, old and new value; type, state and reason as they were after the change travel along in the payload.

    Links are told as what went and what came.
    """
    fields, type_ = wire.mapping(payload.get("fields")), wire.text(payload.get("type"))
    for place, change in fields.items():
        pair = wire.mapping(change)
        old, new = pair.get("oldValue"), pair.get("newValue")
        match place:
            case wire.TITLE:
                yield Field.TITLE, wire.text(old), wire.text(new)
            case wire.PRIORITY:
                yield Field.PRIORITY, read_priority(old, mapping), read_priority(new, mapping)
            case wire.TAGS:
                yield Field.LABELS, read_tags(old), read_tags(new)
            case wire.ASSIGNED_TO:
                yield Field.ASSIGNEES, read_person(old, mapping), read_person(new, mapping)
            case wire.WORK_ITEM_TYPE:
                before, after = mapping.read_type(wire.text(old)), mapping.read_type(wire.text(new))
                yield Field.KIND, before.kind if before else UNKNOWN, after.kind if after else UNKNOWN
                yield Field.TYPE, before.type if before else UNKNOWN, after.type if after else UNKNOWN
    if wire.DESCRIPTION in fields or wire.REPRO_STEPS in fields:
        # A change of type may take the text from one to the other.
        both = [_pair(fields, place) for place in (wire.DESCRIPTION, wire.REPRO_STEPS)]
        who = codec_text.mentions(mapping)
        texts = (next(filter(None, map(wire.text, ends)), "") for ends in zip(*both, strict=True))
        old, new = (codec_text.read(text, who=who) for text in texts)
        yield Field.BODY, old, new
    for name, (_, native) in NODES.items():
        if native in fields:
            old, new = _pair(fields, native)
            yield name, codec_nodes.read_path(name, old, mapping), codec_nodes.read_path(name, new, mapping)
    for name, holder in holders(type_, mapping).items():
        if holder.native in fields:
            old, new = _pair(fields, holder.native)
            yield name, read_held(holder, old, mapping), read_held(holder, new, mapping)
    yield from _moved(payload, fields, type_, mapping)
    yield from _linked(wire.mapping(payload.get("relations")), mapping)


def _moved(payload: JsonObject, fields: JsonObject, type_: str, mapping: ProjectMapping) -> Iterator[Change]:
    """The status, and the reason, which means something beside a state only."""
    if wire.STATE not in fields and wire.REASON not in fields:
        return
    before, after = _texts(fields, wire.STATE, payload.get("state"))
    why, because = _texts(fields, wire.REASON, payload.get("reason"))
    if wire.STATE in fields:
        yield Field.STATUS, _status(before, type_, mapping), _status(after, type_, mapping)
    old = read_reason(why, before, type_, mapping) if before else None
    yield Field.REASON, old, read_reason(because, after, type_, mapping) if after else None


def _status(state: str, type_: str, mapping: ProjectMapping) -> Value:
    return read_status(state, type_, mapping) if state else UNKNOWN


def _linked(relations: JsonObject, mapping: ProjectMapping) -> Iterator[Change]:
    gone, come = ({"relations": relations.get(end)} for end in ("removed", "added"))
    if (old := wire.parent(gone)) or wire.parent(come):
        yield Field.PARENT, old, wire.parent(come)
    left, joined = codec_links.read_links(gone, mapping), codec_links.read_links(come, mapping)
    if left or joined:
        yield Field.LINKS, left, joined


def _pair(fields: JsonObject, place: str) -> tuple[Any, Any]:
    pair = wire.mapping(fields.get(place))
    return pair.get("oldValue"), pair.get("newValue")


def _texts(fields: JsonObject, place: str, known: Any) -> tuple[str, str]:
    """The old and the new text; a place that the entry does not name was and is what is `known`."""
    old, new = _pair(fields, place) if place in fields else (known, known)
    return wire.text(old), wire.text(new)
