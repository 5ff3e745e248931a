"""What the code is not made of: formats that run what they read, shells, and switches that turn a measure off."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = sorted(path for name in ("sync", "adapters", "mappings") for path in (ROOT / name).rglob("*.py"))
#: Readers that run what they read, or grow what they read, and what starts other programs.
NEVER = frozenset(
    {
        *(
            "pickle",
            "marshal",
            "shelve",
            "dill",
            "cloudpickle",
            "jsonpickle",
            "yaml",
            "ruamel",
            "xml",
            "lxml",
            "defusedxml",
        ),
        *("zipfile", "tarfile", "csv", "openpyxl", "xlsxwriter", "subprocess", "pty", "ctypes"),
    }
)
BUILTINS = frozenset({"eval", "exec", "compile", "__import__"})


@cache
def trees() -> tuple[tuple[str, ast.Module], ...]:
    return tuple((path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8"))) for path in CODE)


def imported(tree: ast.Module) -> set[str]:
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in names}


def test_nothing_reads_what_runs_or_starts_what_reads() -> None:
    """No YAML, pickle, XML, archive or spreadsheet is read or written anywhere, and no program is started.

    That answers XML entities, YAML tags, archive paths and formulas in CSV: there is nothing of the kind.
    """
    found = {name: sorted(imported(tree) & NEVER) for name, tree in trees()}
    assert len(found) > 150
    assert {name: used for name, used in found.items() if used} == {}


def test_nothing_is_evaluated() -> None:
    """Text is never taken for code."""
    found = [
        f"{name}:{node.lineno}"
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BUILTINS
    ]
    assert found == []


@pytest.mark.parametrize(
    "switch",
    [
        r"verify\s*=\s*False",
        r"CERT_NONE",
        r"_create_unverified_context",
        r"check_hostname\s*=\s*False",
        r"shell\s*=\s*True",
        r"autoescape\s*=\s*False",
        r"\|\s*safe\b",
        r"Markup\(.*\)",
        r"hide_parameters\s*=\s*False",
        r"InsecureRequestWarning",
    ],
)
def test_no_measure_is_turned_off(switch: str) -> None:
    """Neither in code nor in templates."""
    files = [*CODE, *(ROOT / "sync").rglob("*.html")]
    assert [path.name for path in files if re.search(switch, path.read_text("utf-8"))] == []


def test_statements_of_the_store_are_never_put_together_from_values() -> None:
    """`text()` and the driver's own SQL take literals only: what people wrote is bound."""
    found = []
    for path in sorted((ROOT / "sync" / "store").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in ("text", "exec_driver_sql") and node.args:
                (value, *_) = node.args
                if isinstance(value, ast.BinOp) or any(_is_put_in(part) for part in ast.walk(value)):
                    found.append(f"{path.name}:{node.lineno}")
    assert [place for place in found if not place.startswith("r000")] == []


def _is_put_in(part: ast.AST) -> bool:
    """Whether a value gets into a text: not a constant of the module, and no number that was made one."""
    if not isinstance(part, ast.FormattedValue):
        return False
    value = part.value
    constant = isinstance(value, ast.Name) and value.id.isupper()
    return not (constant or (isinstance(value, ast.Call) and _name(value.func) == "int"))


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
