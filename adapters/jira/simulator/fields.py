"""From the `fields` and `update` of a request to checked values of an issue, with Jira's own complaints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from adapters.jira.simulator import durations
from adapters.jira.simulator.catalogue import EPIC_NAME, FieldSpec, Named
from adapters.jira.simulator.document import is_document
from adapters.jira.simulator.errors import ApiError, FieldError, not_on_screen
from adapters.jira.simulator.fields_custom import custom_value, iso_date, label, member
from adapters.jira.simulator.markup import plain, to_document
from adapters.jira.simulator.model import Issue
from adapters.jira.simulator.state import World

SUMMARY_LIMIT = 255
#: Attribute of an issue -> checked value; `custom` holds only the fields that were sent.
Values = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldReader:
    """Reads field values for one request: `version` decides whether rich text is a document or a string.

    `current` and `project` are those of the issue that is written.
    """

    world: World
    version: str
    text_limit: int
    current: Issue | None = None
    project: str | None = None

    def read(
        self,
        body: Mapping[str, Any],
        *,
        screen: tuple[str, ...],
        current: Issue | None,
        required: tuple[str, ...] = (),
        ignored: tuple[str, ...] = (),
    ) -> Values:
        """Attribute values for `World`; raises ApiError 400 with every complaint at once."""
        sent = {name: value for name, value in (body.get("fields") or {}).items() if name not in ignored}
        operations = {name: value for name, value in (body.get("update") or {}).items() if name not in ignored}
        bound = replace(self, current=current, project=current.project if current else self._project_of(sent))
        errors: dict[str, str] = {}
        found: dict[str, Values] = {}
        for name in {**sent, **operations}:
            try:
                if name in sent and name in operations:
                    raise FieldError(f"Field '{name}' cannot be appear in both 'fields' and 'update'")
                if name not in screen:
                    raise FieldError(not_on_screen(name))
                spec = self.world.catalogue.fields[name]
                found[name] = bound.value(spec, sent[name]) if name in sent else bound.operated(spec, operations[name])
            except FieldError as error:
                errors[str(error.place or name)] = str(error)
        for name in required:
            values = found.get(name, {"": None})
            if name not in errors and all(_empty(value) for value in values.values()):
                errors[name] = _REQUIRED.get(name, f"{self.world.catalogue.fields[name].name} is required.")
        if errors:
            raise ApiError(400, **errors)
        return self._merged(found.values(), current)

    def value(self, spec: FieldSpec, value: Any) -> Values:
        """One field that is set as a whole."""
        if spec.kind == "gh-epic-link":
            return self.epic_link(value)
        if reader := _SYSTEM.get(spec.id):
            return reader(self, value)
        return {"custom": {spec.id: custom_value(self, spec, value)}}

    def operated(self, spec: FieldSpec, operations: Any) -> Values:
        """One field of `update`."""
        if not isinstance(operations, list) or not all(
            isinstance(each, dict) and len(each) == 1 for each in operations
        ):
            raise FieldError(f"Field '{spec.id}' needs a list of operations.")
        if spec.operations == ("add", "set", "remove"):
            return self._members_operated(spec, operations)
        if spec.kind == "parent" and operations == [{"set": {"none": True}}]:
            return {"parent": None}
        if len(operations) != 1 or not set(operations[0]) <= set(spec.operations):
            raise FieldError(f"Field with id '{spec.id}' and name '{spec.id}' does not support operation")
        return self.value(spec, next(iter(operations[0].values())))

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
            limit = str(self.text_limit) if name == "comment" else f"{self.text_limit:,}"
            raise FieldError(f"The entered text is too long. It exceeds the allowed limit of {limit} characters.")
        return stored

    def _members_operated(self, spec: FieldSpec, operations: list[dict[str, Any]]) -> Values:
        """Members added to and taken from what the issue has; what is not there is taken away without complaint."""
        attribute = _ATTRIBUTES.get(spec.id, "")
        if attribute:
            held = getattr(self.current, attribute) if self.current else ()
        else:
            held = (self.current.custom.get(spec.id) if self.current else None) or ()
        members = list(held)
        for operation in operations:
            ((verb, value),) = operation.items()
            if verb == "set":
                ((_, members),) = self.value(spec, value).items()
                members = list(members if attribute else members[spec.id] or ())
            elif verb == "add":
                members.append(self._member(spec, value))
            elif verb == "remove":
                taken = self._member(spec, value)
                members = [each for each in members if each != taken]
            else:
                raise FieldError(f"Field with id '{spec.id}' and name '{spec.id}' does not support operation")
        kept = tuple(dict.fromkeys(members))
        if attribute:
            return {attribute: tuple(sorted(kept)) if spec.id == "labels" else kept}
        return {"custom": {spec.id: kept or None}}

    def _member(self, spec: FieldSpec, value: Any) -> Any:
        if spec.id in ("components", "fixVersions", "versions"):
            return self._planned(spec.id, value)
        return member(self, spec, value)

    def _project_of(self, sent: Mapping[str, Any]) -> str | None:
        try:
            return str(self.project_field(sent.get("project"))["project"])
        except FieldError:
            return None

    @staticmethod
    def _merged(found: Any, current: Issue | None) -> Values:
        values: Values = {}
        custom = dict(current.custom) if current else {}
        for one in found:
            custom |= one.get("custom", {})
            values |= {name: value for name, value in one.items() if name != "custom"}
        kept = {name: value for name, value in custom.items() if value is not None}
        return values | ({"custom": kept} if custom else {})

    # -- one per field: its attributes of the issue --------------------------------------------

    def project_field(self, value: Any) -> Values:
        wanted = (value.get("id") or value.get("key")) if isinstance(value, dict) else None
        key = self.world.project(str(wanted)) if wanted else None
        if key is None:
            raise FieldError("valid project is required")
        return {"project": key}

    def issuetype(self, value: Any) -> Values:
        for kind in self.world.catalogue.types.values():
            if isinstance(value, dict) and (str(value.get("id")) == kind.id or value.get("name") == kind.name):
                return {"type": kind.id}
        raise FieldError("Specify a valid issue type")

    def summary(self, value: Any) -> Values:
        value = "" if value is None else value
        if not isinstance(value, str):
            raise FieldError("Operation value must be a string")
        if not value.strip():
            raise FieldError("You must specify a summary of the issue.")
        if "\n" in value or "\r" in value:
            raise FieldError("The summary is invalid because it contains newline characters.")
        if len(value) > SUMMARY_LIMIT:
            raise FieldError(f"Summary can't exceed {SUMMARY_LIMIT} characters.")
        return {"summary": value.strip()}

    def description(self, value: Any) -> Values:
        return {"description": self.text(value, "description")}

    def priority(self, value: Any) -> Values:
        return {"priority": self._named("priority", self.world.catalogue.priorities, value)}

    def resolution(self, value: Any) -> Values:
        return {"resolution": self._named("resolution", self.world.catalogue.resolutions, value)}

    def labels(self, value: Any) -> Values:
        if not isinstance(value, list):
            raise FieldError("Operation value must be a string")
        return {"labels": tuple(sorted({label(each) for each in value if each != ""}))}

    def components(self, value: Any) -> Values:
        return {"components": self._all_planned("components", value)}

    def fix_versions(self, value: Any) -> Values:
        return {"fix_versions": self._all_planned("fixVersions", value)}

    def versions(self, value: Any) -> Values:
        return {"versions": self._all_planned("versions", value)}

    def timetracking(self, value: Any) -> Values:
        """Estimates; as long as nobody logged work, the one that is left out takes the value of the other."""
        if not isinstance(value, dict):
            raise FieldError("expected Object")
        given: Values = {}
        for name, attribute in (("originalEstimate", "original_estimate"), ("remainingEstimate", "remaining_estimate")):
            if name in value:
                span = None if value[name] in (None, "") else durations.seconds(value[name])
                if span is None and value[name] not in (None, ""):
                    word = name.removesuffix("Estimate")
                    raise FieldError(
                        f"The {word} estimate specified is not valid.", place=f"timetracking_{name.lower()}"
                    )
                given[attribute] = span
        current = self.current
        if len(given) == 1 and (current is None or current.time_spent is None):
            ((attribute, span),) = given.items()
            if attribute == "original_estimate":
                given["remaining_estimate"] = span
            elif current is None or current.original_estimate is None:
                given["original_estimate"] = span
        return given

    def assignee(self, value: Any) -> Values:
        name = self.person(value)
        if name is not None and not self.world.catalogue.people[name].assignable:
            raise FieldError(f"User '{name}' cannot be assigned issues.")
        return {"assignee": name}

    def reporter(self, value: Any) -> Values:
        name = self.person(value)
        if name is None:
            raise FieldError("Reporter is required.")
        return {"reporter": name}

    def duedate(self, value: Any) -> Values:
        return {"duedate": iso_date(value)}

    def parent(self, value: Any) -> Values:
        if value is None:
            return {"parent": None}
        wanted = value.get("key") or value.get("id") if isinstance(value, dict) else value
        return {"parent": self._issue_id(wanted, "Could not find issue by id or key.")}

    def epic_link(self, value: Any) -> Values:
        if value is None:
            return {"parent": None}
        if str(value).isdecimal():  # the field takes keys only
            raise FieldError(f"Issue '{value}' does not exist.")
        number = self._issue_id(value, f"Issue '{value}' does not exist.")
        if self.world.catalogue.types[self.world.issues[number].type].level != 1:
            raise FieldError(f"Issue '{value}' is not an Epic.")
        return {"parent": number}

    # -- within ------------------------------------------------------------------------------------

    def _all_planned(self, kind: str, value: Any) -> tuple[int, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            raise FieldError("data was not an array")
        return tuple(dict.fromkeys(self._planned(kind, one) for one in value))

    def _planned(self, kind: str, value: Any) -> int:
        """A component or version of the project, by id or by name."""
        shown = "Component" if kind == "components" else "Version"
        if not isinstance(value, dict) or not {"id", "name"} & set(value):
            raise FieldError("expected Object")
        number = self.world.project_number(self.project) if self.project else 0
        plans = self.world.planning
        rows = plans.components_of(number) if kind == "components" else plans.versions_of(number)
        for row in rows:
            if (str(value["id"]) == str(row.id)) if "id" in value else (value["name"] == row.name):
                return row.id
        told = "id" if "id" in value else "name"
        raise FieldError(f"{shown} {told} '{value[told]}' is not valid")

    def _issue_id(self, wanted: Any, complaint: str) -> int:
        try:
            return self.world.find(str(wanted)).id
        except ApiError as error:
            raise FieldError(complaint) from error

    def person(self, value: Any) -> str | None:
        """The short name of somebody, by account id on Cloud and by name on Data Center."""
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
#: Attributes whose members can be added and removed one by one.
_ATTRIBUTES = {"labels": "labels", "components": "components", "fixVersions": "fix_versions", "versions": "versions"}
_SYSTEM: dict[str, Callable[[FieldReader, Any], Values]] = {
    "project": FieldReader.project_field,
    "issuetype": FieldReader.issuetype,
    "summary": FieldReader.summary,
    "description": FieldReader.description,
    "priority": FieldReader.priority,
    "resolution": FieldReader.resolution,
    "labels": FieldReader.labels,
    "components": FieldReader.components,
    "fixVersions": FieldReader.fix_versions,
    "versions": FieldReader.versions,
    "assignee": FieldReader.assignee,
    "reporter": FieldReader.reporter,
    "duedate": FieldReader.duedate,
    "parent": FieldReader.parent,
    "timetracking": FieldReader.timetracking,
}


def _empty(value: Any) -> bool:
    return all(_empty(one) for one in value.values()) if isinstance(value, dict) else value in (None, "", (), [])
