"""The whole bridge as a user has it: real client libraries over HTTP, one fresh process a cycle."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.core.models import Field
from tests.system.bridged import AZURE, GITHUB, JIRA, SETTLED, Bridged, bridged


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Bridged]:
    with bridged(tmp_path) as found:
        yield found


def github_titles(world: Bridged) -> Counter[str]:
    return Counter(issue.title for issue in world.github.repository.issues.values())


def github_comments(world: Bridged, number: str) -> list[str]:
    stored = world.github.repository.comments
    return [stored[one].body for one in world.github.issue(int(number)).comments]


def jira_titles(world: Bridged) -> Counter[str]:
    return Counter(str(issue.summary) for issue in world.jira.world.issues.values())


def azure_titles(world: Bridged) -> Counter[str]:
    return Counter(world.azure.issue(key)["fields"]["System.Title"] for key in list(world.azure.keys()))


def test_a_ticket_of_each_tracker_appears_in_the_others_once(world: Bridged) -> None:
    """After the first sync every tracker holds every ticket; the next cycles write nothing and ask feeds only."""
    world.jira.add_issue("From Jira", type="Bug", description="h1. Head\n\n* one\n* two\n\n{code:python}x = 1{code}")
    world.github.add_issue(title="From GitHub", body="## Steps\n\n1. `one`\n2. **two**")
    world.azure.add_issue(title="From Azure", body="<div>Some <b>bold</b> words</div>")
    first = world.sync()
    assert first.problems == []
    assert sum(first.writes.values()) >= 6
    assert github_titles(world) == jira_titles(world) == azure_titles(world)
    assert set(github_titles(world).values()) == {1}
    quiet = world.until_quiet()
    assert all(asked <= 2 for asked in quiet.requests.values()), quiet.requests


def test_edits_of_different_fields_on_three_sides_all_survive(world: Bridged) -> None:
    """A title from Jira, a label from GitHub and a status from Azure DevOps meet in one ticket."""
    world.jira.add_issue("Payout is late")
    world.until_quiet()
    keys = world.keys("Payout is late")
    world.jira.edit(keys[JIRA], summary="Payout is two days late")
    world.github.edit(int(keys[GITHUB]), labels=["bank"])
    world.azure.edit(int(keys[AZURE]), state="Active")
    report = world.sync()
    assert report.conflicts == 0
    assert set(world.shown("two days", Field.TITLE).values()) == {"Payout is two days late"}
    assert set(world.shown("two days", Field.LABELS).values()) == {frozenset({"bank"})}
    assert set(world.shown("two days", Field.STATUS).values()) == {"in_progress"}
    world.until_quiet()


def test_the_later_of_two_titles_wins_and_the_other_is_kept(world: Bridged) -> None:
    """A conflict is settled by the trackers' own histories and stands in the store with both claims."""
    world.jira.add_issue("Invoice number")
    world.until_quiet()
    keys = world.keys("Invoice number")
    world.jira.edit(keys[JIRA], user="ada", summary="Invoice number is empty")
    world.while_passes()
    world.github.edit(int(keys[GITHUB]), as_user="grace", title="Invoice number is cut")
    assert world.sync().conflicts == 1
    assert set(world.shown("Invoice", Field.TITLE).values()) == {"Invoice number is cut"}
    with world.opened() as bridge, bridge.store.read() as tx:
        (conflict,) = list(tx.conflicts.list())
    assert {claim.value for claim in conflict.claims} == {"Invoice number is empty", "Invoice number is cut"}
    assert all(claim.at is not None for claim in conflict.claims)
    assert conflict.state == "settled"
    world.until_quiet()


def test_a_comment_lives_on_all_sides(world: Bridged) -> None:
    """A comment is copied with its author's name, an edit follows it, and its end is the end of the copies."""
    world.jira.add_issue("Refund twice")
    world.until_quiet()
    keys = world.keys("Refund twice")
    comment = world.jira.comment(keys[JIRA], "Seen in *production*", user="grace")
    world.sync()
    (copy,) = github_comments(world, keys[GITHUB])
    assert "**production**" in copy
    assert "Grace" in copy
    assert len(world.azure.comments_of(int(keys[AZURE]))) == 1
    world.until_quiet()
    world.jira.edit_comment(keys[JIRA], comment, "Seen in staging only", user="grace")
    world.sync()
    (copy,) = github_comments(world, keys[GITHUB])
    assert "staging" in copy
    world.until_quiet()
    world.jira.delete_comment(keys[JIRA], comment, user="grace")
    world.sync()
    assert github_comments(world, keys[GITHUB]) == []
    assert world.azure.comments_of(int(keys[AZURE])) == []
    world.until_quiet()


@pytest.mark.parametrize("fault", ["drop_after", "truncate", "drop_before"])
@pytest.mark.parametrize("tracker", ["github", "jira", "azure"])
def test_a_create_whose_answer_is_lost_is_made_once(world: Bridged, tracker: str, fault: str) -> None:
    """Whether the lost create was done or not, there is one ticket in the end, and it is linked."""
    origin = "jira" if tracker == "github" else "github"
    if origin == "jira":
        world.jira.add_issue("Made once")
    else:
        world.github.add_issue(title="Made once", body="x")
    path = {"github": r"/issues$", "jira": r"/issue/?$", "azure": r"/workitems/\$"}[tracker]
    method = "PATCH|POST" if tracker == "azure" else "POST"
    world.fail(getattr(world, tracker), fault=fault, method=method, path=f"(?i){path}")
    world.sync()
    time.sleep(SETTLED.total_seconds())
    world.until_quiet()
    assert github_titles(world) == jira_titles(world) == azure_titles(world) == Counter({"Made once": 1})
    with world.opened() as bridge, bridge.store.read() as tx:
        assert tx.outbox.unfinished(bridge.name) == []
        assert tx.audit.verify() is None


@pytest.mark.parametrize("tracker", ["github", "jira", "azure"])
def test_one_tracker_that_is_down_does_not_stop_the_others(world: Bridged, tracker: str) -> None:
    """The others go on, the failure is told, and what was missed is caught up with."""
    world.jira.add_issue("Steady")
    world.github.add_issue(title="Steady too", body="x")
    world.until_quiet()
    world.fail(getattr(world, tracker), fault="status", status=503, times=100)
    world.jira.add_issue("While it was down")
    report = world.sync()
    assert [failure.replica for failure in report.failures] == [tracker]
    getattr(world, tracker).faults.clear()
    world.until_quiet()
    assert github_titles(world) == jira_titles(world) == azure_titles(world)


def test_a_lossy_status_does_not_bounce(tmp_path: Path) -> None:
    """Azure DevOps' Basic process knows no review: the ticket stays in review on the sides that do."""
    with bridged(tmp_path, azure={"process": "Basic"}) as world:
        world.jira.add_issue("Review me")
        world.until_quiet()
        keys = world.keys("Review me")
        world.jira.transition(keys[JIRA], "In Progress")
        world.jira.transition(keys[JIRA], "In Review")
        world.until_quiet()
        assert world.shown("Review me", Field.STATUS) == {JIRA: "review", GITHUB: "review", AZURE: "in_progress"}


def test_a_parent_is_made_before_its_child(world: Bridged) -> None:
    """A child that is pulled together with its parent gets it everywhere in the first sync."""
    epic = world.jira.add_issue("The epic", type="Epic")
    world.jira.add_issue("The child", type="Story", parent={"key": epic})
    report = world.sync()
    assert report.problems == []
    keys, child = world.keys("The epic"), world.keys("The child")
    assert world.github.issue(int(child[GITHUB])).parent is world.github.issue(int(keys[GITHUB]))
    assert world.azure.issue(int(child[AZURE]))["fields"]["System.Parent"] == int(keys[AZURE])
    world.until_quiet()
