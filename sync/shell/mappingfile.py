"""Mapping files: what a tracker's words mean, as TOML with a fixed vocabulary.

A file of one's own may say `extends = "jira"`: its tables are laid over the shipped file's, key by key; `types`
and `presets` of the same name replace the shipped ones.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from importlib import resources
from pathlib import Path

from sync.core.errors import ConfigError
from sync.core.mapping import CUSTOM_SETS, CUSTOM_TYPES, CustomRow, Mapping, Place, Preset, TypeRow, ValueMap
from sync.core.models import KINDS, LINK_KINDS, PRIORITIES, REASONS, SEVERITIES, STATUSES, TYPES, Field, JsonObject
from sync.shell.places import Places, did_you_mean, scan

#: Fields whose values are words with a meaning, and the canonical words.
WORDS: MappingOf[Field, tuple[str, ...]] = {
    Field.STATUS: STATUSES,
    Field.PRIORITY: PRIORITIES,
    Field.REASON: REASONS,
    Field.SEVERITY: SEVERITIES,
    Field.LINKS: tuple(LINK_KINDS),
}
#: Fields whose values are names: a name without an entry means itself, and missing ones may be made.
NAMES = (Field.COMPONENTS, Field.SPRINT, Field.MILESTONE)
_TOP = ("tracker", "extends", "preset", "fields", "types", "screen", "presets", "custom")
_VALUE_MAP = ("values", "categories", "fallback", "carry", "native")
_NAMES = ("values", "carry", "native", "create")
_CUSTOM = ("type", "native", "values")
_TYPE_ROW = ("native", "kind", "type")
_PRESET = ("when_types", "fields", "types")
Key = tuple[object, ...]


class MappingNotFoundError(ValueError):
    """There is no such mapping, shipped or as a file."""


def shipped() -> tuple[str, ...]:
    """The names of the mappings that come along."""
    return tuple(sorted(file.name.removesuffix(".toml") for file in _folder().iterdir() if file.name.endswith(".toml")))


def load(named: str, *, folder: Path) -> Mapping:
    """The shipped mapping of that name, else the file at that path (from `folder`).

    Raises `MappingNotFoundError`, or `ConfigError` with everything that is wrong in the file.
    """
    name, text = _source(named, folder)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{name}: not TOML: {error}"]) from None
    reader = _Reader(scan(name, text))
    reader.check(table)
    if (extended := table.get("extends")) is not None:
        if extended in shipped():
            table = _merged(tomllib.loads(_source(extended, folder)[1]), table)
        else:
            reader.say(("extends",), f"no shipped mapping {extended!r}: {did_you_mean(str(extended), shipped())}")
    mapping = reader.build(table)
    if reader.problems:
        raise ConfigError(reader.problems)
    return mapping


def _folder() -> resources.abc.Traversable:
    return resources.files("mappings")


def _source(named: str, folder: Path) -> tuple[str, str]:
    if named in shipped():
        return f"mappings/{named}.toml", (_folder() / f"{named}.toml").read_text(encoding="utf-8")
    path = folder / Path(named).expanduser()
    try:
        return path.name, path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        hint = did_you_mean(named, shipped())
        raise MappingNotFoundError(f"no shipped mapping of this name and no readable file at {path}: {hint}") from None


def _merged(below: JsonObject, above: JsonObject) -> JsonObject:
    """`above` laid over `below`, table by table."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


class _Reader:
    """Checks a file against the vocabulary and builds the mapping; `problems` grows meanwhile."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.problems: list[str] = []

    def say(self, path: Key, message: str) -> None:
        self.problems.append(self.places.say(path, message))

    # -- checking what the file itself says --------------------------------------------------------

    def check(self, table: JsonObject) -> None:
        self._known((), table, _TOP)
        if "tracker" not in table and "extends" not in table:
            self.say(("tracker",), 'is missing: write the kind, for example tracker = "jira"')
        for key in ("tracker", "extends", "preset"):
            if not isinstance(table.get(key, ""), str):
                self.say((key,), "must be a string")
        self._check_fields((), table)
        self._check_types((), table)
        for status, natives in self._table((), table, "screen").items():
            self._word(("screen", status), status, STATUSES)
            if not isinstance(natives, dict) or not all(isinstance(value, str) for value in natives.values()):
                self.say(("screen", status), 'must be a table of native fields, for example resolution = "Done"')
        for name, preset in self._table((), table, "presets").items():
            at: Key = ("presets", name)
            if not isinstance(preset, dict):
                self.say(at, "must be a table")
                continue
            self._known(at, preset, _PRESET)
            if not _strings(preset.get("when_types", [])):
                self.say((*at, "when_types"), "must be a list of native types")
            self._check_fields(at, preset)
            self._check_types(at, preset)
        for name, row in self._table((), table, "custom").items():
            self._check_custom(("custom", name), name, row)

    def _check_custom(self, at: Key, name: str, row: object) -> None:
        if not re.fullmatch("[a-z][a-z0-9_]*", name):
            self.say(at, "a custom field's name is written in small letters, digits and underscores")
        if not isinstance(row, dict):
            self.say(at, 'must be a table, for example type = "text" and native = "Customer"')
            return
        self._known(at, row, _CUSTOM)
        self._word((*at, "type"), row.get("type"), CUSTOM_TYPES)
        if not _strings([row.get("native")]):
            self.say((*at, "native"), "is missing: write the id or the name of the tracker's own field")
        for word, natives in self._table(at, row, "values").items():
            if not _strings(natives):
                self.say((*at, "values", word), 'must be a list of native words, for example ["Gold", "Gold plus"]')

    def _check_fields(self, at: Key, table: JsonObject) -> None:
        for name, entry in self._table(at, table, "fields").items():
            here: Key = (*at, "fields", name)
            if name not in tuple(Field):
                self.say(here, f"unknown field: {did_you_mean(name, Field)}")
            elif not isinstance(entry, dict):
                self.say(here, "must be a table")
            else:
                self._check_field(here, Field(name), entry)

    def _check_field(self, at: Key, field: Field, entry: JsonObject) -> None:
        words = WORDS.get(field, ())
        self._known(at, entry, _VALUE_MAP if words else _NAMES if field in NAMES else ("carry", "native"))
        for key in ("carry", "create"):
            if not isinstance(entry.get(key, True), bool):
                self.say((*at, key), "must be true or false")
        if "native" in entry and not _strings([entry["native"]]):
            self.say((*at, "native"), "must name the place where the tracker holds the field")
        for word, natives in self._table(at, entry, "values").items():
            self._word((*at, "values", word), word, words)
            if not _strings(natives):
                self.say((*at, "values", word), 'must be a list of native words, for example ["To Do", "Open"]')
        for category, word in self._table(at, entry, "categories").items():
            self._word((*at, "categories", category), word, words)
        for word, instead in self._table(at, entry, "fallback").items():
            self._word((*at, "fallback", word), word, words)
            self._word((*at, "fallback", word), instead, words)

    def _check_types(self, at: Key, table: JsonObject) -> None:
        rows = table.get("types", [])
        if not isinstance(rows, list):
            self.say((*at, "types"), "must be written as [[types]] tables")
            return
        for number, row in enumerate(rows):
            here: Key = (*at, "types", number)
            if not isinstance(row, dict):
                self.say(here, "must be a table")
                continue
            self._known(here, row, _TYPE_ROW)
            if not isinstance(row.get("native"), str):
                self.say((*here, "native"), "is missing: write the tracker's own name of the type")
            self._word((*here, "kind"), row.get("kind"), KINDS)
            if "type" in row:
                self._word((*here, "type"), row["type"], TYPES)

    def _known(self, at: Key, table: JsonObject, known: Iterable[str]) -> None:
        for key in table:
            if key not in known:
                self.say((*at, key), f"unknown key: {did_you_mean(key, known)}")

    def _word(self, at: Key, word: object, words: Iterable[str]) -> None:
        if word not in tuple(words) and words:
            self.say(at, f"{word!r} is no canonical word: {did_you_mean(str(word), words)}")

    def _table(self, at: Key, table: JsonObject, key: str) -> JsonObject:
        value = table.get(key, {})
        if isinstance(value, dict):
            return value
        self.say((*at, key), "must be a table")
        return {}

    # -- building, from tables that may have been merged ---------------------------------------------

    def build(self, table: JsonObject) -> Mapping:
        if self.problems:
            return Mapping(tracker="")
        presets = tuple(
            Preset(
                name=name,
                when_types=tuple(preset.get("when_types", ())),
                fields=_fields(preset),
                types=_types(preset),
            )
            for name, preset in table.get("presets", {}).items()
        )
        chosen = table.get("preset")
        if chosen is not None and chosen not in {preset.name for preset in presets}:
            self.say(("preset",), f"no preset {chosen!r}: {did_you_mean(chosen, [preset.name for preset in presets])}")
        self._ambiguous(table)
        return Mapping(
            tracker=table["tracker"],
            fields=_fields(table),
            types=_types(table),
            screen=table.get("screen", {}),
            off=frozenset(
                Field(name) for name, entry in table.get("fields", {}).items() if not entry.get("carry", True)
            ),
            places={
                Field(name): Place(native=entry.get("native"), create=entry.get("create", False))
                for name, entry in table.get("fields", {}).items()
                if {"native", "create"} & entry.keys()
            },
            custom={
                custom_field(name, row["type"]): CustomRow(
                    type=row["type"],
                    native=row["native"],
                    values=ValueMap(values={word: tuple(natives) for word, natives in row.get("values", {}).items()}),
                )
                for name, row in table.get("custom", {}).items()
            },
            presets=presets,
            preset=chosen,
        )

    def _ambiguous(self, table: JsonObject) -> None:
        """One native word with two meanings would be read as the first and written as the second."""
        for name, entry in table.get("fields", {}).items():
            meaning: dict[str, str] = {}
            for word, natives in entry.get("values", {}).items():
                for native in natives:
                    if (other := meaning.setdefault(native.casefold(), word)) != word:
                        self.say(("fields", name, "values", word), f"{native!r} already means {other!r}")


def _strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and re.search(r"\S", one) for one in value)


def _fields(table: JsonObject) -> dict[Field, ValueMap]:
    return {
        Field(name): ValueMap(
            values={word: tuple(natives) for word, natives in entry.get("values", {}).items()},
            categories=entry.get("categories", {}),
            fallback=entry.get("fallback", {}),
        )
        for name, entry in table.get("fields", {}).items()
        if Field(name) in WORDS or Field(name) in NAMES
    }


def custom_field(name: str, type_: str) -> Field:
    """The canonical field of `[custom.<name>]`."""
    return Field(f"custom.{name}[]" if type_ in CUSTOM_SETS else f"custom.{name}")


def _types(table: JsonObject) -> tuple[TypeRow, ...]:
    return tuple(
        TypeRow(native=row["native"], kind=row["kind"], type=row.get("type")) for row in table.get("types", ())
    )
