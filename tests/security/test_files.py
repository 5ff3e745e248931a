"""What a file is called decides nothing about where its bytes lie."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import pytest

from tests.system.bridged import JIRA, bridged

NAMES = (
    "../../../evil.txt",
    "/etc/cron.d/evil",
    "..",
    "C:\\Windows\\other.txt",
    "a\r\nX-Evil: 1.txt",
    "x" * 200 + ".txt",
)


def test_a_name_that_leads_elsewhere_leads_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files with such names are copied; meanwhile each lies in a folder of our own under a name of our own, and nothing is left."""
    scratch, home = tmp_path / "scratch", tmp_path / "home"
    scratch.mkdir()
    home.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.chdir(home)
    made: set[str] = set()
    opened = Path.open

    def noted(path: Path, *args, **kwargs):
        made.add(os.fspath(path))
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", noted)
    with bridged(tmp_path / "home") as world:
        key = world.jira.add_issue("With files")
        for number, name in enumerate(NAMES):
            world.jira.attach(key, name, f"content {number}".encode())
        world.until_quiet()
        (azure,) = world.azure.keys()
        assert sorted(world.azure.files_of(azure).values()) == [
            f"content {number}".encode() for number in range(len(NAMES))
        ]
        assert JIRA in world.keys("With files")
    assert list(scratch.iterdir()) == []
    assert {path.name.partition(".db")[0] for path in home.iterdir()} <= {"t", "trackdown.toml"}
    inside = [path for path in made if path.startswith(str(scratch))]
    assert inside
    assert all(Path(path).resolve().is_relative_to(scratch) for path in inside)
    assert not [path for path in inside if re.search(r"evil|other|cron|\.\.", Path(path).name)]
    assert {path.name for path in tmp_path.iterdir()} == {"scratch", "home"}
