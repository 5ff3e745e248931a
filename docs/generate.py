"""Writes `docs/reference/` from the code that it describes: `python -m docs.generate`, or `make docs`.

`--check` writes nothing, and ends with 1 where a page is out of date.
"""

from __future__ import annotations

import sys
import tomllib
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import timedelta
from enum import Enum
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin

import typer
from pydantic import BaseModel, SecretStr

from adapters._simulator import served
from docs import fidelity
from sync.core import ids, models
from sync.core.capabilities import Capabilities
from sync.core.fieldrules import RULES, Shape, shape_of
from sync.core.models import Field
from sync.core.policy import MergePolicy
from sync.engine.report import CycleReport, PlanReport, UndoReport
from sync.engine.standing import VerifyReport
from sync.shell.cli.errors import ExitCode
from sync.shell.cli.main import app
from sync.shell.cli.status import BridgeStatus
from sync.shell.doctor import Finding
from sync.shell.mappingfile import WORDS, shipped
from sync.shell.registry import kinds
from sync.shell.review import ConflictView
from sync.shell.settings import ConfigSettings
from sync.store.records import AuditRecord

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
HEAD = "<!-- Written by docs/generate.py from the code; edit that, then run `make docs`. -->\n"


def main(arguments: Sequence[str]) -> int:
    """Write every page, or say which ones are stale."""
    written = dict(pages())
    stale = [name for name, text in written.items() if _read(name) != text]
    if "--check" in arguments:
        for name in stale:
            print(f"docs/reference/{name} is out of date: run `make docs`", file=sys.stderr)
        return 1 if stale else 0
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, text in written.items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
    return 0


def pages() -> Iterator[tuple[str, str]]:
    """Every generated page: file name and text."""
    makers: Mapping[str, Callable[[], Iterator[str]]] = {
        "cli.md": _cli,
        "config.md": _config,
        "mapping.md": _mapping,
        "trackers.md": _trackers,
        "json.md": _json,
        "exit-codes.md": _exit_codes,
        "fidelity.md": fidelity.page,
    }
    for name, make in makers.items():
        yield name, HEAD + "\n" + "\n".join(make()).rstrip() + "\n"


def _read(name: str) -> str:
    path = REFERENCE / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _table(*headings: str) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


# -- the command line ------------------------------------------------------------------------------------


def _cli() -> Iterator[str]:
    root: Any = typer.main.get_command(app)
    yield "# The command line\n"
    yield from _command("trackdown", root)
    for name, command in root.commands.items():
        yield from _command(f"trackdown {name}", command)
        for below, nested in getattr(command, "commands", {}).items():
            yield from _command(f"trackdown {name} {below}", nested)


def _command(name: str, command: Any) -> Iterator[str]:
    arguments = [one for one in command.params if not one.opts[0].startswith("-")]
    options = [one for one in command.params if one.opts[0].startswith("-")]
    usage = [name, *(one.metavar or one.name.upper() for one in arguments)]
    nested = getattr(command, "commands", None)
    usage += ["[OPTIONS]"] if options else []
    usage += ["COMMAND"] if nested and not command.invoke_without_command else []
    usage += ["[COMMAND]"] if nested and command.invoke_without_command else []
    yield f"## `{name}`\n"
    for paragraph in filter(None, [*(command.help or "").split("\n\n"), command.epilog or ""]):
        yield " ".join(_plain(paragraph).split()) + "\n"
    yield f"```text\n{' '.join(usage)}\n```\n"
    if command.params:
        yield from _table("argument or option", "meaning", "default")
        for one in [*arguments, *options]:
            names = ", ".join([*one.opts, *one.secondary_opts]) if one in options else one.metavar or one.name.upper()
            value = f" {one.metavar or _choices(one)}" if one in options and not one.is_flag else ""
            yield _row(f"`{names}{value.rstrip()}`", _plain(one.help or ""), _default(one))
        yield ""


def _plain(text: str) -> str:
    """Markdown instead of Rich's markup."""
    return text.replace("[bold]", "`").replace("[/]", "`")


def _choices(option: Any) -> str:
    annotation = option.type_descriptor.annotation
    words = [one for part in (annotation, *get_args(annotation)) for one in get_args(part) if isinstance(one, str)]
    words += [one for one in get_args(annotation) if isinstance(one, str)]
    return " or ".join(dict.fromkeys(words)) if words else "VALUE"


def _default(option: Any) -> str:
    value = getattr(option, "default", None)
    if option.required:
        return "needed"
    return "" if value in (None, False, ()) else f"`{str(value).lower() if value is True else value}`"


# -- the config --------------------------------------------------------------------------------------------


def _config() -> Iterator[str]:
    yield "# The config\n"
    yield "A TOML file, `trackdown.toml` unless `--config` or `TRACKDOWN_CONFIG` names another. Unknown keys, missing"
    yield "secrets and bad values are reported all at once, each with its line. Durations read `30s`, `5m`, `1.5h`, `2d`."
    yield "A secret is a reference: `env:NAME`, `file:path` or `keyring:service/name`; a literal is taken only for a"
    yield "server on this machine. `config.example.toml` shows every key.\n"
    for name, info in ConfigSettings.model_fields.items():
        model = next((one for one in (info.annotation, *get_args(info.annotation)) if _is_model(one)), None)
        is_one = _is_model(info.annotation)
        yield f"## `[{name}]`\n" if is_one else f"## `[{name}.NAME]`\n"
        yield f"{_sentence(info.description or '')}\n"
        if model is not None:
            yield from _keys(model)
    for kind in kinds().values():
        yield f'## `[trackers.NAME]` with `kind = "{kind.name}"`\n'
        yield f"These keys beside `kind` and `mapping`. {kind.title}.\n"
        yield from _keys(kind.settings())


def _keys(model: type[BaseModel]) -> Iterator[str]:
    yield from _table("key", "type", "default", "meaning")
    yield from _key_rows(model, "")
    yield ""


def _key_rows(model: type[BaseModel], before: str) -> Iterator[str]:
    for name, info in model.model_fields.items():
        if _is_model(info.annotation):
            yield from _key_rows(typing.cast("type[BaseModel]", info.annotation), f"{before}{name}.")
            continue
        default = "needed" if info.is_required() else f"`{_toml(info.default)}`" if info.default is not None else ""
        yield _row(f"`{before}{name}`", _type(info.annotation), default, info.description or "")


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _toml(value: object) -> str:
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        unit, length = next(one for one in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)) if not seconds % one[1])
        return f'"{seconds // length}{unit}"'
    return f'"{value}"' if isinstance(value, str) else str(value)


_NAMES = {str: "string", int: "integer", float: "number", bool: "boolean", timedelta: "duration", SecretStr: "secret"}


def _type(annotation: Any) -> str:
    """A type in the words of TOML and JSON."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation == models.Value:
        return "value"
    if origin is typing.Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in arguments)
    if origin in (UnionType, typing.Union):
        return " or ".join(dict.fromkeys(_type(one) for one in arguments if one is not type(None)))
    if origin is tuple and arguments[-1] is not ...:
        return f"[{', '.join(_type(one) for one in arguments)}]"
    if origin in (tuple, list, frozenset):
        return f"list of {_type(arguments[0])}"
    if origin is not None and issubclass(origin, Mapping):
        return f"table of {_type(arguments[1])}"
    if hasattr(annotation, "__supertype__") or (isinstance(annotation, type) and issubclass(annotation, Enum)):
        return "string"
    if annotation in _NAMES:
        return _NAMES[annotation]
    name = str(getattr(annotation, "__name__", annotation))
    return {"FieldPolicy": "policy", "HttpUrl": "string", "Any": "JSON"}.get(name, name)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


# -- mappings ----------------------------------------------------------------------------------------------


def _mapping() -> Iterator[str]:
    yield "# The vocabulary of mappings\n"
    yield f"Shipped are {', '.join(f'`{name}`' for name in shipped())}. The file's form is told in"
    yield "[write a mapping](../howto/write-a-mapping.md).\n"
    yield "## Canonical words\n"
    yield from _table("field", "words")
    words = {**{name.value: known for name, known in WORDS.items()}, "kind": models.KINDS, "type": models.TYPES}
    for name, known in words.items():
        yield _row(f"`{name}`", ", ".join(f"`{word}`" for word in known))
    yield "\n## Fields and how they merge\n"
    yield from _table("field", "shape", "policy unless the bridge says otherwise")
    policy = MergePolicy(order=())
    for field in Field:
        yield _row(f"`{field.value}`", RULES[field].shape.value, f"`{policy.of(field).name.value}`")
    yield "\n`merge` is for sets and text; the other fields are won whole."
    assert {Shape.SCALAR, Shape.SET, Shape.TEXT} == {shape_of(field) for field in Field}
    for name in shipped():
        yield from _shipped(name)


def _shipped(name: str) -> Iterator[str]:
    table = tomllib.loads((ROOT / "mappings" / f"{name}.toml").read_text(encoding="utf-8"))
    yield f"\n## `{name}`\n"
    yield "Of several words the first that the project has is written; all are read.\n"
    yield from _table("field", "canonical", "in the tracker")
    for field, entry in table.get("fields", {}).items():
        for word, natives in entry.get("values", {}).items():
            yield _row(field, f"`{word}`", ", ".join(natives))
        for category, word in entry.get("categories", {}).items():
            yield _row(field, f"`{word}`", f"the category {category}")
        for word, instead in entry.get("fallback", {}).items():
            yield _row(field, f"`{word}`", f"like `{instead}`, where the project has nothing for it")
    for row in table.get("types", ()):
        yield _row("kind and type", f"`{row['kind']}`" + (f", `{row['type']}`" if "type" in row else ""), row["native"])
    if table.get("presets"):
        yield "\nPresets: " + ", ".join(
            f"`{preset}` (taken when the project has {', '.join(one.get('when_types', ['']))})"
            for preset, one in table["presets"].items()
        )


# -- what the trackers can do --------------------------------------------------------------------------------

#: Servers as the simulators imitate them: heading, kind, knobs.
SERVERS: Sequence[tuple[str, str, dict[str, Any]]] = (
    ("Jira Cloud", "jira", {}),
    ("Jira Data Center", "jira", {"deployment": "server"}),
    ("GitHub, organization", "github", {}),
    ("GitHub, personal", "github", {"owner_type": "User"}),
    ("GitHub Enterprise Server 3.17", "github", {"product": "ghes-3.17"}),
    ("Azure DevOps, Agile", "azure_devops", {"process": "Agile"}),
)


def _trackers() -> Iterator[str]:
    yield "# What each tracker carries\n"
    yield "As `probe` finds it on the simulated servers; `trackdown doctor` asks yours.\n"
    found = [(title, _probed(kind, knobs)) for title, kind, knobs in SERVERS]
    yield from _table("", *(title for title, _ in found))
    for field in [one for one in Field if one is not Field.ATTACHMENTS]:
        yield _row(RULES[field].label, *("yes" if field in caps.fields else "no" for _, caps in found))
    facts: Mapping[str, Callable[[Capabilities], object]] = {
        "Attachments are copied (else linked)": lambda caps: caps.attachments,
        "Comments: make, edit, delete": lambda caps: caps.comments and caps.comment_edit and caps.comment_delete,
        "Assignees": lambda caps: caps.max_assignees,
        "Title limit, characters": lambda caps: caps.title_limit,
        "Body limit, characters": lambda caps: caps.body_limit,
        "Refuses a write over a newer version": lambda caps: caps.conditional_writes,
        "History says who wrote what, when": lambda caps: caps.history,
        "Requests of an idle pull, at most": lambda caps: caps.feeds,
    }
    for label, of in facts.items():
        yield _row(label, *(_fact(of(caps)) for _, caps in found))
    for kind in kinds().values():
        yield f"\n## {kind.title}: what it was held to\n"
        yield from _table("rule", "status", "how")
        path = ROOT / "adapters" / kind.name / "quality.toml"
        for rule, told in tomllib.loads(path.read_text(encoding="utf-8"))["rules"].items():
            yield _row(rule, told["status"], told["reason"])


def _fact(value: object) -> str:
    return {True: "yes", False: "no", None: "none"}[value] if isinstance(value, bool | None) else f"{value:,}"


def _probed(kind: str, knobs: Mapping[str, Any]) -> Capabilities:
    with served(import_module(f"adapters.{kind}.simulator").create(token="any", **knobs)) as simulator:  # noqa: S106
        table = {key: value for key, value in simulator.description().items() if key != "kind"}
        settings = kinds()[kind].settings().model_validate(table)
        adapter = import_module(f"adapters.{kind}.adapter").open_adapter(settings, replica=kind, select=None)
        try:
            found: Capabilities = adapter.probe()
        finally:
            adapter.close()
    return found


# -- JSON and exit codes -------------------------------------------------------------------------------------


def _json() -> Iterator[str]:
    yield "# The JSON documents\n"
    yield "`--json` prints one document on stdout; everything else goes to stderr. Sets are sorted lists, times ISO 8601,"
    yield "durations seconds. A *value* is a string, a list of strings or null; one that the mapping has no word for is"
    yield '`{"unknown": true}`. An error is `{"error": {"exit", "kind", "problems"}}`.\n'
    documents: Sequence[tuple[str, str, type[Any] | None]] = (
        ("sync", '`{"run", "bridges": […]}`; each bridge has its `run` and', CycleReport),
        ("plan", '`{"bridges": […]}` and, with `--out`, `file`; each bridge has, with `name` for it,', PlanReport),
        ("apply", "As `sync`; each bridge has the `differences` of a stale plan, too.", None),
        ("undo", "One document:", UndoReport),
        ("doctor", '`{"findings": […], "exit"}`; each finding has', Finding),
        ("status", '`{"bridges": […], "problems": […]}`; problems as `sync` has them, each bridge has', BridgeStatus),
        ("verify", '`{"bridges": […]}`; each has `counts`, `sync` (what `--fix` ran, or null) and', VerifyReport),
        ("conflicts list", '`{"conflicts": […], "waiting"}`; each conflict as `conflicts show` prints it.', None),
        ("conflicts show, conflicts resolve", "One conflict:", ConflictView),
        ("conflicts report", '`{"file", "conflicts", "waiting"}`, the last two as numbers.', None),
        ("audit", '`{"entries": […]}`; each entry has its ticket\'s `key` and', AuditRecord),
        ("audit verify", '`{"whole", "entry", "reason", "entries", "head"}`; `entry`: the first that is wrong.', None),
        ("people list", '`{"accounts": [{"tracker", "account", "name", "mail", "person", "tickets"}]}`.', None),
        ("people match", '`{"matches": [{"person", "name", "accounts", "reason"}], "doubts", "written"}`.', None),
        ("links list", '`{"tickets": [{"bridge", "ticket", "key", "title", "links"}]}`;', None),
        ("links add", '`{"ticket", "key", "links"}`.', None),
        ("links remove", '`{"ticket", "key", "removed"}`.', None),
        ("init", '`{"file", "trackers", "bridge", "next"}`.', None),
    )
    for name, text, model in documents:
        yield f"## `{name} --json`\n"
        if name == "links list":
            text += ' `links` has, by tracker, `{"key", "url", "ref", "state"}`.'
        yield f"{text}\n"
        if model is not None:
            yield from _members(model, set())


def _members(model: type[Any], seen: set[type[Any]]) -> Iterator[str]:
    hints = typing.get_type_hints(model, localns=vars(ids))
    below: list[type[Any]] = []
    yield from _table("member", "type")
    for item in fields(model):
        if item.name == "run" and model is CycleReport:
            continue
        name = "name" if (model, item.name) == (PlanReport, "bridge") else item.name
        optional = type(None) in get_args(hints[item.name]) and hints[item.name] != models.Value
        yield _row(f"`{name}`", _type(hints[item.name]) + (" or null" if optional else ""))
        parts = [hints[item.name], *get_args(hints[item.name])]
        below += [one for one in parts if is_dataclass(one) and isinstance(one, type) and one not in seen]
    yield ""
    for one in dict.fromkeys(below):
        seen.add(one)
        yield f"A `{one.__name__}` has\n"
        yield from _members(one, seen)


_MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.PROBLEMS: "some tickets had problems; the others were synced",
    ExitCode.USAGE: "usage, config, mapping or store: mend it, then call again",
    ExitCode.HALTED: "halted by a guard (nothing was written), deletes wait for a consent, or another worker holds the bridge",
    ExitCode.TRACKER: "a tracker was unreachable or refused us; the others went on",
    ExitCode.CONFLICT: "a conflict waits for a person (`sync`, `conflicts list`)",
    ExitCode.INTERRUPTED: "interrupted; the write in hand was finished",
}


def _exit_codes() -> Iterator[str]:
    yield "# Exit codes\n"
    yield from _table("code", "meaning")
    for code in ExitCode:
        yield _row(str(int(code)), _MEANINGS[code])
    yield "\nWhere several apply, the first of these is told: 130, 2, 4, 3, 5, 1."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
