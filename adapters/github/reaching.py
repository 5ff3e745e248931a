"""The payload that a ticket should have: the present one with new values, as far as GitHub can hold them."""

from __future__ import annotations

from adapters.github import planning, texts, wire
from adapters.github.goal import Goal
from adapters.github.places import spots
from adapters.github.words import LABEL, MAX_LABEL, MAX_LABELS, ORDINARY, STATE, TYPE
from sync.core.capabilities import Capabilities
from sync.core.ids import Marker
from sync.core.mapping import ProjectMapping
from sync.core.models import UNKNOWN, Field, Fields, JsonObject, Value
from sync.text import canonical

DEFAULT_REASON = "completed"  # what GitHub itself notes for a ticket that is closed without a word


def reach(
    fields: Fields, payload: JsonObject, mapping: ProjectMapping, caps: Capabilities, *, marker: Marker | None = None
) -> Goal:
    """`payload` with `fields` in it; fields that are off, unsupported or UNKNOWN stay as they are."""
    carried = ((caps.fields - caps.tells) | mapping.custom.keys()) - mapping.mapping.off
    asked = {name: value for name, value in fields.items() if name in carried and value is not UNKNOWN}
    goal = Goal.of(payload, frozenset(asked), mapping, caps)
    if Field.TITLE in asked:
        _title(goal, asked[Field.TITLE])
    if Field.KIND in asked or Field.TYPE in asked:
        _type(goal, asked)
    if Field.STATUS in asked:
        _status(goal, asked)
    placed = spots(mapping)
    for name in (Field.PRIORITY, Field.SEVERITY):
        if name in asked and name not in placed:
            _by_label(goal, name, asked[name])
    if Field.ASSIGNEES in asked:
        _assignees(goal, asked[Field.ASSIGNEES])
    for name, spot in placed.items():
        if name in asked:
            planning.place(goal, name, spot, asked[name])
    for name, plan in planning.OTHERS.items():
        if name in asked:
            plan(goal, asked[name])
    if Field.LABELS in asked:
        _labels(goal, asked[Field.LABELS])
    _body(goal, asked, marker)
    return goal


def _title(goal: Goal, value: Value) -> None:
    title = " ".join(value.splitlines()).strip() if isinstance(value, str) else ""
    if not title:
        goal.say(Field.TITLE, "a title can't be empty", "Give the ticket a title.")
    elif (limit := goal.caps.title_limit) is not None and len(title) > limit:
        message = f"the title has {len(title)} characters, the limit is {limit}"
        goal.say(Field.TITLE, message, "Shorten it.")
    else:
        goal.payload["title"] = title


def _type(goal: Goal, asked: Fields) -> None:
    words, caps = goal.words, goal.caps
    present = words.row(goal.payload["type"], goal.payload["labels"])
    now = ORDINARY if present is UNKNOWN else present
    kind, type_ = asked.get(Field.KIND, now.kind) or now.kind, asked.get(Field.TYPE, now.type) or None
    if not isinstance(kind, str) or not (type_ is None or isinstance(type_, str)):
        return
    if present is not UNKNOWN and (present.kind, present.type) == (kind, type_):
        return
    row = words.row_for(kind, type_, caps.facts)
    if row is None:
        message = f"no issue type or label stands for {kind}"
        for name in {Field.KIND, Field.TYPE} & goal.asked:
            goal.say(name, message, f'Add a [[types]] row with kind = "{kind}" to the mapping.')
        return
    if present is not UNKNOWN and (row.kind, row.type) == (present.kind, present.type):
        return
    labels = words.without(Field.TYPE, goal.payload["labels"])
    native = row.native.removeprefix(TYPE) if row.native.startswith(TYPE) else None
    spelled = {name.casefold(): name.removeprefix(TYPE) for name in caps.facts.types}
    goal.payload["type"] = spelled.get(row.native.casefold(), native) if native else None
    goal.payload["labels"] = labels + ([row.native.removeprefix(LABEL).strip()] if row.native.startswith(LABEL) else [])


def _status(goal: Goal, asked: Fields) -> None:
    words, payload, wanted = goal.words, goal.payload, asked[Field.STATUS]
    word = words.mapping.write_status(wanted) if isinstance(wanted, str) else None
    if word is None:
        goal.say(Field.STATUS, f"nothing stands for {wanted}", "Add it to [fields.status.values] of the mapping.")
        return
    labels = words.without(Field.STATUS, payload["labels"])
    state, added = (
        (word.removeprefix(STATE), []) if word.startswith(STATE) else ("open", [word.removeprefix(LABEL).strip()])
    )
    if words.status(payload["state"], payload["labels"]) in (wanted, words.status(state, labels + added)):
        return
    if state != payload["state"]:
        reason = asked.get(Field.REASON)
        native = words.mapping.write_reason(reason) if isinstance(reason, str) and reason else None
        payload["state_reason"] = (native or DEFAULT_REASON) if state == "closed" else None
    payload["state"], payload["labels"] = state, labels + added


def _by_label(goal: Goal, name: Field, value: Value) -> None:
    """One label of the mapping for the value of a field."""
    labels = goal.payload["labels"]
    if goal.words.meaning(name, labels) == (value or None):
        return
    word = goal.mapping.values(name).write(value, None) if isinstance(value, str) and value else None
    if value and (word is None or not word.startswith(LABEL)):
        goal.say(name, f"no label stands for {value}", f"Add one to [fields.{name}.values] of the mapping.")
        return
    kept = goal.words.without(name, labels)
    goal.payload["labels"] = kept + ([word.removeprefix(LABEL).strip()] if word else [])


def _labels(goal: Goal, value: Value) -> None:
    words = goal.words
    wanted = sorted(value) if isinstance(value, frozenset) else []
    there = {label.casefold(): label for label in goal.payload["labels"]}
    own: dict[str, str] = {}
    for name in wanted:
        label = " ".join(name.split())
        if not label or len(label) > MAX_LABEL:
            message = f"the label '{label}' has {len(label)} characters, the limit is {MAX_LABEL}"
            goal.say(Field.LABELS, message, "Shorten it.", wholly=False)
        elif words.owner(label) is not Field.LABELS:
            message = f"the label '{label}' says the {words.owner(label).value} here"
            goal.say(Field.LABELS, message, "Rename it, or take it out of the mapping.", wholly=False)
        else:
            own.setdefault(label.casefold(), there.get(label.casefold(), label))
    owned = [label for label in goal.payload["labels"] if words.owner(label) is not Field.LABELS]
    order = {label.casefold(): place for place, label in enumerate(goal.payload["labels"])}
    plain = sorted(own.values(), key=lambda label: (order.get(label.casefold(), len(order)), label))
    lost = any(problem.field is Field.LABELS for problem in goal.found)
    if lost and plain == words.plain(goal.payload["labels"]):
        goal.unsaid.add(Field.LABELS)
    goal.payload["labels"] = owned + plain[: max(0, MAX_LABELS - len(owned))]


def _assignees(goal: Goal, value: Value) -> None:
    mapping, present = goal.mapping, goal.payload["assignees"]
    people = sorted(value) if isinstance(value, frozenset) else []
    kept = [user for user in present if mapping.people.read(wire.account_ids(user)) in people]
    there = {mapping.people.read(wire.account_ids(user)) for user in kept}
    strangers = [person for person in people if person not in there and mapping.people.write(person) is None]
    if strangers:
        message = f"{', '.join(strangers)}: no account on GitHub, as far as [people] says"
        goal.say(Field.ASSIGNEES, message, "Add their GitHub login to [people].", wholly=False)
    for person in people:
        login = mapping.people.write(person)
        if person not in there and login is not None:
            kept.append({"login": login})
    goal.payload["assignees"] = kept[: goal.caps.max_assignees]


def _body(goal: Goal, asked: Fields, marker: Marker | None) -> None:
    """The text and the block after it; where both together are too long, the text stays as it is."""
    standing = goal.payload["body"] if isinstance(goal.payload["body"], str) else ""
    there, block, _ = texts.parts(standing)
    value, who, limit = asked.get(Field.BODY), texts.mentions(goal.mapping), goal.caps.body_limit
    wanted = value if isinstance(value, str) else ""
    if Field.BODY in asked and (marker or texts.restored(there, who) != canonical(wanted)):
        raw = texts.write(wanted, standing, block=goal.block, marker=marker, who=who)
        if limit is None or len(raw) <= limit:
            goal.payload["body"] = raw
            goal.in_body.add(Field.BODY)
            return
        message = f"the body has {len(raw)} characters, the limit is {limit}"
        goal.say(Field.BODY, message, "Shorten it, or move a part of it into comments.")
    if goal.block.render() == block.render():
        return
    raw = texts.write(None, standing, block=goal.block, marker=marker)
    if limit is None or len(raw) <= limit:
        goal.payload["body"] = raw
        return
    for name in goal.in_body:
        goal.say(name, f"the body would have {len(raw)} characters, the limit is {limit}", "Shorten the body.")
    goal.block = block
