"""The translation between a tracker in memory and canonical terms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
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
    LINK_KINDS,
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
    is_empty,
    link_parts,
)
from sync.core.ports import Encoded, NativeOp, OpKind
from sync.testing.memory_knobs import NATIVE_KEYS, OUTSIDER, MemoryKnobs
from sync.testing.memory_values import NAMES, is_set, key_of, known_names, read, type_word, write, written_name

_ATTRIBUTION: Final = re.compile(r"\A\*[^\n]+ wrote in [^\n]+\([^\n]*\):\*(?:\n\n|\Z)")
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: These are never empty; every other one can be emptied.
_MUST_BE_THERE: Final = frozenset({Field.TITLE, Field.KIND, Field.TYPE, Field.STATUS})


@dataclass(frozen=True, slots=True)
class MemoryCodec:
    """The codec of a `MemoryTracker` with these knobs."""

    knobs: MemoryKnobs

    def decode(self, native: NativeTicket, mapping: ProjectMapping) -> Decoded:
        """See `Codec`."""
        payload = native.payload
        keys = self._keys(mapping)
        fields: dict[Field, Value] = {name: read(name, payload.get(key), mapping) for name, key in keys.items()}
        marker, author, text = payload.get("marker"), payload.get("author"), payload.get("text")
        return Decoded(
            snapshot=Snapshot(fields=fields),
            problems=tuple(
                FieldProblem(
                    field=name,
                    message=f"'{payload.get(keys[name])}' has no meaning",
                    mend=f"Add it to the {name} of the mapping.",
                )
                for name, value in fields.items()
                if value is UNKNOWN
            ),
            marker=Marker(marker) if isinstance(marker, str) and marker else None,
            references=explicit_references(text) if isinstance(text, str) else (),
            author=mapping.people.read([author]) if isinstance(author, str) else None,
            outsider=author == OUTSIDER,
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
            edited=payload.get("rev", 1) != 1,
        )

    def accounts(self, native: NativeTicket | NativeComment) -> Iterator[Account]:
        """See `Codec`."""
        people = native.payload.get("people")
        for name in (native.payload.get("author"), *(people if isinstance(people, list) else ())):
            if isinstance(name, str) and name:
                yield Account(ids=(name,), name=name, mail=name if "@" in name else "")

    def attachments(self, native: NativeTicket) -> tuple[NativeAttachment, ...]:
        """See `Codec`."""
        files = native.payload.get("files")
        rows = files if isinstance(files, list) else []
        return tuple(found for row in rows if (found := attachment_of(row, native.ref)) is not None)

    def decode_event(self, event: NativeEvent, mapping: ProjectMapping) -> tuple[FieldEvent, ...]:
        """See `Codec`."""
        found: list[FieldEvent] = []
        for name, key in self._keys(mapping).items():
            if key != event.payload.get("key"):
                continue
            old, new = (read(name, event.payload.get(word), mapping) for word in ("old", "new"))
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
            key = key_of(name, mapping)
            if key is not None and key in native and value is not UNKNOWN:
                word = native[key]
                if key == "text":
                    word = self._kept(word)
                held[name] = read(name, word, mapping)
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
        carried = self._keys(mapping)
        problems = tuple(_problems({name: news[name] for name in news if name in carried}, native, mapping, caps))
        names = {key: frozenset(name for name in news if carried.get(name) == key) for key in native}
        if current is None:
            later = {NATIVE_KEYS[name] for name in self.knobs.fields - self.knobs.create_fields}
            sets = {key: value for key, value in native.items() if key not in later}
            op = NativeOp(
                kind=OpKind.CREATE,
                action="post",
                summary=f"create '{sets.get('title', '')}'",
                payload={"set": {"title": "", **sets}, "make": _made(sets, mapping), "marker": marker},
                fields=frozenset().union(*(names[key] for key in sets)),
                marker=marker,
            )
            return Encoded(ops=(op,), problems=problems)
        parts = {
            key: part
            for key, value in sorted(native.items())
            if (part := _part(key, current.payload.get(key), value, self._kept)) is not None
        }
        groups = [[key] for key in parts]
        if self.knobs.one_request:
            # A link may be refused for what stands at its other end: nothing else shall wait for it.
            groups = [[key for key in parts if key != "links"], [key for key in parts if key == "links"]]
        ops = tuple(
            _update(
                current,
                frozenset().union(*(names[key] for key in group)),
                {**_joined([parts[key] for key in group]), "make": _made({key: native[key] for key in group}, mapping)},
            )
            for group in groups
            if group
        )
        return Encoded(ops=ops, problems=problems)

    def encode_delete(self, ticket: NativeTicket) -> Encoded:
        """See `Codec`."""
        if not self.knobs.can_delete:
            problem = FieldProblem(field=None, message="no ticket is deleted here", mend="Close it.")
            return Encoded(problems=(problem,))
        op = NativeOp(kind=OpKind.DELETE, action="delete", summary=f"delete {ticket.key}", payload={}, ref=ticket.ref)
        return Encoded(ops=(op,))

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

    def _keys(self, mapping: ProjectMapping) -> dict[Field, str]:
        """The carried fields, each with its place in a payload."""
        carried = sorted((self.knobs.fields | mapping.custom.keys()) - mapping.mapping.off)
        return {name: key for name in carried if (key := key_of(name, mapping)) is not None}

    def _kept(self, text: str) -> str:
        """What the server will make of a text, as far as we know."""
        return self.knobs.text_rewrite(text) if self.knobs.foresight else text

    def _native(
        self, fields: Fields, current: NativeTicket | None, mapping: ProjectMapping, caps: Capabilities
    ) -> JsonObject:
        """The payload members for `fields`; a field that has no place or no word is left out."""
        present: JsonObject = {} if current is None else current.payload
        native: JsonObject = {}
        for name, key in self._keys(mapping).items():
            value = fields.get(name, UNKNOWN)
            if value is UNKNOWN or name in self.knobs.tells or key in native:
                continue
            word = (
                type_word(fields, present.get("type"), mapping)
                if key == "type"
                else write(name, value, present.get(key), mapping, caps, self.knobs)
            )
            if word is not None or (name not in _MUST_BE_THERE and is_empty(value)):
                native[key] = word
        return native


def attachment_of(row: Any, ticket: NativeRef) -> NativeAttachment | None:
    """One member of a payload's files; None for what is none."""
    if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in ("id", "name", "url")):
        return None
    size, media_type = row.get("size"), row.get("type")
    return NativeAttachment(
        ref=NativeRef(row["id"]),
        ticket=ticket,
        name=row["name"],
        url=row["url"],
        size=size if isinstance(size, int) else None,
        media_type=media_type if isinstance(media_type, str) else "",
    )


def _made(native: MappingOf[str, Any], mapping: ProjectMapping) -> dict[str, list[str]]:
    """The names that the project gets with the request."""
    made: dict[str, list[str]] = {}
    for name in NAMES:
        known, words = known_names(name, mapping), native.get(NATIVE_KEYS[name])
        wanted = words if isinstance(words, list) else [words] if words else []
        if mapping.place(name).create and known is not None and (new := sorted(set(wanted) - set(known))):
            made[NATIVE_KEYS[name]] = new
    return made


def _part(key: str, old: Any, new: Any, kept: Callable[[str], str]) -> JsonObject | None:
    """The part of a request that changes one member; None when nothing changes."""
    if isinstance(new, list):
        there = [word for word in old if isinstance(word, str)] if isinstance(old, list) else []
        if key == "links":
            there = [link for link in there if link_parts(link)[0] in LINK_KINDS]  # other kinds are not ours
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
) -> Iterator[FieldProblem]:
    """One problem for each field that can't be said, or not all of it."""
    limits = {Field.TITLE: caps.title_limit, Field.BODY: caps.body_limit}
    for name, value in news.items():
        if value is UNKNOWN or name in caps.tells:
            continue
        limit = limits.get(name)
        if limit is not None and isinstance(value, str) and len(value) > limit:
            yield _too_long(name, len(value), limit)
            continue
        key = key_of(name, mapping)
        words = native.get(key) if key is not None else None
        left: frozenset[str] = frozenset()
        if isinstance(value, frozenset) and is_set(name):
            left = _unsayable(name, value, words, mapping) - {""}
        elif key not in native:
            left = frozenset({str(value)})
        if left:
            shown = ", ".join(f"'{one}'" for one in sorted(left))
            yield FieldProblem(
                field=name, message=f"{name.value}: there is no {shown} here", mend=_MENDS.get(name, _MEND).format(name)
            )


def _unsayable(name: Field, members: frozenset[str], words: Any, mapping: ProjectMapping) -> frozenset[str]:
    """The members that have no word; that there are too many is nobody's fault."""
    if name is Field.ASSIGNEES:
        return frozenset(person for person in members if mapping.people.write(person) is None)
    if name in NAMES:
        there = words if isinstance(words, list) else []
        return frozenset(member for member in members if written_name(name, member, mapping, there) is None)
    held = read(name, words, mapping)
    return members - held if isinstance(held, frozenset) else members


_MEND: Final = "Add a word for it to the {0} of the mapping."
_PEOPLE_MEND: Final = "Add the account under [people]."
_NAME_MEND: Final = "Add it to the project, or set create = true under [fields.{0}]."
_MENDS: Final[MappingOf[Field, str]] = {
    **dict.fromkeys((Field.ASSIGNEES, Field.REPORTER), _PEOPLE_MEND),
    **dict.fromkeys(NAMES, _NAME_MEND),
    Field.LINKS: "Tell it in the text: the tracker has no links of that kind.",
}


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
