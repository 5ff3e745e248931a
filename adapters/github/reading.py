"""A payload in canonical terms: every field that a repository carries."""

from __future__ import annotations

from typing import Any

from adapters.github import links, planning, texts, wire
from adapters.github.block import Block
from adapters.github.people import is_outsider
from adapters.github.places import LINK_ROWS, ROWS, spots
from adapters.github.words import Words
from sync.core.mapping import ProjectMapping
from sync.core.models import UNKNOWN, Field, FieldProblem, Fields, JsonObject, Value

_MENDS = {
    Field.STATUS: "Add it to [fields.status.values] of the mapping, written state:WORD.",
    Field.REASON: "Add it to [fields.reason.values] of the mapping.",
    Field.KIND: "Add a [[types]] row for it to the mapping, written type:NAME.",
    Field.TYPE: "Add a [[types]] row for it to the mapping, written type:NAME.",
    Field.PARENT: "Move the parent into this repository, or bridge its repository too.",
}
_MEMBERS = {
    Field.STATUS: "state",
    Field.REASON: "state_reason",
    Field.KIND: "type",
    Field.TYPE: "type",
    Field.PARENT: "parent_issue_url",
}


def read_fields(payload: JsonObject, mapping: ProjectMapping) -> dict[Field, Value]:
    """Every field that this replica carries and that the payload tells of."""
    words = Words.of(mapping)
    labels = wire.names_of(payload.get("labels"))
    state = wire.text_of(payload, "state")
    row = words.row(wire.name_of(payload.get("type")), labels)
    raw = wire.text_of(payload, "body")
    text, block, _ = texts.parts(raw)
    outside = is_outsider(payload, mapping)
    block = Block() if outside else block  # plans are not for anybody to make
    people = (mapping.people.read(wire.account_ids(user)) for user in wire.objects(payload.get("assignees")))
    fields: dict[Field, Value] = {
        Field.TITLE: wire.text_of(payload, "title"),
        Field.BODY: texts.restored(text, texts.mentions(mapping)),
        Field.KIND: UNKNOWN if row is UNKNOWN else row.kind,
        Field.TYPE: UNKNOWN if row is UNKNOWN else row.type,
        Field.STATUS: words.status(state, labels),
        Field.REASON: _reason(state, payload.get("state_reason"), mapping),
        Field.PRIORITY: words.meaning(Field.PRIORITY, labels),
        Field.SEVERITY: words.meaning(Field.SEVERITY, labels),
        Field.LABELS: frozenset(words.plain(labels)),
        Field.ASSIGNEES: frozenset(person for person in people if person is not None),
        Field.MILESTONE: planning.read_milestone(payload, mapping),
        Field.PARENT: links.read_parent(payload, block, mapping),
        Field.ATTACHMENTS: links.read_files(block),
    }
    if links.are_told(payload, mapping):
        fields[Field.LINKS] = links.read_links(payload, block, mapping)
    if (reporter := _reporter(payload, mapping)) is not None:
        fields[Field.REPORTER] = reporter
    for name, spot in spots(mapping).items():
        if outside and spot.kind == "block":
            continue
        fields[name] = planning.read_spot(name, spot, payload, block, mapping)
    return {name: value for name, value in fields.items() if name not in mapping.mapping.off}


def _reason(state: str, reason: Any, mapping: ProjectMapping) -> Value:
    if state != "closed" or not isinstance(reason, str):
        return None
    return mapping.read_reason(reason)


def _reporter(payload: JsonObject, mapping: ProjectMapping) -> str | None:
    """The author; nobody for an issue of our own account, which somebody elsewhere asked for."""
    login = wire.name_of(payload.get("user"), "login")
    ours = mapping.facts.extra.get("account")
    if login is None or (isinstance(ours, str) and login.casefold() == ours.casefold()):
        return None
    return mapping.people.read(wire.account_ids(payload.get("user")))


def problems(key: str, fields: Fields, payload: JsonObject, mapping: ProjectMapping) -> tuple[FieldProblem, ...]:
    """What could not be read, each with the words that stand there."""
    if UNKNOWN not in fields.values():
        return ()
    block = texts.parts(wire.text_of(payload, "body"))[1]
    placed = spots(mapping)
    found = []
    for name in (name for name, value in fields.items() if value is UNKNOWN):
        labels = (
            LINK_ROWS.values() if name is Field.LINKS else [placed[name].row if name in placed else ROWS.get(name, "")]
        )
        standing = [row for label in labels for row in block.rows(label)]
        word, mend = " / ".join(standing), "Mend its row in the block at the end of the issue's body, or take it out."
        if not standing and name in placed:
            word = " / ".join(planning.standing(name, placed[name], payload, block))
            mend = f"Change it on GitHub, or add it to [fields.{name}.values] of the mapping."
        elif not standing:
            word = str(wire.name_of(payload.get(_MEMBERS.get(name, ""))))
            mend = _MENDS.get(name, "Change it on GitHub.")
        message = f"github: {key}: {name} '{word}' has no meaning here"
        found.append(FieldProblem(field=name, message=message, mend=mend))
    return tuple(found)
