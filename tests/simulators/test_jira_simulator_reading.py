"""The simulated Jira reads as Jira does: late search, JQL, pages, bulk reads, history, people, descriptions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from adapters._simulator import served
from adapters.jira.simulator import JiraSimulator
from adapters.jira.simulator.document import is_document
from adapters.jira.simulator.markup import to_document, to_wiki
from tests.simulators.jira_support import call, search

SPECS = Path(__file__).resolve().parents[3] / "shared" / "api" / "specs" / "jira"


@pytest.fixture
def cloud() -> Iterator[JiraSimulator]:
    with served(JiraSimulator()) as simulator:
        yield simulator


@pytest.fixture
def server() -> Iterator[JiraSimulator]:
    with served(JiraSimulator(deployment="server")) as simulator:
        yield simulator


def test_old_search_is_gone_on_cloud_and_the_new_one_missing_on_data_center(
    cloud: JiraSimulator, server: JiraSimulator
) -> None:
    """Each deployment has its own search endpoint."""
    answer = call(cloud, "GET", "/search?jql=project=PAY")
    assert answer.status_code == 410
    assert "/rest/api/3/search/jql" in answer.json()["errorMessages"][0]
    assert call(server, "GET", "/search/jql?jql=project=PAY").status_code == 404


def test_search_is_late_and_serves_stale_values(cloud: JiraSimulator) -> None:
    """A write is missing from search until the lag has passed; direct reads and reconciled ids are not late."""
    key = cloud.add_issue("First title")
    assert search(cloud, "project = PAY")["issues"] == []
    cloud.clock.advance(3)
    assert [issue["key"] for issue in search(cloud, "project = PAY")["issues"]] == [key]
    cloud.edit(key, summary="Second title")
    stale = search(cloud, "project = PAY")["issues"][0]
    assert stale["fields"]["summary"] == "First title"
    assert call(cloud, "GET", f"/issue/{key}").json()["fields"]["summary"] == "Second title"
    fresh = search(cloud, "project = PAY", reconcileIssues=[int(stale["id"])])["issues"][0]
    assert fresh["fields"]["summary"] == "Second title"


def test_jql_times_are_read_in_the_callers_zone_with_minute_granularity(cloud: JiraSimulator) -> None:
    """`updated >= "…"` is Berlin time for the bot, and a literal names the beginning of its minute."""
    key = cloud.add_issue("Timed")
    cloud.clock.advance(5)
    shown = call(cloud, "GET", f"/issue/{key}").json()["fields"]["updated"]
    local = datetime.fromisoformat(shown)
    assert shown[-5:] in ("+0100", "+0200")
    minute = local.strftime("%Y/%m/%d %H:%M")
    assert len(search(cloud, f'project = PAY AND updated >= "{minute}"')["issues"]) == 1
    assert search(cloud, f'project = PAY AND updated <= "{minute}"')["issues"] == [] or local.second == 0
    later = (local + timedelta(minutes=1)).strftime("%Y/%m/%d %H:%M")
    assert search(cloud, f'project = PAY AND updated >= "{later}"')["issues"] == []
    epoch = int(local.timestamp()) * 1000
    assert len(search(cloud, f"project = PAY AND updated >= {epoch}")["issues"]) == 1


@pytest.mark.parametrize(
    ("jql", "message"),
    [
        ("order by updated", "Unbounded"),
        ("project = PAY OR project = OPS", "'AND'"),
        ("project = NOPE", "does not exist for the field 'project'"),
        ("status = Nowhere", "does not exist for the field 'status'"),
        ('project = PAY AND updated >= "yesterday"', "is invalid"),
        ("key in (PAY-999)", "does not exist for the field 'key'"),
        ("colour = red", "Field 'colour' does not exist"),
        ("project = ", "Expecting"),
    ],
)
def test_a_query_outside_the_rules_is_refused(cloud: JiraSimulator, jql: str, message: str) -> None:
    """JQL that is unbounded, malformed or names what is not there is a 400 in Jira's shape."""
    answer = call(cloud, "POST", "/search/jql", {"jql": jql})
    assert answer.status_code == 400
    assert message in answer.json()["errorMessages"][0]


def test_pages_follow_their_token_and_their_size_follows_the_fields(cloud: JiraSimulator) -> None:
    """At most 100 full issues a page, thousands when only ids are asked, and the last page has no token."""
    cloud.seed(230)
    ids = search(cloud, "project = PAY ORDER BY updated ASC", fields=["updated"], maxResults=5000)
    assert len(ids["issues"]) == 230
    assert ids["isLast"] is True
    assert "nextPageToken" not in ids
    seen: list[str] = []
    token = None
    pages = 0
    while pages == 0 or token:
        page = search(cloud, "project = PAY ORDER BY updated ASC", maxResults=500, nextPageToken=token)
        seen += [issue["id"] for issue in page["issues"]]
        token, pages = page.get("nextPageToken"), pages + 1
    assert pages == 3
    assert seen == [issue["id"] for issue in ids["issues"]]
    assert "total" not in ids
    assert search(cloud, "project = PAY", fields=None)["issues"][0].keys() == {"id"}


def test_a_search_gives_only_the_latest_comments(cloud: JiraSimulator) -> None:
    """Of 23 comments a search holds 20 and says the true total; a direct read holds all."""
    key = cloud.add_issue("Talkative")
    for number in range(23):
        cloud.comment(key, f"Remark {number}")
    cloud.clock.advance(5)
    page = search(cloud, f"key = {key}", fields=["comment"])["issues"][0]["fields"]["comment"]
    assert (len(page["comments"]), page["total"]) == (20, 23)
    assert len(call(cloud, "GET", f"/issue/{key}").json()["fields"]["comment"]["comments"]) == 23


def test_history_tells_who_changed_what_from_what(cloud: JiraSimulator) -> None:
    """Each write of a person leaves an entry, served singly and in bulk, filtered by field."""
    key = cloud.add_issue("Old", labels=["a"])
    cloud.edit(key, user="grace", summary="New", labels=["a", "b"])
    cloud.transition(key, "In Progress", user="alan")
    cloud.assign(key, "ada", user="ada")
    values = call(cloud, "GET", f"/issue/{key}/changelog").json()["values"]
    assert [entry["author"]["displayName"] for entry in values] == ["Grace Hopper", "Alan Turing", "Ada Lovelace"]
    assert {item["field"]: (item["fromString"], item["toString"]) for item in values[0]["items"]} == {
        "summary": ("Old", "New"),
        "labels": ("a", "a b"),
    }
    bulk = call(cloud, "POST", "/changelog/bulkfetch", {"issueIdsOrKeys": [key], "fieldIds": ["status"]}).json()
    (log,) = bulk["issueChangeLogs"]
    assert [item["to"] for entry in log["changeHistories"] for item in entry["items"]] == ["3"]


def test_bulk_reads_name_what_is_not_there(cloud: JiraSimulator) -> None:
    """Bulk fetch answers in ascending id order with properties, lists missing ones and takes at most 100."""
    properties = [{"key": "trackdown", "value": {"marker": "m1"}}]
    fields = {"project": {"key": "PAY"}, "issuetype": {"name": "Task"}, "summary": "One"}
    first = call(cloud, "POST", "/issue", {"fields": fields, "properties": properties}).json()["key"]
    second = cloud.add_issue("Two")
    body = {"issueIdsOrKeys": [second, "PAY-77", first], "fields": ["summary"], "properties": ["trackdown"]}
    answer = call(cloud, "POST", "/issue/bulkfetch", body).json()
    assert [issue["key"] for issue in answer["issues"]] == [first, second]
    assert [issue["properties"] for issue in answer["issues"]] == [{"trackdown": {"marker": "m1"}}, {}]
    assert [error["id"] for error in answer["issueErrors"]] == ["PAY-77"]
    many = {"issueIdsOrKeys": [str(number) for number in range(101)]}
    assert call(cloud, "POST", "/issue/bulkfetch", many).status_code == 400


def test_emails_are_hidden_and_not_searched(cloud: JiraSimulator) -> None:
    """Other people's addresses are absent on Cloud, and a search by address finds nobody."""
    people = call(cloud, "GET", "/user/search?query=ada").json()
    assert [person["displayName"] for person in people] == ["Ada Lovelace"]
    assert "emailAddress" not in people[0]
    assert call(cloud, "GET", "/user/search?query=ada@acme.example").json() == []
    assert call(cloud, "GET", "/myself").json()["timeZone"] == "Europe/Berlin"


def test_status_names_follow_the_language(cloud: JiraSimulator) -> None:
    """A translated site keeps ids, category keys and untranslated names."""
    simulator = JiraSimulator(language="de")
    rows = simulator.request("GET", "/status")
    assert {row["untranslatedName"]: (row["name"], row["statusCategory"]["key"]) for row in rows}["Done"] == (
        "Fertig",
        "done",
    )


def test_wiki_and_documents_say_the_same() -> None:
    """What is written through v2 is read through v3 as a valid document, and back."""
    wiki = (
        "h2. Title\n\nSome *bold* and _slanted_ {{code}} with a [link|https://example.com].\n\n* one\n** nested\n* two\n\n"
        "# first\n# second\n\n{code:python}\nprint(1)\n{code}\n\n{quote}\nsaid\n{quote}\n\n----"
    )
    made = to_document(wiki)
    assert is_document(made)
    assert to_wiki(made) == wiki
    assert not is_document({"type": "doc", "version": 1, "content": [{"type": "text", "text": "loose"}]})
    assert not is_document(
        {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": ""}]}]}
    )


def test_a_seeded_project_is_believable_and_repeatable() -> None:
    """Ten thousand tickets with unique titles, epics, sub-tasks, comments by several people, nothing in the future."""
    simulator, again = JiraSimulator(), JiraSimulator()
    simulator.seed(10_000)
    again.seed(50)
    issues = list(simulator.world.issues.values())
    assert len({issue.summary for issue in issues}) == 10_000
    levels = [simulator.catalogue.types[issue.type].level for issue in issues]
    assert levels.count(1) == 1000
    assert levels.count(-1) > 500
    assert {comment.author for issue in issues for comment in issue.comments} == {"ada", "grace", "alan"}
    assert len({issue.status for issue in issues}) == 6
    assert max(issue.updated for issue in issues) < simulator.clock.now()
    assert [issue.summary for issue in again.world.issues.values()] == [issue.summary for issue in issues[:50]]
    assert len(simulator.world.index.entries) == 10_000


SCHEMAS = [
    ("GET", "/serverInfo", None, "ServerInformation"),
    ("GET", "/myself", None, "User"),
    ("GET", "/project/PAY", None, "Project"),
    ("GET", "/issue/PAY-2?expand=changelog,transitions,names,renderedFields&properties=*all", None, "IssueBean"),
    ("GET", "/issue/PAY-2/transitions?expand=transitions.fields", None, "Transitions"),
    ("GET", "/issue/PAY-2/changelog", None, "PageBeanChangelog"),
    ("GET", "/issue/PAY-2/comment?expand=properties,renderedBody", None, "PageOfComments"),
    ("GET", "/issue/createmeta/PAY/issuetypes", None, "PageOfCreateMetaIssueTypes"),
    ("GET", "/issue/createmeta/PAY/issuetypes/10004", None, "PageOfCreateMetaIssueTypeWithField"),
    ("GET", "/mypermissions?permissions=EDIT_ISSUES&projectKey=PAY", None, "Permissions"),
    ("POST", "/search/jql", {"jql": "project = PAY", "fields": ["*all"], "expand": "changelog"}, "SearchAndReconcileResults"),
    ("POST", "/issue/bulkfetch", {"issueIdsOrKeys": ["PAY-1", "PAY-2", "PAY-999"]}, "BulkIssueResults"),
    ("POST", "/changelog/bulkfetch", {"issueIdsOrKeys": ["PAY-1", "PAY-2"]}, "BulkChangelogResponseBean"),
    ("POST", "/issue", {"fields": {"project": {"key": "PAY"}, "issuetype": {"name": "Bug"}, "summary": "x"}}, "CreatedIssue"),
    ("POST", "/issue", {"fields": {}}, "ErrorCollection"),
]  # fmt: skip


@pytest.mark.skipif(not SPECS.is_dir(), reason="the official descriptions are not here")
@pytest.mark.parametrize(("method", "path", "body", "schema"), SCHEMAS)
def test_answers_hold_to_the_official_description(
    cloud: JiraSimulator, method: str, path: str, body: Any, schema: str
) -> None:
    """The main answers validate against the schema of Atlassian's own description."""
    cloud.seed(12)
    cloud.comment("PAY-2", "Seen.")
    described = json.loads((SPECS / "jira-cloud-platform-v3.trim.json").read_text())
    wanted = {"$ref": f"#/components/schemas/{schema}", "components": described["components"]}
    jsonschema.Draft4Validator(wanted).validate(call(cloud, method, path, body).json())


@pytest.mark.skipif(not SPECS.is_dir(), reason="the official descriptions are not here")
def test_documents_are_judged_as_the_official_schema_judges_them() -> None:
    """Of the documents in the corpus the same are refused, but for two faults of media that nobody writes."""
    schema = json.loads((SPECS / "adf" / "adf-full.schema.json").read_text())
    validator = jsonschema.Draft4Validator(schema)
    folder = SPECS.parents[1] / "corpus" / "adf"
    pending = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    documents: list[Any] = []
    while pending:
        value = pending.pop()
        if isinstance(value, dict) and value.get("type") == "doc":
            documents.append(value)
        elif isinstance(value, dict | list):
            pending += value.values() if isinstance(value, dict) else value
    judged = [(validator.is_valid(document), is_document(document)) for document in documents]
    assert len(judged) > 150
    assert judged.count((True, True)) > 80
    assert judged.count((True, False)) == 0
    assert judged.count((False, True)) <= 2
