"""`trackdown demo`."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the simulators and the store up, for playing.")] = False,
) -> None:
    """Show it at work: three simulated trackers, edits on all sides, a conflict, and where to look.

    Needs no account and no network; the real client libraries talk to simulators on this machine.

    Example:  [bold]trackdown demo --keep[/]
    """
    raise typer.Exit(import_module("sync.shell.demo").run(keep=keep) or 0)
