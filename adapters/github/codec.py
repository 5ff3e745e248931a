"""GitHub Issues in canonical terms and back: pure, and total on whatever JSON may come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from adapters.github import texts, wire
from adapters.github.goal import Goal, blank, reach
from adapters.github.words import Words
from sync.core.capabilities import Capabilities
from sync.core.changes import ChangeSet, diff_fields
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

_MENDS = {
    Field.STATUS: "Add it to [fields.status.values] of the mapping, written state:WORD.",
    Field.REASON: "Add it to [fields.reason.values] of the mapping.",
    Field.KIND: "Add a [[types]] row for it to the mapping, written type:NAME.",
    Field.TYPE: "Add a [[types]] row for it to the mapping, written type:NAME.",
    Field.PARENT: "Move the parent into this repository, or bridge its repository too.",
}
_NOBODY = "ghost"  # as GitHub shows a deleted account
#: Action, what it does, payload, the fields that it sets.
_Part = tuple[str, str, JsonObject, set[Field]]


def read_fields(payload: JsonObject, mapping: ProjectMapping) -> dict[Field, Value]:
    """Every field that this replica carries."""
    words = Words.of(mapping)
    labels = wire.names_of(payload.get("labels"))
    state = wire.text_of(payload, "state")
    row = words.row(wire.name_of(payload.get("type")), labels)
    people = payload.get("assignees") if isinstance(payload.get("assignees"), list) else []
    fields: dict[Field, Value] = {
        Field.TITLE: wire.text_of(payload, "title"),
        Field.BODY: texts.read(wire.text_of(payload, "body"), texts.mentions(mapping)),
        Field.KIND: UNKNOWN if row is UNKNOWN else row.kind,
        Field.TYPE: UNKNOWN if row is UNKNOWN else row.type,
        Field.STATUS: words.status(state, labels),
        Field.REASON: _reason(state, payload.get("state_reason"), mapping),
        Field.PRIORITY: words.priority(labels),
        Field.LABELS: frozenset(words.plain(labels)),
        Field.ASSIGNEES: frozenset(
            person for user in people or () if (person := mapping.people.read(wire.account_ids(user))) is not None
        ),
    }
    if mapping.facts.extra.get("sub_issues", True):
        parent = wire.parent_ref(payload)
        fields[Field.PARENT] = UNKNOWN if parent is not None and "#" in parent else parent
    return {name: value for name, value in fields.items() if name not in mapping.mapping.off}


def _reason(state: str, reason: Any, mapping: ProjectMapping) -> Value:
    if state != "closed" or not isinstance(reason, str):
        return None
    return mapping.read_reason(reason)


def _native_word(name: Field, payload: JsonObject) -> str:
    key = {Field.STATUS: "state", Field.REASON: "state_reason", Field.PARENT: "parent_issue_url"}.get(name, "type")
    return str(wire.name_of(payload.get(key)))


@dataclass(frozen=True, slots=True)
class GitHubCodec:
    """See `sync.core.ports.Codec`."""

    def decode(self, native: NativeTicket, mapping: ProjectMapping) -> Decoded:
        """See `Codec`."""
        payload = native.payload
        fields = read_fields(payload, mapping)
        raw = wire.text_of(payload, "body")
        body, marker = texts.split(raw)
        return Decoded(
            snapshot=Snapshot(fields=fields),
            problems=tuple(
                FieldProblem(
                    field=name,
                    message=f"github: {native.key}: {name} '{_native_word(name, payload)}' has no meaning here",
                    mend=_MENDS.get(name, "Change it on GitHub."),
                )
                for name, value in fields.items()
                if value is UNKNOWN
            ),
            marker=marker,
            references=explicit_references(body),
            author=mapping.people.read(wire.account_ids(payload.get("user"))),
        )

    def decode_comment(self, native: NativeComment, mapping: ProjectMapping) -> DecodedComment:
        """See `Codec`."""
        payload = native.payload
        body, marker, _ = texts.read_comment(wire.text_of(payload, "body"), texts.mentions(mapping))
        return DecodedComment(
            body=body,
            author=mapping.people.read(wire.account_ids(payload.get("user"))),
            author_name=wire.name_of(payload.get("user"), "login") or _NOBODY,
            created_at=wire.moment(payload.get("created_at")) or datetime.fromtimestamp(0, UTC),
            marker=marker,
        )

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
            return _creation(goal, mapping, marker)
        return Encoded(ops=tuple(_updates(goal, current, mapping)), problems=goal.problems)

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


def _creation(goal: Goal, mapping: ProjectMapping, marker: Marker | None) -> Encoded:
    """One POST; a new issue is open and has no parent yet."""
    payload = goal.payload
    if Field.TITLE in goal.unsaid:
        return Encoded(problems=goal.problems)
    body: JsonObject = {"title": payload["title"]}
    raw = payload["body"] or texts.write("", marker=marker)
    if raw:
        body["body"] = raw
    if payload["labels"]:
        body["labels"] = payload["labels"]
    if logins := wire.names_of(payload["assignees"], "login"):
        body["assignees"] = logins
    if payload["type"]:
        body["type"] = payload["type"]
    opened = read_fields({**payload, "state": "open", "state_reason": None, "parent": None}, mapping)
    held = read_fields(payload, mapping)
    done = {name for name in goal.asked if name in held and opened.get(name) == held[name]}
    op = NativeOp(
        kind=OpKind.CREATE,
        action="issue.create",
        summary=f"create '{payload['title']}'",
        payload=body,
        fields=frozenset(done - goal.unsaid),
        marker=marker,
    )
    return Encoded(ops=(op,), problems=goal.problems)


def _updates(goal: Goal, current: NativeTicket, mapping: ProjectMapping) -> list[NativeOp]:
    words, new, old = Words.of(mapping), goal.payload, current.payload
    there, wanted = wire.names_of(old.get("labels")), wire.names_of(new.get("labels"))
    gone, added = _minus(there, wanted), _minus(wanted, there)
    patch, names = _patch(new, old)
    # A change of status or type that swaps labels is one request, so that nobody sees half of it; labels alone are
    # added and removed one by one, so that nobody else's label is lost.
    owned_gone, owned_added = words.owned(gone), words.owned(added)
    if (owned_gone and owned_added) or ((owned_gone or owned_added) and {"state", "type"} & set(patch)):
        patch["labels"] = wanted
        names |= words.said(gone + added)
        gone, added = [], []
    parts: list[_Part] = []
    if patch:
        parts.append(("issue.edit", f"set {', '.join(sorted(set(patch) - {'state_reason'}))}", patch, names))
    if added:
        parts.append(("labels.add", f"add label {', '.join(added)}", {"labels": added}, words.said(added)))
    parts += [("label.remove", f"remove label {label}", {"label": label}, words.said([label])) for label in gone]
    parts += _people(wire.names_of(old.get("assignees"), "login"), wire.names_of(new.get("assignees"), "login"))
    parts += _family(old, new)
    return [
        NativeOp(
            kind=OpKind.UPDATE,
            action=action,
            summary=f"{summary} of {current.key}",
            payload=payload,
            ref=current.ref,
            fields=frozenset(fields & goal.asked),
            expects=current.version,
        )
        for action, summary, payload, fields in parts
    ]


def _patch(new: JsonObject, old: JsonObject) -> tuple[JsonObject, set[Field]]:
    patch: JsonObject = {}
    names: set[Field] = set()
    for key, fields in (("title", {Field.TITLE}), ("body", {Field.BODY}), ("type", {Field.KIND, Field.TYPE})):
        before = wire.name_of(old.get(key)) if key == "type" else old.get(key)
        if new[key] != before and (new[key] or before):
            patch[key] = new[key]
            names |= fields
    if new["state"] != old.get("state"):
        patch["state"] = new["state"]
        names |= {Field.STATUS, Field.REASON}
        if new["state"] == "closed":
            patch["state_reason"] = new["state_reason"]
    return patch, names


def _people(there: list[str], wanted: list[str]) -> list[_Part]:
    changes = (("assignees.add", _minus(wanted, there)), ("assignees.remove", _minus(there, wanted)))
    return [
        (action, f"{action.partition('.')[2]} assignee {', '.join(logins)}", {"assignees": logins}, {Field.ASSIGNEES})
        for action, logins in changes
        if logins
    ]


def _family(old: JsonObject, new: JsonObject) -> list[_Part]:
    before, after = wire.parent_ref(old), wire.parent_ref(new)
    if after == before:
        return []
    child: JsonObject = {"sub_issue_id": old.get("id")}
    if after is None:
        return [("parent.clear", "clear the parent", {"parent": before, **child}, {Field.PARENT})]
    payload = {"parent": after, **child, "replace_parent": True}
    return [("parent.set", f"set the parent (#{after})", payload, {Field.PARENT})]


def _minus(names: list[str], others: list[str]) -> list[str]:
    there = {name.casefold() for name in others}
    return [name for name in names if name.casefold() not in there]


CODEC = GitHubCodec()
