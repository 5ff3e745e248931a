"""States: what a state and its reason mean, which of them to go to, and by which moves of the type's workflow.

A reason can't be set by itself: it is given with a move, and which ones a move takes is told nowhere. So a reason is said by
the state where the process has one for it (Removed), else by a word that the type knows; a work item that was resolved is
closed with the process's own reason, since why it was resolved has been said then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.azure_devops import wire
from adapters.azure_devops.places import definitions
from sync.core.mapping import ProjectMapping
from sync.core.models import UNKNOWN, Field, JsonObject, Value

DONE = "done"


def read_status(state: str, type_: str, mapping: ProjectMapping) -> Value:
    """By the state's category on that type: one name has different categories on different types."""
    return mapping.read_status(state, states_of(type_, mapping).get(state, ""))


def read_reason(reason: str, state: str, type_: str, mapping: ProjectMapping) -> Value:
    """Why a work item is done; None while it is not."""
    status = read_status(state, type_, mapping)
    if status != DONE:
        return UNKNOWN if status is UNKNOWN else None
    return mapping.values(Field.REASON).read(reason, states_of(type_, mapping).get(state, ""))


def states_of(type_: str, mapping: ProjectMapping) -> dict[str, str]:
    """State name to category of one type, in the process's own order; empty where the process is not known."""
    known = wire.mapping(wire.mapping(mapping.facts.extra.get("states")).get(type_))
    return {name: wire.text(category) for name, category in known.items()}


def first_state(type_: str, mapping: ProjectMapping) -> str:
    """The state in which a new work item of the type starts."""
    return next(iter(_moves(type_, mapping).get("", ())), "") or next(iter(states_of(type_, mapping)), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """The state to go to, the reason to give with the last move, and the states of the way, the goal last.

    `way` is empty when the work item is there already, None when no moves lead there. `meant` is what the reason will be read
    as, where one was wanted and can be said.
    """

    state: str
    reason: str = ""
    meant: str | None = None
    way: tuple[str, ...] | None = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a work item of a type stands: a new one, or one whose type changes, in a state but with no reason yet."""

    type: str
    state: str
    reason: str = ""
    free: bool = False  # no workflow is followed: the type changes along with the state


def goal(status: str, reason: Value, standing: Standing, mapping: ProjectMapping) -> Goal | None:
    """Where to go for a status and, unless it is empty, a reason; None where no state means the status."""
    available = states_of(standing.type, mapping)
    first = mapping.values(Field.STATUS).write(status, available or None)
    if first is None:
        return None
    meaning = read_status(first, standing.type, mapping)
    there = read_status(standing.state, standing.type, mapping)
    if standing.state and there == meaning is not UNKNOWN:
        first = standing.state
    if isinstance(reason, str) and reason and meaning == DONE:
        return _with_reason(first, reason, standing, mapping)
    return Goal(state=first, way=_way(standing, first, mapping))


def _with_reason(first: str, reason: str, standing: Standing, mapping: ProjectMapping) -> Goal:
    """The goal among the states that mean done: as it is, by the state's own meaning, or by a word; else the `first`."""
    words, available = mapping.values(Field.REASON), states_of(standing.type, mapping)
    done = [first, *(one for one in available if read_status(one, standing.type, mapping) == DONE and one != first)]
    known = {word.casefold(): word for word in _reasons(standing.type, mapping)}
    tried: set[str] = set()
    while reason not in tried:
        tried.add(reason)
        if standing.reason and read_reason(standing.reason, standing.state, standing.type, mapping) == reason:
            return Goal(state=standing.state, meant=reason)
        for state in done:
            way = _way(standing, state, mapping)
            if way and words.categories.get(available.get(state, "")) == reason:
                return Goal(state=state, way=way, meant=reason)
        way = _way(standing, first, mapping)
        origin = (standing.state, *(way or ()))[-2] if way else ""
        if way and not standing.free and available.get(origin) != "Resolved":
            for candidate in words.values.get(reason, ()):
                if candidate.casefold() in known:
                    return Goal(state=first, reason=known[candidate.casefold()], way=way, meant=reason)
        reason = words.fallback.get(reason, reason)
    return Goal(state=first, way=_way(standing, first, mapping))


def _way(standing: Standing, state: str, mapping: ProjectMapping) -> tuple[str, ...] | None:
    """The fewest moves to the state, through none that means done or removed where that is possible."""
    moves = _moves(standing.type, mapping)
    if state == standing.state:
        return ()
    if standing.free or standing.state not in moves:
        return (state,)
    categories = states_of(standing.type, mapping)
    ending = {name for name, category in categories.items() if category in ("Completed", "Removed")}
    return _search(moves, standing.state, state, ending) or _search(moves, standing.state, state, set())


def _search(moves: Mapping[str, tuple[str, ...]], start: str, end: str, avoid: set[str]) -> tuple[str, ...] | None:
    ways: deque[tuple[str, ...]] = deque([()])
    seen = {start}
    while ways:
        way = ways.popleft()
        for following in moves.get(way[-1] if way else start, ()):
            if following == end:
                return (*way, following)
            if following not in seen and following not in avoid:
                seen.add(following)
                ways.append((*way, following))
    return None


def _moves(type_: str, mapping: ProjectMapping) -> dict[str, tuple[str, ...]]:
    known = wire.mapping(wire.mapping(mapping.facts.extra.get("moves")).get(type_))
    return {
        state: tuple(one for one in following if isinstance(one, str))
        for state, following in known.items()
        if isinstance(following, list | tuple)
    }


def _reasons(type_: str, mapping: ProjectMapping) -> tuple[str, ...]:
    allowed = wire.mapping(wire.mapping(mapping.facts.extra.get("allowed")).get(type_)).get(wire.REASON)
    return tuple(str(one) for one in allowed) if isinstance(allowed, list | tuple) else ()


def screen(status: Value, type_: str, present: JsonObject, taken: set[str], mapping: ProjectMapping) -> JsonObject:
    """The native values that the mapping sends along with a move to the status: those of the type's fields that are empty.

    `taken` are the fields that the same request sets anyway.
    """
    found: JsonObject = {}
    named = definitions(mapping)
    fields = wire.mapping(wire.mapping(mapping.facts.extra.get("fields")).get(type_))
    for name, value in (mapping.screen(status) if isinstance(status, str) else {}).items():
        about = named.get(name.casefold())
        native = wire.REASON if name.casefold() in ("reason", "system.reason") else about.reference if about else name
        if native in taken or native in found or (fields and native not in fields and native != wire.REASON):
            continue
        if native == wire.REASON or present.get(native) in (None, ""):
            found[native] = _typed(value, about.type if about else "string")
    return found


def _typed(value: str, type_: str) -> Any:
    if type_ == "boolean":
        return value.strip().lower() == "true"
    try:
        return int(value) if "integer" in type_.lower() else float(value) if "double" in type_.lower() else value
    except ValueError:
        return value  # the service says what is wrong with it
