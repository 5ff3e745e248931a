"""What a Jira project can hold of each value: shared by `project` (what would come back) and `encode` (what to send)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from adapters.jira.wire import as_list, as_object, at, person_ids, text_at
from sync.core.ids import PersonId
from sync.core.mapping import ProjectMapping, TypeRow
from sync.core.models import UNKNOWN, Field, Fields, JsonObject, NativeTicket, Value

LABEL_LIMIT: Final = 255
#: Jira's labels have no spaces: this sign stands for one, reads as one, and nobody types it.
OPEN_BOX: Final = "\u2423"


class UnreadableError(Exception):
    """A native value without a meaning: the message and the mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What `probe` found out about the project, as the codec needs it; `internal`: our comments are for the team only."""

    cloud: bool
    account: str
    project: str
    status_words: JsonObject
    subtasks: tuple[str, ...]
    epic_link: str
    epic_name: str
    simplified: bool
    service: bool
    internal: bool

    @classmethod
    def of(cls, mapping: ProjectMapping) -> Site:
        """From the facts that the mapping is bound to."""
        extra = mapping.facts.extra
        subtasks = extra.get("subtasks")
        return cls(
            cloud=extra.get("deployment", "cloud") == "cloud",
            account=str(extra.get("account", "")),
            project=str(extra.get("project", "")),
            status_words=as_object(extra.get("status_words")),
            subtasks=tuple(map(str, subtasks)) if isinstance(subtasks, list | tuple) else (),
            epic_link=str(extra.get("epic_link", "")),
            epic_name=str(extra.get("epic_name", "")),
            simplified=extra.get("simplified") is True,
            service=extra.get("service") is True,
            internal=extra.get("service") is True and extra.get("public_comments") is not True,
        )

    def status_word(self, status: Any) -> str:
        """The untranslated name of a status where the site tells it, else the name that it shows."""
        word = self.status_words.get(text_at(status, "id"))
        return word if isinstance(word, str) and word else text_at(status, "name")


def status_of(current: NativeTicket | None, mapping: ProjectMapping) -> tuple[str, Value]:
    """The native word of a ticket's status and what it means."""
    status = at(current.payload, "fields", "status") if current else None
    word = Site.of(mapping).status_word(status)
    return word, mapping.read_status(word, text_at(status, "statusCategory", "key")) if word else None


def held_status(
    value: Value, current: NativeTicket | None, mapping: ProjectMapping, native_type: str
) -> tuple[str, Value] | None:
    """The native status to reach and how it reads; None where the project has nothing for the value."""
    if not isinstance(value, str) or not value:
        return None
    present, meaning = status_of(current, mapping)
    if value == "reopened" and meaning not in ("done", "reopened"):
        value = "open"  # what was never done is not open again
    if present and meaning == value:
        return present, meaning
    word = mapping.write_status(value, native_type)
    if word is None:
        return None
    return (present, meaning) if word.casefold() == present.casefold() else (word, mapping.read_status(word))


def held_reason(
    value: Value, status: Value, current: NativeTicket | None, mapping: ProjectMapping
) -> tuple[str | None, Value] | None:
    """The native resolution to send along and how it reads; None where there is nothing to say.

    A resolution is set on the screen of the transition to done and nowhere else: what is done already keeps the one
    that it has, and where there is no such screen the workflow sets one of its own.
    """
    if status != "done":
        return None, None
    if current is not None and status_of(current, mapping)[1] == "done":
        return None, read_reason(at(current.payload, "fields", "resolution"), mapping)
    if Site.of(mapping).simplified or _no_place_for_a_resolution(current):
        return None
    word = mapping.write_reason(value) if isinstance(value, str) and value else None
    word = word or mapping.screen("done").get("resolution")
    return (word, mapping.read_reason(word)) if word else None


def _no_place_for_a_resolution(current: NativeTicket | None) -> bool:
    """Whether every way from here to done is known to have no such field."""
    moves = as_list(at(current.payload, "transitions")) if current else []
    ways = [move for move in moves if text_at(move, "to", "statusCategory", "key") == "done"]
    return bool(ways) and all(
        "resolution" not in as_object(at(move, "fields") or {"resolution": None}) for move in ways
    )


def read_reason(resolution: Any, mapping: ProjectMapping) -> Value:
    """What a resolution means; None for none."""
    word = text_at(resolution, "name")
    return mapping.read_reason(word) if word else None


def held_type(fields: Fields, current: NativeTicket | None, mapping: ProjectMapping) -> TypeRow | None:
    """The native type for a kind and type; None where there is none that the ticket could have.

    A sub-task needs a parent, and only a move (not an edit) makes one of another type or the reverse.
    """
    present = mapping.read_type(text_at(current.payload, "fields", "issuetype", "name")) if current else None
    if current is not None and present is None:
        return None
    kind = fields.get(Field.KIND, present.kind if present else None) or "issue"
    type_ = fields.get(Field.TYPE, present.type if present else None)
    if not isinstance(kind, str) or type_ is UNKNOWN:
        return None
    type_ = type_ if isinstance(type_, str) and type_ else None
    if present is not None and (present.kind, present.type) == (kind, type_):
        return present
    subtasks = {name.casefold() for name in Site.of(mapping).subtasks}
    row = mapping.write_type(kind, type_)
    if row is None:
        return None
    if present is None:
        orphan = row.native.casefold() in subtasks and not fields.get(Field.PARENT)
        return mapping.write_type("issue", type_) if orphan else row
    if (row.native.casefold() in subtasks) != (present.native.casefold() in subtasks):
        return mapping.write_type(present.kind, type_) if Field.TYPE in fields else present
    return present if (row.kind, row.type) == (present.kind, present.type) else row


def held_labels(value: Value) -> dict[str, str] | None:
    """Native label → canonical label, for those that Jira can hold; None for what is no set."""
    if not isinstance(value, frozenset):
        return None
    written = {label.strip().replace(" ", OPEN_BOX): label for label in sorted(value) if OPEN_BOX not in label}
    return {
        native: label
        for native, label in written.items()
        if native and len(native) <= LABEL_LIMIT and not re.search(r"\s", native) and read_label(native) == label
    }


def read_label(native: str) -> str:
    """The canonical form of a native label."""
    return native.replace(OPEN_BOX, " ")


def held_assignee(
    value: Value, current: NativeTicket | None, mapping: ProjectMapping
) -> tuple[str | None, frozenset[str]] | None:
    """The one native id to assign and how it reads: the present one while it is in the set, else the first known.

    None where the set has people and none of them is known here.
    """
    if not isinstance(value, frozenset):
        return None
    if not value:
        return None, frozenset()
    ids = person_ids(at(current.payload, "fields", "assignee")) if current else []
    present = mapping.people.read(ids)
    if present is not None and present in value:
        return ids[0], frozenset({present})
    for person in sorted(value):
        native = mapping.people.write(person)
        if native is not None:
            return native, frozenset({mapping.people.read([native]) or PersonId(person)})
    return None


def strangers(people: Iterable[str], mapping: ProjectMapping) -> list[str]:
    """Those who have no account in this replica, as far as we know."""
    return sorted(person for person in people if mapping.people.write(person) is None)


def is_restricted(payload: JsonObject, mapping: ProjectMapping, *, ours: bool) -> bool:
    """Whether some people only may read a comment.

    Our own copies in a service project are for the team as a rule, and restricted nowhere else. Data Center's answers
    do not say which comments of a service project are: none of them is believed to be for everybody.
    """
    site = Site.of(mapping)
    if payload.get("visibility"):
        return True
    if ours and (site.internal or not site.cloud):
        return False
    return payload.get("jsdPublic") is False or (site.service and not site.cloud)
