"""Plans of a Jira ticket through the adapter: names, sprints, amounts, days and fields of a team's own."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.jira.codec import CODEC
from adapters.jira.simulator import JiraSimulator
from sync.core.changes import diff_fields
from sync.core.errors import Rejected
from sync.core.mapping import CustomRow, Place, ValueMap
from sync.core.models import Field, NativeTicket
from tests.adapters.jira_support import bench

DEPLOYMENTS = ("cloud", "server")
PLANS: dict[str, Any] = {
    "severity": "high",
    "components": frozenset({"api", "billing"}),
    "milestone": frozenset({"1.0"}),
    "sprint": "Sprint 2",
    "estimate": "6.5",
    "remaining": "2",
    "points": "3",
    "start": "2026-03-01",
    "target": "2026-03-31",
    "due": "2026-04-02",
}
CUSTOM = {
    Field("custom.customer"): CustomRow(type="text", native="Customer reference"),
    Field("custom.impact"): CustomRow(type="text", native="Impact"),
    Field("custom.affected"): CustomRow(type="number", native="customfield_10062"),
    Field("custom.live"): CustomRow(type="date", native="Go-live"),
    Field("custom.outage"): CustomRow(type="datetime", native="Outage began"),
    Field("custom.platforms[]"): CustomRow(
        type="choices", native="Platforms", values=ValueMap(values={"web": ("Web",), "apple": ("iOS",)})
    ),
    Field("custom.risky"): CustomRow(
        type="boolean", native="Risk", values=ValueMap(values={"true": ("High",), "false": ("Low",)})
    ),
    Field("custom.reviewer"): CustomRow(type="person", native="Reviewer"),
    Field("custom.topics[]"): CustomRow(type="choices", native="Topics"),
    Field("custom.region"): CustomRow(type="choice", native="Region"),
    Field("custom.elsewhere"): CustomRow(type="text", native="No such field"),
}
OWN: dict[str, Any] = {
    "custom.customer": "ACME-12",
    "custom.impact": "Many **customers**.",
    "custom.affected": "12.5",
    "custom.live": "2026-05-01",
    "custom.outage": "2026-03-01T08:30:00Z",
    "custom.platforms[]": frozenset({"web", "apple"}),
    "custom.risky": "true",
    "custom.reviewer": "grace",
    "custom.topics[]": frozenset({"money", "law"}),
    "custom.region": "Europe / France",
}


def planned(simulator: JiraSimulator) -> None:
    for name in ("api", "billing"):
        simulator.add_component(name)
    for name in ("1.0", "2.0"):
        simulator.add_version(name)
    for number, state in enumerate(("closed", "active", "future"), 1):
        simulator.add_sprint(f"Sprint {number}", state)


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
@pytest.mark.parametrize("style", ["classic", "team-managed"])
def test_a_create_carries_all_plans(deployment: str, style: str) -> None:
    """One request makes a ticket with everything that its create screen shows, and it reads as it was asked for."""
    if (deployment, style) == ("server", "team-managed"):
        pytest.skip("Data Center has no team-managed projects")
    with bench(deployment=deployment, style=style, before=planned) as jira:
        wanted = {"title": "Planned", "kind": "issue", **PLANS}
        changes = diff_fields({}, {Field(name): value for name, value in wanted.items()})
        (op,) = CODEC.encode(changes, None, jira.mapping, jira.caps).ops
        assert {Field(name) for name in PLANS} <= op.fields
        ref = jira.adapter.write(op).ref
        assert len(jira.requests()) == 1
        (ticket,) = jira.adapter.fetch([ref])
        assert isinstance(ticket, NativeTicket)
        found = CODEC.decode(ticket, jira.mapping).snapshot.fields
        assert {name: found[Field(name)] for name in PLANS} == PLANS


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_fields_of_a_teams_own_are_carried_by_type(deployment: str) -> None:
    """Custom fields of every type are made, changed and cleared, by the words of the mapping where it has any."""
    with bench(deployment=deployment, words={"custom": CUSTOM}) as jira:
        assert Field("custom.elsewhere") not in jira.mapping.custom
        key = jira.make(**OWN)
        fields = jira.fields(key)
        assert {name: fields[Field(name)] for name in OWN} == OWN
        changed = {
            "custom.customer": "B-1", "custom.affected": "7", "custom.risky": "false", "custom.region": "America",
            "custom.platforms[]": frozenset({"web", "Android"}), "custom.reviewer": "ada",
            "custom.outage": "2026-03-01T09:00:00.250Z",
        }  # fmt: skip
        jira.bring(key, **changed)
        assert {name: jira.fields(key)[Field(name)] for name in changed} == changed
        jira.bring(key, **{name: frozenset() if name.endswith("[]") else None for name in OWN})
        assert not any(jira.fields(key)[Field(name)] for name in OWN)


def test_what_no_option_says_is_left_out_and_told() -> None:
    """A word that the field does not offer, and one of the wrong form, are a problem each; the rest is written."""
    with bench(words={"custom": CUSTOM}) as jira:
        wanted = {
            "custom.risky": "perhaps", "custom.live": "tomorrow", "custom.affected": "many", "custom.region": "Asia",
            "custom.topics[]": frozenset({"two words", "law"}), "custom.customer": "x" * 256,
        }  # fmt: skip
        key = jira.simulator.add_issue("Odd")
        encoded = jira.encoded(key, **wanted)
        assert {problem.field for problem in encoded.problems} == {Field(name) for name in wanted}
        assert [op.fields for op in encoded.ops] == [{Field("custom.topics[]")}]
        jira.adapter.write(encoded.ops[0])
        assert jira.fields(key)[Field("custom.topics[]")] == frozenset({"law"})


def test_members_of_others_stay() -> None:
    """Components, versions and choices are added and removed one by one."""
    with bench(before=planned, words={"custom": CUSTOM}) as jira:
        names = ("components", "milestone", "custom.platforms[]")
        old = (frozenset({"api"}), frozenset({"1.0"}), frozenset({"web"}))
        new = (frozenset({"billing"}), frozenset({"2.0"}), frozenset({"apple"}))
        key = jira.make(**dict(zip(names, old, strict=True)))
        encoded = jira.encoded(key, **dict(zip(names, new, strict=True)))
        jira.simulator.request(
            "PUT", f"/issue/{key}",
            {"update": {jira.simulator.field_id("Platforms"): [{"add": {"value": "API"}}], "labels": [{"add": "x"}]}},
        )  # fmt: skip
        for op in encoded.ops:
            jira.adapter.write(op)
        assert [jira.fields(key)[Field(name)] for name in names] == [*new[:2], frozenset({"apple", "API"})]


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_missing_names_are_told_or_made(deployment: str) -> None:
    """A component, version or sprint that is not there is a problem that names it, or made where the mapping says so."""
    names = (Field.COMPONENTS, Field.MILESTONE, Field.SPRINT)
    wanted: dict[str, Any] = {"components": frozenset({"new"}), "milestone": frozenset({"3.0"}), "sprint": "Next"}
    with bench(deployment=deployment) as jira:
        key = jira.simulator.add_issue("Strict")
        encoded = jira.encoded(key, title="Renamed", **wanted)
        assert {problem.field for problem in encoded.problems} == set(names)
        assert all("create = true" in problem.mend for problem in encoded.problems)
        assert [op.fields for op in encoded.ops] == [{Field.TITLE}]
    places = dict.fromkeys(names, Place(create=True))
    with bench(deployment=deployment, words={"places": places}) as jira:
        key = jira.make(**wanted)
        assert {name: jira.fields(key)[Field(name)] for name in wanted} == wanted
        other = jira.simulator.add_issue("The names are there already, and nobody asked again")
        jira.bring(other, components=wanted["components"], milestone=wanted["milestone"])
        assert jira.fields(other)[Field.COMPONENTS] == wanted["components"]


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_a_ticket_is_in_its_last_open_sprint(deployment: str) -> None:
    """Sprints that are over stay in Jira's field and are not the ticket's; leaving one goes to the backlog."""
    with bench(deployment=deployment, before=planned) as jira:
        key = jira.simulator.add_issue("Carried over")
        jira.simulator.to_sprint(key, 2)
        assert jira.fields(key)[Field.SPRINT] == "Sprint 2"
        jira.simulator.close_sprint(2)
        assert jira.fields(key)[Field.SPRINT] is None
        jira.bring(key, sprint="Sprint 3")
        assert jira.fields(key)[Field.SPRINT] == "Sprint 3"
        assert "Sprint 2" in str(jira.read(key).payload["fields"][jira.simulator.field_id("Sprint")])
        jira.bring(key, sprint=None)
        assert jira.fields(key)[Field.SPRINT] is None
        told = [(one.old, one.new) for one in jira.history(key) if one.field is Field.SPRINT]
        assert told == [(None, "Sprint 2"), (None, "Sprint 3"), ("Sprint 3", None)]


def test_a_sub_task_is_in_the_sprint_of_its_parent() -> None:
    """Nobody can put it anywhere else: it has no sprint of its own, and the parent's is no problem."""
    with bench(before=planned) as jira:
        parent = jira.simulator.add_issue("Parent", type="Story")
        child = jira.simulator.add_issue("Child", type="Sub-task", parent={"key": parent})
        jira.simulator.to_sprint(parent, 2)
        assert Field.SPRINT not in jira.fields(child)
        assert jira.encoded(child, sprint="Sprint 2").problems == ()
        encoded = jira.encoded(child, sprint="Sprint 3")
        assert (encoded.ops, [problem.field for problem in encoded.problems]) == ((), [Field.SPRINT])


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_estimates_stand_by_themselves(deployment: str) -> None:
    """One estimate is changed and the other stays; logged work is added, leaves the rest alone, and is never taken away."""
    with bench(deployment=deployment) as jira:
        key = jira.make(estimate="8", remaining="5")
        jira.bring(key, estimate="10")
        jira.bring(key, spent="1.5")
        fields = jira.fields(key)
        assert [fields[name] for name in (Field.ESTIMATE, Field.REMAINING, Field.SPENT)] == ["10", "5", "1.5"]
        jira.simulator.log_work(key, "30m", user="grace")
        jira.bring(key, spent="3")
        issue = jira.simulator.issue(key)
        assert [(log.author, log.seconds) for log in issue.worklogs] == [("bot", 5400), ("grace", 1800), ("bot", 3600)]
        encoded = jira.encoded(key, spent="1")
        assert encoded.ops == ()
        assert "never taken away" in encoded.problems[0].message
        jira.bring(key, estimate=None, remaining=None)
        assert jira.fields(key)[Field.ESTIMATE] is jira.fields(key)[Field.REMAINING] is None
        told = {(one.field, one.new) for one in jira.history(key) if one.field in (Field.ESTIMATE, Field.SPENT)}
        assert {(Field.ESTIMATE, "10"), (Field.SPENT, "1.5"), (Field.SPENT, "3")} <= told


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_what_jira_fills_by_itself_is_nobodys_statement(deployment: str) -> None:
    """A new ticket with an estimate has that much remaining: it is not emptied again, and not written a second time."""
    with bench(deployment=deployment) as jira:
        key = jira.make(estimate="3", remaining=None)
        assert jira.fields(key)[Field.REMAINING] == "3"
        assert jira.encoded(key, remaining=None).ops == ()
        jira.bring(key, remaining="1")
        jira.bring(key, remaining=None)
        assert jira.fields(key)[Field.REMAINING] is None


def test_a_refused_field_stops_nothing_else() -> None:
    """What Jira refuses after all names its field, also one whose id only this site has; the others are written."""
    with bench(before=planned, words={"custom": CUSTOM}) as jira:
        key = jira.simulator.add_issue("Refused")
        encoded = jira.encoded(key, title="Renamed", components=frozenset({"api"}), **{"custom.customer": "ACME"})
        reader = jira.simulator.world.planning
        reader.components.clear()
        field = jira.simulator.field_id("Customer reference")
        object.__setattr__(jira.simulator.catalogue, "hidden", frozenset({field}))
        refused = []
        for op in encoded.ops:
            try:
                jira.adapter.write(op)
            except Rejected as error:
                refused += [problem.field for problem in error.problems]
        assert refused == [Field.COMPONENTS, Field("custom.customer")]
        assert jira.simulator.issue(key).summary == "Renamed"


def test_a_refused_create_names_the_fields() -> None:
    """The engine can leave out what a create was refused for: each complaint is about a field of ours."""
    with bench(before=planned, words={"custom": CUSTOM}) as jira:
        fields = {Field(name): value for name, value in {"title": "T", "kind": "issue", **PLANS, **OWN}.items()}
        (op,) = CODEC.encode(diff_fields({}, fields), None, jira.mapping, jira.caps).ops
        sent = op.payload["body"]["fields"]
        spoiled = {jira.simulator.field_id("Customer reference"): 5, "fixVersions": [{"name": "9"}], "duedate": "?"}
        op.payload["body"]["fields"] = sent | spoiled
        with pytest.raises(Rejected) as caught:
            jira.adapter.write(op)
        told = {problem.field for problem in caught.value.problems}
        assert told == {Field("custom.customer"), Field.MILESTONE, Field.DUE}


def test_what_a_project_lacks_is_not_carried() -> None:
    """Fields that no screen shows, switched off functions and missing permissions are known before anything is written."""
    hidden = frozenset({"components", "duedate", "customfield_10065"})
    with bench(hidden=hidden, time_tracking=False, issue_linking=False, attachments=False) as jira:
        lacking = {
            Field.COMPONENTS, Field.DUE, Field.SEVERITY, Field.ESTIMATE, Field.REMAINING, Field.SPENT, Field.LINKS,
        }  # fmt: skip
        assert not lacking & jira.caps.fields
        assert not jira.caps.attachments
        assert not lacking & jira.fields(jira.simulator.add_issue("Plain")).keys()
    denied = frozenset({"MODIFY_REPORTER", "LINK_ISSUES", "WORK_ON_ISSUES", "CREATE_ATTACHMENTS"})
    with bench(denied=denied) as jira:
        assert jira.caps.tells == {Field.REPORTER, Field.LINKS, Field.SPENT}
        assert not jira.caps.attachments
        key = jira.simulator.add_issue("Told")
        assert jira.fields(key)[Field.REPORTER] == "ada"
        encoded = jira.encoded(key, reporter="grace", spent="2", links=frozenset({"blocks:1"}))
        assert (encoded.ops, encoded.problems) == ((), ())


def test_the_mapping_says_where_a_field_is_held() -> None:
    """`native` names another field, by its name or its id, whatever the site's own one would be."""
    places = {Field.POINTS: Place(native="Affected customers"), Field.TARGET: Place(native="customfield_10063")}
    with bench(words={"places": places}) as jira:
        key = jira.make(points="5", target="2026-06-01")
        custom = jira.simulator.issue(key).custom
        assert (custom["customfield_10062"], custom["customfield_10063"]) == (5.0, "2026-06-01")
        assert jira.fields(key)[Field.POINTS] == "5"


def test_names_may_be_put_into_fields_of_another_kind() -> None:
    """Components as a choice of several, a sprint as a text: the options are the names, or any will do."""
    places = {
        Field.COMPONENTS: Place(native="Platforms", create=True),
        Field.SPRINT: Place(native="Customer reference"),
    }
    with bench(words={"places": places}) as jira:
        key = jira.make(components=frozenset({"web", "iOS"}), sprint="Any week")
        assert jira.fields(key)[Field.COMPONENTS] == frozenset({"Web", "iOS"})
        assert jira.fields(key)[Field.SPRINT] == "Any week"
        (problem,) = jira.encoded(key, components=frozenset({"Web", "Toaster"})).problems
        assert "'Toaster'" in problem.message


def test_a_field_that_an_answer_lacks_is_not_empty() -> None:
    """A type of ticket without the field says nothing of it, and is told when somebody wants it there."""
    with bench() as jira:
        ticket = jira.read(jira.simulator.add_issue("Without"))
        slot = jira.simulator.field_id("Story Points")
        del ticket.payload["fields"][slot]
        assert Field.POINTS not in CODEC.decode(ticket, jira.mapping).snapshot.fields
        encoded = CODEC.encode(diff_fields({}, {Field.POINTS: "3"}), ticket, jira.mapping, jira.caps)
        assert encoded.ops == ()
        assert "no points" in encoded.problems[0].message


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_history_tells_of_plans(deployment: str) -> None:
    """Names come and go one by one, amounts and days as they were; each with its author."""
    with bench(deployment=deployment, before=planned, words={"custom": CUSTOM}) as jira:
        key = jira.make(components=frozenset({"api"}), points="3", due="2026-03-01", **OWN)
        jira.bring(key, components=frozenset({"billing"}), points="5.5", due=None, severity="low", reporter="grace")
        jira.bring(key, **{"custom.affected": "1", "custom.platforms[]": frozenset({"web"}), "custom.reviewer": "ada"})
        told = [(one.field, one.old, one.new) for one in jira.history(key)]
        for expected in (
            (Field.COMPONENTS, frozenset(), frozenset({"billing"})),
            (Field.COMPONENTS, frozenset({"api"}), frozenset()),
            (Field.POINTS, "3", "5.5"),
            (Field.DUE, "2026-03-01", None),
            (Field.SEVERITY, None, "low"),
            (Field("custom.affected"), "12.5", "1"),
            (Field("custom.platforms[]"), frozenset({"web", "apple"}), frozenset({"web"})),
            (Field("custom.reviewer"), "grace", "ada"),
        ):
            assert expected in told
        assert any(field is Field.REPORTER and new == "grace" for field, _, new in told)
