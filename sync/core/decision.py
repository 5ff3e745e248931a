"""What `reconcile` is given for each side, and what it decides: values that can be printed, tested and replayed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sync.core.changes import ChangeSet
from sync.core.conflict import Conflict
from sync.core.fieldrules import Shape, equal, shape_of
from sync.core.ids import ReplicaName
from sync.core.models import UNKNOWN, Canonical, Field, FieldEvent, Fields, Provenance, Snapshot, Tombstone, Value


def as_it_stands(author: str, before: str, after: str) -> str:  # noqa: ARG001 - the shape of `Side.rephrase`
    """The new text whole, for sides that hold every text as it was written."""
    return after


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One linked replica of a ticket (or of a comment), as it was and as it is.

    `base` is what the tracker last returned; `agreed` is, per field, the canonical value that was settled with this side at
    that time (delivered to it, taken from it, or found to be all that it can hold). The two differ wherever the tracker holds less
    than the canonical ticket, and that is why both are kept: `base` tells whether a person edited here, `agreed` whether
    the canonical value moved on, and no converter comes into either question.
    `head` is what was just pulled (None: nothing new, so the base). `project` says what this side can hold.
    `settled_at` is when base and agreement were stored last, by our clock;
    `touched` bounds when the head was written where the history was not read; `history` is None until it was, and
    holds only what people did; `overrun` are people's edits that our own write ran over.
    """

    replica: ReplicaName
    fields: frozenset[Field]
    project: Callable[[Fields], Fields]
    base: Snapshot | None
    head: Snapshot | Tombstone | None = None
    agreed: Fields = field(default_factory=dict)
    reads: bool = True
    receives: bool = True
    touched: Provenance | None = None
    settled_at: datetime | None = None
    history: tuple[FieldEvent, ...] | None = None
    overrun: tuple[FieldEvent, ...] = ()
    clock_uncertainty: timedelta = timedelta()
    taken: frozenset[Field] = (
        frozenset()
    )  # fields whose value in `agreed` the tracker took in a request, whatever it shows of it
    tells: frozenset[Field] = frozenset()  # fields that this side tells of and can't be told
    #: (the author's text, its copy here before, its copy now) → the author's text with what changed here.
    rephrase: Callable[[str, str, str], str] = as_it_stands

    @property
    def seen(self) -> Fields:
        """What stands there now; empty for a side that is gone."""
        if isinstance(self.head, Tombstone):
            return {}
        old: Fields = self.base.fields if self.base is not None else {}
        return {**old, **self.head.fields} if self.head is not None else old

    def had(self, name: Field) -> bool:
        """Whether the base says anything about the field: without a past, an empty value is nobody's edit."""
        return self.base is not None and name in self.base.fields and self.base.fields[name] is not UNKNOWN

    def edited(self, name: Field) -> bool:
        """Whether a person wrote the field here since the base (or it is new to us and not empty)."""
        value = self.seen.get(name, UNKNOWN)
        if value is UNKNOWN or self.head is None or isinstance(self.head, Tombstone):
            return False
        if self.base is None or not self.had(name):
            return not equal(name, value, None)
        return not equal(name, value, self.base.fields[name])

    def step(self, name: Field) -> tuple[Value, Value]:
        """The field before and after what people did here; of a text, in the words of the text that this side was settled with.

        What nobody touched keeps its author's spelling, whatever this tracker made of it.
        """
        value = self.seen.get(name, UNKNOWN)
        past = self.base.fields[name] if self.base is not None and self.had(name) else None
        author = self.agreed.get(name)
        if (
            shape_of(name) is Shape.TEXT
            and isinstance(value, str)
            and isinstance(past, str)
            and isinstance(author, str)
        ):
            return author, self.rephrase(author, past, value)
        return past, value

    def delivered(self, name: Field, canonical: Value) -> bool:
        """Whether this side has been settled with this very canonical value."""
        return name in self.agreed and equal(name, self.agreed[name], canonical)


@dataclass(frozen=True, slots=True, kw_only=True)
class SideDecision:
    """What becomes of one side: its new base and agreement at once, and `writes` still to be carried out.

    `writes` are in canonical terms: from what stands there to what the canonical ticket says.
    """

    base: Fields
    agreed: Fields
    writes: ChangeSet = field(default_factory=ChangeSet)
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The agreed ticket before and after, what was in conflict, and what each side needs."""

    before: Canonical | None
    after: Canonical
    changes: ChangeSet
    conflicts: tuple[Conflict, ...]
    sides: Mapping[ReplicaName, SideDecision]

    @property
    def is_quiet(self) -> bool:
        """Whether nothing was decided: no change, no conflict, no write."""
        return not (self.changes or self.conflicts or any(side.writes or side.gone for side in self.sides.values()))
