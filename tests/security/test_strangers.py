"""Who may open tickets and comment, and no more: what they write is carried, and what it asks of other tickets is not done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.github.block import BEGIN, END
from sync.core.models import Field
from sync.testing.memory_knobs import OUTSIDER
from tests.scenarios.world import ALIKE, GITHUB, JIRA, World
from tests.system.bridged import Bridged, bridged


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path, ALIKE)
    yield found
    found.close()


@pytest.mark.parametrize("first", ["at once", "while the copy can't be made", "when it has one"])
def test_a_stranger_takes_over_no_ticket_by_naming_it(world: World, first: str) -> None:
    """`Mirrors: jira-1` joins nothing: the stranger's is a ticket of its own, and the other keeps its title."""
    jira, github = world.trackers[JIRA], world.trackers[GITHUB]
    ref = jira.create(title="Pay salaries")
    if first == "while the copy can't be made":
        world.bridge.resting = frozenset({GITHUB})
    if first != "at once":
        world.settle()
    world.bridge.resting = frozenset()
    strange = github.create(title="Pay me", text="Mirrors: JIRA-1", author=OUTSIDER)
    world.settle()
    assert world.everywhere(JIRA, ref, "title") == ["Pay salaries"] * 3
    assert world.twin(JIRA, ref, GITHUB) != strange
    github.edit(strange, title="Pay me now", author=OUTSIDER)
    world.settle()
    assert jira.ticket(ref)["title"] == "Pay salaries"
    world.check_once()


def test_a_marker_in_a_strangers_ticket_is_text(world: World) -> None:
    """The marker of a copy that was deleted, valid as it is, gives nobody else the ticket."""
    jira, github = world.trackers[JIRA], world.trackers[GITHUB]
    ref = jira.create(title="Pay salaries")
    world.settle()
    copy = world.twin(JIRA, ref, GITHUB)
    marker = github.ticket(copy)["marker"]
    assert marker
    github.delete(copy)
    with world.store.begin() as tx:
        (link,) = [one for one in tx.links.list(world.bridge.name) if one.ref == copy and one.replica == GITHUB]
        tx.links.remove(link.id)
    strange = github.create(title="Pay me", marker=marker, author=OUTSIDER)
    world.settle()
    assert jira.ticket(ref)["title"] == "Pay salaries"
    assert world.everywhere(GITHUB, strange, "title") == ["Pay me"] * 3


# -- GitHub: anybody may open an issue in a public repository --------------------------------------------


@pytest.fixture
def trackers(tmp_path: Path) -> Iterator[Bridged]:
    with bridged(tmp_path) as found:
        found.bridge_config = "allow_publish = true"
        found.github.repository.private = False
        yield found


def test_an_issue_of_a_stranger_joins_nothing_and_is_told(trackers: Bridged) -> None:
    """The reference stays a line of text; a member's is an adoption as ever."""
    wanted = trackers.jira.add_issue("Pay salaries")
    trackers.github.add_issue(title="Pay me", body=f"Mirrors: {wanted}", as_user="outsider")
    report = trackers.sync()
    assert [one for one in report.problems if "no rights in this project" in one.message]
    assert report.adopted == 0
    assert trackers.jira.request("GET", f"/issue/{wanted}")["fields"]["summary"] == "Pay salaries"
    other = trackers.jira.add_issue("Pay bills")
    trackers.github.add_issue(title="Pay bills", body=f"Mirrors: {other}", as_user="grace")
    assert trackers.sync().adopted == 1


def test_a_block_in_a_strangers_issue_plans_nothing(trackers: Bridged) -> None:
    """Neither at first nor by an edit: links, parents and estimates are made by people who may."""
    known = trackers.github.add_issue(title="Ours", as_user="ada")
    rows = f"- **Estimate:** 40 h\n- **Blocks:** #{known.number}\n- **Severity:** critical"
    forged = f"Pay me\n\n{BEGIN}\n{rows}\n{END}"
    strange = trackers.github.add_issue(title="Strange", body=forged, as_user="outsider")
    trackers.until_quiet()
    for name in (Field.ESTIMATE, Field.LINKS, Field.SEVERITY):
        assert not any(trackers.shown("Strange", name).values()), name
    assert not any(trackers.shown("Ours", Field.LINKS).values())
    trackers.github.edit(strange.number, body=forged.replace("40 h", "50 h"), as_user="outsider")
    trackers.until_quiet()
    assert not any(trackers.shown("Strange", Field.ESTIMATE).values())
    assert trackers.shown("Strange", Field.BODY)[JIRA] == "Pay me"


def test_what_others_plan_for_a_strangers_issue_stays_with_them(trackers: Bridged) -> None:
    """An estimate made in Jira is on the other sides, and no cycle after it tries to write it into the stranger's text."""
    trackers.github.add_issue(title="Strange", body="Please", as_user="outsider")
    trackers.until_quiet()
    key = trackers.keys("Strange")[JIRA]
    trackers.jira.request("PUT", f"/issue/{key}", {"fields": {"timetracking": {"originalEstimate": "2h"}}})
    trackers.until_quiet()
    shown: dict[Any, Any] = trackers.shown("Strange", Field.ESTIMATE)
    assert shown[JIRA] == "2"
    assert not shown.get(GITHUB)
    assert BEGIN not in (trackers.github.issue(int(trackers.keys("Strange")[GITHUB])).body or "")
