"""One bad ticket is told with tracker, ticket, field and mend, and everything else goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.core.models import Field
from sync.engine.report import CycleReport, ProblemLine
from tests.system.bridged import AZURE, GITHUB, JIRA, Bridged, bridged


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Bridged]:
    with bridged(tmp_path) as found:
        yield found


def the_problem(report: CycleReport, *words: str) -> ProblemLine:
    """The one problem that names all of `words`, with a mend."""
    found = [one for one in report.problems if all(word in f"{one.place} {one.message} {one.mend}" for word in words)]
    assert len(found) == 1, report.problems
    assert found[0].mend
    return found[0]


def test_a_body_over_the_limit_is_told_and_the_other_fields_flow(world: Bridged) -> None:
    """Jira's 32,767 characters stop the body only."""
    world.github.add_issue(title="Long story", body="word " * 12_000)
    world.github.add_issue(title="Short story", body="word")
    report = world.sync()
    the_problem(report, "jira", "body", "32767")
    assert set(world.shown("Long story", Field.TITLE).values()) == {"Long story"}
    assert len(world.shown("Short story", Field.TITLE)) == 3
    keys = world.keys("Long story")
    world.github.edit(int(keys[GITHUB]), title="Long story, second part")
    world.sync()
    assert set(world.shown("Long story", Field.TITLE).values()) == {"Long story, second part"}
    world.until_quiet()


MAPPING = """
tracker = "jira"
[fields.status.values]
open = ["To Do"]
in_progress = ["In Progress"]
done = ["Done"]
[fields.priority.values]
P2 = ["Medium"]
[[types]]
native = "Task"
kind = "issue"
"""


def test_an_unmapped_status_is_told_and_never_overwritten(world: Bridged) -> None:
    """A status that the mapping does not know stays as it is, and the rest of the ticket flows."""
    (world.folder / "mine.toml").write_text(MAPPING, encoding="utf-8")
    world.jira_extra = 'mapping = "mine.toml"'
    key = world.jira.add_issue("Strange state")
    world.until_quiet()
    world.jira.transition(key, "In Progress")
    world.jira.transition(key, "In Review")
    world.jira.edit(key, summary="Strange state, renamed")
    the_problem(world.sync(), "jira", key, "status", "In Review", "mapping")
    assert set(world.shown("renamed", Field.TITLE).values()) == {"Strange state, renamed"}
    world.github.edit(int(world.keys("renamed")[GITHUB]), title="Strange state, renamed again")
    world.until_quiet()
    assert set(world.shown("again", Field.TITLE).values()) == {"Strange state, renamed again"}
    names = world.jira.catalogue.statuses
    assert names[world.jira.issue(key).status].untranslated == "In Review"


def test_a_field_that_a_transition_requires_is_named(tmp_path: Path) -> None:
    """Where the way to a status needs a field that nobody filled, the status waits and the rest flows."""
    with bridged(tmp_path, jira={"reason_required": True}) as world:
        world.github.add_issue(title="Blocked by the bank", body="x")
        world.until_quiet()
        keys = world.keys("Blocked by the bank")
        number = int(keys[GITHUB])
        world.github.edit(number, labels=["status: blocked"], title="Blocked by the central bank")
        report = world.sync()
        problem = the_problem(report, "jira", keys[JIRA], "status")
        assert "field" in problem.message or "customfield" in problem.message, problem
        assert set(world.shown("central bank", Field.TITLE).values()) == {"Blocked by the central bank"}
        quiet = world.until_quiet()
        assert quiet.problems == []


def test_a_malformed_ticket_does_not_stop_the_others(world: Bridged) -> None:
    """A payload that can't be read is told by name; the others are synced."""
    world.github.add_issue(title="Fine", body="x")
    bad = world.github.add_issue(title="Broken", body="x")
    render = world.github._renderer

    def broken(request):  # what a proxy or a bug of the server might make of one row
        renderer = render(request)
        whole = renderer.issue

        def issue(*args, **kwargs):
            row = whole(*args, **kwargs)
            if row.get("number") == bad.number:
                return {"id": row["id"], "number": None, "title": ["?"], "updated_at": row["updated_at"]}
            return row

        renderer.issue = issue
        return renderer

    world.github._renderer = broken
    try:
        report = world.sync()
    finally:
        world.github._renderer = render
    assert len(report.problems) == 1, report.problems
    assert report.problems[0].replica == GITHUB
    assert len(world.shown("Fine", Field.TITLE)) == 3


def test_a_wrong_token_is_told_by_tracker_and_shown_nowhere(world: Bridged) -> None:
    """A tracker that refuses us is one failure with the mend; the others are synced."""
    world.github_token = "token-of-nobody"
    world.jira.add_issue("Waiting")
    report = world.sync()
    (failure,) = report.failures
    assert (failure.replica, failure.kind) == (GITHUB, "auth")
    assert "token" in failure.message
    assert "token-of-nobody" not in repr(report)
    assert set(world.shown("Waiting", Field.TITLE)) == {JIRA, AZURE}


def test_a_config_that_points_to_another_project_stops_before_anything_is_read(world: Bridged) -> None:
    """Linked tickets of one project are never taken for those of another; a person may say that it was renamed."""
    world.github.add_issue(title="Ours", body="x")
    world.until_quiet()
    world.github.rename("acme/billing")
    world.github_project = "acme/billing"
    report = world.sync()
    assert [halt.name for halt in report.halts] == ["another_project"]
    assert sum(report.requests.values()) == 0
    assert "acme/payments" in report.halts[0].message
    renamed = world.sync(allow_mass_change=True)
    assert renamed.halts == []
    assert renamed.failures == []
    world.until_quiet()
    assert len(world.github.repository.issues) == 1


def test_a_wider_selection_reads_everything_once_more(world: Bridged) -> None:
    """Tickets that were left out come in when the selection is dropped, though nobody touched them."""
    world.github.add_issue(title="Chosen", body="x", labels=["sync"])
    world.github.add_issue(title="Left out", body="x")
    world.bridge_config = 'select = { github = "label:sync" }'
    world.until_quiet()
    assert [issue.summary for issue in world.jira.world.issues.values()] == ["Chosen"]
    world.bridge_config = ""
    world.until_quiet()
    assert sorted(issue.summary for issue in world.jira.world.issues.values()) == ["Chosen", "Left out"]
