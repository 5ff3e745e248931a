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
    Field.LABELS: FieldRule(Shape.SET, "Labels"),
    Field.ASSIGNEES: FieldRule(Shape.SET, "Assignees"),
    Field.PARENT: FieldRule(Shape.SCALAR, "Parent"),
}


#: Trackers hold these two in one native word: who writes one of them writes the other.
PARTNERS: Mapping[Field, Field] = {Field.KIND: Field.TYPE, Field.TYPE: Field.KIND}


def shape_of(field: Field) -> Shape:
    """The shape of `field`."""
    return RULES[field].shape


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
