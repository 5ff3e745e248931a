"""The law of plans: what a plan shows is what the next cycle does, if nobody interferes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from sync.engine.cycle import plan_cycle, run_cycle
from sync.engine.effects import ACTIONS, effects, writes_of
from sync.engine.report import CycleReport, PlanReport
from sync.engine.runtime import Bridge
from sync.store.naming import in_words

#: A guard that lets something wait, and does not stop the cycle.
WAITS = "deletion"


def check_foretold(bridge: Bridge, run: Callable[[], CycleReport] | None = None) -> tuple[PlanReport, CycleReport]:
    """Plan, run, and compare: writes field by field, conflicts, halts and problems (those of the pull are told where it was pulled)."""
    plan = plan_cycle(bridge)
    report = (run or partial(run_cycle, bridge))()
    with bridge.store.read() as tx:
        done = effects(writes_of(tx, report.run))
        conflicts = Counter(
            (one.field, in_words(tx, one.proposed), one.state == "settled")
            for one in tx.conflicts.list(bridge.name)
            if one.run == report.run
        )
    foretold = effects(plan.writes)
    stopped = [one for one in report.halts if one.name != WAITS]
    assert [(one.name, one.message) for one in plan.halts] == [(one.name, one.message) for one in report.halts]
    if any(one.name == WAITS for one in report.halts):
        waiting = {one.key for one in foretold if one.action == "delete"}
        foretold = Counter({one: n for one, n in foretold.items() if one.key not in waiting})
    assert done == (Counter() if stopped else foretold), (
        f"not foretold: {sorted(map(str, done - foretold))}\nnot done: {sorted(map(str, foretold - done))}"
    )
    if not stopped:
        assert len(plan.conflicts) == report.conflicts
        assert conflicts <= Counter((one.field, one.proposed, one.settled) for one in plan.conflicts)
        told, shown = [Counter((one.replica, one.message) for one in each.problems) for each in (report, plan)]
        assert told <= shown, f"problems that were not foretold: {told - shown}"
    assert {write.action for write in plan.writes} <= set(ACTIONS.values())
    return plan, report
