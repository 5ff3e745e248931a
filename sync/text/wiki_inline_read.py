"""The inline part of Jira's wiki markup to nodes."""

import html
import re
from collections.abc import Callable
from typing import NamedTuple

from .carry import FENCE
from .links import address_at, addresses
from .nodes import BREAK, Mark, Node, mark, merged, node, text, verbatim

ESCAPED = r"-#*_+?^~|%{}\[\]()!@"  # what a backslash makes a word; before anything else it is one itself
_TOKEN = re.compile(
    rf"""
      (?P<fenced>{FENCE}[^{FENCE}\n]*{FENCE})
    | (?P<break>(?<!\\)\\\\(?!\S{{0,100}}\\)[ \t]*\n?|\n)
    | (?P<slashes>\\\\+)
    | \\(?P<escaped>[{ESCAPED}])
    | (?<!\S)(?P<dash>-{{2,3}})(?!\S)
    | \{{\{{(?P<code>(?:\\.|[^\\{{}}\n]|\{{(?!\{{)|\}}(?!\}}))+)\}}\}}
    | \{{(?P<braced>[*_+^~-]|\?\?)\}}
    | (?P<colour>\{{color(?::[^}}\n]*)?\}}|\{{anchor:[^}}\n]*\}})
    | \[(?P<link>(?:\\.|![^!\n\[\]]*!|[^\\\[\]\n])+)\]
    | !(?P<image>[^\s!|{FENCE}][^!\n|{FENCE}]*(?:\|[^!\n{FENCE}]*)?)!
    | (?P<entity>&(?:\#\d{{1,7}}|\#[xX][0-9a-fA-F]{{1,6}}|[A-Za-z]\w{{1,31}});)
    | (?P<url>(?:https?|ftp|file)://(?:[^\s|\]{{}}<>"\\{FENCE}&]|&(?!\#\d+;))+)
    | (?P<phrase>\?\?|[*_+^~-]+)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_MARKS: dict[str, Mark] = {
    "*": mark("strong"),
    "_": mark("em"),
    "-": mark("strike"),
    "+": mark("underline"),
    "^": mark("subsup", type="sup"),
    "~": mark("subsup", type="sub"),
    "??": mark("em"),
}
_TARGET = re.compile(r"(?:[a-z][a-z0-9+.-]*://|(?:mailto|attachment|tel|data):|//|www\.|[\^~])\S", re.IGNORECASE)
_RELATIVE = re.compile(r"[\w%:-]*[:./#?][\w%./#?=&:+~-]*")
_WORD = re.compile(r"\w")
_PARAMETER = re.compile(r"[A-Za-z]+\s*=\s*[^,|]*|thumbnail", re.IGNORECASE)
_ESCAPE = re.compile(rf"(?<!\\)\\([{ESCAPED}])")
_DEPTH = 3  # a link inside a phrase inside a link's text is as far as it goes


class _Sign(NamedTuple):
    """A sign that may open or close a phrase."""

    sign: str
    opens: bool
    closes: bool


def inline(source: str, depth: int = 0) -> list[Node]:
    """Texts, breaks and images for lines of wiki text."""
    parts: list[Node | _Sign] = []
    place = 0
    for token in _TOKEN.finditer(source):
        if token.start() > place:
            parts.append(text(source[place : token.start()]))
        kind = token.lastgroup or ""
        parts.extend(_link(token, depth) if kind == "link" else _READERS[kind](token))
        place = token.end()
    if place < len(source):
        parts.append(text(source[place:]))
    return _with_addresses(merged(_phrases(parts)))


def _fenced(token: re.Match[str]) -> list[Node | _Sign]:
    inside = token["fenced"][1:-1]
    return [verbatim(unescape(inside))] if inside else []


def _break(_: re.Match[str]) -> list[Node | _Sign]:
    return [dict(BREAK)]


def _escaped(token: re.Match[str]) -> list[Node | _Sign]:
    return [text(token["escaped"])]


def _slashes(token: re.Match[str]) -> list[Node | _Sign]:
    return [text(token["slashes"])]


def _dash(token: re.Match[str]) -> list[Node | _Sign]:
    return [text("\u2013" if len(token["dash"]) == 2 else "\u2014")]


def _code(token: re.Match[str]) -> list[Node | _Sign]:
    return [text(unescape(token["code"]), [mark("code")])]


def _braced(token: re.Match[str]) -> list[Node | _Sign]:
    return [_Sign(token["braced"], True, True)]


def _colour(_: re.Match[str]) -> list[Node | _Sign]:
    return []


def _link(token: re.Match[str], depth: int) -> list[Node | _Sign]:
    """`[words|target|title]`, `[target]`, `[^attachment]`, `[~user]`; anything else in brackets is words."""
    label, target, title = _parts(token["link"])
    if target.startswith("~") and len(target) > 1 and not label:
        native = unescape(target[1:]).removeprefix("accountid:")
        return [node("mention", id=native, text="@" + native)]
    known = _TARGET.match(target) or "@" in target[1:] or (label and _RELATIVE.fullmatch(target))
    if not known or depth >= _DEPTH:
        return [text(unescape(token.group()))]
    target = unescape(target.strip())
    if target.startswith("^"):
        href, words = "attachment:" + target[1:].strip(), target[1:].strip()
    elif target.startswith("~"):
        return [text(unescape(label) + " @" + target[1:])]
    else:
        mail = "@" in target and ":" not in target and "/" not in target
        href, words = ("mailto:" if mail else "http://" if target.lower().startswith("www.") else "") + target, target
    shown = inline(label, depth + 1) if label else [text(words.removeprefix("mailto:"))]
    link = mark("link", href=href, title=unescape(title) or None)
    return [_linked(n, link) for n in shown if n["type"] != "hardBreak"]


def _parts(source: str) -> tuple[str, str, str]:
    """Words, target and title of a link."""
    pieces = re.split(r"(?<!\\)\|", re.sub(r"![^!\n]*!", lambda m: m.group().replace("|", "\ufdd2"), source))
    pieces = [piece.replace("\ufdd2", "|") for piece in pieces]
    if len(pieces) == 1:
        return "", pieces[0].strip(), ""
    if len(pieces) > 2 and _TARGET.match(pieces[1].strip()):
        return pieces[0], pieces[1].strip(), "|".join(pieces[2:])
    return "|".join(pieces[:-1]), pieces[-1].strip(), ""


def _linked(each: Node, link: Mark) -> Node:
    kept = [m for m in each.get("marks", []) if m["type"] != "link"]
    return {**each, "marks": [link, *kept]}


def _image(token: re.Match[str]) -> list[Node | _Sign]:
    """`!address|parameters!`; an exclamation before a word is only that."""
    src, _, tail = token["image"].partition("|")
    before = token.string[token.start() - 1 : token.start()]
    named = re.search(r"\.\w{2,5}$|://", src) and not src.endswith(" ")
    if not named or re.match(r"[^\W_]", before):
        return [text(unescape(token.group()))]
    fields = [f.strip() for f in _PARAMETER.findall(tail)]
    known = {f.partition("=")[0].strip().lower(): f.partition("=")[2].strip() for f in fields}
    rest = ",".join(
        re.sub(r"\s*=\s*", "=", f.lower())
        for f in fields
        if f.partition("=")[0].strip().lower() not in ("alt", "title")
    )
    remote = re.match(r"[a-z]+://|data:", src, re.IGNORECASE)
    alt = known.get("alt") or ("" if remote else src)
    return [
        node("image", src=src if remote else "attachment:" + src, alt=alt, title=known.get("title") or rest or None)
    ]


def _entity(token: re.Match[str]) -> list[Node | _Sign]:
    return [text(html.unescape(token["entity"]))]


def _url(token: re.Match[str]) -> list[Node | _Sign]:
    """A bare address, which ends before a bar, a bracket or a quote; the punctuation behind it is words."""
    found = address_at(token["url"], 0)
    if found is None:
        return [text(token["url"])]
    link = mark("link", href=found.href)
    return [text(token["url"][: found.end], [link]), text(token["url"][found.end :])]


def _phrase(token: re.Match[str]) -> list[Node | _Sign]:
    """A sign opens before a word and closes after one; in the middle of a word, or doubled, it is just a sign."""
    sign = token["phrase"]
    if len(sign) > 1 and sign != "??":
        return [text(sign)]
    left = token.string[token.start() - 1 : token.start()] if token.start() else ""
    right = token.string[token.end() : token.end() + 1]
    opens = bool(right.strip()) and not _WORD.match(left)
    closes = bool(left.strip()) and not _WORD.match(right)
    return [_Sign(sign, opens, closes)] if opens or closes else [text(sign)]


_READERS: dict[str, Callable[[re.Match[str]], list[Node | _Sign]]] = {
    "fenced": _fenced,
    "break": _break,
    "escaped": _escaped,
    "slashes": _slashes,
    "dash": _dash,
    "code": _code,
    "braced": _braced,
    "colour": _colour,
    "image": _image,
    "entity": _entity,
    "url": _url,
    "phrase": _phrase,
}


def unescape(source: str) -> str:
    """Wiki text without its escapes."""
    return html.unescape(_ESCAPE.sub(r"\1", source)) if "\\" in source or "&" in source else source


def _phrases(parts: list[Node | _Sign]) -> list[Node]:
    """The parts with the signs that pair up made marks and the others made words; a phrase ends with its line."""
    starts: list[int] = []
    counts: dict[str, int] = {}
    pairs: dict[int, int] = {}
    for place, part in enumerate(parts):
        if isinstance(part, _Sign):
            if part.closes and counts.get(part.sign) and starts[-1] != place - 1:
                while True:
                    start = starts.pop()
                    opener = parts[start]
                    assert isinstance(opener, _Sign)
                    counts[opener.sign] -= 1
                    if opener.sign == part.sign:
                        pairs[start] = place
                        break
            elif part.opens:
                starts.append(place)
                counts[part.sign] = counts.get(part.sign, 0) + 1
        elif part["type"] == "hardBreak":
            starts, counts = [], {}
    return _applied(parts, pairs)


def _applied(parts: list[Node | _Sign], pairs: dict[int, int]) -> list[Node]:
    out: list[Node] = []
    ends = set(pairs.values())
    marks: list[Mark] = []
    for place, part in enumerate(parts):
        if isinstance(part, _Sign):
            if place in pairs:
                marks.append(_MARKS[part.sign])
            elif place in ends:
                marks.pop()
            else:
                out.append(text(part.sign, _once(marks)))
        elif part["type"] == "hardBreak" or not marks:
            out.append(part)
        else:
            out.append({**part, "marks": _once([*marks, *part.get("marks", [])])})
    return out


def _once(marks: list[Mark]) -> list[Mark]:
    return [m for place, m in enumerate(marks) if m not in marks[:place]]


def _with_addresses(nodes: list[Node]) -> list[Node]:
    """The nodes with the bare addresses in their words made links."""
    out: list[Node] = []
    for each in nodes:
        kinds = [m["type"] for m in each.get("marks", [])]
        if each["type"] != "text" or {"link", "code", "verbatim"} & set(kinds):
            out.append(each)
            continue
        value, place = each["text"], 0
        for address in addresses(value):
            if address.start > place:
                out.append({**each, "text": value[place : address.start]})
            link = mark("link", href=address.href)
            out.append({**each, "text": value[address.start : address.end], "marks": [*each.get("marks", []), link]})
            place = address.end
        if place < len(value):
            out.append({**each, "text": value[place:]})
    return out
