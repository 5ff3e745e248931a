"""The command line against simulated trackers on this machine, through the installed adapters."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
from contextlib import contextmanager

import pytest

from sync.shell.cli.main import run
from sync.shell.configfile import load
from sync.shell.registry import kinds, serve

COMMAND = [sys.executable, "-m", "sync.shell.cli.main"]


@contextmanager
def simulating(*arguments: str):
    """`trackdown simulate …` as a process; gives it and the line that it printed."""
    with subprocess.Popen(
        [*COMMAND, "simulate", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


@pytest.fixture
def simulators():
    """Two small simulated projects: GitHub and Azure DevOps."""
    hub, azure = (kinds()[kind].simulator(token=f"token-of-{kind}") for kind in ("github", "azure_devops"))
    hub.seed(6)
    azure.seed(6)
    with serve(hub, port=0), serve(azure, port=0):
        yield {"hub": hub.description(), "azure": azure.description()}


def initialise(simulators, path, *more: str) -> int:
    """`trackdown init` with all answers on the command line."""
    arguments = ["--config", str(path), "init", "--bridge", "payments"]
    for name, description in simulators.items():
        arguments += ["--tracker", f"{name}={description['kind']}", "--set", f"{name}.url={description['url']}"]
        arguments += ["--set", f"{name}.project={description['project']}"]
        for key in description["auth"]:
            arguments += ["--set", f"{name}.auth.{key}=env:{name.upper()}_{key.upper()}"]
    return run([*arguments, *more])


@pytest.fixture
def config(simulators, tmp_path, monkeypatch, capsys):
    """A config made by `init`, with the secrets in the environment."""
    for name, description in simulators.items():
        monkeypatch.setenv(f"{name.upper()}_TOKEN", description["auth"]["token"])
    path = tmp_path / "trackdown.toml"
    assert initialise(simulators, path) == 0
    capsys.readouterr()
    return path


@pytest.mark.parametrize("kind", kinds())
def test_simulate_prints_one_line_and_ends_at_sigterm(kind):
    """What it prints can be written into a [trackers.x] table as it is."""
    with simulating(kind, "--tickets", "3", "--token", "tok-in") as (process, description):
        assert set(description) == {"kind", "url", "project", "auth"}
        assert description["kind"] == kind
        assert description["auth"]["token"] == "tok-in"
        kinds()[kind].settings().model_validate({key: description[key] for key in ("url", "project", "auth")})
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stdout.read() == ""


def test_simulate_refuses_what_it_does_not_know(capsys):
    """A kind by a near name, and a port that is taken."""
    assert run(["simulate", "gitub"]) == 2
    assert "did you mean 'github'?" in capsys.readouterr().err


def test_init_writes_references_and_never_a_secret(config, simulators):
    """The config is good as it stands, and the token is not in it."""
    text = config.read_text(encoding="utf-8")
    assert simulators["hub"]["auth"]["token"] not in text
    assert tomllib.loads(text)["trackers"]["hub"]["auth"] == {"token": "env:HUB_TOKEN"}
    assert set(load(config).bridges) == {"payments"}


def test_init_asks_the_trackers_and_writes_nothing_when_they_refuse(simulators, tmp_path, monkeypatch, capsys):
    """A wrong token is exit code 4 and no file."""
    monkeypatch.setenv("HUB_TOKEN", "wrong-token")
    monkeypatch.setenv("AZURE_TOKEN", "wrong-token")
    assert initialise(simulators, tmp_path / "new.toml") == 4
    assert not (tmp_path / "new.toml").exists()
    assert "wrong-token" not in capsys.readouterr().err
    assert initialise(simulators, tmp_path / "new.toml", "--no-check") == 0
    assert (tmp_path / "new.toml").exists()


def test_init_does_not_write_over_a_config(config, simulators, capsys):
    """Only with --force."""
    assert initialise(simulators, config) == 2
    assert "--force" in capsys.readouterr().err
    assert initialise(simulators, config, "--force") == 0


def test_init_says_all_that_is_missing(tmp_path, capsys):
    """Without a terminal nothing is asked."""
    arguments = [
        "--config",
        str(tmp_path / "x.toml"),
        "init",
        "--no-check",
        "--tracker",
        "a=github",
        "--tracker",
        "b=github",
    ]
    assert run(arguments) == 2
    assert "--set a.project=… is missing" in capsys.readouterr().err


def test_doctor_finds_everything_in_order(config, capsys):
    """Credentials, words, clocks, store and packages."""
    assert run(["doctor", "--json", "--config", str(config)]) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {finding["verdict"] for finding in findings} <= {"ok", "warning"}
    assert {"packages", "config", "store", "payments/hub", "payments/azure"} <= {one["subject"] for one in findings}


def test_doctor_says_all_at_once(config, monkeypatch, capsys):
    """A refused tracker does not keep it from the next one; exit code 4."""
    monkeypatch.setenv("HUB_TOKEN", "wrong-token")
    assert run(["doctor", "--json", "--config", str(config)]) == 4
    told = capsys.readouterr()
    findings = json.loads(told.out)["findings"]
    assert [one["subject"] for one in findings if one["verdict"] == "refused"] == ["payments/hub"]
    assert any(one["subject"] == "payments/azure" and one["verdict"] == "ok" for one in findings)
    assert "wrong-token" not in told.out + told.err


def test_doctor_names_words_without_a_meaning(config, tmp_path, capsys):
    """A native status that the mapping does not know is a problem with its mend."""
    (tmp_path / "own.toml").write_text('tracker = "azure_devops"\n[fields.status.values]\nopen = ["New"]\n')
    text = config.read_text(encoding="utf-8").replace(
        'kind = "azure_devops"', 'kind = "azure_devops"\nmapping = "own.toml"'
    )
    config.write_text(text, encoding="utf-8")
    assert run(["doctor", "--json", "--config", str(config)]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    problems = [one for one in findings if one["verdict"] == "problem"]
    assert problems
    assert all("has no meaning" in one["message"] and "[fields." in one["mend"] for one in problems)


def test_doctor_tells_config_problems_as_findings(config, monkeypatch, capsys):
    """A missing secret is exit code 2, and the installation is checked all the same."""
    monkeypatch.delenv("HUB_TOKEN")
    assert run(["doctor", "--json", "--config", str(config)]) == 2
    subjects = [one["subject"] for one in json.loads(capsys.readouterr().out)["findings"]]
    assert subjects == ["packages", "config"]


def test_the_daemon_ends_at_sigterm_with_0(config):
    """And at SIGINT with 130; its log is JSON lines on stderr, and stdout stays empty."""
    quick = 'kind = "github"\nseconds_between_requests = 0\nseconds_between_writes = 0'
    config.write_text(config.read_text(encoding="utf-8").replace('kind = "github"', quick), encoding="utf-8")
    for number, code in ((signal.SIGTERM, 0), (signal.SIGINT, 130)):
        with subprocess.Popen(
            [*COMMAND, "--config", str(config), "daemon"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(os.environ),
        ) as process:
            try:
                lines = []
                while not any("synced" in line or "state changed" in line for line in lines):
                    line = process.stderr.readline()
                    assert line, lines
                    lines.append(line)
                    if number == signal.SIGINT and "started" in line:
                        break
                process.send_signal(number)
                out, err = process.communicate(timeout=60)
            finally:
                process.kill()
        assert process.returncode == code, err
        assert out == ""
        events = [json.loads(line)["event"] for line in [*lines, *err.splitlines()]]
        assert (events[0], events[-1]) == ("started", "stopped")


def test_a_sync_does_what_the_plan_before_it_said(config, simulators, capsys):
    """The plan has asked the trackers what they can do; what the sync remembers of it refuses nothing."""
    assert run(["plan", "--json", "--config", str(config)]) == 0
    planned = json.loads(capsys.readouterr().out)["bridges"][0]
    assert run(["sync", "--json", "--config", str(config)]) == 0
    report = json.loads(capsys.readouterr().out)["bridges"][0]
    assert report["problems"] == []
    assert report["created"] == len({write["key"] for write in planned["writes"] if write["action"] == "create"})
