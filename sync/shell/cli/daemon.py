"""`trackdown daemon`."""

from __future__ import annotations

import signal
import threading
from typing import Annotated, Literal

import typer

from sync.shell.cli.common import BridgeOption, load_config
from sync.shell.cli.errors import ExitCode


def daemon(
    ctx: typer.Context,
    bridge: BridgeOption = None,
    log: Annotated[
        Literal["auto", "human", "json"], typer.Option("--log", help="The form of the log on stderr.")
    ] = "auto",
) -> None:
    """Run every bridge's cycles on its interval until SIGTERM or Ctrl-C, which finish the write in hand.

    The first cycle starts at once. After a crash, start it again: it takes up what was left.
    Logs changes of state, not every poll; JSON lines unless stderr is a terminal.

    Example:  [bold]trackdown --config /etc/trackdown.toml daemon --log json[/]
    """
    from sync.engine.cycle import run_cycle
    from sync.shell import logs
    from sync.shell.app import Effects, open_bridges, open_store
    from sync.shell.daemon import Daemon
    from sync.shell.signals import signals

    config = load_config(ctx)
    logs.configure(config.secrets, as_json=None if log == "auto" else log == "json")
    stop = threading.Event()
    with (
        signals(stop) as came,
        open_store(config) as store,
        open_bridges(config, store, only=bridge, effects=Effects(stop=stop)) as bridges,
    ):
        every = {one.name: config.bridges[one.name].every for one in bridges}
        Daemon(bridges, every, run_cycle, stop=stop).run()
    if signal.SIGINT in came:
        raise typer.Exit(ExitCode.INTERRUPTED)
