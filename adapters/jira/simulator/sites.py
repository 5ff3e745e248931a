"""The sites that can be simulated: their people, statuses, types, workflows and kinds of links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from adapters.jira.simulator.catalogue import (
    BLOCKED_REASON,
    Catalogue,
    Category,
    Deployment,
    IssueType,
    LinkType,
    Named,
    Person,
    Status,
    Style,
    Transition,
)
from adapters.jira.simulator.catalogue_fields import site_fields

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
_LINKS = (
    ("Blocks", "is blocked by", "blocks"),
    ("Cloners", "is cloned by", "clones"),
    ("Duplicate", "is duplicated by", "duplicates"),
    ("Relates", "relates to", "relates to"),
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


def _people(user: str, token: str, time_zone: str) -> dict[str, Person]:
    return {
        name: Person(
            name=name, account_id=account, display_name=display, active=active, assignable=assignable,
            roles=frozenset(roles), email=user if name == "bot" else f"{name}@acme.example",
            token=token if name == "bot" else f"{name}-token",
            time_zone=time_zone if name == "bot" else "Europe/London",
        )
        for name, account, display, active, assignable, roles in _PEOPLE
    }  # fmt: skip


def _statuses(style: Style, language: str) -> dict[str, Status]:
    statuses = {}
    for status_id, name, category in _CLASSIC_STATUSES:
        if style == "team-managed" and name not in ("To Do", "In Progress", "Done"):
            continue
        kind = _CATEGORIES[category]
        if language == "de":
            kind = Category(id=kind.id, key=kind.key, name=_GERMAN[kind.name], color=kind.color)
        shown = _GERMAN[name] if language == "de" else name
        statuses[status_id] = Status(id=status_id, name=shown, untranslated=name, category=kind)
    return statuses


def build_catalogue(
    *,
    deployment: Deployment,
    style: Style,
    user: str,
    token: str,
    time_zone: str,
    language: str,
    reason_required: bool,
    unreachable: frozenset[str],
    transition_fields: Mapping[str, tuple[str, ...]],
    link_types: Mapping[str, tuple[str, str]] | None,
    hidden: frozenset[str],
) -> Catalogue:
    """A site with five people; `user` is the bot's e-mail address, `hidden` are fields that the project does not show."""
    statuses = _statuses(style, language)
    people = _people(user, token, time_zone)
    if style == "team-managed":
        names = {"10000": "11", "3": "21", "10002": "31"}
        workflow = tuple(Transition(id=names[s.id], name=s.name, target=s.id) for s in statuses.values())
    else:
        workflow = _classic_workflow(reason_required)
    types = _TEAM_TYPES if style == "team-managed" else _CLASSIC_TYPES
    links = _LINKS if link_types is None else [(name, *told) for name, told in link_types.items()]
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
        transitions=tuple(
            replace(move, required=(*move.required, *transition_fields.get(move.name, ())))
            for move in workflow
            if statuses[move.target].untranslated not in unreachable
        ),
        fields=site_fields(deployment, style),
        hidden=hidden,
        link_types={
            str(10000 + number): LinkType(id=str(10000 + number), name=name, inward=inward, outward=outward)
            for number, (name, inward, outward) in enumerate(links)
        },
        initial_status="10000",
    )
