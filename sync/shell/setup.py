"""Writing a first config: the answers as tables, checked against the tracker, written with references for secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from sync.core.capabilities import Capabilities
from sync.core.errors import ConfigError
from sync.core.ids import ReplicaName
from sync.core.models import JsonObject
from sync.shell import secrets
from sync.shell.configfile import explain, secret_paths
from sync.shell.registry import Kind

Answer = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One key of a `[trackers.x]` table that a person has to fill in."""

    path: Answer
    purpose: str
    default: str | None
    secret: bool
    required: bool


@dataclass(slots=True, kw_only=True)
class TrackerDraft:
    """A `[trackers.x]` table in the making; secrets are references."""

    name: str
    kind: Kind
    answers: dict[Answer, str] = field(default_factory=dict)

    def table(self) -> JsonObject:
        """The answers as nested tables."""
        table: JsonObject = {}
        for path, value in self.answers.items():
            if value:
                holder = table
                for part in path[:-1]:
                    holder = holder.setdefault(part, {})
                holder[path[-1]] = value
        return table

    def check(self, folder: Path, select: str | None = None) -> Capabilities:
        """Ask the tracker; raises `ConfigError` or the tracker's own error."""
        table = self.table()
        for path in secret_paths(self.kind.settings()):
            reference = self.answers.get(path, "")
            if reference:
                _put(table, path, SecretStr(self._secret(reference, path, folder)))
        try:
            settings = self.kind.settings().model_validate(table)
        except ValidationError as error:
            told = explain(error, self.kind.settings())
            raise ConfigError([f"{self.name}.{_dotted(path)}: {message}" for path, message in told]) from None
        adapter = self.kind.open(settings, replica=ReplicaName(self.name), select=select)
        try:
            return adapter.probe()
        finally:
            adapter.close()

    def _secret(self, reference: str, path: Answer, folder: Path) -> str:
        literal = reference.partition(":")[0] not in secrets.SCHEMES
        if literal and secrets.is_loopback(self.answers.get(("url",), "")):
            return reference
        try:
            return secrets.resolve(reference, folder=folder)
        except secrets.SecretUnavailableError as error:
            raise ConfigError([f"{self.name}.{_dotted(path)}: {error}"]) from None


def questions(kind: Kind, name: str) -> Iterator[Question]:
    """What to ask for a tracker of this kind, in the order of its settings: strings that have no sensible default."""
    yield from _questions(kind.settings(), (), name, required=True)


def _questions(model: type[BaseModel], at: Answer, name: str, *, required: bool) -> Iterator[Question]:
    for key, info in model.model_fields.items():
        path = (*at, key)
        kinds = (info.annotation, *getattr(info.annotation, "__args__", ()))
        nested = next((one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)), None)
        if nested is not None:
            yield from _questions(nested, path, name, required=required and info.is_required())
        elif SecretStr in kinds:
            default = f"env:{name.upper().replace('-', '_')}_{key.upper()}"
            yield Question(
                path=path,
                purpose=_purpose(info.description or key),
                default=default,
                secret=True,
                required=required and info.is_required(),
            )
        elif info.is_required() or key == "url" or (at and str in kinds):
            default_ = info.default if isinstance(info.default, str) else None
            yield Question(
                path=path,
                purpose=_purpose(info.description or key),
                default=default_,
                secret=False,
                required=required and info.is_required(),
            )


def _purpose(description: str) -> str:
    first = description[:1] if description[1:2].isupper() else description[:1].lower()  # an abbreviation stays one
    return first + description[1:].rstrip(".")


def render_config(drafts: Sequence[TrackerDraft], bridge: str, select: Mapping[str, str]) -> str:
    """The config as text."""
    lines = ["# trackdown: which projects are kept in step. Every key is explained in config.example.toml.", ""]
    lines += ["[store]", 'url = "sqlite:///trackdown.db"', ""]
    for draft in drafts:
        lines += [f"[trackers.{draft.name}]", f"kind = {_toml(draft.kind.name)}"]
        lines += [f"{key} = {_toml(value)}" for key, value in draft.table().items()]
        lines.append("")
    lines += [f"[bridges.{bridge}]", f"trackers = {_toml([draft.name for draft in drafts])}", 'every = "60s"']
    if select:
        lines.append(f"select = {_toml(dict(select))}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """A string, list or table of strings as TOML; JSON's strings are TOML's."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def _put(table: JsonObject, path: Answer, value: object) -> None:
    for part in path[:-1]:
        table = table.setdefault(part, {})
    table[path[-1]] = value


def _dotted(path: Sequence[object]) -> str:
    return ".".join(map(str, path))
