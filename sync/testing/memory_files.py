"""The files of a tracker in memory."""

from __future__ import annotations

from urllib.parse import quote

from sync.core.models import JsonObject


class MemoryFiles:
    """Uploaded bytes by the id of their file."""

    def __init__(self, tracker: str) -> None:
        self._tracker = tracker
        self._contents: dict[str, bytes] = {}
        self._made = 0

    def add(self, name: str, content: bytes, media_type: str) -> JsonObject:
        """Keep a file; what a payload says of it."""
        self._made += 1
        file = f"f{self._made}"
        self._contents[file] = content
        url = f"https://{self._tracker}.example/files/{file}/{quote(name, safe='')}"
        return {"id": file, "name": name, "size": len(content), "type": media_type, "url": url}

    def remove(self, file: str) -> None:
        """Forget a file."""
        self._contents.pop(file, None)

    def content(self, file: str) -> bytes | None:
        """The bytes of a file; None for one that is not there."""
        return self._contents.get(file)
