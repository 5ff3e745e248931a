"""An opened Azure DevOps adapter over HTTP, with everything around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapters._http import Pace
from adapters._simulator import Fault, served
from adapters.azure_devops.adapter import AzureDevOpsAdapter, open_adapter
from adapters.azure_devops.codec import CODEC
from adapters.azure_devops.settings import Settings
from adapters.azure_devops.simulator import AzureDevOpsSimulator
from sync.core.changes import diff_fields
from sync.core.ids import Cursor, NativeRef, PersonId, ReplicaName
from sync.core.mapping import People
from sync.core.models import Field, NativeTicket
from sync.core.ports import NativeOp
from sync.shell.mappingfile import load

AZURE = ReplicaName("azure")


class Bench:
    """An opened adapter with everything around it."""

    def __init__(self, simulator: AzureDevOpsSimulator, *, select: str | None = None) -> None:
        self.simulator = simulator
        self.select = select
        self.adapter = self.another()
        self.caps = self.adapter.probe()
        people = People(replica=AZURE, native_ids={PersonId("ada"): "ada@acme.example"})
        self.mapping = load("azure_devops", folder=Path()).bind(self.caps.facts, people)

    def another(self, *, project: str | None = None) -> AzureDevOpsAdapter:
        """One more adapter, which has asked nothing yet."""
        table = {"url": self.simulator.url, "project": project or self.simulator.project, "auth": self.simulator.auth()}
        pace = Pace(first_wait=0.0, read_timeout=20.0)
        settings = Settings.model_validate(table)
        return open_adapter(settings, replica=AZURE, select=self.select, pace=pace, sleep=lambda _: None)

    def read(self, number: int) -> NativeTicket:
        (found,) = self.adapter.fetch([NativeRef(str(number))])
        assert isinstance(found, NativeTicket)
        return found

    def encoded(self, number: int, **wanted: Any) -> tuple[NativeOp, ...]:
        """The requests for new values of a work item."""
        ticket = self.read(number)
        there = CODEC.decode(ticket, self.mapping).snapshot.fields
        changes = diff_fields(there, {Field(name): value for name, value in wanted.items()})
        return CODEC.encode(changes, ticket, self.mapping, self.caps).ops

    def caught_up(self) -> Cursor:
        """A cursor after which nothing is new."""
        cursor = list(self.adapter.pull(None))[-1].cursor
        return list(self.adapter.pull(cursor))[-1].cursor

    def answers(self, path: str, body: Any, *, status: int = 200, method: str = ".*", times: int = 1) -> None:
        """Let the next request be answered so, without doing anything."""
        self.simulator.faults.append(
            Fault(fault="status", method=method, path=path, status=status, body=body, times=times)
        )


@contextmanager
def bench(*, select: str | None = None, **knobs: Any) -> Iterator[Bench]:
    with served(AzureDevOpsSimulator(**knobs)) as simulator:
        made = Bench(simulator, select=select)
        simulator.requests.clear()
        try:
            yield made
        finally:
            made.adapter.close()
