"""One holder of a bridge at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from sync.core.errors import BridgeBusy, LeaseLost
from sync.core.ids import BridgeName

B, OTHER, TTL = BridgeName("payments"), BridgeName("other"), timedelta(minutes=2)


def test_a_bridge_has_one_holder(make_store):
    """The second is told who holds it since when; another bridge is free."""
    one, two = make_store(), make_store()
    one.acquire(B, ttl=TTL)
    with pytest.raises(BridgeBusy) as busy:
        two.acquire(B, ttl=TTL)
    host = os.uname().nodename
    assert str(busy.value) == (
        f"bridge 'payments' is being synced by {host} pid {os.getpid()} since 2026-03-01 09:00:00 UTC"
    )
    assert two.acquire(OTHER, ttl=TTL).epoch == 1


def test_a_released_bridge_is_free(make_store):
    """Epochs grow with every holder, so that an old lease is never current again."""
    one, two = make_store(), make_store()
    first = one.acquire(B, ttl=TTL)
    one.release(first)
    second = two.acquire(B, ttl=TTL, holder="the daemon")
    assert (first.epoch, second.epoch, second.holder) == (1, 2, "the daemon")
    one.release(first)
    with pytest.raises(BridgeBusy, match="the daemon"):
        one.acquire(B, ttl=TTL)
    for lease in (first, second):
        two.release(lease)
    for lease in (first, second):
        with pytest.raises(LeaseLost):
            two.renew(lease)


def test_an_expired_lease_is_taken_over_and_fences_the_zombie(make_store, clock):
    """A worker that slept past its lease can commit nothing after another took over."""
    one, two = make_store(), make_store()
    zombie = one.acquire(B, ttl=TTL)
    clock.turn(TTL + timedelta(seconds=1))
    with one.begin(zombie) as tx:
        tx.cursors.put(B, "jira", "late, but nobody took over")
    heir = two.acquire(B, ttl=TTL)
    with pytest.raises(LeaseLost, match="payments"), one.begin(zombie) as tx:
        tx.cursors.put(B, "jira", "too late")
    with two.begin(heir) as tx:
        assert tx.cursors.get(B, "jira") == "late, but nobody took over"


def test_a_renewed_lease_holds_on(make_store, clock):
    """Renewing in time keeps others out for another term."""
    one, two = make_store(), make_store()
    lease = one.acquire(B, ttl=TTL)
    for _ in range(3):
        clock.turn(TTL - timedelta(seconds=1))
        one.renew(lease)
        with pytest.raises(BridgeBusy):
            two.acquire(B, ttl=TTL)


def test_the_lease_of_a_dead_process_is_taken_over(store, path):
    """A worker that was killed does not hold its bridge until the lease expires."""
    script = (
        "import datetime, os, signal, sys; from sync.store import Store\n"
        "store = Store(sys.argv[1], now=lambda: datetime.datetime(2026, 3, 1, 9, tzinfo=datetime.UTC))\n"
        "store.acquire('payments', ttl=datetime.timedelta(hours=1)); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", script, f"sqlite:///{path}"], check=False)
    assert ended.returncode == -9
    assert store.acquire(B, ttl=TTL).epoch == 2
