"""The composition root: a checked config becomes an opened store and opened bridges."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from sync.core.errors import ConfigError
from sync.core.ids import BridgeName, ReplicaName
from sync.core.mapping import People
from sync.core.policy import MergePolicy
from sync.engine.probe import identity_of
from sync.engine.runtime import LEASE_TTL, Bridge, Progress, Replica, Silent
from sync.shell.configfile import Config, Tracker
from sync.shell.places import did_you_mean
from sync.shell.settings import BridgeSettings
from sync.shell.waiting import interruptible
from sync.store import Store

MARKER_SECRET = "marker_secret"  # noqa: S105 - the name of the place, not the secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What the caller adds to every bridge."""

    progress: Progress = field(default_factory=Silent)
    stop: threading.Event = field(default_factory=threading.Event)
    allow_mass_change: bool = False
    allow_deletes: bool = False
    lease: timedelta = LEASE_TTL


@contextmanager
def open_store(config: Config) -> Iterator[Store]:
    """The store, at the newest schema; raises `StoreError`."""
    store = Store(config.store_url)
    try:
        store.migrate()
        yield store
    finally:
        store.close()


@contextmanager
def open_bridges(
    config: Config, store: Store, *, only: str | None = None, effects: Effects | None = None
) -> Iterator[Sequence[Bridge]]:
    """All bridges, or the one named `only`, with adapters that have asked nothing yet.

    Raises `ConfigError` with everything that the adapters have to say against their settings.
    """
    effects = effects or Effects()
    with ExitStack() as stack:
        problems: list[str] = []
        bridges: list[Bridge] = []
        secret = _marker_secret(store)
        for name in chosen(config, only):
            replicas = _open_replicas(config, name, stack, problems, effects.stop)
            bridges.append(_bridge(config, name, store, replicas, secret, effects))
        if problems:
            raise ConfigError(problems)
        yield bridges


def chosen(config: Config, only: str | None) -> tuple[BridgeName, ...]:
    """The bridges that a command is about; raises `ConfigError` for a name that is not there."""
    if only is None:
        return tuple(config.bridges)
    if only not in config.bridges:
        raise ConfigError([f"{config.path.name}: no bridge {only!r}: {did_you_mean(only, config.bridges)}"])
    return (BridgeName(only),)


def titles(config: Config, bridge: BridgeName) -> dict[ReplicaName, str]:
    """The replicas' names for people; with the config's own where two are of one kind."""
    names = [ReplicaName(name) for name in config.bridges[bridge].trackers]
    kinds = {name: config.trackers[name].kind.title for name in names}
    return {
        name: title if list(kinds.values()).count(title) == 1 else f"{title} ({name})" for name, title in kinds.items()
    }


def _marker_secret(store: Store) -> bytes:
    """The key of the creation markers, made with the store: whoever has the store has the links too."""
    with store.read() as tx:
        known = tx.meta.get(MARKER_SECRET)
    if known is None:
        with store.begin() as tx:
            known = tx.meta.get(MARKER_SECRET) or secrets.token_hex(32)
            tx.meta.put(MARKER_SECRET, known)
    return bytes.fromhex(known)


def _bridge(
    config: Config,
    name: BridgeName,
    store: Store,
    replicas: dict[ReplicaName, Replica],
    secret: bytes,
    effects: Effects,
) -> Bridge:
    settings = config.bridges[name]
    return Bridge(
        name=name,
        store=store,
        replicas=replicas,
        policy=MergePolicy(order=tuple(ReplicaName(one) for one in settings.trackers), fields=settings.fields),
        secret=secret,
        limits=settings.limits.limits(allow_mass_change=effects.allow_mass_change, allow_deletes=effects.allow_deletes),
        files=settings.attachments.files(),
        settle=settings.settle,
        gone_after=settings.gone_after,
        on_delete=settings.on_delete,
        lease=effects.lease,
        allow_publish=settings.allow_publish,
        names=config.names,
        progress=effects.progress,
        stop=effects.stop,
    )


def people_in(config: Config, replica: ReplicaName) -> People:
    """Who is who in one tracker, as the config says."""
    known = {person: accounts[replica] for person, accounts in config.people.items() if replica in accounts}
    return People(replica=replica, native_ids=known)


def _identity(tracker: Tracker) -> str:
    """Another one for another project or account."""
    settings = tracker.settings
    user = getattr(getattr(settings, "auth", None), "user", None)
    return identity_of(
        kind=tracker.kind.name,
        url=getattr(settings, "url", None),
        project=getattr(settings, "project", None),
        user=user,
    )


def _same_account(config: Config, name: ReplicaName) -> frozenset[ReplicaName]:
    """All trackers of the config that are entered where and as this one is: limits count them together."""
    return frozenset(other for other in config.trackers if _entry(config, other) == _entry(config, name))


def _entry(config: Config, name: ReplicaName) -> tuple[object, ...]:
    tracker = config.trackers[name]
    token = getattr(getattr(tracker.settings, "auth", None), "token", name)
    return tracker.kind.name, urlsplit(str(getattr(tracker.settings, "url", ""))).netloc, token


def _open_replicas(
    config: Config, bridge: BridgeName, stack: ExitStack, problems: list[str], stop: threading.Event
) -> dict[ReplicaName, Replica]:
    settings: BridgeSettings = config.bridges[bridge]
    replicas: dict[ReplicaName, Replica] = {}
    for name, title in titles(config, bridge).items():
        tracker = config.trackers[name]
        try:
            adapter = tracker.kind.open(
                tracker.settings, replica=name, select=settings.select.get(name), sleep=interruptible(stop)
            )
        except ConfigError as error:
            problems += [f"{config.path.name}: [bridges.{bridge}] {problem}" for problem in error.problems]
            continue
        stack.callback(adapter.close)
        replicas[name] = Replica(
            name=name,
            kind=tracker.kind.name,
            title=title,
            identity=_identity(tracker),
            place=str(getattr(tracker.settings, "project", "")),
            select=settings.select.get(name, ""),
            adapter=adapter,
            codec=tracker.kind.codec(),
            mapping_file=tracker.mapping,
            people=people_in(config, name),
            direction=settings.direction.get(name, "both"),
            account_of=_same_account(config, name),
        )
    return replicas
