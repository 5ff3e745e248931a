"""What the changelog says of a change: one item a field, or one a member for components and versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adapters.jira.simulator.catalogue import EPIC_LINK, FieldSpec
from adapters.jira.simulator.markup import plain
from adapters.jira.simulator.model import ChangeItem, Issue, Link

if TYPE_CHECKING:
    from adapters.jira.simulator.state import World

#: Which attributes of an issue are told of, and the name of each in the changelog.
_NAMES = {
    "summary": "summary",
    "description": "description",
    "type": "issuetype",
    "status": "status",
    "resolution": "resolution",
    "priority": "priority",
    "labels": "labels",
    "assignee": "assignee",
    "reporter": "reporter",
    "duedate": "duedate",
    "original_estimate": "timeoriginalestimate",
    "remaining_estimate": "timeestimate",
    "time_spent": "timespent",
}
#: Attributes whose members come and go one by one: name of the item, id of the field.
_MEMBERS = {
    "components": ("Component", "components"),
    "fix_versions": ("Fix Version", "fixVersions"),
    "versions": ("Version", "versions"),
}
Told = tuple[str | None, str | None]


def items(world: World, name: str, before: Issue, after: Issue) -> Iterator[ChangeItem]:
    """The items of one attribute that differs."""
    if name == "custom":
        for field_id in sorted({*before.custom, *after.custom}):
            old, new = before.custom.get(field_id), after.custom.get(field_id)
            if old != new:
                yield _custom_item(world, world.catalogue.fields[field_id], old, new)
    elif name == "parent":
        yield _parent_item(world, before, after)
    elif name in _MEMBERS:
        yield from _member_items(world, name, getattr(before, name), getattr(after, name))
    elif name in _NAMES:
        old, old_text = _told(world, name, getattr(before, name))
        new, new_text = _told(world, name, getattr(after, name))
        shown = _NAMES[name]
        yield ChangeItem(field=shown, field_id=shown, old=old, old_text=old_text, new=new, new_text=new_text)


def link_item(world: World, link: Link, issue: Issue, *, made: bool) -> ChangeItem:
    """A link as seen from one of its issues."""
    kind, other = world.catalogue.link_types[link.type], world.issues[link.other(issue.id)]
    text = f"This issue {kind.outward if link.source == issue.id else kind.inward} {other.key}"
    if made:
        return ChangeItem(field="Link", field_id="issuelinks", new=other.key, new_text=text)
    return ChangeItem(field="Link", field_id="issuelinks", old=other.key, old_text=text)


def move_items(world: World, before: Issue, after: Issue) -> tuple[ChangeItem, ...]:
    """A move to another project."""
    old, new = (world.project_number(issue.project) for issue in (before, after))
    return (
        ChangeItem(
            field="project", field_id="project", old=str(old), old_text=world.project_name(before.project),
            new=str(new), new_text=world.project_name(after.project),
        ),
        ChangeItem(field="Key", field_id="Key", old_text=before.key, new_text=after.key),
    )  # fmt: skip


def _member_items(world: World, name: str, old: tuple[int, ...], new: tuple[int, ...]) -> Iterator[ChangeItem]:
    shown, field_id = _MEMBERS[name]
    table: Mapping[int, Any] = world.planning.components if name == "components" else world.planning.versions
    for number in old:
        if number not in new:
            yield ChangeItem(field=shown, field_id=field_id, old=str(number), old_text=table[number].name)
    for number in new:
        if number not in old:
            yield ChangeItem(field=shown, field_id=field_id, new=str(number), new_text=table[number].name)


def _custom_item(world: World, spec: FieldSpec, before: Any, after: Any) -> ChangeItem:
    (old, old_text), (new, new_text) = (_custom_told(world, spec, value) for value in (before, after))
    return ChangeItem(
        field=spec.name, field_id=spec.id, custom=True, old=old, old_text=old_text, new=new, new_text=new_text
    )


def _custom_told(world: World, spec: FieldSpec, value: Any) -> Told:
    if spec.kind == "gh-sprint":
        return ", ".join(map(str, value or ())), ", ".join(world.planning.sprints[one].name for one in value or ())
    if value is None:
        return None, ""
    options = {option.id: option.value for outer in spec.options for option in (outer, *outer.children)}
    match spec.kind:
        case "select" | "radiobuttons":
            return value, options[value]
        case "multiselect" | "multicheckboxes":
            return f"[{', '.join(value)}]", ",".join(options[one] for one in value)
        case "cascadingselect":
            levels = zip(("Parent values: ", "Level 1 values: "), filter(None, value), strict=False)
            text = "".join(f"{level}{options[one]}({one})" for level, one in levels)
            return text, text
        case "userpicker":
            return _person(world, value)
        case "multiuserpicker":
            accounts, names = zip(*(_person(world, one) for one in value), strict=True)
            return f"[{', '.join(accounts)}]", ", ".join(names)
        case "labels":
            return None, " ".join(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes"), f"{value:%d/%b/%y %I:%M %p}"
    if spec.type == "date":
        return value, f"{datetime.fromisoformat(value):%d/%b/%y}"
    if spec.type == "number":
        return None, f"{value:g}"
    return None, plain(value)


def _parent_item(world: World, before: Issue, after: Issue) -> ChangeItem:
    old, new = (world.issues.get(issue.parent or 0) for issue in (before, after))
    name, field_id = "IssueParentAssociation", None
    if not world.catalogue.cloud:
        subtask = world.catalogue.types[after.type].subtask
        name, field_id = ("Parent", "parent") if subtask else ("Epic Link", EPIC_LINK)
    return ChangeItem(
        field=name, field_id=field_id, custom=field_id == EPIC_LINK,
        old=str(old.id) if old else None, old_text=old.key if old else None,
        new=str(new.id) if new else None, new_text=new.key if new else None,
    )  # fmt: skip


def _person(world: World, name: str) -> tuple[str, str]:
    person = world.catalogue.people[name]
    return (person.account_id if world.catalogue.cloud else person.name), person.display_name


def _told(world: World, name: str, value: Any) -> Told:
    """The value as the changelog writes it: internal form and text."""
    site = world.catalogue
    if name == "labels":
        return "", " ".join(value)
    if value is None:
        return None, None
    if name in ("assignee", "reporter"):
        return _person(world, value)
    if name in ("summary", "description"):
        return None, plain(value)
    if name == "duedate":
        return value, f"{value} 00:00:00.0"
    if name in ("original_estimate", "remaining_estimate", "time_spent"):
        return str(value), str(value)
    tables: dict[str, Mapping[str, Any]] = {
        "type": site.types, "status": site.statuses, "priority": site.priorities, "resolution": site.resolutions,
    }  # fmt: skip
    return value, tables[name][value].name
