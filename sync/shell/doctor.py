"""Whether everything that a sync needs is in order: each check a line, all of them made, whatever the others say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sync.core.capabilities import Capabilities, Visibility
from sync.core.errors import StoreError, TrackdownError, TrackerError
from sync.core.ids import BridgeName, ReplicaName
from sync.core.mapping import ProjectMapping
from sync.core.models import UNKNOWN, Field
from sync.engine.exposure import widened
from sync.engine.runtime import Bridge, Replica
from sync.shell.mappingfile import WORDS
from sync.shell.registry import ownership
from sync.store import Store

#: A clock that is further off than this makes the order of edits on two sides doubtful.
DOUBTFUL_CLOCK = timedelta(seconds=60)

Verdict = Literal["ok", "warning", "problem", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found. `refused`: a tracker that is unreachable or refused us."""

    verdict: Verdict
    subject: str
    message: str
    mend: str = ""


def examine_installation() -> Iterator[Finding]:
    """Whether our packages are ours: `sync`, `adapters` and `mappings` are names that strangers use too."""
    foreign = ownership()
    for message in foreign:
        yield Finding(
            verdict="problem",
            subject="packages",
            message=message,
            mend="install trackdown in an environment of its own",
        )
    if not foreign:
        yield Finding(verdict="ok", subject="packages", message="sync, adapters and mappings are our own")


def examine_store(store: Store) -> Iterator[Finding]:
    """Whether the store is whole and its log unchanged."""
    try:
        damage = store.integrity()
        with store.read() as tx:
            broken = tx.audit.verify()
    except StoreError as error:
        yield Finding(verdict="problem", subject="store", message=str(error))
        return
    for message in damage:
        yield Finding(verdict="problem", subject="store", message=message, mend="put a backup back")
    if broken is not None:
        yield Finding(
            verdict="problem",
            subject="store",
            message=f"the audit log was changed: {broken[1]}",
            mend="compare it with a backup",
        )
    if not damage and broken is None:
        yield Finding(verdict="ok", subject="store", message="readable, whole, and its audit log unchanged")


def examine_bridge(bridge: Bridge) -> Iterator[Finding]:
    """Whether every replica lets us in, may be written where it has to be, and speaks in words that the mapping knows."""
    for replica in bridge.replicas.values():
        yield from _examine_replica(bridge, replica)
    yield from _audience(bridge)


def _examine_replica(bridge: Bridge, replica: Replica) -> Iterator[Finding]:
    subject = f"{bridge.name}/{replica.name}"
    try:
        capabilities = replica.adapter.probe()
    except TrackerError as error:
        yield Finding(verdict="refused", subject=subject, message=str(error))
        return
    except TrackdownError as error:
        yield Finding(verdict="problem", subject=subject, message=str(error))
        return
    replica.bind(capabilities)
    assert replica.mapping is not None
    yield Finding(verdict="ok", subject=subject, message=f"{capabilities.server} lets us in as {capabilities.account}")
    if not capabilities.can_write and replica.direction in ("both", "out"):
        yield Finding(
            verdict="problem",
            subject=subject,
            message="the account may read but not write",
            mend=f'give it the permission, or set direction = {{ {replica.name} = "in" }}',
        )
    for text in capabilities.notes:
        yield Finding(verdict="warning", subject=subject, message=text)
    yield from _clock(subject, bridge, replica)
    yield from _coverage(subject, replica, replica.mapping, capabilities)
    yield from _people(subject, bridge, replica)


def _audience(bridge: Bridge) -> Iterator[Finding]:
    """Who may read each project, and whether tickets would be copied to where more people can."""
    seen: dict[ReplicaName, Visibility] = {}
    for name, replica in bridge.replicas.items():
        if replica.capabilities is None:
            continue  # it refused us, which was told
        try:
            seen[name] = replica.adapter.visibility()
        except TrackerError as error:
            yield Finding(verdict="refused", subject=f"{bridge.name}/{name}", message=str(error))
    for name, visibility in seen.items():
        subject = f"{bridge.name}/{name}"
        halts = widened(bridge, name, seen) if bridge.replicas[name].receives else ()
        for halt in halts:
            yield Finding(verdict="problem", subject=subject, message=halt.message, mend=halt.mend)
        if visibility is Visibility.UNKNOWN:
            yield Finding(verdict="warning", subject=subject, message="does not say who may read the project")
        elif not halts:
            yield Finding(verdict="ok", subject=subject, message=f"the project is {visibility.value}")


def _clock(subject: str, bridge: Bridge, replica: Replica) -> Iterator[Finding]:
    reading = replica.adapter.clock()
    seconds = reading.offset.total_seconds()
    message = f"its clock is {seconds:+.1f} s off ours (± {reading.uncertainty.total_seconds():.1f} s)"
    mend = "set this machine's clock (NTP), or that server's"
    if abs(reading.offset) > bridge.limits.clock_skew:
        yield Finding(verdict="problem", subject=subject, message=message, mend=mend)
    elif abs(reading.offset) > DOUBTFUL_CLOCK:
        yield Finding(verdict="warning", subject=subject, message=message, mend=mend)
    else:
        yield Finding(verdict="ok", subject=subject, message=message)


def _coverage(subject: str, replica: Replica, mapping: ProjectMapping, capabilities: Capabilities) -> Iterator[Finding]:
    """Every word that the project knows must mean something, and every canonical word should have a place to go."""
    facts, file = capabilities.facts, replica.mapping_file.tracker
    carried = capabilities.fields - replica.mapping_file.off
    unread = [("status", word) for word in facts.statuses if mapping.read_status(word) is UNKNOWN]
    unread += [("priority", word) for word in facts.priorities if mapping.read_priority(word) is UNKNOWN]
    unread += [("reason", word) for word in facts.resolutions if mapping.read_reason(word) is UNKNOWN]
    unread = [(field, word) for field, word in unread if field in carried]
    for field, word in unread:
        yield Finding(
            verdict="problem",
            subject=subject,
            message=f"the {field} {word!r} has no meaning",
            mend=f"add it to [fields.{field}.values] of the mapping ({file})",
        )
    untyped = [word for word in facts.types if mapping.read_type(word) is None]
    for word in untyped:
        yield Finding(
            verdict="warning",
            subject=subject,
            message=f"the type {word!r} has no meaning, and its tickets no kind",
            mend=f"add a [[types]] row for it to the mapping ({file})",
        )
    if not unread and not untyped:
        known = len(facts.statuses) + len(facts.priorities) + len(facts.resolutions) + len(facts.types)
        yield Finding(verdict="ok", subject=subject, message=f"the mapping knows all {known} of the project's words")
    for field, words in _unwritable(mapping, carried).items():
        yield Finding(
            verdict="warning",
            subject=subject,
            message=f"has no {field} for {', '.join(words)}: a ticket that has it keeps its present one there",
            mend=f"add a native word or a fallback to [fields.{field}] of the mapping ({file})",
        )


def _unwritable(mapping: ProjectMapping, carried: frozenset[Field]) -> Mapping[Field, list[str]]:
    writers = {Field.STATUS: mapping.write_status, Field.PRIORITY: mapping.write_priority}
    missing = {
        field: [word for word in WORDS[field] if write(word) is None]
        for field, write in writers.items()
        if field in carried
    }
    return {field: words for field, words in missing.items() if words}


def _people(subject: str, bridge: Bridge, replica: Replica) -> Iterator[Finding]:
    """Accounts of this replica that hold tickets and have no `[people.x]` entry: nobody elsewhere can be them."""
    strangers: dict[str, int] = {}
    with bridge.store.read() as tx:
        for ticket in tx.tickets.list(BridgeName(bridge.name)):
            assignees = ticket.canonical.fields.get(Field.ASSIGNEES)
            for person in assignees if isinstance(assignees, frozenset) else ():
                if person.startswith(f"{replica.name}:"):
                    strangers[person] = strangers.get(person, 0) + 1
    for person, tickets in sorted(strangers.items()):
        account = person.partition(":")[2]
        yield Finding(
            verdict="warning",
            subject=subject,
            message=f"the account {account!r} holds {tickets} tickets and is nobody in [people]",
            mend=f'add [people.…] with {replica.name} = "{account}" and that person\'s other accounts',
        )
