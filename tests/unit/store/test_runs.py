"""Runs: what did something is remembered for ever, what did nothing for a month."""

from __future__ import annotations

from datetime import timedelta

from sync.core.ids import BridgeName, ReplicaName
from sync.core.models import Canonical
from sync.core.ports import NativeOp, OpKind
from sync.store import runs
from sync.store.runs import FORGET_EVERY, IDLE_FOR

B = BridgeName("payments")


def run(store, **acts):
    """One run that does this."""
    with store.begin() as tx:
        run = tx.runs.start(B)
        if "sends" in acts:
            ticket = tx.tickets.create(B, Canonical(fields={})).id
            op = NativeOp(kind=OpKind.UPDATE, action="a", summary="s", payload={})
            tx.outbox.add(run=run, bridge=B, replica=ReplicaName("jira"), ticket=ticket, op=op)
        if "decides" in acts:
            tx.audit.append(phase="decision", action="merge", run=run)
        if "dies" not in acts:
            tx.runs.finish(run, {})
    return run


def test_idle_runs_are_forgotten_after_a_while(store, clock, monkeypatch):
    """Runs with requests, decisions or no end stay; ids go on counting."""
    monkeypatch.setattr(runs, "FORGET_EVERY", 10)
    idle = [run(store), run(store)]
    kept = [run(store, sends=True), run(store, decides=True), run(store, dies=True)]
    clock.turn(IDLE_FOR + timedelta(seconds=1))
    young = [run(store) for _ in range(4)]
    with store.read() as tx:
        assert len(tx.runs.list(B)) == 9
    tenth = run(store)
    assert tenth == "R-10"
    with store.read() as tx:
        assert [one.id for one in tx.runs.list(B)] == [tenth, *reversed(young), *reversed(kept)]
        assert all(tx.runs.get(one) is None for one in idle)
    clock.turn(2 * IDLE_FOR)
    assert [run(store) for _ in range(10)][-1] == "R-20"
    assert FORGET_EVERY >= 100
