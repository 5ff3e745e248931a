"""Work items in canonical terms and back; `CODEC` is the instance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapters.azure_devops import codec_text, wire
from adapters.azure_devops.codec_values import (
    MAPPING_FILE,
    Writer,
    read_back,
    read_person,
    read_priority,
    read_status,
    read_tags,
    states_of,
)
from sync.core.capabilities import Capabilities
from sync.core.changes import ChangeSet
from sync.core.fieldrules import equal
from sync.core.ids import Marker
from sync.core.linking import explicit_references
from sync.core.mapping import ProjectMapping
from sync.core.models import (
    UNKNOWN,
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
from sync.core.ports import Encoded, NativeOp, OpKind

#: What a project carries.
FIELDS = frozenset(
    {
        Field.TITLE,
        Field.BODY,
        Field.KIND,
        Field.TYPE,
        Field.STATUS,
        Field.PRIORITY,
        Field.LABELS,
        Field.ASSIGNEES,
        Field.PARENT,
    }
)


class AzureDevOpsCodec:
    """See `Codec`."""

    # -- reading ---------------------------------------------------------------------------------

    def decode(self, native: NativeTicket, mapping: ProjectMapping) -> Decoded:
        """See `Codec`."""
        payload, fields = native.payload, wire.fields_of(native.payload)
        type_, state = wire.text(fields.get(wire.WORK_ITEM_TYPE)), wire.text(fields.get(wire.STATE))
        row = mapping.read_type(type_)
        body = _body(payload, mapping)
        values: dict[Field, Value] = {
            Field.TITLE: wire.text(fields.get(wire.TITLE)),
            Field.BODY: body,
            Field.KIND: UNKNOWN if row is None else row.kind,
            Field.TYPE: UNKNOWN if row is None else row.type,
            Field.STATUS: read_status(state, type_, mapping),
            Field.PRIORITY: read_priority(fields.get(wire.PRIORITY), mapping),
            Field.LABELS: read_tags(fields.get(wire.TAGS)),
            Field.ASSIGNEES: read_person(fields.get(wire.ASSIGNED_TO), mapping),
            Field.PARENT: wire.parent(payload),
        }
        natives = {Field.KIND: type_, Field.TYPE: type_, Field.STATUS: state}
        problems = tuple(
            _unread(name, natives.get(name) or str(fields.get(wire.PRIORITY)))
            for name, value in values.items()
            if value is UNKNOWN
        )
        links = wire.hyperlinks(payload)
        marker = next((url.removeprefix(wire.MARKER_URL) for url in links if url.startswith(wire.MARKER_URL)), "")
        references = [url for url in links if url and not url.startswith(wire.MARKER_URL)]
        return Decoded(
            snapshot=Snapshot(fields=values),
            problems=problems,
            marker=Marker(marker) if marker else None,
            references=tuple(dict.fromkeys([*explicit_references(body), *references])),
            author=mapping.people.read(wire.people_ids(fields.get("System.CreatedBy"))),
        )

    def decode_comment(self, native: NativeComment, mapping: ProjectMapping) -> DecodedComment:
        """See `Codec`. A comment has no place for a marker, so ours are known by their author."""
        author = native.payload.get("createdBy")
        ours = codec_text.is_ours(author, mapping.facts.extra.get("account"))
        return DecodedComment(
            body=codec_text.read_comment(native.payload, ours=ours, who=codec_text.mentions(mapping)),
            author=mapping.people.read(wire.people_ids(author)),
            author_name=wire.person_name(author),
            created_at=wire.moment(native.payload.get("createdDate")),
        )

    def attachments(self, native: NativeTicket) -> tuple[NativeAttachment, ...]:  # noqa: ARG002
        """See `Codec`."""
        return ()

    def decode_event(self, event: NativeEvent, mapping: ProjectMapping) -> tuple[FieldEvent, ...]:
        """See `Codec`."""
        author = mapping.people.read([event.author]) if event.author else None
        return tuple(
            FieldEvent(id=f"{event.id}.{name}", field=name, old=old, new=new, author=author, at=event.at)
            for name, old, new in _changes(event.payload, mapping)
            if old != new
        )

    # -- writing ---------------------------------------------------------------------------------

    def project(
        self, fields: Fields, current: NativeTicket | None, mapping: ProjectMapping, caps: Capabilities
    ) -> Fields:
        """See `Codec`."""
        writer = Writer(fields, current, mapping, caps)
        held = {name: read_back(name, value, writer) for name, value in writer.values.items()}
        return {name: value for name, value in held.items() if value is not UNKNOWN}

    def encode(
        self,
        changes: ChangeSet,
        current: NativeTicket | None,
        mapping: ProjectMapping,
        caps: Capabilities,
        marker: Marker | None = None,
    ) -> Encoded:
        """See `Codec`."""
        writer = Writer(changes.news, current, mapping, caps)
        problems = tuple(writer.problems)
        if current is None:
            return Encoded(ops=(_create(writer, marker),), problems=problems)
        patch, names = _patch(writer, wire.fields_of(current.payload))
        payload: JsonObject = {"patch": patch}
        if Field.PARENT in writer.values and (new := writer.values[Field.PARENT]) != writer.present.parent:
            names |= {Field.PARENT}
            payload["unlink"] = writer.present.parent
            if new:
                patch.append(_link(new, mapping))
        if not names:
            return Encoded(problems=problems)
        op = NativeOp(
            kind=OpKind.UPDATE,
            action="update",
            summary=f"set {', '.join(sorted(names))} of {current.key}",
            payload=payload,
            ref=current.ref,
            fields=names,
            expects=current.version,
        )
        return Encoded(ops=(op,), problems=problems)

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
        """See `Codec`. The marker has no place in the comment: a lost create is found by its text, after `after`."""
        said = "" if body is None else f"{attribution}\n\n{body}" if attribution else body
        markdown = current is not None and wire.text(current.payload.get("format")).lower() == "markdown"
        there = "" if current is None else wire.text(current.payload.get("text"))
        text = codec_text.write(said, markdown=markdown, current=there, who=codec_text.mentions(mapping))
        if caps.body_limit is not None and len(text) > caps.body_limit:
            message = f"the comment has {len(text):,} characters as HTML, the limit is {caps.body_limit:,}"
            return Encoded(problems=(FieldProblem(field=Field.BODY, message=message, mend="Shorten it."),))
        if current is None:
            after = max((wire.comment_number(comment.ref) for comment in ticket.comments or ()), default=0)
            kind, payload = OpKind.COMMENT_CREATE, {"text": text, "after": after}
        elif body is None:
            kind, payload = OpKind.COMMENT_DELETE, {}
        else:
            kind, payload = OpKind.COMMENT_UPDATE, {"text": text}
        op = NativeOp(
            kind=kind,
            action=kind.value,
            summary=f"{kind.value.replace('_', ' ')} on {ticket.key}",
            payload=payload,
            ref=ticket.ref,
            comment=None if current is None else current.ref,
            fields=frozenset({Field.BODY}),
            expects=None if current is None else current.version,
            marker=marker,
        )
        return Encoded(ops=(op,))


def _body(payload: JsonObject, mapping: ProjectMapping) -> str:
    field = codec_text.body_field(payload, wire.mapping(mapping.facts.extra.get("body_fields")))
    native = wire.text(wire.fields_of(payload).get(field))
    return codec_text.read(native, markdown=codec_text.is_markdown(payload, field), who=codec_text.mentions(mapping))


def _unread(name: Field, native: str) -> FieldProblem:
    place = "[[types]]" if name in (Field.KIND, Field.TYPE) else f"[fields.{name}.values]"
    return FieldProblem(
        field=name,
        message=f"{native or 'an empty value'!r} has no meaning as {name}",
        mend=f"Add it to {place} of {MAPPING_FILE}.",
    )


def _create(writer: Writer, marker: Marker | None) -> NativeOp:
    """A new work item starts in its type's initial state, so another state is left for an update."""
    values, mapping = writer.values, writer.mapping
    patch, names = _patch(writer, {})
    initial = next(iter(states_of(writer.type, mapping)), None)
    if Field.STATUS in values and values[Field.STATUS] != initial:
        patch = [operation for operation in patch if operation["path"] != f"/fields/{wire.STATE}"]
        names -= {Field.STATUS}
    if parent := values.get(Field.PARENT):
        patch.append(_link(parent, mapping))
        names |= {Field.PARENT}
    names |= {name for name in (Field.KIND, Field.TYPE) if name in values}
    if marker is not None:
        patch.append(_relation("Hyperlink", f"{wire.MARKER_URL}{marker}"))
    return NativeOp(
        kind=OpKind.CREATE,
        action="create",
        summary=f"create {writer.type} '{values.get(Field.TITLE, '')}'",
        payload={"type": writer.type, "patch": patch},
        fields=names,
        marker=marker,
    )


def _patch(writer: Writer, present: JsonObject) -> tuple[list[JsonObject], frozenset[Field]]:
    """The operations on fields, and the canonical fields that they set."""
    values, patch, names = writer.values, list[JsonObject](), set[Field]()
    places = {
        Field.TITLE: wire.TITLE,
        Field.BODY: writer.body_field,
        Field.STATUS: wire.STATE,
        Field.PRIORITY: wire.PRIORITY,
        Field.LABELS: wire.TAGS,
        Field.ASSIGNEES: wire.ASSIGNED_TO,
    }
    if present and writer.type != writer.present.type:
        names |= {name for name in (Field.KIND, Field.TYPE) if name in values}
        patch += _retyped(writer, present)
    for name, place in places.items():
        if name not in values:
            continue
        new = values[name]
        if name is Field.LABELS:
            new = "; ".join(new)
        if _same(name, present.get(place), new, writer):
            continue
        names.add(name)
        patch.append(_set(place, new) if new not in (None, "") else {"op": "remove", "path": f"/fields/{place}"})
    return patch, frozenset(names)


def _retyped(writer: Writer, present: JsonObject) -> list[JsonObject]:
    """The new type, with what hangs on the old one: the field of the long text, and a state that the type has."""
    patch = [_set(wire.WORK_ITEM_TYPE, writer.type)]
    states = states_of(writer.type, writer.mapping)
    if Field.STATUS not in writer.values and states and writer.present.state not in states:
        meaning = read_status(writer.present.state, writer.present.type, writer.mapping)
        word = writer.mapping.values(Field.STATUS).write(meaning, states) if isinstance(meaning, str) else None
        patch.append(_set(wire.STATE, word or next(iter(states))))
    known = wire.mapping(writer.mapping.facts.extra.get("body_fields"))
    old = codec_text.body_field(writer.present.payload, known)
    if (text := wire.text(present.get(old))) and writer.body_field != old:
        patch.insert(0, {"op": "remove", "path": f"/fields/{old}"})  # the new type may not have the field
        if Field.BODY not in writer.values:
            patch.append(_set(writer.body_field, text))
            if codec_text.is_markdown(writer.present.payload, old):
                patch.append({"op": "add", "path": f"/multilineFieldsFormat/{writer.body_field}", "value": "Markdown"})
    return patch


def _same(name: Field, old: Any, new: Any, writer: Writer) -> bool:
    if new is None or new == "":
        return old is None or old == ""
    if name is Field.BODY:
        # The service spells HTML its own way: what would be read is compared.
        who = codec_text.mentions(writer.mapping)
        read = (codec_text.read(wire.text(text), markdown=writer.markdown, who=who) for text in (old, new))
        return equal(Field.BODY, next(read), next(read))
    if name is Field.LABELS:
        return set(wire.split_tags(old)) == set(wire.split_tags(new))
    if name is Field.ASSIGNEES:
        return str(new).casefold() in {one.casefold() for one in wire.people_ids(old)}
    return bool(old == new)


def _set(place: str, value: Any) -> JsonObject:
    return {"op": "add", "path": f"/fields/{place}", "value": value}


def _relation(rel: str, url: str) -> JsonObject:
    return {"op": "add", "path": "/relations/-", "value": {"rel": rel, "url": url}}


def _link(parent: str, mapping: ProjectMapping) -> JsonObject:
    organisation = wire.text(mapping.facts.extra.get("url"))
    return _relation(wire.PARENT_LINK, f"{organisation}/_apis/wit/workItems/{parent}")


def _changes(payload: JsonObject, mapping: ProjectMapping) -> Iterator[tuple[Field, Value, Value]]:
    """What one update says of our fields; the type at that time travels along as `type`."""
    fields, type_ = wire.mapping(payload.get("fields")), wire.text(payload.get("type"))
    for place, change in fields.items():
        pair = wire.mapping(change)
        old, new = pair.get("oldValue"), pair.get("newValue")
        match place:
            case wire.TITLE:
                yield Field.TITLE, wire.text(old), wire.text(new)
            case wire.DESCRIPTION | wire.REPRO_STEPS:
                who = codec_text.mentions(mapping)
                yield Field.BODY, codec_text.read(wire.text(old), who=who), codec_text.read(wire.text(new), who=who)
            case wire.STATE:
                yield Field.STATUS, _status(old, type_, mapping), _status(new, type_, mapping)
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
    links = wire.mapping(payload.get("relations"))
    gone, come = (wire.parent({"relations": links.get(end)}) for end in ("removed", "added"))
    if gone or come:
        yield Field.PARENT, gone, come


def _status(state: Any, type_: str, mapping: ProjectMapping) -> Value:
    return read_status(wire.text(state), type_, mapping) if state else UNKNOWN


CODEC = AzureDevOpsCodec()
