"""How what a format can't say travels inside it: between invisible fences, in plain text.

A pair of U+2063 (INVISIBLE SEPARATOR) around Markdown source says "this is source, not words", so it comes back as the
author wrote it, while markup typed as words in the other tracker stays words. A pair with nothing inside, at the head
of a link's text, says that the link is an image. A pair around the letters below says which marks the next code bears.
Who strips the fences loses the formatting, never a word.
"""

import re
from collections.abc import Iterable

from .nodes import VERBATIM, Mark, Node, attr, lines, mark, marked, marks_of, node, text

FENCE = "\u2063"
IMAGE = FENCE + FENCE
_LETTERS: dict[str, Mark] = {
    "\u2061": mark("strong"),
    "\u2062": mark("em"),
    "\u2064": mark("strike"),
    "\u200b": mark("underline"),
    "\u200c": mark("subsup", type="sub"),
    "\u200d": mark("subsup", type="sup"),
}
_ONLY_LETTERS = re.compile(f"[{''.join(_LETTERS)}]+")


def fenced(source: str) -> str:
    """Markdown source between fences."""
    return FENCE + source + FENCE


def unfenced(value: str) -> str:
    """The text without any fence: nobody else may speak in this alphabet."""
    return value.replace(FENCE, "")


def pack(nodes: Iterable[Node]) -> list[Node]:
    """Inline nodes with only what the Atlassian Document Format can say: texts, breaks, links and marks."""
    out: list[Node] = []
    for each in nodes:
        if each["type"] == "image":
            out.extend(_packed_image(each))
        elif each["type"] != "text":
            out.append(each)
        elif marked(each, "verbatim"):
            marks = [m for m in marks_of(each) if m["type"] not in ("verbatim", "code")]
            out.append(text(fenced(each["text"]), marks))
        elif marked(each, "code"):
            kept = [m for m in marks_of(each) if m["type"] in ("code", "link")]
            letters = "".join(letter for letter, meant in _LETTERS.items() if meant in marks_of(each))
            if letters or (out and marked(out[-1], "code")):
                out.append(text(fenced(letters), [m for m in kept if m["type"] == "link"]))
            out.append(text(each["text"], kept))
        else:
            out.append(each)
    return out


def _packed_image(image: Node) -> list[Node]:
    src = attr(image, "src", "")
    marks = [m for m in marks_of(image) if m["type"] not in ("code", "verbatim")]
    link = next((m for m in marks if m["type"] == "link"), None)
    shown = text(
        IMAGE + (attr(image, "alt") or src),
        [mark("link", href=src, title=attr(image, "title")), *(m for m in marks if m is not link)],
    )
    if link is None:
        return [shown]
    return [text(fenced("[")), shown, text(fenced(f"]({attr(link, 'href')})"))]


def unpack(nodes: Iterable[Node]) -> list[Node]:
    """Inline nodes with what was carried between fences put back."""
    out: list[Node] = []
    waiting: list[Mark] = []
    for each in nodes:
        if each["type"] != "text" or FENCE not in each["text"]:
            if waiting and marked(each, "code"):
                each = {**each, "marks": [*marks_of(each), *waiting]}
            waiting = []
            out.append(each)
            continue
        link = marked(each, "link")
        if link and each["text"].startswith(IMAGE):
            out.append(_unpacked_image(each, link))
            continue
        pieces = each["text"].split(FENCE)
        if len(pieces) % 2 == 0:
            pieces = [unfenced(each["text"])]
        for number, piece in enumerate(pieces):
            if not piece:
                continue
            if number % 2 == 0:
                waiting = []
                out.append(text(piece, marks_of(each)))
            elif _ONLY_LETTERS.fullmatch(piece):
                waiting = [_LETTERS[letter] for letter in piece]
            else:
                out.append(text(piece, [*marks_of(each), VERBATIM]))
    return out


def _unpacked_image(each: Node, link: Mark) -> Node:
    href = attr(link, "href", "")
    alt = unfenced(each["text"])
    image = node("image", src=href, alt="" if alt == href else alt, title=attr(link, "title"))
    marks = [m for m in marks_of(each) if m is not link]
    return {**image, "marks": marks} if marks else image


def source_of(nodes: list[Node]) -> str | None:
    """The Markdown source that a paragraph shows, or None where it holds anything else."""
    if not any(map(is_verbatim, nodes)) or not all(n["type"] == "hardBreak" or is_verbatim(n) for n in nodes):
        return None
    return "\n".join("".join(n["text"] for n in line) for line in lines(nodes))


def is_verbatim(each: Node) -> bool:
    """Whether an inline node is Markdown source and nothing more."""
    return [m["type"] for m in marks_of(each)] == ["verbatim"]
