"""Tokens and passwords stay out of everything that is shown or kept, in each spelling that they have on the way."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import structlog

from sync.shell import logs
from sync.shell.cli.main import run
from sync.shell.configfile import load
from tests.system.bridged import Bridged, bridged

TOKENS = {"jira": "jira+S3CRET/aaaa=1", "github": "ghp_S3CRETbbbb2222", "azure": "azure-S3CRET-cccc3333"}


def basic(user: str, token: str) -> str:
    return base64.b64encode(f"{user}:{token}".encode()).decode()


def spelt(name: str) -> set[str]:
    """A token as it is, as Basic authentication sends it, and both as an address holds them."""
    forms = {TOKENS[name], basic("bot@acme.example" if name == "jira" else "", TOKENS[name])}
    return forms | {quote(one, safe="") for one in forms}


@pytest.fixture
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("apscheduler").setLevel(logging.NOTSET)
    structlog.reset_defaults()


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.usefixtures("restored_logging")
def test_tracebacks_of_libraries_are_redacted(*, as_json: bool) -> None:
    """What a library logs with its exception, and what it hands over beside its message."""
    stream = io.StringIO()
    logs.configure(["super-secret-token"], stream=stream, as_json=as_json)
    try:
        raise ValueError("GET https://a.example/?t=super-secret-token")
    except ValueError:
        logging.getLogger("urllib3").exception("with %s", "super-secret-token")
    logging.getLogger("x").warning("more", extra={"token": "another-secret"})
    told = stream.getvalue()
    assert "ValueError: GET https://a.example/?t=***" in told
    assert "super-secret-token" not in told
    assert "another-secret" not in told


def test_the_password_of_the_store_is_in_no_message(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a server that is not there, with the whole way of the error shown, encoded in the address or not."""
    monkeypatch.setenv("STORE", "postgresql+psycopg://trackdown:pass%2Fw0rd%2Bcanary@127.0.0.1:1/db")
    monkeypatch.setenv("T", "canary-token-1")
    tracker = '[trackers.{0}]\nkind = "github"\nproject = "acme/{0}"\nauth = {{ token = "env:T" }}\n'
    config = tmp_path / "trackdown.toml"
    config.write_text(
        f'[store]\nurl = "env:STORE"\n{tracker.format("a")}{tracker.format("b")}[bridges.x]\ntrackers = ["a", "b"]\n'
    )
    assert {"pass/w0rd+canary", "pass%2Fw0rd%2Bcanary"} <= load(config).secrets
    for command in (["status"], ["sync"], ["doctor"], ["audit", "verify"]):
        assert run([*command, "--json", "--debug", "--config", str(config)]) != 0
        said = "".join(capfd.readouterr())
        assert "127.0.0.1" in said or "store" in said
        assert "w0rd" not in said


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Bridged]:
    with bridged(tmp_path, **{name: {"token": token} for name, token in TOKENS.items()}) as found:
        found.github_token = TOKENS["github"]
        yield found


@pytest.mark.parametrize("name", list(TOKENS))
def test_commands_show_no_token_that_a_server_repeats(
    world: Bridged, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A gateway that puts our credentials into addresses, headers and pages, seen by every command with all its details."""
    simulator = {"jira": world.jira, "github": world.github, "azure": world.azure}[name]
    world.jira.add_issue("From Jira")
    world.sync()
    config, hidden = str(world.config), spelt(name)
    repeated = " ".join(sorted(hidden))
    address = "https://elsewhere.example/?t=" + "&t=".join(sorted(quote(one, safe="") for one in hidden))
    answers = [
        {"status": 302, "headers": {"Location": address}},
        {
            "status": 403,
            "body": f"<html>{repeated}</html>",
            "headers": {"X-Sent": repeated, "WWW-Authenticate": repeated},
        },
        {"status": 500, "body": {"message": repeated, "errorMessages": [repeated]}},
    ]
    said: list[str] = []
    for answer in answers:
        simulator.faults.clear()
        world.fail(simulator, fault="status", times=60, **answer)
        plan = world.folder / "plan.json"
        for command in (["sync"], ["doctor"], ["status"], ["plan", "--out", str(plan)], ["audit"]):
            run([*command, "--json", "--debug", "--config", config])
            said += capfd.readouterr()
    report = world.folder / "report.html"
    simulator.faults.clear()
    assert run(["conflicts", "report", "--html", str(report), "--config", config]) == 0
    said += capfd.readouterr()
    kept = [path for path in world.folder.rglob("*") if path.is_file() and path.name != "trackdown.toml"]
    everything = "\n".join(said) + "".join(path.read_bytes().decode("utf-8", "replace") for path in kept)
    assert report in kept
    assert json.dumps("From Jira")[1:-1] in everything
    for one in hidden:
        assert one not in everything, everything[max(0, everything.find(one) - 300) :][:600]
