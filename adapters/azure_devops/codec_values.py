"""What a work item can hold of canonical fields: `Writer` has the native values, `read_back` what they will be read as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from adapters.azure_devops import codec_links, codec_nodes, codec_state, codec_text, wire
from adapters.azure_devops.codec_fields import Unsayable, read_held, write_held
from adapters.azure_devops.codec_files import attachments
from adapters.azure_devops.codec_state import Goal, Standing, read_status, states_of
from adapters.azure_devops.places import NODES, holders
from sync.core.capabilities import Capabilities
from sync.core.fieldrules import rule_of
from sync.core.ids import NativeRef
from sync.core.mapping import ProjectMapping, TypeRow
from sync.core.models import (
    UNKNOWN,
    Field,
    FieldProblem,
    Fields,
    JsonObject,
    NativeAttachment,
    NativeTicket,
    Value,
    is_empty,
)

MAPPING_FILE = "mappings/azure_devops.toml"
TAG_LIMIT, TAGS_LIMIT = 400, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What stands in the work item now; all empty for one that is to be created."""

    payload: JsonObject
    fields: JsonObject
    type: str
    state: str
    reason: str
    tags: tuple[str, ...]
    assigned: tuple[str, ...]
    parent: NativeRef | None
    files: tuple[NativeAttachment, ...]

    @classmethod
    def of(cls, ticket: NativeTicket | None) -> Present:
        """Read from the newest payload."""
        payload = ticket.payload if ticket is not None else {}
        fields = wire.fields_of(payload)
        return cls(
            payload=payload,
            fields=fields,
            type=wire.text(fields.get(wire.WORK_ITEM_TYPE)),
            state=wire.text(fields.get(wire.STATE)),
            reason=wire.text(fields.get(wire.REASON)),
            tags=tuple(wire.split_tags(fields.get(wire.TAGS))),
            assigned=tuple(wire.people_ids(fields.get(wire.ASSIGNED_TO))),
            parent=wire.parent(payload),
            files=attachments(payload, NativeRef(str(wire.number(payload.get("id"))))),
        )


# -- reading -------------------------------------------------------------------------------------


def read_person(identity: Any, mapping: ProjectMapping) -> Value:
    """The one assignee, as a set."""
    candidates = wire.people_ids(identity)
    person = mapping.people.read(candidates) if candidates else None
    return frozenset() if person is None else frozenset({person})


def read_priority(native: Any, mapping: ProjectMapping) -> Value:
    """None for an empty field."""
    if native is None:
        return None
    text = f"{native:g}" if isinstance(native, float) else str(native)  # exports say 2.0
    return mapping.read_priority(text) if isinstance(native, int | str | float) else UNKNOWN


def read_tags(native: Any) -> Value:
    """The tags as a set."""
    return frozenset(wire.split_tags(native))


def has_priority(type_: str, mapping: ProjectMapping) -> bool:
    """Whether the type has a priority; nearly all have, so one that is not known has too."""
    fields = wire.mapping(wire.mapping(mapping.facts.extra.get("fields")).get(type_))
    return not fields or wire.PRIORITY in fields


# -- writing -------------------------------------------------------------------------------------


class Writer:
    """Native values for canonical fields: `values` by field, `problems` for what can't be said, `goal` for the state.

    `absent` are the areas and iterations that have to be made first.
    """

    def __init__(
        self, fields: Fields, current: NativeTicket | None, mapping: ProjectMapping, caps: Capabilities
    ) -> None:
        carried = caps.fields | mapping.placed | mapping.custom.keys()
        self.fields = {name: value for name, value in fields.items() if value is not UNKNOWN and name in carried}
        self.present = Present.of(current)
        self.mapping, self.caps = mapping, caps
        self.values: dict[Field, Any] = {}
        self.problems: list[FieldProblem] = []
        self.absent: dict[Field, list[list[str]]] = {}
        self.goal: Goal | None = None
        self.type = self._type()
        self.holders = holders(self.type, mapping)
        self._state()
        for name, value in self.fields.items():
            self._field(name, value)

    @property
    def body_field(self) -> str:
        """Where the long text goes."""
        known = wire.mapping(self.mapping.facts.extra.get("body_fields"))
        payload = {**self.present.payload, "fields": {**self.present.fields, wire.WORK_ITEM_TYPE: self.type}}
        return codec_text.body_field(payload, known)

    @property
    def body_source(self) -> str:
        """Where the long text stands now."""
        known = wire.mapping(self.mapping.facts.extra.get("body_fields"))
        return codec_text.body_source(self.present.payload, known) if self.present.type else self.body_field

    @property
    def markdown(self) -> bool:
        """Whether the long text is Markdown there."""
        return codec_text.is_markdown(self.present.payload, self.body_field)

    @property
    def standing(self) -> Standing:
        """Where the work item stands in the workflow of the type that it will have."""
        present = self.present
        if not present.type:
            return Standing(type=self.type, state=codec_state.first_state(self.type, self.mapping))
        if present.type == self.type:
            return Standing(type=self.type, state=present.state, reason=present.reason)
        known = states_of(self.type, self.mapping)
        return Standing(type=self.type, state=present.state if present.state in known else "", free=True)

    def _field(self, name: Field, value: Value) -> None:
        match name:
            case Field.TITLE:
                self._title(value)
            case Field.BODY:
                self._body(value)
            case Field.PRIORITY if has_priority(self.type, self.mapping):
                self._priority(value)
            case Field.LABELS if isinstance(value, frozenset):
                self.values[name] = self._tags(value)
            case Field.ASSIGNEES if isinstance(value, frozenset):
                self._assignee(value)
            case Field.PARENT if value is None or (isinstance(value, str) and (value == "" or value.isdigit())):
                self.values[name] = NativeRef(value) if value else None
            case Field.LINKS if isinstance(value, frozenset):
                self.values[name], said = codec_links.holdable(value, self.present.payload, self.mapping)
                if said:
                    self._say(name, said, "Remove the link where it was made.")
            case Field.REPORTER:
                self._reporter(value)
            case Field.SPRINT | Field.COMPONENTS:
                self._node(name, value)
            case _ if name in self.holders:
                self._held(name, value)

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

    def _state(self) -> None:
        """Status and reason are one move: which state to go to, and whether it is to be reached."""
        standing = self.standing
        present = read_status(self.present.state, self.present.type, self.mapping)
        status = self.fields.get(Field.STATUS, present)
        asked = {Field.STATUS, Field.REASON} & self.fields.keys()
        if not asked or not isinstance(status, str):
            return
        reason = self.fields.get(Field.REASON)
        found = codec_state.goal(status, reason, standing, self.mapping)
        if found is None:
            mend = f"Add one to [fields.status.values] or a [fields.status.fallback] to {MAPPING_FILE}."
            self._say(Field.STATUS, f"no state of a {self.type or 'work item'} means '{status}'", mend)
            return
        if found.way is None:
            said = f"no moves of a {self.type} lead from '{standing.state}' to '{found.state}': the status waits"
            self._say(Field.STATUS, said, "Add a move to the workflow of the process, or go there by hand.")
            return
        self.goal = found
        if Field.STATUS in asked:
            self.values[Field.STATUS] = found.state
        if Field.REASON in asked and is_empty(reason):
            if read_status(found.state, self.type, self.mapping) != codec_state.DONE:
                self.values[Field.REASON] = None
        elif Field.REASON in asked and found.meant is not None:
            self.values[Field.REASON] = found.meant
        elif Field.REASON in asked:
            said = f"a {self.type} in the state '{found.state}' can't be '{reason}'"
            said += "" if found.way else ": a reason is only given with a move of the state"
            self._say(Field.REASON, said, f"Set it by hand, or map it in [fields.reason.values] of {MAPPING_FILE}.")

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
        there = wire.text(self.present.fields.get(self.body_source))
        who, files = codec_text.mentions(self.mapping), tuple((one.url, one.name) for one in self.present.files)
        native = codec_text.write(str(value or ""), markdown=self.markdown, current=there, who=who, files=files)
        limit = self.caps.body_limit
        if limit is not None and len(native) > limit:
            said = f"the body has {len(native):,} characters as HTML, the limit is {limit:,}"
            self._say(Field.BODY, said, "Shorten it, or move a part into a comment.")
        else:
            self.values[Field.BODY] = native

    def _priority(self, value: Value) -> None:
        if not value:
            # A default of the process fills an empty priority again: none can be held only where none is.
            if self.present.type and self.present.fields.get(wire.PRIORITY) is None:
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

    def _reporter(self, value: Value) -> None:
        """Who made a work item is told and never set."""
        said = read_reporter(self.present.fields.get(wire.CREATED_BY), self.mapping)
        if said is not None and said == value:
            self.values[Field.REPORTER] = self.present.fields.get(wire.CREATED_BY)

    def _node(self, name: Field, value: Value) -> None:
        wanted = codec_nodes.as_set(value)
        path, missing = codec_nodes.path_of(name, wanted, self.present.fields.get(NODES[name][1]), self.mapping)
        if missing:
            tree = NODES[name][0].removesuffix("s")
            said = f"there is no {tree} {', '.join(map(repr, missing))} in this project"
            mend = f"Make it there, map it in [fields.{name}.values], or say create = true under [fields.{name}]."
            self._say(name, said, mend)
        if path is not None:
            self.values[name] = codec_nodes.native_path(path, self.mapping)
            if path and (absent := codec_nodes.absent_nodes(name, path, self.mapping)):
                self.absent[name] = absent

    def _held(self, name: Field, value: Value) -> None:
        holder = self.holders[name]
        present = holder.value(self.present.fields)
        filled = bool(holder.default) and (present not in (None, "") or not self.present.type)
        if is_empty(value) and (filled or holder.source(self.present.fields) != holder.native):
            return  # the process fills it again, or it stands where this type can't empty it
        try:
            self.values[name] = write_held(holder, value, present, self.mapping)
        except Unsayable as error:
            shown = ", ".join(sorted(value)) if isinstance(value, frozenset) else str(value)
            label = rule_of(name).label.lower()
            mend = f"Choose another value, or map it in {MAPPING_FILE}."
            self._say(name, f"the {label} '{shown[:80]}' can't be kept in {holder.native}: {error}", mend)


def read_reporter(identity: Any, mapping: ProjectMapping) -> Value:
    """Who made the work item; None where it was us."""
    if not wire.people_ids(identity) or codec_text.is_ours(identity, mapping.facts.extra.get("account")):
        return None
    return mapping.people.read(wire.people_ids(identity))


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
        case Field.LABELS | Field.LINKS:
            return frozenset(value)
        case Field.ASSIGNEES:
            return read_person(value, mapping)
        case Field.REPORTER:
            return read_reporter(value, mapping)
        case Field.BODY:
            return codec_text.read(str(value), markdown=writer.markdown, who=codec_text.mentions(mapping))
        case Field.SPRINT | Field.COMPONENTS:
            return codec_nodes.read_path(name, value, mapping)
        case _ if name in writer.holders:
            return read_held(writer.holders[name], value, mapping)
    return value if isinstance(value, str) else None
