"""Attachments, and how texts refer to them: by name in Jira, by address in canonical terms.

Data Center's markup says `!shot.png!` and `[^log.txt]`; a document on Cloud has media nodes, which know a file by an
id of the media service that no API tells, and by its name. Nobody can make such a node through the API: what is written
new becomes a link, what stood there stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import unquote

from adapters.jira.wire import ADDED, as_list, as_object, at, parse_time, text_at
from sync.core.ids import NativeRef
from sync.core.models import JsonObject, NativeAttachment, NativeTicket

#: Name of a file → its address; of several files with one name Jira means the newest.
Files = Mapping[str, str]
#: The same as a key of a cache.
Links = tuple[tuple[str, str], ...]
NO_FILES: Final[Files] = MappingProxyType({})
#: Where the original of a node is kept while the converters see another one.
_ORIGINAL: Final = "original"
_MEDIA: Final = ("media", "mediaInline")
#: A destination in Markdown, as our writer spells it.
_DESTINATION: Final = re.compile(r"\]\((?:<attachment:([^<>\n]+)>|attachment:([^\s()]+(?:\([^\s()]*\)[^\s()]*)*))")


def attachments_of(native: NativeTicket) -> tuple[NativeAttachment, ...]:
    """See `Codec.attachments`; oldest first."""
    return attachments_in(native.payload, native.ref)


def attachments_in(payload: JsonObject, ticket: NativeRef) -> tuple[NativeAttachment, ...]:
    """The files that an answer shows, oldest first."""
    found = []
    for row in as_list(at(payload, "fields", "attachment")):
        identifier, name, url = text_at(row, "id"), text_at(row, "filename"), text_at(row, "content")
        size = at(row, "size")
        if identifier and name and url:
            made = NativeAttachment(
                ref=NativeRef(identifier),
                ticket=ticket,
                name=name,
                url=url,
                size=size if isinstance(size, int) and not isinstance(size, bool) else None,
                media_type=text_at(row, "mimeType"),
            )
            moment = parse_time(at(row, "created"))
            found.append((moment.timestamp() if moment else 0.0, len(identifier), identifier, made))
    return tuple(made for *_, made in sorted(found, key=lambda each: each[:3]))


def files_of(native: NativeTicket | None) -> dict[str, str]:
    """Name → address of the files at a ticket."""
    return {each.name: each.url for each in attachments_of(native)} if native is not None else {}


def linked_in(markdown: str, files: Files) -> Links:
    """Those of the files that a Markdown text refers to."""
    return tuple((name, url) for name, url in sorted(files.items()) if url in markdown)


def named_in(body: Any, files: Files) -> dict[str, str]:
    """Those of the files that a native text may refer to."""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return {
        name: url for name, url in files.items() if name in text or json.dumps(name, ensure_ascii=False)[1:-1] in text
    }


def told_files(comment: JsonObject) -> dict[str, str]:
    """The files of a comment's ticket, as far as the comment names them: the adapter added them."""
    told = as_object(at(comment, ADDED, "files"))
    return {name: url for name, url in told.items() if isinstance(url, str)}


def with_addresses(markdown: str, files: Files) -> str:
    """Markdown in which files are named by their addresses instead of by `attachment:` and their names."""

    def address(found: re.Match[str]) -> str:
        url = files.get(found[1] or unquote(found[2]), "")
        return (f"](<{url}>" if re.search(r"[\s()]", url) else f"]({url}") if url else found.group()

    return _DESTINATION.sub(address, markdown) if "attachment:" in markdown else markdown


def with_names(markdown: str, files: Files) -> str:
    """The reverse of `with_addresses`, where Jira's short form can say all of it: no other words than the name for a link."""
    for name, url in files.items():
        if url not in markdown:
            continue
        target = f"<attachment:{name}>" if re.search(r"[\s()<>]", name) else f"attachment:{name}"
        pieces = re.split(rf"(!?\[[^\]\n]*\])\(<?{re.escape(url)}>?(?=[)\s])", markdown)
        for place in range(1, len(pieces), 2):
            label = re.sub(r"\\(.)", r"\1", pieces[place].lstrip("!")[1:-1])
            short = label if pieces[place].startswith("!") else label == name
            pieces[place] += f"({target}" if short else f"(<{url}>"
        markdown = "".join(pieces)
    return markdown


def exposed(document: Any, files: Files) -> Any:
    """The document with the files' nodes as pictures and links that have an address; each keeps its original inside."""
    if not files:
        return document

    def change(node: JsonObject) -> JsonObject | None:
        return _exposed_node(node, files)

    return _walked(document, change)


def restored(document: Any, before: Any) -> Any:
    """The document with the original nodes back: those that were kept, and those that `before` shows by the same address."""
    originals: dict[str, JsonObject] = {}

    def collect(node: JsonObject) -> JsonObject | None:
        if node.get("type") in ("mediaSingle", "mediaGroup"):
            members = as_list(node.get("content"))
            if len(members) == 1 and (url := _address(members[0])):
                originals[url] = _walked(node, _original_of)
        return None

    _walked(before, collect)

    def back(node: JsonObject) -> JsonObject | None:
        if (original := _original_of(node)) is not None:
            return original
        return originals.get(_only_link(node))

    return _walked(document, back)


def _walked(node: Any, change: Callable[[JsonObject], JsonObject | None]) -> Any:
    """A copy with every node for which `change` gives another one replaced; nothing is looked for inside of that."""
    if isinstance(node, list):
        return [_walked(each, change) for each in node]
    if not isinstance(node, dict):
        return node
    changed = change(node)
    if changed is not None:
        return changed
    content = node.get("content")
    return {**node, "content": _walked(content, change)} if isinstance(content, list) else node


def _exposed_node(node: JsonObject, files: Files) -> JsonObject | None:
    if node.get("type") not in _MEDIA or at(node, "attrs", "type") == "external":
        return None
    name = text_at(node, "attrs", "alt")
    url = files.get(name)
    if url is None:
        return None
    attrs = {"type": "external", "url": url, "alt": name, _ORIGINAL: node}
    marks = {"marks": node["marks"]} if isinstance(node.get("marks"), list) else {}
    return {"type": node["type"], "attrs": attrs, **marks}


def _original_of(node: JsonObject) -> JsonObject | None:
    original = at(node, "attrs", _ORIGINAL)
    return original if isinstance(original, dict) and node.get("type") in _MEDIA else None


def _address(node: Any) -> str:
    return text_at(node, "attrs", "url") if _original_of(as_object(node)) is not None else ""


def _only_link(node: JsonObject) -> str:
    """The address of a paragraph that is nothing but one picture, as the writer spells pictures."""
    content = as_list(node.get("content")) if node.get("type") == "paragraph" else []
    marks = as_list(at(content[0], "marks")) if len(content) == 1 else []
    pictured = len(marks) == 1 and text_at(content[0], "text").startswith("\u2063\u2063")
    return text_at(marks[0], "attrs", "href") if pictured and text_at(marks[0], "type") == "link" else ""
