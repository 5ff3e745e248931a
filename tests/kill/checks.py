"""What must be true of the trackers and the store, whatever was killed; each check gives what is wrong, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sync.core.ids import ReplicaName
from sync.core.models import Field
from sync.store.records import LinkRecord
from tests.kill.watched import TOKENS
from tests.kill.world import BRIDGE, JIRA, NAMES, Standing, World

Shown = dict[str, list[Standing]]


def doubled(shown: Shown) -> Iterator[str]:
    """No tracker has a ticket, comment or file twice."""
    for tracker, tickets in shown.items():
        for token, times in Counter(ticket.token for ticket in tickets).items():
            if times > 1:
                yield f"{tracker} has {token} {times} times"
        for noun in ("said", "files"):
            for token, times in Counter(token for ticket in tickets for token in getattr(ticket, noun)).items():
                if times > 1:
                    yield f"{tracker} has {token} {times} times"


def damaged(world: World) -> Iterator[str]:
    """The store is whole, and its log too."""
    yield from (f"the store: {line}" for line in world.store.integrity())
    with world.store.read() as tx:
        if (broken := tx.audit.verify()) is not None:
            yield f"the audit log is broken: {broken}"


def missing(world: World, shown: Shown) -> Iterator[str]:
    """What people wrote stands everywhere, in its last wording; a file where files are taken."""
    for tracker, tickets in shown.items():
        titles = {ticket.token: ticket.title for ticket in tickets}
        for token, title in world.titles.items():
            if titles.get(token) != title:
                yield f"{tracker} shows {titles.get(token)!r}, and not {title!r}"
        said = {token for ticket in tickets for token in ticket.said}
        yield from (f"{tracker} lacks {token}" for token in sorted(world.said - said))
        if tracker != "github":
            files = {token for ticket in tickets for token in ticket.files}
            yield from (f"{tracker} lacks {token}" for token in sorted(world.files - files))


def strayed(world: World, shown: Shown) -> Iterator[str]:
    """Every ticket, comment and file is known to exactly one link, and each link joins what belongs together."""
    with world.store.read() as tx:
        tickets = {one.id: one for one in tx.tickets.list(BRIDGE)}
        links = list(tx.links.list(BRIDGE, state="active"))
        comments = [one for ticket in tickets for one in tx.links.of_comments(ticket) if one.state == "active"]
        copies = [one for ticket in tickets for one in tx.attachments.copies(ticket) if one.state == "active"]
    for name in NAMES:
        here = [link for link in links if link.replica == name]
        wanted = {ticket.ref: ticket.token for ticket in shown[name]}
        known = {_name_of(link): _token(str(tickets[link.ticket].canonical.fields.get(Field.TITLE))) for link in here}
        yield from (f"{name}: no link knows {token} ({ref})" for ref, token in wanted.items() if ref not in known)
        yield from (
            f"{name}: {ref} is {wanted.get(ref)} and linked as {token}"
            for ref, token in known.items()
            if wanted.get(ref) != token
        )
        said = sum(len(ticket.said) for ticket in shown[name])
        if said != (linked := sum(one.replica == name for one in comments)):
            yield f"{name} has {said} comments, and {linked} are linked"
        files = sum(len(ticket.files) for ticket in shown[name])
        if name != "github" and files != (linked := sum(one.replica == name for one in copies)):
            yield f"{name} has {files} files, and {linked} are known"
    yield from unaccounted(world)


def unaccounted(world: World) -> Iterator[str]:
    """Each intent has one outcome at most, each request that changed a tracker has an intent, none is left open."""
    with world.store.read() as tx:
        entries = list(tx.audit.entries())
        open_now = tx.outbox.unfinished(BRIDGE)
    intents = {entry.op_id: entry for entry in entries if entry.phase == "intent"}
    outcomes = Counter(entry.op_id for entry in entries if entry.phase == "outcome")
    yield from (f"{row.op.summary} is open" for row in open_now)
    yield from (f"an outcome without an intent: {one}" for one in outcomes if one not in intents)
    yield from (f"{entry.note}: no outcome" for one, entry in intents.items() if one not in outcomes)
    meant = Counter(str(entry.replica) for entry in intents.values())
    done = Counter[str](_replica(write.tracker) for write in world.watch.writes)
    yield from (f"{name}: {done[name]} writes, {meant[name]} intents" for name in NAMES if done[name] > meant[name])


def _replica(kind: str) -> ReplicaName:
    return ReplicaName(kind.partition("_")[0])


def _name_of(link: LinkRecord) -> str:
    return link.key if link.replica == JIRA else str(link.ref)


def _token(title: str) -> str:
    found = TOKENS["ticket"].search(title)
    return found[0] if found else ""
