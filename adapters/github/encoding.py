"""The requests that lead from a ticket as it is to its goal: each of them can be refused alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.github import links, texts, wire
from adapters.github.goal import Goal
from adapters.github.places import IssueField, issue_fields, spots
from adapters.github.planning import milestones
from adapters.github.reading import read_fields
from sync.core.ids import Marker
from sync.core.models import Field, JsonObject, NativeTicket
from sync.core.ports import Encoded, NativeOp, OpKind


@dataclass(frozen=True, slots=True)
class Part:
    """One request: its action, what it does for people, its payload, the fields that it sets."""

    action: str
    summary: str
    payload: JsonObject
    fields: set[Field]


def creation(goal: Goal, marker: Marker | None) -> Encoded:
    """One POST; a new issue is open, has no parent and depends on nothing yet, and its milestone must be there."""
    payload = goal.payload
    if Field.TITLE in goal.unsaid:
        return Encoded(problems=goal.problems)
    body: JsonObject = {"title": payload["title"]}
    raw = payload["body"] or texts.write("", marker=marker)
    if raw:
        body["body"] = raw
    if payload["labels"]:
        body["labels"] = payload["labels"]
    if logins := wire.names_of(payload["assignees"], "login"):
        body["assignees"] = logins
    if payload["type"]:
        body["type"] = payload["type"]
    milestone = payload["milestone"] if payload["milestone"] in milestones(goal.mapping) else None
    if milestone:
        body["milestone"] = milestone
    if values := payload["issue_field_values"]:
        body["issue_field_values"] = [_value(row, _fields(goal)) for row in values]
    made = {**payload, "state": "open", "state_reason": None, "milestone": milestone, wire.DEPENDENCIES: {}}
    if links.has_parents(goal.mapping):
        made["parent"] = None
    opened, held = read_fields(made, goal.mapping), read_fields(payload, goal.mapping)
    done = {name for name in goal.asked if name in held and opened.get(name) == held[name]}
    op = NativeOp(
        kind=OpKind.CREATE,
        action="issue.create",
        summary=f"create '{payload['title']}'",
        payload=body,
        fields=frozenset(done - goal.unsaid),
        marker=marker,
    )
    return Encoded(ops=(op,), problems=goal.problems)


def updates(goal: Goal, current: NativeTicket) -> list[NativeOp]:
    """What an issue that is there needs."""
    words, new, old = goal.words, goal.payload, current.payload
    there, wanted = wire.names_of(old.get("labels")), wire.names_of(new.get("labels"))
    gone, added = _minus(there, wanted), _minus(wanted, there)
    patch, names = _patch(goal, old)
    # A change of status or type that swaps labels is one request, so that nobody sees half of it; labels alone are
    # added and removed one by one, so that nobody else's label is lost.
    owned_gone, owned_added = words.owned(gone), words.owned(added)
    if (owned_gone and owned_added) or ((owned_gone or owned_added) and {"state", "type"} & set(patch)):
        patch["labels"] = wanted
        names |= words.said(gone + added)
        gone, added = [], []
    parts: list[Part] = []
    if patch:
        told = ", ".join(sorted(set(patch) - {"state_reason", "duplicate_of"}))
        if any(wire.blockers(old, side) for side in wire.SIDES):
            patch[wire.DEPENDENCIES] = old[wire.DEPENDENCIES]
        parts.append(Part("issue.edit", f"set {told}", patch, names))
    if added:
        parts.append(Part("labels.add", f"add label {', '.join(added)}", {"labels": added}, words.said(added)))
    parts += [Part("label.remove", f"remove label {label}", {"label": label}, words.said([label])) for label in gone]
    parts += _people(wire.names_of(old.get("assignees"), "login"), wire.names_of(new.get("assignees"), "login"))
    parts += [*_milestone(goal, old), *_values(goal, old), *_family(goal, old), *_blockers(goal, current)]
    return [
        NativeOp(
            kind=OpKind.UPDATE,
            action=part.action,
            summary=f"{part.summary} of {current.key}",
            payload=part.payload,
            ref=current.ref,
            fields=frozenset(part.fields & goal.asked),
            expects=current.version,
        )
        for part in parts
    ]


def _patch(goal: Goal, old: JsonObject) -> tuple[JsonObject, set[Field]]:
    new, patch, names = goal.payload, JsonObject(), set[Field]()
    for key, fields in (("title", {Field.TITLE}), ("body", goal.in_body), ("type", {Field.KIND, Field.TYPE})):
        before = wire.name_of(old.get(key)) if key == "type" else old.get(key)
        if new[key] != before and (new[key] or before):
            patch[key] = new[key]
            names |= fields
    if new["state"] != old.get("state"):
        patch["state"] = new["state"]
        names |= {Field.STATUS, Field.REASON}
        if new["state"] == "closed":
            patch["state_reason"] = new["state_reason"]
            originals = links.read_links(new, goal.block, goal.mapping)
            found = [one.partition(":")[2] for one in sorted(originals or ()) if one.startswith("duplicates:")]  # type: ignore[arg-type]
            if new["state_reason"] == "duplicate" and found:
                patch["duplicate_of"] = found[0]
    return patch, names


def _people(there: list[str], wanted: list[str]) -> list[Part]:
    changes = (("assignees.add", _minus(wanted, there)), ("assignees.remove", _minus(there, wanted)))
    return [
        Part(
            action, f"{action.partition('.')[2]} assignee {', '.join(logins)}", {"assignees": logins}, {Field.ASSIGNEES}
        )
        for action, logins in changes
        if logins
    ]


def _milestone(goal: Goal, old: JsonObject) -> Iterator[Part]:
    before, after = wire.name_of(old.get("milestone"), "title"), goal.payload["milestone"]
    if before == after:
        return
    if after is not None and after not in milestones(goal.mapping):
        yield Part("milestone.create", f"open the milestone {after} for a ticket", {"title": after}, {Field.MILESTONE})
    told = f"set the milestone {after}" if after else "clear the milestone"
    yield Part("milestone.set", told, {"milestone": after}, {Field.MILESTONE})


def _fields(goal: Goal) -> dict[int, IssueField]:
    return {field.id: field for field in issue_fields(goal.mapping.facts)}


def _value(row: JsonObject, fields: dict[int, IssueField]) -> JsonObject:
    field, value = fields[row["id"]], row["value"]
    if field.type == "number" and isinstance(value, str):
        value = _number(value)
    return {"field_id": field.id, "value": value}


def _number(word: str) -> int | float | str:
    try:
        number = Decimal(word)
    except InvalidOperation:
        return word
    return int(number) if number == number.to_integral_value() else float(number)


def _values(goal: Goal, old: JsonObject) -> Iterator[Part]:
    """Issue fields one by one: what others set meanwhile stays."""
    before = {row["id"]: row.get("value") for row in wire.field_values(old)}
    after = {row["id"]: row for row in goal.payload["issue_field_values"]}
    names = {spot.field.id: name for name, spot in spots(goal.mapping).items() if spot.field is not None}
    for number, field in _fields(goal).items():
        said = {names[number]} if number in names else set()
        if number in after and after[number]["value"] != before.get(number):
            payload = {"issue_field_values": [_value(after[number], _fields(goal))]}
            yield Part("field.set", f"set the field {field.name}", payload, said)
        elif number in before and number not in after:
            yield Part("field.clear", f"clear the field {field.name}", {"field": number}, said)


def _family(goal: Goal, old: JsonObject) -> list[Part]:
    if not links.has_parents(goal.mapping):
        return []
    before, after = wire.parent_ref(old), wire.parent_ref(goal.payload)
    if after == before:
        return []
    child: JsonObject = {"sub_issue_id": old.get("id")}
    if after is None:
        return [Part("parent.clear", "clear the parent", {"parent": before, **child}, {Field.PARENT})]
    payload = {"parent": after, **child, "replace_parent": True}
    return [Part("parent.set", f"set the parent (#{after})", payload, {Field.PARENT})]


def _blockers(goal: Goal, current: NativeTicket) -> Iterator[Part]:
    """Dependencies can be written from the blocked issue only; `id` is the blocker's, 0 where it is not known yet."""
    old, new, me = current.payload, goal.payload, current.ref
    for side in wire.SIDES if links.depends(goal.mapping) else ():
        before, after = wire.blockers(old, side), wire.blockers(new, side)
        for ref in {**before, **after}:
            if (ref in before) == (ref in after):
                continue
            blocked, blocker = (me, ref) if side == "blocked_by" else (ref, me)
            number: Any = old.get("id") if blocker == me else before.get(ref, 0)
            payload = {"blocked": blocked, "blocker": blocker, "id": number}
            verb, action = ("remove", "blocker.remove") if ref in before else ("add", "blocker.add")
            yield Part(action, f"{verb} that #{blocker} blocks #{blocked}", payload, {Field.LINKS})


def _minus(names: list[str], others: list[str]) -> list[str]:
    there = {name.casefold() for name in others}
    return [name for name in names if name.casefold() not in there]
