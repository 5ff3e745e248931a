"""The `select` of a bridge in GitHub's own words: `label:sync -label:"won't sync" assignee:ada-l`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from adapters.github import wire
from sync.core.errors import ConfigError
from sync.core.models import JsonObject

_TERM = re.compile(r'(?P<minus>-?)(?P<key>[a-z]+):(?:"(?P<quoted>[^"]*)"|(?P<word>[^\s"]+))(?=\s|$)')
_VALUES: Mapping[str, Callable[[JsonObject], list[str]]] = {
    "label": lambda row: wire.names_of(row.get("labels")),
    "assignee": lambda row: wire.names_of(row.get("assignees"), "login"),
    "author": lambda row: wire.account_ids(row.get("user"))[:1],
    "type": lambda row: [name] if (name := wire.name_of(row.get("type"))) else [],
    "milestone": lambda row: [name] if (name := wire.name_of(row.get("milestone"), "title")) else [],
    "is": lambda row: [wire.text_of(row, "state")],
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Terms that must all hold: (key, value, whether it must not)."""

    terms: tuple[tuple[str, str, bool], ...] = ()

    @classmethod
    def parse(cls, query: str | None) -> Selection:
        """Raises `ConfigError` for a term that can't be understood."""
        rest, terms = (query or "").strip(), []
        while rest:
            match = _TERM.match(rest)
            if match is None or match["key"] not in _VALUES:
                known = ", ".join(f"{key}:" for key in _VALUES)
                raise ConfigError([f"github: select: can't understand '{rest.split()[0]}'; known terms are {known}"])
            value = match["quoted"] if match["quoted"] is not None else match["word"]
            terms.append((match["key"], value.casefold(), bool(match["minus"])))
            rest = rest[match.end() :].strip()
        return cls(tuple(terms))

    def parameters(self) -> dict[str, str]:
        """What the issues list itself can filter; a label with a comma can't be asked for."""
        labels = [value for key, value, minus in self.terms if key == "label" and not minus and "," not in value]
        return {"labels": ",".join(labels)} if labels else {}

    def matches(self, row: JsonObject) -> bool:
        """Whether an issue is chosen."""
        return all(
            (value in (name.casefold() for name in _VALUES[key](row))) is not minus for key, value, minus in self.terms
        )
