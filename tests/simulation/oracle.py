"""What must be true of every history at its end: one function an invariant, each telling what breaks it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from sync.core.claims import as_set
from sync.core.fieldrules import equal
from sync.core.ids import CommentId, ReplicaName, TicketId
from sync.core.models import UNKNOWN, Field, Value, link_parts
from sync.core.ports import OpKind
from sync.engine.report import CycleReport
from sync.engine.review import resolve_conflict
from sync.store.convert import fields_to_json, value_to_json
from sync.testing.memory import ACCOUNT
from tests.simulation.evidence import Act, Evidence, Place, gathered, looked_at
from tests.simulation.lost_updates import Broken, is_told, no_lost_update
from tests.simulation.people import POISON
from tests.simulation.world import BRIDGE, World


def verdict(world: World) -> list[tuple[str, str]]:
    """Every invariant that is broken, by name, with what was seen."""
    with gathered(world) as seen:
        return [(check.__name__, message) for check in INVARIANTS for message in check(seen)]


def convergence(seen: Evidence) -> Broken:
    """I2: every tracker shows the canonical ticket, as far as it can hold it."""
    told = {(one.replica, one.ticket, one.field) for one in seen.problems}
    mistaken = {(act.replica, act.ticket, act.field) for act in seen.acts() if is_told(seen, act)}
    for ticket, links in seen.links.items():
        record = seen.tickets[ticket]
        for name, link in links.items():
            reader = seen.readers[name]
            if not reader.replica.receives or seen.problem(name, ticket):
                continue
            native = looked_at(seen.world.trackers[name], link.ref)
            shown = reader.shown(native)
            for field, held in reader.projection(native)(record.canonical.fields).items():
                value = _to_the_living(seen, name, field, held)
                if (name, ticket, field) in mistaken or any(one[1:] == (ticket, field) for one in told):
                    continue  # a circle is told of each of its tickets, and written nowhere
                there = _to_the_living(seen, name, field, shown.get(field, UNKNOWN))
                if there is not UNKNOWN and field in reader.fields and not equal(field, there, value):
                    yield f"{record.key} {field} on {name}: {there!r} is not {value!r}"


def _to_the_living(seen: Evidence, name: ReplicaName, field: Field, value: Value) -> Value:
    """The value without links to tickets that are not in this tracker any more, which took them with them."""
    if field is not Field.LINKS or value is UNKNOWN:
        return value
    return frozenset(one for one in as_set(value) if name in seen.links.get(TicketId(link_parts(one)[1]), {}))


def made_once(seen: Evidence) -> Broken:
    """I4, I16: every ticket stands once in each tracker, is linked once, and whoever copied a marker has a ticket of his own."""
    world = seen.world
    for name, tracker in world.trackers.items():
        reader = seen.readers[name]
        linked = Counter(links[name].ref for links in seen.links.values() if name in links)
        for shown in tracker.tickets():
            due = 1 if reader.replica.reads or shown["author"] == ACCOUNT else 0
            if linked[shown["id"]] != due:
                yield f"{name} {shown['id']} ('{shown['title']}') is linked {linked[shown['id']]} times"
            ours = Counter(one["marker"] for one in shown["comments"] if one["author"] == ACCOUNT)
            yield from (f"{name} {shown['id']} has a comment {times} times" for times in ours.values() if times > 1)
        markers = Counter(shown["marker"] for shown in tracker.tickets() if shown["author"] == ACCOUNT)
        yield from (f"{name} has {marker} {times} times" for marker, times in markers.items() if times > 1)
    for ticket, links in seen.links.items():
        placed = {link.replica for link in seen.tx.links.of_ticket(ticket, removed=True)}
        for name, reader in seen.readers.items():
            if links and reader.replica.receives and name not in placed and not seen.problem(name, ticket):
                yield f"{seen.tickets[ticket].key} has no copy in {name}"


def comments_kept(seen: Evidence) -> Broken:
    """I1, I2 for comments: every living comment stands in every tracker with its last words, or it is told why not."""
    told = {one.comment for one in seen.conflicts}
    for ticket, links in seen.links.items():
        for record in seen.comments[ticket]:
            text = str(record.canonical.fields[Field.BODY])
            gone = {
                one.replica for one in seen.comment_links[ticket] if one.comment == record.id and one.state == "gone"
            }
            for name, link in links.items():
                reader = seen.readers[name]
                there = any(text in one["text"] for one in seen.native(link)["comments"])
                lives_on = record.deleted and there and record.id not in told
                if lives_on and reader.replica.receives and not seen.problem(name, ticket):
                    yield f"{name} {link.ref}: '{text}' was deleted and is there"
                missing = not record.deleted and not there and name not in gone
                if missing and reader.replica.receives and not seen.problem(name, ticket):
                    yield f"{name} {link.ref}: '{text}' is not there"


def said_is_heard(seen: Evidence) -> Broken:
    """I1 for comments: the last words of a person in a comment are there, were superseded, or stand in a conflict."""
    claims = [str(claim.value) for one in seen.conflicts if one.comment is not None for claim in one.claims]
    known = {(one.replica, one.ref): one.comment for links in seen.comment_links.values() for one in links}
    # A copy that was rewritten stays where its original was deleted; a conflict says so, and nobody follows it any more.
    told = {one.comment for one in seen.conflicts}
    left = {one.id for rows in seen.comments.values() for one in rows if one.deleted and one.id in told}
    bodies: dict[CommentId | None, str] = {
        one.id: str(one.canonical.fields[Field.BODY]) for rows in seen.comments.values() for one in rows
    }
    decided = [str(entry.after) for entry in seen.audit if "comment" in entry.action]
    alive = {(name, link.ref) for links in seen.links.values() for name, link in links.items()}
    lines = _comment_lines(seen)
    last: dict[Any, int] = {}
    for place, written in lines.items():
        last[known.get(place)] = max(
            last.get(known.get(place), 0), *(number for number, one in written if not one.ours), 0
        )
    for place, written in lines.items():
        for (number, one), (_, after) in pairwise([*written, (0, None)]):
            if one.ours or one.entry.new is None or (after is not None and not after.ours):
                continue
            if (one.replica, one.entry.ref) not in alive or known.get(place) in left:
                continue
            if after is not None and (after.cycle == one.cycle or after.late):
                continue  # no tracker has a history of comments
            words = one.entry.new.rpartition("\n\n")[2].strip()
            body = bodies.get(known.get(place), "")
            superseded = number < last[known.get(place)] and any(words in text for text in decided)
            if words not in body and not superseded and not any(words in text for text in claims):
                yield f"{place[0]} comment {place[1]}: '{words}' was lost; it is '{body}'"


def _comment_lines(seen: Evidence) -> dict[Any, list[Any]]:
    """What was written to each comment, in order."""
    restricted = {
        (name, one["id"])
        for name, tracker in seen.world.trackers.items()
        for ticket in tracker.tickets()
        for one in ticket["comments"]
        if one["restricted"]
    }
    lines: dict[Any, list[Any]] = {}
    for number, one in enumerate(seen.world.written):
        place = (one.replica, one.entry.key.removeprefix("comment:"))
        counts = seen.readers[one.replica].replica.reads and place not in restricted
        if one.entry.key.startswith("comment:") and counts:
            lines.setdefault(place, []).append((number, one))
    return lines


def files_kept(seen: Evidence) -> Broken:
    """I1, I4 for files: each stands at its ticket once in every tracker that takes files, unless a person took it away."""
    detached = {
        (one.replica, one.entry.ref, one.entry.old)
        for one in seen.world.written
        if one.entry.key.startswith("file:") and one.entry.new is None and not one.ours
    }
    for links in seen.links.values():
        able = {name: link for name, link in links.items() if seen.world.trackers[name].knobs.attachments}
        here = {name: Counter(file["name"] for file in seen.native(link)["files"]) for name, link in able.items()}
        every = {file for name, files in here.items() if seen.readers[name].replica.reads for file in files}
        for name, files in here.items():
            for file in every:
                excused = any((other, link.ref, file) in detached for other, link in able.items())
                excused = excused or not seen.readers[name].replica.receives
                excused = excused or seen.problem(name, able[name].ticket)
                if files[file] > 1 or (files[file] == 0 and not excused):
                    yield f"{able[name].key} on {name} has {file} {files[file]} times"


def audit_complete(seen: Evidence) -> Broken:
    """I5: the log is whole; each request has its intent and its outcome, and each change in a tracker has its request."""
    if (broken := seen.tx.audit.verify()) is not None:
        yield f"entry {broken[0]}: {broken[1]}"
    intents = {entry.op_id for entry in seen.audit if entry.phase == "intent"}
    ended = {entry.op_id for entry in seen.audit if entry.phase == "outcome"}
    yield from (f"outcome of {one} without an intent" for one in ended - intents)
    yield from (f"request {one} has no outcome" for one in intents - ended)
    rows = [row for run in {entry.run for entry in seen.audit if entry.run} for row in seen.tx.outbox.of_run(run)]
    asked: dict[Any, set[str]] = {}
    for row in rows:
        ref = row.op.ref or row.context.get("ref")
        asked.setdefault((row.replica, ref), set()).add(row.op.kind.value)
    unfound = {row.replica for row in rows if row.op.kind is OpKind.CREATE and row.state == "failed"}
    for one in seen.world.written:
        if one.replica in unfound and seen.world.trackers[one.replica].read(one.entry.ref) is None:
            continue  # a person deleted what we had made before the answer was found again
        if one.ours and one.entry.key != "links" and (one.replica, one.entry.ref) not in asked:
            yield f"{one.replica} {one.entry.ref}: our write of {one.entry.key} has no request"


def no_cascade(seen: Evidence) -> Broken:
    """I7: no ticket is ever deleted by us, and a comment or a file only where a person deleted the original."""
    people = {
        (one.entry.key.partition(":")[0], one.replica)
        for one in seen.world.written
        if not one.ours and one.entry.new is None
    }
    for one in seen.world.written:
        if one.ours and one.entry.key == "deleted":
            yield f"{one.replica} {one.entry.ref} was deleted by us"
        kind = one.entry.key.partition(":")[0]
        if not (one.ours and kind in ("comment", "file") and one.entry.new is None):
            continue
        if not any(other[0] == kind and other[1] != one.replica for other in people):
            yield f"{one.replica} {one.entry.ref}: we deleted {one.entry.key}, and nobody had"


def clock_tolerance(seen: Evidence) -> Broken:
    """I10: whoever wrote over a value that he saw is not overruled by that value, whatever the clocks say."""
    places: dict[Place, list[Act]] = {}
    for act in seen.acts():
        if act.field is Field.TITLE and not act.ours:
            places.setdefault((act.ticket, act.field), []).append(act)
    for place, acts in places.items():
        if seen.world.setting.policy.fields.get(place[1]) is not None:
            continue
        final = seen.canonical(place)
        for act in acts:
            reads = seen.readers[act.replica].replica.reads
            if (
                reads
                and not (act.lost_sight or act.gone or is_told(seen, act) or seen.was_unanswered(act))
                and act.old
                and equal(place[1], act.old, final)
            ):
                yield f"{act.replica} {act.ref}: {act.new!r} was written over {act.old!r}, which came back"


def unknown_resolved(seen: Evidence) -> Broken:
    """I11: when the time to settle is over, the end of every request is known."""
    yield from (f"{row.replica}: '{row.op.summary}' is {row.state}" for row in seen.tx.outbox.unfinished(BRIDGE))


def watermark(seen: Evidence) -> Broken:
    """I12: the newest version of every linked ticket was seen."""
    for links in seen.links.values():
        for name, link in links.items():
            rev = str(seen.native(link)["rev"])
            if link.native is not None and link.native.version != rev:
                yield f"{name} {link.ref} is at {rev}, and {link.native.version} was seen last"
    pending = seen.tx.inbox.pending(BRIDGE)
    yield from (f"{name} has {count} undecided" for name, count in pending.items())


def isolation(seen: Evidence) -> Broken:
    """I14: what one tracker refuses is told of that ticket, and of no other."""
    for one in seen.problems:
        if one.ticket is not None and "poisoned" in one.message:
            fields = repr(seen.tickets[one.ticket].canonical.fields) + repr(seen.comments[one.ticket])
            if POISON not in fields and not any(POISON in repr(e.before) + repr(e.after) for e in seen.audit):
                yield f"{one.replica} {one.ref}: {one.message}"


INVARIANTS = (
    no_lost_update, convergence, made_once, comments_kept, said_is_heard, files_kept, audit_complete, no_cascade,
    clock_tolerance, unknown_resolved, watermark, isolation,
)  # fmt: skip


def silence(world: World, cycle: Callable[[World], CycleReport]) -> list[tuple[str, str]]:
    """I3: two cycles in which nobody does anything write nothing, change no ticket and ask each feed once."""
    broken: list[tuple[str, str]] = []
    for _ in range(2):
        before, report = whole(world)[:2], cycle(world)
        if sum(report.writes.values()):
            broken.append(("silence", f"an idle cycle wrote {report.writes}"))
        elif whole(world)[:2] != before:
            broken.append(("silence", "an idle cycle changed a ticket or its log"))
        for name, asked in report.requests.items():
            capabilities = world.bridge.replicas[name].capabilities
            if capabilities is not None and asked > capabilities.feeds and world.trackers[name].knobs.page_size >= 100:
                broken.append(("silence", f"an idle cycle made {asked} requests to {name}"))
    return broken


def whole(world: World) -> list[Any]:
    """The log, the tickets and the conflicts as the store holds them, and the tickets as the trackers do."""
    with world.store.read() as tx:
        tickets = [(one.id, one.dirty, fields_to_json(one.canonical.fields)) for one in tx.tickets.list(BRIDGE)]
        conflicts = [(one.id, one.state, value_to_json(one.chosen)) for one in tx.conflicts.list(BRIDGE)]
        tables = [tx.audit.head(), tickets, conflicts]
    return [*tables, [tracker.tickets() for tracker in world.trackers.values()]]


def answer_conflicts(world: World) -> bool:
    """A person takes the first claim of every conflict that waits; whether there were any."""
    with world.store.read() as tx:
        waiting = list(tx.conflicts.list(BRIDGE, state="open"))
    for one in waiting:
        claim = one.claims[0]
        resolve_conflict(world.bridge.store, one.id, chosen=claim.value, replica=claim.replica, by="grace")
    return bool(waiting)


def waits_to_be_gone(world: World) -> bool:
    """Whether a ticket was not found, and is looked for once more before anybody believes it."""
    with world.store.read() as tx:
        return any(tx.links.missing(BRIDGE, name) for name in world.trackers)
