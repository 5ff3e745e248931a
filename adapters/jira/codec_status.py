"""Which transition to take: names of moves say nothing, the status that they lead to decides."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.jira.codec_values import Site
from adapters.jira.kinds import NAMED, SEVERAL, fits, write_words
from adapters.jira.wire import ADDED, as_list, as_object, at, text_at
from sync.core.mapping import ProjectMapping
from sync.core.models import Field, FieldProblem, JsonObject, NativeTicket


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One transition that may be taken now. `screen` (id → what is known of the field) is None where Jira did not say."""

    id: str
    name: str
    target: str
    category: str
    screen: Mapping[str, JsonObject] | None
    has_screen: bool

    def unfilled(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """The fields that the screen asks for and `values` does not give."""
        asked = {name: about for name, about in (self.screen or {}).items() if at(about, "required") is True}
        return tuple(name for name, about in asked.items() if not {name, text_at(about, "name")} & set(values))

    def filled(self, values: Mapping[str, str], *, cloud: bool) -> dict[str, Any]:
        """The values, given by id or name of a field, that the screen has a place for; another one would be refused."""
        if self.screen is None:
            return {name: _value(name, "", text, cloud=cloud) for name, text in values.items() if self.has_screen}
        sent = {}
        for name, about in self.screen.items():
            text = values.get(name, values.get(text_at(about, "name")))
            if text is not None:
                sent[name] = _value(name, text_at(about, "kind"), text, cloud=cloud)
        return sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The transition to send with its fields, or why there is none."""

    move: Move | None = None
    values: Mapping[str, Any] | None = None
    problem: FieldProblem | None = None


def choose(target: str, values: Mapping[str, str], current: NativeTicket, mapping: ProjectMapping) -> Step:
    """The next step towards a native status; `values` are the screen values for the last one.

    A way of several steps goes over what earlier answers told of the workflow. Where they do not reach, it goes to a status
    that lies between the two in meaning and whose own moves are not known yet: each step tells more, none is repeated, and no
    ticket is sent to where nobody wanted it (blocked, closed) only to look around.
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
            return _unfilled(best, unfilled)
        return Step(move=best, values=best.filled(values, cloud=site.cloud))
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
            unexplored += [status] if _lies_between(present, status, target, mapping) else []
            continue
        for following in sorted(known[status], key=lambda name: _rank(name, mapping)):
            # Through a finished status only to a finished one: closing a ticket on the way would tell people wrong.
            passing_done = _category(following, moves, mapping) == "done" and not finished
            if following not in first and (not passing_done or following.casefold() == target.casefold()):
                first[following] = first[status] or following
                waiting.append(following)
    return first[unexplored[0]] if unexplored else None


def _lies_between(present: str, status: str, target: str, mapping: ProjectMapping) -> bool:
    """Whether a ticket may rest in `status` on its way without saying what nobody meant."""
    order = {"open": 0, "reopened": 0, "in_progress": 1, "blocked": 1, "review": 2, "done": 3}
    places = [order.get(str(mapping.read_status(name))) for name in (present, status, target)]
    start, middle, end = places
    if start is None or middle is None or end is None or mapping.read_status(status) in ("blocked", "done"):
        return False
    # Between two that mean the same lies nothing: from open again to open the way leads over work in progress.
    return min(start, end) <= middle <= max(start, end, order["in_progress"])


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
        found.append(
            Move(
                id=identifier,
                name=text_at(move, "name"),
                target=target,
                category=text_at(move, "to", "statusCategory", "key"),
                screen=_asking(fields) if isinstance(fields, dict) else None,
                has_screen=bool(fields) if isinstance(fields, dict) else at(move, "hasScreen") is not False,
            )
        )
    return found


def _asking(fields: JsonObject) -> dict[str, JsonObject]:
    """What a screen shows; a field with a default asks for nothing."""
    return {
        name: {
            **as_object(about),
            "required": at(about, "required") is True and at(about, "hasDefaultValue") is not True,
        }
        for name, about in fields.items()
    }


def _value(name: str, kind: str, text: str, *, cloud: bool) -> Any:
    """A value of the mapping as Jira takes it: by the kind of its field, else a name in an object, else plain text."""
    if kind in SEVERAL or kind in NAMED:
        return write_words(kind, [word for each in text.split(",") if (word := each.strip())], cloud=cloud)
    if kind and kind != "timetracking":
        return write_words(kind, [text], cloud=cloud) if fits(kind, text) else text
    return text if name.startswith("customfield_") else {"name": text}


def _none(present: str, target: str, reason: str) -> Step:
    return Step(
        problem=FieldProblem(
            field=Field.STATUS,
            message=f"No transition leads from '{present}' to '{target}'; {reason}.",
            mend="Add the transition to the workflow in Jira, or give that status a fallback in the mapping.",
        )
    )


def _unfilled(move: Move, names: Sequence[str]) -> Step:
    shown = move.screen or {}
    fields = ", ".join(f"'{text_at(shown.get(name), 'name') or name}' ({name})" for name in names)
    return Step(
        problem=FieldProblem(
            field=Field.STATUS,
            message=f"The transition '{move.name}' to '{move.target}' asks for {fields}.",
            mend=f"Give a value for {', '.join(names)} under [screen.<status>] of the mapping, or move the ticket in Jira.",
        )
    )
