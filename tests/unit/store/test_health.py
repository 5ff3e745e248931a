"""Problems, replicas and runs: what `status` speaks of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sync.core.errors import InvariantBroken
from sync.core.ids import BridgeName, NativeRef, ReplicaName, RunId, TicketId
from sync.core.models import Field
from sync.store.records import ReplicaRecord

B, OTHER, JIRA, GITHUB = BridgeName("payments"), BridgeName("other"), ReplicaName("jira"), ReplicaName("github")


def report(tx, **more):
    values = {"bridge": B, "replica": JIRA, "ref": NativeRef("ref-1"), "kind": "decode", "message": "no such status"}
    return tx.problems.report(**{**values, **more})


def test_the_same_problem_is_counted(store, clock):
    """The same message about the same place is one problem; another field or message is another one."""
    with store.begin() as tx:
        first = report(tx, mend="map it", field=Field.STATUS)
        clock.turn(timedelta(hours=1))
        again = report(tx, mend="map it better", field=Field.STATUS)
        assert again == replace(first, times=2, last_seen=clock(), mend="map it better")
        assert report(tx, field=Field.TYPE).id != first.id
        assert report(tx, message="no such type", field=Field.STATUS).times == 1
        assert report(tx, replica=None, ref=None, message="\0odd").message == "\ufffdodd"
        assert [problem.times for problem in tx.problems.open(B)] == [2, 1, 1, 1]
        assert tx.problems.open(OTHER) == []


def test_problems_are_cleared_by_place(store, clock):
    """Only what matches everything that is given is closed, and it opens again when it comes back."""
    with store.begin() as tx:
        first = report(tx)
        report(tx, ref=NativeRef("ref-2"))
        report(tx, kind="write", ticket=TicketId("t"))
        report(tx, replica=GITHUB, ref=None, kind="pull")
        assert tx.problems.clear(B, JIRA, ref=NativeRef("ref-1"), kind="decode") == 1
        assert tx.problems.clear(B, JIRA, ref=NativeRef("ref-1"), kind="decode") == 0
        assert tx.problems.clear(OTHER) == 0
        assert len(tx.problems.open()) == 3
        assert tx.problems.clear(B, ticket=TicketId("t")) == 1
        assert tx.problems.clear(B, GITHUB) == 1
        assert report(tx) == replace(first, times=2)
        assert len(tx.problems.open(B)) == 2


def test_a_replica_is_remembered(store, clock):
    """The last state that was saved is the one that is read."""
    record = ReplicaRecord(bridge=B, replica=JIRA, kind="jira")
    known = replace(
        record,
        state="failing",
        last_success=clock(),
        last_error="503",
        failures=3,
        not_before=clock() + timedelta(minutes=1),
        feeds=2,
        details={"account": "bot", "offset": -0.5},
    )
    with store.begin() as tx:
        assert tx.replicas.get(B, JIRA) is None
        tx.replicas.save(record)
        assert tx.replicas.get(B, JIRA) == record
        tx.replicas.save(known)
        tx.replicas.save(replace(record, replica=GITHUB, kind="github"))
    with store.read() as tx:
        assert tx.replicas.get(B, JIRA) == known
        assert [found.replica for found in tx.replicas.list(B)] == ["github", "jira"]
        assert tx.replicas.list(OTHER) == []


def test_runs_count_up(store, clock):
    """A run can be typed, and is unfinished until somebody finishes it."""
    with store.begin() as tx:
        assert tx.runs.last(B) is None
        first = tx.runs.start(B)
        clock.turn(timedelta(seconds=9))
        tx.runs.finish(first, {"pulled": 3})
        second = tx.runs.start(B)
        assert (first, second) == ("R-1", "R-2")
        done = tx.runs.get(first)
        assert (done.finished_at - done.started_at, done.stats) == (timedelta(seconds=9), {"pulled": 3})
        assert tx.runs.last(B).id == second
        assert tx.runs.last(B).finished_at is None
        assert [run.id for run in tx.runs.list(B, limit=1)] == [second]
        assert tx.runs.get(RunId("R-9")) is None


def test_one_run_may_cover_several_bridges(store):
    """Each bridge of a run is finished with numbers of its own."""
    with store.begin() as tx:
        run = tx.runs.start(B)
        assert tx.runs.start(OTHER, run=run) == run
        tx.runs.finish(run, {"pulled": 1}, bridge=B)
        assert tx.runs.get(run, B).stats == {"pulled": 1}
        assert tx.runs.get(run, OTHER).finished_at is None
        assert tx.runs.start(OTHER) == "R-2"


def test_a_bridge_is_once_in_a_run(store):
    """The same bridge can't be begun twice in one run."""
    with pytest.raises(InvariantBroken), store.begin() as tx:
        tx.runs.start(B, run=tx.runs.start(B))


def test_facts_about_the_store_are_remembered(store):
    """The last value of a name is the one that is read."""
    with store.begin() as tx:
        assert tx.meta.get("key") is None
        tx.meta.put("key", "one")
        tx.meta.put("key", "two")
        assert tx.meta.get("key") == "two"
