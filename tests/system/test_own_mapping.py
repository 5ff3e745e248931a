"""A mapping file of one's own: where Azure DevOps keeps what it has no place for, and what is made there."""

from __future__ import annotations

from pathlib import Path

from sync.core.models import Field
from tests.system.bridged import AZURE, GITHUB, JIRA, bridged

OWN = """
extends = "azure_devops"

[fields.milestone]
native = "Customer"

[fields.sprint]
create = true

[screen.done]
"Custom.Seats" = "1"
"""


def test_names_find_their_place(tmp_path: Path) -> None:
    """A version stands in a field of the team's own, a sprint is made as an iteration, and both flow back when edited there."""
    (tmp_path / "own.toml").write_text(OWN, encoding="utf-8")
    rules = {"User Story/Closed": ["Custom.Seats"], "Bug/Closed": ["Custom.Seats"], "Task/Closed": ["Custom.Seats"]}
    with bridged(tmp_path, azure={"required_fields": rules}) as world:
        world.azure_extra = 'mapping = "own.toml"'
        world.jira.add_version("1.0")
        world.jira.add_version("2.0")
        for name in ("1.0", "2.0"):
            world.github.add_milestone(name)
        sprint = world.jira.add_sprint("Sprint 7", "active")
        key = world.jira.add_issue("Refunds")
        world.jira.edit(key, fixVersions=[{"name": "1.0"}])
        world.jira.to_sprint(key, sprint)
        assert not world.until_quiet().problems
        number = int(world.keys("Refunds")[AZURE])
        found = world.azure.issue(number)["fields"]
        assert (found["Custom.Customer"], found["System.IterationPath"]) == ("1.0", "Payments\\Sprint 7")
        world.azure.edit(number, fields={"Custom.Customer": "2.0"}, iteration="Payments")
        for status in ("In Progress", "In Review", "Done"):
            world.jira.transition(key, status)
        assert not world.sync().problems
        world.until_quiet()
        assert world.shown("Refunds", Field.MILESTONE) == {name: {"2.0"} for name in (JIRA, GITHUB, AZURE)}
        assert set(world.shown("Refunds", Field.SPRINT).values()) == {None}
        found = world.azure.issue(number)["fields"]
        assert (found["System.State"], found["Custom.Seats"]) == ("Closed", 1)
