"""JSON Patch on work items: rules of the process, tags, people, states; everything or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from adapters.azure_devops.simulator import links
from adapters.azure_devops.simulator.errors import (
    ApiError,
    JsonObject,
    bad_argument,
    not_in_list,
    read_only,
    required,
    rule_broken,
)
from adapters.azure_devops.simulator.process import (
    CLOSED_BY,
    CLOSED_DATE,
    FIELDS,
    PRIORITY,
    SEVERITY,
    STATE_CHANGED,
    TITLE,
    Field,
    WorkItemType,
)
from adapters.azure_devops.simulator.state import Comment, Item, Organisation, Relation, User
from adapters.azure_devops.simulator.text import rewrite_html, split_tags

#: Type name, or "Type/State", to the fields that must then be filled.
Requirements = Mapping[str, Sequence[str]]
TITLE_LIMIT, TAG_LIMIT = 255, 100


@dataclass(slots=True, kw_only=True)
class Draft:
    """A work item while a patch is being applied to it."""

    type: WorkItemType
    fields: dict[str, Any]
    formats: dict[str, str]
    relations: list[Relation]
    history: str = ""
    history_format: str = "html"
    touched: set[str] = field(default_factory=set)


class Editor:
    """Creates and changes work items as one user's request asks."""

    def __init__(self, organisation: Organisation, *, required_fields: Requirements, links_raise_rev: bool) -> None:
        self.organisation = organisation
        self.required_fields = {key.lower(): tuple(value) for key, value in required_fields.items()}
        self.links_raise_rev = links_raise_rev

    def create(self, kind: WorkItemType, operations: Sequence[JsonObject], by: User) -> Item:
        """A new work item in its type's initial state."""
        organisation = self.organisation
        item_id = organisation.last_item + 1
        fields: dict[str, Any] = {
            "System.AreaPath": organisation.project,
            "System.TeamProject": organisation.project,
            "System.IterationPath": organisation.project,
            "System.WorkItemType": kind.name,
            "System.State": kind.states[0].name,
            "System.CreatedBy": by,
            "System.CommentCount": 0,
        }
        draft = Draft(type=kind, fields=fields, formats={}, relations=[])
        self._apply(draft, operations, rev=0, item_id=item_id)
        if draft.fields["System.State"] != draft.type.states[0].name:
            raise not_in_list("System.State", "State", draft.fields["System.State"])
        self._check(draft)
        item = Item(id=item_id, type=draft.type, fields={})
        links.check(organisation, item, draft.relations)
        draft.fields["System.Reason"] = _reason(draft.fields["System.State"], new=True)
        organisation.items[item_id], organisation.last_item = item, item_id
        self._store(item, draft, by)
        return item

    def update(self, item: Item, operations: Sequence[JsonObject], by: User) -> None:
        """Apply the patch, or raise and change nothing."""
        draft = Draft(
            type=item.type,
            fields={key: value for key, value in item.fields.items() if key != "System.History"},
            formats=dict(item.formats),
            relations=links.visible(self.organisation, item),
        )
        self._apply(draft, operations, rev=item.rev, item_id=item.id)
        self._check(draft)
        links.check(self.organisation, item, draft.relations)
        before = item.fields
        if draft.fields["System.State"] != before["System.State"]:
            self._change_state(draft, by)
        elif "System.Reason" in draft.touched and draft.fields.get("System.Reason") != before["System.Reason"]:
            raise not_in_list("System.Reason", "Reason", draft.fields.get("System.Reason"))
        self._store(item, draft, by)

    # -- operations ------------------------------------------------------------------------------

    def _apply(self, draft: Draft, operations: Sequence[JsonObject], *, rev: int, item_id: int) -> None:
        if not isinstance(operations, list) or not operations:
            raise bad_argument("You must pass a valid patch document in the body of the request.")
        for operation in operations:
            if not isinstance(operation, dict) or not isinstance(operation.get("path"), str):
                raise bad_argument("You must pass a valid patch document in the body of the request.")
            verb, path, value = str(operation.get("op", "")).lower(), operation["path"], operation.get("value")
            if verb == "test":
                self._test(draft, path, value, rev=rev, item_id=item_id)
            elif verb not in ("add", "replace", "remove"):
                raise bad_argument(f"Patch operation '{verb}' is not supported.")
            elif path.startswith("/fields/"):
                self._set_field(draft, path.removeprefix("/fields/"), None if verb == "remove" else value)
            elif path.startswith("/relations/"):
                links.patch(self.organisation, draft.relations, verb, path, value)
            elif path.startswith("/multilineFieldsFormat/"):
                self._set_format(draft, path.rpartition("/")[2], value)
            else:
                raise bad_argument(f"The path '{path}' is not valid for the operation '{verb}'.")
        for reference in draft.touched:
            definition = FIELDS[reference.lower()]
            if definition.type == "html" and reference in draft.fields and reference not in draft.formats:
                draft.fields[reference] = rewrite_html(draft.fields[reference])

    def _test(self, draft: Draft, path: str, value: Any, *, rev: int, item_id: int) -> None:
        if path == "/rev":
            actual: Any = rev
        elif path == "/id":
            actual = item_id
        elif path.startswith("/fields/"):
            actual = draft.fields.get(path.removeprefix("/fields/"))
        else:
            raise bad_argument(f"The path '{path}' is not valid for the operation 'test'.")
        if actual != value:
            message = (
                f"VS403351: Test Operation for path {path} failed, value {value} was not equal to test value {actual}."
            )
            raise ApiError(412, "TestPatchOperationFailedException", message)

    def _set_format(self, draft: Draft, reference: str, value: Any) -> None:
        wanted = str(value).lower()
        definition = FIELDS.get(reference.lower())
        if definition is None or definition.type != "html" or wanted not in ("markdown", "html"):
            raise bad_argument(f"The format '{value}' cannot be set for the field '{reference}'.")
        if wanted == "html" and definition.reference in draft.formats:
            raise bad_argument(f"The field '{reference}' cannot be changed from Markdown to HTML.")
        if wanted == "markdown":
            draft.formats[definition.reference] = "markdown"

    def _set_field(self, draft: Draft, name: str, value: Any) -> None:
        definition = FIELDS.get(name.lower())
        if definition is None or definition.reference not in draft.type.fields:
            message = f"TF51535: Cannot find field {name}."
            raise ApiError(400, "WorkItemFieldInvalidException", message)
        if definition.read_only:
            raise read_only(definition.reference)
        if definition.reference == "System.History":
            self._set_history(draft, value)
            return
        draft.touched.add(definition.reference)
        converted = self._convert(draft, definition, value)
        if converted is None:
            draft.fields.pop(definition.reference, None)
        else:
            draft.fields[definition.reference] = converted

    def _set_history(self, draft: Draft, value: Any) -> None:
        if isinstance(value, dict):
            draft.history_format = str(value.get("format", "html")).lower()
            value = value.get("text")
        text = str(value or "")
        draft.history = text if draft.history_format == "markdown" else rewrite_html(text)

    def _convert(self, draft: Draft, definition: Field, value: Any) -> Any:
        match definition.reference:
            case "System.AssignedTo":
                return self._person(definition, value)
            case "System.Tags":
                return self._tags(str(value or ""))
            case "System.State" if (known := draft.type.state(str(value or ""))) is not None:
                return known.name
            case "System.WorkItemType":
                kind = self.organisation.types.get(str(value).lower())
                if kind is None:
                    raise not_in_list(definition.reference, definition.name, value)
                draft.type = kind
                return kind.name
        if value is None or value == "":
            return None
        if definition.type in ("integer", "double"):
            return _number(definition, value)
        if definition.type == "dateTime":
            return _date(definition, value)
        return str(value)

    def _person(self, definition: Field, value: Any) -> User | None:
        if isinstance(value, dict):
            value = value.get("descriptor") or value.get("id") or value.get("uniqueName") or value.get("displayName")
        if not value:
            return None
        found = self.organisation.user(str(value))
        if len(found) == 1:
            return found[0]
        kind = "an ambiguous" if found else "an unknown"
        message = f"The identity value '{value}' for field '{definition.name}' is {kind} identity."
        raise rule_broken(definition.reference, message, "hasValues, invalidIdentity", 16777216)

    def _tags(self, value: str) -> str | None:
        names = split_tags(value)
        if len(names) > TAG_LIMIT:
            raise bad_argument(f"A work item can have at most {TAG_LIMIT} tags.", "WorkItemTagLimitExceededException")
        known = self.organisation.tags
        spelt = [known.get(name.lower(), name) for name in names]
        return "; ".join(sorted(spelt, key=str.lower)) or None

    # -- rules -----------------------------------------------------------------------------------

    def _check(self, draft: Draft) -> None:
        fields, kind = draft.fields, draft.type
        fields.setdefault(PRIORITY, 2)  # the process's defaults fill what is empty on every save
        if SEVERITY in kind.fields:
            fields.setdefault(SEVERITY, "3 - Medium")
        if not str(fields.get(TITLE, "")).strip():
            raise required(TITLE, "Title")
        if len(fields[TITLE]) > TITLE_LIMIT:
            message = "TF401320: Rule Error for field Title. Error code: InvalidTooLong."
            raise rule_broken(TITLE, message, "invalidTooLong", 1024)
        if kind.state(str(fields.get("System.State", ""))) is None:
            raise not_in_list("System.State", "State", fields.get("System.State"))
        for reference in (PRIORITY, SEVERITY):
            definition = FIELDS[reference.lower()]
            if reference in fields and fields[reference] not in definition.allowed:
                raise not_in_list(reference, definition.name, fields[reference])
        for reference, node in (("System.AreaPath", "area"), ("System.IterationPath", "iteration")):
            if self.organisation.node(node, str(fields.get(reference, ""))) is None:
                message = f"TF401347: Invalid tree name given for work item -1, field '{reference}'."
                raise rule_broken(reference, message, "invalidPath", 4194304)
        for key in (kind.name, f"{kind.name}/{fields['System.State']}"):
            for reference in self.required_fields.get(key.lower(), ()):
                if reference not in fields:
                    raise required(reference, FIELDS[reference.lower()].name)

    def _change_state(self, draft: Draft, by: User) -> None:
        when, state = self.organisation.now(), draft.type.state(draft.fields["System.State"])
        draft.fields[STATE_CHANGED] = when
        draft.fields["System.Reason"] = _reason(draft.fields["System.State"], new=False)
        if state is not None and state.category == "Completed":
            draft.fields.update({CLOSED_DATE: when, CLOSED_BY: by})
        else:
            draft.fields.pop(CLOSED_DATE, None)
            draft.fields.pop(CLOSED_BY, None)

    def _store(self, item: Item, draft: Draft, by: User) -> None:
        added, removed = links.difference(self.organisation, item, draft.relations)
        new = not item.revisions
        comment: tuple[int, int] | None = None
        before = {key: value for key, value in item.fields.items() if key != "System.History"}
        versioned = any(relation.target is None for relation in (*added, *removed))
        raised = new or versioned or (self.links_raise_rev and bool(added or removed))
        if draft.history:
            comment = (self._comment(item, draft, by).id, 1)
            draft.fields["System.CommentCount"] += 1
            draft.fields["System.History"] = draft.history
        if raised or comment or draft.fields != before or draft.formats != item.formats:
            item.type, item.formats = draft.type, draft.formats
            self._define_tags(draft)
            revision = self.organisation.commit(item, draft.fields, by, comment=comment, added=added, removed=removed)
            if new:
                item.fields["System.CreatedDate"] = item.fields[STATE_CHANGED] = revision.when
        elif added or removed:
            links.record(self.organisation, item, by, added, removed)
        links.store(self.organisation, item, draft.relations, added, removed, by, raise_rev=self.links_raise_rev)

    def _comment(self, item: Item, draft: Draft, by: User) -> Comment:
        self.organisation.last_comment += 1
        number, when = self.organisation.last_comment, self.organisation.now()
        comment = Comment(
            id=number,
            by=by,
            created=when,
            format=draft.history_format,
            changed_by=by,
            changed=when,
            revision=item.rev + 1,
            versions=[draft.history],
        )
        item.comments[number] = comment
        return comment

    def _define_tags(self, draft: Draft) -> None:
        for name in split_tags(draft.fields.get("System.Tags", "")):
            self.organisation.tags.setdefault(name.lower(), name)


def _reason(state: str, *, new: bool) -> str:
    if not new:
        return f"Moved to state {state}"
    return "Added to backlog" if state == "To Do" else "New"


def _number(definition: Field, value: Any) -> int | float:
    try:
        return int(value) if definition.type == "integer" else float(value)
    except (TypeError, ValueError):
        message = f"TF401320: Rule Error for field {definition.name}. Error code: InvalidType."
        raise rule_broken(definition.reference, message, "invalidType", 32) from None


def _date(definition: Field, value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        message = f"TF401320: Rule Error for field {definition.name}. Error code: InvalidDate."
        raise rule_broken(definition.reference, message, "invalidDate", 64) from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
