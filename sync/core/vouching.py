"""Until a write leaves, the engine vouches for it: a transport asks once more when nothing is left to wait for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_asked: ContextVar[Callable[[], None] | None] = ContextVar("vouching", default=None)


@contextmanager
def vouched(by: Callable[[], None]) -> Iterator[None]:
    """Within the block, `vouch` in this thread asks `by`, which raises where the write may not leave any more."""
    token = _asked.set(by)
    try:
        yield
    finally:
        _asked.reset(token)


def vouch() -> None:
    """For a transport, right before a write leaves: raises what forbids it; nothing where nobody is asked."""
    by = _asked.get()
    if by is not None:
        by()
