"""A folder for files on their way from one tracker to another: it is gone with its process, even with one that was killed."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "trackdown-files-"
#: A folder that is younger may not be locked by its maker yet.
YOUNG = 60.0


@contextmanager
def passing_folder() -> Iterator[Path]:
    """An empty folder that only this user may look into, removed at the end; so are those whose processes are dead."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            _remove_if_left(left)
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        lock = _lock(Path(name))
        try:
            yield Path(name)
        finally:
            if lock is not None:
                os.close(lock)


def _remove_if_left(folder: Path) -> None:
    found = folder.lstat()
    if sys.platform == "win32" or not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        return
    if time.time() - found.st_mtime > YOUNG and (lock := _lock(folder)) is not None:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _lock(folder: Path) -> int | None:
    """A lock that ends with this process, whatever ends it; None where another has it, or where there are none."""
    if sys.platform == "win32":
        return None
    import fcntl

    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle
