"""Hypothesis strategies for the core's values, for texts as people write them and for payloads as nobody expects them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sync.core.decision import Side
from sync.core.fieldrules import Shape, shape_of
from sync.core.ids import PersonId, ReplicaName
from sync.core.mapping import CustomRow
from sync.core.models import (
    KINDS,
    PRIORITIES,
    REASONS,
    SEVERITIES,
    STATUSES,
    TYPES,
    UNKNOWN,
    Canonical,
    Field,
    Fields,
    JsonObject,
    Provenance,
    Snapshot,
    Value,
)
from sync.core.policy import FieldPolicy, MergePolicy, PolicyName
from sync.core.quantities import moment

PEOPLE: Final = (PersonId("ada"), PersonId("grace"), PersonId("alan"))
LABELS: Final = ("bug", "Bug", "good first issue", "größe", "api/v2", "p:1", "日本", "a-b_c")
WORDS: Final = (
    "refund",
    "fails",
    "when",
    "the",
    "card",
    "expired",
    "Größe",
    "naïve",
    "日本語",
    "🙂",
    "x<y",
    "a&b",
    "50%",
)
#: Texts that have broken synchronisers: each is a body, most are titles when cut to a line.
ODD_TEXTS: Final = (
    "",
    "plain",
    "two\nlines",
    "windows\r\nline ends\r\n",
    "  leading and trailing  ",
    "# Heading\n\n- one\n- two\n  - nested\n\n1. first\n2. second",
    "```python\nprint('#12 @ada')\n```",
    "a [link](https://example.org/a_b?c=d&e=f) and `code` and **bold** and *italic*",
    "| a | b |\n| --- | --- |\n| 1 | 2 |",
    "- [ ] open\n- [x] done",
    "@mention #12 and acme/payments#3",
    "<b>not bold</b> & &amp; <script>alert(1)</script>",
    "emoji 🙂 accents éàü 中文 עברית",
    "under_score_d and *star and ~tilde~ and {curly} [square] h1. not a heading",
    "> quoted\n>\n> twice",
    "---",
    "line\n\n\n\nafter many empty lines",
    "https://example.org/bare_link_with_underscores",
)
ODD_LABELS: Final = ("Bug", "bug", "grün", "a,b", "a;b", "two words", "ci/cd", "日本語")

_AMOUNTS: Final = ("0", "0.5", "3", "8", "1.25")
_DAYS: Final = ("2026-02-28", "2026-03-01")
_VOCABULARY: Final = {
    Field.KIND: KINDS,
    Field.TYPE: TYPES,
    Field.STATUS: STATUSES,
    Field.REASON: REASONS,
    Field.PRIORITY: PRIORITIES,
    Field.SEVERITY: SEVERITIES,
    Field.REPORTER: PEOPLE,
    Field.SPRINT: ("Sprint 1", "Sprint 2"),
    **dict.fromkeys((Field.ESTIMATE, Field.REMAINING, Field.SPENT, Field.POINTS), _AMOUNTS),
    **dict.fromkeys((Field.START, Field.TARGET, Field.DUE), _DAYS),
}
#: Sets of names that a project may have; `LINKS` and `ATTACHMENTS` name what is elsewhere and are drawn empty.
_NAMES: Final = {
    Field.COMPONENTS: ("api", "billing"),
    Field.MILESTONE: ("1.0", "2.0"),
    Field.LINKS: (),
    Field.ATTACHMENTS: (),
}
_MUST_BE_THERE: Final = frozenset({Field.TITLE, Field.KIND, Field.STATUS})


def line() -> SearchStrategy[str]:
    """A line of words that no markup changes."""
    return st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)


def title() -> SearchStrategy[str]:
    """A title: one line, not empty."""
    return line()


def markdown() -> SearchStrategy[str]:
    """Markdown as people write it: blocks of the common kinds, at times one of `ODD_TEXTS`."""
    block = st.one_of(
        line(),
        st.builds("{} {}".format, st.sampled_from(("#", "##", "###")), line()),
        st.lists(line(), min_size=1, max_size=3).map(lambda items: "\n".join(f"- {item}" for item in items)),
        st.lists(line(), min_size=1, max_size=3).map(lambda items: "\n".join(f"1. {item}" for item in items)),
        line().map("```\n{}\n```".format),
        st.builds(
            "**{}** and `{}` and [{}](https://example.org/a)".format, line(), st.sampled_from(("a", "b")), line()
        ),
        line().map("> {}".format),
    )
    return st.one_of(st.lists(block, max_size=4).map("\n\n".join), st.sampled_from(ODD_TEXTS))


def values(name: Field, row: CustomRow | None = None) -> SearchStrategy[Value]:
    """A canonical value that a person may have written; empty where a field may be (never UNKNOWN).

    `row` says of a custom field what it holds.
    """
    if name.is_custom:
        words = _custom(row or CustomRow(type="text", native=name))
        if shape_of(name) is Shape.SET:
            return st.frozensets(words, max_size=3)
        return st.none() | words
    match name:
        case Field.TITLE:
            return title()
        case Field.BODY:
            return markdown()
        case Field.LABELS:
            return st.frozensets(st.sampled_from(LABELS), max_size=4)
        case Field.ASSIGNEES:
            return st.frozensets(st.sampled_from(PEOPLE), max_size=3)
        case Field.PARENT:
            return st.none()
        case Field.COMPONENTS | Field.MILESTONE | Field.LINKS | Field.ATTACHMENTS:
            return st.frozensets(st.sampled_from(_NAMES[name])) if _NAMES[name] else st.just(frozenset())
    known: SearchStrategy[Value] = st.sampled_from(_VOCABULARY[name])
    return known if name in _MUST_BE_THERE else st.none() | known


def _custom(row: CustomRow) -> SearchStrategy[str]:
    """A single value, or a member, of a custom field."""
    match row.type:
        case "number":
            return st.sampled_from(_AMOUNTS)
        case "date":
            return st.sampled_from(_DAYS)
        case "datetime":
            return moments().map(lambda one: moment(one) or "")
        case "boolean":
            return st.sampled_from(("true", "false"))
        case "choice" | "choices":
            return st.sampled_from((*row.values.values, "a word of nobody's"))
        case "person" | "people":
            return st.sampled_from(PEOPLE)
        case "url":
            return st.just("https://example.org/a_b?c=d&e=f")
    return line()


def fields(
    names: frozenset[Field] = frozenset(Field),
    *,
    complete: bool = False,
    custom: Mapping[Field, CustomRow] = MappingProxyType({}),
) -> SearchStrategy[dict[Field, Value]]:
    """Values for some of `names`, or for all of them; `custom` says what the custom fields among them hold."""
    each = {name: values(name, custom.get(name)) for name in sorted(names)}
    return st.fixed_dictionaries(each) if complete else st.fixed_dictionaries({}, optional=each)


def snapshots(names: frozenset[Field] = frozenset(Field), *, unknown: bool = False) -> SearchStrategy[Snapshot]:
    """A complete snapshot; with `unknown`, any field may be unreadable."""
    each = {name: values(name) | st.just(UNKNOWN) if unknown else values(name) for name in sorted(names)}
    return st.fixed_dictionaries(each).map(lambda found: Snapshot(fields=found))


def moments() -> SearchStrategy[datetime]:
    """Aware UTC, in whole seconds, close enough together that ties happen."""
    return st.integers(0, 600).map(lambda seconds: datetime.fromtimestamp(1_767_600_000 + seconds, UTC))


def provenances(replica: ReplicaName | None) -> SearchStrategy[Provenance]:
    """Where a value came from; author and time may be unknown."""
    return st.builds(
        Provenance,
        replica=st.just(replica),
        author=st.none() | st.sampled_from(PEOPLE),
        at=st.none() | moments(),
    )


def canonicals(names: frozenset[Field] = frozenset(Field)) -> SearchStrategy[Canonical]:
    """An agreed ticket."""
    return st.builds(Canonical, fields=fields(names, complete=True))


def policies(order: Sequence[ReplicaName]) -> SearchStrategy[MergePolicy]:
    """Any policy of a bridge with these replicas; sets and texts are merged at times, scalars never."""

    def policy_of(name: Field) -> SearchStrategy[FieldPolicy]:
        names = [PolicyName.LAST_WRITER, PolicyName.MANUAL]
        if shape_of(name) is not Shape.SCALAR:
            names.append(PolicyName.MERGE)
        preferred = st.sampled_from(order).map(lambda replica: FieldPolicy(PolicyName.PREFER, prefer=replica))
        return st.sampled_from(names).map(FieldPolicy) | preferred

    each = {name: policy_of(name) for name in Field}
    return st.fixed_dictionaries({}, optional=each).map(lambda found: MergePolicy(order=tuple(order), fields=found))


def unchanged(fields: Fields) -> Fields:
    """The `project` of a side that can hold everything."""
    return fields


@st.composite
def sides(
    draw: st.DrawFn, replica: ReplicaName, canonical: Canonical | None, names: frozenset[Field] = frozenset(Field)
) -> Side:
    """One side of a ticket that can hold everything: settled with `canonical` or with something older, edited or not."""
    base = draw(st.none() | snapshots(names)) if canonical is None else draw(_settled(canonical, names))
    edits = draw(st.none() | fields(names))
    head = None if edits is None else Snapshot(fields={**(base.fields if base else {}), **edits})
    return Side(
        replica=replica,
        fields=names,
        project=unchanged,
        base=base,
        head=head,
        agreed={} if base is None else base.fields,
        touched=draw(provenances(replica)),
    )


def json_values() -> SearchStrategy[Any]:
    """Any JSON value."""
    leaf = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=8)
    )
    return st.recursive(
        leaf,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    )


@st.composite
def distorted(draw: st.DrawFn, payload: JsonObject) -> JsonObject:
    """A payload with up to four members, at any depth, taken away or replaced by any JSON value."""
    twisted = copy.deepcopy(payload)
    for _ in range(draw(st.integers(1, 4))):
        place: Any = twisted
        while isinstance(place, dict | list) and place:
            key: Any = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            if isinstance(place[key], dict | list) and place[key] and draw(st.booleans()):
                place = place[key]
                continue
            if draw(st.booleans()):
                place[key] = draw(json_values())
            else:
                del place[key]
            break
    return twisted


def _settled(canonical: Canonical, names: frozenset[Field]) -> SearchStrategy[Snapshot]:
    agreed = {name: value for name, value in canonical.fields.items() if name in names}
    return st.just(Snapshot(fields=agreed)) | fields(names).map(lambda older: Snapshot(fields={**agreed, **older}))
