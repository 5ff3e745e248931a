"""Atlassian's own reader of wiki markup as the judge of what Jira shows; a test oracle, never part of the application.

It is installed by hand, outside the repository: `npm install @atlaskit/editor-wikimarkup-transformer` in the folder
that WIKI_ORACLE names.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_SCRIPT = """
const { WikiMarkupTransformer } = require('@atlaskit/editor-wikimarkup-transformer');
const reader = new WikiMarkupTransformer();
let input = '';
process.stdin.on('data', (part) => { input += part; });
process.stdin.on('end', () => process.stdout.write(JSON.stringify(JSON.parse(input).map((text) => {
  try { return reader.parse(text).toJSON(); } catch (error) { return { failed: String(error) }; }
}))));
"""
_BREAK = {"type": "hardBreak"}
_PARAGRAPH = {"type": "paragraph"}
# What the reader adds on its own, new on each call or always the same.
_ADDED = ("localId", "uniqueId", "wrap", "accessLevel", "userType", "__fileMimeType", "__fileName", "__fileSize")


class Absent(Exception):
    """The oracle can't be asked; the message says why."""


def shown(texts: Sequence[str], folder: Path | None) -> list[Any]:
    """What Jira shows for each text, blanks aside."""
    node = shutil.which("node")
    if folder is None or node is None:
        raise Absent("WIKI_ORACLE names no folder" if node else "there is no node")
    asked = json.dumps([text.replace("\r\n", "\n") for text in texts])
    try:
        done = subprocess.run(
            [node, "-e", _SCRIPT], input=asked, capture_output=True, text=True, cwd=folder, timeout=300, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Absent(f"the oracle in {folder} does not run: {type(error).__name__}") from error
    return [_plain(answer) for answer in json.loads(done.stdout)]


def _plain(value: Any) -> Any:
    """The value without what is empty, added, or only a matter of blanks."""
    if isinstance(value, list):
        return _settled([_plain(part) for part in value])
    if not isinstance(value, dict):
        return value
    if value.get("type") == "codeBlock":
        code = "".join(part.get("text", "") for part in value.get("content") or ())
        return {"type": "codeBlock", "language": (value.get("attrs") or {}).get("language"), "text": code.strip()}
    kept = {name: _plain(part) for name, part in value.items() if name not in _ADDED and part not in (None, "", [], {})}
    if isinstance(kept.get("marks"), list):
        kept["marks"] = sorted(kept["marks"], key=lambda mark: json.dumps(mark, sort_keys=True))
    return {name: part for name, part in kept.items() if part not in (None, "", [], {})}


def _settled(parts: list[Any]) -> list[Any]:
    while (tidied := _tidied(parts)) != parts:
        parts = tidied
    return parts


def _tidied(parts: list[Any]) -> list[Any]:
    """Texts of equal marks joined, blanks single and not at the ends of lines, paragraphs in a row made one.

    The reader makes a paragraph of each line behind a list or a heading, and a line of a paragraph elsewhere.
    """
    out: list[Any] = []
    for part in parts:
        last = out[-1] if out else None
        if not isinstance(part, dict):
            out.append(part)
        elif part.get("type") == "hardBreak":
            out.append(_BREAK)
        elif part.get("type") == "text" and "\n" in part["text"] and not _is_code(part):
            for number, line in enumerate(part["text"].split("\n")):
                out.extend([_BREAK] if number else [])
                out.extend([{**part, "text": line}] if line else [])
        elif part.get("type") == "text" and _same_marks(part, last):
            out[-1] = {**part, "text": last["text"] + part["text"]}
        elif part.get("type") == "paragraph" and isinstance(last, dict) and last.get("type") == "paragraph":
            out[-1] = {**part, "content": _settled([*last.get("content", []), _BREAK, *part.get("content", [])])}
        elif part != _PARAGRAPH:
            out.append(part)
    out = [_trimmed(out, place) for place in range(len(out))]
    out = [part for part in out if not (isinstance(part, dict) and part.get("type") == "text" and not part["text"])]
    while out and out[0] == _BREAK:
        del out[0]
    while out and out[-1] == _BREAK:
        del out[-1]
    return out


def _same_marks(part: Any, last: Any) -> bool:
    return isinstance(last, dict) and last.get("type") == "text" and last.get("marks") == part.get("marks")


def _is_code(part: Any) -> bool:
    return any(mark.get("type") == "code" for mark in part.get("marks", ()))


def _trimmed(parts: list[Any], place: int) -> Any:
    part = parts[place]
    if not isinstance(part, dict) or part.get("type") != "text" or _is_code(part):
        return part
    text = re.sub(r"[ \t\u00a0]+", " ", part["text"])
    text = text.lstrip() if place == 0 or parts[place - 1] == _BREAK else text
    text = text.rstrip() if place == len(parts) - 1 or parts[place + 1] == _BREAK else text
    return {**part, "text": text}
