"""Whole histories through the real adapters, and that they are what they say: repeatable, shortened rightly, judged sharply."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from tests.wire.history import Teller, run_history
from tests.wire.oracle import Ledger, everything
from tests.wire.people import People
from tests.wire.shrink import shortest
from tests.wire.steps import Cycle, Deed, History, Strike, drawn, parts_of
from tests.wire.world import world

#: A slice; `python -m tests.wire` does the volume.
SEEDS = (1, 2, 4, 5, 6, 8, 10, 11, 7042, 20057)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_promise_is_kept(seed: int) -> None:
    """Whatever people did and went wrong: nothing is lost, all come to the same, everything is accounted for."""
    history = drawn(seed)
    result = run_history(history)
    assert not result.breaks, (result.breaks, history.steps)
    assert result.counts["writes"] > 0


def test_a_seed_is_one_history() -> None:
    """Done twice, every request is sent at the same moment with the same bytes, and meets the same fate."""
    one, other = run_history(drawn(7)), run_history(drawn(7))
    assert one.sent == other.sent
    assert one.struck == other.struck
    assert len(one.sent) > 20


def test_a_history_can_be_written_down() -> None:
    """What a file holds is the same history."""
    history = drawn(9)
    assert History.from_json(json.loads(json.dumps(asdict(history)))) == history


def test_the_shortest_history_has_what_it_fails_by() -> None:
    """What does not matter goes, deeds as well as faults; what matters stays."""
    history = next(one for one in map(drawn, range(1000)) if _has_late_write(one) and len(one) > 15)
    least = shortest(history, lambda one: _has_late_write(one) and any(isinstance(step, Deed) for step in one.steps))
    assert len(least) == 3
    assert [type(step) for step in least.steps] in ([Deed, Cycle], [Cycle, Deed])


def _has_late_write(history: History) -> bool:
    cycles = [step for step in history.steps if isinstance(step, Cycle)]
    return any(strike.kind == "late" for cycle in cycles for strike in cycle.strikes)


def test_the_oracle_sees_what_is_wrong() -> None:
    """A value put back behind the bridge's back, a ticket that nobody links, and a write without an intent are all told."""
    with world("clouds", 1) as there:
        people = People(world=there)
        teller = Teller(world=there, people=people, audit=Ledger(world=there))
        steps = (
            Deed(id=1, place="jira", what="create", number=5),
            Cycle(wait=60),
            Deed(id=2, place="github", what="title"),
            Cycle(wait=60),
        )
        there.wire.watch = teller.audit.look
        assert teller.tell(History(seed=1, flavour="clouds", small_pages=False, steps=steps)) == []
        there.hands["azure"].edit("1", "title", "t1z")
        there.hands["github"].create("t9z", (), (), "Task")
        there.wire.watch("jira", _Anything())
        kinds = {line.partition(":")[0] for line in everything(there, people, teller.audit)}
    assert {"lost", "apart", "once", "audit"} <= kinds


class _Anything:
    method, url = "PUT", "http://127.0.0.1:8001/rest/api/3/issue/10001"


def test_parts_of_a_cycle() -> None:
    """A cycle counts with each of its disturbances."""
    strikes = tuple(Strike(place="jira", way="read", after=number, kind="500") for number in range(3))
    assert len(parts_of(Cycle(wait=1, strikes=strikes))) == 4
