"""`trackdown audit` and `trackdown audit verify`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from sync.core.errors import ConfigError
from sync.shell.cli.common import Json, load_config, note, show
from sync.shell.cli.errors import ExitCode

if TYPE_CHECKING:
    from rich.console import Console

    from sync.core.ids import TicketId
    from sync.store import Tx
    from sync.store.records import AuditRecord

app = typer.Typer(help="The log of everything that was written, and why.", invoke_without_command=True)


@app.callback(epilog="Example:  [bold]trackdown audit --ticket ISSUE-12[/]")
def audit(
    ctx: typer.Context,
    ticket: Annotated[str | None, typer.Option(metavar="KEY", help="Only this ticket (ISSUE-12, PAY-12).")] = None,
    run: Annotated[str | None, typer.Option(metavar="ID", help="Only this run (R-7).")] = None,
    last: Annotated[int, typer.Option("--last", metavar="N", min=0, help="The newest N entries; 0 for all.")] = 50,
    as_json: Json = False,
) -> None:
    """Show what was written: before each write its intent, after it the outcome, with the values before and after.

    Example:  [bold]trackdown audit --ticket ISSUE-12[/]
    """
    if ctx.invoked_subcommand is not None:
        return
    from sync.core.ids import RunId, TicketId
    from sync.shell.app import open_store
    from sync.shell.find import tickets_by_key
    from sync.shell.words import plain

    config = load_config(ctx, need_secrets=False)
    with open_store(config) as store, store.read() as tx:
        ids = [one.id for one in tickets_by_key(tx, config.bridges, ticket)] if ticket is not None else [None]
        wanted = RunId(run) if run is not None else None
        entries = [entry for one in ids for entry in tx.audit.entries(one, wanted, limit=last or None)]
        keys = {entry.ticket: _key(tx, entry.ticket) for entry in entries if entry.ticket is not None}
        rows = [{**plain(entry), "key": keys.get(entry.ticket or TicketId(""))} for entry in entries]
        show({"entries": rows}, as_json, lambda out: _render(tx, entries, keys, out))


@app.command()
def verify(
    ctx: typer.Context,
    head: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:HASH", help="A head that was kept elsewhere: the log must still have it."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the log: that no entry was changed, removed, moved or put in between, and that every request is told of.

    Prints the log's head. Somebody who may write the store can rewrite the whole log so that it looks right; keep the
    head where they can't write, and give it back with --head to find that too.

    Example:  [bold]trackdown audit verify && echo the log is whole[/]
    """
    from sync.shell.app import open_store

    kept = None if head is None else _head(head)
    config = load_config(ctx, need_secrets=False)
    with open_store(config) as store, store.read() as tx:
        entries, newest = tx.audit.head()
        broken = tx.audit.verify(kept)
    now = f"{entries}:{newest}"
    document = {
        "whole": broken is None,
        "entry": broken and broken[0],
        "reason": broken and broken[1],
        "entries": entries,
        "head": now,
    }
    whole = f"The log is whole. Its head, to keep elsewhere: {now}"
    show(document, as_json, lambda out: out.print(whole if broken is None else "The log was changed."))
    if broken is not None:
        sound = f"; the entries before it are as they were written ({broken[0] - 1})" if broken[0] > 1 else ""
        note(f"{broken[1]}{sound}. Compare it with a backup: `trackdown audit --last 0`")
        raise typer.Exit(ExitCode.PROBLEMS)


def _head(text: str) -> tuple[int, str]:
    number, _, digest = text.partition(":")
    if not number.isdecimal() or len(digest) != 64:
        raise ConfigError([f"--head {text}: it is a number, a colon and 64 digits, as `audit verify` prints it"])
    return int(number), digest


def _key(tx: Tx, ticket: TicketId) -> str:
    record = tx.tickets.get(ticket)
    return record.key if record is not None else ticket


def _render(tx: Tx, entries: list[AuditRecord], keys: dict[TicketId, str], out: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    from sync.shell.words import moment, safe

    if not entries:
        out.print("The log has nothing on that.")
        return
    table = Table(box=None, padding=(0, 1), show_edge=False)
    for heading in ("#", "when", "run", "phase", "tracker", "ticket", "what"):
        table.add_column(heading, no_wrap=heading != "what", overflow="fold")
    for entry in entries:
        said = entry.note if entry.note.startswith(entry.action) else f"{entry.action} {entry.note}".strip()
        what = Text(safe(said))
        for name, old, new in _changes(tx, entry.before, entry.after):
            what.append(f"\n{safe(name)}: {safe(old)} → {safe(new)}", style="dim")
        key = keys.get(entry.ticket, "") if entry.ticket is not None else ""
        table.add_row(str(entry.seq), moment(entry.at), entry.run or "", entry.phase, entry.replica or "", key, what)
    out.print(table)


def _changes(tx: Tx, before: object, after: object) -> Iterator[tuple[str, str, str]]:
    """What differs, member by member; our ids by keys and names."""
    from sync.shell.words import excerpt
    from sync.store.naming import text_in_words

    def say(value: object) -> str:
        said = ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")
        return excerpt(text_in_words(tx, said))

    if isinstance(before, dict | None) and isinstance(after, dict | None):
        old, new = before or {}, after or {}
        yield from (
            (name, say(old.get(name)), say(new.get(name))) for name in old | new if old.get(name) != new.get(name)
        )
    else:
        yield "value", say(before), say(after)
