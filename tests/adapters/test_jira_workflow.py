"""Ways through a Jira workflow, tickets that move or go, and comments that are for some people only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from adapters.jira.codec import CODEC
from sync.core.capabilities import Capabilities
from sync.core.errors import Forbidden
from sync.core.mapping import ProjectMapping
from sync.core.models import Field, Gone, NativeComment
from tests.adapters.jira_support import Bench, bench

DEPLOYMENTS = ("cloud", "server")


def asking(jira: Bench, names: Mapping[str, tuple[str, ...]]) -> None:
    """Let the transitions of these ids ask for these fields."""
    catalogue = jira.simulator.catalogue
    moves = tuple(replace(move, required=names.get(move.id, move.required)) for move in catalogue.transitions)
    object.__setattr__(catalogue, "transitions", moves)


def known_as(jira: Bench, **extra: Any) -> Capabilities:
    facts = replace(jira.caps.facts, extra={**jira.caps.facts.extra, **extra})
    return replace(jira.caps, facts=facts)


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_several_steps_lead_there_and_the_last_one_fills_its_screen(deployment: str) -> None:
    """From To Do over In Progress and In Review to Done; the resolution goes with the last step only."""
    with bench(deployment=deployment) as jira:
        catalogue = jira.simulator.catalogue
        kept = tuple(move for move in catalogue.transitions if move.id != "81")
        only_from_review = tuple(
            replace(move, sources=frozenset({"10001"})) if move.id == "71" else move for move in kept
        )
        object.__setattr__(catalogue, "transitions", only_from_review)
        key = jira.simulator.add_issue("Far")
        steps = jira.bring(key, status="done", reason="duplicate")
        assert steps == [
            "'Start Progress' to In Progress", "'Ready for Review' to In Review", "'Resolve Issue' to Done",
        ]  # fmt: skip
        assert jira.fields(key)[Field.REASON] == "duplicate"


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_required_fields_of_a_screen_are_filled_from_the_mapping(deployment: str) -> None:
    """By name or by id, in the form that each field's kind wants; without them the field is named and the rest flows."""
    asked = {"51": ("customfield_10071", "customfield_10066", "customfield_10062", "assignee"), "55": ("description",)}
    values = {"Risk": "High", "Platforms": "Web, API", "customfield_10062": "3"}
    for screen in ({}, {"blocked": values}):
        with bench(deployment=deployment, words={"screen": screen}) as jira:
            asking(jira, asked)
            person = jira.simulator.catalogue.people["grace"]
            account = person.account_id if deployment == "cloud" else person.name
            if screen:
                screen["blocked"]["assignee"] = account
            key = jira.simulator.add_issue("Held up")
            encoded = jira.encoded(key, status="blocked", title="Renamed")
            if not screen:
                assert [op.fields for op in encoded.ops] == [{Field.TITLE}]
                assert "[screen.<status>]" in encoded.problems[0].mend
                continue
            jira.bring(key, status="blocked", title="Renamed")
            issue = jira.simulator.issue(key)
            assert (issue.status, issue.assignee, issue.summary) == ("10003", "grace", "Renamed")
            assert issue.custom["customfield_10062"] == 3.0
            assert len(issue.custom["customfield_10066"]) == 2


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_without_a_way_the_status_waits_and_everything_else_flows(deployment: str) -> None:
    """The missing transition is named with what can be reached; the title is written, and nothing is tried twice."""
    with bench(deployment=deployment, unreachable=frozenset({"In Review"})) as jira:
        key = jira.simulator.add_issue("Waiting")
        jira.bring(key, status="review", title="Renamed")
        assert jira.simulator.issue(key).summary == "Renamed"
        encoded = jira.encoded(key, status="review")
        (problem,) = encoded.problems
        assert encoded.ops == ()
        assert problem.field is Field.STATUS
        assert "'In Review'" in problem.message
        assert "one gets to" in problem.message
        assert "Add the transition" in problem.mend


def test_a_bot_that_may_not_move_tickets_is_told_so() -> None:
    """No transition at all is a missing permission and no missing way."""
    with bench(denied=frozenset({"TRANSITION_ISSUES"})) as jira:
        object.__setattr__(jira.simulator.catalogue, "transitions", ())
        (problem,) = jira.encoded(jira.simulator.add_issue("Stuck"), status="done").problems
        assert "Transition permission" in problem.message


def test_a_way_that_was_closed_meanwhile_is_learnt_anew() -> None:
    """A screen that asks for more than it did refuses once; what it asks for is known the next time."""
    with bench() as jira:
        key = jira.simulator.add_issue("Changed flow")
        (op,) = jira.encoded(key, status="in_progress").ops
        asking(jira, {"11": ("customfield_10060",)})
        with pytest.raises(Exception, match="Customer reference"):
            jira.adapter.write(op)
        (problem,) = jira.encoded(key, status="in_progress").problems
        assert "'Customer reference' (customfield_10060)" in problem.message


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_key_and_address_follow_and_the_ref_stays(deployment: str) -> None:
    """When the project gets another key, its tickets are the same tickets at another address."""
    with bench(deployment=deployment) as jira:
        key = jira.simulator.add_issue("Renamed project")
        ref = jira.ref(key)
        jira.simulator.rename_project("MONEY")
        (found,) = jira.adapter.fetch([ref])
        assert not isinstance(found, Gone)
        assert (found.ref, found.key) == (ref, "MONEY-1")
        assert found.url.endswith("/browse/MONEY-1")


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_archived_and_moved_tickets_are_gone_with_a_reason_and_come_back(deployment: str) -> None:
    """Out of sight is gone from here, and there again when it is brought back; nothing is said of the others."""
    with bench(deployment=deployment) as jira:
        archived, moved, kept = (jira.simulator.add_issue(title) for title in ("Archived", "Moved", "Kept"))
        refs = [jira.ref(key) for key in (archived, moved, kept)]
        jira.simulator.archive(archived)
        jira.simulator.move(moved)
        found = {one.ref: one for one in jira.adapter.fetch(refs)}
        assert [isinstance(found[ref], Gone) for ref in refs] == [True, True, False]
        assert "moved to OPS-1" in getattr(found[refs[1]], "reason", "")
        assert [getattr(found[ref], "moved_to", None) for ref in refs] == ["", "OPS-1", None]
        jira.simulator.unarchive(archived)
        (back,) = jira.adapter.fetch(refs[:1])
        assert not isinstance(back, Gone)


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_a_project_that_is_out_of_sight_has_lost_no_tickets(deployment: str) -> None:
    """Where the bot may not see the project any more, Jira says of every ticket that it is not there: nobody believes it."""
    with bench(deployment=deployment) as jira:
        ref = jira.ref(jira.simulator.add_issue("Still there"))
        jira.simulator.archive("PAY-1")
        jira.adapter.resume(known_as(jira, project_id="99999"))
        with pytest.raises(Forbidden, match="can't be read any more"):
            list(jira.adapter.fetch([ref]))


# -- comments ------------------------------------------------------------------------------------


def serviced(mapping: ProjectMapping, **extra: Any) -> ProjectMapping:
    facts = replace(mapping.facts, extra={**mapping.facts.extra, "service": True, **extra})
    return replace(mapping, facts=facts)


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_copies_in_a_service_project_are_for_the_team(deployment: str) -> None:
    """A comment that comes from elsewhere is not shown to customers, unless the settings say so; it is no secret to us."""
    with bench(deployment=deployment) as jira:
        key = jira.simulator.add_issue("From a customer")
        ticket = jira.read(key)
        for public, told in ((False, True), (True, False)):
            mapping = serviced(jira.mapping, public_comments=public)
            (op,) = CODEC.encode_comment("From GitHub", ticket, None, mapping, jira.caps).ops
            properties = {each["key"]: each["value"] for each in op.payload["body"].get("properties", ())}
            assert (properties.get("sd.public.comment") == {"internal": True}) is told
            written = jira.adapter.write(op).comment
            assert written is not None
            assert not CODEC.decode_comment(written, mapping).restricted


def test_what_some_people_may_read_stays_in_jira() -> None:
    """Notes of the team never cross; on Data Center, where answers don't tell them apart, no comment of a service project does."""
    with bench() as jira:
        ticket = jira.read(jira.simulator.add_issue("From a customer"))
        grace = {"accountId": jira.simulator.catalogue.people["grace"].account_id}
        base = {"id": "1", "author": grace, "body": "x", "created": "2026-01-01T00:00:00.000+0000"}
        cloud, server = serviced(jira.mapping), serviced(jira.mapping, deployment="server")
        for mapping, more, restricted in (
            (cloud, {"jsdPublic": True}, False),
            (cloud, {"jsdPublic": False}, True),
            (cloud, {"jsdPublic": True, "visibility": {"type": "role", "value": "Developers"}}, True),
            (server, {}, True),
            (jira.mapping, {"jsdPublic": True}, False),
        ):
            comment = NativeComment(ref=ticket.ref, ticket=ticket.ref, version="1", payload={**base, **more})
            assert CODEC.decode_comment(comment, mapping).restricted is restricted
