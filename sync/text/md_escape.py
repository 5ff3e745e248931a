"""Which characters of a text Markdown would take for markup."""

import re
from collections.abc import Iterable
from typing import NamedTuple

_RUNS = re.compile(r"\*+|_+|~+")
_SPECIAL = re.compile(r"\*+|_+|~+|[\\`\[\]<&!]")
_ALL = re.compile(r"([!-/:-@\[-`{-~])")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_WORD = re.compile(r"[^\W_]")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{0,31});")
_LINE_START = re.compile(
    r"(?P<head>[ \t]*)(?:(?P<number>\d{1,9})(?=[.)](?:[ \t]|$))"
    r"|(?=#{1,6}(?:\s|$)|[-+](?:\s|$)|\*(?:\s|$)|>|=+\s*$|(?:-[ \t]*){2,}$|(?:_[ \t]*){3,}$|~{3}"
    r"|[|:][|: \t-]*-[|: \t-]*$|-[: \t-]*\|[|: \t-]*$))"
)


class Neighbours(NamedTuple):
    """What a whole paragraph says about its delimiters: those that could open and close somewhere in it."""

    pairs: frozenset[str]

    @classmethod
    def of(cls, pieces: Iterable[tuple[str, str]]) -> "Neighbours":
        """The delimiters that need an escape, from the pieces of the paragraph."""
        opened: set[str] = set()
        pairs: set[str] = set()
        before = ""
        for kind, value in pieces:
            if kind in ("text", "label"):
                for run in _RUNS.finditer(value):
                    opens, closes = flanks(value, run.start(), run.end(), before, "")
                    sign = run.group()[0]
                    if closes and sign in opened:
                        pairs.add(sign)
                    if opens:
                        opened.add(sign)
            elif kind == "raw" and value[:1] in ("*", "~"):
                pairs.add(value[0])
            elif kind == "source":
                pairs.update("*_~")
            before = value[-1:]
        return cls(frozenset(pairs))


def flanks(text: str, start: int, end: int, before: str, after: str) -> tuple[bool, bool]:
    """Whether a run of delimiters can open and whether it can close emphasis; unsure counts as yes."""
    left = text[start - 1] if start else before
    right = text[end] if end < len(text) else after
    outer = (start == 0 and not before) or (end == len(text) and not after)
    if text[start] == "_" and not outer and _WORD.match(left) and _WORD.match(right):
        return False, False
    opens = not right or not right.isspace()
    closes = not left or not left.isspace()
    return opens, closes


def escape_text(text: str, before: str, after: str, label: bool, strict: bool, around: Neighbours) -> str:
    """The text with a backslash wherever a character would act as inline markup."""
    if strict:
        return _ALL.sub(r"\\\1", text)

    def escaped(found: re.Match[str]) -> str:
        run = found.group()
        following = text[found.end()] if found.end() < len(text) else after
        if run[0] in "*_~":
            acts = run[0] in around.pairs and any(flanks(text, found.start(), found.end(), before, after))
            return "\\" + "\\".join(run) if acts else run
        if _acts(run, text, found, following, label):
            return "\\" + run
        return run

    return _SPECIAL.sub(escaped, text)


def _acts(sign: str, text: str, found: re.Match[str], following: str, label: bool) -> bool:
    if sign == "\\":
        return not following or bool(_PUNCTUATION.match(following)) or following == "\n"
    if sign == "`":
        return True
    if sign == "[":
        return label or following in ("^", "!", "[")
    if sign == "]":
        return label or (bool(following) and following in "([:")
    if sign == "<":
        return bool(re.match(r"[A-Za-z/!?]", following or "a"))
    if sign == "&":
        return bool(_ENTITY.match(text, found.start()))
    return following == "["


def escape_line_start(text: str) -> str:
    """The text with a backslash where its beginning would make a heading, list, quote, rule or table of the line."""
    found = _LINE_START.match(text)
    if found is None or text.startswith("\\"):
        return text
    cut = found.end()
    return text[:cut] + "\\" + text[cut:]
