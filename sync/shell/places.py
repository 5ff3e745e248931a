"""Where a key stands in a TOML file: for messages, so it is forgiving where a parser would be strict."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

_HEADER = re.compile(r"^\s*(\[\[?)\s*(?P<path>[^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*(?P<path>(?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """The lines of the keys of one file; `name` is how messages call it."""

    name: str
    lines: dict[Path, int]
    headers: dict[Path, Path]  # key → the table in which it is written

    def say(self, path: Iterable[object], message: str) -> str:
        """`trackdown.toml:12: [trackers.jira] auth.token: message`; the nearest table where the key itself is missing."""
        wanted = tuple(str(part) for part in path)
        known = self._nearest(wanted)
        header = self.headers.get(known, ())
        place = self.name + (f":{self.lines[known]}" if known else "")
        table = f"[{'.'.join(header)}] " if header else ""
        key = ".".join(wanted[len(header) :])
        return f"{place}: {table}{key + ': ' if key else ''}{message}"

    def line(self, path: Iterable[object]) -> int:
        """The line of the key or of the nearest table around it; 0 for the file as a whole."""
        return self.lines.get(self._nearest(tuple(str(part) for part in path)), 0)

    def _nearest(self, path: Path) -> Path:
        while path and path not in self.lines:
            path = path[:-1]
        return path


def scan(name: str, text: str) -> Places:
    """The places of all keys; entries of an array of tables are numbered: `("types", "0", "kind")`."""
    lines: dict[Path, int] = {}
    headers: dict[Path, Path] = {}
    implied: dict[Path, int] = {}
    table: Path = ()
    counts: dict[Path, int] = {}
    quotes: str | None = None  # inside a multi-line string
    for number, line in enumerate(text.splitlines(), start=1):
        if quotes is not None:
            quotes = None if quotes in line else quotes
            continue
        quotes = _left_open(line)
        if (header := _HEADER.match(line)) is not None and "=" not in header["path"].split('"')[0]:
            table = _numbered(_parts(header["path"]), counts, array=header[1] == "[[")
            for depth in range(1, len(table)):  # said by the way, as long as nothing says it itself
                implied.setdefault(table[:depth], number)
            lines.setdefault(table, number)
            headers.setdefault(table, table)
        elif (key := _KEY.match(line)) is not None:
            path = table + _parts(key["path"])
            for path_ in _with_inline(path, line[key.end() :]):
                lines.setdefault(path_, number)
                headers.setdefault(path_, table)
    return Places(name, implied | lines, {path: path for path in implied} | headers)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint for an unknown key: the nearest one, else all of them."""
    names = sorted(str(name) for name in known)
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known are {', '.join(names)}" if names else "nothing may stand here"


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _numbered(path: Path, counts: dict[Path, int], *, array: bool) -> Path:
    """The path with the number of each array-of-tables entry that it lies in."""
    numbered: Path = ()
    for depth, part in enumerate(path, start=1):
        numbered += (part,)
        if array and depth == len(path):
            counts[numbered] = counts.get(numbered, -1) + 1
        if numbered in counts:
            numbered += (str(counts[numbered]),)
    return numbered


def _with_inline(path: Path, rest: str) -> Iterable[Path]:
    """The key itself and the keys of an inline table on its line."""
    yield path
    for depth in range(1, len(path)):
        yield path[:depth]
    if rest.lstrip().startswith("{"):
        for match in re.finditer(r"""[{,]\s*((?:[\w-]+|"[^"]*")(?:\.[\w-]+)*)\s*=""", rest):
            yield path + _parts(match[1])


def _left_open(line: str) -> str | None:
    for quotes in ('"""', "'''"):
        if line.count(quotes) % 2:
            return quotes
    return None
