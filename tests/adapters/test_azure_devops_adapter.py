"""The Azure DevOps adapter through the real library over HTTP, beyond what the conformance suite asks of everybody."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from azure.devops import client as library_client
from pydantic import ValidationError

from adapters._pace import Pace
from adapters._simulator import served
from adapters.azure_devops import reading, wire
from adapters.azure_devops.adapter import AzureDevOpsAdapter, open_adapter
from adapters.azure_devops.codec import CODEC
from adapters.azure_devops.settings import Settings
from adapters.azure_devops.simulator import AzureDevOpsSimulator
from sync.core.changes import diff_fields
from sync.core.errors import AuthFailed, ConfigError, Forbidden, PreconditionFailed, Rejected, Retryable
from sync.core.ids import Cursor, NativeRef
from sync.core.mapping import People, ProjectMapping
from sync.core.models import Field, Fields, Gone, NativeTicket
from sync.core.ports import NativeOp, Page
from sync.shell.mappingfile import load

FAST = Pace(first_wait=0.0, read_timeout=20.0)
Open = Callable[..., AzureDevOpsAdapter]


@pytest.fixture
def sim() -> Iterator[AzureDevOpsSimulator]:
    with served(AzureDevOpsSimulator()) as simulator:
        yield simulator


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens adapters and closes them in the end."""
    adapters: list[AzureDevOpsAdapter] = []

    def opening(sim: AzureDevOpsSimulator, *, token: str | None = None, **options: Any) -> AzureDevOpsAdapter:
        auth = {"token": token or sim.token}
        settings = Settings.model_validate({"url": sim.url, "project": sim.project, "auth": auth})
        adapter = open_adapter(settings, replica="azure", **{"pace": FAST, "sleep": lambda _: None, **options})
        adapters.append(adapter)
        return adapter

    yield opening
    for adapter in adapters:
        adapter.close()


def bound(adapter: AzureDevOpsAdapter) -> ProjectMapping:
    people = People(replica="azure", native_ids={"ada": "ada@acme.example"})
    return load("azure_devops", folder=Path()).bind(adapter.probe().facts, people)


def edit(adapter: AzureDevOpsAdapter, ref: str, wanted: Fields) -> tuple[NativeOp, ...]:
    """The requests for new values of a work item."""
    (ticket,) = adapter.fetch([NativeRef(ref)])
    assert isinstance(ticket, NativeTicket)
    mapping = bound(adapter)
    there = CODEC.decode(ticket, mapping).snapshot.fields
    return CODEC.encode(diff_fields(there, wanted), ticket, mapping, adapter.probe()).ops


def numbers(pages: list[Page]) -> list[int]:
    return [ticket.number for page in pages for ticket in page.tickets]


# -- pulling -------------------------------------------------------------------------------------


def test_idle_pull_of_a_resumed_adapter_is_two_requests(sim: AzureDevOpsSimulator, opened: Open) -> None:
    """Nothing is asked but the two feeds: no discovery, no project, no work item."""
    sim.seed(40)
    first = opened(sim)
    capabilities, cursor = first.probe(), list(first.pull(None))[-1].cursor
    cursor = list(first.pull(cursor))[-1].cursor
    later = opened(sim)
    later.resume(replace(capabilities, facts=replace(capabilities.facts, extra=_stored(capabilities.facts.extra))))
    pages = list(later.pull(cursor))
    assert later.traffic.requests == capabilities.feeds == 2
    assert numbers(pages) == []


def _stored(extra: Any) -> Any:
    """As the facts come out of a store."""
    return json.loads(json.dumps(extra))


def test_first_pull_is_lists_and_batches(sim: AzureDevOpsSimulator, opened: Open) -> None:
    """600 work items with their comments cost three batches and a handful of lists, none per work item."""
    sim.seed(600)
    adapter = opened(sim)
    pages = list(adapter.pull(None))
    assert numbers(pages) == list(range(1, 601))
    assert adapter.traffic.requests <= 12
    for ticket in (ticket for page in pages for ticket in page.tickets):
        assert ticket.comments is not None
        told = [comment["text"] for comment in sim.comments_of(ticket.number)]
        assert [comment.payload["text"] for comment in ticket.comments] == told


def test_comments_of_the_feed_equal_those_read_directly(sim: AzureDevOpsSimulator, opened: Open) -> None:
    """Edited, deleted and plain comments are in a first pull what a direct read says they are."""
    number = sim.add_issue(title="Talk")
    kept, gone = sim.comment(number, "<p>first</p>"), sim.comment(number, "<p>second</p>", by="grace")
    sim.edit_comment(number, kept, "<p>first, again</p>")
    sim.delete_comment(number, gone)
    plain = sim.add_issue(title="Plain")
    sim.comment(plain, "no markup at all")
    adapter = opened(sim)
    mapping = bound(adapter)
    pulled = {ticket.ref: ticket for page in adapter.pull(None) for ticket in page.tickets}
    for ticket in adapter.fetch(list(pulled)):
        assert isinstance(ticket, NativeTicket)
        decoded = [CODEC.decode_comment(comment, mapping) for comment in ticket.comments or ()]
        assert [CODEC.decode_comment(comment, mapping) for comment in pulled[ticket.ref].comments or ()] == decoded
        assert [comment.version for comment in pulled[ticket.ref].comments or ()] == [
            comment.version for comment in ticket.comments or ()
        ]


def test_a_link_alone_brings_both_ends(sim: AzureDevOpsSimulator, opened: Open) -> None:
    """Links raise no revision, so a pull by changes alone would never see a new parent."""
    epic, story, other = (sim.add_issue(title=f"Item {n}") for n in range(3))
    adapter = opened(sim)
    cursor = _caught_up(adapter)
    sim.edit(story, parent=epic)
    pages = list(adapter.pull(cursor))
    assert sorted(numbers(pages)) == [epic, story]
    parents = {ticket.number: wire.parent(ticket.payload) for page in pages for ticket in page.tickets}
    assert parents == {epic: None, story: str(epic)}
    assert other not in parents


def test_deleted_restored_and_destroyed(sim: AzureDevOpsSimulator, opened: Open) -> None:
    """A deletion is told by the feed, a restored work item comes again, a destroyed one is Gone when it is read."""
    number, doomed = sim.add_issue(title="One"), sim.add_issue(title="Two")
    adapter = opened(sim)
    cursor = _caught_up(adapter)
    sim.delete(number)
    (page,) = adapter.pull(cursor)
    assert [gone.ref for gone in page.gone] == [str(number)]
    sim.restore(number)
    (page,) = adapter.pull(page.cursor)
    assert (numbers([page]), page.gone) == ([number], ())
    sim.destroy(doomed)
    assert [type(one) for one in adapter.fetch([NativeRef(str(doomed))])] == [Gone]


def test_resumes_a_first_pull_where_it_stopped(sim: AzureDevOpsSimulator, opened: Open) -> None:
    """Each page's cursor leads on after that page, and changes made meanwhile are not missed."""
    sim.seed(450)
    adapter = opened(sim)
    first = next(adapter.pull(None))
    sim.edit(3, title="Changed meanwhile")
    rest = list(adapter.pull(first.cursor))
    assert numbers([first, *rest]) == list(range(1, 451))
    assert 3 in numbers(list(adapter.pull(rest[-1].cursor)))


def test_more_results_than_a_query_gives(
    sim: AzureDevOpsSimulator, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the service refuses a query as too large, windows of ids find everything."""
    sim.seed(25)
    sim.wiql_limit = 10
    monkeypatch.setattr(reading, "QUERY_LIMIT", 10)
    assert numbers(list(opened(sim).pull(None))) == list(range(1, 26))


def test_select_is_a_condition_of_ones_own(sim: AzureDevOpsSimulator, opened: Open) -> None:
    """Only what the condition takes is pulled, at first and later."""
    taken = sim.add_issue(title="Taken", labels=["sync"])
    left = sim.add_issue(title="Left")
    adapter = opened(sim, select="[System.Tags] CONTAINS 'sync'")
    pages = list(adapter.pull(None))
    assert numbers(pages) == [taken]
    sim.edit(taken, title="Taken again")
    sim.edit(left, title="Left again")
    assert numbers(list(adapter.pull(pages[-1].cursor))) == [taken]
    with pytest.raises(ConfigError, match="quotes"):
        opened(sim, select="[System.Tags] CONTAINS 'sync")


def test_one_malformed_item_does_not_stop_the_others(
    sim: AzureDevOpsSimulator, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An item without fields is reported with its number, the others come."""
    for index in range(3):
        sim.add_issue(title=f"Item {index}")
    render = type(sim._render).work_item

    def spoilt(self: Any, item: Any, **options: Any) -> dict[str, Any]:
        answer = render(self, item, **options)
        return {**answer, "fields": None} if item.id == 2 else answer

    monkeypatch.setattr(type(sim._render), "work_item", spoilt)
    pages = list(opened(sim).pull(None))
    assert numbers(pages) == [1, 3]
    assert [place for page in pages for place, _ in page.malformed] == ["2"]


def _caught_up(adapter: AzureDevOpsAdapter) -> Cursor:
    cursor = list(adapter.pull(None))[-1].cursor
    return list(adapter.pull(cursor))[-1].cursor


# -- writing -------------------------------------------------------------------------------------


def test_every_update_tests_the_revision_first(sim: AzureDevOpsSimulator, opened: Open) -> None:
    """A patch is for one revision, so it is refused as a whole when somebody was faster, whatever they wrote."""
    number = sim.add_issue(title="One", priority=3)
    adapter = opened(sim)
    for wanted in ({Field.TITLE: "Two", Field.PRIORITY: "P0"}, {Field.STATUS: "done"}):
        (op,) = edit(adapter, str(number), wanted)
        sim.edit(number, labels=[f"since {len(wanted)}"])
        with pytest.raises(PreconditionFailed):
            adapter.write(op)
    found = sim.issue(number)["fields"]
    assert (found["System.Title"], found["Microsoft.VSTS.Common.Priority"]) == ("One", 3)
    assert found["System.State"] == "New"


def test_a_parent_is_unlinked_by_its_present_place(sim: AzureDevOpsSimulator, opened: Open) -> None:
    """A link that somebody added since our read moves the places and raises no revision; the right one still goes."""
    number, epic, *others = (sim.add_issue(title=f"Item {n}") for n in range(6))
    sim.edit(number, parent=epic)
    adapter = opened(sim)
    (op,) = edit(adapter, str(number), {Field.PARENT: None})
    for other in others:
        sim.relate(number, other)
    adapter.write(op)
    left = {relation["rel"] for relation in sim.issue(number)["relations"]}
    assert left == {"System.LinkTypes.Related"}
    assert len(sim.issue(number)["relations"]) == len(others)


def test_a_rule_of_the_process_names_the_field(opened: Open) -> None:
    """A required field is Rejected with the field and the mend."""
    points = "Microsoft.VSTS.Scheduling.StoryPoints"
    with served(AzureDevOpsSimulator(required_fields={"User Story/Closed": [points]})) as sim:
        number = sim.add_issue(title="Unestimated", type="User Story")
        adapter = opened(sim)
        (op,) = edit(adapter, str(number), {Field.STATUS: "done"})
        with pytest.raises(Rejected) as caught:
            adapter.write(op)
    (problem,) = caught.value.problems
    assert "TF401320" in problem.message
    assert points in problem.mend


def test_a_comment_of_somebody_else_is_forbidden_to_edit(sim: AzureDevOpsSimulator, opened: Open) -> None:
    """The service lets nobody change what another said: Forbidden, with what it said."""
    number = sim.add_issue(title="Talk")
    sim.comment(number, "<p>mine</p>")
    adapter = opened(sim)
    mapping, caps = bound(adapter), adapter.probe()
    (ticket,) = adapter.fetch([NativeRef(str(number))])
    assert isinstance(ticket, NativeTicket)
    assert ticket.comments
    encoded = CODEC.encode_comment("theirs", ticket, ticket.comments[0], mapping, caps)
    with pytest.raises(Forbidden):
        adapter.write(encoded.ops[0])


def test_history_tells_type_and_time(sim: AzureDevOpsSimulator, opened: Open) -> None:
    """Events come oldest first with author and time, a link's own time included."""
    epic, number = sim.add_issue(title="Epic", type="Epic"), sim.add_issue(title="One", type="Bug")
    sim.edit(number, state="Resolved", by="grace")
    sim.edit(number, parent=epic, by="alan")
    adapter = opened(sim)
    mapping = bound(adapter)
    events = list(adapter.history([NativeRef(str(number))], datetime.fromisoformat("2020-01-01T00:00:00+00:00")))
    told = [event for entry in events for event in CODEC.decode_event(entry, mapping)]
    (status,) = [event for event in told if event.field is Field.STATUS and event.old == "open"]
    assert (status.new, status.author) == ("review", "azure:grace@acme.example")
    (parent,) = [event for event in told if event.field is Field.PARENT]
    assert (parent.old, parent.new, parent.author) == (None, str(epic), "azure:alan@acme.example")
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert events[-1].at.year < 9999


# -- connecting ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [203, 302])
def test_a_sign_in_page_is_no_answer(opened: Open, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the service sends its sign-in page instead of 401, we are told that the token is not known."""
    with served(AzureDevOpsSimulator(sign_in=status)) as sim:
        monkeypatch.setattr(sim, "_stranger", lambda request: _unsuppressed(sim, request))
        with pytest.raises(AuthFailed, match="personal access token"):
            opened(sim, token="a-wrong-token").probe()


def _unsuppressed(sim: AzureDevOpsSimulator, request: Any) -> Any:
    """Some gateways in front of the service ignore the header that asks for no page."""
    environ = {key: value for key, value in request.environ.items() if key != "HTTP_X_TFS_FEDAUTHREDIRECT"}
    return type(sim)._stranger(sim, type(request)(environ))


def test_the_token_is_in_no_message(sim: AzureDevOpsSimulator, opened: Open) -> None:
    """Neither an error nor the settings show the token."""
    secret = "a-very-secret-token"
    with pytest.raises(AuthFailed) as caught:
        opened(sim, token=secret).probe()
    settings = Settings.model_validate({"url": sim.url, "project": "Payments", "auth": {"token": secret}})
    assert secret not in f"{caught.value} {caught.value.__cause__} {settings!r} {settings.model_dump()}"


def test_settings_are_strict() -> None:
    """An unknown key and a bad address are refused."""
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"url": "nowhere", "project": "", "auth": {"token": "x"}, "organization": "acme"})
    assert {error["loc"] for error in caught.value.errors()} == {("url",), ("project",), ("organization",)}


def test_discovery_is_kept_to_one_connection(sim: AzureDevOpsSimulator, opened: Open, tmp_path: Path) -> None:
    """The library's cache on disk and in its class stays untouched, so no other connection learns old routes."""
    before = dict(library_client.Client._locations_cache), _files(os.environ["AZURE_DEVOPS_CACHE_DIR"])
    opened(sim).probe()
    opened(sim).probe()
    assert (dict(library_client.Client._locations_cache), _files(os.environ["AZURE_DEVOPS_CACHE_DIR"])) == before
    assert sum(request["method"] == "OPTIONS" for request in sim.requests) == 2


def _files(folder: str) -> dict[str, float]:
    return {path.name: path.stat().st_mtime for path in Path(folder).glob("*.json")}


def test_a_busy_service_is_given_time(opened: Open) -> None:
    """`Retry-After` on a success is waited for before the next request; on a 429 it is handed up."""
    waits: list[float] = []
    with served(AzureDevOpsSimulator(budget=20)) as sim:
        number = sim.add_issue(title="One")
        adapter = opened(sim, sleep=waits.append, now=lambda: sum(waits), pace=replace(FAST, patience=20.0))
        for _ in range(18):
            list(adapter.fetch([NativeRef(str(number))]))
        assert waits
        sim.budget = 1
        with pytest.raises(Retryable) as caught:
            list(adapter.fetch([NativeRef(str(number))]))
        assert sim.trips == 1
    assert caught.value.after is not None
    assert caught.value.after.total_seconds() == 30


def test_names_with_odd_characters(opened: Open) -> None:
    """A project and a type with blanks and signs in their names are spelt right in addresses."""
    with served(AzureDevOpsSimulator(project="Payments & Co #1", process="Scrum")) as sim:
        adapter = opened(sim)
        caps, mapping = adapter.probe(), bound(adapter)
        changes = diff_fields({}, {Field.TITLE: "One", Field.KIND: "issue", Field.TYPE: "feature"})
        receipt = adapter.write(CODEC.encode(changes, None, mapping, caps).ops[0])
        assert sim.issue(int(receipt.ref))["fields"]["System.WorkItemType"] == "Product Backlog Item"
        assert numbers(list(adapter.pull(None))) == [int(receipt.ref)]
        assert receipt.ticket is not None
        assert receipt.ticket.url.endswith("/Payments%20%26%20Co%20%231/_workitems/edit/1")
