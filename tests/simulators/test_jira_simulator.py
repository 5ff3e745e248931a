"""The simulated Jira writes as Jira does: through the real library, and plain HTTP where it has no call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jira.exceptions import JIRAError

from adapters._simulator import served
from adapters.jira.simulator import JiraSimulator
from adapters.jira.simulator.errors import ApiError
from tests.simulators.jira_support import call, document, library, search

SPECS = Path(__file__).resolve().parents[3] / "shared" / "api" / "specs" / "jira"


@pytest.fixture
def cloud() -> Iterator[JiraSimulator]:
    with served(JiraSimulator()) as simulator:
        yield simulator


@pytest.fixture
def server() -> Iterator[JiraSimulator]:
    with served(JiraSimulator(deployment="server")) as simulator:
        yield simulator


def test_the_library_creates_edits_moves_and_deletes_on_cloud(cloud: JiraSimulator) -> None:
    """The ordinary life of an issue works through the real library with documents as texts."""
    jira = library(cloud, "3")
    issue = jira.create_issue(
        fields={"project": {"key": "PAY"}, "issuetype": {"name": "Bug"}, "summary": "Double booking",
                "description": document("It books twice."), "labels": ["backend"]}
    )  # fmt: skip
    issue.update(fields={"priority": {"name": "High"}}, update={"labels": [{"add": "urgent"}]})
    jira.transition_issue(issue, "Start Progress")
    jira.add_comment(issue.key, document("On it."))
    fields = jira.issue(issue.key).raw["fields"]
    assert fields["priority"]["name"] == "High"
    assert fields["labels"] == ["backend", "urgent"]
    assert fields["status"]["statusCategory"]["key"] == "indeterminate"
    assert fields["comment"]["comments"][0]["body"] == document("On it.")
    issue.delete()
    with pytest.raises(JIRAError, match="does not exist or you do not have permission"):
        jira.issue(issue.key)
    jira.close()


def test_the_library_works_with_data_center(server: JiraSimulator) -> None:
    """On Data Center texts are wiki markup, people are names and search pages by offset."""
    jira = library(server)
    made = [
        jira.create_issue(
            fields={"project": {"key": "PAY"}, "issuetype": {"name": "Task"}, "summary": f"Task {number}",
                    "description": "h1. Title", "assignee": {"name": "ada"}}
        )
        for number in range(3)
    ]  # fmt: skip
    found = jira.search_issues("project = PAY ORDER BY key ASC", maxResults=2)
    assert [issue.key for issue in found] == [issue.key for issue in made[:2]]
    assert found.total == 3
    assert found[0].fields.description == "h1. Title"
    assert found[0].fields.assignee.name == "ada"
    assert jira.issue(made[0].key, expand="changelog").raw["changelog"]["histories"] == []
    jira.close()


def test_a_bad_token_is_an_anonymous_visitor_on_cloud_and_refused_on_data_center(
    cloud: JiraSimulator, server: JiraSimulator
) -> None:
    """Only /myself tells that a Cloud token is wrong: search answers 200 with nothing."""
    cloud.add_issue("Hidden")
    cloud.clock.advance(5)
    bad = {"auth": httpx.BasicAuth("bot@acme.example", "wrong")}
    base = f"{cloud.base_url}/rest/api/3"
    assert httpx.get(f"{base}/serverInfo", **bad).status_code == 200
    assert httpx.get(f"{base}/search/jql", params={"jql": "project = PAY"}, **bad).json()["issues"] == []
    assert httpx.get(f"{base}/issue/PAY-1", **bad).status_code == 404
    assert httpx.get(f"{base}/myself", **bad).status_code == 401
    refused = httpx.get(f"{server.base_url}/rest/api/2/search", headers={"Authorization": "Bearer wrong"})
    assert refused.status_code == 401


@pytest.mark.parametrize(
    ("fields", "place", "message"),
    [
        ({"summary": None}, "summary", "You must specify a summary"),
        ({"summary": "x" * 256}, "summary", "255"),
        ({"summary": "two\nlines"}, "summary", "newline"),
        ({"priority": {"name": "BLARG"}}, "priority", "Priority name 'BLARG' is not valid"),
        ({"labels": ["two words"]}, "labels", "contains spaces"),
        ({"status": {"name": "Done"}}, "status", "not on the appropriate screen"),
        ({"customfield_99": "x"}, "customfield_99", "not on the appropriate screen"),
        ({"description": "a string"}, "description", "Atlassian Document"),
        ({"description": document("x" * 32_768)}, "description", "allowed limit of 32,767 characters"),
        ({"assignee": {"accountId": "557058:f58131cb-b67d-43c7-b30d-6b58d40bd077"}}, "assignee", "cannot be assigned"),
        ({"assignee": {"name": "ada"}}, "assignee", "expected Object"),
        ({"issuetype": {"name": "Sub-task"}}, "parent", "Parent is required"),
    ],
)
def test_a_create_is_refused_field_by_field(
    cloud: JiraSimulator, fields: dict[str, Any], place: str, message: str
) -> None:
    """What Jira does not accept is a 400 with the field's name in `errors`, and nothing is made."""
    full = {"project": {"key": "PAY"}, "issuetype": {"name": "Task"}, "summary": "Good", **fields}
    answer = call(cloud, "POST", "/issue", {"fields": full})
    assert answer.status_code == 400
    assert message in answer.json()["errors"][place]
    assert cloud.world.issues == {}


def test_an_unknown_type_is_named_as_recorded(cloud: JiraSimulator) -> None:
    """A create without a type is refused before anything else."""
    answer = call(cloud, "POST", "/issue", {"fields": {"project": {"key": "PAY"}, "summary": "x"}})
    assert answer.json() == {"errorMessages": [], "errors": {"issuetype": "issue type is required"}}


def test_an_edit_that_changes_nothing_leaves_updated_alone_and_a_status_is_ignored(cloud: JiraSimulator) -> None:
    """PUT answers 204 for a status and does nothing; the same summary again is no change."""
    key = cloud.add_issue("Steady")
    before = cloud.issue(key)
    cloud.clock.advance(60)
    for fields in ({"summary": "Steady"}, {"status": {"name": "Done"}}):
        assert call(cloud, "PUT", f"/issue/{key}", {"fields": fields}).status_code == 204
    assert cloud.issue(key) == before


def test_an_edit_may_return_the_issue_on_cloud_only(cloud: JiraSimulator, server: JiraSimulator) -> None:
    """`returnIssue=true` answers 200 with the issue on Cloud, and is unknown on Data Center."""
    for simulator, status in ((cloud, 200), (server, 204)):
        key = simulator.add_issue("Before")
        answer = call(simulator, "PUT", f"/issue/{key}?returnIssue=true", {"fields": {"summary": "After"}})
        assert answer.status_code == status
    assert call(cloud, "GET", "/issue/PAY-1").json()["fields"]["summary"] == "After"


def test_only_the_moves_of_the_workflow_lead_on(cloud: JiraSimulator) -> None:
    """Names of moves differ from statuses, some need a field, and a bad id is refused."""
    key = cloud.add_issue("Walk")
    moves = call(cloud, "GET", f"/issue/{key}/transitions?expand=transitions.fields").json()["transitions"]
    by_name = {move["name"]: move for move in moves}
    assert "In Review" not in {move["to"]["name"] for move in moves}
    assert by_name["Close Issue"]["to"]["name"] == "Done"
    assert by_name["Close Issue"]["fields"]["resolution"]["required"] is True

    def go(move: str, **fields: Any) -> httpx.Response:
        return call(cloud, "POST", f"/issue/{key}/transitions", {"transition": {"id": move}, "fields": fields})

    assert "Resolution is required" in go("81").json()["errors"]["resolution"]
    assert go("11", resolution={"name": "Done"}).status_code == 400
    assert go("71", resolution={"name": "Done"}).status_code == 400
    assert go("55").json()["errors"] == {"customfield_10050": "Blocked reason is required."}
    assert go("81", resolution={"name": "Won't Do"}).status_code == 204
    done = call(cloud, "GET", f"/issue/{key}").json()["fields"]
    assert (done["status"]["name"], done["resolution"]["name"]) == ("Done", "Won't Do")
    assert go("91").status_code == 204
    assert call(cloud, "GET", f"/issue/{key}").json()["fields"]["resolution"] is None


def test_a_bad_transition_is_a_500_on_data_center(server: JiraSimulator) -> None:
    """Data Center documents 500 for an id that is not there."""
    key = server.add_issue("Walk")
    assert call(server, "POST", f"/issue/{key}/transitions", {"transition": {"id": "999"}}).status_code == 500


def test_team_managed_moves_are_global_and_set_the_resolution(cloud: JiraSimulator) -> None:
    """In a team-managed project every status leads to every other and done is resolved by itself."""
    with served(JiraSimulator(style="team-managed")) as simulator:
        key = simulator.add_issue("Free")
        simulator.transition(key, "Done")
        assert simulator.issue(key).resolution == "10000"
        moves = call(simulator, "GET", f"/issue/{key}/transitions").json()["transitions"]
        assert [move["isGlobal"] for move in moves] == [True, True, True]
        assert simulator.request("GET", "/project/PAY")["style"] == "next-gen"


def test_a_moved_issue_keeps_its_id_and_answers_to_its_old_key(cloud: JiraSimulator) -> None:
    """GET by the old key gives the new one without a redirect, and the project's search has lost it."""
    key = cloud.add_issue("Nomad")
    number = cloud.issue(key).id
    new = cloud.move(key)
    cloud.clock.advance(5)
    answer = call(cloud, "GET", f"/issue/{key}")
    assert (answer.status_code, answer.json()["key"], answer.json()["id"]) == (200, new, str(number))
    assert search(cloud, "project = PAY")["issues"] == []


def test_comments_have_authors_properties_and_visibility(cloud: JiraSimulator) -> None:
    """A restricted comment is seen by its role only; an edit keeps the author and moves `updated`."""
    key = cloud.add_issue("Discussed")
    secret = {"body": document("Secret"), "visibility": {"type": "role", "value": "Administrators"}}
    assert call(cloud, "POST", f"/issue/{key}/comment", secret, user="ada").status_code == 201
    marked = {"body": document("Marked"), "properties": [{"key": "trackdown", "value": {"marker": "m"}}]}
    made = call(cloud, "POST", f"/issue/{key}/comment", marked).json()
    kept = call(cloud, "GET", f"/comment/{made['id']}/properties/trackdown").json()
    assert kept == {"key": "trackdown", "value": {"marker": "m"}}
    assert call(cloud, "GET", f"/issue/{key}/comment").json()["total"] == 2
    assert call(cloud, "GET", f"/issue/{key}/comment", user="grace").json()["total"] == 1
    cloud.clock.advance(60)
    before = cloud.issue(key).updated
    edited = call(cloud, "PUT", f"/issue/{key}/comment/{made['id']}", {"body": document("Changed")}).json()
    assert edited["author"]["displayName"] == "Trackdown Bot"
    assert cloud.issue(key).updated > before
    listed = call(cloud, "POST", "/comment/list?expand=properties", {"ids": [int(made["id"])]}).json()
    assert [(row["body"], row["properties"]) for row in listed["values"]] == [
        (document("Changed"), marked["properties"])
    ]
    assert call(cloud, "DELETE", f"/issue/{key}/comment/{made['id']}").status_code == 204
    assert call(cloud, "GET", f"/issue/{key}/comment/{made['id']}").status_code == 404


def test_a_burst_on_one_issue_is_limited_on_cloud(cloud: JiraSimulator) -> None:
    """The 21st write to an issue within two seconds is a 429 with the reason and a time to wait."""
    key = cloud.add_issue("Busy")
    answers = [call(cloud, "POST", f"/issue/{key}/comment", {"body": document("x")}) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [201] * 20 + [429]
    assert answers[-1].headers["RateLimit-Reason"] == "jira-per-issue-on-write"
    assert answers[-1].headers["Retry-After"] == "2"


def test_a_long_stream_of_writes_to_one_issue_is_limited_too() -> None:
    """Five times as many writes within thirty seconds are the most, and the answer says how long it takes."""
    with served(JiraSimulator(issue_write_limit=4)) as simulator:
        key = simulator.add_issue("Busy")

        def write() -> httpx.Response:
            return call(simulator, "PUT", f"/issue/{key}", {"fields": {}})

        for _ in range(5):
            assert all(write().is_success for _ in range(4))
            simulator.clock.advance(2.5)
        answer = write()
        assert answer.status_code == 429
        assert 10 < int(answer.headers["Retry-After"]) < 20
        simulator.clock.advance(int(answer.headers["Retry-After"]))
        assert write().status_code == 204


def test_epics_are_parents_on_cloud_and_epic_links_on_data_center(cloud: JiraSimulator, server: JiraSimulator) -> None:
    """The same child says its epic in `parent` on Cloud and in a custom field of a known kind on Data Center."""
    for simulator in (cloud, server):
        names = {spec.get("schema", {}).get("custom", ""): spec["id"] for spec in simulator.request("GET", "/field")}
        link = names.get("com.pyxis.greenhopper.jira:gh-epic-link")
        label = {names["com.pyxis.greenhopper.jira:gh-epic-label"]: "Name"} if link else {}
        epic = simulator.add_issue("Epic", type="Epic", **label)
        story = simulator.add_issue("Story", type="Story", **({link: epic} if link else {"parent": {"key": epic}}))
        subtask = simulator.add_issue("Step", type="Sub-task", parent={"key": story})
        fields = simulator.request("GET", f"/issue/{story}")["fields"]
        assert (fields[link] if link else fields["parent"]["key"]) == epic
        assert simulator.request("GET", f"/issue/{subtask}")["fields"]["parent"]["key"] == story
        assert ("parent" in fields) is (link is None)
        with pytest.raises(ApiError):
            simulator.edit(subtask, issuetype={"name": "Task"})
    cleared = call(cloud, "PUT", "/issue/PAY-2", {"update": {"parent": [{"set": {"none": True}}]}})
    assert cleared.status_code == 204
    assert cloud.issue("PAY-2").parent is None


def test_epic_name_is_required_on_data_center(server: JiraSimulator) -> None:
    """A classic Data Center epic can't be made without its name."""
    with pytest.raises(ApiError) as refused:
        server.add_issue("Epic", type="Epic")
    assert refused.value.body["errors"] == {"customfield_10011": "Epic Name is required."}
