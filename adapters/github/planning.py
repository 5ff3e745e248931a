"""What is planned around a ticket, brought to its goal: fields with a place of their own, milestone, links, parent, files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from adapters.github import links, wire
from adapters.github.block import Block, escaped, joined, parted, plain
from adapters.github.goal import Goal
from adapters.github.places import ROWS, Spot
from adapters.github.spelling import HOURS, say, understand
from adapters.github.words import MAX_LABEL, suffixes
from sync.core.fieldrules import Shape, equal, rule_of, shape_of
from sync.core.mapping import ProjectMapping
from sync.core.models import UNKNOWN, Field, JsonObject, Value

_SLIP = "Mend the row in the block at the end of the issue's body, or take it out."


def read_spot(name: Field, spot: Spot, payload: JsonObject, block: Block, mapping: ProjectMapping) -> Value:
    """The value in its place, or else in the block: there a value may be left from before, or written by a person."""
    return understand(name, standing(name, spot, payload, block), mapping)


def standing(name: Field, spot: Spot, payload: JsonObject, block: Block) -> list[str]:
    """The words of that value."""
    is_set = shape_of(name) is Shape.SET
    words: list[str] = []
    if spot.field is not None:
        there = [row for row in wire.field_values(payload) if row["id"] == spot.field.id]
        words = wire.field_words(there[0]) if there else []
    elif spot.kind == "label":
        words = suffixes(wire.names_of(payload.get("labels")), spot.prefix)[: None if is_set else 1]
    if not words:
        rows = block.rows(spot.row)
        words = [word for row in rows for word in (parted(row) if is_set else [plain(row)]) if word]
    return words


def place(goal: Goal, name: Field, spot: Spot, value: Value) -> None:
    """Bring one field to its value."""
    present = read_spot(name, spot, goal.payload, goal.block, goal.mapping)
    if equal(name, present, value):
        return
    if present is UNKNOWN:
        mend = _SLIP if goal.block.rows(spot.row) else "Change it on GitHub, or give it a meaning in the mapping."
        goal.say(name, f"what stands for {rule_of(name).label.lower()} can't be understood", mend)
        return
    words, lost = say(name, value, goal.mapping, spot.field.options if spot.field is not None else None)
    if spot.kind == "label":
        too_long = [word for word in words if len(spot.prefix + word) > MAX_LABEL]
        words, lost = [word for word in words if word not in too_long], lost + too_long
    if lost:
        where = f"the issue field {spot.field.name}" if spot.field is not None else f"GitHub's {spot.kind}"
        mend = f"Change it, or give it a word in [fields.{name}.values] of the mapping."
        # Where the rest of a set is there already, nothing would be sent that the problem could come along with.
        wholly = shape_of(name) is not Shape.SET or equal(name, understand(name, words, goal.mapping), present)
        goal.say(name, f"{where} has no word for {', '.join(lost)}", mend, wholly=wholly)
        if wholly:
            return
    if spot.kind == "block":
        _put(goal, name, spot.row, _shown(name, words, goal.mapping))
        return
    if spot.field is not None:
        others = [row for row in goal.payload["issue_field_values"] if row["id"] != spot.field.id]
        native: list[str] | str | None = words if spot.field.type == "multi_select" else next(iter(words), None)
        mine = [{"id": spot.field.id, "name": spot.field.name, "value": native}] if words else []
        goal.payload["issue_field_values"] = others + mine
    else:
        folded = {word.casefold(): word for word in suffixes(goal.payload["labels"], spot.prefix)}
        kept = goal.words.without(name, goal.payload["labels"])
        goal.payload["labels"] = kept + [spot.prefix + folded.get(word.casefold(), word) for word in words]
    if goal.block.rows(spot.row):
        _put(goal, name, spot.row, None)


def _shown(name: Field, words: Sequence[str], mapping: ProjectMapping) -> str | None:
    if not words:
        return None
    if shape_of(name) is Shape.SET:
        return joined(words)
    row = mapping.custom.get(name)
    if row is not None and row.type == "url" and words[0].startswith(("https://", "http://")):
        return words[0] if not set(words[0]) & set(" \n<>\\") else escaped(words[0])
    return f"{escaped(words[0])} h" if name in HOURS else escaped(words[0])


def _put(goal: Goal, name: Field, row: str, value: str | None) -> None:
    goal.block.put(row, value)
    goal.in_body.add(name)


def read_milestone(payload: JsonObject, mapping: ProjectMapping) -> Value:
    """The milestone's name as a set of one."""
    title = wire.name_of(payload.get("milestone"), "title")
    return frozenset() if title is None else frozenset({mapping.read_name(Field.MILESTONE, title)})


def milestones(mapping: ProjectMapping) -> list[str]:
    """The titles of the repository's milestones, as the probe found them."""
    return wire.names_of(mapping.facts.extra.get("milestones"))


def _milestone(goal: Goal, value: Value) -> None:
    wanted = value if isinstance(value, frozenset) else frozenset()
    present = read_milestone(goal.payload, goal.mapping)
    if present and isinstance(present, frozenset) and present <= wanted:
        return
    available, title, lost = milestones(goal.mapping), None, False
    for name in sorted(wanted):
        known = goal.mapping.write_name(Field.MILESTONE, name, available)
        if known is None and goal.mapping.place(Field.MILESTONE).create:
            known = " ".join(str(goal.mapping.write_name(Field.MILESTONE, name)).split()) or None
        if known is None:
            mend = "Open it on GitHub, or write create = true under [fields.milestone] of the mapping."
            goal.say(Field.MILESTONE, f"the repository has no milestone {name}", mend, wholly=False)
            lost = True
        title = title or known
    if lost and title == goal.payload["milestone"]:
        goal.unsaid.add(Field.MILESTONE)
    goal.payload["milestone"] = title


def _links(goal: Goal, value: Value) -> None:
    if not links.are_told(goal.payload, goal.mapping):
        goal.unsaid.add(Field.LINKS)
        return
    wanted = value if isinstance(value, frozenset) else frozenset()
    present = links.read_links(goal.payload, goal.block, goal.mapping)
    if present == wanted:
        return
    if present is UNKNOWN:
        goal.say(Field.LINKS, "a row of links can't be understood", _SLIP)
        return
    before = goal.block.render()
    dependencies = links.write_links(wanted, goal.payload, goal.block, goal.mapping)
    if dependencies is not None:
        goal.payload[wire.DEPENDENCIES] = dependencies
    if goal.block.render() != before:
        goal.in_body.add(Field.LINKS)


def _parent(goal: Goal, value: Value) -> None:
    wanted = value if isinstance(value, str) and value else None
    row, native = ROWS[Field.PARENT], links.has_parents(goal.mapping)
    if native:
        goal.payload["parent_issue_url"], goal.payload["parent"] = None, wanted
    if links.row_refs(goal.block, row, goal.payload) == ([] if native or wanted is None else [wanted]):
        return
    if links.read_parent(goal.payload, goal.block, goal.mapping) is UNKNOWN:
        goal.say(Field.PARENT, f"the row '{row}' can't be understood", _SLIP)
        return
    links.put_refs(goal.block, row, [] if native or wanted is None else [wanted])
    goal.in_body.add(Field.PARENT)


def _files(goal: Goal, value: Value) -> None:
    present = links.read_files(goal.block)
    wanted = value if isinstance(value, frozenset) else frozenset()
    if present == wanted:
        return
    if present is UNKNOWN:
        goal.say(Field.ATTACHMENTS, "the row of attachments can't be understood", _SLIP)
        return
    links.write_files(goal.block, wanted)
    goal.in_body.add(Field.ATTACHMENTS)


#: How each of the remaining fields is brought to its value.
OTHERS: Mapping[Field, Callable[[Goal, Value], None]] = {
    Field.MILESTONE: _milestone,
    Field.PARENT: _parent,
    Field.LINKS: _links,
    Field.ATTACHMENTS: _files,
}
