"""The simulated Jira through the real client library, and through plain HTTP where the library has no call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from jira import JIRA
from jira.exceptions import JIRAError

from adapters._simulator import served
from adapters.jira.simulator import JiraSimulator
from adapters.jira.simulator.errors import ApiError
from adapters.jira.simulator.markup import is_document, to_document, to_wiki

SPECS = Path(__file__).resolve().parents[3] / "shared" / "api" / "specs" / "jira"


@pytest.fixture
def cloud() -> Iterator[JiraSimulator]:
    with served(JiraSimulator()) as simulator:
        yield simulator


@pytest.fixture
def server() -> Iterator[JiraSimulator]:
    with served(JiraSimulator(deployment="server")) as simulator:
        yield simulator


def library(simulator: JiraSimulator, version: str = "2") -> JIRA:
    auth = simulator.auth()
    login: dict[str, Any] = (
        {"basic_auth": (auth["user"], auth["token"])} if "user" in auth else {"token_auth": auth["token"]}
    )
    options = {"rest_api_version": version}
    return JIRA(simulator.base_url, max_retries=0, options=options, **login)


def call(
    simulator: JiraSimulator, method: str, path: str, body: Any = None, *, version: str = "3", user: str | None = "bot"
) -> httpx.Response:
    version = version if simulator.catalogue.cloud else "2"
    headers = {}
    auth = None
    if user is not None:
        person = simulator.catalogue.people[user]
        if simulator.catalogue.cloud:
            auth = httpx.BasicAuth(person.email, person.token)
        else:
            headers["Authorization"] = f"Bearer {person.token}"
    return httpx.request(
        method, f"{simulator.base_url}/rest/api/{version}{path}", json=body, headers=headers, auth=auth
    )


def document(text: str) -> dict[str, Any]:
    return {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}],
    }


def search(simulator: JiraSimulator, jql: str, **body: Any) -> dict[str, Any]:
    answer = call(simulator, "POST", "/search/jql", {"jql": jql, "fields": ["summary", "updated"], **body})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


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


def test_a_moved_issue_keeps_its_id_and_answers_to_its_old_key(cloud: JiraSimulator) -> None:
    """GET by the old key gives the new one without a redirect, and the project's search has lost it."""
    key = cloud.add_issue("Nomad")
    number = cloud.issue(key).id
    new = cloud.move(key)
    cloud.clock.advance(5)
    answer = call(cloud, "GET", f"/issue/{key}")
    assert (answer.status_code, answer.json()["key"], answer.json()["id"]) == (200, new, str(number))
    assert search(cloud, "project = PAY")["issues"] == []


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
