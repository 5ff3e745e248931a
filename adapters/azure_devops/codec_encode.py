"""The requests that bring a work item from what stands there to what a `Writer` wants.

One for the fields, and one each for what may be refused by itself: a new iteration or area, a move of the state, the
parent, the links.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapters.azure_devops import codec_links, codec_state, codec_text, wire
from adapters.azure_devops.codec_state import read_status
from adapters.azure_devops.codec_values import Writer, read_back
from adapters.azure_devops.places import NODES, holders
from sync.core.fieldrules import equal
from sync.core.ids import Marker
from sync.core.models import Field, JsonObject, NativeTicket
from sync.core.ports import NativeOp, OpKind

_FIXED = {
    Field.TITLE: wire.TITLE,
    Field.PRIORITY: wire.PRIORITY,
    Field.LABELS: wire.TAGS,
    Field.ASSIGNEES: wire.ASSIGNED_TO,
    **{name: native for name, (_, native) in NODES.items()},
}


def creation(writer: Writer, marker: Marker | None) -> NativeOp:
    """A new work item, in its type's initial state: other states, links and new nodes are left for updates."""
    values = writer.values
    patch, names = _fields(writer, {})
    first = writer.standing.state
    if values.get(Field.STATUS) == first:
        patch.append(_set(wire.STATE, first))
        names |= {Field.STATUS}
    patch += _filled(writer, first, {}, patch)
    if parent := values.get(Field.PARENT):
        patch.append(_relation(wire.PARENT_LINK, f"{_organisation(writer)}/_apis/wit/workItems/{parent}"))
        names |= {Field.PARENT}
    names |= {name for name in (Field.KIND, Field.TYPE) if name in values}
    if marker is not None:
        patch.append(_relation("Hyperlink", f"{wire.MARKER_URL}{marker}"))
    return NativeOp(
        kind=OpKind.CREATE,
        action="create",
        summary=f"create {writer.type} '{values.get(Field.TITLE, '')}'",
        payload={"type": writer.type, "patch": patch, "fields": _carried(writer)},
        fields=names,
        marker=marker,
    )


def updates(writer: Writer, current: NativeTicket) -> Iterator[NativeOp]:
    """The requests in the order in which they should be sent."""
    present = writer.present.fields
    patch, names = _fields(writer, present)
    if names:
        yield _update(writer, current, "update", names, {"patch": patch})
    for name in writer.absent:
        if not _same(writer, name, present.get(_FIXED[name]), writer.values[name]):
            payload = {"patch": [_set(_FIXED[name], writer.values[name])], "nodes": writer.absent[name]}
            yield _update(writer, current, "make", frozenset({name}), payload)
    goal = writer.goal
    if goal is not None and goal.way and writer.type == writer.present.type:
        yield _move(writer, current, goal.way[0], goal.reason if len(goal.way) == 1 else "")
    if Field.PARENT in writer.values and (new := writer.values[Field.PARENT]) != writer.present.parent:
        old = writer.present.parent
        links = {
            "remove": [[wire.PARENT_LINK, old]] if old else [],
            "add": [[wire.PARENT_LINK, new]] if new else [],
        }
        yield _update(writer, current, "relate", frozenset({Field.PARENT}), links)
    if Field.LINKS in writer.values:
        links = codec_links.changes(writer.values[Field.LINKS], writer.present.payload, writer.mapping)
        if links["add"] or links["remove"]:
            yield _update(writer, current, "relate", frozenset({Field.LINKS}), links)


def _update(
    writer: Writer, current: NativeTicket, action: str, names: frozenset[Field], payload: JsonObject
) -> NativeOp:
    return NativeOp(
        kind=OpKind.UPDATE,
        action=action,
        summary=f"set {', '.join(sorted(names))} of {current.key}",
        payload={**payload, "fields": _carried(writer)},
        ref=current.ref,
        fields=names,
        expects=current.version,
    )


def _carried(writer: Writer) -> JsonObject:
    """The canonical names of the native fields, so that a refusal of one is told as what it is here."""
    found = {holder.native: name.value for name, holder in writer.holders.items() if name in writer.values}
    return found | {native: name.value for name, native in _FIXED.items()} | {writer.body_field: Field.BODY.value}


def _move(writer: Writer, current: NativeTicket, state: str, reason: str) -> NativeOp:
    """One move of the state, with what the mapping sends along; a reason goes with the last."""
    names = {Field.STATUS, Field.REASON} & writer.values.keys()
    patch = [_set(wire.STATE, state)]
    if reason:
        patch.append(_set(wire.REASON, reason))
    patch += _filled(writer, state, writer.present.fields, patch)
    return _update(writer, current, "move", frozenset(names), {"patch": patch, "state": state})


def _filled(writer: Writer, state: str, present: JsonObject, patch: list[JsonObject]) -> list[JsonObject]:
    taken = {operation["path"].removeprefix("/fields/") for operation in patch}
    status = read_status(state, writer.type, writer.mapping)
    found = codec_state.screen(status, writer.type, present, taken, writer.mapping)
    return [_set(native, value) for native, value in found.items()]


def _fields(writer: Writer, present: JsonObject) -> tuple[list[JsonObject], frozenset[Field]]:
    """The operations on fields, and the canonical fields that they set; a new type takes its state along."""
    patch, names = list[JsonObject](), set[Field]()
    if present and writer.type != writer.present.type:
        names |= {name for name in (Field.KIND, Field.TYPE) if name in writer.values}
        patch += _retyped(writer, present)
        if writer.goal is not None:
            names |= {Field.STATUS, Field.REASON} & writer.values.keys()
    places = {**_FIXED, Field.BODY: writer.body_field}
    places |= {name: holder.native for name, holder in writer.holders.items()}
    for name, place in places.items():
        if name not in writer.values or name in writer.absent:
            continue
        new, here = writer.values[name], _source(writer, name, place)
        if _same(writer, name, present.get(here), new):
            continue
        names.add(name)
        if name is Field.BODY and here != place and writer.type == writer.present.type:
            if here == wire.DESCRIPTION:
                patch.append(_remove(here))
            else:
                new = new or _NOTHING  # what no form of this type shows can't be removed from it
        if name is Field.LABELS:
            new = "; ".join(new)
        if new not in (None, ""):
            patch.append(_set(place, new))
        elif place in present:
            patch.append(_remove(place))
    return patch, frozenset(names)


#: An empty text that stands before one that is hidden.
_NOTHING = "<div></div>"


def _source(writer: Writer, name: Field, place: str) -> str:
    """Where the value of a field stands now, which a change of type may have left elsewhere."""
    if name is Field.BODY:
        return writer.body_source
    holder = writer.holders.get(name)
    return place if holder is None else holder.source(writer.present.fields)


def _retyped(writer: Writer, present: JsonObject) -> list[JsonObject]:
    """The new type, with what hangs on the old one: a state that the type has, and values that have another place there."""
    patch = [_set(wire.WORK_ITEM_TYPE, writer.type)]
    mapping, old = writer.mapping, writer.present
    states = codec_state.states_of(writer.type, mapping)
    if writer.goal is not None and writer.goal.state != old.state:
        patch.append(_set(wire.STATE, writer.goal.state))
    elif states and old.state not in states:
        meaning = read_status(old.state, old.type, mapping)
        word = mapping.values(Field.STATUS).write(meaning, states) if isinstance(meaning, str) else None
        patch.append(_set(wire.STATE, word or next(iter(states))))
    moved = {
        name: (before.native, writer.holders[name].native)
        for name, before in holders(old.type, mapping).items()
        if name in writer.holders
    }
    moved[Field.BODY] = (writer.body_source, writer.body_field)
    for name, (here, there) in moved.items():
        value = present.get(here)
        if here == there or value in (None, ""):
            continue
        patch.insert(0, _remove(here))  # the new type may not have the field
        if name not in writer.values:
            patch.append(_set(there, value))
            if codec_text.is_markdown(old.payload, here):
                patch.append({"op": "add", "path": f"/multilineFieldsFormat/{there}", "value": "Markdown"})
    return patch


def _same(writer: Writer, name: Field, old: Any, new: Any) -> bool:
    """Whether a value stands there already: what would be read is compared, since the service spells many its own way."""
    if new is None or new == "":
        return old is None or old == ""
    match name:
        case Field.TITLE | Field.PRIORITY:
            return bool(old == new)
        case Field.LABELS:
            return set(wire.split_tags(old)) == set(new)
        case Field.ASSIGNEES:
            return str(new).casefold() in {one.casefold() for one in wire.people_ids(old)}
        case Field.BODY:
            markdown = codec_text.is_markdown(writer.present.payload, writer.body_source)
            who = codec_text.mentions(writer.mapping)
            there = codec_text.read(wire.text(old), markdown=markdown, who=who)
            return isinstance(old, str) and equal(name, there, read_back(name, new, writer))
    return equal(name, read_back(name, old, writer), read_back(name, new, writer))


def _organisation(writer: Writer) -> str:
    return wire.text(writer.mapping.facts.extra.get("url"))


def _set(place: str, value: Any) -> JsonObject:
    return {"op": "add", "path": f"/fields/{place}", "value": value}


def _remove(place: str) -> JsonObject:
    return {"op": "remove", "path": f"/fields/{place}"}


def _relation(rel: str, url: str) -> JsonObject:
    return {"op": "add", "path": "/relations/-", "value": {"rel": rel, "url": url}}
