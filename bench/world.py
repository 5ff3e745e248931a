"""Three simulated trackers in this process, a config that bridges them, and people who edit in them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from sync.core.ids import BridgeName, ReplicaName
from sync.shell.app import open_store
from sync.shell.configfile import load
from sync.shell.registry import kinds, serve

Edited = Literal["title", "status"]

TOKEN = "bench-token"  # noqa: S105 - opens simulators on this machine only
BRIDGE = BridgeName("bench")
TRACKERS = {"jira": "jira", "github": "github", "azure": "azure_devops"}
#: No pauses: the trackers are on this machine, where the others make none by themselves.
PACE = {"azure": ("pause_between_writes = 0",)}
#: Simulated seconds: longer than a search index needs and than any feed looks back.
AN_HOUR = 3_600.0
BODY = """## What happens

Refund {number} is paid out **twice** when the bank answers late.

1. Pay in `CHF`
2. Refund
3. Cut the connection

See [the runbook](https://runbook.example/{number}).
"""
HTML = (
    "<h2>What happens</h2><p>Refund {number} is paid out <b>twice</b> when the bank answers late.</p>"
    "<ul><li>Pay</li><li>Refund</li></ul>"
)
WIKI = (
    "h2. What happens\n\nRefund {number} is paid out *twice* when the bank answers late.\n\n"
    "# Pay in {{{{CHF}}}}\n# Refund\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Simulators by the trackers' names in the config."""

    simulators: dict[str, Any]
    folder: Path

    @property
    def config(self) -> Path:
        """The config that bridges them."""
        return self.folder / "trackdown.toml"

    def fill(self, tickets: int) -> None:
        """So many tickets in all, each written by a person in one of the trackers."""
        for number in range(tickets):
            title = f"Refund {number} is paid out twice"
            match number % 3:
                case 0:
                    self.simulators["jira"].add_issue(
                        title, type="Task", description=WIKI.format(number=number), labels=["customer"]
                    )
                case 1:
                    self.add_github_issue(number)
                case _:
                    self.simulators["azure"].add_issue(
                        title=title, body=HTML.format(number=number), labels=["customer"]
                    )
        self.let_pass()

    def add_github_issue(self, number: int) -> int:
        """One GitHub issue; its number there."""
        issue = self.simulators["github"].add_issue(
            title=f"Refund {number} is paid out twice", body=BODY.format(number=number), labels=["customer"]
        )
        return int(issue.number)

    def let_pass(self, seconds: float = AN_HOUR) -> None:
        """Let time pass in all of them."""
        for simulator in self.simulators.values():
            simulator.clock.advance(seconds)

    def requests(self) -> dict[str, list[dict[str, Any]]]:
        """What each tracker was asked since the last call, by its own log."""
        asked: dict[str, list[dict[str, Any]]] = {}
        for name, simulator in self.simulators.items():
            with simulator.lock:
                asked[name] = list(simulator.requests)
                simulator.requests.clear()
        return asked

    def linked(self) -> Counter[str]:
        """How many tickets are linked in each tracker."""
        config = load(self.config)
        with open_store(config) as store, store.read() as tx:
            return Counter({name: tx.links.count(BRIDGE, ReplicaName(name)) for name in self.simulators})

    def keys(self, tracker: str) -> list[str]:
        """The keys of the linked tickets in one tracker."""
        config = load(self.config)
        with open_store(config) as store, store.read() as tx:
            return [link.key for link in tx.links.list(BRIDGE, ReplicaName(tracker), "active")]

    def twins(self, tracker: str, keys: Sequence[str], other: str) -> list[str]:
        """What these tickets of one tracker are called in another one."""
        config = load(self.config)
        with open_store(config) as store, store.read() as tx:
            tickets = {link.key: link.ticket for link in tx.links.list(BRIDGE, ReplicaName(tracker), "active")}
            others = {link.ticket: link.key for link in tx.links.list(BRIDGE, ReplicaName(other), "active")}
        return [others[tickets[key]] for key in keys]

    def edit(self, tracker: str, keys: Sequence[str], what: Edited, round_: int) -> None:
        """A person changes one field of each of these tickets."""
        simulator = self.simulators[tracker]
        for key in keys:
            title = f"Refund of {key} is paid out twice ({round_})"
            match tracker, what:
                case "jira", "title":
                    simulator.edit(key, summary=title)
                case "jira", _:
                    simulator.transition(key, "In Progress")
                case "github", "title":
                    simulator.edit(_number(key), title=title)
                case "github", _:
                    labels = [label.name for label in simulator.issue(_number(key)).labels]
                    simulator.edit(_number(key), labels=[*labels, "status: in progress"])
                case _, "title":
                    simulator.edit(_number(key), title=title)
                case _:
                    simulator.edit(_number(key), state="Active")


@contextmanager
def a_world(trackers: Sequence[str] = tuple(TRACKERS)) -> Iterator[World]:
    """Empty trackers on free loopback ports and a config for them, for the length of a `with` block."""
    with TemporaryDirectory(prefix="trackdown-bench-") as folder, ExitStack() as stack:
        simulators = {name: kinds()[TRACKERS[name]].simulator(token=TOKEN) for name in trackers}
        for simulator in simulators.values():
            stack.enter_context(serve(simulator, port=0))
        world = World(simulators=simulators, folder=Path(folder))
        _write_config(world)
        yield world


def _write_config(world: World) -> None:
    lines = ["[store]", 'url = "sqlite:///trackdown.db"', ""]
    for name, simulator in world.simulators.items():
        told = simulator.description()
        auth = ", ".join(f"{key} = {json.dumps(value)}" for key, value in told["auth"].items())
        lines += [f"[trackers.{name}]", *(f"{key} = {json.dumps(told[key])}" for key in ("kind", "url", "project"))]
        lines += [f"auth = {{ {auth} }}", *PACE.get(name, ()), ""]
    lines += [f"[bridges.{BRIDGE}]", f"trackers = {json.dumps(list(world.simulators))}", ""]
    world.config.write_text("\n".join(lines), encoding="utf-8")


def _number(key: str) -> int:
    return int(key.lstrip("#AB"))
