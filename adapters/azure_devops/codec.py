"""Work items in canonical terms and back; `CODEC` is the instance."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.azure_devops import codec_files, codec_links, codec_text, wire
from adapters.azure_devops.codec_encode import creation, updates
from adapters.azure_devops.codec_events import changes as told
from adapters.azure_devops.codec_fields import read_held
from adapters.azure_devops.codec_nodes import read_path
from adapters.azure_devops.codec_state import read_reason, read_status
from adapters.azure_devops.codec_values import (
    MAPPING_FILE,
    Writer,
    has_priority,
    read_back,
    read_person,
    read_priority,
    read_reporter,
    read_tags,
)
from adapters.azure_devops.people import accounts
from adapters.azure_devops.places import NODES, holders
from sync.core.capabilities import Capabilities
from sync.core.changes import ChangeSet
from sync.core.ids import Marker
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
from sync.core.ports import Encoded, NativeOp, OpKind

#: What every project carries; types may have more.
FIELDS = frozenset(
    {
        Field.TITLE,
        Field.BODY,
        Field.KIND,
        Field.TYPE,
        Field.STATUS,
        Field.REASON,
        Field.PRIORITY,
        Field.LABELS,
        Field.COMPONENTS,
        Field.ASSIGNEES,
        Field.REPORTER,
        Field.PARENT,
        Field.LINKS,
        Field.SPRINT,
    }
)


class AzureDevOpsCodec:
    """See `Codec`."""

    # -- reading ---------------------------------------------------------------------------------

    def decode(self, native: NativeTicket, mapping: ProjectMapping) -> Decoded:
        """See `Codec`."""
        payload, fields = native.payload, wire.fields_of(native.payload)
        values = _values(payload, mapping)
        problems = tuple(_unread(name, fields, mapping) for name, value in values.items() if value is UNKNOWN)
        body = values[Field.BODY]
        links = wire.hyperlinks(payload)
        marker = next((url.removeprefix(wire.MARKER_URL) for url in links if url.startswith(wire.MARKER_URL)), "")
        references = [url for url in links if url and not url.startswith(wire.MARKER_URL)]
        return Decoded(
            snapshot=Snapshot(fields=values),
            problems=problems,
            marker=Marker(marker) if marker else None,
            references=tuple(dict.fromkeys([*explicit_references(str(body)), *references])),
            author=mapping.people.read(wire.people_ids(fields.get(wire.CREATED_BY))),
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
            edited=wire.number(native.payload.get("version")) > 1,
        )

    def accounts(self, native: NativeTicket | NativeComment) -> Iterator[Account]:
        """See `Codec`."""
        return accounts(native.payload)

    def attachments(self, native: NativeTicket) -> tuple[NativeAttachment, ...]:
        """See `Codec`."""
        return codec_files.attachments(native.payload, native.ref)

    def decode_event(self, event: NativeEvent, mapping: ProjectMapping) -> tuple[FieldEvent, ...]:
        """See `Codec`."""
        author = mapping.people.read([event.author]) if event.author else None
        return tuple(
            FieldEvent(id=f"{event.id}.{name}", field=name, old=old, new=new, author=author, at=event.at)
            for name, old, new in told(event.payload, mapping)
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
        ops = (creation(writer, marker),) if current is None else tuple(updates(writer, current))
        return Encoded(ops=ops, problems=tuple(writer.problems))

    def encode_delete(self, ticket: NativeTicket) -> Encoded:
        """See `Codec`."""
        op = NativeOp(
            kind=OpKind.DELETE,
            action="delete",
            summary=f"put {ticket.key} into the recycle bin",
            payload={},
            ref=ticket.ref,
            expects=ticket.version,
        )
        return Encoded(ops=(op,))

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
        files = tuple((one.url, one.name) for one in self.attachments(ticket))
        text = codec_text.write(said, markdown=markdown, current=there, who=codec_text.mentions(mapping), files=files)
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


def _values(payload: JsonObject, mapping: ProjectMapping) -> dict[Field, Value]:
    fields = wire.fields_of(payload)
    type_, state = wire.text(fields.get(wire.WORK_ITEM_TYPE)), wire.text(fields.get(wire.STATE))
    row = mapping.read_type(type_)
    values: dict[Field, Value] = {
        Field.TITLE: wire.text(fields.get(wire.TITLE)),
        Field.BODY: _body(payload, mapping),
        Field.KIND: UNKNOWN if row is None else row.kind,
        Field.TYPE: UNKNOWN if row is None else row.type,
        Field.STATUS: read_status(state, type_, mapping),
        Field.LABELS: read_tags(fields.get(wire.TAGS)),
        Field.ASSIGNEES: read_person(fields.get(wire.ASSIGNED_TO), mapping),
        Field.PARENT: wire.parent(payload),
        Field.LINKS: codec_links.read_links(payload, mapping),
        **{name: read_path(name, fields.get(native), mapping) for name, (_, native) in NODES.items()},
    }
    if values[Field.STATUS] is not UNKNOWN:  # a reason means something beside a state that means something
        values[Field.REASON] = read_reason(wire.text(fields.get(wire.REASON)), state, type_, mapping)
    if has_priority(type_, mapping):
        values[Field.PRIORITY] = read_priority(fields.get(wire.PRIORITY), mapping)
    if (reporter := read_reporter(fields.get(wire.CREATED_BY), mapping)) is not None:
        values[Field.REPORTER] = reporter
    for name, holder in holders(type_, mapping).items():
        values[name] = read_held(holder, holder.value(fields), mapping)
    return values


def _body(payload: JsonObject, mapping: ProjectMapping) -> str:
    field = codec_text.body_source(payload, wire.mapping(mapping.facts.extra.get("body_fields")))
    native = wire.text(wire.fields_of(payload).get(field))
    return codec_text.read(native, markdown=codec_text.is_markdown(payload, field), who=codec_text.mentions(mapping))


def _unread(name: Field, fields: JsonObject, mapping: ProjectMapping) -> FieldProblem:
    type_ = wire.text(fields.get(wire.WORK_ITEM_TYPE))
    held = holders(type_, mapping).get(name)
    place = held.native if held is not None else _SHOWN.get(name, "")
    native = fields.get(place) if held is None else held.value(fields)
    if name in (Field.KIND, Field.TYPE):
        mend = f"Add it to [[types]] of {MAPPING_FILE}."
    elif name is Field.REASON:
        mend = f"Add it to [fields.reason.values], or the category of '{fields.get(wire.STATE)}' to its categories."
    else:
        table = f"[custom.{name.value.removeprefix('custom.')}]" if name.is_custom else f"[fields.{name}]"
        mend = f"Add it to the values of {table} of {MAPPING_FILE}, or mend it in Azure DevOps."
    return FieldProblem(field=name, message=f"{native or 'an empty value'!r} has no meaning as {name}", mend=mend)


#: Where those fields stand whose values may have no meaning.
_SHOWN = {
    Field.KIND: wire.WORK_ITEM_TYPE,
    Field.TYPE: wire.WORK_ITEM_TYPE,
    Field.STATUS: wire.STATE,
    Field.REASON: wire.REASON,
    Field.PRIORITY: wire.PRIORITY,
    **{name: native for name, (_, native) in NODES.items()},
}

CODEC = AzureDevOpsCodec()
