"""The simulated Jira keeps files and watchers, archives, moves and renames as Jira does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from adapters._simulator import served
from adapters.jira.simulator import JiraSimulator
from tests.simulators.jira_support import call, fields, library, search, told

UNGUARDED = {"X-Atlassian-Token": "no-check"}
NAME = 'Überweisung 1/2 ;"x".txt'


@pytest.fixture
def cloud() -> Iterator[JiraSimulator]:
    with served(JiraSimulator()) as simulator:
        yield simulator


@pytest.fixture
def server() -> Iterator[JiraSimulator]:
    with served(JiraSimulator(deployment="server")) as simulator:
        yield simulator


@pytest.fixture(params=["cloud", "server"])
def jira(request: pytest.FixtureRequest) -> Iterator[JiraSimulator]:
    with served(JiraSimulator(deployment=request.param)) as simulator:
        yield simulator


def _upload(
    simulator: JiraSimulator, key: str, *names: str, content: bytes = b"\x00log", **more: Any
) -> httpx.Response:
    files = [("file", (name, content, "text/plain")) for name in names]
    return call(simulator, "POST", f"/issue/{key}/attachments", files=files, **{"headers": UNGUARDED, **more})


def test_files_go_up_with_the_token_header_only(jira: JiraSimulator) -> None:
    """Without the header nothing is stored; the same name may come twice; `updated` and the changelog tell."""
    key = jira.add_issue("With files")
    refused = _upload(jira, key, "log.txt", headers={})
    assert (refused.status_code, refused.text) == (403, "XSRF check failed")
    jira.clock.advance(60)
    before = jira.issue(key).updated
    made = _upload(jira, key, "log.txt", "log.txt")
    assert made.status_code == 200
    assert [(each["filename"], each["size"], each["mimeType"]) for each in made.json()] == [
        ("log.txt", 4, "text/plain")
    ] * 2
    shown = fields(jira, key)["attachment"]
    assert [each["id"] for each in shown] == [each["id"] for each in made.json()]
    assert jira.issue(key).updated > before
    (item,) = told(jira, key)
    assert (item["field"], item["to"], item["toString"]) == ("Attachment", shown[1]["id"], "log.txt")
    assert call(jira, "DELETE", f"/attachment/{shown[0]['id']}").status_code == 204
    assert told(jira, key)[0]["from"] == shown[0]["id"]
    assert [each["id"] for each in fields(jira, key)["attachment"]] == [shown[1]["id"]]
    assert call(jira, "GET", f"/attachment/{shown[0]['id']}").status_code == 404


def test_on_cloud_the_bytes_come_from_another_host_with_a_key_in_the_address(cloud: JiraSimulator) -> None:
    """The site redirects; the media host refuses credentials and wrong keys; `redirect=false` gives them at once."""
    key = cloud.add_issue("With files")
    number = cloud.attach(key, NAME, b"\x00log")
    address = fields(cloud, key)["attachment"][0]["content"]
    assert address == f"{cloud.base_url}/rest/api/3/attachment/content/{number}"
    answer = call(cloud, "GET", f"/attachment/content/{number}")
    assert (answer.status_code, answer.content) == (303, b"")
    target = httpx.URL(answer.headers["Location"])
    assert target.host == "localhost"
    taken = httpx.get(target)
    assert (taken.content, taken.headers["Content-Type"].partition(";")[0]) == (b"\x00log", "text/plain")
    assert httpx.get(target, headers={"Authorization": "Basic x"}).status_code == 400
    assert httpx.get(target.copy_set_param("token", "guessed")).status_code == 403
    cloud.clock.advance(601)
    assert httpx.get(target).status_code == 403
    assert call(cloud, "GET", f"/attachment/content/{number}?redirect=false").content == b"\x00log"
    assert call(cloud, "GET", f"/attachment/content/{number}", user=None).status_code == 404


def test_on_data_center_the_bytes_come_from_the_site_for_who_is_logged_in(server: JiraSimulator) -> None:
    """The name stands in the address; a stranger is sent to the login page, which answers 200."""
    key = server.add_issue("With files")
    server.attach(key, NAME, b"\x00log")
    (shown,) = fields(server, key)["attachment"]
    assert shown["filename"] == NAME
    path = shown["content"].removeprefix(server.base_url)
    assert path.startswith("/secure/attachment/")
    assert call(server, "GET", path).content == b"\x00log"
    stranger = httpx.get(shown["content"])
    assert (stranger.status_code, "/login.jsp" in stranger.headers["Location"]) == (302, True)
    assert httpx.get(stranger.headers["Location"]).status_code == 200
    bad = httpx.get(shown["content"], headers={"Authorization": "Bearer wrong"})
    assert bad.status_code == 401


def test_what_is_too_large_or_not_allowed_is_refused() -> None:
    """The limit is told beforehand; above it Cloud says 413 and Data Center, as described, 404."""
    for deployment, status in (("cloud", 413), ("server", 404)):
        with served(JiraSimulator(deployment=deployment, upload_limit=10)) as simulator:
            key = simulator.add_issue("With files")
            assert call(simulator, "GET", "/attachment/meta").json() == {"enabled": True, "uploadLimit": 10}
            assert _upload(simulator, key, "big.txt", content=b"x" * 11).status_code == status
            assert _upload(simulator, key, "fits.txt", content=b"x" * 10).status_code == 200
    with served(JiraSimulator(denied=frozenset({"CREATE_ATTACHMENTS", "DELETE_ALL_ATTACHMENTS"}))) as simulator:
        key = simulator.add_issue("With files")
        assert _upload(simulator, key, "log.txt").status_code == 403
        other = simulator.attach(key, "hers.txt", b"x")
        assert call(simulator, "DELETE", f"/attachment/{other}").status_code == 403
    with served(JiraSimulator(attachments=False)) as simulator:
        assert _upload(simulator, simulator.add_issue("Without"), "log.txt").status_code == 404


def test_the_library_uploads_and_downloads(jira: JiraSimulator) -> None:
    """The real client library sends a file and gets it back, through the redirect on Cloud."""
    key = jira.add_issue("With files")
    client = library(jira)
    client.add_attachment(key, attachment=__file__, filename="test.py")
    (found,) = client.issue(key).fields.attachment
    assert found.filename == "test.py"
    assert found.get().startswith(b'"""The simulated Jira keeps files')
    client.close()


def test_watching_shows_nowhere_but_in_the_list(jira: JiraSimulator) -> None:
    """Who makes an issue watches it; neither `updated` nor the changelog tells of watchers."""
    key = jira.add_issue("Watched", user="grace")
    before = jira.issue(key)
    jira.watch(key, "alan")
    assert call(jira, "POST", f"/issue/{key}/watchers").status_code == 204
    shown = call(jira, "GET", f"/issue/{key}/watchers").json()
    assert (shown["watchCount"], shown["isWatching"]) == (3, True)
    assert [each["displayName"] for each in shown["watchers"]] == ["Grace Hopper", "Alan Turing", "Trackdown Bot"]
    assert fields(jira, key)["watches"]["watchCount"] == 3
    jira.unwatch(key, "grace")
    after = jira.issue(key)
    assert (after.watchers, after.updated, after.changes) == (("alan", "bot"), before.updated, before.changes)
    assert call(jira, "POST", f"/issue/{key}/watchers", "nobody").status_code == 404
    assert call(jira, "DELETE", f"/issue/{key}/watchers").status_code == 400


def test_watchers_want_permissions() -> None:
    """Without them the bot sees at most itself and can put nobody else on the list."""
    denied = frozenset({"MANAGE_WATCHERS", "VIEW_VOTERS_AND_WATCHERS"})
    with served(JiraSimulator(denied=denied)) as simulator:
        key = simulator.add_issue("Watched")
        grace = simulator.catalogue.people["grace"].account_id
        assert call(simulator, "POST", f"/issue/{key}/watchers", grace).status_code == 403
        assert call(simulator, "POST", f"/issue/{key}/watchers").status_code == 204
        shown = call(simulator, "GET", f"/issue/{key}/watchers").json()
        assert (shown["watchCount"], [each["displayName"] for each in shown["watchers"]]) == (2, ["Trackdown Bot"])


def test_an_archived_issue_is_as_good_as_gone_until_it_comes_back(jira: JiraSimulator) -> None:
    """Not found by search or by key, sub-tasks with it; back again it looks as if nothing had happened."""
    key = jira.add_issue("Old", type="Story")
    child = jira.add_issue("Step", type="Sub-task", parent={"key": key})
    other = jira.add_issue("Linked")
    jira.link(key, other)
    number = jira.attach(key, "log.txt", b"x")
    before = jira.issue(key).updated
    if jira.catalogue.cloud:
        done = call(jira, "PUT", "/issue/archive", {"issueIdsOrKeys": [key, child, "PAY-99"]})
        assert done.json()["numberOfIssuesUpdated"] == 1
        assert set(done.json()["errors"]) == {"issueIsSubtask", "issuesNotFound"}
    else:
        assert call(jira, "PUT", f"/issue/{key}/archive").status_code == 204
    jira.clock.advance(5)
    assert [call(jira, "GET", f"/issue/{each}").status_code for each in (key, child)] == [404, 404]
    path = "/search/jql?jql=project=PAY" if jira.catalogue.cloud else "/search?jql=project=PAY"
    assert [issue["id"] for issue in call(jira, "GET", path).json()["issues"]] == [str(jira.issue(other).id)]
    assert fields(jira, other)["issuelinks"] == []
    assert call(jira, "GET", f"/attachment/{number}").status_code == 404
    if jira.catalogue.cloud:
        assert call(jira, "PUT", "/issue/unarchive", {"issueIdsOrKeys": [key]}).status_code == 200
    else:
        assert call(jira, "PUT", f"/issue/{key}/restore").status_code == 204
    jira.clock.advance(5)
    assert len(call(jira, "GET", path).json()["issues"]) == 3
    assert jira.issue(key).updated == before


def test_a_move_is_told_with_numbers_and_names(cloud: JiraSimulator) -> None:
    """The changelog of a move has the projects and the keys."""
    key = cloud.add_issue("Nomad")
    new = cloud.move(key)
    assert [(item["field"], item.get("from"), item["fromString"], item["toString"]) for item in told(cloud, new)] == [
        ("project", "10000", "Pay project", "Ops project"), ("Key", None, key, new),
    ]  # fmt: skip


def test_a_project_with_a_new_key_answers_to_the_old_one(cloud: JiraSimulator) -> None:
    """Its issues have new keys in silence; queries, projects and issues are still found by the old key."""
    key = cloud.add_issue("Kept")
    before = cloud.issue(key).updated
    cloud.rename_project("MONEY")
    cloud.clock.advance(5)
    assert [issue["key"] for issue in search(cloud, "project = PAY")["issues"]] == ["MONEY-1"]
    assert call(cloud, "GET", f"/issue/{key}").json()["key"] == "MONEY-1"
    assert call(cloud, "GET", "/project/PAY").json()["key"] == "MONEY"
    assert cloud.issue("MONEY-1").updated == before
    assert cloud.add_issue("Next") == "MONEY-2"


def test_a_transition_may_require_a_custom_field() -> None:
    """The screen tells the field with its choices, and without a value the move is refused."""
    for deployment in ("cloud", "server"):
        needs = {"Start Progress": ("customfield_10065",)}
        with served(JiraSimulator(deployment=deployment, transition_fields=needs)) as simulator:
            key = simulator.add_issue("Held up")
            path = f"/issue/{key}/transitions"
            moves = call(simulator, "GET", f"{path}?expand=transitions.fields").json()["transitions"]
            (start,) = (move for move in moves if move["name"] == "Start Progress")
            severity = start["fields"]["customfield_10065"]
            assert (severity["required"], severity["allowedValues"][0]["value"]) == (True, "Critical")
            body = {"transition": {"id": start["id"]}}
            assert call(simulator, "POST", path, body).json()["errors"] == {
                "customfield_10065": "Severity is required."
            }
            full = body | {"fields": {"customfield_10065": {"value": "Minor"}}}
            assert call(simulator, "POST", path, full).status_code == 204
            assert fields(simulator, key)["customfield_10065"]["value"] == "Minor"


def test_a_status_may_be_out_of_reach() -> None:
    """A workflow may have a status to which nothing leads."""
    for deployment in ("cloud", "server"):
        with served(JiraSimulator(deployment=deployment, unreachable=frozenset({"Done"}))) as simulator:
            key = simulator.add_issue("Endless")
            simulator.transition(key, "In Progress")
            moves = call(simulator, "GET", f"/issue/{key}/transitions").json()["transitions"]
            assert "Done" not in {move["to"]["name"] for move in moves}
            assert moves
