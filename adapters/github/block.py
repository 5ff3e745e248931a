"""The managed block: a list at the end of an issue's body for what GitHub has no place for, kept by us and edited by people.

    <!-- trackdown fields -->
    - **Estimate:** 6.5 h
    - **Relates to:** #12, #14
    <!-- /trackdown fields -->

Rows that we do not know stay where they are; a block without rows is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from sync.text import neutralise, restore

BEGIN = "<!-- trackdown fields -->"
END = "<!-- /trackdown fields -->"
_RULE = "---"
_ROW = re.compile(
    r"[ \t]*[-*+][ \t]+(?:\*\*)?(?P<label>[^\s*:][^*:]*?)[ \t]*(?::\*\*|\*\*[ \t]*:|:)[ \t]*(?P<value>.*?)[ \t]*"
)
_IN_BLOCK = re.compile(rf"{_ROW.pattern}|[ \t]*(?:{_RULE})?[ \t]*")
#: Our own delimiters in somebody's text, with a joiner where the blank is ours.
_GUARDED = re.compile(r"(<!-- /?trackdown)\u2060? (?=\u2060?fields -->)")
_MARKUP = re.compile(r"[\\`*<\[\]|]|(?<!\w)_|_(?!\w)|~(?=~)|(?<=~)~|&(?=#?\w+;)")
_PIECE = re.compile(r"\\(?P<sign>[!-/:-@\[-`{-~])|(?P<line><br ?/?>)")
_MEMBER = re.compile(r"(?:\\.|[^,\\])+|\\")


@dataclass(slots=True)
class Block:
    """The lines between the delimiters."""

    lines: list[str] = field(default_factory=list)

    def rows(self, label: str) -> list[str]:
        """What the rows of that label say, as Markdown; more than one row is a person's slip."""
        found = (_ROW.fullmatch(restore(line)) for line in self.lines)
        return [row["value"] for row in found if row is not None and row["label"].casefold() == label.casefold()]

    def put(self, label: str, value: str | None) -> None:
        """Say something in the row of that label, in its place, or else in a new last row; None takes the row away."""
        line = None if value is None else neutralise(f"- **{label}:** {value}")
        lines: list[str] = []
        for old in self.lines:
            row = _ROW.fullmatch(restore(old))
            if row is None or row["label"].casefold() != label.casefold():
                lines.append(old)
            elif line is not None:
                lines.append(line)
                line = None
        self.lines = lines if line is None else [*lines, line]

    def render(self) -> str:
        """The block as Markdown; empty where it says nothing."""
        return "\n".join([BEGIN, *self.lines, END]) if any(line.strip(" \t-") for line in self.lines) else ""


def cut(text: str) -> tuple[str, Block]:
    """The text without its block, and the block; one whose end or beginning was lost ends where the rows do."""
    lines = text.split("\n")
    begin = next((place for place in range(len(lines) - 1, -1, -1) if lines[place].strip() == BEGIN), None)
    if begin is None:
        end = next((place for place in range(len(lines) - 1, -1, -1) if lines[place].strip() == END), None)
        if end is None:
            return text, Block()
        begin = end
        while begin > 0 and _ROW.fullmatch(restore(lines[begin - 1])):
            begin -= 1
        return _joined(lines[:begin], lines[end + 1 :]), Block(lines[begin:end])
    end = begin + 1
    while end < len(lines) and lines[end].strip() != END:
        end += 1
    if end == len(lines):
        end = begin + 1
        while end < len(lines) and _IN_BLOCK.fullmatch(restore(lines[end])):
            end += 1
        return _joined(lines[:begin], lines[end:]), Block([line for line in lines[begin + 1 : end] if line.strip()])
    return _joined(lines[:begin], lines[end + 1 :]), Block(lines[begin + 1 : end])


def _joined(above: list[str], below: list[str]) -> str:
    parts = ("\n".join(above).rstrip("\n"), "\n".join(below).lstrip("\n"))
    return "\n\n".join(part for part in parts if part.strip())


def guarded(text: str) -> str:
    """A text in which our delimiters, should somebody have written them, delimit nothing."""
    return _GUARDED.sub("\\1\u2060 ", text) if "trackdown fields" in text else text


def unguarded(text: str) -> str:
    """The text as it was before `guarded`."""
    return text.replace("trackdown\u2060 fields", "trackdown fields")


def escaped(word: str) -> str:
    """A word as Markdown that shows it as it is, on one line."""
    return "<br>".join(_MARKUP.sub(r"\\\g<0>", line) for line in word.split("\n"))


def plain(value: str) -> str:
    """The word behind Markdown of `escaped`, or behind what a person wrote."""
    return _PIECE.sub(lambda piece: piece["sign"] or "\n", value).strip()


def joined(words: Iterable[str]) -> str:
    """Several words as one value."""
    return ", ".join(escaped(word).replace(",", "\\,") for word in words)


def parted(value: str) -> list[str]:
    """The words of such a value."""
    return [word for piece in _MEMBER.findall(value) if (word := plain(piece))]
