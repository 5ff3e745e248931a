"""`trackdown simulate`."""

from __future__ import annotations

import json
import signal
import socket
import threading
from typing import Annotated

import typer

from sync.core.errors import ConfigError
from sync.shell.cli.common import note


def simulate(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="jira, github, azure_devops, or a plug-in's kind.")],
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)] = 0,
    tickets: Annotated[int, typer.Option(help="How many tickets to begin with.", min=0)] = 40,
    token: Annotated[str, typer.Option(help="The token that lets a bridge in.")] = "token-bridge",  # noqa: S107 - no secret
) -> None:
    r"""Run a simulated tracker on this machine, for rehearsing a mapping; stops at SIGTERM or Ctrl-C.

    When it is ready it prints one line of JSON: kind, url, and `project` and `auth` as a \[trackers.x] table takes them.

    Example:  [bold]trackdown simulate jira --port 8081 --tickets 100[/]
    """
    from sync.shell.places import did_you_mean
    from sync.shell.registry import kinds, serve

    if kind not in kinds():
        raise ConfigError([f"no such kind of tracker {kind!r}: {did_you_mean(kind, kinds())}"])
    _check(port)
    simulator = kinds()[kind].simulator(token=token)
    simulator.seed(tickets)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: ended.set())
    with serve(simulator, port=port):
        print(json.dumps(simulator.description()), flush=True)
        note(f"simulating {kind}; Ctrl-C ends it")
        ended.wait()


def _check(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigError([f"port {port} can't be taken ({error.strerror}): choose another with --port"]) from None
