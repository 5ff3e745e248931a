"""Histories with and without faults; `TRACKDOWN_EXAMPLES` says how many."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

from sync.testing.faults import Fault
from tests.stateful.history_machine import History

EXAMPLES = int(os.environ.get("TRACKDOWN_EXAMPLES", "0")) // 10 or 8
SETTINGS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    # A history takes half a second: to shrink one takes minutes, so ask for it (`--hypothesis-seed`) where it is wanted.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)


class Calm(History):
    """Nothing fails; people write between the cycles."""


class Stormy(History):
    """Every kind of call fails in every way, the process is killed, and people write all the while."""

    meddling = True
    faults = (
        Fault.RETRY,
        Fault.UNREACHABLE,
        Fault.AUTH,
        Fault.LOST,
        Fault.LOST_UNDONE,
        Fault.LATE,
        Fault.CUT,
        Fault.REPEATED,
        Fault.CRASH_BEFORE,
        Fault.CRASH_AFTER,
    )


class Meddled(History):
    """Nothing fails, and people write while the bridge reads and writes."""

    meddling = True


TestMeddled = Meddled.TestCase
TestMeddled.settings = SETTINGS
TestCalm = Calm.TestCase
TestCalm.settings = SETTINGS
TestStormy = Stormy.TestCase
TestStormy.settings = SETTINGS
