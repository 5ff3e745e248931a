"""An opened Azure DevOps adapter over HTTP, with everything around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapters._pace import Pace
from adapters._simulator import Fault, served
from adapters.azure_devops.adapter import AzureDevOpsAdapter, open_adapter
from adapters.azure_devops.codec import CODEC
from adapters.azure_devops.settings import Settings
from adapters.azure_devops.simulator import AzureDevOpsSimulator
from sync.core.changes import diff_fields
from sync.core.ids import Cursor, NativeRef, PersonId, ReplicaName
from sync.core.mapping import People
from sync.core.models import Field, Fields, NativeTicket
from sync.core.ports import Encoded, NativeOp
from sync.shell.mappingfile import load

AZURE = ReplicaName("azure")


class Bench:
    """An opened adapter with everything around it."""

    def __init__(self, simulator: AzureDevOpsSimulator, *, select: str | None = None) -> None:
        self.simulator = simulator
        self.select = select
        self.adapter = self.another()
        self.caps = self.adapter.probe()
        self.people = People(replica=AZURE, native_ids={PersonId("ada"): "ada@acme.example"})
        self.mapping = load("azure_devops", folder=Path()).bind(self.caps.facts, self.people)

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

    def use(self, folder: Path, text: str) -> None:
        """From now on with a mapping file that says this beside the shipped one."""
        (folder / "own.toml").write_text(f'extends = "azure_devops"\n{text}')
        self.mapping = load("own.toml", folder=folder).bind(self.caps.facts, self.people)

    def fields(self, number: int) -> Fields:
        """The work item in canonical terms."""
        return CODEC.decode(self.read(number), self.mapping).snapshot.fields

    def said(self, number: int, **wanted: Any) -> Encoded:
        """The requests for new values of a work item, and what can't be said. A dot in a name is written as two underscores."""
        ticket = self.read(number)
        there = CODEC.decode(ticket, self.mapping).snapshot.fields
        return CODEC.encode(diff_fields(there, named(wanted)), ticket, self.mapping, self.caps)

    def encoded(self, number: int, **wanted: Any) -> tuple[NativeOp, ...]:
        """The requests for new values of a work item."""
        return self.said(number, **wanted).ops

    def held(self, number: int, **wanted: Any) -> Fields:
        """What the work item can hold of these values."""
        return CODEC.project(named(wanted), self.read(number), self.mapping, self.caps)

    def apply(self, number: int, **wanted: Any) -> list[NativeOp]:
        """Bring a work item to these values, a request at a time; the requests."""
        sent: list[NativeOp] = []
        while ops := self.encoded(number, **wanted):
            assert len(sent) < 10, f"still writing: {[op.summary for op in sent]}"
            self.adapter.write(ops[0])
            sent.append(ops[0])
        return sent

    def caught_up(self) -> Cursor:
        """A cursor after which nothing is new."""
        cursor = list(self.adapter.pull(None))[-1].cursor
        return list(self.adapter.pull(cursor))[-1].cursor

    def answers(self, path: str, body: Any, *, status: int = 200, method: str = ".*", times: int = 1) -> None:
        """Let the next request be answered so, without doing anything."""
        self.simulator.faults.append(
            Fault(fault="status", method=method, path=path, status=status, body=body, times=times)
        )


def named(wanted: dict[str, Any]) -> dict[Field, Any]:
    """Values by the name of their field, `custom__x` for `custom.x` and `custom__x_all` for `custom.x[]`."""
    spelt = {name.replace("__", ".").replace("_all", "[]"): value for name, value in wanted.items()}
    return {Field(name): value for name, value in spelt.items()}


@contextmanager
def bench(*, select: str | None = None, **knobs: Any) -> Iterator[Bench]:
    with served(AzureDevOpsSimulator(**knobs)) as simulator:
        made = Bench(simulator, select=select)
        simulator.requests.clear()
        try:
            yield made
        finally:
            made.adapter.close()
