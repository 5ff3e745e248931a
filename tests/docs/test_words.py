"""One word for one thing, and the repository speaks of the project alone."""

import ast
import re

import pytest

from tests.docs.pages import ROOT, name_of, tracked

#: The glossary's "words that we don't use", as parts of a class's name.
AVOIDED = ("Local", "Remote", "Master", "Slave", "Source", "Target", "Manager", "Helper", "Util", "Handler", "Service")
#: Names that somebody else gave, or that are the tracker's own word.
GIVEN = {"_QuietHandler": "a WSGIRequestHandler"}
CODE = sorted([*(ROOT / "sync").rglob("*.py"), *(ROOT / "adapters").rglob("*.py")])
#: Put together here, so that this file does not hold them.
MACHINE = [
    re.compile("/" + name)
    for name in (r"work/", r"root/", r"home/(?!trackdown\b)\w+/", r"Users/\w+/")  # absolute paths of somebody's machine
]
REGISTRY = re.compile(
    "|".join(["pypi" + r"\.org", "python" + r"hosted\.org", "--(?:extra-)?index" + "-url", "--find" + "-links"])
)


def test_avoided_words_are_in_no_class_name():
    """No class is called after a word that the glossary rules out."""
    found = []
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name not in GIVEN:
                words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]*", node.name)
                found += [f"{name_of(path)}: {node.name}" for word in words if word.rstrip("s") in AVOIDED]
    assert found == []


@pytest.mark.skipif(not tracked(), reason="no version control here")
@pytest.mark.parametrize("patterns", [MACHINE, [REGISTRY]], ids=["machine paths", "registries"])
def test_no_file_speaks_of_a_machine(patterns):
    """No file under version control names somebody's folders or a package index."""
    found = []
    for path in tracked():
        if path.suffix in {".png", ".ico"}:
            continue
        text = path.read_text("utf-8", errors="replace")
        found += [f"{name_of(path)}: {match[0]}" for pattern in patterns for match in pattern.finditer(text)]
    assert found == []
