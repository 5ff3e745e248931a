"""An opened Jira adapter over HTTP, with everything around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from adapters._pace import Pace
from adapters._simulator import served
from adapters.jira.adapter import JiraAdapter, open_adapter
from adapters.jira.codec import CODEC
from adapters.jira.settings import Settings
from adapters.jira.simulator import JiraSimulator
from sync.core.capabilities import Capabilities
from sync.core.changes import diff_fields
from sync.core.ids import Cursor, NativeRef, PersonId, ReplicaName
from sync.core.mapping import People, ProjectMapping
from sync.core.models import Field, FieldEvent, Fields, NativeTicket
from sync.core.ports import Encoded
from sync.shell.mappingfile import load

JIRA = ReplicaName("jira")


class Bench:
    """An opened adapter with everything around it."""

    def __init__(
        self,
        simulator: JiraSimulator,
        *,
        select: str | None = None,
        words: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self.simulator = simulator
        self.slept: list[float] = []
        table = {"url": simulator.base_url, "project": "PAY", "auth": simulator.auth(), **settings}
        self.adapter: JiraAdapter = open_adapter(
            Settings.model_validate(table), replica=JIRA, select=select, pace=Pace(first_wait=0.0), sleep=self._sleep
        )
        self.caps: Capabilities = self.adapter.probe()
        names = simulator.catalogue.people
        native = {
            PersonId(name): names[name].account_id if simulator.catalogue.cloud else name for name in ("ada", "grace")
        }
        people = People(replica=JIRA, native_ids=native)
        mapping = replace(load("jira", folder=Path()), **(words or {}))
        self.mapping: ProjectMapping = mapping.bind(self.caps.facts, people)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.simulator.clock.advance(seconds)

    def ref(self, key: str) -> NativeRef:
        return NativeRef(str(self.simulator.issue(key).id))

    def make(self, **wanted: Any) -> str:
        """Make a ticket through the adapter with these fields, bring it to them, and say its key."""
        fields = {Field(name): value for name, value in {"title": "Made", "kind": "issue", **wanted}.items()}
        (op,) = CODEC.encode(diff_fields({}, fields), None, self.mapping, self.caps).ops
        key = self.simulator.world.find(self.adapter.write(op).ref).key
        self.bring(key, **wanted)
        return key

    def history(self, key: str) -> list[FieldEvent]:
        since = self.simulator.clock.now() - timedelta(days=400)
        events = self.adapter.history([self.ref(key)], since)
        return [one for event in events for one in CODEC.decode_event(event, self.mapping)]

    def requests(self) -> list[str]:
        """What was sent since the last question."""
        sent = [f"{each['method']} {each['path']}" for each in self.simulator.requests]
        self.simulator.requests.clear()
        return sent

    def read(self, key: str) -> NativeTicket:
        (found,) = self.adapter.fetch([self.ref(key)])
        assert isinstance(found, NativeTicket)
        return found

    def fields(self, key: str) -> Fields:
        return CODEC.decode(self.read(key), self.mapping).snapshot.fields

    def encoded(self, key: str, **wanted: Any) -> Encoded:
        current = self.read(key)
        there = CODEC.decode(current, self.mapping).snapshot.fields
        changes = diff_fields(there, {Field(name): value for name, value in wanted.items()})
        return CODEC.encode(changes, current, self.mapping, self.caps)

    def bring(self, key: str, **wanted: Any) -> list[str]:
        """Encode and write until nothing is left; the summaries of what was sent."""
        sent: list[str] = []
        while (encoded := self.encoded(key, **wanted)).ops:
            assert len(sent) < 20, sent
            for op in encoded.ops:
                self.adapter.write(op)
                sent.append(op.summary.partition(": ")[2])
        return sent

    def pull(self, cursor: Cursor | None = None) -> tuple[list[NativeTicket], Cursor]:
        pages = list(self.adapter.pull(cursor))
        return [ticket for page in pages for ticket in page.tickets], pages[-1].cursor


@contextmanager
def bench(
    *,
    select: str | None = None,
    settings: dict[str, Any] | None = None,
    words: dict[str, Any] | None = None,
    before: Callable[[JiraSimulator], object] = lambda _: None,
    **knobs: Any,
) -> Iterator[Bench]:
    """A site with these knobs; `before` is done to it before the adapter sees it, `words` replace parts of the mapping."""
    with served(JiraSimulator(**knobs)) as simulator:
        before(simulator)
        opened = Bench(simulator, select=select, words=words, **(settings or {}))
        simulator.requests.clear()
        try:
            yield opened
        finally:
            opened.adapter.close()
