"""A form with one file in it, read from the disk as it is sent."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_SAFE_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")


class Multipart:
    """What `requests` takes for a body: read in pieces, with a length that is known before. `name` is data, not a path."""

    def __init__(self, file: BinaryIO, size: int, *, name: str, media_type: str) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        kind = media_type if _SAFE_TYPE.fullmatch(media_type) else "application/octet-stream"
        # As browsers do; a line break would end the header.
        shown = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{shown}"\r\nContent-Type: {kind}\r\n\r\n'
        self._head = head.encode()
        self._file = file
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._length = len(self._head) + size + len(self._tail)
        self._left = size

    def __len__(self) -> int:
        return self._length

    def read(self, size: int = -1) -> bytes:
        """The next piece, or without a size all of them; a file that is shorter than was said breaks the request off."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(self._length), b""))
        wanted = size
        if self._head:
            piece, self._head = self._head[:wanted], self._head[wanted:]
            return piece
        if self._left:
            piece = self._file.read(min(wanted, self._left))
            if not piece:
                raise OSError("the file became shorter while it was sent")
            self._left -= len(piece)
            return piece
        piece, self._tail = self._tail[:wanted], self._tail[wanted:]
        return piece


@contextmanager
def form_of(path: Path, *, name: str, media_type: str) -> Iterator[Multipart]:
    """The form for a file on the disk."""
    with path.open("rb") as file:
        yield Multipart(file, path.stat().st_size, name=name, media_type=media_type)
