"""From a seed to a ring: which trackers, which installations with which bridges over them, and who does what when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

from sync.core.ids import BridgeName, ReplicaName
from sync.core.mapping import Mapping as TrackerMapping
from sync.core.models import Field
from sync.testing.faults import Fault
from sync.testing.memory import MemoryKnobs
from tests.simulation.drawing import draw_knobs
from tests.simulation.steps import Edit, Strike

NAMES = tuple(map(ReplicaName, ("jira", "github", "azure", "tasks", "plans", "bugs")))
SHAPES = ("chain", "star", "ring", "twice", "three twice")
#: What people do, by how often they do it. Nobody deletes tickets: whose copy goes then is the histories' matter.
EDITS = {
    "title": 9, "text": 8, "labels": 8, "state": 8, "priority": 4, "people": 3, "type": 2,
    "comment": 7, "recomment": 4, "links": 2, "parent": 2, "attach": 2, "create": 3,
}  # fmt: skip
FAULTS = (Fault.LOST, Fault.LOST, Fault.LOST_UNDONE, Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.REPEATED, Fault.CUT)
_CALLS = {Fault.REPEATED: ("pull", 2), Fault.CUT: ("pull", 2)}
#: The words of a tracker's statuses as somebody maps them who needs three only.
COARSE = {"open": ("Open", "Reopened"), "in_progress": ("In Progress", "Blocked", "Review"), "done": ("Done",)}
COARSELY = {"reopened": "open", "blocked": "in_progress", "review": "in_progress"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One bridge and where it is kept: bridges of one `store` are one installation. `coarse` are the trackers whose statuses it lumps."""

    store: int
    bridge: BridgeName
    replicas: tuple[ReplicaName, ...]
    coarse: frozenset[ReplicaName] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """What stays as it is. `joined`: in every tracker stands a ticket that names those of its neighbours as the same one."""

    shape: str
    knobs: Mapping[ReplicaName, MemoryKnobs]
    places: tuple[Place, ...]
    joined: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Time passes, then one of the bridges syncs once."""

    place: int
    wait: float
    strikes: tuple[Strike, ...] = ()


RingStep = Edit | Run


def draw_ring(random: Random) -> Ring:
    """Three to six trackers (two or three where installations share them all), bound in one of the shapes."""
    shape = random.choice(SHAPES)
    size = {"twice": 2, "three twice": 3}.get(shape) or random.choice((3, 3, 4, 5, 6))
    names = NAMES[:size]
    knobs = {name: _knobs(random) for name in names}
    together = random.random() < 0.35
    coarse = random.random() < 0.5
    places = tuple(
        Place(
            store=0 if together else number,
            bridge=BridgeName(f"b{number}"),
            replicas=replicas,
            coarse=frozenset({replicas[-1]}) if coarse and number % 2 else frozenset(),
        )
        for number, replicas in enumerate(_groups(shape, names))
    )
    return Ring(shape=shape, knobs=knobs, places=places, joined=random.random() < 0.4)


def draw_steps(random: Random, ring: Ring) -> tuple[RingStep, ...]:
    """Tickets that are made, then edits, and the bridges in any order."""
    size = len(ring.knobs)
    steps: list[RingStep] = [_edit(random, size, "create") for _ in range(random.choice((1, 1, 2)))]
    steps += [Run(place=place, wait=5) for place in range(len(ring.places))]
    if ring.joined:
        steps = steps[-len(ring.places) :]
    is_stormy = random.random() < 0.5
    for _ in range(random.randrange(4, 14)):
        steps += [_edit(random, size) for _ in range(random.choice((0, 1, 1, 2)))]
        steps.append(
            Run(
                place=random.randrange(len(ring.places)),
                wait=random.choice((1, 5, 30, 90, 400)),
                strikes=(_strike(random),) if is_stormy and random.random() < 0.4 else (),
            )
        )
    return tuple(steps)


def coarsely(mapping: TrackerMapping) -> TrackerMapping:
    """The mapping of somebody who lumps statuses: what it reads is less than what the tracker says."""
    value_map = replace(mapping.fields[Field.STATUS], values=COARSE, fallback=COARSELY)
    return replace(mapping, fields={**mapping.fields, Field.STATUS: value_map})


def _groups(shape: str, names: tuple[ReplicaName, ...]) -> list[tuple[ReplicaName, ...]]:
    match shape:
        case "star":
            return [(names[0], name) for name in names[1:]]
        case "twice" | "three twice":
            return [names, names]
    chain: list[tuple[ReplicaName, ...]] = list(pairwise(names))
    return [*chain, (names[-1], names[0])] if shape == "ring" else chain


def _knobs(random: Random) -> MemoryKnobs:
    """A tracker as the histories draw it, with all of its statuses, so that every mapping knows their words."""
    return replace(draw_knobs(random), statuses=MemoryKnobs().statuses)


def _edit(random: Random, trackers: int, what: str = "") -> Edit:
    return Edit(
        place=random.randrange(trackers),
        ticket=random.choice((0, 0, 0, 1, 2)),
        what=what or random.choices(tuple(EDITS), tuple(EDITS.values()))[0],
        seed=random.getrandbits(32),
    )


def _strike(random: Random) -> Strike:
    fault = random.choice(FAULTS)
    call, most = _CALLS.get(fault) or random.choice((("write", 4), ("commit", 12)))
    if call == "commit":
        fault = random.choice((Fault.CRASH_BEFORE, Fault.CRASH_AFTER))
    return Strike(call=call, number=random.randrange(most), fault=str(fault))
