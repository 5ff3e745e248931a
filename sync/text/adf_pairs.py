"""A document of Jira kept block by block: what did not change stays the very node that Jira holds."""

from collections.abc import Sequence
from typing import Any

from .adf_inline import keep_inline
from .adf_read import INLINE, read_adf
from .adf_write import write_adf
from .md_write import write_markdown
from .mentions import Mentions, addressed, named
from .nodes import Node
from .pairs import NESTED, merge

_WRAPPED = {
    "listItem": "bulletList",
    "taskItem": "taskList",
    "blockTaskItem": "taskList",
    "decisionItem": "decisionList",
    "tableRow": "table",
    "tableHeader": "tableRow",
    "tableCell": "tableRow",
}
_LEAVES = frozenset({"paragraph", "heading", "codeBlock", "rule", "taskItem", "decisionItem"})
_READ = frozenset({"panel", "blockquote", "expand", "nestedExpand", "bulletList", "orderedList", "taskList"})
_READ |= {"decisionList", "table", "tableRow", "tableCell", "tableHeader", "listItem", "blockTaskItem"}
_ATOMS = _LEAVES | _READ | {"media", "caption"}
_TAKES = frozenset({"layoutColumn", "bodiedExtension", "extensionFrame"})


def keep_adf(current: Any, blocks: Sequence[Node], who: Mentions) -> dict[str, Any]:
    """The document for the blocks, with the nodes of the current one wherever both read the same."""
    wanted = write_adf(blocks, _identities(current))
    if _kind(current) != "doc" or not _content(current):
        return wanted
    words = _said(wanted, who)
    if _said(current, who) == words:
        return dict(current)
    made = {**wanted, "content": merge(_Adf(who), _content(current), wanted["content"])}
    return made if _said(made, who) == words else wanted


def _identities(doc: Any) -> set[str]:
    """The ids in use."""
    found: set[str] = set()
    stack = [doc]
    while stack:
        top = stack.pop()
        if isinstance(top, dict):
            found.add(str(_attrs(top).get("localId")))
            stack.extend(_content(top))
    return found


class _Adf:
    """See `Form`: parts are nodes, or whatever JSON stands in the place of one."""

    def __init__(self, who: Mentions) -> None:
        self._who = who
        self._level = 0
        self._keys: dict[int, tuple[Any, str]] = {}

    def key(self, part: Any) -> str:
        known = self._keys.get(id(part))
        if known is None:
            wrapped = part
            while (outer := _WRAPPED.get(_kind(wrapped))) is not None:
                wrapped = {"type": outer, "content": [wrapped]}
            known = self._keys[id(part)] = part, _said(wrapped, self._who)
        return known[1]

    def kind(self, part: Any) -> str:
        return _kind(part) if _kind(part) in _LEAVES | _READ else ""

    def frame(self, part: Any) -> list[Any]:
        known = _kind(part)
        inline = not known or known in _ATOMS or any(_kind(child) in INLINE for child in _content(part))
        return [] if inline else _content(part)

    def takes(self, frame: Any) -> bool:
        return _kind(frame) in _TAKES

    def filled(self, frame: Any, inside: list[Any]) -> Any:
        return {**frame, "content": inside or [{"type": "paragraph", "content": []}]}

    def revised(self, old: Any, new: Any) -> Any:
        if self._level >= NESTED:
            return new
        content = new.get("content")
        shells = [old, {**old, "attrs": {**_attrs(old), **_attrs(new), **_identity(old)}}, new]
        shell = next(each for each in shells if _same({**each, "content": content}, new, self))
        if content is None:
            return shell
        if _kind(new) in ("paragraph", "heading", "taskItem", "decisionItem"):
            kept = keep_inline(_content(old), content, self._plain)
            content = kept if _same({**new, "content": kept}, new, self) else content
        elif _kind(new) not in _LEAVES:
            self._level += 1
            content = merge(self, _content(old), content)
            self._level -= 1
        return {**shell, "content": content}

    def _plain(self, node: Any) -> list[Any]:
        """What our writer makes of the reading of one inline node; nothing where that is no line."""
        read = named(read_adf({"type": "paragraph", "content": [node]}), self._who)
        made = write_adf(addressed(read, self._who))["content"]
        return _content(made[0]) if len(made) == 1 else []


def _same(a: Any, b: Any, form: _Adf) -> bool:
    return form.key(a) == form.key(b)


def _said(node: Any, who: Mentions) -> str:
    return write_markdown(named(read_adf(node), who))


def _kind(node: Any) -> str:
    kind = node.get("type") if isinstance(node, dict) else None
    return kind if isinstance(kind, str) else ""


def _content(node: Any) -> list[Any]:
    content = node.get("content") if isinstance(node, dict) else None
    return content if isinstance(content, list) else []


def _attrs(node: Any) -> dict[str, Any]:
    attrs = node.get("attrs")
    return attrs if isinstance(attrs, dict) else {}


def _identity(node: Any) -> dict[str, Any]:
    return {name: value for name, value in _attrs(node).items() if name == "localId"}
