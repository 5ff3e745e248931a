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
#: Our own delimiters in somebody's text, with a joiner where the blank is ours.
_GUARDED = re.compile(r"(<!-- /?trackdown)\u2060? (?=\u2060?fields -->)")
_MARKUP = re.compile(r"[\\`*<\[\]|]|(?<!\w)_|_(?!\w)|~(?=~)|(?<=~)~|&(?=#?\w+;)")
_PIECE = re.compile(r"\\(?P<sign>[!-/:-@\[-`{-~])|(?P<line><br ?/?>)")
_MEMBER = re.compile(r"(?:\\.|[^,\\])+|\\")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a block as it stands there; what is no row has no label."""

    raw: str
    label: str = ""
    value: str = ""

    @classmethod
    def of(cls, raw: str) -> Line:
        """`- **Label:** value`, also as people vary it."""
        text = restore(raw).strip()
        label, colon, value = text[1:].strip().partition(":")
        label = label.strip()
        if not colon or text[:2].rstrip() not in ("-", "*", "+"):
            return cls(raw)
        if label.startswith("**"):
            inside = not label.endswith("**", 2)
            if inside and not value.startswith("**"):
                return cls(raw)
            label, value = label[2:].removesuffix("**"), value.removeprefix("**") if inside else value
        return cls(raw) if not label.strip() or "*" in label else cls(raw, label.strip().casefold(), value.strip())


@dataclass(slots=True)
class Block:
    """The lines between the delimiters."""

    lines: list[Line] = field(default_factory=list)

    def rows(self, label: str) -> list[str]:
        """What the rows of that label say, as Markdown; more than one row is a person's slip."""
        return [line.value for line in self.lines if line.label == label.casefold()]

    def put(self, label: str, value: str | None) -> None:
        """Say something in the row of that label, in its place, or else in a new last row; None takes the row away."""
        news = [] if value is None else [Line.of(neutralise(f"- **{label}:** {value}"))]
        lines: list[Line] = []
        for line in self.lines:
            if line.label != label.casefold():
                lines.append(line)
            else:
                lines += news
                news = []
        self.lines = lines + news

    def render(self) -> str:
        """The block as Markdown; empty where it says nothing."""
        shown = [line.raw for line in self.lines]
        return "\n".join([BEGIN, *shown, END]) if any(raw.strip(" \t-") for raw in shown) else ""


def cut(text: str) -> tuple[str, Block]:
    """The text without its block, and the block; one whose end or beginning was lost ends where the rows do."""
    if BEGIN not in text and END not in text:
        return text, Block()
    lines = text.split("\n")
    begin = next((place for place in range(len(lines) - 1, -1, -1) if lines[place].strip() == BEGIN), None)
    first = 0 if begin is None else begin + 1
    end = next((place for place in range(first, len(lines)) if lines[place].strip() == END), None)
    if begin is None and end is None:
        return text, Block()
    if end is None:
        end = first
        while end < len(lines) and _may_stand_in_a_block(lines[end]):
            end += 1
        while end > first and not lines[end - 1].strip():
            end -= 1
        below = lines[end:]
    else:
        below = lines[end + 1 :]
    if begin is None:
        begin = first = end
        while first > 0 and Line.of(lines[first - 1]).label:
            begin = first = first - 1
    return _joined(lines[:begin], below), Block([Line.of(line) for line in lines[first:end]])


def _may_stand_in_a_block(line: str) -> bool:
    return line.strip() in ("", "---") or bool(Line.of(line).label)


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
