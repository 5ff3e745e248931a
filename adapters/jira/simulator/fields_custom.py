"""Values of custom fields, checked by the field's type with Jira's own complaints."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from adapters.jira.simulator.catalogue import FieldSpec, Option
from adapters.jira.simulator.errors import FieldError

if TYPE_CHECKING:
    from adapters.jira.simulator.fields import FieldReader

TEXT_LIMIT = 255
#: The one form of a time that Jira reads: milliseconds, and an offset without a colon.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}")


def custom_value(reader: FieldReader, spec: FieldSpec, value: Any) -> Any:
    """The value as an issue keeps it; None where it is cleared."""
    if spec.kind == "gh-sprint":
        return _sprints(reader, spec, value)
    if value is None:
        return None
    if spec.operations != ("set",):
        if not isinstance(value, list):
            raise FieldError("data was not an array")
        return tuple(dict.fromkeys(member(reader, spec, one) for one in value)) or None
    if spec.type == "number":
        return _number(value)
    if spec.type == "date":
        return iso_date(value)
    return _READERS[spec.kind if spec.kind in _READERS else "textfield"](reader, spec, value)


def member(reader: FieldReader, spec: FieldSpec, value: Any) -> str:
    """One member of a many-valued field."""
    if spec.items == "user":
        name = reader.person(value)
        if name is None:
            raise FieldError("expected Object containing a user")
        return name
    return label(value) if spec.items == "string" else _option(spec, value)


def iso_date(value: Any) -> str | None:
    """A day."""
    try:
        return date.fromisoformat(value).isoformat() if value else None
    except (TypeError, ValueError) as error:
        raise FieldError(f"Error parsing date string: {value}") from error


def iso_time(value: Any) -> datetime:
    """A moment in the strict form that Jira wants."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise FieldError(f"Error parsing time: {value}")
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise FieldError(f"Error parsing time: {value}") from error


def label(value: Any) -> str:
    """A label: no spaces, 255 characters."""
    if not isinstance(value, str):
        raise FieldError("Operation value must be a string")
    if re.search(r"\s", value):
        raise FieldError(f"The label '{value}' contains spaces which is invalid.")
    if len(value) > TEXT_LIMIT:
        raise FieldError(f"The label '{value}' exceeds the maximum length of {TEXT_LIMIT} characters.")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FieldError("Operation value must be a number")
    return float(value)


def _text(_reader: FieldReader, _spec: FieldSpec, value: Any) -> str | None:
    if not isinstance(value, str):
        raise FieldError("Operation value must be a string")
    if len(value) > TEXT_LIMIT:
        raise FieldError(f"The entered text is too long. It exceeds the allowed limit of {TEXT_LIMIT} characters.")
    return value or None


def _url(reader: FieldReader, spec: FieldSpec, value: Any) -> str | None:
    text = _text(reader, spec, value)
    if text is not None and (urlsplit(text).scheme not in ("http", "https", "ftp", "mailto") or " " in text):
        raise FieldError("Not a valid URL")
    return text


def _among(options: tuple[Option, ...], name: str, value: Any) -> Option:
    if not isinstance(value, dict) or not {"id", "value"} & set(value):
        raise FieldError(f"Specify a valid 'id' or 'value' for {name}")
    for option in options:
        if (str(value["id"]) == option.id) if "id" in value else (value["value"] == option.value):
            return option
    told = "id" if "id" in value else "value"
    raise FieldError(f"Option {told} '{value[told]}' is not valid")


def _option(spec: FieldSpec, value: Any) -> str:
    return _among(spec.options, spec.name, value).id


def _cascade(_reader: FieldReader, spec: FieldSpec, value: Any) -> tuple[str, str | None]:
    outer = _among(spec.options, spec.name, value)
    child = value.get("child")
    return outer.id, None if child is None else _among(outer.children, spec.name, child).id


def _sprints(reader: FieldReader, spec: FieldSpec, value: Any) -> tuple[int, ...] | None:
    """One open sprint or none; the closed ones that an issue has been in stay."""
    sprints = reader.world.planning.sprints
    had = (reader.current.custom.get(spec.id) if reader.current else None) or ()
    closed = tuple(number for number in had if sprints[number].state == "closed")
    if value is None:
        return closed or None
    if isinstance(value, bool) or not re.fullmatch(r"\d+", str(value)):
        raise FieldError("Number value expected as the Sprint id.")
    sprint = sprints.get(int(value))
    if sprint is None:
        raise FieldError(f"Sprint with id {value} does not exist.")
    if sprint.state == "closed":
        raise FieldError("Issue can be assigned only active or future sprints.")
    return (*closed, sprint.id)


def _date_time(_reader: FieldReader, _spec: FieldSpec, value: Any) -> datetime:
    return iso_time(value)


def _rich(reader: FieldReader, spec: FieldSpec, value: Any) -> Any:
    return reader.text(value, spec.id)


def _user(reader: FieldReader, _spec: FieldSpec, value: Any) -> str | None:
    return reader.person(value)


def _choice(_reader: FieldReader, spec: FieldSpec, value: Any) -> str:
    return _option(spec, value)


_READERS: dict[str, Callable[[FieldReader, FieldSpec, Any], Any]] = {
    "textfield": _text,
    "textarea": _rich,
    "url": _url,
    "datetime": _date_time,
    "select": _choice,
    "radiobuttons": _choice,
    "cascadingselect": _cascade,
    "userpicker": _user,
}
