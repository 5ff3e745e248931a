"""Why a request broke off, found below the layers of libraries that each wrap it anew."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

import requests
import urllib3.exceptions


def never_sent(error: BaseException) -> bool:
    """Whether the connection was never made, so that the server can't have seen the request."""
    return any(
        isinstance(
            cause,
            urllib3.exceptions.NewConnectionError
            | urllib3.exceptions.ConnectTimeoutError
            | urllib3.exceptions.NameResolutionError
            | requests.exceptions.InvalidURL
            | requests.exceptions.InvalidSchema
            | ssl.SSLCertVerificationError  # any other TLS error may come after the request was sent
            | requests.exceptions.ConnectTimeout,
        )
        for cause in _chain(error)
    )


def root_cause(error: BaseException) -> str:
    """The innermost cause that says something, in words."""
    causes = list(_chain(error))
    plain = next(
        (cause for cause in causes if isinstance(cause, OSError) and cause.strerror),
        causes[-1],
    )
    return f"{type(plain).__name__}: {plain}" if str(plain) else type(plain).__name__


def _chain(error: BaseException) -> Iterable[BaseException]:
    # Not `__context__`: an earlier failure that somebody is dealing with is no cause of this one.
    seen: set[int] = set()
    pending: list[Any] = [error]
    while pending:
        current = pending.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        pending += [
            *current.args,
            getattr(current, "reason", None),
            current.__cause__,
        ]
