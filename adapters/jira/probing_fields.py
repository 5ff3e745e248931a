"""What the screens of a project show, and which of their fields hold what we carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from adapters.jira.client import JiraClient
from adapters.jira.kinds import TYPES, kind_of, options_of
from adapters.jira.slots import TIME
from adapters.jira.wire import as_list, as_object, at, text_at
from sync.core.errors import AuthFailed, Forbidden, Rejected, Unsupported
from sync.core.models import Field, JsonObject

_PAGE: Final = 200
_SPRINT_PAGE: Final = 50
#: Fields of the system that hold one of ours, and the kind of the one that a screen may not show and an answer does.
_SYSTEM: Final = {
    "components": (Field.COMPONENTS,),
    "fixVersions": (Field.MILESTONE,),
    "duedate": (Field.DUE,),
    TIME: (Field.ESTIMATE, Field.REMAINING, Field.SPENT),
}
_POINTS: Final = "com.pyxis.greenhopper.jira:jsw-story-points"
_PLANNED_START: Final = "com.atlassian.jpo:jpo-custom-field-baseline-start"
_PLANNED_END: Final = "com.atlassian.jpo:jpo-custom-field-baseline-end"
_OFFERED: Final = ("choice", "choices", "cascade")


@dataclass(slots=True)
class Screens:
    """The fields of all create screens of a project: id → name, schema, choices; `needed` are those that new issues ask for."""

    rows: dict[str, JsonObject] = field(default_factory=dict)
    needed: set[str] = field(default_factory=set)

    def add(self, row: Any, *, ordinary: bool) -> None:
        """One row of one type's screen; choices of several types are put together."""
        identifier = text_at(row, "fieldId") or text_at(row, "key")
        if ordinary and at(row, "required") is True and at(row, "hasDefaultValue") is not True:
            self.needed.add(identifier)
        known = self.rows.setdefault(
            identifier, {"name": text_at(row, "name"), "custom": text_at(row, "schema", "custom"), "options": []}
        )
        known["kind"] = known.get("kind") or kind_of(at(row, "schema"))
        known["options"] += [word for word in options_of(row) if word not in known["options"]]

    def slots(self, *, simplified: bool) -> dict[str, str]:
        """Canonical field → id of the field that holds it."""
        found = {each.value: name for name, ours in _SYSTEM.items() if name in self.rows for each in ours}
        points = [self._typed(_POINTS), self._named("number", "story points", "story point estimate")]
        found |= {
            Field.POINTS.value: next(filter(None, points if simplified else points[::-1]), ""),
            Field.SPRINT.value: self._first(lambda row: row["kind"] == "sprint"),
            Field.SEVERITY.value: self._named("choice", "severity") or self._named("text", "severity"),
            Field.START.value: self._named("date", "start date") or self._typed(_PLANNED_START),
            Field.TARGET.value: self._typed(_PLANNED_END) or self._named("date", "target end", "target date"),
        }
        return {name: identifier for name, identifier in found.items() if identifier}

    def fields(self, slots: Mapping[str, str]) -> dict[str, JsonObject]:
        """What is to be known of the fields that hold something of ours or may be named as custom ones."""
        told: dict[str, JsonObject] = {"reporter": {"name": "Reporter", "kind": "person"}}
        for identifier, row in self.rows.items():
            if row["kind"] and (row["custom"] or identifier in slots.values()):
                told[identifier] = {"name": row["name"], "kind": row["kind"]}
                if row["kind"] in _OFFERED:
                    told[identifier]["options"] = row["options"]
        return told

    def custom(self) -> dict[str, str]:
        """Every id and name by which a mapping may name a custom field → its type's word, "" for one that is not carried."""
        found: dict[str, str] = {}
        for identifier, row in self.rows.items():
            if row["custom"]:
                word = TYPES.get(row["kind"], "")
                found[identifier] = word
                found[row["name"]] = found.get(row["name"]) or word
        return found

    def _first(self, wanted: Callable[[JsonObject], bool]) -> str:
        return next((identifier for identifier, row in self.rows.items() if wanted(row)), "")

    def _typed(self, custom: str) -> str:
        return self._first(lambda row: row["custom"] == custom)

    def _named(self, kind: str, *names: str) -> str:
        return self._first(lambda row: row["custom"] and row["kind"] == kind and row["name"].casefold() in names)


def read_screens(client: JiraClient, project: str, types: Sequence[Any]) -> Screens:
    """What may be set when an issue is made, type by type; empty where the site does not tell us."""
    found = Screens()
    for kind in types:
        ordinary = at(kind, "subtask") is not True and at(kind, "hierarchyLevel") in (None, 0)
        for row in _screen(client, project, text_at(kind, "id")):
            found.add(row, ordinary=ordinary and text_at(kind, "name") != "Epic")
    return found


def read_plans(client: JiraClient, about: JsonObject, *, sprints: bool) -> JsonObject:
    """The names that the project has: components, versions that are not archived, open sprints with their numbers."""
    versions = [row for row in as_list(about.get("versions")) if at(row, "archived") is not True]
    told: JsonObject = {
        Field.COMPONENTS.value: _names(about.get("components")),
        Field.MILESTONE.value: _names(versions),
        Field.SPRINT.value: {},
    }
    if not sprints:
        return told
    boards = _listed(client, "/rest/agile/1.0/board", {"projectKeyOrId": text_at(about, "id")})
    for board in boards:
        number = text_at(board, "id")
        if text_at(board, "type") == "kanban" or not number:
            continue
        told.setdefault("board", int(number))
        rows = _listed(client, f"/rest/agile/1.0/board/{number}/sprint", {"state": "active,future"})
        for row in rows:
            if (name := text_at(row, "name")) and (identifier := text_at(row, "id")).isdecimal():
                told[Field.SPRINT.value].setdefault(name, int(identifier))
    return told


def asked(client: JiraClient, path: str, params: JsonObject | None = None) -> Any:
    """What is good to know; None where this site does not say it to us.

    A token that may do some things only is told 401 for the others: who it belongs to was asked before.
    """
    try:
        return client.get(path, params)
    except (AuthFailed, Rejected, Forbidden, Unsupported):
        return None


def _screen(client: JiraClient, project: str, kind: str) -> list[Any]:
    found: list[Any] = []
    while True:
        params = {"startAt": len(found), "maxResults": _PAGE}
        page = as_object(asked(client, f"issue/createmeta/{project}/issuetypes/{kind}", params))
        rows = as_list(page.get("fields")) or as_list(page.get("results")) or as_list(page.get("values"))
        found += rows
        total = page.get("total")
        if not rows or not isinstance(total, int) or len(found) >= total:
            return found


def _listed(client: JiraClient, path: str, params: JsonObject) -> list[Any]:
    found: list[Any] = []
    while True:
        page = as_object(asked(client, path, {**params, "startAt": len(found), "maxResults": _SPRINT_PAGE}))
        rows = as_list(page.get("values"))
        found += rows
        if not rows or page.get("isLast") is not False:
            return found


def _names(rows: Any) -> list[str]:
    return [name for row in as_list(rows) if (name := text_at(row, "name"))]
