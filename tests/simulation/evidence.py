"""What the oracle looks at: the store read once, the trackers as they are, and who wrote which field when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sync.core.claims import as_set
from sync.core.fieldrules import PARTNERS, equal
from sync.core.ids import NativeRef, ReplicaName, TicketId
from sync.core.models import UNKNOWN, Field, NativeEvent, NativeTicket, Value, link_parts, other_end
from sync.engine.reading import Reader
from sync.store import Tx
from sync.store.convert import fields_from_json
from sync.store.records import AuditRecord, CommentRecord, ConflictRecord, LinkRecord, ProblemRecord, TicketRecord
from sync.testing.memory import MemoryAdapter, MemoryTracker
from tests.simulation.world import BRIDGE, World, Written

Place = tuple[TicketId, Field]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Somebody wrote one field of one ticket in one tracker; `number` counts in true order over all trackers.

    `lost_sight`: the very next write of this field there was ours, and nothing could have told us of this one.
    `mistaken`: the write before was ours, of the same cycle, and nothing could tell what the tracker made of it from this one.
    `replaced`: the next one was a person's. `gone`: the ticket is not there any more, and perhaps nobody ever read this.
    `undone`: it was put back to what it had been, and nobody looked in between. `rewritten`: the next write was ours.
    `began` is what it was before all that was written there since anybody looked.
    """

    number: int
    replica: ReplicaName
    ref: NativeRef
    ticket: TicketId
    field: Field
    old: Value
    new: Value
    ours: bool
    gone: bool
    replaced: bool = False
    lost_sight: bool = False
    mistaken: bool = False
    undone: bool = False
    rewritten: bool = False
    began: Value = UNKNOWN


def looked_at(tracker: MemoryTracker, ref: NativeRef) -> NativeTicket:
    """The ticket as it stands in the tracker, read outside the weather; it must be there."""
    found = next(iter(MemoryAdapter(tracker).fetch([ref])))
    assert isinstance(found, NativeTicket), found
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that a verdict rests on."""

    world: World
    tx: Tx
    readers: dict[ReplicaName, Reader]
    tickets: dict[TicketId, TicketRecord]
    comments: dict[TicketId, list[CommentRecord]]
    links: dict[TicketId, dict[ReplicaName, LinkRecord]]  # the active ones, of tickets that are there
    comment_links: dict[TicketId, list[LinkRecord]]
    conflicts: list[ConflictRecord]
    problems: list[ProblemRecord]
    audit: list[AuditRecord]

    def native(self, link: LinkRecord) -> dict[str, Any]:
        """The linked ticket as its tracker has it."""
        return self.world.trackers[link.replica].ticket(link.ref)

    def problem(self, replica: ReplicaName, ticket: TicketId) -> bool:
        """Whether it is told that something could not be written there."""
        return any((one.replica, one.ticket) == (replica, ticket) for one in self.problems)

    def told_of(self, act: Act) -> bool:
        """Whether it is told that another value stands there than we wrote."""
        return any(
            (one.replica, one.ticket, one.field) == (act.replica, act.ticket, act.field) for one in self.problems
        )

    def when(self, act: Act) -> datetime:
        """The true moment of an act."""
        return self.world.written[act.number].when

    def went_with_a_ticket(self, act: Act) -> bool:
        """Whether it was the tracker that took a link away, as the ticket at one of its ends was deleted."""
        one = self.world.written[act.number]
        return any(
            (other.replica, other.when, other.entry.key) == (one.replica, one.when, "deleted") and other.entry.new
            for other in self.world.written
        )

    def was_unanswered(self, act: Act) -> bool:
        """Whether a request of ours to this ticket had no answer, and its tracker tells no history that could say when it landed."""
        told = (entry for entry in self.audit if (entry.ticket, entry.replica) == (act.ticket, act.replica))
        return not self.world.trackers[act.replica].knobs.history and any("answer was lost" in one.note for one in told)

    def claims(self, place: Place) -> list[Value]:
        """What stands in the conflicts about a field of a ticket."""
        return [
            claim.value
            for one in self.conflicts
            if one.comment is None and (one.ticket, one.field) == place
            for claim in one.claims
        ]

    def decided(self, place: Place) -> list[Value]:
        """The values that the field had in the canonical ticket, ever."""
        found: list[Value] = []
        for entry in self.audit:
            if entry.ticket == place[0] and entry.action in ("merge", "resolve conflict"):
                for values in (entry.before, entry.after):
                    fields = fields_from_json(values or {})
                    found += [fields[place[1]]] if place[1] in fields else []
        return [*found, self.canonical(place)]

    def canonical(self, place: Place) -> Value:
        """The value that the field has now."""
        return self.tickets[place[0]].canonical.fields.get(place[1])

    def acts(self) -> list[Act]:
        """Every write of every field of every linked ticket, in true order."""
        linked = {(link.replica, link.ref): link.ticket for link in self.tx.links.list(BRIDGE)}
        here = {(name, link.ref) for links in self.links.values() for name, link in links.items()}
        found: list[_Found] = []
        for number, one in enumerate(self.world.written):
            ticket = linked.get((one.replica, one.entry.ref))
            if ticket is None or one.replica not in self.readers:
                continue
            reader = self.readers[one.replica]
            payload = {"key": one.entry.key, "old": one.entry.old, "new": one.entry.new}
            event = NativeEvent(
                id=str(number), ref=one.entry.ref, author=one.entry.author, at=one.entry.at, payload=payload
            )
            for told in reader.replica.codec.decode_event(event, reader.mapping):
                if told.field not in reader.fields:
                    continue
                old, new = (
                    reader.resolved({told.field: value}).get(told.field, UNKNOWN) for value in (told.old, told.new)
                )
                act = Act(
                    number=number, replica=one.replica, ref=one.entry.ref, ticket=ticket, field=told.field,
                    old=old, new=new, ours=one.ours, gone=(one.replica, one.entry.ref) not in here,
                )  # fmt: skip
                found += [(each, one) for each in (act, *self._at_other_ends(act))]
        return _followed(found, self.world)

    def _at_other_ends(self, act: Act) -> Iterator[Act]:
        """What was said of the tickets at the other ends of links that this tracker holds at each end by itself."""
        if act.field is not Field.LINKS:
            return
        for member in as_set(act.old) ^ as_set(act.new):
            kind, other = link_parts(member)
            if kind in self.world.trackers[act.replica].knobs.own_ends:
                there = frozenset({other_end(kind, act.ticket)})
                is_new, ref = member in as_set(act.new), NativeRef(f"other end of {act.ref}")
                old, new = (frozenset[str](), there) if is_new else (there, frozenset[str]())
                yield replace(act, ticket=TicketId(other), ref=ref, old=old, new=new)


_Found = tuple[Act, Written]
#: One write may be of several fields (a kind and its type), and of the tickets at both ends of a link.
_One = tuple[int, TicketId, Field]


def _one(act: Act) -> _One:
    return act.number, act.ticket, act.field


def _followed(found: list[_Found], world: World) -> list[Act]:
    """The acts, with what came after each."""
    later: dict[tuple[ReplicaName, NativeRef, Field], tuple[Act, Written]] = {}
    earlier: dict[tuple[ReplicaName, NativeRef, Field], _Found] = {}
    made: dict[tuple[ReplicaName, NativeRef], _Found] = {}
    before: dict[_One, Act | None] = {}
    began: dict[tuple[ReplicaName, NativeRef, Field], Value] = {}
    undone: set[_One] = set()
    first: dict[_One, Value] = {}
    for act, one in found:
        place = (act.replica, act.ref, act.field)
        of = earlier.get(place)
        born, then = made.setdefault((act.replica, act.ref), (act, one))
        if of is None and born.ours and not act.ours:
            of = replace(born, field=act.field, new=act.old), then  # what we made a copy without, we asked to be empty
        soon = of is not None and of[1].cycle == one.cycle
        # Several edits behind one write of ours are seen by the same look, if by any.
        before[_one(act)] = None if of is None or not soon else of[0] if of[0].ours else before.get(_one(of[0]))
        # A write of the one is a write of the other, whether or not that changed with it.
        if before[_one(act)] is None and (
            with_it := earlier.get((act.replica, act.ref, PARTNERS.get(act.field, act.field)))
        ):
            ours_too = with_it[0] if with_it[0].ours else before.get(_one(with_it[0]))
            before[_one(act)] = ours_too if with_it[1].cycle == one.cycle else None
        if of is None or of[0].ours or not _nobody_looked(of[1], one):
            began[place] = act.old
        elif act.new == began[place]:
            undone.add(_one(act))
        first[_one(act)] = began[place]
        earlier[place] = act, one
    told: list[Act] = []
    for act, one in reversed(found):
        place = (act.replica, act.ref, act.field)
        after = later.get(place)
        knobs = world.trackers[act.replica].knobs
        ours = before[_one(act)]
        # Our request had no answer, the ticket did not show it, and so it was sent again.
        again = ours is not None and after is not None and equal(act.field, ours.new, after[0].new)
        blind = not knobs.history and (again or not knobs.conditional_writes)
        lost_sight = after is not None and (
            # Of several edits before one write of ours none was seen.
            (after[0].lost_sight and after[1].cycle == one.cycle)
            or (after[0].ours and blind and (again or _is_unseen(act, one, after[1], world)))
        )
        told.append(
            act
            if act.ours
            else replace(
                act,
                replaced=after is not None and not after[0].ours,
                lost_sight=lost_sight,
                undone=_one(act) in undone,
                began=first[_one(act)],
                rewritten=after is not None and after[0].ours,
                mistaken=ours is not None and not knobs.history and not knobs.answers,
            )
        )
        later[place] = told[-1], one
    return told[::-1]


def _nobody_looked(before: Written, one: Written) -> bool:
    """Whether nothing was decided about the ticket between two writes: they were of one cycle, or what it was settled with is the same."""
    return before.cycle == one.cycle or (before.base is not None and before.base == one.base)


def _is_unseen(act: Act, one: Written, after: Written, world: World) -> bool:
    """Whether our write came so soon after the person's, so late, or after such a look, that it knew nothing of it."""
    return after.cycle == one.cycle or after.late or (act.replica, after.cycle) in world.misled


@contextmanager
def gathered(world: World) -> Iterator[Evidence]:
    """Read everything in one transaction."""
    with world.store.read() as tx:
        tickets = {record.id: record for record in tx.tickets.list(BRIDGE)}
        links: dict[TicketId, dict[ReplicaName, LinkRecord]] = {ticket: {} for ticket in tickets}
        for link in tx.links.list(BRIDGE, state="active"):
            if world.trackers[link.replica].read(link.ref) is not None:
                links[link.ticket][link.replica] = link
        readers = {
            name: Reader(bridge=world.bridge, replica=replica, tx=tx)
            for name, replica in world.bridge.replicas.items()
            if replica.mapping is not None
        }
        yield Evidence(
            world=world,
            tx=tx,
            readers=readers,
            tickets=tickets,
            comments={ticket: list(tx.comments.of(ticket, deleted=True)) for ticket in tickets},
            links=links,
            comment_links={ticket: tx.links.of_comments(ticket) for ticket in tickets},
            conflicts=list(tx.conflicts.list(BRIDGE)),
            problems=tx.problems.open(BRIDGE),
            audit=list(tx.audit.entries()),
        )
