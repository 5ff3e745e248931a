"""All that a team puts on a ticket, over the real client libraries: there once, edited anywhere, then silent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.core.models import Field
from tests.system.bridged import AZURE, GITHUB, JIRA, Bridged, bridged

SERVERS: dict[str, dict[str, dict[str, Any]]] = {
    "clouds": {},
    "servers": {
        "jira": {"deployment": "server"},
        "github": {"product": "ghes-3.17"},
        "azure": {"process": "Scrum"},
    },
    "others": {
        "jira": {"style": "team-managed"},
        "github": {"product": "ghes-3.19"},
        "azure": {"process": "CMMI"},
    },
}
LOG = b"2026-11-22 refund failed\n" * 400


@pytest.fixture(params=sorted(SERVERS))
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bridged]:
    """Three trackers that know the same components, versions and sprints."""
    with bridged(tmp_path, **SERVERS[request.param]) as found:
        for sprint in ("Sprint 1", "Sprint 2"):
            found.azure.add_iteration(f"Payments\\{sprint}")
        found.azure.add_area("Payments\\api")
        found.github.add_milestone("1.0")
        found.jira.add_component("api")
        found.jira.add_version("1.0")
        yield found


@pytest.fixture
def planned(world: Bridged) -> tuple[Bridged, dict[str, Any]]:
    """A ticket of Jira with everything on it, and one that it blocks; both stand everywhere."""
    jira = world.jira
    first, second = (
        jira.add_sprint(name, "active" if name == "Sprint 1" else "future") for name in ("Sprint 1", "Sprint 2")
    )
    key, other = jira.add_issue("Refunds"), jira.add_issue("Chargebacks")
    jira.edit(key, components=[{"name": "api"}], fixVersions=[{"name": "1.0"}], duedate="2026-12-24")
    jira.estimate(key, originalEstimate="3h")
    jira.to_sprint(key, first)
    jira.attach(key, "refund.log", LOG)
    jira.link(key, other)
    report = world.until_quiet()
    assert not report.problems
    assert not report.failures
    return world, {"key": key, "other": other, "sprints": (first, second)}


def shown(world: Bridged, name: Field) -> dict[str, Any]:
    """What each tracker shows of the ticket; those that can't hold the field are left out."""
    return {tracker: value for tracker, value in world.shown("Refunds", name).items() if value is not None}


def days(world: Bridged) -> set[str]:
    """The due dates that are shown; a backlog item of Scrum has none."""
    found = shown(world, Field.DUE)
    assert {JIRA, GITHUB} <= set(found)
    return set(found.values())


def test_a_ticket_arrives_with_everything(planned: tuple[Bridged, dict[str, Any]]) -> None:
    """Each tracker shows what it can hold, its own way; GitHub has a table of the rest in the text."""
    world, _ = planned
    keys, others = world.keys("Refunds"), world.keys("Chargebacks")
    assert days(world) == {"2026-12-24"}
    assert shown(world, Field.SPRINT) == dict.fromkeys((JIRA, GITHUB, AZURE), "Sprint 1")
    assert shown(world, Field.COMPONENTS) == {key: {"api"} for key in (JIRA, GITHUB, AZURE)}
    assert shown(world, Field.MILESTONE) == {key: {"1.0"} for key in (JIRA, GITHUB)}
    assert shown(world, Field.ESTIMATE)[GITHUB] == "3"
    links = shown(world, Field.LINKS)
    assert links[GITHUB] == {f"blocks:{others[GITHUB]}"}
    assert links[AZURE] == {f"blocks:{others[AZURE]}"}
    body = world.github.issue(int(keys[GITHUB])).body
    assert "- **Due date:** 2026-12-24" in body or world.github.world.product in ("github.com", "ghec")
    assert "[refund.log](" in body
    (file,) = world.azure.files_of(int(keys[AZURE]))
    assert file


def test_what_is_edited_anywhere_is_edited_everywhere(planned: tuple[Bridged, dict[str, Any]]) -> None:
    """A day on GitHub, a sprint and a link in Azure DevOps change at once; then nothing is written any more."""
    world, _ = planned
    keys = world.keys("Refunds")
    number = int(keys[GITHUB])
    world.github.edit(number, body=world.github.issue(number).body.replace("2026-12-24", "2026-12-31"))
    world.azure.edit(int(keys[AZURE]), iteration="Payments\\Sprint 2")
    others = world.keys("Chargebacks")
    world.azure.unlink(int(keys[AZURE]), int(others[AZURE]), "blocks")
    report = world.sync()
    assert report.conflicts == 0
    assert not report.problems
    assert not report.failures
    world.until_quiet()
    assert days(world) == {"2026-12-31"}
    assert shown(world, Field.SPRINT) == dict.fromkeys((JIRA, GITHUB, AZURE), "Sprint 2")
    assert not any(shown(world, Field.LINKS).values())
