"""Whole histories by the thousand: `python -m tests.simulation --histories 20000`, or one again: `--seed 17`."""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.simulation.history import Result, run_history
from tests.simulation.shrinking import shortest
from tests.simulation.steps import read, to_json
from tests.simulation.tally import Tally

#: Seeds that a worker is given at a time.
SHARE = 8
#: Failing histories that are made shorter; the others are told by their seeds.
SHORTENED = 3


def main(arguments: list[str] | None = None) -> int:
    """0 where every promise was kept, 1 where one was broken, 130 after Ctrl-C."""
    given = _arguments().parse_args(arguments)
    if given.seed is not None:
        return _one(given.seed, given.steps, given.json, shrink=given.shrink)
    tally = Tally()
    interrupted = False
    try:
        for result in _results(range(given.start, given.start + given.histories), given.workers):
            tally.take(result)
            _progress(tally, given.histories)
    except KeyboardInterrupt:
        interrupted = True
    _say("\r")
    for seed in tally.seeds()[: 0 if interrupted else SHORTENED]:
        _tell(_shortened(run_history(seed)))
    if given.json:
        sys.stdout.write(json.dumps(tally.as_json(), indent=1) + "\n")
    else:
        sys.stdout.write(tally.as_text())
    return 130 if interrupted else 1 if tally.failed else 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--histories", type=int, default=1000, help="how many seeds to tell (default 1000)")
    parser.add_argument("--start", type=int, default=0, help="the first of them")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: a core each)")
    parser.add_argument("--seed", type=int, help="tell this one history again")
    parser.add_argument("--steps", type=Path, help="with --seed: the steps, as a failing history printed them")
    parser.add_argument("--shrink", action="store_true", help="with --seed: look for the shortest history that fails")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    return parser


def _one(seed: int, steps: Path | None, as_json: bool, *, shrink: bool) -> int:
    result = run_history(seed, None if steps is None else read(steps))
    if shrink and result.failures:
        result = _shortened(result)
    if as_json:
        failures = [asdict(one) for one in result.failures]
        counts: dict[str, Any] = {"counts": result.counts, "struck": result.struck, "fingerprint": result.fingerprint}
        sys.stdout.write(json.dumps({"seed": seed, "failures": failures, **counts}, indent=1) + "\n")
    elif result.failures:
        _tell(result)
    else:
        sys.stdout.write(f"seed {seed}: every promise was kept, {result.counts['cycles']} cycles\n")
    return 1 if result.failures else 0


def _results(seeds: Iterable[int], workers: int) -> Iterator[Result]:
    """As they come; the order of seeds is not kept."""
    if workers <= 1:
        yield from map(run_history, seeds)
        return
    with _pool(workers) as pool:
        yield from pool.imap_unordered(run_history, seeds, chunksize=SHARE)


@contextmanager
def _pool(workers: int) -> Iterator[Any]:
    with closing(multiprocessing.get_context("fork").Pool(workers, _settle_in)) as pool:
        try:
            yield pool
        except BaseException:
            pool.terminate()
            raise


def _settle_in() -> None:
    """Ctrl-C is the parent's to answer; and what a history leaves behind is not worth looking for at every turn."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _progress(tally: Tally, wanted: int) -> None:
    done = tally.counts["histories"] + tally.broken_off
    if sys.stderr.isatty() and (done % 10 == 0 or done == wanted):
        rate = done / max(0.001, time.monotonic() - tally.started)
        _say(f"\r{done:,} of {wanted:,} histories, {rate:.1f} a second, {len(tally.failed)} failed ")


def _shortened(result: Result) -> Result:
    _say(f"\nseed {result.seed} fails; looking for the shortest history that does …\n")
    return shortest(result)


def _tell(result: Result) -> None:
    """The history, what it breaks, and how to tell it again."""
    path = Path(tempfile.gettempdir()) / f"trackdown-seed-{result.seed}.json"
    path.write_text(to_json(result.steps), "utf-8")
    _say(f"\nseed {result.seed}, {len(result.steps)} steps:\n{to_json(result.steps)}")
    for one in result.failures:
        _say(f"{one.invariant}: {one.message}\n")
    _say(f"again: python -m tests.simulation --seed {result.seed} --steps {path}\n")


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
