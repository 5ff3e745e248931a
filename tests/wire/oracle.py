"""The promises, looked for in what stands in the trackers and in the store when a history has come to rest.

Each function is named after the promise that it checks and gives one line for each break of it.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from sync.core.claims import as_set
from sync.core.fieldrules import equal
from sync.core.models import UNKNOWN, Field, NativeTicket, link_parts
from sync.engine.reading import Reader
from tests.wire.hands import WORD, Hand
from tests.wire.people import People, Written
from tests.wire.world import PLACES, World

Breaks = Iterator[str]


@dataclass(slots=True, kw_only=True)
class Ledger:
    """The audit log beside the requests: each write needs an intent of its own, committed before it leaves."""

    world: World
    used: set[str] = field(default_factory=set)
    breaks: list[str] = field(default_factory=list)

    def look(self, place: str, request: Any) -> None:
        """Told of each write before it is carried."""
        with closing(sqlite3.connect(f"file:{self.world.database}?mode=ro", uri=True)) as connection:
            found = connection.execute(
                "select op_id from audit where phase = 'intent' and replica = ? order by seq desc limit 1", (place,)
            ).fetchone()
        if found is None or found[0] in self.used:
            self.breaks.append(f"audit: {place} {request.method} {request.url} has no intent of its own")
        elif not (request.url or "").lower().partition("?")[0].endswith("/wit/attachments"):
            self.used.add(found[0])  # bytes that no work item names yet are part of the request that names them


@dataclass(slots=True)
class Told:
    """What the store has to say about each ticket: in conflicts, and in decisions of the log."""

    conflicts: dict[str, str]
    decisions: dict[str, str]
    problems: set[
        tuple[str, str, str]
    ]  # ticket, place, field ("" for none): somebody was told that it can't be written


def told(world: World) -> Told:
    """Read the conflicts and the log."""
    conflicts: dict[str, str] = {}
    decisions: dict[str, str] = {}
    with world.store.read() as tx:
        for one in tx.conflicts.list(world.bridge.name):
            values = [str(one.base), str(one.proposed), str(one.chosen), *(str(claim.value) for claim in one.claims)]
            conflicts[one.ticket] = conflicts.get(one.ticket, "") + f"\n{one.field}: " + " ".join(values)
        for entry in tx.audit.entries():
            if entry.phase == "decision" and entry.ticket is not None:
                text = json.dumps([entry.before, entry.after], default=str)
                decisions[entry.ticket] = decisions.get(entry.ticket, "") + "\n" + text
        problems = {
            (str(one.ticket), str(one.replica), str(one.field or "")) for one in tx.problems.open(world.bridge.name)
        }
    return Told(conflicts, decisions, problems)


def shown(hand: Hand, ref: str, what: str) -> list[str]:
    """The words that a tracker shows in one field of a ticket, each as often as it stands there."""
    match what:
        case "title":
            return WORD.findall(hand.title(ref))
        case "body":
            return WORD.findall(hand.body(ref))
        case "label":
            return hand.labels(ref)
        case "comment":
            return [word for _, text, _ in hand.comments(ref) for word in WORD.findall(text)]
    return [word for name in hand.file_names(ref) for word in WORD.findall(name)]


def everything(world: World, people: People, audit: Ledger) -> list[str]:
    """Every break of every promise."""
    linked, known = world.links(), told(world)
    links = {
        ticket: {place: ref for place, ref in refs.items() if (place, str(ref)) not in people.deleted}
        for ticket, refs in linked.items()
    }
    with world.quietly():
        return [
            *audit.breaks,
            *made_once(world, people, links, known),
            *nothing_lost(world, people, links, known),
            *choices_kept(world, people, links, known),
            *converged(world, links, known),
            *accounted(world),
            *nothing_deleted(world),
        ]


def made_once(world: World, people: People, links: dict[str, dict[str, Any]], known: Told) -> Breaks:
    """Every ticket of a tracker is linked once, every canonical ticket stands everywhere or its refusal is told, no word is said twice."""
    ended = _ended(world, people)
    for place in PLACES:
        linked = sorted(str(refs[place]) for refs in links.values() if place in refs)
        there = sorted(world.hands[place].refs())
        if linked != there:
            yield f"once: {place} has the tickets {there}, linked are {linked}"
    for ticket, refs in links.items():
        for place, ref in refs.items():
            for what in ("comment", "file"):
                twice = [
                    word for word, count in Counter(shown(world.hands[place], str(ref), what)).items() if count > 1
                ]
                if twice:
                    yield f"once: {place} {ref} has the {what} {twice} more than once ({ticket[-4:]})"
        told_of = {place for which, place, _ in known.problems if which == ticket}
        told_of |= {place for which, place in ended if which == ticket}
        if missing := set(PLACES) - set(refs) - told_of:
            yield f"once: {ticket[-4:]} is not in {sorted(missing)}"


def _former(world: World) -> dict[tuple[str, str], str]:
    """Every place and ref that is or was linked, with its ticket."""
    with world.store.read() as tx:
        return {(str(link.replica), str(link.ref)): str(link.ticket) for link in tx.links.list(world.bridge.name)}


def _ended(world: World, people: People) -> set[tuple[str, str]]:
    """Tickets with the places where people deleted them, whether or not the bridge has noticed."""
    return {(ticket, where[0]) for where, ticket in _former(world).items() if where in people.deleted}


def nothing_lost(world: World, people: People, links: dict[str, dict[str, Any]], known: Told) -> Breaks:
    """Each word is everywhere, or was replaced by a person's later one, or stands in a conflict, or its problem is told."""
    owner = {(place, str(ref)): ticket for ticket, refs in links.items() for place, ref in refs.items()}
    former = _former(world)
    titles: dict[str, Written] = {}
    for one in people.written:
        ticket = owner.get((one.place, one.ref))
        if (one.place, one.ref) in people.deleted:
            titles.pop(former.get((one.place, one.ref), ""), None)  # replaced by what went with its ticket
            continue
        if ticket is None:
            yield f"lost: {one.place} {one.ref} is linked to nothing, with {one.word}"
        elif one.what == "title":
            if (before := titles.get(ticket)) is not None:
                yield from _noticed(before, ticket, known)
            titles[ticket] = one
        elif not one.over:
            yield from _everywhere(world, one, ticket, links[ticket], known)
    for ticket, last in titles.items():
        yield from _everywhere(world, last, ticket, links[ticket], known)
    for one in people.removed:
        ticket = owner.get((one.place, one.ref))
        if ticket is None or one.word in known.conflicts.get(ticket, ""):
            continue
        for place, ref in links[ticket].items():
            stands = one.word in shown(world.hands[place], str(ref), one.what)
            if stands and not any((ticket, place, name) in known.problems for name in _fields(one)):
                yield f"lost: {one.what} {one.word} was taken away at {one.place} {one.ref} and stands at {place} {ref}"


def choices_kept(world: World, people: People, links: dict[str, dict[str, Any]], known: Told) -> Breaks:
    """What the last person chose for a field is canonical, as far as that tracker can tell, or stands in a conflict or a problem."""
    owner = {(place, str(ref)): ticket for ticket, refs in links.items() for place, ref in refs.items()}
    last = {(owner.get((one.place, one.ref), ""), one.field): one for one in people.chosen}
    for (ticket, what), one in last.items():
        # The native type is both in one.
        names = (Field.KIND, Field.TYPE) if what in (Field.KIND, Field.TYPE) else (what,)
        told_of = any(which == ticket and name in names for which, _, name in known.problems)
        told_of |= any(f"\n{name}: " in known.conflicts.get(ticket, "") for name in names)
        if not ticket or one.value is UNKNOWN or told_of or (one.place, one.ref) in people.deleted:
            continue
        if not equal(what, found := world.shown(one.place, one.ref).get(what), one.value):
            yield f"lost: {what} {one.value!r} chosen at {one.place} {one.ref} is {found!r}"


def _noticed(one: Written, ticket: str, known: Told) -> Breaks:
    """A title that a later one replaced was at least seen, unless it was replaced where it was written."""
    texts = known.conflicts.get(ticket, "") + known.decisions.get(ticket, "")
    if not one.replaced_here and one.word not in texts:
        yield f"unnoticed: title {one.word} of {one.place} {one.ref} stands in no decision and no conflict"


def _everywhere(world: World, one: Written, ticket: str, refs: dict[str, Any], known: Told) -> Breaks:
    absent = [
        place
        for place, ref in refs.items()
        if (one.what != "file" or world.hands[place].files)
        and one.word not in shown(world.hands[place], str(ref), one.what)
    ]
    if one.word in known.conflicts.get(ticket, "") or (_untold(one) and len(absent) == len(refs)):
        return
    if silent := [
        place for place in absent if not any((ticket, place, name) in known.problems for name in _fields(one))
    ]:
        yield f"lost: {one.what} {one.word} of {one.place} {one.ref} is not in {silent}"


def _fields(one: Written) -> tuple[str, str]:
    """Where a problem of what was written may be told."""
    return "", {"label": "labels", "file": "attachments", "comment": "body"}.get(one.what, one.what)


def _untold(one: Written) -> bool:
    """Written in the one instant that is not promised: where the tracker keeps no history, between our look and our write."""
    return one.during and ((one.what == "body" and one.place == "github") or (one.what == "comment" and one.edited))


def converged(world: World, links: dict[str, dict[str, Any]], known: Told) -> Breaks:
    """Every linked ticket shows the canonical values everywhere, as far as each tracker can hold them, or its problem is told."""
    with world.store.read() as tx:
        for ticket, refs in links.items():
            record = tx.tickets.get(ticket)  # type: ignore[arg-type]
            assert record is not None
            for name, replica in world.bridge.replicas.items():
                if name not in refs:
                    continue
                reader = Reader(bridge=world.bridge, replica=replica, tx=tx)
                native = next(iter(replica.adapter.fetch([refs[name]])))
                if not isinstance(native, NativeTicket):
                    yield f"apart: {name} {refs[name]} is gone"
                    continue
                seen = reader.shown(native)
                for what, value in reader.projection(native)(record.canonical.fields).items():
                    there = seen.get(what, UNKNOWN)
                    if what is Field.LINKS:
                        # Where the other ticket was deleted the link went with it, whether or not anybody has noticed.
                        value = frozenset(one for one in as_set(value) if name in links.get(link_parts(one)[1], {}))
                    # A circle is told at one of its tickets and left out at all of them.
                    circles = what in (Field.LINKS, Field.PARENT) and any(one[2] == what for one in known.problems)
                    # A reason goes with its status.
                    of = (what, Field.STATUS) if what is Field.REASON else (what,)
                    excused = circles or any((ticket, str(name), str(one)) in known.problems for one in of)
                    if there is not UNKNOWN and what in reader.fields and not excused and not equal(what, there, value):
                        yield f"apart: {name} {refs[name]} has {what} {there!r} and not {value!r}"


def accounted(world: World) -> Breaks:
    """The audit log is whole, and every intent has an outcome."""
    with world.store.read() as tx:
        if (broken := tx.audit.verify()) is not None:
            yield f"audit: {broken}"
        intents: dict[str, str] = {}
        for entry in tx.audit.entries():
            if entry.phase == "intent":
                intents[entry.op_id or ""] = f"{entry.action} {entry.replica}: {entry.note}"
            elif entry.phase == "outcome" and entry.op_id is not None:
                intents.pop(entry.op_id, None)
        unfinished = {row.id for row in tx.outbox.unfinished(world.bridge.name)}
    for op, what in intents.items():
        yield f"audit: {what} has no outcome{' and is unfinished' if op in unfinished else ''}"
    for row in unfinished - set(intents):
        yield f"audit: {row} is unfinished"


def nothing_deleted(world: World) -> Breaks:
    """The bridge deletes no ticket."""
    ends = {"jira": "/issue/", "github": "/issues/", "azure": "/workitems/"}
    for one in world.wire.sent:
        head, _, last = one.url.partition("?")[0].lower().rpartition("/")
        if one.method == "DELETE" and f"{head}/".endswith(ends[one.place]) and last.isdigit():
            yield f"deleted: {one}"
