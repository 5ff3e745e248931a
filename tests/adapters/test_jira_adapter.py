"""The Jira adapter through the real library over HTTP: what it reads, where the shared suite does not reach."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapters.jira.adapter import open_adapter
from adapters.jira.codec import CODEC
from adapters.jira.settings import Settings
from sync.core.models import Field
from tests.adapters.jira_support import JIRA, bench


@pytest.mark.parametrize("deployment", ["cloud", "server"])
def test_an_idle_pull_is_one_request(deployment: str) -> None:
    """However many tickets there are, nothing new costs one search and gives one page without tickets."""
    with bench(deployment=deployment) as jira:
        jira.simulator.seed(150)
        tickets, cursor = jira.pull()
        assert len(tickets) == 150
        jira.requests()
        tickets, _ = jira.pull(cursor)
        assert tickets == []
        assert len(jira.requests()) == jira.caps.feeds == 1


def test_a_first_pull_is_lists_and_batches() -> None:
    """A thousand tickets are an index page, ten batches and the screens of the workflow, once each."""
    with bench() as jira:
        jira.simulator.seed(1000)
        tickets, cursor = jira.pull()
        assert len(tickets) == len({ticket.ref for ticket in tickets}) == 1000
        sent = jira.requests()
        assert sent.count("POST /rest/api/3/issue/bulkfetch") == 10
        assert sum(each.endswith("/search/jql") for each in sent) == 1
        assert len(sent) <= 11 + len(jira.simulator.catalogue.statuses)
        assert all(ticket.comments is not None for ticket in tickets)
        jira.simulator.edit(tickets[-1].key, summary="Changed")
        jira.simulator.clock.advance(5)
        jira.requests()
        assert [ticket.key for ticket in jira.pull(cursor)[0]] == [tickets[-1].key]
        assert len(jira.requests()) == 2


def test_a_resumed_adapter_asks_nothing_again() -> None:
    """A new process takes over what was probed and learnt of the workflow: one search and one batch for one change."""
    with bench() as jira:
        jira.simulator.seed(40)
        _, cursor = jira.pull()
        key = jira.simulator.add_issue("New")
        jira.simulator.clock.advance(5)
        settings = Settings.model_validate(
            {"url": jira.simulator.base_url, "project": "PAY", "auth": jira.simulator.auth()}
        )
        again = open_adapter(settings, replica=JIRA, sleep=lambda _: None)
        again.resume(jira.caps)
        pages = list(again.pull(cursor))
        again.close()
        assert [ticket.key for page in pages for ticket in page.tickets] == [key]
        assert again.traffic.requests == 2


def test_a_write_that_search_does_not_show_yet_is_seen_later() -> None:
    """What is late in the index, and older than what was seen already, comes with a later pull."""
    with bench(search_lag=60.0) as jira:
        first = jira.simulator.add_issue("First")
        jira.simulator.clock.advance(30)
        second = jira.simulator.add_issue("Second")
        assert jira.pull()[0] == []
        jira.simulator.clock.advance(40)
        tickets, cursor = jira.pull()
        assert [ticket.key for ticket in tickets] == [first]
        jira.simulator.edit(first, summary="First, edited")
        jira.simulator.clock.advance(30)
        tickets, cursor = jira.pull(cursor)
        assert [ticket.key for ticket in tickets] == [second]
        jira.simulator.clock.advance(40)
        tickets, cursor = jira.pull(cursor)
        assert [CODEC.decode(ticket, jira.mapping).snapshot.fields[Field.TITLE] for ticket in tickets] == [
            "First, edited"
        ]
        assert jira.pull(cursor)[0] == []


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles"])
def test_the_zone_of_the_bots_profile_does_not_matter(zone: str) -> None:
    """JQL literals are read in the caller's zone and times are shown in it: neither loses a change."""
    with bench(time_zone=zone) as jira:
        jira.simulator.add_issue("Before")
        jira.simulator.clock.advance(5)
        (before,), cursor = jira.pull()
        assert abs(before.updated_at - jira.simulator.clock.now()) < timedelta(seconds=30)
        jira.simulator.clock.advance(3600)
        key = jira.simulator.add_issue("After")
        jira.simulator.clock.advance(5)
        assert [ticket.key for ticket in jira.pull(cursor)[0]] == [key]


def test_rows_that_shift_under_an_offset_are_not_missed() -> None:
    """Data Center pages by offset: a ticket that changes between two pages moves the others, and none is lost."""
    with bench(deployment="server") as jira:
        jira.simulator.seed(1200)
        answer = jira.adapter._client.page
        edited: list[str] = []

        def page(jql: str, *, token: str | None, start: int) -> dict[str, Any]:
            found = answer(jql, token=token, start=start)
            if not edited:
                edited.extend(issue["key"] for issue in found["issues"][:5])
                for key in edited:
                    jira.simulator.edit(key, summary=f"{key} moved to the end")
            return found

        jira.adapter._client.page = page  # type: ignore[method-assign]
        tickets, _ = jira.pull()
        assert {ticket.key for ticket in tickets} == {f"PAY-{number}" for number in range(1, 1201)}


def test_all_comments_come_along() -> None:
    """Answers hold twenty comments: the rest is read for those tickets that have more."""
    with bench() as jira:
        busy, calm = jira.simulator.add_issue("Busy"), jira.simulator.add_issue("Calm")
        for number in range(23):
            jira.simulator.comment(busy, f"Remark {number}")
        jira.simulator.comment(calm, "Only one")
        jira.simulator.clock.advance(5)
        tickets, _ = jira.pull()
        found = {
            ticket.key: [CODEC.decode_comment(c, jira.mapping).body for c in ticket.comments or ()]
            for ticket in tickets
        }
        assert found == {busy: [f"Remark {number}" for number in range(23)], calm: ["Only one"]}
        assert [each for each in jira.requests() if each.endswith("/comment")] == [
            f"GET /rest/api/3/issue/{jira.simulator.issue(busy).id}/comment"
        ]
