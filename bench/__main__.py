"""`python -m bench`: measure, and print one table."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from bench.carried import carried
from bench.figures import EDITED, LARGE, SMALL, Bench, Figure
from bench.paced import paced
from bench.runs import Failed


def main() -> int:
    """The exit code: 0 when every target was reached, 1 when one was not, 2 when something failed."""
    options = _options()
    errors = Console(stderr=True)
    large = 300 if options.quick else options.tickets
    bench = Bench(
        small=90 if options.quick else min(SMALL, large),
        large=large,
        edited=6 if options.quick else min(EDITED, large // 20),
        tell=lambda text: errors.print(text, style="dim"),
    )
    parts: dict[str, Callable[[], Iterator[Figure]]] = {
        "pull": bench.pull,
        "carried": lambda: carried(bench),
        "paced": lambda: paced(bench),
        "sizes": bench.sizes,
    }
    found: list[Figure] = []
    try:
        for name, part in parts.items():
            if options.only in (None, name):
                for figure in part():
                    found.append(figure)
                    errors.print(f"  {figure.figure}: {figure.measured}", style="dim")
    except Failed as error:
        errors.print(str(error), style="bold red", markup=False)
        return 2
    finally:
        _show(found, as_json=options.json)
    return 0 if all(figure.reached is not False for figure in found) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="What a sync costs, against the simulators.")
    parser.add_argument(
        "--only",
        choices=("pull", "carried", "paced", "sizes"),
        help="only the first pull, what tickets carry, a first sync under real limits, or the syncs",
    )
    parser.add_argument(
        "--tickets", type=int, default=LARGE, help="tickets of the large project (default: %(default)s)"
    )
    parser.add_argument("--quick", action="store_true", help="300 tickets instead of 10,000, to see that it works")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    return parser.parse_args()


def _show(figures: list[Figure], *, as_json: bool) -> None:
    if as_json:
        json.dump({"figures": [asdict(figure) for figure in figures]}, sys.stdout, indent=2)
        sys.stdout.write("\n")
        return
    table = Table("figure", "target", "measured", "reached")
    for figure in figures:
        reached = {None: "", True: "yes", False: "[bold red]NO[/]"}[figure.reached]
        table.add_row(figure.figure, figure.target, figure.measured, reached)
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
