"""The translation between a tracker in memory and canonical terms."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sync.core.capabilities import Capabilities
from sync.core.changes import ChangeSet
from sync.core.fieldrules import equal
from sync.core.ids import Marker, NativeRef
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
    is_empty,
)
from sync.core.ports import Encoded, NativeOp, OpKind
from sync.testing.memory_knobs import NATIVE_KEYS, MemoryKnobs

_ATTRIBUTION: Final = re.compile(r"\A\*[^\n]+ wrote in [^\n]+\([^\n]*\):\*(?:\n\n|\Z)")
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SETS: Final = frozenset({Field.LABELS, Field.ASSIGNEES})


@dataclass(frozen=True, slots=True)
class MemoryCodec:
    """The codec of a `MemoryTracker` with these knobs."""

    knobs: MemoryKnobs

    def decode(self, native: NativeTicket, mapping: ProjectMapping) -> Decoded:
        """See `Codec`."""
        payload = native.payload
        fields: dict[Field, Value] = {
            name: _read(name, payload.get(NATIVE_KEYS[name]), mapping)
            for name in sorted(self.knobs.fields)
            if name not in mapping.mapping.off
        }
        marker, author, text = payload.get("marker"), payload.get("author"), payload.get("text")
        return Decoded(
            snapshot=Snapshot(fields=fields),
            problems=tuple(
                FieldProblem(
                    field=name,
                    message=f"'{payload.get(NATIVE_KEYS[name])}' has no meaning",
                    mend=f"Add it to the {name} of the mapping.",
                )
                for name, value in fields.items()
                if value is UNKNOWN
            ),
            marker=Marker(marker) if isinstance(marker, str) and marker else None,
            references=explicit_references(text) if isinstance(text, str) else (),
            author=mapping.people.read([author]) if isinstance(author, str) else None,
        )

    def decode_comment(self, native: NativeComment, mapping: ProjectMapping) -> DecodedComment:
        """See `Codec`."""
        payload = native.payload
        text, author, marker = payload.get("text"), payload.get("author"), payload.get("marker")
        body = text if isinstance(text, str) else ""
        ours = isinstance(marker, str) and bool(marker)
        return DecodedComment(
            body=_ATTRIBUTION.sub("", body) if ours else body,
            author=mapping.people.read([author]) if isinstance(author, str) else None,
            author_name=author if isinstance(author, str) else "somebody",
            created_at=_moment(payload.get("created")),
            marker=Marker(str(marker)) if ours else None,
            restricted=payload.get("restricted") is True,
        )

    def attachments(self, native: NativeTicket) -> tuple[NativeAttachment, ...]:  # noqa: ARG002
        """See `Codec`."""
        return ()

    def decode_event(self, event: NativeEvent, mapping: ProjectMapping) -> tuple[FieldEvent, ...]:
        """See `Codec`."""
        found: list[FieldEvent] = []
        for name, key in NATIVE_KEYS.items():
            if key != event.payload.get("key") or name not in self.knobs.fields or name in mapping.mapping.off:
                continue
            old, new = (_read(name, event.payload.get(word), mapping) for word in ("old", "new"))
            if old == new:
                continue  # a word may change its kind and keep its type
            author = mapping.people.read([event.author]) if event.author else None
            found.append(FieldEvent(id=f"{event.id}.{name}", field=name, old=old, new=new, author=author, at=event.at))
        return tuple(found)

    def project(
        self, fields: Fields, current: NativeTicket | None, mapping: ProjectMapping, caps: Capabilities
    ) -> Fields:
        """See `Codec`."""
        native = self._native(fields, current, mapping, caps)
        held: dict[Field, Value] = {}
        for name, value in fields.items():
            key = NATIVE_KEYS.get(name)
            if key is not None and key in native and value is not UNKNOWN:
                word = native[key]
                if key == "text":
                    word = self._kept(word)
                held[name] = _read(name, word, mapping)
        return held

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
        native = self._native(news, current, mapping, caps)
        problems = tuple(_problems(news, native, mapping, caps))
        names = {key: frozenset(name for name in news if NATIVE_KEYS.get(name) == key) for key in native}
        if current is None:
            keys = {NATIVE_KEYS[name] for name in self.knobs.create_fields}
            sets = {key: value for key, value in native.items() if key in keys}
            op = NativeOp(
                kind=OpKind.CREATE,
                action="post",
                summary=f"create '{sets.get('title', '')}'",
                payload={"set": {"title": "", **sets}, "marker": marker},
                fields=frozenset().union(*(names[key] for key in sets)),
                marker=marker,
            )
            return Encoded(ops=(op,), problems=problems)
        parts = [
            (names[key], part)
            for key, value in sorted(native.items())
            if (part := _part(key, current.payload.get(key), value, self._kept)) is not None
        ]
        if self.knobs.one_request and len(parts) > 1:
            parts = [(frozenset().union(*(part[0] for part in parts)), _joined([part[1] for part in parts]))]
        return Encoded(ops=tuple(_update(current, *part) for part in parts), problems=problems)

    def encode_comment(
        self,
        body: str | None,
        ticket: NativeTicket,
        current: NativeComment | None,
        mapping: ProjectMapping,  # noqa: ARG002 - no word of a comment is mapped here
        caps: Capabilities,
        *,
        marker: Marker | None = None,
        attribution: str | None = None,
    ) -> Encoded:
        """See `Codec`."""
        text = "" if body is None else f"{attribution}\n\n{body}" if attribution else body
        limit = caps.body_limit
        if limit is not None and len(text) > limit:
            return Encoded(problems=(_too_long(Field.BODY, len(text), limit),))
        if current is None:
            kind, action, payload = OpKind.COMMENT_CREATE, "comment", {"text": text, "marker": marker}
        elif body is None:
            kind, action, payload = OpKind.COMMENT_DELETE, "delete_comment", {}
        else:
            kind, action, payload = OpKind.COMMENT_UPDATE, "edit_comment", {"text": text}
        op = NativeOp(
            kind=kind,
            action=action,
            summary=f"{action.replace('_', ' ')} on {ticket.key}",
            payload=payload,
            ref=ticket.ref,
            comment=None if current is None else current.ref,
            fields=frozenset({Field.BODY}),
            expects=None if current is None else current.version,
            marker=marker,
        )
        return Encoded(ops=(op,))

    def _kept(self, text: str) -> str:
        """What the server will make of a text, as far as we know."""
        return self.knobs.text_rewrite(text) if self.knobs.foresight else text

    def _native(
        self, fields: Fields, current: NativeTicket | None, mapping: ProjectMapping, caps: Capabilities
    ) -> JsonObject:
        """The payload members for `fields`; a field that has no place or no word is left out."""
        present: JsonObject = {} if current is None else current.payload
        native: JsonObject = {}
        for name, value in fields.items():
            if value is UNKNOWN or name not in self.knobs.fields or name in mapping.mapping.off:
                continue
            if (key := NATIVE_KEYS[name]) in native:
                continue
            word = (
                _type_word(fields, present.get("type"), mapping)
                if key == "type"
                else _word(name, value, present.get(key), mapping, caps)
            )
            if word is not None or (name in (Field.PRIORITY, Field.REASON, Field.PARENT) and is_empty(value)):
                native[key] = word
        return native


def _word(name: Field, value: Value, present: Any, mapping: ProjectMapping, caps: Capabilities) -> Any:
    """The native value; None for one that can't be said."""
    if name in _SETS:
        words = value if isinstance(value, frozenset) else frozenset()
        return _people(words, present, mapping, caps) if name is Field.ASSIGNEES else sorted(words - {""})
    if isinstance(value, frozenset) or value is UNKNOWN:
        return None
    match name:
        case Field.TITLE:
            too_long = caps.title_limit is not None and len(value or "") > caps.title_limit
            return None if too_long else value or None
        case Field.BODY:
            return None if caps.body_limit is not None and len(value or "") > caps.body_limit else value or ""
        case Field.STATUS:
            return _status_word(value, present, mapping) if value else None
        case Field.PRIORITY:
            return mapping.write_priority(value) if value else None
        case Field.REASON:
            return mapping.write_reason(value) if value else None
    return value or None


def _status_word(value: str, present: Any, mapping: ProjectMapping) -> str | None:
    """The present word where it means the same."""
    word = mapping.write_status(value)
    if word is None or not isinstance(present, str):
        return word
    return present if mapping.read_status(present) == mapping.read_status(word) else word


def _type_word(fields: Fields, present: Any, mapping: ProjectMapping) -> str | None:
    """One word for kind and type; what `fields` does not say stays as it is."""
    row = mapping.read_type(present) if isinstance(present, str) else None
    kind = fields.get(Field.KIND, row.kind if row else "issue")
    type_ = fields.get(Field.TYPE, row.type if row else None)
    if not isinstance(kind, str) or isinstance(type_, frozenset) or type_ is UNKNOWN:
        return None
    written = mapping.write_type(kind, type_ or None)
    return None if written is None else written.native


def _people(people: frozenset[str], present: Any, mapping: ProjectMapping, caps: Capabilities) -> list[str]:
    """The native ids of those who are known here; when there are too many, who is on it stays on it."""
    known = sorted(word for person in people if (word := mapping.people.write(person)) is not None)
    there = present if isinstance(present, list) else []
    known.sort(key=lambda word: word not in there)
    return sorted(known[: caps.max_assignees])


def _read(name: Field, word: Any, mapping: ProjectMapping) -> Value:
    """A native value in canonical terms; UNKNOWN for what is not understood."""
    if name in _SETS:
        if word is None:
            return frozenset()
        if not isinstance(word, list) or not all(isinstance(one, str) for one in word):
            return UNKNOWN
        if name is Field.LABELS:
            return frozenset(word)
        return frozenset(person for one in word if (person := mapping.people.read([one])) is not None)
    if word is None and name is not Field.KIND and name is not Field.STATUS:
        return "" if name in (Field.TITLE, Field.BODY) else None
    if not isinstance(word, str):
        return UNKNOWN
    match name:
        case Field.KIND | Field.TYPE:
            row = mapping.read_type(word)
            return UNKNOWN if row is None else row.kind if name is Field.KIND else row.type
        case Field.STATUS:
            return mapping.read_status(word)
        case Field.PRIORITY:
            return mapping.read_priority(word)
        case Field.REASON:
            return mapping.read_reason(word)
        case Field.PARENT:
            return NativeRef(word) if word else None
    return word


def _part(key: str, old: Any, new: Any, kept: Callable[[str], str]) -> JsonObject | None:
    """The part of a request that changes one member; None when nothing changes."""
    if isinstance(new, list):
        there = [word for word in old if isinstance(word, str)] if isinstance(old, list) else []
        add, remove = sorted(set(new) - set(there)), sorted(set(there) - set(new))
        verbs = {"add": add, "remove": remove}
        return {verb: {key: words} for verb, words in verbs.items() if words} or None
    if old == new or (key == "text" and equal(Field.BODY, old if isinstance(old, str) else "", kept(new))):
        return None
    return {"set": {key: new}}


def _joined(parts: list[JsonObject]) -> JsonObject:
    joined: JsonObject = {}
    for part in parts:
        for verb, members in part.items():
            joined.setdefault(verb, {}).update(members)
    return joined


def _update(current: NativeTicket, names: frozenset[Field], payload: JsonObject) -> NativeOp:
    return NativeOp(
        kind=OpKind.UPDATE,
        action="patch",
        summary=f"set {', '.join(sorted(names))} of {current.key}",
        payload=payload,
        ref=current.ref,
        fields=names,
        expects=current.version,
    )


def _problems(
    news: Fields, native: MappingOf[str, Any], mapping: ProjectMapping, caps: Capabilities
) -> list[FieldProblem]:
    """One problem for each field that can't be said."""
    found: list[FieldProblem] = []
    limits = {Field.TITLE: caps.title_limit, Field.BODY: caps.body_limit}
    for name, value in news.items():
        limit = limits.get(name)
        if name not in caps.fields or value is UNKNOWN:
            continue
        if limit is not None and isinstance(value, str) and len(value) > limit:
            found.append(_too_long(name, len(value), limit))
        elif NATIVE_KEYS[name] not in native:
            found.append(
                FieldProblem(
                    field=name, message=f"no word for '{value}'", mend=f"Add one to the {name} of the mapping."
                )
            )
        elif name is Field.ASSIGNEES and isinstance(value, frozenset):
            strangers = sorted(person for person in value if mapping.people.write(person) is None)
            if strangers:
                found.append(
                    FieldProblem(
                        field=name,
                        message=f"{', '.join(strangers)} have no account here",
                        mend="Add it under [people].",
                    )
                )
    return found


def _too_long(name: Field, size: int, limit: int) -> FieldProblem:
    return FieldProblem(
        field=name,
        message=f"the {name} has {size:,} characters, the limit is {limit:,}",
        mend="Shorten it.",
    )


def _moment(word: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(word)
    except (TypeError, ValueError):
        return _NEVER
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
