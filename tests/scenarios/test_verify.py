"""`verify`: what the trackers show is compared with what is known, though no feed told of anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from sync.core.errors import BridgeBusy, Halted, Unreachable
from sync.core.ids import ReplicaName
from sync.core.linking import make_marker
from sync.core.models import Field
from sync.core.ports import Page
from sync.engine.session import held
from sync.engine.standing import Finding, Standing, VerifyReport
from sync.engine.verify import verify
from tests.scenarios.world import AZURE, GITHUB, JIRA, NAMES, SECRET, World, with_knobs


class Overlooking:
    """An adapter whose feed never tells of some tickets; listings and direct reads have them."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        self.overlooked: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    def pull(self, since: Any) -> Iterator[Page]:
        for page in self._adapter.pull(since):
            yield (
                page
                if since is None
                else replace(
                    page,
                    tickets=tuple(one for one in page.tickets if one.ref not in self.overlooked),
                    comments=tuple(one for one in page.comments if one.ticket not in self.overlooked),
                )
            )


def overlooked(world: World, name: ReplicaName, ref: str) -> None:
    """From now on the tracker's feed does not tell of the ticket."""
    replica = world.bridge.replicas[name]
    if not isinstance(replica.adapter, Overlooking):
        replica.adapter = Overlooking(replica.adapter)
    replica.adapter.overlooked.add(ref)


def quietly(world: World, name: ReplicaName, ref: str, **values: Any) -> None:
    """An edit that the feed does not tell of."""
    overlooked(world, name, ref)
    world.trackers[name].edit(ref, **values)


def linked(world: World, **native: Any) -> str:
    ref = world.trackers[JIRA].create(title="Refunds", text="one", **native)
    world.settle()
    return ref


def told(world: World, *fix: Standing) -> VerifyReport:
    world.clock.advance(60)
    before = world.writes()
    report = verify(world.bridge, fix)
    assert world.writes() == before
    return report


def standings(report: VerifyReport) -> list[tuple[ReplicaName, Standing]]:
    return [(one.replica, one.standing) for one in report.findings]


def the_only(report: VerifyReport) -> Finding:
    (finding,) = report.findings
    return finding


def test_a_bridge_in_step(world: World) -> None:
    """Every pair is counted, and nothing is found, with comments and files too."""
    ref = linked(world, labels=["x"])
    world.trackers[GITHUB].comment(world.twin(JIRA, ref, GITHUB), "hello", author="ada")
    world.trackers[JIRA].attach(ref, "log.txt", b"log")
    world.trackers[AZURE].create(title="Other", state="Doing", people=["grace"])
    world.settle()
    report = told(world)
    assert report.findings == ()
    assert report.in_step == dict.fromkeys(NAMES, 2)
    assert not sum(world.cycle().writes.values())


def test_what_no_feed_told_of_is_drift(world: World) -> None:
    """The field is shown with what should stand there and what does; looking changes nothing."""
    ref = linked(world)
    twin = world.twin(JIRA, ref, GITHUB)
    quietly(world, GITHUB, twin, title="Changed in silence")
    for _ in range(2):
        finding = the_only(told(world))
        assert (finding.replica, finding.standing, finding.key) == (GITHUB, Standing.DRIFTED, "ISSUE-1")
        assert [(one.field, one.expected, one.found) for one in finding.differences] == [
            (Field.TITLE, "Refunds", "Changed in silence")
        ]
    assert not sum(world.cycle().writes.values())


def test_drift_is_mended_as_an_edit(world: World) -> None:
    """With --fix the next cycle takes it for the edit that it is, and then all is in step."""
    ref = linked(world)
    quietly(world, GITHUB, world.twin(JIRA, ref, GITHUB), title="Changed in silence")
    assert told(world, Standing.DRIFTED).mended == 1
    world.settle()
    assert world.everywhere(JIRA, ref, "title") == ["Changed in silence"] * 3
    assert told(world).findings == ()
    with world.store.read() as tx:
        assert any(entry.action == "verify --fix" for entry in tx.audit.entries())


def test_another_class_is_left_alone(world: World) -> None:
    """Only what was named is mended."""
    ref = linked(world)
    quietly(world, GITHUB, world.twin(JIRA, ref, GITHUB), title="Changed in silence")
    assert told(world, Standing.LOST).mended == 0
    assert not sum(world.cycle().writes.values())


def test_a_comment_that_no_feed_told_of(world: World) -> None:
    """Comments of a ticket that were changed or added in silence are found and mended too."""
    ref = linked(world)
    said = world.trackers[JIRA].comment(ref, "hello")
    world.settle()
    overlooked(world, JIRA, ref)
    world.trackers[JIRA].edit_comment(said, "hello again")
    finding = the_only(told(world, Standing.DRIFTED))
    assert (finding.replica, finding.standing) == (JIRA, Standing.DRIFTED)
    assert "1 of its comments" in finding.reason
    world.settle()
    assert world.comments(GITHUB, world.twin(JIRA, ref, GITHUB))[0].endswith("hello again")


def test_an_edit_that_the_feed_tells_of_is_pending(world: World) -> None:
    """What the next sync does anyway is no drift, on either side."""
    ref = linked(world)
    world.trackers[JIRA].edit(ref, title="T")
    report = told(world)
    assert {one.standing for one in report.findings} == {Standing.PENDING}
    assert sum(report.in_step.values()) == 0
    world.settle()
    assert told(world).findings == ()


def test_what_is_not_there(world: World) -> None:
    """A ticket that its tracker does not find is lost; mending leaves the judgement to the cycles that follow."""
    ref = linked(world)
    twin = world.twin(JIRA, ref, GITHUB)
    world.trackers[GITHUB].delete(twin)
    finding = the_only(told(world))
    assert (finding.replica, finding.standing, finding.key) == (GITHUB, Standing.LOST, "ISSUE-1")
    told(world, Standing.LOST)
    report = world.cycle()
    assert any("not found" in problem.message or "not there" in problem.message for problem in report.problems)
    assert world.trackers[JIRA].ticket(ref)["title"] == "Refunds"


def test_our_copy_that_nothing_links(world: World) -> None:
    """An orphan is linked again by its marker, and no second copy is made."""
    ref = linked(world)
    twin = world.links()[next(iter(world.links()))][GITHUB]
    with world.store.begin() as tx:
        tx.links.remove(twin.id)
        from sqlalchemy import text

        tx.links._session.execute(text("DELETE FROM outbox"))
        tx.links._session.execute(text("DELETE FROM links WHERE id = :id"), {"id": twin.id})
    orphans = [one for one in told(world, Standing.ORPHAN).findings if one.standing is Standing.ORPHAN]
    assert [(one.replica, one.where, one.key, one.mends) for one in orphans] == [(GITHUB, twin.key, "ISSUE-1", True)]
    world.settle()
    assert world.twin(JIRA, ref, GITHUB) == twin.ref
    world.check_once()
    world.check_converged()


def test_a_second_copy_is_told_and_left(world: World) -> None:
    """Which of two is the right one is for a person to say."""
    ref = linked(world)
    ticket = next(iter(world.links()))
    second = world.trackers[GITHUB].create(title="Refunds", marker=make_marker(ticket, GITHUB, SECRET))
    overlooked(world, GITHUB, second)
    for _ in range(2):
        finding = the_only(told(world, Standing.ORPHAN))
        assert (finding.standing, finding.key, finding.mends) == (Standing.ORPHAN, "ISSUE-1", False)
        assert f"whose copy here is {world.links()[ticket][GITHUB].key}" in finding.reason
        assert not sum(world.cycle().writes.values())
    assert world.trackers[JIRA].ticket(ref)["title"] == "Refunds"


def test_a_ticket_that_no_feed_told_of(world: World) -> None:
    """It takes part and has no link; mended, it is copied once."""
    linked(world)
    other = world.trackers[AZURE].create(title="Overlooked")
    overlooked(world, AZURE, other)
    assert not world.cycle().pulled
    finding = the_only(told(world, Standing.NEVER))
    assert (finding.replica, finding.standing, finding.key) == (AZURE, Standing.NEVER, "")
    world.settle()
    assert world.native(AZURE, other, JIRA)["title"] == "Overlooked"
    world.check_once()


def test_a_tracker_that_is_down(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are compared, and the failure is told."""
    linked(world)

    def down(*_: object, **__: object) -> None:
        raise Unreachable("azure: no connection")

    monkeypatch.setattr(world.bridge.replicas[AZURE].adapter, "pull", down)
    report = told(world)
    assert [failure.replica for failure in report.failures] == [AZURE]
    assert report.in_step == {JIRA: 1, GITHUB: 1, AZURE: 0}


def test_no_cycle_runs_meanwhile(world: World) -> None:
    """A bridge that is being synced is not verified."""
    linked(world)
    with held(world.bridge), pytest.raises(BridgeBusy):
        verify(world.bridge)


def test_another_project(world: World) -> None:
    """A config that points elsewhere does not make every ticket lost."""
    linked(world)
    world.bridge.replicas[GITHUB].place = "acme/other"
    with pytest.raises(Halted, match="github was github and is acme/other now"):
        verify(world.bridge, {Standing.LOST})


def test_it_costs_batches(make_world: Callable[..., World]) -> None:
    """Forty tickets cost the same requests as ten: the feed and one listing of each tracker."""
    costs = []
    for tickets in (10, 40):
        world = make_world()
        for number in range(tickets):
            world.trackers[JIRA].create(title=f"Ticket {number}")
        world.settle()
        calls = Counter[str]()
        for replica in world.bridge.replicas.values():
            for call in ("fetch", "pull", "find", "history"):
                count_calls(replica.adapter, call, calls)
        assert told(world).findings == ()
        costs.append(calls)
    assert costs[0] == costs[1] == {"pull": 6}


def count_calls(adapter: Any, call: str, calls: Counter[str]) -> None:
    inner = getattr(adapter, call)

    def counted(*arguments: Any, **options: Any) -> Any:
        calls[call] += 1
        return inner(*arguments, **options)

    setattr(adapter, call, counted)


def test_a_poorer_tracker_is_in_step(make_world: Callable[..., World]) -> None:
    """What a tracker can't hold is no drift."""
    world = make_world(with_knobs(GITHUB, max_assignees=1))
    linked(world, state="Blocked", people=["ada"], priority="P1")
    assert told(world).findings == ()
