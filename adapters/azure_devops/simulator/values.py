"""What a field takes: the value that is kept for the value that was sent, or the service's refusal."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from adapters.azure_devops.simulator.errors import (
    ambiguous_identity,
    bad_argument,
    invalid_status,
    not_in_list,
    unknown_identity,
)
from adapters.azure_devops.simulator.fields import Field
from adapters.azure_devops.simulator.state import Organisation, User, sql_time
from adapters.azure_devops.simulator.text import split_tags

STRING_LIMIT, TEXT_LIMIT, TAG_LIMIT = 255, 1_000_000, 100
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
#: The oldest day that the service's database can hold.
_EPOCH = datetime(1753, 1, 1, tzinfo=UTC)


def converted(organisation: Organisation, field: Field, value: Any) -> Any:
    """The value as the service keeps it, None where it empties the field; raises ApiError."""
    if field.identity:
        return person(organisation, field, value)
    if field.reference == "System.Tags":
        return tags(organisation, str(value or ""))
    if value is None or value == "":
        return None
    match field.type:
        case "integer":
            return _integer(field, value)
        case "double":
            return _double(field, value)
        case "boolean":
            return _boolean(field, value)
        case "dateTime":
            return _date(field, value)
    if isinstance(value, dict | list):
        raise invalid_status("InvalidType", field.reference)
    text = str(value)
    if len(text) > (STRING_LIMIT if field.type in ("string", "treePath") else TEXT_LIMIT):
        raise invalid_status("InvalidTooLong", field.reference)
    return text


def check_allowed(field: Field, value: Any) -> None:
    """Raise where the field has a list of values and this is none of them; upper and lower case count as one."""
    if field.allowed and str(value).lower() not in {str(choice).lower() for choice in field.allowed}:
        raise not_in_list(field.reference, field.name, value)


def person(organisation: Organisation, field: Field, value: Any) -> User | None:
    """The one person whom the value means; raises ApiError where it is nobody or several."""
    if isinstance(value, dict):
        value = value.get("descriptor") or value.get("id") or value.get("uniqueName") or value.get("displayName")
    if not value:
        return None
    found = organisation.user(str(value))
    if len(found) == 1:
        return found[0]
    raise (ambiguous_identity if found else unknown_identity)(field.reference, field.name, value)


def tags(organisation: Organisation, value: str) -> str | None:
    """The tag string in the service's order and in the spelling that the project knows."""
    names = split_tags(value)
    if len(names) > TAG_LIMIT:
        raise bad_argument(f"A work item can have at most {TAG_LIMIT} tags.", "WorkItemTagLimitExceededException")
    spelt = [organisation.tags.get(name.lower(), name) for name in names]
    return "; ".join(sorted(spelt, key=str.lower)) or None


def _integer(field: Field, value: Any) -> int:
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        number = math.nan
    if not number.is_integer():
        raise invalid_status("InvalidType", field.reference)
    return int(number)


def _double(field: Field, value: Any) -> float:
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise invalid_status("InvalidType", field.reference)
    return number


def _boolean(field: Field, value: Any) -> bool:
    found = _TRUTH.get(str(value).lower())
    if found is None:
        raise invalid_status("InvalidType", field.reference)
    return found


def _date(field: Field, value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise invalid_status("InvalidType", field.reference) from None
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment < _EPOCH:
        raise invalid_status("InvalidDate", field.reference)
    return sql_time(moment)
