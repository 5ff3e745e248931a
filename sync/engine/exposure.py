"""Whether what is about to be written could be read by people who may not read where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sync.core.capabilities import Visibility
from sync.core.errors import TrackerError
from sync.core.guard import Halt
from sync.core.ids import ReplicaName
from sync.engine.probe import failure_of
from sync.engine.runtime import Bridge
from sync.engine.session import Session


def check_exposure(session: Session, written: Iterable[ReplicaName]) -> tuple[Halt, ...]:
    """A halt for each replica of `written` that more people may read than one whose tickets are copied there.

    Asks the trackers, each once in a cycle: a project that was private yesterday may be public now. A replica that does not
    answer is lost for this cycle, so that nothing is written there unseen; what we hold of it was read when it was what it was last.
    """
    bridge = session.bridge
    if bridge.allow_publish:
        return ()
    halts: list[Halt] = []
    for name in sorted(set(written) & set(session.available)):
        here = _visibility(session, name)
        if here is not None and here.is_wider_than(Visibility.PRIVATE):
            there = {one: _visibility(session, one) or _last_known(session, one) for one in bridge.replicas}
            halts += widened(bridge, name, {**there, name: here})
    return tuple(halts)


def widened(bridge: Bridge, name: ReplicaName, seen: Mapping[ReplicaName, Visibility]) -> tuple[Halt, ...]:
    """The halt, where replica `name` is wider than one that is read; `seen` says who may read each of them."""
    here = seen[name]
    origins = [one for one, replica in bridge.replicas.items() if replica.reads and one != name]
    narrower = [one for one in origins if here.is_wider_than(seen.get(one, Visibility.UNKNOWN))]
    if not narrower or bridge.allow_publish:
        return ()
    who = "everybody" if here is Visibility.PUBLIC else "everybody in its organisation"
    places = " and ".join(f"{one} ({bridge.replicas[one].place})" for one in narrower)
    place = bridge.replicas[name].place
    halt = Halt(
        name="wider_audience",
        replica=name,
        message=f"{name} ({place}) can be read by {who}, and {places} can not: what is copied there would get out",
        mend=f"let fewer people read {place}; where all of it may be read there, write `allow_publish = true` into "
        f"[bridges.{bridge.name}]",
    )
    return (halt,)


def _visibility(session: Session, name: ReplicaName) -> Visibility | None:
    """Who may read the replica, as it was when this cycle first asked; None where it gave no answer."""
    if name not in session.visibility and name in session.available:
        try:
            found = session.visibility[name] = session.bridge.replicas[name].adapter.visibility()
        except TrackerError as error:
            session.lose([failure_of(name, error)])
        else:
            _remember(session, name, found)
    return session.visibility.get(name)


def _remember(session: Session, name: ReplicaName, found: Visibility) -> None:
    if _last_known(session, name) is found:
        return
    with session.bridge.store.begin(session.lease) as tx:
        if (record := tx.replicas.get(session.bridge.name, name)) is not None:
            tx.replicas.save(replace(record, details={**record.details, "visibility": found.value}))


def _last_known(session: Session, name: ReplicaName) -> Visibility:
    with session.bridge.store.read() as tx:
        record = tx.replicas.get(session.bridge.name, name)
    return Visibility(record.details.get("visibility", Visibility.UNKNOWN)) if record else Visibility.UNKNOWN
