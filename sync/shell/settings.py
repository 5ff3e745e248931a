"""The types of `trackdown.toml`, key by key. A `[trackers.x]` table's other keys are its adapter's own `Settings`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, InstanceOf, field_validator
from pydantic import Field as Key

from sync.core.guard import Limits
from sync.core.ids import ReplicaName
from sync.core.models import Field
from sync.core.policy import FieldPolicy, FilePolicy, PolicyName

_DURATION = re.compile(r"^(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>s|m|h|d)$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SIZE = re.compile(r"^(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>KB|MB|GB)$")
_LIMITS = Limits()
_FILES = FilePolicy()
_STORES = ("sqlite", "postgresql+psycopg")


def parse_duration(text: object) -> timedelta:
    """`60s`, `5m`, `1.5h` or `2d`; more than nothing."""
    match = _DURATION.match(text) if isinstance(text, str) else None
    if match is None or float(match["number"]) == 0:
        raise ValueError('write a duration such as "60s", "5m" or "1h"')
    return timedelta(**{_UNITS[match["unit"]]: float(match["number"])})


def _policy(value: object) -> FieldPolicy:
    if isinstance(value, dict) and set(value) == {"prefer"} and isinstance(value["prefer"], str):
        return FieldPolicy(PolicyName.PREFER, ReplicaName(value["prefer"]))
    words = (PolicyName.LAST_WRITER, PolicyName.MERGE, PolicyName.MANUAL)
    if isinstance(value, str) and value in words:
        return FieldPolicy(PolicyName(value))
    raise ValueError('write "last_writer", "merge", "manual" or { prefer = "a tracker" }')


def parse_size(text: object) -> int:
    """Bytes from "25MB"; raises `ValueError` with what to write instead."""
    match = _SIZE.match(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError('write a size such as "500KB", "25MB" or "1GB"')
    return int(float(match["number"]) * {"KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}[match["unit"]])


Size = Annotated[int, BeforeValidator(parse_size)]
Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Policy = Annotated[InstanceOf[FieldPolicy], BeforeValidator(_policy)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class StoreSettings(_Table):
    """`[store]`"""

    url: str = Key(
        default="sqlite:///trackdown.db",
        description="where the store lies: sqlite:///file (relative to the config), postgresql+psycopg://…, "
        "or env:NAME of a variable that holds such an address",
    )

    @field_validator("url")
    @classmethod
    def _known(cls, url: str) -> str:
        scheme = url.partition(":")[0]
        if scheme not in (*_STORES, "env"):
            raise ValueError(
                f"a store's address starts with {' or '.join(f'{name}:' for name in _STORES)}, or is env:NAME"
            )
        if scheme == "sqlite" and (not url.startswith("sqlite:///") or url.endswith((":memory:", "///"))):
            raise ValueError(
                "the store must be a file (sqlite:///trackdown.db): it remembers which tickets belong together"
            )
        return url


class TrackerSettings(BaseModel):
    """`[trackers.x]`: these keys and the ones of the adapter (url, project, auth, …)."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    kind: str = Key(description="the kind of tracker: jira, github, azure_devops, or a plug-in's")
    mapping: str | None = Key(
        default=None,
        description="what its words mean: the name of a shipped mapping, or the path of your own file (default: the kind's)",
    )


class LimitsSettings(_Table):
    """`[bridges.x.limits]`: when a mass effect stops and asks."""

    mass_share: float = Key(
        default=_LIMITS.mass_share,
        ge=0,
        le=1,
        description="a cycle that closes, rewrites, empties, deletes or loses a larger share of the bridge's tickets than this halts",
    )
    mass_floor: int = Key(
        default=_LIMITS.mass_floor,
        ge=0,
        description="so many tickets at once are fine, however few there are",
    )
    clock_skew: Duration = Key(
        default=_LIMITS.clock_skew,
        description="a tracker's clock that is further off than this halts the cycle",
    )

    def limits(self, *, allow_mass_change: bool = False, allow_deletes: bool = False) -> Limits:
        """The same for the guard."""
        return Limits(
            mass_floor=self.mass_floor,
            mass_share=self.mass_share,
            clock_skew=self.clock_skew,
            allow_mass_change=allow_mass_change,
            allow_deletes=allow_deletes,
        )


class AttachmentsSettings(_Table):
    """`[bridges.x.attachments]`: which files are copied."""

    carry: bool = Key(default=_FILES.carry, description="whether files are copied at all")
    max_size: Size = Key(default=_FILES.max_size, description="a larger file stays where it is")
    deny: tuple[str, ...] = Key(
        default=("bat", "cmd", "com", "exe", "msi", "scr", "vbs"),
        description="files whose names end so stay where they are",
    )

    def files(self) -> FilePolicy:
        """The same for the engine."""
        deny = frozenset(ending.removeprefix(".").casefold() for ending in self.deny)
        return FilePolicy(carry=self.carry, max_size=self.max_size, deny=deny)


class BridgeSettings(_Table):
    """`[bridges.x]`: trackers that are kept in step."""

    trackers: tuple[str, ...] = Key(min_length=2, description="names of [trackers.x] tables; their order breaks ties")
    every: Duration = Key(default=timedelta(seconds=60), description="how often the daemon runs a cycle")
    settle: Duration = Key(
        default=timedelta(minutes=5),
        description="how long a create whose answer was lost is looked for before it is sent again",
    )
    gone_after: Duration = Key(
        default=timedelta(minutes=5),
        description="how long after it was not found a ticket is looked for once more before it is believed gone",
    )
    on_delete: Literal["unlink", "close", "delete"] = Key(
        default="unlink",
        description="what becomes of a ticket's other copies when somebody deleted one: unlink (they stay as they are), close, "
        "or delete (each time with `trackdown sync --allow-deletes`)",
    )
    select: dict[str, str] = Key(
        default={}, description="per tracker: which tickets take part, in the tracker's own query language"
    )
    direction: dict[str, Literal["both", "in", "out"]] = Key(
        default={}, description="per tracker: both; in (what people write there counts); out (it is only written to)"
    )
    allow_publish: bool = Key(
        default=False,
        description="whether tickets may be copied to a project that more people can read, a public repository for example",
    )
    fields: dict[Field, Policy] = Key(
        default={},
        description='per field, who wins a conflict: "last_writer", "merge" (sets and long text), "manual" or { prefer = "tracker" }',
    )
    limits: LimitsSettings = Key(default=LimitsSettings(), description="the brakes")
    attachments: AttachmentsSettings = Key(default=AttachmentsSettings(), description="which files are copied")

    @field_validator("trackers")
    @classmethod
    def _once(cls, trackers: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(trackers)) != len(trackers):
            raise ValueError("the same tracker stands there twice")
        return trackers


class ConfigSettings(_Table):
    """The whole file."""

    store: StoreSettings = Key(default=StoreSettings(), description="where everything is remembered")
    trackers: dict[str, TrackerSettings] = Key(min_length=1, description="the projects, one table each")
    bridges: dict[str, BridgeSettings] = Key(min_length=1, description="which of them are kept in step")
    people: dict[str, dict[str, str]] = Key(
        default={}, description="who is who: per person, the account in each tracker, and `name` for reports"
    )


def annotation_at(model: type[BaseModel], path: tuple[object, ...]) -> Any:
    """The type of the value at `path`; None where the model does not say."""
    annotation: Any = model
    for part in path:
        if hasattr(annotation, "model_fields"):
            field = annotation.model_fields.get(str(part))
            annotation = None if field is None else field.annotation
        else:
            annotation = next(iter(getattr(annotation, "__args__", ())[-1:]), None)
        nested = [one for one in getattr(annotation, "__args__", ()) if hasattr(one, "model_fields")]
        if nested and type(None) in annotation.__args__:  # an optional table
            annotation = nested[0]
    return annotation


def known_keys(model: type[BaseModel], path: tuple[object, ...]) -> tuple[str, ...]:
    """The keys that may stand in the table at `path`; none where any key may."""
    annotation = annotation_at(model, path)
    if hasattr(annotation, "model_fields"):
        return tuple(annotation.model_fields)
    return tuple(Field) if Field in getattr(annotation, "__args__", ()) else ()
