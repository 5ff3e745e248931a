"""The payload that a ticket should have: the present one with new values, as far as GitHub can hold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from adapters.github import texts, wire
from adapters.github.words import LABEL, MAX_LABEL, MAX_LABELS, ORDINARY, STATE, TYPE, Words
from sync.core.capabilities import Capabilities
from sync.core.ids import Marker
from sync.core.mapping import ProjectMapping
from sync.core.models import UNKNOWN, Field, FieldProblem, Fields, JsonObject, Value
from sync.text import Mentions, canonical

DEFAULT_REASON = "completed"  # what GitHub itself notes for a ticket that is closed without a word


@dataclass(slots=True)
class Goal:
    """`payload` as it should be; `unsaid` are the asked fields for whose value GitHub has no place."""

    payload: JsonObject
    asked: frozenset[Field]
    unsaid: set[Field] = field(default_factory=set)
    found: list[FieldProblem] = field(default_factory=list)

    @property
    def problems(self) -> tuple[FieldProblem, ...]:
        """What can't be said, one a field."""
        return tuple({problem.field: problem for problem in reversed(self.found)}.values())[::-1]

    def say(self, name: Field, message: str, mend: str, *, wholly: bool = True) -> None:
        """Note a problem; `wholly` when nothing of the value can be held."""
        self.found.append(FieldProblem(field=name, message=f"github: {message}", mend=mend))
        if wholly:
            self.unsaid.add(name)


def blank() -> JsonObject:
    """A ticket that is not there yet."""
    return {
        "title": "",
        "body": None,
        "state": "open",
        "state_reason": None,
        "labels": [],
        "assignees": [],
        "type": None,
    }


def reach(
    fields: Fields, payload: JsonObject, mapping: ProjectMapping, caps: Capabilities, *, marker: Marker | None = None
) -> Goal:
    """`payload` with `fields` in it; fields that are off, unsupported or UNKNOWN stay as they are."""
    asked = {
        name: value
        for name, value in fields.items()
        if name in caps.fields and name not in mapping.mapping.off and value is not UNKNOWN
    }
    present = {
        "title": wire.text_of(payload, "title"),
        "body": payload.get("body"),
        "state": wire.text_of(payload, "state"),
        "state_reason": payload.get("state_reason"),
        "labels": wire.names_of(payload.get("labels")),
        "assignees": payload["assignees"] if isinstance(payload.get("assignees"), list) else [],
        "type": wire.name_of(payload.get("type")),
    }
    goal = Goal({**payload, **present}, frozenset(asked))
    words = Words.of(mapping)
    if Field.TITLE in asked:
        _title(goal, asked[Field.TITLE], caps)
    if Field.BODY in asked:
        _body(goal, asked[Field.BODY], caps, marker, texts.mentions(mapping))
    if Field.KIND in asked or Field.TYPE in asked:
        _type(goal, asked, words, caps)
    if Field.STATUS in asked:
        _status(goal, asked, words)
    if Field.PRIORITY in asked:
        _priority(goal, asked[Field.PRIORITY], words)
    if Field.LABELS in asked:
        _labels(goal, asked[Field.LABELS], words)
    if Field.ASSIGNEES in asked:
        _assignees(goal, asked[Field.ASSIGNEES], mapping, caps)
    if Field.PARENT in asked:
        _parent(goal, asked[Field.PARENT])
    return goal


def _title(goal: Goal, value: Value, caps: Capabilities) -> None:
    title = " ".join(value.splitlines()).strip() if isinstance(value, str) else ""
    if not title:
        goal.say(Field.TITLE, "a title can't be empty", "Give the ticket a title.")
    elif caps.title_limit is not None and len(title) > caps.title_limit:
        message = f"the title has {len(title)} characters, the limit is {caps.title_limit}"
        goal.say(Field.TITLE, message, "Shorten it.")
    else:
        goal.payload["title"] = title


def _body(goal: Goal, value: Value, caps: Capabilities, marker: Marker | None, who: Mentions) -> None:
    standing = goal.payload["body"] if isinstance(goal.payload["body"], str) else ""
    wanted = value if isinstance(value, str) else ""
    if not marker and texts.read(standing, who) == canonical(wanted):
        return
    raw = texts.write(wanted, standing, marker=marker, who=who)
    if caps.body_limit is not None and len(raw) > caps.body_limit:
        message = f"the body has {len(raw)} characters, the limit is {caps.body_limit}"
        goal.say(Field.BODY, message, "Shorten it, or move a part of it into comments.")
    else:
        goal.payload["body"] = raw


def _type(goal: Goal, asked: Fields, words: Words, caps: Capabilities) -> None:
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


def _status(goal: Goal, asked: Fields, words: Words) -> None:
    payload, wanted = goal.payload, asked[Field.STATUS]
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


def _priority(goal: Goal, value: Value, words: Words) -> None:
    labels = goal.payload["labels"]
    if words.priority(labels) == (value or None):
        return
    word = words.mapping.write_priority(value) if isinstance(value, str) and value else None
    if value and (word is None or not word.startswith(LABEL)):
        goal.say(Field.PRIORITY, f"no label stands for {value}", "Add one to [fields.priority.values] of the mapping.")
        return
    kept = words.without(Field.PRIORITY, labels)
    goal.payload["labels"] = kept + ([word.removeprefix(LABEL).strip()] if word else [])


def _labels(goal: Goal, value: Value, words: Words) -> None:
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
    goal.payload["labels"] = owned + plain[: max(0, MAX_LABELS - len(owned))]


def _assignees(goal: Goal, value: Value, mapping: ProjectMapping, caps: Capabilities) -> None:
    present: list[Any] = [user for user in goal.payload["assignees"] if isinstance(user, dict)]
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
    goal.payload["assignees"] = kept[: caps.max_assignees]


def _parent(goal: Goal, value: Value) -> None:
    goal.payload["parent_issue_url"] = None
    goal.payload["parent"] = value if isinstance(value, str) and value else None
