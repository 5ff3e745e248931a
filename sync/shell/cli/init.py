"""`trackdown init`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sync.core.errors import ConfigError, TrackdownError
from sync.shell.cli.common import Json, invocation, note, show

if TYPE_CHECKING:
    from sync.shell.setup import TrackerDraft

_NAME = re.compile(r"^[A-Za-z0-9_-]+$")


def init(
    ctx: typer.Context,
    tracker: Annotated[
        list[str] | None,
        typer.Option("--tracker", metavar="NAME=KIND", help="A tracker to begin with; give it twice or more."),
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME.KEY=VALUE", help="An answer: jira.url=…, jira.auth.token=env:JIRA_TOKEN"),
    ] = None,
    select: Annotated[
        list[str] | None, typer.Option(metavar="NAME=QUERY", help="Which tickets take part: github=label:sync")
    ] = None,
    bridge: Annotated[str, typer.Option("--bridge", metavar="NAME", help="What to call the bridge.")] = "main",
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Ask each tracker whether the answers work.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Write over a config that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write a config: asks for each tracker, checks the answers against it, and says what to do next.

    Secrets are never written, only where to find them (env:NAME, file:path, keyring:service/name). Without a
    terminal nothing is asked: give everything by --tracker and --set.

    Example:  [bold]trackdown init --tracker jira=jira --tracker github=github --set github.project=acme/payments …[/]
    """
    from sync.shell.setup import render_config

    path = invocation(ctx).config
    if path.exists() and not force:
        raise ConfigError([f"{path} is there already: --force writes over it, --config names another"])
    asking = sys.stdin.isatty() and not as_json
    drafts = _drafts(tracker or [], asking)
    _take(drafts, answer or [])
    selection = _pairs(select or [], {draft.name for draft in drafts}, "--select")
    for draft in drafts:
        _complete(draft, path.resolve().parent, asking=asking, check=check, select=selection.get(draft.name))
    if not _NAME.match(bridge):
        raise ConfigError([f"--bridge {bridge!r}: a bridge's name is made of letters, digits, - and _"])
    try:
        path.write_text(render_config(drafts, bridge, selection), encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{path} can't be written ({error.strerror})"]) from None
    document = {"file": str(path), "trackers": [draft.name for draft in drafts], "bridge": bridge, "next": "doctor"}
    at = "" if path == Path("trackdown.toml") else f" --config {path}"
    message = f"Wrote {path}. Next: trackdown{at} doctor, then trackdown{at} plan"
    show(document, as_json, lambda out: out.print(message))


def _drafts(named: list[str], asking: bool) -> list[TrackerDraft]:
    from sync.shell.places import did_you_mean
    from sync.shell.registry import kinds
    from sync.shell.setup import TrackerDraft

    if not named and asking:
        note(f"Kinds of trackers: {', '.join(kinds())}")
        said = typer.prompt("Which do you want to keep in step?", default="jira, github", err=True)
        named = [f"{kind}={kind}" for kind in re.split(r"[,\s]+", said.strip())]
    problems: list[str] = []
    drafts: dict[str, TrackerDraft] = {}
    for word in named:
        name, _, kind = word.partition("=")
        kind = kind or name
        if not _NAME.match(name):
            problems.append(f"{word!r}: a tracker's name is made of letters, digits, - and _")
        elif kind not in kinds():
            problems.append(f"{word!r}: no such kind of tracker: {did_you_mean(kind, kinds())}")
        elif name in drafts:
            problems.append(f"{word!r}: {name} stands there twice")
        else:
            drafts[name] = TrackerDraft(name=name, kind=kinds()[kind])
    if not problems and len(drafts) < 2:
        problems.append("name two trackers or more: --tracker jira=jira --tracker github=github")
    if problems:
        raise ConfigError(problems)
    return list(drafts.values())


def _take(drafts: list[TrackerDraft], answers: list[str]) -> None:
    """Put `name.key=value` where it belongs."""
    from sync.shell.places import did_you_mean

    by_name = {draft.name: draft for draft in drafts}
    for word in answers:
        place, equals, value = word.partition("=")
        name, *keys = place.split(".")
        if not equals or not keys or name not in by_name:
            hint = did_you_mean(name, by_name) if name not in by_name else "write NAME.KEY=VALUE"
            raise ConfigError([f"--set {place}: {hint}"])
        by_name[name].answers[tuple(keys)] = value


def _pairs(words: list[str], names: set[str], option: str) -> dict[str, str]:
    from sync.shell.places import did_you_mean

    pairs = dict(word.partition("=")[::2] for word in words)
    for name in pairs:
        if name not in names:
            raise ConfigError([f"{option} {name}: {did_you_mean(name, names)}"])
    return pairs


def _complete(draft: TrackerDraft, folder: Path, *, asking: bool, check: bool, select: str | None) -> None:
    """Fill in what is missing, and ask the tracker; a person may correct the answers, a program is told."""
    again = False
    while True:
        _fill(draft, asking=asking, again=again)
        if not check:
            return
        try:
            capabilities = draft.check(folder, select)
        except TrackdownError as error:
            if not asking:
                raise
            note(str(error))
            again = typer.confirm("Change the answers? (no: keep them as they are)", default=True, err=True)
            if not again:
                return
        else:
            note(f"{draft.name}: {capabilities.server} lets us in as {capabilities.account}")
            return


def _fill(draft: TrackerDraft, *, asking: bool, again: bool) -> None:
    from sync.shell.setup import questions

    missing: list[str] = []
    for question in questions(draft.kind, draft.name):
        known = draft.answers.get(question.path)
        key = ".".join(question.path)
        if asking and (known is None or again):
            kind = " (env:NAME, file:path or keyring:service/name)" if question.secret else ""
            default = known or question.default or ("" if not question.required else None)
            said = typer.prompt(f"{draft.name} {key}: {question.purpose}{kind}", default=default, err=True)
            draft.answers[question.path] = str(said).strip()
        elif known is None and question.default is not None:
            draft.answers[question.path] = question.default
        elif known is None and question.required:
            missing.append(f"--set {draft.name}.{key}=… is missing: {question.purpose}")
    if missing:
        raise ConfigError(missing)
