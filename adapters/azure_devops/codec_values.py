"""Single values of work items: what a native one means, and what to write for a canonical one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from adapters.azure_devops import codec_text, wire
from sync.core.capabilities import Capabilities
from sync.core.ids import NativeRef
from sync.core.mapping import ProjectMapping, TypeRow
from sync.core.models import UNKNOWN, Field, FieldProblem, Fields, JsonObject, NativeTicket, Value

MAPPING_FILE = "mappings/azure_devops.toml"
TAG_LIMIT, TAGS_LIMIT = 400, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What stands in the work item now; all empty for one that is to be created."""

    payload: JsonObject
    type: str
    state: str
    tags: tuple[str, ...]
    assigned: tuple[str, ...]
    priority: Any
    parent: NativeRef | None

    @classmethod
    def of(cls, ticket: NativeTicket | None) -> Present:
        """Read from the newest payload."""
        payload = ticket.payload if ticket is not None else {}
        fields = wire.fields_of(payload)
        return cls(
            payload=payload,
            type=wire.text(fields.get(wire.WORK_ITEM_TYPE)),
            state=wire.text(fields.get(wire.STATE)),
            tags=tuple(wire.split_tags(fields.get(wire.TAGS))),
            assigned=tuple(wire.people_ids(fields.get(wire.ASSIGNED_TO))),
            priority=fields.get(wire.PRIORITY),
            parent=wire.parent(payload),
        )


# -- reading -------------------------------------------------------------------------------------


def read_status(state: str, type_: str, mapping: ProjectMapping) -> Value:
    """By the state's category on that type: one name has different categories on different types."""
    return mapping.read_status(state, states_of(type_, mapping).get(state, ""))


def states_of(type_: str, mapping: ProjectMapping) -> dict[str, str]:
    """State name to category of one type, in the process's own order; empty where the process is not known."""
    known = wire.mapping(wire.mapping(mapping.facts.extra.get("states")).get(type_))
    return {name: wire.text(category) for name, category in known.items()}


def read_person(identity: Any, mapping: ProjectMapping) -> Value:
    """The one assignee, as a set."""
    candidates = wire.people_ids(identity)
    person = mapping.people.read(candidates) if candidates else None
    return frozenset() if person is None else frozenset({person})


def read_priority(native: Any, mapping: ProjectMapping) -> Value:
    """None for an empty field."""
    if native is None:
        return None
    return mapping.read_priority(str(native)) if isinstance(native, int | str | float) else UNKNOWN


def read_tags(native: Any) -> Value:
    """The tags as a set."""
    return frozenset(wire.split_tags(native))


# -- writing -------------------------------------------------------------------------------------


class Writer:
    """Native values for canonical fields: `values` by field, `problems` for what can't be said."""

    def __init__(
        self, fields: Fields, current: NativeTicket | None, mapping: ProjectMapping, caps: Capabilities
    ) -> None:
        self.fields = {name: value for name, value in fields.items() if value is not UNKNOWN and name in caps.fields}
        self.present = Present.of(current)
        self.mapping, self.caps = mapping, caps
        self.values: dict[Field, Any] = {}
        self.problems: list[FieldProblem] = []
        self.type = self._type()
        for name, value in self.fields.items():
            self._field(name, value)

    @property
    def body_field(self) -> str:
        """Where the long text goes."""
        known = wire.mapping(self.mapping.facts.extra.get("body_fields"))
        payload = {**self.present.payload, "fields": {**wire.fields_of(self.present.payload)}}
        payload["fields"][wire.WORK_ITEM_TYPE] = self.type
        return codec_text.body_field(payload, known)

    @property
    def markdown(self) -> bool:
        """Whether the long text is Markdown there."""
        return codec_text.is_markdown(self.present.payload, self.body_field)

    def _field(self, name: Field, value: Value) -> None:
        match name:
            case Field.TITLE:
                self._title(value)
            case Field.BODY:
                self._body(value)
            case Field.STATUS if isinstance(value, str):
                self._status(value)
            case Field.PRIORITY:
                self._priority(value)
            case Field.LABELS if isinstance(value, frozenset):
                self.values[name] = self._tags(value)
            case Field.ASSIGNEES if isinstance(value, frozenset):
                self._assignee(value)
            case Field.PARENT if value is None or (isinstance(value, str) and (value == "" or value.isdigit())):
                self.values[name] = NativeRef(value) if value else None

    def _say(self, name: Field, message: str, mend: str) -> None:
        self.problems.append(FieldProblem(field=name, message=message, mend=mend))

    def _type(self) -> str:
        """The work item type: the present one stays where it says all that the wanted kind and type can say here."""
        row = self.mapping.read_type(self.present.type) if self.present.type else None
        wanted_kind = self.fields.get(Field.KIND, row.kind if row else "issue")
        wanted_type = self.fields.get(Field.TYPE, row.type if row else None) or None
        if not isinstance(wanted_kind, str) or isinstance(wanted_type, frozenset):
            return self.present.type
        written = self.mapping.write_type(wanted_kind, wanted_type)
        if written is None:
            if self.present.type and row is None:
                return self.present.type
            mend = f"Add a [[types]] row with kind = {wanted_kind!r} to {MAPPING_FILE}."
            self._say(Field.KIND, f"no work item type here is of the kind {wanted_kind!r}", mend)
            return self.present.type
        exact = written.type == wanted_type
        if row is not None and row.kind == wanted_kind and (row.type == wanted_type or not exact):
            written = TypeRow(native=self.present.type, kind=row.kind, type=row.type)
        if Field.KIND in self.fields:
            self.values[Field.KIND] = written.native
        if Field.TYPE in self.fields and (exact or written.type == wanted_type):
            self.values[Field.TYPE] = written.native
        return written.native

    def _title(self, value: Value) -> None:
        title = " ".join(str(value or "").split("\n")).strip()
        limit = self.caps.title_limit
        if not title:
            self._say(Field.TITLE, "the title is empty", "Write one: Azure DevOps requires it.")
        elif limit is not None and len(title) > limit:
            self._say(Field.TITLE, f"the title has {len(title):,} characters, the limit is {limit:,}", "Shorten it.")
        else:
            self.values[Field.TITLE] = title

    def _body(self, value: Value) -> None:
        if isinstance(value, frozenset):
            return
        there = wire.text(wire.fields_of(self.present.payload).get(self.body_field))
        who = codec_text.mentions(self.mapping)
        native = codec_text.write(str(value or ""), markdown=self.markdown, current=there, who=who)
        limit = self.caps.body_limit
        if limit is not None and len(native) > limit:
            said = f"the body has {len(native):,} characters as HTML, the limit is {limit:,}"
            self._say(Field.BODY, said, "Shorten it, or move a part into a comment.")
        else:
            self.values[Field.BODY] = native

    def _status(self, value: str) -> None:
        available = states_of(self.type, self.mapping)
        word = self.mapping.values(Field.STATUS).write(value, available or None)
        if word is None:
            mend = f"Add one to [fields.status.values] or a [fields.status.fallback] to {MAPPING_FILE}."
            self._say(Field.STATUS, f"no state of a {self.type or 'work item'} means '{value}'", mend)
            return
        present = self.present.state
        stays = present and self.type == self.present.type
        meaning = read_status(word, self.type, self.mapping)
        if stays and read_status(present, self.type, self.mapping) == meaning is not UNKNOWN:
            word = present
        self.values[Field.STATUS] = word

    def _priority(self, value: Value) -> None:
        if not value:
            # A default of the process fills an empty priority again: none can be held only where none is.
            if self.present.type and self.present.priority is None:
                self.values[Field.PRIORITY] = None
            return
        word = self.mapping.write_priority(str(value))
        if word is None:
            mend = f"Add one to [fields.priority.values] of {MAPPING_FILE}."
            self._say(Field.PRIORITY, f"no priority here means '{value}'", mend)
        else:
            self.values[Field.PRIORITY] = int(word) if word.isdigit() else word

    def _tags(self, value: frozenset[str]) -> tuple[str, ...]:
        """Tags that the service can hold, one of each spelling, as those that stand there spell them."""
        there = {tag.casefold(): tag for tag in self.present.tags}
        held: dict[str, str] = {}
        for label in sorted(value):
            name = " ".join(label.split())
            if name and name == label and len(name) <= TAG_LIMIT and not set(name) & {";", ","}:
                held.setdefault(name.casefold(), there.get(name.casefold(), name))
        lost = len(value) - len(held)
        if lost:
            said = f"{lost} label(s) can't be tags: no ';' or ',', no doubled blanks, up to {TAG_LIMIT} characters"
            self._say(Field.LABELS, said, "Rename the labels where they were given.")
        kept = sorted(held.values(), key=lambda tag: (tag.casefold() not in there, tag.casefold()))[:TAGS_LIMIT]
        return tuple(sorted(kept, key=str.casefold))

    def _assignee(self, people: frozenset[str]) -> None:
        known = {person: word for person in sorted(people) if (word := self.mapping.people.write(person)) is not None}
        if strangers := sorted(people - set(known)):
            mend = f"Add {'them' if len(strangers) > 1 else 'the person'} under [people] of the config."
            self._say(Field.ASSIGNEES, f"{', '.join(strangers)}: no account in Azure DevOps is known", mend)
        if not known and people:
            return
        there = {one.casefold() for one in self.present.assigned}
        stays = [word for word in known.values() if word.casefold() in there]
        self.values[Field.ASSIGNEES] = next(iter([*stays, *known.values()]), None)


def read_back(name: Field, value: Any, writer: Writer) -> Value:
    """What a native value that we write will be read as."""
    mapping = writer.mapping
    match name:
        case Field.KIND | Field.TYPE:
            row = mapping.read_type(str(value))
            return UNKNOWN if row is None else row.kind if name is Field.KIND else row.type
        case Field.STATUS:
            return read_status(str(value), writer.type, mapping)
        case Field.PRIORITY:
            return read_priority(value, mapping)
        case Field.LABELS:
            return frozenset(value)
        case Field.ASSIGNEES:
            return read_person(value, mapping)
        case Field.BODY:
            return codec_text.read(str(value), markdown=writer.markdown, who=codec_text.mentions(mapping))
    return value if isinstance(value, str) else None
