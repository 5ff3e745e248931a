"""What the tests of the GitHub adapter share: an adapter through PyGithub, and a project with its people."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from adapters._pace import Pace
from adapters._simulator import served
from adapters.github.adapter import open_adapter
from adapters.github.codec import CODEC
from adapters.github.settings import Auth, Settings
from adapters.github.simulator import GitHubSimulator
from sync.core.changes import diff_fields
from sync.core.ids import NativeRef, PersonId, ReplicaName
from sync.core.mapping import People
from sync.shell.mappingfile import load

GITHUB = ReplicaName("github")
QUICK = Pace(first_wait=0.0)


def adapter_for(simulator, *, token="token-bridge", project=None, select=None, pace=QUICK):
    """One more adapter on a served simulator."""
    settings = Settings(url=simulator.base_url, project=project or "acme/payments", auth=Auth(token=token))
    return open_adapter(settings, replica=GITHUB, select=select, pace=pace, sleep=lambda _: None)


class Bench:
    """A served simulator, a probed adapter and a bound mapping."""

    def __init__(self, simulator, *, select=None):
        self.simulator = simulator
        self.adapter = adapter_for(simulator, select=select)
        self.caps = self.adapter.probe()
        people = People(replica=GITHUB, native_ids={PersonId("ada"): "ada", PersonId("grace"): "grace"})
        self.mapping = load("github", folder=Path()).bind(self.caps.facts, people)

    def read(self, number):
        """The ticket as it is now."""
        return next(iter(self.adapter.fetch([NativeRef(str(number))])))

    def fields(self, number):
        """Its fields."""
        return CODEC.decode(self.read(number), self.mapping).snapshot.fields

    def encode(self, number, **words):
        """The requests that set canonical fields."""
        current = self.read(number)
        there = CODEC.decode(current, self.mapping).snapshot.fields
        return CODEC.encode(diff_fields(there, words), current, self.mapping, self.caps)

    def write(self, number, **words):
        """Send them, as the engine would; gives their actions."""
        ops = self.encode(number, **words).ops
        for op in ops:
            assert json.loads(json.dumps(op.payload)) == op.payload
            self.adapter.write(op)
        return [op.action for op in ops]

    def rebind(self, **changes):
        """Take another mapping: the shipped one with `changes`, on what a probe finds now."""
        self.caps = self.adapter.probe()
        changed = replace(self.mapping.mapping, **changes)
        self.mapping = changed.bind(self.caps.facts, self.mapping.people)
        self.requests()

    def requests(self):
        """Method and path of what was sent since the last call."""
        sent = [(one["method"], one["path"]) for one in self.simulator.requests]
        self.simulator.requests.clear()
        return sent


@contextmanager
def bench(*, select=None, **knobs) -> Iterator[Bench]:
    """A bench on a new simulator."""
    with served(GitHubSimulator(**knobs)) as simulator:
        made = Bench(simulator, select=select)
        made.requests()
        try:
            yield made
        finally:
            made.adapter.close()
