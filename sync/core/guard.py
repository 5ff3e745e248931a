"""Brakes: a mass effect, an emptied replica or an unbelievable clock stops the cycle before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sync.core.ids import ReplicaName


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a guard trips. A mass effect is more than `max(mass_floor, mass_share of the replica's tickets)`."""

    mass_floor: int = 5
    mass_share: float = 0.10
    clock_skew: timedelta = timedelta(hours=24)
    allow_mass_change: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """What a plan would do to one replica, counted in tickets, and how many tickets are linked there."""

    linked: int = 0
    closed: int = 0  # status moved to done
    rewritten: int = 0  # title or body replaced
    deleted: int = 0  # tickets or comments
    gone: int = 0  # linked tickets that the tracker says are not there any more
    pulled_from_nothing: bool = False  # the first listing of a replica that had tickets came back empty
    clock_offset: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """One guard that tripped; `mend` is how a person goes on."""

    name: str
    replica: ReplicaName
    message: str
    mend: str


_ALLOW = "look at `trackdown plan`; when it is meant, run `trackdown sync --allow-mass-change`"


def check(census: Mapping[ReplicaName, Census], limits: Limits) -> tuple[Halt, ...]:
    """Every guard that trips, in a stable order."""
    halts: list[Halt] = []
    for replica, seen in sorted(census.items()):
        if abs(seen.clock_offset) > limits.clock_skew:
            hours = seen.clock_offset.total_seconds() / 3600
            halts.append(
                Halt(
                    name="clock_skew",
                    replica=replica,
                    message=f"the clock of {replica} is {hours:+.1f} hours off ours",
                    mend="set this machine's clock (NTP), or that server's",
                )
            )
        if limits.allow_mass_change:
            continue
        if seen.pulled_from_nothing:
            halts.append(
                Halt(
                    name="emptied_replica",
                    replica=replica,
                    message=f"{replica} had {seen.linked} linked tickets and now shows none at all",
                    mend="check the project and the permissions of the account (`trackdown doctor`)",
                )
            )
        allowed = max(limits.mass_floor, int(limits.mass_share * seen.linked))
        effects = {"close": seen.closed, "rewrite": seen.rewritten, "delete in": seen.deleted, "lose": seen.gone}
        for effect, count in effects.items():
            if count > allowed:
                halts.append(
                    Halt(
                        name="mass_change",
                        replica=replica,
                        message=f"this would {effect} {count} of {seen.linked} linked tickets of {replica} (at most {allowed} at once)",
                        mend=_ALLOW,
                    )
                )
    return tuple(halts)
