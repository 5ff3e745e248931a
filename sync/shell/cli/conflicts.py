"""`trackdown conflicts`: the inbox of what could not all be kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sync.core.errors import ConfigError
from sync.shell.cli.common import BridgeOption, Json, load_config, show
from sync.shell.cli.errors import ExitCode

if TYPE_CHECKING:
    from sync.core.ids import ReplicaName
    from sync.core.models import Field, Value
    from sync.shell.configfile import Config
    from sync.shell.review import Directory
    from sync.store import Tx
    from sync.store.records import ConflictRecord

app = typer.Typer(help="What could not all be kept: look at it, and choose.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="As `conflicts list` shows it: C-12.")]


@app.command("list")
def list_(
    ctx: typer.Context,
    bridge: BridgeOption = None,
    state: Annotated[
        Literal["open", "settled", "resolved"] | None,
        typer.Option(help="open waits for a person, settled was decided by policy, resolved by a person."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the conflicts, what waits for a person first. Exit code 5 when something waits.

    Example:  [bold]trackdown conflicts list --state open[/]
    """
    from sync.shell.app import chosen, open_store
    from sync.shell.cli.conflict_view import render_list
    from sync.shell.review import conflict_views

    config = load_config(ctx, need_secrets=False)
    with open_store(config) as store, store.read() as tx:
        directory = _directory(config)
        names = chosen(config, bridge)
        views = [view for name in names for view in conflict_views(tx, directory, bridge=name, state=state)]
        waiting = sum(tx.conflicts.count(name, "open") for name in names)
    show({"conflicts": views, "waiting": waiting}, as_json, lambda out: render_list(views, out))
    raise typer.Exit(ExitCode.CONFLICT if waiting else ExitCode.DONE)


@app.command("show")
def show_(ctx: typer.Context, id_: Id, as_json: Json = False) -> None:
    """Show one conflict: the base and every claim side by side, word by word, and how to resolve it.

    Example:  [bold]trackdown conflicts show C-12[/]
    """
    from sync.shell.app import open_store
    from sync.shell.cli.conflict_view import render_one
    from sync.shell.review import conflict_view

    config = load_config(ctx, need_secrets=False)
    with open_store(config) as store, store.read() as tx:
        view = conflict_view(tx, _record(tx, id_), _directory(config))
    show(view, as_json, lambda out: render_one(view, out))


@app.command()
def resolve(
    ctx: typer.Context,
    id_: Id,
    take: Annotated[str | None, typer.Option(metavar="TRACKER", help="Take what this tracker says.")] = None,
    value: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Take this value; sets as a,b,c; @FILE reads it from a file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Choose: the value goes into the log as yours, and the next sync writes it everywhere.

    Also for a conflict that a policy has settled, when you want another claim after all.

    Example:  [bold]trackdown conflicts resolve C-12 --take github[/]
    """
    from sync.engine.review import resolve_conflict
    from sync.shell.app import open_store
    from sync.shell.review import conflict_view

    config = load_config(ctx, need_secrets=False)
    if (take is None) == (value is None):
        raise ConfigError(["say either --take TRACKER or --value TEXT"])
    with open_store(config) as store:
        with store.read() as tx:
            record = _record(tx, id_)
        if take is not None:
            chosen, replica = _claim_of(record, take)
        else:
            chosen, replica = _parsed(record.field, value or ""), None
        resolve_conflict(store, record.id, chosen=chosen, replica=replica, by=_who())
        with store.read() as tx:
            view = conflict_view(tx, _record(tx, id_), _directory(config))
    show(view, as_json, lambda out: out.print(f"{view.id} is resolved; `trackdown sync` writes it."))


@app.command()
def report(
    ctx: typer.Context,
    html: Annotated[Path, typer.Option("--html", metavar="FILE", help="Where to write the page.")],
    bridge: BridgeOption = None,
    as_json: Json = False,
) -> None:
    """Write the conflicts as one self-contained page that anybody can read, on a phone too.

    Example:  [bold]trackdown conflicts report --html conflicts.html[/]
    """
    from sync.engine.runtime import utc_now
    from sync.shell.app import chosen, open_store
    from sync.shell.page import render_page
    from sync.shell.review import conflict_views
    from sync.shell.words import count

    config = load_config(ctx, need_secrets=False)
    with open_store(config) as store, store.read() as tx:
        directory, names = _directory(config), chosen(config, bridge)
        views = [view for name in names for view in conflict_views(tx, directory, bridge=name)]
        tickets = {name: tx.tickets.count(name) for name in names}
    try:
        html.write_text(render_page(views, tickets, utc_now()), encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{html} can't be written ({error.strerror}): name another file with --html"]) from None
    waiting = sum(view.waits for view in views)
    document = {"file": str(html), "conflicts": len(views), "waiting": waiting}
    show(document, as_json, lambda out: out.print(f"Wrote {html}: {count(len(views), 'conflict')}, {waiting} waiting."))


def _directory(config: Config) -> Directory:
    from sync.shell.app import titles
    from sync.shell.review import Directory

    return Directory(people=config.names, titles={name: titles(config, name) for name in config.bridges})


def _record(tx: Tx, id_: str) -> ConflictRecord:
    record = tx.conflicts.get(id_)
    if record is None:
        raise ConfigError([f"there is no conflict {id_!r}: `trackdown conflicts list` shows them"])
    return record


def _claim_of(record: ConflictRecord, tracker: str) -> tuple[Value, ReplicaName | None]:
    from sync.shell.places import did_you_mean

    for claim in record.claims:
        if claim.replica == tracker:
            return claim.value, claim.replica
    known = [claim.replica for claim in record.claims if claim.replica is not None]
    raise ConfigError([f"{record.id} has no claim of {tracker!r}: {did_you_mean(tracker, known)}"])


def _parsed(field: Field, text: str) -> Value:
    """A value from the command line; words must be canonical ones."""
    from sync.core.fieldrules import Shape, shape_of
    from sync.shell.places import did_you_mean
    from sync.shell.values import words_of

    if text.startswith("@") and shape_of(field) is Shape.TEXT:
        path = Path(text[1:])
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise ConfigError([f"--value: {path} can't be read as UTF-8 text"]) from None
    if shape_of(field) is Shape.SET:
        return frozenset(part.strip() for part in text.split(",") if part.strip())
    words = words_of(field)
    if words and text and text not in words:
        raise ConfigError([f"--value: {text!r} is no {field}: {did_you_mean(text, words)}"])
    return text or None


def _who() -> str:
    import getpass

    return getpass.getuser()
