"""A first sync that a tracker's limit holds up: the command line waits and says so, and lets go at once."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from adapters._simulator import served
from adapters.azure_devops.simulator import AzureDevOpsSimulator
from adapters.github.simulator import GitHubSimulator
from adapters.github.simulator.limits import Limits
from sync.shell.cli.main import run
from tests.system.bridged import GITHUB, bridged

COMMAND = [sys.executable, "-m", "sync.shell.cli.main"]
CONFIG = """
[store]
url = "sqlite:///t.db"

[trackers.hub]
kind = "github"
url = "{hub.base_url}"
project = "{hub.project}"
auth = {{ token = "env:HUB_TOKEN" }}
new_per_hour = 3

[trackers.azure]
kind = "azure_devops"
url = "{azure.url}"
project = "{azure.project}"
auth = {{ token = "env:AZURE_TOKEN" }}
pause_between_writes = 0

[bridges.payments]
trackers = ["azure", "hub"]
every = "1s"
allow_publish = true
"""


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Eight tickets in Azure DevOps, a GitHub that takes three an hour, and a config that knows it."""
    hub = GitHubSimulator(limits=Limits(enforced=True, creates_per_hour=3))
    azure = AzureDevOpsSimulator()
    for number in range(8):
        azure.add_issue(title=f"Ticket {number}")
    with served(hub), served(azure):
        monkeypatch.setenv("HUB_TOKEN", hub.auth()["token"])
        monkeypatch.setenv("AZURE_TOKEN", azure.auth()["token"])
        path = tmp_path / "trackdown.toml"
        path.write_text(CONFIG.format(hub=hub, azure=azure), encoding="utf-8")
        yield hub, azure, path


def made(hub):
    """How many issues the bridge asked for, refused ones included."""
    return sum(one["method"] == "POST" and one["path"].endswith("/issues") for one in hub.requests)


@contextmanager
def running(path, *arguments, terminal=False):
    """The command as a process; gives it and a way to wait for a word on its stderr, which may be a terminal."""
    ours, theirs = os.openpty() if terminal else os.pipe()
    with subprocess.Popen(
        [*COMMAND, "--config", str(path), *arguments],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "TERM": "xterm", "COLUMNS": "200"},
    ) as process:
        os.close(theirs)
        seen = b""

        def until(word: str) -> str:
            nonlocal seen
            while word.encode() not in seen:
                assert select.select([ours], [], [], 60)[0], seen
                try:
                    news = os.read(ours, 65_536)
                except OSError:  # so a terminal says that nobody is there any more
                    news = b""
                assert news, seen
                seen += news
            return seen.decode()

        try:
            yield process, until
        finally:
            process.kill()
            os.close(ours)


def test_a_first_sync_waits_with_its_end_in_sight_and_lets_go_at_once(world, capsys):
    """It says what it waits for and until when; Ctrl-C ends it with 130, and what is left goes on in the next run."""
    hub, azure, path = world
    with running(path, "sync", "--json") as (process, until):
        said = until("done about")
        assert "hub: 3 of 8 written, waiting" in said
        assert "for its hourly limit of 3 new issues and comments, done about" in said
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        (bridge,) = json.loads(process.stdout.read())["bridges"]
    assert (bridge["interrupted"], bridge["pauses"][0]["left"], made(hub)) == (True, 5, 3)

    # Another process remembers the hour: nothing is even tried, and an edit goes on its way.
    number = azure.add_issue(title="One more")
    assert run(["--config", str(path), "sync", "--no-wait", "--json"]) == 4
    (bridge,) = json.loads(capsys.readouterr().out)["bridges"]
    assert (bridge["pauses"][0]["left"], bridge["failures"], made(hub), hub.meter.trips) == (6, [], 3, 0)
    assert azure.issue(number)

    assert run(["--config", str(path), "status", "--json"]) == 0
    (replica,) = [one for one in json.loads(capsys.readouterr().out)["bridges"][0]["replicas"] if one["name"] == "hub"]
    assert (replica["state"], replica["waits"]["left"]) == ("ok", 6)
    assert replica["waits"]["why"] == "its hourly limit of 3 new issues and comments"
    assert run(["--config", str(path), "status"]) == 0
    assert "hub: 6 left to write, done about" in capsys.readouterr().out


def test_who_watches_sees_one_line_that_is_kept_up_to_date(world):
    """On a terminal the wait stands in one place, and is gone with the command."""
    _, _, path = world
    with running(path, "sync", terminal=True) as (process, until):
        said = until("done about")
        assert "hub: 3 of 8 written, waiting 60 min for its hourly limit of 3 new issues and comments" in said
        until("waiting 59 min")
        process.send_signal(signal.SIGTERM)
        until("\x1b[?25h")  # the cursor is back
        assert process.wait(20) == 130
        assert b"3 of 8 written, waiting" in process.stdout.read()


def test_a_daemon_says_what_it_waits_for_and_stops_at_once(world):
    """Once when the waiting begins, in one line of its log; SIGTERM does not wait for the limit."""
    hub, _, path = world
    with running(path, "daemon", "--log", "json") as (process, until):
        until("waiting for a limit")
        hub.requests.clear()
        for _ in range(300):  # a few more cycles
            if len(hub.requests) >= 4:
                break
            assert process.poll() is None
            select.select([], [], [], 0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        said = until("stopped")
    assert said.count("waiting for a limit") == 1
    assert (made(hub), hub.meter.trips) == (0, 0)


def test_what_changed_between_two_cycles_is_one_request(tmp_path):
    """Five edits of four fields of one ticket are one request to a tracker.

    Two things have requests of their own: a status in Jira, and new labels on GitHub, where nobody else's must be overwritten.
    """
    with bridged(tmp_path) as bridge:
        key = bridge.azure.add_issue(title="Payout is late", labels=["bank"])
        bridge.until_quiet()
        bridge.azure.edit(key, title="Payout is two days late")
        bridge.azure.edit(key, body="<p>Since Monday</p>", labels=["bank", "urgent"])
        bridge.azure.edit(key, state="Closed")
        bridge.azure.edit(key, title="Payout is three days late")
        assert bridge.sync().writes == {"jira": 2, "github": 2, "azure": 0}
        bridge.until_quiet()

        number = int(bridge.keys("three days")[GITHUB])
        bridge.github.edit(number, title="Payout was late", labels=["bank", "paid"])
        bridge.github.edit(number, body="Until today")
        assert bridge.sync().writes == {"jira": 1, "github": 0, "azure": 1}
