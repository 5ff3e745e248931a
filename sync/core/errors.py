"""Errors by what to do next, not by where they came from.

TrackdownError
├── ConfigError          mend the config or the mapping; all problems at once   (exit 2)
├── TrackerError         something between us and one tracker
│   ├── Retryable        the same request may be sent again, after `after`
│   │   ├── Limited      the tracker's limit, or our pace for it, lets nothing more through until `after`
│   │   └── Unreachable  nothing was answered and nothing was written           (exit 4)
│   ├── AuthFailed       mend the credentials                                   (exit 4)
│   ├── Forbidden        this one is not allowed; the others go on
│   ├── PreconditionFailed  it changed under us: read again and decide again
│   ├── Rejected         the tracker refused the values; `problems` says which
│   ├── Unsupported      this server can't do it at all
│   ├── Malformed        the answer can't be understood
│   └── Uncertain        sent, answer unknown: find or fetch, never send again blindly
├── StoreError           the store can't be read or written
├── Halted               a guard stopped the cycle; a person decides            (exit 3)
└── InvariantBroken      a bug: stop before it does harm
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sync.core.models import FieldProblem


class TrackdownError(Exception):
    """The root of every error that a caller may want to catch."""


class ConfigError(TrackdownError):
    """Everything that is wrong with a config or a mapping; each problem names its place and the mend."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class TrackerError(TrackdownError):
    """Something between us and one tracker; the message names what was asked and holds no secret."""


class Retryable(TrackerError):
    """Nothing was done; the same request may be sent again after `after` (None: by our own back-off)."""

    def __init__(self, message: str, *, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


class Limited(Retryable):
    """A limit of the tracker, or our pace for it, is used up: nothing was done, and nobody is at fault."""


class Unreachable(Retryable):
    """No connection, so nothing was done."""


class AuthFailed(TrackerError):
    """The tracker does not know our credentials."""


class Forbidden(TrackerError):
    """The tracker knows us and says no."""


class PreconditionFailed(TrackerError):
    """The ticket changed since we read it; nothing was written."""


class Rejected(TrackerError):
    """The tracker refused the request as it stands; nothing was written."""

    def __init__(self, message: str, problems: Sequence[FieldProblem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class Moved(Rejected):
    """The tracker answered with a redirect: the project or the ticket lives at `location` now."""

    def __init__(self, message: str, *, location: str) -> None:
        super().__init__(message)
        self.location = location


class Unsupported(TrackerError):
    """The server has no such feature."""


class Malformed(TrackerError):
    """A successful answer that is not what the API promises (cut off, not JSON, members missing)."""


class Uncertain(TrackerError):
    """A write was sent and its answer was lost: it may have been done."""


class StoreError(TrackdownError):
    """The store can't be opened, read or written."""


class BridgeBusy(TrackdownError):
    """Another worker holds the bridge; the message says who."""


class LeaseLost(TrackdownError):
    """Another worker took the bridge over while we were paused: nothing more may be committed."""


class Halted(TrackdownError):
    """A guard stopped the cycle before anything was written."""


class InvariantBroken(TrackdownError):
    """Something that the design rules out has happened."""
