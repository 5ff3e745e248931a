"""`trackdown people`: who is who in the trackers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sync.shell.cli.common import BridgeOption, Json, invocation, load_config, note, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from sync.core.ids import ReplicaName
    from sync.core.mapping import People
    from sync.engine.people import Review, Seen
    from sync.shell.configfile import Config

app = typer.Typer(help="Who is who in the trackers.", no_args_is_help=True)


@app.command("list")
def list_(ctx: typer.Context, bridge: BridgeOption = None, as_json: Json = False) -> None:
    """List every account that stands in a ticket, with the person that it is in the config.

    Example:  [bold]trackdown people list[/]
    """
    config = load_config(ctx, need_secrets=False)
    seen, _ = _seen(config, bridge)
    document = {"accounts": [_row(one) for one in seen]}
    show(document, as_json, lambda out: _render(seen, out))


@app.command()
def match(
    ctx: typer.Context,
    write: Annotated[bool, typer.Option("--write", help="Write the matches into the config.")] = False,
    bridge: BridgeOption = None,
    as_json: Json = False,
) -> None:
    """Find accounts that are one person: those with the same mail address; equal names are listed for you to judge.

    Nothing is guessed, and nothing is written without [bold]--write[/].

    Example:  [bold]trackdown people match[/]
    """
    from sync.engine.people import review

    config = load_config(ctx, need_secrets=False)
    found = review(*_seen(config, bridge))
    path = invocation(ctx).config
    if write and found.matches:
        _write(path, found)
    document = {
        "matches": [
            {
                "person": one.person,
                "name": one.name,
                "accounts": {str(name): account for name, account in one.accounts.items()},
                "reason": one.reason,
            }
            for one in found.matches
        ],
        "doubts": list(found.doubts),
        "written": write,
    }
    show(document, as_json, lambda out: _render_review(found, out, write, path))


def _seen(config: Config, bridge: str | None) -> tuple[list[Seen], Mapping[ReplicaName, People]]:
    from sync.engine.people import seen_accounts
    from sync.shell.app import chosen, open_store, people_in

    names = list(chosen(config, bridge))
    people = {name: people_in(config, name) for name in config.trackers}
    codecs = {name: tracker.kind.codec() for name, tracker in config.trackers.items()}
    with open_store(config) as store, store.read() as tx:
        return seen_accounts(tx, names, codecs, people), people


def _row(one: Seen) -> dict[str, Any]:
    return {
        "tracker": one.replica,
        "account": one.account.ids[0],
        "name": one.account.name,
        "mail": one.account.mail or None,
        "person": one.person,
        "tickets": one.tickets,
    }


def _render(seen: list[Seen], out: Console) -> None:
    from rich.table import Table

    from sync.shell.words import safe

    if not seen:
        out.print("No ticket has been read yet: run `trackdown sync` first.")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("TRACKER", "ACCOUNT", "NAME", "MAIL", "PERSON", "TICKETS"):
        table.add_column(title, overflow="fold", justify="right" if title == "TICKETS" else "left")
    for one in seen:
        account = one.account
        row = (one.replica, account.ids[0], account.name, account.mail, one.person or "-", str(one.tickets))
        table.add_row(*(safe(cell) for cell in row))
    out.print(table)
    unknown = sum(one.person is None for one in seen)
    if unknown:
        note(f"{unknown} of them are nobody in [people]; `trackdown people match` says which are one person.")


def _render_review(found: Review, out: Console, written: bool, path: Path) -> None:
    from sync.shell.words import safe

    if not found.matches:
        out.print("No two accounts are one person beyond doubt that the config does not know already.")
    for one in found.matches:
        lines = [f"# {one.reason}", f"[people.{one.person}]"]
        said = [("name", one.name)] if one.name else []
        said += [(str(tracker), account) for tracker, account in one.accounts.items()]
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in said]
        out.print("\n".join(safe(line) for line in lines) + "\n")
    if found.matches:
        note(f"Written into {path}." if written else f"Add these to {path}, or run `trackdown people match --write`.")
    for doubt in found.doubts:
        out.print(f"? {safe(doubt)}")


def _write(path: Path, found: Review) -> None:
    """Add the matches to the config; everything else in the file stays as it is."""
    import os

    import tomlkit

    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    people = document.setdefault("people", tomlkit.table(is_super_table=True))
    for one in found.matches:
        table = people.setdefault(one.person, tomlkit.table())
        if one.name and "name" not in table:
            table["name"] = one.name
        for tracker, account in one.accounts.items():
            table[tracker] = account
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(tomlkit.dumps(document), encoding="utf-8")
    beside.chmod(path.stat().st_mode)
    os.replace(beside, path)  # noqa: PTH105 - the old file or the new one, never half of one
