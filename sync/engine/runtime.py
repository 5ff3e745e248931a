"""What a cycle works with: a bridge and its replicas, opened, and the effects that are injected."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from sync.core.capabilities import Capabilities
from sync.core.guard import Limits
from sync.core.ids import BridgeName, ReplicaName
from sync.core.mapping import Mapping as TrackerMapping
from sync.core.mapping import People, ProjectMapping
from sync.core.policy import FilePolicy, MergePolicy
from sync.core.ports import Adapter, Codec
from sync.engine.workers import Threads, Workers
from sync.store import Store

Direction = Literal["both", "in", "out"]
#: What becomes of a ticket's other copies when somebody deleted one of them.
OnDelete = Literal["unlink", "close", "delete"]

#: A bridge whose worker has not been heard of for this long may be taken over.
LEASE_TTL = timedelta(seconds=60)


class Progress(Protocol):
    """Told how far long work is; called from several threads."""

    def step(self, what: str, replica: ReplicaName | None, done: int, total: int | None) -> None:
        """`done` of `total` (None: nobody knows) of `what`: "pull", "decide", "write"."""
        ...

    def waiting(self, text: str | None) -> bool:
        """What is waited for now (None: for nothing any more); whether somebody sees it."""
        ...


class Silent:
    """A progress that nobody watches."""

    def step(self, what: str, replica: ReplicaName | None, done: int, total: int | None) -> None:
        """Say nothing."""

    def waiting(self, text: str | None) -> bool:  # noqa: ARG002
        """Say nothing."""
        return False


@dataclass(slots=True, kw_only=True)
class Replica:
    """One opened replica. `capabilities` and `mapping` are there once `probe` has answered."""

    name: ReplicaName
    kind: str
    title: str
    identity: str  # changes when the config points to another project or account
    place: str  # the project, as a person names it
    select: str  # which of its tickets take part, in its own words; "" for all
    adapter: Adapter
    codec: Codec
    mapping_file: TrackerMapping
    people: People
    direction: Direction = "both"
    account_of: frozenset[ReplicaName] = frozenset()  # all trackers of the config that use the same account
    capabilities: Capabilities | None = None
    mapping: ProjectMapping | None = None
    doubtful: bool = False  # it refused something: what is known of it is used until it is asked again

    def bind(self, capabilities: Capabilities) -> None:
        """Take in what `probe` found."""
        self.capabilities = capabilities
        self.mapping = self.mapping_file.bind(capabilities.facts, self.people)
        self.doubtful = False

    @property
    def reads(self) -> bool:
        """Whether what people write there counts."""
        return self.direction in ("both", "in")

    @property
    def receives(self) -> bool:
        """Whether we may write there."""
        return self.direction in ("both", "out") and (self.capabilities is None or self.capabilities.can_write)


def utc_now() -> datetime:
    """The present, aware UTC."""
    return datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class Bridge:
    """One opened bridge: everything that a cycle needs, with the effects injected.

    `settle`: how long an unanswered create is looked for before it is sent again. `gone_after`: how long a ticket must be missing before
    it is believed gone, and `on_delete` what its other copies are told then. `lease`: how long a
    worker that is not heard of keeps the bridge. With `allow_publish`
    tickets may be copied to where more people can read them. `secret` makes the markers. `stop` is set to finish
    the write in hand and end the cycle; what is left stays in the outbox. `resting` replicas failed lately and are left alone.
    """

    name: BridgeName
    store: Store
    replicas: Mapping[ReplicaName, Replica]
    policy: MergePolicy
    secret: bytes
    limits: Limits = field(default_factory=Limits)
    files: FilePolicy = field(default_factory=FilePolicy)
    settle: timedelta = timedelta(minutes=5)
    gone_after: timedelta = timedelta(minutes=5)
    on_delete: OnDelete = "unlink"
    lease: timedelta = LEASE_TTL
    allow_publish: bool = False
    names: Mapping[str, str] = field(default_factory=dict)  # person → display name
    now: Callable[[], datetime] = utc_now
    progress: Progress = field(default_factory=Silent)
    stop: threading.Event = field(default_factory=threading.Event)
    resting: frozenset[ReplicaName] = frozenset()
    workers: Workers = field(default_factory=Threads)
