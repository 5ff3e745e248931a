"""What a simulated Jira site is made of before its first issue: people, types, statuses, workflows, fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Deployment = Literal["cloud", "server"]
Style = Literal["classic", "team-managed"]

EPIC_LINK = "customfield_10014"
EPIC_NAME = "customfield_10011"
BLOCKED_REASON = "customfield_10050"
STORY_POINTS = "customfield_10016"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One account; `name` is the Data Center login and the short name of the convenience calls."""

    name: str
    account_id: str
    display_name: str
    email: str
    token: str
    time_zone: str
    active: bool = True
    assignable: bool = True
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A status category; its key never changes, its name follows the language."""

    id: int
    key: str
    name: str
    color: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A status; `name` follows the language, `untranslated` does not."""

    id: str
    name: str
    untranslated: str
    category: Category


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueType:
    """An issue type; level 1 is an epic, 0 ordinary, -1 a sub-task."""

    id: str
    name: str
    level: int
    description: str

    @property
    def subtask(self) -> bool:
        """Whether an issue of this type lives under another one of level 0."""
        return self.level < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A priority or a resolution."""

    id: str
    name: str
    description: str
    color: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A move of the workflow; `sources` are status ids, and empty means from everywhere."""

    id: str
    name: str
    target: str
    sources: frozenset[str] = frozenset()
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    @property
    def is_global(self) -> bool:
        """Whether it may be taken from any status."""
        return not self.sources

    @property
    def screen(self) -> tuple[str, ...]:
        """The fields that may be sent along."""
        return self.required + self.optional


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """One field as `/field` lists it."""

    id: str
    name: str
    type: str
    items: str | None = None
    custom: str | None = None
    editable: bool = True

    @property
    def schema(self) -> dict[str, object]:
        """The `schema` object of the field."""
        result: dict[str, object] = {"type": self.type}
        if self.items:
            result["items"] = self.items
        if self.custom:
            result |= {"custom": self.custom, "customId": int(self.id.removeprefix("customfield_"))}
        else:
            result["system"] = self.id
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The configuration of one site."""

    deployment: Deployment
    style: Style
    people: Mapping[str, Person]
    statuses: Mapping[str, Status]
    types: Mapping[str, IssueType]
    priorities: Mapping[str, Named]
    resolutions: Mapping[str, Named]
    transitions: tuple[Transition, ...]
    fields: Mapping[str, FieldSpec]
    initial_status: str
    done_resolution: str = "10000"
    by_account: Mapping[str, Person] = field(default_factory=dict)

    @property
    def cloud(self) -> bool:
        """Whether this is Jira Cloud."""
        return self.deployment == "cloud"

    def person(self, identifier: str) -> Person | None:
        """By account id on Cloud, by name on Data Center."""
        return (self.by_account if self.cloud else self.people).get(identifier)

    def transitions_from(self, status: str) -> tuple[Transition, ...]:
        """What may be done in a status, in the order of the screen."""
        return tuple(move for move in self.transitions if move.is_global or status in move.sources)


_CATEGORIES = {
    "new": Category(id=2, key="new", name="To Do", color="blue-gray"),
    "indeterminate": Category(id=4, key="indeterminate", name="In Progress", color="yellow"),
    "done": Category(id=3, key="done", name="Done", color="green"),
}
_GERMAN = {
    "To Do": "Zu erledigen",
    "In Progress": "In Arbeit",
    "In Review": "In Prüfung",
    "Blocked": "Blockiert",
    "Done": "Fertig",
    "Reopened": "Erneut geöffnet",
}
_CLASSIC_STATUSES = (
    ("10000", "To Do", "new"),
    ("3", "In Progress", "indeterminate"),
    ("10001", "In Review", "indeterminate"),
    ("10003", "Blocked", "indeterminate"),
    ("10002", "Done", "done"),
    ("4", "Reopened", "new"),
)
_CLASSIC_TYPES = (
    ("10000", "Epic", 1),
    ("10001", "Story", 0),
    ("10002", "Task", 0),
    ("10003", "Sub-task", -1),
    ("10004", "Bug", 0),
    ("10005", "Improvement", 0),
)
_TEAM_TYPES = (
    ("10010", "Epic", 1),
    ("10011", "Task", 0),
    ("10012", "Bug", 0),
    ("10013", "Story", 0),
    ("10014", "Subtask", -1),
)
_PRIORITIES = (
    ("1", "Highest", "#d04437"),
    ("2", "High", "#f15C75"),
    ("3", "Medium", "#f79232"),
    ("4", "Low", "#707070"),
    ("5", "Lowest", "#999999"),
)
_RESOLUTIONS = (("10000", "Done"), ("10001", "Won't Do"), ("10002", "Duplicate"), ("10003", "Cannot Reproduce"))
_PEOPLE = (
    # name, account id, display name, active, assignable, roles
    ("bot", "5b10ac8d82e05b22cc7d4ef5", "Trackdown Bot", True, True, ("Administrators", "Developers")),
    ("ada", "5b10a2844c20165700ede21g", "Ada Lovelace", True, True, ("Administrators", "Developers")),
    ("grace", "5b109f2e9729b51b54dc274d", "Grace Hopper", True, True, ("Developers",)),
    ("alan", "5d53f3cbc6b9320d9ea5bdc2", "Alan Turing", True, True, ("Developers",)),
    ("linus", "557058:f58131cb-b67d-43c7-b30d-6b58d40bd077", "Linus", False, False, ()),
)
_GREENHOPPER = "com.pyxis.greenhopper.jira:"
_CUSTOM_TYPES = "com.atlassian.jira.plugin.system.customfieldtypes:"
_FIELDS = (
    FieldSpec(id="project", name="Project", type="project"),
    FieldSpec(id="issuetype", name="Issue Type", type="issuetype"),
    FieldSpec(id="summary", name="Summary", type="string"),
    FieldSpec(id="description", name="Description", type="string"),
    FieldSpec(id="priority", name="Priority", type="priority"),
    FieldSpec(id="labels", name="Labels", type="array", items="string"),
    FieldSpec(id="assignee", name="Assignee", type="user"),
    FieldSpec(id="reporter", name="Reporter", type="user"),
    FieldSpec(id="duedate", name="Due date", type="date"),
    FieldSpec(id="parent", name="Parent", type="issuelink"),
    FieldSpec(id=STORY_POINTS, name="Story point estimate", type="number", custom=f"{_CUSTOM_TYPES}float"),
    FieldSpec(id="comment", name="Comment", type="comments-page", editable=False),
    FieldSpec(id="status", name="Status", type="status", editable=False),
    FieldSpec(id="resolution", name="Resolution", type="resolution", editable=False),
    FieldSpec(id="resolutiondate", name="Resolved", type="datetime", editable=False),
    FieldSpec(id="creator", name="Creator", type="user", editable=False),
    FieldSpec(id="created", name="Created", type="datetime", editable=False),
    FieldSpec(id="updated", name="Updated", type="datetime", editable=False),
    FieldSpec(id="subtasks", name="Sub-tasks", type="array", items="issuelinks", editable=False),
    FieldSpec(
        id=BLOCKED_REASON, name="Blocked reason", type="string", custom=f"{_CUSTOM_TYPES}textfield", editable=False
    ),
)
_SERVER_FIELDS = (
    FieldSpec(id=EPIC_LINK, name="Epic Link", type="any", custom=f"{_GREENHOPPER}gh-epic-link"),
    FieldSpec(id=EPIC_NAME, name="Epic Name", type="string", custom=f"{_GREENHOPPER}gh-epic-label"),
)


def _classic_workflow(reason_required: bool) -> tuple[Transition, ...]:
    todo, progress, review, blocked, done, reopened = (row[0] for row in _CLASSIC_STATUSES)
    working = frozenset({todo, progress, review, reopened})
    moves = (
        Transition(id="55", name="Escalate", target=blocked, sources=working, required=(BLOCKED_REASON,)),
        Transition(id="11", name="Start Progress", target=progress, sources=frozenset({todo, reopened})),
        Transition(id="21", name="Stop Progress", target=todo, sources=frozenset({progress})),
        Transition(id="31", name="Ready for Review", target=review, sources=frozenset({progress})),
        Transition(id="41", name="Request Changes", target=progress, sources=frozenset({review})),
        Transition(id="51", name="Block", target=blocked, sources=working),
        Transition(id="61", name="Unblock", target=progress, sources=frozenset({blocked})),
        Transition(
            id="71", name="Resolve Issue", target=done, sources=frozenset({progress, review}), required=("resolution",),
            optional=("assignee",),
        ),
        Transition(id="81", name="Close Issue", target=done, sources=frozenset({todo, reopened}), required=("resolution",)),
        Transition(id="91", name="Reopen Issue", target=reopened, sources=frozenset({done})),
    )  # fmt: skip
    return tuple(move for move in moves if not (reason_required and move.id == "51"))


def build_catalogue(
    *, deployment: Deployment, style: Style, user: str, token: str, time_zone: str, language: str, reason_required: bool
) -> Catalogue:
    """A site with five people; `user` is the bot's e-mail address."""
    statuses = {}
    for status_id, name, category in _CLASSIC_STATUSES:
        if style == "team-managed" and name not in ("To Do", "In Progress", "Done"):
            continue
        kind = _CATEGORIES[category]
        if language == "de":
            kind = Category(id=kind.id, key=kind.key, name=_GERMAN[kind.name], color=kind.color)
        shown = _GERMAN[name] if language == "de" else name
        statuses[status_id] = Status(id=status_id, name=shown, untranslated=name, category=kind)
    people = {
        name: Person(
            name=name, account_id=account, display_name=display, active=active, assignable=assignable,
            roles=frozenset(roles), email=user if name == "bot" else f"{name}@acme.example",
            token=token if name == "bot" else f"{name}-token",
            time_zone=time_zone if name == "bot" else "Europe/London",
        )
        for name, account, display, active, assignable, roles in _PEOPLE
    }  # fmt: skip
    if style == "team-managed":
        names = {"10000": "11", "3": "21", "10002": "31"}
        workflow = tuple(Transition(id=names[s.id], name=s.name, target=s.id) for s in statuses.values())
    else:
        workflow = _classic_workflow(reason_required)
    types = _TEAM_TYPES if style == "team-managed" else _CLASSIC_TYPES
    fields = _FIELDS + (_SERVER_FIELDS if deployment == "server" else ())
    return Catalogue(
        deployment=deployment,
        style=style,
        people=people,
        by_account={person.account_id: person for person in people.values()},
        statuses=statuses,
        types={
            i: IssueType(id=i, name=name, level=level, description=f"A {name.lower()}.") for i, name, level in types
        },
        priorities={i: Named(id=i, name=name, description="", color=color) for i, name, color in _PRIORITIES},
        resolutions={i: Named(id=i, name=name, description="") for i, name in _RESOLUTIONS},
        transitions=workflow,
        fields={spec.id: spec for spec in fields},
        initial_status="10000",
    )
