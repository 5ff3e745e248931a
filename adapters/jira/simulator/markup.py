"""The two forms of rich text in Jira Cloud: documents (REST v3) and wiki markup (REST v2), and their conversion.

It knows the common part of both; what it does not know stays text, as Jira's own lossy conversion leaves it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

JsonObject = dict[str, Any]

_INLINE = re.compile(
    r"(?P<code>\{\{(?P<code_text>.+?)\}\})"
    r"|\[~accountid:(?P<mention>[^\]]+)\]"
    r"|\[(?:(?P<link_text>[^\]|\n]+)\|)?(?P<link>(?:https?://|mailto:)[^\]\s]+)\]"
    r"|(?<![\w*])\*(?P<strong>[^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"
    r"|(?<![\w_])_(?P<em>[^\s_](?:[^_\n]*[^\s_])?)_(?![\w_])"
    r"|(?<![\w-])-(?P<strike>[^\s-](?:[^-\n]*[^\s-])?)-(?![\w-])"
)
_LIST_LINE = re.compile(r"([*#]+|-)\s+(.*)")
_HEADING = re.compile(r"h([1-6])\.\s+(.*)")
_FENCE = re.compile(r"\{(code|noformat)(?::([^}]*))?\}")
_MARK_SIGNS = {"strong": "*", "em": "_", "strike": "-", "underline": "+"}


def plain(value: Any) -> str | None:
    """The text as the changelog shows it and as limits count it: wiki markup."""
    return to_wiki(value) if isinstance(value, dict) else value


def to_document(wiki: str) -> JsonObject:
    """Wiki markup as a document."""
    return {"type": "doc", "version": 1, "content": _blocks(wiki.replace("\r\n", "\n").split("\n"))}


def to_wiki(node: JsonObject) -> str:
    """A document as wiki markup."""
    return "\n\n".join(_wiki_block(child, "") for child in node.get("content", ()))


def _blocks(lines: list[str]) -> list[JsonObject]:
    found: list[JsonObject] = []
    index = 0
    while index < len(lines):
        line = lines[index].strip()
        if not line:
            index += 1
        elif fence := _FENCE.match(line):
            index, text = _until(lines, index, fence[1], line[fence.end() :])
            attrs = {"attrs": {"language": fence[2]}} if fence[2] and "=" not in fence[2] else {}
            found.append({"type": "codeBlock", **attrs, "content": [{"type": "text", "text": text}] if text else []})
        elif line.startswith("{quote}"):
            index, text = _until(lines, index, "quote", line.removeprefix("{quote}"))
            found.append({"type": "blockquote", "content": _blocks(text.split("\n")) or [_paragraph("")]})
        elif heading := _HEADING.match(line):
            level = {"level": int(heading[1])}
            found.append({"type": "heading", "attrs": level, "content": _inline(heading[2])})
            index += 1
        elif line == "----":
            found.append({"type": "rule"})
            index += 1
        elif _LIST_LINE.match(line):
            rows: list[tuple[str, str]] = []
            while index < len(lines) and (row := _LIST_LINE.match(lines[index].strip())):
                rows.append((row[1].replace("-", "*"), row[2]))
                index += 1
            found.extend(_lists(rows, 1))
        else:
            index, text = _paragraph_lines(lines, index)
            found.append(_paragraph(text))
    return found


def _until(lines: list[str], index: int, name: str, first: str) -> tuple[int, str]:
    """The text up to the closing tag and the index after it."""
    closing = "{" + name + "}"
    taken: list[str] = []
    rest = first
    while True:
        before, found, _ = rest.partition(closing)
        taken.append(before)
        index += 1
        if found or index >= len(lines):
            return index, "\n".join(taken).strip("\n")
        rest = lines[index]


def _paragraph_lines(lines: list[str], index: int) -> tuple[int, str]:
    taken = [lines[index].strip()]
    index += 1
    while index < len(lines):
        line = lines[index].strip()
        if not line or _HEADING.match(line) or _LIST_LINE.match(line) or _FENCE.match(line) or line == "----":
            break
        taken.append(line)
        index += 1
    return index, "\n".join(taken)


def _lists(rows: list[tuple[str, str]], depth: int) -> list[JsonObject]:
    found: list[JsonObject] = []
    for signs, text in rows:
        kind = "bulletList" if signs[min(depth, len(signs)) - 1] == "*" else "orderedList"
        if len(signs) > depth and found:
            found[-1].setdefault("_rows", []).append((signs, text))
            continue
        found.append({"_kind": kind, "_text": text})
    lists: list[JsonObject] = []
    for item in found:
        node = {"type": "listItem", "content": [_paragraph(item["_text"]), *_lists(item.get("_rows", []), depth + 1)]}
        if lists and lists[-1]["type"] == item["_kind"]:
            lists[-1]["content"].append(node)
        else:
            lists.append({"type": item["_kind"], "content": [node]})
    return lists


def _paragraph(text: str) -> JsonObject:
    content: list[JsonObject] = []
    for number, line in enumerate(text.split("\n") if text else ()):
        content += [{"type": "hardBreak"}] * bool(number) + _inline(line)
    return {"type": "paragraph", "content": content}


def _inline(text: str, marks: tuple[JsonObject, ...] = ()) -> list[JsonObject]:
    found: list[JsonObject] = []
    position = 0
    for match in _INLINE.finditer(text):
        found += _text(text[position : match.start()], marks)
        position = match.end()
        if match["code"]:
            found += _text(match["code_text"], (*marks, {"type": "code"}))
        elif match["mention"]:
            found.append({"type": "mention", "attrs": {"id": match["mention"]}})
        elif match["link"]:
            link = {"type": "link", "attrs": {"href": match["link"]}}
            found += _inline(match["link_text"] or match["link"], (*marks, link))
        else:
            name = next(name for name in ("strong", "em", "strike") if match[name])
            found += _inline(match[name], (*marks, {"type": name}))
    return found + _text(text[position:], marks)


def _text(text: str, marks: Iterable[JsonObject]) -> list[JsonObject]:
    if not text:
        return []
    listed = list(marks)
    return [{"type": "text", "text": text, **({"marks": listed} if listed else {})}]


def _wiki_block(node: JsonObject, signs: str) -> str:
    content = node.get("content", [])
    match node["type"]:
        case "heading":
            return f"h{node['attrs']['level']}. {_wiki_inline(content)}"
        case "codeBlock":
            language = node.get("attrs", {}).get("language")
            code = "".join(child.get("text", "") for child in content)
            return f"{{code{':' + language if language else ''}}}\n{code}\n{{code}}"
        case "blockquote":
            return "{quote}\n" + "\n\n".join(_wiki_block(child, "") for child in content) + "\n{quote}"
        case "bulletList" | "orderedList" as kind:
            signs += "*" if kind == "bulletList" else "#"
            return "\n".join(_wiki_item(item, signs) for item in content)
        case "taskList":
            boxes = ((item.get("attrs", {}).get("state") == "DONE", item) for item in content)
            return "\n".join(
                f"* {'(/)' if done else '(x)'} {_wiki_inline(item.get('content', []))}" for done, item in boxes
            )
        case "rule":
            return "----"
        case "table":
            return "\n".join(_wiki_row(row) for row in content)
        case "panel" | "expand" | "nestedExpand":
            return "{panel}\n" + "\n\n".join(_wiki_block(child, "") for child in content) + "\n{panel}"
        case "mediaSingle" | "mediaGroup":
            return " ".join(f"!{child.get('attrs', {}).get('id', 'file')}!" for child in content)
    return _wiki_inline(content)


def _wiki_item(item: JsonObject, signs: str) -> str:
    parts = [_wiki_block(child, signs) for child in item["content"]]
    return f"{signs} " + "\n".join(parts)


def _wiki_row(row: JsonObject) -> str:
    cells = []
    for cell in row["content"]:
        sign = "||" if cell["type"] == "tableHeader" else "|"
        cells.append(sign + "\n".join(_wiki_block(child, "") for child in cell.get("content", [])))
    return "".join(cells) + ("||" if row["content"][-1]["type"] == "tableHeader" else "|")


def _wiki_inline(content: list[JsonObject]) -> str:
    return "".join(_wiki_leaf(node) for node in content)


def _wiki_leaf(node: JsonObject) -> str:
    if node["type"] == "hardBreak":
        return "\n"
    attrs = node.get("attrs", {})
    if node["type"] == "mention":
        return f"[~accountid:{attrs['id']}]"
    if node["type"] != "text":
        return str(attrs.get("url") or attrs.get("text") or attrs.get("shortName") or "")
    text = str(node["text"])
    for mark in reversed(node.get("marks", [])):
        if mark["type"] == "code":
            text = f"{{{{{text}}}}}"
        elif mark["type"] == "link":
            text = f"[{text}|{mark['attrs']['href']}]"
        else:
            sign = _MARK_SIGNS.get(mark["type"], "")
            text = f"{sign}{text}{sign}"
    return text
