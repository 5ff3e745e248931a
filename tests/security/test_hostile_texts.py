"""No text keeps a worker busy: what one person writes is read in time that grows with its size and not with its square."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Characters, and seconds of the processor for all of them. What grows with the square of the size needs a hundred times as long.
SIZE, SECONDS = 60_000, 45


def test_every_reader_ends_within_its_share_of_the_processor() -> None:
    """Each tracker's codec, the references and the addresses of files, over texts that repeat what patterns look for."""
    command = [sys.executable, "-m", "tests.security.hostile_texts", str(SECONDS), str(SIZE)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    last = ran.stdout.rstrip().rpartition("\n")[2]
    assert last == "done", f"did not end: {last} {ran.stderr[-2000:]}"
