"""What one project of one tracker can do: facts that were measured by `probe`, asked for by the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from sync.core.models import Field


class Visibility(StrEnum):
    """Who may read a project: everybody; everybody in the organisation; who was let in; nobody could say."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PRIVATE = "private"
    UNKNOWN = "unknown"

    def is_wider_than(self, other: Visibility) -> bool:
        """Whether people may read here who may not read there; of what nobody can say the careful one is believed."""
        return _WIDTH[self] > _WIDTH[other]


_WIDTH = {Visibility.UNKNOWN: 0, Visibility.PRIVATE: 0, Visibility.INTERNAL: 1, Visibility.PUBLIC: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFacts:
    """The values that the project knows, in its own words; they choose among a mapping's candidates.

    `statuses` maps a status name to its category key (`done`, `InProgress`; "" where the tracker has none);
    `statuses_by_type` says which of them a native type may have. `types` are native type names; `custom` maps each custom
    field, by every name that a mapping may use for it, to its type (a word of `sync.core.mapping.CUSTOM_TYPES`, "" for one that is
    not carried); `extra` is the adapter's own (field ids, process name), JSON.
    """

    statuses: Mapping[str, str] = field(default_factory=dict)
    statuses_by_type: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    types: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
    custom: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What this project can hold and do, and how its clock ticks.

    `conditional_writes`: the tracker itself refuses a write over a newer version. `history`: `Adapter.history`
    has events. `account` is the native id of the user whose credentials we hold; `feeds` is the number of requests of an idle pull.
    `tells` are the `fields` that can be read here and not set (a reporter). `attachments`: files can be uploaded. `can_delete`: whole
    tickets can be deleted by this account. `own_ends` are the kinds of links that each of the two tickets holds by itself; a link of any
    other kind is written at one end and shows at both.
    """

    server: str
    account: str
    fields: frozenset[Field]
    tells: frozenset[Field] = frozenset()
    facts: ProjectFacts = ProjectFacts()
    max_assignees: int = 1
    title_limit: int | None = None
    body_limit: int | None = None
    comments: bool = True
    comment_edit: bool = True
    comment_delete: bool = True
    conditional_writes: bool = False
    history: bool = False
    attachments: bool = False
    own_ends: frozenset[str] = frozenset()
    can_write: bool = True
    can_delete: bool = False
    clock_resolution: timedelta = timedelta(seconds=1)
    feeds: int = 1
    notes: tuple[str, ...] = ()
