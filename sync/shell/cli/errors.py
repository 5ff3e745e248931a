"""The boundary: errors become one plain message and an exit code; a traceback only with `--debug`."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterable
from enum import IntEnum

import typer

from sync.core.errors import (
    BridgeBusy,
    ConfigError,
    Halted,
    LeaseLost,
    StoreError,
    TrackdownError,
    TrackerError,
)
from sync.shell.cli.common import Invocation, note


class ExitCode(IntEnum):
    """What a calling program is told."""

    DONE = 0
    PROBLEMS = 1
    USAGE = 2
    HALTED = 3
    TRACKER = 4
    CONFLICT = 5
    INTERRUPTED = 130


#: When several apply, the first of these is told.
_PRECEDENCE = (
    ExitCode.INTERRUPTED,
    ExitCode.USAGE,
    ExitCode.TRACKER,
    ExitCode.HALTED,
    ExitCode.CONFLICT,
    ExitCode.PROBLEMS,
    ExitCode.DONE,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The one to exit with."""
    return min([*codes, ExitCode.DONE], key=_PRECEDENCE.index)


def code_of(error: BaseException) -> ExitCode:
    """The exit code of an error."""
    match error:
        case KeyboardInterrupt() | typer.Abort():
            return ExitCode.INTERRUPTED
        case ConfigError() | StoreError() | OSError() | typer.TyperException():
            return ExitCode.USAGE
        case Halted() | BridgeBusy() | LeaseLost():
            return ExitCode.HALTED
        case TrackerError():
            return ExitCode.TRACKER
    return ExitCode.PROBLEMS


def report(error: BaseException, called: Invocation, *, as_json: bool) -> ExitCode:
    """Say what went wrong, on stderr and as the JSON document where one was asked for."""
    code = code_of(error)
    if called.debug and code is not ExitCode.INTERRUPTED:
        note(called.redact("".join(traceback.format_exception(error))))
    problems = [called.redact(problem) for problem in _problems(error)]
    if isinstance(error, ConfigError) and len(problems) > 1:
        note(f"{len(problems)} problems:")
    for problem in problems:
        note(problem)
    if as_json:
        print(json.dumps({"error": {"exit": int(code), "kind": type(error).__name__, "problems": problems}}, indent=2))
    sys.stdout.flush()
    return code


def _problems(error: BaseException) -> tuple[str, ...]:
    match error:
        case ConfigError():
            return error.problems
        case KeyboardInterrupt() | typer.Abort():
            return ("interrupted",)
        case typer.TyperException():
            message = error.format_message().replace("Value error, ", "")
            return (f"{message} {_where_help_is(error)}".strip(),) if message else ()  # without one, help was shown
        case TrackdownError():
            return (str(error),)
        case OSError(strerror=str(reason)):
            where = f" ({error.filename})" if error.filename is not None else ""
            return (f"this machine says: {reason}{where}; make room, or mend the rights there",)
    return (f"this is a bug in trackdown: {type(error).__name__}: {error} (`--debug` shows where)",)


def _where_help_is(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"(see `{context.command_path} --help`)" if context is not None else ""
