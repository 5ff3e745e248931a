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
from dataclasses import asdict
from pathlib import Path

from tests.wire.history import Result, run_history
from tests.wire.steps import History, drawn
from tests.wire.volume import Done, many, shortened


def tell(history: History, result: Result, *, requests: bool) -> None:
    """Print the steps, what was sent, and what is broken."""
    for step in history.steps:
        print(" ", step)
    if requests:
        print(*result.sent, sep="\n")
    for line in result.breaks or ["nothing: every promise is kept"]:
        print("  BROKEN", line)


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
