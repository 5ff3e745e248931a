"""`trackdown links`: which tickets are one ticket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sync.core.errors import ConfigError
from sync.shell.cli.common import BridgeOption, Json, load_config, show

if TYPE_CHECKING:
    from rich.console import Console

    from sync.core.ids import BridgeName, ReplicaName
    from sync.shell.configfile import Config
    from sync.store import Tx
    from sync.store.records import LinkRecord

app = typer.Typer(help="Which tickets of which trackers are one ticket.", no_args_is_help=True)


@app.command("list")
def list_(ctx: typer.Context, bridge: BridgeOption = None, as_json: Json = False) -> None:
    """List every ticket with what each tracker calls it.

    Example:  [bold]trackdown links list --bridge payments[/]
    """
    from sync.shell.app import chosen, open_store

    config = load_config(ctx, need_secrets=False)
    with open_store(config) as store, store.read() as tx:
        rows = [row for name in chosen(config, bridge) for row in _rows(tx, name)]
    show({"tickets": rows}, as_json, lambda out: _render(rows, config, out))


@app.command()
def add(
    ctx: typer.Context,
    tickets: Annotated[
        list[str], typer.Argument(metavar="TRACKER=TICKET…", help="Two or more: jira=PAY-12 github=#34")
    ],
    bridge: BridgeOption = None,
    as_json: Json = False,
) -> None:
    """Say that tickets of several trackers are one; the next sync merges them.

    Differing values become conflicts of a first meeting; nothing is overwritten in silence.

    Example:  [bold]trackdown links add jira=PAY-12 github=acme/payments#34[/]
    """
    from sync.engine.adopt import add_link
    from sync.shell.app import open_bridges, open_store

    config = load_config(ctx)
    refs = _references(config, tickets)
    with open_store(config) as store, open_bridges(config, store, only=_bridge_of(config, bridge, refs)) as bridges:
        ticket = add_link(bridges[0], refs)
        with store.read() as tx:
            record = tx.tickets.get(ticket)
    key = record.key if record is not None else ticket
    document = {"ticket": ticket, "key": key, "links": dict(refs)}
    show(document, as_json, lambda out: out.print(f"{key} is {' and '.join(tickets)}; `trackdown sync` merges them."))


@app.command()
def remove(
    ctx: typer.Context,
    ticket: Annotated[str, typer.Argument(metavar="KEY", help="The ticket: ISSUE-12, PAY-12, …")],
    tracker: Annotated[str, typer.Argument(metavar="TRACKER", help="Where it is to stand alone from now on.")],
    as_json: Json = False,
) -> None:
    """Take one tracker's ticket out of step; nothing is deleted anywhere.

    Example:  [bold]trackdown links remove ISSUE-12 github[/]
    """
    from sync.engine.adopt import remove_link
    from sync.shell.app import open_store
    from sync.shell.find import tickets_by_key
    from sync.shell.places import did_you_mean

    config = load_config(ctx, need_secrets=False)
    with open_store(config) as store:
        with store.read() as tx:
            record = tickets_by_key(tx, config.bridges, ticket)[0]
            links = {link.replica: link for link in tx.links.of_ticket(record.id)}
        found = next((link for replica, link in links.items() if replica == tracker), None)
        if found is None:
            raise ConfigError([f"{ticket} has no link to {tracker!r}: {did_you_mean(tracker, links)}"])
        remove_link(store, found.id, by=_who())
    document = {"ticket": record.id, "key": record.key, "removed": {found.replica: found.key}}
    show(document, as_json, lambda out: out.print(f"{found.key} in {tracker} is not {record.key} any more."))


def _who() -> str:
    import getpass

    return getpass.getuser()


def _rows(tx: Tx, bridge: BridgeName) -> Iterator[dict[str, Any]]:
    from sync.core.models import Field

    for ticket in tx.tickets.list(bridge):
        yield {
            "bridge": bridge,
            "ticket": ticket.id,
            "key": ticket.key,
            "title": ticket.canonical.fields.get(Field.TITLE),
            "links": {
                link.replica: {"key": link.key, "url": link.url, "ref": link.ref, "state": _state(link)}
                for link in tx.links.of_ticket(ticket.id)
            },
        }


def _state(link: LinkRecord) -> str:
    return "missing" if link.is_active and link.missing_since is not None else link.state


def _references(config: Config, tickets: list[str]) -> dict[ReplicaName, str]:
    from sync.core.ids import ReplicaName
    from sync.shell.places import did_you_mean

    problems: list[str] = []
    refs: dict[ReplicaName, str] = {}
    for word in tickets:
        name, equals, ref = word.partition("=")
        if not equals or not ref:
            problems.append(f"{word!r}: write TRACKER=TICKET, for example jira=PAY-12")
        elif name not in config.trackers:
            problems.append(f"{word!r}: no tracker {name!r}: {did_you_mean(name, config.trackers)}")
        elif name in refs:
            problems.append(f"{word!r}: {name} stands there twice")
        else:
            refs[ReplicaName(name)] = ref
    if not problems and len(refs) < 2:
        problems.append("a link joins tickets of two or more trackers")
    if problems:
        raise ConfigError(problems)
    return refs


def _bridge_of(config: Config, named: str | None, refs: dict[ReplicaName, str]) -> str:
    fitting = [name for name, bridge in config.bridges.items() if set(refs) <= set(bridge.trackers)]
    if named is not None:
        return named
    if len(fitting) != 1:
        which = f"several bridges join {' and '.join(refs)}" if fitting else f"no bridge joins {' and '.join(refs)}"
        raise ConfigError([f"{which}{': name one with --bridge' if fitting else ''}"])
    return fitting[0]


def _render(rows: list[dict[str, Any]], config: Config, out: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    from sync.shell.words import excerpt

    if not rows:
        out.print("Nothing is linked yet: run `trackdown sync`, or `trackdown links add`.")
        return
    trackers = [name for name in config.trackers if any(name in row["links"] for row in rows)]
    table = Table(box=None, padding=(0, 2), show_edge=False)
    for heading in ("ticket", *trackers, "title"):
        table.add_column(heading, no_wrap=True, overflow="ellipsis")
    for row in rows:
        cells = [
            Text(link["key"] + ("" if link["state"] == "active" else f" ({link['state']})"))
            if (link := row["links"].get(name))
            else Text("-", style="dim")
            for name in trackers
        ]
        table.add_row(row["key"], *cells, Text(excerpt(row["title"])))
    out.print(table)
