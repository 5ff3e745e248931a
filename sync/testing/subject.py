"""What the conformance suite is run on: an opened adapter, its codec, and a hand on the tracker's server."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from sync.core.capabilities import Capabilities
from sync.core.changes import diff_fields
from sync.core.fieldrules import equal
from sync.core.ids import Cursor, Marker, NativeRef, PersonId
from sync.core.mapping import ProjectMapping
from sync.core.models import UNKNOWN, Decoded, Field, Fields, Gone, NativeComment, NativeTicket, Value
from sync.core.ports import Adapter, Codec, NativeOp, Page, Receipt

T = TypeVar("T")

#: More rounds of encode and write than this for one change is a failure: a workflow has fewer steps.
ROUNDS: Final = 8
#: Fields that trackers keep in one place: writing one may change the other.
COUPLED: Final = ({Field.KIND, Field.TYPE}, {Field.STATUS, Field.REASON})
#: What a driver opens an adapter with when the token is to be wrong; it may stand in no message.
WRONG_TOKEN: Final = "a-wrong-token"  # noqa: S105
THROTTLE: Final = timedelta(seconds=300)


class Failure(StrEnum):
    """What the server does to the next request of the kind it is asked about, once."""

    REFUSED = "refused"  # 503, nothing done
    THROTTLED = "throttled"  # 429 with `Retry-After: 300`, nothing done
    DROPPED = "dropped"  # the connection breaks, nothing done
    LOST = "lost"  # done, then the connection breaks
    GATEWAY = "gateway"  # 502 in front of the tracker: nobody knows
    TRUNCATED = "truncated"  # done, half of the answer is sent


class Asked(StrEnum):
    """The requests that a failure is for."""

    READ = "read"  # a list request of `pull`
    CREATE = "create"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfalls:
    """What a tracker does not do, and what no adapter can make up for.

    `untold` fields are not in its history; a change of `unlisted` ones makes no list show the ticket, so that only a direct read
    shows it; `whole` sets are written as a whole, so that a write runs over what came meanwhile.
    """

    untold: frozenset[Field] = frozenset()
    unlisted: frozenset[Field] = frozenset()
    whole: frozenset[Field] = frozenset()


class ServerDriver(Protocol):
    """What people and bad days do to the tracker, past the adapter. `body` and `text` are plain words in any format.

    `many` is a number of tickets that does not fit into one page of a list.
    """

    many: int
    #: Two people with an account in the tracker, known to the mapping; the first does everything here.
    people: tuple[PersonId, PersonId]
    #: Two names that the project has, for each field of names that it carries (components, a milestone, a sprint).
    names: Mapping[Field, tuple[str, ...]]
    shortfalls: Shortfalls

    def create(self, *, title: str, body: str = "", labels: Sequence[str] = ()) -> NativeRef:
        """Write a ticket as a person."""
        ...

    def edit(
        self, ref: NativeRef, *, title: str | None = None, body: str | None = None, labels: Sequence[str] | None = None
    ) -> None:
        """Change a ticket as a person; `labels` are all of them."""
        ...

    def copy(self, ref: NativeRef) -> NativeRef:
        """Make a new ticket as a person out of all that a person can copy of this one, markers included."""
        ...

    def delete(self, ref: NativeRef) -> None:
        """Delete a ticket."""
        ...

    def comment(self, ref: NativeRef, text: str) -> NativeRef:
        """Comment as a person."""
        ...

    def edit_comment(self, ref: NativeRef, comment: NativeRef, text: str) -> None:
        """Rewrite a comment as its author."""
        ...

    def delete_comment(self, ref: NativeRef, comment: NativeRef) -> None:
        """Delete a comment."""
        ...

    def settle(self) -> None:
        """Let so much time pass that lists show everything."""
        ...

    def wait(self, span: timedelta) -> None:
        """Let so much time pass, there and for the adapters that were opened."""
        ...

    def fail(self, failure: Failure, asked: Asked) -> None:
        """Let the next request of that kind fail."""
        ...

    def creates(self) -> int:
        """How many requests that create a ticket have arrived, answered or not."""
        ...

    def arrived(self) -> int:
        """How many requests have arrived from all adapters together, whatever became of them."""
        ...

    def open(self, *, wrong_token: bool = False, wrong_project: bool = False) -> Adapter:
        """One more adapter; with `WRONG_TOKEN` or another project it will fail at `probe`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Subject:
    """One adapter under test on a project with no tickets; it has been probed, and waits for nothing in real time."""

    adapter: Adapter
    codec: Codec
    capabilities: Capabilities
    mapping: ProjectMapping
    server: ServerDriver

    def __repr__(self) -> str:
        return f"Subject({self.capabilities.server})"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(repr(self))  # Hypothesis would print the whole

    @property
    def carried(self) -> frozenset[Field]:
        """The fields that go through this project, its custom ones among them."""
        return (self.capabilities.fields | self.mapping.custom.keys()) - self.mapping.mapping.off

    @property
    def settable(self) -> frozenset[Field]:
        """The carried fields that can be set."""
        return self.carried - self.capabilities.tells

    def pulled(self, since: Cursor | None = None) -> list[Page]:
        """All pages of a pull once lists show everything."""
        self.server.settle()
        return list(self.adapter.pull(since))

    def caught_up(self) -> Cursor:
        """The cursor of somebody who has seen everything."""
        return self.pulled(self.pulled()[-1].cursor)[-1].cursor

    def read(self, ref: NativeRef) -> NativeTicket:
        """The present state of a ticket that is there."""
        found = list(self.adapter.fetch([ref]))
        assert [one.ref for one in found] == [ref], f"asked for {ref}, got {[one.ref for one in found]}"
        assert not isinstance(found[0], Gone), f"{ref} is there, but fetch says it is gone: {found[0]}"
        return found[0]

    def decoded(self, ref: NativeRef) -> Decoded:
        """The present state in canonical terms."""
        return self.codec.decode(self.read(ref), self.mapping)

    def fields(self, ref: NativeRef) -> Fields:
        """The present fields."""
        return self.decoded(ref).snapshot.fields

    def comments(self, ref: NativeRef) -> tuple[NativeComment, ...]:
        """The complete comments of a ticket."""
        found = self.read(ref).comments
        assert found is not None, "fetch must bring the complete comments"
        return found

    def comments_in(self, pages: Sequence[Page]) -> dict[NativeRef, str]:
        """The comments that a pull leads to, by ref: those of a feed, and all of a ticket that came along."""
        found = {one.ref: one for page in pages for one in page.comments}
        for ticket in (ticket for page in pages for ticket in page.tickets):
            complete = ticket.comments
            if complete is None and ticket.comment_count != 0:
                complete = self.comments(ticket.ref)
            found.update({one.ref: one for one in complete or ()})
        return {ref: self.codec.decode_comment(one, self.mapping).body for ref, one in found.items()}

    def project(self, wanted: Fields, current: NativeTicket | None) -> Fields:
        """What the tracker can hold of `wanted`."""
        return self.codec.project(wanted, current, self.mapping, self.capabilities)

    def write(self, op: NativeOp, content: Path | None = None) -> Receipt:
        """Send one request that has waited in an outbox."""
        assert json.loads(json.dumps(op.payload)) == op.payload, "a request must survive the outbox"
        return self.adapter.write(op, content)

    def make(self, marker: Marker | None = None, **words: Value) -> NativeRef:
        """A ticket made through the adapter; `words` are canonical fields by name."""
        return self.make_of({Field(name): value for name, value in words.items()}, marker)

    def make_of(self, fields: Fields, marker: Marker | None = None) -> NativeRef:
        """A ticket made through the adapter with these fields, as far as the tracker has them; a title is thought up."""
        wanted: dict[Field, Value] = {Field.TITLE: "A ticket", Field.KIND: "issue", **fields}
        wanted = {name: value for name, value in wanted.items() if name in self.carried}
        encoded = self.codec.encode(diff_fields({}, wanted), None, self.mapping, self.capabilities, marker)
        assert len(encoded.ops) == 1, f"a create is one request, not {[op.summary for op in encoded.ops]}"
        ref = self.write(encoded.ops[0]).ref
        self.apply(ref, wanted)
        return ref

    def apply(self, ref: NativeRef, wanted: Fields) -> list[NativeOp]:
        """Bring a ticket to `wanted` as the engine does: encode, write, read, encode again until nothing is left."""
        sent: list[NativeOp] = []
        for _ in range(ROUNDS):
            current = self.read(ref)
            there = self.codec.decode(current, self.mapping).snapshot.fields
            changes = diff_fields(there, wanted)
            encoded = self.codec.encode(changes, current, self.mapping, self.capabilities)
            if not encoded.ops:
                return sent
            sent.append(encoded.ops[0])
            self.write(encoded.ops[0])
            for op in encoded.ops[1:]:
                if op.expects is not None and self.capabilities.conditional_writes:
                    break  # the first request made a new version
                sent.append(op)
                self.write(op)
        raise AssertionError(f"still writing after {ROUNDS} rounds: {[op.summary for op in sent]}")

    def check(self, ref: NativeRef, wanted: Fields) -> None:
        """Apply `wanted`; what is then there is what `project` foretold, and nothing else was touched."""
        current = self.read(ref)
        before = self.codec.decode(current, self.mapping).snapshot.fields
        foretold = self.project(wanted, current)
        self.apply(ref, wanted)
        after = self.fields(ref)
        for name, value in foretold.items():
            assert alike(name, after[name], value), f"{name}: foretold {value!r}, found {after[name]!r}"
        coupled = {other for group in COUPLED for other in group if group & set(wanted)}
        for name in (set(before) & set(after)) - set(wanted) - coupled:  # another type may lack a field
            assert equal(name, after[name], before[name]), f"{name} was not asked for, and is {after[name]!r} now"


def alike(name: Field, found: Value, foretold: Value) -> bool:
    """Whether a value came out as foretold; a tracker may know a label by another case, which no payload tells."""
    if name is Field.LABELS and isinstance(found, frozenset) and isinstance(foretold, frozenset):
        return {label.casefold() for label in found} == {label.casefold() for label in foretold}
    return equal(name, found, foretold)


def readable(fields: Fields) -> dict[Field, Value]:
    """The fields that could be read."""
    return {name: value for name, value in fields.items() if value is not UNKNOWN}


def only(found: Collection[T]) -> T:
    """The one that is there."""
    assert len(found) == 1, f"one is expected, not {found}"
    return next(iter(found))
