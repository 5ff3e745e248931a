"""The GitHub adapter through PyGithub over HTTP: what it asks, and what it makes of GitHub's odd answers."""

import pytest

from adapters._simulator import Fault, served
from adapters.github.adapter import open_adapter
from adapters.github.codec import CODEC
from adapters.github.settings import Auth, Settings
from adapters.github.simulator import GitHubSimulator
from sync.core.errors import AuthFailed, ConfigError, Moved, Rejected
from sync.core.ids import Marker, NativeRef
from sync.core.models import Field, Gone
from sync.core.ports import NativeOp, OpKind
from tests.adapters.github_support import GITHUB, QUICK, adapter_for, bench


@pytest.fixture
def hub():
    """An empty project."""
    with bench() as made:
        yield made


def pulled(hub, cursor=None):
    pages = list(hub.adapter.pull(cursor))
    return [one for page in pages for one in page.tickets], [one for page in pages for one in page.comments], pages


def later(hub, cursor):
    """Let 100 seconds pass; a first pull tells the adapter so, and reads the events if it knew."""
    hub.simulator.clock.advance(100)
    return pulled(hub, cursor)[2][-1].cursor


# -- probing ------------------------------------------------------------------------------------------------


def test_probe_says_what_the_repository_can_hold(hub):
    """On github.com an organization has issue types and sub-issues."""
    assert hub.caps.account == "trackdown-bot"
    assert hub.caps.fields == frozenset(Field)
    assert "type:Bug" in hub.caps.facts.types
    assert (hub.caps.feeds, hub.caps.can_write, hub.caps.conditional_writes) == (2, True, False)


def test_an_old_enterprise_server_holds_parents_and_links_in_the_block():
    """Where there are neither sub-issues nor dependencies, rows at the end of the body say them, and no request speaks of them."""
    with bench(product="ghes-3.17") as hub:
        for title in ("epic", "task", "other"):
            hub.simulator.add_issue(title=title)
        hub.requests()
        assert hub.caps.server == "GitHub Enterprise Server 3.17.0"
        wanted = {Field.PARENT: "1", Field.LINKS: frozenset({"blocked_by:3", "blocks:1"})}
        (op,) = hub.encode(2, **wanted).ops
        hub.adapter.write(op)
        assert "Part of:** #" in hub.simulator.issue(2).body
        assert {name: hub.fields(2)[name] for name in wanted} == wanted
        hub.write(2, **{Field.PARENT: None, Field.LINKS: frozenset()})
        assert hub.simulator.issue(2).body == ""
        assert not [path for _, path in hub.requests() if "sub_issue" in path or "dependencies" in path]


def test_without_push_access_nothing_is_written():
    """GitHub would drop labels in silence, so the probe says that we may not write, and why."""
    with bench(push=False) as hub:
        assert not hub.caps.can_write
        assert "silence" in hub.caps.notes[0]


def test_failures_of_the_probe_name_the_mend():
    """A wrong token, a missing project, disabled issues and a rename each say what to change; no message has the token."""
    with served(GitHubSimulator()) as simulator:
        cases = [
            ({"token": "wrong-token-1234"}, AuthFailed, "auth.token"),
            ({"project": "acme/nowhere"}, Rejected, "check project"),
        ]
        for options, error, mend in cases:
            adapter = adapter_for(simulator, **options)
            with pytest.raises(error, match=mend) as caught:
                adapter.probe()
            assert "wrong-token-1234" not in str(caught.value)
            adapter.close()
        simulator.repository.has_issues = False
        adapter = adapter_for(simulator)
        with pytest.raises(Rejected, match="turned off"):
            adapter.probe()
        simulator.repository.has_issues = True
        simulator.rename("acme/checkout")
        with pytest.raises(Moved, match="renamed to acme/checkout"):
            adapter.probe()
        adapter.close()


def test_an_apps_token_needs_its_login_in_the_config(hub):
    """An App's token may not ask who it is; the message says where to write it, and then nothing is asked."""
    fault = {"message": "Resource not accessible by integration"}
    hub.simulator.faults.append(Fault(fault="status", path="^/user$", status=403, body=fault))
    adapter = adapter_for(hub.simulator)
    with pytest.raises(Rejected, match=r"auth\.user"):
        adapter.probe()
    adapter.close()
    auth = Auth(token="token-bridge", user="trackdown-bot")
    settings = Settings(url=hub.simulator.base_url, project="acme/payments", auth=auth)
    adapter = open_adapter(settings, replica=GITHUB, pace=QUICK)
    hub.requests()
    assert adapter.probe().account == "trackdown-bot"
    assert ("GET", "/user") not in hub.requests()
    adapter.close()


def test_resume_asks_nothing(hub):
    """What was found before is taken over, and later calls work as after a probe."""
    hub.simulator.add_issue(title="t")
    adapter = adapter_for(hub.simulator)
    adapter.resume(hub.caps)
    assert adapter.traffic.requests == 0
    assert [found.key for found in adapter.fetch([NativeRef("1")])] == ["#1"]
    sent = [path.partition("/issues/")[2] for _, path in hub.requests()]
    # Before the events were read, nobody knows whether the numbers in the answer are true.
    assert sent == ["1", "1/dependencies/blocked_by", "1/dependencies/blocking"]
    list(adapter.pull(None))
    hub.requests()
    list(adapter.fetch([NativeRef("1")]))
    assert hub.requests() == [("GET", "/repos/acme/payments/issues/1")]
    adapter.close()


# -- pulling ------------------------------------------------------------------------------------------------


def test_a_first_pull_takes_a_page_for_a_hundred_rows(hub):
    """Lists only: pull requests are read over, their comments too, and nothing is asked ticket by ticket."""
    hub.simulator.seed(250)
    pulls = sum(issue.is_pull for issue in hub.simulator.repository.issues.values())
    hub.requests()
    tickets, comments, _ = pulled(hub)
    assert len({one.ref for one in tickets}) == len(tickets) == 250
    assert pulls > 0
    assert len(comments) == len(hub.simulator.repository.comments) - pulls  # each pull request has one comment
    paths = [path for _, path in hub.requests()]
    assert sum(path.endswith("/issues") for path in paths) == 3
    assert all(path.endswith(("/issues", "/issues/comments")) for path in paths)


def test_an_idle_pull_costs_two_requests_for_any_size(hub):
    """The issues list and one more, again and again, with nothing in them."""
    hub.simulator.seed(120)
    cursor = pulled(hub)[2][-1].cursor
    hub.requests()
    for _ in range(4):
        tickets, comments, pages = pulled(hub, cursor)
        cursor = pages[-1].cursor
        assert (tickets, comments) == ([], [])
        assert len(hub.requests()) == 2
        hub.simulator.clock.advance(60)


def test_two_edits_within_one_second_are_two_versions(hub):
    """`updated_at` has whole seconds; the version tells edits apart all the same."""
    hub.simulator.add_issue(title="a")
    cursor = pulled(hub)[2][-1].cursor
    hub.simulator.edit(1, title="b")
    first, _, pages = pulled(hub, cursor)
    hub.simulator.edit(1, title="c")
    second, _, _ = pulled(hub, pages[-1].cursor)
    assert [one.payload["title"] for one in first + second] == ["b", "c"]
    assert first[0].version != second[0].version


def test_a_changed_parent_is_seen_though_no_issue_moves(hub):
    """Sub-issues leave `updated_at` alone; the repository's events show them at the next turn."""
    for title in ("epic", "task"):
        hub.simulator.add_issue(title=title)
    cursor = pulled(hub)[2][-1].cursor
    cursor = later(hub, cursor)
    hub.simulator.set_parent(2, 1)
    tickets, _, pages = pulled(hub, cursor)
    assert [(one.ref, CODEC.decode(one, hub.mapping).snapshot.fields[Field.PARENT]) for one in tickets] == [("2", "1")]
    assert tickets[0].version == hub.read(2).version
    cursor = later(hub, pages[-1].cursor)
    hub.simulator.set_parent(2, None)
    tickets, _, _ = pulled(hub, cursor)
    assert CODEC.decode(tickets[0], hub.mapping).snapshot.fields[Field.PARENT] is None


def test_a_row_that_is_listed_late_is_found_by_looking_back(hub):
    """Every ten minutes the feed is read again from before the newest row."""
    late = hub.simulator.add_issue(title="late")
    hub.simulator.add_issue(title="early")
    hidden = hub.simulator.repository.issues.pop(late.number)
    hub.simulator.clock.advance(120)
    hub.simulator.add_issue(title="newer")
    cursor = pulled(hub)[2][-1].cursor
    hub.simulator.repository.issues[late.number] = hidden
    hub.simulator.repository.revision += 1
    hub.simulator.clock.advance(601)
    cursor = pulled(hub, cursor)[2][-1].cursor  # tells the adapter how late it is
    tickets, _, _ = pulled(hub, cursor)
    assert "late" in [one.payload["title"] for one in tickets]


def test_a_delete_behind_the_first_pull_hides_no_ticket(hub):
    """When the list moves up by one between two pages, the ticket that slipped over is read all the same."""
    for number in range(150):
        hub.simulator.add_issue(title=f"t{number}")
    seen = set()
    for place, page in enumerate(hub.adapter.pull(None)):
        seen |= {ticket.number for ticket in page.tickets}
        if place == 0:
            hub.simulator.delete(5)
    assert seen == set(range(1, 151))


def test_malformed_rows_are_reported_and_the_rest_goes_on(hub):
    """One unreadable row is named; the others are brought."""
    for title in ("good", "bad", "good too"):
        hub.simulator.add_issue(title=title)
    render = hub.simulator._renderer
    original = type(render.__self__)._renderer

    class Breaking:
        def __init__(self, inner):
            self.inner = inner

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def issue(self, repository, issue):
            shown = self.inner.issue(repository, issue)
            return {**shown, "updated_at": None} if issue.title == "bad" else shown

    hub.simulator._renderer = lambda request: Breaking(original(hub.simulator, request))
    tickets, _, pages = pulled(hub)
    assert [one.number for one in tickets] == [1, 3]
    assert [place for page in pages for place, _ in page.malformed] == ["2"]


def test_select_chooses_tickets_and_explains_what_it_does_not_know():
    """Labels are asked of the list itself, other terms are applied to its rows; an unknown term is an error of the config."""
    with bench(select='label:sync -label:"not here" assignee:ada') as hub:
        hub.simulator.add_issue(title="chosen", labels=["Sync"], assignees=["ada"])
        hub.simulator.add_issue(title="excluded", labels=["sync", "not here"], assignees=["ada"])
        hub.simulator.add_issue(title="nobody's", labels=["sync"])
        hub.simulator.add_issue(title="unlabelled", assignees=["ada"])
        assert [one.payload["title"] for one in pulled(hub)[0]] == ["chosen"]
        assert "labels=sync" in hub.simulator.requests[0]["query"]
        with pytest.raises(ConfigError, match="sprint:4"):
            adapter_for(hub.simulator, select="sprint:4")


# -- direct reads -------------------------------------------------------------------------------------------


def test_gone_is_said_of_that_ticket_only(hub):
    """Deleted, transferred and unknown tickets are gone, each with its reason; others are there."""
    for title in ("deleted", "moved", "stays"):
        hub.simulator.add_issue(title=title)
    hub.simulator.delete(1)
    hub.simulator.transfer(2, "acme/other")
    found = {one.ref: one for one in hub.adapter.fetch([NativeRef(str(number)) for number in (1, 2, 3, 9)])}
    assert [ref for ref, one in found.items() if isinstance(one, Gone)] == ["1", "2", "9"]
    assert "deleted" in found["1"].reason
    assert "transferred" in found["2"].reason
    assert found["2"].moved_to
    assert found["1"].moved_to == found["9"].moved_to == ""


def test_a_hidden_repository_is_no_reason_to_call_its_tickets_gone(hub):
    """When the whole repository answers 404 that is an error, not the end of every ticket."""
    hub.simulator.add_issue(title="t")
    hub.simulator.bridge.reads = False
    with pytest.raises(Rejected, match="no repository"):
        list(hub.adapter.fetch([NativeRef("1")]))


def test_a_renamed_repository_stops_reads_and_writes(hub):
    """Neither a redirected read nor a redirected write passes for done; the message has the new name."""
    hub.simulator.add_issue(title="t")
    op = hub.encode(1, **{Field.TITLE: "new"}).ops[0]
    hub.simulator.rename("acme/checkout")
    with pytest.raises(Moved, match="acme/checkout"):
        list(hub.adapter.fetch([NativeRef("1")]))
    with pytest.raises(Moved, match="acme/checkout"):
        hub.adapter.write(op)
    assert hub.simulator.issue(1).title == "t"


def test_a_lost_create_is_found_although_no_list_shows_it(hub):
    """Numbers above the fence are read directly."""
    hub.simulator.add_issue(title="before")
    marker = Marker("trackdown:v1:abc:0123456789abcdef")
    made = hub.simulator.add_issue(title="ours", body=f"text\n\n<!-- {marker} -->", as_user="trackdown-bot")
    op = NativeOp(kind=OpKind.CREATE, action="issue.create", summary="create", payload={}, marker=marker)
    hub.simulator.repository.issues = {1: hub.simulator.issue(1), made.number: made}
    listing = hub.simulator.repository.updated_since
    assert listing("issues", None)
    assert hub.adapter.find(op, fence=1) == "2"
    assert hub.adapter.find(op, fence=2) is None
