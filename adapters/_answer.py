"""The body of an answer, read no further than it may be large: packed, a few kilobytes can become gigabytes."""

from __future__ import annotations

from typing import Final

import requests

#: In bytes, unpacked. A hundred tickets with all that their trackers allow in a text are a tenth of this.
LARGEST: Final = 64 * 1024 * 1024
_CHUNK: Final = 65_536


class TooLargeError(Exception):
    """An answer beyond the limit; it was not read to its end."""


def read_body(response: requests.Response, *, limit: int = LARGEST) -> None:
    """Read the body into `response.content`; `TooLargeError` as soon as more than `limit` bytes were unpacked.

    urllib3 (from 2.6) unpacks no more at once than it is asked for, so neither does the rest stand in memory.
    """
    taken = bytearray()
    for chunk in response.iter_content(_CHUNK):
        taken += chunk
        if len(taken) > limit:
            response.close()
            raise TooLargeError(f"the answer is larger than {limit // 1024**2:,} MiB, and was not read")
    response._content = bytes(taken)  # noqa: SLF001 - as `content` keeps it
    response._content_consumed = True  # noqa: SLF001
