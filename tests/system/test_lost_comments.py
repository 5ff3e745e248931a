"""Comments of one text whose answers were lost, in a tracker that has no place for a marker."""

from __future__ import annotations

from pathlib import Path

from tests.system.bridged import AZURE, GITHUB, bridged


def test_two_alike_stay_two(tmp_path: Path) -> None:
    """Each is found again as itself, beside an older one of the same text: nothing is made twice anywhere."""
    with bridged(tmp_path) as world:
        key = world.jira.add_issue("Refunds")
        world.jira.comment(key, "+1")
        world.until_quiet()
        keys = world.keys("Refunds")
        for _ in range(2):
            world.jira.comment(key, "+1")
        world.fail(world.azure, fault="drop_after", method="POST", path="/comments$", times=2)
        world.sync()
        world.until_quiet()
        assert len(world.azure.comments_of(int(keys[AZURE]))) == 3
        assert len(world.github.issue(int(keys[GITHUB])).comments) == 3
