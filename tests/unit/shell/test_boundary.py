"""The command line's own rules: exit codes, help, what goes where."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from sync.core.errors import (
    AuthFailed,
    BridgeBusy,
    ConfigError,
    Halted,
    InvariantBroken,
    Rejected,
    StoreError,
    Unreachable,
)
from sync.shell.cli.errors import ExitCode, code_of, worst
from sync.shell.cli.main import app, run

#: What no help may wait for; a command's own help may take pydantic, which Typer reads options with.
HEAVY = (
    "jira",
    "github",
    "azure",
    "msrest",
    "sqlalchemy",
    "sqlmodel",
    "structlog",
    "apscheduler",
    "requests",
    "jinja2",
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError(["x"]), 2),
        (StoreError("x"), 2),
        (Halted("x"), 3),
        (BridgeBusy("x"), 3),
        (AuthFailed("x"), 4),
        (Unreachable("x"), 4),
        (Rejected("x"), 4),
        (InvariantBroken("x"), 1),
        (ValueError("x"), 1),
        (KeyboardInterrupt(), 130),
        (typer.Abort(), 130),
    ],
)
def test_errors_have_exit_codes(error, code):
    """By what a person has to do next."""
    assert code_of(error) == code


def test_of_several_exit_codes_the_most_urgent_is_told():
    """Interrupted, config, tracker, guard, conflict, problems, done."""
    order = [130, 2, 4, 3, 5, 1]
    for place, code in enumerate(order):
        assert worst(ExitCode(one) for one in order[place:]) == code
    assert worst([]) == 0


def commands(group: typer.Typer = app, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command line that names a command."""
    found = [(*before, command.name or command.callback.__name__) for command in group.registered_commands]
    for nested in group.registered_groups:
        found += commands(nested.typer_instance, (*before, nested.name))
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_help_teaches_by_example(command, capsys):
    """Each command's help says what it does and shows how to call it."""
    assert run([*command, "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Example:" in shown
    assert f"trackdown {' '.join(command)}" in shown.partition("Example:")[2] or command == ("daemon",)


@pytest.mark.parametrize(("arguments", "heavy"), [(["--help"], (*HEAVY, "pydantic")), (["sync", "--help"], HEAVY)])
def test_help_is_light(arguments, heavy):
    """Help imports no tracker's library, no database and no settings."""
    probe = (
        f"import sys; from sync.shell.cli.main import run; run({arguments!r}); "
        f"print(sorted(set({heavy!r}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_a_usage_error_is_one_line_and_2(capsys):
    """No traceback, and a nearby command is offered."""
    assert run(["sycn"]) == 2
    told = capsys.readouterr()
    assert "Did you mean 'sync'" in told.err
    assert told.out == ""


def test_errors_are_one_json_document_too(tmp_path, capsys):
    """A program that asked for JSON gets it, whatever happens."""
    assert run(["sync", "--json", "--config", str(tmp_path / "none.toml")]) == 2
    told = capsys.readouterr()
    assert json.loads(told.out)["error"]["exit"] == 2
    assert "trackdown init" in told.err


def test_the_config_may_be_named_before_after_and_in_the_environment(tmp_path, capsys, monkeypatch):
    """All three lead to the same file."""
    path = str(tmp_path / "mine.toml")
    for arguments in (["--config", path, "status"], ["status", "--config", path], ["status", f"--config={path}"]):
        assert run(arguments) == 2
        assert "mine.toml" in capsys.readouterr().err
    monkeypatch.setenv("TRACKDOWN_CONFIG", path)
    assert run(["status"]) == 2
    assert "mine.toml" in capsys.readouterr().err


def test_a_traceback_only_when_asked_for(tmp_path, capsys):
    """`--debug` shows where an error came from."""
    path = str(tmp_path / "none.toml")
    run(["status", "--config", path])
    assert "Traceback" not in capsys.readouterr().err
    run(["status", "--debug", "--config", path])
    assert "Traceback" in capsys.readouterr().err


def test_a_closed_pipe_is_no_error():
    """`trackdown … | head` ends quietly."""
    line = f"{sys.executable} -m sync.shell.cli.main --help | true"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_the_installed_command_is_this_one():
    """The console script runs the same."""
    script = Path(sys.executable).with_name("trackdown")
    if not script.exists():
        pytest.skip("the application is not installed in this environment")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("trackdown ")
