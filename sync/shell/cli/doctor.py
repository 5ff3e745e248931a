"""`trackdown doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from sync.core.errors import ConfigError, StoreError
from sync.shell.cli.common import BridgeOption, Json, load_config, show
from sync.shell.cli.errors import ExitCode, worst

if TYPE_CHECKING:
    from rich.console import Console

    from sync.shell.configfile import Config
    from sync.shell.doctor import Finding

_CODES = {"problem": ExitCode.PROBLEMS, "refused": ExitCode.TRACKER}
_SIGNS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("x", "red"), "refused": ("x", "red")}


def doctor(ctx: typer.Context, bridge: BridgeOption = None, as_json: Json = False) -> None:
    """Check everything that a sync needs, and say all that is wrong at once. Writes to no tracker.

    Credentials, permissions, whether the mapping knows every word of the project, people, clocks, the store, and
    that our packages are our own. Exit code 1 for problems, 2 for the config, 4 for a tracker that refused us.

    Example:  [bold]trackdown doctor --json | jq '.findings[] | select(.verdict != "ok")'[/]
    """
    from sync.shell.doctor import Finding, examine_installation

    findings = list(examine_installation())
    try:
        config = load_config(ctx)
        findings.append(Finding(verdict="ok", subject="config", message=f"{config.path} is fine"))
        findings += _examine(config, bridge)
        codes = [_CODES[finding.verdict] for finding in findings if finding.verdict in _CODES]
    except ConfigError as error:
        findings += [Finding(verdict="problem", subject="config", message=problem) for problem in error.problems]
        codes = [ExitCode.USAGE]
    except StoreError as error:
        findings.append(Finding(verdict="problem", subject="store", message=str(error)))
        codes = [ExitCode.USAGE]
    show({"findings": findings, "exit": int(worst(codes))}, as_json, lambda out: _render(findings, out))
    raise typer.Exit(worst(codes))


def _examine(config: Config, only: str | None) -> list[Finding]:
    from sync.shell.app import open_bridges, open_store
    from sync.shell.doctor import examine_bridge, examine_store

    with open_store(config) as store:
        findings = list(examine_store(store))
        with open_bridges(config, store, only=only) as bridges:
            return findings + [finding for bridge in bridges for finding in examine_bridge(bridge)]


def _render(findings: list[Finding], out: Console) -> None:
    from rich.text import Text

    from sync.shell.words import count, safe

    for finding in findings:
        sign, style = _SIGNS[finding.verdict]
        out.print(Text.assemble((f"{sign} ", style), (f"{finding.subject}: ", "bold"), safe(finding.message)))
        if finding.mend:
            out.print(Text(f"    {safe(finding.mend)}", style="dim"))
    wrong = sum(finding.verdict in _CODES for finding in findings)
    out.print("Everything is in order." if not wrong else f"{count(wrong, 'problem')} to mend.")
