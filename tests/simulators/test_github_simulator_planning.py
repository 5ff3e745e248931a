"""Milestones, dependencies, sub-issues and their limits on the simulated GitHub."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import httpx
import pytest
from github import GithubException

from adapters._simulator import served
from adapters.github.simulator import GitHubSimulator
from tests.simulators.github_support import library, plain


@pytest.fixture
def sim() -> Iterator[GitHubSimulator]:
    """A served project with issues 1 to 4."""
    with served(GitHubSimulator()) as simulator:
        for title in ("one", "two", "three", "four"):
            simulator.add_issue(title=title)
        yield simulator


@pytest.fixture
def http(sim: GitHubSimulator) -> Iterator[httpx.Client]:
    """Ada, without a library."""
    with plain(sim) as client:
        yield client


def kinds(sim: GitHubSimulator, number: int) -> list[str]:
    """What the history of an issue says happened."""
    return [event.kind for event in sim.issue(number).events]


# -- milestones ------------------------------------------------------------------------------------


def test_a_milestone_goes_through_its_life_in_the_library(sim: GitHubSimulator) -> None:
    """Opened, given to an issue by number, closed, taken away with the library's empty string, deleted."""
    client = library(sim)
    repo = client.get_repo("acme/payments")
    made = repo.create_milestone("1.0", description="first")
    issue = repo.get_issue(1)
    issue.edit(milestone=made)
    assert issue.milestone is not None
    assert issue.milestone.title == "1.0"
    assert repo.get_milestone(made.number).open_issues == 1
    issue.edit(state="closed")
    again = repo.get_milestone(made.number)
    assert (again.open_issues, again.closed_issues, again.closed_at) == (0, 1, None)
    again.edit("1.0 final", state="closed")
    assert (again.title, again.state, again.closed_at is not None) == ("1.0 final", "closed", True)
    issue.edit(milestone=None)
    assert issue.milestone is None
    assert kinds(sim, 1) == ["milestoned", "closed", "demilestoned"]
    again.delete()
    assert list(repo.get_milestones(state="all")) == []
    assert repo.create_milestone("2.0").number == 2  # numbers are never given twice
    client.close()


def test_a_milestones_title_stands_once_and_must_say_something(http: httpx.Client) -> None:
    """A repetition is `already_exists`, a blank title `missing_field`, an unknown number on an issue is refused."""
    assert http.post("/milestones", json={"title": "1.0"}).status_code == 201
    again = http.post("/milestones", json={"title": "1.0"})
    assert again.status_code == 422
    assert again.json()["errors"] == [{"resource": "Milestone", "code": "already_exists", "field": "title"}]
    assert http.post("/milestones", json={"title": " "}).json()["errors"][0]["code"] == "missing_field"
    assert http.patch("/milestones/1", json={"title": "1.0", "state": "done"}).status_code == 422
    assert http.post("/milestones", json={"title": "x", "due_on": "soon"}).status_code == 422
    assert http.patch("/issues/1", json={"milestone": 9}).status_code == 422
    assert http.get("/milestones/9").status_code == 404


@pytest.mark.parametrize(
    ("due", "sent", "kept"),
    [
        ("utc", "2026-06-15T18:30:00Z", "2026-06-15T00:00:00Z"),
        ("utc", "2026-06-15", "2026-06-15T00:00:00Z"),
        ("pacific", "2026-06-15T06:59:00Z", "2026-06-14T07:00:00Z"),
        ("pacific", "2026-06-15T12:00:00Z", "2026-06-15T07:00:00Z"),
        ("pacific", "2026-12-01T00:00:00Z", "2026-11-30T08:00:00Z"),
    ],
)
def test_a_due_time_becomes_a_day(due: str, sent: str, kept: str) -> None:
    """The time is lost; on a server that counts in Pacific time an early one falls on the day before."""
    with served(GitHubSimulator(due=due)) as sim, plain(sim) as client:  # type: ignore[arg-type]
        assert client.post("/milestones", json={"title": "m", "due_on": sent}).json()["due_on"] == kept
        assert client.patch("/milestones/1", json={"due_on": None}).json()["due_on"] is None


def test_milestones_are_listed_by_due_day_or_completeness(sim: GitHubSimulator, http: httpx.Client) -> None:
    """Open ones by default, those without a day last; an unknown order is taken for the default."""
    sim.add_milestone("late", due_on="2026-09-01")
    sim.add_milestone("never")
    sim.add_milestone("soon", due_on="2026-02-01")
    sim.edit_milestone(sim.add_milestone("done").number, state="closed")
    sim.set_milestone(1, "never")
    sim.edit(1, state="closed")

    def titles(**query: str) -> list[str]:
        return [row["title"] for row in http.get("/milestones", params=query).json()]

    assert titles() == titles(sort="due-on") == ["soon", "late", "never"]
    assert titles(sort="completeness", direction="desc")[0] == "never"
    assert titles(state="closed") == ["done"]
    assert [row["number"] for row in http.get("/issues", params={"milestone": "2", "state": "all"}).json()] == [1]


def test_without_push_access_a_milestone_is_dropped_in_silence() -> None:
    """On an issue nothing is said; the milestone itself can't be made or edited."""
    with served(GitHubSimulator(push=False)) as sim, plain(sim, "token-bridge") as client:
        sim.add_milestone("1.0")
        made = client.post("/issues", json={"title": "t", "milestone": 1})
        assert (made.status_code, made.json()["milestone"]) == (201, None)
        assert client.post("/milestones", json={"title": "2.0"}).status_code == 404
        assert client.patch("/milestones/1", json={"title": "2.0"}).status_code == 404


def test_a_renamed_or_deleted_milestone_moves_no_issue(sim: GitHubSimulator, http: httpx.Client) -> None:
    """Issues show the new title, or none, with the same `updated_at` and no new event."""
    sim.set_milestone(1, "1.0")
    before = http.get("/issues/1").json()["updated_at"]
    sim.clock.advance(60)
    sim.edit_milestone(1, title="1.1")
    assert http.get("/issues/1").json()["milestone"]["title"] == "1.1"
    sim.delete_milestone(1)
    after = http.get("/issues/1").json()
    assert (after["milestone"], after["updated_at"], kinds(sim, 1)) == (None, before, ["milestoned"])


# -- dependencies ----------------------------------------------------------------------------------


def test_a_dependency_goes_by_database_id_and_stands_on_both_sides(sim: GitHubSimulator) -> None:
    """The library adds and removes one; both histories tell, `updated_at` of neither moves."""
    client = library(sim)
    repo = client.get_repo("acme/payments")
    one, two = repo.get_issue(1), repo.get_issue(2)
    sim.clock.advance(60)
    one.add_blocked_by(two)
    assert [issue.number for issue in one.get_blocked_by()] == [2]
    assert [issue.number for issue in two.get_blocking()] == [1]
    assert repo.get_issue(1).updated_at == one.updated_at
    one.remove_blocked_by(two)
    assert list(one.get_blocked_by()) == []
    assert kinds(sim, 1) == ["blocked_by_added", "blocked_by_removed"]
    assert kinds(sim, 2) == ["blocking_added", "blocking_removed"]
    newest = next(iter(repo.get_issues_events()))
    assert (newest.event, newest.raw_data["blocking"]["number"]) == ("blocking_removed", 1)
    client.close()


def test_the_summary_counts_open_blockers_and_all_of_them(sim: GitHubSimulator, http: httpx.Client) -> None:
    """A closed blocker blocks no more and stands in the total."""
    sim.block(1, 2)
    sim.block(1, 3)
    sim.edit(2, state="closed")
    blocked = {"blocked_by": 1, "total_blocked_by": 2, "blocking": 0, "total_blocking": 0}
    assert http.get("/issues/1").json()["issue_dependencies_summary"] == blocked
    listed = {row["number"]: row for row in http.get("/issues", params={"state": "all"}).json()}
    assert listed[3]["issue_dependencies_summary"]["blocking"] == 1


def test_a_summary_may_lag_behind_the_list() -> None:
    """With that knob the counts stand still until the issue is touched, while the list is right."""
    with served(GitHubSimulator(summaries_lag=True)) as sim, plain(sim) as client:
        sim.add_issue(title="one")
        sim.add_issue(title="two")
        sim.block(1, 2)
        assert client.get("/issues/1").json()["issue_dependencies_summary"]["total_blocked_by"] == 0
        assert len(client.get("/issues/1/dependencies/blocked_by").json()) == 1
        sim.edit(1, title="touched")
        assert client.get("/issues/1").json()["issue_dependencies_summary"]["total_blocked_by"] == 1


def test_repetitions_and_short_cycles_are_refused_and_longer_ones_are_not(
    sim: GitHubSimulator, http: httpx.Client
) -> None:
    """Adding is not idempotent, removing is; a cycle of two is refused and one of three accepted."""
    ids = {number: sim.issue(number).id for number in (1, 2, 3)}

    def block(number: int, blocker: int) -> tuple[int, str]:
        answer = http.post(f"/issues/{number}/dependencies/blocked_by", json={"issue_id": blocker})
        return answer.status_code, answer.json().get("message", "")

    assert block(1, ids[2])[0] == 201
    assert block(1, ids[2]) == (422, "Validation failed: Target issue has already been taken")
    assert block(1, ids[1])[0] == 422
    assert block(2, ids[1])[0] == 422
    assert block(2, ids[3])[0] == 201
    assert block(3, ids[1])[0] == 201
    assert block(1, 3)[0] == 404  # a number is no id
    for _ in range(2):
        assert http.delete(f"/issues/1/dependencies/blocked_by/{ids[2]}").status_code == 200
    assert sim.issue(1).blocked_by == []


def test_pull_requests_and_too_many_blockers_are_refused(sim: GitHubSimulator, http: httpx.Client) -> None:
    """Only issues stand in a dependency, fifty on a side at most."""
    pull = sim.world.create_issue(sim.repository, sim.by(), {"title": "pull"}, pull=True)
    refused = http.post("/issues/1/dependencies/blocked_by", json={"issue_id": pull.id})
    assert (refused.status_code, refused.json()["message"]) == (
        422,
        "Validation failed: Target issue may only be an issue",
    )
    for index in range(50):
        sim.block(1, sim.add_issue(title=f"blocker {index}"))
    more = http.post("/issues/1/dependencies/blocked_by", json={"issue_id": sim.issue(2).id})
    assert more.status_code == 422


def test_a_blocker_may_live_in_another_repository_and_leaves_with_its_issue(
    sim: GitHubSimulator, http: httpx.Client
) -> None:
    """It is listed with its own repository, and a deleted one stands in no list any more."""
    abroad = sim.add_issue(title="abroad", project="globex/parts")
    sim.block(1, abroad)
    sim.block(1, 2)
    listed = http.get("/issues/1/dependencies/blocked_by").json()
    assert [(row["number"], row["repository"]["full_name"]) for row in listed] == [
        (1, "globex/parts"),
        (2, "acme/payments"),
    ]
    sim.delete(2)
    assert [row["title"] for row in http.get("/issues/1/dependencies/blocked_by").json()] == ["abroad"]


def test_dependencies_need_push_access_and_a_server_that_knows_them() -> None:
    """403 for a reader; on Enterprise Server they come with 3.19, sub-issues and types with neither release."""
    with served(GitHubSimulator()) as sim, plain(sim, "token-reader") as client:
        number = sim.add_issue(title="t").id
        sim.add_issue(title="u")
        assert client.post("/issues/2/dependencies/blocked_by", json={"issue_id": number}).status_code == 403
    for product, status in (("ghes-3.17", 404), ("ghes-3.19", 200)):
        with served(GitHubSimulator(product=product)) as sim, plain(sim) as client:  # type: ignore[arg-type]
            sim.add_issue(title="t")
            answer = client.get("/issues/1")
            assert ("issue_dependencies_summary" in answer.json()) is (status == 200)
            assert answer.headers["x-github-enterprise-version"] == f"{product.removeprefix('ghes-')}.0"
            assert client.get("/issues/1/dependencies/blocked_by").status_code == status
            for path in ("/issues/1/sub_issues", "/issues/1/parent", "/issue-types"):
                assert client.get(path).status_code == 404
            newer = {"X-GitHub-Api-Version": "2026-03-10"}
            assert client.get("/issues/1", headers=newer).status_code == 400


# -- sub-issues ------------------------------------------------------------------------------------


def test_a_parent_has_a_hundred_children_and_a_family_eight_generations(
    sim: GitHubSimulator, http: httpx.Client
) -> None:
    """One more of either is refused, whichever end of the line grows."""
    for index in range(100):
        sim.set_parent(sim.add_issue(title=f"child {index}").number, 1)
    full = http.post("/issues/1/sub_issues", json={"sub_issue_id": sim.issue(2).id})
    assert (full.status_code, "more than 100 sub-issues" in full.json()["message"]) == (422, True)
    line = [sim.add_issue(title=f"generation {index}") for index in range(9)]
    for parent, child in pairwise(line[1:]):
        sim.set_parent(child.number, parent)
    deep = http.post(f"/issues/{line[0].number}/sub_issues", json={"sub_issue_id": line[1].id})
    assert (deep.status_code, "8 levels" in deep.json()["message"]) == (422, True)


def test_a_child_comes_from_the_same_owner_and_brings_its_repository(sim: GitHubSimulator, http: httpx.Client) -> None:
    """Another repository of the owner is taken, another owner's is refused."""
    near = sim.add_issue(title="near", project="acme/other")
    far = sim.add_issue(title="far", project="globex/parts")
    assert http.post("/issues/1/sub_issues", json={"sub_issue_id": near.id}).status_code == 201
    assert http.post("/issues/1/sub_issues", json={"sub_issue_id": far.id}).status_code == 422
    (child,) = http.get("/issues/1/sub_issues").json()
    assert child["repository"]["full_name"] == "acme/other"
    assert child["parent_issue_url"] == f"{sim.base_url}/repos/acme/payments/issues/1"
    elsewhere = f"{sim.base_url}/repos/acme/other/issues/{near.number}/parent"
    assert http.get(elsewhere).json()["repository"]["full_name"] == "acme/payments"


def test_a_second_parent_is_an_error_in_the_library(sim: GitHubSimulator) -> None:
    """It comes with the server's own words."""
    client = library(sim)
    repo = client.get_repo("acme/payments")
    one, two, three = (repo.get_issue(number) for number in (1, 2, 3))
    one.add_sub_issue(three)
    with pytest.raises(GithubException) as refused:
        two.add_sub_issue(three)
    assert "Sub issue may only have one parent" in str(refused.value)
    client.close()


def test_the_enterprise_cloud_has_what_githubs_own_server_has() -> None:
    """The same members and lists, and no header of an Enterprise Server."""
    answers = []
    for product in ("github.com", "ghec"):
        with served(GitHubSimulator(product=product)) as sim, plain(sim) as client:  # type: ignore[arg-type]
            sim.add_issue(title="t")
            answer = client.get("/issues/1")
            assert "x-github-enterprise-version" not in answer.headers
            paths = ("/issues/1/sub_issues", "/issues/1/dependencies/blocking", "/issue-types")
            answers.append((set(answer.json()), [client.get(path).status_code for path in paths]))
    assert answers[0] == answers[1]
    assert answers[0][1] == [200, 200, 200]
