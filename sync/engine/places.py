"""Whether the config still means the projects and the selections that the store's links and cursors are about."""

from __future__ import annotations

from dataclasses import replace

from sync.core.guard import Halt
from sync.engine.joining import Joined
from sync.engine.runtime import Bridge
from sync.store import Lease
from sync.store.records import ReplicaRecord


def check_places(bridge: Bridge, lease: Lease) -> tuple[Halt, ...]:
    """A halt for every tracker with linked tickets that now points to another project; nothing may be pulled then.

    A person says with `allow_mass_change` that it is the same project under a new name. A changed selection only
    means that everything is read once more.
    """
    halts: list[Halt] = []
    with bridge.store.begin(lease) as tx:
        for name, replica in bridge.replicas.items():
            record = tx.replicas.get(bridge.name, name)
            record = record or ReplicaRecord(bridge=bridge.name, replica=name, kind=replica.kind)
            known = record.details
            moved = known.get("place", replica.place) != replica.place and tx.links.count(bridge.name, name) > 0
            if moved and not bridge.limits.allow_mass_change:
                halts.append(
                    Halt(
                        name="another_project",
                        replica=name,
                        message=f"{name} was {known['place']} and is {replica.place} now, and its tickets are linked",
                        mend="give the bridge a new name for another project; for the same one under a new name run "
                        "`trackdown sync --allow-mass-change` once",
                    )
                )
                continue
            if known.get("select", replica.select) != replica.select or moved:
                tx.cursors.forget(bridge.name, name)
            places = {"place": replica.place, "select": replica.select}
            if any(known.get(key, "") != value for key, value in places.items()) or "place" not in known:
                tx.replicas.save(replace(record, details={**known, **places}))
    return tuple(halts)


class AnotherStore(Exception):
    """Raised inside the transaction that links what is new, so that it leaves nothing behind."""

    def __init__(self, halts: tuple[Halt, ...]) -> None:
        super().__init__("; ".join(halt.message for halt in halts))
        self.halts = halts


def check_store(bridge: Bridge, joined: Joined) -> None:
    """Raise `AnotherStore` where a store that knows no ticket meets copies that another one made.

    A store that was lost, or a wrong path to it, would else copy everything a second time.
    """
    if not joined.is_first or bridge.limits.allow_mass_change or not joined.foreign:
        return
    raise AnotherStore(
        tuple(
            Halt(
                name="another_store",
                replica=name,
                message=f"this store knows no ticket of the bridge, and {count} of {name} carry the marks of another store",
                mend="point `url` under [store] to the store that the bridge had, or put it back; where another installation "
                "shares the project on purpose, run `trackdown sync --allow-mass-change` once",
            )
            for name, count in sorted(joined.foreign.items())
        )
    )
