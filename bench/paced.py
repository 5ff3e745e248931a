"""How long a first sync to GitHub takes under GitHub's real limits, in the simulator's time, which passes by waiting alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime

from adapters.github.adapter import open_adapter
from adapters.github.settings import GITHUB_PACE, Settings
from adapters.github.simulator import Limits
from bench.figures import Bench, Figure
from bench.runs import Failed
from bench.world import World, a_world
from sync.core.ids import ReplicaName
from sync.engine.cycle import run_cycle
from sync.engine.report import CycleReport
from sync.shell.app import Effects, open_bridges
from sync.shell.configfile import load
from sync.shell.waiting import patiently
from sync.store import Store

HUB = ReplicaName("github")
#: What GitHub writes down: new issues and comments in an hour, and a second between two writes.
AN_HOUR, GAP = 500, 1.0


class VirtualTime(threading.Event):
    """Time that passes when somebody waits, in all trackers alike; in place of the event that ends a sync."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def now(self) -> datetime:
        """The trackers' time."""
        at: datetime = self._world.simulators[HUB].clock.now()
        return at

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self._world.let_pass(seconds)

    def wait(self, timeout: float | None = None) -> bool:
        """Let it pass; nobody ends the sync."""
        self.sleep(timeout or 0.0)
        return False


def paced(bench: Bench) -> Iterator[Figure]:
    """So many tickets of Azure DevOps are copied to an empty GitHub repository, by one `sync` that waits."""
    tickets = bench.small
    with a_world(("azure", "github")) as world:
        for number in range(tickets):
            world.simulators["azure"].add_issue(title=f"Refund {number} is paid out twice")
        world.let_pass()
        hub = world.simulators[HUB]
        hub.meter.limits = Limits(enforced=True)
        bench.tell(f"first sync of {tickets} tickets under GitHub's real limits, in simulated time")
        started = hub.clock.now()
        report = _sync(world, VirtualTime(world))
        seconds = (hub.clock.now() - started).total_seconds()
        copied = sum(1 for issue in hub.repository.issues.values())
        if copied != tickets or report.pauses or report.failures:
            raise Failed(f"{copied} of {tickets} were copied: {report.pauses} {report.failures}")
        full, rest = divmod(tickets - 1, AN_HOUR)
        floor = full * 3600.0 + rest * GAP
        yield Figure(
            figure=f"first sync of {tickets} tickets to GitHub at 500 an hour: minutes, and the least that its limits allow",
            target="<= 1.05 times that",
            measured=f"{seconds / 60:.0f} and {floor / 60:.0f}, in {1 + len(report.more_runs)} runs",
            reached=seconds <= floor * 1.05 + 60,
        )
        trips = hub.meter.trips
        yield Figure(
            figure="… requests refused because of a limit", target="0", measured=str(trips), reached=trips == 0
        )
        asked = len(world.requests()[HUB])
        yield Figure(figure="… requests to GitHub per ticket", measured=f"{asked / tickets:.2f}")


def _sync(world: World, time: VirtualTime) -> CycleReport:
    """One `trackdown sync` with the pace of github.com, though the server is on this machine."""
    config = load(world.config)
    store = Store(config.store_url, now=time.now)
    store.migrate()
    effects = Effects(stop=time, allow_mass_change=True)
    try:
        with open_bridges(config, store, effects=effects) as bridges:
            (bridge,) = bridges
            bridge.now = time.now
            settings = config.trackers[HUB].settings
            assert isinstance(settings, Settings)
            paced = open_adapter(
                settings, replica=HUB, pace=GITHUB_PACE, sleep=time.sleep, now=lambda: time.now().timestamp()
            )
            unpaced, bridge.replicas[HUB].adapter = bridge.replicas[HUB].adapter, paced
            try:
                (report,) = patiently(bridges, run_cycle, wait=True, say=lambda _: None)
            finally:
                paced.close()
                bridge.replicas[HUB].adapter = unpaced
    finally:
        store.close()
    return report
