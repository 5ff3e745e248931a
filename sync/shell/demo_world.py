"""The three simulated trackers of the demo, the people in them, and a config that bridges them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sync.shell.registry import kinds, serve

TOKEN = "demo-token"  # noqa: S105 - opens simulators on this machine only
#: How many tickets each tracker has before anything is synced; the pairs come on top.
TICKETS = {"jira": 15, "github": 13, "azure_devops": 10}
#: Longer than the simulated Jira's search takes to show a change.
A_WHILE = 30.0

PAIRED_TITLE = "Refund receipts show the wrong currency"
PAIRED_BODY = (
    "## What happens\n\nReceipts of refunds show the currency of the shop, not of the payment.\n\n"
    "1. Pay in `CHF`\n2. Refund\n3. Open the receipt\n"
)
PAIRED_WIKI = (
    "h2. What happens\n\nReceipts of refunds show the currency of the shop, not of the payment.\n\n"
    "# Pay in {{CHF}}\n# Refund\n# Open the receipt\n"
)
EXPORT_TITLE = "Export of payouts loses the last row"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Simulated trackers with people in them. Azure DevOps runs its Basic process, which knows three states only."""

    jira: Any
    github: Any
    azure: Any
    folder: Path

    @property
    def config(self) -> Path:
        """The config that bridges them."""
        return self.folder / "trackdown.toml"

    def while_passes(self) -> None:
        """Let time pass in all three, so that the search index catches up and later is later."""
        for simulator in (self.jira, self.github, self.azure):
            simulator.clock.advance(A_WHILE)


@contextmanager
def the_world(folder: Path) -> Iterator[World]:
    """Three trackers on free loopback ports, with believable projects, for the length of a `with` block."""
    known = kinds()
    jira = known["jira"].simulator(token=TOKEN)
    github = known["github"].simulator(token=TOKEN)
    azure = known["azure_devops"].simulator(token=TOKEN, process="Basic")
    with ExitStack() as stack:
        for simulator in (jira, github, azure):
            simulator.seed(TICKETS[simulator.kind])
            stack.enter_context(serve(simulator, port=0))
        world = World(jira=jira, github=github, azure=azure, folder=folder)
        _make_pairs(world)
        world.while_passes()
        _write_config(world)
        yield world


def _make_pairs(world: World) -> None:
    """Tickets that teams have copied by hand, and that say so."""
    bug = world.jira.add_issue(PAIRED_TITLE, type="Bug", user="ada", description=PAIRED_WIKI)
    world.github.add_issue(
        as_user="grace", title=PAIRED_TITLE, body=f"{PAIRED_BODY}\nMirrors: {bug}", labels=["customer"]
    )
    export = world.jira.add_issue(EXPORT_TITLE, type="Task", user="alan", description="Rows are counted from one.")
    address = f"{world.jira.base_url}/browse/{export}"
    world.azure.add_issue(title=EXPORT_TITLE, body="<div>Rows are counted from one.</div>", links=[address], by="alan")


def _write_config(world: World) -> None:
    trackers = {"jira": world.jira, "github": world.github, "azure": world.azure}
    lines = ["# Written by `trackdown demo`. The tokens open simulators on this machine only.", "[store]"]
    lines += [f"url = {json.dumps('sqlite:///trackdown.db')}", ""]
    for name, simulator in trackers.items():
        told = simulator.description()
        auth = ", ".join(f"{key} = {json.dumps(value)}" for key, value in told["auth"].items())
        lines += [f"[trackers.{name}]", *(f"{key} = {json.dumps(told[key])}" for key in ("kind", "url", "project"))]
        lines += [f"auth = {{ {auth} }}", ""]
    lines += ["[bridges.payments]", f"trackers = {json.dumps(list(trackers))}", 'every = "10s"', 'settle = "10s"', ""]
    for person, accounts in _people(world).items():
        lines += [f"[people.{person}]", *(f"{key} = {json.dumps(value)}" for key, value in accounts.items()), ""]
    world.config.write_text("\n".join(lines), encoding="utf-8")


def _people(world: World) -> dict[str, dict[str, str]]:
    """Who is who; Linus has an account on GitHub only."""
    accounts = world.jira.catalogue.people
    everywhere = {
        name: {
            "name": accounts[name].display_name,
            "jira": accounts[name].account_id,
            "github": name,
            "azure": f"{name}@acme.example",
        }
        for name in ("ada", "grace", "alan")
    }
    return {**everywhere, "linus": {"name": "Linus", "github": "linus"}}
