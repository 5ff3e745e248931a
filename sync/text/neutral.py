"""Mirrored text that pings nobody, links nothing and commands no bot: an invisible joiner breaks each of these signs."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

from .md_read import block_tokens
from .mentions import NOBODY, Mentions, spelled

JOINER = "\u2060"  # WORD JOINER: unlike U+200D it never changes how the characters around it look

_LINES = re.compile("[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_TICKS = re.compile("`+")
_ADDRESS = r"(?:https?|ftp)://[^\s<>]*|www\.[^\s<>]*|\]\([^\s()]*\)"
_GUID = r"<[0-9A-Fa-f]{8}-[0-9A-Fa-f-]{27}>"
_HEX = f"[0-9a-f{JOINER}]{{0,160}}"  # an id has forty digits; without an end every digit would read all the others
_SIGNS = (  # each ends before the joiners that break it
    rf"(?<![^\W_])@(?=NEXT(?:\w|{_GUID}))",
    r"(?:(?<!&)#|\bGH-)(?=NEXT\w)",
    r"(?<![^\n])/(?=NEXT[A-Za-z][\w-]*(?:\s|$))",
    rf"(?-i:(?<![\w-])(?={_HEX}[0-9])(?={_HEX}[a-f])[0-9a-f](?=NEXT[0-9a-f]{{6,39}}(?![\w-])))",
)
_SIGN = "|".join(_SIGNS)
_LIVE = re.compile(f"{_ADDRESS}|({_SIGN.replace('NEXT', f'{JOINER}*')})", re.IGNORECASE)
_BROKEN = re.compile(f"{_ADDRESS}|({_SIGN.replace('NEXT', f'{JOINER}+')}){JOINER}", re.IGNORECASE)
_TICKET = re.compile(r"(?<=://)([Rr]edirect\.)?(?=github\.com/[\w.-]+/[\w.-]+/(?:issues|pull)/\d)")
_REDIRECTED = {None: "redirect.", "redirect.": "Redirect."}
_DIRECT = {"redirect.": "", "Redirect.": "redirect."}
_NAMED = re.compile(r"\[@(?:\\.|[^\]\\\n])+\]\(mention:([^\s()<>]+)\)(?=([\w-])?)")
_LINK = r"\[[^\[\]\n]*\](?:\([^()\n]*\)|\[[^\[\]\n]*\])"
_LOGIN = r"[A-Za-z0-9](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){0,38}(?![A-Za-z0-9/-])"
_MENTION = re.compile(rf"{_LINK}|{_ADDRESS}|(?<![^\W_])@({_LOGIN}|{_GUID})(?:{JOINER}(?=[\w-]))?", re.IGNORECASE)


def neutralise(text: str, who: Mentions = NOBODY) -> str:
    """The text with a joiner in each `@name`, `#12` (also in `AB#12`, `owner/repo#4`, `GH-5`), commit id and `/command`.

    Addresses of issues on GitHub go through its redirecting host, which leaves no trace on them. Code is left alone.
    Joiners that are there already are kept, so that `restore` is exact. The people in `who` are mentioned live.
    """
    if not (_LIVE.search(text) or _TICKET.search(text)):
        return text

    def piece(words: str) -> str:
        out: list[str] = []
        place = 0
        for found in _NAMED.finditer(words):
            person = unquote(found[1])
            if found.group() != spelled(person):
                continue
            native = who.native(person)
            out.append(_broken(words[place : found.start()]))
            out.append(f"@{JOINER}{person}" if native is None else f"@{native}{JOINER if found[2] else ''}")
            place = found.end()
        return "".join([*out, _broken(words[place:])])

    return _outside_code(text, piece)


def restore(text: str, who: Mentions = NOBODY) -> str:
    """The text as it was before `neutralise`."""
    if who.pairs and "@" in text:
        text = _outside_code(text, lambda words: _MENTION.sub(lambda found: _name(found, who), words))
    if JOINER not in text and "edirect." not in text:
        return text
    return _outside_code(text, _mended)


def _broken(words: str) -> str:
    words = _TICKET.sub(lambda found: _REDIRECTED.get(found[1], found[1] or ""), words)
    return _LIVE.sub(lambda found: found.group() if found[1] is None else found[1] + JOINER, words)


def _mended(words: str) -> str:
    words = _BROKEN.sub(lambda found: found.group() if found[1] is None else found[1], words)
    return _TICKET.sub(lambda found: _DIRECT.get(found[1], ""), words)


def _name(found: re.Match[str], who: Mentions) -> str:
    person = who.person(found[1]) if found[1] else None
    return found.group() if person is None else spelled(person)


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    return "".join(piece if code else change(piece) for code, piece in _pieces(text))


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
