"""Issues of Jira that some people only may read stay there, with all that is written on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.system.bridged import AZURE, GITHUB, JIRA, Bridged, bridged

WAYS: dict[str, dict[str, Any]] = {
    "level": {"level": "Managers"},
    "roles": {"level": None, "roles": ("Administrators",)},
}


def elsewhere(world: Bridged) -> str:
    """All that GitHub and Azure DevOps hold, and all that the store's files do."""
    github = [(one.title, one.body) for one in world.github.repository.issues.values()]
    github += [one.body for one in world.github.repository.comments.values()]
    azure = [(world.azure.issue(key), world.azure.comments_of(key)) for key in list(world.azure.keys())]
    store = b"".join(path.read_bytes() for path in world.folder.glob("t.db*"))
    return json.dumps([github, azure], default=str) + store.decode("utf-8", "replace")


@pytest.mark.parametrize(("deployment", "way"), [("cloud", "level"), ("cloud", "roles"), ("server", "level")])
def test_a_restricted_issue_never_crosses(tmp_path: Path, deployment: str, way: str) -> None:
    """Neither the issue nor its comments or files, at first or after an edit; it costs nothing later, and comes when it is opened."""
    with bridged(tmp_path, jira={"deployment": deployment}) as world:
        key = world.jira.add_issue("SECRET-TITLE", description="SECRET-BODY")
        world.jira.restrict(key, **WAYS[way])
        world.jira.comment(key, "SECRET-COMMENT")
        world.jira.attach(key, "secret.txt", b"SECRET-FILE")
        world.jira.add_issue("For everybody")
        world.until_quiet()
        world.jira.edit(key, summary="SECRET-EDITED")
        world.until_quiet()
        assert world.sync().requests[JIRA] == 1
        assert set(world.keys("For everybody")) == {JIRA, GITHUB, AZURE}
        assert "SECRET" not in elsewhere(world)
        world.jira.restrict(key, None)
        world.until_quiet()
        assert set(world.keys("SECRET-EDITED")) == {JIRA, GITHUB, AZURE}


def test_what_is_written_after_an_issue_was_restricted_stays(tmp_path: Path) -> None:
    """The copies keep what was public, edits elsewhere wait and are told, and all of it flows when the issue is opened again."""
    with bridged(tmp_path) as world:
        key = world.jira.add_issue("Known")
        world.until_quiet()
        number = int(world.keys("Known")[GITHUB])
        world.jira.restrict(key, "Managers")
        world.jira.edit(key, description="SECRET-BODY")
        world.jira.comment(key, "SECRET-COMMENT")
        world.until_quiet()
        world.github.edit(number, title="Known elsewhere")
        report = world.sync()
        assert [one for one in report.problems if one.replica == JIRA and "only some people may read it" in one.message]
        assert world.jira.issue(key).summary == "Known"
        assert "SECRET" not in elsewhere(world)
        world.jira.restrict(key, None)
        world.until_quiet()
        assert world.jira.issue(key).summary == "Known elsewhere"
        assert "SECRET-BODY" in elsewhere(world)


def test_a_project_may_let_them_cross(tmp_path: Path) -> None:
    """With `restricted_issues` an issue with a level is one like the others."""
    with bridged(tmp_path) as world:
        world.jira_extra = "restricted_issues = true"
        key = world.jira.add_issue("Leveled")
        world.jira.restrict(key, "Managers")
        world.until_quiet()
        assert set(world.keys("Leveled")) == {JIRA, GITHUB, AZURE}
