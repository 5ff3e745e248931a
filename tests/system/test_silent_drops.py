"""What a tracker takes without doing it is noticed by comparing its answer with the request."""

from __future__ import annotations

from pathlib import Path

from sync.core.models import Field
from tests.system.bridged import GITHUB, bridged


def test_an_assignee_that_a_create_drops_is_told(tmp_path: Path) -> None:
    """GitHub answers 201 and leaves out who may not be assigned: that is told once, and is no edit of anybody's."""
    with bridged(tmp_path) as world:
        account = world.jira.catalogue.people["ada"].account_id
        world.bridge_config = f'[people.ada]\njira = "{account}"\ngithub = "reader"\n'
        key = world.jira.add_issue("Chargebacks are counted twice")
        world.jira.assign(key, "ada")
        (problem,) = world.sync().problems
        assert problem.replica == GITHUB
        assert "assignees is empty and not ada" in problem.message
        assert world.until_quiet().problems == []
        assert world.shown("Chargebacks", Field.ASSIGNEES)["jira"] == {"ada"}
