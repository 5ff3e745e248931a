"""The part of JQL that a synchroniser needs: bounded AND queries with one order; anything else is refused as Jira would."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from adapters.jira.simulator.errors import ApiError
from adapters.jira.simulator.model import Issue
from adapters.jira.simulator.state import World

_TOKEN = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(>=|<=|!=|=|>|<|\(|\)|,)|([^\s"'=<>!(),]+))""")
_RELATIVE = re.compile(r"([+-]\d+)([mhdw])")
_SPANS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DATES = ("%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M", "%Y/%m/%d", "%Y-%m-%d")
_ALIASES = {
    "key": "key",
    "issuekey": "key",
    "issue": "key",
    "id": "key",
    "updateddate": "updated",
    "createddate": "created",
    "fixversion": "fixVersion",
}
_TIMES = ("updated", "created")
_SORTS = ("updated", "created", "key")
_NAMED = {"status": "statuses", "issuetype": "types", "type": "types", "priority": "priorities"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One comparison; `literal` says of each value whether it was written in quotes."""

    field: str
    name: str
    operator: str
    values: tuple[str, ...]
    literal: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A parsed query."""

    clauses: tuple[Clause, ...]
    order: str = "created"
    descending: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A query bound to a site and a caller: bounds of `updated` in whole seconds, and the rest as a predicate."""

    start: int | None
    end: int | None
    keep: Callable[[Issue], bool]


def parse(text: str, *, bounded: bool) -> Query:
    """Raises ApiError 400 where Jira would, or where the query is outside the part known here."""
    tokens = _tokens(text)
    clauses: list[Clause] = []
    order, descending = "created", True
    position = depth = 0
    while position < len(tokens) and tokens[position][0].lower() != "order":
        if clauses:
            if tokens[position][0].lower() != "and":
                raise _refused(f"Expecting either 'OR' or 'AND' but got '{tokens[position][0]}'.")
            position += 1
        # With AND alone, parentheses only have to balance.
        while tokens[position : position + 1] == [("(", False)]:
            position, depth = position + 1, depth + 1
        clause, position = _clause(tokens, position)
        clauses.append(clause)
        while depth and tokens[position : position + 1] == [(")", False)]:
            position, depth = position + 1, depth - 1
    if depth:
        raise _refused("Expecting ')' before the end of the query.")
    if position < len(tokens):
        words = [word.lower() for word, _ in tokens[position:]]
        if words[:2] != ["order", "by"] or len(words) not in (3, 4) or words[3:] not in ([], ["asc"], ["desc"]):
            raise _refused("Expecting 'by', a field name and an order after 'order'.")
        order = _ALIASES.get(words[2], words[2])
        if order not in _SORTS:
            raise ApiError(400, f"Not able to sort using field '{words[2]}'.")
        descending = words[3:] == ["desc"]
    if bounded and not clauses:
        raise ApiError(
            400, "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
        )
    return Query(clauses=tuple(clauses), order=order, descending=descending)


def bind(query: Query, world: World, zone: ZoneInfo, *, lenient: bool = False) -> Plan:
    """Resolve names, keys and times; times without an offset are read in the caller's `zone`.

    `lenient` lets an unknown value match nothing instead of refusing the query (`validateQuery=false`).
    """
    start: int | None = None
    end: int | None = None
    tests: list[Callable[[Issue], bool]] = []
    for clause in query.clauses:
        if clause.field not in _TIMES:
            tests.append(_test(clause, world, lenient))
            continue
        seconds = _moment(clause, world.now(), zone)
        # The index knows whole seconds, so a bound inside a second leaves that second out.
        low = {">=": -int(-seconds // 1), ">": int(seconds // 1) + 1}.get(clause.operator)
        high = {"<=": int(seconds // 1), "<": -int(-seconds // 1) - 1}.get(clause.operator)
        if clause.field == "updated":
            start = low if start is None else max(start, low) if low is not None else start
            end = high if end is None else min(end, high) if high is not None else end
        else:
            tests.append(_created_test(low, high))
    return Plan(start=start, end=end, keep=lambda issue: all(test(issue) for test in tests))


def _tokens(text: str) -> list[tuple[str, bool]]:
    tokens: list[tuple[str, bool]] = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _refused(f"The character '{text[position:].strip()[:1]}' is a reserved JQL character.")
        quoted = match[1] if match[1] is not None else match[2]
        tokens.append((re.sub(r"\\(.)", r"\1", quoted), True) if quoted is not None else (match[3] or match[4], False))
        position = match.end()
    return tokens


def _clause(tokens: list[tuple[str, bool]], position: int) -> tuple[Clause, int]:
    words = [word for word, _ in tokens[position : position + 2]] + ["", ""]
    name, operator = words[0], words[1].lower()
    field = _ALIASES.get(name.lower(), name.lower())
    if field not in (*_MATCHED, *_NAMED, *_TIMES):
        raise ApiError(400, f"Field '{name}' does not exist or you do not have permission to view it.")
    position += 2
    if operator == "in":
        values: list[tuple[str, bool]] = []
        expected = "("
        while position < len(tokens) and tokens[position] == (expected, False):
            values += tokens[position + 1 : position + 2]
            position += 2
            expected = ","
        if not values or position >= len(tokens) or tokens[position] != (")", False):
            raise _refused("Expecting ')' before the end of the query.")
        position += 1
    else:
        values = tokens[position : position + 1]
        position += 1
        if not values:
            raise _refused(
                f"Expecting either a value, list or function before the end of the query after '{operator}'."
            )
    allowed = ("=", ">", ">=", "<", "<=") if field in _TIMES else ("=", "!=", "in")
    if operator not in allowed or (field in _TIMES and operator == "="):
        raise ApiError(400, f"The operator '{operator}' is not supported by the '{name}' field.")
    texts, literal = zip(*values, strict=True)
    return Clause(field=field, name=name, operator=operator, values=texts, literal=literal), position


def _moment(clause: Clause, now: datetime, zone: ZoneInfo) -> float:
    value = clause.values[0]
    if not clause.literal[0] and value.isdecimal():
        return int(value) / 1000
    if relative := _RELATIVE.fullmatch(value):
        return (now + timedelta(**{_SPANS[relative[2]]: int(relative[1])})).timestamp()
    for pattern in _DATES:
        try:
            return datetime.strptime(value, pattern).replace(tzinfo=zone).astimezone(UTC).timestamp()
        except ValueError:
            continue
    raise ApiError(
        400,
        f"Date value '{value}' for field '{clause.name}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
        "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.",
    )


def _created_test(low: int | None, high: int | None) -> Callable[[Issue], bool]:
    return lambda issue: (
        (low is None or issue.created.timestamp() >= low) and (high is None or int(issue.created.timestamp()) <= high)
    )


def _test(clause: Clause, world: World, lenient: bool) -> Callable[[Issue], bool]:
    read, resolve = _MATCHED.get(clause.field, (None, _named))
    attribute = {"issuetype": "type"}.get(clause.field, clause.field)
    found: set[Any] = set()
    for value in clause.values:
        try:
            meant = resolve(value, world, clause)
            found |= meant if isinstance(meant, frozenset) else {meant}
        except ApiError:
            if not lenient:
                raise
    wanted = frozenset(found)
    negated = clause.operator == "!="

    def test(issue: Issue) -> bool:
        values = read(issue, world) if read else (getattr(issue, attribute),)
        return negated != (not wanted.isdisjoint(values))

    return test


def _project(value: str, world: World, clause: Clause) -> str:
    key = world.project(value)
    if key is None:
        raise _unknown(value, clause)
    return key


def _issue(value: str, world: World, clause: Clause) -> int:
    try:
        return world.find(value).id
    except ApiError as error:
        kind = "An issue with key" if "-" in value else "A value with ID"
        raise ApiError(400, f"{kind} '{value}' does not exist for the field '{clause.name}'.") from error


def _named(value: str, world: World, clause: Clause) -> str:
    table: dict[str, Any] = getattr(world.catalogue, _NAMED[clause.field])
    for row in table.values():
        names = {row.id, row.name.casefold(), getattr(row, "untranslated", row.name).casefold()}
        if value.casefold() in names:
            return str(row.id)
    raise _unknown(value, clause)


def _person(value: str, world: World, clause: Clause) -> str:
    person = world.catalogue.person(value)
    if person is None:
        raise _unknown(value, clause)
    return person.name


def _planned(value: str, world: World, clause: Clause) -> frozenset[int]:
    """By number or name: the same name may stand for one of each project."""
    plans = world.planning
    tables: dict[str, Mapping[int, Any]] = {
        "component": plans.components, "fixVersion": plans.versions, "sprint": plans.sprints,
    }  # fmt: skip
    table = tables[clause.field]
    found = {number for number, row in table.items() if value in (str(number), row.name)}
    if not found:
        raise _unknown(value, clause)
    return frozenset(found)


def _unknown(value: str, clause: Clause) -> ApiError:
    return ApiError(400, f"The value '{value}' does not exist for the field '{clause.name}'.")


def _refused(reason: str) -> ApiError:
    return ApiError(400, f"Error in the JQL Query: {reason}")


#: Field -> the values of an issue that a clause is matched with, and what a word of the query means.
_MATCHED: dict[str, tuple[Callable[[Issue, World], Iterable[Any]], Callable[[str, World, Clause], Any]]] = {
    "labels": (lambda issue, _w: [label.casefold() for label in issue.labels], lambda value, _w, _c: value.casefold()),
    "project": (lambda issue, _w: (issue.project,), _project),
    "key": (lambda issue, _w: (issue.id,), _issue),
    "parent": (lambda issue, _w: (issue.parent,), _issue),
    "assignee": (lambda issue, _w: (issue.assignee,), _person),
    "reporter": (lambda issue, _w: (issue.reporter,), _person),
    "component": (lambda issue, _w: issue.components, _planned),
    "fixVersion": (lambda issue, _w: issue.fix_versions, _planned),
    "sprint": (lambda issue, world: issue.custom.get(world.catalogue.field_of("gh-sprint").id) or (), _planned),
}
