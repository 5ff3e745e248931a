"""The words of a GitHub mapping: `state:closed`, `label:status: review`, `type:Bug`; what a ticket's words mean.

A label that stands in a mapping says a status, a priority, a severity or a type, one with a prefix of the mapping says that
prefix's field; neither is one of the ticket's own labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sync.core.capabilities import ProjectFacts
from sync.core.mapping import ProjectMapping, TypeRow
from sync.core.models import UNKNOWN, Field, Unknown, Value

LABEL = "label:"
STATE = "state:"
TYPE = "type:"
MAX_LABEL = 50
MAX_LABELS = 100
#: A ticket without any word of a kind is an ordinary issue.
ORDINARY = TypeRow(native="", kind="issue")


@dataclass(frozen=True, slots=True)
class Words:
    """One mapping's words, ready to be looked up."""

    mapping: ProjectMapping
    owners: dict[str, Field]  # label without case → the field that it says
    prefixes: dict[str, Field]  # prefix without case → the field that labels with it say

    @classmethod
    def of(cls, mapping: ProjectMapping) -> Words:
        """The words of the fields that this replica carries."""
        owners: dict[str, Field] = {}
        placed = {name: place.native for name, place in mapping.mapping.places.items() if place.native is not None}
        placed |= {name: row.native for name, row in mapping.custom.items()}
        for name in (Field.STATUS, Field.PRIORITY, Field.SEVERITY):
            if name not in mapping.mapping.off and name not in placed:
                for candidates in mapping.values(name).values.values():
                    owners |= {label.casefold(): name for label in _labels(candidates)}
        if not {Field.KIND, Field.TYPE} <= mapping.mapping.off:
            owners |= {label.casefold(): Field.TYPE for label in _labels(row.native for row in mapping.mapping.types)}
        prefixes = {
            native.removeprefix(LABEL).casefold(): name
            for name, native in placed.items()
            if native.startswith(LABEL) and name not in mapping.mapping.off
        }
        return cls(mapping, owners, prefixes)

    def owner(self, label: str) -> Field:
        """The field that a label says; `LABELS` for a label of the ticket's own."""
        folded = label.casefold()
        if (owner := self.owners.get(folded)) is not None:
            return owner
        return next((name for prefix, name in self.prefixes.items() if _has(folded, prefix)), Field.LABELS)

    def owned(self, labels: Iterable[str]) -> list[str]:
        """The labels that say a field."""
        return [label for label in labels if self.owner(label) is not Field.LABELS]

    def said(self, labels: Iterable[str]) -> set[Field]:
        """The fields that labels say; a type label says the kind too."""
        owners = {self.owner(label) for label in labels}
        return owners | {Field.KIND} if Field.TYPE in owners else owners

    def plain(self, labels: Iterable[str]) -> list[str]:
        """The ticket's own labels."""
        return [label for label in labels if self.owner(label) is Field.LABELS]

    def without(self, field: Field, labels: Iterable[str]) -> list[str]:
        """The labels that do not say `field`."""
        return [label for label in labels if self.owner(label) is not field]

    def status(self, state: str, labels: Sequence[str]) -> Value:
        """A closed ticket's status is its state; an open one's is its first status label, in the mapping's order."""
        if state == "open" and (said := self.meaning(Field.STATUS, labels)) is not None:
            return said
        return self.mapping.read_status(f"{STATE}{state}")

    def meaning(self, field: Field, labels: Sequence[str]) -> str | None:
        """What the field's first label says, in the mapping's order."""
        there = {label.casefold() for label in labels}
        for canonical, candidates in self.mapping.values(field).values.items():
            if any(label.casefold() in there for label in _labels(candidates)):
                return canonical
        return None

    def row(self, native_type: str | None, labels: Sequence[str]) -> TypeRow | Unknown:
        """What the native type or a type label means; UNKNOWN for a native type that has no row."""
        there = {f"{LABEL}{label}".casefold() for label in labels}
        if native_type is not None:
            there.add(f"{TYPE}{native_type}".casefold())
        for row in self.mapping.mapping.types:
            if row.native.casefold() in there:
                return row
        return ORDINARY if native_type is None else UNKNOWN

    def row_for(self, kind: str, type_: str | None, facts: ProjectFacts) -> TypeRow | None:
        """The row to write: exact, else of that kind alone, else of that kind; an ordinary issue needs none."""
        known = {name.casefold() for name in facts.types}
        rows = [
            row
            for row in self.mapping.mapping.types
            if row.kind == kind and (row.native.startswith(LABEL) or row.native.casefold() in known)
        ]
        for wanted in (type_, None):
            for row in rows:
                if row.type == wanted:
                    return row
            if wanted is None and kind == ORDINARY.kind:
                return ORDINARY
        return rows[0] if rows else None


def suffixes(labels: Iterable[str], prefix: str) -> list[str]:
    """What labels with a prefix say beside it, in the order of the alphabet."""
    folded = prefix.casefold()
    found = (label[len(prefix) :].strip() for label in labels if _has(label.casefold(), folded))
    return sorted(found, key=str.casefold)


def _has(label: str, prefix: str) -> bool:
    return label.startswith(prefix) and len(label) > len(prefix)


def _labels(words: Iterable[str]) -> list[str]:
    return [word.removeprefix(LABEL).strip() for word in words if word.startswith(LABEL)]
