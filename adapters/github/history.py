"""A ticket's own history, replayed: GitHub's timeline names what happened, here each entry gets the state around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from adapters.github import wire
from sync.core.ids import NativeRef
from sync.core.models import JsonObject, NativeEvent

_STATES = {"closed": "closed", "reopened": "open"}
_UNDONE = {"labeled": "unlabeled", "assigned": "unassigned", "milestoned": "demilestoned"}
_SIDES = {f"{side}_{verb}": side for side in wire.SIDES for verb in ("added", "removed")}


def replay(ref: NativeRef, entries: Sequence[JsonObject], start: JsonObject | None = None) -> Iterator[NativeEvent]:
    """Events with `before` and `after` in their payload; entries that change nothing of ours are left out.

    `entries`, oldest first, must be the whole timeline, or what came after the state `start`. Bodies are not in it, nor are
    issue fields. After a `start` the dependencies are told as what came and went, not as they are.
    One request makes several entries (a status that swaps two labels): what one account did within one second is one event.
    """
    pending: NativeEvent | None = None
    for event in _single(ref, entries, start or _first_state(entries)):
        if pending is not None and (pending.author, pending.at) == (event.author, event.at):
            pending = replace(event, payload={**event.payload, "before": pending.payload["before"]})
            continue
        if pending is not None:
            yield pending
        pending = event
    if pending is not None:
        yield pending


def rewound(issue: JsonObject, entries: Sequence[JsonObject]) -> JsonObject | None:
    """The state before `entries`, told from the issue after them; None where they do not say what was before."""
    state: JsonObject = {
        "title": wire.text_of(issue, "title"),
        "state": issue.get("state"),
        "state_reason": issue.get("state_reason"),
        "labels": [name for row in issue.get("labels") or () if (name := wire.name_of(row)) is not None],
        "assignees": [user for row in issue.get("assignees") or () if (user := wire.slim_account(row)) is not None],
        "type": wire.name_of(issue.get("type")),
        "milestone": wire.name_of(issue.get("milestone"), "title"),
        wire.DEPENDENCIES: {},
    }
    for entry in reversed(entries):
        match entry.get("event"):
            case "renamed" if isinstance(rename := entry.get("rename"), dict):
                state["title"] = wire.text_of(rename, "from")
            case "labeled" | "unlabeled" | "assigned" | "unassigned" | "milestoned" | "demilestoned" as event:
                undone = _UNDONE.get(event, event.removeprefix("un").removeprefix("de"))
                state = _after(state, {**entry, "event": undone}) or state
            case str() as event if event in _SIDES:
                undone = event.replace("added", "gone").replace("removed", "added").replace("gone", "removed")
                state = _after(state, {**entry, "event": undone}) or state
            case "closed":
                state |= {"state": "open", "state_reason": None}
            case "issue_type_added":
                state["type"] = None
            case (
                "reopened" | "issue_type_changed" | "issue_type_removed" | "parent_issue_added" | "parent_issue_removed"
            ):
                return None
    return state


def _first_state(entries: Iterable[JsonObject]) -> JsonObject:
    return {
        "title": _first_title(entries),
        "state": "open",
        "state_reason": None,
        "labels": [],
        "assignees": [],
        "type": None,
        "milestone": None,
        wire.DEPENDENCIES: {},
    }


def _single(ref: NativeRef, entries: Sequence[JsonObject], state: JsonObject) -> Iterator[NativeEvent]:
    for entry in entries:
        at = wire.moment(entry.get("created_at"))
        number = entry.get("id")
        if at is None or not isinstance(number, int):
            continue
        before, after = state, _after(state, entry)
        if after is None:
            continue
        state = after
        author = wire.name_of(entry.get("actor"), "login")
        payload: JsonObject = {"event": entry.get("event"), "before": before, "after": after}
        yield NativeEvent(id=f"{ref}:{number}", ref=ref, author=author, at=at, payload=payload)


def _first_title(entries: Iterable[JsonObject]) -> str:
    """The title before the first rename; it does not matter where there was none."""
    renames = (entry.get("rename") for entry in entries if entry.get("event") == "renamed")
    return next((wire.text_of(rename, "from") for rename in renames if isinstance(rename, dict)), "")


def _after(state: JsonObject, entry: JsonObject) -> JsonObject | None:
    event = entry.get("event")
    match event:
        case "renamed":
            rename = entry.get("rename")
            return {**state, "title": wire.text_of(rename, "to")} if isinstance(rename, dict) else None
        case "closed" | "reopened":
            reason = entry.get("state_reason") or ("completed" if event == "closed" else None)
            return {**state, "state": _STATES[event], "state_reason": reason}
        case "labeled" | "unlabeled":
            label = wire.name_of(entry.get("label"))
            return None if label is None else {**state, "labels": _changed(state["labels"], label, event == "labeled")}
        case "assigned" | "unassigned":
            user = wire.slim_account(entry.get("assignee"))
            if user is None:
                return None
            others = [one for one in state["assignees"] if one.get("login") != user.get("login")]
            return {**state, "assignees": others + ([user] if event == "assigned" else [])}
        case "issue_type_added" | "issue_type_changed":
            return {**state, "type": wire.name_of(entry.get("issue_type"))}
        case "issue_type_removed":
            return {**state, "type": None}
        case "parent_issue_added" | "parent_issue_removed":
            parent = entry.get("parent_issue")
            number = parent.get("number") if isinstance(parent, dict) and event == "parent_issue_added" else None
            return {**state, "parent": None if number is None else str(number)}
        case "milestoned" | "demilestoned":
            title = wire.name_of(entry.get("milestone"), "title")
            return None if title is None else {**state, "milestone": title if event == "milestoned" else None}
        case str() if event in _SIDES:
            return _depending(state, entry, _SIDES[event], there=event.endswith("added"))
    return None


def _depending(state: JsonObject, entry: JsonObject, side: str, *, there: bool) -> JsonObject | None:
    """The state with one dependency more or less; one on an issue of another repository changes nothing of ours."""
    other = entry[side] if isinstance(entry.get(side), dict) else {}
    number, home = other.get("number"), wire.name_of(other.get("repository"), "url")
    if not isinstance(number, int) or (home is not None and not wire.text_of(entry, "url").startswith(f"{home}/")):
        return None
    lists = state.get(wire.DEPENDENCIES, {})
    others = [row for row in lists.get(side, []) if row["ref"] != str(number)]
    mine = [{"ref": str(number), "id": 0}] if there else []
    return {**state, wire.DEPENDENCIES: {**lists, side: others + mine}}


def _changed(labels: list[str], label: str, there: bool) -> list[str]:
    others = [one for one in labels if one.casefold() != label.casefold()]
    return [*others, label] if there else others
