"""The simulated Jira keeps estimates, logged time, dates and custom fields as Jira does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adapters._simulator import served
from adapters.jira.simulator import JiraSimulator, durations
from tests.simulators.jira_support import call, document, fields, told


@pytest.fixture
def cloud() -> Iterator[JiraSimulator]:
    with served(JiraSimulator()) as simulator:
        yield simulator


@pytest.fixture(params=["cloud", "server"])
def jira(request: pytest.FixtureRequest) -> Iterator[JiraSimulator]:
    with served(JiraSimulator(deployment=request.param)) as simulator:
        yield simulator


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3h", 10800), ("2d 4h", 72000), ("1w", 144000), ("30", 1800), ("1.5h", 5400), ("0m", 0), ("soon", None), ("", None)],
)  # fmt: skip
def test_a_day_has_eight_hours_and_a_week_five_days(text: str, seconds: int | None) -> None:
    """Spans are read as Jira reads them, and anything else is nothing."""
    assert durations.seconds(text) == seconds


def test_spans_are_told_as_people_write_them() -> None:
    """The recorded example: 162000 seconds are a week and five hours."""
    assert [durations.pretty(span) for span in (162000, 133200, 36000, 0)] == ["1w 5h", "4d 5h", "1d 2h", "0m"]


def test_estimates_are_written_as_spans_and_read_in_both_forms(jira: JiraSimulator) -> None:
    """Without logged work the estimate that is left out follows the other one; seconds are passed over on write."""
    key = jira.add_issue("Estimated", timetracking={"originalEstimate": "2d"})
    assert fields(jira, key)["timetracking"] == {
        "originalEstimate": "2d", "originalEstimateSeconds": 57600, "remainingEstimate": "2d",
        "remainingEstimateSeconds": 57600,
    }  # fmt: skip
    jira.estimate(key, remainingEstimate="3h")
    assert fields(jira, key)["timeestimate"] == 10800
    assert fields(jira, key)["timeoriginalestimate"] == 57600
    (item,) = told(jira, key)
    assert (item["field"], item["from"], item["to"]) == ("timeestimate", "57600", "10800")
    before = jira.issue(key)
    jira.edit(key, timetracking={"originalEstimateSeconds": 60})
    assert jira.issue(key) == before
    for spans, place in (
        ({"originalEstimate": "soon"}, "timetracking_originalestimate"),
        ({"remainingEstimate": "-1h"}, "timetracking_remainingestimate"),
    ):
        refused = call(jira, "PUT", f"/issue/{key}", {"fields": {"timetracking": spans}})
        assert (refused.status_code, list(refused.json()["errors"])) == (400, [place])


def test_logged_work_lowers_what_remains(jira: JiraSimulator) -> None:
    """The four ways of adjusting the estimate, and an edit and a removal that undo it again."""
    key = jira.add_issue("Worked on", timetracking={"originalEstimate": "1d"})

    def spans() -> tuple[Any, Any]:
        return jira.issue(key).time_spent, jira.issue(key).remaining_estimate

    first = jira.log_work(key, "2h", user="grace")
    assert spans() == (7200, 21600)
    assert {item["field"] for item in told(jira, key)} == {"timespent", "timeestimate"}
    assert (
        call(jira, "POST", f"/issue/{key}/worklog?adjustEstimate=leave", {"timeSpentSeconds": 3600}).status_code == 201
    )
    assert spans() == (10800, 21600)
    manual = f"/issue/{key}/worklog?adjustEstimate=manual"
    assert call(jira, "POST", manual, {"timeSpent": "1h"}).status_code == 400
    assert call(jira, "POST", f"{manual}&reduceBy=30m", {"timeSpent": "1h"}).status_code == 201
    assert spans() == (14400, 19800)
    assert call(jira, "POST", f"/issue/{key}/worklog?adjustEstimate=new&newEstimate=5h", {"timeSpent": "9h"}).is_success
    assert spans() == (46800, 18000)
    jira.edit_worklog(key, first, "1h", user="grace")
    assert spans() == (43200, 21600)
    jira.delete_worklog(key, first, user="grace")
    assert spans() == (39600, 25200)
    assert told(jira, key)[0] == {
        "field": "WorklogId", "fieldtype": "jira", "from": first, "fromString": first,
        **({"fieldId": "WorklogId"} if jira.catalogue.cloud else {}),
    }  # fmt: skip
    listed = call(jira, "GET", f"/issue/{key}/worklog").json()
    assert (listed["total"], listed["worklogs"][0]["timeSpent"]) == (3, "1h")
    assert call(jira, "POST", f"/issue/{key}/worklog", {}).status_code == 400


def test_an_issue_shows_twenty_worklogs_and_sums_of_its_subtasks(jira: JiraSimulator) -> None:
    """The `worklog` field is cut, its total is not; the aggregates are those of the family."""
    key = jira.add_issue("Worked on", type="Story")
    child = jira.add_issue("Step", type="Sub-task", parent={"key": key})
    for _ in range(21):
        jira.log_work(key, "1h")
    jira.log_work(child, "1h")
    shown = fields(jira, key)
    assert (len(shown["worklog"]["worklogs"]), shown["worklog"]["total"]) == (20, 21)
    assert (shown["timespent"], shown["aggregatetimespent"]) == (75600, 79200)


def test_a_site_without_time_tracking_has_no_such_fields() -> None:
    """The field can't be set and is not shown, and logging work is refused."""
    with served(JiraSimulator(time_tracking=False)) as simulator:
        assert call(simulator, "GET", "/configuration").json()["timeTrackingEnabled"] is False
        key = simulator.add_issue("Untimed")
        answer = call(simulator, "PUT", f"/issue/{key}", {"fields": {"timetracking": {"originalEstimate": "1h"}}})
        assert "not on the appropriate screen" in answer.json()["errors"]["timetracking"]
        assert {"timetracking", "worklog", "timespent"}.isdisjoint(fields(simulator, key))
        assert call(simulator, "POST", f"/issue/{key}/worklog", {"timeSpent": "1h"}).status_code == 400
        assert call(simulator, "GET", f"/issue/{key}/worklog").status_code == 404


VALUES: list[tuple[str, Any, Any]] = [
    ("Customer reference", "ACME-7", "ACME-7"),
    ("Affected customers", 12, 12.0),
    ("Go-live", "2026-03-01", "2026-03-01"),
    ("Severity", {"value": "Major"}, "Major"),
    ("Risk", {"value": "High"}, "High"),
    ("Platforms", [{"value": "Web"}, {"value": "API"}], ["Web", "API"]),
    ("Checks", [{"value": "Tested"}], ["Tested"]),
    ("Region", {"value": "Europe", "child": {"value": "France"}}, ("Europe", "France")),
    ("Topics", ["sepa", "fees"], ["sepa", "fees"]),
    ("Reference", "https://support.acme.example/7", "https://support.acme.example/7"),
    ("Target start", "2026-02-01", "2026-02-01"),
]


def _plain(shown: Any) -> Any:
    if isinstance(shown, dict):
        return (shown["value"], shown["child"]["value"]) if "child" in shown else shown["value"]
    return [_plain(one) for one in shown] if isinstance(shown, list) else shown


@pytest.mark.parametrize(("name", "sent", "shown"), VALUES, ids=[row[0] for row in VALUES])
def test_a_custom_field_keeps_what_its_type_takes(jira: JiraSimulator, name: str, sent: Any, shown: Any) -> None:
    """Set on create, told in the changelog, cleared with null."""
    field_id = jira.field_id(name)
    key = jira.add_issue("Filled", **{field_id: sent})
    assert _plain(fields(jira, key)[field_id]) == shown
    assert call(jira, "PUT", f"/issue/{key}", {"fields": {field_id: None}}).status_code == 204
    assert fields(jira, key)[field_id] is None
    (item,) = told(jira, key)
    assert (item["field"], item["fieldtype"]) == (name, "custom")


@pytest.mark.parametrize(
    ("name", "sent", "complaint"),
    [
        ("Customer reference", 7, "must be a string"),
        ("Customer reference", "x" * 256, "allowed limit of 255 characters"),
        ("Affected customers", "12", "must be a number"),
        ("Go-live", "tomorrow", "Error parsing date"),
        ("Outage began", "2026-03-01T10:00:00Z", "Error parsing time"),
        ("Severity", {"value": "Awful"}, "Option value 'Awful' is not valid"),
        ("Severity", {"id": "1"}, "Option id '1' is not valid"),
        ("Severity", "Major", "Specify a valid"),
        ("Platforms", {"value": "Web"}, "not an array"),
        ("Platforms", [{"value": "Amiga"}], "Option value 'Amiga' is not valid"),
        ("Region", {"value": "Europe", "child": {"value": "Brazil"}}, "Option value 'Brazil' is not valid"),
        ("Topics", ["two words"], "contains spaces"),
        ("Reference", "no address", "Not a valid URL"),
        ("Reviewer", {"accountId": "nobody", "name": "nobody"}, "does not exist"),
    ],
)
def test_a_custom_field_refuses_the_rest(jira: JiraSimulator, name: str, sent: Any, complaint: str) -> None:
    """A 400 with the id of the field, and nothing is changed."""
    key = jira.add_issue("Filled")
    field_id = jira.field_id(name)
    before = jira.issue(key)
    answer = call(jira, "PUT", f"/issue/{key}", {"fields": {field_id: sent, "summary": "Changed"}})
    assert answer.status_code == 400
    assert complaint in answer.json()["errors"][field_id]
    assert jira.issue(key) == before


def test_people_times_and_texts_in_custom_fields_follow_the_caller_and_the_version(cloud: JiraSimulator) -> None:
    """A user is an account, a time is shown in the caller's zone, a text area is a document in v3 and wiki in v2."""
    reviewer, outage, impact = (cloud.field_id(name) for name in ("Reviewer", "Outage began", "Impact"))
    account, stakeholders = cloud.catalogue.people["grace"].account_id, cloud.field_id("Stakeholders")
    sent = {
        stakeholders: [{"accountId": account}],
        reviewer: {"accountId": account}, outage: "2026-03-01T10:00:00.000+0000", impact: document("Nobody can *pay*"),
    }  # fmt: skip
    key = cloud.add_issue("Filled")
    assert call(cloud, "PUT", f"/issue/{key}", {"fields": sent}).status_code == 204
    shown = fields(cloud, key)
    assert shown[reviewer]["accountId"] == account
    assert [each["accountId"] for each in shown[stakeholders]] == [account]
    assert {item["toString"] for item in told(cloud, key)} >= {"Grace Hopper", "01/Mar/26 10:00 AM"}
    assert shown[outage] == "2026-03-01T11:00:00.000+0100"
    assert shown[impact] == document("Nobody can *pay*")
    assert isinstance(call(cloud, "GET", f"/issue/{key}", version="2").json()["fields"][impact], str)
    assert call(cloud, "PUT", f"/issue/{key}", {"fields": {impact: "a string"}}).status_code == 400


def test_members_of_a_custom_field_come_and_go_one_by_one(jira: JiraSimulator) -> None:
    """`update` knows add and remove for many-valued fields and only set for the others."""
    platforms, topics, severity = (jira.field_id(name) for name in ("Platforms", "Topics", "Severity"))
    key = jira.add_issue("Filled", **{platforms: [{"value": "Web"}], topics: ["fees"]})
    update = {
        platforms: [{"add": {"value": "iOS"}}, {"remove": {"value": "Web"}}], topics: [{"add": "sepa"}],
        severity: [{"set": {"value": "Minor"}}],
    }  # fmt: skip
    assert call(jira, "PUT", f"/issue/{key}", {"update": update}).status_code == 204
    shown = fields(jira, key)
    assert (_plain(shown[platforms]), shown[topics], _plain(shown[severity])) == (["iOS"], ["fees", "sepa"], "Minor")
    texts = {item["field"]: (item["fromString"], item["toString"]) for item in told(jira, key)}
    assert texts["Platforms"] == ("Web", "iOS")
    refused = call(jira, "PUT", f"/issue/{key}", {"update": {severity: [{"add": {"value": "Minor"}}]}})
    assert refused.status_code == 400


def test_screens_tell_what_may_be_set(jira: JiraSimulator) -> None:
    """Create and edit screens list the same fields with their choices, components and versions of the project."""
    version = jira.add_version("1.0")
    key = jira.add_issue("Filled")
    shown = call(jira, "GET", f"/issue/{key}/editmeta").json()["fields"]
    severity = shown[jira.field_id("Severity")]
    assert [each["value"] for each in severity["allowedValues"]] == ["Critical", "Major", "Minor", "Trivial"]
    assert [each["id"] for each in shown["fixVersions"]["allowedValues"]] == [version]
    assert shown["components"]["operations"] == ["add", "set", "remove"]
    assert "status" not in shown
    below = call(jira, "GET", "/issue/createmeta/PAY/issuetypes/10004?maxResults=200").json()
    rows = {row["fieldId"]: row for row in below["fields" if jira.catalogue.cloud else "values"]}
    assert rows[jira.field_id("Region")]["allowedValues"][0]["children"][1]["value"] == "France"
    assert rows["summary"]["required"] is True


def test_a_field_may_be_hidden_or_required() -> None:
    """A hidden field is neither shown nor set; a required one stops a naive create."""
    knobs: dict[str, Any] = {"hidden": frozenset({"priority"}), "required_fields": ("customfield_10065",)}
    with served(JiraSimulator(**knobs)) as simulator:
        plain = {"project": {"key": "PAY"}, "issuetype": {"name": "Task"}, "summary": "Naive"}
        answer = call(simulator, "POST", "/issue", {"fields": plain})
        assert answer.json()["errors"] == {"customfield_10065": "Severity is required."}
        full = plain | {"customfield_10065": {"value": "Minor"}}
        key = call(simulator, "POST", "/issue", {"fields": full}).json()["key"]
        assert "priority" not in fields(simulator, key)
        answer = call(simulator, "PUT", f"/issue/{key}", {"fields": {"priority": {"name": "High"}}})
        assert "not on the appropriate screen" in answer.json()["errors"]["priority"]


def test_a_field_may_be_there_for_some_types_only() -> None:
    """Story points for stories alone: a task has no such field on its screens and refuses it."""
    with served(JiraSimulator(type_fields={"customfield_10028": frozenset({"Story", "Epic"})})) as simulator:
        story, task = simulator.add_issue("Story", type="Story"), simulator.add_issue("Task")
        for key, status in ((story, 204), (task, 400)):
            answer = call(simulator, "PUT", f"/issue/{key}", {"fields": {"customfield_10028": 3}})
            assert answer.status_code == status
            shown = call(simulator, "GET", f"/issue/{key}/editmeta").json()["fields"]
            assert ("customfield_10028" in shown) is (status == 204)


def test_due_dates_want_a_permission_of_their_own() -> None:
    """Who may not schedule can't set due dates or sprints; who may not modify reporters can't set those."""
    with served(JiraSimulator(denied=frozenset({"SCHEDULE_ISSUES", "MODIFY_REPORTER"}))) as simulator:
        key = simulator.add_issue("Planned", duedate="2026-05-01")
        sprint = simulator.add_sprint("Next")
        account = simulator.catalogue.people["grace"].account_id
        for name, value in (
            ("duedate", "2026-06-01"), (simulator.field_id("Sprint"), sprint), ("reporter", {"accountId": account}),
        ):  # fmt: skip
            answer = call(simulator, "PUT", f"/issue/{key}", {"fields": {name: value}})
            assert list(answer.json()["errors"]) == [name]
        assert call(simulator, "PUT", f"/issue/{key}", {"fields": {"duedate": "2026-06-01"}}, user="ada").is_success
