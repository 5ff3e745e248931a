"""What is planned around an issue, through PyGithub over HTTP: milestones, the organization's fields, labels with a prefix."""

from dataclasses import replace

import pytest

from adapters._simulator import Fault
from adapters.github.codec import CODEC
from sync.core.changes import diff_fields
from sync.core.errors import Forbidden, Rejected
from sync.core.ids import NativeRef
from sync.core.mapping import CustomRow, Place, ValueMap
from sync.core.models import UNKNOWN, Field
from tests.adapters.github_support import bench

CUSTOMER, REGIONS, TIER = Field("custom.customer"), Field("custom.regions[]"), Field("custom.tier")


@pytest.fixture
def hub():
    """One issue in a project of an organization with issue fields."""
    with bench() as made:
        made.simulator.add_issue(title="t")
        yield made


def values(hub, number=1):
    """The issue fields as GitHub holds them, by name."""
    issue = hub.simulator.issue(number)
    return {hub.simulator.repository.fields[key].name: value for key, value in issue.field_values.items()}


def labels(hub, number=1):
    return {label.name for label in hub.simulator.issue(number).labels}


def paths(hub):
    return [f"{method} {path.partition('/payments/')[2]}" for method, path in hub.requests()]


# -- milestones ----------------------------------------------------------------------------------------------


def test_a_milestone_goes_by_its_name(hub):
    """Set, changed and cleared; the present one stays while it is among those that are wanted."""
    for name in ("1.0", "2.0"):
        hub.simulator.add_milestone(name)
    hub.rebind()
    assert hub.write(1, **{Field.MILESTONE: frozenset({"2.0"})}) == ["milestone.set"]
    assert hub.simulator.issue(1).milestone.title == "2.0"
    assert hub.encode(1, **{Field.MILESTONE: frozenset({"1.0", "2.0"})}).ops == ()
    hub.write(1, **{Field.MILESTONE: frozenset({"1.0"})})
    assert hub.fields(1)[Field.MILESTONE] == {"1.0"}
    hub.write(1, **{Field.MILESTONE: frozenset()})
    assert hub.fields(1)[Field.MILESTONE] == frozenset()


def test_a_missing_milestone_is_told_or_made(hub):
    """Without leave it is a problem that names it and the mend; with `create` it is opened by a request of its own, once."""
    wanted = {Field.MILESTONE: frozenset({"3.0"})}
    encoded = hub.encode(1, **wanted)
    assert (encoded.ops, [one.field for one in encoded.problems]) == ((), [Field.MILESTONE])
    assert "3.0" in encoded.problems[0].message
    assert "create = true" in encoded.problems[0].mend
    # Nothing is foretold where nothing would be sent: so somebody is told.
    assert CODEC.project(wanted, hub.read(1), hub.mapping, hub.caps) == {}
    hub.rebind(places={Field.MILESTONE: Place(create=True)})
    hub.simulator.add_issue(title="u")
    assert hub.write(1, **wanted) == ["milestone.create", "milestone.set"]
    assert hub.write(2, **wanted) == ["milestone.create", "milestone.set"]
    assert hub.fields(2)[Field.MILESTONE] == {"3.0"}
    assert [one.title for one in hub.simulator.repository.milestones.values()] == ["3.0"]


def test_a_milestone_opened_since_the_probe_is_found(hub):
    """Its number is looked up when it is needed; one that was deleted is named in the refusal."""
    hub.simulator.add_milestone("1.0")
    hub.rebind()
    (op,) = hub.encode(1, **{Field.MILESTONE: frozenset({"1.0"})}).ops
    hub.adapter.write(op)
    hub.simulator.edit(1, milestone=None)
    hub.simulator.delete_milestone(1)
    with pytest.raises(Rejected) as caught:
        hub.adapter.write(op)
    assert [one.field for one in caught.value.problems] == [Field.MILESTONE]


def test_a_new_issue_has_its_milestone_and_its_fields_at_once(hub):
    """What is there already goes into the create."""
    hub.simulator.add_milestone("1.0")
    hub.rebind()
    wanted = {
        Field.TITLE: "new",
        Field.MILESTONE: frozenset({"1.0"}),
        Field.POINTS: "5",
        Field.START: "2026-03-01",
        Field.COMPONENTS: frozenset({"api"}),
        Field.SPRINT: "S1",
    }
    (op,) = CODEC.encode(diff_fields({}, wanted), None, hub.mapping, hub.caps).ops
    assert op.fields == wanted.keys()
    made = hub.adapter.write(op)
    assert {name: hub.fields(int(made.ref))[name] for name in wanted} == wanted
    assert made.ticket.version == hub.read(int(made.ref)).version


# -- the organization's fields -------------------------------------------------------------------------------


def test_issue_fields_hold_what_bears_their_name(hub):
    """Dates and points go into the organization's fields, one request each, and what others set there stays."""
    assert hub.write(1, **{Field.START: "2026-03-01", Field.POINTS: "2.5"}) == ["field.set", "field.set"]
    hub.simulator.set_field(1, "Customer", "Acme")
    hub.simulator.set_field(1, "Effort", "High")
    assert values(hub) == {
        "Start date": "2026-03-01",
        "Points": 2.5,
        "Customer": "Acme",
        "Effort": values(hub)["Effort"],
    }
    assert hub.write(1, **{Field.POINTS: "8", Field.START: None}) == ["field.clear", "field.set"]
    assert {name: value for name, value in values(hub).items() if name != "Effort"} == {"Points": 8, "Customer": "Acme"}
    assert hub.simulator.issue(1).body is None


def test_a_field_that_is_gone_already_is_cleared(hub):
    """Somebody else was first: that is no error."""
    hub.write(1, **{Field.POINTS: "3"})
    (op,) = hub.encode(1, **{Field.POINTS: None}).ops
    hub.simulator.set_field(1, "Points", None)
    assert hub.adapter.write(op).ref == "1"


def test_the_mapping_may_name_an_issue_field(hub):
    """A severity, a priority and custom fields in select and text fields; options by name, in the mapping's words."""
    for name, options in (("Severity", ("Critical", "High")), ("Tier", ("Gold", "Silver"))):
        hub.simulator.add_field(name, "single_select", options)
    hub.simulator.add_field("Regions", "multi_select", ("Europe", "Asia"))
    hub.rebind(
        places={Field.PRIORITY: Place(native="field:Priority"), Field.SEVERITY: Place(native="field:Severity")},
        fields={
            **hub.mapping.mapping.fields,
            Field.PRIORITY: ValueMap(values={"P0": ("Urgent",), "P1": ("High",)}),
            Field.SEVERITY: ValueMap(),
        },
        custom={
            CUSTOMER: CustomRow(type="text", native="Customer"),
            TIER: CustomRow(type="choice", native="field:Tier"),
            REGIONS: CustomRow(type="choices", native="Regions", values=ValueMap(values={"eu": ("Europe",)})),
        },
    )
    wanted = {
        Field.PRIORITY: "P1",
        Field.SEVERITY: "critical",
        CUSTOMER: "Acme",
        TIER: "Gold",
        REGIONS: frozenset({"eu", "Asia"}),
    }
    assert set(hub.write(1, **wanted)) == {"field.set"}
    assert {name: hub.fields(1)[name] for name in wanted} == wanted
    assert labels(hub) == set()
    encoded = hub.encode(1, **{TIER: "Bronze", Field.PRIORITY: "P3", REGIONS: frozenset({"eu", "Mars"})})
    assert {one.field for one in encoded.problems} == {TIER, Field.PRIORITY, REGIONS}
    assert [op.payload["issue_field_values"][0]["value"] for op in encoded.ops] == [["Europe"]]
    hub.simulator.set_field(1, "Priority", "Low")
    decoded = CODEC.decode(hub.read(1), hub.mapping)
    assert decoded.snapshot.fields[Field.PRIORITY] is UNKNOWN
    assert "'Low'" in decoded.problems[0].message
    assert "fields.priority.values" in decoded.problems[0].mend


def test_an_option_that_github_does_not_know_is_told(hub):
    """A refusal names the field in canonical terms."""
    (op,) = hub.encode(1, **{Field.POINTS: "3"}).ops
    payload = {"issue_field_values": [{**op.payload["issue_field_values"][0], "value": "many"}]}
    with pytest.raises(Rejected, match="the field Points of #1"):
        hub.adapter.write(replace(op, payload=payload))


def test_a_value_that_is_dropped_in_silence_is_told(hub):
    """The answer lists all values; one that is not among them was not set."""
    (op,) = hub.encode(1, **{Field.POINTS: "3"}).ops
    hub.simulator.faults.append(Fault(fault="status", path="/issue-field-values$", status=200, body=[]))
    with pytest.raises(Rejected, match="silence") as caught:
        hub.adapter.write(op)
    assert [one.field for one in caught.value.problems] == [Field.POINTS]


def test_values_from_before_the_organization_had_fields_are_read_in_the_block(hub):
    """A row counts while the field is empty, and goes when the field is written."""
    body = "Text\n\n<!-- trackdown fields -->\n- **Points:** 3\n- **Sprint:** S\n<!-- /trackdown fields -->"
    hub.simulator.edit(1, body=body)
    assert hub.fields(1)[Field.POINTS] == "3"
    assert hub.encode(1, **{Field.POINTS: "3"}).ops == ()
    assert hub.write(1, **{Field.POINTS: "5"}) == ["issue.edit", "field.set"]
    assert "Points" not in hub.simulator.issue(1).body
    assert (hub.fields(1)[Field.POINTS], hub.fields(1)[Field.SPRINT]) == ("5", "S")


def test_a_repository_of_a_person_has_no_issue_fields():
    """Nothing asks for them, and the block holds all."""
    with bench(owner_type="User") as hub:
        hub.simulator.add_issue(title="t")
        assert hub.caps.facts.extra["issue_fields"] == []
        assert hub.write(1, **{Field.POINTS: "3", Field.START: "2026-03-01"}) == ["issue.edit"]
        assert "- **Points:** 3\n- **Start date:** 2026-03-01" in hub.simulator.issue(1).body


# -- labels with a prefix ------------------------------------------------------------------------------------


def test_components_and_severities_are_labels_of_their_own_kind(hub):
    """They come and go one by one, are none of the ticket's labels, and a change of several is no change of the others."""
    hub.simulator.edit(1, labels=["keep", "Component: API"])
    wanted = {Field.COMPONENTS: frozenset({"API", "web"}), Field.SEVERITY: "high"}
    assert set(hub.write(1, **wanted)) == {"labels.add"}
    assert labels(hub) == {"keep", "Component: API", "component: web", "severity: high"}
    assert {name: hub.fields(1)[name] for name in wanted} == wanted
    assert hub.fields(1)[Field.LABELS] == {"keep"}
    assert hub.write(1, **{Field.SEVERITY: "low", Field.COMPONENTS: frozenset({"web"})}) == ["issue.edit"]
    assert labels(hub) == {"keep", "component: web", "severity: low"}
    encoded = hub.encode(1, **{Field.LABELS: frozenset({"component: mine"}), Field.COMPONENTS: frozenset({"x" * 60})})
    assert {one.field for one in encoded.problems} == {Field.LABELS, Field.COMPONENTS}


def test_any_field_may_be_a_label(hub):
    """A sprint and a customer by a prefix of the mapping's; the alphabet decides between two."""
    hub.rebind(
        places={Field.SPRINT: Place(native="label:sprint/")},
        custom={},
    )
    assert hub.write(1, **{Field.SPRINT: "12"}) == ["labels.add"]
    assert (labels(hub), hub.fields(1)[Field.SPRINT]) == ({"sprint/12"}, "12")
    hub.write(1, **{Field.SPRINT: "13"})
    assert labels(hub) == {"sprint/13"}
    hub.simulator.edit(1, labels=["sprint/9", "sprint/10"])
    assert hub.fields(1)[Field.SPRINT] == "10"


# -- the rest ------------------------------------------------------------------------------------------------


def test_the_reporter_is_told_and_never_set(hub):
    """A person's issue has an author; ours were asked for by somebody elsewhere."""
    hub.simulator.add_issue(title="ours", as_user="trackdown-bot")
    hub.simulator.add_issue(title="hers", as_user="grace")
    assert Field.REPORTER in hub.caps.tells
    assert (hub.fields(1)[Field.REPORTER], hub.fields(3)[Field.REPORTER]) == ("ada", "grace")
    assert Field.REPORTER not in hub.fields(2)
    assert hub.encode(1, **{Field.REPORTER: "grace"}).ops == ()


def test_the_history_tells_of_milestones_and_labelled_fields(hub):
    """From the timeline of one issue and from the events of several alike."""
    hub.simulator.set_milestone(1, "1.0")
    for title in ("two", "three", "four"):
        hub.simulator.add_issue(title=title)
    since = hub.simulator.clock.now()
    hub.simulator.clock.advance(60)
    hub.simulator.set_milestone(1, "2.0", as_user="grace")
    hub.simulator.clock.advance(60)
    hub.simulator.edit(1, labels=["component: api", "severity: low"], as_user="ada")
    expected = [
        (Field.MILESTONE, "grace", frozenset({"1.0"}), frozenset({"2.0"})),
        (Field.SEVERITY, "ada", None, "low"),
        (Field.COMPONENTS, "ada", frozenset(), frozenset({"api"})),
    ]
    for refs in (["1"], ["1", "2", "3", "4"]):
        events = hub.adapter.history([NativeRef(ref) for ref in refs], since)
        found = [
            (one.field, one.author, one.old, one.new)
            for event in events
            for one in CODEC.decode_event(event, hub.mapping)
        ]
        assert sorted(found, key=str) == sorted(expected, key=str)


def test_what_no_feed_tells_of_is_found_by_and_by():
    """Every ten minutes an idle pull looks at a page of the whole list: a field that moved nothing, a label renamed."""
    with bench(fields_touch=False) as hub:
        hub.simulator.add_issue(title="t", labels=["component: api"])
        hub.simulator.add_issue(title="u")
        cursor, brought = None, []
        for turn in range(20):
            pages = list(hub.adapter.pull(cursor))
            cursor = pages[-1].cursor
            sent = hub.requests()
            brought += [one for page in pages for one in page.tickets] if turn > 11 else []
            assert turn < 2 or brought or len(sent) == 2
            hub.simulator.clock.advance(80)
            if turn == 11:
                hub.simulator.set_field(2, "Points", 3)
                hub.simulator.world.label(hub.simulator.repository, "component: api").name = "component: web"
        found = {one.ref: CODEC.decode(one, hub.mapping).snapshot.fields for one in brought}
        assert (len(brought), found["2"][Field.POINTS], found["1"][Field.COMPONENTS]) == (2, "3", {"web"})


def test_an_archived_repository_refuses_with_its_reason(hub):
    """The probe says so beforehand; a write in between is Forbidden, and nothing is lost."""
    (op,) = hub.encode(1, **{Field.POINTS: "3"}).ops
    hub.simulator.archive()
    assert not hub.adapter.probe().can_write
    with pytest.raises(Forbidden, match="archived"):
        hub.adapter.write(op)


def test_without_leave_to_look_at_the_organization_there_are_no_fields(hub):
    """A token that may not read the organization's fields is told nothing, and the block holds them."""
    hub.simulator.faults.append(Fault(fault="status", path="/issue-fields$", status=403, body={"message": "no"}))
    hub.rebind()
    assert hub.caps.facts.extra["issue_fields"] == []
    assert hub.write(1, **{Field.POINTS: "3"}) == ["issue.edit"]


def test_a_write_of_a_title_costs_two_requests_whatever_else_there_is(hub):
    """Milestone, fields and block come with the issue."""
    hub.simulator.set_milestone(1, "1.0")
    hub.write(1, **{Field.POINTS: "3", Field.SPRINT: "S"})
    list(hub.adapter.pull(None))
    hub.requests()
    hub.write(1, **{Field.TITLE: "new"})
    assert paths(hub) == ["GET issues/1", "PATCH issues/1"]
