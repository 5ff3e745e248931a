"""The figures, each a count or a ratio of one run."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from bench.runs import Cycle, Failed, idle_cpu, plan, sync
from bench.world import Edited, World, a_world

SMALL, LARGE = 1_000, 10_000
EDITED = 50
#: Cycles that a bridge may take to come to rest.
PATIENCE = 5

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table; `reached` is None where there is no target."""

    figure: str
    measured: str
    target: str = ""
    reached: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What to measure with: tickets of the small and the large project, tickets edited at a time, whom to tell."""

    small: int = SMALL
    large: int = LARGE
    edited: int = EDITED
    tell: Tell

    def sizes(self) -> Iterator[Figure]:
        """The first sync of both projects, the cycle after it, and the idle cycle of each; edits in the small one."""
        with a_world() as world:
            yield from self._first(world, self.small)
            small = yield from self._idle(world, self.small)
            yield from self._edits(world)
        with a_world() as world:
            yield from self._first(world, self.large, memory=True)
            large = yield from self._idle(world, self.large)
        yield Figure(
            figure=f"idle cycle: processor seconds with {self.large} tickets / with {self.small}",
            target="< 1.5 (flat)",
            measured=f"{large / small:.2f} ({large * 1000:.0f} ms / {small * 1000:.0f} ms)",
            reached=large / small < 1.5,
        )

    def pull(self) -> Iterator[Figure]:
        """The first pull of GitHub issues, one every half a minute, no pull requests among them, a comment on every third."""
        with a_world(("github", "jira")) as world:
            for number in range(self.small):
                issue = world.add_github_issue(number)
                if number % 3 == 0:
                    world.simulators["github"].comment(issue, "Seen on staging too.")
                world.let_pass(30)
            world.let_pass()
            asked = [one["path"] for one in plan(world)["github"]]
        lists = sum(path.endswith("/issues") for path in asked)
        comments = sum(path.endswith("/issues/comments") for path in asked)
        tickets = sum(re.search(r"/issues/\d+", path) is not None for path in asked)
        pages, comment_pages = -(-self.small // 100), -(-self.small // 300)
        yield Figure(
            figure=f"first pull of {self.small} GitHub issues: list pages",
            target=f"<= {pages}",
            measured=str(lists),
            reached=lists <= pages,
        )
        yield Figure(
            figure="… comment pages (a comment on every third)",
            target=f"<= {comment_pages}",
            measured=str(comments),
            reached=comments <= comment_pages,
        )
        yield Figure(figure="… requests per ticket", target="0", measured=str(tickets), reached=tickets == 0)
        others = len(asked) - lists - comments - tickets
        yield Figure(figure="… requests to get to know the project, once a day", measured=str(others))

    # -- one project ---------------------------------------------------------------------------------------

    def _first(self, world: World, tickets: int, *, memory: bool = False) -> Iterator[Figure]:
        self.tell(f"filling three trackers with {tickets} tickets")
        world.fill(tickets)
        self.tell(f"first sync of {tickets} tickets, a third written in each tracker")
        first, process = sync(world)
        linked = world.linked()
        if set(linked.values()) != {tickets} or first.report["problems"]:
            raise Failed(f"the first sync linked {dict(linked)} of {tickets}: {first.report['problems'][:3]}")
        seconds = first.report["seconds"]
        writes = sum(first.writes.values())
        yield Figure(
            figure=f"first sync of {tickets} tickets, a third written in each tracker (real, not seeded)",
            measured=f"{writes} writes, {sum(first.requests.values())} requests, {tickets / seconds:.1f} tickets/s",
        )
        if memory:
            yield Figure(
                figure=f"memory of a first sync of {tickets} tickets: peak of the trackdown process",
                target="< 250 MB",
                measured=f"{process.peak:.0f} MB",
                reached=process.peak < 250,
            )
        yield from self._after(world, f"the first sync of {tickets}")

    def _after(self, world: World, what: str) -> Iterator[Figure]:
        world.let_pass(60)
        after, _ = sync(world)
        writes = sum(after.writes.values())
        yield Figure(figure=f"writes of the cycle after {what}", target="0", measured=str(writes), reached=writes == 0)

    def _idle(self, world: World, tickets: int) -> Generator[Figure, None, float]:
        """Returns the processor seconds. An hour later and one edit on, so that no feed looks back to the first sync."""
        world.let_pass()
        for tracker in world.simulators:
            world.edit(tracker, world.keys(tracker)[:1], "title", 0)
            self.rest(world)
        idle = self.rest(world)
        most = max(idle.requests.values())
        yield Figure(
            figure=f"idle cycle, {tickets} tickets in each of 3 trackers: requests by tracker",
            target="<= 2 each",
            measured=by(idle.requests),
            reached=most <= 2,
        )
        writes = sum(idle.writes.values())
        yield Figure(figure="… writes", target="0", measured=str(writes), reached=writes == 0)
        return idle_cpu(world)

    def rest(self, world: World) -> Cycle:
        """Cycles until one has nothing to do; that one."""
        for _ in range(PATIENCE):
            world.let_pass(60)
            cycle, _ = sync(world)
            if not cycle.report["pulled"] and not sum(cycle.writes.values()):
                return cycle
        raise Failed(f"still not at rest after {PATIENCE} cycles: {cycle.report}")

    # -- edits ---------------------------------------------------------------------------------------------

    def _edits(self, world: World) -> Iterator[Figure]:
        idle = self.rest(world)
        for round_, tracker in enumerate(world.simulators):
            yield from self._edit(world, idle, tracker, "title", round_)
        for round_, tracker in enumerate(world.simulators):
            yield from self._edit(world, idle, tracker, "status", round_)

    def _edit(self, world: World, idle: Cycle, tracker: str, what: Edited, round_: int) -> Iterator[Figure]:
        """The cycle that carries the edits over and the one that sees the echo; the feeds, which are read anyway, count apart."""
        first = round_ * self.edited
        keys = world.keys(tracker)[first : first + self.edited]
        world.edit(tracker, keys, what, round_ + 1)
        world.let_pass(60)
        self.tell(f"{what} of {len(keys)} tickets changed in {tracker}")
        cycle, _ = sync(world)
        world.let_pass(60)
        echo, _ = sync(world)
        others = {name: count / len(keys) for name, count in cycle.writes.items() if name != tracker}
        each = {name: (cycle.requests[name] - idle.requests[name]) / len(keys) for name in world.simulators}
        echoes = {name: echo.requests[name] - idle.requests[name] for name in world.simulators}
        is_bound = what == "title"
        exactly = max(others.values()) == min(others.values()) == 1 and cycle.writes[tracker] == 0
        yield Figure(
            figure=f"{what} of {len(keys)} tickets changed in {tracker}: writes per ticket on the others",
            target="1 each" if is_bound else "",
            measured=by(others),
            reached=exactly if is_bound else None,
        )
        yield Figure(
            figure="… requests per ticket and side (feeds apart)",
            target="<= 2 each" if is_bound else "",
            measured=by(each),
            reached=max(each.values()) <= 2 if is_bound else None,
        )
        writes = sum(echo.writes.values())
        yield Figure(
            figure="… writes of the cycle after (which reads the echo, in batches)",
            target="0",
            measured=f"{writes} (requests beyond the feeds: {by(echoes)})",
            reached=writes == 0,
        )


def by(counts: dict[str, int] | dict[str, float]) -> str:
    """Numbers by tracker."""
    return ", ".join(f"{name} {count:.3g}" for name, count in counts.items())
