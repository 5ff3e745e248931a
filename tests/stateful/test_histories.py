"""Histories with and without faults; `TRACKDOWN_EXAMPLES` says how many."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

from hypothesis import HealthCheck, Phase, settings

from sync.core.ids import ReplicaName
from sync.testing.faults import Fault
from sync.testing.memory import MemoryKnobs
from tests.scenarios.world import AZURE, DIFFERENT, GITHUB, JIRA
from tests.stateful.history_machine import History

EXAMPLES = int(os.environ.get("TRACKDOWN_EXAMPLES", "0")) // 10 or 8
SETTINGS = settings(
    max_examples=EXAMPLES,
    derandomize="TRACKDOWN_EXAMPLES" not in os.environ,  # the same few for everybody; new ones in `make histories`
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


class Lagging(History):
    """Lists show the past, servers rewrite texts unforeseen, and answers hold no ticket."""

    meddling = True
    knobs: ClassVar[dict[ReplicaName, MemoryKnobs]] = {
        JIRA: replace(DIFFERENT[JIRA], list_lag=timedelta(seconds=40), answers=False, one_request=False),
        GITHUB: replace(DIFFERENT[GITHUB], text_rewrite=str.rstrip, foresight=False),
        AZURE: replace(DIFFERENT[AZURE], skew=timedelta(hours=2)),
    }


TestLagging = Lagging.TestCase
TestLagging.settings = SETTINGS
TestMeddled = Meddled.TestCase
TestMeddled.settings = SETTINGS
TestCalm = Calm.TestCase
TestCalm.settings = SETTINGS
TestStormy = Stormy.TestCase
TestStormy.settings = SETTINGS
