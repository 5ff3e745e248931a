"""Differences between two snapshots, as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sync.core.fieldrules import equal
from sync.core.models import UNKNOWN, Field, Fields, Snapshot, Tombstone, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field from `old` to `new`."""

    old: Value
    new: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """What changed, field by field; `gone` when the whole ticket is not there any more."""

    fields: Mapping[Field, FieldChange] = field(default_factory=dict)
    gone: bool = False

    def __bool__(self) -> bool:
        return self.gone or bool(self.fields)

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    @property
    def news(self) -> dict[Field, Value]:
        """The new values."""
        return {name: change.new for name, change in self.fields.items()}

    def only(self, names: frozenset[Field]) -> ChangeSet:
        """The part that concerns `names`."""
        return ChangeSet(
            fields={name: change for name, change in self.fields.items() if name in names},
            gone=self.gone,
        )


def diff(base: Snapshot | None, head: Snapshot | Tombstone) -> ChangeSet:
    """What `head` says otherwise than `base`; a field that either can't read or does not mention is left out."""
    if isinstance(head, Tombstone):
        return ChangeSet(gone=True)
    return diff_fields({} if base is None else base.fields, head.fields)


def diff_fields(old: Fields, new: Fields) -> ChangeSet:
    """What `new` says otherwise than `old`."""
    return ChangeSet(
        fields={
            name: FieldChange(old=old.get(name), new=value)
            for name, value in new.items()
            if value is not UNKNOWN and not (name in old and equal(name, old[name], value))
        }
    )
