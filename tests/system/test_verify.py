"""`trackdown verify` through the real client libraries, against simulated trackers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sync.core.models import Field
from sync.engine.standing import Standing
from sync.engine.verify import verify
from sync.shell.cli.main import run
from tests.system.bridged import AZURE, GITHUB, JIRA, Bridged, bridged


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Bridged]:
    """Three tickets of Jira that are in step everywhere."""
    with bridged(tmp_path) as found:
        found.jira.seed(3)
        found.until_quiet()
        yield found


@pytest.fixture
def told(world: Bridged, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """What `verify --json` says of the bridge."""

    def ask(*arguments: str, code: int) -> dict[str, Any]:
        world.while_passes()
        capsys.readouterr()
        assert run(["--config", str(world.config), "verify", "--json", *arguments]) == code, capsys.readouterr().err
        (document,) = json.loads(capsys.readouterr().out)["bridges"]
        return dict(document)

    return ask


def test_in_step_and_what_it_costs(world: Bridged, told: Callable[..., dict[str, Any]]) -> None:
    """Exit code 0, nothing written, and requests that do not grow with the tickets."""
    document = told(code=0)
    assert document["findings"] == []
    assert document["in_step"] == {JIRA: 3, GITHUB: 3, AZURE: 3}
    assert all(counts["in step"] == 3 for counts in document["counts"].values())
    with world.opened() as bridge:
        writes = {name: replica.adapter.traffic.writes for name, replica in bridge.replicas.items()}
        few = verify(bridge).requests
        assert {name: replica.adapter.traffic.writes for name, replica in bridge.replicas.items()} == writes
    world.jira.seed(3)
    world.until_quiet()
    with world.opened() as bridge:
        report = verify(bridge)
    many = report.requests
    assert report.in_step == {JIRA: 6, GITHUB: 6, AZURE: 6}
    assert sum(many.values()) == sum(few.values())
    assert world.sync().writes == {JIRA: 0, GITHUB: 0, AZURE: 0}


def test_an_orphan_is_found_and_linked_again(world: Bridged, told: Callable[..., dict[str, Any]]) -> None:
    """A copy whose link was lost is found by its marker in each tracker; --fix runs the sync that links it."""
    with world.opened() as bridge, bridge.store.begin() as tx:
        from sqlalchemy import text

        links = [next(iter(tx.links.list(bridge.name, name))) for name in (GITHUB, AZURE)]
        for link in links:
            tx.links._session.execute(text("DELETE FROM outbox"))
            tx.links._session.execute(text("DELETE FROM copies"))
            tx.links._session.execute(
                text("DELETE FROM links WHERE ticket = :t AND replica = :r"), {"t": link.ticket, "r": link.replica}
            )
    document = told(code=1)
    orphans = {(one["replica"], one["where"]) for one in document["findings"] if one["standing"] == Standing.ORPHAN}
    assert orphans == {(link.replica, link.key) for link in links}
    before = len(world.github.repository.issues), len(list(world.azure.keys()))
    told("--fix", "orphan", "--fix", "pending", code=0)
    world.until_quiet()
    assert (len(world.github.repository.issues), len(list(world.azure.keys()))) == before
    assert told(code=0)["findings"] == []


def test_words_for_people(world: Bridged, capsys: pytest.CaptureFixture[str]) -> None:
    """A table of counts and one line for each ticket that is not in step."""
    with world.opened() as bridge, bridge.store.begin() as tx:
        record = next(iter(tx.tickets.list(bridge.name)))
        known = {Field.TITLE: "Known otherwise"}
        tx.tickets.save(record.id, replace(record.canonical, fields={**record.canonical.fields, **known}))
        for link in tx.links.of_ticket(record.id):
            tx.links.save(replace(link, base={**(link.base or {}), **known}, agreed={**link.agreed, **known}))
    assert run(["--config", str(world.config), "verify"]) == 1
    said = capsys.readouterr()
    assert "never synced" in said.out
    assert "drifted  github " in said.out
    assert f"Known otherwise → {record.canonical.fields[Field.TITLE]}"[:40] in said.out
    assert "--fix drifted" in said.err
    assert run(["--config", str(world.config), "verify", "--fix", "everything"]) == 2
    assert "never-synced" in capsys.readouterr().err
