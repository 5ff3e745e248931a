"""`trackdown.toml` read as a whole: every problem at once, each with its place and the mend."""

from __future__ import annotations

import copy
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr, ValidationError

from sync.core.errors import ConfigError
from sync.core.fieldrules import Shape, shape_of
from sync.core.ids import BridgeName, PersonId, ReplicaName
from sync.core.mapping import Mapping as TrackerMapping
from sync.core.models import Field, JsonObject
from sync.core.policy import PolicyName
from sync.shell import mappingfile, secrets
from sync.shell.places import Places, did_you_mean, scan
from sync.shell.registry import Kind, kinds
from sync.shell.settings import (
    BridgeSettings,
    ConfigSettings,
    StoreSettings,
    TrackerSettings,
    annotation_at,
    known_keys,
)

DEFAULT_NAME = "trackdown.toml"
_NAME = re.compile(r"^[A-Za-z0-9_-]+$")
_UNRESOLVED = "unresolved"
_M = TypeVar("_M", bound=BaseModel)
Path_ = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracker:
    """One `[trackers.x]`, checked."""

    name: ReplicaName
    kind: Kind
    settings: BaseModel
    mapping: TrackerMapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A config without a problem. `secrets` are the values that no output may show."""

    path: Path
    store_url: str = field(repr=False)  # may hold a password
    trackers: Mapping[ReplicaName, Tracker]
    bridges: Mapping[BridgeName, BridgeSettings]
    people: Mapping[PersonId, Mapping[ReplicaName, str]]
    names: Mapping[str, str]
    secrets: frozenset[str] = field(repr=False)
    warnings: tuple[str, ...] = ()


def load(path: Path, *, need_secrets: bool = True, environ: Mapping[str, str] | None = None) -> Config:
    """Read and check the file; `need_secrets=False` for commands that talk to no tracker. Raises `ConfigError`."""
    text = _read(path)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax(path, str(error))]) from None
    reader = _Reader(path, raw, scan(path.name, text), need_secrets, os.environ if environ is None else environ)
    return reader.read()


class _Reader:
    """One reading; `problems` grows until the end."""

    def __init__(
        self, path: Path, raw: JsonObject, places: Places, need_secrets: bool, environ: Mapping[str, str]
    ) -> None:
        self.path, self.raw, self.places = path, raw, places
        self.folder = path.resolve().parent
        self.need_secrets, self.environ = need_secrets, environ
        self.problems: list[tuple[int, str]] = []  # by line
        self.warnings: list[str] = []
        self.secrets: set[str] = set()

    def read(self) -> Config:
        config = self._validated(ConfigSettings, self.raw, ())
        trackers: dict[ReplicaName, Tracker] = {}
        for name, table in self._table("trackers").items():
            if isinstance(table, dict) and (tracker := self._tracker(name, table)) is not None:
                trackers[tracker.name] = tracker
        names, people = self._people()
        for name, table in self._table("bridges").items():
            if isinstance(table, dict):
                self._check_bridge(name, table, trackers)
        store_url = self._store_url(config.store.url) if config is not None else ""
        if self.problems or config is None:
            raise ConfigError([text for _, text in sorted(self.problems, key=lambda problem: problem[0])])
        return Config(
            path=self.path,
            store_url=store_url,
            trackers=trackers,
            bridges={BridgeName(name): bridge for name, bridge in config.bridges.items()},
            people=people,
            names=names,
            secrets=frozenset(self.secrets),
            warnings=tuple(self.warnings),
        )

    def _say(self, path: Path_, message: str) -> None:
        self.problems.append((self.places.line(path), self.places.say(path, message)))

    def _validated(self, model: type[_M], table: JsonObject, at: Path_) -> _M | None:
        try:
            return model.model_validate(table)
        except ValidationError as error:
            siblings = tuple(TrackerSettings.model_fields) if at[:1] == ("trackers",) else ()
            for path, message in explain(error, model, siblings):
                self._say((*at, *path), message)
        return None

    def _tracker(self, name: str, table: JsonObject) -> Tracker | None:
        at: Path_ = ("trackers", name)
        if not _NAME.match(name):
            self._say(at, "a tracker's name is made of letters, digits, - and _")
        kind = kinds().get(str(table.get("kind")))
        if kind is None:
            if "kind" in table:
                self._say((*at, "kind"), f"no such kind of tracker: {did_you_mean(str(table['kind']), kinds())}")
            return None
        own = {key: value for key, value in table.items() if key not in TrackerSettings.model_fields}
        if (problem := secrets.exposed_by(str(table.get("url", "")))) is not None:
            self._say((*at, "url"), problem)
        settings = self._validated(kind.settings(), self._with_secrets(kind.settings(), own, at), at)
        mapping = self._mapping(table.get("mapping", kind.name), kind, (*at, "mapping"))
        if settings is None or mapping is None:
            return None
        return Tracker(name=ReplicaName(name), kind=kind, settings=settings, mapping=mapping)

    def _with_secrets(self, model: type[BaseModel], table: JsonObject, at: Path_) -> JsonObject:
        """The table with every reference to a secret replaced by the secret."""
        resolved = copy.deepcopy(table)
        loopback = secrets.is_loopback(str(table.get("url", "")))
        for path in secret_paths(model):
            holder: Any = resolved
            for part in path[:-1]:
                holder = holder.get(part) if isinstance(holder, dict) else None
            if isinstance(holder, dict) and isinstance(reference := holder.get(path[-1]), str):
                found = self._secret(reference, (*at, *path), literal_allowed=loopback)
                if (secret := found.get_secret_value()) != _UNRESOLVED:
                    self.secrets |= secrets.spellings(secret, str(holder.get("user") or ""))
                holder[path[-1]] = found
        return resolved

    def _secret(self, reference: str, at: Path_, *, literal_allowed: bool) -> SecretStr:
        literal = reference.partition(":")[0] not in secrets.SCHEMES
        if not self.need_secrets and not literal:
            return SecretStr(_UNRESOLVED)
        try:
            secret = (
                reference
                if literal and literal_allowed
                else secrets.resolve(reference, folder=self.folder, environ=self.environ)
            )
        except secrets.SecretUnavailableError as error:
            self._say(at, str(error))
            return SecretStr(_UNRESOLVED)
        if (warning := secrets.warning_of(reference, self.folder)) is not None:
            self.warnings.append(self.places.say(at, warning))
        return SecretStr(secret)

    def _mapping(self, named: object, kind: Kind, at: Path_) -> TrackerMapping | None:
        if not isinstance(named, str):
            return None  # reported by its type
        try:
            mapping = mappingfile.load(named, folder=self.folder)
        except mappingfile.MappingNotFoundError as error:
            self._say(at, str(error))
            return None
        except ConfigError as error:
            self.problems += [(self.places.line(at), problem) for problem in error.problems]
            return None
        if mapping.tracker != kind.name:
            self._say(at, f"that mapping is for {mapping.tracker!r}, this tracker is of kind {kind.name!r}")
        return mapping

    def _store_url(self, url: str) -> str:
        at: Path_ = ("store", "url")
        if url.startswith("env:"):
            try:
                url = secrets.resolve(url, folder=self.folder, environ=self.environ)
            except secrets.SecretUnavailableError as error:
                self._say(at, str(error))
                return ""
            self._validated(StoreSettings, {"url": url}, ("store",))
        if password := urlsplit(url).password:
            self.secrets |= {*secrets.spellings(password), unquote(password)}
        if url.startswith("sqlite:///"):
            return f"sqlite:///{self.folder / Path(url.removeprefix('sqlite:///')).expanduser()}"
        return url

    def _people(self) -> tuple[dict[str, str], dict[PersonId, Mapping[ReplicaName, str]]]:
        tables = self._table("trackers")
        names: dict[str, str] = {}
        people: dict[PersonId, Mapping[ReplicaName, str]] = {}
        owners: dict[tuple[str, str], str] = {}
        for person, table in self._table("people").items():
            at: Path_ = ("people", person)
            if not _NAME.match(person):
                self._say(at, "a person's name is made of letters, digits, - and _; `name` holds the full one")
            if not isinstance(table, dict):
                continue  # reported by its type
            accounts = {key: value for key, value in table.items() if isinstance(value, str)}
            names[person] = accounts.pop("name", re.sub(r"[-_]+", " ", person).title())
            for tracker, account in accounts.items():
                if tracker not in tables:
                    self._say((*at, tracker), f"no such tracker: {did_you_mean(tracker, (*tables, 'name'))}")
                elif (owner := owners.setdefault((tracker, account.casefold()), person)) != person:
                    self._say((*at, tracker), f"this is also {owner}'s account")
            people[PersonId(person)] = {ReplicaName(tracker): account for tracker, account in accounts.items()}
        return names, people

    def _check_bridge(self, name: str, bridge: JsonObject, trackers: Mapping[ReplicaName, Tracker]) -> None:
        """What concerns several tables; on the raw one, so that it is said together with what its types say."""
        at: Path_ = ("bridges", name)
        if not _NAME.match(name):
            self._say(at, "a bridge's name is made of letters, digits, - and _")
        listed = bridge.get("trackers")
        members = [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
        for tracker in members:
            if tracker not in self._table("trackers"):
                self._say(
                    (*at, "trackers"), f"no tracker {tracker!r}: {did_you_mean(tracker, self._table('trackers'))}"
                )
        for path, tracker in _mentions(bridge):
            if members and tracker not in members:
                hint = did_you_mean(tracker, members)
                self._say((*at, *path), f"{tracker!r} is not one of this bridge's trackers: {hint}")
        for key, policy in _subtable(bridge, "fields").items():
            if policy == PolicyName.MERGE and key in tuple(Field) and shape_of(Field(key)) is Shape.SCALAR:
                message = 'one value can\'t be merged: write "last_writer", "manual" or { prefer = "a tracker" }'
                self._say((*at, "fields", key), message)
        projects: dict[tuple[object, ...], str] = {}
        for one in (trackers[ReplicaName(tracker)] for tracker in members if tracker in trackers):
            place = (str(getattr(one.settings, key, "")).casefold() for key in ("url", "project"))
            if (other := projects.setdefault((one.kind.name, *place), one.name)) != one.name:
                self._say((*at, "trackers"), f"{other} and {one.name} are the same project")

    def _table(self, name: str) -> JsonObject:
        return _subtable(self.raw, name)


def _subtable(table: JsonObject, name: str) -> JsonObject:
    value = table.get(name)
    return value if isinstance(value, dict) else {}


def _mentions(bridge: JsonObject) -> Iterator[tuple[Path_, str]]:
    """Where the tables of a bridge name one of its trackers."""
    for name in ("select", "direction"):
        yield from (((name, tracker), tracker) for tracker in _subtable(bridge, name))
    for key, policy in _subtable(bridge, "fields").items():
        if isinstance(policy, dict) and isinstance(policy.get("prefer"), str):
            yield ("fields", key, "prefer"), policy["prefer"]


def explain(
    error: ValidationError, model: type[BaseModel], siblings: tuple[str, ...] = ()
) -> Iterator[tuple[Path_, str]]:
    """Each of pydantic's complaints as a path and a sentence; never with the value, which may be a secret.

    `siblings` are keys of the same table that another type takes care of.
    """
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        path = tuple(part for part in detail["loc"] if part != "[key]")
        info = getattr(annotation_at(model, path[:-1]), "model_fields", {}).get(str(path[-1])) if path else None
        purpose = f" ({info.description.rstrip('.')})" if info is not None and info.description else ""
        if detail["type"] == "missing":
            yield path, f"is missing{purpose}"
        elif detail["type"] == "string_pattern_mismatch":
            yield path, f"does not have the right form{purpose}"
        elif detail["type"] == "extra_forbidden" or "[key]" in detail["loc"]:
            known = known_keys(model, path[:-1]) + (siblings if len(path) == 1 else ())
            yield path, f"unknown key: {did_you_mean(str(path[-1]), known)}"
        else:
            message = detail["msg"].removeprefix("Value error, ")
            yield path, message[:1].lower() + message[1:]


def secret_paths(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """Where in a settings type secrets are held."""
    for name, info in model.model_fields.items():
        for annotation in (info.annotation, *getattr(info.annotation, "__args__", ())):
            if annotation is SecretStr:
                yield (name,)
            elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
                yield from ((name, *path) for path in secret_paths(annotation))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            [f"{path}: there is no such file: run `trackdown init` to write one, or name yours with --config"]
        ) from None
    except OSError as error:
        raise ConfigError([f"{path}: can't be read ({error.strerror})"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: is not UTF-8: save it as UTF-8"]) from None


def _syntax(path: Path, message: str) -> str:
    match = re.search(r"\(at line (\d+), column (\d+)\)", message)
    line = f":{match[1]}" if match else ""
    where = "" if match else f" {message.partition('(')[2].rstrip(')')}"  # "at end of document"
    return f"{path.name}{line}: not TOML: {message.partition(' (at ')[0]}{where}"
