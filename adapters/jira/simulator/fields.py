"""From the `fields` and `update` of a request to checked values of an issue, with Jira's own complaints."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from adapters.jira.simulator.catalogue import BLOCKED_REASON, EPIC_LINK, EPIC_NAME, STORY_POINTS, Named
from adapters.jira.simulator.document import is_document
from adapters.jira.simulator.errors import ApiError, not_on_screen
from adapters.jira.simulator.markup import plain, to_document
from adapters.jira.simulator.state import Issue, World

SUMMARY_LIMIT = 255
LABEL_LIMIT = 255


class FieldError(Exception):
    """What is wrong with the value of one field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldReader:
    """Reads field values for one request: `version` decides whether rich text is a document or a string."""

    world: World
    version: str
    text_limit: int

    def read(
        self,
        body: Mapping[str, Any],
        *,
        screen: tuple[str, ...],
        current: Issue | None,
        required: tuple[str, ...] = (),
        ignored: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """Attribute values for `World`; raises ApiError 400 with every complaint at once."""
        errors: dict[str, str] = {}
        raw = {name: value for name, value in (body.get("fields") or {}).items() if name not in ignored}
        for name, operations in (body.get("update") or {}).items():
            if name in ignored:
                continue
            if name in raw:
                errors[name] = f"Field '{name}' cannot be appear in both 'fields' and 'update'"
                continue
            try:
                raw[name] = self._updated(name, operations, current)
            except FieldError as error:
                errors[name] = str(error)
        values: dict[str, Any] = {}
        custom = dict(current.custom) if current else {}
        for name, value in raw.items():
            try:
                if name not in screen or name not in _READERS:
                    raise FieldError(not_on_screen(name))
                attribute, parsed = _READERS[name](self, value)
                if attribute == "custom":
                    custom[name] = parsed
                else:
                    values[attribute] = parsed
            except FieldError as error:
                errors[name] = str(error)
        for name in required:
            if raw.get(name) in (None, "", []) and name not in errors:
                errors[name] = _REQUIRED.get(name, f"{self.world.catalogue.fields[name].name} is required.")
        if errors:
            raise ApiError(400, **errors)
        return values | ({"custom": {k: v for k, v in custom.items() if v is not None}} if custom else {})

    def text(self, value: Any, name: str) -> Any:
        """Rich text in the form in which this site stores it."""
        if value is None or value == "":
            return None
        if self.version == "3":
            if not isinstance(value, dict):
                raise FieldError("Operation value must be an Atlassian Document (see the Atlassian Document Format)")
            if not is_document(value):
                raise ApiError(400, "INVALID_INPUT")
            stored: Any = value
        elif not isinstance(value, str):
            raise FieldError("Operation value must be a string")
        else:
            stored = to_document(value) if self.world.catalogue.cloud else value
        if len(plain(stored) or "") > self.text_limit:
            limit = f"{self.text_limit:,}" if name == "description" else str(self.text_limit)
            raise FieldError(f"The entered text is too long. It exceeds the allowed limit of {limit} characters.")
        return stored

    def _updated(self, name: str, operations: Any, current: Issue | None) -> Any:
        if not isinstance(operations, list) or not all(
            isinstance(each, dict) and len(each) == 1 for each in operations
        ):
            raise FieldError(f"Field '{name}' needs a list of operations.")
        if name == "labels":
            labels = list(current.labels if current else ())
            for operation in operations:
                match operation:
                    case {"set": list(values)}:
                        labels = list(values)
                    case {"add": str(label)}:
                        labels.append(label)
                    case {"remove": str(label)}:
                        labels = [each for each in labels if each != label]
                    case _:
                        raise FieldError("Operation value must be a string")
            return labels
        if name == "parent" and operations == [{"set": {"none": True}}]:
            return None
        if len(operations) != 1 or "set" not in operations[0]:
            raise FieldError(f"Field with id '{name}' and name '{name}' does not support operation")
        return operations[0]["set"]

    # -- one per field: (attribute of the issue, value) --------------------------------------------

    def project(self, value: Any) -> tuple[str, Any]:
        key = value.get("key") if isinstance(value, dict) else None
        if isinstance(value, dict) and str(value.get("id", "")).isdecimal():
            number = int(value["id"]) - 10000
            key = self.world.projects[number] if 0 <= number < len(self.world.projects) else None
        if key not in self.world.projects:
            raise FieldError("valid project is required")
        return "project", key

    def issuetype(self, value: Any) -> tuple[str, Any]:
        for kind in self.world.catalogue.types.values():
            if isinstance(value, dict) and (str(value.get("id")) == kind.id or value.get("name") == kind.name):
                return "type", kind.id
        raise FieldError("Specify a valid issue type")

    def summary(self, value: Any) -> tuple[str, Any]:
        value = "" if value is None else value
        if not isinstance(value, str):
            raise FieldError("Operation value must be a string")
        if not value.strip():
            raise FieldError("You must specify a summary of the issue.")
        if "\n" in value or "\r" in value:
            raise FieldError("The summary is invalid because it contains newline characters.")
        if len(value) > SUMMARY_LIMIT:
            raise FieldError(f"Summary can't exceed {SUMMARY_LIMIT} characters.")
        return "summary", value.strip()

    def description(self, value: Any) -> tuple[str, Any]:
        return "description", self.text(value, "description")

    def priority(self, value: Any) -> tuple[str, Any]:
        return "priority", self._named("priority", self.world.catalogue.priorities, value)

    def resolution(self, value: Any) -> tuple[str, Any]:
        return "resolution", self._named("resolution", self.world.catalogue.resolutions, value)

    def labels(self, value: Any) -> tuple[str, Any]:
        if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
            raise FieldError("Operation value must be a string")
        for label in value:
            if re.search(r"\s", label):
                raise FieldError(f"The label '{label}' contains spaces which is invalid.")
            if len(label) > LABEL_LIMIT:
                raise FieldError(f"The label '{label}' exceeds the maximum length of {LABEL_LIMIT} characters.")
        return "labels", tuple(sorted(set(filter(None, value))))

    def assignee(self, value: Any) -> tuple[str, Any]:
        name = self._person(value)
        if name is not None and not self.world.catalogue.people[name].assignable:
            raise FieldError(f"User '{name}' cannot be assigned issues.")
        return "assignee", name

    def reporter(self, value: Any) -> tuple[str, Any]:
        return "reporter", self._person(value)

    def duedate(self, value: Any) -> tuple[str, Any]:
        try:
            return "duedate", date.fromisoformat(value).isoformat() if value else None
        except (TypeError, ValueError) as error:
            raise FieldError("Error parsing date string: " + str(value)) from error

    def parent(self, value: Any) -> tuple[str, Any]:
        if value is None:
            return "parent", None
        wanted = value.get("key") or value.get("id") if isinstance(value, dict) else value
        return "parent", self._issue_id(wanted, "Could not find issue by id or key.")

    def epic_link(self, value: Any) -> tuple[str, Any]:
        if value is None:
            return "parent", None
        if str(value).isdecimal():  # the field takes keys only
            raise FieldError(f"Issue '{value}' does not exist.")
        number = self._issue_id(value, f"Issue '{value}' does not exist.")
        if self.world.catalogue.types[self.world.issues[number].type].level != 1:
            raise FieldError(f"Issue '{value}' is not an Epic.")
        return "parent", number

    def custom(self, value: Any) -> tuple[str, Any]:
        return "custom", value

    def _issue_id(self, wanted: Any, complaint: str) -> int:
        try:
            return self.world.find(str(wanted)).id
        except ApiError as error:
            raise FieldError(complaint) from error

    def _person(self, value: Any) -> str | None:
        if value is None:
            return None
        # Cloud knows people by account id alone: {"name": ...} finds nobody there.
        names = ("accountId", "id") if self.world.catalogue.cloud else ("name",)
        name = next((name for name in names if isinstance(value, dict) and name in value), None)
        if name is None:
            raise FieldError("expected Object containing a user")
        identifier = value[name]
        if identifier in (None, "-1"):
            return None
        person = self.world.catalogue.person(str(identifier))
        if person is None:
            raise FieldError(f"User '{identifier}' does not exist.")
        return person.name

    @staticmethod
    def _named(field_id: str, table: Mapping[str, Named], value: Any) -> str | None:
        if value is None:
            return None
        for row in table.values():
            if isinstance(value, dict) and (str(value.get("id")) == row.id or value.get("name") == row.name):
                return row.id
        shown = value.get("name", value.get("id")) if isinstance(value, dict) else value
        raise FieldError(f"{field_id.capitalize()} name '{shown}' is not valid")


_REQUIRED = {
    "project": "project is required",
    "issuetype": "issue type is required",
    "summary": "You must specify a summary of the issue.",
    EPIC_NAME: "Epic Name is required.",
}
_READERS: dict[str, Callable[[FieldReader, Any], tuple[str, Any]]] = {
    "project": FieldReader.project,
    "issuetype": FieldReader.issuetype,
    "summary": FieldReader.summary,
    "description": FieldReader.description,
    "priority": FieldReader.priority,
    "resolution": FieldReader.resolution,
    "labels": FieldReader.labels,
    "assignee": FieldReader.assignee,
    "reporter": FieldReader.reporter,
    "duedate": FieldReader.duedate,
    "parent": FieldReader.parent,
    EPIC_LINK: FieldReader.epic_link,
    EPIC_NAME: FieldReader.custom,
    STORY_POINTS: FieldReader.custom,
    BLOCKED_REASON: FieldReader.custom,
}
