"""What shape each field has: how two values of it are compared and which policy settles it by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sync.core.models import Field, Value, is_empty


class Shape(StrEnum):
    """How values of a field combine."""

    SCALAR = "scalar"
    SET = "set"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class FieldRule:
    """The shape of a field, its label for people and the words that may follow `[bridges.x.fields]` for it."""

    shape: Shape
    label: str


RULES: Mapping[Field, FieldRule] = {
    Field.TITLE: FieldRule(Shape.SCALAR, "Title"),
    Field.BODY: FieldRule(Shape.TEXT, "Body"),
    Field.KIND: FieldRule(Shape.SCALAR, "Kind"),
    Field.TYPE: FieldRule(Shape.SCALAR, "Type"),
    Field.STATUS: FieldRule(Shape.SCALAR, "Status"),
    Field.REASON: FieldRule(Shape.SCALAR, "Reason"),
    Field.PRIORITY: FieldRule(Shape.SCALAR, "Priority"),
    Field.SEVERITY: FieldRule(Shape.SCALAR, "Severity"),
    Field.LABELS: FieldRule(Shape.SET, "Labels"),
    Field.COMPONENTS: FieldRule(Shape.SET, "Components"),
    Field.ASSIGNEES: FieldRule(Shape.SET, "Assignees"),
    Field.REPORTER: FieldRule(Shape.SCALAR, "Reporter"),
    Field.PARENT: FieldRule(Shape.SCALAR, "Parent"),
    Field.LINKS: FieldRule(Shape.SET, "Links"),
    Field.ESTIMATE: FieldRule(Shape.SCALAR, "Estimate (hours)"),
    Field.REMAINING: FieldRule(Shape.SCALAR, "Remaining (hours)"),
    Field.SPENT: FieldRule(Shape.SCALAR, "Time spent (hours)"),
    Field.POINTS: FieldRule(Shape.SCALAR, "Points"),
    Field.SPRINT: FieldRule(Shape.SCALAR, "Sprint"),
    Field.MILESTONE: FieldRule(Shape.SET, "Milestone"),
    Field.START: FieldRule(Shape.SCALAR, "Start date"),
    Field.TARGET: FieldRule(Shape.SCALAR, "Target date"),
    Field.DUE: FieldRule(Shape.SCALAR, "Due date"),
    Field.ATTACHMENTS: FieldRule(Shape.SET, "Attachments"),
}


#: Trackers hold these two in one native word: who writes one of them writes the other.
PARTNERS: Mapping[Field, Field] = {Field.KIND: Field.TYPE, Field.TYPE: Field.KIND}


def rule_of(field: Field) -> FieldRule:
    """The rule of `field`; a custom field's follows from its name."""
    if not field.is_custom:
        return RULES[field]
    name = field.value.removeprefix("custom.")
    return FieldRule(Shape.SET if name.endswith("[]") else Shape.SCALAR, name.removesuffix("[]").replace("_", " "))


def shape_of(field: Field) -> Shape:
    """The shape of `field`."""
    return rule_of(field).shape


def equal(field: Field, a: Value, b: Value) -> bool:
    """Whether two values say the same: all empties are equal, text up to line ends and trailing blanks."""
    if is_empty(a) or is_empty(b):
        return is_empty(a) and is_empty(b)
    if shape_of(field) is Shape.TEXT and isinstance(a, str) and isinstance(b, str):
        return text_key(a) == text_key(b)
    return a == b


def text_key(text: str) -> str:
    """The text without what trackers change on their own: line ends, trailing blanks, outer empty lines."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n")
