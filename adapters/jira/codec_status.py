"""Which transition to take: names of moves say nothing, the status that they lead to decides."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.jira.codec_values import Site
from adapters.jira.wire import ADDED, as_list, as_object, at, text_at
from sync.core.mapping import ProjectMapping
from sync.core.models import Field, FieldProblem, JsonObject, NativeTicket


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One transition that may be taken now. `required` is None where Jira did not say what its screen asks for."""

    id: str
    name: str
    target: str
    category: str
    required: tuple[str, ...] | None
    screen: tuple[str, ...] | None
    has_screen: bool

    def unfilled(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """What the screen asks for and `values` does not give."""
        return tuple(name for name in self.required or () if name not in values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The transition to send with its fields, or why there is none."""

    move: Move | None = None
    values: Mapping[str, Any] | None = None
    problem: FieldProblem | None = None


def choose(target: str, values: Mapping[str, Any], current: NativeTicket, mapping: ProjectMapping) -> Step:
    """The next step towards a native status; `values` are the screen values for the last one.

    A way of several steps goes over what earlier answers told of the workflow, and where they do not reach, to the
    nearest status whose own moves are not known yet: so each step tells more and none is repeated.
    """
    site = Site.of(mapping)
    present = site.status_word(at(current.payload, "fields", "status"))
    moves = _moves(current.payload, site)
    if "transitions" not in current.payload:
        return _none(present, target, "Jira's answer did not list the transitions; they are read with the next change")
    if not moves:
        return _none(present, target, "Jira offers no transition at all: the bot may lack the Transition permission")
    direct = [move for move in moves if move.target.casefold() == target.casefold()]
    if direct:
        best = min(direct, key=lambda move: (len(move.unfilled(values)), move.has_screen and not values))
        if unfilled := best.unfilled(values):
            return _unfilled(best, unfilled, current)
        return Step(move=best, values=_sent(best, values))
    beyond = _next_status(target, present, moves, current, mapping)
    free = [move for move in moves if move.target == beyond and not move.unfilled({})]
    if beyond is None or not free:
        names = ", ".join(sorted({move.target for move in moves}))
        return _none(present, target, f"from there one gets to: {names}")
    return Step(move=min(free, key=lambda move: move.has_screen), values={})


def _next_status(
    target: str, present: str, moves: Sequence[Move], current: NativeTicket, mapping: ProjectMapping
) -> str | None:
    """The status to go to first: on the known way to the target, else on the way to an unexplored one."""
    known = {
        source: [str(each) for each in as_list(targets)]
        for source, targets in as_object(at(current.payload, ADDED, "workflow")).items()
    }
    known[present] = [move.target for move in moves]
    finished = mapping.facts.statuses.get(target) == "done"
    first: dict[str, str | None] = {present: None}
    waiting = deque([present])
    unexplored: list[str] = []
    while waiting:
        status = waiting.popleft()
        if status.casefold() == target.casefold():
            return first[status]
        if status not in known:
            unexplored.append(status)
            continue
        for following in sorted(known[status], key=lambda name: _rank(name, mapping)):
            # Through a finished status only to a finished one: closing a ticket on the way would tell people wrong.
            passing_done = _category(following, moves, mapping) == "done" and not finished
            if following not in first and (not passing_done or following.casefold() == target.casefold()):
                first[following] = first[status] or following
                waiting.append(following)
    return first[unexplored[0]] if unexplored else None


def _category(status: str, moves: Sequence[Move], mapping: ProjectMapping) -> str:
    told = next((move.category for move in moves if move.target == status), "")
    return told or mapping.facts.statuses.get(status, "")


def _rank(status: str, mapping: ProjectMapping) -> tuple[int, str]:
    """Work in progress is where most ways meet; being blocked is a statement and no way."""
    order = ("in_progress", "open", "reopened", "review", "done", "blocked")
    meaning = mapping.read_status(status)
    return (order.index(meaning) if isinstance(meaning, str) and meaning in order else len(order), status)


def _moves(payload: JsonObject, site: Site) -> list[Move]:
    found = []
    for move in as_list(payload.get("transitions")):
        identifier, target = text_at(move, "id"), site.status_word(at(move, "to"))
        if not identifier or not target or at(move, "isAvailable") is False:
            continue
        fields = at(move, "fields")
        names = tuple(fields) if isinstance(fields, dict) else None
        required = None
        if isinstance(fields, dict):
            asked = (name for name, about in fields.items() if at(about, "required") is True)
            required = tuple(name for name in asked if at(fields[name], "hasDefaultValue") is not True)
        found.append(
            Move(
                id=identifier,
                name=text_at(move, "name"),
                target=target,
                category=text_at(move, "to", "statusCategory", "key"),
                required=required,
                screen=names,
                has_screen=bool(names) if names is not None else at(move, "hasScreen") is not False,
            )
        )
    return found


def _sent(move: Move, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that the screen has a place for; another one would be refused."""
    if move.screen is not None:
        return {name: value for name, value in values.items() if name in move.screen}
    return dict(values) if move.has_screen else {}


def _none(present: str, target: str, reason: str) -> Step:
    return Step(
        problem=FieldProblem(
            field=Field.STATUS,
            message=f"No transition leads from '{present}' to '{target}'; {reason}.",
            mend="Add the transition to the workflow in Jira, or give that status a fallback in the mapping.",
        )
    )


def _unfilled(move: Move, names: Sequence[str], current: NativeTicket) -> Step:
    shown = {
        text_at(entry, "id"): {
            name: text_at(about, "name") or name for name, about in as_object(at(entry, "fields")).items()
        }
        for entry in as_list(current.payload.get("transitions"))
    }.get(move.id, {})
    fields = ", ".join(f"'{shown.get(name, name)}' ({name})" for name in names)
    return Step(
        problem=FieldProblem(
            field=Field.STATUS,
            message=f"The transition '{move.name}' to '{move.target}' asks for {fields}.",
            mend=f"Give a value for {', '.join(names)} under [screen.<status>] of the mapping, or move the ticket in Jira.",
        )
    )
