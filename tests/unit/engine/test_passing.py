"""Files on their way are gone with their process, whatever ended it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from sync.engine.passing import PREFIX, YOUNG, passing_folder

HOLD = """
from sync.engine.passing import passing_folder
with passing_folder() as folder:
    (folder / "file").write_bytes(b"of a ticket")
    print(folder, flush=True)
    input()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where such folders are made, by this process and those that it starts."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def aged(folder: Path) -> None:
    """Let the folder be older than one whose maker has just begun."""
    then = folder.stat().st_mtime - 2 * YOUNG
    os.utime(folder, (then, then))


def test_it_is_private_and_gone_in_the_end(place: Path) -> None:
    """Nobody else may look into the folder, and nothing of it is left."""
    with passing_folder() as folder:
        assert folder.parent == place
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "file").write_bytes(b"of a ticket")
    assert list(place.iterdir()) == []


def test_the_folder_of_a_killed_process_is_removed_by_the_next_one(place: Path) -> None:
    """While its process lives it stays, however old; after a SIGKILL it goes, and a new one stays for a moment."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        left = Path(worker.stdout.readline().strip())
        aged(left)
        with passing_folder():
            assert (left / "file").exists()
        worker.kill()
    with passing_folder() as other:
        assert sorted(place.iterdir()) == [other]


def test_what_is_not_ours_or_has_just_begun_is_left_alone(place: Path) -> None:
    """A folder without a lock may be a second old; a file of that name, or a link, is somebody else's."""
    young, link, file = place / f"{PREFIX}young", place / f"{PREFIX}link", place / f"{PREFIX}file"
    other = place / "other"
    young.mkdir()
    other.mkdir()
    aged(other)
    link.symlink_to(other)
    file.write_bytes(b"")
    with passing_folder():
        pass
    assert sorted(place.iterdir()) == sorted([young, link, file, other])
