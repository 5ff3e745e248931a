"""`python -m bench.text`: how true the conversions of rich text are, and how fast; the gates decide on the exit code."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from bench import text_gates as gates
from bench.text_corpora import Bodies, Places
from bench.text_gates import PATHS, Gate


def main() -> int:
    """The exit code: 0 when every gate that could be measured holds, else 1."""
    parser = argparse.ArgumentParser(prog="python -m bench.text", description="How true conversions of rich text are.")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the tables")
    parser.add_argument("--no-speed", action="store_true", help="leave out how the time grows with the size")
    options = parser.parse_args()
    places = Places.of()
    sets = {"examples": places.specification(), "bodies": places.bodies("github_md")}
    found: list[Gate] = []
    errors = Console(stderr=True)
    for gate in _gates(places, sets, speed=not options.no_speed):
        found.append(gate)
        errors.print(f"  {gate.path}: {gate.figure}: {gate.measured}", style="dim")
    table = gates.by_construct([*sets["examples"], *sets["bodies"]])
    if options.json:
        json.dump({"gates": [asdict(gate) for gate in found], "constructs": table}, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        _show(found, table)
    return 0 if all(gate.reached is not False for gate in found) else 1


def _gates(places: Places, sets: dict[str, Bodies], *, speed: bool) -> Iterator[Gate]:
    if not sets["examples"]:
        yield Gate(
            path="all", figure="CommonMark and GFM examples", measured="MARKDOWN_EXAMPLES names no folder of them"
        )
    for path in PATHS:
        for name, bodies in sets.items():
            if bodies:
                yield from gates.round_trips(path, name, bodies)
    both = [*sets["examples"], *sets["bodies"]]
    yield gates.schema(places, both)
    yield gates.kept_nodes(places)
    yield from gates.kept_source(places)
    yield from gates.kept_author(sets["bodies"])
    yield from gates.neutral(both)
    yield gates.wiki_by_jira(places)
    if speed:
        yield from gates.speed(sets["bodies"])


def _show(found: list[Gate], constructs: dict[str, dict[str, str]]) -> None:
    console = Console()
    table = Table("path", "figure", "target", "measured", "reached")
    for gate in found:
        reached = {None: "", True: "yes", False: "[bold red]NO[/]"}[gate.reached]
        table.add_row(gate.path, gate.figure, gate.target, gate.measured, reached)
    console.print(table)
    share = Table(
        "construct (texts)", *PATHS, title="% in which every instance looks the same on GitHub after the trip"
    )
    for name, row in constructs.items():
        share.add_row(name, *row.values())
    console.print(share)


if __name__ == "__main__":
    sys.exit(main())
