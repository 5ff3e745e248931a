"""`python -m tests.wire`: many histories, or one again.

python -m tests.wire --histories 1000 --workers 2        seeds 0 to 999; each that fails is told with its shortest form
python -m tests.wire --seed 17                           one, with every request
python -m tests.wire --replay failing.json               the same of a history that was written down
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

from tests.wire.history import Result, run_history
from tests.wire.shrink import shortest
from tests.wire.steps import History, drawn


@dataclass(slots=True)
class Done:
    """What a worker hands back: a result without its requests."""

    seed: int
    breaks: list[str]
    counts: Counter[str]
    struck: Counter[str]


def one(seed: int) -> Done:
    """Do the history of a seed."""
    result = run_history(drawn(seed))
    return Done(seed, result.breaks, result.counts, result.struck)


def kind_of(breaks: list[str]) -> str:
    """What a failure is about: a shorter history must fail in the same way."""
    return breaks[0].partition(":")[0] if breaks else ""


def shortened(seed: int) -> tuple[History, Result]:
    """The shortest history that fails like this seed, and how it fails."""
    whole = drawn(seed)
    wanted = kind_of(run_history(whole).breaks)
    least = shortest(whole, lambda history: kind_of(run_history(history).breaks) == wanted)
    return least, run_history(least)


def tell(history: History, result: Result, *, requests: bool) -> None:
    """Print the steps, what was sent, and what is broken."""
    for step in history.steps:
        print(" ", step)
    if requests:
        print(*result.sent, sep="\n")
    print(*(f"  BROKEN {line}" for line in result.breaks) or ["  every promise is kept"], sep="\n")


def many(seeds: range, workers: int) -> Iterator[Done]:
    """Do the histories of all seeds, in this process or in several."""
    if workers <= 1:
        yield from map(one, seeds)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(one, seeds)


def main() -> int:
    """The command; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.wire", description=__doc__.partition("\n")[0])
    parser.add_argument("--histories", type=int, default=100, help="how many seeds")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep-long", action="store_true", help="do not look for the shortest history")
    parser.add_argument("--seed", type=int, help="do this one alone and show every request")
    parser.add_argument("--replay", type=Path, help="do the history in this file and show every request")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    asked = parser.parse_args()
    if asked.seed is not None or asked.replay is not None:
        history = History.from_json(json.loads(asked.replay.read_text())) if asked.replay else drawn(asked.seed)
        result = run_history(history)
        tell(history, result, requests=True)
        return 1 if result.breaks else 0
    return _volume(asked)


def _volume(asked: argparse.Namespace) -> int:
    started, counts, struck = time.monotonic(), Counter[str](), Counter[str]()
    failed: list[Done] = []
    try:
        for done in many(range(asked.first, asked.first + asked.histories), asked.workers):
            counts += done.counts + Counter(histories=1)
            struck += done.struck
            if done.breaks:
                failed.append(done)
                print(f"seed {done.seed}: {done.breaks[0]}", file=sys.stderr, flush=True)
                if not asked.keep_long:
                    _explain(done.seed)
            if counts["histories"] % 50 == 0:
                print(f"{counts['histories']} histories, {len(failed)} failed", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("interrupted; what was done so far:", file=sys.stderr)
    seconds = time.monotonic() - started
    told = {
        **counts,
        "faults": sum(struck.values()),
        "failed": [done.seed for done in failed],
        "seconds": round(seconds, 1),
        "by_fault": dict(struck.most_common()),
    }
    print(json.dumps(told) if asked.json else "\n".join(f"{name:10} {value}" for name, value in told.items()))
    return 1 if failed else 0


def _explain(seed: int) -> None:
    history, result = shortened(seed)
    path = Path(f"wire-{seed}.json").absolute() if os.access(".", os.W_OK) else Path(f"/tmp/wire-{seed}.json")
    path.write_text(json.dumps(asdict(history)))
    print(f"  shortest; again with: python -m tests.wire --replay {path}")
    tell(history, result, requests=False)
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
