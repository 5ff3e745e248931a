"""Connections that ask whether a write may still leave when nothing is left to do but to send it."""

from __future__ import annotations

from functools import cache
from typing import Any

from sync.core.vouching import vouch


class _Vouching:
    """Of a connection class. Headers and body are sent one after the other: a body that stays behind undoes the request."""

    def send(self, data: Any) -> None:
        """Ask, then send."""
        vouch()
        super().send(data)  # type: ignore[misc]


@cache
def vouching(connection: type) -> type:
    """The connection class, with that question before each sending."""
    return type(f"Vouching{connection.__name__}", (_Vouching, connection), {})
