"""Rings by the thousand: `python -m tests.simulation.rings --rings 2000`, or one again: `--seed 17`."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.simulation.rings.telling import RingResult, shortest, tell_ring

#: Failing rings that are made shorter; the others are told by their seeds.
SHORTENED = 3


def main(arguments: list[str] | None = None) -> int:
    """0 where every law held, 1 where one was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.rings", description=__doc__)
    parser.add_argument("--rings", type=int, default=1000, help="how many seeds to tell (default 1000)")
    parser.add_argument("--start", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="tell this one again, and look for the shortest that fails")
    given = parser.parse_args(arguments)
    if given.seed is not None:
        result = tell_ring(given.seed)
        print(_told(shortest(result) if result.broken else result))
        return 1 if result.broken else 0
    started, failed, counts, rounds, ratio = time.monotonic(), [], Counter[str](), 0, 0.0
    for seed in range(given.start, given.start + given.rings):
        result = tell_ring(seed)
        counts.update(result.counts)
        rounds, ratio = max(rounds, result.rounds), max(ratio, result.ratio)
        failed += [result] if result.broken else []
    seconds = time.monotonic() - started
    for result in failed[:SHORTENED]:
        print(_told(shortest(result)), file=sys.stderr)
    print(f"{given.rings:,} rings in {seconds:,.0f} s ({given.rings / seconds:.1f} a second)")
    print(", ".join(f"{count:,} {name}" for name, count in counts.items()))
    print(f"at most {rounds} rounds to rest and silence, {ratio:.2f} writes per edit and copy")
    print(f"failed: {dict(Counter(result.broken[0][0] for result in failed)) or 'none'}")
    for result in failed:
        print(f"  seed {result.seed}: {': '.join(result.broken[0])}")
    return 1 if failed else 0


def _told(result: RingResult) -> str:
    """The ring, what it breaks, and how to tell it again."""
    ring = result.ring
    lines = [f"seed {result.seed}: {ring.shape}{', joined' * ring.joined}, {len(result.steps)} steps"]
    lines += [f"  {place}" for place in ring.places]
    lines += [f"  {step}" for step in result.steps]
    lines += [f"{name}: {message}" for name, message in result.broken]
    return "\n".join([*lines, f"again: python -m tests.simulation.rings --seed {result.seed}"])


if __name__ == "__main__":
    sys.exit(main())
