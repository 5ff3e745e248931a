"""What people and administrators do to issues, comments and accounts of the simulated GitHub."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from adapters._simulator import served
from adapters.github.simulator import GitHubSimulator
from tests.simulators.github_support import plain


@pytest.fixture
def sim() -> Iterator[GitHubSimulator]:
    """A served project with one issue by grace and a comment by alan."""
    with served(GitHubSimulator()) as simulator:
        simulator.add_issue(title="one", as_user="grace")
        simulator.comment(1, "said", as_user="alan")
        yield simulator


@pytest.fixture
def http(sim: GitHubSimulator) -> Iterator[httpx.Client]:
    """The bridge, without a library."""
    with plain(sim, "token-bridge") as client:
        yield client


def test_people_edit_hide_and_delete_comments(sim: GitHubSimulator, http: httpx.Client) -> None:
    """An edit shows in the comment feed, a hidden comment says why, a deleted one is gone from every list."""
    (comment,) = sim.repository.comments
    sim.clock.advance(60)
    edited = sim.edit_comment(comment, "said again", as_user="alan")
    sim.minimize(comment, "outdated")
    (row,) = http.get("/issues/comments").json()
    assert (row["body"], row["minimized"]) == ("said again", {"reason": "outdated"})
    assert edited.updated_at > edited.created_at
    sim.minimize(comment, None)
    assert http.get(f"/issues/comments/{comment}").json()["minimized"] is None
    sim.delete_comment(comment)
    assert http.get("/issues/comments").json() == http.get("/issues/1/comments").json() == []
    assert http.get(f"/issues/comments/{comment}").status_code == 404


def test_a_locked_conversation_takes_no_comment_and_every_edit(sim: GitHubSimulator, http: httpx.Client) -> None:
    """403 for a comment until it is unlocked; a lock's reason is one of four."""
    sim.lock_issue(1, "too heated")
    shown = http.get("/issues/1").json()
    assert (shown["locked"], shown["active_lock_reason"]) == (True, "too heated")
    assert http.post("/issues/1/comments", json={"body": "x"}).status_code == 403
    assert http.patch("/issues/1", json={"title": "new"}).json()["title"] == "new"
    sim.unlock_issue(1)
    assert http.post("/issues/1/comments", json={"body": "x"}).status_code == 201
    assert http.put("/issues/1/lock", json={"lock_reason": "boring"}).status_code == 422


def test_switched_off_issues_are_gone_until_they_are_switched_on(sim: GitHubSimulator, http: httpx.Client) -> None:
    """410 for every issue, in other words than a deleted one, and nothing is lost."""
    sim.enable_issues(False)
    for answer in (http.get("/issues/1"), http.get("/issues"), http.post("/issues", json={"title": "t"})):
        assert (answer.status_code, answer.json()["message"]) == (410, "Issues are disabled for this repo")
    assert http.get("").json()["has_issues"] is False
    sim.enable_issues(True)
    assert http.get("/issues/1").json()["title"] == "one"


def test_an_archived_repository_is_read_only(sim: GitHubSimulator, http: httpx.Client) -> None:
    """403 for a write of any kind; reads go on."""
    sim.archive()
    for write in (
        http.patch("/issues/1", json={"title": "x"}),
        http.post("/milestones", json={"title": "x"}),
        http.post("/issues/1/dependencies/blocked_by", json={"issue_id": 1}),
    ):
        assert (write.status_code, "archived" in write.json()["message"]) == (403, True)
    assert http.get("").json()["archived"] is True
    sim.archive(False)
    assert http.patch("/issues/1", json={"title": "x"}).status_code == 200


def test_a_transfer_takes_words_people_and_comments_along(sim: GitHubSimulator, http: httpx.Client) -> None:
    """Another id and number, the author and times of old; every path below the old number redirects."""
    sim.edit(
        1, labels=["bug", "only here"], assignees=["linus"], body="text", state="closed", state_reason="not_planned"
    )
    old = http.get("/issues/1").json()
    sim.clock.advance(60)
    sim.transfer(1, "acme/other")
    moved = http.get("/issues/1/comments", params={"per_page": "5"})
    assert moved.status_code == 301
    assert moved.headers["location"].endswith("/issues/1/comments?per_page=5")
    (comment,) = http.get(moved.headers["location"]).json()
    assert (comment["body"], comment["user"]["login"]) == ("said", "alan")
    new = http.get(http.get("/issues/1").headers["location"]).json()
    for same in ("title", "body", "state", "state_reason", "created_at", "comments"):
        assert new[same] == old[same]
    assert new["user"]["login"] == "grace"
    assert ([label["name"] for label in new["labels"]], new["assignee"]["login"]) == (["bug"], "linus")
    assert new["id"] != old["id"]
    assert http.patch("/issues/1", json={"title": "x"}).status_code == 301
    assert http.get("/issues/comments").json() == []


def test_a_duplicate_names_an_issue_that_there_is(sim: GitHubSimulator, http: httpx.Client) -> None:
    """The original is checked, counts only with that reason, and the history marks the duplicate."""
    original = sim.add_issue(title="original")
    closing = {"state": "closed", "state_reason": "duplicate"}
    for nothing in (1, sim.issue(1).id):
        assert http.patch("/issues/1", json={**closing, "duplicate_issue_id": nothing}).status_code == 422
    assert http.patch("/issues/1", json={"state_reason": "completed", "duplicate_issue_id": 1}).status_code == 200
    closed = http.patch("/issues/1", json={**closing, "duplicate_issue_id": original.id}).json()
    assert (closed["state"], closed["state_reason"]) == ("closed", "duplicate")
    assert [event.kind for event in sim.issue(1).events] == ["marked_as_duplicate", "closed"]


def test_more_than_ten_assignees_are_dropped_in_silence(sim: GitHubSimulator, http: httpx.Client) -> None:
    """By PATCH and by POST the first ten stay and nothing is said."""
    for index in range(12):
        sim.world.add_user(f"person-{index}")
    everybody = [f"person-{index}" for index in range(12)]
    assert len(http.patch("/issues/1", json={"assignees": everybody}).json()["assignees"]) == 10
    more = http.post("/issues/1/assignees", json={"assignees": ["ada"]})
    assert (more.status_code, len(more.json()["assignees"])) == (201, 10)
    assert "ada" not in {user["login"] for user in more.json()["assignees"]}


def test_a_renamed_account_keeps_its_id_and_its_old_login_leads_nowhere(
    sim: GitHubSimulator, http: httpx.Client
) -> None:
    """What it wrote shows the new login; assigning the old one is dropped in silence."""
    before = http.get("/issues/1").json()["user"]
    sim.rename_user("grace", "admiral")
    after = http.get("/issues/1").json()["user"]
    assert (before["id"], after["login"]) == (after["id"], "admiral")
    assert http.get(f"{sim.base_url}/users/grace").status_code == 404
    assert http.patch("/issues/1", json={"assignees": ["grace"]}).json()["assignees"] == []
    assert http.patch("/issues/1", json={"assignees": ["Admiral"]}).json()["assignee"]["login"] == "admiral"


@pytest.mark.parametrize(("ghost", "shown"), [(True, "ghost"), (False, None)])
def test_a_closed_account_becomes_a_ghost_or_nobody(
    sim: GitHubSimulator, http: httpx.Client, ghost: bool, shown: str | None
) -> None:
    """Its issue and events stay, its assignments and its token end."""
    sim.edit(1, assignees=["grace"], as_user="grace")
    sim.delete_user("grace", ghost=ghost)
    issue = http.get("/issues/1").json()
    assert (issue["user"] or {}).get("login") == shown
    assert issue["assignees"] == []
    assert http.get("/issues/1/events").json()[0]["actor"]["login"] == "ghost"
    with plain(sim, "token-grace") as client:
        assert client.get("/issues/1").status_code == 401


def test_old_closed_issues_have_no_reason() -> None:
    """What was closed in the first days says neither why nor, in its history, that there was a reason."""
    with served(GitHubSimulator()) as sim, plain(sim) as client:
        sim.seed(60)
        rows = client.get("/issues", params={"state": "closed", "per_page": "100"}).json()
        without = [row["number"] for row in rows if row["state_reason"] is None]
        assert without
        assert max(without) < 10
        closed = [event for event in sim.issue(without[0]).events if event.kind == "closed"]
        assert closed[0].detail["state_reason"] is None
