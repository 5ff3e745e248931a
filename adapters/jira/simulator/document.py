"""Whether a value is a document that Jira takes: a table of what each node may hold, as strict as Jira's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Check = Callable[[Any], bool]


def _string(value: Any) -> bool:
    return isinstance(value, str)


def _filled(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and all(map(_number, value))


def _one_of(*words: Any) -> Check:
    return lambda value: not isinstance(value, bool) and value in words


def _anything(_value: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a node (or a mark) may have; `least` children, None for a node that has no `content`."""

    children: frozenset[str] | None = None
    least: int = 0
    required: Mapping[str, Check] = field(default_factory=dict)
    optional: Mapping[str, Check] = field(default_factory=dict)
    marks: frozenset[str] = frozenset()
    first: frozenset[str] | None = None  # what the first child must be


_INLINE: Final = frozenset(
    {
        "text", "hardBreak", "mention", "emoji", "inlineCard", "date", "status", "mediaInline", "placeholder",
        "inlineExtension",
    }
)  # fmt: skip
_LISTS: Final = frozenset({"bulletList", "orderedList"})
_MEDIA: Final = frozenset({"mediaSingle", "mediaGroup"})
_SIMPLE: Final = _LISTS | _MEDIA | {"paragraph", "codeBlock"}
_INSIDE: Final = _SIMPLE | {
    "heading", "rule", "blockquote", "panel", "taskList", "decisionList", "blockCard", "extension", "embedCard",
}  # fmt: skip
_BLOCKS: Final = _INSIDE | {"table", "expand", "bodiedExtension", "layoutSection"}
_ALIGNED: Final = frozenset({"alignment", "indentation"})
_FLAT: Final = frozenset({"link", "annotation"})
_CARD: Final = {"url": _string, "data": _anything}
_EXTENSION: Final = {"extensionKey": _filled, "extensionType": _filled}
_FREE: Final = dict.fromkeys(("parameters", "text", "layout"), _anything)
_CELL: Final = {"colspan": _number, "rowspan": _number, "colwidth": _numbers, "background": _string}
_MEDIA_FILE: Final = {
    "alt": _string, "width": _number, "height": _number, "occurrenceKey": _filled, "id": _filled,
    "collection": _string, "url": _string,
}  # fmt: skip

NODES: Final[Mapping[str, Kind]] = {
    "doc": Kind(children=_BLOCKS),
    "paragraph": Kind(children=_INLINE, marks=_ALIGNED),
    "heading": Kind(children=_INLINE, required={"level": _one_of(1, 2, 3, 4, 5, 6)}, marks=_ALIGNED),
    "codeBlock": Kind(
        children=frozenset({"text"}), optional={"language": _string, "uniqueId": _string}, marks=frozenset({"breakout"})
    ),
    "blockquote": Kind(children=_SIMPLE | {"extension"}, least=1),
    "rule": Kind(),
    "bulletList": Kind(children=frozenset({"listItem"}), least=1),
    "orderedList": Kind(children=frozenset({"listItem"}), least=1, optional={"order": _number}),
    "listItem": Kind(
        children=_SIMPLE | {"taskList", "extension"},
        least=1,
        first=_LISTS | {"paragraph", "mediaSingle", "codeBlock", "taskList", "extension"},
    ),
    "taskList": Kind(
        children=frozenset({"taskItem", "taskList", "blockTaskItem"}), least=1, required={"localId": _string}
    ),
    "taskItem": Kind(children=_INLINE, required={"localId": _string, "state": _one_of("TODO", "DONE")}),
    "decisionList": Kind(children=frozenset({"decisionItem"}), least=1, required={"localId": _string}),
    "decisionItem": Kind(children=_INLINE, required={"localId": _string, "state": _string}),
    "panel": Kind(
        children=_SIMPLE | {"heading", "rule", "taskList", "decisionList", "blockCard", "extension"},
        least=1,
        required={"panelType": _one_of("info", "note", "tip", "warning", "error", "success", "custom")},
        optional=dict.fromkeys(("panelIcon", "panelIconId", "panelIconText", "panelColor"), _string),
    ),
    "expand": Kind(
        children=_INSIDE | {"table", "nestedExpand"}, least=1, optional={"title": _string}, marks=frozenset({"breakout"})
    ),
    "nestedExpand": Kind(children=_INSIDE, least=1, optional={"title": _string}),
    "table": Kind(
        children=frozenset({"tableRow"}),
        least=1,
        optional={
            "displayMode": _string, "isNumberColumnEnabled": _boolean, "layout": _string, "width": _number,
        },
    ),
    "tableRow": Kind(children=frozenset({"tableCell", "tableHeader"})),
    "tableCell": Kind(children=_INSIDE | {"nestedExpand"}, least=1, optional=_CELL),
    "tableHeader": Kind(children=_INSIDE | {"nestedExpand"}, least=1, optional=_CELL),
    "mediaSingle": Kind(
        children=frozenset({"media", "caption"}),
        least=1,
        optional={
            "layout": _one_of("wrap-left", "center", "wrap-right", "wide", "full-width", "align-start", "align-end"),
            "width": _number, "widthType": _one_of("percentage", "pixel"),
        },
        marks=frozenset({"link"}),
    ),
    "mediaGroup": Kind(children=frozenset({"media"}), least=1),
    "media": Kind(
        required={"type": _one_of("link", "file", "external")},
        optional=_MEDIA_FILE,
        marks=frozenset({"link", "annotation", "border"}),
    ),
    "caption": Kind(children=_INLINE),
    "layoutSection": Kind(children=frozenset({"layoutColumn"}), marks=frozenset({"breakout"})),
    "layoutColumn": Kind(children=_BLOCKS - {"layoutSection"}, least=1, required={"width": _number}),
    "blockCard": Kind(optional={**_CARD, "datasource": _anything, "width": _number, "layout": _string}),
    "embedCard": Kind(
        required={"url": _string, "layout": _string},
        optional={"width": _number, "originalHeight": _number, "originalWidth": _number},
    ),
    "extension": Kind(required=_EXTENSION, optional=_FREE),
    "bodiedExtension": Kind(children=_INSIDE | {"table"}, least=1, required=_EXTENSION, optional=_FREE),
    "inlineExtension": Kind(required=_EXTENSION, optional=_FREE),
    "inlineCard": Kind(optional=_CARD, marks=frozenset({"annotation"})),
    "hardBreak": Kind(optional={"text": _one_of("\n")}),
    "mention": Kind(
        required={"id": _string},
        optional={"text": _string, "accessLevel": _string, "userType": _one_of("DEFAULT", "SPECIAL", "APP")},
        marks=frozenset({"annotation"}),
    ),
    "emoji": Kind(
        required={"shortName": _string}, optional={"id": _string, "text": _string}, marks=frozenset({"annotation"})
    ),
    "date": Kind(required={"timestamp": _filled}, marks=frozenset({"annotation"})),
    "status": Kind(
        required={
            "text": _filled, "color": _one_of("neutral", "purple", "blue", "red", "yellow", "green"),
        },
        optional={"style": _string},
        marks=frozenset({"annotation"}),
    ),
    "placeholder": Kind(required={"text": _string}),
    "mediaInline": Kind(
        required={"id": _filled, "collection": _string},
        optional={"type": _string, "alt": _string, "width": _number, "height": _number, "occurrenceKey": _filled},
        marks=frozenset({"link", "annotation", "border"}),
    ),
    "text": Kind(
        marks=frozenset(
            {"strong", "em", "code", "strike", "underline", "link", "subsup", "textColor", "backgroundColor", "annotation"}
        )
    ),
}  # fmt: skip
_LINK: Final = dict.fromkeys(("title", "id", "collection", "occurrenceKey"), _string)
MARKS: Final[Mapping[str, Kind]] = {
    **{name: Kind() for name in ("strong", "em", "code", "strike", "underline")},
    "link": Kind(required={"href": _string}, optional=_LINK),
    "subsup": Kind(required={"type": _one_of("sub", "sup")}),
    "textColor": Kind(required={"color": _filled}),
    "backgroundColor": Kind(required={"color": _filled}),
    "annotation": Kind(required={"id": _string, "annotationType": _one_of("inlineComment")}),
    "border": Kind(required={"size": _number, "color": _filled}),
    "alignment": Kind(required={"align": _one_of("center", "end")}),
    "indentation": Kind(required={"level": _one_of(1, 2, 3, 4, 5, 6)}),
    "breakout": Kind(required={"mode": _string}, optional={"width": _number}),
}


def is_document(value: Any) -> bool:
    """Whether Jira would accept the value as a document."""
    if not isinstance(value, dict) or set(value) != {"type", "version", "content"}:
        return False
    return value["type"] == "doc" and value["version"] == 1 and _holds(value, NODES["doc"])


def _valid(node: Any, allowed: frozenset[str]) -> bool:
    if not isinstance(node, dict) or not isinstance(node.get("type"), str) or node["type"] not in allowed:
        return False
    name = node["type"]
    kind = NODES.get(name)
    if (
        kind is None
        or set(node) - {"type", "attrs", "marks", "content", "text"}
        or (name == "text") != ("text" in node)
    ):
        return False
    if name == "text" and not _filled(node["text"]):
        return False
    if "marks" in node and not (kind.marks and _marked(node["marks"], kind.marks)):
        return False
    return _attributed(node, kind, local=name != "text") and _holds(node, kind)


def _holds(node: dict[str, Any], kind: Kind) -> bool:
    content = node.get("content", [])
    if kind.children is None:
        return "content" not in node
    if not isinstance(content, list) or len(content) < kind.least:
        return False
    if kind.first is not None and not _valid(content[0], kind.first):
        return False
    plain = node["type"] == "codeBlock"
    return all(_valid(child, kind.children) and not (plain and child.get("marks")) for child in content)


def _attributed(node: dict[str, Any], kind: Kind, *, local: bool) -> bool:
    if "attrs" not in node:
        return not kind.required
    attrs = node["attrs"]
    known = {**kind.optional, **kind.required, **({"localId": _string} if local else {})}
    if not isinstance(attrs, dict) or not set(kind.required) <= set(attrs) or (not local and not known):
        return False
    return all(name in known and known[name](value) for name, value in attrs.items())


def _marked(marks: Any, allowed: frozenset[str]) -> bool:
    if not isinstance(marks, list):
        return False
    names = []
    for mark in marks:
        name = mark.get("type") if isinstance(mark, dict) else None
        if not isinstance(name, str) or name not in allowed or set(mark) - {"type", "attrs"}:
            return False
        if not _attributed(mark, MARKS[name], local=False):
            return False
        names.append(name)
    # Code takes no other formatting.
    return "code" not in names or set(names) <= {"code", *_FLAT}
