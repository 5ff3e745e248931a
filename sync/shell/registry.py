"""Which kinds of tracker there are: the folders under `adapters`, and third-party ones by entry point.

Nothing of an adapter is imported before it is asked for; what is asked for is found by file name.
"""

from __future__ import annotations

import pkgutil
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel

from sync.core.ids import ReplicaName
from sync.core.ports import Adapter, Codec

SHIPPED = "adapters"
ENTRY_POINTS = "trackdown.adapters"


class Simulator(Protocol):
    """What `trackdown simulate` needs of a simulator."""

    def seed(self, tickets: int) -> None:
        """Fill the project."""
        ...

    def description(self) -> dict[str, Any]:
        """How to get in, once it is served."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of tracker: the word in `kind = "…"` and the package where its files lie."""

    name: str
    package: str

    @property
    def title(self) -> str:
        """Its name for people."""
        return str(getattr(import_module(self.package), "TITLE", self.name.replace("_", " ").capitalize()))

    def settings(self) -> type[BaseModel]:
        """The type of its `[trackers.x]` table, without `kind` and `mapping`."""
        settings: type[BaseModel] = self._module("settings").Settings
        return settings

    def open(
        self,
        settings: BaseModel,
        *,
        replica: ReplicaName,
        select: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Adapter:
        """An adapter that has not asked anything yet; `sleep` waits, or raises a `TrackerError` when it may not."""
        adapter: Adapter = self._module("adapter").open_adapter(settings, replica=replica, select=select, sleep=sleep)
        return adapter

    def codec(self) -> Codec:
        """Its codec."""
        codec: Codec = self._module("codec").CODEC
        return codec

    def simulator(self, *, token: str, **knobs: Any) -> Any:
        """A simulator that lets a bridge in with `token`: a `Simulator`, with the deeds of people that its tracker has."""
        return self._module("simulator").create(token=token, **knobs)

    def _module(self, name: str) -> Any:
        return import_module(f"{self.package}.{name}")


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind by name; a shipped one can't be replaced by a stranger's."""
    found = {
        point.name: Kind(name=point.name, package=point.value)
        for point in metadata.entry_points(group=ENTRY_POINTS)
        if point.name.isidentifier()
    }
    folder = import_module(SHIPPED)
    for module in pkgutil.iter_modules(folder.__path__):
        if module.ispkg and not module.name.startswith("_"):
            found[module.name] = Kind(name=module.name, package=f"{SHIPPED}.{module.name}")
    return dict(sorted(found.items()))


def serve(simulator: Simulator, *, port: int) -> AbstractContextManager[Simulator]:
    """Serve a simulator on loopback for the length of a `with` block."""
    served: AbstractContextManager[Simulator] = import_module(f"{SHIPPED}._simulator").served(simulator, port=port)
    return served


def ownership() -> tuple[str, ...]:
    """The top-level packages of ours that were imported from somewhere else than this application."""
    home = Path(__file__).resolve().parents[2]
    foreign: list[str] = []
    for name in ("sync", SHIPPED, "mappings"):
        where = [Path(place).resolve() for place in import_module(name).__path__]
        if any(place.parent != home for place in where):
            foreign.append(f"{name} comes from {', '.join(map(str, where))}, not from {home}")
    return tuple(foreign)
