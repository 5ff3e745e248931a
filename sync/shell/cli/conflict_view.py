"""Conflicts on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.columns import Columns
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sync.core.fieldrules import rule_of
from sync.core.models import Value
from sync.shell.cli.common import terminal_width
from sync.shell.review import ClaimView, ConflictView, Piece
from sync.shell.words import count, moment, safe, say

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {"same": "", "added": "bold green underline", "removed": "red strike"}
#: How pieces are told apart where there is no colour.
_PLAIN = {"same": "{}", "added": "{{+{}+}}", "removed": "[-{}-]"}
_STATES = {"open": "yellow", "settled": "dim", "resolved": "green"}


def render_list(views: Sequence[ConflictView], out: Console) -> None:
    """One line a conflict."""
    if not views:
        out.print("No conflicts.")
        return
    table = Table(box=None, padding=(0, 2), show_edge=False)
    for heading in ("id", "state", "ticket", "field", "what happened"):
        table.add_column(heading, no_wrap=heading != "what happened")
    for view in views:
        state = "waits for you" if view.waits else view.state
        table.add_row(
            view.id,
            Text(state, style=_STATES[view.state]),
            view.ticket,
            rule_of(view.field).label,
            Text(safe(view.sentence)),
        )
    out.print(table)
    if waiting := [view for view in views if view.waits]:
        out.print(f"\n{count(len(waiting), 'conflict')} waiting. Next: trackdown conflicts show {waiting[0].id}")


def render_one(view: ConflictView, out: Console) -> None:
    """The base and every claim side by side, then what was proposed, what was chosen, and how to choose."""
    out.print(Text.assemble((view.id, "bold"), f"  {view.ticket}  ", safe(view.title)))
    out.print(Text(safe(view.sentence)))
    for place, url in view.links:
        out.print(Text(f"  {safe(place)}  {safe(url)}", style="dim"))
    width = max(28, terminal_width() // (len(view.claims) + 1) - 1) if out.is_terminal else 38
    base = Panel(Text(say(view.base), overflow="fold"), title="before", subtitle=view.past, width=width)
    out.print(Columns([base, *(_panel(claim, width, coloured=out.color_system is not None) for claim in view.claims)]))
    if view.waits:
        out.print(Text.assemble("Proposed: ", (_one_line(view.proposed), "bold")))
        out.print("\nResolve it with one of:")
        for claim in view.claims:
            if claim.take is not None:
                out.print(f"  trackdown conflicts resolve {view.id} --take {claim.take}")
        out.print(f"  trackdown conflicts resolve {view.id} --value '…'")
        return
    out.print(Text.assemble("Chosen by ", view.by, ": ", (_one_line(view.chosen), "bold")))
    if view.state == "settled":
        takes = [claim for claim in view.claims if claim.take is not None and not claim.chosen]
        for claim in takes:
            out.print(f"Another one after all: trackdown conflicts resolve {view.id} --take {claim.take}")


def _panel(claim: ClaimView, width: int, *, coloured: bool) -> Panel:
    when = moment(claim.at) + (" (uncertain)" if claim.uncertain else "")
    mark = "taken" if claim.chosen else "proposed" if claim.proposed else ""
    said = _diff(claim.diff, coloured=coloured)
    return Panel(
        Group(said, Text(f"\n→ {mark}", style="bold")) if mark else said,
        title=Text(safe(f"{claim.who} in {claim.where}")),
        subtitle=Text(when),
        width=width,
        border_style="green" if claim.chosen else "",
    )


def _diff(pieces: Sequence[Piece], *, coloured: bool) -> Text:
    text = Text(overflow="fold")  # beside the others it would be cut where a word is too long
    for piece in pieces:
        if coloured:
            text.append(safe(piece.text), style=_STYLES[piece.kind])
        else:
            text.append(_PLAIN[piece.kind].format(safe(piece.text)))
    return text


def _one_line(value: Value) -> str:
    lines = say(value).splitlines() or [""]
    return lines[0] if len(lines) == 1 else f"{lines[0]} … ({len(lines)} lines)"
