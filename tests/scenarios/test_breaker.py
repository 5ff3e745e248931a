"""The circuit breaker: a tracker that fails is left alone, a ticket that fails is not its fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sync.core.errors import AuthFailed, Retryable, Uncertain, Unreachable
from sync.engine.breaker import rest, resting
from tests.scenarios.world import AZURE, GITHUB, JIRA, World


class Failing:
    """An adapter that raises what `error` says for a call, if anything."""

    def __init__(self, adapter: Any, error: Callable[[str, tuple[Any, ...]], Exception | None]) -> None:
        self._adapter = adapter
        self._error = error

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            if (error := self._error(name, args)) is not None:
                raise error
            return getattr(self._adapter, name)(*args, **kwargs)

        return self._adapter.traffic if name == "traffic" else call


def world_with(folder, error):
    """A bridge whose Azure fails as `error` says."""
    return World(folder, wrap=lambda name, adapter: Failing(adapter, error) if name == AZURE else adapter)


def turn(world, *, after=61.0):
    """One turn of the daemon: who rests takes no part; whether Azure did."""
    world.clock.advance(after)
    world.bridge.resting = frozenset(record.replica for record in resting(world.bridge))
    world.cycle(after=0)
    return AZURE not in world.bridge.resting


@pytest.mark.parametrize(
    ("kind", "minutes"),
    [("unreachable", [None, None, 1, 2, 4, 8, 15, 15]), ("auth", [5, 10, 20, 40, 60, 60])],
)
def test_rests_grow_up_to_a_bound(kind, minutes):
    """Two failures in a row are tried again at once; credentials that are not known rest from the first time on, and longer."""
    found = [rest(kind, failures) for failures in range(1, len(minutes) + 1)]
    assert found == [None if one is None else timedelta(minutes=one) for one in minutes]
    assert rest(kind, 10_000) == rest(kind, len(minutes))


def test_a_tracker_that_fails_is_left_alone_and_then_tried_once(tmp_path):
    """It opens at the third failure, each probe that fails doubles the rest, a restart remembers, and one success closes it."""
    down = [True]

    def error(call, _args):
        return Unreachable("no connection") if call == "pull" and down[0] else None

    world = world_with(tmp_path, error)
    world.trackers[JIRA].create(title="Goes on")
    took_part = [turn(world) for _ in range(5)]
    world.reopen(wrap=lambda name, adapter: Failing(adapter, error) if name == AZURE else adapter)
    took_part += [turn(world) for _ in range(5)]
    # Failures at 1, 2 and 3; then a minute of rest, two, four.
    assert took_part == [True, True, True, True, False, True, False, False, False, True]
    (record,) = resting(world.bridge)
    assert (record.replica, record.state, record.failures) == (AZURE, "failing", 6)
    assert len(list(world.trackers[GITHUB].tickets())) == 1
    down[0] = False
    assert turn(world, after=900)
    assert resting(world.bridge) == ()
    with world.store.read() as tx:
        record = tx.replicas.get(world.bridge.name, AZURE)
    assert (record.state, record.failures, record.not_before, record.last_error) == ("ok", 0, None, None)
    assert len(list(world.trackers[AZURE].tickets())) == 1


def test_credentials_that_are_not_known_are_not_tried_again_and_again(tmp_path):
    """One refusal opens the breaker for five minutes: many of them lock accounts."""
    world = world_with(tmp_path, lambda call, _: AuthFailed("who are you") if call in ("probe", "pull") else None)
    assert [turn(world) for _ in range(6)] == [True, False, False, False, False, True]
    (record,) = resting(world.bridge)
    assert record.state == "auth"


def test_a_cycle_that_is_asked_for_tries_in_spite_of_the_rest(tmp_path):
    """Who runs a cycle without naming who rests gets a probe of everything, and a success closes the breaker."""
    down = [True]
    world = world_with(tmp_path, lambda call, _: Unreachable("no") if call == "pull" and down[0] else None)
    for _ in range(4):
        turn(world)
    assert resting(world.bridge)
    down[0] = False
    world.bridge.resting = frozenset()
    assert world.cycle(after=0).failures == []
    assert resting(world.bridge) == ()


def test_one_poisoned_ticket_opens_nothing(tmp_path):
    """A ticket that the tracker stumbles over every time is told of; the others are written, and the tracker is well."""
    poisoned: list[str] = []

    def error(call, args):
        return Retryable("internal error") if call == "fetch" and poisoned and poisoned[0] in args[0] else None

    # GitHub has no conditional writes: it is read before each write.
    world = World(tmp_path, wrap=lambda name, adapter: Failing(adapter, error) if name == GITHUB else adapter)
    refs = [world.trackers[JIRA].create(title=f"Ticket {number}") for number in range(4)]
    world.settle()
    poisoned.append(world.twin(JIRA, refs[1], GITHUB))
    with world.store.read() as tx:
        ticket = tx.tickets.get(tx.links.by_ref(world.bridge.name, JIRA, refs[1]).ticket).key
    for turns in range(3):
        for ref in refs:
            world.trackers[JIRA].edit(ref, title=f"{ref} edited {turns}")
        report = world.cycle()
        assert report.failures == []
        assert {problem.place for problem in report.problems} == {f"github copy of {ticket}"}
        assert world.native(JIRA, refs[3], GITHUB)["title"] == f"{refs[3]} edited {turns}"
    assert resting(world.bridge) == ()
    poisoned.clear()
    world.settle()
    assert world.native(JIRA, refs[1], GITHUB)["title"] == f"{refs[1]} edited 2"
    with world.store.read() as tx:
        assert tx.problems.open(world.bridge.name) == []


def test_one_poisoned_ticket_does_not_hold_up_what_is_recovered(tmp_path):
    """A lost answer whose ticket can't be read stays open by itself: the others are found out, and the tracker is well."""
    lost: list[str] = []
    poisoned: list[str] = []

    def error(call, args):
        if call == "write" and lost:
            poisoned[:] = lost
            return Uncertain("no answer")
        return Retryable("internal error") if call == "fetch" and poisoned and poisoned[0] in args[0] else None

    world = World(tmp_path, wrap=lambda name, adapter: Failing(adapter, error) if name == GITHUB else adapter)
    refs = [world.trackers[JIRA].create(title=f"Ticket {number}") for number in range(3)]
    world.settle()
    for ref in refs:
        world.trackers[JIRA].edit(ref, title=f"{ref} edited")
    lost.append(world.twin(JIRA, refs[0], GITHUB))
    assert world.cycle().failures == []
    lost.clear()
    assert world.cycle().failures == []
    with world.store.read() as tx:
        assert [str(row.op.ref) for row in tx.outbox.unfinished(world.bridge.name)] == poisoned
    assert world.native(JIRA, refs[2], GITHUB)["title"] == f"{refs[2]} edited"
    poisoned.clear()
    world.settle()
    world.check_converged()


def test_a_tracker_that_fails_for_every_ticket_is_the_one_to_blame(tmp_path):
    """Two tickets one after the other are no coincidence: the rest of the cycle does without the tracker."""
    down = [False]
    asked: list[str] = []

    def error(call, args):
        if call == "fetch" and down[0]:
            asked.append(args[0][0])
            return Retryable("internal error")
        return None

    world = World(tmp_path, wrap=lambda name, adapter: Failing(adapter, error) if name == GITHUB else adapter)
    refs = [world.trackers[JIRA].create(title=f"Ticket {number}") for number in range(5)]
    world.settle()
    down[0] = True
    for ref in refs:
        world.trackers[JIRA].edit(ref, title=f"{ref} edited")
    report = world.cycle()
    assert [failure.replica for failure in report.failures] == [GITHUB]
    assert len(asked) == 2
    down[0] = False
    world.settle()
    world.check_converged()
