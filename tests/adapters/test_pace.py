"""The pace: a budget for each account that never trips a limit of a tracker, and hardly stays below one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters._pace import Budget, Call, Pace, Quota, shared
from adapters._simulator import served
from adapters.azure_devops import adapter as azure_devops
from adapters.azure_devops.settings import Settings as AzureDevOpsSettings
from adapters.azure_devops.simulator import AzureDevOpsSimulator
from adapters.github import adapter as github
from adapters.github.settings import GITHUB_PACE, Auth, Settings, hourly
from adapters.github.simulator import GitHubSimulator
from adapters.github.simulator.limits import Limits
from adapters.jira import adapter as jira
from adapters.jira.settings import Settings as JiraSettings
from adapters.jira.simulator import JiraSimulator
from sync.core.changes import diff_fields
from sync.core.errors import Limited
from sync.core.ids import Marker, NativeRef, ReplicaName
from sync.core.mapping import People
from sync.core.models import Field
from sync.core.ports import Adapter, NativeOp, OpKind
from sync.shell.mappingfile import load

MARKER = Marker("trackdown:v1:aa112233445566bb:bb665544332211aa")
READ, WRITE = Call(method="GET", path="/x"), Call(method="PATCH", path="/x", write=True)


class Time:
    """A clock that goes on by sleeping alone."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def per(most: int, span: float, **more: Any) -> Quota:
    return Quota(name=f"{most} in {span:g} s", most=most, span=span, cost=lambda call: int(call.write), **more)


def sent(budget: Budget, time: Time, calls: list[Call]) -> list[float]:
    """When each of the calls goes out, one after the other, from now."""
    start = time.at
    times = []
    for call in calls:
        time.sleep(budget.reserve(call).seconds)
        times.append(round(time.at - start, 6))
    return times


def test_no_span_of_time_holds_more_than_its_quota() -> None:
    """The limit slides: whichever minute the tracker counts, it finds no more; and no call waits longer than it must."""
    time = Time()
    budget = Budget(Pace(quotas=(per(3, 60),)), time)
    assert sent(budget, time, [WRITE] * 7) == [0, 0, 0, 60, 60, 60, 120]
    time.sleep(20)
    assert sent(budget, time, [READ, WRITE, WRITE, WRITE]) == [0, 0, 0, 40]


def test_the_longest_wait_of_several_limits_counts_and_is_named() -> None:
    """A call must fit into all of them."""
    time = Time()
    budget = Budget(Pace(between_writes=1.0, quotas=(per(2, 10), per(3, 60))), time)
    assert sent(budget, time, [WRITE] * 3) == [0, 1, 10]
    delay = budget.reserve(WRITE)
    assert (delay.seconds, delay.why) == (50, "3 in 60 s")


def test_a_wait_beyond_our_patience_takes_no_place() -> None:
    """Who goes away instead of waiting leaves the line as it was."""
    time = Time()
    budget = Budget(Pace(quotas=(per(1, 60),)), time)
    budget.reserve(WRITE)
    for _ in range(5):
        assert budget.reserve(WRITE, patience=10).seconds == 60
    time.sleep(60)
    assert budget.reserve(WRITE, patience=10).seconds == 0


def test_a_ticket_has_a_quota_of_its_own() -> None:
    """Writes to one ticket hold up that ticket alone, and a link counts for both its ends."""
    time = Time()
    budget = Budget(Pace(quotas=(per(2, 2, each_ticket=True),)), time)
    to = {name: Call(method="PUT", path="/x", write=True, tickets=name) for name in (("a",), ("b",), ("a", "b"))}
    assert sent(budget, time, [to["a",], to["a",], to["b",], to["a",]]) == [0, 0, 0, 2]
    assert sent(budget, time, [to["a", "b"], to["b",], to["b",]]) == [0, 0, 2]


def test_a_forecast_is_what_then_happens() -> None:
    """How long the first and the last of many would wait; asking costs nothing."""
    time = Time()
    budget = Budget(Pace(between_writes=1.0, quotas=(per(5, 60), per(20, 3600))), time)
    sent(budget, time, [WRITE] * 7)
    first, last = budget.forecast(WRITE, 50)
    assert budget.forecast(WRITE, 50) == (first, last)
    times = sent(budget, time, [WRITE] * 50)
    assert (first.seconds, last.seconds) == pytest.approx((times[0], times[-1]))


def test_what_a_tracker_says_is_believed() -> None:
    """A time that it names holds up everything, a warning spreads the requests, and what comes later is longer waited for."""
    time = Time()
    budget = Budget(Pace(), time)
    budget.block(30, "the time that it named")
    budget.block(10, "less")
    assert sent(budget, time, [READ, READ]) == [30, 30]
    budget.slow(2, 5, "it is near its limit")
    assert sent(budget, time, [READ, READ, READ, READ, READ]) == [2, 4, 6, 6, 6]


def test_a_refusal_without_a_time_is_waited_for_longer_each_time() -> None:
    """A minute at first, twice as long when it did not help, and a minute again an hour later."""
    time = Time()
    budget = Budget(Pace(), time)
    guesses = []
    for _ in range(8):
        guesses.append(budget.guess(60))
        time.sleep(guesses[-1] - 1)
    assert guesses == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    time.sleep(3601)
    assert budget.guess(60) == 60


def test_what_earlier_processes_sent_counts() -> None:
    """By the age of each; told twice it counts once, and what we sent since stays known."""
    time = Time()
    budget = Budget(Pace(quotas=(per(4, 3600, lasting=True), per(3, 10))), time)
    spent = [(WRITE, 3000.0), (WRITE, 1800.0), (WRITE, 5000.0)]
    budget.recall(spent)
    budget.recall(spent)
    assert sent(budget, time, [WRITE, WRITE]) == [0, 0]
    time.sleep(5)
    budget.recall([(call, age + 5) for call, age in spent])
    delay = budget.reserve(WRITE)
    assert (delay.seconds, delay.why) == (595, "4 in 3600 s")


def test_an_account_has_one_budget_however_often_it_is_opened() -> None:
    """By server and token, for as long as somebody holds it; the slower idea of the pace counts."""
    time = Time()
    one = shared("api.example", "token-1", Pace(between_writes=1.0), time)
    assert shared("api.example", "token-1", Pace(between_writes=3.0), time) is one
    assert shared("api.example", "token-2", Pace(), time) is not one
    assert shared("other.example", "token-1", Pace(), time) is not one
    assert sent(one, time, [WRITE, WRITE]) == [0, 3]


def test_threads_stand_in_one_line() -> None:
    """Whoever asks at the same moment gets a place of his own."""
    budget = Budget(Pace(between_writes=1.0), lambda: 0.0)
    delays: list[float] = []
    threads = [
        threading.Thread(target=lambda: delays.extend(budget.reserve(WRITE).seconds for _ in range(50)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(delays) == list(range(200))


# -- against the simulators, in virtual time ------------------------------------------------------------


def creates(adapter: Adapter, kind: str, codec: Any) -> NativeOp:
    """A request that makes a ticket."""
    caps = adapter.probe()
    mapping = load(kind, folder=Path()).bind(caps.facts, People(replica=ReplicaName(kind)))
    new = diff_fields({}, {Field.TITLE: "Made once", Field.KIND: "issue", Field.BODY: "Words"})
    op: NativeOp = codec.CODEC.encode(new, None, mapping, caps, MARKER).ops[0]
    return op


@contextmanager
def on_github(limits: Limits, pace: Pace = GITHUB_PACE) -> Iterator[tuple[GitHubSimulator, Callable[[], Adapter]]]:
    """A GitHub whose limits bite, and a way to open it as a new process would."""
    with served(GitHubSimulator(limits=limits)) as sim:
        opened: list[Adapter] = []

        def process() -> Adapter:
            settings = Settings(url=sim.base_url, project=sim.project, auth=Auth(token="token-bridge"))
            opened.append(
                github.open_adapter(
                    settings,
                    replica=ReplicaName("github"),
                    pace=pace,
                    sleep=sim.clock.advance,
                    now=lambda: sim.clock.now().timestamp(),
                )
            )
            return opened[-1]

        yield sim, process
        for adapter in opened:
            adapter.close()


def write_all(sim: Any, adapter: Adapter, op: NativeOp, count: int) -> None:
    """Send it so many times, as a cycle after cycle would: what has to wait long waits outside."""
    for _ in range(count):
        if (pause := adapter.pause(op.kind)) is not None and pause.after > timedelta(seconds=10):
            sim.clock.advance(pause.after.total_seconds())
        adapter.write(op)


def test_a_long_first_sync_never_trips_githubs_limits_and_hardly_stays_below_them() -> None:
    """620 new tickets at 500 an hour: the last 120 begin when the hour is over, none is refused, and the forecast was right."""
    from adapters.github import codec

    with on_github(Limits(enforced=True)) as (sim, process):
        adapter = process()
        op = creates(adapter, "github", codec)
        start = sim.clock.now()
        write_all(sim, adapter, op, 500)
        pause = adapter.pause(OpKind.CREATE, 120)
        assert pause is not None
        assert pause.why == "its hourly limit of 500 new issues and comments"
        foreseen = sim.clock.now() - start + pause.over
        write_all(sim, adapter, op, 120)
        took = sim.clock.now() - start
        assert sim.meter.trips == 0
        floor = timedelta(seconds=3600 + 119)
        assert floor <= took <= floor * 1.03
        assert abs(took - foreseen) <= floor * 0.03


def test_a_restart_does_not_forget_the_hour() -> None:
    """Told what was sent before, a new process waits for the hour; one that is not told runs into the limit."""
    from adapters.github import codec

    few = Limits(enforced=True, creates_per_hour=20)
    pace = Pace(between_writes=1.0, quotas=(hourly(20),))
    with on_github(few, pace) as (sim, process):
        first = process()
        op = creates(first, "github", codec)
        write_all(sim, first, op, 15)
        told = process()
        told.recall([(OpKind.CREATE, timedelta(seconds=second)) for second in range(15)])
        write_all(sim, told, op, 12)
        assert sim.meter.trips == 0
        forgetful = process()
        with pytest.raises(Limited):
            write_all(sim, forgetful, op, 20)
        assert sim.meter.trips == 1


def test_a_refusal_is_followed_by_silence() -> None:
    """After a secondary limit nothing is sent for a minute; if that was too early, for two."""
    from adapters.github import codec

    with on_github(Limits(enforced=True, creates_per_hour=3), Pace(patience=5.0)) as (sim, process):
        adapter = process()
        op = creates(adapter, "github", codec)
        waits = []
        for _ in range(3):
            adapter.write(op)
        for _ in range(3):
            with pytest.raises(Limited) as caught:
                adapter.write(op)
            assert caught.value.after is not None
            waits.append(round(caught.value.after.total_seconds()))
            sim.requests.clear()
            with pytest.raises(Limited):
                adapter.write(op)
            pause = adapter.pause(OpKind.UPDATE)
            assert pause is not None
            assert sim.requests == []
            sim.clock.advance(pause.after.total_seconds())
        assert waits == [60, 120, 240]


def test_the_hourly_requests_are_shared_with_whoever_uses_the_token() -> None:
    """What others use up is in the headers: the last request that is left is the last, and at most one an hour finds out too late."""
    with on_github(Limits(enforced=True, per_hour=40), Pace()) as (sim, process):
        number = sim.add_issue(title="One")
        adapter, other = process(), process()
        begun = sim.clock.now()
        for turns in range(60):
            if (pause := adapter.pause(OpKind.UPDATE)) is not None:
                sim.clock.advance(pause.after.total_seconds())
            for one in (adapter, other) if turns % 5 == 0 else (adapter,):
                with suppress(Limited):
                    list(one.fetch([NativeRef(str(number))]))
        refused = [one for one in sim.requests if one["status"] in (403, 429)]
        assert len(sim.requests) >= 70
        hours = 1 + int((sim.clock.now() - begun).total_seconds() // 3600)
        assert hours <= 4  # 72 requests at 40 an hour
        assert len(refused) <= hours  # the other one does not tell


def test_jiras_limits_are_kept_below() -> None:
    """60 comments on one ticket, and reads in bursts: no request is refused, and the time is near what the limits allow."""
    from adapters.jira import codec

    with served(JiraSimulator(burst=20)) as sim:
        settings = JiraSettings.model_validate(
            {"url": sim.base_url, "project": sim.project, "auth": sim.auth(), "patience": 60}
        )
        adapter = jira.open_adapter(
            settings,
            replica=ReplicaName("jira"),
            sleep=sim.clock.advance,
            now=lambda: sim.clock.now().timestamp(),
        )
        op = creates(adapter, "jira", codec)
        ref = adapter.write(op).ref
        (ticket,) = adapter.fetch([ref])
        caps = adapter.probe()
        mapping = load("jira", folder=Path()).bind(caps.facts, People(replica=ReplicaName("jira")))
        start = sim.clock.now()
        for number in range(60):
            said = codec.CODEC.encode_comment(f"Said {number}", ticket, None, mapping, caps, marker=MARKER).ops[0]
            adapter.write(said)
        took = (sim.clock.now() - start).total_seconds()
        for _ in range(100):
            list(adapter.fetch([ref]))
        adapter.close()
        assert sim.trips == 0
        assert took >= 6  # 20 in two seconds
        assert took <= 60


def test_azure_devops_is_eased_off_before_it_refuses() -> None:
    """300 reads at 100 in five minutes: warned by headers, we slow down, and no request is refused."""
    with served(AzureDevOpsSimulator(budget=100)) as sim:
        number = sim.add_issue(title="One")
        settings = AzureDevOpsSettings.model_validate({"url": sim.url, "project": sim.project, "auth": sim.auth()})
        adapter = azure_devops.open_adapter(
            settings,
            replica=ReplicaName("azure"),
            sleep=sim.clock.advance,
            now=lambda: sim.clock.now().timestamp(),
        )
        start = sim.clock.now()
        for _ in range(300):
            if (pause := adapter.pause(OpKind.UPDATE)) is not None and pause.after > timedelta(seconds=10):
                sim.clock.advance(pause.after.total_seconds())
            list(adapter.fetch([NativeRef(str(number))]))
        took = (sim.clock.now() - start).total_seconds()
        adapter.close()
        assert sim.trips == 0
        assert 600 <= took <= 1500
