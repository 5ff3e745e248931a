"""I1: what a person wrote into a field is there, was superseded by a later write, or stands in a conflict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sync.core.claims import as_set
from sync.core.fieldrules import Shape, equal, shape_of
from sync.core.ids import ReplicaName, TicketId
from sync.core.models import UNKNOWN, Field, Value, link_parts
from tests.simulation.evidence import Act, Evidence, Place

Broken = Iterator[str]


def no_lost_update(seen: Evidence) -> Broken:
    """No field of any ticket lost what a person wrote."""
    places: dict[Place, list[Act]] = {}
    for act in seen.acts():
        places.setdefault((act.ticket, act.field), []).append(act)
    for place, everything in places.items():
        acts = [act for act in everything if not _is_let_be(seen, everything, act)]
        match shape_of(place[1]):
            case Shape.SCALAR:
                yield from _lost_scalars(seen, place, acts)
            case Shape.SET:
                yield from _lost_members(seen, place, acts, as_set)
            case Shape.TEXT:
                yield from _lost_members(seen, place, acts, _lines)


def _is_let_be(seen: Evidence, acts: list[Act], act: Act) -> bool:
    """Whether it was written where we only write, into what we did not write there since: it stays, and goes nowhere."""
    if act.ours or seen.readers[act.replica].replica.reads:
        return False
    return not any(one.ours and one.replica == act.replica and one.number > act.number for one in acts)


def is_told(seen: Evidence, act: Act) -> bool:
    """Whether it may be what the tracker made of our write: a problem said so (not of texts) until we wrote there again."""
    return act.mistaken and (act.field is Field.BODY or act.rewritten or seen.told_of(act))


def _lost_scalars(seen: Evidence, place: Place, acts: list[Act]) -> Broken:
    final, claims, decided = seen.canonical(place), seen.claims(place), seen.decided(place)
    for act in acts:
        if act.field is Field.TYPE and act.new is None:
            continue  # another kind has no word for it, and nobody took it away
        excused = act.replaced or act.lost_sight or act.undone or act.gone or is_told(seen, act)
        if act.ours or excused or act.new is UNKNOWN:
            continue
        project = seen.readers[act.replica].projection(None)

        def shows(value: Value, act: Act = act, project: Callable[..., Any] = project) -> bool:
            return equal(act.field, value, act.new) or equal(
                act.field, project({act.field: value}).get(act.field, UNKNOWN), act.new
            )

        # Of two edits of one instant nobody can say which was the later one.
        later = any(
            not other.ours and other.number != act.number and seen.when(other) >= seen.when(act) for other in acts
        )
        if (
            act.field is Field.PARENT
            and act.new is None
            and act.replica not in seen.links.get(TicketId(str(act.old)), {})
        ):
            continue  # the ticket above it went: nobody can tell that somebody had taken this one away from it before
        if shows(final) or any(map(shows, claims)) or (later and any(map(shows, decided))):
            continue
        yield f"{act.replica} {act.ref} {act.field}: {act.new!r} was lost; it is {final!r}"


def _lost_members(seen: Evidence, place: Place, acts: list[Act], parts: Callable[[Value], frozenset[str]]) -> Broken:
    """Each member (or line) is there or not as the last person to say so wanted."""
    final, claims = parts(seen.canonical(place)), [parts(claim) for claim in seen.claims(place)]
    last: dict[str, tuple[bool, Act]] = {}
    for act in acts:
        # Of a link that is put back the ticket at one of its ends tells.
        elsewhere = act.field is Field.LINKS and not seen.readers[act.replica].replica.reads
        if act.ours or elsewhere or UNKNOWN in (act.old, act.new):
            continue
        old, new = parts(act.old), parts(act.new)
        for member in new - old:
            last[member] = True, act
        for member in old - new:
            last[member] = False, act
    unique = place[1] in (Field.BODY, Field.LABELS, Field.COMPONENTS, Field.MILESTONE)
    for member, (wanted, act) in last.items():
        if (member in final) == wanted or act.lost_sight or act.gone or (claims and not (unique and wanted)):
            continue
        if is_told(seen, act) or (act.began is not UNKNOWN and (member in parts(act.began)) == wanted):
            continue
        if any(member in claim for claim in claims) or _was_taken_back(acts, act, member, parts, wanted=wanted):
            continue
        if place[1] is Field.LINKS and act.replica not in seen.links.get(TicketId(link_parts(member)[1]), {}):
            continue  # the ticket at the other end went, and the link with it: nobody took it away
        if place[1] is Field.LINKS and not wanted and seen.went_with_a_ticket(act):
            continue
        if place[1] is Field.ASSIGNEES and not wanted and seen.world.trackers[act.replica].knobs.max_assignees == 1:
            continue  # where one only has a place, another one takes it without sending anybody away
        yield f"{act.replica} {act.ref} {act.field}: {member!r} was {'added' if wanted else 'removed'} in vain"


def _was_taken_back(
    acts: list[Act], act: Act, member: str, parts: Callable[[Value], frozenset[str]], *, wanted: bool
) -> bool:
    """Whether we had carried the same wish elsewhere already, and somebody who saw it there took it back: of that this act knew nothing."""

    def says(one: Act) -> bool | None:
        known = UNKNOWN not in (one.old, one.new)
        old, new = (parts(one.old), parts(one.new)) if known else (frozenset[str](), frozenset[str]())
        return None if (member in old) == (member in new) else member in new

    carried: set[ReplicaName] = set()
    for one in acts[: acts.index(act)]:
        said = says(one)
        if one.replica == act.replica and said is not None:
            carried.clear()
        elif one.ours and said is wanted:
            carried.add(one.replica)
        elif not one.ours and said is (not wanted) and one.replica in carried:
            return True
    return False


def _lines(value: Value) -> frozenset[str]:
    return (
        frozenset(line.rstrip() for line in value.split("\n") if line.strip())
        if isinstance(value, str)
        else frozenset()
    )
