"""What a history is made of, as values: drawn from a seed, told as JSON, and the same whenever they are done again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any, Final

from tests.wire.faults import READING, WRITING, Fault, Way
from tests.wire.world import FLAVOURS, PLACES

#: What a person may do; those that stand here often meet often.
EDITS: Final = (
    *("title",) * 5, *("body",) * 5, *("label",) * 4, *("status",) * 4, *("comment",) * 3, *("recomment",) * 3, *("priority",) * 2,
    *("assignee",) * 2, *("kind",) * 1, *("parent",) * 2, "component", "milestone", "due", *("link",) * 2, "attach", "delete",
)  # fmt: skip
MOST_TICKETS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that a person does to one ticket of one tracker; `id` makes its words unlike all others."""

    id: int
    place: str
    what: str
    ticket: int = 0
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A fault on the request of that place and way before which so many have gone in the cycle."""

    place: str
    way: Way
    after: int
    kind: str
    times: int = 1

    @property
    def fault(self) -> Fault:
        """What the wire does."""
        return Fault(kind=self.kind, times=self.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meddling:
    """A deed just before the request of that place before which so many have gone in the cycle."""

    place: str
    after: int
    deed: Deed


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A kill before or after a commit."""

    after: int
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One cycle, `wait` seconds after what was before it, with everything that disturbs it."""

    wait: float
    strikes: tuple[Strike, ...] = ()
    meddling: tuple[Meddling, ...] = ()
    kills: tuple[Kill, ...] = ()


Step = Deed | Cycle


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One history: everything that is not the bridge's own doing."""

    seed: int
    flavour: str
    small_pages: bool
    steps: tuple[Step, ...]
    skew: tuple[float, ...] = (0.0, 0.0, 0.0)  # by how many seconds each tracker's clock is wrong

    def as_json(self) -> dict[str, Any]:
        """For a file from which it can be done again."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> History:
        """The history again."""
        skew = tuple(told.get("skew", (0.0, 0.0, 0.0)))
        return cls(**{**told, "skew": skew, "steps": tuple(_step(step) for step in told["steps"])})

    def __len__(self) -> int:
        return sum(len(parts_of(step)) for step in self.steps)


def _step(told: dict[str, Any]) -> Step:
    if "wait" not in told:
        return Deed(**told)
    return Cycle(
        wait=told["wait"],
        strikes=tuple(Strike(**one) for one in told["strikes"]),
        meddling=tuple(Meddling(**{**one, "deed": Deed(**one["deed"])}) for one in told["meddling"]),
        kills=tuple(Kill(**one) for one in told["kills"]),
    )


def parts_of(step: Step) -> list[Step]:
    """The step with each of its disturbances alone; what a shorter history may leave out one by one."""
    if isinstance(step, Deed):
        return [step]
    return [
        replace(step, strikes=(), meddling=(), kills=()),
        *(replace(step, strikes=(one,)) for one in step.strikes),
        *(replace(step, meddling=(one,)) for one in step.meddling),
        *(replace(step, kills=(one,)) for one in step.kills),
    ]


def drawn(seed: int) -> History:
    """The history of a seed."""
    random = Random(seed)
    ids = iter(range(1, 1_000_000))
    steps: list[Step] = [_birth(random, next(ids)) for _ in range(random.choice((1, 1, 2, 2, 3)))]
    if random.random() < 0.6:
        steps.append(Cycle(wait=60))
    wild = random.choice((0.0, 0.5, 1.0, 1.0))
    for _ in range(random.choice((1, 2, 2, 3, 4))):
        steps += [_deed(random, next(ids)) for _ in range(random.choice((1, 1, 2, 3, 5)))]
        steps.append(_cycle(random, ids, wild))
    return History(
        seed=seed, flavour=random.choice(tuple(FLAVOURS)), small_pages=random.random() < 0.3, steps=tuple(steps),
        skew=tuple(random.choice((0.0, 0.0, 0.0, 0.0, -45.0, -3.0, 7.0, 60.0)) for _ in PLACES),
    )  # fmt: skip


def _birth(random: Random, number: int) -> Deed:
    return Deed(id=number, place=random.choice(PLACES), what="create", number=random.randrange(1000))


def _deed(random: Random, number: int, what: Sequence[str] = (*EDITS, "create")) -> Deed:
    return Deed(
        id=number,
        place=random.choice(PLACES),
        what=random.choice(what),
        ticket=random.choice((0, 0, 0, 1, 2)),
        number=random.randrange(1000),
    )


def _cycle(random: Random, ids: Any, wild: float) -> Cycle:
    strikes = [_strike(random) for _ in range(random.choice((0, 1, 1, 2, 3))) if random.random() < wild]
    meddling = [
        Meddling(place=random.choice(PLACES), after=random.choice((0, 1, 2, 3, 4, 5, 6, 8, 10)), deed=_deed(random, next(ids), EDITS))
        for _ in range(random.choice((0, 0, 1, 2)))
    ]  # fmt: skip
    kills = (
        [Kill(after=random.randrange(30), when=random.choice(("before", "after")))]
        if random.random() < 0.1 * wild
        else []
    )
    return Cycle(
        wait=random.choice((1, 5, 30, 60, 300)), strikes=tuple(strikes), meddling=tuple(meddling), kills=tuple(kills)
    )


def _strike(random: Random) -> Strike:
    writing = random.random() < 0.6
    return Strike(
        place=random.choice(PLACES),
        way="write" if writing else "read",
        after=random.choice((0, 0, 0, 1, 1, 2, 3)) if writing else random.choice((0, 1, 2, 3, 4, 5, 6, 8, 10)),
        kind=random.choice(WRITING if writing else READING),
        times=random.choice((1, 1, 1, 1, 5)),
    )
