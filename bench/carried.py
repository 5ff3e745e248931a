"""What a ticket carries beside its fields: what a comment, a link, a file and a conflict cost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from bench.figures import Bench, Figure, by
from bench.runs import Cycle, sync
from bench.world import World, a_world

#: Requests that read the history of tickets, in the three trackers; GitHub's list of events is a feed too, read once a cycle.
HISTORY = re.compile(r"/changelog|/timeline|/updates(\?|$)|expand=changelog", re.IGNORECASE)
EVENTS = "/issues/events"
FILE = b"%PDF-1.7 not really\n" * 500


def carried(bench: Bench) -> Iterator[Figure]:
    """Everything is added in Jira, to tickets that stand everywhere."""
    tickets = bench.edited
    with a_world() as world:
        bench.tell(f"filling three trackers with {tickets * 4} tickets")
        world.fill(tickets * 4)
        sync(world)
        idle = bench.rest(world)
        jira = world.simulators["jira"]
        keys = world.keys("jira")
        parts = [keys[start : start + tickets] for start in range(0, tickets * 4, tickets)]
        deeds: list[tuple[str, Sequence[str], Callable[[str], object]]] = [
            ("a comment", parts[0], lambda key: jira.comment(key, "Seen on staging too.")),
            ("a link", parts[1], lambda key: jira.link(key, parts[2][parts[1].index(key)])),
            ("a file", parts[2], lambda key: jira.attach(key, "log.pdf", FILE + key.encode())),
        ]
        for what, changed, deed in deeds:
            for key in changed:
                deed(key)
            yield from _cost(bench, world, idle, what, len(changed))
        yield from _conflicts(bench, world, parts[3])


def _cost(bench: Bench, world: World, idle: Cycle, what: str, tickets: int) -> Iterator[Figure]:
    world.let_pass(60)
    bench.tell(f"{what} added to {tickets} tickets in Jira")
    cycle, _ = sync(world)
    each = {name: (cycle.requests[name] - idle.requests[name]) / tickets for name in world.simulators}
    writes = {name: count / tickets for name, count in cycle.writes.items()}
    yield Figure(
        figure=f"{what} added to {tickets} tickets in jira: writes per ticket",
        measured=by(writes),
        target="0 in jira",
        reached=writes["jira"] == 0,
    )
    yield Figure(figure="… requests per ticket and side (feeds apart)", measured=by(each))
    histories = sum(_histories(cycle))
    yield Figure(figure="… history reads", target="0", measured=str(histories), reached=histories == 0)
    bench.rest(world)


def _conflicts(bench: Bench, world: World, keys: Sequence[str]) -> Iterator[Figure]:
    """Two people write the same field of the same tickets, in two trackers."""
    world.edit("jira", keys, "title", 7)
    twins = world.twins("jira", keys, "github")
    world.edit("github", twins, "title", 8)
    world.let_pass(60)
    bench.tell(f"titles of {len(keys)} tickets changed in Jira and on GitHub")
    cycle, _ = sync(world)
    conflicts = int(cycle.report["conflicts"])
    reads = _histories(cycle)
    yield Figure(
        figure=f"title of {len(keys)} tickets changed in two trackers: conflicts kept",
        target=str(len(keys)),
        measured=str(conflicts),
        reached=conflicts == len(keys),
    )
    most = sum(reads) / max(conflicts, 1)
    yield Figure(
        figure="… history reads per conflict, two sides together",
        target="<= 2",
        measured=f"{most:.2g}",
        reached=most <= 2,
    )
    bench.rest(world)


def _histories(cycle: Cycle) -> list[int]:
    paths = [[str(one["path"]) for one in log] for log in cycle.asked.values()]
    return [
        sum(HISTORY.search(path) is not None for path in log) + max(0, sum(path.endswith(EVENTS) for path in log) - 1)
        for log in paths
    ]
