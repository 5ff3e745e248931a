"""How good a tracker in memory is, and the words it speaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from sync.core.capabilities import Visibility
from sync.core.mapping import CustomRow, Mapping, TypeRow, ValueMap
from sync.core.models import LINK_KINDS, PRIORITIES, REASONS, SEVERITIES, STATUSES, TYPES, Field

#: Where each field stands in a payload; a kind and a type are one native word, as in Jira and Azure DevOps. Hours stand
#: there in seconds, points as numbers; a custom field stands under its native name.
NATIVE_KEYS: Final[MappingOf[Field, str]] = MappingProxyType(
    {
        Field.TITLE: "title",
        Field.BODY: "text",
        Field.KIND: "type",
        Field.TYPE: "type",
        Field.STATUS: "state",
        Field.REASON: "reason",
        Field.PRIORITY: "priority",
        Field.LABELS: "labels",
        Field.ASSIGNEES: "people",
        Field.PARENT: "parent",
        Field.SEVERITY: "severity",
        Field.COMPONENTS: "components",
        Field.REPORTER: "reporter",
        Field.LINKS: "links",
        Field.ESTIMATE: "estimate",
        Field.REMAINING: "remaining",
        Field.SPENT: "spent",
        Field.POINTS: "points",
        Field.SPRINT: "sprint",
        Field.MILESTONE: "milestones",
        Field.START: "start",
        Field.TARGET: "target",
        Field.DUE: "due",
        Field.ATTACHMENTS: "listed",
    }
)
#: The fields of a tracker that takes files: it has no use for a list of them.
EVERYTHING: Final = frozenset(NATIVE_KEYS) - {Field.ATTACHMENTS}
ACCOUNT: Final = "bridge-bot"
#: Somebody who may open tickets and comment, and no more.
OUTSIDER: Final = "outsider"
TOKEN: Final = "memory-token"  # noqa: S105 - opens nothing


class ManualClock:
    """A clock that stands still until somebody moves it."""

    def __init__(self, start: datetime = datetime(2026, 1, 5, 9, tzinfo=UTC)) -> None:
        self._now = start

    def __call__(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once."""
        self._now += timedelta(seconds=seconds)


def unchanged(text: str) -> str:
    """A server that keeps texts as they are."""
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryKnobs:
    """How good a tracker it is; the defaults lose nothing.

    `statuses` (and `priorities`, `reasons`) map a canonical value to the native word that it is written with: two values with one word make
    it lossy, and the first of them is what is read. `text_rewrite` (idempotent) is what the server does to every text that is written;
    `foresight` says whether the codec's `project` knows about it. `grain` cuts all times of the server; `list_lag` is
    how long a list shows the past; `skew` is how far the server's clock is ahead. `create_fields` are the fields that a create can
    carry; `one_request` puts all changes of a ticket but its links into one; `answers` puts the ticket into the receipt.

    `tells` can be read and are set by nobody. `names` are the names that the project has for a field (any, where it has no entry); a
    name that it has not is refused, or left out in silence with `drops_names`. A link stands at both its ends, and with
    `links_touch_both` it is a new version of both; one of the kinds `own_ends` stands only where it was made.
    `refuses_cycles` of parents and of what blocks what. `custom` are
    the rows of the mapping file. With `attachments` files can be uploaded, with `can_delete` our account deletes
    tickets. `new_per_hour` tickets and
    comments may be made within an hour; what is more is refused, and counted as `trips` of the `limit`.
    """

    fields: frozenset[Field] = EVERYTHING
    tells: frozenset[Field] = frozenset()
    statuses: MappingOf[str, str] = field(default_factory=lambda: _words(STATUSES))
    priorities: MappingOf[str, str] = field(default_factory=lambda: _words(PRIORITIES))
    reasons: MappingOf[str, str] = field(default_factory=lambda: _words(REASONS))
    severities: MappingOf[str, str] = field(default_factory=lambda: _words(SEVERITIES))
    max_assignees: int = 10
    max_milestones: int = 10
    names: MappingOf[Field, tuple[str, ...]] = field(default_factory=dict)
    drops_names: bool = False
    link_kinds: frozenset[str] = frozenset(LINK_KINDS)
    links_touch_both: bool = True
    own_ends: frozenset[str] = frozenset()
    refuses_cycles: bool = False
    custom: MappingOf[Field, CustomRow] = field(default_factory=dict)
    attachments: bool = True
    can_delete: bool = True
    title_limit: int | None = 255
    body_limit: int | None = 65_536
    text_rewrite: Callable[[str], str] = unchanged
    foresight: bool = True
    conditional_writes: bool = False
    comment_feed: bool = False
    history: bool = True
    reports_gone: bool = False
    create_fields: frozenset[Field] = EVERYTHING - {Field.LINKS}
    one_request: bool = True
    answers: bool = True
    list_lag: timedelta = timedelta()
    grain: timedelta = timedelta(seconds=1)
    skew: timedelta = timedelta()
    page_size: int = 100
    visibility: Visibility = Visibility.PRIVATE
    new_per_hour: int | None = None

    def __post_init__(self) -> None:
        if self.conditional_writes and not self.one_request:
            raise ValueError("the second of two requests would always find the version changed by the first")

    def mapping(self) -> Mapping:
        """The mapping file of such a tracker."""
        return Mapping(
            tracker="memory",
            fields={
                Field.STATUS: _value_map(self.statuses),
                Field.PRIORITY: _value_map(self.priorities),
                Field.REASON: _value_map(self.reasons),
                Field.SEVERITY: _value_map(self.severities),
            },
            custom=self.custom,
            types=(
                TypeRow(native="Epic", kind="epic"),
                TypeRow(native="Issue", kind="issue"),
                TypeRow(native="Task", kind="task"),
                *(TypeRow(native=name.replace("_", " ").title(), kind="issue", type=name) for name in TYPES),
            ),
        )


def _words(values: Sequence[str]) -> MappingOf[str, str]:
    return {value: value.replace("_", " ").title() for value in values}


def _value_map(words: MappingOf[str, str]) -> ValueMap:
    """The first value of a word is what it means; the others are written as that value."""
    first: dict[str, str] = {}
    for value, word in words.items():
        first.setdefault(word, value)
    return ValueMap(
        values={value: (word,) for word, value in first.items()},
        fallback={value: first[word] for value, word in words.items() if first[word] != value},
    )
