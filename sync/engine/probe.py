"""What each tracker can do: asked once a day and remembered, so that an idle cycle costs nothing but its feeds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta
from typing import Any

from sync.core.capabilities import Capabilities, ProjectFacts
from sync.core.errors import AuthFailed, Forbidden, Limited, Rejected, TrackerError, Unreachable
from sync.core.ids import ReplicaName
from sync.core.models import Field
from sync.engine.pauses import recall
from sync.engine.report import ReplicaFailure
from sync.engine.runtime import Bridge, Replica
from sync.store import Lease
from sync.store.records import ReplicaRecord, ReplicaState

#: How long what a probe found is believed; a tracker that refuses something is asked again at once.
FRESH = timedelta(hours=24)


def probe_all(bridge: Bridge) -> tuple[ReplicaFailure, ...]:
    """Ask every tracker now and remember the answers; who could not be asked, and why."""
    found = (_probe(bridge, replica, None) for replica in bridge.replicas.values())
    return tuple(failure for failure in found if failure is not None)


def introduce(bridge: Bridge, lease: Lease) -> tuple[ReplicaFailure, ...]:
    """Make every replica ready to be used: by what is remembered, else by asking."""
    failures: list[ReplicaFailure] = []
    for replica in bridge.replicas.values():
        if (replica.capabilities is not None and not replica.doubtful) or replica.name in bridge.resting:
            continue
        if (known := _remembered(bridge, replica)) is not None:
            replica.adapter.resume(known)
            replica.bind(known)
        elif (failure := _probe(bridge, replica, lease)) is not None:
            failures.append(failure)
            remember(bridge, lease, replica, failure)
            continue
        _look_again(bridge, replica, lease)
    recall(bridge, bridge.replicas.values())
    return tuple(failures)


def _look_again(bridge: Bridge, replica: Replica, lease: Lease) -> None:
    """Where the project or the mapping is another than last time, what could not be said before may be sayable now."""
    assert replica.mapping is not None
    digest = replica.mapping.digest()
    with bridge.store.read() as tx:
        record = tx.replicas.get(bridge.name, replica.name)
    if record is None or record.details.get("digest") == digest:
        return
    with bridge.store.begin(lease) as tx:
        for problem in tx.problems.open(bridge.name):
            if problem.replica == replica.name and problem.kind == "write" and problem.ticket is not None:
                tx.tickets.set_dirty(problem.ticket, "it may be sayable now")
        tx.replicas.save(replace(record, details={**record.details, "digest": digest}))


def forget(bridge: Bridge, name: ReplicaName, lease: Lease) -> None:
    """Ask this tracker again next time."""
    bridge.replicas[name].doubtful = True
    with bridge.store.begin(lease) as tx:
        if (record := tx.replicas.get(bridge.name, name)) is not None:
            details = {key: value for key, value in record.details.items() if key != "capabilities"}
            tx.replicas.save(replace(record, details=details))


def remember(bridge: Bridge, lease: Lease, replica: Replica, failure: ReplicaFailure | None) -> None:
    """Keep how the replica is doing, for the status; what follows from failures in a row is said when the cycle ends."""
    if failure is not None and failure.kind == "limited":
        return
    with bridge.store.begin(lease) as tx:
        record = tx.replicas.get(bridge.name, replica.name)
        record = record or ReplicaRecord(bridge=bridge.name, replica=replica.name, kind=replica.kind)
        if failure is None:
            record = replace(record, state="ok", last_success=bridge.now(), last_error=None)
        else:
            state: ReplicaState = "auth" if failure.kind == "auth" else "failing"
            record = replace(record, state=state, last_error=failure.message)
        tx.replicas.save(record)


def failure_of(name: ReplicaName, error: TrackerError) -> ReplicaFailure:
    """The error as what the command line and the status say of the tracker."""
    match error:
        case AuthFailed() | Forbidden():
            kind = "auth"
        case Unreachable():
            kind = "unreachable"
        case Limited():
            return ReplicaFailure(replica=name, kind="limited", message=str(error), after=error.after)
        case Rejected():
            kind = "refused"
        case _:
            kind = "failing"
    return ReplicaFailure(replica=name, kind=kind, message=str(error))


def _probe(bridge: Bridge, replica: Replica, lease: Lease | None) -> ReplicaFailure | None:
    try:
        capabilities = replica.adapter.probe()
    except TrackerError as error:
        return failure_of(replica.name, error)
    replica.bind(capabilities)
    with bridge.store.begin(lease) as tx:
        record = tx.replicas.get(bridge.name, replica.name)
        record = record or ReplicaRecord(bridge=bridge.name, replica=replica.name, kind=replica.kind)
        details = {
            **record.details,
            "capabilities": to_json(capabilities),
            "probed_at": bridge.now().isoformat(),
            "project": replica.identity,
        }
        tx.replicas.save(replace(record, details=details, feeds=capabilities.feeds))
    return None


def _remembered(bridge: Bridge, replica: Replica) -> Capabilities | None:
    with bridge.store.read() as tx:
        record = tx.replicas.get(bridge.name, replica.name)
    if record is None or "capabilities" not in record.details or record.details.get("project") != replica.identity:
        return None
    if bridge.now() - datetime.fromisoformat(record.details["probed_at"]) > FRESH:
        return None
    return from_json(record.details["capabilities"])


def to_json(capabilities: Capabilities) -> str:
    """The capabilities as one text: the store sorts the members of what it keeps, and theirs have an order that counts."""
    values = asdict(capabilities)
    values["fields"] = sorted(capabilities.fields)
    values["tells"] = sorted(capabilities.tells)
    values["own_ends"] = sorted(capabilities.own_ends)
    values["clock_resolution"] = capabilities.clock_resolution.total_seconds()
    return json.dumps(values)


def from_json(text: object) -> Capabilities | None:
    """The capabilities again; None for what another version of trackdown wrote."""
    values: Any = json.loads(text) if isinstance(text, str) else None
    if not isinstance(values, dict) or set(values) != {item.name for item in fields(Capabilities)}:
        return None
    facts = values["facts"]
    return Capabilities(
        **{
            **values,
            "fields": frozenset(Field(name) for name in values["fields"]),
            "tells": frozenset(Field(name) for name in values["tells"]),
            "clock_resolution": timedelta(seconds=values["clock_resolution"]),
            "own_ends": frozenset(values["own_ends"]),
            "notes": tuple(values["notes"]),
            "facts": ProjectFacts(
                statuses=facts["statuses"],
                statuses_by_type={name: tuple(words) for name, words in facts["statuses_by_type"].items()},
                types=tuple(facts["types"]),
                priorities=tuple(facts["priorities"]),
                resolutions=tuple(facts["resolutions"]),
                custom=facts["custom"],
                extra=facts["extra"],
            ),
        }
    )


def identity_of(**settings: object) -> str:
    """A digest of what makes a project another one (its address, the account), without telling it."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]
