"""Where a ticket is to be brought: the present payload, as it changes field by field, and what can't be said there."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.github import texts, wire
from adapters.github.block import Block
from adapters.github.words import Words
from sync.core.capabilities import Capabilities
from sync.core.mapping import ProjectMapping
from sync.core.models import Field, FieldProblem, JsonObject


@dataclass(slots=True, kw_only=True)
class Goal:
    """`payload` as it should be; `unsaid` are the asked fields for whose value GitHub has no place.

    `block` is the body's block as it should be, `in_body` are the fields for which the body changes.
    """

    payload: JsonObject
    asked: frozenset[Field]
    mapping: ProjectMapping
    caps: Capabilities
    words: Words
    block: Block
    unsaid: set[Field] = field(default_factory=set)
    found: list[FieldProblem] = field(default_factory=list)
    in_body: set[Field] = field(default_factory=set)

    @classmethod
    def of(cls, payload: JsonObject, asked: frozenset[Field], mapping: ProjectMapping, caps: Capabilities) -> Goal:
        """A goal that is where the ticket is."""
        present = {
            "title": wire.text_of(payload, "title"),
            "body": payload.get("body"),
            "state": wire.text_of(payload, "state"),
            "state_reason": payload.get("state_reason"),
            "labels": wire.names_of(payload.get("labels")),
            "assignees": wire.objects(payload.get("assignees")),
            "type": wire.name_of(payload.get("type")),
            "milestone": wire.name_of(payload.get("milestone"), "title"),
            "issue_field_values": wire.field_values(payload),
        }
        return cls(
            payload={**payload, **present},
            asked=asked,
            mapping=mapping,
            caps=caps,
            words=Words.of(mapping),
            block=texts.parts(wire.text_of(payload, "body"))[1],
        )

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
        "milestone": None,
        "issue_field_values": [],
        wire.DEPENDENCIES: {},
    }
