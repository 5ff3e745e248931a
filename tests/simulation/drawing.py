"""From a seed to a history: which trackers, which policies, who does what and what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from sync.core.ids import ReplicaName
from sync.core.models import Field
from sync.core.policy import FieldPolicy, MergePolicy, PolicyName
from sync.engine.runtime import Direction
from sync.testing.faults import Fault
from sync.testing.memory import MemoryKnobs
from tests.scenarios.world import POOR_STATUSES
from tests.simulation.steps import Cycle, Edit, Meddling, Step, Strike

NAMES = tuple(map(ReplicaName, ("jira", "github", "azure", "tasks")))
#: What people do, by how often they do it.
EDITS = {
    "title": 9, "text": 12, "labels": 8, "state": 6, "priority": 4, "people": 4, "type": 2,
    "components": 2, "milestones": 2, "plan": 4, "parent": 3, "links": 4,
    "comment": 6, "recomment": 5, "uncomment": 2, "attach": 3, "detach": 1,
    "create": 3, "delete": 1, "restore": 1, "copy": 1, "copy_comment": 1, "poison": 1,
}  # fmt: skip
#: Calls of a cycle, by how often somebody does something beside them, and how often one of each is about to come.
CALLS = {"write": 8, "fetch": 6, "pull": 4, "page": 2, "history": 2, "find": 2, "download": 1, "probe": 1}
REACH = {"write": 4, "fetch": 4, "pull": 3, "page": 5, "history": 1, "find": 1, "download": 1, "probe": 2, "commit": 40}
SKEWS = (timedelta(), timedelta(hours=2), timedelta(hours=-5), timedelta(hours=24), timedelta(hours=-24))
#: Faults of a store, beside those of `sync.testing.faults`.
STORE_FULL, STORE_LOCKED = "full", "locked"
WRITE_FAULTS = (Fault.REFUSED, Fault.LOST, Fault.LOST, Fault.LOST_UNDONE, Fault.LATE, Fault.LATE)
COMMON_FAULTS = (Fault.RETRY, Fault.RETRY_LATER, Fault.UNREACHABLE, Fault.AUTH)
CRASHES = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What stays as it is for one history. `settle` is the bridge's; `call` is how many seconds each call takes."""

    knobs: Mapping[ReplicaName, MemoryKnobs]
    directions: Mapping[ReplicaName, Direction]
    policy: MergePolicy
    poisoned: ReplicaName | None
    settle: timedelta
    call: float
    clocks_known: bool


def draw_setting(random: Random) -> Setting:
    """Two to four trackers that differ, and a bridge over them."""
    names = NAMES[: random.choices((2, 3, 4), (5, 4, 1))[0]]
    knobs = {name: draw_knobs(random) for name in names}
    if not any(one.links_touch_both and Field.LINKS in one.fields for one in knobs.values()):
        # Somebody has to say that the other end of a link is linked, too.
        knobs = {name: replace(one, links_touch_both=True) for name, one in knobs.items()}
    # Drawn beside the rest, so that all else in the setting of a seed stays what it was.
    rows, own = copy(random), frozenset({"relates", "duplicates", "duplicated_by"})
    knobs = {name: replace(one, own_ends=own) if rows.random() < 0.2 else one for name, one in knobs.items()}
    directions: dict[ReplicaName, Direction] = {}
    if random.random() < 0.12:
        directions[random.choice(names[1:])] = random.choice(("in", "out"))
    fields: dict[Field, FieldPolicy] = {}
    if random.random() < 0.25:
        prefer = FieldPolicy(PolicyName.PREFER, prefer=random.choice(names))
        manual = FieldPolicy(PolicyName.MANUAL)
        for name in random.sample((Field.TITLE, Field.STATUS, Field.PRIORITY, Field.BODY, Field.LABELS), 2):
            fields[name] = random.choice((prefer, manual))
    return Setting(
        knobs=knobs,
        directions=directions,
        policy=MergePolicy(order=names, fields=fields),
        poisoned=random.choice(names) if random.random() < 0.1 else None,
        settle=timedelta(minutes=5),
        call=random.choice((0.0, 0.3, 2.0)),
        clocks_known=random.random() < 0.85,
    )


def draw_knobs(random: Random) -> MemoryKnobs:
    """One tracker, with some of the weaknesses of real ones."""

    def sometimes(share: float) -> bool:
        return random.random() < share

    knobs = MemoryKnobs(
        max_assignees=1 if sometimes(0.3) else 10,
        max_milestones=1 if sometimes(0.2) else 10,
        comment_feed=sometimes(0.3),
        conditional_writes=sometimes(0.3),
        foresight=sometimes(0.7),
        answers=sometimes(0.75),
        history=sometimes(0.85),
        reports_gone=sometimes(0.4),
        attachments=sometimes(0.85),
        links_touch_both=sometimes(0.7),
        page_size=random.choice((1, 2, 100)),
        grain=timedelta(seconds=random.choice((1, 1, 1, 60))),
        skew=random.choice(SKEWS) if sometimes(0.3) else timedelta(),
        list_lag=timedelta(seconds=40) if sometimes(0.2) else timedelta(),
        tells=frozenset({Field.REPORTER}) if sometimes(0.3) else frozenset(),
    )
    if sometimes(0.3):
        knobs = replace(knobs, statuses=POOR_STATUSES)
    if sometimes(0.25):
        knobs = replace(knobs, text_rewrite=str.rstrip)
    if sometimes(0.25) and not knobs.conditional_writes:
        knobs = replace(knobs, one_request=False)
    if sometimes(0.2):
        lacking = random.sample((Field.PRIORITY, Field.COMPONENTS, Field.LINKS, Field.PARENT, Field.ASSIGNEES), 2)
        knobs = replace(knobs, fields=knobs.fields - set(lacking))
    return knobs


def draw_steps(random: Random, setting: Setting) -> tuple[Step, ...]:
    """Tickets that are made, then a dozen of edits and cycles."""
    trackers = len(setting.knobs)
    mood = random.choices(("calm", "busy", "stormy"), (1, 3, 5))[0]
    steps: list[Step] = [
        Edit(place=random.randrange(trackers), ticket=0, what="create", seed=random.getrandbits(32))
        for _ in range(random.choice((1, 1, 2, 3)))
    ]
    steps.append(_cycle(random, trackers, mood if random.random() < 0.5 else "calm"))
    for _ in range(random.randrange(3, 9)):
        edits = [draw_edit(random, trackers) for _ in range(random.choice((0, 1, 1, 2, 3)))]
        steps += [*edits, _cycle(random, trackers, mood, edits)]
    return tuple(steps)


def draw_edit(random: Random, trackers: int) -> Edit:
    """Something that somebody does; most edits are of few tickets, so that they meet."""
    what = random.choices(tuple(EDITS), tuple(EDITS.values()))[0]
    return Edit(
        place=random.randrange(trackers), ticket=random.choice((0, 0, 0, 1, 2)), what=what, seed=random.getrandbits(32)
    )


def _cycle(random: Random, trackers: int, mood: str, edits: Sequence[Edit] = ()) -> Cycle:
    strikes: list[Strike] = []
    meddling: list[Meddling] = []
    if mood == "stormy":
        strikes = [_strike(random) for _ in range(random.choice((0, 1, 1, 2)))]
    if mood != "calm":
        meddling = [_meddling(random, trackers, edits) for _ in range(random.choice((0, 0, 1, 2)))]
    return Cycle(
        wait=random.choice((1, 5, 30, 30, 90, 400, 700)),
        planned=random.random() < 0.15,
        strikes=tuple(strikes),
        meddling=tuple(meddling),
    )


def _meddling(random: Random, trackers: int, edits: Sequence[Edit]) -> Meddling:
    """Somebody acts beside a call; often on what was edited just before, where that is about to be written."""
    if edits and random.random() < 0.5:
        met = random.choice(edits)
        elsewhere = (met.place + random.randrange(1, trackers)) % trackers
        call, edit = (
            random.choice(("write", "write", "fetch")),
            replace(met, place=elsewhere, seed=random.getrandbits(32)),
        )
    else:
        call, edit = random.choices(tuple(CALLS), tuple(CALLS.values()))[0], draw_edit(random, trackers)
    return Meddling(call=call, number=_number(random, call), after=random.random() < 0.5, edit=edit)


def _number(random: Random, call: str) -> int:
    """Which call of its name; of most there are few in a cycle, and what is read comes before what is written."""
    return min(random.randrange(REACH[call]), random.randrange(REACH[call]))


def _strike(random: Random) -> Strike:
    kind = random.choices(("write", "commit", "pull", "stale", "any", "crash"), (8, 5, 3, 1, 4, 3))[0]
    call = {"write": "write", "pull": "pull", "stale": "fetch", "commit": "commit"}.get(kind)
    call = call or random.choices(tuple(CALLS), tuple(CALLS.values()))[0]
    faults: Sequence[str] = {
        "write": WRITE_FAULTS,
        "pull": (Fault.CUT, Fault.CUT, Fault.REPEATED),
        "stale": (Fault.STALE,),
        "any": COMMON_FAULTS,
        "crash": CRASHES,
        "commit": (*CRASHES, *CRASHES, STORE_FULL, STORE_LOCKED),
    }[kind]
    return Strike(
        call=call,
        number=_number(random, call),
        fault=str(random.choice(faults)),
        wait=random.choice((0.0, 3.0, 60.0, 290.0)),
    )
