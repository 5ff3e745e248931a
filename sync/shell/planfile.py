"""A plan as a file: what would be written, what that was decided from, and for which config and store.

It holds texts of tickets and no secret; only its owner may read it.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sync.core.errors import ConfigError
from sync.core.ids import BridgeName, ReplicaName, TicketId
from sync.core.models import Field
from sync.engine.report import Basis, HaltLine, PlannedChange, PlannedConflict, PlannedWrite, PlanReport
from sync.shell.configfile import Config
from sync.shell.words import plain
from sync.store import Store
from sync.store.convert import value_from_json

FORMAT = "trackdown plan"
#: Grows when a plan of an older version can't be compared any more.
VERSION = 1
_IDENTITY = "identity"
_AGAIN = "make a new one with `trackdown plan --out FILE`"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """A plan that was read back; `configs` are the digests of its bridges' configuration."""

    path: Path
    store: str
    configs: Mapping[BridgeName, str]
    plans: tuple[PlanReport, ...]


def write_plan(path: Path, config: Config, store: Store, plans: Sequence[PlanReport]) -> None:
    """Write the plans, whole or not at all, readable by this user only; raises `ConfigError` where that can't be."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "made_at": plans[0].made_at.isoformat(),
        "store": store_identity(store),
        "config": {plan.bridge: config_digest(config, plan.bridge) for plan in plans},
        "bridges": [plain(plan) for plan in plans],
    }
    try:
        # Made readable by its owner only, and put into place when it is complete.
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(number, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=1)
            file.write("\n")
        Path(name).replace(path)
    except OSError as error:
        raise ConfigError([f"{path} can't be written ({error.strerror}): name another file with --out"]) from None


def read_plan(path: Path) -> PlanFile:
    """The plan in a file; raises `ConfigError` where it is none, is damaged or of another version."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"{path} can't be read ({error.strerror})"]) from None
    except ValueError:
        raise ConfigError([f"{path} is no plan, or is damaged: {_AGAIN}"]) from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ConfigError([f"{path} is no plan: {_AGAIN}"])
    if document.get("version") != VERSION:
        found = document.get("version")
        raise ConfigError(
            [f"{path} is a plan of version {found!r}, and this is a trackdown for version {VERSION}: {_AGAIN}"]
        )
    try:
        return PlanFile(
            path=path,
            store=str(document["store"]),
            configs={BridgeName(name): str(digest) for name, digest in document["config"].items()},
            plans=tuple(_plan(one) for one in document["bridges"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ConfigError([f"{path} is damaged: {_AGAIN}"]) from None


def check_plan(file: PlanFile, config: Config, store: Store) -> None:
    """Raises `ConfigError` where the plan was made for another store, or for other bridges, trackers or mappings."""
    problems: list[str] = []
    if file.store != store_identity(store):
        problems.append(f"{file.path} was made for another store: name the config that it was made with (--config)")
    for plan in file.plans:
        if plan.bridge not in config.bridges:
            problems.append(f"{file.path}: {config.path.name} has no bridge '{plan.bridge}'")
        elif file.configs.get(plan.bridge) != config_digest(config, plan.bridge):
            problems.append(
                f"{file.path}: the settings, the mapping or the people of bridge '{plan.bridge}' are not those that it was made with: "
                f"{_AGAIN}"
            )
    if problems or not file.plans:
        raise ConfigError(problems or [f"{file.path} holds no plan: {_AGAIN}"])


def config_digest(config: Config, bridge: BridgeName) -> str:
    """Changes with everything that a decision may rest on: the bridge, its trackers, their mappings, the people; with no secret."""
    settings = config.bridges[bridge]
    trackers = {name: config.trackers[ReplicaName(name)] for name in settings.trackers}
    content = {
        "bridge": repr(settings),
        "trackers": {
            name: [one.kind.name, one.settings.model_dump_json(), plain(one.mapping)] for name, one in trackers.items()
        },
        "people": plain(config.people),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def store_identity(store: Store) -> str:
    """A name that no other store has, made when it is first asked for."""
    with store.read() as tx:
        known = tx.meta.get(_IDENTITY)
    if known is None:
        with store.begin() as tx:
            known = tx.meta.get(_IDENTITY) or secrets.token_hex(16)
            tx.meta.put(_IDENTITY, known)
    return known


def _plan(data: Any) -> PlanReport:
    return PlanReport(
        bridge=BridgeName(data["bridge"]),
        made_at=datetime.fromisoformat(data["made_at"]),
        writes=tuple(_write(one) for one in data["writes"]),
        new_tickets=int(data["new_tickets"]),
        changed_tickets=int(data["changed_tickets"]),
        conflicts=tuple(_conflict(one) for one in data["conflicts"]),
        halts=tuple(HaltLine(**one) for one in data["halts"]),
        rests_on=tuple(Basis(**one) for one in data["rests_on"]),
    )


def _write(data: Any) -> PlannedWrite:
    return PlannedWrite(
        replica=ReplicaName(data["replica"]),
        action=data["action"],
        ticket=TicketId(data["ticket"]),
        key=data["key"],
        title=data["title"],
        where=data["where"],
        file=data["file"],
        changes=tuple(
            PlannedChange(field=Field(one["field"]), old=value_from_json(one["old"]), new=value_from_json(one["new"]))
            for one in data["changes"]
        ),
    )


def _conflict(data: Any) -> PlannedConflict:
    return PlannedConflict(
        ticket=TicketId(data["ticket"]),
        key=data["key"],
        field=Field(data["field"]),
        claims=tuple(
            (None if replica is None else ReplicaName(replica), value_from_json(value))
            for replica, value in data["claims"]
        ),
        proposed=value_from_json(data["proposed"]),
        settled=bool(data["settled"]),
    )
