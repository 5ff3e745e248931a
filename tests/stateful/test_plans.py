"""Histories of tickets with plans, links and files; `TRACKDOWN_EXAMPLES` says how many."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings

from sync.core.ids import ReplicaName
from sync.core.models import Field
from sync.testing.memory import MemoryKnobs, MemoryTracker
from tests.scenarios.world import AZURE, DIFFERENT, GITHUB, JIRA, PEOPLE, World
from tests.stateful.history_machine import History
from tests.stateful.test_histories import EXAMPLES, Stormy

SETTINGS = settings(
    max_examples=max(4, EXAMPLES // 2),
    derandomize=EXAMPLES == 8,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
PLANS = ("components", "milestones", "estimate", "points", "due", "severity", "reporter", "sprint")
#: No circle can be made of these, which would be told and written nowhere.
LINKS = ("relates", "duplicates", "duplicated_by")


class Planned(History):
    """People plan, link and attach; one tracker only tells of reporters, one shows a link at one of its ends."""

    knobs: ClassVar[dict[ReplicaName, MemoryKnobs]] = {
        JIRA: DIFFERENT[JIRA],
        GITHUB: replace(DIFFERENT[GITHUB], tells=frozenset({Field.REPORTER}), max_milestones=1),
        AZURE: replace(DIFFERENT[AZURE], links_touch_both=False, link_kinds=frozenset(LINKS)),
    }

    def _edit(self, place: ReplicaName, number: int, what: str, seed: int) -> None:
        if what in ("title", "text", "type"):
            super()._edit(place, number, what, seed)
        elif (found := self.pick(place, number)) is not None:
            random = Random(seed)
            match what:
                case "labels" | "parent":
                    self._link(*found, random)
                case "people":
                    self._attach(*found, random)
                case _:
                    self._plan(*found, random)

    def _link(self, tracker: MemoryTracker, ticket: dict[str, Any], random: Random) -> None:
        links = [link for link in ticket["links"] if random.random() < 0.6]
        others = [one["id"] for one in tracker.tickets() if one["id"] != ticket["id"]]
        if others and random.random() < 0.8:
            links.append(f"{random.choice(LINKS)}:{random.choice(others)}")
        tracker.edit(ticket["id"], author=random.choice(PEOPLE), links=list(dict.fromkeys(links)))

    def _attach(self, tracker: MemoryTracker, ticket: dict[str, Any], random: Random) -> None:
        name = self.word("file")
        tracker.attach(ticket["id"], name, name.encode(), author=random.choice(PEOPLE))

    def _plan(self, tracker: MemoryTracker, ticket: dict[str, Any], random: Random) -> None:
        what = random.choice(
            [name for name in PLANS if Field.REPORTER not in tracker.knobs.tells or name != "reporter"]
        )
        value: Any
        match what:
            case "components" | "milestones":
                value = [*(one for one in ticket[what] if random.random() < 0.7), self.word(what)]
            case "estimate":
                value = random.choice([None, 60 * random.randrange(1, 1000)])
            case "points":
                value = random.choice([None, random.randrange(100)])
            case "due":
                value = random.choice([None, f"2026-{random.randrange(1, 13):02}-{random.randrange(1, 29):02}"])
            case "severity":
                value = random.choice([None, *tracker.knobs.severities.values()])
            case "reporter":
                value = random.choice(PEOPLE)
            case _:
                value = random.choice([None, self.word(what)])
        tracker.edit(ticket["id"], author=random.choice(PEOPLE), **{what: value})

    def _come_to_rest(self) -> None:
        super()._come_to_rest()
        check_files(self.world)


class PlannedInAStorm(Planned):
    """The same while every kind of call fails in every way, and people write all the while."""

    meddling = True
    faults = Stormy.faults


def check_files(world: World) -> None:
    """Every file stands at its ticket once in every tracker, byte for byte."""
    for links in world.links().values():
        found = {
            name: Counter(
                world.trackers[name].files.content(file["id"])
                for file in world.trackers[name].ticket(link.ref)["files"]
            )
            for name, link in links.items()
        }
        everything = set().union(*found.values())
        for name, contents in found.items():
            assert contents == Counter(everything), f"{links[name].key} on {name}: {contents}, of {everything}"


TestPlanned = Planned.TestCase
TestPlanned.settings = SETTINGS
TestPlannedInAStorm = PlannedInAStorm.TestCase
TestPlannedInAStorm.settings = SETTINGS
