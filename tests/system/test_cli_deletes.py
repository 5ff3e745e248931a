"""A deletion at the command line: told, waited for, consented to."""

from __future__ import annotations

import time

from tests.system.test_cli_sync import ask, world

__all__ = ["ask", "world"]  # fixtures

DELETING = 'on_delete = "delete"\ngone_after = "1s"'


def test_a_deletion_waits_for_its_consent(world, ask):
    """Missing is a problem, gone is a halt that stops nothing else, and with the consent GitHub, which deletes nothing, closes."""
    world.configure(DELETING)
    ask("sync")
    copy = world.azure.keys()[0]
    title = world.azure.issue(copy)["fields"]["System.Title"]
    number = next(one for one in (1, 2, 3) if world.hub.issue(one).title == title)
    world.azure.delete(copy)
    (bridge,) = ask("sync", code=1)["bridges"]
    assert "is not found in azure" in bridge["problems"][0]["message"]
    assert "is not found in azure" in ask("status")["problems"][0]["message"]
    time.sleep(1.1)
    world.hub.add_issue(title="Ticket 4", as_user="grace")
    (bridge,) = ask("sync", code=3)["bridges"]
    assert [(halt["name"], halt["waits"]) for halt in bridge["halts"]] == [("deletion", True)]
    assert bridge["created"] == 1
    assert [halt["name"] for halt in ask("status")["bridges"][0]["halts"]] == ["deletion"]
    (plan,) = ask("plan", code=3)["bridges"]
    assert [(write["replica"], write["action"]) for write in plan["writes"]] == [("hub", "update")]
    assert world.hub.issue(number).state == "open"
    ask("sync", "--allow-deletes")
    assert world.hub.issue(number).state == "closed"
    assert ask("status")["bridges"][0]["halts"] == []
    ask("sync")
