"""What a tracker's own words mean: statuses, priorities, types and people, both ways.

A `Mapping` is data with a fixed vocabulary (`mappings/*.toml`); bound to a project's facts it becomes a
`ProjectMapping`, which answers. Of several candidates *the first that the project has is written, all are read*.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import asdict, dataclass, field, replace

from sync.core.capabilities import ProjectFacts
from sync.core.ids import PersonId, ReplicaName
from sync.core.models import UNKNOWN, Field, JsonObject, Value

#: Part of every digest: raise it when a codec starts to read the same payload differently.
DECODING_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueMap:
    """One field's words: canonical value → native candidates.

    `categories` reads (and, where no candidate exists, writes) a value by the tracker's own category;
    `fallback` names the canonical value to write instead where the project has nothing for one.
    """

    values: MappingOf[str, tuple[str, ...]] = field(default_factory=dict)
    categories: MappingOf[str, str] = field(default_factory=dict)
    fallback: MappingOf[str, str] = field(default_factory=dict)

    def read(self, native: str, category: str = "") -> Value:
        """The canonical value; UNKNOWN where neither the word nor its category has a meaning."""
        wanted = native.casefold()
        for canonical, candidates in self.values.items():
            if any(candidate.casefold() == wanted for candidate in candidates):
                return canonical
        return self.categories.get(category, UNKNOWN)

    def write(self, canonical: str, available: MappingOf[str, str] | None) -> str | None:
        """The native word for a canonical value, out of `available` (word → category; None: any word will do)."""
        tried: set[str] = set()
        while canonical not in tried:
            tried.add(canonical)
            for candidate in self.values.get(canonical, ()):
                if available is None:
                    return candidate
                found = next(
                    (word for word in available if word.casefold() == candidate.casefold()),
                    None,
                )
                if found is not None:
                    return found
            for word, category in (available or {}).items():
                # A word that is listed under another value would be read back as that one.
                if category and self.categories.get(category) == canonical and self.read(word, category) == canonical:
                    return word
            canonical = self.fallback.get(canonical, canonical)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRow:
    """One native ticket type (or label) and what it means; of several rows for a meaning the first is written."""

    native: str
    kind: str
    type: str | None = None


#: How a custom field's native values are spelled; the last two hold sets (their canonical name ends in `[]`).
CUSTOM_TYPES = ("text", "number", "date", "datetime", "boolean", "choice", "person", "url", "choices", "people")
CUSTOM_SETS = ("choices", "people")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a tracker holds a field, in the adapter's own words, and whether missing names are made there.

    `native` None leaves the choice to the adapter (a project's points field by its schema).
    """

    native: str | None = None
    create: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomRow:
    """A custom field: its type (one of `CUSTOM_TYPES`), the native field (id or name) and what its words mean.

    A word without an entry means itself. Canonical values are strings (numbers, days as in `sync.core.quantities`, times as
    ISO 8601 in UTC, `true` and `false`, people as PersonId) or sets of them.
    """

    type: str
    native: str
    values: ValueMap = ValueMap()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Overrides for one flavour of a tracker, taken when the project has all of `when_types`."""

    name: str
    when_types: tuple[str, ...]
    fields: MappingOf[Field, ValueMap] = field(default_factory=dict)
    types: tuple[TypeRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """A mapping file: what the words of one kind of tracker mean.

    `screen` holds, per canonical status, the native fields to send along with the transition to it.
    `off` are the fields that this replica does not carry; `preset` forces one instead of choosing by types.
    """

    tracker: str
    fields: MappingOf[Field, ValueMap] = field(default_factory=dict)
    types: tuple[TypeRow, ...] = ()
    screen: MappingOf[str, MappingOf[str, str]] = field(default_factory=dict)
    off: frozenset[Field] = frozenset()
    places: MappingOf[Field, Place] = field(default_factory=dict)
    custom: MappingOf[Field, CustomRow] = field(default_factory=dict)
    presets: tuple[Preset, ...] = ()
    preset: str | None = None

    def bind(self, facts: ProjectFacts, people: People) -> ProjectMapping:
        """The mapping for one project: presets applied, values chosen among those that the project has."""
        chosen = next(
            (
                preset
                for preset in self.presets
                if preset.name == self.preset or (self.preset is None and set(preset.when_types) <= set(facts.types))
            ),
            None,
        )
        mapping = self
        if chosen is not None:
            mapping = replace(
                self,
                fields={**self.fields, **chosen.fields},
                types=chosen.types or self.types,
            )
        return ProjectMapping(mapping=mapping, facts=facts, people=people)


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Who is who in one replica: `[people.x]` entries, person → native id (compared without case)."""

    replica: ReplicaName
    native_ids: MappingOf[PersonId, str] = field(default_factory=dict)

    def read(self, native_ids: Iterable[str]) -> PersonId | None:
        """The person behind any of the native ids (an account may have several: id, name, mail); None for none.

        Somebody without an entry becomes `replica:<first id>`, which no other replica can hold.
        """
        known = list(native_ids)
        for person, native in self.native_ids.items():
            if any(native.casefold() == candidate.casefold() for candidate in known):
                return person
        return PersonId(f"{self.replica}:{known[0]}") if known else None

    def knows(self, native_ids: Iterable[str]) -> bool:
        """Whether any of the native ids stands in `[people]`."""
        return self.read(native_ids) in self.native_ids

    def write(self, person: PersonId | str) -> str | None:
        """The native id to write for a person; None for a stranger to this replica."""
        if person.startswith(f"{self.replica}:"):
            return person.split(":", 1)[1]
        return self.native_ids.get(PersonId(person))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectMapping:
    """A mapping bound to one project: every question has one answer."""

    mapping: Mapping
    facts: ProjectFacts
    people: People
    _digest: str = field(init=False, repr=False, compare=False, default="")

    def values(self, name: Field) -> ValueMap:
        """The words of a field; an empty map where the file has none."""
        return self.mapping.fields.get(name, ValueMap())

    def read_status(self, native: str, category: str = "") -> Value:
        """The canonical status; UNKNOWN when unmapped. The category is looked up in the facts when not given."""
        return self.values(Field.STATUS).read(native, category or self.facts.statuses.get(native, ""))

    def write_status(self, canonical: str, native_type: str = "") -> str | None:
        """The native status to reach, among those that tickets of `native_type` may have."""
        statuses: MappingOf[str, str] | None = self.facts.statuses or None
        allowed = self.facts.statuses_by_type.get(native_type)
        if statuses is not None and allowed:
            statuses = {word: category for word, category in statuses.items() if word in allowed}
        return self.values(Field.STATUS).write(canonical, statuses)

    def read_priority(self, native: str) -> Value:
        """The canonical priority; UNKNOWN when unmapped."""
        return self.values(Field.PRIORITY).read(native)

    def write_priority(self, canonical: str) -> str | None:
        """The native priority."""
        return self.values(Field.PRIORITY).write(canonical, dict.fromkeys(self.facts.priorities, "") or None)

    def read_reason(self, native: str) -> Value:
        """The canonical reason why a ticket is done; UNKNOWN when unmapped."""
        return self.values(Field.REASON).read(native)

    def write_reason(self, canonical: str) -> str | None:
        """The native resolution or reason."""
        return self.values(Field.REASON).write(canonical, dict.fromkeys(self.facts.resolutions, "") or None)

    def read_type(self, native: str) -> TypeRow | None:
        """What a native type means; None when unmapped."""
        wanted = native.casefold()
        return next((row for row in self.mapping.types if row.native.casefold() == wanted), None)

    def write_type(self, kind: str, type_: str | None) -> TypeRow | None:
        """The native type for a kind and type: exact, else one of the same kind without a type, else of the same kind."""
        known = {name.casefold() for name in self.facts.types}
        rows = [row for row in self.mapping.types if row.kind == kind and (not known or row.native.casefold() in known)]
        for wanted in (type_, None):
            for row in rows:
                if row.type == wanted:
                    return row
        return rows[0] if rows else None

    def read_severity(self, native: str) -> Value:
        """The canonical severity; UNKNOWN when unmapped."""
        return self.values(Field.SEVERITY).read(native)

    def write_severity(self, canonical: str, available: Iterable[str] = ()) -> str | None:
        """The native severity, one of `available` where the project has a list."""
        return self.values(Field.SEVERITY).write(canonical, dict.fromkeys(available, "") or None)

    def read_name(self, name: Field, native: str) -> str:
        """A component's, milestone's, sprint's or link's canonical name: as mapped, else the native one."""
        read = self.values(name).read(native)
        return read if isinstance(read, str) else native

    def write_name(self, name: Field, canonical: str, available: Iterable[str] | None = None) -> str | None:
        """The native name, one of `available` (None: any will do); None where the project has none for it."""
        words = None if available is None else dict.fromkeys(available, "")
        written = self.values(name).write(canonical, words)
        if written is None and words is not None:
            return next((word for word in words if word.casefold() == canonical.casefold()), None)
        return canonical if written is None else written

    def place(self, name: Field) -> Place:
        """Where the tracker holds a field."""
        return self.mapping.places.get(name, Place())

    @property
    def custom(self) -> MappingOf[Field, CustomRow]:
        """The custom fields that the mapping file names and the project has."""
        return {name: row for name, row in self.mapping.custom.items() if row.native in self.facts.custom}

    @property
    def placed(self) -> frozenset[Field]:
        """The fields for which the mapping file names a field that the project has, so that it can hold them."""
        places = self.mapping.places.items()
        return frozenset(name for name, place in places if place.native in self.facts.custom)

    def screen(self, canonical_status: str) -> MappingOf[str, str]:
        """The native fields to send with a transition to this status."""
        return self.mapping.screen.get(canonical_status, {})

    def digest(self) -> str:
        """Changes whenever the same payload might be decoded otherwise."""
        if not self._digest:
            object.__setattr__(self, "_digest", self._digested())  # asked for with every ticket
        return self._digest

    def _digested(self) -> str:
        content: JsonObject = {
            "version": DECODING_VERSION,
            "fields": {name: asdict(values) for name, values in sorted(self.mapping.fields.items())},
            "types": [asdict(row) for row in self.mapping.types],
            "off": sorted(self.mapping.off),
            "places": {name: asdict(place) for name, place in sorted(self.mapping.places.items())},
            "custom": {name: asdict(row) for name, row in sorted(self.mapping.custom.items())},
            "facts": asdict(self.facts),
            "people": dict(sorted(self.people.native_ids.items())),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]
