"""`trackdown`: the commands put together. Commands import what they need when they run, so that help is quick."""

from __future__ import annotations

import inspect
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sync.core.errors import ConfigError
from sync.shell.cli import (
    audit,
    conflicts,
    daemon,
    demo,
    doctor,
    init,
    links,
    people,
    simulate,
    status,
    sync,
    undo,
    verify,
)
from sync.shell.cli.common import Invocation
from sync.shell.cli.errors import report

#: Options of `trackdown` itself that are also understood after a command.
_ANYWHERE = {"--config": True, "--debug": False}

app = typer.Typer(
    name="trackdown",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="A new start: [bold]trackdown init[/], [bold]trackdown doctor[/], [bold]trackdown plan[/], [bold]trackdown sync[/]. "
    "To see it work first: [bold]trackdown demo[/].",
)
app.command("init")(init.init)
app.command("doctor")(doctor.doctor)
app.command("plan")(sync.plan)
app.command("apply")(sync.apply)
app.command("sync")(sync.sync)
app.command("undo")(undo.undo)
app.command("daemon")(daemon.daemon)
app.command("status")(status.status)
app.command("verify")(verify.verify)
app.add_typer(conflicts.app, name="conflicts")
app.add_typer(audit.app, name="audit")
app.add_typer(links.app, name="links")
app.add_typer(people.app, name="people")
app.command("demo")(demo.demo)
app.command("simulate")(simulate.simulate)


def _reflow(group: typer.Typer) -> None:
    """Give every command its docstring as help, with paragraphs as wide as the terminal likes them."""
    for command in group.registered_commands:
        paragraphs = inspect.cleandoc(getattr(command.callback, "__doc__", None) or "").split("\n\n")
        command.help = "\n\n".join(" ".join(paragraph.split("\n")) for paragraph in paragraphs)
    for nested in group.registered_groups:
        if nested.typer_instance is not None:
            _reflow(nested.typer_instance)


_reflow(app)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"trackdown {version('trackdown')}")
        raise typer.Exit


@app.callback()
def trackdown(
    ctx: typer.Context,
    config: Annotated[
        Path, typer.Option("--config", metavar="FILE", envvar="TRACKDOWN_CONFIG", help="The config to work with.")
    ] = Path("trackdown.toml"),
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
    _asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Keeps tickets in step between Jira, GitHub Issues and Azure DevOps.

    People edit wherever they like to work; every other place follows, and nothing anybody wrote is lost.
    """
    called = ctx.ensure_object(Invocation)
    called.config, called.debug = config, debug


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; nothing but `SystemExit` of completion gets out."""
    called = Invocation(debug="--debug" in arguments)
    try:
        result = app(args=_hoisted(arguments), obj=called, prog_name="trackdown", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read us has seen enough; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - this is the boundary
        return report(error, called, as_json="--json" in arguments)
    return int(result or 0)


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a ticket may hold what the terminal's encoding can't say
    sys.exit(run(sys.argv[1:]))


def _hoisted(arguments: Sequence[str]) -> list[str]:
    """The same with `--config FILE` and `--debug` brought to the front, wherever they stand."""
    front: list[str] = []
    rest: list[str] = []
    pending = list(arguments)
    while pending:
        word = pending.pop(0)
        if word == "--":
            rest += [word, *pending]
            break
        if word in _ANYWHERE:
            front.append(word)
            if _ANYWHERE[word]:
                if not pending:
                    raise ConfigError([f"{word} needs a FILE after it"])
                front.append(pending.pop(0))
        elif word.startswith("--config="):
            front.append(word)
        else:
            rest.append(word)
    return front + rest


if __name__ == "__main__":
    main()
