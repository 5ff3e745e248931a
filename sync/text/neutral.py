"""Mirrored text that pings nobody and links nothing: an invisible joiner breaks each mention and reference."""

import re
from collections.abc import Iterator

from .md_read import block_tokens

JOINER = "\u2060"  # WORD JOINER: unlike U+200D it never changes how the characters around it look

_LINES = re.compile("[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_TICKS = re.compile("`+")
_ADDRESS = r"(?:https?|ftp)://[^\s<>]*|www\.[^\s<>]*|\]\([^\s()]*\)"
_SIGN = r"(?:(?<![^\W_])@|(?<!&)#|\bGH-)"
_LIVE = re.compile(rf"{_ADDRESS}|({_SIGN})(?={JOINER}*\w)", re.IGNORECASE)
_BROKEN = re.compile(rf"{_ADDRESS}|({_SIGN}){JOINER}(?={JOINER}*\w)", re.IGNORECASE)


def neutralise(text: str) -> str:
    """The text with a joiner after each `@name` and `#12` (also in `AB#12`, `owner/repo#4`, `GH-5`).

    Code and addresses are left alone. Joiners that are there already are kept, so that `restore` is exact.
    """
    return _outside_code(text, _LIVE, rf"\1{JOINER}")


def restore(text: str) -> str:
    """The text as it was before `neutralise`."""
    return _outside_code(text, _BROKEN, r"\1") if JOINER in text else text


def _outside_code(text: str, pattern: re.Pattern[str], becomes: str) -> str:
    if "@" not in text and "#" not in text and "gh-" not in text.lower():
        return text
    sign = becomes.removeprefix(r"\1")

    def sub(found: re.Match[str]) -> str:
        return found.group() if found[1] is None else found[1] + sign

    return "".join(piece if code else pattern.sub(sub, piece) for code, piece in _pieces(text))


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """The text cut into code and the rest; a joiner after a sign never moves these cuts."""
    lines = _LINES.findall(text)
    plain = "\n".join(line.rstrip("\r\n").replace("\0", "\ufffd") for line in lines)
    ends: dict[int, tuple[int, bool]] = {}
    for token in block_tokens(plain):
        if token.map and token.type in ("fence", "code_block", "inline"):
            ends.setdefault(token.map[0], (token.map[1], token.type != "inline"))
    place = 0
    while place < len(lines):
        end, code = ends.get(place, (place + 1, False))
        end = max(end, place + 1)
        region = "".join(lines[place:end])
        if code:
            yield True, region
        else:
            yield from _spans(region)
        place = end


def _spans(region: str) -> Iterator[tuple[bool, str]]:
    """A paragraph cut at its code spans: a run of ticks and the next run of the same length."""
    runs = list(_TICKS.finditer(region))
    following: dict[int, int] = {}
    partner: dict[int, int] = {}
    for number in range(len(runs) - 1, -1, -1):
        length = len(runs[number].group())
        if length in following:
            partner[number] = following[length]
        following[length] = number
    place = number = 0
    while number < len(runs):
        start = runs[number].start()
        escaped = start > 0 and region[start - 1] == "\\"
        if number in partner and not escaped:
            end = runs[partner[number]].end()
            yield False, region[place:start]
            yield True, region[start:end]
            place, number = end, partner[number] + 1
        else:
            number += 1
    yield False, region[place:]
