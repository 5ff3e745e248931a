"""Issue fields of the simulated GitHub: the organization's definitions, and reading the values that are sent."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any

from adapters.github.simulator.state import ApiError, FieldOption, FieldType, IssueField, JsonObject

MAX_VALUES = 25
COLORS = ("red", "orange", "yellow", "green")
#: The first four are what every organization starts with; the rest is this one's own.
ORGANIZATION_FIELDS: tuple[tuple[str, FieldType, tuple[str, ...]], ...] = (
    ("Priority", "single_select", ("Urgent", "High", "Medium", "Low")),
    ("Effort", "single_select", ("High", "Medium", "Low")),
    ("Start date", "date", ()),
    ("Target date", "date", ()),
    ("Points", "number", ()),
    ("Customer", "text", ()),
)


class Definitions:
    """Numbers the fields and options of one organization."""

    def __init__(self) -> None:
        self.fields: dict[int, IssueField] = {}
        self._ids: Iterator[int] = itertools.count(4_001)

    def add(self, name: str, data_type: FieldType, options: Iterable[str] = ()) -> IssueField:
        """Define a field; a select field with its options."""
        choices = [
            FieldOption(id=next(self._ids), name=option, color=color)
            for option, color in zip(options, itertools.cycle(COLORS), strict=False)
        ]
        made = IssueField(id=next(self._ids), name=name, data_type=data_type, options=choices)
        self.fields[made.id] = made
        return made


def parse_values(fields: dict[int, IssueField], payload: JsonObject) -> dict[int, Any]:
    """The values of an `issue_field_values` array by field; 422 for an unknown field, option or a wrong kind."""
    sent = payload.get("issue_field_values", [])
    if not isinstance(sent, list) or not all(isinstance(row, dict) for row in sent):
        raise ApiError(422, "Invalid request.\n\nFor 'properties/issue_field_values', it is not an array of objects.")
    if len(sent) > MAX_VALUES:
        raise ApiError(422, f"Invalid request.\n\nNo more than {MAX_VALUES} items are allowed; {len(sent)} were given.")
    values: dict[int, Any] = {}
    for row in sent:
        missing = [name for name in ("field_id", "value") if row.get(name) is None]
        if missing:
            raise ApiError(422, f'Invalid request.\n\n"{missing[0]}" wasn\'t supplied.')
        field = fields.get(row["field_id"]) if isinstance(row["field_id"], int) else None
        if field is None:
            raise ApiError(422, f"Issue field with id {row['field_id']} does not exist")
        values[field.id] = _READERS[field.data_type](field, row["value"])
    return values


def _text(field: IssueField, value: Any) -> Any:
    if not isinstance(value, str):
        raise ApiError(422, f"Invalid value for the text field {field.name}")
    return value


def _number(field: IssueField, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ApiError(422, f"Invalid value for the number field {field.name}")
    return value


def _date(field: IssueField, value: Any) -> Any:
    try:
        return date.fromisoformat(value[:10]).isoformat()
    except (TypeError, ValueError):
        raise ApiError(422, f"Invalid value for the date field {field.name}") from None


def _choice(field: IssueField, value: Any) -> int:
    option = field.option(name=value)
    if option is None:
        raise ApiError(422, f"Issue field option with name {value} does not exist")
    return option.id


def _choices(field: IssueField, value: Any) -> list[int]:
    if not isinstance(value, list):
        raise ApiError(422, f"Invalid value for the multi select field {field.name}")
    return [_choice(field, name) for name in value]


_READERS: dict[FieldType, Callable[[IssueField, Any], Any]] = {
    "text": _text,
    "number": _number,
    "date": _date,
    "single_select": _choice,
    "multi_select": _choices,
}
