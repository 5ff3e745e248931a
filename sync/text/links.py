"""Bare addresses in text, found where GitHub finds them."""

import re
from typing import NamedTuple

_START = re.compile(r"(?:https?|ftp)://|(?<![^\s*_~(])www\.", re.IGNORECASE)
_RUNS = re.compile(r"[\s\x00-\x20]*(?:javascript|vbscript|data)[\s\x00-\x20]*:", re.IGNORECASE)
_BODY = re.compile("[^\\s<\u2063]*")
_HOST = re.compile(r"[^\W_](?:[\w.-]*\w)?|\[[0-9a-f:.]+\]", re.IGNORECASE)
_ENTITY_TAIL = re.compile(r"&[A-Za-z]+;$")
_ANY = re.compile(
    _START.pattern
    + r"|(?<![\w.+-])(?P<mail>[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){1,8})(?![\w@-])",
    re.IGNORECASE,
)


class Address(NamedTuple):
    """A bare address: where it stands in the text, and what it points to."""

    start: int
    end: int
    href: str


def is_safe(href: str) -> bool:
    """Whether an address may be a link: nothing that a browser would run."""
    return not _RUNS.match(href)


def address_at(text: str, start: int) -> Address | None:
    """The address whose scheme (or `www.`) begins at this place."""
    opening = _START.match(text, start)
    if opening is None:
        return None
    host = _HOST.match(text, opening.end())
    if host is None or any("_" in label for label in host.group().rsplit(".", 2)[-2:]):
        return None
    short = opening.group().lower() == "www."
    if short and "." not in host.group():
        return None
    body = _BODY.match(text, opening.end())
    end = _trimmed(text, opening.end(), body.end() if body else opening.end())
    return Address(start, end, ("http://" if short else "") + text[start:end])


def addresses(text: str) -> list[Address]:
    """Every bare address in the text, web and mail, in order."""
    found: list[Address] = []
    if "://" not in text and "@" not in text and "www." not in text.lower():
        return found
    place = 0
    while candidate := _ANY.search(text, place):
        mail = candidate["mail"]
        address = Address(*candidate.span(), "mailto:" + mail) if mail else address_at(text, candidate.start())
        place = address.end if address else candidate.end()
        if address:
            found.append(address)
    return found


def _trimmed(text: str, start: int, end: int) -> int:
    """The end without closing punctuation, which belongs to the sentence."""
    closing = text.count(")", start, end) - text.count("(", start, end)
    while end > start:
        last = text[end - 1]
        if last in "?!.,:*_~'\"":
            end -= 1
        elif last == ")" and closing > 0:
            closing -= 1
            end -= 1
        elif last == ";":
            tail = _ENTITY_TAIL.search(text, max(start, end - 40), end)
            end = tail.start() if tail else end - 1
        else:
            break
    return end
