"""What every command shares: its options, the config, one document on stdout and everything else on stderr."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from sync.shell.configfile import Config

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
BridgeOption = Annotated[str | None, typer.Option("--bridge", metavar="NAME", help="Only this bridge.")]


@dataclass(slots=True)
class Invocation:
    """What stands before the command; `secrets` fills up as they become known, so that nothing shows them."""

    config: Path = Path("trackdown.toml")
    debug: bool = False
    secrets: set[str] = field(default_factory=set)

    def redact(self, text: str) -> str:
        """The text without any secret known so far."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            if len(secret) >= 6:
                text = text.replace(secret, "***")
        return text


def invocation(ctx: typer.Context) -> Invocation:
    """What stands before the command."""
    found = ctx.find_object(Invocation)
    assert found is not None
    return found


def load_config(ctx: typer.Context, *, need_secrets: bool = True) -> Config:
    """The checked config; its warnings go to stderr."""
    from sync.shell.configfile import load

    called = invocation(ctx)
    config = load(called.config, need_secrets=need_secrets)
    called.secrets |= config.secrets
    for warning in config.warnings:
        note(f"warning: {warning}")
    return config


def show(document: Any, as_json: bool, render: Callable[[Console], None]) -> None:
    """The result: `document` as JSON, or what `render` prints for people."""
    if as_json:
        from sync.shell.words import plain

        print(json.dumps(plain(document), indent=2))
    else:
        render(console())


def console(*, stderr: bool = False) -> Console:
    """A terminal's width and colours, or 120 plain columns for a pipe."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else int(os.environ.get("COLUMNS") or 120)
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)


def note(message: str) -> None:
    """Something beside the result, for people."""
    print(message, file=sys.stderr)


def terminal_width() -> int:
    """Columns to lay things side by side in."""
    return shutil.get_terminal_size((120, 40)).columns
