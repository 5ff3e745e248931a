"""The HTML inside Markdown that has a meaning here: folding sections and a few inline marks."""

import html
import re

from .carry import FENCE, fenced, unfenced
from .nodes import Mark, Node, attr, mark, node

_DETAILS = re.compile(r"<details>\s*(?:<summary>(?P<title>[^\n]*?)</summary>)?\s*", re.IGNORECASE)
_TAG = re.compile(r"<[!/?A-Za-z][^<>]*>")
_MAX_FOLDS = 10  # folding sections inside each other

MARK_TAGS: dict[str, Mark] = {
    "b": mark("strong"),
    "strong": mark("strong"),
    "i": mark("em"),
    "em": mark("em"),
    "s": mark("strike"),
    "del": mark("strike"),
    "strike": mark("strike"),
    "ins": mark("underline"),
    "sub": mark("subsup", type="sub"),
    "sup": mark("subsup", type="sup"),
}


def pair_details(blocks: list[Node]) -> list[Node]:
    """The blocks with each `<details>` ... `</details>` around whole blocks made one `expand`."""
    out: list[Node] = []
    opened: list[int] = []
    for block in blocks:
        source = attr(block, "text", "") if block["type"] == "verbatim" else ""
        if _DETAILS.fullmatch(source) and len(opened) < _MAX_FOLDS:
            opened.append(len(out))
        elif opened and source.strip().lower() == "</details>":
            start = opened.pop()
            inside = out[start + 1 :]
            title = _DETAILS.fullmatch(attr(out[start], "text"))
            del out[start:]
            out.append(node("expand", inside, title=_title(title["title"]) if title and title["title"] else None))
            continue
        out.append(block)
    return out


def _title(source: str) -> str:
    """A summary as plain text, with the tags in it between fences."""
    words = _TAG.split(source)
    tags = _TAG.findall(source)
    parts = [html.unescape(words[0])]
    for tag, word in zip(tags, words[1:], strict=True):
        parts.extend((fenced(tag), html.unescape(word)))
    return "".join(parts)


def summary(title: str) -> str:
    """A title as the source of a summary."""
    pieces = title.replace("\n", " ").split(FENCE)
    if len(pieces) % 2 == 0:
        pieces = [unfenced(title)]
    return "".join(p if n % 2 else html.escape(p, quote=False) for n, p in enumerate(pieces))
