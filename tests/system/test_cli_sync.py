"""`plan`, `sync` and what follows, through the real client libraries against simulated trackers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest

from sync.core.ids import BridgeName
from sync.shell.cli.main import run
from sync.shell.registry import kinds, serve
from sync.store import Store

CONFIG = """
[trackers.hub]
kind = "github"
url = "{hub}"
project = "acme/payments"
auth = {{ token = "env:HUB_TOKEN" }}
seconds_between_requests = 0
seconds_between_writes = {pause}
[trackers.azure]
kind = "azure_devops"
url = "{azure}"
project = "Payments"
auth = {{ token = "env:AZURE_TOKEN" }}
pause_between_writes = {pause}
[bridges.payments]
trackers = ["hub", "azure"]
{more}
[people.ada]
name = "Ada Lovelace"
hub = "ada"
"""
KEYS = {
    "name",
    "pulled",
    "created",
    "updated",
    "unchanged",
    "conflicts",
    "problems",
    "halts",
    "requests",
    "writes",
    "seconds",
}


class World:
    """A GitHub project with three tickets, an empty Azure DevOps project, and a config that bridges them."""

    def __init__(self, hub, azure, path) -> None:
        self.hub, self.azure, self.path = hub, azure, path

    def configure(self, more: str = "", pause: float = 0) -> None:
        text = CONFIG.format(hub=self.hub.base_url, azure=self.azure.description()["url"], more=more, pause=pause)
        self.path.write_text(text, encoding="utf-8")


@pytest.fixture
def world(tmp_path, monkeypatch):
    hub, azure = (
        kinds()["github"].simulator(token="hub-token-1"),
        kinds()["azure_devops"].simulator(token="azure-token-1"),
    )
    monkeypatch.setenv("HUB_TOKEN", "hub-token-1")
    monkeypatch.setenv("AZURE_TOKEN", "azure-token-1")
    path = tmp_path / "trackdown.toml"
    monkeypatch.setenv("TRACKDOWN_CONFIG", str(path))
    with serve(hub, port=0), serve(azure, port=0):
        for number in range(1, 4):
            hub.add_issue(title=f"Ticket {number}", body="Pay by card.", as_user="grace")
        made = World(hub, azure, path)
        made.configure()
        yield made


@pytest.fixture
def ask(capsys):
    """Run a command with --json; its exit code must be `code`."""

    def _ask(*arguments: str, code: int = 0):
        got = run([*arguments, "--json"])
        told = capsys.readouterr()
        assert got == code, told.out + told.err
        return json.loads(told.out)

    return _ask


def test_sync_prints_what_programs_rely_on(world, ask):
    """All keys of the contract, with both trackers counted; the next cycle writes nothing."""
    document = ask("sync")
    (bridge,) = document["bridges"]
    assert document["run"] == "R-1"
    assert set(bridge) >= KEYS
    assert (bridge["name"], bridge["pulled"], bridge["created"]) == ("payments", 3, 3)
    assert set(bridge["requests"]) == set(bridge["writes"]) == {"hub", "azure"}
    assert bridge["writes"]["hub"] == 0
    assert bridge["problems"] == bridge["halts"] == []
    ask("sync")
    (idle,) = ask("sync")["bridges"]
    assert idle["writes"] == {"hub": 0, "azure": 0}


def test_plan_says_what_sync_does_and_writes_nothing(world, ask, capsys):
    """Creates field by field; the trackers stay as they were."""
    (bridge,) = ask("plan")["bridges"]
    assert bridge["name"] == "payments"
    assert [write["action"] for write in bridge["writes"]] == ["create"] * 3
    assert {"field": "title", "old": None, "new": "Ticket 1"} in bridge["writes"][0]["changes"]
    assert run(["plan"]) == 0
    assert "+ create in azure" in capsys.readouterr().out
    assert not any(request["method"] == "PATCH" for request in world.azure.requests)
    assert ask("sync")["bridges"][0]["created"] == 3


def test_a_tracker_that_refuses_us_is_4_and_the_other_goes_on(world, ask, monkeypatch):
    """Its failure is in the report, without the token."""
    monkeypatch.setenv("AZURE_TOKEN", "wrong-token-1")
    document = ask("sync", code=4)
    (bridge,) = document["bridges"]
    assert [failure["replica"] for failure in bridge["failures"]] == ["azure"]
    assert bridge["pulled"] == 3
    assert "wrong-token-1" not in json.dumps(document)


def test_an_unreachable_tracker_is_4(world, ask):
    """Nobody listens there."""
    world.path.write_text(world.path.read_text().replace(world.hub.base_url, "http://127.0.0.1:9"), encoding="utf-8")
    (bridge,) = ask("sync", code=4)["bridges"]
    assert bridge["failures"][0]["kind"] == "unreachable"


def test_a_bridge_that_is_held_is_3_with_who_holds_it(world, ask, capsys):
    """Two processes never run one bridge at once."""
    ask("sync")
    store = Store(f"sqlite:///{world.path.parent / 'trackdown.db'}")
    lease = store.acquire(BridgeName("payments"), ttl=timedelta(minutes=5))
    try:
        assert run(["sync", "--json"]) == 3
        told = capsys.readouterr()
        assert [halt["name"] for halt in json.loads(told.out)["bridges"][0]["halts"]] == ["busy"]
        assert f"pid {os.getpid()}" in told.err
        assert run(["plan"]) == 3
    finally:
        store.release(lease)
        store.close()
    ask("sync")


def test_a_conflict_that_waits_is_5_until_somebody_chooses(world, ask):
    """Held on both sides, resolved at the command line, written by the next sync, and in the log."""
    world.configure('fields = { title = "manual" }')
    ask("sync")
    ask("sync")
    (link,) = [row for row in ask("links", "list")["tickets"] if row["title"] == "Ticket 1"]
    number = int(link["links"]["azure"]["ref"])
    world.hub.edit(1, as_user="ada", title="Ticket 1, by Ada")
    world.azure.edit(number, by="grace", title="Ticket 1, by Grace")
    assert ask("sync", code=5)["bridges"][0]["waiting"] == 1
    (conflict,) = ask("conflicts", "list", code=5)["conflicts"]
    assert {claim["value"] for claim in conflict["claims"]} == {"Ticket 1, by Ada", "Ticket 1, by Grace"}
    assert "Ada Lovelace" in {claim["who"] for claim in conflict["claims"]}
    ask("conflicts", "resolve", conflict["id"], "--take", "azure")
    ask("sync")
    assert world.hub.issue(1).title == "Ticket 1, by Grace"
    assert ask("audit", "verify")["whole"] is True
    assert "person" in {entry["phase"] for entry in ask("audit", "--ticket", "ISSUE-1")["entries"]}


def test_a_mass_change_is_3_until_it_is_allowed(world, ask):
    """Nothing is written before a person says that it is meant."""
    world.configure("limits = { mass_floor = 1, mass_share = 0.0 }")
    ask("sync")
    for number in (1, 2, 3):
        world.hub.edit(number, as_user="ada", state="closed")
    (bridge,) = ask("sync", code=3)["bridges"]
    assert [halt["name"] for halt in bridge["halts"]] == ["mass_change"]
    assert bridge["writes"]["azure"] == 0
    (bridge,) = ask("sync", "--allow-mass-change")["bridges"]
    assert bridge["writes"]["azure"] >= 3


def test_links_add_joins_tickets_that_were_there(world, ask):
    """They become one ticket; no copy is made on either side."""
    item = world.azure.add_issue(type="User Story", by="grace", title="Ticket 1 there")
    document = ask("links", "add", "hub=acme/payments#1", f"azure=AB#{item}")
    assert set(document["links"]) == {"hub", "azure"}
    ask("sync")
    rows = ask("links", "list")["tickets"]
    (joined,) = [row for row in rows if row["key"] == document["key"]]
    assert joined["links"]["hub"]["key"] == "#1"
    assert len([row for row in rows if "Ticket 1" in row["title"]]) == 1


def test_sigint_finishes_the_write_in_hand_and_is_130(world):
    """What is left is done by the next sync, and nothing twice."""
    world.configure(pause=0.4)
    command = [sys.executable, "-m", "sync.shell.cli.main", "sync", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            while not any("$" in request["path"] for request in world.azure.requests):
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130, err
    assert json.loads(out)["bridges"][0]["interrupted"] is True
    world.configure()
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    titles = [world.azure.issue(key)["fields"]["System.Title"] for key in list(world.azure.keys())]
    assert sorted(titles) == ["Ticket 1", "Ticket 2", "Ticket 3"]
