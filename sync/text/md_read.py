"""Markdown, as GitHub reads it in an issue, to nodes."""

import re
from collections.abc import Sequence
from functools import cache, lru_cache

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from .carry import unfenced
from .links import address_at, is_safe
from .md_html import pair_details
from .md_inline_read import inline_nodes
from .nodes import MAX_DEPTH, Node, children, clean, node, text

_CONTAINERS = {
    "paragraph_open": "paragraph",
    "bullet_list_open": "bulletList",
    "blockquote_open": "blockquote",
    "table_open": "table",
    "tr_open": "tableRow",
}
_PANELS = {"NOTE": "info", "TIP": "success", "IMPORTANT": "note", "WARNING": "warning", "CAUTION": "error"}
_SCHEME = re.compile(r"(?:https?|ftp)$", re.IGNORECASE)
_BRACKET = re.compile(r"\\.|[\[\]]", re.DOTALL)
_BRACKETS = 500
_BRACKET_DEPTH = 20
_LEVELS = 2 * MAX_DEPTH  # a list counts two levels in the parser: itself and its item


def read_markdown(source: str) -> list[Node]:
    """The blocks of a Markdown text; a newline is a break, as in an issue."""
    env: dict[str, object] = {}
    tokens = _parser().parse(unfenced(clean(source)), env)
    return pair_details(_blocks(tokens, _used(tokens)))


def read_blocks(source: str) -> list[tuple[int, int, list[Node]]]:
    """Each outermost block with the lines it stands on, first and behind the last; folding sections stay apart."""
    tokens = _parser().parse(unfenced(clean(source)), {})
    used = _used(tokens)
    out: list[tuple[int, int, list[Node]]] = []
    begun = 0
    for place, token in enumerate(tokens):
        if token.level == 0 and token.nesting <= 0:
            start, end = tokens[begun].map or (0, 0)
            out.append((start, end, _blocks(tokens[begun : place + 1], used)))
            begun = place + 1
    return out


def block_tokens(source: str) -> list[Token]:
    """The parser's tokens for the blocks alone, each with the lines it stands on."""
    tokens: list[Token] = []
    _parser().block.parse(source, _parser(), {}, tokens)
    return tokens


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": _LEVELS + 20})
    parser.options.update(
        tasklists=True, alerts=True, strikethrough_single_tilde=True, store_labels=True, inline_definitions=True
    )
    parser.enable(["table", "strikethrough"])
    parser.use(footnote_plugin, inline=False, move_to_end=False)
    parser.block.ruler.before("table", "deep", _deep)
    parser.inline.ruler.before("text", "bracket", _bracket)
    parser.inline.ruler.before("escape", "address", _address)
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    parser.validateLink = is_safe  # type: ignore[method-assign, assignment]
    return parser


def _deep(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Beyond the cap everything is one flat paragraph; the parser itself would drop it."""
    if silent or state.level < _LEVELS:
        return False
    state.push("paragraph_open", "p", 1)
    inline = state.push("inline", "", 0)
    inline.content = state.getLines(start, end, state.blkIndent, False).strip()
    inline.children = []
    state.push("paragraph_close", "p", -1)
    state.line = end
    return True


def _address(state: StateInline, silent: bool) -> bool:
    """A bare address with a scheme goes before emphasis; the others are found in the finished text."""
    if state.src[state.pos] != ":" or state.linkLevel > 0:
        return False
    scheme = _SCHEME.search(state.pending[-5:])
    if scheme is None:
        return False
    start = state.pos - len(scheme.group())
    address = address_at(state.src, start)
    if address is None or address.end > state.posMax:
        return False
    if not silent:
        state.pending = state.pending[: -len(scheme.group())]
        opening = state.push("link_open", "a", 1)
        opening.attrs = {"href": address.href}
        state.push("text", "", 0).content = state.src[start : address.end]
        state.push("link_close", "a", -1)
    state.pos = address.end
    return True


def _bracket(state: StateInline, silent: bool) -> bool:
    """In a paragraph of very many brackets, those without a partner are words: the parser would search for each."""
    image = state.src.startswith("![", state.pos)
    if not image and state.src[state.pos] != "[":
        return False
    if state.pos + image not in _lone_brackets(state.src):
        return False
    if not silent:
        state.pending += state.src[state.pos : state.pos + 1 + image]
    state.pos += 1 + image
    return True


@lru_cache(maxsize=8)
def _lone_brackets(source: str) -> frozenset[int]:
    """The opening brackets that close nowhere, or lie too deep; none where there are few."""
    if source.count("[") <= _BRACKETS:
        return frozenset()
    lone: set[int] = set()
    opened: list[int] = []
    for bracket in _BRACKET.finditer(source):
        if bracket.group()[0] == "\\":
            continue
        if bracket.group() == "[":
            opened.append(bracket.start())
        elif opened:
            start = opened.pop()
            if len(opened) >= _BRACKET_DEPTH:
                lone.add(start)
    return frozenset(lone.union(opened))


def _used(tokens: Sequence[Token]) -> set[str]:
    """The labels of link definitions that something refers to."""
    return {_label(t) for token in tokens for t in (token.children or ()) if _label(t)}


def _blocks(tokens: Sequence[Token], used: set[str]) -> list[Node]:
    root: list[Node] = []
    stack: list[list[Node]] = [root]
    title = False
    for token in tokens:
        if token.type in ("alert_title_open", "alert_title_close"):
            title = token.nesting == 1
        elif title or token.type.startswith(("thead", "tbody")):
            continue
        elif token.nesting == 1:
            made = _container(token)
            stack[-1].append(made)
            stack.append(made["content"])
        elif token.nesting == -1:
            done = stack.pop()
            done[:] = pair_details(done)
            if token.type == "table_close" and len(done) > 1 and not any(map(children, children(done[0]))):
                del done[0]  # the empty header of a table that has none
        elif token.type == "inline":
            content = inline_nodes(token.children or [text_token(token.content)])
            in_cell = stack[-2][-1]["type"] in ("tableCell", "tableHeader") if len(stack) > 1 else False
            stack[-1].extend(([node("paragraph", content)] if content else []) if in_cell else content)
        else:
            stack[-1].extend(_leaf(token, used))
    return root


def text_token(content: str) -> Token:
    """A parser's token for bare text."""
    return Token("text", "", 0, content=content)


def _label(token: Token) -> str:
    return str(token.meta.get("label", "")) if token.type in ("link_open", "image") else ""


def _container(token: Token) -> Node:
    kind = token.type
    if kind in _CONTAINERS:
        return node(_CONTAINERS[kind], [])
    if kind == "heading_open":
        return node("heading", [], level=int(token.tag[1:]))
    if kind == "ordered_list_open":
        return node("orderedList", [], order=token.attrGet("start"))
    if kind == "list_item_open":
        checked = token.meta.get("checked")
        return node("listItem", [], state=None if checked is None else "DONE" if checked else "TODO")
    if kind in ("th_open", "td_open"):
        align = str(token.attrGet("style") or "").removeprefix("text-align:") or None
        return node("tableHeader" if kind == "th_open" else "tableCell", [], align=align)
    if kind == "alert_open":
        return node("panel", [], panelType=_PANELS.get(token.info.upper(), "info"))
    if kind == "footnote_reference_open":
        return node("footnote", [], label=token.meta["label"])
    return node("blockquote", [])


def _leaf(token: Token, used: set[str]) -> list[Node]:
    if token.type in ("fence", "code_block"):
        words = token.info.split()
        body = token.content.removesuffix("\n")
        return [node("codeBlock", [text(body)] if body else [], language=words[0] if words else None)]
    if token.type == "hr":
        return [node("rule")]
    if token.type == "html_block":
        return [node("verbatim", text=token.content.rstrip("\n"))]
    if token.type == "definition" and token.meta["id"] not in used:
        title = f' "{token.meta["title"]}"' if token.meta.get("title") else ""
        return [node("verbatim", text=f"[{token.meta['label']}]: {token.meta['url']}{title}")]
    return []
