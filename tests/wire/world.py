"""Three simulators, the wire to them, and the bridge as a process would open it, with one clock for all."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from importlib import import_module
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from adapters._simulator import Simulator
from adapters.azure_devops.simulator import AzureDevOpsSimulator
from adapters.github.simulator import GitHubSimulator
from adapters.jira.simulator import JiraSimulator
from sync.core.ids import NativeRef, ReplicaName
from sync.core.models import Fields, NativeTicket
from sync.core.ports import Adapter
from sync.engine.cycle import run_cycle
from sync.engine.probe import from_json, introduce
from sync.engine.report import CycleReport
from sync.engine.runtime import Bridge
from sync.engine.session import held
from sync.engine.workers import OneThread
from sync.shell.app import MARKER_SECRET, Effects, open_bridges
from sync.shell.configfile import Config, load
from sync.shell.registry import Kind, kinds
from sync.store import Lease, Store, Tx
from sync.testing.faults import Crash
from tests.wire.hands import Hand, hand_of
from tests.wire.network import Wire
from tests.wire.virtual import Clock, ruled_by

PLACES = ("jira", "github", "azure")
ORIGINS = {place: f"http://127.0.0.1:{8001 + number}" for number, place in enumerate(PLACES)}
SHELF = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())
#: The knobs of the three simulators, by a name.
FLAVOURS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "clouds": {"jira": {"issue_write_limit": 1000}, "github": {}, "azure": {}},
    "servers": {"jira": {"deployment": "server"}, "github": {"product": "ghes-3.17"}, "azure": {"process": "Scrum"}},
    "others": {
        "jira": {"style": "team-managed", "issue_write_limit": 1000},
        "github": {"product": "ghes-3.19"},
        "azure": {"process": "CMMI", "links_raise_rev": True},
    },
}
SETTLE = 60
for _kind in kinds().values():  # all there before `ruled_by` looks for them
    for _part in ("adapter", "codec", "settings"):
        import_module(f"{_kind.package}.{_part}")
CONFIG = """
[store]
url = "sqlite:///t.db"

[trackers.jira]
kind = "jira"
url = "{jira}"
project = "PAY"
auth = {{ {jira_auth} }}

[trackers.github]
kind = "github"
url = "{github}"
project = "acme/payments"
auth = {{ token = "token-bridge" }}

[trackers.azure]
kind = "azure_devops"
url = "{azure}/acme"
project = "Payments"
auth = {{ token = "azure-token" }}

[bridges.payments]
trackers = ["jira", "github", "azure"]
settle = "{settle}s"

[people.ada]
jira = "{ada}"
github = "ada"
azure = "ada@acme.example"

[people.grace]
jira = "{grace}"
github = "grace"
azure = "grace@acme.example"
"""


class _Kind(Kind):
    """A kind whose adapters wait by the history's clock."""

    def open(self, settings: BaseModel, *, replica: ReplicaName, select: str | None = None, **_: Any) -> Adapter:
        opening: Any = self._module("adapter").open_adapter
        sleep = import_module("adapters._http").time.sleep
        adapter: Adapter = opening(settings, replica=replica, select=select, sleep=sleep)
        return adapter


class DoomedStore(Store):
    """A store that a dead process can't write to, and that may be the place where it dies.

    One for all histories of this process, each on a file of its own: an engine that knows its statements saves half the time.
    """

    wire: Wire
    ids: Iterator[int]
    commits: dict[int, str]  # how many have passed in this cycle → "before" or "after"
    passed: int = 0

    def __init__(self, path: Path) -> None:
        super().__init__(f"sqlite:///{path}", now=self._time, new_id=lambda: f"{next(self.ids):032x}")

    def _time(self) -> datetime:
        return self.wire.clock()

    @contextmanager
    def begin(self, lease: Lease | None = None) -> Iterator[Tx]:
        with super().begin(lease) as tx:
            yield tx
            number = self.passed
            self.passed += 1
            if self.wire.dead or self.commits.get(number) == "before":
                self._die("before")
        if self.commits.get(number) == "after":
            self._die("after")

    def release(self, lease: Lease) -> None:
        if not self.wire.dead:
            super().release(lease)

    def _die(self, when: str) -> None:
        if not self.wire.dead:
            self.wire.struck[f"crash_{when}_commit"] += 1
        self.wire.dead = True
        raise Crash(f"killed {when} commit {self.passed - 1}")


@dataclass(slots=True, kw_only=True)
class World:
    """One bridge over three simulators; `reopen` stands for a new process on the same store."""

    clock: Clock
    simulators: Mapping[str, Simulator]
    hands: Mapping[str, Hand]
    wire: Wire
    config: Config
    bridge: Bridge = field(init=False)
    lookers: Bridge = field(init=False)  # the same once more, for those who only look
    ids: Iterator[int] = field(default_factory=itertools.count)
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def store(self) -> DoomedStore:
        """The store of the process that runs."""
        assert isinstance(self.bridge.store, DoomedStore)
        return self.bridge.store

    @property
    def database(self) -> Path:
        """The file."""
        return _home() / "t.db"

    def open(self) -> None:
        """Start a process."""
        store = _store()
        store.wire, store.ids, store.commits = self.wire, self.ids, {}
        self._stack = ExitStack()
        self._stack.callback(store.close)
        effects = Effects(allow_mass_change=True)
        self.bridge = self._stack.enter_context(open_bridges(self.config, store, effects=effects))[0]
        self.lookers = self._stack.enter_context(open_bridges(self.config, store))[0]
        self.bridge.now, self.bridge.workers = self.clock, OneThread()

    def close(self) -> None:
        """End the process."""
        self._stack.close()

    def reopen(self) -> None:
        """End the process and start another one, once nobody holds the bridge any more."""
        self.close()
        self.wire.dead = False
        self.clock.sleep(61)
        self.open()

    def cycle(self, commits: Mapping[int, str] | None = None) -> CycleReport | None:
        """Sync once; None where the process was killed and another one has been started."""
        self.wire.begin()
        self.store.passed, self.store.commits = 0, dict(commits or {})
        try:
            return run_cycle(self.bridge)
        except Crash:
            self.reopen()
            return None
        finally:
            self.store.commits = {}

    def shown(self, place: str, ref: str) -> Fields:
        """A ticket as its tracker shows it now, in canonical terms."""
        replica = self.lookers.replicas[ReplicaName(place)]
        with self.quietly():
            if replica.mapping is None:
                with self.store.read() as tx:
                    record = tx.replicas.get(self.bridge.name, replica.name)
                known = from_json(record.details["capabilities"]) if record is not None else None
                assert known is not None
                replica.adapter.resume(known)
                replica.bind(known)
            native = next(iter(replica.adapter.fetch([NativeRef(ref)], comments=False)))
        assert replica.mapping is not None
        if not isinstance(native, NativeTicket):
            return {}
        return replica.codec.decode(native, replica.mapping).snapshot.fields

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Requests within the block are nobody's: no fault, no time, no record."""
        self.wire.quiet += 1
        try:
            yield
        finally:
            self.wire.quiet -= 1

    def links(self) -> dict[str, dict[str, NativeRef]]:
        """The tickets' active links: canonical id → place → native ref."""
        found: dict[str, dict[str, NativeRef]] = {}
        with self.store.read() as tx:
            for link in tx.links.list(self.bridge.name, state="active"):
                found.setdefault(link.ticket, {})[str(link.replica)] = link.ref
        return found


@contextmanager
def world(flavour: str, seed: int, *, small_pages: bool = False) -> Iterator[World]:
    """A world at its beginning: nothing was synced yet, and every tracker was asked what it can do."""
    clock, template = Clock(), _template(flavour)
    with ruled_by(clock, seed):
        made = _made(flavour, clock)
        shutil.copy(template, made.database)
        made.wire.small_pages = small_pages
        with made.wire.carrying():
            made.open()
            try:
                yield made
            finally:
                made.close()


def _made(flavour: str, clock: Clock) -> World:
    knobs = FLAVOURS[flavour]
    jira, github = JiraSimulator(**knobs["jira"]), GitHubSimulator(**knobs["github"])
    azure = AzureDevOpsSimulator(**knobs["azure"])
    simulators: dict[str, Simulator] = {"jira": jira, "github": github, "azure": azure}
    for place, simulator in simulators.items():
        simulator.base_url = ORIGINS[place]
    for name in ("api", "web"):
        jira.add_component(name)
        azure.add_area(f"Payments\\{name}")
    for name in ("1.0", "2.0"):
        jira.add_version(name)
        github.add_milestone(name)
    wire = Wire(clock=clock, homes={ORIGINS[place]: (place, one) for place, one in simulators.items()})
    return World(
        clock=clock,
        simulators=simulators,
        wire=wire,
        config=_config(flavour),
        hands={place: hand_of(one) for place, one in simulators.items()},
    )


@cache
def _config(flavour: str) -> Config:
    auth, people = _logins(flavour)
    path = _home() / "trackdown.toml"
    path.write_text(CONFIG.format(**ORIGINS, jira_auth=auth, settle=SETTLE, **people), encoding="utf-8")
    config = load(path)
    trackers = {
        name: replace(one, kind=_Kind(name=one.kind.name, package=one.kind.package))
        for name, one in config.trackers.items()
    }
    return replace(config, trackers=trackers)


def _logins(flavour: str) -> tuple[str, dict[str, str]]:
    jira = JiraSimulator(**FLAVOURS[flavour]["jira"])
    known = jira.catalogue.people
    people = {name: known[name].account_id if jira.catalogue.cloud else name for name in ("ada", "grace")}
    return ", ".join(f'{key} = "{value}"' for key, value in jira.auth().items()), people


@cache
def _home() -> Path:
    """Where the store of this process lies; gone with it."""
    folder = Path(tempfile.mkdtemp(prefix="trackdown-wire-", dir=SHELF))
    Finalize(None, shutil.rmtree, args=(folder,), kwargs={"ignore_errors": True}, exitpriority=1)
    return folder


@cache
def _store() -> DoomedStore:
    return DoomedStore(_home() / "t.db")


@cache
def _template(flavour: str) -> Path:
    """A store at its newest schema that remembers what the trackers of a flavour can do."""
    clock, template = Clock(), _home() / f"{flavour}.db"
    store = Store(f"sqlite:///{template}", now=clock)
    store.migrate()
    with store.begin() as tx:
        tx.meta.put(MARKER_SECRET, "5e" * 32)
    store.close()
    with ruled_by(clock, 0):
        made = _made(flavour, clock)
        shutil.copy(template, made.database)
        with made.wire.carrying():
            made.open()
            try:
                with held(made.bridge) as lease:
                    failures = introduce(made.bridge, lease)
                    assert not failures, failures
            finally:
                made.close()
    shutil.copy(made.database, template)
    return template
