"""Files and functions stay small enough to be read at once."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
CODE = sorted([*(ROOT / "sync").rglob("*.py"), *(ROOT / "adapters").rglob("*.py"), ROOT / "docs" / "generate.py"])
#: A migration is one list of tables; cutting it in two would help nobody.
FUNCTIONS = [path for path in CODE if path.parent != ROOT / "sync" / "store" / "migrations" / "versions"]


def _name(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", CODE, ids=_name)
def test_files_are_short(path):
    """No file has more lines than fit into a head."""
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", FUNCTIONS, ids=_name)
def test_functions_are_short(path):
    """No function is longer than a screen."""
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []
