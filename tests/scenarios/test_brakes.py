"""What a brake stops, at exactly how many tickets, what it leaves behind, and how a person lifts it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from sync.engine.report import CycleReport
from sync.testing.memory import MemoryKnobs
from tests.scenarios.world import ALIKE, DIFFERENT, GITHUB, JIRA, World, with_knobs

ROWS = ("tickets", "comments", "links", "conflicts", "outbox", "audit", "attachments", "copies")


def linked(world: World, number: int, **native: object) -> list[str]:
    refs = [world.trackers[JIRA].create(title=f"T{one}", **native) for one in range(number)]
    world.settle(allow=True)
    return refs


def stored(world: World) -> str:
    """All that was decided so far, as the store holds it."""
    from sqlalchemy import text

    with world.store.read() as tx:
        rows = {name: tx.cursors._session.exec(text(f"SELECT * FROM {name}")).all() for name in ROWS}
    return json.dumps({name: sorted(map(str, found)) for name, found in rows.items()})


def halted(report: CycleReport) -> bool:
    assert not any(report.writes.values()) or not report.halts
    assert {halt.name for halt in report.halts} <= {"mass_change"}
    return bool(report.halts)


def close(world: World, ref: str) -> None:
    world.trackers[JIRA].edit(ref, state="Done")


def rename(world: World, ref: str) -> None:
    world.trackers[JIRA].edit(ref, title=f"{ref} again")


def rewrite(world: World, ref: str) -> None:
    world.trackers[JIRA].edit(ref, text="Other words")


def empty(world: World, ref: str) -> None:
    world.trackers[JIRA].edit(ref, labels=[])


def uncomment(world: World, ref: str) -> None:
    world.trackers[JIRA].delete_comment(world.trackers[JIRA].ticket(ref)["comments"][0]["id"])


def detach(world: World, ref: str) -> None:
    world.trackers[JIRA].detach(ref, world.trackers[JIRA].ticket(ref)["files"][0]["id"])


def lose(world: World, ref: str) -> None:
    world.trackers[GITHUB].delete(world.twin(JIRA, ref, GITHUB))


@pytest.mark.parametrize(
    ("effect", "tickets"),
    [(one, 12) for one in (close, rename, rewrite, empty, uncomment, detach, lose)] + [(close, 60)],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_it_trips_at_n_and_not_at_one_less(make_world: Callable[..., World], effect, tickets):
    """As many as are allowed go through; with one more nothing does, until somebody says that it is meant."""
    most = max(5, tickets // 10)
    world = make_world({name: replace(ALIKE[name], reports_gone=True) for name in (JIRA, GITHUB)})
    refs = [world.trackers[JIRA].create(title=f"T{one}", labels=["a"], text="Words") for one in range(tickets)]
    for ref in refs[: 2 * most + 1]:
        if effect is uncomment:
            world.trackers[JIRA].comment(ref, "hello")
        elif effect is detach:
            world.trackers[JIRA].attach(ref, "a.txt", ref.encode())
    world.settle(allow=True)
    wait = world.bridge.gone_after.total_seconds() if effect is lose else 60
    for ref in refs[:most]:
        effect(world, ref)
    if effect is lose:
        assert not halted(world.cycle())
    assert not halted(world.cycle(after=wait))
    world.settle()
    for ref in refs[most : 2 * most + 1]:
        effect(world, ref)
    if effect is lose:
        assert not halted(world.cycle())
    assert halted(world.cycle(after=wait))
    assert not halted(world.cycle(allow=True))
    world.settle()


def test_a_halted_cycle_leaves_nothing_behind(world):
    """No decision, conflict, request or entry in the log; the next cycle stops for the same reason, and so does the plan."""
    refs = linked(world, 8)
    for ref in refs:
        world.trackers[JIRA].edit(ref, title=f"{ref} in jira")
        world.trackers[GITHUB].edit(world.twin(JIRA, ref, GITHUB), title=f"{ref} in github")
    before = stored(world)
    first = world.cycle()
    assert halted(first)
    assert stored(world) == before
    assert [halt.message for halt in world.plan().halts] == [halt.message for halt in first.halts]
    assert stored(world) == before
    assert [halt.message for halt in world.cycle().halts] == [halt.message for halt in first.halts]
    assert stored(world) == before
    world.settle(allow=True)
    assert len(world.conflicts()) == 8
    world.check_converged()


def test_the_report_of_a_halted_cycle_is_kept(world):
    """What `trackdown status` shows: the guard, what it saw, and the mend."""
    for ref in linked(world, 6):
        close(world, ref)
    report = world.cycle()
    with world.store.read() as tx:
        run = tx.runs.last(world.bridge.name)
    assert [halt["name"] for halt in run.stats["halts"]] == ["mass_change"]
    assert report.halts[0].message == "this would close 6 of 6 linked tickets (at most 5 at once)"
    assert "--allow-mass-change" in report.halts[0].mend


def test_a_first_sync_and_a_first_meeting_are_no_mass_effect(make_world: Callable[..., World]):
    """Copies change nothing that anybody has; pairs that say of themselves that they are one were joined on purpose."""
    world = make_world(ALIKE)
    for number in range(8):
        ref = world.trackers[JIRA].create(title=f"T{number}", state="Done", text="Words")
        key = world.trackers[JIRA].ticket(ref)["number"]
        world.trackers[GITHUB].create(title=f"Other {number}", text=f"Mirrors: JIRA-{key}")
    assert not world.cycle().halts
    assert len(world.links()) == 8
    world.settle()
    assert not world.cycle().halts


def test_a_wiped_project(make_world: Callable[..., World]):
    """Every ticket of a project that can still be read is gone: told at the first sight, halted at the second, nothing follows."""
    world = make_world(with_knobs(GITHUB, reports_gone=True), on_delete="close")
    refs = linked(world, 12)
    for ref in refs:
        lose(world, ref)
    report = world.cycle()
    assert len(report.problems) == 12
    assert not report.halts
    for _ in range(2):
        report = world.cycle(after=300)
        assert [halt.message for halt in report.halts] == [
            "this would close 12 and unlink 12 of 12 linked tickets (at most 5 at once)"
        ]
    assert all(world.trackers[JIRA].ticket(ref)["state"] == "Open" for ref in refs)
    for payload in list(world.trackers[GITHUB]._rows.values()):
        payload.deleted = False
    world.cycle(after=300)
    report = world.cycle()
    assert not report.halts
    assert all(world.everywhere(JIRA, ref, "state")[:2] == ["Open", "Open"] for ref in refs)
    assert not any(world.settle().writes.values())


def test_another_mapping_is_neither_an_edit_nor_a_brake(make_world: Callable[..., World]):
    """A word that means something else from now on changes no ticket: what stands there is read anew as what was agreed."""
    world = make_world(DIFFERENT)
    linked(world, 12, state="Review")
    replica = world.bridge.replicas[JIRA]
    other = MemoryKnobs(statuses={**MemoryKnobs().statuses, "blocked": "Review", "review": "Blocked"})
    world.reopen()
    replica = world.bridge.replicas[JIRA]
    replica.mapping_file = other.mapping()
    report = world.cycle()
    assert not report.halts
    assert not any(report.writes.values())
    world.clock.advance(timedelta(days=2).total_seconds())
    report = world.cycle()
    assert not report.halts
    assert not any(report.writes.values())


def test_everything_else_goes_through_when_it_is_lifted_once(world):
    """The brake is lifted for one cycle: the next mass change stops again."""
    refs = linked(world, 6)
    for ref in refs:
        close(world, ref)
    assert halted(world.cycle())
    world.settle(allow=True)
    for ref in refs:
        rename(world, ref)
    assert halted(world.cycle())
