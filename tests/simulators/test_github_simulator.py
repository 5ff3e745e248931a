"""The simulated GitHub, seen through PyGithub and through plain HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from github import GithubException
from github.Repository import Repository

from adapters._simulator import served
from adapters.github.simulator import GitHubSimulator, Limits
from tests.simulators.github_support import library, plain


@pytest.fixture
def sim() -> Iterator[GitHubSimulator]:
    """An empty project, served."""
    with served(GitHubSimulator()) as simulator:
        yield simulator


@pytest.fixture
def http(sim: GitHubSimulator) -> Iterator[httpx.Client]:
    """Ada, without a library."""
    with plain(sim) as client:
        yield client


@pytest.fixture
def repo(sim: GitHubSimulator) -> Iterator[Repository]:
    """The bridge's view through PyGithub."""
    client = library(sim)
    yield client.get_repo("acme/payments")
    client.close()


def test_a_wrong_token_is_refused_and_no_token_sees_no_private_repository(sim: GitHubSimulator) -> None:
    """Bad credentials are 401; a stranger to a private repository gets 404, as if there were none."""
    for token, status in (("wrong", 401), (None, 404), ("token-outsider", 404), ("token-reader", 200)):
        with plain(sim, token) as client:
            assert client.get("").status_code == status
    with plain(sim, "wrong") as client:
        assert client.get("").json()["message"] == "Bad credentials"
        assert client.get(f"{sim.base_url}/user").status_code == 401


def test_an_issue_goes_through_its_life_in_the_library(sim: GitHubSimulator, repo: Repository) -> None:
    """Create, edit, close with a reason, reopen, comment: PyGithub reads back what it wrote."""
    issue = repo.create_issue("Refund twice", body="seen", labels=["Bug", "new one"], assignees=["ada", "nobody"])
    assert [label.name for label in issue.labels] == ["bug", "new one"]  # an existing label keeps its spelling
    assert [user.login for user in issue.assignees] == ["ada"]  # who can't be assigned is dropped
    issue.edit(title="Refund thrice", state="closed", state_reason="not_planned")
    assert (issue.title, issue.state, issue.state_reason) == ("Refund thrice", "closed", "not_planned")
    issue.edit(state_reason="completed")
    assert issue.state_reason == "not_planned"  # ignored unless the state changes
    issue.edit(state="open", labels=["bug"], assignees=[])
    assert (issue.state_reason, [label.name for label in issue.labels], issue.assignees) == ("reopened", ["bug"], [])
    comment = issue.create_comment("hello")
    comment.edit("hello, world")
    assert [(said.body, said.user.login) for said in issue.get_comments()] == [("hello, world", "trackdown-bot")]
    kinds = [event.event for event in issue.get_timeline()]
    assert kinds == [
        *("labeled", "labeled", "assigned", "renamed", "closed", "reopened", "unlabeled", "unassigned"),
        "commented",
    ]
    comment.delete()
    assert issue.get_comments().totalCount == 0
    assert sim.issue(issue.number).events[-1].kind == "comment_deleted"


def test_without_push_access_labels_assignees_and_type_vanish_in_silence() -> None:
    """The create succeeds and says nothing of what it left out; editing others' issues is forbidden."""
    with served(GitHubSimulator(push=False)) as sim, plain(sim, "token-bridge") as client:
        sent = {"title": "T", "labels": ["bug"], "assignees": ["ada"], "type": "Bug"}
        made = client.post("/issues", json=sent)
        assert made.status_code == 201
        assert (made.json()["labels"], made.json()["assignees"], made.json()["type"]) == ([], [], None)
        assert client.patch(f"/issues/{made.json()['number']}", json={"labels": ["bug"]}).json()["labels"] == []
        other = sim.add_issue(title="by ada")
        assert client.patch(f"/issues/{other.number}", json={"title": "x"}).status_code == 403
        assert client.post(f"/issues/{other.number}/labels", json={"labels": ["bug"]}).status_code == 403


def test_lists_are_paged_by_link_and_since_includes_its_second(sim: GitHubSimulator, http: httpx.Client) -> None:
    """Thirty rows by default, newest first and open only; `since` is inclusive; links lead to the end."""
    for number in range(45):
        sim.add_issue(title=f"t{number}")
    sim.edit(3, state="closed")
    first = http.get("/issues")
    assert [row["number"] for row in first.json()][:2] == [45, 44]
    assert len(first.json()) == 30
    assert 'rel="next"' in first.headers["link"]
    second = http.get(first.links["next"]["url"])
    assert [row["number"] for row in second.json()] == [number for number in range(15, 0, -1) if number != 3]
    assert "next" not in second.links
    now = sim.issue(45).updated_at
    query = {"state": "all", "sort": "updated", "direction": "asc", "per_page": "100"}
    assert len(http.get("/issues", params=query | {"since": f"{now:%Y-%m-%dT%H:%M:%SZ}"}).json()) >= 1
    later = f"{now + timedelta(seconds=5):%Y-%m-%dT%H:%M:%SZ}"
    assert http.get("/issues", params=query | {"since": later}).json() == []


def test_lists_hold_pull_requests_and_their_comments(sim: GitHubSimulator, http: httpx.Client) -> None:
    """A pull request is a row with `pull_request`; its comments are in the feed, told apart by their page."""
    sim.seed(24)
    rows = http.get("/issues", params={"state": "all", "per_page": 100}).json()
    assert sum("pull_request" in row for row in rows) == 2
    assert len(rows) == 26
    comments = http.get("/issues/comments", params={"per_page": 100}).json()
    assert sum("/pull/" in comment["html_url"] for comment in comments) == 2


def test_filters_choose_by_label_assignee_creator_and_type(sim: GitHubSimulator, http: httpx.Client) -> None:
    """Each list filter keeps exactly the matching rows."""
    sim.add_issue(title="a", labels=["Sync", "x"], assignees=["grace"], type="Bug")
    sim.add_issue(title="b", labels=["x"], as_user="alan")

    def titles(**query: str) -> set[str]:
        return {row["title"] for row in http.get("/issues", params=query).json()}

    assert titles(labels="sync,x") == {"a"}
    assert titles(assignee="grace") == {"a"}
    assert titles(assignee="none") == {"b"}
    assert titles(assignee="*") == {"a"}
    assert titles(creator="alan") == {"b"}
    assert titles(type="bug") == {"a"}


def test_texts_over_the_limit_are_refused_in_githubs_words(sim: GitHubSimulator, http: httpx.Client) -> None:
    """65,536 characters pass and one more is 422, worded otherwise for an issue than for a comment."""
    assert http.post("/issues", json={"title": "t", "body": "x" * 65_536}).status_code == 201
    issue = http.post("/issues", json={"title": "t", "body": "x" * 65_537})
    assert (issue.status_code, issue.json()["errors"][0]["field"], issue.json()["errors"][0]["code"]) == (
        *(422, "body"),
        "custom",
    )
    comment = http.post("/issues/1/comments", json={"body": "x" * 65_537})
    assert (comment.json()["errors"][0]["field"], comment.json()["errors"][0]["code"]) == ("data", "unprocessable")
    assert http.post("/issues", json={"title": "x" * 257}).status_code == 422
    assert http.post("/issues", json={"title": " "}).json()["errors"][0]["code"] == "missing_field"
    assert http.post("/issues", content=b"{").status_code == 400
    assert http.patch("/issues/1", json={"state": "done"}).status_code == 422
    assert http.patch("/issues/1", json={"labels": ["x" * 51]}).status_code == 422
    assert http.patch("/issues/1", json={"type": "Saga"}).status_code == 422


def test_a_refused_edit_changes_nothing(sim: GitHubSimulator, http: httpx.Client) -> None:
    """A PATCH with one bad member is refused whole."""
    sim.add_issue(title="t")
    assert http.patch("/issues/1", json={"title": "new", "milestone": 9}).status_code == 422
    assert sim.issue(1).title == "t"


def test_an_edit_that_changes_nothing_leaves_no_trace(sim: GitHubSimulator, http: httpx.Client) -> None:
    """Neither time nor history move when the same values are sent again."""
    sim.add_issue(title="t", body=None, labels=["bug"])
    before = (sim.issue(1).updated_at, len(sim.issue(1).events))
    sim.clock.advance(60)
    http.patch("/issues/1", json={"title": "t", "body": None, "labels": ["BUG"], "state": "open"})
    assert (sim.issue(1).updated_at, len(sim.issue(1).events)) == before


def test_labels_are_one_per_name_in_any_case(repo: Repository, http: httpx.Client) -> None:
    """A second spelling is refused; a rename shows on issues without moving them."""
    repo.create_label("status: review", "00ff00")
    with pytest.raises(GithubException) as refused:
        repo.create_label("Status: Review", "00ff00")
    assert refused.value.status == 422
    issue = repo.create_issue("t", labels=["STATUS: REVIEW", "a/b c"])
    repo.get_label("status: review").edit("status: in review", "ff0000")
    again = repo.get_issue(issue.number)
    assert [label.name for label in again.labels] == ["status: in review", "a/b c"]
    assert again.updated_at == issue.updated_at
    issue.remove_from_labels("a/b c")
    issue.add_to_labels("third")
    issue.set_labels("bug", "third")
    assert {label.name for label in repo.get_issue(issue.number).labels} == {"bug", "third"}
    repo.get_label("third").delete()
    assert [label.name for label in repo.get_issue(issue.number).labels] == ["bug"]
    assert http.delete("/issues/1/labels/absent").status_code == 404
    assert http.post("/labels", json={"name": "n", "color": "red"}).status_code == 422


def test_sub_issues_have_one_parent_and_go_by_database_id(sim: GitHubSimulator, repo: Repository) -> None:
    """Adding, refusing a second parent, replacing it, removing; `updated_at` of neither moves."""
    epic, other, task = (repo.create_issue(title) for title in ("epic", "other", "task"))
    sim.clock.advance(30)
    epic.add_sub_issue(task.id)
    with pytest.raises(GithubException) as refused:
        other.add_sub_issue(task.id)
    assert refused.value.status == 422
    with pytest.raises(GithubException) as circular:
        task.add_sub_issue(epic.id)
    assert circular.value.status == 422
    assert [child.number for child in epic.get_sub_issues()] == [task.number]
    with plain(sim) as client:
        shown = client.get(f"/issues/{task.number}").json()
        assert shown["parent_issue_url"] == f"{sim.base_url}/repos/acme/payments/issues/{epic.number}"
        assert client.get(f"/issues/{epic.number}").json()["sub_issues_summary"]["total"] == 1
        assert client.get(f"/issues/{task.number}/parent").json()["number"] == epic.number
        sent = {"sub_issue_id": task.id, "replace_parent": True}
        assert client.post(f"/issues/{other.number}/sub_issues", json=sent).status_code == 201
        assert client.post(f"/issues/{other.number}/sub_issues", json={"sub_issue_id": 1}).status_code == 404
    assert repo.get_issue(task.number).updated_at == task.updated_at
    other.remove_sub_issue(task.id)
    assert sim.issue(task.number).parent is None
    kinds = [event.kind for event in sim.issue(task.number).events]
    assert kinds == ["parent_issue_added", "parent_issue_removed", "parent_issue_added", "parent_issue_removed"]


def test_a_renamed_repository_redirects_reads_and_holds_writes(sim: GitHubSimulator, http: httpx.Client) -> None:
    """Reads under the old name are 301, writes 307 and nothing is written."""
    sim.add_issue(title="t")
    sim.rename("acme/checkout")
    moved = http.get("/issues", params={"state": "all"})
    assert moved.status_code == 301
    assert moved.headers["location"] == f"{sim.base_url}/repositories/{sim.repository.id}/issues?state=all"
    assert http.get(moved.headers["location"]).json()[0]["url"].endswith("/repos/acme/checkout/issues/1")
    assert http.patch("/issues/1", json={"title": "new"}).status_code == 307
    assert sim.issue(1).title == "t"


def test_deleted_transferred_and_unknown_issues_differ(sim: GitHubSimulator, http: httpx.Client) -> None:
    """410 for deleted, 301 into the other repository for transferred, 404 for never there; lists forget both."""
    for title in ("gone", "moved", "stays"):
        sim.add_issue(title=title)
    sim.delete(1)
    moved = sim.transfer(2, "acme/other")
    assert http.get("/issues/1").status_code == 410
    assert http.get("/issues/2").headers["location"].endswith(f"/issues/{moved.number}")
    assert http.get(http.get("/issues/2").headers["location"]).json()["title"] == "moved"
    assert http.get("/issues/99").status_code == 404
    assert [row["number"] for row in http.get("/issues").json()] == [3]
    assert sim.add_issue(title="next").number == 4


def test_locked_disabled_and_archived_are_told_apart(sim: GitHubSimulator, repo: Repository) -> None:
    """403 on a locked issue's comments, 410 where issues are off, 403 where the repository is read-only."""
    issue = repo.create_issue("t")
    issue.lock("resolved")
    with pytest.raises(GithubException) as locked:
        issue.create_comment("x")
    assert (locked.value.status, "locked" in str(locked.value)) == (403, True)
    sim.repository.archived = True
    with pytest.raises(GithubException) as archived:
        issue.edit(title="x")
    assert archived.value.status == 403
    sim.repository.archived, sim.repository.has_issues = False, False
    with pytest.raises(GithubException) as disabled:
        repo.create_issue("x")
    assert disabled.value.status == 410


def test_the_primary_limit_bites_and_a_304_is_free() -> None:
    """Each answer counts down; an unchanged one asked for by its tag does not; then 403 with nothing remaining."""
    with served(GitHubSimulator(limits=Limits(per_hour=3, enforced=True))) as sim, plain(sim) as client:
        first = client.get("/labels")
        assert (first.headers["x-ratelimit-remaining"], first.headers["x-ratelimit-resource"]) == ("2", "core")
        same = client.get("/labels", headers={"If-None-Match": first.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        assert client.get("/labels").headers["x-ratelimit-remaining"] == "1"
        assert client.get("/labels").status_code == 200
        refused = client.get("/labels")
        assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (403, "0")
        assert refused.json()["message"].startswith("API rate limit exceeded")
        sim.clock.advance(3_601)
        assert client.get("/labels").status_code == 200


@pytest.mark.parametrize(("status", "retry_after"), [(403, None), (429, 7)])
def test_the_secondary_limit_bites_with_and_without_an_hour(status: int, retry_after: int | None) -> None:
    """Writing too quickly is refused, sometimes without a word on how long to wait."""
    limits = Limits(writes_per_minute=2, enforced=True, status=status, retry_after=retry_after)
    with served(GitHubSimulator(limits=limits)) as sim, plain(sim) as client:
        answers = [client.post("/issues", json={"title": f"t{number}"}) for number in range(3)]
        assert [answer.status_code for answer in answers] == [201, 201, status]
        assert answers[2].headers.get("retry-after") == (None if retry_after is None else str(retry_after))
        assert "secondary rate limit" in answers[2].json()["message"]
        assert len(sim.repository.issues) == 2


def test_the_enterprise_server_has_no_types_no_sub_issues_and_no_limits() -> None:
    """On 3.17 those paths are 404 and the members are absent."""
    with served(GitHubSimulator(product="ghes-3.17")) as sim, plain(sim) as client:
        sim.seed(20)
        row = client.get("/issues/1").json()
        assert not {"type", "sub_issues_summary", "parent_issue_url"} & set(row)
        assert client.get("/issue-types").status_code == 404
        assert client.get("/issues/1/sub_issues").status_code == 404
        assert client.get(f"{sim.base_url}/rate_limit").status_code == 404
        assert "x-ratelimit-limit" not in client.get("/issues/1").headers
        assert client.get("/issues/1").headers["x-github-enterprise-version"] == "3.17.0"


def test_a_users_repository_has_no_issue_types() -> None:
    """Issue types belong to organizations."""
    with served(GitHubSimulator(owner_type="User")) as sim, plain(sim) as client:
        assert client.get("/issue-types").status_code == 404
        assert "type" not in client.post("/issues", json={"title": "t", "type": "Bug"}).json()
        assert client.get("").json()["owner"]["type"] == "User"


def test_comment_edits_leave_the_issues_time_alone(sim: GitHubSimulator, http: httpx.Client) -> None:
    """Only the comment feed shows an edited comment."""
    sim.add_issue(title="t")
    comment = sim.comment(1, "a", as_user="grace")
    before = sim.issue(1).updated_at
    sim.clock.advance(100)
    since = f"{sim.clock.now() - timedelta(seconds=10):%Y-%m-%dT%H:%M:%SZ}"
    http.patch(f"/issues/comments/{comment.id}", json={"body": "b"})
    assert sim.issue(1).updated_at == before
    assert http.get("/issues", params={"since": since}).json() == []
    feed = http.get("/issues/comments", params={"since": since, "sort": "updated", "direction": "asc"}).json()
    assert [(row["body"], row["user"]["login"]) for row in feed] == [("b", "grace")]


def test_events_are_listed_newest_first_with_their_issue(sim: GitHubSimulator, repo: Repository) -> None:
    """The repository's events name the issue, the actor and what changed."""
    sim.add_issue(title="old", labels=["bug"], as_user="grace")
    sim.edit(1, as_user="alan", title="new", type="Bug")
    newest, renamed, labeled = list(repo.get_issues_events())
    assert (newest.event, newest.issue.number) == ("issue_type_added", 1)
    assert (renamed.event, renamed.actor.login, renamed.rename) == ("renamed", "alan", {"from": "old", "to": "new"})
    assert (labeled.event, labeled.label.name) == ("labeled", "bug")


def test_people_can_be_looked_up_and_asked_about(sim: GitHubSimulator, repo: Repository) -> None:
    """Who may be assigned is 204, others 404; accounts have profiles."""
    assert repo.has_in_assignees("grace")
    assert not repo.has_in_assignees("reader")
    assert {user.login for user in repo.get_assignees()} >= {"ada", "grace", "alan", "linus"}
    client = library(sim)
    assert client.get_user().login == "trackdown-bot"
    assert client.get_user("ada").name == "Ada Lovelace"
    client.close()


def test_the_clock_is_the_simulators_in_whole_seconds(sim: GitHubSimulator, http: httpx.Client) -> None:
    """Times and the `Date` header follow the simulator's own clock."""
    sim.clock.advance(86_400)
    answer = http.post("/issues", json={"title": "t"})
    created = datetime.strptime(answer.json()["created_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert abs(created - datetime.now(UTC) - timedelta(days=1)) < timedelta(seconds=5)
    assert answer.headers["date"].split()[1] == f"{created:%d}"


def test_seeding_is_quick_believable_and_the_same_every_time() -> None:
    """Ten thousand tickets in seconds, unique titles, one epic in ten, several authors, some web-editor line ends."""
    started = time.perf_counter()
    sim = GitHubSimulator()
    sim.seed(10_000)
    assert time.perf_counter() - started < 10
    issues = [issue for issue in sim.repository.issues.values() if not issue.is_pull]
    assert len(issues) == len({issue.title for issue in issues}) == 10_000
    assert sum(issue.type is not None and issue.type.name == "Epic" for issue in issues) == 1_000
    assert any("\r\n" in (issue.body or "") for issue in issues)
    assert {issue.body for issue in issues} >= {None, ""}
    assert any(issue.parent for issue in issues)
    assert len({issue.user.login for issue in issues if issue.user}) == 4
    again = GitHubSimulator()
    again.seed(30)
    first = [(issue.title, issue.state, len(issue.comments)) for issue in again.repository.issues.values()]
    assert first == [
        (issue.title, issue.state, len(issue.comments)) for issue in list(sim.repository.issues.values())[: len(first)]
    ]
