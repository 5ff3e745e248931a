"""What answers tell of the project's workflow: which status leads where, and what the screens of transitions ask for.

Screens are told by one endpoint only, ticket by ticket. A transition has the same screen everywhere in a workflow, so each is
asked for once: as many requests as the workflow has statuses at most, not one a ticket.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from adapters.jira.client import JiraClient
from adapters.jira.kinds import kind_of
from adapters.jira.wire import as_list, as_object, at, text_at
from sync.core.errors import Rejected
from sync.core.models import JsonObject


@dataclass(slots=True, kw_only=True)
class Flow:
    """The workflow as far as it is known. `ways`: status → where its transitions lead; `screens`: transition id → fields."""

    client: JiraClient
    words: JsonObject = field(default_factory=dict)  # status id → its untranslated name
    ways: dict[str, list[str]] = field(default_factory=dict)
    screens: dict[str, JsonObject] = field(default_factory=dict)

    def read(self, issue: Any) -> list[JsonObject]:
        """The transitions of an issue, short and with their fields."""
        moves = [move for move in as_list(at(issue, "transitions")) if text_at(move, "id")]
        status = self._word(at(issue, "fields", "status"))
        if status:
            self.ways[status] = sorted({word for move in moves if (word := self._word(at(move, "to")))})
        for move in moves:
            if isinstance(at(move, "fields"), dict) or at(move, "hasScreen") is False:
                self._learn(move)
        if any(text_at(move, "id") not in self.screens for move in moves):
            self._ask(text_at(issue, "id"))
        return [self._short(move) for move in moves]

    def forget(self, transition: str) -> None:
        """A screen was not as we knew it."""
        self.screens.pop(transition, None)

    def recall(self, told: JsonObject) -> None:
        """Take in what an earlier process knew, where this one knows nothing."""
        for status, targets in as_object(told.get("ways")).items():
            self.ways.setdefault(status, [str(each) for each in as_list(targets)])
        for transition, fields in as_object(told.get("screens")).items():
            self.screens.setdefault(transition, as_object(fields))

    def told(self) -> JsonObject:
        """All that is known, as JSON."""
        return {"ways": dict(self.ways), "screens": dict(self.screens)}

    def _ask(self, ref: str) -> None:
        try:
            answer = self.client.get(f"issue/{ref}/transitions", {"expand": "transitions.fields"})
        except Rejected:
            return  # it went away meanwhile
        for move in as_list(at(answer, "transitions")):
            self._learn(move)

    def _learn(self, move: Any) -> None:
        self.screens[text_at(move, "id")] = {
            name: {
                "name": text_at(about, "name"),
                "kind": text_at(about, "kind") or kind_of(at(about, "schema")),
                "required": at(about, "required") is True and at(about, "hasDefaultValue") is not True,
            }
            for name, about in as_object(at(move, "fields")).items()
        }

    def _short(self, move: Any) -> JsonObject:
        short: JsonObject = {
            "id": text_at(move, "id"),
            "name": text_at(move, "name"),
            "to": {
                "id": text_at(move, "to", "id"),
                "name": text_at(move, "to", "name"),
                "statusCategory": {"key": text_at(move, "to", "statusCategory", "key")},
            },
        }
        screen = self.screens.get(text_at(move, "id"))
        return short if screen is None else {**short, "fields": screen}

    def _word(self, status: Any) -> str:
        return str(self.words.get(text_at(status, "id")) or text_at(status, "name"))
