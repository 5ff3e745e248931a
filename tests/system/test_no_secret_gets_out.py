"""After runs with failures, the tokens stand in no message, log, report or file of the store."""

from __future__ import annotations

import base64
import importlib
import json
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.core.errors import TrackerError
from tests.system.bridged import Bridged, bridged

TOKENS = {"jira": "jira-S3CRET-aaaa1111", "github": "ghp_S3CRETbbbb2222", "azure": "azure-S3CRET-cccc3333"}
#: As Basic authentication spells them.
SPELT = {
    "jira": base64.b64encode(f"bot@acme.example:{TOKENS['jira']}".encode()).decode(),
    "azure": base64.b64encode(f":{TOKENS['azure']}".encode()).decode(),
}
HIDDEN = (*TOKENS.values(), *SPELT.values(), "S3CRET")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Bridged]:
    knobs = {name: {"token": token} for name, token in TOKENS.items()}
    with bridged(tmp_path, **knobs) as found:
        found.github_token = TOKENS["github"]
        yield found


def simulators(world: Bridged) -> dict[str, Any]:
    return {"jira": world.jira, "github": world.github, "azure": world.azure}


def failures(name: str) -> list[dict[str, Any]]:
    """A gateway that shows what it was sent, and all the other ways of failing."""
    shown = f"Authorization: Basic {SPELT.get(name, '')}; token {TOKENS[name]}"
    told, page = {"message": shown, "errorMessages": [shown]}, f"<html>{shown}</html>"
    bodies: tuple[tuple[int, Any], ...] = ((500, page), (400, told), (403, page), (500, told))
    refusals = [{"fault": "status", "status": status, "body": body} for status, body in bodies]
    return [*refusals, {"fault": "drop_after"}, {"fault": "truncate"}]


def stored(world: Bridged) -> bytes:
    files = [path for path in world.folder.rglob("*") if path.is_file() and path.name != "trackdown.toml"]
    assert any(path.name.startswith("t.db") for path in files)
    return b"".join(path.read_bytes() for path in files)


@pytest.mark.parametrize("name", list(TOKENS))
def test_runs_with_failures_leave_no_token_behind(
    world: Bridged, name: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Writes and reads of each tracker fail in each way, with every library telling all it knows."""
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    world.jira.add_issue("From Jira")
    world.github.add_issue(title="From GitHub")
    world.azure.add_issue(title="From Azure")
    for turn, fault in enumerate(failures(name)):
        world.jira.add_issue(f"Ticket {turn}")
        world.github.add_issue(title=f"Another {turn}")
        world.fail(simulators(world)[name], method="POST|PATCH|PUT", path="(?i)issue|workitems/", **fault)
        if turn == 0:
            world.fail(simulators(world)[name], method="GET", times=2, **fault)
        report = world.sync()
        told += [json.dumps(report.as_json(), default=str), repr(report)]
        simulators(world)[name].faults.clear()
    assert any("unknown" in each or "problems" in each for each in told)
    said = "\n".join([*told, caplog.text, *(repr(record.__dict__) for record in caplog.records), *capfd.readouterr()])
    assert len(caplog.records) > 100
    for hidden in HIDDEN:
        assert hidden not in said, said[max(0, said.find(hidden) - 300) :][:600]
        assert hidden.encode() not in stored(world)


@pytest.mark.parametrize("name", list(TOKENS))
def test_errors_and_reprs_show_no_token(world: Bridged, name: str) -> None:
    """Neither the error of an adapter with all that led to it, nor the adapter, its settings or its parts."""
    simulator = simulators(world)[name]
    kind = simulator.kind
    table = {key: value for key, value in simulator.description().items() if key != "kind"}
    settings = importlib.import_module(f"adapters.{kind}.settings").Settings.model_validate(table)
    said = [repr(settings), str(settings), repr(settings.auth), str(settings.model_dump())]
    for fault in [*failures(name), {"fault": "status", "status": 401, "body": {"message": TOKENS[name]}}]:
        adapter = importlib.import_module(f"adapters.{kind}.adapter").open_adapter(
            settings, replica=name, sleep=lambda _: None
        )
        simulator.faults.clear()
        world.fail(simulator, times=9, **fault)
        try:
            adapter.probe()
        except TrackerError as error:
            said += ["".join(traceback.format_exception(error)), repr(error), str(error), repr(vars(error))]
        said += [repr(adapter), repr(vars(adapter))]
        adapter.close()
    assert len(said) > 15
    for hidden in HIDDEN:
        assert hidden not in "\n".join(said)
