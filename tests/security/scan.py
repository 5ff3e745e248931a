"""`make security`: the code by bandit, the locked dependencies by pip-audit, each finding told or excused with a reason.

Exit code 1 for findings. Where the advisories can't be had, that is said loudly and is no failure: nothing was found, because
nothing was looked for.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CODE = ("sync", "adapters", "mappings")
#: What serves simulated trackers on loopback and ships for tests alone.
LEFT_OUT = ("*/simulator/*", "sync/testing")
#: Asserts narrow types for mypy; what they say is no check of anybody's input.
SKIPPED = ("B101",)
#: (file, rule) → why it may be. One that is found no more has to go.
EXCUSED: Mapping[tuple[str, str], str] = {
    ("adapters/_http.py", "B311"): "spreads waits apart; nobody gains by guessing it",
    (
        "adapters/azure_devops/wire.py",
        "B608",
    ): "WIQL has no parameters; numbers and closed conditions only, see tests/security",
    ("sync/shell/app.py", "B105"): "the name of a row of the store, not the secret in it",
    ("sync/shell/cli/simulate.py", "B107"): "opens nothing but the simulator that it is given to",
    ("sync/shell/demo_world.py", "B105"): "opens nothing but the demo's simulators",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one tool came to: `lines` for people."""

    failed: bool
    lines: tuple[str, ...]


def judge_code(report: Mapping[str, Any], excused: Mapping[tuple[str, str], str] = EXCUSED) -> Verdict:
    """Bandit's report, without what is excused."""
    found = [(str(one["filename"]).removeprefix("./"), one["test_id"], one) for one in report["results"]]
    open_ = [
        f"{place}:{one['line_number']}: {rule} {one['issue_text']}"
        for place, rule, one in found
        if (place, rule) not in excused
    ]
    stale = set(excused) - {(place, rule) for place, rule, _ in found}
    open_ += [
        f"{place}: {rule} is excused and not found any more: take the excuse out" for place, rule in sorted(stale)
    ]
    open_ += [f"could not be read: {one}" for one in report.get("errors", ())]
    told = f"bandit: {len(found)} findings, {sum((place, rule) in excused for place, rule, _ in found)} of them excused"
    return Verdict(failed=bool(open_), lines=(*open_, told))


def judge_dependencies(report: Mapping[str, Any] | None, said: str = "") -> Verdict:
    """pip-audit's report, or what it said instead of one."""
    rows: Sequence[Mapping[str, Any]] = report["dependencies"] if report else ()
    audited = [row for row in rows if "skip_reason" not in row]
    if not audited:
        why = str(rows[0]["skip_reason"]) if rows else said.strip().rpartition("\n")[2] or "no answer"
        banner = "!" * 78
        return Verdict(
            failed=False,
            lines=(
                banner,
                f"pip-audit: NOT AUDITED, the advisories can't be had here: {why}",
                "Run it where they can.",
                banner,
            ),
        )
    lines = [
        f"{row['name']} {row['version']}: {one['id']} (mended in {', '.join(one.get('fix_versions') or ['no version'])})"
        for row in audited
        for one in row["vulns"]
    ]
    failed = bool(lines)
    lines += [f"NOT AUDITED: {row['name']}: {row['skip_reason']}" for row in rows if "skip_reason" in row]
    lines.append(f"pip-audit: {len(audited)} of {len(rows)} packages audited")
    return Verdict(failed=failed, lines=tuple(lines))


def _run(module: str, *arguments: str) -> tuple[Any, str]:
    """The JSON that a tool printed, None where it printed none, and what it said beside it."""
    ran = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    try:
        return json.loads(ran.stdout), ran.stderr
    except ValueError:
        return None, ran.stderr


def main() -> int:
    """Run both."""
    missing = [name for name in ("bandit", "pip_audit") if importlib.util.find_spec(name) is None]
    if missing:
        sys.stdout.write(
            f"NOT CHECKED: {', '.join(missing)} not installed: they belong to the dev group of pyproject.toml\n"
        )
        return 1
    code, said = _run(
        "bandit", "--quiet", "--recursive", *CODE,
        "--exclude", ",".join(LEFT_OUT), "--skip", ",".join(SKIPPED), "--format", "json",
    )  # fmt: skip
    if code is None:
        sys.stdout.write(f"bandit did not run: {said}\n")
        return 1
    audit, said = _run(
        "pip_audit", "--requirement", "requirements.lock", "--disable-pip", "--require-hashes",
        "--format", "json", "--progress-spinner", "off",
    )  # fmt: skip
    verdicts = (judge_code(code), judge_dependencies(audit, said))
    for verdict in verdicts:
        sys.stdout.write("\n".join(verdict.lines) + "\n")
    return int(any(verdict.failed for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
