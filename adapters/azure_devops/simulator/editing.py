"""JSON Patch on work items: fields, relations, formats, and the rules of the process; everything or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.azure_devops.simulator import links, values
from adapters.azure_devops.simulator.errors import (
    ApiError,
    JsonObject,
    bad_argument,
    invalid_status,
    not_in_list,
    required,
    rule_broken,
    unknown_field,
)
from adapters.azure_devops.simulator.fields import (
    ACTIVATED_BY,
    ACTIVATED_DATE,
    BOARD_COLUMN,
    BOARD_DONE,
    CLOSED_BY,
    CLOSED_DATE,
    KANBAN_COLUMN,
    RESOLVED_BY,
    RESOLVED_DATE,
    RESOLVED_REASON,
    STATE_CHANGED,
    TITLE,
    Field,
)
from adapters.azure_devops.simulator.process import WorkItemType
from adapters.azure_devops.simulator.state import Comment, Item, Organisation, Relation, User
from adapters.azure_devops.simulator.text import rewrite_html, split_tags

_STATE, _REASON, _TYPE, _PROJECT = "System.State", "System.Reason", "System.WorkItemType", "System.TeamProject"


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

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation

    def create(
        self,
        kind: WorkItemType,
        operations: Sequence[JsonObject],
        by: User,
        *,
        project: str = "",
        keep: bool = True,
    ) -> Item:
        """A new work item in its type's initial state; without `keep` it is only checked, and has the id -1."""
        organisation = self.organisation
        item_id = organisation.last_item + 1
        fields: dict[str, Any] = {
            **dict.fromkeys(("System.AreaPath", _PROJECT, "System.IterationPath"), project or organisation.project),
            _TYPE: kind.name,
            _STATE: kind.states[0].name,
            "System.CreatedBy": by,
            "System.CommentCount": 0,
        }
        draft = Draft(type=kind, fields=fields, formats={}, relations=[])
        self._apply(draft, operations, rev=0, item_id=item_id)
        if draft.fields[_STATE] not in organisation.workflow.transitions(draft.type)[""]:
            raise not_in_list(_STATE, "State", draft.fields[_STATE])
        self._give_reason(draft, "")
        self._check(draft, -1)
        item = Item(id=item_id if keep else -1, type=draft.type, fields={})
        links.check(organisation, item, draft.relations)
        if keep:
            organisation.items[item_id], organisation.last_item = item, item_id
            self._store(item, draft, by)
        else:
            item.fields = draft.fields
        return item

    def update(self, item: Item, operations: Sequence[JsonObject], by: User, *, keep: bool = True) -> None:
        """Apply the patch, or raise and change nothing; without `keep` it is only checked."""
        draft = Draft(
            type=item.type,
            fields={key: value for key, value in item.fields.items() if key != "System.History"},
            formats=dict(item.formats),
            relations=links.visible(self.organisation, item),
        )
        self._apply(draft, operations, rev=item.rev, item_id=item.id)
        self._move(draft, item, by)
        self._check(draft, item.id)
        links.check(self.organisation, item, draft.relations)
        if keep:
            self._store(item, draft, by)

    # -- operations ------------------------------------------------------------------------------

    def _apply(self, draft: Draft, operations: Sequence[JsonObject], *, rev: int, item_id: int) -> None:
        if not isinstance(operations, list) or not operations:
            raise bad_argument("You must pass a valid patch document in the body of the request.")
        written = set[str]()
        for operation in operations:
            if not isinstance(operation, dict) or not isinstance(operation.get("path"), str):
                raise bad_argument("You must pass a valid patch document in the body of the request.")
            verb, path, value = str(operation.get("op", "")).lower(), operation["path"], operation.get("value")
            if verb == "test":
                self._test(draft, path, value, rev=rev, item_id=item_id)
            elif verb not in ("add", "replace", "remove"):
                raise bad_argument(f"Patch operation '{verb}' is not supported.")
            elif path.startswith("/fields/"):
                name = path.removeprefix("/fields/")
                reference = self._set_field(draft, name, None if verb == "remove" else value)
                if reference in written:
                    raise _twice(item_id, reference)
                written.add(reference)
            elif path.startswith("/relations/"):
                links.patch(self.organisation, draft.relations, verb, path, value)
            elif path.startswith("/multilineFieldsFormat/"):
                self._set_format(draft, path.rpartition("/")[2], value)
            else:
                raise bad_argument(f"The path '{path}' is not valid for the operation '{verb}'.")
        for reference in draft.touched:
            definition = self.organisation.fields[reference.lower()]
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
        definition = self.organisation.field(reference)
        if definition is None or definition.type != "html" or wanted not in ("markdown", "html"):
            raise bad_argument(f"The format '{value}' cannot be set for the field '{reference}'.")
        if wanted == "html" and definition.reference in draft.formats:
            raise bad_argument(f"The field '{reference}' cannot be changed from Markdown to HTML.")
        if wanted == "markdown":
            draft.formats[definition.reference] = "markdown"

    def _set_field(self, draft: Draft, name: str, value: Any) -> str:
        definition = self.organisation.field(name)
        if definition is None or definition.reference not in draft.type.fields:
            raise unknown_field(name)
        if definition.read_only and not definition.ignored:
            raise invalid_status("ReadOnly", definition.reference)
        if definition.reference == "System.History":
            self._set_history(draft, value)
        elif not definition.read_only:
            draft.touched.add(definition.reference)
            converted = self._convert(draft, definition, value)
            if converted is None:
                draft.fields.pop(definition.reference, None)
            else:
                draft.fields[definition.reference] = converted
        return definition.reference

    def _set_history(self, draft: Draft, value: Any) -> None:
        if isinstance(value, dict):
            draft.history_format = str(value.get("format", "html")).lower()
            value = value.get("text")
        text = str(value or "")
        draft.history = text if draft.history_format == "markdown" else rewrite_html(text)

    def _convert(self, draft: Draft, definition: Field, value: Any) -> Any:
        match definition.reference:
            case "System.State" if (known := draft.type.state(str(value or ""))) is not None:
                return known.name
            case "System.WorkItemType":
                kind = self.organisation.types.get(str(value).lower())
                if kind is None:
                    raise not_in_list(definition.reference, definition.name, value)
                draft.type = kind
                return kind.name
            case "System.TeamProject":
                project = self.organisation.projects.get(str(value).lower())
                if project is None:
                    raise not_in_list(definition.reference, definition.name, value)
                return project.name
        return values.converted(self.organisation, definition, value)

    # -- rules -----------------------------------------------------------------------------------

    def _check(self, draft: Draft, item_id: int) -> None:
        organisation, fields, kind = self.organisation, draft.fields, draft.type
        for definition in organisation.choices[kind.name]:
            if definition.default is not None:
                fields.setdefault(definition.reference, definition.default)
            if definition.reference in fields:
                values.check_allowed(definition, fields[definition.reference])
        if not str(fields.get(TITLE, "")).strip():
            raise required(TITLE, "Title")
        if kind.state(str(fields.get(_STATE, ""))) is None:
            raise not_in_list(_STATE, "State", fields.get(_STATE))
        for reference, group in (("System.AreaPath", "area"), ("System.IterationPath", "iteration")):
            node = organisation.node(group, str(fields.get(reference, "")))
            if node is None or node.names[0] != fields[_PROJECT]:
                message = f"TF401347: Invalid tree name given for work item {item_id}, field '{reference}'."
                raise rule_broken(reference, message, "invalidPath", 4194304)
            fields[reference] = node.path
        if BOARD_COLUMN in kind.fields:
            fields.update({BOARD_COLUMN: fields[_STATE], BOARD_DONE: False, KANBAN_COLUMN: fields[_STATE]})
        for key in (kind.name, f"{kind.name}/{fields[_STATE]}"):
            for reference in organisation.required_fields.get(key.lower(), ()):
                if reference not in fields:
                    raise required(reference, organisation.fields[reference.lower()].name)

    def _move(self, draft: Draft, item: Item, by: User) -> None:
        """Follow the workflow from the item's state to the draft's; a change of type starts no move."""
        old, new = item.fields[_STATE], draft.fields.get(_STATE)
        if draft.type is item.type and old == new:
            if draft.fields.get(_REASON) != item.fields.get(_REASON):
                raise not_in_list(_REASON, "Reason", draft.fields.get(_REASON))
            return
        state = draft.type.state(str(new or ""))
        if state is None:
            raise not_in_list(_STATE, "State", new)
        if draft.type is item.type:
            if state.name not in self.organisation.workflow.transitions(item.type)[old]:
                raise not_in_list(_STATE, "State", new)
            self._give_reason(draft, old)
        if old == new:
            return
        when = draft.fields[STATE_CHANGED] = self.organisation.now()
        stamps = {
            CLOSED_DATE: (state.category == "Completed", when),
            CLOSED_BY: (state.category == "Completed", by),
            RESOLVED_DATE: (state.name == "Resolved", when),
            RESOLVED_BY: (state.name == "Resolved", by),
            RESOLVED_REASON: (state.name == "Resolved", draft.fields.get(_REASON)),
            ACTIVATED_DATE: (state.category == "InProgress", when),
            ACTIVATED_BY: (state.category == "InProgress", by),
        }
        for reference, (due, value) in stamps.items():
            if due and reference in draft.type.fields:
                draft.fields[reference] = value
            elif state.category == "Proposed" or reference in (CLOSED_DATE, CLOSED_BY):
                draft.fields.pop(reference, None)

    def _give_reason(self, draft: Draft, old: str) -> None:
        """The reason that the patch names, or the default one of the move."""
        offered = self.organisation.workflow.reasons(draft.type, old, draft.fields[_STATE])
        if _REASON not in draft.touched:
            draft.fields[_REASON] = offered[0]
        elif draft.fields.get(_REASON) not in offered:
            raise not_in_list(_REASON, "Reason", draft.fields.get(_REASON))

    def _store(self, item: Item, draft: Draft, by: User) -> None:
        change = links.difference(self.organisation, item, draft.relations)
        new = not item.revisions
        comment: tuple[int, int] | None = None
        before = {key: value for key, value in item.fields.items() if key != "System.History"}
        raised = new or change.versioned or (self.organisation.rules.links_raise_rev and bool(change))
        if draft.history:
            comment = (self._comment(item, draft, by).id, 1)
            draft.fields["System.CommentCount"] += 1
            draft.fields["System.History"] = draft.history
        if raised or comment or draft.fields != before or draft.formats != item.formats:
            item.type, item.formats = draft.type, draft.formats
            self._define_tags(draft)
            revision = self.organisation.commit(item, draft.fields, by, comment=comment, change=change)
            if new:
                item.fields["System.CreatedDate"] = item.fields[STATE_CHANGED] = revision.when
        elif change:
            links.record(self.organisation, item, by, change)
        links.store(
            self.organisation, item, draft.relations, change, by, raise_rev=self.organisation.rules.links_raise_rev
        )

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


def _twice(item_id: int, reference: str) -> ApiError:
    return bad_argument(
        f"VS403691: Update to work item {item_id} had two or more updates for field with reference name "
        f"'{reference}'. A field cannot be updated more than once in the same update."
    )
