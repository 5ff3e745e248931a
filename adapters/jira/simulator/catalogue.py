"""What a simulated Jira site is made of before its first issue: people, types, statuses, workflows, fields, link types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Deployment = Literal["cloud", "server"]
Style = Literal["classic", "team-managed"]

EPIC_LINK = "customfield_10014"
EPIC_NAME = "customfield_10011"
BLOCKED_REASON = "customfield_10050"
#: Fields whose value is a text with markup.
RICH_TEXTS = frozenset({"description", "textarea"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One account; `name` is the Data Center login and the short name of the convenience calls."""

    name: str
    account_id: str
    display_name: str
    email: str
    token: str
    time_zone: str
    active: bool = True
    assignable: bool = True
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A status category; its key never changes, its name follows the language."""

    id: int
    key: str
    name: str
    color: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A status; `name` follows the language, `untranslated` does not."""

    id: str
    name: str
    untranslated: str
    category: Category


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueType:
    """An issue type; level 1 is an epic, 0 ordinary, -1 a sub-task."""

    id: str
    name: str
    level: int
    description: str

    @property
    def subtask(self) -> bool:
        """Whether an issue of this type lives under another one of level 0."""
        return self.level < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A priority or a resolution."""

    id: str
    name: str
    description: str
    color: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A move of the workflow; `sources` are status ids, and empty means from everywhere."""

    id: str
    name: str
    target: str
    sources: frozenset[str] = frozenset()
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    @property
    def is_global(self) -> bool:
        """Whether it may be taken from any status."""
        return not self.sources

    @property
    def screen(self) -> tuple[str, ...]:
        """The fields that may be sent along."""
        return self.required + self.optional


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkType:
    """A kind of issue link; the issue that the link comes from shows `outward`, the other one `inward`."""

    id: str
    name: str
    inward: str
    outward: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One choice of a custom field; only cascading fields have children."""

    id: str
    value: str
    children: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """One field as `/field` lists it; `editable` says whether it is on the screens of the project."""

    id: str
    name: str
    type: str
    items: str | None = None
    custom: str | None = None
    editable: bool = True
    navigable: bool = True
    operations: tuple[str, ...] = ("set",)
    options: tuple[Option, ...] = ()

    @property
    def kind(self) -> str:
        """What decides how its values are read and written: the last word of a custom type, else its id."""
        return self.custom.rpartition(":")[2] if self.custom else self.id

    @property
    def schema(self) -> dict[str, object]:
        """The `schema` object of the field."""
        result: dict[str, object] = {"type": self.type}
        if self.items:
            result["items"] = self.items
        if self.custom:
            result |= {"custom": self.custom, "customId": int(self.id.removeprefix("customfield_"))}
        else:
            result["system"] = self.id
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The configuration of one site."""

    deployment: Deployment
    style: Style
    people: Mapping[str, Person]
    statuses: Mapping[str, Status]
    types: Mapping[str, IssueType]
    priorities: Mapping[str, Named]
    resolutions: Mapping[str, Named]
    transitions: tuple[Transition, ...]
    fields: Mapping[str, FieldSpec]
    link_types: Mapping[str, LinkType]
    initial_status: str
    hidden: frozenset[str] = frozenset()
    done_resolution: str = "10000"
    by_account: Mapping[str, Person] = field(default_factory=dict)

    @property
    def cloud(self) -> bool:
        """Whether this is Jira Cloud."""
        return self.deployment == "cloud"

    def field_of(self, kind: str) -> FieldSpec:
        """The field of a kind; KeyError where the site has none."""
        for spec in self.fields.values():
            if spec.kind == kind:
                return spec
        raise KeyError(kind)

    def person(self, identifier: str) -> Person | None:
        """By account id on Cloud, by name on Data Center."""
        return (self.by_account if self.cloud else self.people).get(identifier)

    def transitions_from(self, status: str) -> tuple[Transition, ...]:
        """What may be done in a status, in the order of the screen."""
        return tuple(move for move in self.transitions if move.is_global or status in move.sources)
