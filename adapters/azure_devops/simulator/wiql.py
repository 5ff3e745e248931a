"""The part of the Work Item Query Language that a sync needs: flat queries over fields of work items."""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.azure_devops.simulator.errors import ApiError
from adapters.azure_devops.simulator.fields import Field
from adapters.azure_devops.simulator.state import Item, Organisation, User
from adapters.azure_devops.simulator.text import split_tags

Test = Callable[[Item], bool]
_TOKEN = re.compile(
    r"""\s*(?:(?P<field>\[[^\]]+\])|(?P<string>'(?:[^']|'')*'|"[^"]*")|(?P<number>-?\d+(?:\.\d+)?)"""
    r"""|(?P<macro>@\w+)|(?P<op><>|>=|<=|[=<>(),+-])|(?P<word>[A-Za-z_][\w.]*))"""
)
_LENGTH_LIMIT = 32_000


@dataclass(slots=True, kw_only=True)
class Query:
    """A parsed query: its columns, its condition, its order and the oldest change that can matter."""

    columns: list[Field]
    test: Test
    order: list[tuple[Field, bool]]
    since: datetime | None


def syntax_error(message: str) -> ApiError:
    """The service's answer to a query that it cannot read."""
    return ApiError(400, "SyntaxException", message)


class Parser:
    """Recursive descent over one query text."""

    def __init__(
        self, text: str, organisation: Organisation, *, project: str | None, me: User, time_precision: bool
    ) -> None:
        if len(text) > _LENGTH_LIMIT:
            raise syntax_error(f"TF51011: The query is longer than {_LENGTH_LIMIT} characters.")
        self.organisation = organisation
        self.project, self.me, self.time_precision = project, me, time_precision
        self.tokens = list(_tokens(text))
        self.at = 0
        self.since: datetime | None = None

    def parse(self) -> Query:
        """The whole query; raises ApiError where it is none."""
        self._word("SELECT")
        columns = self._fields()
        self._word("FROM")
        source = self._take()[1]
        if source.lower() != "workitems":
            raise syntax_error(f"TF51006: The query does not read from WorkItems. The error is caused by «{source}».")
        test: Test = self._either() if self._accept("WHERE") else lambda _: True
        order = self._order() if self._accept("ORDER") else []
        if self.at < len(self.tokens):
            raise syntax_error(f"TF51006: Unexpected text. The error is caused by «{self.tokens[self.at][1]}».")
        return Query(columns=columns, test=test, order=order, since=self.since)

    # -- pieces ----------------------------------------------------------------------------------

    def _peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        if token[0] == "end":
            raise syntax_error("TF51006: The query statement ends too early.")
        self.at += 1
        return token

    def _accept(self, word: str) -> bool:
        if self._peek()[1].upper() == word and self._peek()[0] in ("word", "op"):
            self.at += 1
            return True
        return False

    def _word(self, word: str) -> None:
        if not self._accept(word):
            raise syntax_error(f"TF51006: The query statement is missing a {word} clause.")

    def _field(self) -> Field:
        kind, text = self._take()
        found = self.organisation.field(text.strip("[]").strip())
        if kind not in ("field", "word") or found is None:
            message = f"TF51005: The query references a field that does not exist. The error is caused by «{text}»."
            raise syntax_error(message)
        return found

    def _fields(self) -> list[Field]:
        found = [self._field()]
        while self._accept(","):
            found.append(self._field())
        return found

    def _order(self) -> list[tuple[Field, bool]]:
        self._word("BY")
        found = []
        while True:
            field = self._field()
            found.append((field, self._accept("DESC")))
            self._accept("ASC")
            if not self._accept(","):
                return found

    def _either(self) -> Test:
        since = self.since
        tests = [self._all()]
        while self._accept("OR"):
            tests.append(self._all())
        if len(tests) == 1:
            return tests[0]
        self.since = since  # one bound among alternatives bounds nothing
        return lambda item: any(test(item) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._accept("AND"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda item: all(test(item) for test in tests)

    def _one(self) -> Test:
        if self._accept("NOT"):
            since = self.since
            refused = self._one()
            self.since = since
            return lambda item: not refused(item)
        if self._accept("("):
            inner = self._either()
            self._word(")")
            return inner
        return self._condition()

    def _condition(self) -> Test:
        field = self._field()
        negated = self._accept("NOT")
        operator = self._take()[1].upper()
        if operator == "IN":
            values = self._list()
            tests = [self._compare(field, "=", value) for value in values]
            return lambda item: any(test(item) for test in tests) is not negated
        if negated and operator not in ("CONTAINS", "UNDER"):
            raise syntax_error(f"TF51006: Expecting an operator. The error is caused by «{operator}».")
        if operator not in ("=", "<>", ">", ">=", "<", "<=", "CONTAINS", "UNDER"):
            raise syntax_error(f"TF51006: Expecting an operator. The error is caused by «{operator}».")
        test = self._compare(field, operator, self._value())
        return (lambda item: not test(item)) if negated else test

    def _list(self) -> list[Any]:
        self._word("(")
        values = [self._value()]
        while self._accept(","):
            values.append(self._value())
        self._word(")")
        return values

    def _value(self) -> Any:
        kind, text = self._take()
        if kind == "string":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind != "macro":
            raise syntax_error(f"TF51006: Expecting a value. The error is caused by «{text}».")
        match text.lower():
            case "@me":
                return self.me
            case "@project":
                if self.project is None:
                    raise syntax_error("TF51005: The macro @project is not known outside of a project.")
                return self.project
            case "@today":
                return self._today()
        raise syntax_error(f"TF51005: The query references a macro that does not exist: {text}.")

    def _today(self) -> str:
        day = self.organisation.now().replace(hour=0, minute=0, second=0, microsecond=0)
        kind, text = self._peek()
        if text in ("+", "-"):
            self.at += 1
            days = int(self._take()[1])
            day += timedelta(days=days if text == "+" else -days)
        elif kind == "number" and text.startswith("-"):
            self.at += 1
            day += timedelta(days=int(text))
        return day.date().isoformat()

    # -- comparison ------------------------------------------------------------------------------

    def _compare(self, field: Field, operator: str, value: Any) -> Test:
        if field.type == "dateTime":
            return self._compare_dates(field, operator, value)
        reference = field.reference
        if reference == "System.Id":
            wanted_id = _integer(field, value)
            return lambda item: _ordered(item.id, operator, wanted_id)
        if operator == "CONTAINS" and reference == "System.Tags":
            tag = str(value).lower()
            return lambda item: tag in {t.lower() for t in split_tags(item.fields.get(reference, ""))}
        if operator == "CONTAINS":
            return lambda item: str(value).lower() in str(item.fields.get(reference, "")).lower()
        if operator == "UNDER":
            return lambda item: f"{item.fields.get(reference)}\\".lower().startswith(f"{value}\\".lower())
        if field.identity:
            found = [value] if isinstance(value, User) else self.organisation.user(str(value))
            return lambda item: (item.fields.get(reference) in found) is (operator == "=")
        if field.type in ("integer", "double"):
            wanted = _integer(field, value)
            return lambda item: _ordered(_plain(item, reference), operator, wanted)
        text = str(value).lower()
        return lambda item: _ordered(_text(_plain(item, reference)), operator, text)

    def _compare_dates(self, field: Field, operator: str, value: Any) -> Test:
        wanted = _moment(field, operator, value)
        if not self.time_precision and wanted != wanted.replace(hour=0, minute=0, second=0, microsecond=0):
            raise syntax_error(
                "You cannot supply a time with the date when running a query using date precision. "
                f"The error is caused by «[{field.reference}] {operator} '{value}'»."
            )
        if field.reference == "System.ChangedDate" and operator in (">", ">="):
            self.since = wanted
        exact = self.time_precision

        def test(item: Item) -> bool:
            actual = item.fields.get(field.reference)
            if actual is None:
                return operator == "<>"
            if not exact:
                actual = actual.replace(hour=0, minute=0, second=0, microsecond=0)
            return _ordered(actual, operator, wanted)

        return test


def run(organisation: Organisation, query: Query) -> list[Item]:
    """The work items, in order; deleted ones are never found."""
    items: Iterable[Item]
    if query.since is None:
        items = organisation.items.values()
    else:
        first = bisect.bisect_left(organisation.log, query.since, key=lambda entry: entry[0])
        numbers = dict.fromkeys(number for _, number, _ in organisation.log[first:])
        items = [organisation.items[number] for number in numbers if number in organisation.items]
    found = [item for item in items if item.deleted is None and query.test(item)]
    found.sort(key=lambda item: item.id)
    for field, descending in reversed(query.order):
        found.sort(key=lambda item: _sortable(item, field), reverse=descending)
    return found


def _tokens(text: str) -> Iterable[tuple[str, str]]:
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise syntax_error(f"TF51006: The query cannot be read. The error is caused by «{text[at : at + 20]}».")
        yield match.lastgroup, match[match.lastgroup]
        at = match.end()


def _plain(item: Item, reference: str) -> Any:
    match reference:
        case "System.Id":
            return item.id
        case "System.Rev":
            return item.rev
        case "System.Parent":
            return item.parent
    return item.fields.get(reference)


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower()


def _sortable(item: Item, field: Field) -> tuple[bool, Any]:
    value = _plain(item, field.reference)
    if isinstance(value, str | User):
        value = str(value).lower()
    return (value is not None, value)


def _ordered(actual: Any, operator: str, wanted: Any) -> bool:
    if operator == "=":
        return bool(actual == wanted)
    if operator == "<>":
        return bool(actual != wanted)
    if actual is None:
        return False
    match operator:
        case ">":
            return bool(actual > wanted)
        case ">=":
            return bool(actual >= wanted)
        case "<":
            return bool(actual < wanted)
    return bool(actual <= wanted)


def _integer(field: Field, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise syntax_error(f"TF51005: '{value}' is no number, which the field {field.name} needs.") from None


def _moment(field: Field, operator: str, value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        message = f"TF51005: '{value}' is no date. The error is caused by «[{field.reference}] {operator} '{value}'»."
        raise syntax_error(message) from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
