"""Inline nodes to Jira's wiki markup."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from .carry import fenced
from .links import addresses
from .nodes import Node, Span, attr, lines, marked, merged, nested
from .wiki_inline_read import ESCAPED

SIGNS = {"strong": "*", "em": "_", "strike": "-", "underline": "+"}
_SCRIPTS = {"sub": "~", "sup": "^"}
_TOUCHING = ("{", "}", *SIGNS.values(), *_SCRIPTS.values())
_SAFE = "".join(chr(code) for code in range(33, 127) if chr(code) not in "|[]{}^\\")
_ENTITY = re.compile(r"&(?=#?\w{1,31};)")
_PHRASE = re.compile(r"\?\?|[*_+^~-]+")
_SPECIAL = re.compile(r"\\+|[{}\[\]|]|!|\?\?|[*_+^~-]+")
_LINE_START = re.compile(r"\s*(?:(?P<dot>(?:h[1-6]|bq))\.(?=\s)|(?=[*#-]+\s|-{4,5}\s*$|\|))")
_ADDRESS = re.compile(r"(?:https?|ftp)://[^\s|\[\]]+")
_WORD = re.compile(r"\w")
_LETTER = re.compile(r"[^\W_]")
_LIVELY = re.compile(r"[*_+^~](?!$)|\?\?")  # in a bare address such a sign may still end a phrase before it
_ESCAPABLE = re.compile(f"[{ESCAPED}]")
_ENDS = re.compile(r'[|"{}<>\\\[\]]')  # where Jira takes a bare address to end
_BREAKING = re.compile(r"[\[\]|~\n]")  # what no name of a user holds
_PARAMETERS = re.compile(r"(?:thumbnail|(?:width|height|align|hspace|vspace)=[\w%]+)(?:,(?:thumbnail|\w+=[\w%]+))*")


def write_lines(nodes: Sequence[Node]) -> str:
    """A paragraph: a newline is a break in Jira as on GitHub, and an empty line needs a sign of its own."""
    out = [_line(line, cell=False) for line in lines(merged(nodes))]
    if len(out) > 1 and not out[-1]:  # a break at the end: no line follows that could stand for it
        del out[-1]
        out[-1] = out[-1] + "\\\\" if out[-1] else ""
    return "\n".join(line or "\\\\" for line in out) if any(out) else ""


def write_line(nodes: Sequence[Node], *, cell: bool = False) -> str:
    """The same on one line, for headings and table cells."""
    return "\\\\ ".join(_line(line, cell=cell) for line in lines(merged(nodes))).rstrip(" ")


def _line(nodes: Sequence[Node], *, cell: bool) -> str:
    out: list[tuple[str, str]] = []
    for kind, value in _pieces(nested(nodes), cell):
        if kind == "text" and out and out[-1][0] == "text":
            out[-1] = ("text", out[-1][1] + value)
        else:
            out.append((kind, value))
    done: list[str] = []
    live: list[str] = []  # the signs of the phrases that are open: in their words they would close them
    for place, (kind, value) in enumerate(out):
        before = out[place - 1][1][-1:] if place else ""
        after = out[place + 1][1][:1] if place + 1 < len(out) else ""
        if kind == "text":
            done.append(_text(value, before, after, cell, live=live))
        elif kind in ("open", "close"):
            live = [*live, value] if kind == "open" else live[:-1]
            outside = before if kind == "open" else after
            braced = _WORD.match(outside) or outside in _TOUCHING or (kind == "close" and "://" in out[place - 1][1])
            done.append(f"{{{value}}}" if braced else value)
        else:  # right behind a word an image would only be words
            done.append(f" {value}" if value.startswith("!") and _LETTER.match(before) else value)
    for place, following in enumerate(done[1:]):
        if following.startswith("\\") and _ADDRESS.fullmatch(done[place]):
            done[place] = f"[{done[place]}]"  # the escape behind it would become part of it
    joined = "".join(done).strip(" \t")
    return _line_start(joined) if out and out[0][0] == "text" else joined


def _pieces(tree: Sequence[Node | Span], cell: bool) -> Iterator[tuple[str, str]]:
    for part in tree:
        if isinstance(part, Span):
            yield from _span(part, cell)
        elif part["type"] == "image":
            yield "raw", _image(part)
        elif part["type"] == "mention":
            yield "raw", f"[~{re.sub(_BREAKING, r'_', str(attr(part, 'id')))}]"
        elif part["type"] != "text":
            yield "raw", ""
        elif marked(part, "verbatim"):
            yield "raw", fenced(_text(part["text"], " ", " ", cell, strict=True))
        elif marked(part, "code"):
            yield "raw", "{{" + _text(part["text"], " ", "}", cell, strict=True) + "}}"
        else:
            yield "text", part["text"]


def _span(span: Span, cell: bool) -> Iterator[tuple[str, str]]:
    kind = span.mark["type"]
    inner = list(_pieces(span.children, cell))
    if kind == "link":
        yield "raw", _link(span, inner)
        return
    sign = SIGNS.get(kind) or _SCRIPTS.get(attr(span.mark, "type", ""), "")
    words = "".join(value for _, value in inner)
    if not sign or not words.strip():
        yield from inner
        return
    lead = len(inner[0][1]) - len(inner[0][1].lstrip()) if inner[0][0] == "text" else 0
    tail = len(inner[-1][1]) - len(inner[-1][1].rstrip()) if inner[-1][0] == "text" else 0
    if lead:
        yield "text", inner[0][1][:lead]
        inner[0] = ("text", inner[0][1][lead:])
    last = inner[-1][1]
    if tail:
        inner[-1] = ("text", last[: len(last) - tail])
    yield "open", sign
    yield from inner
    yield "close", sign
    if tail:
        yield "text", last[len(last) - tail :]


def _link(span: Span, inner: list[tuple[str, str]]) -> str:
    href = _target(str(attr(span.mark, "href", "")))
    words = "".join(value for _, value in inner)
    title = attr(span.mark, "title")
    if not title and all(kind == "text" for kind, _ in inner):
        found = addresses(words)
        if len(found) == 1 and found[0].end - found[0].start == len(words) and found[0].href == attr(span.mark, "href"):
            if href == f"mailto:{words}":
                return words
            if "://" in words[:8] and not _ENDS.search(words):
                return f"[{words}]" if _LIVELY.search(words) else words
    if href.startswith("attachment:"):
        return f"[^{href.removeprefix('attachment:')}]"
    label = _line_of(inner)
    return f"[{label}|{href}|{_text(str(title), ' ', ' ', True)}]" if title else f"[{label}|{href}]"


def _line_of(inner: list[tuple[str, str]]) -> str:
    out: list[str] = []
    for kind, value in inner:
        out.append(
            _escaped(value, " ", "|", True, False, ())
            if kind == "text"
            else f"{{{value}}}"
            if kind in ("open", "close")
            else value
        )
    return "".join(out).replace("\n", " ")


def _target(href: str) -> str:
    if href.startswith("attachment:"):
        return re.sub(r"[|!\[\]\n]", "_", href)
    return quote(href, safe=_SAFE) if re.search(r"[\s|\[\]{}\\]", href) else href


def _image(image: Node) -> str:
    src = _target(str(attr(image, "src", ""))).removeprefix("attachment:").replace("!", "%21")
    alt, title = str(attr(image, "alt") or ""), str(attr(image, "title") or "")
    parameters: list[str] = []
    if alt and alt != src:
        parameters.append("alt=" + re.sub(r"[|!,\n]", " ", alt))
    if title:
        parameters.append(title if _PARAMETERS.fullmatch(title) else "title=" + re.sub(r"[|!,\n]", " ", title))
    picture = f"!{src}|{','.join(parameters)}!" if parameters else f"!{src}!"
    link = marked(image, "link")
    return f"[{picture}|{_target(str(attr(link, 'href', '')))}]" if link else picture


def _text(value: str, before: str, after: str, cell: bool, *, strict: bool = False, live: Sequence[str] = ()) -> str:
    """The text escaped, except where it is a bare address."""
    out: list[str] = []
    place = 0
    for address in () if strict else addresses(value):
        out.append(_escaped(value[place : address.start], before, "h", cell, strict, live))
        out.append(value[address.start : address.end].replace("|", "%7C"))
        before, place = "x", address.end
    out.append(_escaped(value[place:], before, after, cell, strict, live))
    return "".join(out)


def _escaped(value: str, before: str, after: str, cell: bool, strict: bool, live: Sequence[str]) -> str:
    value = _ENTITY.sub("&amp;", value)
    opened = _openers(value, before, after)

    def sub(found: re.Match[str]) -> str:
        run = found.group()
        following = value[found.end()] if found.end() < len(value) else after
        if run[0] == "\\":
            lone = len(run) == 1 and following and not _ESCAPABLE.match(following)
            return run if lone else "&#92;" * len(run)
        if run == "|":
            return "\\|" if cell or strict else run
        if run in ("]", "}"):
            return "\\" + run if cell or strict else run
        if run == "!" and not following.strip():
            return run
        if run[0] in "[{!":
            return "\\" + run
        preceding = value[found.start() - 1] if found.start() else before
        if run in ("--", "---") and not preceding.strip() and not following.strip():
            return "\\" + run  # it would be a dash
        within = bool(_WORD.match(preceding or " ") and _WORD.match(following or " "))
        acts = strict or ((len(run) == 1 or run == "??") and run in opened) or (run in live and not within)
        return "".join("\\" + sign for sign in run) if acts and run != "??" else "\\?\\?" if acts else run

    return _SPECIAL.sub(sub, value)


def _openers(value: str, before: str, after: str) -> set[str]:
    """The signs that open a phrase somewhere in the text and close it further on."""
    opened: set[str] = set()
    closed: set[str] = set()
    for run in _PHRASE.finditer(value):
        left = value[run.start() - 1] if run.start() else before
        right = value[run.end()] if run.end() < len(value) else after
        sign = run.group()
        if sign in opened and left.strip() and not _WORD.match(right or " "):
            closed.add(sign)
        if right.strip() and not _WORD.match(left or " "):
            opened.add(sign)
    return closed


def _line_start(line: str) -> str:
    """The line with an escape where its beginning would make a heading, list, quote, rule or table of it."""
    found = _LINE_START.match(line)
    if found is None:
        return line
    if found["dot"]:
        return line[: found.end() - 1] + "&#46;" + line[found.end() :]
    return line[: found.end()] + "\\" + line[found.end() :]
