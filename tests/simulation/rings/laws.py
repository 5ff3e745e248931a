"""I6: what must be true of a ring once it is at rest, one function a law, each telling what breaks it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sync.core.fieldrules import equal
from sync.core.ids import NativeRef, ReplicaName
from sync.core.models import UNKNOWN
from sync.engine.reading import Reader
from sync.store.records import LinkRecord
from sync.testing.memory import ACCOUNT
from tests.simulation.evidence import looked_at
from tests.simulation.rings.world import Installed, RingWorld, Told

Broken = Iterator[str]
Native = tuple[ReplicaName, NativeRef]
#: Writes that one edit of a person may cost in each copy of the ticket: once, and once more where two edits meet.
PER_COPY = 2


@dataclass(slots=True)
class Families:
    """Which native things are one, because some bridge has them linked, one way or another."""

    parents: dict[Native, Native] = field(default_factory=dict)

    def of(self, one: Native) -> Native:
        """The one that stands for its family."""
        while (parent := self.parents.get(one, one)) != one:
            one = parent
        return one

    def join(self, links: Iterable[LinkRecord]) -> None:
        """These are one."""
        first, *others = [self.of((link.replica, link.ref)) for link in links]
        for other in others:
            if other != first:
                self.parents[other] = first


@dataclass(slots=True)
class Evidence:
    """What the laws look at: every bridge's links, and which natives they make one."""

    world: RingWorld
    tickets: Families = field(default_factory=Families)
    comments: Families = field(default_factory=Families)
    links: list[tuple[Installed, dict[ReplicaName, LinkRecord]]] = field(default_factory=list)
    kept: list[Any] = field(default_factory=list)  # the values that stand in a conflict
    refused: set[tuple[str, Native]] = field(default_factory=set)  # whose tickets a bridge did not join, and told

    def __post_init__(self) -> None:
        for one in self.world.installed:
            name = one.place.bridge
            with one.store.read() as tx:
                for record in tx.tickets.list(name):
                    links = {link.replica: link for link in tx.links.of_ticket(record.id)}
                    self.links.append((one, links))
                    self.tickets.join(links.values())
                    families: dict[Any, list[LinkRecord]] = {}
                    for link in tx.links.of_comments(record.id):
                        families.setdefault(link.comment, []).append(link)
                    for family in families.values():
                        self.comments.join(family)
                for conflict in tx.conflicts.list(name):
                    self.kept += [value for claim in conflict.claims for value in _parts(claim.value)]
                for problem in tx.problems.open(name):
                    if problem.kind == "link" and problem.ref is not None and problem.replica is not None:
                        self.refused.add((name, (problem.replica, problem.ref)))

    def covering(self) -> Counter[Native]:
        """How many bridges have each native ticket linked."""
        return Counter((link.replica, link.ref) for _, links in self.links for link in links.values())


def verdict(world: RingWorld) -> list[tuple[str, str]]:
    """Every law that is broken, by name, with what was seen."""
    seen = Evidence(world)
    return [(law.__name__, message) for law in LAWS for message in law(seen)]


def made_once(seen: Evidence) -> Broken:
    """A person's ticket has one copy in each other tracker of each bridge that reads it, and a copy has none."""
    world, covering = seen.world, seen.covering()
    for name, tracker in world.trackers.items():
        bridges = [place.bridge for place in world.ring.places if name in place.replicas]
        for ticket in tracker.tickets():
            place = name, ticket["id"]
            told = sum((bridge, place) in seen.refused for bridge in bridges)
            due = 1 if ticket["author"] == ACCOUNT else len(bridges) - told
            if covering[place] != due:
                yield f"{name} {place[1]} ('{ticket['title']}') is linked by {covering[place]} bridges, not by {due}"
    for one, links in seen.links:
        if set(links) != set(one.place.replicas):
            yield f"{one.place.bridge} has a ticket in {', '.join(links)} only"
        if not any(_is_human(world, link) for link in links.values()):
            yield f"{one.place.bridge} has a ticket that nobody made: {', '.join(link.ref for link in links.values())}"


def _is_human(world: RingWorld, link: LinkRecord) -> bool:
    return bool(world.trackers[link.replica].ticket(link.ref)["author"] != ACCOUNT)


def in_step(seen: Evidence) -> Broken:
    """In every bridge all copies show the canonical ticket, as far as each can hold it."""
    for one in seen.world.installed:
        with one.store.read() as tx:
            for record in tx.tickets.list(one.place.bridge):
                held_back = tx.conflicts.open_for(record.id)  # what went to and fro waits for a person
                for link in tx.links.of_ticket(record.id):
                    reader = Reader(bridge=one.bridge, replica=one.bridge.replicas[link.replica], tx=tx)
                    if tx.problems.any_of(one.place.bridge, link.replica, record.id):
                        continue
                    native = looked_at(seen.world.trackers[link.replica], link.ref)
                    shown = reader.shown(native)
                    for name, held in reader.projection(native)(record.canonical.fields).items():
                        if (
                            name in reader.fields
                            and name not in held_back
                            and shown.get(name) is not UNKNOWN
                            and not equal(name, shown[name], held)
                        ):
                            where = f"{one.place.bridge} {record.key} {name} on {link.replica}"
                            yield f"{where}: {shown[name]!r} is not {held!r}"


def values_kept(seen: Evidence) -> Broken:
    """The last title, the labels and the lines that people wrote stand in all copies of the ticket, or in a conflict."""
    titles: dict[Native, Told] = {}
    members: dict[tuple[Native, str, str], tuple[bool, Told]] = {}
    for told in seen.world.told:
        place = seen.tickets.of((told.replica, told.entry.ref))
        if told.writer is not None:
            continue
        if told.entry.key == "title":
            titles[place] = told
        elif (parts := PARTS.get(told.entry.key)) is not None:
            old, new = parts(told.entry.old), parts(told.entry.new)
            members |= {(place, told.entry.key, part): (part in new, told) for part in old ^ new}
    for name, tracker in seen.world.trackers.items():
        for ticket in tracker.tickets():
            place = seen.tickets.of((name, ticket["id"]))
            last = titles[place].entry.new
            if ticket["title"] != last and last not in seen.kept:
                yield f"{name} {ticket['id']} is '{ticket['title']}', and '{last}' is nowhere"
            for (where, key, part), (wanted, _) in members.items():
                there = part in PARTS[key](ticket[key])
                if where == place and wanted and not there and part not in seen.kept:
                    yield f"{name} {ticket['id']} {key}: '{part}' was added in vain"


def comments_kept(seen: Evidence) -> Broken:
    """What people said stands in each copy of the bridges that read it, once a bridge, with the last words of it."""
    world, covering = seen.world, seen.covering()
    last: dict[Native, Told] = {}
    for told in world.told:
        key = told.entry.key.removeprefix("comment:")
        if key != told.entry.key and told.writer is None and told.entry.new is not None:
            last[seen.comments.of((told.replica, NativeRef(key)))] = told
    for name, tracker in world.trackers.items():
        for ticket in tracker.tickets():
            place = name, ticket["id"]
            said = Counter(_words(comment["text"]) for comment in ticket["comments"])
            most = max(1, covering[place])
            yield from (
                f"{name} {place[1]} says '{words}' {times} times" for words, times in said.items() if times > most
            )
            for comment in ticket["comments"]:
                told = last[seen.comments.of((name, comment["id"]))]
                words = _words(told.entry.new)
                if comment["restricted"] or words == _words(comment["text"]) or words in seen.kept:
                    continue
                yield f"{name} {place[1]} {comment['id']}: '{words}' is nowhere; it says '{comment['text']}'"
    for _, links in seen.links:
        here = {name: _said(world, link) for name, link in links.items()}
        for name, link in links.items():
            for comment in world.trackers[name].ticket(link.ref)["comments"]:
                if comment["author"] == ACCOUNT or comment["restricted"]:
                    continue
                missing = [other for other, said in here.items() if _words(comment["text"]) not in said]
                yield from (f"'{comment['text']}' of {name} {link.ref} is not in {other}" for other in missing)


def _said(world: RingWorld, link: LinkRecord) -> set[str]:
    return {_words(comment["text"]) for comment in world.trackers[link.replica].ticket(link.ref)["comments"]}


def files_kept(seen: Evidence) -> Broken:
    """What people attached stands in each copy of the bridges that read it, where files can be, once a bridge."""
    covering = seen.covering()
    for one, links in seen.links:
        able = {name: link for name, link in links.items() if seen.world.trackers[name].knobs.attachments}
        files = {name: Counter(_files(seen.world, link)) for name, link in able.items()}
        for name, link in able.items():
            for file in {file for names in files.values() for file in names}:
                if not 1 <= files[name][file] <= covering[name, link.ref]:
                    yield f"{one.place.bridge}: {name} {link.ref} has {file} {files[name][file]} times"


def _files(world: RingWorld, link: LinkRecord) -> list[str]:
    return [file["name"] for file in world.trackers[link.replica].ticket(link.ref)["files"]]


def few_writes(seen: Evidence) -> Broken:
    """All bridges together write a few times per edit of a person and copy of a ticket, whatever the shape."""
    world = seen.world
    if world.writes() > enough(world):
        yield f"{world.writes()} writes for {world.human_writes()} of people, and {enough(world)} are enough"


def enough(world: RingWorld) -> int:
    """How often all bridges together may write: for every edit of a person, so often in each place that it can reach."""
    places = 1 + sum(len(place.replicas) - 1 for place in world.ring.places)
    return PER_COPY * places * max(1, world.human_writes())


LAWS = (made_once, in_step, values_kept, comments_kept, files_kept, few_writes)


def _words(text: str) -> str:
    return text.rpartition("\n\n")[2].strip()


def _lines(value: Any) -> frozenset[str]:
    return frozenset(line.rstrip() for line in (value or "").split("\n") if line.strip())


def _parts(value: Any) -> frozenset[Any]:
    if isinstance(value, str):
        return frozenset({value, _words(value)}) | _lines(value)
    return value if isinstance(value, frozenset) else frozenset()


PARTS: Mapping[str, Callable[[Any], frozenset[Any]]] = {"text": _lines, "labels": frozenset}
