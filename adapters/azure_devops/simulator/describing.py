"""People, fields, work item types, areas, iterations and tags, as answers describe them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

from adapters.azure_devops.simulator.errors import JsonObject
from adapters.azure_devops.simulator.fields import Field
from adapters.azure_devops.simulator.process import WorkItemType
from adapters.azure_devops.simulator.state import Item, Node, Organisation, User, guid

_ALWAYS = frozenset(
    {"System.Title", "System.State", "System.AreaId", "System.IterationId", "Microsoft.VSTS.Common.ValueArea"}
)


def iso(moment: datetime) -> str:
    """UTC with as many decimals as are not zero."""
    text = f"{moment:%Y-%m-%dT%H:%M:%S}"
    decimals = f"{moment.microsecond // 1000:03}".rstrip("0")
    return f"{text}.{decimals}Z" if decimals else f"{text}Z"


def american(moment: datetime) -> str:
    """The recycle bin writes its dates for people in the United States."""
    hour = moment.hour % 12 or 12
    return f"{moment.month}/{moment.day}/{moment.year} {hour}:{moment:%M:%S} {'AM' if moment.hour < 12 else 'PM'}"


class Describer:
    """Describes what an organisation knows, for one base address; identities are made once."""

    def __init__(self, organisation: Organisation, root: str) -> None:
        self.organisation = organisation
        self.root = root  # the organisation's address
        self.scope = f"{root}/{organisation.project_id}"
        self._people: dict[str, JsonObject] = {}
        fields = organisation.fields.values()
        self._long_text = frozenset(field.reference for field in fields if field.type in ("html", "history"))

    def scope_of(self, item: Item) -> str:
        """The address of the project that the work item is in."""
        return f"{self.root}/{self.organisation.project_of(item).id}"

    # -- people and values -----------------------------------------------------------------------

    def identity(self, user: User) -> JsonObject:
        """An IdentityRef."""
        if (known := self._people.get(user.mail)) is not None:
            return known
        avatar = f"{self.root}/_apis/GraphProfile/MemberAvatars/{user.descriptor}"
        made: JsonObject = {
            "displayName": user.name,
            "url": f"{self.root}/_apis/Identities/{user.id}",
            "_links": {"avatar": {"href": avatar}},
            "id": user.id,
            "uniqueName": user.mail,
            "imageUrl": avatar,
            "descriptor": user.descriptor,
        }
        return self._people.setdefault(user.mail, made)

    def value(self, value: Any) -> Any:
        """A field's value, people as IdentityRef."""
        if isinstance(value, User):
            return self.identity(value)
        return iso(value) if isinstance(value, datetime) else value

    def string_value(self, value: Any) -> Any:
        """A field's value, people as "Name <mail>"."""
        if isinstance(value, User):
            return str(value)
        return iso(value) if isinstance(value, datetime) else value

    # -- definitions -----------------------------------------------------------------------------

    def attachment(self, number: str) -> str:
        """The address of an uploaded file, without its name."""
        return f"{self.scope}/_apis/wit/attachments/{number}"

    def field_reference(self, field: Field) -> JsonObject:
        """A field as queries and types name it."""
        url = f"{self.root}/_apis/wit/fields/{field.reference}"
        return {"referenceName": field.reference, "name": field.name, "url": url}

    def field(self, field: Field) -> JsonObject:
        """A field's definition."""
        answer: JsonObject = {
            **self.field_reference(field),
            "type": field.type,
            "usage": "workItem",
            "readOnly": field.read_only,
            "canSortBy": field.type not in ("html", "history", "plainText"),
            "isQueryable": True,
            "supportedOperations": [{"referenceName": "SupportedOperations.Equals", "name": "="}],
            "isIdentity": field.identity,
            "isPicklist": field.picklist,
            "isPicklistSuggested": False,
        }
        if field.picklist:
            answer["picklistId"] = guid(f"picklist/{field.reference}")
        return answer

    def type_field(self, kind: WorkItemType, field: Field, *, expand: str = "none") -> JsonObject:
        """A field as one work item type has it; its values and the fields that follow it only when asked for."""
        organisation = self.organisation
        always = field.reference in _ALWAYS or field.reference in organisation.required_fields.get(
            kind.name.lower(), ()
        )
        default = kind.states[0].name if field.reference == "System.State" else field.default
        answer: JsonObject = {"alwaysRequired": always, "defaultValue": None if default is None else str(default)}
        if expand in ("allowedvalues", "all"):
            answer["allowedValues"] = self._allowed(kind, field)
        if expand in ("dependentfields", "all"):
            answer["dependentFields"] = []
        return {**answer, **self.field_reference(field)}

    def _allowed(self, kind: WorkItemType, field: Field) -> list[Any]:
        if field.identity:
            shown = ("displayName", "id", "uniqueName", "descriptor")
            people = [self.identity(user) for user in self.organisation.people]
            return [{name: person[name] for name in shown} for person in people]
        match field.reference:
            case "System.State":
                return sorted(state.name for state in kind.states)
            case "System.Reason":
                return self.organisation.workflow.all_reasons(kind)
            case "System.WorkItemType":
                return sorted(each.name for each in self.organisation.types.values())
        return [str(value) for value in field.allowed]

    def work_item_type(self, kind: WorkItemType) -> JsonObject:
        """A work item type with its fields, states and transitions ("" is where a new one starts)."""
        moves = self.organisation.workflow.transitions(kind)
        transitions = {old: [{"to": new, "actions": None} for new in following] for old, following in moves.items()}
        fields = [self.type_field(kind, field) for field in self.organisation.fields_of(kind)]
        icon = {"id": "icon_clipboard", "url": f"{self.root}/_apis/wit/workItemIcons/icon_clipboard?v=2"}
        return {
            "name": kind.name,
            "referenceName": kind.reference,
            "description": f"A work item of type {kind.name}.",
            "color": kind.color,
            "icon": icon,
            "isDisabled": kind.name in self.organisation.rules.disabled_types,
            "xmlForm": "",
            "fields": fields,
            "fieldInstances": fields,
            "transitions": transitions,
            "states": self.states(kind),
            "url": f"{self.scope}/_apis/wit/workItemTypes/{quote(kind.name)}",
        }

    def states(self, kind: WorkItemType) -> list[JsonObject]:
        """The states of a type with their categories."""
        return [{"name": s.name, "color": s.color, "category": s.category} for s in kind.states]

    def node(self, node: Node, depth: int, *, linked: bool = True) -> JsonObject:
        """An area or iteration, `depth` levels of children deep; `linked` adds `_links`, which children go without."""
        group = "Areas" if node.kind == "area" else "Iterations"
        project, *below = node.names
        home = self.organisation.projects[project.lower()].id
        base = f"{self.root}/{home}/_apis/wit/classificationNodes/{group}"
        url = "/".join([base, *(quote(name) for name in below)])
        answer: JsonObject = {
            "id": node.id,
            "identifier": guid(f"node/{node.id}"),
            "name": node.name,
            "structureType": node.kind,
            "hasChildren": bool(node.children),
            "path": "\\" + "\\".join([project, group[:-1], *below]),
        }
        if node.attributes:
            answer["attributes"] = node.attributes
        if depth > 0 and node.children:
            answer["children"] = [self.node(child, depth - 1, linked=False) for child in node.children.values()]
        if linked:
            answer["_links"] = {"self": {"href": url}}
            if below:
                answer["_links"]["parent"] = {"href": "/".join([base, *(quote(name) for name in below[:-1])])}
        return {**answer, "url": url}

    def tag(self, name: str) -> JsonObject:
        """A tag's definition."""
        number = guid(f"tag/{name.lower()}")
        return {"id": number, "name": name, "url": f"{self.scope}/_apis/wit/tags/{number}"}
