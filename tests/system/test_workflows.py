"""A status that is several moves away: they are made one after the other, also where two states mean the same."""

from __future__ import annotations

from pathlib import Path

from sync.core.models import Field
from tests.system.bridged import AZURE, bridged

#: New and Approved are both open, so the first move changes nothing that anybody else would see.
STAIRS = {
    "Product Backlog Item": {
        "New": ("Approved",),
        "Approved": ("New", "Committed"),
        "Committed": ("Approved", "Done"),
        "Done": ("Committed",),
    }
}


def test_every_move_is_made(tmp_path: Path) -> None:
    """One cycle walks the whole way, and the next has nothing to do."""
    with bridged(tmp_path, azure={"process": "Scrum", "workflow": STAIRS}) as world:
        key = world.jira.add_issue("Refunds")
        world.until_quiet()
        number = int(world.keys("Refunds")[AZURE])
        for status in ("In Progress", "In Review", "Done"):
            world.jira.transition(key, status)
        report = world.sync()
        assert world.azure.issue(number)["fields"]["System.State"] == "Done"
        assert not report.problems
        assert not any(world.sync().writes.values())


def test_our_own_moves_are_nobodys_edits(tmp_path: Path) -> None:
    """A way of two moves through Jira's workflow stands in its history as two; neither is taken for a person's and undone."""
    with bridged(tmp_path) as world:
        key = world.jira.add_issue("Refunds")
        world.until_quiet()
        number = int(world.keys("Refunds")[AZURE])
        world.jira.transition(key, "Blocked")
        world.while_passes()
        world.azure.edit(number, state="Closed")
        world.until_quiet()
        world.while_passes(600)
        world.until_quiet()
        assert world.shown("Refunds", Field.STATUS) == dict.fromkeys(world.keys("Refunds"), "done")
