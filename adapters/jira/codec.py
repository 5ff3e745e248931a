"""Jira's payloads in canonical terms, and back. Pure; takes any JSON."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from adapters.jira.codec_encode import Encoding, comment_op, delete_op
from adapters.jira.codec_events import decode_event
from adapters.jira.codec_files import attachments_in, attachments_of, files_of, linked_in, named_in, told_files
from adapters.jira.codec_links import hold_links, linking, links_there, read_links
from adapters.jira.codec_plans import hold, is_there, read_plan
from adapters.jira.codec_text import (
    held_text,
    mentions,
    one_line,
    read_text,
    too_long,
    with_attribution,
    without_attribution,
    write_text,
)
from adapters.jira.codec_values import (
    Site,
    UnreadableError,
    held_assignee,
    held_labels,
    held_reason,
    held_status,
    held_type,
    is_restricted,
    read_label,
    read_reason,
    status_of,
)
from adapters.jira.people import accounts
from adapters.jira.slots import slotted
from adapters.jira.wire import ADDED, PROPERTY, as_list, as_object, at, marker_in, parse_time, person_ids, text_at
from sync.core.capabilities import Capabilities
from sync.core.changes import ChangeSet
from sync.core.fieldrules import equal
from sync.core.ids import Marker, NativeRef
from sync.core.linking import explicit_references
from sync.core.mapping import ProjectMapping
from sync.core.models import (
    UNKNOWN,
    Account,
    Decoded,
    DecodedComment,
    Field,
    FieldEvent,
    FieldProblem,
    Fields,
    JsonObject,
    NativeAttachment,
    NativeComment,
    NativeEvent,
    NativeTicket,
    Snapshot,
    Value,
)
from sync.core.ports import Encoded, OpKind

#: The property of a comment that says who may read it in a service project.
_SHOWN_TO: Final = "sd.public.comment"
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _is_customer(person: Any, mapping: ProjectMapping) -> bool:
    """Whether it is a customer of a service project, who asks by a portal, and nobody of `[people]`."""
    return text_at(person, "accountType") == "customer" and not mapping.people.knows(person_ids(person))


class JiraCodec:
    """See `sync.core.ports.Codec`."""

    def decode(self, native: NativeTicket, mapping: ProjectMapping) -> Decoded:
        """See `Codec`."""
        payload = as_object(native.payload)
        fields: dict[Field, Value] = {}
        problems: list[FieldProblem] = []
        for name, read in _readers(payload, mapping):
            if name in mapping.mapping.off:
                continue
            try:
                fields[name] = read(payload, mapping)
            except UnreadableError as error:
                fields[name] = UNKNOWN
                problems.append(FieldProblem(field=name, message=str(error.args[0]), mend=str(error.args[1])))
        body = fields.get(Field.BODY)
        marker = marker_in(payload.get("properties"))
        reporter = person_ids(at(payload, "fields", "reporter")) or person_ids(at(payload, "fields", "creator"))
        return Decoded(
            snapshot=Snapshot(fields=fields),
            problems=tuple(problems),
            marker=Marker(marker) if marker else None,
            references=explicit_references(body) if isinstance(body, str) else (),
            outsider=_is_customer(at(payload, "fields", "creator"), mapping),
            author=mapping.people.read(reporter),
        )

    def decode_comment(self, native: NativeComment, mapping: ProjectMapping) -> DecodedComment:
        """See `Codec`. What our own account wrote with an attribution is a mirrored comment."""
        payload = as_object(native.payload)
        author = person_ids(payload.get("author"))
        marker = marker_in(payload.get("properties"))
        body = read_text(payload.get("body"), mentions(mapping), told_files(payload))
        ours = bool(marker) or Site.of(mapping).account in author
        created, updated = parse_time(payload.get("created")), parse_time(payload.get("updated"))
        return DecodedComment(
            body=without_attribution(body) if ours else body,
            author=mapping.people.read(author),
            author_name=text_at(payload, "author", "displayName") or (author[0] if author else "somebody"),
            created_at=created or _NEVER,
            marker=Marker(marker) if marker else None,
            restricted=is_restricted(payload, mapping, ours=ours),
            edited=updated is not None and created is not None and updated > created,
        )

    def accounts(self, native: NativeTicket | NativeComment) -> Iterator[Account]:
        """See `Codec`."""
        return accounts(native.payload)

    def attachments(self, native: NativeTicket) -> tuple[NativeAttachment, ...]:
        """See `Codec`."""
        return attachments_of(native)

    def decode_event(self, event: NativeEvent, mapping: ProjectMapping) -> tuple[FieldEvent, ...]:
        """See `Codec`."""
        return decode_event(event, mapping)

    def project(
        self, fields: Fields, current: NativeTicket | None, mapping: ProjectMapping, caps: Capabilities
    ) -> Fields:
        """See `Codec`."""
        cloud = Site.of(mapping).cloud
        held: dict[Field, Value] = {}
        title, body, priority = (fields.get(name) for name in (Field.TITLE, Field.BODY, Field.PRIORITY))
        if isinstance(title, str) and 0 < len(one_line(title)) <= (caps.title_limit or len(title)):
            held[Field.TITLE] = one_line(title)
        if Field.BODY in fields and body is not UNKNOWN:
            text = body if isinstance(body, str) else ""
            if too_long(text, caps, cloud=cloud) is None:
                links = linked_in(text, files_of(current))
                held[Field.BODY] = held_text(text, cloud=cloud, who=mentions(mapping), links=links)
        if isinstance(priority, str) and priority and (word := mapping.write_priority(priority)) is not None:
            held[Field.PRIORITY] = mapping.read_priority(word)
        labels = held_labels(fields.get(Field.LABELS))
        if labels is not None:
            held[Field.LABELS] = frozenset(labels.values())
        assignee = held_assignee(fields.get(Field.ASSIGNEES), current, mapping)
        if assignee is not None:
            held[Field.ASSIGNEES] = assignee[1]
        held |= self._held_place(fields, current, mapping) | self._held_state(fields, current, mapping)
        held |= self._held_plans(fields, current, mapping)
        for name in caps.tells & held.keys():
            if current is None or not equal(name, held[name], _present(name, current, mapping)):
                del held[name]
        return {name: value for name, value in held.items() if name in fields and name not in mapping.mapping.off}

    def encode(
        self,
        changes: ChangeSet,
        current: NativeTicket | None,
        mapping: ProjectMapping,
        caps: Capabilities,
        marker: Marker | None = None,
    ) -> Encoded:
        """See `Codec`."""
        if current is None:
            return Encoding(changes, None, mapping, caps).create(marker)
        there = self.decode(current, mapping).snapshot.fields
        held = self.project(changes.news, current, mapping, caps)
        alike = {name for name, value in held.items() if name in there and equal(name, value, there[name])}
        return Encoding(changes, current, mapping, caps, alike=alike).update(current)

    def encode_delete(self, ticket: NativeTicket) -> Encoded:
        """See `Codec`."""
        return Encoded(ops=(delete_op(ticket),))

    def encode_comment(
        self,
        body: str | None,
        ticket: NativeTicket,
        current: NativeComment | None,
        mapping: ProjectMapping,
        caps: Capabilities,
        *,
        marker: Marker | None = None,
        attribution: str | None = None,
    ) -> Encoded:
        """See `Codec`."""
        if body is None:
            deleted = comment_op(OpKind.COMMENT_DELETE, ticket, current.ref, None, None) if current else None
            return Encoded(ops=(deleted,) if deleted else ())
        cloud = Site.of(mapping).cloud
        text = with_attribution(body, attribution)
        if problem := too_long(text, caps, cloud=cloud):
            return Encoded(problems=(problem,))
        there, files = current.payload.get("body") if current is not None else None, files_of(ticket)
        who = mentions(mapping)
        sent: JsonObject = {"body": write_text(text, cloud=cloud, current=there, who=who, files=files)}
        if sent["body"] is None:
            message = "Jira takes no empty comment."
            return Encoded(problems=(FieldProblem(field=Field.BODY, message=message, mend="Write something in it."),))
        named = named_in(sent["body"], files)
        if current is not None:
            if visibility := current.payload.get("visibility"):
                sent["visibility"] = visibility  # an edit without it shows the comment to everybody
            return Encoded(ops=(comment_op(OpKind.COMMENT_UPDATE, ticket, current.ref, sent, marker, named),))
        properties: list[JsonObject] = []
        if marker is not None:
            properties.append({"key": PROPERTY, "value": {"marker": marker}})
        if Site.of(mapping).internal:
            properties.append({"key": _SHOWN_TO, "value": {"internal": True}})
        if properties:
            sent["properties"] = properties
        return Encoded(ops=(comment_op(OpKind.COMMENT_CREATE, ticket, None, sent, marker, named),))

    def _held_place(self, fields: Fields, current: NativeTicket | None, mapping: ProjectMapping) -> dict[Field, Value]:
        """Kind, type and parent, which depend on each other."""
        held: dict[Field, Value] = {}
        row = held_type(fields, current, mapping)
        if row is not None:
            held |= {Field.KIND: row.kind, Field.TYPE: row.type}
        parent = fields.get(Field.PARENT)
        if Field.PARENT not in fields or parent is UNKNOWN:
            return held
        if row is not None and row.kind == "epic":
            parent = None  # nothing stands above an epic
        subtasks = {name.casefold() for name in Site.of(mapping).subtasks}
        native = row.native if row else ""
        if parent or native.casefold() not in subtasks:
            held[Field.PARENT] = parent or None
        return held

    def _held_plans(self, fields: Fields, current: NativeTicket | None, mapping: ProjectMapping) -> dict[Field, Value]:
        """Plans, custom fields and links."""
        held = {name: hold(name, fields, current, mapping).value for name in slotted(mapping) if name in fields}
        there = current is None or links_there(current.payload)
        if isinstance(fields.get(Field.LINKS), frozenset) and linking(mapping) and there:
            held[Field.LINKS] = hold_links(fields[Field.LINKS], current, mapping)[0]
        return {name: value for name, value in held.items() if value is not UNKNOWN}

    def _held_state(self, fields: Fields, current: NativeTicket | None, mapping: ProjectMapping) -> dict[Field, Value]:
        """Status and reason, which depend on each other."""
        held: dict[Field, Value] = {}
        native_type = text_at(current.payload, "fields", "issuetype", "name") if current else ""
        meaning = status_of(current, mapping)[1]
        if Field.STATUS in fields:
            status = held_status(fields[Field.STATUS], current, mapping, native_type)
            if status is not None and status[1] is not UNKNOWN:
                held[Field.STATUS] = meaning = status[1]
        if Field.REASON in fields and fields[Field.REASON] is not UNKNOWN:
            reason = held_reason(fields[Field.REASON], meaning, current, mapping)
            if reason is not None and reason[1] is not UNKNOWN:
                held[Field.REASON] = reason[1]
        return held


def _title(payload: JsonObject, _mapping: ProjectMapping) -> Value:
    return _text_member(payload, "summary")


def _body(payload: JsonObject, mapping: ProjectMapping) -> Value:
    value = at(payload, "fields", "description")
    if value is not None and not isinstance(value, str | dict):
        raise UnreadableError("The description is neither a text nor a document.", "Look at the ticket in Jira.")
    files = {each.name: each.url for each in attachments_in(payload, NativeRef(""))}
    return read_text(value, mentions(mapping), files)


def _kind(payload: JsonObject, mapping: ProjectMapping) -> Value:
    name = text_at(payload, "fields", "issuetype", "name")
    row = mapping.read_type(name)
    if row is None:
        raise UnreadableError(
            f"The issue type '{name}' has no meaning.", f"Add a [[types]] row for '{name}' to mappings/jira.toml."
        )
    return row.kind


def _type(payload: JsonObject, mapping: ProjectMapping) -> Value:
    _kind(payload, mapping)
    row = mapping.read_type(text_at(payload, "fields", "issuetype", "name"))
    return row.type if row else None


def _status(payload: JsonObject, mapping: ProjectMapping) -> Value:
    status = at(payload, "fields", "status")
    word = Site.of(mapping).status_word(status)
    value = mapping.read_status(word, text_at(status, "statusCategory", "key")) if word else UNKNOWN
    return _meaningful(value, Field.STATUS, word)


def _reason(payload: JsonObject, mapping: ProjectMapping) -> Value:
    resolution = at(payload, "fields", "resolution")
    if _status_or_unknown(payload, mapping) != "done":
        return None  # a reopened issue may keep its resolution
    return _meaningful(read_reason(resolution, mapping), Field.REASON, text_at(resolution, "name"))


def _priority(payload: JsonObject, mapping: ProjectMapping) -> Value:
    word = text_at(payload, "fields", "priority", "name")
    return _meaningful(mapping.read_priority(word), Field.PRIORITY, word) if word else None


def _labels(payload: JsonObject, _mapping: ProjectMapping) -> Value:
    return frozenset(
        read_label(label) for label in as_list(at(payload, "fields", "labels")) if isinstance(label, str) and label
    )


def _assignees(payload: JsonObject, mapping: ProjectMapping) -> Value:
    person = mapping.people.read(person_ids(at(payload, "fields", "assignee")))
    return frozenset({str(person)}) if person else frozenset()


def _parent(payload: JsonObject, mapping: ProjectMapping) -> Value:
    parent = text_at(payload, "fields", "parent", "id") or text_at(payload, ADDED, "epic")
    key = text_at(payload, "fields", Site.of(mapping).epic_link)
    if not parent and key:
        raise UnreadableError(f"The epic {key} could not be read.", "Let the bot see the project of that epic.")
    return parent or None


Reading = Callable[[JsonObject, ProjectMapping], Value]

_READERS: Final[Mapping[Field, Reading]] = {
    Field.TITLE: _title,
    Field.BODY: _body,
    Field.KIND: _kind,
    Field.TYPE: _type,
    Field.STATUS: _status,
    Field.REASON: _reason,
    Field.PRIORITY: _priority,
    Field.LABELS: _labels,
    Field.ASSIGNEES: _assignees,
    Field.PARENT: _parent,
}


def _readers(payload: JsonObject, mapping: ProjectMapping) -> Iterator[tuple[Field, Reading]]:
    """The fields that the ticket has, each with what reads it."""
    yield from _READERS.items()
    for name in slotted(mapping):
        if is_there(name, payload, mapping):
            yield name, functools.partial(read_plan, name)
    if linking(mapping) and links_there(payload):
        yield Field.LINKS, _links


def _links(payload: JsonObject, mapping: ProjectMapping) -> Value:
    members = read_links(payload, mapping)
    if members is UNKNOWN:
        raise UnreadableError("The links are no list.", "Look at the ticket in Jira.")
    return members


def _present(name: Field, current: NativeTicket, mapping: ProjectMapping) -> Value:
    for each, read in _readers(current.payload, mapping):
        if each is name:
            try:
                return read(current.payload, mapping)
            except UnreadableError:
                break
    return UNKNOWN


def _text_member(payload: JsonObject, name: str) -> Value:
    value = at(payload, "fields", name)
    if not isinstance(value, str):
        raise UnreadableError(f"The {name} is missing in Jira's answer.", "Look at the ticket in Jira.")
    return value


def _meaningful(value: Value, field: Field, word: str) -> Value:
    if value is UNKNOWN:
        raise UnreadableError(
            f"The {field} '{word}' has no meaning.", f"Add it to [fields.{field}.values] of mappings/jira.toml."
        )
    return value


def _status_or_unknown(payload: JsonObject, mapping: ProjectMapping) -> Value:
    try:
        return _status(payload, mapping)
    except UnreadableError:
        return UNKNOWN


CODEC: Final = JiraCodec()
