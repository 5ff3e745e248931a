"""The pages of the project, and what stands in them."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "adapters").rglob("README.md")],
    key=lambda path: path.as_posix(),
)
_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def name_of(path):
    """A page as a test's id."""
    return path.relative_to(ROOT).as_posix()


def blocks(path, language):
    """The code blocks of one language."""
    return [one["text"] for one in _BLOCK.finditer(path.read_text("utf-8")) if one["language"] == language]


def prose(path):
    """A page without its code blocks."""
    return _BLOCK.sub("", path.read_text("utf-8"))


def tracked():
    """Every file under version control; empty where there is no git."""
    if not (ROOT / ".git").exists():
        return []
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]
