"""The fields of a simulated site: the system's own, those of the agile plugin, and custom ones of every usual type."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.jira.simulator.catalogue import (
    EPIC_LINK,
    EPIC_NAME,
    Deployment,
    FieldSpec,
    Option,
    Style,
)

_AGILE = "com.pyxis.greenhopper.jira:"
_PLANS = "com.atlassian.jpo:"
_TYPES = "com.atlassian.jira.plugin.system.customfieldtypes:"
_MANY = ("add", "set", "remove")
#: What a site without time tracking does not show.
TIME_FIELDS = frozenset(
    {
        "timetracking", "worklog", "timespent", "timeestimate", "timeoriginalestimate", "aggregatetimespent",
        "aggregatetimeestimate", "aggregatetimeoriginalestimate",
    }
)  # fmt: skip

_SYSTEM = (
    FieldSpec(id="project", name="Project", type="project"),
    FieldSpec(id="issuetype", name="Issue Type", type="issuetype", operations=()),
    FieldSpec(id="summary", name="Summary", type="string"),
    FieldSpec(id="description", name="Description", type="string"),
    FieldSpec(id="priority", name="Priority", type="priority"),
    FieldSpec(id="labels", name="Labels", type="array", items="string", operations=_MANY),
    FieldSpec(id="components", name="Components", type="array", items="component", operations=_MANY),
    FieldSpec(id="fixVersions", name="Fix versions", type="array", items="version", operations=_MANY),
    FieldSpec(id="versions", name="Affects versions", type="array", items="version", operations=_MANY),
    FieldSpec(id="assignee", name="Assignee", type="user"),
    FieldSpec(id="reporter", name="Reporter", type="user"),
    FieldSpec(id="duedate", name="Due date", type="date"),
    FieldSpec(id="parent", name="Parent", type="issuelink"),
    FieldSpec(
        id="timetracking", name="Time tracking", type="timetracking", operations=("set", "edit"), navigable=False
    ),
    FieldSpec(id="comment", name="Comment", type="comments-page", editable=False, navigable=False),
    FieldSpec(id="worklog", name="Log Work", type="array", items="worklog", editable=False, navigable=False),
    FieldSpec(id="attachment", name="Attachment", type="array", items="attachment", editable=False),
    FieldSpec(id="issuelinks", name="Linked Issues", type="array", items="issuelinks", editable=False),
    FieldSpec(id="watches", name="Watchers", type="watches", editable=False),
    FieldSpec(id="status", name="Status", type="status", editable=False),
    FieldSpec(id="resolution", name="Resolution", type="resolution", editable=False),
    FieldSpec(id="resolutiondate", name="Resolved", type="datetime", editable=False),
    FieldSpec(id="creator", name="Creator", type="user", editable=False),
    FieldSpec(id="created", name="Created", type="datetime", editable=False),
    FieldSpec(id="updated", name="Updated", type="datetime", editable=False),
    FieldSpec(id="subtasks", name="Sub-tasks", type="array", items="issuelinks", editable=False),
    FieldSpec(id="timespent", name="Time Spent", type="number", editable=False),
    FieldSpec(id="timeestimate", name="Remaining Estimate", type="number", editable=False),
    FieldSpec(id="timeoriginalestimate", name="Original estimate", type="number", editable=False),
    FieldSpec(id="aggregatetimespent", name="Σ Time Spent", type="number", editable=False),
    FieldSpec(id="aggregatetimeestimate", name="Σ Remaining Estimate", type="number", editable=False),
    FieldSpec(id="aggregatetimeoriginalestimate", name="Σ Original Estimate", type="number", editable=False),
)


def _custom(number: int, name: str, kind: str, type: str, *, choices: str = "", editable: bool = True) -> FieldSpec:  # noqa: A002
    """`type` "array of option" is an array; `choices` are words, those of a cascading field `Parent: child child`."""
    outer, _, items = type.partition(" of ")
    return FieldSpec(
        id=f"customfield_{number}", name=name, type=outer, items=items or None,
        custom=kind if ":" in kind else f"{_TYPES}{kind}", options=tuple(_options(number, choices)),
        operations=_MANY if items and "sprint" not in kind else ("set",), editable=editable,
    )  # fmt: skip


def _options(number: int, choices: str) -> Iterator[Option]:
    given = 10000 + (number % 100) * 20
    for choice in filter(None, choices.split("|")):
        parent, _, below = choice.partition(":")
        given += 1
        identifier, children = given, []
        for child in below.split():
            given += 1
            children.append(Option(id=str(given), value=child))
        yield Option(id=str(identifier), value=parent.strip(), children=tuple(children))


def _own() -> tuple[FieldSpec, ...]:
    return (
        _custom(10050, "Blocked reason", "textfield", "string", editable=False),
        _custom(10060, "Customer reference", "textfield", "string"),
        _custom(10061, "Impact", "textarea", "string"),
        _custom(10062, "Affected customers", "float", "number"),
        _custom(10063, "Go-live", "datepicker", "date"),
        _custom(10064, "Outage began", "datetime", "datetime"),
        _custom(10065, "Severity", "select", "option", choices="Critical|Major|Minor|Trivial"),
        _custom(10066, "Platforms", "multiselect", "array of option", choices="Web|iOS|Android|API"),
        _custom(10067, "Reviewer", "userpicker", "user"),
        _custom(10073, "Stakeholders", "multiuserpicker", "array of user"),
        _custom(10068, "Topics", "labels", "array of string"),
        _custom(10069, "Reference", "url", "string"),
        _custom(10070, "Checks", "multicheckboxes", "array of option", choices="Tested|Documented|Announced"),
        _custom(10071, "Risk", "radiobuttons", "option", choices="Low|Medium|High"),
        _custom(
            10072, "Region", "cascadingselect", "option-with-child", choices="Europe: Germany France|America: Brazil"
        ),
    )


def site_fields(deployment: Deployment, style: Style) -> dict[str, FieldSpec]:
    """All fields of a site by id; both point fields are there on Cloud, and only that of the style is on the screens."""
    cloud, team = deployment == "cloud", style == "team-managed"
    agile = [
        _custom(10020 if cloud else 10105, "Sprint", f"{_AGILE}gh-sprint", "array of json" if cloud else "array of string"),
        _custom(10028 if cloud else 10106, "Story Points", "float", "number", editable=not team),
        _custom(10022 if cloud else 10107, "Target start", f"{_PLANS}jpo-custom-field-baseline-start", "date"),
        _custom(10023 if cloud else 10108, "Target end", f"{_PLANS}jpo-custom-field-baseline-end", "date"),
    ]  # fmt: skip
    if cloud:
        agile += [
            _custom(10015, "Start date", "datepicker", "date"),
            _custom(10016, "Story point estimate", f"{_AGILE}jsw-story-points", "number", editable=team),
        ]
    else:
        agile += [
            FieldSpec(id=EPIC_LINK, name="Epic Link", type="any", custom=f"{_AGILE}gh-epic-link"),
            FieldSpec(id=EPIC_NAME, name="Epic Name", type="string", custom=f"{_AGILE}gh-epic-label"),
        ]
    return {spec.id: spec for spec in (*_SYSTEM, *_own(), *agile)}
