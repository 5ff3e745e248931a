"""`python -m tests.kill`: kills, stops and two daemons at once, and a table of what came of them."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator

from tests.kill.kills import SHARE, Killed
from tests.kill.pairs import Paired
from tests.kill.series import Result, Series, Some, run_all, split, summed
from tests.kill.stops import Stopped


def main() -> int:
    """0 when every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--stops", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20, help="how long two daemons work side by side")
    parser.add_argument("--workers", type=int, default=2, help="how many series run at a time")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    wanted = parser.parse_args()
    every = [*split("kills", wanted.kills, wanted.seed), *split("stops", wanted.stops, wanted.seed)]
    if wanted.seconds:
        every.insert(0, Series(work="pair", amount=wanted.seconds, seed=wanted.seed))
    began = time.monotonic()
    results = run_all(every, workers=wanted.workers, tell=_tell)
    took = time.monotonic() - began
    broken = [problem for result in results for problem in result.problems]
    for line in (*_table(results), "", f"seed {wanted.seed}, {took:.0f} s", *(f"BROKEN: {one}" for one in broken)):
        _say(line)
    kept = _kept(Killed, results) and _kept(Stopped, results) and _kept(Paired, results)
    _say("every promise was kept" if kept else "NOT every promise was kept")
    return 0 if kept else 1


def _kept(kind: type[Some], results: list[Result]) -> bool:
    return not any(isinstance(result, kind) for result in results) or summed(kind, results).kept


def _tell(series: Series, result: Result) -> None:
    _say(
        f"{series.work} {series.amount:g}: {'ok' if not result.problems else result.problems[0]} ({result.seconds:.0f} s)"
    )


def _table(results: list[Result]) -> Iterator[str]:
    killed, stopped, paired = summed(Killed, results), summed(Stopped, results), summed(Paired, results)
    yield ""
    if killed.kills:
        yield f"SIGKILL                      {killed.kills} in {killed.seconds:.0f} s of work"
        yield f"  aimed at                   {_counts(killed.by)}"
        yield f"  between create and record  {killed.in_window} = {killed.share:.0%} (at least {SHARE:.0%})"
        yield f"                             {_counts(killed.windows)}"
        yield f"  done after the death       {killed.late}"
        yield f"  stood there in the end     {_counts(killed.stood)}"
        yield f"  idle cycles wrote          {killed.idle_writes}"
        yield f"  broken promises            {len(killed.problems)}"
    if stopped.stops:
        yield f"SIGSTOP past the lease       {stopped.stops} in {stopped.seconds:.0f} s of work"
        yield f"  stopped at                 {_counts(stopped.by)}"
        yield f"  gave up by themselves      {stopped.lost}"
        yield f"  stale commits              {stopped.stale_commits}"
        yield f"  stale writes               {stopped.stale_writes}"
        yield f"  (in a commit: no takeover) {stopped.in_commits}"
        yield f"  broken promises            {len(stopped.problems)}"
    if paired.runs:
        yield f"Two daemons                  {paired.runs} runs, {paired.writes} writes in {paired.seconds:.0f} s"
        yield f"  runs with writes           {' and '.join(map(str, paired.synced))}"
        yield f"  broken promises            {len(paired.problems)}"


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{what} {number}" for what, number in counter.most_common())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
