"""GitHub Issues in canonical terms and back: pure, and total on whatever JSON may come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.github import reading, texts, wire
from adapters.github.encoding import creation, updates
from adapters.github.goal import blank
from adapters.github.people import accounts, is_outsider
from adapters.github.reaching import reach
from adapters.github.reading import read_fields
from sync.core.capabilities import Capabilities
from sync.core.changes import ChangeSet, diff_fields
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
)
from sync.core.ports import Encoded, NativeOp, OpKind

_NOBODY = "ghost"  # as GitHub shows a deleted account


@dataclass(frozen=True, slots=True)
class GitHubCodec:
    """See `sync.core.ports.Codec`."""

    def decode(self, native: NativeTicket, mapping: ProjectMapping) -> Decoded:
        """See `Codec`."""
        payload = native.payload
        fields = read_fields(payload, mapping)
        body, _, marker = texts.parts(wire.text_of(payload, "body"))
        return Decoded(
            snapshot=Snapshot(fields=fields),
            problems=reading.problems(native.key, fields, payload, mapping),
            marker=marker,
            references=explicit_references(body),
            outsider=is_outsider(payload, mapping),
            author=mapping.people.read(wire.account_ids(payload.get("user"))),
        )

    def decode_comment(self, native: NativeComment, mapping: ProjectMapping) -> DecodedComment:
        """See `Codec`."""
        payload = native.payload
        body, marker, _ = texts.read_comment(wire.text_of(payload, "body"), texts.mentions(mapping))
        created, updated = wire.moment(payload.get("created_at")), wire.moment(payload.get("updated_at"))
        return DecodedComment(
            body=body,
            author=mapping.people.read(wire.account_ids(payload.get("user"))),
            author_name=wire.name_of(payload.get("user"), "login") or _NOBODY,
            created_at=created or datetime.fromtimestamp(0, UTC),
            marker=marker,
            edited=updated is not None and created is not None and updated > created,
        )

    def accounts(self, native: NativeTicket | NativeComment) -> Iterator[Account]:
        """See `Codec`."""
        return accounts(native.payload)

    def attachments(self, native: NativeTicket) -> tuple[NativeAttachment, ...]:  # noqa: ARG002
        """See `Codec`."""
        return ()

    def decode_event(self, event: NativeEvent, mapping: ProjectMapping) -> tuple[FieldEvent, ...]:
        """See `Codec`; the adapter has put the ticket's state before and after each entry beside it."""
        before, after = event.payload.get("before"), event.payload.get("after")
        if not isinstance(before, dict) or not isinstance(after, dict):
            return ()
        old, new = read_fields(before, mapping), read_fields(after, mapping)
        changes = diff_fields(old, new)
        return tuple(
            FieldEvent(
                id=f"{event.id}.{name}",
                field=name,
                old=change.old,
                new=change.new,
                author=mapping.people.read([event.author]) if event.author else None,
                at=event.at,
            )
            for name, change in changes.fields.items()
        )

    def project(
        self, fields: Fields, current: NativeTicket | None, mapping: ProjectMapping, caps: Capabilities
    ) -> Fields:
        """See `Codec`."""
        goal = reach(fields, _payload(current), mapping, caps)
        held = read_fields(goal.payload, mapping)
        unsaid = goal.unsaid
        return {
            name: held[name]
            for name, value in fields.items()
            if name in held and name not in unsaid and value is not UNKNOWN and held[name] is not UNKNOWN
        }

    def encode(
        self,
        changes: ChangeSet,
        current: NativeTicket | None,
        mapping: ProjectMapping,
        caps: Capabilities,
        marker: Marker | None = None,
    ) -> Encoded:
        """See `Codec`."""
        news = changes.news
        if not news:
            return Encoded()
        goal = reach(news, _payload(current), mapping, caps, marker=marker)
        if current is None:
            return creation(goal, marker)
        return Encoded(ops=tuple(updates(goal, current)), problems=goal.problems)

    def encode_delete(self, ticket: NativeTicket) -> Encoded:
        """See `Codec`. Only GraphQL deletes an issue, and only for an administrator of the repository."""
        message = f"{ticket.key} stays: GitHub deletes no issue for the bridge"
        return Encoded(problems=(FieldProblem(field=None, message=message, mend="Delete it in GitHub by hand."),))

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
        standing = wire.text_of(current.payload, "body") if current else ""
        named = attribution or texts.read_comment(standing)[2]
        who = texts.mentions(mapping)
        text = "" if body is None else texts.write(body, standing, marker=marker, attribution=named, who=who)
        limit = caps.body_limit
        if limit is not None and len(text) > limit:
            message = f"github: {ticket.key}: the comment has {len(text)} characters, the limit is {limit}"
            problem = FieldProblem(field=Field.BODY, message=message, mend="Shorten it or split it into two.")
            return Encoded(problems=(problem,))
        kind, action, payload = OpKind.COMMENT_CREATE, "comment.create", {"body": text}
        if current is not None and body is None:
            kind, action, payload = OpKind.COMMENT_DELETE, "comment.delete", {}
        elif current is not None:
            kind, action = OpKind.COMMENT_UPDATE, "comment.edit"
        op = NativeOp(
            kind=kind,
            action=action,
            summary=f"{action.replace('.', ' ')} on {ticket.key}",
            payload=payload,
            ref=ticket.ref,
            comment=current.ref if current else None,
            fields=frozenset({Field.BODY}),
            expects=current.version if current else None,
            marker=marker if current is None else None,
        )
        return Encoded(ops=(op,))


def _payload(current: NativeTicket | None) -> JsonObject:
    return blank() if current is None else current.payload


CODEC = GitHubCodec()
