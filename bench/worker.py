"""The measured process: opens the bridge as every command does and runs cycles; one JSON line for each.

`cpu` are processor seconds of the cycle alone, with all its threads, without starting Python.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from sync.engine.cycle import run_cycle
from sync.shell.app import Effects, open_bridges, open_store
from sync.shell.configfile import load


def main(config_path: str, cycles: str) -> None:
    """Run so many cycles of the only bridge."""
    config = load(Path(config_path))
    with open_store(config) as store, open_bridges(config, store, effects=Effects(allow_mass_change=True)) as bridges:
        for _ in range(int(cycles)):
            before = time.process_time()
            report = run_cycle(bridges[0])
            cpu = time.process_time() - before
            sys.stdout.write(json.dumps({**report.as_json(), "cpu": cpu}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
