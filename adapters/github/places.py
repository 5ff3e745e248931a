"""Where GitHub holds what it has no member of an issue for: in an issue field of the organization, in labels or in the block.

`[fields.x] native` says `block`, `field:NAME` or `label:PREFIX`. Where it says nothing, an issue field of the usual name is
taken if the organization has one, else the block.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from adapters.github.words import LABEL
from sync.core.capabilities import ProjectFacts
from sync.core.fieldrules import rule_of
from sync.core.mapping import CustomRow, ProjectMapping
from sync.core.models import Field, JsonObject

BLOCK = "block"
FIELD = "field:"
#: The labels of the rows, with which a person names a field in the block.
ROWS: Mapping[Field, str] = {
    Field.SEVERITY: "Severity",
    Field.COMPONENTS: "Components",
    Field.ESTIMATE: "Estimate",
    Field.REMAINING: "Remaining",
    Field.SPENT: "Time spent",
    Field.POINTS: "Points",
    Field.SPRINT: "Sprint",
    Field.START: "Start date",
    Field.TARGET: "Target date",
    Field.DUE: "Due date",
    Field.PRIORITY: "Priority",
    Field.PARENT: "Part of",
    Field.ATTACHMENTS: "Attachments",
}
LINK_ROWS: Mapping[str, str] = {
    "blocks": "Blocks",
    "blocked_by": "Blocked by",
    "relates": "Relates to",
    "duplicates": "Duplicate of",
    "duplicated_by": "Duplicated by",
}
_PLACED = tuple(name for name in ROWS if name not in (Field.PRIORITY, Field.PARENT, Field.ATTACHMENTS))
_USUAL: Mapping[Field, tuple[str, ...]] = {
    Field.POINTS: ("points", "story points"),
    Field.SPRINT: ("sprint", "iteration"),
}
#: Which issue fields can hold which values, and the custom types that they are read as.
_SUITS: Mapping[str, tuple[str, ...]] = {
    "number": ("number", "text"),
    "date": ("date", "text"),
    "set": ("multi_select",),
    "word": ("single_select", "text"),
}
_NUMBERS = (Field.ESTIMATE, Field.REMAINING, Field.SPENT, Field.POINTS)
_DAYS = (Field.START, Field.TARGET, Field.DUE)
CUSTOM_TYPES: Mapping[str, str] = {
    "text": "text",
    "number": "number",
    "date": "date",
    "single_select": "choice",
    "multi_select": "choices",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueField:
    """An organization's issue field; `options` None where any word will do."""

    id: int
    name: str
    type: str
    options: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """The place of one field: `prefix` of its labels, or `field`, and what is in neither is in the block's `row`."""

    kind: Literal["block", "label", "field"]
    row: str
    prefix: str = ""
    field: IssueField | None = None


@dataclass(frozen=True, slots=True)
class _Bound:
    digest: str
    mapping: ProjectMapping = field(compare=False)


def spots(mapping: ProjectMapping) -> Mapping[Field, Spot]:
    """Every field that has a place of this sort here; the others are members of an issue."""
    return _spots(_Bound(mapping.digest(), mapping))


@lru_cache(maxsize=16)  # asked for with every ticket
def _spots(bound: _Bound) -> Mapping[Field, Spot]:
    mapping = bound.mapping
    fields = issue_fields(mapping.facts)
    found: dict[Field, Spot] = {}
    for member in _PLACED:
        native = mapping.place(member).native
        if native is None and member is Field.SEVERITY and _has_labels(mapping, member):
            continue
        found[member] = _spot(member, native, ROWS[member], fields, _sort(member, None))
    if (native := mapping.place(Field.PRIORITY).native) is not None:
        found[Field.PRIORITY] = _spot(Field.PRIORITY, native, ROWS[Field.PRIORITY], fields, "word")
    taken = {label.casefold() for label in (*ROWS.values(), *LINK_ROWS.values())}
    for name, row in mapping.custom.items():
        label = rule_of(name).label.capitalize()
        label = f"{label} (custom)" if label.casefold() in taken else label
        found[name] = _spot(name, row.native, label, fields, _sort(name, row))
    return {name: spot for name, spot in found.items() if name not in mapping.mapping.off}


def _has_labels(mapping: ProjectMapping, name: Field) -> bool:
    return any(word.startswith(LABEL) for words in mapping.values(name).values.values() for word in words)


def _sort(name: Field, row: CustomRow | None) -> str:
    if row is not None:
        return "set" if row.type in ("choices", "people") else row.type if row.type in ("number", "date") else "word"
    return "number" if name in _NUMBERS else "date" if name in _DAYS else "set" if name is Field.COMPONENTS else "word"


def _spot(name: Field, native: str | None, row: str, fields: tuple[IssueField, ...], sort: str) -> Spot:
    if native is not None and native.startswith(LABEL):
        return Spot(kind="label", row=row, prefix=native.removeprefix(LABEL))
    wanted = _USUAL.get(name, (row.casefold(),)) if native is None else (native.removeprefix(FIELD).casefold(),)
    for one in fields:
        if (one.name.casefold() in wanted or str(one.id) in wanted) and one.type in _SUITS[sort]:
            return Spot(kind="field", row=row, field=one)
    return Spot(kind="block", row=row)


def issue_fields(facts: ProjectFacts) -> tuple[IssueField, ...]:
    """The organization's issue fields, as the probe found them."""
    rows = facts.extra.get("issue_fields")
    return tuple(found for row in rows if (found := _field(row)) is not None) if isinstance(rows, list) else ()


def _field(row: object) -> IssueField | None:
    if not isinstance(row, dict) or not isinstance(row.get("id"), int) or not isinstance(row.get("name"), str):
        return None
    options = row.get("options")
    return IssueField(
        id=row["id"],
        name=row["name"],
        type=str(row.get("type")),
        options=tuple(option for option in options if isinstance(option, str)) if isinstance(options, list) else None,
    )


def custom_fields(rows: list[JsonObject]) -> dict[str, str]:
    """By which names a mapping may ask for a custom field, with its type: an issue field's name or id, or the block."""
    known = {BLOCK: "text"}
    for row in rows:
        type_ = CUSTOM_TYPES.get(str(row["type"]), "")
        known |= {row["name"]: type_, f"{FIELD}{row['name']}": type_, str(row["id"]): type_}
    return known
