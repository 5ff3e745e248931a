"""Where this project holds a canonical field: the Jira field and the kind of its values, as `probe` found them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from adapters.jira.wire import as_list, as_object, at, text_at
from sync.core.mapping import ProjectMapping
from sync.core.models import Field, FieldProblem, NativeTicket

TIME: Final = "timetracking"
#: Canonical fields that stand in a field of their own on the screens of a project.
SLOTTED: Final = (
    Field.SEVERITY,
    Field.COMPONENTS,
    Field.REPORTER,
    Field.ESTIMATE,
    Field.REMAINING,
    Field.SPENT,
    Field.POINTS,
    Field.SPRINT,
    Field.MILESTONE,
    Field.START,
    Field.TARGET,
    Field.DUE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A Jira field of a kind; `options` are the words that it takes, None where any will do."""

    id: str
    kind: str
    options: tuple[str, ...] | None = None

    def is_on(self, ticket: NativeTicket) -> bool:
        """Whether tickets like this one have the field: Jira leaves out what a type of ticket does not know."""
        return self.id in as_object(at(ticket.payload, "fields"))


def slotted(mapping: ProjectMapping) -> Iterable[Field]:
    """The fields that may have a slot here."""
    return (*SLOTTED, *mapping.custom)


def slot_of(name: Field, mapping: ProjectMapping) -> Slot | None:
    """Where a field is held: where the mapping says, else where `probe` found it; None where nowhere."""
    extra = mapping.facts.extra
    row = mapping.mapping.custom.get(name)
    native = row.native if row is not None else mapping.place(name).native
    fields = as_object(extra.get("fields"))
    if native is None:
        found = text_at(extra.get("slots"), name.value)
    else:
        named = (identifier for identifier, about in fields.items() if text_at(about, "name") == native)
        found = native if native in fields else next(named, "")
    kind = text_at(fields.get(found), "kind")
    if not kind:
        return None
    options = at(fields[found], "options")
    return Slot(id=found, kind=kind, options=tuple(map(str, options)) if isinstance(options, list) else None)


def names_in(mapping: ProjectMapping, name: Field) -> tuple[str, ...]:
    """The components, versions or open sprints that the project had when it was asked."""
    listed = mapping.facts.extra.get(name.value)
    return tuple(map(str, as_object(listed) or as_list(listed)))


def nowhere(name: Field) -> FieldProblem:
    """What to say of a field that the project does not hold."""
    return FieldProblem(
        field=name,
        message=f"The project has no field for {name}.",
        mend=f"Put the field on the project's screens in Jira, name it in the mapping, or set carry = false for {name}.",
    )
