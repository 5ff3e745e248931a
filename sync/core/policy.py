"""How a conflict on a field is settled: the words of `[bridges.x.fields]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sync.core.fieldrules import Shape, shape_of
from sync.core.ids import ReplicaName
from sync.core.models import Field


class PolicyName(StrEnum):
    """What happens when two sides wrote the same field."""

    LAST_WRITER = "last_writer"
    MERGE = "merge"
    PREFER = "prefer"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class FieldPolicy:
    """The policy of one field; `prefer` names the replica that wins under `PREFER`."""

    name: PolicyName
    prefer: ReplicaName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePolicy:
    """A bridge's policies; `order` is the bridge's list of trackers, which breaks ties."""

    order: tuple[ReplicaName, ...]
    fields: Mapping[Field, FieldPolicy] = field(default_factory=dict)

    def of(self, name: Field) -> FieldPolicy:
        """The policy of a field: as configured, else merge for sets and text and last writer for scalars."""
        if name in self.fields:
            return self.fields[name]
        return FieldPolicy(PolicyName.LAST_WRITER if shape_of(name) is Shape.SCALAR else PolicyName.MERGE)

    def rank(self, replica: ReplicaName | None) -> int:
        """The place in the tie-breaking order; a person at the command line (None) comes first."""
        if replica is None:
            return -1
        return self.order.index(replica) if replica in self.order else len(self.order)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePolicy:
    """Which attachments are copied; `max_size` in bytes, `deny` are endings of names, without the dot."""

    carry: bool = True
    max_size: int = 50_000_000
    deny: frozenset[str] = frozenset()

    def refusal(self, name: str, size: int | None) -> str:
        """Why a file is not copied; empty when it is."""
        ending = name.rpartition(".")[2].casefold() if "." in name else ""
        if ending in self.deny:
            return f"files that end in .{ending} are not carried"
        return f"it is larger than {self.max_size:,} bytes" if size is not None and size > self.max_size else ""
