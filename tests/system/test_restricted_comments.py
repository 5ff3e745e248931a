"""What some people only may read stays in its tracker, whatever becomes of it there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.system.bridged import AZURE, GITHUB, JIRA, Bridged, bridged

ROLE = {"type": "role", "value": "Administrators"}


def everything_said(world: Bridged) -> str:
    """All comments of GitHub and Azure DevOps, and all that the store keeps of them."""
    github = [comment.body for comment in world.github.repository.comments.values()]
    azure = [comment["text"] for key in list(world.azure.keys()) for comment in world.azure.comments_of(key)]
    return "\n".join(github + azure)


def say(world: Bridged, key: str, text: str, **more: Any) -> str:
    return str(world.jira.request("POST", f"/issue/{key}/comment", {"body": text, **more}, user="ada")["id"])


def test_a_restricted_comment_never_crosses(tmp_path: Path) -> None:
    """Neither one for a role nor an internal note of a service project, at first, later, or after an edit."""
    internal = [{"key": "sd.public.comment", "value": {"internal": True}}]
    with bridged(tmp_path) as world:
        key = world.jira.add_issue("Discussed")
        say(world, key, "said to everybody")
        first = say(world, key, "SECRET-ROLE", visibility=ROLE)
        say(world, key, "SECRET-NOTE", properties=internal)
        world.until_quiet()
        say(world, key, "SECRET-LATER", visibility=ROLE)
        world.jira.request(
            "PUT", f"/issue/{key}/comment/{first}", {"body": "SECRET-EDITED", "visibility": ROLE}, user="ada"
        )
        world.until_quiet()
        said = everything_said(world)
        assert said.count("said to everybody") == 2
        assert "SECRET" not in said


def test_a_comment_that_becomes_restricted_keeps_its_new_words_to_itself(tmp_path: Path) -> None:
    """What was public stays where it was copied; what is written into it afterwards does not follow."""
    with bridged(tmp_path) as world:
        key = world.jira.add_issue("Discussed")
        comment = say(world, key, "said to everybody")
        world.until_quiet()
        assert set(world.keys("Discussed")) == {JIRA, GITHUB, AZURE}
        for text in ("SECRET-ONE", "SECRET-TWO"):
            world.jira.request("PUT", f"/issue/{key}/comment/{comment}", {"body": text, "visibility": ROLE}, user="ada")
            world.until_quiet()
        said = everything_said(world)
        assert said.count("said to everybody") == 2
        assert "SECRET" not in said
        world.jira.request("PUT", f"/issue/{key}/comment/{comment}", {"body": "public again"}, user="ada")
        world.until_quiet()
        assert everything_said(world).count("public again") == 2
