"""I9: the same pages any number of times, in any order, with older ones among them, come to the same as each of them once.

One seed is told twice: once with the pages as the trackers give them, once with a wrapper around each adapter that repeats and
shuffles pages and rows, and puts in rows of earlier pulls. `python -m tests.simulation.rings.streams --streams 1000`, or `--seed 17`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

from sync.core.guard import Limits
from sync.core.ids import Cursor
from sync.core.policy import MergePolicy
from sync.core.ports import Page
from sync.engine.cycle import run_cycle
from sync.store.convert import fields_to_json
from sync.testing.memory import MemoryKnobs
from tests.simulation.drawing import NAMES, Setting, draw_edit, draw_knobs
from tests.simulation.world import BRIDGE, World

#: Cycles at the end, in which nobody does anything and every page comes once.
CALM = 4
#: Pages of earlier pulls that may come once more.
OLD = 12


@dataclass(slots=True)
class Stirred:
    """An adapter whose pages come several times, out of order, and with rows of earlier pulls in between.

    With `late`, older rows may come after newer ones of the same ticket in one pull, else before all of them. No cursor is given
    before the pages that it stands for.
    """

    adapter: Any
    random: Random
    late: bool
    stops: bool = False
    earlier: list[Page] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.adapter, name)

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """See `Adapter`."""
        if self.stops:
            yield from self.adapter.pull(since)
            return
        pages = list(self.adapter.pull(since))
        old = self.random.sample(self.earlier, min(len(self.earlier), self.random.choice((0, 1, 3))))
        again = self.random.choices(pages, k=self.random.choice((0, 1, 3)))
        told = [*pages, *again, *(old if self.late else ())]
        self.random.shuffle(told)
        told = told if self.late else [*old, *told]
        self.counts.update(pages=len(pages), again=len(again), older=len(old), pulls=1)
        start = since or Cursor("")
        for number, page in enumerate(told, 1):
            cursor = pages[-1].cursor if number == len(told) else start
            yield self._shuffled(replace(page, cursor=cursor)) if cursor else self._shuffled(page)
        self.earlier = [*self.earlier, *pages][-OLD:]

    def _shuffled(self, page: Page) -> Page:
        tickets = self.random.choices(page.tickets, k=self.random.randrange(3)) if page.tickets else []
        comments = self.random.choices(page.comments, k=self.random.randrange(3)) if page.comments else []
        rows = [*page.tickets, *tickets], [*page.comments, *comments]
        for one in rows:
            self.random.shuffle(one)
        return replace(page, tickets=tuple(rows[0]), comments=tuple(rows[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamResult:
    """What one stream came to: nothing in `differs` where the order of pages was of no matter."""

    seed: int
    differs: tuple[str, ...]
    counts: Counter[str]


def tell_stream(seed: int, *, late: bool = False) -> StreamResult:
    """Tell it once as it is and once stirred, and compare what is stored and what stands in the trackers."""
    plain, _ = _told(seed, stirred=False)
    found, counts = _told(seed, stirred=True, late=late)
    differs = [f"{name}: {found[name]} is not {plain[name]}" for name in plain if plain[name] != found[name]]
    return StreamResult(seed=seed, differs=tuple(differs), counts=counts)


def _told(seed: int, *, stirred: bool, late: bool = False) -> tuple[dict[str, str], Counter[str]]:
    random = Random(seed)
    setting = _setting(random)
    counts: Counter[str] = Counter(streams=1)
    with closing(World(setting)) as world:
        world.bridge.limits = Limits(allow_mass_change=True)
        adapters: list[Stirred] = []
        for number, replica in enumerate(world.bridge.replicas.values() if stirred else ()):
            adapters.append(Stirred(replica.adapter, Random(seed * 31 + number), late, counts=counts))
            replica.adapter = adapters[-1]
        for _ in range(random.randrange(2, 8)):
            for _ in range(random.choice((0, 1, 2, 3))):
                edit = draw_edit(random, len(world.trackers))
                world.act(replace(edit, what="create") if not world.edits else edit)
            _cycle(world, random.choice((5, 60, 400)))
        for adapter in adapters:
            adapter.stops = True
        for _ in range(CALM):
            _cycle(world, 400)
        return _contents(world), counts


def _setting(random: Random) -> Setting:
    names = NAMES[: random.choice((2, 2, 3))]
    # Small pages, so that there are some to be shuffled; and nothing that takes its time, so that both are told alike.
    knobs: dict[Any, MemoryKnobs] = {
        name: replace(draw_knobs(random), page_size=random.choice((1, 2, 3)), list_lag=timedelta()) for name in names
    }
    return Setting(
        knobs=knobs,
        directions={},
        policy=MergePolicy(order=names),
        poisoned=None,
        settle=timedelta(minutes=5),
        call=0.0,
        clocks_known=True,
    )


def _cycle(world: World, wait: float) -> None:
    world.advance(wait)
    world.cycles += 1
    run_cycle(world.bridge)


def _contents(world: World) -> dict[str, str]:
    """What has to be the same, as text: tickets, comments, conflicts, the log but for its hashes, and the trackers."""
    with world.store.read() as tx:
        records = list(tx.tickets.list(BRIDGE))
        found: dict[str, Any] = {
            "tickets": [(one.id, one.dirty, fields_to_json(one.canonical.fields)) for one in records],
            "comments": [
                (one.id, one.deleted, fields_to_json(one.canonical.fields))
                for record in records
                for one in tx.comments.of(record.id, deleted=True)
            ],
            "conflicts": [(one.id, one.state, str(one.field)) for one in tx.conflicts.list(BRIDGE)],
            "undecided": tx.inbox.pending(BRIDGE),
        }
        if not world.edits["delete"]:  # that a ticket is gone is found out earlier by who reads it directly
            found["log"] = [
                (one.phase, one.action, str(one.ticket), one.replica, one.before, one.after, one.note)
                for one in tx.audit.entries()
            ]
    found["trackers"] = [tracker.tickets() for tracker in world.trackers.values()]
    return {name: json.dumps(value, sort_keys=True, default=str) for name, value in found.items()}


def main(arguments: list[str] | None = None) -> int:
    """0 where every stream came to the same, 1 where one did not."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.rings.streams", description=__doc__)
    parser.add_argument("--streams", type=int, default=1000, help="how many seeds to tell (default 1000)")
    parser.add_argument("--start", type=int, default=0, help="the first of them")
    parser.add_argument("--late", action="store_true", help="older rows come after newer ones in one pull, too")
    parser.add_argument("--seed", type=int, help="tell this one again, and what differs in full")
    given = parser.parse_args(arguments)
    if given.seed is not None:
        result = tell_stream(given.seed, late=given.late)
        print("\n".join(result.differs) or "the same")
        return 1 if result.differs else 0
    started, counts, failed = time.monotonic(), Counter[str](), []
    for seed in range(given.start, given.start + given.streams):
        result = tell_stream(seed, late=given.late)
        counts.update(result.counts)
        failed += [result] if result.differs else []
    seconds = time.monotonic() - started
    print(f"{given.streams:,} streams in {seconds:,.0f} s ({given.streams / seconds:.1f} a second)")
    print(", ".join(f"{count:,} {name}" for name, count in counts.items()))
    print(f"failed: {len(failed)}")
    for result in failed:
        print(f"  seed {result.seed}: {', '.join(one.partition(':')[0] for one in result.differs)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
