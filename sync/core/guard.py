"""Brakes: a mass effect, an emptied replica or an unbelievable clock stops the cycle before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction

from sync.core.ids import ReplicaName, TicketId


class Effect(StrEnum):
    """What a cycle may do to a ticket that somebody could miss; the words are those of the halt."""

    CLOSE = "close"
    REWRITE = "rewrite"  # another title or body
    EMPTY = "empty fields of"
    DELETE = "delete"
    LOSE = "unlink"  # gone in one tracker: its copy there follows no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a guard trips. A mass effect is one on more than `max(mass_floor, mass_share of the bridge's tickets)`.

    `allow_mass_change` lifts the brake and `allow_deletes` is the consent to delete copies, each for one cycle.
    """

    mass_floor: int = 5
    mass_share: float = 0.10
    clock_skew: timedelta = timedelta(hours=24)
    allow_mass_change: bool = False
    allow_deletes: bool = False

    def most(self, tickets: int) -> int:
        """How many of a bridge's `tickets` one cycle may touch: one more trips the brake."""
        return max(self.mass_floor, int(Fraction(str(self.mass_share)) * tickets))


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """What a plan would do to one bridge that has so many `tickets`.

    `touched` are the tickets by effect: one counts once, however many copies are written and whatever is done to it. `parts` are the
    comments and files that would be deleted, `waiting` the display keys of tickets whose copies wait for a consent to be deleted.
    """

    tickets: int = 0
    touched: Mapping[Effect, frozenset[TicketId]] = field(default_factory=dict)
    parts: int = 0
    waiting: tuple[str, ...] = ()
    emptied: Mapping[ReplicaName, int] = field(
        default_factory=dict
    )  # how many tickets were linked where none is listed
    clock_offsets: Mapping[ReplicaName, timedelta] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """One guard that tripped; `mend` is how a person goes on. What `waits` waits by itself: the cycle goes on without it."""

    name: str
    message: str
    mend: str
    replica: ReplicaName | None = None
    waits: bool = False


_ALLOW = "look at `trackdown plan`; when it is meant, run `trackdown sync --allow-mass-change`"
_CONSENT = (
    "look at `trackdown plan`; when it is meant, run `trackdown sync --allow-deletes`, when it is not, take the deleted copy "
    "out with `trackdown links remove`"
)
#: So many tickets are named in a sentence.
_NAMED = 5


def check(census: Census, limits: Limits) -> tuple[Halt, ...]:
    """Every guard that trips, in a stable order."""
    return (*_clocks(census, limits), *_masses(census, limits), *_deletions(census, limits))


def _clocks(census: Census, limits: Limits) -> Iterator[Halt]:
    for replica, offset in sorted(census.clock_offsets.items()):
        if abs(offset) > limits.clock_skew:
            yield Halt(
                name="clock_skew",
                replica=replica,
                message=f"the clock of {replica} is {offset.total_seconds() / 3600:+.1f} hours off ours",
                mend="set this machine's clock (NTP), or that server's",
            )


def _masses(census: Census, limits: Limits) -> Iterator[Halt]:
    if limits.allow_mass_change:
        return
    for replica, linked in sorted(census.emptied.items()):
        yield Halt(
            name="emptied_replica",
            replica=replica,
            message=f"{replica} had {linked} linked tickets and now shows none at all",
            mend="check the project and the permissions of the account (`trackdown doctor`)",
        )
    most = limits.most(census.tickets)
    everything = frozenset[TicketId]().union(*census.touched.values())
    if len(everything) > most:
        effects = [f"{effect} {len(tickets)}" for effect in Effect if (tickets := census.touched.get(effect))]
        yield Halt(
            name="mass_change",
            message=f"this would {' and '.join(effects)} of {census.tickets} linked tickets (at most {most} at once)",
            mend=_ALLOW,
        )
    if census.parts > most:
        yield Halt(
            name="mass_change",
            message=f"this would delete {census.parts} comments and files (at most {most} at once)",
            mend=_ALLOW,
        )


def _deletions(census: Census, limits: Limits) -> Iterator[Halt]:
    if not census.waiting or limits.allow_deletes:
        return
    more = len(census.waiting) - _NAMED
    named = ", ".join(census.waiting[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    yield Halt(
        name="deletion",
        message=f"the copies of {named} wait to be deleted, because one of them was; everything else goes on",
        mend=_CONSENT,
        waits=True,
    )
