"""The simulated Jira links issues, plans with components, versions and sprints, and knows its fields as Jira does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adapters._simulator import served
from adapters.jira.simulator import JiraSimulator
from adapters.jira.simulator.errors import ApiError
from tests.simulators.jira_support import call, document, fields, library, search, told


@pytest.fixture
def cloud() -> Iterator[JiraSimulator]:
    with served(JiraSimulator()) as simulator:
        yield simulator


@pytest.fixture
def server() -> Iterator[JiraSimulator]:
    with served(JiraSimulator(deployment="server")) as simulator:
        yield simulator


@pytest.fixture(params=["cloud", "team-managed", "server"])
def jira(request: pytest.FixtureRequest) -> Iterator[JiraSimulator]:
    knobs: dict[str, Any] = {
        "cloud": {}, "team-managed": {"style": "team-managed"}, "server": {"deployment": "server"},
    }[request.param]  # fmt: skip
    with served(JiraSimulator(**knobs)) as simulator:
        yield simulator


def test_a_link_is_seen_from_both_ends_and_moves_both(jira: JiraSimulator) -> None:
    """The inward issue of the request is where the link comes from; each end shows the other one."""
    first, second = jira.add_issue("First"), jira.add_issue("Second")
    jira.clock.advance(60)
    before = {key: jira.issue(key).updated for key in (first, second)}
    body = {"type": {"name": "Blocks"}, "inwardIssue": {"key": first}, "outwardIssue": {"key": second}}
    made = call(jira, "POST", "/issueLink", body)
    assert (made.status_code, made.text) == (201, "")
    assert call(jira, "POST", "/issueLink", body).status_code == 201
    (seen,), (other,) = (fields(jira, key)["issuelinks"] for key in (first, second))
    assert (seen["outwardIssue"]["key"], "inwardIssue" in seen) == (second, False)
    assert (other["inwardIssue"]["key"], "outwardIssue" in other) == (first, False)
    assert seen["id"] == other["id"]
    assert all(jira.issue(key).updated > before[key] for key in before)
    (item,) = told(jira, second)
    assert (item["field"], item["to"], item["toString"]) == ("Link", first, f"This issue is blocked by {first}")
    assert "from" not in item
    assert call(jira, "GET", f"/issueLink/{seen['id']}").json()["inwardIssue"]["key"] == first
    assert call(jira, "DELETE", f"/issueLink/{seen['id']}").status_code == 204
    assert fields(jira, first)["issuelinks"] == []
    assert told(jira, first)[0]["fromString"] == f"This issue blocks {second}"
    assert call(jira, "DELETE", f"/issueLink/{seen['id']}").status_code == 404


def test_links_of_unknown_kinds_and_issues_are_refused() -> None:
    """Kinds are data of the site, a site may have none called Blocks, and linking may be switched off."""
    with served(JiraSimulator(link_types={"Sperrt": ("wird gesperrt von", "sperrt")})) as simulator:
        first, second = simulator.add_issue("First"), simulator.add_issue("Second")
        (kind,) = call(simulator, "GET", "/issueLinkType").json()["issueLinkTypes"]
        assert (kind["name"], kind["outward"]) == ("Sperrt", "sperrt")
        ends = {"inwardIssue": {"key": first}, "outwardIssue": {"key": second}}
        answer = call(simulator, "POST", "/issueLink", {"type": {"name": "Blocks"}, **ends})
        assert (answer.status_code, answer.json()["errorMessages"]) == (
            404, ["No issue link type with name 'Blocks' found."],
        )  # fmt: skip
        assert call(simulator, "POST", "/issueLink", {"type": {"id": kind["id"]}, **ends}).status_code == 201
        gone = {**ends, "outwardIssue": {"key": "PAY-99"}}
        assert call(simulator, "POST", "/issueLink", {"type": {"id": kind["id"]}, **gone}).status_code == 404
    with served(JiraSimulator(issue_linking=False)) as simulator:
        assert call(simulator, "GET", "/issueLinkType").status_code == 404


def test_who_may_not_link_is_told_so_in_the_way_of_each_deployment() -> None:
    """Without the permission Cloud answers 404 and Data Center 401."""
    for deployment, status in (("cloud", 404), ("server", 401)):
        with served(JiraSimulator(deployment=deployment, denied=frozenset({"LINK_ISSUES"}))) as simulator:
            ends = {"inwardIssue": {"key": simulator.add_issue("A")}, "outwardIssue": {"key": simulator.add_issue("B")}}
            assert call(simulator, "POST", "/issueLink", {"type": {"name": "Blocks"}, **ends}).status_code == status


def test_a_deleted_issue_takes_its_links_along_in_silence(cloud: JiraSimulator) -> None:
    """The other end loses the link, and neither its `updated` nor its changelog tells."""
    first, second = cloud.add_issue("First"), cloud.add_issue("Second")
    cloud.link(first, second, "Relates")
    before = cloud.issue(second)
    cloud.delete(first)
    after = cloud.issue(second)
    assert (after.links, after.updated, after.changes) == ((), before.updated, before.changes)


def test_components_and_versions_must_exist_and_go_by_id_or_name(jira: JiraSimulator) -> None:
    """They are set whole or member by member, told one by one in the changelog, and never made by being named."""
    web, api = jira.add_component("Web"), jira.add_component("API", "What others call")
    one, two = jira.add_version("1.0"), jira.add_version("2.0", releaseDate="2026-12-24")
    key = jira.add_issue("Planned", components=[{"name": "Web"}], fixVersions=[{"id": one}])
    call(jira, "PUT", f"/issue/{key}", {"update": {
        "components": [{"add": {"id": api}}, {"remove": {"name": "Web"}}], "fixVersions": [{"set": [{"name": "2.0"}]}],
        "versions": [{"add": {"id": one}}],
    }})  # fmt: skip
    shown = fields(jira, key)
    assert [(each["id"], each["name"], each["description"]) for each in shown["components"]] == [
        (api, "API", "What others call")
    ]
    assert [(each["id"], each["releaseDate"]) for each in shown["fixVersions"]] == [(two, "2026-12-24")]
    assert [each["name"] for each in shown["versions"]] == ["1.0"]
    assert {(item["field"], item.get("from"), item.get("to")) for item in told(jira, key)} == {
        ("Component", web, None), ("Component", None, api), ("Fix Version", one, None), ("Fix Version", None, two),
        ("Version", None, one),
    }  # fmt: skip
    for name, value, complaint in (
        ("components", [{"name": "Mobile"}], "Component name 'Mobile' is not valid"),
        ("fixVersions", [{"id": "999"}], "Version id '999' is not valid"),
        ("versions", "1.0", "data was not an array"),
    ):
        refused = call(jira, "PUT", f"/issue/{key}", {"fields": {name: value}})
        assert (refused.status_code, refused.json()["errors"]) == (400, {name: complaint})
    listed = call(jira, "GET", "/project/PAY/components").json(), call(jira, "GET", "/project/PAY/versions").json()
    assert [[each["name"] for each in rows] for rows in listed] == [["API", "Web"], ["1.0", "2.0"]]
    assert call(jira, "POST", "/version", {"project": "PAY", "name": "1.0"}).status_code == 400


def test_a_renamed_version_changes_its_issues_in_silence(cloud: JiraSimulator) -> None:
    """Issues show the new name and nothing tells that they changed; in another project they lose their plans."""
    version = cloud.add_version("1.0")
    key = cloud.add_issue("Planned", fixVersions=[{"name": "1.0"}])
    before = cloud.issue(key).updated
    cloud.rename_version(version, "1.0.1")
    assert fields(cloud, key)["fixVersions"][0]["name"] == "1.0.1"
    assert cloud.issue(key).updated == before
    assert fields(cloud, cloud.move(key))["fixVersions"] == []


def test_a_sprint_is_written_as_a_number_and_read_in_the_deployments_own_form(jira: JiraSimulator) -> None:
    """Objects on Cloud, the text of a Java object on Data Center; closed sprints stay, an open one is replaced."""
    name = jira.field_id("Sprint")
    past, now, then = jira.add_sprint("One", "closed"), jira.add_sprint("Two, [really]", "active"), jira.add_sprint("3")
    key = jira.add_issue("Planned", type="Story", **{name: then})
    with jira.lock:
        issue = jira.issue(key)
        jira.world.edit("ada", issue, {"custom": {**issue.custom, name: (past, then)}})
    assert call(jira, "PUT", f"/issue/{key}", {"fields": {name: now}}).status_code == 204
    shown = fields(jira, key)[name]
    if jira.catalogue.cloud:
        assert [(each["id"], each["name"], each["state"], each["boardId"]) for each in shown] == [
            (past, "One", "closed", 1), (now, "Two, [really]", "active", 1),
        ]  # fmt: skip
    else:
        assert shown[1].startswith("com.atlassian.greenhopper.service.sprint.Sprint@")
        assert f"[id={now},rapidViewId=1,state=ACTIVE,name=Two, [really],startDate=" in shown[1]
    (item,) = told(jira, key)
    assert (item["from"], item["to"], item["toString"]) == (f"{past}, {then}", f"{past}, {now}", "One, Two, [really]")
    for value, complaint in (
        ({"id": now}, "Number value expected as the Sprint id."),
        (past, "Issue can be assigned only active or future sprints."),
        (99, "Sprint with id 99 does not exist."),
    ):
        assert call(jira, "PUT", f"/issue/{key}", {"fields": {name: value}}).json()["errors"] == {name: complaint}
    jira.to_sprint(key, None)
    assert jira.issue(key).custom[name] == (past,)
    below = "Subtask" if jira.catalogue.style == "team-managed" else "Sub-task"
    with pytest.raises(ApiError):
        jira.add_issue("Step", type=below, parent={"key": key}, **{name: now})
    child = jira.add_issue("Step", type=below, parent={"key": key})
    assert len(fields(jira, child)[name]) == 1


def test_sprints_are_made_and_filled_through_the_agile_api(jira: JiraSimulator) -> None:
    """Only boards with sprints have them; a name has 30 characters; fifty issues go at once."""
    boards = call(jira, "GET", "/rest/agile/1.0/board?projectKeyOrId=PAY").json()
    (board,) = boards["values"]
    made = call(jira, "POST", "/rest/agile/1.0/sprint", {"name": " Next ", "originBoardId": board["id"]})
    assert (made.status_code, made.json()["name"], made.json()["state"]) == (201, "Next", "future")
    key = jira.add_issue("Planned")
    where = f"/rest/agile/1.0/sprint/{made.json()['id']}"
    assert call(jira, "POST", f"{where}/issue", {"issues": [key]}).status_code == 204
    assert jira.issue(key).custom[jira.field_id("Sprint")] == (made.json()["id"],)
    assert call(jira, "POST", where, {"state": "closed"}).status_code == 400
    times = {"startDate": "2026-01-05T08:00:00.000Z", "endDate": "2026-01-19T08:00:00.000Z"}
    assert call(jira, "POST", where, {"state": "active", **times}).json()["state"] == "active"
    listed = call(jira, "GET", f"/rest/agile/1.0/board/{board['id']}/sprint?state=active").json()
    assert (listed["isLast"], [each["id"] for each in listed["values"]]) == (True, [made.json()["id"]])
    long = {"name": "x" * 31, "originBoardId": board["id"]}
    assert call(jira, "POST", "/rest/agile/1.0/sprint", long).status_code == 400
    assert call(jira, "POST", f"{where}/issue", {"issues": [key] * 51}).status_code == 400
    (other,) = call(jira, "GET", "/rest/agile/1.0/board?projectKeyOrId=OPS").json()["values"]
    assert call(jira, "GET", f"/rest/agile/1.0/board/{other['id']}/sprint").status_code == 400


def test_the_field_for_points_differs_by_style_and_both_are_listed(cloud: JiraSimulator, server: JiraSimulator) -> None:
    """A Cloud site has two fields for points; only one of them is on the screens of a project."""
    with served(JiraSimulator(style="team-managed")) as team:
        for simulator, name, kind in (
            (cloud, "Story Points", "customfieldtypes:float"), (server, "Story Points", "customfieldtypes:float"),
            (team, "Story point estimate", "greenhopper.jira:jsw-story-points"),
        ):  # fmt: skip
            listed = [row for row in call(simulator, "GET", "/field").json() if row["name"].startswith("Story")]
            assert len(listed) == (2 if simulator.catalogue.cloud else 1)
            (mine,) = (row for row in listed if row["name"] == name)
            assert mine["schema"]["custom"].endswith(kind)
            key = simulator.add_issue("Sized", **{mine["id"]: 5})
            assert fields(simulator, key)[mine["id"]] == 5.0
            for other in listed:
                status = 204 if other is mine else 400
                assert call(simulator, "PUT", f"/issue/{key}", {"fields": {other["id"]: 8}}).status_code == status


def test_a_busy_pair_of_issues_limits_links_too(cloud: JiraSimulator) -> None:
    """A link counts as a write to both of its issues."""
    busy, other = cloud.add_issue("Busy"), cloud.add_issue("Other")
    for number in range(20):
        assert call(cloud, "POST", f"/issue/{busy}/comment", {"body": document(str(number))}).status_code == 201
    ends = {"inwardIssue": {"key": other}, "outwardIssue": {"key": busy}}
    assert call(cloud, "POST", "/issueLink", {"type": {"name": "Blocks"}, **ends}).status_code == 429


def test_the_library_links_and_plans(cloud: JiraSimulator, server: JiraSimulator) -> None:
    """The real client library makes links, components, versions and sprints against both deployments."""
    for simulator in (cloud, server):
        jira = library(simulator)
        first, second = simulator.add_issue("First"), simulator.add_issue("Second")
        jira.create_issue_link("Blocks", first, second)
        assert jira.issue(first).fields.issuelinks[0].outwardIssue.key == second
        jira.create_component("Web", "PAY")
        jira.create_version("1.0", "PAY")
        assert [version.name for version in jira.project_versions("PAY")] == ["1.0"]
        sprint = jira.create_sprint("Next", jira.boards(projectKeyOrID="PAY")[0].id)
        jira.add_issues_to_sprint(sprint.id, [first])
        assert simulator.issue(first).custom[simulator.field_id("Sprint")] == (sprint.id,)
        jira.close()


def test_search_shows_a_link_late(cloud: JiraSimulator) -> None:
    """A link takes part in the lag of the index."""
    first, second = cloud.add_issue("First"), cloud.add_issue("Second")
    cloud.clock.advance(5)
    cloud.link(first, second)
    (found, _) = search(cloud, "project = PAY ORDER BY key ASC", fields=["issuelinks"])["issues"]
    assert found["fields"]["issuelinks"] == []
    cloud.clock.advance(5)
    (found, _) = search(cloud, "project = PAY ORDER BY key ASC", fields=["issuelinks"])["issues"]
    assert len(found["fields"]["issuelinks"]) == 1


def test_plans_can_be_asked_for(cloud: JiraSimulator) -> None:
    """Queries know components, versions, sprints and people, by number or name."""
    cloud.add_component("Web")
    version, sprint = cloud.add_version("1.0"), cloud.add_sprint("Next")
    key = cloud.add_issue("Planned", components=[{"name": "Web"}], fixVersions=[{"id": version}])
    cloud.to_sprint(key, sprint)
    cloud.assign(key, "grace")
    cloud.add_issue("Other")
    cloud.clock.advance(5)
    account = cloud.catalogue.people["grace"].account_id
    for clause in ("component = Web", "fixVersion = '1.0'", f"sprint in ({sprint})", f"assignee = '{account}'"):
        (found,) = search(cloud, f"project = PAY AND {clause}")["issues"]
        assert found["key"] == key
    assert len(search(cloud, "project = PAY AND component != Web")["issues"]) == 1
    assert call(cloud, "GET", "/search/jql?jql=component=Nowhere").status_code == 400
